//! One slug for several apps.

use crate::support::{
    Platform, TIME, created, id, ok, refused, release, release_of, stack_named, with,
};
use serde_json::{Value, json};
use slugbuilder::api::{FlowError, Promoted, Promotion, promote};

/// `shop` runs slug 50 as v4; `live`, `demo` and `old` are other apps, the last on another stack.
fn platform() -> Platform {
    let platform = Platform::new();
    let current = with(release(4, Some(50)), "current", true);
    platform.releases("shop", &[release(5, None), current]);
    let slug = platform.slug(50, "SHA256:00", Some(1), "get");
    platform.answers(&format!("GET /apps/shop/slugs/{}", id(50)), [ok(&slug)]);
    for (number, (app, stack)) in (2..).zip([
        ("live", "heroku-24"),
        ("demo", "heroku-24"),
        ("old", "heroku-22"),
    ]) {
        platform.app(app, number, stack);
        platform.releases(app, &[release_of(app, 2, None)]);
        let made = created(&release_of(app, 3, Some(50)));
        platform.answers(&format!("POST /apps/{app}/releases"), [made]);
    }
    platform
}

fn to(platform: &Platform, to: &[&str]) -> Result<Promoted, FlowError> {
    let promotion = Promotion {
        from: "shop",
        release: None,
        to,
        description: None,
    };
    promote(&platform.api, &promotion, &platform.heard)
}

#[test]
fn the_same_slug_goes_to_each_app() {
    let platform = platform();
    let promoted = to(&platform, &["live", "demo"]).unwrap();
    assert_eq!((promoted.source.version, promoted.slug.id), (4, id(50)));
    let made: Vec<_> = promoted
        .targets
        .iter()
        .map(|(app, released)| {
            (
                app.name.as_str(),
                released.as_ref().unwrap().release.version,
            )
        })
        .collect();
    assert_eq!(made, [("live", 3), ("demo", 3)]);
    let request = &platform.server.requests_for("POST /apps/demo/releases")[0];
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        body,
        json!({"slug": id(50), "description": "Promote shop v4"})
    );
    assert_eq!(platform.count("POST /apps/demo/slugs"), 0);
    assert!(platform.blobs.requests().is_empty());
}

#[test]
fn one_that_fails_does_not_keep_the_next() {
    let platform = platform();
    platform.answers(
        "POST /apps/live/releases",
        [refused(
            403,
            "forbidden",
            "You do not have access to the app live.",
        )],
    );
    let promoted = to(&platform, &["live", "demo"]).unwrap();
    let [(_, failed), (_, made)] = &promoted.targets[..] else {
        panic!("{promoted:?}")
    };
    insta::assert_snapshot!(platform.message(failed.as_ref().unwrap_err()), @r"
    error[api-forbidden]: cannot release the slug `00000000-0000-0000-0000-000000000032` to `live`: You do not have access to the app live

      `http://<api>/apps/live/releases` answered 403 (`forbidden`). Request id: request-7.

      hint: Let the app's owner add you as a collaborator, or use a token of theirs.
    ");
    assert_eq!(made.as_ref().unwrap().release.version, 3);
}

#[test]
fn everything_is_looked_at_before_the_first_release() {
    let platform = platform();
    let message = |apps: &[&str]| platform.message(&to(&platform, apps).unwrap_err());
    insta::assert_snapshot!(message(&["live", "old"]), @r"
    error[promote-other-stack]: the slug of `shop` is for `heroku-24`, and `old` runs on `heroku-22`

      hint: Compile for the stack of that app, and deploy that.
      hint: Or set that app to `heroku-24` first.
    ");
    insta::assert_snapshot!(message(&["live", "shop"]), @r"
    error[promote-target]: `shop` is the app that is promoted

      hint: Name each app to promote to once.
    ");
    insta::assert_snapshot!(message(&["live", "live"]), @r"
    error[promote-target]: `live` is named twice

      hint: Name each app to promote to once.
    ");
    platform.releases("shop", &[release(5, None)]);
    insta::assert_snapshot!(message(&["live"]), @r"
    error[release-without-slug]: `shop` has no release with a slug

      hint: Look for one that has with `slugbuilder releases --app shop`.
    ");
    assert_eq!(platform.count("POST /apps/live/releases"), 0);
}

#[test]
fn an_app_that_is_to_change_its_stack_takes_slugs_of_both() {
    for stack in ["heroku-22", "heroku-24"] {
        let platform = platform();
        let app = json!({
            "id": id(6), "name": "moving", "stack": stack_named("heroku-22"), "build_stack": stack_named("heroku-24"),
            "created_at": TIME, "updated_at": TIME, "owner": {"id": id(9), "email": "me@example.com"},
            "region": {"id": id(8), "name": "us"},
        });
        platform.answers("GET /apps/moving", [ok(&app)]);
        platform.releases("moving", &[]);
        let made = created(&release_of("moving", 3, Some(50)));
        platform.answers("POST /apps/moving/releases", [made]);
        let slug = platform.slug(50, "SHA256:00", Some(1), "get");
        let slug = with(slug, "stack", stack_named(stack));
        platform.answers(&format!("GET /apps/shop/slugs/{}", id(50)), [ok(&slug)]);
        assert!(to(&platform, &["moving"]).unwrap().targets[0].1.is_ok());
    }
}
