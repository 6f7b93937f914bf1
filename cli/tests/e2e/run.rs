//! `run`: what a dyno does.

use crate::context::{Context, for_each_user, ordinary};
use crate::invocation::Invocation;
use crate::slug::entries;
use nix::sys::signal::Signal;
use std::fs;

/// Runs a one-off command of the slug that [`Context::ready_slug`] makes.
fn one_off(context: &Context, script: &str) -> String {
    context
        .slugbuilder(["run", "slug.tgz", "--", script])
        .succeeds()
        .stdout
}

#[test]
fn a_process_type_gets_what_heroku_gives_it() {
    for_each_user(|context| {
        context.ready_slug();
        let ran = context
            .slugbuilder(["run", "slug.tgz"])
            .env("PORT", "5123")
            .succeeds();
        assert_eq!(ran.stdout, "I am web.1 on 5123\n");
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran.stderr, @"
            Starting web.1 with command `bin/web`
            Process exited with status 0
            ");
        }
        let variables = one_off(context, "env | sort");
        let names: Vec<&str> = variables
            .lines()
            .map(|line| line.split('=').next().unwrap())
            .filter(|name| !["_", "SHLVL", "OLDPWD"].contains(name))
            .collect();
        assert_eq!(
            names,
            ["DYNO", "HOME", "PATH", "PORT", "PS", "PWD"],
            "{variables}"
        );
        for line in ["HOME=/app", "PWD=/app", "PORT=5000"] {
            assert!(variables.contains(line), "{variables}");
        }
        let dyno = variables
            .lines()
            .find(|line| line.starts_with("DYNO=run."))
            .unwrap();
        dyno["DYNO=run.".len()..].parse::<u32>().unwrap();
    });
}

/// A shell that runs slugbuilder in the background makes it ignore SIGINT and SIGQUIT.
#[test]
fn a_process_ignores_no_signal_that_slugbuilder_ignores() {
    for_each_user(|context| {
        context.ready_slug();
        let ran = context
            .shell(r#"trap "" INT QUIT TERM HUP USR1; exec $SLUGBUILDER --quiet run slug.tgz -- "$SCRIPT""#)
            .env("SCRIPT", "grep -E 'Sig(Ign|Blk)' /proc/self/status; trap 'echo trapped; exit 3' INT; kill -INT $$; sleep 5")
            .run();
        assert!(ran.stdout.ends_with("trapped\n"), "{}", ran.stdout);
        for line in ran.stdout.lines().filter(|line| line.starts_with("Sig")) {
            let set = line.split_whitespace().last().unwrap();
            // Signals above 31 are the C library's own; some machines start with one of them ignored.
            let standard = u64::from_str_radix(set, 16).unwrap() & 0x7fff_ffff;
            assert_eq!(standard, 0, "{line}");
        }
        assert_eq!(ran.status, 3);
    });
}

#[test]
fn the_exit_status_is_that_of_the_process() {
    for_each_user(|context| {
        context.ready_slug();
        let status = |words: &[&str]| {
            let run = context.slugbuilder(["run", "slug.tgz"]);
            words.iter().fold(run, Invocation::argument).run().status
        };
        assert_eq!(status(&["worker"]), 3);
        assert_eq!(status(&["--", "true"]), 0);
        assert_eq!(status(&["--", "exit 255"]), 255);
        assert_eq!(status(&["--", "kill -TERM $$"]), 143);
        assert_eq!(status(&["--", "kill -KILL $$"]), 137);
        assert_eq!(status(&["--", "no-such-program"]), 127);
        assert_eq!(status(&["--", "bash", "-c", "exit 7"]), 7);
    });
}

#[test]
fn a_second_signal_ends_what_ignores_the_first() {
    for_each_user(|context| {
        context.ready_slug();
        let mut app = context
            .slugbuilder(["run", "slug.tgz", "--"])
            .argument("exec 2>&1; trap 'echo no' TERM; echo started; while :; do sleep 0.1; done")
            .start();
        app.says("started\n");
        app.signal(Signal::SIGTERM);
        app.says("no\n");
        app.signal(Signal::SIGTERM);
        assert_eq!(app.status(), 137);
        insta::allow_duplicates! {
            insta::assert_snapshot!(context.normalized(&app.output()), @"
            Starting run.[RANDOM] with command `exec 2>&1; trap 'echo no' TERM; echo started; while :; do sleep 0.1; done`
            started
              Stopping all processes with SIGTERM
            Terminated
            no
              Stopping remaining processes with SIGKILL
            Process was killed by signal 9
            ");
        }
        assert_eq!(
            entries(&context.path("home/.cache/slugbuilder/runs-v1")).len(),
            0
        );
    });
}

#[test]
fn profile_scripts_run_in_byte_order_and_then_the_profile() {
    for_each_user(|context| {
        context.ready_app("ready");
        for name in ["b.sh", "B.sh", "000.sh", "é.sh"] {
            context.write(
                format!("ready/.profile.d/{name}"),
                format!("export ORDER=\"$ORDER {name} $CONFIG\"\n"),
            );
        }
        context.write("ready/.profile.d/not-a-script", "export ORDER=wrong\n");
        context.write("ready/.profile", "export ORDER=\"$ORDER profile\"\n");
        context.slugbuilder(["archive", "../ready"]).succeeds();
        let ran = context
            .slugbuilder([
                "run",
                "slug.tgz",
                "-e",
                "CONFIG=x",
                "-e",
                "LC_ALL=en_US.UTF-8",
                "--",
            ])
            .argument("echo $ORDER")
            .succeeds();
        assert_eq!(ran.stdout, "000.sh x B.sh x b.sh x é.sh x profile\n");
    });
}

#[test]
fn config_vars_come_from_files_and_arguments() {
    for_each_user(|context| {
        context.ready_slug();
        context.write(
            "work/.env",
            "A=file\n# a comment\nexport B=\"two words\"\nC=c\n",
        );
        let ran = context
            .slugbuilder(["run", "slug.tgz", "--env-file", ".env", "-e", "A=argument"])
            .argument("--env=FROM_SHELL")
            .env("FROM_SHELL", "shell")
            .env("NOT_GIVEN", "s3cret")
            .argument("--")
            .argument("echo $A/$B/$C/$FROM_SHELL/$NOT_GIVEN")
            .succeeds();
        assert_eq!(ran.stdout, "argument/two words/c/shell/\n");
        // What the user sets precedes what the platform sets, as for Heroku's PORT-reading apps in a test.
        let ran = context
            .slugbuilder(["run", "slug.tgz", "-e", "PORT=1", "--", "echo $PORT"])
            .succeeds();
        assert_eq!(ran.stdout, "1\n");
    });
}

#[test]
fn every_run_has_a_fresh_writable_app() {
    for_each_user(|context| {
        context.ready_slug();
        let script = "cat left 2>/dev/null; echo once > left; echo x >> bin/web; ls";
        for _ in 0..2 {
            assert_eq!(one_off(context, script), "Procfile\nbin\nleft\n");
        }
        assert_eq!(one_off(context, "ls /app; pwd"), "Procfile\nbin\n/app\n");
    });
}

#[test]
fn a_one_off_command_reads_stdin_and_a_process_type_does_not() {
    for_each_user(|context| {
        context.ready_slug();
        let ran = context
            .slugbuilder(["run", "slug.tgz", "--", "tr a-z A-Z"])
            .input("piped\n")
            .succeeds();
        assert_eq!(ran.stdout, "PIPED\n");
        let ran = context
            .slugbuilder(["run", "slug.tgz", "--process-types", r#"{"web":"cat"}"#])
            .input("piped\n")
            .succeeds();
        assert_eq!(ran.stdout, "");
    });
}

#[test]
fn the_source_of_the_slug_and_the_home_are_out_of_reach() {
    let context = Context::new(ordinary());
    context.ready_slug();
    context.write("home/.ssh/id", "s3cret");
    let probe = format!(
        "cat '{}' || echo safe",
        context.path("home/.ssh/id").display()
    );
    assert_eq!(one_off(&context, &probe), "safe\n");
}

#[test]
fn what_cannot_be_run_is_explained() {
    let context = Context::new(ordinary());
    context.ready_slug();
    let fails =
        |words: &[&str], status| context.slugbuilder(["run"]).arguments(words).fails(status);
    insta::assert_snapshot!(fails(&["slug.tgz", "wrong"], 2), @"
    error[no-such-process-type]: the slug has no process type `wrong`

      It has: web, worker.

      hint: Run a command of your own with `slugbuilder run SLUG -- COMMAND`.
    ");
    insta::assert_snapshot!(fails(&["slug.tgz", "web", "--", "true"], 2), @"
    error: the argument '[PROCESS TYPE]' cannot be used with '[COMMAND]...'

    Usage: slugbuilder run <SLUG> <PROCESS TYPE> [-- <COMMAND>...]

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(fails(&["absent.tgz", "--", "true"], 2), @"
    error[slug-unreadable]: cannot read `absent.tgz`
      caused by: No such file or directory (os error 2)

      hint: Give the path of a slug; `slugbuilder compile` writes `slug.tgz`.
    ");
    fs::copy(
        context.path("work/slug.tgz"),
        context.path("work/alone.tgz"),
    )
    .unwrap();
    insta::assert_snapshot!(fails(&["alone.tgz"], 2), @r#"
    error[no-such-process-type]: the slug has no process type `web`

      No process types are known for it.

      hint: Keep `slug.json` beside the slug, or say what to run: `--process-types '{"web":"node web.js"}'`.
    "#);
    insta::assert_snapshot!(fails(&["alone.tgz", "--process-types", "web: x"], 2), @r#"
    error[process-types]: `--process-types` is not a JSON object of strings
      caused by: expected value at line 1 column 1

      hint: For example: `--process-types '{"web": "node web.js"}'`.
    "#);
    insta::assert_snapshot!(fails(&["alone.tgz", "--process-types", r#"{"w b":"x"}"#], 2), @"
    error[process-type-name]: `w b` cannot be a process type

      hint: Names are 1 to 128 letters, digits, `_` and `-` (the Platform API's rule).
    ");
    context.write("work/page.tgz", "<html>");
    insta::assert_snapshot!(fails(&["page.tgz", "--", "true"], 1), @"
    error[slug-not-gzip]: `page.tgz` is no slug: it is not compressed with gzip but begins with `<html>`

      hint: It looks like the answer of a server that had no slug. Download it again.
    ");
    context.write(
        "work/broken.tgz",
        &fs::read(context.path("work/slug.tgz")).unwrap()[..100],
    );
    insta::assert_snapshot!(fails(&["broken.tgz", "--", "true"], 1), @"
    error[unpack-truncated]: cannot unpack `broken.tgz`
      caused by: the archive is cut off

      hint: Get or make the archive anew.
    ");
}

#[test]
fn a_slug_json_of_another_slug_is_told() {
    let context = Context::new(ordinary());
    context.ready_slug();
    let mut slug = fs::read(context.path("work/slug.tgz")).unwrap();
    // Another gzip member with nothing in it.
    slug.extend_from_slice(b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0");
    context.write("work/slug.tgz", slug);
    let ran = context.slugbuilder(["run", "slug.tgz"]).run();
    insta::assert_snapshot!(ran.stderr, @"
    warning[other-slug]: `slug.json` describes another slug than this one
      hint: Compile again, or give the process types with `--process-types`.
    Starting web.1 with command `bin/web`
    Process exited with status 0
    ");
}

#[test]
fn a_slug_made_by_hand_runs() {
    for_each_user(|context| {
        context.program(
            "hand/app/node-v22/bin/node",
            "#!/bin/bash\necho node $* on $PORT\n",
        );
        context.write("hand/app/web.js", "");
        context
            .shell("tar -C ../hand -czf hand.tgz ./app")
            .succeeds();
        let ran = context
            .slugbuilder(["run", "hand.tgz", "-p", "5001", "--process-types"])
            .argument(r#"{"web":"node-v22/bin/node web.js"}"#)
            .succeeds();
        assert_eq!(ran.stdout, "node web.js on 5001\n");
    });
}

#[test]
fn a_slug_unpacks_into_a_new_folder() {
    for_each_user(|context| {
        context.ready_slug();
        let unpack = || context.slugbuilder(["unpack", "slug.tgz", "unpacked"]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(unpack().succeeds().stderr, @"Unpacked 2 files (79 B) to unpacked");
            insta::assert_snapshot!(unpack().run().stderr, @"
            error[unpack-destination-exists]: cannot unpack `slug.tgz`
              caused by: cannot unpack to `unpacked`: it exists already

              hint: Remove it, or choose another place.
            ");
        }
        assert_eq!(entries(&context.path("work/unpacked")), ["Procfile", "bin"]);
    });
}

#[test]
fn a_slug_that_is_not_there_is_named_first() {
    let context = Context::new(ordinary());
    insta::assert_snapshot!(context.slugbuilder(["run", "absent.tgz"]).fails(2), @"
    error[slug-unreadable]: cannot read `absent.tgz`
      caused by: No such file or directory (os error 2)

      hint: Give the path of a slug; `slugbuilder compile` writes `slug.tgz`.
    ");
}
