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
        // The shell looks at pending traps between two commands: a signal that comes just before one begins waits for its end.
        let script = "exec $SLUGBUILDER --quiet run slug.tgz -- \
             'trap \"echo interrupted; exit 9\" INT; read line; echo got $line; while :; do sleep 1; done'";
        // Control-C is not typed before the command is seen to have read what was typed before.
        let types = r#"
            rm -f typescript
            wait_for() { for i in $(seq 600); do grep -q "$1" typescript 2>/dev/null && return; sleep 0.1; done; }
            (echo typed; wait_for 'got typed'; printf '\003'; wait_for interrupted) |
                script --quiet --flush --return --command "$SCRIPT" typescript"#;
        let ran = context
            .shell(types)
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
