//! Following the release phase of a release: its output as it comes, and how it ended.

use super::client::Api;
use super::retry::{Repeat, backoff, sleep};
use super::types::{Release, ReleaseStatus};
use super::{ApiError, FlowError};
use crate::stop::{Stop, Stopped};
use slugbuilder_fetch::{Address, Call, Content, Method, Piece, Redirects, Stream, redacted};
use slugbuilder_report::{Event, Explain as _, Reporter};
use std::time::{Duration, Instant};

/// How long a read waits before it looks at the stop.
const PAUSE: Duration = Duration::from_millis(200);

/// How long to wait before asking again for output that has not begun, or how the release is.
const POLL: Duration = Duration::from_secs(1);

/// Longest line that is told in one piece, in bytes.
const LONGEST_LINE: usize = 64 * 1024;

/// How often in a row a stream that breaks off without a byte is opened anew.
const MOST_BREAKS: u32 = 5;

/// How long a stream may bring nothing before the platform is asked how the release is: one that stays open says nothing of
/// its end.
const SILENCE: Duration = Duration::from_secs(20);

/// How many times [`slugbuilder_fetch::Settings::longest_wait`] the platform may be gone before it is not waited for any
/// more: five minutes, as it is set by default.
const GONE: u32 = 5;

/// How long a release phase can take: Heroku ends it after an hour (`platform-api.md` of the reference, section 5), and
/// has to say so. For the deadline of the [`Stop`] that [`follow`] takes.
pub const LONGEST_RELEASE_PHASE: Duration = Duration::from_mins(65);

/// Tells `reporter` the output of the release phase of `release`, line by line, until it has ended, however often the
/// connection breaks or is silent. Returns the release as it is then, or at once where it has no release phase.
///
/// `stop` bounds the time, for example by [`LONGEST_RELEASE_PHASE`]. Output that cannot be had does not keep from telling how
/// the phase ended, and a platform that is gone for a while does not end the wait for it; one that stays away, or that does
/// not tell any more, is [`FlowError::OutOfSight`]. A phase that failed is [`FlowError::ReleaseFailed`], and a release whose
/// slug is gone [`FlowError::Expired`].
pub fn follow(
    api: &Api,
    release: &Release,
    stop: &Stop,
    reporter: &dyn Reporter,
) -> Result<Release, FlowError> {
    let mut release = release.clone();
    let mut output = release
        .output_stream_url
        .clone()
        .filter(|_| {
            !matches!(
                release.status,
                ReleaseStatus::Succeeded | ReleaseStatus::Expired
            )
        })
        .map(|url| Output::new(api, url, reporter));
    loop {
        // Whoever comes after the end still gets the output: it is read before the status counts.
        let over = release.status != ReleaseStatus::Pending;
        if let Some(output) = &mut output {
            output
                .go_on(over, stop)
                .map_err(|stopped| not_followed(&release, stopped))?;
        }
        if over {
            break;
        }
        sleep(poll(api), stop, "follow the release").map_err(|_| stopped(&release, stop))?;
        release = look(api, &release, stop, reporter)?;
    }
    if let Some(output) = &mut output {
        output.flush();
    }
    let (app, version) = (release.app.name.clone(), release.version);
    match release.status {
        ReleaseStatus::Failed => Err(FlowError::ReleaseFailed { app, version }),
        ReleaseStatus::Expired => Err(FlowError::Expired { app, version }),
        ReleaseStatus::Succeeded | ReleaseStatus::Pending => Ok(release),
    }
}

/// The release as it is now. Waits for a platform that is gone.
fn look(
    api: &Api,
    release: &Release,
    stop: &Stop,
    reporter: &dyn Reporter,
) -> Result<Release, FlowError> {
    let version = release.version.to_string();
    let patience = api.http().settings().longest_wait * GONE;
    let begun = Instant::now();
    loop {
        let error = match api.release(&release.app.name, &version, reporter) {
            Ok(release) => return Ok(release),
            Err(ApiError::Stopped { stopped, .. }) => return Err(not_followed(release, stopped)),
            Err(error) => error,
        };
        let passing = Repeat::Harmless.allows(&error) || error.may_have_been_done();
        if !passing || begun.elapsed() >= patience {
            return Err(FlowError::OutOfSight {
                app: release.app.name.clone(),
                version: release.version,
                source: Box::new(error),
            });
        }
        reporter.report(Event::Note(&format!(
            "v{version} was made, and its release phase goes on, but the platform does not tell how: {}; asking again",
            error.diagnosis().one_line()
        )));
        let wait = backoff(api.http().settings(), 4);
        sleep(wait, stop, "follow the release").map_err(|_| stopped(release, stop))?;
    }
}

/// Between two looks; quicker where the settings are, which tests are.
fn poll(api: &Api) -> Duration {
    POLL.min(api.http().settings().backoff * 2)
}

fn stopped(release: &Release, stop: &Stop) -> FlowError {
    not_followed(release, stop.check().err().unwrap_or(Stopped::Interrupted))
}

fn not_followed(release: &Release, stopped: Stopped) -> FlowError {
    FlowError::NotFollowed {
        app: release.app.name.clone(),
        version: release.version,
        stopped,
    }
}

/// The output of a release phase: a plain text that grows.
struct Output<'a> {
    api: &'a Api,
    reporter: &'a dyn Reporter,
    url: String,
    /// How much of it was read.
    bytes: u64,
    /// What was read since the last end of a line.
    line: Vec<u8>,
    /// How often in a row nothing came.
    breaks: u32,
    ended: bool,
}

impl<'a> Output<'a> {
    fn new(api: &'a Api, url: String, reporter: &'a dyn Reporter) -> Self {
        Self {
            api,
            reporter,
            url,
            bytes: 0,
            line: Vec::new(),
            breaks: 0,
            ended: false,
        }
    }

    /// Reads until the stream ends, or brings nothing for now. `over` is whether the release phase is.
    fn go_on(&mut self, over: bool, stop: &Stop) -> Result<(), Stopped> {
        while !self.ended {
            stop.check()?;
            let before = self.bytes;
            match self.open(over) {
                Opened::Stream(stream) => {
                    if self.read(*stream, over, stop)? {
                        return Ok(());
                    }
                }
                Opened::NotYet => return Ok(()),
                Opened::Broken => {}
                Opened::End => self.ended = true,
            }
            if self.ended {
                break;
            }
            self.breaks = if self.bytes > before {
                0
            } else {
                self.breaks + 1
            };
            if self.breaks > MOST_BREAKS {
                self.note("the output of the release phase breaks off again and again; not asking for it any more");
                self.ended = true;
                break;
            }
            let wait = backoff(self.api.http().settings(), self.breaks);
            sleep(wait, stop, "follow the release")
                .map_err(|_| stop.check().err().unwrap_or(Stopped::Interrupted))?;
        }
        Ok(())
    }

    /// Asks for what is not read yet.
    fn open(&mut self, over: bool) -> Opened {
        if let Err(reason) = allowed(self.api.url(), &self.url) {
            self.note(&format!(
                "the output of the release phase cannot be had: {reason}"
            ));
            return Opened::End;
        }
        let range = format!("bytes={}-", self.bytes);
        let headers = [("Range", range.as_str())];
        // No token: the address, which is one itself, may be that of another host.
        let call = Call {
            method: Method::Get,
            url: &self.url,
            headers: if self.bytes > 0 { &headers } else { &[] },
            content: Content::Nothing,
            redirects: Redirects::SameOrigin,
            max_bytes: 0,
            name: None,
            cancelled: None,
        };
        let stream = match self.api.http().stream(&call, PAUSE) {
            Ok(stream) => stream,
            Err(error) => {
                self.note(&format!(
                    "{}; asking for it again",
                    error.diagnosis().one_line()
                ));
                return Opened::Broken;
            }
        };
        match stream.status {
            200 | 206 => Opened::Stream(Box::new(stream)),
            // There is nothing after what was read, so far.
            416 if over => Opened::End,
            404 | 416 => Opened::NotYet,
            408 | 429 | 500..=599 => Opened::Broken,
            status => {
                self.note(&format!(
                    "the output of the release phase cannot be had: `{}` answered {status}",
                    stream.url()
                ));
                Opened::End
            }
        }
    }

    /// Reads on from where the last stream ended. Whether it is open still, and silent.
    fn read(&mut self, mut stream: Stream, over: bool, stop: &Stop) -> Result<bool, Stopped> {
        // An answer of 200 brings everything again, one of 206 says where it begins.
        let begins = match stream.status {
            206 => stream.header("Content-Range").and_then(first_byte),
            _ => Some(0),
        };
        let Some(mut again) = begins.and_then(|begins| self.bytes.checked_sub(begins)) else {
            self.note(
                "the output of the release phase goes on somewhere else than it was asked for",
            );
            return Ok(false);
        };
        // Quicker where the settings are, and where nothing more is to be expected.
        let silence = SILENCE.min(self.api.http().settings().stall_timeout);
        let silence = if over { silence / 4 } else { silence };
        let mut heard = Instant::now();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            stop.check()?;
            match stream.read(&mut buffer) {
                Ok(Piece::Bytes(count)) => {
                    let skipped = usize::try_from(again).unwrap_or(usize::MAX).min(count);
                    again -= skipped as u64;
                    let new = &buffer[skipped..count];
                    // Zeros only keep the connection open.
                    if skipped > 0 || new.iter().any(|&byte| byte != 0) {
                        heard = Instant::now();
                    }
                    self.take(new);
                }
                Ok(Piece::Pause) => {}
                Ok(Piece::End) => {
                    self.ended = true;
                    return Ok(false);
                }
                // Asked for again, from here on.
                Err(_) => return Ok(false),
            }
            if heard.elapsed() >= silence {
                return Ok(true);
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        for &byte in bytes {
            if byte == b'\n' {
                self.tell();
            } else if byte != 0 {
                self.line.push(byte);
                if self.line.len() >= LONGEST_LINE {
                    self.tell();
                }
            }
        }
    }

    /// Tells of the line so far.
    fn tell(&mut self) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        self.reporter.report(Event::Output(line));
        self.line.clear();
    }

    /// Tells of what came after the last end of a line.
    fn flush(&mut self) {
        if !self.line.is_empty() {
            self.tell();
        }
    }

    fn note(&self, text: &str) {
        self.reporter.report(Event::Note(text));
    }
}

/// What became of asking for output.
enum Opened {
    Stream(Box<Stream>),
    NotYet,
    Broken,
    End,
}

/// Whether output may come from `output`: not less securely than the API, at `api`, that named it.
fn allowed(api: &str, output: &str) -> Result<(), String> {
    let address = Address::of(output).map_err(|reason| format!("its address: {reason}"))?;
    if api.starts_with("https:") && !address.secure && !address.loopback {
        return Err(format!("`{}` is not encrypted", redacted(output)));
    }
    Ok(())
}

/// The first byte of a `Content-Range` (RFC 9110, section 14.4).
fn first_byte(range: &str) -> Option<u64> {
    let (first, _) = range.strip_prefix("bytes ")?.split_once('-')?;
    first.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_comes_no_less_securely_than_the_api_does() {
        let secure = "https://api.example.com";
        for (api, output, expected) in [
            (secure, "https://logs.example.com/a?secret", true),
            (secure, "http://logs.example.com/a?secret", false),
            (secure, "http://127.0.0.1:5000/a", true),
            ("http://127.0.0.1:5000", "http://logs.example.com/a", true),
            (secure, "logs", false),
        ] {
            let allowed = allowed(api, output);
            assert_eq!(allowed.is_ok(), expected, "{output}");
            assert!(!format!("{allowed:?}").contains("secret"));
        }
    }
}
