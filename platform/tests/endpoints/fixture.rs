//! Something real for every name in every path of the table: what `tests/fixture.json` says is made, in its order; and `public` names, which
//! stand for the same with everybody. schemathesis is given the same (`tests/clients/schemathesis/`).
//!
//! A step is a request: `method` (`POST` unless it says so), `path` and `body`, in which `{app}` stands for what the step of that name made,
//! `{who}` for whose it is, `{who_key}` for the end of a key of theirs, and `{colleague}` for somebody to share apps with. With a `name`,
//! what the answer has at `id` (`/id` unless it says so) is from then on called that; what is `pending` then is waited for. With `upload`,
//! bytes are put to the address that the answer has there.

use crate::platform::{Caller, Platform};
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slugbuilder_platform::api::{ENDPOINTS, Endpoint, Refusal};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

/// The name of somebody to share apps with, who does nothing.
const COLLEAGUE: &str = "colleague";

/// How many characters of Base64 end an SSH key of Ed25519, after what all of them begin with.
const KEY_LENGTH: usize = 42;

/// What nothing is called by.
pub(crate) const NOTHING: &str = "8f2c9f57-5ab8-4b09-8b5e-3c6a2f0a4d11";

/// A request that makes something, or finds it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// What it makes, as paths have it in braces.
    pub(crate) name: Option<String>,
    #[serde(default = "post")]
    method: String,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    #[serde(default = "id")]
    id: String,
    upload: Option<String>,
}

fn post() -> String {
    "POST".to_owned()
}

fn id() -> String {
    "/id".to_owned()
}

/// `tests/fixture.json`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    public: BTreeMap<String, String>,
    steps: Vec<Step>,
}

static FIXTURE: LazyLock<Fixture> =
    LazyLock::new(|| serde_json::from_str(include_str!("../fixture.json")).unwrap());

/// All steps.
pub(crate) fn steps() -> &'static [Step] {
    &FIXTURE.steps
}

/// What the names in paths stand for, for one user.
#[derive(Debug, Clone)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// These, what is the same for everybody, and nothing for all others.
    pub(crate) fn public(names: &[(&str, &str)]) -> Self {
        let nothing = ENDPOINTS
            .iter()
            .flat_map(|endpoint| names_in(endpoint.path))
            .map(|name| (name, NOTHING));
        let public = FIXTURE
            .public
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let all = nothing.chain(public).chain(names.iter().copied());
        Self(
            all.map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    /// Makes one of everything, for a user of this e-mail address.
    pub(crate) async fn make(platform: &Platform, caller: &Caller<'_>, who: &str) -> Self {
        let mut names = Self(FIXTURE.public.clone());
        names.0.insert("who".to_owned(), who.to_owned());
        let key = hex::encode(Sha256::digest(who))[..KEY_LENGTH].to_owned();
        names.0.insert("who_key".to_owned(), key);
        names
            .0
            .insert(COLLEAGUE.to_owned(), "carol@example.test".to_owned());
        for step in steps() {
            let answer = caller
                .call(&step.method(), &names.fill(&step.path), names.body(step))
                .await;
            assert_eq!(answer.status / 100, 2, "{step:?}: {answer:?}");
            if let Some(upload) = &step.upload {
                let url = answer.body.pointer(upload).unwrap().as_str().unwrap();
                let (status, _) = platform.blob("PUT", url, b"slug".to_vec()).await;
                assert_eq!(status / 100, 2);
            }
            if let Some(name) = &step.name {
                let id = answer.body.pointer(&step.id).and_then(Value::as_str);
                let id = id.unwrap_or_else(|| panic!("nothing at {}: {answer:?}", step.id));
                names.0.insert(name.clone(), id.to_owned());
                if answer.body["status"] == "pending" {
                    until_ended(caller, &format!("{}/{id}", names.fill(&step.path))).await;
                }
            }
        }
        // Whose account it is, by the address.
        names
            .0
            .insert("account".to_owned(), caller.email().to_owned());
        names
    }

    /// Names of nothing, but for what is the same for everybody.
    pub(crate) fn of_nothing(&self) -> Self {
        let mut names = self.clone();
        for (name, value) in &mut names.0 {
            if !name.starts_with("who") && !is_public(name) {
                NOTHING.clone_into(value);
            }
        }
        names
    }

    /// The same, but for one name, which stands for what it stands for in `other`.
    pub(crate) fn but(&self, name: &str, other: &Self) -> Self {
        let mut names = self.clone();
        names.0.insert(name.to_owned(), other.0[name].clone());
        names
    }

    /// What a name stands for.
    pub(crate) fn get(&self, name: &str) -> &str {
        &self.0[name]
    }

    /// The identifiers that are theirs alone, and what their texts are known by.
    pub(crate) fn own(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter(|(name, _)| !is_public(name))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The path of what is always refused; what it refuses is called by what nothing is.
    pub(crate) fn refused_path(&self, refusal: &Refusal) -> String {
        let segments = refusal.path.split('/').map(|segment| {
            let name = segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            name.map_or(segment, |name| {
                self.0.get(name).map_or(NOTHING, String::as_str)
            })
        });
        segments.collect::<Vec<_>>().join("/")
    }

    /// The path of an endpoint.
    #[track_caller]
    pub(crate) fn path(&self, endpoint: &Endpoint) -> String {
        self.fill(endpoint.path)
    }

    /// The body of a step.
    pub(crate) fn body(&self, step: &Step) -> Option<Value> {
        let body = step.body.as_ref()?;
        Some(self.value(body))
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => json!(self.fill(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.value(value)))
                .collect(),
            other => other.clone(),
        }
    }

    /// A text with what its names stand for.
    #[track_caller]
    pub(crate) fn fill(&self, text: &str) -> String {
        names_in(text).into_iter().fold(text.to_owned(), |filled, name| {
            let value = self.0.get(name).unwrap_or_else(|| {
                panic!(
                    "`{{{name}}}` in `{text}` stands for nothing: add a step with `\"name\": \"{name}\"` to platform/tests/fixture.json that \
                     makes one, or the name to its `public` if it is the same for everybody"
                )
            });
            filled.replace(&format!("{{{name}}}"), value)
        })
    }
}

impl Step {
    /// The method of the request.
    pub(crate) fn method(&self) -> Method {
        self.method.parse().unwrap()
    }

    /// The step that makes what an endpoint makes, by which a body that it takes is known.
    pub(crate) fn of(endpoint: &Endpoint) -> Option<&'static Self> {
        steps()
            .iter()
            .find(|step| step.path == endpoint.path && step.method() == endpoint.method)
    }
}

/// Waits for what goes on by itself.
async fn until_ended(caller: &Caller<'_>, path: &str) {
    for _ in 0..1000 {
        if caller.get(path).await.body["status"] != "pending" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} does not end");
}

/// The names in braces, in their order.
pub(crate) fn names_in(text: &str) -> Vec<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
        .collect()
}

/// Whether a name stands for the same with everybody.
pub(crate) fn is_public(name: &str) -> bool {
    name == COLLEAGUE || FIXTURE.public.contains_key(name)
}

/// Answers, by the path that was read.
pub(crate) type Dump = BTreeMap<String, Value>;

/// Everything that a user reads of what these names stand for, by its path, without what changes of itself.
pub(crate) async fn dump(caller: &Caller<'_>, names: &Names) -> Dump {
    let mut dump = Dump::new();
    for endpoint in ENDPOINTS {
        if endpoint.method != Method::GET || endpoint.path == "/account/rate-limits" {
            continue;
        }
        let path = names.path(endpoint);
        let answer = caller.get(&path).await;
        dump.insert(
            path,
            json!([answer.status, without_signatures(answer.body)]),
        );
    }
    dump
}

/// Addresses without their queries, which have the time and a signature.
fn without_signatures(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("http") => {
            json!(text.split('?').next())
        }
        Value::Array(items) => items.into_iter().map(without_signatures).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, without_signatures(value)))
            .collect(),
        other => other,
    }
}
