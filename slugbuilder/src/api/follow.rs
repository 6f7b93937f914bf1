//! Following the release phase of a release: its output as it comes, and how it ended.

use super::FlowError;
use super::client::Api;
use super::retry::{backoff, sleep};
use super::types::{Release, ReleaseStatus};
use crate::stop::{Stop, Stopped};
use slugbuilder_fetch::{Call, Content, Method, Piece, Redirects, Stream};
use slugbuilder_report::{Event, Explain as _, Reporter};
use std::time::Duration;

/// How long a read waits before it looks at the stop.
const PAUSE: Duration = Duration::from_millis(200);

/// How long to wait before asking again for output that has not begun, or how the release is.
const POLL: Duration = Duration::from_secs(1);

/// Longest line that is told in one piece, in bytes.
const LONGEST_LINE: usize = 64 * 1024;

/// How often in a row a stream that breaks off without a byte is opened anew.
const MOST_BREAKS: u32 = 5;

/// Tells `reporter` the output of the release phase of `release`, line by line, until it has ended, however often the
/// connection breaks. Returns the release as it is then, or at once where it has no release phase.
///
/// `stop` bounds the time: a release phase may take an hour. Output that cannot be had does not keep from telling how the
/// phase ended. A phase that failed is [`FlowError::ReleaseFailed`].
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
        .filter(|_| release.status != ReleaseStatus::Succeeded)
        .map(|url| Output::new(api, url, reporter));
    loop {
        // Whoever comes after the end still gets the output: it is read before the status counts.
        let over = match &mut output {
            Some(output) => output.go_on(stop),
            None => Ok(true),
        };
        let over = over.map_err(|stopped| not_followed(&release, stopped))?;
        match release.status {
            ReleaseStatus::Pending => {}
            // Output that has not begun when all is over never will.
            _ if over || output.as_ref().is_some_and(|output| output.bytes == 0) => break,
            _ => {}
        }
        let version = release.version.to_string();
        sleep(poll(api), stop, "follow the release").map_err(|_| stopped(&release, stop))?;
        release = api.release(&release.app.name, &version, reporter)?;
    }
    if let Some(output) = &mut output {
        output.flush();
    }
    if release.status == ReleaseStatus::Failed {
        return Err(FlowError::ReleaseFailed {
            app: release.app.name.clone(),
            version: release.version,
        });
    }
    Ok(release)
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

    /// Reads until the stream ends, or there is none yet. Whether it has come to its end.
    fn go_on(&mut self, stop: &Stop) -> Result<bool, Stopped> {
        while !self.ended {
            stop.check()?;
            let before = self.bytes;
            match self.open() {
                Opened::Stream(stream) => self.read(*stream, stop)?,
                Opened::NotYet => return Ok(false),
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
        Ok(true)
    }

    /// Asks for what is not read yet.
    fn open(&mut self) -> Opened {
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
            404 => Opened::NotYet,
            // There is nothing after what was read.
            416 => Opened::End,
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

    /// Reads on from where the last stream ended.
    fn read(&mut self, mut stream: Stream, stop: &Stop) -> Result<(), Stopped> {
        // An answer of 200 brings everything again, one of 206 says where it begins.
        let begins = match stream.status {
            206 => stream.header("Content-Range").and_then(first_byte),
            _ => Some(0),
        };
        let Some(mut again) = begins.and_then(|begins| self.bytes.checked_sub(begins)) else {
            self.note(
                "the output of the release phase goes on somewhere else than it was asked for",
            );
            return Ok(());
        };
        let mut buffer = vec![0; 16 * 1024];
        loop {
            stop.check()?;
            match stream.read(&mut buffer) {
                Ok(Piece::Bytes(count)) => {
                    let skipped = usize::try_from(again).unwrap_or(usize::MAX).min(count);
                    again -= skipped as u64;
                    self.take(&buffer[skipped..count]);
                }
                Ok(Piece::Pause) => {}
                Ok(Piece::End) => {
                    self.ended = true;
                    return Ok(());
                }
                // Asked for again, from here on.
                Err(_) => return Ok(()),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        for &byte in bytes {
            if byte == b'\n' {
                self.tell();
            } else {
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

/// The first byte of a `Content-Range` (RFC 9110, section 14.4).
fn first_byte(range: &str) -> Option<u64> {
    let (first, _) = range.strip_prefix("bytes ")?.split_once('-')?;
    first.parse().ok()
}
