//! Who is next.
//!
//! Fair between users, whatever each of them asks for: the next build is one of the user with the fewest running ones, of
//! several such users the one whose last build began longest ago, and of theirs the oldest. An app is built once at a time:
//! a second build of it waits for the first, whoever asked for it.

use std::collections::HashMap;
use uuid::Uuid;

/// A build that waits or runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) build: Uuid,
    pub(super) app: Uuid,
    pub(super) user: Uuid,
}

#[derive(Debug)]
pub(super) struct Queue {
    at_once: usize,
    /// The oldest first.
    waiting: Vec<Ticket>,
    running: Vec<Ticket>,
    /// When each user's last build began, as a number that grows.
    served: HashMap<Uuid, u64>,
    clock: u64,
}

impl Queue {
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            at_once,
            waiting: Vec::new(),
            running: Vec::new(),
            served: HashMap::new(),
            clock: 0,
        }
    }

    pub(super) fn push(&mut self, ticket: Ticket) {
        self.waiting.push(ticket);
    }

    /// The next build that can begin, which then runs.
    pub(super) fn next(&mut self) -> Option<Ticket> {
        if self.running.len() >= self.at_once {
            return None;
        }
        let rank = |(index, ticket): &(usize, &Ticket)| {
            let user = ticket.user;
            let running = self.running.iter().filter(|one| one.user == user).count();
            let served = self.served.get(&user).copied().unwrap_or_default();
            (running, served, *index)
        };
        let (index, _) = self
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, ticket)| self.running.iter().all(|one| one.app != ticket.app))
            .min_by_key(rank)?;
        let ticket = self.waiting.remove(index);
        self.clock += 1;
        self.served.insert(ticket.user, self.clock);
        self.running.push(ticket);
        Some(ticket)
    }

    /// A build that runs has ended.
    pub(super) fn ended(&mut self, build: Uuid) {
        self.running.retain(|one| one.build != build);
    }

    /// Takes a build out that waits; says whether it did.
    pub(super) fn remove(&mut self, build: Uuid) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|one| one.build != build);
        self.waiting.len() < before
    }

    /// The builds of an app, those that wait and those that run.
    pub(super) fn of_app(&self, app: Uuid) -> Vec<Uuid> {
        let all = self.waiting.iter().chain(&self.running);
        all.filter(|one| one.app == app)
            .map(|one| one.build)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds are numbered, apps and users have letters.
    fn ticket(build: u128, app: u8, user: u8) -> Ticket {
        Ticket {
            build: Uuid::from_u128(build),
            app: Uuid::from_u128(app.into()),
            user: Uuid::from_u128(user.into()),
        }
    }

    fn queue(at_once: usize, tickets: &[(u128, u8, u8)]) -> Queue {
        let mut queue = Queue::new(at_once);
        for (build, app, user) in tickets {
            queue.push(ticket(*build, *app, *user));
        }
        queue
    }

    fn begun(queue: &mut Queue) -> Vec<u128> {
        std::iter::from_fn(|| queue.next())
            .map(|ticket| ticket.build.as_u128())
            .collect()
    }

    #[test]
    fn one_who_asks_for_much_does_not_keep_others_waiting() {
        let mut queue = queue(
            1,
            &[
                (1, b'a', b'x'),
                (2, b'b', b'x'),
                (3, b'c', b'x'),
                (4, b'd', b'y'),
                (5, b'e', b'x'),
                (6, b'f', b'y'),
            ],
        );
        let mut order = Vec::new();
        while let [build] = begun(&mut queue)[..] {
            order.push(build);
            queue.ended(Uuid::from_u128(build));
        }
        assert_eq!(order, [1, 4, 2, 6, 3, 5]);
    }

    #[test]
    fn who_comes_back_again_and_again_does_not_starve_one_with_a_queue() {
        let mut queue = queue(1, &[(1, b'a', b'x'), (2, b'b', b'x'), (3, b'c', b'y')]);
        let mut order = Vec::new();
        for next in 10..14 {
            let build = begun(&mut queue)[0];
            order.push(build);
            queue.ended(Uuid::from_u128(build));
            queue.push(ticket(next, b'c', b'y'));
        }
        assert_eq!(order, [1, 3, 2, 10]);
    }

    #[test]
    fn free_places_go_to_different_users_first() {
        let mut queue = queue(2, &[(1, b'a', b'x'), (2, b'b', b'x'), (3, b'c', b'y')]);
        assert_eq!(begun(&mut queue), [1, 3]);
    }

    #[test]
    fn an_app_is_built_once_at_a_time() {
        let mut queue = queue(3, &[(1, b'a', b'x'), (2, b'a', b'y'), (3, b'b', b'x')]);
        assert_eq!(begun(&mut queue), [1, 3]);
        queue.ended(Uuid::from_u128(1));
        assert_eq!(begun(&mut queue), [2]);
    }

    #[test]
    fn what_is_taken_out_never_begins() {
        let mut queue = queue(1, &[(1, b'a', b'x'), (2, b'a', b'x')]);
        assert!(queue.remove(Uuid::from_u128(1)));
        assert!(!queue.remove(Uuid::from_u128(1)));
        assert_eq!(queue.of_app(Uuid::from_u128(b'a'.into())).len(), 1);
        assert_eq!(begun(&mut queue), [2]);
        assert!(!queue.remove(Uuid::from_u128(2)));
    }
}
