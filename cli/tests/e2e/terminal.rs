//! One-off commands at a terminal, which `script` (of util-linux) makes.

use crate::context::for_each_user;

#[test]
fn a_one_off_command_gets_a_terminal_where_there_is_one() {
    for_each_user(|context| {
        context.ready_slug();
        let script = "stty rows 33 cols 77; exec $SLUGBUILDER --quiet run slug.tgz -- \
             'test -t 0 && test -t 1 && test -t 2 && stty size; exit 5'";
        let ran = context
            .shell(r#"script --quiet --return --command "$SCRIPT" /dev/null"#)
            .env("SCRIPT", script)
            .env("TERM", "dumb")
            .env("SHELL", "/bin/bash")
            .run();
        assert_eq!(ran.status, 5, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("33 77"), "{}", ran.stdout);
    });
}

#[test]
fn what_is_typed_reaches_the_command_and_control_c_is_its_own() {
    for_each_user(|context| {
        context.ready_slug();
        let script = "exec $SLUGBUILDER --quiet run slug.tgz -- \
             'trap \"echo interrupted; exit 9\" INT; read line; echo got $line; sleep 60 & wait'";
        let ran = context
            .shell(r#"(sleep 1; echo typed; sleep 1; printf '\003'; sleep 2) | script --quiet --return --command "$SCRIPT" /dev/null"#)
            .env("SCRIPT", script)
            .env("TERM", "dumb")
            .env("SHELL", "/bin/bash")
            .run();
        assert!(
            ran.stdout.contains("got typed"),
            "{}{}",
            ran.stdout,
            ran.stderr
        );
        assert!(ran.stdout.contains("interrupted"), "{}", ran.stdout);
        assert_eq!(ran.status, 9);
    });
}

#[test]
fn colours_are_for_terminals() {
    for_each_user(|context| {
        let script = "$SLUGBUILDER compile /nowhere 2>&1";
        let at_a_terminal = |no_color| {
            context
                .shell(r#"script --quiet --return --command "$SCRIPT" /dev/null"#)
                .env("SCRIPT", script)
                .env("SHELL", "/bin/bash")
                .env("NO_COLOR", no_color)
                .run()
                .stdout
        };
        assert!(at_a_terminal("").contains("\u{1b}["));
        assert!(!at_a_terminal("1").contains("\u{1b}["));
        let piped = context.slugbuilder(["compile", "/nowhere"]).fails(2);
        assert!(!piped.contains('\u{1b}'));
        let always = context
            .slugbuilder(["compile", "/nowhere", "--color", "always"])
            .fails(2);
        assert!(always.contains('\u{1b}'));
    });
}
