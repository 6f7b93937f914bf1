//! When a call is made again, and after how long.

use super::ApiError;
use crate::stop::Stop;
use slugbuilder_fetch::{Answer, Settings};
use slugbuilder_report::{Diagnosis, Event, Reporter};
use std::time::{Duration, Instant, SystemTime};

/// How long a sleep goes on without looking at the stop.
const NAP: Duration = Duration::from_millis(50);

/// A `RateLimit-Reset` above this is a time in seconds since 1970, below it a time to wait: both are in use.
const EPOCH: u64 = 1_000_000_000;

/// What may happen twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// The call: it asks, or doing it again changes nothing that matters.
    Harmless,
    /// Nothing: the call is made again only if it is certain that nothing has happened.
    OnlyIfNothingHappened,
}

impl Repeat {
    /// Whether the call that failed with `error` may be made again, and it may help.
    pub(super) fn allows(self, error: &ApiError) -> bool {
        let passing = match error {
            ApiError::Transport { source, .. } | ApiError::Upload { source, .. } => {
                use slugbuilder_fetch::FetchError as F;
                matches!(
                    source,
                    F::Interrupted { .. }
                        | F::Truncated { .. }
                        | F::Stalled { .. }
                        | F::ConnectTimeout { .. }
                        | F::Connect { .. }
                        | F::Dns { .. }
                        | F::Protocol { .. }
                )
            }
            ApiError::Refused { refusal, .. } => {
                matches!(refusal.status, 429 | 502 | 503 | 504)
            }
            ApiError::Blob { refusal, .. } => refusal.is_passing(),
            _ => false,
        };
        passing && (self == Self::Harmless || !error.may_have_been_done())
    }
}

/// The attempts of one call.
pub(super) struct Attempts<'a> {
    settings: &'a Settings,
    stop: &'a Stop,
    reporter: &'a dyn Reporter,
    /// How many were made.
    made: u32,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(settings: &'a Settings, stop: &'a Stop, reporter: &'a dyn Reporter) -> Self {
        Self {
            settings,
            stop,
            reporter,
            made: 0,
        }
    }

    /// Begins one more; its number, from 1.
    pub(super) fn begin(&mut self, action: &str) -> Result<u32, ApiError> {
        check(self.stop, action)?;
        self.made += 1;
        Ok(self.made)
    }

    /// Waits before the next attempt after `error`, or gives it back where there is to be none: the attempts are used up,
    /// or the server asks for more patience than [`Settings::longest_wait`].
    pub(super) fn wait_after(&self, error: ApiError, action: &str) -> Result<(), ApiError> {
        let asked = match &error {
            ApiError::Refused { refusal, .. } => refusal.wait,
            ApiError::Blob { refusal, .. } => refusal.wait,
            _ => None,
        };
        let wait = backoff(self.settings, self.made).max(asked.unwrap_or_default());
        if self.made >= self.settings.attempts.max(1) || wait > self.settings.longest_wait {
            return Err(error);
        }
        self.reporter.report(Event::Note(&format!(
            "{}; trying again in {:.1} s ({} of {})",
            Diagnosis::of(&error).one_line(),
            wait.as_secs_f64(),
            self.made + 1,
            self.settings.attempts
        )));
        sleep(wait, self.stop, action)
    }
}

/// How long to wait after the `made`th attempt failed: doubled each time, with up to a quarter more, so that many clients
/// that lost the same server do not all come back at the same moment.
pub(super) fn backoff(settings: &Settings, made: u32) -> Duration {
    let factor = 1_u32
        .checked_shl(made.saturating_sub(1))
        .unwrap_or(u32::MAX);
    let doubled = settings.backoff.saturating_mul(factor);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let jitter = doubled.mul_f64(f64::from(now.subsec_micros() % 1000) / 4000.0);
    (doubled + jitter).min(settings.longest_wait)
}

/// Sleeps, unless it has to stop.
pub(super) fn sleep(wait: Duration, stop: &Stop, action: &str) -> Result<(), ApiError> {
    let end = Instant::now() + wait;
    loop {
        check(stop, action)?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(NAP));
    }
}

/// Fails if the work has to end.
pub(super) fn check(stop: &Stop, action: &str) -> Result<(), ApiError> {
    stop.check().map_err(|stopped| ApiError::Stopped {
        action: action.to_owned(),
        stopped,
    })
}

/// How long `answer` asks to wait: `Retry-After`, or on a 429 `RateLimit-Reset`.
pub(super) fn asked_wait(answer: &Answer, now: SystemTime) -> Option<Duration> {
    if let Some(wait) = answer.retry_after(now) {
        return Some(wait);
    }
    if answer.status != 429 {
        return None;
    }
    let reset: u64 = answer.header("RateLimit-Reset")?.parse().ok()?;
    if reset < EPOCH {
        return Some(Duration::from_secs(reset));
    }
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(reset))?;
    Some(at.duration_since(now).unwrap_or_default())
}
