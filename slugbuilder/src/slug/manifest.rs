//! `slug.json`.

use super::{ProcessType, SlugError};
use crate::archive::replacement::Replacement;
use crate::archive::{self, Summary};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use slugbuilder_report::{Decision, Language, Warning};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Largest manifest that is read, in bytes: an input like any other, and none is near this.
const LARGEST: u64 = 16 << 20;

/// What `slug.json` holds. Fields that are not known are passed over, so that later versions can add some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The slug as the Platform API takes it.
    pub slug: Slug,
    /// How it was made.
    pub build: Build,
}

/// The body of the Platform API's "Slug Create", as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slug {
    /// Command of each process type.
    pub process_types: BTreeMap<ProcessType, String>,
    /// Name of the stack that it is for, for example `heroku-24`.
    pub stack: String,
    /// Of the slug's file.
    pub checksum: Checksum,
    /// Id of the commit that it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// First line of that commit's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_description: Option<String>,
    /// What the buildpack calls the app, for example `Node.js`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buildpack_provided_description: Option<String>,
}

/// How a slug was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// Bytes of the slug's file.
    pub size: u64,
    /// `sha256:<hex>` of the tar in it.
    pub diff_id: String,
    /// Version of the archive's format; see [`archive::FORMAT_VERSION`].
    pub format: u32,
    /// Version of slugbuilder.
    pub slugbuilder: String,
    /// The app's languages with their resolved versions.
    #[serde(default)]
    pub languages: Vec<Language>,
    /// Every decision of detection and build.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// Every warning.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// What the buildpacks made that a slug has no place for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_carried: Vec<NotCarried>,
    /// What was left out of the slug after the build.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// Files that were left out of the slug after the build, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// What says so.
    pub by: LeftOutBy,
    /// The file's path in the source, or the class of package files.
    pub name: String,
    /// How many there are, symbolic links too.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What leaves files out after the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LeftOutBy {
    /// A `.slugignore-after-build`.
    IgnoreFile,
    /// A class of [`crate::layout::after_build::CLASSES`].
    PackageFiles,
}

/// Something that an image would have and a slug has no place for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCarried {
    /// What it is.
    pub what: NotCarriedKind,
    /// A label's key, a slice's globs, what a bill of materials is of, a process type.
    pub name: String,
    /// A label's value, a bill's media type, the execution environments of a process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Id of its buildpack, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buildpack: Option<String>,
}

/// The kinds of [`NotCarried`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NotCarriedKind {
    /// A label of an image.
    Label,
    /// Files that an image would have in a layer of their own.
    Slice,
    /// A software bill of materials.
    Sbom,
    /// A process type for another execution environment than `production`.
    Process,
    /// Arguments that whoever starts an image may replace; in a slug they are part of the command.
    ReplaceableArguments,
}

impl Build {
    /// What is known of an archive. Languages and decisions are for the caller to add; warnings begin with the archive's.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        Self {
            size: summary.size,
            diff_id: format!("sha256:{}", hex::encode(summary.diff_id)),
            format: archive::FORMAT_VERSION,
            slugbuilder: env!("CARGO_PKG_VERSION").to_owned(),
            warnings: summary.warnings.clone(),
            ..Self::default()
        }
    }
}

impl Manifest {
    /// Reads the manifest at `path`.
    pub fn read(path: &Path) -> Result<Self, SlugError> {
        let unreadable = |source| SlugError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let metadata = path.metadata().map_err(unreadable)?;
        if !metadata.is_file() || metadata.len() > LARGEST {
            return Err(unreadable(std::io::Error::other(
                "it is no file of a usual size",
            )));
        }
        let content = std::fs::read(path).map_err(unreadable)?;
        serde_json::from_slice(&content).map_err(|source| SlugError::Manifest {
            path: path.to_owned(),
            source,
        })
    }

    /// Writes the manifest to `path`, where an earlier one stays until the new one is whole.
    pub fn write(&self, path: &Path) -> Result<(), SlugError> {
        self.write_beside(path)?.finish()
    }

    /// Writes the manifest to a file beside `path`, to be put there later.
    pub fn write_beside(&self, path: &Path) -> Result<WrittenManifest, SlugError> {
        let written = || {
            let mut content = serde_json::to_vec_pretty(self)?;
            content.push(b'\n');
            let mut file = Replacement::begin(path)?;
            file.write_all(&content)?;
            file.flush()?;
            Ok(file)
        };
        match written() {
            Ok(file) => Ok(WrittenManifest {
                file,
                path: path.to_owned(),
            }),
            Err(source) => Err(SlugError::NotWritten {
                path: path.to_owned(),
                source,
            }),
        }
    }
}

/// A manifest that is whole but not in its place yet; dropped, it is gone.
#[derive(Debug)]
pub struct WrittenManifest {
    file: Replacement,
    path: PathBuf,
}

impl WrittenManifest {
    /// Whether [`WrittenManifest::finish`] can be expected to work.
    pub fn check(&self) -> Result<(), SlugError> {
        self.file
            .check_place()
            .map_err(|source| SlugError::NotWritten {
                path: self.path.clone(),
                source,
            })
    }

    /// Puts the manifest into its place.
    pub fn finish(self) -> Result<(), SlugError> {
        let Self { file, path } = self;
        file.finish()
            .map_err(|source| SlugError::NotWritten { path, source })
    }
}

/// A SHA-256, as the Platform API writes it: `SHA256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Checksum(pub [u8; 32]);

impl Checksum {
    /// That of the file at `path`, read in bounded memory.
    pub fn of_file(path: &Path) -> Result<Self, SlugError> {
        let hashed = || {
            // Not `fs_err`: the error that this goes into names the path.
            let mut file = std::fs::File::open(path)?;
            let mut hasher = Sha256::new();
            let mut buffer = vec![0; 256 * 1024];
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok(Self(hasher.finalize().into())),
                    count => hasher.update(&buffer[..count]),
                }
            }
        };
        hashed().map_err(|source| SlugError::Unreadable {
            path: path.to_owned(),
            source,
        })
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", hex::encode(self.0))
    }
}

impl FromStr for Checksum {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        let wrong = || SlugError::Checksum {
            text: text.to_owned(),
        };
        let (algorithm, digits) = text.split_once(':').ok_or_else(wrong)?;
        if !algorithm.eq_ignore_ascii_case("SHA256") {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| wrong())?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Checksum {
    type Error = SlugError;

    fn try_from(text: String) -> Result<Self, SlugError> {
        text.parse()
    }
}

impl From<Checksum> for String {
    fn from(checksum: Checksum) -> Self {
        checksum.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};

    fn manifest() -> Manifest {
        Manifest {
            slug: Slug {
                process_types: BTreeMap::from([(
                    "web".try_into().unwrap(),
                    "node web.js".to_owned(),
                )]),
                stack: "heroku-24".into(),
                checksum: Checksum([0xab; 32]),
                commit: Some("c0ffee".into()),
                commit_description: None,
                buildpack_provided_description: Some("Node.js".into()),
            },
            build: Build {
                size: 3,
                diff_id: "sha256:00".into(),
                format: 1,
                slugbuilder: "0.1.0".into(),
                ..Build::default()
            },
        }
    }

    #[test]
    fn a_manifest_is_written_as_the_contract_says_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slug.json");
        manifest().write(&path).unwrap();
        insta::assert_snapshot!(std::fs::read_to_string(&path).unwrap(), @r#"
        {
          "slug": {
            "process_types": {
              "web": "node web.js"
            },
            "stack": "heroku-24",
            "checksum": "SHA256:abababababababababababababababababababababababababababababababab",
            "commit": "c0ffee",
            "buildpack_provided_description": "Node.js"
          },
          "build": {
            "size": 3,
            "diff_id": "sha256:00",
            "format": 1,
            "slugbuilder": "0.1.0",
            "languages": [],
            "decisions": [],
            "warnings": []
          }
        }
        "#);
        assert_eq!(Manifest::read(&path).unwrap(), manifest());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    fn error_of(content: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slug.json");
        std::fs::write(&path, content).unwrap();
        let error = Manifest::read(&path).unwrap_err();
        Diagnosis::of(&error)
            .render(Style::Plain)
            .replace(folder.path().to_str().unwrap(), "out")
    }

    #[test]
    fn what_is_wrong_with_a_manifest_is_told() {
        insta::assert_snapshot!(error_of("{"), @r"
        error[slug-manifest-invalid]: `out/slug.json` is no manifest of a slug
          caused by: EOF while parsing an object at line 1 column 1

          hint: Compile again, or give the process types with `--process-types`.
        ");
        let name = serde_json::to_string(&manifest())
            .unwrap()
            .replace("\"web\"", "\"w b\"");
        insta::assert_snapshot!(error_of(&name), @r"
        error[slug-manifest-invalid]: `out/slug.json` is no manifest of a slug
          caused by: `w b` cannot be the name of a process type at line 1 column 31

          hint: Compile again, or give the process types with `--process-types`.
        ");
        let checksum = serde_json::to_string(&manifest())
            .unwrap()
            .replace("SHA256:", "MD5:");
        insta::assert_snapshot!(error_of(&checksum), @r"
        error[slug-manifest-invalid]: `out/slug.json` is no manifest of a slug
          caused by: `MD5:abababababababababababababababababababababababababababababababab` is no checksum of the form `SHA256:<64 hexadecimal digits>` at line 1 column 148

          hint: Compile again, or give the process types with `--process-types`.
        ");
    }

    #[test]
    fn a_manifest_of_a_later_version_is_read() {
        let later = serde_json::to_string(&manifest())
            .unwrap()
            .replacen('{', r#"{"more":1,"#, 1);
        assert_eq!(
            serde_json::from_str::<Manifest>(&later).unwrap(),
            manifest()
        );
    }
}
