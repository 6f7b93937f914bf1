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
            insta::assert_snapshot!(platform.normalized(&apps().fails(2)), @"");
        }
        let netrc = context.write(
            "home/.netrc",
            format!("machine 127.0.0.1\n  login me\n  password wrong\nmachine {host}\n  login me\n  password {TOKEN}\n"),
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(platform.normalized(&apps().fails(2)), @"");
        }
        fs::set_permissions(&netrc, fs::Permissions::from_mode(0o600)).unwrap();
        apps().succeeds();
        // The nearest counts.
        let wrong = apps().env("HEROKU_API_KEY", "0123-wrong").run();
        assert!(!wrong.stderr.contains("0123-wrong"), "{}", wrong.stderr);
        insta::allow_duplicates! {
            insta::assert_snapshot!(platform.normalized(&wrong.stderr), @"");
        }
    });
}

#[test]
fn the_app_comes_from_the_git_remote_where_none_is_named() {
    let context = Context::new(ordinary());
    context.ready_slug();
    let platform = Platform::start(&context);
    insta::assert_snapshot!(platform.slugbuilder(["releases"]).fails(2), @"");
    context.write(
        "work/.git/config",
        "[remote \"heroku\"]\n\turl = https://git.heroku.com/my-app.git\n",
    );
    platform.slugbuilder(["releases"]).succeeds();
    let other = platform.slugbuilder(["releases", "--app", "other-app"]);
    insta::assert_snapshot!(platform.normalized(&other.fails(1)), @"");
}

#[test]
fn no_token_is_sent_where_others_can_read_it() {
    let context = Context::new(ordinary());
    let apps = |url| {
        context
            .slugbuilder(["apps", "--api-url", url])
            .env("HEROKU_API_KEY", TOKEN)
    };
    insta::assert_snapshot!(apps("http://platform.example").fails(2), @"");
    let in_url = apps("https://me:s3cret@platform.example").fails(2);
    assert!(!in_url.contains("s3cret"), "{in_url}");
    insta::assert_snapshot!(in_url, @"");
}
