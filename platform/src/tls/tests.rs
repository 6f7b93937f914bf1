//! Certificates as clients judge them.

use super::*;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{ServerName, UnixTime};
use slugbuilder_report::{Diagnosis, Style};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

const TODAY: Date = jiff::civil::date(2026, 1, 31);

/// Whether a client that trusts the authority takes the certificate for a server of this name.
fn trusted(authority: &Path, certificate: &CertificateDer<'_>, name: &str, on: Date) -> bool {
    let mut roots = RootCertStore::empty();
    let pem = std::fs::read(authority).unwrap();
    roots
        .add(CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let noon = on.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
    let noon = u64::try_from(noon.timestamp().as_second()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(noon));
    verifier
        .verify_server_cert(certificate, &[], &name, &[], now)
        .is_ok()
}

#[test]
fn certificates_are_for_this_machine_and_three_months() {
    let folder = tempfile::tempdir().unwrap();
    let Authority {
        issuer,
        certificate: authority,
        replaced,
    } = authority(folder.path(), TODAY).unwrap();
    assert!(!replaced);
    let (certificate, _) = vouched(&NAMES, &issuer, TODAY).unwrap();
    for name in NAMES {
        assert!(trusted(&authority, &certificate, name, TODAY), "{name}");
    }
    let trusted_on = |date| trusted(&authority, &certificate, "localhost", date);
    assert!(trusted_on(TODAY.yesterday().unwrap()));
    assert!(trusted_on(TODAY + 88.days()));
    assert!(!trusted_on(TODAY + 90.days()));
    assert!(!trusted(&authority, &certificate, "example.com", TODAY));
}

#[test]
fn the_authority_can_vouch_for_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let Authority {
        issuer,
        certificate: authority,
        replaced,
    } = authority(folder.path(), TODAY).unwrap();
    assert!(!replaced);
    for name in ["example.com", "192.0.2.1", "127.0.0.2"] {
        let (certificate, _) = vouched(&[name], &issuer, TODAY).unwrap();
        assert!(!trusted(&authority, &certificate, name, TODAY), "{name}");
    }
}

#[test]
fn the_authority_is_kept_until_its_last_year() {
    let folder = tempfile::tempdir().unwrap();
    let file = authority(folder.path(), TODAY).unwrap().certificate;
    let first = std::fs::read(&file).unwrap();
    let mode = |name: &str| {
        let metadata = folder.path().join(name).metadata().unwrap();
        metadata.permissions().mode() & 0o7777
    };
    assert_eq!((mode("ca-key.pem"), mode("ca.pem")), (0o600, 0o644));
    let same = authority(folder.path(), TODAY + 9.years() - 1.day()).unwrap();
    assert!(!same.replaced);
    assert_eq!(std::fs::read(&file).unwrap(), first);
    let (certificate, _) = vouched(&NAMES, &same.issuer, TODAY).unwrap();
    assert!(trusted(&file, &certificate, "localhost", TODAY));

    let next = authority(folder.path(), TODAY + 9.years()).unwrap();
    assert!(next.replaced);
    assert_ne!(std::fs::read(&file).unwrap(), first);
    // What a killed server left half made is made again.
    fs_err::remove_file(folder.path().join("ca-made-on")).unwrap();
    authority(folder.path(), TODAY).unwrap();
}

#[test]
fn an_authority_whose_key_others_can_read_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    authority(folder.path(), TODAY).unwrap();
    let key = folder.path().join("ca-key.pem");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = authority(folder.path(), TODAY).map(|_| ()).unwrap_err();
    let text = Diagnosis::of(&error).render(Style::Plain);
    insta::assert_snapshot!(text.replace(folder.path().to_str().unwrap(), "/tls"), @r"
    error[tls-key-mode]: others can read the private key `/tls/ca-key.pem` (mode 0640)

      hint: Run `chmod 600 /tls/ca-key.pem`.
    ");
}

/// A folder with a certificate and its key, as operators have them.
fn files() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["slugs.example.com".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let paths = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    private::write(&paths[0], certificate.as_bytes(), 0o600).unwrap();
    private::write(&paths[1], key.serialize_pem().as_bytes(), 0o600).unwrap();
    let [certificate, key] = paths;
    (folder, certificate, key)
}

fn failure(folder: &Path, certificate: &Path, key: &Path) -> String {
    let error = own(certificate, key).unwrap_err();
    let text = Diagnosis::of(&error).render(Style::Plain);
    text.replace(folder.to_str().unwrap(), "/etc")
}

#[test]
fn own_certificates_are_taken() {
    let (_folder, certificate, key) = files();
    assert!(own(&certificate, &key).unwrap().authority.is_none());
}

#[test]
fn certificates_that_cannot_be_used_are_explained() {
    let (folder, certificate, key) = files();
    let (_other_folder, _, other_key) = files();
    let moved = folder.path().join("other.pem");
    fs_err::copy(&other_key, &moved).unwrap();
    let failure = |certificate: &Path, key: &Path| failure(folder.path(), certificate, key);
    insta::assert_snapshot!(failure(&certificate, &moved), @r"
    error[tls-unusable]: `/etc/cert.pem` cannot be used with the private key `/etc/other.pem`
      caused by: keys may not be consistent: KeyMismatch

      hint: Give the certificate that was made for this key, first in its file and before those that signed it.
    ");
    insta::assert_snapshot!(failure(&key, &key), @r"
    error[tls-pem]: `/etc/key.pem` holds no certificate in PEM form
      caused by: no items found

      hint: A PEM file has lines such as `-----BEGIN CERTIFICATE-----`; the key must not have a passphrase.
    ");
    insta::assert_snapshot!(failure(&certificate, &certificate), @r"
    error[tls-pem]: `/etc/cert.pem` holds no private key in PEM form
      caused by: no items found

      hint: A PEM file has lines such as `-----BEGIN CERTIFICATE-----`; the key must not have a passphrase.
    ");
    insta::assert_snapshot!(failure(&folder.path().join("none"), &key), @r"
    error[tls-file]: cannot read `/etc/none`
      caused by: failed to open file `/etc/none`: No such file or directory (os error 2)

      hint: Give the path of a file that the server can read.
    ");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    insta::assert_snapshot!(failure(&certificate, &key), @r"
    error[tls-key-mode]: others can read the private key `/etc/key.pem` (mode 0644)

      hint: Run `chmod 600 /etc/key.pem`.
    ");
}
