//! One HTTP call as it is: what it says, what came back, and how far it got when nothing did.
//!
//! A [`Download`](super::Download) is about bytes: it resumes, verifies and tries again. A call is about an action on a
//! server, which may not bear being done twice; so nothing is repeated here, every status is an answer, and an error
//! says whether the server can have acted ([`FetchError::may_have_arrived`]).

use super::Client;
use super::failure::classify;
use super::progress::Progress;
use super::source::{Failure, Source};
use super::stream::Stream;
use super::transfer::{Response, redirect};
use crate::FetchError;
use crate::url::{Scheme, Url, redacted};
use slugbuilder_report::Reporter;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::time::{Duration, SystemTime};
use ureq::http;
use ureq::http::header::{AUTHORIZATION, CONTENT_LENGTH, EXPECT, HeaderMap};

/// How many redirects a call follows.
const MAX_REDIRECTS: u32 = 5;

/// From how many bytes on a body waits for the server's word that it wants it, or a second: a refusal then costs no upload.
/// curl begins at the same size.
const ASKED_FIRST: u64 = 1 << 20;

/// What a call does (RFC 9110, section 9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Asks; nothing changes.
    Get,
    /// Makes something.
    Post,
    /// Puts the body where the URL says.
    Put,
    /// Changes something.
    Patch,
    /// Takes something away.
    Delete,
}

impl Method {
    /// As it stands in a request.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The body of a call. No `Content-Type` goes with it unless the call's headers have one.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// No body, and no `Content-Length`.
    Nothing,
    /// These bytes.
    Bytes(&'a [u8]),
    /// So many bytes from the beginning of a file, read as they are sent. A file that turns out shorter is an error.
    File {
        /// The file. Its position is changed.
        file: &'a File,
        /// How many of its bytes: the `Content-Length`.
        length: u64,
    },
}

/// Which redirects a call follows. None leads from `https://` to `http://`, and no header of the call, which may be a
/// credential, ever goes to another origin than that of its URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// None: the redirect is the answer.
    Answer,
    /// Within the same scheme, host and port, and only for [`Method::Get`]; any other is
    /// [`FetchError::RefusedRedirect`].
    SameOrigin,
    /// Status 307 and 308, anywhere, with the same method and body. Elsewhere the headers are left out. Any other is the
    /// answer.
    Resend,
}

/// A call to make.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// What to do.
    pub method: Method,
    /// Where: `https://` or `http://`. User information is sent as HTTP basic authentication.
    pub url: &'a str,
    /// Further header fields: names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub content: Content<'a>,
    /// Which redirects are followed.
    pub redirects: Redirects,
    /// The most bytes to take of the answer's body.
    pub max_bytes: u64,
    /// What is sent, for people, where its progress is to be reported.
    pub name: Option<&'a str>,
    /// Asked again and again while a file is sent: whether to give up, with [`FetchError::Cancelled`].
    pub cancelled: Option<&'a dyn Fn() -> bool>,
}

/// Without the values of its headers and what may be secret in its URL.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("url", &redacted(self.url))
            .field(
                "headers",
                &self
                    .headers
                    .iter()
                    .map(|(name, _)| name)
                    .collect::<Vec<_>>(),
            )
            .field("content", &self.content)
            .field("redirects", &self.redirects)
            .field("max_bytes", &self.max_bytes)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What came back: any status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Where it came from, without what may be secret.
    pub url: String,
    /// The body, as much of it as was to be taken.
    pub body: Vec<u8>,
    /// Whether there was more of the body.
    pub truncated: bool,
    headers: HeaderMap,
}

impl Answer {
    /// Whether the status is one of 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header field of this name, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// How long the server asks to wait before the next attempt (RFC 9110, section 10.2.3), seen from `now`.
    #[must_use]
    pub fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        super::answer::retry_after(&self.headers, now)
    }
}

impl Client {
    /// Makes a call, once. Its progress is reported where it has a name.
    ///
    /// An answer that comes while the body is still being sent, as a refusal does, is the answer: the rest of the body
    /// does not matter any more.
    pub fn call(&self, call: &Call<'_>, reporter: &dyn Reporter) -> Result<Answer, FetchError> {
        let (url, response) = self.exchange(call, None, reporter)?;
        let (parts, body) = response.into_parts();
        let mut reader = body.into_with_config().limit(u64::MAX).reader();
        let mut taken = Vec::new();
        let read = (&mut reader)
            .take(call.max_bytes)
            .read_to_end(&mut taken)
            // Reading the end, too, gives the connection back for the next call.
            .and_then(|_| Ok(reader.read(&mut [0])? > 0));
        let truncated = match read {
            Ok(more) => more,
            // A refusal counts even if its words are lost: a server that refuses an upload may cut them off.
            Err(_) if !parts.status.is_success() => true,
            Err(error) => return Err(classify(&url, error.into(), self.settings()).interrupted()),
        };
        Ok(Answer {
            status: parts.status.as_u16(),
            url: url.to_string(),
            body: taken,
            truncated,
            headers: parts.headers,
        })
    }

    /// Makes a call, once, whose answer is read as it comes; a read returns after `pause` where nothing does.
    /// [`Call::max_bytes`] does not count.
    pub fn stream(&self, call: &Call<'_>, pause: Duration) -> Result<Stream, FetchError> {
        let (url, response) = self.exchange(call, Some(pause), &slugbuilder_report::Silent)?;
        Ok(Stream::new(url, response, self.settings()))
    }

    /// Sends the call, and again where a redirect that is followed leads to.
    fn exchange(
        &self,
        call: &Call<'_>,
        pause: Option<Duration>,
        reporter: &dyn Reporter,
    ) -> Result<(Url, Response), FetchError> {
        let invalid = |reason| FetchError::InvalidUrl {
            url: redacted(call.url),
            reason,
        };
        let start = Url::parse(call.url).map_err(invalid)?;
        if start.scheme == Scheme::File {
            return Err(invalid("a call needs `https` or `http`"));
        }
        if self.settings().offline {
            return Err(FetchError::Offline {
                url: start.to_string(),
            });
        }
        let mut url = start.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(call, &url, url.same_origin(&start), pause, reporter)?;
            match next(call, &start, &url, &response)? {
                Some(next) => url = next,
                None => return Ok((url, response)),
            }
        }
        Err(FetchError::RedirectLoop {
            url: start.to_string(),
            limit: MAX_REDIRECTS,
        })
    }

    /// Sends the call to `url`, with its headers only where that is `home`.
    fn send(
        &self,
        call: &Call<'_>,
        url: &Url,
        home: bool,
        pause: Option<Duration>,
        reporter: &dyn Reporter,
    ) -> Result<Response, FetchError> {
        let mut request = http::Request::builder()
            .method(call.method.name())
            .uri(url.request_target());
        if home {
            for (name, value) in call.headers {
                request = request.header(*name, *value);
            }
        }
        if let Some(authorization) = url.authorization() {
            request = request.header(AUTHORIZATION, authorization);
        }
        let agent = self.agent(url)?;
        let failed = |error| classify(url, error, self.settings());
        let invalid = |error: http::Error| failed(ureq::Error::Http(error));
        let result = match call.content {
            Content::Nothing => {
                let request = request.body(()).map_err(invalid)?;
                match pause {
                    None => agent.run(request),
                    Some(pause) => {
                        let request = agent
                            .configure_request(request)
                            .timeout_per_read(Some(pause))
                            .build();
                        agent.run(request)
                    }
                }
            }
            Content::Bytes(bytes) => agent.run(request.body(bytes).map_err(invalid)?),
            Content::File { file, length } => {
                let mut file = file;
                file.rewind().map_err(unreadable)?;
                if length >= ASKED_FIRST {
                    request = request.header(EXPECT, "100-continue");
                }
                let mut source = Source {
                    file,
                    left: length,
                    length,
                    progress: call.name.map(|name| Progress::new(reporter, name)),
                    cancelled: call.cancelled,
                    failure: None,
                };
                let request = request
                    .header(CONTENT_LENGTH, length)
                    .body(ureq::SendBody::from_reader(&mut source))
                    .map_err(invalid)?;
                let request = agent
                    .configure_request(request)
                    .timeout_recv_response(Some(self.settings().answer_timeout))
                    .build();
                let result = agent.run(request);
                match source.failure.take() {
                    Some(Failure::Cancelled) => {
                        return Err(FetchError::Cancelled {
                            url: url.to_string(),
                        });
                    }
                    Some(Failure::Unreadable(error)) => return Err(unreadable(error)),
                    None => {}
                }
                if let Err(ureq::Error::Timeout(ureq::Timeout::RecvResponse)) = result {
                    return Err(FetchError::Stalled {
                        url: url.to_string(),
                        after: self.settings().answer_timeout,
                    });
                }
                if result.is_ok() && source.left == 0 {
                    source.complete();
                }
                result
            }
        };
        result.map_err(failed)
    }
}

/// Where `response`, the answer of `url`, makes the call go next, if anywhere.
fn next(
    call: &Call<'_>,
    start: &Url,
    url: &Url,
    response: &Response,
) -> Result<Option<Url>, FetchError> {
    let status = response.status().as_u16();
    match (call.redirects, status) {
        (Redirects::SameOrigin, 301 | 302 | 303 | 307 | 308) => {
            let next = redirect(url, response)?;
            if call.method == Method::Get && next.same_origin(start) {
                Ok(Some(next))
            } else {
                Err(FetchError::RefusedRedirect {
                    url: url.to_string(),
                    location: next.to_string(),
                })
            }
        }
        (Redirects::Resend, 307 | 308) => redirect(url, response).map(Some),
        _ => Ok(None),
    }
}

fn unreadable(source: io::Error) -> FetchError {
    FetchError::Unsendable { source }
}
