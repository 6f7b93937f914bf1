//! How many requests a user may make, and how many wrong passwords: buckets of tokens that fill up again in an hour.

use crate::http::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Heroku's: 4500 an hour for each account.
pub const PER_HOUR: NonZeroU32 = NonZeroU32::new(4500).unwrap();

const HOUR: f64 = 3600.0;

/// The buckets of all users, or of whatever else has one each. One that nobody took from for an hour is full, so that only
/// the others are kept.
#[derive(Debug)]
pub struct RateLimiter<K = Uuid> {
    per_hour: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// How many requests are left to the user of a request, this one counted. An extractor of handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remaining(pub u64);

impl<S: Send + Sync> FromRequestParts<S> for Remaining {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let remaining = parts.extensions.get::<Self>().copied();
        remaining.ok_or_else(ApiError::unauthorized)
    }
}

impl<K: Eq + Hash> RateLimiter<K> {
    /// Full buckets of this many requests, which fill up within an hour.
    #[must_use]
    pub fn new(per_hour: NonZeroU32) -> Self {
        Self {
            per_hour: f64::from(per_hour.get()),
            buckets: Mutex::default(),
        }
    }

    /// Takes a token, or tells when there is one.
    pub(crate) fn take(&self, user: K, now: Instant) -> Result<Remaining, Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = self.tokens(buckets.get(&user), now);
        if tokens < 1.0 {
            return Err(self.wait(tokens));
        }
        let tokens = tokens - 1.0;
        // Users come and go with the file that names them; a full bucket is as good as none.
        if buckets.len() >= 10_000 && !buckets.contains_key(&user) {
            buckets.retain(|_, bucket| self.tokens(Some(bucket), now) < self.per_hour);
        }
        buckets.insert(user, Bucket { tokens, at: now });
        Ok(whole(tokens))
    }

    /// Whether there is a token to take, or when there is one.
    pub(crate) fn has_any(&self, user: &K, now: Instant) -> Result<(), Duration> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = self.tokens(buckets.get(user), now);
        if tokens < 1.0 {
            return Err(self.wait(tokens));
        }
        Ok(())
    }

    /// What is left, and takes nothing.
    pub(crate) fn look(&self, user: &K, now: Instant) -> Remaining {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        whole(self.tokens(buckets.get(user), now))
    }

    /// Puts a token back that was taken for nothing.
    pub(crate) fn put_back(&self, user: &K) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(user) {
            bucket.tokens = (bucket.tokens + 1.0).min(self.per_hour);
        }
    }

    /// Until a bucket with less than one token has one.
    fn wait(&self, tokens: f64) -> Duration {
        Duration::from_secs_f64((1.0 - tokens) * HOUR / self.per_hour)
    }

    fn tokens(&self, bucket: Option<&Bucket>, now: Instant) -> f64 {
        bucket.map_or(self.per_hour, |bucket| {
            let since = now.saturating_duration_since(bucket.at).as_secs_f64();
            (bucket.tokens + since * self.per_hour / HOUR).min(self.per_hour)
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and `u32::MAX`, and a part of a token is none"
)]
fn whole(tokens: f64) -> Remaining {
    Remaining(tokens as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_used_up_and_come_back() {
        let limiter = RateLimiter::new(NonZeroU32::new(3).unwrap());
        let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
        let start = Instant::now();
        let left: Vec<_> = (0..3).map(|_| limiter.take(ann, start)).collect();
        assert_eq!(left, [2, 1, 0].map(|left| Ok(Remaining(left))));
        // A third of an hour makes one.
        let wait = limiter.take(ann, start).unwrap_err();
        assert_eq!((wait + Duration::from_millis(500)).as_secs(), 1200);
        assert_eq!(limiter.look(&ann, start), Remaining(0));
        assert_eq!(limiter.has_any(&ann, start), Err(wait));
        assert_eq!(limiter.has_any(&bob, start), Ok(()));
        assert_eq!(limiter.take(bob, start), Ok(Remaining(2)));
        let later = start + Duration::from_secs(1201);
        assert_eq!(limiter.take(ann, later), Ok(Remaining(0)));
        assert!(limiter.take(ann, later).is_err());
        limiter.put_back(&ann);
        assert_eq!(limiter.look(&ann, later), Remaining(1));
        // Never more than an hour's.
        assert_eq!(
            limiter.look(&ann, start + Duration::from_hours(48)),
            Remaining(3)
        );
    }

    #[test]
    fn a_new_user_has_all() {
        let limiter = RateLimiter::new(PER_HOUR);
        let user = Uuid::new_v4();
        assert_eq!(limiter.look(&user, Instant::now()), Remaining(4500));
    }
}
