//! That nobody reaches what is somebody else's, by whatever endpoint of the table.

use crate::fixture::{Dump, Names, Step, dump, is_public, names_in, steps};
use crate::platform::{Answer, Platform};
use serde_json::{Value, json};
use slugbuilder_platform::api::{ENDPOINTS, Endpoint, REFUSALS};

/// What a stranger sends: nothing, and what the endpoint would take.
fn bodies(endpoint: &Endpoint, names: &Names) -> Vec<Option<Value>> {
    let taken = Step::of(endpoint).and_then(|step| names.body(step));
    match endpoint.rel.request() {
        None => vec![None],
        Some(_) => [Some(json!({})), taken]
            .into_iter()
            .flatten()
            .map(Some)
            .collect(),
    }
}

/// Ways to name what is Ann's: all of it, and each single thing in the midst of Bob's.
fn foreign(endpoint: &Endpoint, anns: &Names, bobs: &Names) -> Vec<(Names, Names)> {
    let nothing = anns.of_nothing();
    let names: Vec<_> = names_in(endpoint.path)
        .into_iter()
        .filter(|name| !is_public(name))
        .collect();
    let mut ways = Vec::new();
    if !names.is_empty() {
        ways.push((anns.clone(), nothing.clone()));
    }
    if names.len() > 1 {
        ways.extend(
            names
                .iter()
                .map(|name| (bobs.but(name, anns), bobs.but(name, &nothing))),
        );
    }
    ways
}

/// What can be told from an answer.
fn told(answer: &Answer) -> (u16, String) {
    (answer.status, answer.body.to_string())
}

/// Everything that Ann and Bob read.
async fn both(platform: &Platform, anns: &Names, bobs: &Names) -> Dump {
    let mut both = dump(&platform.ann(), anns).await;
    both.extend(
        dump(&platform.bob(), bobs)
            .await
            .into_iter()
            .map(|(path, answer)| (format!("{path} as Bob"), answer)),
    );
    both
}

/// Asserts that nothing is other than it was.
#[track_caller]
fn assert_same(before: &Dump, after: &Dump) {
    for (path, answer) in before {
        assert_eq!(after.get(path), Some(answer), "{path} is another one");
    }
    assert_eq!(before.len(), after.len());
}

#[tokio::test]
async fn what_is_someone_elses_is_as_what_there_is_not() {
    let platform = Platform::new().await;
    let (ann, bob) = (platform.ann(), platform.bob());
    let anns = Names::make(&platform, &ann, "anns").await;
    let bobs = Names::make(&platform, &bob, "bobs").await;
    let before = both(&platform, &anns, &bobs).await;
    let mut asked = 0;
    for endpoint in ENDPOINTS {
        for (foreign, nothing) in foreign(endpoint, &anns, &bobs) {
            let path = foreign.path(endpoint);
            for body in bodies(endpoint, &foreign) {
                let answer = bob.call(&endpoint.method, &path, body.clone()).await;
                let what = format!("{} {path} {body:?}: {answer:?}", endpoint.method);
                assert_eq!(answer.status, 404, "{what}");
                let none = bob
                    .call(&endpoint.method, &nothing.path(endpoint), body)
                    .await;
                assert_eq!(told(&answer), told(&none), "{what}");
                asked += 1;
            }
        }
    }
    assert!(asked > 40, "{asked}");
    let after = both(&platform, &anns, &bobs).await;
    assert_same(&before, &after);
}

/// What is always refused tells a stranger no more.
#[tokio::test]
async fn refusals_tell_nothing_of_what_is_someone_elses() {
    let platform = Platform::new().await;
    let (ann, bob) = (platform.ann(), platform.bob());
    let anns = Names::make(&platform, &ann, "anns").await;
    let nothing = anns.of_nothing();
    let before = dump(&ann, &anns).await;
    let mut asked = 0;
    for refusal in REFUSALS {
        let path = anns.refused_path(refusal);
        let none = nothing.refused_path(refusal);
        if path == none {
            continue;
        }
        for body in [None, Some(json!({}))] {
            let answer = bob.call(&refusal.method, &path, body.clone()).await;
            assert_eq!(answer.status, 404, "{path}: {answer:?}");
            let none = bob.call(&refusal.method, &none, body).await;
            assert_eq!(told(&answer), told(&none), "{path}");
            asked += 1;
        }
    }
    assert!(asked > 20, "{asked}");
    assert_same(&before, &dump(&ann, &anns).await);
}

/// Apps go by their names, too.
#[tokio::test]
async fn names_are_no_way_around_identifiers() {
    let platform = Platform::new().await;
    let (ann, bob) = (platform.ann(), platform.bob());
    let anns = Names::make(&platform, &ann, "anns").await;
    let before = dump(&ann, &anns).await;
    let mut asked = 0;
    for endpoint in ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.path.contains("{app}"))
    {
        let path = anns.path(endpoint).replace(anns.get("app"), "anns-app");
        let nothing = anns.path(endpoint).replace(anns.get("app"), "no-such-app");
        for body in bodies(endpoint, &anns) {
            let answer = bob.call(&endpoint.method, &path, body.clone()).await;
            let none = bob.call(&endpoint.method, &nothing, body).await;
            assert_eq!(answer.status, 404, "{path}: {answer:?}");
            assert_eq!(answer.body["resource"], "app", "{path}: {answer:?}");
            assert_eq!(told(&answer), told(&none), "{path}");
            asked += 1;
        }
    }
    assert!(asked > 20, "{asked}");
    assert_same(&before, &dump(&ann, &anns).await);
}

/// What is Ann's does not become Bob's because he writes its identifier into a body.
#[tokio::test]
async fn bodies_do_not_reach_what_is_someone_elses() {
    let platform = Platform::new().await;
    let (ann, bob) = (platform.ann(), platform.bob());
    let anns = Names::make(&platform, &ann, "anns").await;
    let bobs = Names::make(&platform, &bob, "bobs").await;
    let before = both(&platform, &anns, &bobs).await;
    let mut asked = 0;
    for step in steps() {
        let body = step.body.clone().unwrap_or_default().to_string();
        for name in names_in(&body)
            .into_iter()
            // The address of a source is signed, and so a credential of its own.
            .filter(|name| !name.starts_with("who") && *name != "source")
            .filter(|name| !name.contains('"') && !is_public(name))
        {
            let path = bobs.fill(&step.path);
            let answer = bob
                .call(&step.method(), &path, bobs.but(name, &anns).body(step))
                .await;
            let nothing = bobs.but(name, &bobs.of_nothing());
            let none = bob.call(&step.method(), &path, nothing.body(step)).await;
            let what = format!("{} {path} with Ann's {name}: {answer:?}", step.method());
            let none = (none.status, none.body.to_string());
            let (status, text) = told(&answer);
            // A text may say what was asked for.
            let text = text.replace(anns.get(name), bobs.of_nothing().get(name));
            assert_eq!((status, text), none, "{what}");
            asked += 1;
        }
    }
    assert!(asked > 0);
    let after = both(&platform, &anns, &bobs).await;
    assert_same(&before, &after);
}

#[tokio::test]
async fn nothing_that_one_reads_has_anything_of_someone_elses() {
    let platform = Platform::new().await;
    let anns = Names::make(&platform, &platform.ann(), "anns").await;
    let bob = platform.bob();
    let bobs = Names::make(&platform, &bob, "bobs").await;
    for (path, answer) in dump(&bob, &bobs).await {
        let text = answer.to_string();
        for (name, value) in anns.own() {
            assert!(
                !text.contains(value),
                "{path} has Ann's {name}, {value}: {text}"
            );
        }
    }
}
