//! Why a call of the Platform API failed.

use super::types::ErrorBody;
use super::{BlobRefusal, TokenError};
use crate::stop::Stopped;
use slugbuilder_fetch::{Answer, FetchError};
use slugbuilder_report::{Explain, Fault};
use std::fmt;
use std::time::Duration;

/// Most characters of an answer that is no JSON which a message quotes.
const QUOTED: usize = 300;

/// Why a call failed. No variant holds the token, or a URL with its query, which signs it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The API's address cannot be used.
    #[error("`{url}` cannot be the address of the API: {reason}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name or identifier that can be none.
    #[error("`{text}` is no name or id of {what}")]
    Identity {
        /// `an app`, `a release`, …
        what: &'static str,
        /// As it was given.
        text: String,
    },
    /// The token cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The API answered that it does not do it.
    #[error("cannot {action}: {refusal}")]
    Refused {
        /// What was to be done: ``release the slug to `example` ``.
        action: String,
        /// What the API said.
        refusal: Box<Refusal>,
    },
    /// Whatever keeps the blobs does not take, or give, this one.
    #[error("cannot {action}: {refusal}")]
    Blob {
        /// `upload the slug`.
        action: String,
        /// What it said.
        refusal: Box<BlobRefusal>,
    },
    /// No answer came.
    #[error("cannot {action}")]
    Transport {
        /// What was to be done.
        action: String,
        /// How often it was tried.
        attempts: u32,
        /// What the last attempt failed with.
        source: FetchError,
    },
    /// No answer came of whatever keeps the blobs.
    #[error("cannot {action}")]
    Upload {
        /// `upload the slug`.
        action: String,
        /// How often it was tried.
        attempts: u32,
        /// What the last attempt failed with; it names the address.
        source: FetchError,
    },
    /// An answer came that says it is done, and cannot be understood.
    #[error("cannot {action}: the answer makes no sense: {reason}")]
    Nonsense {
        /// What was to be done.
        action: String,
        /// Where it came from.
        url: String,
        /// What is wrong with it.
        reason: String,
        /// What names the request in the server's log.
        request_id: Option<String>,
    },
    /// The work had to end.
    #[error("cannot {action}: it {stopped}")]
    Stopped {
        /// What was to be done.
        action: String,
        /// Why.
        stopped: Stopped,
    },
}

/// An answer of the API with another status than 2xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// What the API calls it: `not_found`. Empty where the answer is not the API's own.
    pub id: String,
    /// The API's words.
    pub message: String,
    /// What it is about: `app`.
    pub resource: Option<String>,
    /// Where to read more, without the query of that address.
    pub see: Option<String>,
    /// What names the request in the server's log.
    pub request_id: Option<String>,
    /// Where the answer came from.
    pub url: String,
    /// How long the API asks to wait.
    pub wait: Option<Duration>,
    /// How often it was tried.
    pub attempts: u32,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message.trim().trim_end_matches('.');
        if message.is_empty() {
            write!(f, "the API answered {}", self.status)
        } else {
            f.write_str(message)
        }
    }
}

impl Refusal {
    /// What `answer` says, after `attempts`.
    pub(super) fn of(answer: &Answer, wait: Option<Duration>, attempts: u32) -> Self {
        let body: Option<ErrorBody> = serde_json::from_slice(&answer.body).ok();
        let body = body.unwrap_or_else(|| ErrorBody {
            id: String::new(),
            message: String::new(),
            resource: None,
            url: None,
        });
        Self {
            status: answer.status,
            id: body.id,
            message: body.message,
            resource: body.resource,
            see: body.url.as_deref().map(slugbuilder_fetch::redacted),
            request_id: request_id(answer),
            url: answer.url.clone(),
            wait,
            attempts,
        }
    }

    /// Whether a slug that was to be released is refused for what it is: it is gone, or has no bytes.
    pub(super) fn is_about_the_slug(&self) -> bool {
        matches!(self.status, 404 | 410 | 422)
            && self.resource.as_deref().is_none_or(|what| what == "slug")
    }

    fn fault(&self) -> Fault {
        match self.status {
            408 | 429 | 500..=599 => Fault::TryLater,
            401 | 402 | 403 | 407 | 406 | 300..=399 => Fault::Unavailable,
            _ => Fault::App,
        }
    }

    fn hints(&self) -> Vec<String> {
        let mut hints: Vec<String> = match (self.status, self.id.as_str()) {
            (401, _) => vec![
                "Check the token: set `HEROKU_API_KEY`, or put it into `~/.netrc` for this host.".into(),
                "A token may have expired; `heroku authorizations:create` makes one that lasts.".into(),
            ],
            (402, _) => vec!["The account has to be paid for before this works.".into()],
            (403, "two_factor") => {
                vec!["The account wants a second factor here: use a token of `heroku authorizations:create`.".into()]
            }
            (403, "suspended") => vec!["Ask whoever runs the platform about the account.".into()],
            (403, _) => vec!["Let the app's owner add you as a collaborator, or use a token of theirs.".into()],
            (404, _) if self.resource.as_deref().is_none_or(|what| what == "app") => vec![
                "Check the name with `slugbuilder apps`: an app that you may not see is not found either.".into(),
                "Check the address of the API, `--api-url`.".into(),
            ],
            (404, _) if self.resource.as_deref() == Some("slug") => vec![
                "Check its id, which `slugbuilder publish` prints; only slugs of apps that you may see are found.".into(),
            ],
            (404, _) => vec!["Check its number or id with `slugbuilder releases`.".into()],
            (422, "verification_needed" | "verification_required") => {
                vec!["Verify the account with whoever runs the platform.".into()]
            }
            (429, _) => vec![match self.wait {
                Some(wait) => format!("Try again in {}.", seconds(wait)),
                None => "Try again later: the API takes a number of calls per hour.".into(),
            }],
            (500..=599, _) => vec!["Try again later, or ask whoever runs the platform.".into()],
            (300..=399, _) => vec!["Check the address of the API, `--api-url`.".into()],
            _ if self.id.is_empty() => vec!["Check the address of the API, `--api-url`.".into()],
            _ => Vec::new(),
        };
        if let Some(see) = &self.see {
            hints.push(format!("See {see}"));
        }
        hints
    }

    fn explanation(&self) -> String {
        let id = if self.id.is_empty() {
            ", in another form than the API's".to_owned()
        } else {
            format!(" (`{}`)", self.id)
        };
        let mut text = format!("`{}` answered {}{id}.", self.url, self.status);
        if let Some(request) = &self.request_id {
            text = format!("{text} Request id: {request}.");
        }
        if let Some(wait) = self.wait {
            text = format!("{text} It asks to wait {}.", seconds(wait));
        }
        text + &tried(self.attempts)
    }
}

/// The header by which the platform's log names the request.
pub(super) fn request_id(answer: &Answer) -> Option<String> {
    ["Request-Id", "X-Request-Id"]
        .iter()
        .find_map(|name| answer.header(name))
        .map(str::to_owned)
}

/// A time to wait, for people.
pub(super) fn seconds(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match seconds {
        0..=119 => format!("{seconds} s"),
        _ => format!("{} min", seconds.div_ceil(60)),
    }
}

/// The beginning of an answer that is something else than it should be, for a message; nothing where it is no text.
pub(super) fn quoted(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * QUOTED)]);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut quoted: String = text.chars().take(QUOTED).collect();
    if quoted.len() < text.len() {
        quoted.push('…');
    }
    (!quoted.is_empty()).then_some(quoted)
}

fn tried(attempts: u32) -> String {
    match attempts {
        0 | 1 => String::new(),
        _ => format!(" It was tried {attempts} times."),
    }
}

impl ApiError {
    /// What the API said, where it said something.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// Whether the API may have done what was asked, though it did not say so.
    pub(super) fn may_have_been_done(&self) -> bool {
        match self {
            Self::Transport { source, .. } | Self::Upload { source, .. } => {
                source.may_have_arrived()
            }
            Self::Nonsense { .. } => true,
            // A server or proxy that fails may do so after the fact.
            Self::Refused { refusal, .. } => matches!(refusal.status, 408 | 500..=599),
            _ => false,
        }
    }
}

impl Explain for ApiError {
    fn code(&self) -> &'static str {
        match self {
            Self::Url { .. } => "api-url-invalid",
            Self::Identity { .. } => "api-identity-invalid",
            Self::Token(error) => error.code(),
            Self::Refused { refusal, .. } => match refusal.status {
                401 => "api-unauthorized",
                403 => "api-forbidden",
                404 => "api-not-found",
                422 => "api-invalid",
                429 => "api-rate-limit",
                500..=599 => "api-server-error",
                _ => "api-refused",
            },
            Self::Blob { .. } => "blob-refused",
            Self::Transport { source, .. } | Self::Upload { source, .. } => source.code(),
            Self::Nonsense { .. } => "api-nonsense",
            Self::Stopped { stopped, .. } => stopped.code(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Url { .. } | Self::Identity { .. } => Fault::Usage,
            Self::Token(error) => error.fault(),
            Self::Refused { refusal, .. } => refusal.fault(),
            Self::Blob { refusal, .. } => refusal.fault(),
            // The API is there, and has given the address.
            Self::Upload {
                source: FetchError::Connect { .. } | FetchError::Dns { .. },
                ..
            }
            | Self::Stopped { .. } => Fault::TryLater,
            Self::Transport { source, .. } | Self::Upload { source, .. } => source.fault(),
            Self::Nonsense { .. } => Fault::Unavailable,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Token(error) => error.explanation(),
            Self::Refused { refusal, .. } => Some(refusal.explanation()),
            Self::Blob { refusal, .. } => Some(refusal.explanation()),
            Self::Transport {
                source, attempts, ..
            }
            | Self::Upload {
                source, attempts, ..
            } => {
                let text = source.explanation().unwrap_or_default() + &tried(*attempts);
                (!text.is_empty()).then(|| text.trim().to_owned())
            }
            Self::Nonsense {
                url, request_id, ..
            } => Some(match request_id {
                Some(request) => format!("It came from `{url}`. Request id: {request}."),
                None => format!("It came from `{url}`."),
            }),
            Self::Url { .. } | Self::Identity { .. } | Self::Stopped { .. } => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Url { .. } => vec![
                "Write it as `https://host` or `https://host:port`; the token goes into `HEROKU_API_KEY` or `~/.netrc`.".into(),
            ],
            Self::Identity { what, .. } if *what == "a release" => {
                vec!["Give its number as `v3` or `3`, or its id.".into()]
            }
            Self::Identity { .. } => vec!["Give its name or id: letters, digits and `-`.".into()],
            Self::Token(error) => error.hints(),
            Self::Refused { refusal, .. } => refusal.hints(),
            Self::Blob { refusal, .. } => refusal.hints(),
            Self::Transport { source, .. } => match source {
                FetchError::Offline { .. } => {
                    vec!["Run without `--offline`: this needs the platform.".into()]
                }
                FetchError::Dns { .. }
                | FetchError::Connect { .. }
                | FetchError::ConnectTimeout { .. } => vec![
                    "Check the address of the API, `--api-url`, and whether the platform runs.".into(),
                    "Check the network and, behind a proxy, `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.".into(),
                ],
                other => other.hints(),
            },
            Self::Upload { source, .. } => match source {
                FetchError::Dns { .. }
                | FetchError::Connect { .. }
                | FetchError::ConnectTimeout { .. } => vec![
                    "Run the same command again later: nothing was released.".into(),
                    "Uploads go to another host than the API's: behind a proxy see `HTTPS_PROXY` and `NO_PROXY`.".into(),
                ],
                other => other.hints(),
            },
            Self::Nonsense { .. } => vec![
                "Check the address of the API, `--api-url`: something else may answer there.".into(),
            ],
            Self::Stopped { .. } => vec![
                "Run the same command again: a slug that is uploaded whole is not uploaded twice.".into(),
            ],
        }
    }

    fn retryable(&self) -> bool {
        self.fault() == Fault::TryLater
    }
}
