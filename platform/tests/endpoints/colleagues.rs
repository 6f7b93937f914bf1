//! What somebody may do who works on an app of someone else's, by each endpoint of the table.

use crate::fixture::{Names, Step, dump, is_public, names_in};
use crate::platform::Platform;
use axum::http::Method;
use serde_json::json;
use slugbuilder_platform::api::{ENDPOINTS, Endpoint};

/// What only the owner of an app may do. Everything else is allowed to all who work on it.
const FOR_THE_OWNER: &[(&str, &str)] = &[
    ("DELETE", "/apps/{app}"),
    // Somebody else's access; anybody may leave.
    ("DELETE", "/apps/{app}/collaborators/{collaborator}"),
    ("PATCH", "/pipelines/{pipeline}"),
    ("DELETE", "/pipelines/{pipeline}"),
];

/// What is not of one app, but open to everybody who works on an app that is in it.
const SHARED: &[&str] = &["{pipeline}", "{pipeline_coupling}", "{pipeline_promotion}"];

/// Whether working on an app lets somebody have what is in a path.
fn is_of_an_app(endpoint: &Endpoint) -> bool {
    endpoint.path.contains("{app}") || SHARED.iter().any(|name| endpoint.path.contains(name))
}

/// Lets Bob work on both of Ann's apps.
async fn collaborate(platform: &Platform, names: &Names) {
    for app in ["app", "other_app"] {
        platform
            .collaborate(names.get(app), "bob@example.test")
            .await;
    }
}

fn is_for_the_owner(endpoint: &Endpoint) -> bool {
    FOR_THE_OWNER.contains(&(endpoint.method.as_str(), endpoint.path))
}

#[tokio::test]
async fn everything_of_an_app_is_open_to_who_works_on_it_but_what_is_for_its_owner() {
    let platform = Platform::new().await;
    let (ann, bob) = (platform.ann(), platform.bob());
    let names = Names::make(&platform, &ann, "anns").await;
    collaborate(&platform, &names).await;
    let mut endpoints: Vec<_> = ENDPOINTS
        .iter()
        .filter(|endpoint| is_of_an_app(endpoint))
        .collect();
    // What reads before what changes, and what takes away last, from the inside out.
    let parts = |endpoint: &Endpoint| endpoint.path.split('/').count();
    endpoints.sort_by_key(|endpoint| match endpoint.method {
        Method::GET => (0, 0),
        Method::DELETE => (2, usize::MAX - parts(endpoint)),
        _ => (1, 0),
    });
    for endpoint in endpoints {
        let path = names.path(endpoint);
        if endpoint.method == Method::GET {
            let theirs = bob.call(&endpoint.method, &path, None).await;
            let anns = ann.call(&endpoint.method, &path, None).await;
            assert_eq!(
                (theirs.status, theirs.body),
                (anns.status, anns.body),
                "{path}"
            );
            continue;
        }
        let body = Step::of(endpoint).and_then(|step| names.body(step));
        let body = body.or_else(|| endpoint.rel.request().map(|_| json!({})));
        let answer = bob.call(&endpoint.method, &path, body).await;
        let what = format!("{} {path}: {answer:?}", endpoint.method);
        if is_for_the_owner(endpoint) {
            assert_eq!(answer.status, 403, "{what}");
        } else {
            let is_refused = [401, 403, 404].contains(&answer.status);
            assert!(answer.status < 500 && !is_refused, "{what}");
        }
    }
}

/// Whoever works on an app sees nothing else of its owner's.
#[tokio::test]
async fn what_is_of_no_app_stays_with_whose_it_is() {
    let platform = Platform::new().await;
    let (ann, bob) = (platform.ann(), platform.bob());
    let names = Names::make(&platform, &ann, "anns").await;
    collaborate(&platform, &names).await;
    let before = dump(&ann, &names).await;
    for endpoint in ENDPOINTS {
        let private = names_in(endpoint.path)
            .into_iter()
            .any(|name| !is_public(name));
        if is_of_an_app(endpoint) || !private {
            continue;
        }
        let path = names.path(endpoint);
        let body = endpoint.rel.request().map(|_| json!({}));
        let answer = bob.call(&endpoint.method, &path, body).await;
        assert_eq!(answer.status, 404, "{} {path}: {answer:?}", endpoint.method);
    }
    assert_eq!(dump(&ann, &names).await, before);
}

/// Who no longer works on an app is a stranger to it.
#[tokio::test]
async fn who_left_is_a_stranger() {
    let platform = Platform::new().await;
    let names = Names::make(&platform, &platform.ann(), "anns").await;
    platform
        .collaborate(names.get("app"), "bob@example.test")
        .await;
    let path = format!("/apps/{}/collaborators/bob@example.test", names.get("app"));
    assert_eq!(platform.bob().delete(&path).await.status, 200);
    for endpoint in ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.path.contains("{app}"))
    {
        let path = names.path(endpoint);
        let body = endpoint.rel.request().map(|_| json!({}));
        let answer = platform.bob().call(&endpoint.method, &path, body).await;
        assert_eq!(answer.status, 404, "{} {path}: {answer:?}", endpoint.method);
        assert_eq!(answer.body["resource"], "app", "{path}");
    }
}
