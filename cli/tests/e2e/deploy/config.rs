//! Config vars, and the list of apps.

use crate::context::{Context, ordinary};
use crate::platform::{EMAIL, Platform};

#[test]
fn config_vars_are_shown_set_and_taken_away() {
    let context = Context::new(ordinary());
    let platform = Platform::start(&context);
    let config = |words: &[&str]| {
        platform
            .slugbuilder(["config", "--app", "my-app"])
            .arguments(words.iter().copied())
    };
    insta::assert_snapshot!(config(&[]).succeeds().stderr, @"my-app has no config vars");
    context.write("vars", "KEY='of file'\nA=0\n");
    let set = config(&["A=1", "--env-file", "../vars"]).succeeds();
    insta::assert_snapshot!(set.stderr, @"my-app: set A, KEY (v3)");
    insta::assert_snapshot!(config(&[]).succeeds().stdout, @"
    A:   1
    KEY: of file
    ");
    assert_eq!(config(&["KEY"]).succeeds().stdout, "of file\n");
    let changed = config(&["--unset", "KEY", "B=", "--json"]).succeeds();
    assert_eq!(changed.json(), serde_json::json!({ "A": "1", "B": "" }));
    insta::assert_snapshot!(changed.stderr, @"my-app: set B; removed KEY (v4)");
    let unchanged = config(&["--unset", "NOPE", "A=1"]).succeeds();
    insta::assert_snapshot!(unchanged.stderr, @"my-app: nothing to change, and no release");
    assert_eq!(
        platform
            .get("/apps/my-app/releases")
            .as_array()
            .unwrap()
            .len(),
        4
    );
    insta::assert_snapshot!(config(&["KEY"]).fails(1), @"
    error[no-config-var]: the app `my-app` has no config var `KEY`

      hint: `slugbuilder config` lists those that there are.
    ");
    insta::assert_snapshot!(config(&["KEY", "A=2"]).fails(2), @"
    error[show-and-change]: `KEY` is to be shown while others are to be changed

      hint: Write `KEY=value` to set it, or ask for it alone.
    ");
}

#[test]
fn apps_are_listed() {
    let context = Context::new(ordinary());
    let platform = Platform::start(&context);
    platform.create_app("another-app");
    let list = platform.slugbuilder(["apps"]).succeeds().stdout;
    insta::assert_snapshot!(list, @"
    APP          STACK      REGION  OWNER           SLUG  RELEASED
    another-app  heroku-24  us      me@example.com     -  just now
    my-app       heroku-24  us      me@example.com     -  just now
    ");
    let json = platform.slugbuilder(["apps", "--json"]).succeeds().json();
    assert_eq!(json[0]["name"], "another-app");
    assert_eq!(json[1]["owner"]["email"], EMAIL);
}
