//! One transfer: its attempts, its redirects, its body.

use super::answer::{content_length, content_range, retry_after, validator};
use super::failure::classify;
use super::progress::Progress;
use super::{Client, Download, Downloaded, Partial};
use crate::url::{Scheme, Url, redacted};
use crate::{Checksum, FetchError};
use slugbuilder_report::{Explain as _, Reporter};
use std::io::{self, Read};
use std::time::{Duration, Instant, SystemTime};
use ureq::http::header::{AUTHORIZATION, IF_RANGE, LOCATION, RANGE};

/// How many redirects are followed.
const MAX_REDIRECTS: u32 = 10;

/// How much of a body is read at once, in bytes.
const BUFFER: usize = 64 * 1024;

/// How long a transfer that may be cancelled waits before it looks whether it was.
const PAUSE: Duration = Duration::from_millis(100);

/// An answer whose body is still to be read.
pub(super) type Response = ureq::http::Response<ureq::Body>;

impl Client {
    /// Brings the body of `request` into `partial` and verifies it.
    pub(crate) fn transfer(
        &self,
        request: &Download,
        partial: &mut Partial,
        reporter: &dyn Reporter,
    ) -> Result<Downloaded, FetchError> {
        self.transfer_unless(request, partial, None, reporter)
    }

    /// The same, which ends with [`FetchError::Cancelled`] once `cancelled` says so.
    pub(super) fn transfer_unless(
        &self,
        request: &Download,
        partial: &mut Partial,
        cancelled: Option<&dyn Fn() -> bool>,
        reporter: &dyn Reporter,
    ) -> Result<Downloaded, FetchError> {
        let invalid = |reason| FetchError::InvalidUrl {
            url: redacted(&request.url),
            reason,
        };
        let url = Url::parse(&request.url).map_err(invalid)?;
        let checksum = request.checksum.as_ref();
        let mut progress = Progress::new(reporter, &request.name).cancelled_by(cancelled);
        partial.restart(checksum)?;
        if url.scheme == Scheme::File {
            copy_file(&url, request, partial, &mut progress)?;
            return partial.verify(&url.to_string(), checksum);
        }
        if self.settings.offline {
            return Err(FetchError::Offline {
                url: url.to_string(),
            });
        }
        let attempts = self.settings.attempts.max(1);
        let mut attempt = 1;
        loop {
            let resumed = partial.bytes() > 0;
            let result = self
                .attempt(&url, request, partial, &mut progress)
                .and_then(|()| partial.verify(&url.to_string(), checksum));
            let error = match result {
                Ok(downloaded) => return Ok(downloaded),
                Err(error) => error,
            };
            // Halves of two versions of a file, joined: nothing is wrong with either.
            let mixed = partial.resumed && matches!(error, FetchError::Checksum { .. });
            // The server did not go on where the last answer broke off: the next attempt begins anew.
            let lost =
                resumed && partial.bytes() == 0 && matches!(error, FetchError::Protocol { .. });
            let cancelled = matches!(error, FetchError::Cancelled { .. });
            if cancelled || !(error.retryable() || mixed || lost) {
                return Err(error);
            }
            let wait = self.wait(&error, attempt);
            if attempt == attempts || wait > self.settings.longest_wait {
                return Err(match attempt {
                    1 => error,
                    attempts => FetchError::RetriesExhausted {
                        attempts,
                        source: Box::new(error),
                    },
                });
            }
            if mixed {
                partial.restart(checksum)?;
            }
            attempt += 1;
            progress.note(&format!(
                "{}: {error}; trying again in {:.1} s ({attempt} of {attempts})",
                request.name,
                wait.as_secs_f64()
            ));
            rest(wait, &progress, &url)?;
        }
    }

    /// How long to wait after the `attempt`th attempt failed with `error`.
    fn wait(&self, error: &FetchError, attempt: u32) -> Duration {
        let doubled = self
            .settings
            .backoff
            .saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
        // Many builds that lost the same server do not all come back at the same moment.
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let jitter = doubled.mul_f64(f64::from(now.subsec_micros() % 1000) / 4000.0);
        let own = (doubled + jitter).min(self.settings.longest_wait);
        match error {
            FetchError::Status {
                retry_after: Some(asked),
                ..
            } => own.max(*asked),
            _ => own,
        }
    }

    /// Asks once for what `partial` lacks.
    fn attempt(
        &self,
        url: &Url,
        request: &Download,
        partial: &mut Partial,
        progress: &mut Progress<'_>,
    ) -> Result<(), FetchError> {
        let checksum = request.checksum.as_ref();
        if partial.validator.is_none() {
            partial.restart(checksum)?;
        }
        let (url, response) = self.follow(url, partial, progress)?;
        let total = begin(&url, &response, checksum, partial)?;
        let mut reader = response
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader();
        receive(
            &url,
            request,
            total,
            &mut reader,
            partial,
            progress,
            |error| classify(&url, error.into(), &self.settings),
        )
    }

    /// Asks `url` and wherever it redirects to, until an answer brings a body.
    fn follow(
        &self,
        start: &Url,
        partial: &Partial,
        progress: &Progress<'_>,
    ) -> Result<(Url, Response), FetchError> {
        let mut url = start.clone();
        for _ in 0..=MAX_REDIRECTS {
            if progress.is_cancelled() {
                return Err(cancelled(&url));
            }
            let response = self.ask(&url, partial, progress)?;
            let status = response.status().as_u16();
            match status {
                200 | 206 => return Ok((url, response)),
                301 | 302 | 303 | 307 | 308 => url = redirect(&url, &response)?,
                404 | 410 => {
                    return Err(FetchError::NotFound {
                        url: url.to_string(),
                    });
                }
                401 | 403 | 407 => {
                    return Err(FetchError::Denied {
                        url: url.to_string(),
                        status,
                    });
                }
                // Our range lies behind the end: what the server has now is shorter. `begin` starts over.
                416 if partial.bytes() > 0 => return Ok((url, response)),
                _ => {
                    let retry_after = retry_after(response.headers(), SystemTime::now());
                    return Err(FetchError::Status {
                        url: url.to_string(),
                        status,
                        retry_after,
                    });
                }
            }
        }
        Err(FetchError::RedirectLoop {
            url: start.to_string(),
            limit: MAX_REDIRECTS,
        })
    }

    /// Sends one request.
    fn ask(
        &self,
        url: &Url,
        partial: &Partial,
        progress: &Progress<'_>,
    ) -> Result<Response, FetchError> {
        let mut request = self.agent(url)?.get(url.request_target());
        if let Some(authorization) = url.authorization() {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(validator) = partial.validator.as_ref().filter(|_| partial.bytes() > 0) {
            request = request
                .header(RANGE, format!("bytes={}-", partial.bytes()))
                .header(IF_RANGE, validator);
        }
        if progress.can_be_cancelled() {
            request = request.config().timeout_per_read(Some(PAUSE)).build();
        }
        request
            .call()
            .map_err(|error| classify(url, error, &self.settings))
    }
}

/// Where `response`, the answer of `url`, points to.
pub(super) fn redirect(url: &Url, response: &Response) -> Result<Url, FetchError> {
    let nonsense = |reason: &str| FetchError::Protocol {
        url: url.to_string(),
        reason: reason.to_owned(),
    };
    let location = response
        .headers()
        .get(LOCATION)
        .ok_or_else(|| nonsense("a redirect without a `Location`"))?;
    let location =
        str::from_utf8(location.as_bytes()).map_err(|_| nonsense("its `Location` is not UTF-8"))?;
    let next = url
        .join(location)
        .map_err(|reason| nonsense(&format!("in its `Location`, {reason}")))?;
    let secure = match next.scheme {
        Scheme::Https => true,
        Scheme::Http => url.scheme == Scheme::Http,
        // A server does not choose files of this machine.
        Scheme::File => false,
    };
    if secure {
        Ok(next)
    } else {
        Err(FetchError::InsecureRedirect {
            url: url.to_string(),
            location: next.to_string(),
        })
    }
}

/// Makes `partial` ready for the body of `response`; the size of the whole, where it is said.
fn begin(
    url: &Url,
    response: &Response,
    checksum: Option<&Checksum>,
    partial: &mut Partial,
) -> Result<Option<u64>, FetchError> {
    let length = content_length(response.headers());
    if response.status() == 200 {
        partial.restart(checksum)?;
        partial.validator = validator(response.headers());
        return Ok(length);
    }
    match content_range(response.headers()) {
        Some(range) if partial.bytes() > 0 && range.first == partial.bytes() => {
            partial.resumed = true;
            Ok(range.total.or(Some(range.end)))
        }
        _ => {
            partial.restart(checksum)?;
            Err(FetchError::Protocol {
                url: url.to_string(),
                reason: "it brings another part of the file than was asked for".to_owned(),
            })
        }
    }
}

/// Reads a body to its end.
fn receive(
    url: &Url,
    request: &Download,
    total: Option<u64>,
    reader: &mut dyn Read,
    partial: &mut Partial,
    progress: &mut Progress<'_>,
    failed: impl Fn(io::Error) -> FetchError,
) -> Result<(), FetchError> {
    let too_large = || FetchError::TooLarge {
        url: url.to_string(),
        limit: request.max_bytes,
    };
    if total.is_some_and(|total| total > request.max_bytes) {
        return Err(too_large());
    }
    progress.start(total);
    let mut buffer = vec![0; BUFFER];
    let mut heard = Instant::now();
    let error = loop {
        if progress.is_cancelled() {
            return Err(cancelled(url));
        }
        match reader.read(&mut buffer) {
            Ok(0) => break None,
            Ok(count) if partial.bytes() + count as u64 > request.max_bytes => {
                return Err(too_large());
            }
            Ok(count) => {
                heard = Instant::now();
                partial.append(&buffer[..count])?;
                progress.advance(partial.bytes());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => match failed(error) {
                // It was only looked up from.
                FetchError::Stalled { after, .. }
                    if progress.can_be_cancelled() && heard.elapsed() < after => {}
                error => break Some(error),
            },
        }
    };
    let actual = partial.bytes();
    match (error, total) {
        // An early end is told apart from a broken connection: it has a count.
        (Some(FetchError::Interrupted { source, .. }), Some(expected))
            if source.kind() == io::ErrorKind::UnexpectedEof =>
        {
            Err(FetchError::Truncated {
                url: url.to_string(),
                expected,
                actual,
            })
        }
        (Some(FetchError::Connect { url, source }), _) => {
            Err(FetchError::Interrupted { url, source })
        }
        (Some(error), _) => Err(error),
        (None, Some(expected)) if actual != expected => Err(FetchError::Truncated {
            url: url.to_string(),
            expected,
            actual,
        }),
        (None, _) => {
            progress.complete(actual);
            Ok(())
        }
    }
}

/// Waits before the next attempt, unless the transfer is cancelled.
fn rest(wait: Duration, progress: &Progress<'_>, url: &Url) -> Result<(), FetchError> {
    let end = Instant::now() + wait;
    loop {
        if progress.is_cancelled() {
            return Err(cancelled(url));
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(if progress.can_be_cancelled() {
            left.min(PAUSE)
        } else {
            left
        });
    }
}

fn cancelled(url: &Url) -> FetchError {
    FetchError::Cancelled {
        url: url.to_string(),
    }
}

/// Brings a file of this machine.
fn copy_file(
    url: &Url,
    request: &Download,
    partial: &mut Partial,
    progress: &mut Progress<'_>,
) -> Result<(), FetchError> {
    let path = url.file();
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FetchError::NotFound {
            url: url.to_string(),
        },
        _ => FetchError::Disk {
            action: "read",
            path: path.clone(),
            source,
        },
    };
    let metadata = std::fs::metadata(&path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(FetchError::InvalidUrl {
            url: url.to_string(),
            reason: "it does not name a file",
        });
    }
    let mut file = std::fs::File::open(&path).map_err(failed)?;
    receive(
        url,
        request,
        Some(metadata.len()),
        &mut file,
        partial,
        progress,
        failed,
    )
}
