//! Addresses of blobs that are a credential of their own: whoever has one may do one thing to one blob, until it expires.
//!
//! `/blobs/{id}?expires=SECONDS&signature=HEX`: seconds since 1970, and HMAC-SHA256 over method, id and expiry with a key
//! that only this server has. Clients send no `Authorization` with them (platform-api.md, section 4, "slugs"). Those of
//! sources are below `/sources/` and signed as such.

mod key;
mod output;

pub use key::KeyError;
pub use output::OutputOf;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use std::fmt;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// Bytes of the key.
const KEY: usize = 32;

/// How long an address is good for where nobody says otherwise: long enough to send 500 MB over a slow line, counted from
/// the moment it is given out. An upload that began in time may end later.
pub const DEFAULT_LIFETIME: Duration = Duration::from_hours(1);

/// What an address allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobMethod {
    /// To upload: `PUT`.
    Put,
    /// To download: `GET`, and `HEAD`.
    Get,
}

impl BlobMethod {
    /// As the API's `blob.method` has it: `put` or `get`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Get => "get",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Put => Self::Get,
            Self::Get => Self::Put,
        }
    }
}

/// What a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobKind {
    /// What is released.
    Slug,
    /// What is built.
    Source,
}

impl BlobKind {
    /// The first part of the path.
    fn path(self) -> &'static str {
        match self {
            Self::Slug => "blobs",
            Self::Source => "sources",
        }
    }

    /// What is signed begins with it, so that no address is good for a blob of the other kind.
    fn signed(self) -> &'static str {
        match self {
            Self::Slug => "slugbuilder blob",
            Self::Source => "slugbuilder source",
        }
    }
}

/// Why an address does not allow what it is used for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It has no signature at all.
    #[error("The URL is not signed. Use it as the API answered it, with everything after the `?`.")]
    Unsigned,
    /// `expires` or `signature` is not of the right form, or there twice.
    #[error("The URL's `{0}` is damaged. Use it as the API answered it.")]
    Damaged(&'static str),
    /// The signature is not one of this server for this blob and expiry.
    #[error("The URL's signature is wrong: it was changed, or another server gave it out.")]
    WrongSignature,
    /// It is good for the other method.
    #[error(
        "The URL is for {} only. {}",
        allowed.name().to_uppercase(),
        match allowed {
            BlobMethod::Put => "Another one, which the API answers too, is to download.",
            BlobMethod::Get => "What is uploaded has another one, which the answer to its creation has.",
        }
    )]
    WrongMethod {
        /// What it is good for.
        allowed: BlobMethod,
    },
    /// It was good.
    #[error("The URL expired at {0}. Ask the API for a new one.")]
    Expired(Timestamp),
}

/// Signs addresses of blobs, and checks them. Cloning is cheap enough for every request.
#[derive(Clone)]
pub struct Signer {
    /// Keyed, with nothing in it yet.
    mac: Hmac<Sha256>,
    kind: BlobKind,
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signer")
    }
}

impl Signer {
    /// With the key of `data_folder`, in the file `blob-url.key` of 32 bytes and mode 0600, which is made where there is none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(data_folder: &Path) -> Result<Self, KeyError> {
        Ok(Self::new(&key::read_or_make(data_folder)?))
    }

    /// With a key from elsewhere.
    #[must_use]
    pub fn new(key: &[u8; KEY]) -> Self {
        // HMAC pads a key that is shorter than the block of its hash with zeros (RFC 2104, section 2).
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..KEY].copy_from_slice(key);
        Self {
            mac: Hmac::new(&block),
            kind: BlobKind::Slug,
        }
    }

    /// The same key, for addresses of blobs of that kind. It is [`BlobKind::Slug`] otherwise.
    #[must_use]
    pub fn of(&self, kind: BlobKind) -> Self {
        Self {
            mac: self.mac.clone(),
            kind,
        }
    }

    /// An address below `external_url`, for example `https://localhost:5000`, that allows `method` on blob `id` until
    /// `lifetime` after `now`.
    #[must_use]
    pub fn url(
        &self,
        external_url: &str,
        method: BlobMethod,
        id: Uuid,
        now: Timestamp,
        lifetime: Duration,
    ) -> String {
        let base = external_url.trim_end_matches('/');
        // Times before 1970 are a broken clock; the far future is as good as for ever.
        let now = u64::try_from(now.as_second()).unwrap_or(0);
        let expires = now.saturating_add(lifetime.as_secs());
        let signature = hex::encode(self.signed(method, id, expires).finalize().into_bytes());
        format!(
            "{base}/{}/{id}?expires={expires}&signature={signature}",
            self.kind.path()
        )
    }

    /// Whether the query of an address, what is after its `?`, allows `method` on blob `id` at `now`. Other parameters than
    /// ours are left alone.
    ///
    /// # Errors
    /// [`UrlError`]; that it is expired or for the other method is only told of addresses that this server gave out.
    pub fn check(
        &self,
        method: BlobMethod,
        id: Uuid,
        query: Option<&str>,
        now: Timestamp,
    ) -> Result<(), UrlError> {
        let query = query.unwrap_or_default();
        let (expires, signature) =
            match (parameter(query, "expires")?, parameter(query, "signature")?) {
                (Some(expires), Some(signature)) => (expires, signature),
                (None, None) => return Err(UrlError::Unsigned),
                (None, Some(_)) => return Err(UrlError::Damaged("expires")),
                (Some(_), None) => return Err(UrlError::Damaged("signature")),
            };
        let expires = seconds(expires).ok_or(UrlError::Damaged("expires"))?;
        let mut given = [0; 32];
        hex::decode_to_slice(signature, &mut given).map_err(|_| UrlError::Damaged("signature"))?;
        // `verify_slice` takes the same time wherever the two differ.
        let signed_for = |method: BlobMethod| {
            self.signed(method, id, expires)
                .verify_slice(&given)
                .is_ok()
        };
        if !signed_for(method) {
            let allowed = method.other();
            return Err(if signed_for(allowed) {
                UrlError::WrongMethod { allowed }
            } else {
                UrlError::WrongSignature
            });
        }
        match i64::try_from(expires).map(Timestamp::from_second) {
            Ok(Ok(expires)) if expires <= now => Err(UrlError::Expired(expires)),
            // In time, or beyond the end of the calendar.
            _ => Ok(()),
        }
    }

    fn signed(&self, method: BlobMethod, id: Uuid, expires: u64) -> Hmac<Sha256> {
        let text = format!("{}\n{}\n{id}\n{expires}", self.kind.signed(), method.name());
        self.mac.clone().chain_update(text)
    }
}

/// The one value of parameter `name`.
fn parameter<'a>(query: &'a str, name: &'static str) -> Result<Option<&'a str>, UrlError> {
    let mut values = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(key, _)| *key == name);
    let value = values.next().map(|(_, value)| value);
    match values.next() {
        None => Ok(value),
        Some(_) => Err(UrlError::Damaged(name)),
    }
}

/// Digits only: `parse` alone would take a `+`.
fn seconds(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests;
