//! Addresses of the output of release phases.
//!
//! `/releases/{id}/output?signature=HEX`. They do not expire: a client may follow a release phase for as long as it runs, and
//! comes back to the same address when the connection is lost. All that one shows is what a release printed.

use super::{Signer, parameter};
use hmac::Mac;
use uuid::Uuid;

impl Signer {
    /// The address of the output of a release, below `external_url`.
    #[must_use]
    pub fn output_url(&self, external_url: &str, release: Uuid) -> String {
        let base = external_url.trim_end_matches('/');
        let signature = hex::encode(self.output(release).finalize().into_bytes());
        format!("{base}/releases/{release}/output?signature={signature}")
    }

    /// Whether the query of an address, what is after its `?`, allows to read the output of a release.
    #[must_use]
    pub fn allows_output(&self, release: Uuid, query: Option<&str>) -> bool {
        let Ok(Some(signature)) = parameter(query.unwrap_or_default(), "signature") else {
            return false;
        };
        let mut given = [0; 32];
        hex::decode_to_slice(signature, &mut given).is_ok()
            && self.output(release).verify_slice(&given).is_ok()
    }

    /// Begins otherwise than what is signed for blobs, so that neither can stand for the other.
    fn output(&self, release: Uuid) -> impl Mac {
        self.mac
            .clone()
            .chain_update(format!("slugbuilder output\n{release}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_for_one_release_of_one_server() {
        let signer = Signer::new(&[7; 32]);
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let url = signer.output_url("http://127.0.0.1:5000/", one);
        let query = url
            .strip_prefix(&format!("http://127.0.0.1:5000/releases/{one}/output?"))
            .unwrap();
        assert!(signer.allows_output(one, Some(query)));
        assert!(!signer.allows_output(other, Some(query)));
        assert!(!Signer::new(&[8; 32]).allows_output(one, Some(query)));
        for query in [None, Some(""), Some("signature="), Some("signature=zz")] {
            assert!(!signer.allows_output(one, query), "{query:?}");
        }
        assert!(!signer.allows_output(one, Some(&format!("{query}&{query}"))));
    }
}
