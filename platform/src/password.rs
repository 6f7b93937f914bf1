//! Passwords, which are known by their hashes only.

use argon2::password_hash::phc::{self, PasswordHash as Phc};
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, Params};
use slugbuilder_report::{Explain, Fault};
use std::fmt;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// Of a password, in bytes. The least is what NIST SP 800-63B, section 5.1.1.2, asks for; the most bounds the work.
pub const PASSWORD_LENGTH: RangeInclusive<usize> = 8..=1024;

/// The most memory that checking a password may take, in KiB: what RFC 9106, section 4, recommends where memory is scarce.
const MAXIMUM_MEMORY: u32 = 64 << 10;
/// The most passes over that memory.
const MAXIMUM_PASSES: u32 = 16;
/// The most lanes.
const MAXIMUM_LANES: u32 = 16;

/// The hash of a password: Argon2id (RFC 9106), as a string of the PHC format, `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// A password that cannot be hashed, or a hash that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The password is too short or too long.
    #[error("the password has {0} bytes")]
    Length(
        /// How many it has.
        usize,
    ),
    /// It is no hash of the PHC format, not one of Argon2id, or lacks a part.
    #[error("the password hash is none of Argon2id in the PHC format")]
    Form,
    /// Checking a password would take too much memory or time.
    #[error(
        "the password hash asks for more than {} MiB, {MAXIMUM_PASSES} passes or {MAXIMUM_LANES} lanes",
        MAXIMUM_MEMORY >> 10
    )]
    Costly,
    /// The hash could not be computed.
    #[error("the password could not be hashed")]
    Failed,
}

impl Explain for PasswordError {
    fn code(&self) -> &'static str {
        match self {
            Self::Length(_) => "password-length",
            Self::Form | Self::Costly => "password-hash",
            Self::Failed => "password-not-hashed",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Failed => Fault::Bug,
            _ => Fault::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Length(_) => vec![format!(
                "A password has {} to {} bytes. Four words that have nothing to do with each other are a good one.",
                PASSWORD_LENGTH.start(),
                PASSWORD_LENGTH.end()
            )],
            Self::Form | Self::Costly => {
                vec!["Make one with `slugbuilder serve hash-password`.".into()]
            }
            Self::Failed => Vec::new(),
        }
    }
}

impl PasswordHash {
    /// Hashes a password, with a random salt and the parameters that OWASP recommends (19 MiB, two passes, one lane). Takes
    /// some hundredths of a second.
    pub fn of(password: &str) -> Result<Self, PasswordError> {
        if !PASSWORD_LENGTH.contains(&password.len()) {
            return Err(PasswordError::Length(password.len()));
        }
        // 122 random bits from the system; 64 would do (RFC 9106, section 3.1).
        let salt = Uuid::new_v4();
        let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), salt.as_bytes());
        let hash: Phc = hash.map_err(|_| PasswordError::Failed)?;
        Ok(Self(hash.to_string()))
    }

    /// Reads a hash, which may have been made elsewhere.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        let hash = read(text).ok_or(PasswordError::Form)?;
        let params = Params::try_from(&hash).map_err(|_| PasswordError::Form)?;
        if params.m_cost() > MAXIMUM_MEMORY
            || params.t_cost() > MAXIMUM_PASSES
            || params.p_cost() > MAXIMUM_LANES
        {
            return Err(PasswordError::Costly);
        }
        Ok(Self(text.to_owned()))
    }

    /// How much work it is to check a password, in KiB that are passed over: what how long it takes follows from.
    pub(crate) fn work(&self) -> u64 {
        let hash = Phc::new(&self.0).ok();
        let params = hash.and_then(|hash| Params::try_from(&hash).ok());
        params.map_or(0, |params| {
            u64::from(params.m_cost()) * u64::from(params.t_cost())
        })
    }

    /// The string of the PHC format.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the hash of this password. Takes as long whether it is or not.
    #[must_use]
    pub fn is_of(&self, password: &str) -> bool {
        let hash = Phc::new(&self.0);
        password.len() <= *PASSWORD_LENGTH.end()
            && hash.is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok()
            })
    }
}

#[cfg(test)]
impl PasswordHash {
    /// A hash that takes hardly any time to check: of this many KiB.
    pub(crate) fn cheap(password: &str, memory: u32) -> Self {
        let params = Params::new(memory, 2, 1, None).unwrap();
        let hash: Phc = Argon2::from(params)
            .hash_password_with_salt(password.as_bytes(), b"saltsaltsalt")
            .unwrap();
        Self::parse(&hash.to_string()).unwrap()
    }
}

impl fmt::Debug for PasswordHash {
    /// Nothing that could be tried against passwords.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash")
    }
}

/// A hash of Argon2id in its one version that is in use, with salt and output.
fn read(text: &str) -> Option<phc::PasswordHash> {
    let hash = Phc::new(text).ok()?;
    let whole = hash.salt.is_some() && hash.hash.is_some_and(|output| output.len() >= 16);
    (hash.algorithm.as_str() == "argon2id" && hash.version == Some(0x13) && whole).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf %s 'correct horse' | argon2 saltsaltsalt -id -t 2 -k 64 -p 1 -e`, but made by this crate's reference: RFC 9106.
    const CHEAP: &str = "$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHRzYWx0$";

    fn cheap(password: &str) -> PasswordHash {
        PasswordHash::cheap(password, 64)
    }

    #[test]
    fn a_password_is_known_by_its_hash() {
        let hash = PasswordHash::of("correct horse").unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hash.is_of("correct horse"));
        for wrong in ["", "correct hors", "Correct horse", "correct horse "] {
            assert!(!hash.is_of(wrong), "{wrong}");
        }
        assert_ne!(hash, PasswordHash::of("correct horse").unwrap());
        assert_eq!(format!("{hash:?}"), "PasswordHash");
    }

    #[test]
    fn hashes_of_other_programs_are_read() {
        let hash = cheap("correct horse");
        assert!(hash.as_str().starts_with(CHEAP), "{}", hash.as_str());
        assert!(hash.is_of("correct horse") && !hash.is_of("wrong"));
        assert_eq!(hash.work(), 128);
    }

    #[test]
    fn what_is_no_hash_or_costs_too_much_is_refused() {
        let good = cheap("correct horse").0;
        for bad in [
            "",
            "secret",
            "$2y$10$abcdefghijklmnopqrstuv",
            &good.replace("argon2id", "argon2i"),
            &good.replace("v=19", "v=16"),
            &good.replace("m=64,", ""),
            CHEAP.trim_end_matches('$'),
            "$argon2id$v=19$m=64,t=2,p=1",
            "$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHRzYWx0$AAAAAA",
        ] {
            // Without its memory a hash has the default.
            let expected = if bad.contains("$t=2") {
                None
            } else {
                Some(PasswordError::Form)
            };
            assert_eq!(PasswordHash::parse(bad).err(), expected, "{bad}");
        }
        for costly in [
            good.replace("m=64", "m=65537"),
            good.replace("t=2", "t=17"),
            good.replace("p=1", "p=17").replace("m=64", "m=1024"),
        ] {
            assert_eq!(
                PasswordHash::parse(&costly),
                Err(PasswordError::Costly),
                "{costly}"
            );
        }
        for (length, password) in [(7, "1234567".to_owned()), (1025, "a".repeat(1025))] {
            assert_eq!(
                PasswordHash::of(&password),
                Err(PasswordError::Length(length))
            );
        }
    }
}
