//! Passwords of requests, and those who try them out.
//!
//! Who guesses has few guesses for each user and from each address, and whether or not there is such a user, and whether or
//! not they have a password, one hash is computed. It takes as long as that of the user whose hash takes longest: where all
//! hashes have the same parameters, how long an answer takes tells nothing. Only a few are computed at once, since each takes
//! a core and 19 MiB, or as much as a hash that another program made asks for.

use crate::http::ApiError;
use crate::http::auth::Tokens;
use crate::http::rate_limit::RateLimiter;
use crate::store::User;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Wrong passwords for one user in an hour.
const FOR_USER: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Wrong passwords from one address in an hour.
const FROM_ADDRESS: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// How many users' passwords may wait for a hash. Any number may wait for their user's turn.
const WAITING: usize = 32;

/// The logins of a server.
#[derive(Debug)]
pub(crate) struct Logins {
    limits: Arc<Limits>,
    /// One password of a user is checked at a time, so that right ones need no more than one guess to be left.
    turns: Mutex<HashMap<String, Weak<Semaphore>>>,
    /// As many as hashes are computed at once.
    work: Arc<Semaphore>,
    /// As many as may wait for that.
    places: Arc<Semaphore>,
}

impl Logins {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let at_once = (cores / 2).clamp(1, 4);
        Self {
            limits: Arc::new(Limits {
                users: RateLimiter::new(FOR_USER),
                addresses: RateLimiter::new(FROM_ADDRESS),
            }),
            turns: Mutex::default(),
            work: Arc::new(Semaphore::new(at_once)),
            places: Arc::new(Semaphore::new(WAITING)),
        }
    }

    /// The user of that e-mail address, if this is their password. `from` is the client's address.
    pub(crate) async fn check<T: Tokens>(
        &self,
        tokens: &T,
        email: &str,
        password: &str,
        from: Option<IpAddr>,
    ) -> Result<User, ApiError> {
        let closed = |_| ApiError::unavailable("the server stops");
        let address = network(from.unwrap_or(Ipv4Addr::UNSPECIFIED.into()));
        let name = email.to_ascii_lowercase();

        // Who has no guess left does not wait, nor let others wait.
        self.limits.allow(&name, address).map_err(too_many)?;
        let turn = self.turn(&name).acquire_owned().await.map_err(closed)?;
        self.limits.allow(&name, address).map_err(too_many)?;
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| ApiError::unavailable("too many passwords wait to be checked"))?;
        let work = Arc::clone(&self.work).acquire_owned();
        let work = work.await.map_err(closed)?;
        // Taken before it is known to be wrong: else many at once would get past the limit.
        let guess = self.limits.take(name, address).map_err(too_many)?;

        let check = tokens.password_check(email).await?;
        let password = password.to_owned();
        // The hash is computed to its end even if the client goes away, and until then is one of those at once; whether it was
        // a wrong guess counts all the same.
        let checked = spawn_blocking(move || {
            let _held = (turn, place, work);
            let is_right = check.hash.is_some_and(|hash| hash.is_of(&password));
            let user = check.user.filter(|_| is_right);
            // Before the turn is the next one's.
            if user.is_none() {
                guess.was_wrong();
            } else {
                drop(guess);
            }
            user
        });
        let user = checked
            .await
            .map_err(|error| ApiError::internal(error.to_string()))?;
        user.ok_or_else(ApiError::unauthorized)
    }

    /// The one permit to check a password of this user.
    fn turn(&self, user: &str) -> Arc<Semaphore> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(user).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Semaphore::new(1));
        turns.insert(user.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

/// How many wrong passwords there may be.
#[derive(Debug)]
struct Limits {
    users: RateLimiter<String>,
    addresses: RateLimiter<IpAddr>,
}

impl Limits {
    /// Whether there is a guess left, or when there is one.
    fn allow(&self, user: &String, address: IpAddr) -> Result<(), Duration> {
        let now = Instant::now();
        self.addresses.has_any(&address, now)?;
        self.users.has_any(user, now)
    }

    /// Takes a guess for this user from this address, or tells when there is one.
    fn take(self: &Arc<Self>, user: String, address: IpAddr) -> Result<Guess, Duration> {
        let now = Instant::now();
        self.addresses.take(address, now)?;
        if let Err(wait) = self.users.take(user.clone(), now) {
            self.addresses.put_back(&address);
            return Err(wait);
        }
        Ok(Guess {
            limits: Arc::clone(self),
            user,
            address,
            is_wrong: false,
        })
    }
}

/// A guess that was taken, and goes back however it ends unless it was wrong: the password was right, the ledger could not
/// be read, the client went away.
struct Guess {
    limits: Arc<Limits>,
    user: String,
    address: IpAddr,
    is_wrong: bool,
}

impl Guess {
    fn was_wrong(mut self) {
        self.is_wrong = true;
    }
}

impl Drop for Guess {
    fn drop(&mut self) {
        if !self.is_wrong {
            self.limits.addresses.put_back(&self.address);
            self.limits.users.put_back(&self.user);
        }
    }
}

/// What one client has of addresses: in IPv6 a network of 64 bits (RFC 6177), out of which it may take any.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        IpAddr::V4(address) => IpAddr::V4(address),
    }
}

fn too_many(wait: Duration) -> ApiError {
    ApiError {
        message: "There were too many wrong passwords. Please wait before trying again; tokens still work.".to_owned(),
        ..ApiError::rate_limit(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::PasswordHash;
    use crate::store::{PasswordCheck, StoreError, TokenHolder};
    use jiff::Timestamp;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use uuid::Uuid;

    /// Ann, whose password is `correct horse`. Counts who is asked for.
    struct Ann {
        hash: PasswordHash,
        asked: AtomicUsize,
        is_broken: bool,
    }

    impl Ann {
        fn new() -> Self {
            Self {
                hash: PasswordHash::cheap("correct horse", 64),
                asked: AtomicUsize::new(0),
                is_broken: false,
            }
        }
    }

    impl Tokens for Ann {
        async fn token_holder(&self, _: &str) -> Result<Option<TokenHolder>, StoreError> {
            Ok(None)
        }

        async fn password_check(&self, email: &str) -> Result<PasswordCheck, StoreError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if self.is_broken {
                return Err(StoreError::Damaged("page 7".into()));
            }
            let user = User {
                id: Uuid::nil(),
                email: email.into(),
                name: None,
                allow_tracking: false,
                beta: false,
                last_login: None,
                created_at: Timestamp::UNIX_EPOCH,
                updated_at: Timestamp::UNIX_EPOCH,
            };
            Ok(PasswordCheck {
                user: (email == "ann@example.com").then_some(user),
                hash: Some(self.hash.clone()),
            })
        }

        async fn app(&self, _: &User, _: &str) -> Option<Uuid> {
            None
        }
    }

    async fn status(logins: &Logins, ann: &Ann, email: &str, password: &str, from: &str) -> u16 {
        let from = Some(from.parse().unwrap());
        match logins.check(ann, email, password, from).await {
            Ok(user) => {
                assert_eq!(user.email, "ann@example.com");
                200
            }
            Err(error) => error.status.as_u16(),
        }
    }

    #[tokio::test]
    async fn only_the_user_of_the_hash_gets_in() {
        let (logins, ann) = (Logins::new(), Ann::new());
        let from = "192.0.2.1";
        for (email, password, expected) in [
            ("ann@example.com", "correct horse", 200),
            ("ann@example.com", "wrong horse", 401),
            // The hash that a stranger's password is held against is Ann's.
            ("bob@example.com", "correct horse", 401),
        ] {
            assert_eq!(
                status(&logins, &ann, email, password, from).await,
                expected,
                "{email}"
            );
        }
    }

    #[tokio::test]
    async fn guesses_are_few_for_a_user_and_from_an_address() {
        let (logins, ann) = (Logins::new(), Ann::new());
        // Right ones cost nothing.
        for _ in 0..30 {
            let status = status(
                &logins,
                &ann,
                "ann@example.com",
                "correct horse",
                "192.0.2.1",
            );
            assert_eq!(status.await, 200);
        }
        for guess in 0..20 {
            let from = format!("192.0.2.{guess}");
            let status = status(&logins, &ann, "ann@example.com", "wrong", &from).await;
            assert_eq!(status, 401, "{guess}");
        }
        let asked = ann.asked.load(Ordering::Relaxed);
        for email in ["ann@example.com", "Ann@Example.com"] {
            let status = status(&logins, &ann, email, "correct horse", "198.51.100.1");
            assert_eq!(status.await, 429, "{email}");
        }
        // And without any work.
        assert_eq!(ann.asked.load(Ordering::Relaxed), asked);

        // Whoever has a network of IPv6 has many addresses, and as many strangers as they like.
        for guess in 0..60 {
            let (email, from) = (
                format!("user{guess}@example.com"),
                format!("2001:db8::{guess:x}"),
            );
            assert_eq!(status(&logins, &ann, &email, "wrong", &from).await, 401);
        }
        assert_eq!(
            status(
                &logins,
                &ann,
                "new@example.com",
                "wrong",
                "2001:db8::ffff:1"
            )
            .await,
            429
        );
        assert_eq!(
            status(&logins, &ann, "new@example.com", "wrong", "2001:db8:0:1::1").await,
            401
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn hashes_are_computed_a_few_at_once() {
        let mut ann = Ann::new();
        ann.hash = PasswordHash::of("correct horse").unwrap();
        let (logins, ann) = (Arc::new(Logins::new()), Arc::new(ann));
        let mut guesses = Vec::new();
        for guess in 0..100 {
            let (logins, ann) = (Arc::clone(&logins), Arc::clone(&ann));
            guesses.push(tokio::spawn(async move {
                let (email, from) = (
                    format!("user{guess}@example.com"),
                    format!("10.0.0.{guess}"),
                );
                status(&logins, &ann, &email, "wrong", &from).await
            }));
        }
        let mut statuses = Vec::new();
        for guess in guesses {
            statuses.push(guess.await.unwrap());
        }
        assert!(
            statuses.iter().all(|status| [401, 503].contains(status)),
            "{statuses:?}"
        );
        let checked = statuses.iter().filter(|status| **status == 401).count();
        assert!((WAITING..100).contains(&checked), "{checked}");
    }

    /// The statuses of this many logins at once.
    async fn at_once(count: usize, email: &'static str, password: &'static str) -> Vec<u16> {
        let (logins, ann) = (Arc::new(Logins::new()), Arc::new(Ann::new()));
        let tasks: Vec<_> = (0..count)
            .map(|_| {
                let (logins, ann) = (Arc::clone(&logins), Arc::clone(&ann));
                tokio::spawn(
                    async move { status(&logins, &ann, email, password, "192.0.2.1").await },
                )
            })
            .collect();
        let mut statuses = Vec::new();
        for task in tasks {
            statuses.push(task.await.unwrap());
        }
        statuses.sort_unstable();
        statuses
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn right_ones_are_right_however_many_come_at_once() {
        let statuses = at_once(70, "ann@example.com", "correct horse").await;
        assert_eq!(statuses, [200; 70]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn wrong_ones_at_once_are_as_few_as_one_after_another() {
        let statuses = at_once(50, "ann@example.com", "wrong").await;
        assert_eq!(statuses, [[401; 20].as_slice(), &[429; 30]].concat());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_wrong_ones_cost_a_guess() {
        let (logins, mut ann) = (Logins::new(), Ann::new());
        let (user, address) = ("ann@example.com".to_owned(), IpAddr::from([192, 0, 2, 1]));
        let left = || {
            let now = Instant::now();
            (
                logins.limits.users.look(&user, now).0,
                logins.limits.addresses.look(&address, now).0,
            )
        };
        let login = async |ann: &Ann, password| {
            status(&logins, ann, "ann@example.com", password, "192.0.2.1").await
        };
        // No place.
        let places = logins.places.acquire_many(32).await.unwrap();
        assert_eq!(
            (login(&ann, "correct horse").await, left()),
            (503, (20, 60))
        );
        drop(places);
        // No ledger.
        ann.is_broken = true;
        assert_eq!(
            (login(&ann, "correct horse").await, left()),
            (500, (20, 60))
        );
        ann.is_broken = false;
        // A client that goes away while it waits.
        let work = logins
            .work
            .acquire_many(u32::try_from(logins.work.available_permits()).unwrap());
        let work = work.await.unwrap();
        let gone = tokio::time::timeout(Duration::from_millis(50), login(&ann, "wrong"));
        assert!(gone.await.is_err());
        assert_eq!(left(), (20, 60));
        drop(work);
        assert_eq!(
            (login(&ann, "correct horse").await, left()),
            (200, (20, 60))
        );
        assert_eq!((login(&ann, "wrong").await, left()), (401, (19, 59)));
        // The refusal of the user costs the address nothing.
        for _ in 0..19 {
            assert_eq!(login(&ann, "wrong").await, 401);
        }
        assert_eq!((login(&ann, "wrong").await, left()), (429, (0, 40)));
    }
}
