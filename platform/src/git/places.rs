//! Places among what git does at once: so many for all, and fewer for each user, so that nobody takes all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Places of all users.
const ALL: usize = 16;
/// Places of one user.
const OF_USER: usize = 4;
/// As long as a request waits for others to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The places.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    /// Of those who have or want one.
    users: Mutex<HashMap<Uuid, Arc<Semaphore>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_user: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new() -> Self {
        Self {
            all: Arc::new(Semaphore::new(ALL)),
            users: Mutex::default(),
        }
    }

    /// A place for a user; nothing if there is none for a while.
    pub(super) async fn take(&self, user: Uuid) -> Option<Place> {
        let own = {
            let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
            // A place, and who waits for one, holds its user's.
            users.retain(|_, places| Arc::strong_count(places) > 1);
            let own = users.entry(user);
            Arc::clone(own.or_insert_with(|| Arc::new(Semaphore::new(OF_USER))))
        };
        let both = async {
            // In this order: who has too many waits for themselves, and keeps no place of others.
            let of_user = own.acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Place {
                _of_user: of_user,
                _of_all: of_all,
            })
        };
        tokio::time::timeout(PATIENCE, both).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_takes_all() {
        let places = Places::new();
        let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
        let mut of_ann = Vec::new();
        for _ in 0..OF_USER {
            of_ann.push(places.take(ann).await.unwrap());
        }
        assert!(places.take(ann).await.is_none());
        assert!(places.take(bob).await.is_some());
        of_ann.pop();
        assert!(places.take(ann).await.is_some());
        drop(of_ann);
        let others: Vec<_> = (0..ALL / OF_USER)
            .flat_map(|_| [Uuid::new_v4(); OF_USER])
            .collect();
        let mut taken = Vec::new();
        for user in others {
            taken.push(places.take(user).await.unwrap());
        }
        assert!(places.take(bob).await.is_none());
        drop(taken);
        assert!(places.take(bob).await.is_some());
        assert_eq!(places.users.lock().unwrap().len(), 1);
    }
}
