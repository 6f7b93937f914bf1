//! Who speaks to a Platform API, and how a call is made: its headers, its repetitions, its answer.

use super::error::request_id;
use super::retry::{Attempts, Repeat, asked_wait};
use super::types::MEDIA_TYPE;
use super::{ApiError, Refusal, Token};
use crate::stop::Stop;
use serde::Serialize;
use serde::de::DeserializeOwned;
use slugbuilder_fetch::{
    Address, Answer, Call, Client, Content, Method, Redirects, Settings, redacted,
};
use slugbuilder_report::{Event, Reporter, Warning};
use std::time::SystemTime;

/// Where Heroku's API is.
pub const API_URL: &str = "https://api.heroku.com";

/// Most bytes of an answer: a page of a thousand releases is far below.
const LARGEST_ANSWER: u64 = 16 << 20;

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
    /// The API at `url`, [`API_URL`] or another: `https://`, or `http://` on this machine. Opens no connection.
    pub fn new(settings: Settings, url: &str, token: Token) -> Result<Self, ApiError> {
        let invalid = |reason| ApiError::Url {
            url: redacted(url),
            reason,
        };
        let address = Address::of(url).map_err(invalid)?;
        if !address.plain {
            return Err(invalid("it holds a user, a password or a query"));
        }
        if !address.secure && !address.loopback {
            return Err(invalid(
                "it is not encrypted, so that everyone on the way could read the token",
            ));
        }
        let http = Client::new(settings).map_err(|source| ApiError::Transport {
            action: format!("speak to `{}`", redacted(url)),
            attempts: 0,
            source,
        })?;
        Ok(Self {
            http,
            url: redacted(url).trim_end_matches('/').to_owned(),
            token,
            stop: Stop::default(),
        })
    }

    /// The same, whose calls and waits end when `stop` says so.
    #[must_use]
    pub fn stopping(self, stop: Stop) -> Self {
        Self { stop, ..self }
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

    /// Asks for what is at `path`.
    pub(super) fn get<T: DeserializeOwned>(
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

    /// Sends `body` to `path`.
    pub(super) fn send<T: DeserializeOwned>(
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
            // As Heroku's CLI and heroku-go show it.
            let warning = ["X-Heroku-Warning", "Warning-Message"]
                .iter()
                .find_map(|name| answer.header(name));
            if let Some(warning) = warning {
                reporter.report(Event::Warning(&Warning::new("api-warning", warning)));
            }
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
    serde_json::from_slice(&answer.body).map_err(|error| nonsense(form(&error)))
}

/// What is wrong with the form of an answer. serde's own words quote values, which may be secret; all but those that name a
/// field of ours.
fn form(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") {
        return text;
    }
    let wrong = if error.is_data() {
        "a value has another form than it should"
    } else {
        "it is no whole JSON"
    };
    format!(
        "{wrong}, at line {} column {}",
        error.line(),
        error.column()
    )
}
