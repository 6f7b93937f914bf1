//! What a blob store says when it refuses: XML, as S3 writes it, or the JSON of a Platform API that keeps blobs itself.

use super::error::{quoted, request_id, seconds};
use super::types::ErrorBody;
use slugbuilder_fetch::Answer;
use slugbuilder_report::Fault;
use std::fmt;
use std::time::Duration;

/// An answer of a blob store with another status than 2xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRefusal {
    /// The status.
    pub status: u16,
    /// S3's `<Code>`, for example `AccessDenied`, or the id of the API's error.
    pub code: Option<String>,
    /// The words that came with it: `Request has expired`.
    pub message: Option<String>,
    /// S3's `<RequestId>`, or the header of that name.
    pub request_id: Option<String>,
    /// Where the answer came from, without its signature.
    pub url: String,
    /// How long it asks to wait.
    pub wait: Option<Duration>,
    /// How often it was tried.
    pub attempts: u32,
}

impl BlobRefusal {
    /// What `answer` says, after `attempts`.
    pub(super) fn of(answer: &Answer, wait: Option<Duration>, attempts: u32) -> Self {
        let text = String::from_utf8_lossy(&answer.body);
        let (code, message, id) = if text.contains("<Error>") {
            (
                element(&text, "Code"),
                element(&text, "Message"),
                element(&text, "RequestId"),
            )
        } else if let Ok(body) = serde_json::from_slice::<ErrorBody>(&answer.body) {
            (Some(body.id), Some(body.message), None)
        } else {
            // A page for browsers says little in one line.
            let words = quoted(&answer.body).filter(|words| !words.starts_with('<'));
            (None, words, None)
        };
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Self {
            status: answer.status,
            code: filled(code),
            message: filled(message),
            request_id: filled(id)
                .or_else(|| answer.header("x-amz-request-id").map(str::to_owned))
                .or_else(|| request_id(answer)),
            url: answer.url.clone(),
            wait,
            attempts,
        }
    }

    /// Whether a fresh address may help: S3 says 403 for one that has expired, with the code `AccessDenied` or
    /// `ExpiredToken`, and so for other reasons, too.
    pub(super) fn may_want_another_address(&self) -> bool {
        matches!(self.status, 401 | 403 | 410)
    }

    /// Whether the same again may help: an overloaded or failing store, and S3's `RequestTimeout`, a 400.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 429 | 500 | 502..=504)
            || self.code.as_deref() == Some("RequestTimeout")
    }

    pub(super) fn fault(&self) -> Fault {
        if self.is_passing() || self.status >= 500 {
            Fault::TryLater
        } else if matches!(self.status, 400 | 413 | 422) {
            Fault::App
        } else {
            Fault::Unavailable
        }
    }

    pub(super) fn explanation(&self) -> String {
        let mut text = format!("`{}` answered {}", self.url, self.status);
        if let Some(code) = &self.code {
            text = format!("{text} (`{code}`)");
        }
        text.push('.');
        if let Some(id) = &self.request_id {
            text = format!("{text} Request id: {id}.");
        }
        if let Some(wait) = self.wait {
            text = format!("{text} It asks to wait {}.", seconds(wait));
        }
        if self.attempts > 1 {
            text = format!("{text} It was tried {} times.", self.attempts);
        }
        text
    }

    pub(super) fn hints(&self) -> Vec<String> {
        match self.status {
            _ if self.is_passing() || self.status >= 500 => vec!["Try again later.".into()],
            401 | 403 | 410 => vec![
                "Check the clock of this machine: such an address holds for an hour or less.".into(),
                "A proxy on the way may have refused it: see `HTTPS_PROXY` and `NO_PROXY`.".into(),
            ],
            413 => vec![
                "The slug is larger than the platform takes: leave out what the app does not need with `.slugignore-after-build`.".into(),
            ],
            300..=399 => vec!["A proxy on the way may have answered: see `HTTPS_PROXY` and `NO_PROXY`.".into()],
            400 | 422 => vec!["Compile again: the file may have been changed or damaged.".into()],
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for BlobRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, &self.message) {
            (_, Some(message)) => f.write_str(message.trim().trim_end_matches('.')),
            (Some(code), None) => f.write_str(code),
            (None, None) => write!(f, "the blob store answered {}", self.status),
        }
    }
}

/// The text of the first element of this name. S3's errors are flat, and nothing is done with the text but showing it.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    let mut text = text.to_owned();
    for (entity, character) in entities {
        text = text.replace(entity, character);
    }
    quoted(text.as_bytes())
}
