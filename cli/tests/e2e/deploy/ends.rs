//! How a command ends tells how the release has ended.

use super::fake::{Fake, Reply, id, release, slug};
use crate::context::{Context, ordinary};
use crate::invocation::eventually;
use crate::slug::entries;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::sync::Mutex;

#[test]
fn a_failed_release_whose_answer_was_lost_is_no_success() {
    let context = Context::new(ordinary());
    let releases = Mutex::new(vec![release(1, "succeeded", "first")]);
    let fake = Fake::new(move |_, asked, body| {
        let mut releases = releases.lock().unwrap();
        match asked {
            "GET /apps/fake/releases" => Reply::Json(releases.iter().rev().cloned().collect()),
            "POST /apps/fake/releases" => {
                let description = body["description"].as_str().unwrap_or_default();
                let version = releases.len() as u64 + 1;
                releases.push(release(version, "failed", description));
                Reply::Lost
            }
            _ => Reply::Missing,
        }
    });
    let error = fake
        .slugbuilder(&context, &["release", "--slug", &id(50), "-d", "mine"])
        .fails(1);
    assert!(
        error.contains("error[release-failed]: the release phase of v2 of `fake` failed"),
        "{error}"
    );
    assert_eq!(fake.asked("POST"), 1);
}

#[test]
fn what_lets_others_read_the_output_is_not_printed() {
    let context = Context::new(ordinary());
    let fake = Fake::new(|url, asked, _| {
        let of = |status| {
            let mut release = release(2, status, "mine");
            release["output_stream_url"] = format!("{url}/output?token=STREAM-SECRET").into();
            release
        };
        match asked {
            "GET /apps/fake/releases" => Reply::Json(json!([of("succeeded")])),
            "POST /apps/fake/releases" => Reply::Json(of("pending")),
            "GET /apps/fake/releases/2" => Reply::Json(of("succeeded")),
            "GET /output?token=STREAM-SECRET" => Reply::Text("migrated\n"),
            _ => Reply::Missing,
        }
    });
    let slug = id(50);
    for words in [
        &["release", "--slug", &slug, "-d", "mine", "--json"][..],
        &["releases", "--json"],
    ] {
        let ran = fake.slugbuilder(&context, words).succeeds();
        let text = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!text.contains("STREAM-SECRET"), "{text}");
        assert!(
            ran.stdout.contains(&format!("{}/output\"", fake.url)),
            "{text}"
        );
        assert_eq!(ran.stderr.contains("migrated"), words[0] == "release");
    }
}

#[test]
fn config_vars_whose_release_fails_are_no_success() {
    let context = Context::new(ordinary());
    let fake = Fake::new(|_, asked, _| match asked {
        "GET /apps/fake/config-vars" => Reply::Json(json!({"A": "1"})),
        "PATCH /apps/fake/config-vars" => Reply::Json(json!({"A": "2"})),
        "GET /apps/fake/releases" => Reply::Json(json!([release(2, "pending", "Set A")])),
        "GET /apps/fake/releases/2" => Reply::Json(release(2, "failed", "Set A")),
        _ => Reply::Missing,
    });
    let error = fake.slugbuilder(&context, &["config", "A=2"]).fails(1);
    insta::assert_snapshot!(error, @"
    fake: set A (v2)
    Release phase of v2 of fake
    error[release-failed]: the release phase of v2 of `fake` failed

      The app still runs what it ran before.

      hint: The output above says why: correct it, and deploy again.
    ");
    let unchanged = fake
        .slugbuilder(&context, &["config", "A=1", "--unset", "B", "--json"])
        .succeeds();
    insta::assert_snapshot!(unchanged.stderr, @"fake: nothing to change, and no release");
    assert_eq!(unchanged.json(), json!({"A": "1"}));
    assert_eq!(fake.asked("PATCH"), 1);
}

#[test]
fn whoever_is_impatient_leaves_no_half_download() {
    let context = Context::new(ordinary());
    context.folder("work");
    let fake = Fake::new(|url, asked, _| match asked {
        "GET /apps/fake/releases" => Reply::Json(Value::Array(vec![release(1, "succeeded", "x")])),
        "GET /blob" => Reply::Stalled,
        slugs if slugs.starts_with("GET /apps/fake/slugs/") => {
            Reply::Json(slug(&format!("{url}/blob")))
        }
        _ => Reply::Missing,
    });
    let work = || entries(&context.path("work"));
    let before = work();
    let mut pull = fake.slugbuilder(&context, &["pull"]).start();
    eventually("a file for the download", || {
        (work() != before).then_some(())
    });
    pull.signal(Signal::SIGINT);
    pull.signal(Signal::SIGINT);
    assert_eq!(pull.status(), 75, "{}", pull.output());
    assert_eq!(work(), before);
    let said = pull.output();
    assert!(
        said.contains("error[interrupted]: downloading the slug was interrupted"),
        "{said}"
    );
    for wrong in ["may have been done", "trying again"] {
        assert!(!said.contains(wrong), "{said}");
    }
}

#[test]
fn addresses_that_make_no_host_are_refused_before_anything_is_sent() {
    let context = Context::new(ordinary());
    let apps = |url| {
        let apps = context.slugbuilder(["apps", "--api-url", url]);
        apps.env("HEROKU_API_KEY", "0123-token")
    };
    insta::assert_snapshot!(apps("127.0.0.1:5100").fails(2), @"
    error[api-name]: `127.0.0.1:5100` is not the name of a platform

      hint: Write the whole address: `https://127.0.0.1:5100`, or `http://127.0.0.1:5100` if it is on this machine.
    ");
    assert!(apps("http:/x").fails(2).starts_with("error[api-name]"));
}
