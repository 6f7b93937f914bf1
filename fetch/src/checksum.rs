//! Checksums of files, and the ways in which they are written.

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};
use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

/// How much is read at once where a whole file is hashed, in bytes.
const BUFFER: usize = 256 * 1024;

/// A hash function that a [`Checksum`] was made with, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-1, 20 bytes. It is broken: only for what somebody else has written down, never alone for a download.
    Sha1,
    /// SHA-224, 28 bytes.
    Sha224,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// `sha1`, `sha224`, `sha256`, `sha384` or `sha512`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The one of this name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Whether nobody can make a file with a given checksum or two files with the same one.
    fn is_strong(self) -> bool {
        self >= Self::Sha256
    }

    fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// The checksum of a file's content.
///
/// Read from text with [`FromStr`]: `sha256:<hex>`, `sha384:<hex>` or `sha512:<hex>` (the form of
/// [`Display`](fmt::Display) and of JSON; the name in any case, as Heroku writes `SHA256:`), or npm's `sha512-<base64>`.
/// The weaker ones are read with [`Checksum::from_hex`] alone, where somebody has chosen them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Checksum {
    /// SHA-1.
    Sha1([u8; 20]),
    /// SHA-224.
    Sha224([u8; 28]),
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-384.
    Sha384([u8; 48]),
    /// SHA-512.
    Sha512([u8; 64]),
}

/// Why a text is no [`Checksum`]. Holds the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChecksumError {
    /// None of `sha256`, `sha384` and `sha512` stands before the `:` or `-`.
    #[error("`{0}` is not a checksum: it must begin with `sha256:` or `sha512:`")]
    Algorithm(String),
    /// What follows is not the hexadecimal or base64 form of the right number of bytes.
    #[error("`{text}` is not a checksum: {} takes {} hexadecimal digits", .algorithm.name(), .algorithm.length() * 2)]
    Digits {
        /// The whole text.
        text: String,
        /// The algorithm it names.
        algorithm: Algorithm,
    },
}

impl Checksum {
    /// The checksum of `algorithm` that `hex` spells, as a line of `SHASUMS256.txt` does.
    pub fn from_hex(algorithm: Algorithm, hex: &str) -> Result<Self, ChecksumError> {
        let wrong = || ChecksumError::Digits {
            text: hex.to_owned(),
            algorithm,
        };
        let bytes = hex::decode(hex).map_err(|_| wrong())?;
        Self::from_bytes(algorithm, &bytes).ok_or_else(wrong)
    }

    /// The strongest checksum in a Subresource Integrity value, as npm's `dist.integrity` is: one or more of
    /// `<algorithm>-<base64>` separated by blanks, each perhaps with `?options`. Hashes of other algorithms are passed
    /// over; a value without one of ours is an error.
    pub fn from_integrity(value: &str) -> Result<Self, ChecksumError> {
        let mut best = Err(ChecksumError::Algorithm(value.to_owned()));
        for hash in value.split_ascii_whitespace() {
            let hash = hash.split('?').next().unwrap_or(hash);
            match Self::from_str(hash) {
                Ok(found)
                    if best
                        .as_ref()
                        .is_ok_and(|best: &Self| best.algorithm() >= found.algorithm()) => {}
                Ok(found) => best = Ok(found),
                Err(ChecksumError::Algorithm(_)) => {}
                Err(error) => return Err(error),
            }
        }
        best
    }

    /// Reads `reader` to its end.
    pub fn of(algorithm: Algorithm, mut reader: impl Read) -> io::Result<Self> {
        let mut digester = Digester::new([algorithm]);
        let mut buffer = vec![0; BUFFER];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(digester.finish_as(algorithm)),
                Ok(count) => digester.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What it was made with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha1(_) => Algorithm::Sha1,
            Self::Sha224(_) => Algorithm::Sha224,
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha384(_) => Algorithm::Sha384,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha1(bytes) => bytes,
            Self::Sha224(bytes) => bytes,
            Self::Sha256(bytes) => bytes,
            Self::Sha384(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }

    /// Its bytes in lower-case hexadecimal, without the algorithm.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.as_bytes())
    }

    fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Sha1 => bytes.try_into().ok().map(Self::Sha1),
            Algorithm::Sha224 => bytes.try_into().ok().map(Self::Sha224),
            Algorithm::Sha256 => bytes.try_into().ok().map(Self::Sha256),
            Algorithm::Sha384 => bytes.try_into().ok().map(Self::Sha384),
            Algorithm::Sha512 => bytes.try_into().ok().map(Self::Sha512),
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm().name(), self.hex())
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Checksum {
    type Err = ChecksumError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || ChecksumError::Algorithm(text.to_owned());
        let at = text.find([':', '-']).ok_or_else(unknown)?;
        let (name, value) = (&text[..at], &text[at + 1..]);
        let algorithm = Algorithm::named(name)
            .filter(|algorithm| algorithm.is_strong())
            .ok_or_else(unknown)?;
        let bytes = if text.as_bytes()[at] == b':' {
            hex::decode(value).ok()
        } else {
            base64::engine::general_purpose::STANDARD.decode(value).ok()
        };
        bytes
            .and_then(|bytes| Self::from_bytes(algorithm, &bytes))
            .ok_or_else(|| ChecksumError::Digits {
                text: text.to_owned(),
                algorithm,
            })
    }
}

impl TryFrom<String> for Checksum {
    type Error = ChecksumError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Checksum> for String {
    fn from(checksum: Checksum) -> Self {
        checksum.to_string()
    }
}

/// Computes one or more checksums of bytes as they pass.
#[derive(Debug, Clone, Default)]
pub struct Digester {
    sha1: Option<Sha1>,
    sha224: Option<Sha224>,
    sha256: Option<Sha256>,
    sha384: Option<Sha384>,
    sha512: Option<Sha512>,
}

impl Digester {
    /// One that computes these.
    #[must_use]
    pub fn new(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut digester = Self::default();
        for algorithm in algorithms {
            match algorithm {
                Algorithm::Sha1 => digester.sha1 = Some(Sha1::new()),
                Algorithm::Sha224 => digester.sha224 = Some(Sha224::new()),
                Algorithm::Sha256 => digester.sha256 = Some(Sha256::new()),
                Algorithm::Sha384 => digester.sha384 = Some(Sha384::new()),
                Algorithm::Sha512 => digester.sha512 = Some(Sha512::new()),
            }
        }
        digester
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(hash) = &mut self.sha1 {
            hash.update(bytes);
        }
        if let Some(hash) = &mut self.sha224 {
            hash.update(bytes);
        }
        if let Some(hash) = &mut self.sha256 {
            hash.update(bytes);
        }
        if let Some(hash) = &mut self.sha384 {
            hash.update(bytes);
        }
        if let Some(hash) = &mut self.sha512 {
            hash.update(bytes);
        }
    }

    /// The checksum so far; that of nothing where `algorithm` was not asked for.
    #[must_use]
    pub fn finish_as(&self, algorithm: Algorithm) -> Checksum {
        match algorithm {
            Algorithm::Sha1 => Checksum::Sha1(finish(self.sha1.as_ref())),
            Algorithm::Sha224 => Checksum::Sha224(finish(self.sha224.as_ref())),
            Algorithm::Sha256 => Checksum::Sha256(finish(self.sha256.as_ref())),
            Algorithm::Sha384 => Checksum::Sha384(finish(self.sha384.as_ref())),
            Algorithm::Sha512 => Checksum::Sha512(finish(self.sha512.as_ref())),
        }
    }
}

fn finish<H: sha2::Digest + Clone + Default, const N: usize>(hash: Option<&H>) -> [u8; N]
where
    sha2::digest::Output<H>: Into<[u8; N]>,
{
    hash.cloned().unwrap_or_default().finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_256: &str =
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const EMPTY_512: &str = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";

    #[test]
    fn known_answers() {
        assert_eq!(
            Checksum::of(Algorithm::Sha256, io::empty())
                .unwrap()
                .to_string(),
            EMPTY_256
        );
        assert_eq!(
            Checksum::of(Algorithm::Sha512, io::empty()).unwrap(),
            EMPTY_512.parse().unwrap()
        );
    }

    #[test]
    fn every_way_of_writing_is_read() {
        let checksum: Checksum = EMPTY_256.parse().unwrap();
        assert_eq!(EMPTY_256.to_uppercase().parse(), Ok(checksum));
        assert_eq!(
            Checksum::from_hex(Algorithm::Sha256, &EMPTY_256[7..]),
            Ok(checksum)
        );
        assert_eq!(checksum.to_string().parse(), Ok(checksum));
        let json = serde_json::to_string(&checksum).unwrap();
        assert_eq!(json, format!("\"{EMPTY_256}\""));
        assert_eq!(serde_json::from_str::<Checksum>(&json).unwrap(), checksum);
    }

    #[test]
    fn integrity_takes_the_strongest() {
        let value = format!(
            "md5-xx sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= {EMPTY_512}?opt sha1-yy"
        );
        assert_eq!(Checksum::from_integrity(&value), EMPTY_512.parse());
        assert!(matches!(
            Checksum::from_integrity("sha1-abc"),
            Err(ChecksumError::Algorithm(_))
        ));
        assert!(matches!(
            Checksum::from_integrity(""),
            Err(ChecksumError::Algorithm(_))
        ));
        assert!(matches!(
            Checksum::from_integrity("sha512-abc"),
            Err(ChecksumError::Digits { .. })
        ));
    }

    #[test]
    fn weak_ones_are_read_only_where_they_are_asked_for() {
        for (algorithm, of_nothing) in [
            (Algorithm::Sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (
                Algorithm::Sha224,
                "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
            ),
        ] {
            let checksum = Checksum::from_hex(algorithm, of_nothing).unwrap();
            assert_eq!(Checksum::of(algorithm, io::empty()).unwrap(), checksum);
            assert!(matches!(
                checksum.to_string().parse::<Checksum>(),
                Err(ChecksumError::Algorithm(_))
            ));
        }
        let text = "sha384:38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b";
        assert_eq!(
            Checksum::of(Algorithm::Sha384, io::empty()).unwrap(),
            text.parse().unwrap()
        );
    }

    #[test]
    fn what_is_no_checksum_is_refused() {
        for text in [
            "",
            "sha256",
            ":",
            "md5:00",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ] {
            assert!(
                matches!(text.parse::<Checksum>(), Err(ChecksumError::Algorithm(_))),
                "{text}"
            );
        }
        for text in [
            "sha256:",
            "sha256:00",
            "sha512:zz",
            "sha256-é",
            "sha512-AAAA",
            &format!("{EMPTY_256}00"),
        ] {
            assert!(
                matches!(text.parse::<Checksum>(), Err(ChecksumError::Digits { .. })),
                "{text}"
            );
        }
        insta::assert_snapshot!("sha256:00".parse::<Checksum>().unwrap_err(), @"`sha256:00` is not a checksum: sha256 takes 64 hexadecimal digits");
        insta::assert_snapshot!("md5:00".parse::<Checksum>().unwrap_err(), @"`md5:00` is not a checksum: it must begin with `sha256:` or `sha512:`");
    }
}
