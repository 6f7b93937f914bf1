//! The calls of the Platform API, typed.

use super::error::request_id;
use super::retry::{Attempts, Repeat, asked_wait};
use super::types::{
    Account, App, ConfigVars, ConfigVarsUpdate, Formation, MEDIA_TYPE, Release, ReleaseCreate,
    Slug, SlugCreate,
};
use super::{ApiError, Newest, Refusal, Token};
use crate::stop::Stop;
use serde::Serialize;
use serde::de::DeserializeOwned;
use slugbuilder_fetch::{
    Address, Answer, Call, Client, Content, Method, Redirects, Settings, redacted,
};
use slugbuilder_report::{Reporter, Warning};
use std::time::SystemTime;
use uuid::Uuid;

/// Where Heroku's API is.
pub const API_URL: &str = "https://api.heroku.com";

/// Most bytes of an answer: a page of a thousand releases is far below.
const LARGEST_ANSWER: u64 = 64 << 20;

/// A Platform API, and who speaks to it. Its calls can be made from several threads.
///
/// Calls that ask, and those that may happen twice, are repeated after errors that pass: as often, and with such waits, as
/// the [`Settings`] say. A call that makes a release is repeated only if it is certain that it did not arrive.
#[derive(Debug)]
pub struct Api {
    http: Client,
    /// Without a `/` at its end.
    url: String,
    token: Token,
    stop: Stop,
    warning: Option<Warning>,
}

/// One call.
pub(super) struct Asked<'a> {
    pub(super) method: Method,
    /// Begins with `/`.
    pub(super) path: String,
    pub(super) body: Option<Vec<u8>>,
    pub(super) range: Option<&'a str>,
    pub(super) repeat: Repeat,
    /// What it is to do, for messages: `list the apps`.
    pub(super) action: String,
}

impl Api {
    /// The API at `url`, [`API_URL`] or another. Opens no connection.
    pub fn new(settings: Settings, url: &str, token: Token) -> Result<Self, ApiError> {
        let invalid = |reason| ApiError::Url {
            url: redacted(url),
            reason,
        };
        let address = Address::of(url).map_err(invalid)?;
        if !address.plain {
            return Err(invalid("it holds a user, a password or a query"));
        }
        let http = Client::new(settings).map_err(|source| ApiError::Transport {
            action: format!("speak to `{}`", redacted(url)),
            attempts: 0,
            source,
        })?;
        let warning = (!address.secure && !address.loopback).then(|| {
            Warning::new(
                "api-not-secure",
                format!("`{}` is not encrypted: everyone on the way can read the token", redacted(url)),
            )
            .hint("Use `https://`; a server of your own can have a certificate that `SSL_CERT_FILE` names.")
        });
        Ok(Self {
            http,
            url: redacted(url).trim_end_matches('/').to_owned(),
            token,
            stop: Stop::default(),
            warning,
        })
    }

    /// The same, whose calls and waits end when `stop` says so.
    #[must_use]
    pub fn stopping(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    /// What should be known of the address: that it is not encrypted.
    #[must_use]
    pub fn warning(&self) -> Option<&Warning> {
        self.warning.as_ref()
    }

    /// The address, without a `/` at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// When calls and waits end.
    pub(super) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// What makes the transfers.
    pub(super) fn http(&self) -> &Client {
        &self.http
    }

    /// Whose token it is.
    pub fn account(&self, reporter: &dyn Reporter) -> Result<Account, ApiError> {
        self.get("/account".into(), "ask whose token it is".into(), reporter)
    }

    /// The apps that the account may see, by name. At most a thousand pages of them.
    pub fn apps(&self, reporter: &dyn Reporter) -> Result<Vec<App>, ApiError> {
        self.list(
            "/apps",
            "name ..; max=1000",
            usize::MAX,
            "list the apps",
            reporter,
        )
    }

    /// An app by name or id.
    pub fn app(&self, app: &str, reporter: &dyn Reporter) -> Result<App, ApiError> {
        self.get(
            format!("/apps/{}", identity("an app", app)?),
            format!("look up the app `{app}`"),
            reporter,
        )
    }

    /// The config vars of an app.
    pub fn config_vars(&self, app: &str, reporter: &dyn Reporter) -> Result<ConfigVars, ApiError> {
        self.get(
            format!("/apps/{}/config-vars", identity("an app", app)?),
            format!("read the config vars of `{app}`"),
            reporter,
        )
    }

    /// Sets and removes config vars, which makes a release if it changes anything. All of them as they then are.
    pub fn update_config_vars(
        &self,
        app: &str,
        update: &ConfigVarsUpdate,
        reporter: &dyn Reporter,
    ) -> Result<ConfigVars, ApiError> {
        let path = format!("/apps/{}/config-vars", identity("an app", app)?);
        let action = format!("change the config vars of `{app}`");
        // The same change again changes nothing, and makes no release.
        self.send(
            Method::Patch,
            path,
            update,
            Repeat::Harmless,
            action,
            reporter,
        )
    }

    /// Makes the record of a slug; its `blob` says where the bytes go.
    pub fn create_slug(
        &self,
        app: &str,
        slug: &SlugCreate,
        reporter: &dyn Reporter,
    ) -> Result<Slug, ApiError> {
        let path = format!("/apps/{}/slugs", identity("an app", app)?);
        let action = format!("make the record of the slug for `{app}`");
        // A record that nothing is uploaded for does no harm.
        self.send(Method::Post, path, slug, Repeat::Harmless, action, reporter)
    }

    /// A slug; its `blob` says where the bytes are to be had.
    pub fn slug(&self, app: &str, id: Uuid, reporter: &dyn Reporter) -> Result<Slug, ApiError> {
        self.get(
            format!("/apps/{}/slugs/{id}", identity("an app", app)?),
            format!("look up the slug `{id}` of `{app}`"),
            reporter,
        )
    }

    /// The newest releases of an app, the newest first.
    pub fn releases(
        &self,
        app: &str,
        newest: Newest,
        reporter: &dyn Reporter,
    ) -> Result<Vec<Release>, ApiError> {
        let path = format!("/apps/{}/releases", identity("an app", app)?);
        let action = format!("list the releases of `{app}`");
        self.list(&path, &newest.range(), newest.limit(), &action, reporter)
    }

    /// A release by number, with or without a `v`, or by id.
    pub fn release(
        &self,
        app: &str,
        release: &str,
        reporter: &dyn Reporter,
    ) -> Result<Release, ApiError> {
        self.get(
            format!(
                "/apps/{}/releases/{}",
                identity("an app", app)?,
                release_identity(release)?
            ),
            format!("look up the release `{release}` of `{app}`"),
            reporter,
        )
    }

    /// The config vars of an app as a release has them.
    pub fn release_config_vars(
        &self,
        app: &str,
        release: &str,
        reporter: &dyn Reporter,
    ) -> Result<ConfigVars, ApiError> {
        self.get(
            format!(
                "/apps/{}/releases/{}/config-vars",
                identity("an app", app)?,
                release_identity(release)?
            ),
            format!("read the config vars of the release `{release}` of `{app}`"),
            reporter,
        )
    }

    /// Makes a release: one call, repeated only if it is certain that the one before did not arrive. [`super::release()`]
    /// and [`super::rollback()`] also find out what happened where that is not certain.
    pub fn create_release(
        &self,
        app: &str,
        release: &ReleaseCreate,
        reporter: &dyn Reporter,
    ) -> Result<Release, ApiError> {
        let path = format!("/apps/{}/releases", identity("an app", app)?);
        let action = match release {
            ReleaseCreate::Slug { slug, .. } => format!("release the slug `{slug}` to `{app}`"),
            ReleaseCreate::Rollback { .. } => format!("roll `{app}` back"),
        };
        let repeat = Repeat::OnlyIfNothingHappened;
        self.send(Method::Post, path, release, repeat, action, reporter)
    }

    /// How many dynos of each process type an app is to have.
    pub fn formation(
        &self,
        app: &str,
        reporter: &dyn Reporter,
    ) -> Result<Vec<Formation>, ApiError> {
        let path = format!("/apps/{}/formation", identity("an app", app)?);
        let action = format!("read the formation of `{app}`");
        self.list(&path, "id ..; max=1000", usize::MAX, &action, reporter)
    }

    fn get<T: DeserializeOwned>(
        &self,
        path: String,
        action: String,
        reporter: &dyn Reporter,
    ) -> Result<T, ApiError> {
        let asked = Asked {
            method: Method::Get,
            path,
            body: None,
            range: None,
            repeat: Repeat::Harmless,
            action,
        };
        let answer = self.ask(&asked, reporter)?;
        parsed(&answer, &asked.action)
    }

    fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        body: &impl Serialize,
        repeat: Repeat,
        action: String,
        reporter: &dyn Reporter,
    ) -> Result<T, ApiError> {
        let body = serde_json::to_vec(body).map_err(|error| ApiError::Nonsense {
            action: action.clone(),
            url: self.url.clone(),
            reason: error.to_string(),
            request_id: None,
        })?;
        let asked = Asked {
            method,
            path,
            body: Some(body),
            range: None,
            repeat,
            action,
        };
        let answer = self.ask(&asked, reporter)?;
        parsed(&answer, &asked.action)
    }

    /// Makes a call, again where that may help and can do no harm. The answer's status is 2xx.
    pub(super) fn ask(
        &self,
        asked: &Asked<'_>,
        reporter: &dyn Reporter,
    ) -> Result<Answer, ApiError> {
        let mut attempts = Attempts::new(self.http.settings(), &self.stop, reporter);
        loop {
            let attempt = attempts.begin(&asked.action)?;
            let error = match self.ask_once(asked, attempt, reporter) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !asked.repeat.allows(&error) {
                return Err(error);
            }
            attempts.wait_after(error, &asked.action)?;
        }
    }

    fn ask_once(
        &self,
        asked: &Asked<'_>,
        attempt: u32,
        reporter: &dyn Reporter,
    ) -> Result<Answer, ApiError> {
        let url = format!("{}{}", self.url, asked.path);
        let authorization = self.token.authorization();
        let mut headers = vec![("Accept", MEDIA_TYPE), ("Authorization", &authorization)];
        if asked.body.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        if let Some(range) = asked.range {
            headers.push(("Range", range));
        }
        let call = Call {
            method: asked.method,
            url: &url,
            headers: &headers,
            content: asked
                .body
                .as_deref()
                .map_or(Content::Nothing, Content::Bytes),
            redirects: Redirects::SameOrigin,
            max_bytes: LARGEST_ANSWER,
            name: None,
            cancelled: None,
        };
        let answer = self
            .http
            .call(&call, reporter)
            .map_err(|source| ApiError::Transport {
                action: asked.action.clone(),
                attempts: attempt,
                source,
            })?;
        if answer.is_success() {
            return Ok(answer);
        }
        let wait = asked_wait(&answer, SystemTime::now());
        Err(ApiError::Refused {
            action: asked.action.clone(),
            refusal: Box::new(Refusal::of(&answer, wait, attempt)),
        })
    }
}

/// What `answer` says.
pub(super) fn parsed<T: DeserializeOwned>(answer: &Answer, action: &str) -> Result<T, ApiError> {
    let nonsense = |reason: String| ApiError::Nonsense {
        action: action.to_owned(),
        url: answer.url.clone(),
        reason,
        request_id: request_id(answer),
    };
    if answer.truncated {
        return Err(nonsense(format!(
            "it is larger than {LARGEST_ANSWER} bytes"
        )));
    }
    if answer.body.trim_ascii().is_empty() {
        return Err(nonsense("it is empty".into()));
    }
    serde_json::from_slice(&answer.body).map_err(|error| nonsense(error.to_string()))
}

/// A part of a path: nothing that could lead elsewhere.
fn identity<'a>(what: &'static str, text: &'a str) -> Result<&'a str, ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.bytes().all(allowed) {
        Ok(text)
    } else {
        Err(ApiError::Identity {
            what,
            text: text.to_owned(),
        })
    }
}

/// A release's number without the `v`, or its id, as the API takes them in a path.
pub(super) fn release_identity(text: &str) -> Result<&str, ApiError> {
    let number = text.strip_prefix(['v', 'V']).unwrap_or(text);
    if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(number);
    }
    if Uuid::try_parse(text).is_ok() {
        return identity("a release", text);
    }
    Err(ApiError::Identity {
        what: "a release",
        text: text.to_owned(),
    })
}
