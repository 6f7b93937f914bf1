//! Addresses of the output of release phases and of builds.
//!
//! `/releases/{id}/output?signature=HEX` and `/builds/{id}/output?signature=HEX`. They do not expire: a client may follow one
//! for as long as it runs, and comes back to the same address when the connection is lost. All that one shows is what was
//! printed.

use super::{Signer, parameter};
use hmac::Mac;
use uuid::Uuid;

/// What prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputOf {
    /// The release phase of the release of this identifier.
    Release(Uuid),
    /// The build of this identifier.
    Build(Uuid),
}

impl OutputOf {
    fn path(self) -> String {
        match self {
            Self::Release(id) => format!("releases/{id}"),
            Self::Build(id) => format!("builds/{id}"),
        }
    }

    /// Begins otherwise than what is signed for blobs, so that neither can stand for the other.
    fn signed(self) -> String {
        match self {
            Self::Release(id) => format!("slugbuilder output\n{id}"),
            Self::Build(id) => format!("slugbuilder build output\n{id}"),
        }
    }
}

impl Signer {
    /// The address of an output, below `external_url`.
    #[must_use]
    pub fn output_url(&self, external_url: &str, of: OutputOf) -> String {
        let base = external_url.trim_end_matches('/');
        let signature = hex::encode(self.output(of).finalize().into_bytes());
        format!("{base}/{}/output?signature={signature}", of.path())
    }

    /// Whether the query of an address, what is after its `?`, allows to read an output.
    #[must_use]
    pub fn allows_output(&self, of: OutputOf, query: Option<&str>) -> bool {
        let Ok(Some(signature)) = parameter(query.unwrap_or_default(), "signature") else {
            return false;
        };
        let mut given = [0; 32];
        hex::decode_to_slice(signature, &mut given).is_ok()
            && self.output(of).verify_slice(&given).is_ok()
    }

    fn output(&self, of: OutputOf) -> impl Mac {
        self.mac.clone().chain_update(of.signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_for_one_release_of_one_server() {
        let signer = Signer::new(&[7; 32]);
        let release = |number| OutputOf::Release(Uuid::from_u128(number));
        let (one, other) = (release(1), release(2));
        let url = signer.output_url("http://127.0.0.1:5000/", one);
        let query = url
            .strip_prefix(&format!(
                "http://127.0.0.1:5000/releases/{}/output?",
                Uuid::from_u128(1)
            ))
            .unwrap();
        assert!(signer.allows_output(one, Some(query)));
        assert!(!signer.allows_output(other, Some(query)));
        assert!(!signer.allows_output(OutputOf::Build(Uuid::from_u128(1)), Some(query)));
        assert!(!Signer::new(&[8; 32]).allows_output(one, Some(query)));
        for query in [None, Some(""), Some("signature="), Some("signature=zz")] {
            assert!(!signer.allows_output(one, query), "{query:?}");
        }
        assert!(!signer.allows_output(one, Some(&format!("{query}&{query}"))));
    }
}
