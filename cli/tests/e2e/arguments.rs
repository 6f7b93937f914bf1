//! Command lines that cannot be followed: exit code 2, before anything is done.

use crate::context::{Context, ordinary};
use crate::slug::entries;

/// What the command says, having done nothing.
fn refused(context: &Context, words: &[&str]) -> String {
    let text = context.slugbuilder(words).fails(2);
    assert_eq!(entries(&context.path("work")), Vec::<String>::new());
    assert_eq!(entries(&context.path("home")), Vec::<String>::new());
    text
}

#[test]
fn stacks_times_and_sizes_are_checked() {
    let context = Context::new(ordinary());
    context.node_app("app");
    insta::assert_snapshot!(refused(&context, &["compile", "../app", "--stack", "cedar-14"]), @"
    error[unknown-stack]: there is no stack `cedar-14`

      hint: The stacks are heroku-22, heroku-24, heroku-26.
    ");
    insta::assert_snapshot!(refused(&context, &["compile", "../app", "--timeout", "soon"]), @"
    error: invalid value 'soon' for '--timeout <TIME>': use seconds, minutes or hours: 90s, 15m, 1h

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&context, &["compile", "../app", "--max-size", "big"]), @"
    error: invalid value 'big' for '--max-size <MB>': invalid digit found in string

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&context, &["compile", "../app", "--with-credentials", "ssh"]), @"
    error: invalid value 'ssh' for '--with-credentials <WHAT>'
      [possible values: npm, netrc, bundle]

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&context, &["compile", "../app", "../other"]), @"
    error: unexpected argument '../other' found

    Usage: slugbuilder compile [OPTIONS] [SOURCE]

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&context, &["build", "../app"]), @"
    error: unrecognized subcommand 'build'

      tip: a similar subcommand exists: 'buildpack'

    Usage: slugbuilder [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&context, &["run", "slug.tgz", "--port", "65536"]), @"
    error: invalid value '65536' for '--port <PORT>': 65536 is not in 0..=65535

    For more information, try '--help'.
    ");
}

#[test]
fn config_vars_are_checked() {
    let context = Context::new(ordinary());
    context.node_app("app");
    let compile = |arguments: &[&str]| {
        let words = [&["compile", "../app", "-q"], arguments].concat();
        refused(&context, &words)
    };
    insta::assert_snapshot!(compile(&["--env", "NOT_SET"]), @"
    error[env-without-value]: `--env NOT_SET` has no `=`

      hint: Write `--env NOT_SET=value`, or set `NOT_SET` in this shell.
    ");
    insta::assert_snapshot!(compile(&["--secret", "NOT_SET"]), @"
    error[env-without-value]: `--secret NOT_SET` has no `=`

      hint: Write `--secret NOT_SET=value`, or set `NOT_SET` in this shell.
    ");
    insta::assert_snapshot!(compile(&["--env", "=value"]), @"
    error[variable-name]: `` is not a name that an environment variable can have

      hint: A name is not empty and holds no `=`, no `/` and no NUL byte.
    ");
    insta::assert_snapshot!(compile(&["--env", "a/b=value"]), @"
    error[variable-name]: `a/b` is not a name that an environment variable can have

      hint: A name is not empty and holds no `=`, no `/` and no NUL byte.
    ");
    context.write("vars", "A=1\nB\n");
    insta::assert_snapshot!(compile(&["--env-file", "../vars"]), @"
    error[env-file]: `../vars` line 2: expected `NAME=value`

      hint: Each line is `NAME=value`; blank lines and lines that start with `#` are skipped.
    ");
    let absent = context
        .slugbuilder(["compile", "../app", "--env-file", "../absent"])
        .run();
    insta::assert_snapshot!(format!("{}{}", absent.status, absent.stderr), @"
    2error[unreadable-file]: cannot read `../absent`
      caused by: No such file or directory (os error 2)

      hint: Give the path of a file that exists.
    ");
}

#[test]
fn a_source_date_epoch_that_is_no_time_is_refused() {
    let context = Context::new(ordinary());
    context.node_app("app");
    let compile = |value| {
        context
            .slugbuilder(["compile", "../app", "--quiet"])
            .env("SOURCE_DATE_EPOCH", value)
            .fails(2)
    };
    insta::assert_snapshot!(compile("yesterday"), @"
    error[source-date-epoch-invalid]: `SOURCE_DATE_EPOCH` is `yesterday`, which is no time

      hint: Set it to whole seconds since 1970, at most 8589934591, or unset it.
    ");
    insta::assert_snapshot!(compile(""), @"
    error[source-date-epoch-invalid]: `SOURCE_DATE_EPOCH` is ``, which is no time

      hint: Set it to whole seconds since 1970, at most 8589934591, or unset it.
    ");
    assert_eq!(entries(&context.path("work")), Vec::<String>::new());
}

#[test]
fn without_a_home_the_cache_needs_a_folder() {
    let context = Context::new(ordinary());
    context.node_app("app");
    let compile = || {
        context
            .slugbuilder(["compile", "../app", "-q"])
            .without_env("HOME")
    };
    insta::assert_snapshot!(compile().fails(2), @"
    error[no-cache-dir]: no folder for the cache is known

      hint: Set `HOME`, or name a folder with `--cache-dir`.
    ");
    compile()
        .env("XDG_CACHE_HOME", context.path("xdg"))
        .succeeds();
    assert_eq!(entries(&context.path("xdg")), ["slugbuilder"]);
    compile().arguments(["--cache-dir", "../cache"]).succeeds();
    compile()
        .env("SLUGBUILDER_CACHE_DIR", context.path("third"))
        .succeeds();
    assert_eq!(
        entries(&context.path("cache")),
        entries(&context.path("third"))
    );
    assert_eq!(entries(&context.path("home")), Vec::<String>::new());
}

#[test]
fn help_teaches_and_ends_well() {
    let context = Context::new(ordinary());
    let help = |words: &[&str]| context.slugbuilder(words).succeeds().stdout;
    insta::assert_snapshot!(help(&["--help"]), @"
    Turn Node.js, Ruby or Go source into a Heroku slug, without Docker or root

    Usage: slugbuilder [OPTIONS] <COMMAND>

    Commands:
      plan       Show what `compile` would decide, and why, without building
      compile    Build an app and write it as a slug
      lock       Write slugbuilder.lock, so that every build of the app uses the same versions
      vendor     Fill a folder with everything that builds without a network need
      archive    Make a slug of a folder that is ready to run, without a buildpack
      run        Run a slug as a dyno would
      unpack     Unpack a slug's app into a new folder
      deploy     Compile an app, publish its slug, and release it
      publish    Upload a slug to an app, without releasing it
      release    Release a slug that is uploaded
      promote    Release the slug that one app runs to others, without an upload
      releases   List an app's releases
      rollback   Go back to an earlier release: its slug and its config vars
      pull       Download the slug of a release
      apps       List the apps that you can deploy to
      config     Show or change an app's config vars
      serve      Run a platform that Heroku's clients and slugbuilder can deploy to
      cache      Look at what is kept between builds, or make room
      buildpack  Use slugbuilder's buildpack elsewhere
      help       Print this message or the help of the given subcommand(s)

    Options:
      -q, --quiet
              Say only warnings and errors

          --color <WHEN>
              When to use colours

              Possible values:
              - auto:   On a terminal, unless `NO_COLOR` is set
              - always: Also in a pipe
              - never:  Not at all
              
              [default: auto]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    A first slug:
      slugbuilder compile ./my-app     writes slug.tgz and slug.json
      slugbuilder run slug.tgz         starts its web process on port 5000
      slugbuilder deploy --app NAME    compiles and releases the app of this folder

    Exit codes: 0 done, 1 the app is at fault, 2 usage, 69 a tool or service is missing,
    70 a bug of ours, 74 input/output, 75 try again later.
    ");
    insta::assert_snapshot!(help(&["run", "--help"]), @r"
    Run a slug as a dyno would

    Usage: slugbuilder run [OPTIONS] <SLUG> [PROCESS TYPE] [-- <COMMAND>...]

    Arguments:
      <SLUG>
              The slug

      [PROCESS TYPE]
              The process type
              
              [default: web]

      [COMMAND]...
              A command instead of a process type: one word is a shell script

    Options:
      -e, --env <NAME=VALUE>
              A config var, `NAME=value`; `NAME` alone takes the value of this shell. May be repeated

      -q, --quiet
              Say only warnings and errors

          --color <WHEN>
              When to use colours

              Possible values:
              - auto:   On a terminal, unless `NO_COLOR` is set
              - always: Also in a pipe
              - never:  Not at all
              
              [default: auto]

          --env-file <FILE>
              A file of config vars, one `NAME=value` a line, or, if it is called `….json`, one JSON
              object. May be repeated; `--env` wins

      -p, --port <PORT>
              The port for PORT
              
              [env: PORT=]
              [default: 5000]

          --process-types <JSON>
              The process types, as a JSON object; from the slug.json beside the slug otherwise

          --cache-dir <DIR>
              The folder for caches and builds [default: ~/.cache/slugbuilder]
              
              [env: SLUGBUILDER_CACHE_DIR=]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Examples:
      slugbuilder run slug.tgz                 the web process
      slugbuilder run slug.tgz worker          another process type
      slugbuilder run slug.tgz -- bash         a one-off command

    The app gets a fresh copy of itself at /app, config vars, PORT and DYNO;
    .profile.d/*.sh and .profile run first. Ctrl-C stops it as Heroku does: SIGTERM
    to every process, SIGKILL after 30 seconds. Its exit status is that of the
    process, 128 + N if signal N ended it.
    ");
    assert_eq!(
        help(&["--version"]),
        format!("slugbuilder {}\n", env!("CARGO_PKG_VERSION"))
    );
    for command in ["plan", "compile", "archive", "unpack", "cache"] {
        assert!(
            help(&[command, "--help"]).contains("Usage: slugbuilder"),
            "{command}"
        );
    }
}
