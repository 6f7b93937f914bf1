//! What can be wrong with a slug or its manifest.

use super::LATEST_TIME;
use crate::stop::Stopped;
use crate::tree::show;
use slugbuilder_fetch::UnpackError;
use slugbuilder_report::{Explain, Fault};
use std::ffi::OsStr;
use std::io::{Error, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Why a slug or its manifest cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SlugError {
    /// A file cannot be read.
    #[error("cannot read `{}`", show(path))]
    Unreadable {
        /// The slug or manifest.
        path: PathBuf,
        /// Why.
        source: Error,
    },
    /// A file cannot be written.
    #[error("cannot write `{}`", show(path))]
    NotWritten {
        /// The manifest.
        path: PathBuf,
        /// Why.
        source: Error,
    },
    /// It is no manifest.
    #[error("`{}` is no manifest of a slug", show(path))]
    Manifest {
        /// The file.
        path: PathBuf,
        /// With line and column.
        source: serde_json::Error,
    },
    /// A name that the Platform API does not take.
    #[error("`{}` cannot be the name of a process type", show(Path::new(name)))]
    ProcessType {
        /// As it was given.
        name: String,
    },
    /// A checksum in another form.
    #[error(
        "`{}` is no checksum of the form `SHA256:<64 hexadecimal digits>`",
        show(Path::new(text))
    )]
    Checksum {
        /// As it was given.
        text: String,
    },
    /// A date that cannot be.
    #[error(
        "`SOURCE_DATE_EPOCH` is `{}`, which is no time",
        show(Path::new(value))
    )]
    SourceDateEpoch {
        /// As it was given.
        value: String,
    },
    /// The file is something else.
    #[error("`{}` is no slug: it is {}", show(path), beginning_with(beginning))]
    NotGzip {
        /// The slug.
        path: PathBuf,
        /// Its first bytes.
        beginning: Vec<u8>,
    },
    /// The archive has no `./app`.
    #[error("`{}` is no slug: it has no `./app`", show(path))]
    NoApp {
        /// The slug.
        path: PathBuf,
        /// Name of its first entry, where it has one.
        first: Option<PathBuf>,
    },
    /// Unpacking had to end before it was done.
    #[error("unpacking the slug {0}")]
    Stopped(Stopped),
    /// The archive cannot be unpacked.
    #[error("cannot unpack `{}`", show(path))]
    Unpack {
        /// The slug.
        path: PathBuf,
        /// Why.
        source: UnpackError,
    },
}

fn beginning_with(bytes: &[u8]) -> String {
    match bytes {
        [] => "empty".into(),
        _ => format!(
            "not compressed with gzip but begins with `{}`",
            show(Path::new(OsStr::from_bytes(bytes)))
        ),
    }
}

impl Explain for SlugError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "slug-unreadable",
            Self::NotWritten { .. } => "slug-manifest-not-written",
            Self::Manifest { .. } => "slug-manifest-invalid",
            Self::ProcessType { .. } => "process-type-invalid",
            Self::Checksum { .. } => "checksum-invalid",
            Self::SourceDateEpoch { .. } => "source-date-epoch-invalid",
            Self::NotGzip { .. } => "slug-not-gzip",
            Self::NoApp { .. } => "slug-without-app",
            Self::Stopped(stopped) => stopped.code(),
            Self::Unpack { source, .. } => source.code(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Unreadable { source, .. }
                if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) =>
            {
                Fault::Usage
            }
            Self::Unreadable { .. } | Self::NotWritten { .. } => Fault::Io,
            Self::SourceDateEpoch { .. } => Fault::Usage,
            Self::Manifest { .. }
            | Self::ProcessType { .. }
            | Self::Checksum { .. }
            | Self::NotGzip { .. }
            | Self::NoApp { .. } => Fault::App,
            Self::Stopped(stopped) => stopped.fault(),
            Self::Unpack { source, .. } => source.fault(),
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::NoApp { first, .. } => {
                let first = match first {
                    Some(first) => format!("Its first entry is `{}`. ", show(first)),
                    None => "It is empty. ".into(),
                };
                Some(
                    first
                        + "Heroku would take and release such a slug, and its dynos would find nothing to run.",
                )
            }
            Self::Unpack { source, .. } => source.explanation(),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Unreadable { source, .. } if source.kind() == ErrorKind::NotFound => {
                vec!["Give the path of a slug; `slugbuilder compile` writes `slug.tgz`.".into()]
            }
            Self::Unreadable { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                vec!["Make it readable for you.".into()]
            }
            Self::Unreadable { source, .. } if source.kind() == ErrorKind::IsADirectory => {
                vec!["Give the path of a slug, not of a folder.".into()]
            }
            Self::Unreadable { .. } => {
                vec!["Give the path of another file, or look at the disk.".into()]
            }
            Self::ProcessType { .. } => {
                vec!["Use letters, digits, `_` and `-`, at most 128 of them.".into()]
            }
            Self::SourceDateEpoch { .. } => {
                vec![format!(
                    "Set it to whole seconds since 1970, at most {LATEST_TIME}, or unset it."
                )]
            }
            Self::NotGzip { beginning, .. } if beginning.starts_with(b"<") => {
                vec![
                    "It looks like the answer of a server that had no slug. Download it again."
                        .into(),
                ]
            }
            Self::NotGzip { .. } => vec![
                "Make slugs with `slugbuilder archive`, or with `tar czf slug.tgz ./app`.".into(),
            ],
            Self::NoApp { .. } => {
                vec![
                    "Put the app into a folder `app` and archive that: `tar czf slug.tgz ./app`."
                        .into(),
                ]
            }
            Self::NotWritten { source, .. } if source.kind() == ErrorKind::StorageFull => {
                vec!["Free some disk space, or choose another place with `--output`.".into()]
            }
            Self::NotWritten { .. } => vec!["Choose another place with `--output`.".into()],
            Self::Manifest { .. } => {
                vec!["Compile again, or give the process types with `--process-types`.".into()]
            }
            Self::Checksum { .. } => vec!["Compile again.".into()],
            Self::Stopped(stopped) => vec![stopped.hint()],
            Self::Unpack { source, .. } => source.hints(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Unpack { source, .. } => source.retryable(),
            _ => self.fault() == Fault::TryLater,
        }
    }
}
