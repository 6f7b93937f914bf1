//! The app's folder inside its source, for sources that hold several apps.
//!
//! Everything of the source enters the build and the slug, so that what apps share is there. The buildpack reads the
//! app's own files there (`SLUGBUILDER_ROOT`), and its processes run there.

use crate::stage::{Reason, Survey};
use slugbuilder_report::{Explain, Fault};
use std::path::{Component, Path};

/// The variable that tells buildpacks.
pub(crate) const VARIABLE: &str = "SLUGBUILDER_ROOT";

/// A folder inside a source: relative, without `.` and `..`, and not the source itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRoot(String);

/// Why a folder cannot be an app's root.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RootError {
    /// It is absolute.
    #[error("the root `{root}` is an absolute path")]
    Absolute {
        /// As it was given.
        root: String,
    },
    /// It has a `..`.
    #[error("the root `{root}` has a `..`")]
    Parent {
        /// As it was given.
        root: String,
    },
    /// It is no UTF-8.
    #[error("the root `{root}` is no UTF-8")]
    NoText {
        /// As it was given, as far as it is text.
        root: String,
    },
    /// There is nothing of that name.
    #[error("the source has no folder `{root}`")]
    NotThere {
        /// The root.
        root: String,
    },
    /// There is, but it does not enter the build.
    #[error("the root `{root}` does not enter the build: {reason}")]
    LeftOut {
        /// The root.
        root: String,
        /// Why it stays outside.
        reason: Reason,
    },
    /// It is a file or a link.
    #[error("the root `{root}` is no folder of the source")]
    NoFolder {
        /// The root.
        root: String,
    },
}

impl Explain for RootError {
    fn code(&self) -> &'static str {
        match self {
            Self::Absolute { .. } | Self::Parent { .. } | Self::NoText { .. } => "root-not-inside",
            Self::NotThere { .. } | Self::LeftOut { .. } | Self::NoFolder { .. } => {
                "root-not-there"
            }
        }
    }

    fn fault(&self) -> Fault {
        Fault::Usage
    }

    fn hints(&self) -> Vec<String> {
        vec![match self {
            Self::LeftOut { .. } => {
                "Change what leaves it out (.slugignore, .gitignore), or give `--all-files`.".into()
            }
            Self::NoFolder { .. } => "Name a real folder: links are not followed.".into(),
            _ => "Give it relative to the source, for example `--root packages/api`.".into(),
        }]
    }
}

impl AppRoot {
    /// Checks what a user gave; nothing if it is the source itself.
    pub fn parse(path: &Path) -> Result<Option<Self>, RootError> {
        let root = || crate::tree::show(path);
        let mut parts = Vec::new();
        for component in path.components() {
            match component {
                Component::CurDir => {}
                Component::Normal(part) => {
                    let text = part.to_str();
                    parts.push(text.ok_or_else(|| RootError::NoText { root: root() })?);
                }
                Component::ParentDir => return Err(RootError::Parent { root: root() }),
                Component::RootDir | Component::Prefix(_) => {
                    return Err(RootError::Absolute { root: root() });
                }
            }
        }
        Ok((!parts.is_empty()).then(|| Self(parts.join("/"))))
    }

    /// Relative to the source.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Fails if it is no folder that enters the build.
    pub(crate) fn check(&self, survey: &Survey) -> Result<(), RootError> {
        let path = Path::new(&self.0);
        let root = || self.0.clone();
        if survey.stages_folder(path) {
            return Ok(());
        }
        let mut left_out = survey.left_out.iter();
        if let Some(left_out) = left_out.find(|left_out| path.starts_with(&left_out.path)) {
            let reason = left_out.reason;
            return Err(RootError::LeftOut {
                root: root(),
                reason,
            });
        }
        match survey.root.join(path).symlink_metadata() {
            Ok(_) => Err(RootError::NoFolder { root: root() }),
            Err(_) => Err(RootError::NotThere { root: root() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::{SurveyOptions, survey};
    use slugbuilder_report::{Diagnosis, Style};
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;

    #[test]
    fn roots_are_relative_and_normal() {
        let parse = |text: &str| {
            let root = AppRoot::parse(Path::new(text));
            root.map(|root| root.map(|root| root.as_str().to_owned()))
        };
        assert_eq!(parse("./packages//api/"), Ok(Some("packages/api".into())));
        for nothing in ["", ".", "./"] {
            assert_eq!(parse(nothing), Ok(None));
        }
        let messages: Vec<String> = [
            AppRoot::parse(Path::new("/srv/api")),
            AppRoot::parse(Path::new("packages/../../api")),
            AppRoot::parse(Path::new(OsStr::from_bytes(b"a\xff"))),
        ]
        .into_iter()
        .map(|refused| Diagnosis::of(&refused.unwrap_err()).render(Style::Plain))
        .collect();
        insta::assert_snapshot!(messages.join(""), @r"
        error[root-not-inside]: the root `/srv/api` is an absolute path

          hint: Give it relative to the source, for example `--root packages/api`.
        error[root-not-inside]: the root `packages/../../api` has a `..`

          hint: Give it relative to the source, for example `--root packages/api`.
        error[root-not-inside]: the root `a\xff` is no UTF-8

          hint: Give it relative to the source, for example `--root packages/api`.
        ");
    }

    #[test]
    fn a_root_is_a_folder_that_is_staged() {
        let source = tempfile::tempdir().unwrap();
        let path = |name: &str| source.path().join(name);
        fs::create_dir_all(path("packages/api")).unwrap();
        fs::create_dir_all(path("old/api")).unwrap();
        fs::write(path("file"), "").unwrap();
        fs::write(path(".slugignore"), "/old\n").unwrap();
        std::os::unix::fs::symlink("packages", path("link")).unwrap();
        let survey = survey(source.path(), &SurveyOptions::default()).unwrap();
        let check = |root: &str| AppRoot(root.to_owned()).check(&survey);
        assert_eq!(check("packages/api"), Ok(()));
        let messages: Vec<String> = ["packages/web", "old/api", "file", "link", "link/api"]
            .into_iter()
            .map(|root| Diagnosis::of(&check(root).unwrap_err()).render(Style::Plain))
            .collect();
        insta::assert_snapshot!(messages.join(""), @"
        error[root-not-there]: the source has no folder `packages/web`

          hint: Give it relative to the source, for example `--root packages/api`.
        error[root-not-there]: the root `old/api` does not enter the build: matching .slugignore

          hint: Change what leaves it out (.slugignore, .gitignore), or give `--all-files`.
        error[root-not-there]: the root `file` is no folder of the source

          hint: Name a real folder: links are not followed.
        error[root-not-there]: the root `link` is no folder of the source

          hint: Name a real folder: links are not followed.
        error[root-not-there]: the root `link/api` is no folder of the source

          hint: Name a real folder: links are not followed.
        ");
    }
}
