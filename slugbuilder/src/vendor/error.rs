//! Mirror folders that cannot be filled or used.

use slugbuilder_fetch::CacheError;
use slugbuilder_report::{Explain, Fault};
use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong with a mirror folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VendorError {
    /// Reading or writing failed.
    #[error("cannot use `{}`", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The cache of downloads failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// There is no list of files.
    #[error("`{}` is no mirror folder: it has no `{}`", .0.display(), super::INDEX)]
    NoFolder(PathBuf),
    /// The list of files cannot be read.
    #[error("`{}` is no list of a mirror folder: {reason}", path.display())]
    Index {
        /// The list.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Something that is no file is where one goes.
    #[error("`{}` is no regular file", .0.display())]
    InTheWay(PathBuf),
    /// A link or a file is where a folder goes.
    #[error("`{}` is no folder of the mirror folder's own", .0.display())]
    NoRealFolder(PathBuf),
    /// Files are missing or damaged.
    #[error("{} missing from the mirror folder, or damaged", count(.0.len()))]
    Damaged(Vec<PathBuf>),
    /// What a build downloaded is not in the cache.
    #[error("`{0}` was obtained, and is not in the cache any more")]
    Gone(String),
    /// A buildpack reported something that cannot be.
    #[error("the report of `{0}` cannot be used")]
    Report(String),
}

fn count(files: usize) -> String {
    if files == 1 {
        "1 file is".into()
    } else {
        format!("{files} files are")
    }
}

impl VendorError {
    pub(super) fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk { path, source }
    }
}

impl Explain for VendorError {
    fn code(&self) -> &'static str {
        match self {
            Self::Disk { .. } => "mirror-disk",
            Self::Cache(error) => error.code(),
            Self::NoFolder(_) => "no-mirror",
            Self::Index { .. } => "mirror-list",
            Self::InTheWay(_) | Self::NoRealFolder(_) => "mirror-in-the-way",
            Self::Damaged(_) => "mirror-damaged",
            Self::Gone(_) => "mirror-source-gone",
            Self::Report(_) => "buildpack-report",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Disk { .. } | Self::InTheWay(_) | Self::NoRealFolder(_) => Fault::Io,
            Self::Cache(error) => error.fault(),
            Self::NoFolder(_) => Fault::Usage,
            Self::Index { .. } | Self::Damaged(_) => Fault::Unavailable,
            Self::Gone(_) => Fault::TryLater,
            Self::Report(_) => Fault::Bug,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Damaged(paths) => {
                let lines = paths.iter().map(|path| format!("- {}", path.display()));
                Some(lines.collect::<Vec<_>>().join("\n"))
            }
            Self::Cache(error) => error.explanation(),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        vec![match self {
            Self::Disk { .. } => "Make it writable for you, and look at the disk.".into(),
            Self::Cache(error) => return error.hints(),
            Self::NoFolder(_) => "Fill it with `slugbuilder vendor DIR SOURCE`.".into(),
            Self::Index { .. } => {
                "Remove the list, and run `slugbuilder vendor` again: whole files are kept.".into()
            }
            Self::InTheWay(_) | Self::NoRealFolder(_) => {
                "Remove it, or take another folder.".into()
            }
            Self::Damaged(_) => {
                "Run `slugbuilder vendor` again: it brings what is not whole.".into()
            }
            Self::Gone(_) => "Do it again: another build made room in the cache meanwhile.".into(),
            Self::Report(_) => "Use a slugbuilder and a buildpack of one version.".into(),
        }]
    }
}
