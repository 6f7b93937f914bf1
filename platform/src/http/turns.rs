//! Turns of changes, so that a change with a condition is made to what the condition was checked on.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::convert::Infallible;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// The turns of all changes. Changes of one app share theirs, and keep off those that have a condition; changes of different
/// apps do not know of each other (some share a lock, which costs time only).
#[derive(Debug)]
pub(crate) struct Turns {
    locks: [Arc<RwLock<()>>; 64],
    hasher: RandomState,
}

impl Turns {
    pub(crate) fn new() -> Self {
        Self {
            locks: std::array::from_fn(|_| Arc::default()),
            hasher: RandomState::new(),
        }
    }

    /// The turn of a change of `subject`, beside others that have no condition.
    pub(crate) async fn shared(&self, subject: &str) -> Turn {
        Turn::of(Guard::Shared {
            _guard: self.lock(subject).read_owned().await,
        })
    }

    /// The turn of a change of `subject` that nobody comes in between.
    pub(crate) async fn exclusive(&self, subject: &str) -> Turn {
        Turn::of(Guard::Exclusive {
            _guard: self.lock(subject).write_owned().await,
        })
    }

    fn lock(&self, subject: &str) -> Arc<RwLock<()>> {
        let hash = self.hasher.hash_one(subject);
        let index = usize::try_from(hash % self.locks.len() as u64).unwrap_or_default();
        Arc::clone(&self.locks[index])
    }
}

/// The turn of a change, until all clones are dropped or one of them says that it is over. As an extractor of handlers, that
/// of the request; over already where there is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn(Arc<Mutex<Option<Guard>>>);

#[derive(Debug)]
enum Guard {
    Shared { _guard: OwnedRwLockReadGuard<()> },
    Exclusive { _guard: OwnedRwLockWriteGuard<()> },
}

impl Turn {
    fn of(guard: Guard) -> Self {
        Self(Arc::new(Mutex::new(Some(guard))))
    }

    /// Says that the change is made: what is left to do is nobody else's concern.
    pub(crate) fn end(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Turn {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn a_change_with_a_condition_is_alone() {
        let turns = Turns::new();
        let first = turns.shared("a").await;
        let second = turns.shared("a").await;
        assert!(turns.exclusive("a").now_or_never().is_none());
        drop(first);
        second.end();
        let alone = turns.exclusive("a").now_or_never().unwrap();
        assert!(turns.shared("a").now_or_never().is_none());
        assert!(turns.exclusive("a").now_or_never().is_none());
        // Whoever has a clone may end it.
        alone.clone().end();
        assert!(turns.shared("a").now_or_never().is_some());
    }

    #[tokio::test]
    async fn others_do_not_wait() {
        let turns = Turns::new();
        let _alone = turns.exclusive("a").await;
        // But for the few that share its lock.
        let free = (0..100).filter(|other: &u8| {
            let turn = turns.exclusive(&other.to_string()).now_or_never();
            turn.is_some()
        });
        assert!(free.count() > 50);
    }
}
