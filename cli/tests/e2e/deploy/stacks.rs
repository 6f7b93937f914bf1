//! Which stack an app is deployed for.

use crate::context::{Context, ordinary};
use crate::platform::Platform;
use serde_json::json;

/// A platform with an app on heroku-22.
fn start(context: &Context) -> Platform<'_> {
    let platform = Platform::start(context);
    let app = json!({ "name": "older", "stack": "heroku-22" });
    platform.call("POST", "/apps", &app);
    platform
}

#[test]
fn an_app_is_compiled_for_its_own_stack() {
    let context = Context::new(ordinary());
    context.node_app("app");
    let platform = start(&context);
    let deploy = || platform.slugbuilder(["deploy", "../app", "--app", "older"]);
    let deployed = deploy().env("STACK", "").argument("--json").succeeds();
    assert!(
        deployed.stderr.contains("Compiling ../app for heroku-22"),
        "{}",
        deployed.stderr
    );
    assert_eq!(deployed.json()["slug"]["stack"]["name"], "heroku-22");
    // Before the build, which takes its time.
    let refused = deploy().env("STACK", "heroku-24").fails(2);
    insta::assert_snapshot!(refused, @"
    error[stack-of-app]: `older` is on the stack `heroku-22`, and this would move it to `heroku-24`

      hint: If that is meant, say so: `--stack heroku-24`.
      hint: Otherwise unset `STACK`: it is compiled for `heroku-22` then.
    ");
    let moved = deploy().arguments(["--stack", "heroku-24"]).succeeds();
    assert!(moved.stderr.contains("for heroku-24"), "{}", moved.stderr);
}

#[test]
fn a_slug_moves_no_app_to_another_stack_by_the_way() {
    let context = Context::new(ordinary());
    context.ready_slug();
    let platform = start(&context);
    let deploy = || platform.slugbuilder(["deploy", "--slug", "slug.tgz", "--app", "older"]);
    insta::assert_snapshot!(deploy().fails(2), @"
    error[stack-of-app]: `older` is on the stack `heroku-22`, and this would move it to `heroku-24`

      hint: If that is meant, say so: `--stack heroku-24`.
      hint: Otherwise compile it for `heroku-22`.
    ");
    insta::assert_snapshot!(deploy().arguments(["--stack", "heroku-22"]).fails(2), @"
    error[stack-of-slug]: the slug is for the stack `heroku-24`, not for `heroku-22`

      hint: Compile it for `heroku-22`, or leave `--stack` out.
    ");
    assert_eq!(
        platform
            .get("/apps/older/releases")
            .as_array()
            .unwrap()
            .len(),
        2
    );
    deploy().arguments(["--stack", "heroku-24"]).succeeds();
}
