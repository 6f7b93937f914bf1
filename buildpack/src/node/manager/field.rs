//! The `packageManager` field, by Corepack's rule: a name, `@`, an exact version, perhaps `+` and a hash.

use super::super::Located;
use super::super::error::NodeError;
use crate::version::Version;
use slugbuilder_fetch::{Algorithm, Checksum};
use slugbuilder_report::Origin;

/// The field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PackageManager {
    /// `npm`, `yarn` or `pnpm`.
    pub(super) program: &'static str,
    /// The exact version.
    pub(super) version: Version,
    /// The hash.
    pub(super) hash: Option<Checksum>,
}

/// The name of a manager that there is.
pub(super) fn program(name: &str, origin: &Origin) -> Result<&'static str, NodeError> {
    ["npm", "yarn", "pnpm"]
        .into_iter()
        .find(|known| *known == name)
        .ok_or_else(|| NodeError::UnknownManager {
            origin: origin.clone(),
            name: name.to_owned(),
        })
}

pub(super) fn parse(text: &Located<String>, origin: &Origin) -> Result<PackageManager, NodeError> {
    let refused = |problem: String| NodeError::PackageManager {
        origin: origin.clone(),
        text: text.value.clone(),
        problem,
    };
    let Some((name, rest)) = text.value.split_once('@') else {
        // Without a version there may still be a name that says more.
        program(&text.value, origin)?;
        return Err(refused("it names no version".into()));
    };
    let program = program(name, origin)?;
    let (version, hash) = match rest.split_once('+') {
        Some((version, hash)) => (version, Some(hash)),
        None => (rest, None),
    };
    let version = Version::parse(version).ok_or_else(|| {
        refused(format!(
            "`{version}` is no exact version of a stable release"
        ))
    })?;
    let hash = hash
        .map(|hash| {
            let (algorithm, digits) = hash
                .split_once('.')
                .ok_or_else(|| refused("the hash has no name of its function".into()))?;
            let algorithm = Algorithm::named(algorithm).ok_or_else(|| {
                refused(format!(
                    "`{algorithm}` is no hash function that is known here"
                ))
            })?;
            Checksum::from_hex(algorithm, digits).map_err(|_| {
                refused(format!(
                    "the hash has not the hexadecimal digits of {}",
                    algorithm.name()
                ))
            })
        })
        .transpose()?;
    Ok(PackageManager {
        program,
        version,
        hash,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PackageManager, NodeError> {
        let text = Located {
            value: text.to_owned(),
            line: 1,
        };
        parse(&text, &Origin::line("package.json", 1))
    }

    #[test]
    fn names_versions_and_hashes_are_read() {
        let found = read("pnpm@9.1.0").unwrap();
        assert_eq!(
            (found.program, found.version, found.hash),
            ("pnpm", Version::new(9, 1, 0), None)
        );
        for (algorithm, digits) in [
            ("sha1", 40),
            ("sha224", 56),
            ("sha256", 64),
            ("sha384", 96),
            ("sha512", 128),
        ] {
            let found = read(&format!(
                "yarn@4.5.0+{algorithm}.{}",
                "0a".repeat(digits / 2)
            ))
            .unwrap();
            assert_eq!(found.hash.unwrap().algorithm().name(), algorithm);
        }
    }

    #[test]
    fn all_else_is_refused() {
        for text in [
            "",
            "pnpm",
            "pnpm@",
            "pnpm@9",
            "pnpm@^9.0.0",
            "pnpm@latest",
            "pnpm@v9.0.0",
            "pnpm@10.0.0-rc.1",
            "npm@https://example.org/npm.tgz",
            "pnpm@9.1.0+",
            "pnpm@9.1.0+sha512",
            "pnpm@9.1.0+sha512.00",
            "pnpm@9.1.0+md5.d41d8cd98f00b204e9800998ecf8427e",
            "bun@1.2.0",
            "bun",
            "PNPM@9.1.0",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
