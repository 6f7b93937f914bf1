//! Which certificate authorities are trusted.

use crate::FetchError;
use std::io;
use std::path::Path;
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

/// Where distributions keep the bundle of their trusted authorities: Debian and Alpine, Fedora, SUSE, others.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The authorities of `file` alone; without it those of the system, or else Mozilla's, which are built in.
///
/// The system's come before Mozilla's because an administrator adds and removes authorities there.
pub(super) fn authorities(file: Option<&Path>) -> Result<RootCerts, FetchError> {
    if let Some(path) = file {
        let failed = |source| FetchError::CaFile {
            path: path.to_owned(),
            source,
        };
        let certificates = certificates(path).map_err(failed)?;
        if certificates.is_empty() {
            return Err(failed(io::Error::new(
                io::ErrorKind::InvalidData,
                "it holds no certificate",
            )));
        }
        return Ok(RootCerts::new_with_certs(&certificates));
    }
    let system = SYSTEM_BUNDLES.iter().find_map(|path| {
        certificates(Path::new(path))
            .ok()
            .filter(|found| !found.is_empty())
    });
    Ok(system.map_or(RootCerts::WebPki, |found| RootCerts::new_with_certs(&found)))
}

fn certificates(path: &Path) -> io::Result<Vec<Certificate<'static>>> {
    // Not `fs_err`: the error that this goes into names the path.
    let pem = std::fs::read(path)?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(ureq::Error::into_io)? {
            found.push(certificate);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_holds_no_certificate_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        fs_err::write(&empty, "no certificate").unwrap();
        assert!(matches!(
            authorities(Some(&empty)),
            Err(FetchError::CaFile { .. })
        ));
        let damaged = folder.path().join("damaged.pem");
        fs_err::write(
            &damaged,
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        assert!(matches!(
            authorities(Some(&damaged)),
            Err(FetchError::CaFile { .. })
        ));
        let missing = folder.path().join("missing.pem");
        assert!(matches!(
            authorities(Some(&missing)),
            Err(FetchError::CaFile { .. })
        ));
    }
}
