//! Who sent a request: GitHub's `X-Hub-Signature-256`, an HMAC of the body with a secret that only both sides know
//! (docs.github.com, "Validating webhook deliveries").

use axum::http::header::{HeaderMap, HeaderName};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The header.
const SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");

/// Bytes of a secret.
const SECRET: usize = 32;

/// A signature that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature([u8; 32]);

impl Signature {
    /// The one that a request has.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(SIGNATURE).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let hex = value.to_str().ok()?.strip_prefix("sha256=")?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(hex, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Whether it is that of `body` with `secret`. Takes as long whatever is wrong with it.
    pub(super) fn fits(&self, secret: &str, body: &[u8]) -> bool {
        Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .is_ok_and(|hmac| hmac.chain_update(body).verify_slice(&self.0).is_ok())
    }
}

/// A new secret: 32 random bytes in hexadecimal digits.
///
/// # Errors
/// The system has no random bytes.
pub(crate) fn new_secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; SECRET];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's documentation.
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const HEADER: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn signature(header: &str) -> Option<Signature> {
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE, header.parse().unwrap());
        Signature::of(&headers)
    }

    #[test]
    fn githubs_example_fits() {
        let signature = signature(HEADER).unwrap();
        assert!(signature.fits(SECRET, BODY));
        assert!(!signature.fits(SECRET, b"Hello, World?"));
        assert!(!signature.fits("", BODY));
        assert!(!signature.fits("another", BODY));
    }

    #[test]
    fn what_is_no_signature() {
        for header in [
            "",
            "sha256=",
            &HEADER[7..],
            &HEADER[..70],
            "sha1=aa",
            &format!("{HEADER}00"),
            &HEADER.replace('7', "g"),
        ] {
            assert_eq!(signature(header), None, "{header}");
        }
        let mut twice = HeaderMap::new();
        twice.append(SIGNATURE, HEADER.parse().unwrap());
        twice.append(SIGNATURE, HEADER.parse().unwrap());
        assert_eq!(Signature::of(&twice), None);
        assert_eq!(Signature::of(&HeaderMap::new()), None);
    }

    #[test]
    fn secrets_differ() {
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert!(one.len() == 64 && one != other);
    }
}
