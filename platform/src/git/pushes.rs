//! Which apps are pushed to: one push at a time, and none once the server stops.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use uuid::Uuid;

/// The apps that are pushed to.
#[derive(Debug)]
pub(super) struct Pushes {
    apps: Arc<Mutex<HashSet<Uuid>>>,
    stopping: watch::Sender<bool>,
}

/// The turn of a push, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    apps: Arc<Mutex<HashSet<Uuid>>>,
    app: Uuid,
}

impl Pushes {
    pub(super) fn new() -> Self {
        Self {
            apps: Arc::default(),
            stopping: watch::Sender::new(false),
        }
    }

    /// The turn of a push to an app, if there is no other.
    pub(super) fn turn(&self, app: Uuid) -> Option<Turn> {
        let free = self
            .apps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(app);
        free.then(|| Turn {
            apps: Arc::clone(&self.apps),
            app,
        })
    }

    /// Whether an app is pushed to.
    pub(super) fn is_pushed_to(&self, app: Uuid) -> bool {
        self.apps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&app)
    }

    /// Ends those that wait for a build.
    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Becomes `true` when the server stops.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.apps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.app);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_push_of_an_app_at_a_time() {
        let (pushes, app) = (Pushes::new(), Uuid::new_v4());
        let turn = pushes.turn(app);
        assert!(turn.is_some() && pushes.is_pushed_to(app));
        assert!(pushes.turn(app).is_none());
        assert!(pushes.turn(Uuid::new_v4()).is_some());
        drop(turn);
        assert!(!pushes.is_pushed_to(app) && pushes.turn(app).is_some());
    }
}
