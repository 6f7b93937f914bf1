//! Why it is not known which buildpacks build an app.

use super::package::Elsewhere;
use crate::cnb::CnbError;
use crate::stop::Stopped;
use crate::workspace::WorkspaceError;
use slugbuilder_fetch::UnpackError;
use slugbuilder_report::{Explain, Fault};
use std::path::PathBuf;

/// Why it is not known which buildpacks build an app.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// A reference names nothing.
    #[error("there is no buildpack `{}`", path.display())]
    NotThere {
        /// The folder or archive.
        path: PathBuf,
        /// Id of the buildpack that the running program carries.
        carried: Option<String>,
    },
    /// A reference names something that is not on this machine.
    #[error("`{reference}` is not on this machine")]
    Elsewhere {
        /// As it was given.
        reference: String,
        /// What it is.
        elsewhere: Elsewhere,
    },
    /// The order file is not there.
    #[error("there is no order `{}`", path.display())]
    NoOrder {
        /// The file.
        path: PathBuf,
    },
    /// A folder or an archive without a buildpack.
    #[error("there is no `buildpack.toml` in `{}`", folder.display())]
    NoBuildpack {
        /// The folder or archive.
        folder: PathBuf,
    },
    /// The file of an image with buildpacks.
    #[error("`{}` is a container image", path.display())]
    Oci {
        /// The file.
        path: PathBuf,
    },
    /// The same buildpack is given twice.
    #[error("the buildpack `{buildpack}` is given twice")]
    Twice {
        /// `id@version`, or the reference.
        buildpack: String,
    },
    /// Two versions of a buildpack cannot be in one group.
    #[error(
        "there are several versions of the buildpack `{id}`, of which one group can hold only one"
    )]
    SameId {
        /// Its id.
        id: String,
    },
    /// A folder of several buildpacks that says nothing of their order.
    #[error("`{}` holds several buildpacks, and nothing says in which order they build", reference.display())]
    Ambiguous {
        /// As it was given.
        reference: PathBuf,
        /// Those in it, as `id@version`.
        found: Vec<String>,
    },
    /// More buildpacks than anyone means.
    #[error("there are more than {limit} buildpacks")]
    TooMany {
        /// How many are taken.
        limit: usize,
    },
    /// A `package.toml` of an archive names something that is not in the archive.
    #[error("`{uri}` leads out of the archive `{}`, whose `{}` names it", archive.display(), file.display())]
    OutOfArchive {
        /// In the words of the file.
        uri: String,
        /// The `package.toml`, relative to the archive.
        file: PathBuf,
        /// The archive.
        archive: PathBuf,
    },
    /// `package.toml` files name each other without an end.
    #[error("`{}` is the last of more than {limit} `package.toml` files, each named by the one before", file.display())]
    TooDeep {
        /// Where it was given up.
        file: PathBuf,
        /// How many are followed.
        limit: usize,
    },
    /// An archive could not be unpacked.
    #[error("cannot unpack `{}`", path.display())]
    Unpack {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: UnpackError,
    },
    /// A file or folder could not be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Unpacking took too long, or was ended.
    #[error("unpacking a buildpack {0}")]
    Stopped(Stopped),
    /// A `buildpack.toml`, `package.toml` or `order.toml` is not what it has to be.
    #[error(transparent)]
    Buildpack(#[from] CnbError),
    /// There is no place in the cache.
    #[error(transparent)]
    Cache(#[from] WorkspaceError),
}

impl Explain for SelectionError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotThere { .. } => "buildpack-not-there",
            Self::Elsewhere { .. } => "buildpack-elsewhere",
            Self::NoOrder { .. } => "order-not-there",
            Self::NoBuildpack { .. } => "no-buildpack",
            Self::Oci { .. } => "buildpack-image",
            Self::Twice { .. } => "buildpack-twice",
            Self::SameId { .. } => "buildpack-versions",
            Self::Ambiguous { .. } => "order-needed",
            Self::TooMany { .. } => "too-many-buildpacks",
            Self::OutOfArchive { .. } => "buildpack-outside-archive",
            Self::TooDeep { .. } => "package-too-deep",
            Self::Unpack { source, .. } => source.code(),
            Self::Unreadable { .. } => "unreadable-buildpack",
            Self::Stopped(stopped) => stopped.code(),
            Self::Buildpack(error) => error.code(),
            Self::Cache(error) => error.code(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Unreadable { .. }
            | Self::Unpack {
                source: UnpackError::Disk { .. } | UnpackError::Read(_),
                ..
            } => Fault::Io,
            Self::Stopped(stopped) => stopped.fault(),
            Self::Buildpack(error) => error.fault(),
            Self::Cache(error) => error.fault(),
            _ => Fault::Usage,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Elsewhere { elsewhere, .. } => Some(
                match elsewhere {
                    Elsewhere::Image => {
                        "It is a container image, which needs a registry and Docker to get."
                    }
                    Elsewhere::Registry => "It is an entry of a buildpack registry.",
                    Elsewhere::Url => "It is an address on the network.",
                    Elsewhere::Crate => {
                        "It is a crate of a workspace, which has to be compiled and packaged first."
                    }
                    Elsewhere::Unknown => "Only folders and archives on this machine are read.",
                }
                .into(),
            ),
            Self::OutOfArchive { .. } => Some(
                "What a build uses of an archive has to be in it: anything else would be shown to programs of people whom you do not know.".into(),
            ),
            Self::Ambiguous { found, .. } => Some(format!("It holds {}.", found.join(", "))),
            Self::Buildpack(error) => error.explanation(),
            Self::Cache(error) => error.explanation(),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NotThere { carried: Some(carried), .. } => format!(
                "Give a folder with a `buildpack.toml`, an archive of one, or `{carried}`, which slugbuilder carries."
            ),
            Self::NotThere { carried: None, .. } => {
                "Give a folder with a `buildpack.toml`, or an archive of one.".into()
            }
            Self::Elsewhere { elsewhere: Elsewhere::Crate, .. } => {
                "Run `cargo libcnb package --release` and give the folder that it prints.".into()
            }
            Self::Elsewhere { .. } => {
                "Download the release archive of the buildpack and give its path, as a `.tgz` or unpacked.".into()
            }
            Self::NoOrder { .. } => {
                "Give the path of an order.toml: `[[order]]` tables, each with a `group` of buildpacks by id.".into()
            }
            Self::NoBuildpack { .. } => {
                "Give the folder that holds `buildpack.toml` and `bin`, or one that holds several such folders.".into()
            }
            Self::Oci { .. } => {
                "Give the folder that it was packaged from, or a `.tgz` of that folder: what `pack buildpack package` reads, not what it writes.".into()
            }
            Self::Twice { .. } => "Name it once.".into(),
            Self::SameId { .. } => "Say with `--order order.toml` which version is meant where.".into(),
            Self::Ambiguous { .. } => {
                "Say it with `--order order.toml`, or name the folders one by one.".into()
            }
            Self::TooMany { .. } => "Name a folder with fewer.".into(),
            Self::OutOfArchive { .. } => {
                "Give an archive that holds all of its buildpacks, with relative paths. If you trust this one, unpack it and give the folder.".into()
            }
            Self::TooDeep { .. } => "Name the folders of the buildpacks themselves.".into(),
            Self::Unreadable { .. } => "Give a folder or an archive that you may read.".into(),
            Self::Stopped(Stopped::TimedOut) => "Allow more time with `--timeout`.".into(),
            Self::Stopped(Stopped::Interrupted) => {
                "Run the same command again; it starts afresh.".into()
            }
            Self::Unpack { source, .. } => return source.hints(),
            Self::Buildpack(error) => return error.hints(),
            Self::Cache(error) => return error.hints(),
        };
        vec![hint]
    }
}
