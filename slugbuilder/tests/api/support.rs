//! A platform of recorded answers, and what is needed to speak to it.

use serde_json::{Value, json};
use slugbuilder::api::{Api, Token};
use slugbuilder::slug::{Checksum, ProcessType, Slug};
use slugbuilder_fetch::Settings;
use slugbuilder_fetch::test_server::{Answer, TestServer};
use slugbuilder_report::{Diagnosis, Event, Explain, Reporter, Style};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// The token. It must appear nowhere but in the requests to the API.
pub(crate) const TOKEN: &str = "0123-very-secret-4567";

/// The query of every blob's address, which signs it.
pub(crate) const SIGNATURE: &str = "Signature=hidden-signature";

pub(crate) const TIME: &str = "2026-01-02T03:04:05Z";

/// An id that is told apart from others by `number`.
pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(crate) fn settings() -> Settings {
    Settings {
        attempts: 3,
        backoff: Duration::from_millis(2),
        longest_wait: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_secs(2),
        answer_timeout: Duration::from_secs(10),
        ..Settings::default()
    }
}

/// The API and the blob store: two hosts, as with Heroku.
pub(crate) struct Platform {
    pub(crate) server: TestServer,
    pub(crate) blobs: TestServer,
    pub(crate) api: Api,
    pub(crate) folder: TempDir,
    pub(crate) heard: Heard,
}

/// What was reported.
#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<String>>);

impl Reporter for Heard {
    fn report(&self, event: Event<'_>) {
        let line = match event {
            Event::Note(text) => format!("note: {text}"),
            Event::Warning(warning) => warning.render(Style::Plain).trim_end().to_owned(),
            Event::Output(line) => format!("output: {}", String::from_utf8_lossy(line)),
            Event::Started { name, total, .. } => format!("started {name}: {total:?}"),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Platform {
    /// A platform with the app `shop` on `heroku-24`, which has no slug yet.
    pub(crate) fn new() -> Self {
        let server = TestServer::start().unwrap();
        let api = Api::new(settings(), &server.url("/"), Token::new(TOKEN).unwrap()).unwrap();
        let platform = Self {
            server,
            blobs: TestServer::start().unwrap(),
            api,
            folder: tempfile::tempdir().unwrap(),
            heard: Heard::default(),
        };
        platform.app("shop", 1, "heroku-24");
        platform.releases("shop", &[release(2, None), release(1, None)]);
        platform
    }

    pub(crate) fn app(&self, name: &str, number: u128, stack: &str) {
        let app = json!({
            "id": id(number), "name": name, "stack": stack_named(stack), "created_at": TIME, "updated_at": TIME,
            "owner": {"id": id(9), "email": "me@example.com"}, "region": {"id": id(8), "name": "us"},
            "something": "new",
        });
        self.answers(&format!("GET /apps/{name}"), [ok(&app)]);
    }

    /// Sets what the list of releases is, the newest first.
    pub(crate) fn releases(&self, app: &str, releases: &[Value]) {
        self.answers(&format!("GET /apps/{app}/releases"), [ok(&json!(releases))]);
    }

    pub(crate) fn answers(&self, target: &str, answers: impl IntoIterator<Item = Answer>) {
        self.server.answer(target, answers);
    }

    /// A slug's record.
    pub(crate) fn slug(
        &self,
        number: u128,
        checksum: &str,
        size: Option<u64>,
        method: &str,
    ) -> Value {
        json!({
            "id": id(number), "checksum": checksum, "size": size, "stack": stack_named("heroku-24"),
            "process_types": {"web": "node web.js"}, "created_at": TIME, "updated_at": TIME,
            "blob": {"method": method, "url": self.blobs.url(&format!("/blob{number}?{SIGNATURE}"))},
        })
    }

    /// How often `METHOD /path` was asked for.
    pub(crate) fn count(&self, target: &str) -> usize {
        self.server.requests_for(target).len()
    }

    /// Requests to the blob store.
    pub(crate) fn uploads(&self, number: u128) -> Vec<slugbuilder_fetch::test_server::Request> {
        self.blobs
            .requests_for(&format!("PUT /blob{number}?{SIGNATURE}"))
    }

    /// The message, without what changes from run to run. No message, and no debug output, may hold a secret.
    pub(crate) fn message(&self, error: &impl Explain) -> String {
        let text = Diagnosis::of(error).render(Style::Plain);
        assert_no_secret(&format!("{text}{error:?}"));
        self.settled(&text)
    }

    /// What was reported, one line each.
    pub(crate) fn told(&self) -> String {
        let told = self.heard.0.lock().unwrap().join("\n");
        assert_no_secret(&told);
        let told = self.settled(&told);
        // Waits have jitter.
        let mut settled = String::new();
        let mut rest = told.as_str();
        while let Some((before, after)) = rest.split_once("trying again in ") {
            let (_, after) = after.split_once(" s ").unwrap();
            settled.push_str(before);
            settled.push_str("trying again in <wait> s ");
            rest = after;
        }
        settled + rest
    }

    fn settled(&self, text: &str) -> String {
        text.replace(&self.server.address().to_string(), "<api>")
            .replace(&self.blobs.address().to_string(), "<blobs>")
            .replace(self.folder.path().to_str().unwrap(), "<folder>")
    }

    /// A slug file with its record; the app's files are of no matter here.
    pub(crate) fn slug_file(&self, content: &[u8]) -> (PathBuf, Slug) {
        use sha2::Digest as _;
        let path = self.folder.path().join("slug.tgz");
        let content = [&[0x1f, 0x8b], content].concat();
        fs_err::write(&path, &content).unwrap();
        let record = Slug {
            process_types: BTreeMap::from([(
                ProcessType::try_from("web").unwrap(),
                "node web.js".to_owned(),
            )]),
            stack: "heroku-24".to_owned(),
            checksum: Checksum(sha2::Sha256::digest(&content).into()),
            commit: Some("c0ffee".into()),
            commit_description: Some("Fix".into()),
            buildpack_provided_description: Some("Node.js".into()),
        };
        (path, record)
    }
}

pub(crate) fn assert_no_secret(text: &str) {
    for secret in [TOKEN, "hidden-signature"] {
        assert!(!text.contains(secret), "{text}");
    }
}

pub(crate) fn stack_named(name: &str) -> Value {
    let number = if name == "heroku-24" { 24 } else { 22 };
    json!({"id": id(number), "name": name})
}

pub(crate) fn ok(value: &Value) -> Answer {
    Answer::ok(value.to_string()).header("Content-Type", "application/json")
}

pub(crate) fn created(value: &Value) -> Answer {
    ok(value).with_status(201)
}

/// An error of the API.
pub(crate) fn refused(status: u16, id: &str, message: &str) -> Answer {
    ok(&json!({"id": id, "message": message}))
        .with_status(status)
        .header("Request-Id", "request-7")
}

/// An error of S3.
pub(crate) fn s3(status: u16, code: &str, message: &str) -> Answer {
    Answer::ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <Expires>{TIME}</Expires><RequestId>S3REQUEST</RequestId><HostId>h</HostId></Error>"
    ))
    .with_status(status)
    .header("Content-Type", "application/xml")
}

/// A release of `shop`: the newest one that is given runs.
pub(crate) fn release(version: u64, slug: Option<u128>) -> Value {
    release_of("shop", version, slug)
}

pub(crate) fn release_of(app: &str, version: u64, slug: Option<u128>) -> Value {
    json!({
        "id": id(1000 + u128::from(version)), "version": version, "status": "succeeded",
        "app": {"id": id(1), "name": app}, "slug": slug.map(|slug| json!({"id": id(slug)})),
        "created_at": TIME, "updated_at": TIME, "user": {"id": id(9), "email": "me@example.com"},
        "description": format!("Deploy {version}"), "current": false,
        "eligible_for_rollback": slug.is_some(),
    })
}

/// The same with another value.
pub(crate) fn with(mut value: Value, key: &str, other: impl Into<Value>) -> Value {
    value[key] = other.into();
    value
}
