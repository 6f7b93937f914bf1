//! Whose token is sent, to whom, and for which app.

use crate::context::{Context, for_each_user, ordinary};
use crate::platform::{Platform, TOKEN};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn credentials_come_from_a_file_the_environment_or_netrc() {
    for_each_user(|context| {
        let platform = Platform::start(context);
        let apps = || platform.anonymous(["apps"]);
        let host = platform.authority.clone();
        context.write("work/key", format!("{TOKEN}\n"));
        apps().arguments(["--api-key-file", "key"]).succeeds();
        apps().env("HEROKU_API_KEY", TOKEN).succeeds();
        insta::allow_duplicates! {
            insta::assert_snapshot!(platform.normalized(&apps().fails(2)), @"
            error[no-credentials]: there is no credential for `http://[HOST]`

              hint: Set `HEROKU_API_KEY`, name a file with `--api-key-file`, or write `machine [HOST]` with its `password` into `~/.netrc`.
            ");
        }
        let netrc = context.write(
            "home/.netrc",
            format!("machine 127.0.0.1\n  login me\n  password wrong\nmachine {host}\n  login me\n  password {TOKEN}\n"),
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(platform.normalized(&apps().fails(2)), @"
            error[netrc-mode]: `[ROOT]/home/.netrc` holds the API token, and others can read or change it: its mode is 644

              hint: Run `chmod 600 [ROOT]/home/.netrc`.
              hint: If other people use this machine, make a new token: they may have seen this one.
            ");
        }
        fs::set_permissions(&netrc, fs::Permissions::from_mode(0o600)).unwrap();
        apps().succeeds();
        // The nearest counts.
        let wrong = apps().env("HEROKU_API_KEY", "0123-wrong").run();
        assert!(!wrong.stderr.contains("0123-wrong"), "{}", wrong.stderr);
        insta::allow_duplicates! {
            insta::assert_snapshot!(platform.normalized(&wrong.stderr), @"
            error[api-unauthorized]: cannot list the apps: Invalid credentials provided

              `http://[HOST]/apps` answered 401 (`unauthorized`). Request id: [ID].

              hint: Check the token: set `HEROKU_API_KEY`, or put it into `~/.netrc` for this host.
              hint: A token may have expired; `heroku authorizations:create` makes one that lasts.
            ");
        }
    });
}

#[test]
fn the_app_comes_from_the_git_remote_where_none_is_named() {
    let context = Context::new(ordinary());
    context.ready_slug();
    let platform = Platform::start(&context);
    insta::assert_snapshot!(platform.slugbuilder(["releases"]).fails(2), @"
    error[no-app]: no app is named

      hint: Name one with `--app` or `HEROKU_APP`, or add the git remote `heroku`; `slugbuilder apps` lists them.
    ");
    context.write(
        "work/.git/config",
        "[remote \"heroku\"]\n\turl = https://git.heroku.com/my-app.git\n",
    );
    platform.slugbuilder(["releases"]).succeeds();
    // An empty variable is none, an empty argument is a mistake.
    let empty = || {
        platform
            .slugbuilder(["releases"])
            .env("HEROKU_APP", "")
            .env("SLUGBUILDER_CACHE_DIR", "")
    };
    empty().succeeds();
    empty().argument("--app=").fails(2);
    let other = platform.slugbuilder(["releases", "--app", "other-app"]);
    insta::assert_snapshot!(platform.normalized(&other.fails(1)), @"
    error[api-not-found]: cannot list the releases of `other-app`: Couldn't find that app

      `http://[HOST]/apps/other-app/releases` answered 404 (`not_found`). Request id: [ID].

      hint: Check the name with `slugbuilder apps`: an app that you may not see is not found either.
      hint: Check the address of the API, `--api-url`.
    ");
}

#[test]
fn no_token_is_sent_where_others_can_read_it() {
    let context = Context::new(ordinary());
    let apps = |url| {
        context
            .slugbuilder(["apps", "--api-url", url])
            .env("HEROKU_API_KEY", TOKEN)
    };
    insta::assert_snapshot!(apps("http://platform.example").fails(2), @"
    error[api-not-encrypted]: no token is sent to `http://platform.example`, as the way there is not encrypted

      hint: Use `https://`; `http://` is for this machine only: `localhost`, `127.0.0.1`, `[::1]`.
    ");
    let in_url = apps("https://me:s3cret@platform.example").fails(2);
    assert!(!in_url.contains("s3cret"), "{in_url}");
    insta::assert_snapshot!(in_url, @"
    error[api-url-invalid]: `https://platform.example/` cannot be the address of the API: it holds a user, a password or a query

      hint: Write it as `https://host` or `https://host:port`; the token goes into `HEROKU_API_KEY` or `~/.netrc`.
    ");
}
