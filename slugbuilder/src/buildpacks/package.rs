//! `package.toml`: where a composite's components are.
//!
//! `cargo libcnb package` writes it beside a composite's `buildpack.toml`, with the absolute paths of the folders that it
//! has packaged; `pack` reads it with paths relative to the file, too.

use super::SelectionError;
use crate::cnb::CnbError;
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub(super) const FILE: &str = "package.toml";

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// Where something is that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dependency {
    /// On this machine; relative paths are relative to the file that names it.
    Path(PathBuf),
    Elsewhere(Elsewhere),
}

/// What is not on this machine, by its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// A container image.
    Image,
    /// An entry of a buildpack registry.
    Registry,
    /// A file on the network.
    Url,
    /// A crate of a workspace that is not packaged yet: `libcnb:<id>`.
    Crate,
    /// Something else with a scheme.
    Unknown,
}

/// What a `package.toml` names.
pub(super) struct Reference {
    /// In the words of the file.
    pub(super) uri: String,
    pub(super) dependency: Dependency,
}

impl Reference {
    fn of(uri: String) -> Self {
        Self {
            dependency: of_uri(&uri),
            uri,
        }
    }
}

pub(super) struct Package {
    pub(super) buildpack: Option<Reference>,
    pub(super) dependencies: Vec<Reference>,
}

#[derive(Deserialize)]
struct Document {
    buildpack: Option<Uri>,
    #[serde(default)]
    dependencies: Vec<UriOrImage>,
}

#[derive(Deserialize)]
struct Uri {
    uri: String,
}

#[derive(Deserialize)]
struct UriOrImage {
    uri: Option<String>,
    /// The older word for an image.
    image: Option<String>,
}

/// Reads the `package.toml` of `folder`; nothing where there is none.
pub(super) fn read(folder: &Path) -> Result<Option<Package>, SelectionError> {
    let path = folder.join(FILE);
    let Some(content) = crate::cnb::read_in_folder(folder, FILE, LARGEST)? else {
        return Ok(None);
    };
    let document: Document = crate::cnb::parse_document(&path, &content)?;
    let mut dependencies = Vec::new();
    for reference in document.dependencies {
        dependencies.push(match (reference.uri, reference.image) {
            (Some(uri), _) => Reference::of(uri),
            (None, Some(image)) => Reference {
                uri: image,
                dependency: Dependency::Elsewhere(Elsewhere::Image),
            },
            (None, None) => {
                return Err(CnbError::InvalidDocument {
                    path,
                    line: None,
                    reason: "a dependency has no `uri`".into(),
                }
                .into());
            }
        });
    }
    Ok(Some(Package {
        buildpack: (document.buildpack).map(|buildpack| Reference::of(buildpack.uri)),
        dependencies,
    }))
}

/// What a URI means. What has no scheme is a path.
pub(super) fn of_uri(uri: &str) -> Dependency {
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme);
    let Some(scheme) = scheme.filter(|scheme| is_scheme(scheme)) else {
        return Dependency::Path(PathBuf::from(uri));
    };
    Dependency::Elsewhere(match scheme.to_ascii_lowercase().as_str() {
        "file" => {
            return slugbuilder_fetch::file_of_url(uri)
                .map_or(Dependency::Elsewhere(Elsewhere::Unknown), Dependency::Path);
        }
        "docker" => Elsewhere::Image,
        // `from=builder:<id>` is one of pack's own.
        "urn" => Elsewhere::Registry,
        "http" | "https" => Elsewhere::Url,
        "libcnb" => Elsewhere::Crate,
        _ => Elsewhere::Unknown,
    })
}

/// RFC 3986, section 3.1. One letter would be a drive elsewhere, and is a folder here.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_paths_or_elsewhere() {
        for (uri, expected) in [
            ("../x", Dependency::Path("../x".into())),
            ("/a b/x.tgz", Dependency::Path("/a b/x.tgz".into())),
            (".", Dependency::Path(".".into())),
            ("./docker:x", Dependency::Path("./docker:x".into())),
            ("file:///a%20b", Dependency::Path("/a b".into())),
            ("docker://x/y", Dependency::Elsewhere(Elsewhere::Image)),
            ("docker:x", Dependency::Elsewhere(Elsewhere::Image)),
            (
                "urn:cnb:registry:a/b@1",
                Dependency::Elsewhere(Elsewhere::Registry),
            ),
            ("https://x/y.tgz", Dependency::Elsewhere(Elsewhere::Url)),
            ("libcnb:a/b", Dependency::Elsewhere(Elsewhere::Crate)),
            ("ftp://x", Dependency::Elsewhere(Elsewhere::Unknown)),
        ] {
            assert_eq!(of_uri(uri), expected, "{uri}");
        }
    }
}
