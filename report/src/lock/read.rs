//! Reading the file, which anybody may have written.

use super::{LOCK_VERSION, Located, LockFile, LockFileError, LockedBuildpack};
use crate::{Pin, PinKind, PinnedArchive};
use serde::Deserialize;
use std::str::FromStr;
use toml::Spanned;

/// Only the version, so that the rest may be anything in a newer format.
#[derive(Deserialize)]
struct Versioned {
    version: Spanned<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Document {
    #[serde(rename = "version")]
    _version: i64,
    stack: Spanned<String>,
    #[serde(default)]
    buildpack: Vec<Spanned<Buildpack>>,
    #[serde(default)]
    runtime: Vec<Spanned<Entry>>,
    #[serde(default)]
    package_manager: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Buildpack {
    id: String,
    version: String,
    digest: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    name: String,
    version: String,
    requested: String,
    requested_by: String,
    archives: Vec<Spanned<Archive>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Archive {
    url: Option<String>,
    package: Option<String>,
    hash: Spanned<String>,
}

/// Finds the lines of a text's parts.
struct Text<'a>(&'a str);

impl Text<'_> {
    fn line(&self, start: usize) -> usize {
        let before = self.0.get(..start).unwrap_or(self.0);
        before.bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    fn invalid(&self, start: usize, reason: impl Into<String>) -> LockFileError {
        LockFileError::Invalid {
            line: self.line(start),
            reason: reason.into(),
        }
    }

    fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, LockFileError> {
        toml::from_str(self.0).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            self.invalid(start, error.message().trim().replace('\n', " "))
        })
    }

    fn hash(&self, hash: &Spanned<String>) -> Result<String, LockFileError> {
        let text = hash.get_ref();
        let digits = match text.split_once(':') {
            Some(("sha256", digits)) if digits.len() == 64 => digits,
            Some(("sha512", digits)) if digits.len() == 128 => digits,
            _ => "",
        };
        let is_hash = !digits.is_empty()
            && digits
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hash {
            Ok(text.clone())
        } else {
            let reason = format!(
                "`{text}` is not a hash: `sha256:` and 64 digits, or `sha512:` and 128, in lower case"
            );
            Err(self.invalid(hash.span().start, reason))
        }
    }

    fn pin(&self, kind: PinKind, entry: &Spanned<Entry>) -> Result<Located<Pin>, LockFileError> {
        let Entry {
            name,
            version,
            requested,
            requested_by,
            archives,
        } = entry.get_ref();
        let archives = archives.iter().map(|archive| {
            let start = archive.span().start;
            let archive = archive.get_ref();
            let location = match (&archive.url, &archive.package) {
                (Some(url), None) if url.contains("://") => url.clone(),
                (Some(url), None) => {
                    return Err(self.invalid(start, format!("`{url}` is not a URL")));
                }
                (None, Some(package)) if !package.contains("://") && package.contains(':') => {
                    package.clone()
                }
                (None, Some(package)) => {
                    return Err(self.invalid(start, format!("`{package}` is not a package")));
                }
                _ => {
                    let reason = "an archive has either `url` or `package`";
                    return Err(self.invalid(start, reason));
                }
            };
            let hash = self.hash(&archive.hash)?;
            Ok(PinnedArchive { location, hash })
        });
        Ok(Located {
            line: self.line(entry.span().start),
            value: Pin {
                kind,
                name: name.clone(),
                version: version.clone(),
                requested: requested.clone(),
                requested_by: requested_by.clone(),
                archives: archives.collect::<Result<_, _>>()?,
            },
        })
    }
}

impl FromStr for LockFile {
    type Err = LockFileError;

    fn from_str(text: &str) -> Result<Self, LockFileError> {
        let text = Text(text);
        let version = text.parse::<Versioned>()?.version;
        if !(1..=LOCK_VERSION).contains(version.get_ref()) {
            return Err(LockFileError::Version {
                line: text.line(version.span().start),
                version: *version.get_ref(),
            });
        }
        let document: Document = text.parse()?;
        let buildpacks = document.buildpack.iter().map(|spanned| {
            let buildpack = spanned.get_ref();
            let digest = buildpack.digest.as_ref();
            Ok(Located {
                line: text.line(spanned.span().start),
                value: LockedBuildpack {
                    id: buildpack.id.clone(),
                    version: buildpack.version.clone(),
                    digest: digest.map(|digest| text.hash(digest)).transpose()?,
                },
            })
        });
        let buildpacks = buildpacks.collect::<Result<_, _>>()?;
        let entries = [
            (PinKind::Runtime, &document.runtime),
            (PinKind::PackageManager, &document.package_manager),
        ];
        let mut pins: Vec<Located<Pin>> = Vec::new();
        for (kind, entries) in entries {
            for entry in entries {
                let pin = text.pin(kind, entry)?;
                let earlier = pins
                    .iter()
                    .find(|one| one.value.kind == kind && one.value.name == pin.value.name);
                if let Some(earlier) = earlier {
                    let reason = format!(
                        "`{}` is pinned in line {} already",
                        pin.value.name, earlier.line
                    );
                    return Err(text.invalid(entry.span().start, reason));
                }
                pins.push(pin);
            }
        }
        Ok(Self {
            stack: Located {
                line: text.line(document.stack.span().start),
                value: document.stack.into_inner(),
            },
            buildpacks,
            pins,
        })
    }
}
