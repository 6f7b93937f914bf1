//! Public SSH keys as OpenSSH writes them into `*.pub` files: `ssh-ed25519 BASE64 COMMENT`.

use super::{StoreError, rules};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

/// Of a whole key, in bytes: RSA with 16384 bits has 2800.
const MAXIMUM_LENGTH: usize = 8 << 10;
/// Of its comment, in characters.
const MAXIMUM_COMMENT: usize = 255;
/// Of an RSA modulus, in bits. OpenSSH takes 1024 and more, of which NIST SP 800-131A allows 2048 and more.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=16384;

/// A public key that has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SshKey {
    /// The line, without spaces and line ends around it.
    pub(super) line: String,
    /// What stands after the key; may be empty.
    pub(super) comment: String,
    /// SHA-256 of the key's bytes.
    pub(super) fingerprint: [u8; 32],
}

/// A fingerprint as `ssh-keygen -l` prints it: `SHA256:` and Base64 without padding.
pub(super) fn fingerprint(digest: &[u8; 32]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(digest))
}

/// The digest of a fingerprint in that form.
pub(super) fn digest(fingerprint: &str) -> Option<[u8; 32]> {
    let encoded = fingerprint.strip_prefix("SHA256:")?;
    STANDARD_NO_PAD.decode(encoded).ok()?.try_into().ok()
}

impl SshKey {
    /// Reads a key. Texts of errors never quote what was sent: it may be a private key.
    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        let line = text.trim();
        if line.contains("PRIVATE KEY") {
            return Err(refused(
                "It is a private key, which nobody else may ever see: make a new pair, and send the `.pub` file",
            ));
        }
        if line.is_empty() {
            return Err(refused("It is empty"));
        }
        if line.len() > MAXIMUM_LENGTH {
            return Err(refused("It is too long"));
        }
        if line.contains(['\n', '\r']) {
            return Err(refused("It has several lines; add one key after the other"));
        }
        let mut fields = line.splitn(3, [' ', '\t']);
        let (algorithm, encoded) = (fields.next().unwrap_or_default(), fields.next());
        let comment = fields.next().unwrap_or_default().trim();
        let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
        let bytes = bytes.ok_or_else(|| {
            refused("It does not have the form `ssh-ed25519 AAAA… user@host` of a `.pub` file")
        })?;
        rules::text("key's comment", comment, MAXIMUM_COMMENT)?;
        check(algorithm, &bytes)?;
        Ok(Self {
            line: line.to_owned(),
            comment: comment.to_owned(),
            fingerprint: Sha256::digest(&bytes).into(),
        })
    }
}

/// Sees that the bytes are a key of that algorithm, and nothing else.
fn check(algorithm: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let mut fields = Fields(bytes);
    let broken = || refused("What it has in Base64 is not a key of the kind that it names");
    if fields.next() != Some(algorithm.as_bytes()) {
        return Err(broken());
    }
    let sound = match algorithm {
        // RFC 8709, section 4, and OpenSSH's PROTOCOL.u2f, which adds the name of the application.
        "ssh-ed25519" => fields.next().is_some_and(|key| key.len() == 32),
        "sk-ssh-ed25519@openssh.com" => {
            fields.next().is_some_and(|key| key.len() == 32) && fields.next().is_some()
        }
        "sk-ecdsa-sha2-nistp256@openssh.com" => {
            fields.point("nistp256", 32) && fields.next().is_some()
        }
        // RFC 5656, section 3.1.
        "ecdsa-sha2-nistp256" => fields.point("nistp256", 32),
        "ecdsa-sha2-nistp384" => fields.point("nistp384", 48),
        "ecdsa-sha2-nistp521" => fields.point("nistp521", 66),
        // RFC 4253, section 6.6: the exponent, then the modulus.
        "ssh-rsa" => {
            let exponent = fields.number();
            let modulus = fields.number().ok_or_else(broken)?;
            let bits = bits(modulus);
            if !RSA_BITS.contains(&bits) {
                return Err(refused(&format!(
                    "It is an RSA key of {bits} bits; {} to {} are allowed",
                    RSA_BITS.start(),
                    RSA_BITS.end()
                )));
            }
            let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
            exponent.is_some_and(|number| is_odd(number) && number != [1]) && is_odd(modulus)
        }
        _ => {
            return Err(refused(
                "Its kind is none of Ed25519, ECDSA and RSA: make one with `ssh-keygen -t ed25519`",
            ));
        }
    };
    if sound && fields.0.is_empty() {
        Ok(())
    } else {
        Err(broken())
    }
}

/// The fields of a key: each its length, in four bytes, and so many bytes (RFC 4251, section 5).
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (field, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    /// A number above 0, without its sign; in the one way in which it may be written.
    fn number(&mut self) -> Option<&'a [u8]> {
        match self.next()? {
            [0, rest @ ..] if rest.first().is_some_and(|byte| *byte >= 0x80) => Some(rest),
            number if number.first().is_some_and(|byte| (1..0x80).contains(byte)) => Some(number),
            _ => None,
        }
    }

    /// The name of a curve, and a point on it that is not compressed, of two coordinates of so many bytes.
    fn point(&mut self, curve: &str, size: usize) -> bool {
        self.next() == Some(curve.as_bytes())
            && self
                .next()
                .is_some_and(|point| point.len() == 1 + 2 * size && point[0] == 4)
    }
}

/// How many bits a number has that does not begin with 0.
fn bits(number: &[u8]) -> usize {
    let first = number.first().map_or(0, |byte| byte.leading_zeros());
    (number.len() * 8).saturating_sub(first as usize)
}

fn refused(problem: &str) -> StoreError {
    StoreError::Invalid(format!("The SSH key cannot be used. {problem}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `ssh-keygen`; nobody has their private halves.
    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINPpCa3mV/qUagjG7pmbvU0Ljc/HdkxBPHrvx3BhBCYc ann@laptop of Ann";
    const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOCqAyEKp0h4MYIvTuxveva7A8RiaW7kNdbIRRqB/4ROE1pZKsd6gZO4OY1siVa1Nkid5hfy6d+Pcb5gPIrvnQI= ann@laptop of Ann";
    const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCUdo+r6294rCGSg+owfC7GA6XFY+P5BvVeYslYKUfQj5QHqI9tq2i7eZPCsXjQr2aONT/SOJrpybWINt02YnzZBWvwYfXVpxgUs0U8+eaVHtxeT2zJI5osWNxgAlVvnwpBjaIz0Cgl3ASIq0Qr0tikLxZxU05C5+yGVau/gzC4ew7nyLcdeoUV/hyDX1RiBtU8hc5eK7vZDMmFB3JINQTVniBzXWZ0C+txgVV0bfrbUKThsLZCK+UWtDV7bgr68x0M9C1nO4r+cPR7bBAPX+pkRPvGCRnpGZb9bxs0hBUquZClFTeY/it0VeAyJE32XijCeVr6LUHvQu64iPDG+V0L ann@laptop of Ann";
    const SHORT_RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQD1diRPDy4Uk98OhMr9S1dCzdV9zWNmnEN8M0z7jpSKJLNYUdGWbtmzsBFR17ZWYBwfNMCLtNpK+1SAMPxaLhflIYppVvL3dVeXjGEPzSa77euoRb8ifW2C0PZr5ZmyD6yYuCr/vZcWOD5Jhuf5rpknSihPGQKyXMm2KV4TswwG9Q== short";

    fn problem(text: &str) -> String {
        SshKey::parse(text).unwrap_err().to_string()
    }

    fn encoded(line: &str) -> &str {
        line.split(' ').nth(1).unwrap()
    }

    #[test]
    fn keys_that_ssh_keygen_makes() {
        for (line, fingerprint_of_ssh_keygen) in [
            (
                ED25519,
                "SHA256:MRggwLKYndu09XCNG4Fm9HNZ727EXd4YDVMdb8Nf7yg",
            ),
            (ECDSA, "SHA256:iMf21T+pI9eE39Ip8B7SAMQlwTLnG2Tts6Xu7MzMceQ"),
            (RSA, "SHA256:5lE0qp5ZtEEzrWaR2ckJuID7992GrooQSLasmLMlSdU"),
        ] {
            let key = SshKey::parse(&format!(" {line}\n")).unwrap();
            assert_eq!(key.line, line);
            assert_eq!(key.comment, "ann@laptop of Ann");
            let shown = fingerprint(&key.fingerprint);
            assert_eq!(shown, fingerprint_of_ssh_keygen);
            assert_eq!(digest(&shown), Some(key.fingerprint));
            let bare = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
            let bare = SshKey::parse(&bare).unwrap();
            assert_eq!(
                (bare.comment.as_str(), bare.fingerprint),
                ("", key.fingerprint)
            );
        }
    }

    #[test]
    fn what_is_none_is_told_and_never_quoted() {
        insta::assert_snapshot!(problem(""), @"The SSH key cannot be used. It is empty.");
        insta::assert_snapshot!(
            problem("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"),
            @"The SSH key cannot be used. It is a private key, which nobody else may ever see: make a new pair, and send the `.pub` file."
        );
        insta::assert_snapshot!(
            problem(&format!("{ED25519}\n{ECDSA}")),
            @"The SSH key cannot be used. It has several lines; add one key after the other."
        );
        insta::assert_snapshot!(
            problem(SHORT_RSA),
            @"The SSH key cannot be used. It is an RSA key of 1024 bits; 2048 to 16384 are allowed."
        );
        let dss = format!("ssh-dss {}", STANDARD.encode(b"\0\0\0\x07ssh-dss"));
        insta::assert_snapshot!(
            problem(&dss),
            @"The SSH key cannot be used. Its kind is none of Ed25519, ECDSA and RSA: make one with `ssh-keygen -t ed25519`."
        );
        assert!(problem(&"a".repeat(9000)).contains("too long"));
        assert!(problem(&format!("{ED25519}\u{1b}[2J")).contains("U+001B"));
        for form in [
            "secret",
            "ssh-ed25519",
            "ssh-ed25519 !!!",
            &format!("no-pty {ED25519}"),
        ] {
            assert!(problem(form).contains("does not have the form"), "{form}");
        }
    }

    #[test]
    fn every_cut_and_every_addition_is_found() {
        for line in [ED25519, ECDSA, RSA] {
            let algorithm = line.split(' ').next().unwrap();
            let bytes = STANDARD.decode(encoded(line)).unwrap();
            for length in 0..bytes.len() {
                assert!(
                    check(algorithm, &bytes[..length]).is_err(),
                    "{algorithm} {length}"
                );
            }
            assert!(check(algorithm, &[&bytes[..], b"x"].concat()).is_err());
        }
        for (algorithm, other) in [("ssh-rsa", ED25519), ("ssh-ed25519", ECDSA)] {
            let text = format!("{algorithm} {}", encoded(other));
            assert!(
                problem(&text).contains("not a key of the kind"),
                "{algorithm}"
            );
        }
    }
}
