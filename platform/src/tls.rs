//! The server's certificate: one of the operator's, or one made for this machine.
//!
//! The one made for this machine is for `localhost`, `127.0.0.1` and `::1` and signed by an authority of the data folder
//! (`tls/ca.pem`), which clients are told to trust: `NODE_EXTRA_CA_CERTS` for the `heroku` CLI. The authority can vouch for
//! these three names only, so that whoever steals its key gains nothing elsewhere. It holds ten years and is replaced in the
//! last of them; the certificate holds three months, is never written to the disk, and is replaced while the server runs.

use crate::private;
use crate::settings::Tls;
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PublicKeyData as _,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use slugbuilder_report::{Explain, Fault};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The names of the certificate made for this machine.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const LARGEST_FILE: u64 = 1 << 20;

/// A certificate that cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read or written.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file holds nothing of what it should.
    #[error("`{}` holds no {what} in PEM form", path.display())]
    Pem {
        /// `certificate` or `private key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: PemError,
    },
    /// Others may read the private key.
    #[error("others can read the private key `{}` (mode {mode:04o})", path.display())]
    KeyMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Certificate and key do not go together, or are of a kind that TLS no longer has.
    #[error("`{}` cannot be used with the private key `{}`", certificate.display(), key.display())]
    Unusable {
        /// The certificate.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// None could be made.
    #[error("cannot make a certificate for this machine")]
    Make(#[source] rcgen::Error),
    /// What was made cannot be used.
    #[error("cannot use the certificate made for this machine")]
    Made(#[source] rustls::Error),
}

/// What a server proves with that it is itself.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// For connections.
    pub(crate) config: Arc<ServerConfig>,
    /// The authority that clients are to trust, where it is ours.
    pub(crate) authority: Option<PathBuf>,
    /// Whether that authority is new, and clients trust the one before.
    pub(crate) replaced: bool,
}

/// Reads or makes the server's identity. `data` is the data folder.
pub(crate) fn identity(tls: &Tls, data: &Path, now: Timestamp) -> Result<Identity, TlsError> {
    match tls {
        Tls::Own { certificate, key } => own(certificate, key),
        Tls::Local => local(&data.join("tls"), now),
    }
}

fn own(certificate: &Path, key: &Path) -> Result<Identity, TlsError> {
    let (chain, _) = read(certificate)?;
    let bad_chain = |source| TlsError::Pem {
        what: "certificate",
        path: certificate.to_owned(),
        source,
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .map_err(bad_chain)?;
    if chain.is_empty() {
        return Err(bad_chain(PemError::NoItemsFound));
    }
    let (pem, mode) = read(key)?;
    if mode & 0o007 != 0 {
        return Err(TlsError::KeyMode {
            path: key.to_owned(),
            mode,
        });
    }
    let private_key = PrivateKeyDer::from_pem_slice(&pem).map_err(|source| TlsError::Pem {
        what: "private key",
        path: key.to_owned(),
        source,
    })?;
    let config = config(chain, private_key).map_err(|source| TlsError::Unusable {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        source,
    })?;
    Ok(Identity {
        config,
        authority: None,
        replaced: false,
    })
}

fn local(folder: &Path, now: Timestamp) -> Result<Identity, TlsError> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let Authority {
        issuer,
        certificate: authority,
        replaced,
    } = authority(folder, today)?;
    let (certificate, key) = vouched(&NAMES, &issuer, today)?;
    let config = config(vec![certificate], key).map_err(TlsError::Made)?;
    Ok(Identity {
        config,
        authority: Some(authority),
        replaced,
    })
}

/// A new certificate for `names`, and its key.
fn vouched(
    names: &[&str],
    issuer: &Issuer<'_, KeyPair>,
    today: Date,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), TlsError> {
    let key = KeyPair::generate().map_err(TlsError::Make)?;
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let common_name = names.first().cloned().unwrap_or_default();
    let mut params = CertificateParams::new(names).map_err(TlsError::Make)?;
    params.distinguished_name = named(common_name);
    hold(&mut params, today, today.saturating_add(3.months()));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, issuer).map_err(TlsError::Make)?;
    let private_key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok((certificate.der().clone(), private_key))
}

/// An authority of this machine.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// The file of its certificate.
    certificate: PathBuf,
    /// Whether it is new, and there was another one.
    replaced: bool,
}

/// The authority of `folder`, which is made where there is none or it is in its last year.
fn authority(folder: &Path, today: Date) -> Result<Authority, TlsError> {
    let certificate = folder.join("ca.pem");
    let key_file = folder.join("ca-key.pem");
    let made_file = folder.join("ca-made-on");
    let made_on = match private::read(&made_file, LARGEST_FILE) {
        Ok((text, _)) => str::from_utf8(&text)
            .ok()
            .and_then(|text| text.trim().parse::<Date>().ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(unreadable(&made_file, source)),
    };
    if made_on.is_some_and(|made_on| made_on.saturating_add(9.years()) > today)
        && certificate.exists()
    {
        let (pem, mode) = read(&key_file)?;
        if mode & 0o077 != 0 {
            return Err(TlsError::KeyMode {
                path: key_file,
                mode,
            });
        }
        let key = KeyPair::from_pem(&String::from_utf8_lossy(&pem)).map_err(TlsError::Make)?;
        return Ok(Authority {
            issuer: Issuer::new(authority_params(&key, today), key),
            certificate,
            replaced: false,
        });
    }
    let replaced = certificate.exists();

    let write = |path: &Path, contents: &str, mode| {
        private::write(path, contents.as_bytes(), mode).map_err(|source| TlsError::File {
            action: "write",
            path: path.to_owned(),
            source,
        })
    };
    private::folder(folder).map_err(|source| TlsError::File {
        action: "write",
        path: folder.to_owned(),
        source,
    })?;
    let key = KeyPair::generate().map_err(TlsError::Make)?;
    let params = authority_params(&key, today);
    let made = params.self_signed(&key).map_err(TlsError::Make)?;
    write(&key_file, &key.serialize_pem(), 0o600)?;
    write(&certificate, &made.pem(), 0o644)?;
    // Last: without it, what a killed server left is made again.
    write(&made_file, &format!("{today}\n"), 0o644)?;
    Ok(Authority {
        issuer: Issuer::new(params, key),
        certificate,
        replaced,
    })
}

/// The authority's certificate, but for its dates the same for the same key.
fn authority_params(key: &KeyPair, today: Date) -> CertificateParams {
    let mut params = CertificateParams::default();
    // Each has a name of its own: some clients look authorities up by it.
    let print = hex::encode(&Sha256::digest(key.der_bytes())[..4]);
    params.distinguished_name = named(format!("slugbuilder on this machine {print}"));
    hold(&mut params, today, today.saturating_add(10.years()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                32,
            )),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(
                IpAddr::V6(Ipv6Addr::LOCALHOST),
                128,
            )),
        ],
        excluded_subtrees: Vec::new(),
    });
    params
}

fn named(common_name: String) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The certificate holds from the beginning of the day before `today`, because clocks of machines differ, to that of
/// `until`.
fn hold(params: &mut CertificateParams, today: Date, until: Date) {
    let midnight = |date: Date| {
        let month = u8::try_from(date.month()).unwrap_or(1);
        let day = u8::try_from(date.day()).unwrap_or(1);
        rcgen::date_time_ymd(i32::from(date.year()), month, day)
    };
    params.not_before = midnight(today.saturating_sub(1.day()));
    params.not_after = midnight(until);
}

fn read(path: &Path) -> Result<(Vec<u8>, u32), TlsError> {
    private::read(path, LARGEST_FILE).map_err(|source| unreadable(path, source))
}

fn unreadable(path: &Path, source: io::Error) -> TlsError {
    TlsError::File {
        action: "read",
        path: path.to_owned(),
        source,
    }
}

impl Explain for TlsError {
    fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "tls-file",
            Self::Pem { .. } => "tls-pem",
            Self::KeyMode { .. } => "tls-key-mode",
            Self::Unusable { .. } => "tls-unusable",
            Self::Make(_) | Self::Made(_) => "tls-not-made",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound => Fault::Usage,
            Self::File { .. } => Fault::Io,
            Self::Pem { .. } | Self::KeyMode { .. } | Self::Unusable { .. } => Fault::Usage,
            Self::Make(_) | Self::Made(_) => Fault::Bug,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::File { action: "write", .. } => {
                "Give the server a data folder that it can write to.".into()
            }
            Self::File { .. } => "Give the path of a file that the server can read.".into(),
            Self::Pem { .. } => {
                "A PEM file has lines such as `-----BEGIN CERTIFICATE-----`; the key must not have a passphrase.".into()
            }
            Self::KeyMode { path, .. } => format!("Run `chmod 600 {}`.", path.display()),
            Self::Unusable { .. } => {
                "Give the certificate that was made for this key, first in its file and before those that signed it.".into()
            }
            Self::Make(_) | Self::Made(_) => {
                "Remove the folder `tls` of the data folder, so that it is made again, or give a certificate of your own."
                    .into()
            }
        };
        vec![hint]
    }
}

#[cfg(test)]
mod tests;
