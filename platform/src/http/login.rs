//! Passwords of requests, and those who try them out.
//!
//! Who guesses has few guesses for each user and from each address, and learns nothing from how long an answer takes: whether
//! or not there is such a user, and whether or not they have a password, one hash is computed. Only a few are at once, since
//! each takes 19 MiB and a core.

use crate::http::ApiError;
use crate::http::auth::Tokens;
use crate::http::rate_limit::RateLimiter;
use crate::store::User;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Wrong passwords for one user in an hour.
const FOR_USER: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Wrong passwords from one address in an hour.
const FROM_ADDRESS: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// How many requests may wait for a hash.
const WAITING: usize = 32;

/// The logins of a server.
#[derive(Debug)]
pub(crate) struct Logins {
    users: RateLimiter<String>,
    addresses: RateLimiter<IpAddr>,
    /// As many as hashes are computed at once.
    work: Semaphore,
    /// As many as may wait for that.
    places: Semaphore,
}

impl Logins {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let at_once = (cores / 2).clamp(1, 4);
        Self {
            users: RateLimiter::new(FOR_USER),
            addresses: RateLimiter::new(FROM_ADDRESS),
            work: Semaphore::new(at_once),
            places: Semaphore::new(WAITING),
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
        // Taken before it is known to be wrong: else many at once would get past the limit.
        let address = network(from.unwrap_or(Ipv4Addr::UNSPECIFIED.into()));
        let user = email.to_ascii_lowercase();
        let now = Instant::now();
        self.addresses.take(address, now).map_err(too_many)?;
        self.users.take(user.clone(), now).map_err(too_many)?;

        let check = tokens.password_check(email).await?;
        let is_right = match check.hash {
            None => false,
            Some(hash) => {
                let password = password.to_owned();
                let _place = self
                    .places
                    .try_acquire()
                    .map_err(|_| ApiError::unavailable("too many passwords wait to be checked"))?;
                let closed = |_| ApiError::unavailable("the server stops");
                let _work = self.work.acquire().await.map_err(closed)?;
                spawn_blocking(move || hash.is_of(&password))
                    .await
                    .map_err(|error| ApiError::internal(error.to_string()))?
            }
        };
        let logged_in = check.user.filter(|_| is_right);
        let logged_in = logged_in.ok_or_else(ApiError::unauthorized)?;
        self.addresses.put_back(&address);
        self.users.put_back(&user);
        Ok(logged_in)
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use uuid::Uuid;

    /// Ann, whose password is `correct horse`. Counts who is asked for.
    struct Ann {
        hash: PasswordHash,
        asked: AtomicUsize,
    }

    impl Ann {
        fn new() -> Self {
            Self {
                hash: PasswordHash::of("correct horse").unwrap(),
                asked: AtomicUsize::new(0),
            }
        }
    }

    impl Tokens for Ann {
        async fn token_holder(&self, _: &str) -> Result<Option<TokenHolder>, StoreError> {
            Ok(None)
        }

        async fn password_check(&self, email: &str) -> Result<PasswordCheck, StoreError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
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
        let (logins, ann) = (Arc::new(Logins::new()), Arc::new(Ann::new()));
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
}
