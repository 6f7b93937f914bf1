//! Why an archive was not unpacked.

use slugbuilder_report::{Explain, Fault};
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why an archive was not unpacked. The destination does not exist then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The destination is there already.
    #[error("cannot unpack to `{path}`: it exists already", path = .path.display())]
    DestinationExists {
        /// The destination.
        path: PathBuf,
    },
    /// Writing failed.
    #[error("cannot {action} `{path}`", path = .path.display())]
    Disk {
        /// `write`, `create`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Reading the archive failed.
    #[error("cannot read the archive")]
    Read(#[source] io::Error),
    /// The archive ends early.
    #[error("the archive is cut off{}", .entry.as_ref().map(|entry| format!(" in `{entry}`")).unwrap_or_default())]
    Truncated {
        /// The entry in which it ends.
        entry: Option<String>,
    },
    /// The archive is damaged or something else.
    #[error("the archive is damaged: {reason}")]
    Corrupt {
        /// What is wrong with it.
        reason: String,
    },
    /// Something follows the archive's end.
    #[error("the archive has something else behind its end")]
    TrailingGarbage,
    /// One entry is refused, and with it the archive.
    #[error("the archive holds `{entry}`, {reason}")]
    Refused {
        /// The entry's name as the archive has it; bytes that are not printable are escaped.
        entry: String,
        /// Why.
        reason: Refusal,
    },
    /// More entries than [`crate::Limits::entries`].
    #[error("the archive has more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// More bytes than [`crate::Limits::bytes`].
    #[error("the archive is larger than {limit} bytes unpacked")]
    TooManyBytes {
        /// The limit.
        limit: u64,
    },
    /// Grows more than [`crate::Limits::ratio`].
    #[error("the archive unpacks to more than {limit} times its size")]
    TooDense {
        /// The limit.
        limit: u64,
    },
}

/// Why an entry is refused; `Display` goes on after the entry's name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The name is empty or holds a NUL byte, or a record about it is longer than it can be.
    Name(&'static str),
    /// An absolute name.
    Absolute,
    /// A name with `..`.
    ParentDirectory,
    /// The path leads through a symbolic link or file of the archive (named here).
    Through(String),
    /// Something of another kind has the name already: `a file`, `a folder`, …
    Clash {
        /// What is there.
        there: &'static str,
        /// What the entry is.
        entry: &'static str,
    },
    /// A symbolic link that leads out of the destination.
    LinkOutside(String),
    /// A hard link to something that is not an earlier file of the archive.
    HardLink(String),
    /// A device, FIFO, sparse file or anything else that is neither file, folder nor link.
    Kind(&'static str),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(reason) => write!(f, "{reason}"),
            Self::Absolute => f.write_str("which is an absolute name"),
            Self::ParentDirectory => f.write_str("which climbs with `..`"),
            Self::Through(link) => write!(f, "which leads through `{link}`, not a folder"),
            Self::Clash { there, entry } => {
                write!(f, "{entry} where {there} of the archive already is")
            }
            Self::LinkOutside(target) => {
                write!(f, "a symbolic link to `{target}`, out of the archive")
            }
            Self::HardLink(target) => write!(
                f,
                "a hard link to `{target}`, which is no earlier file of the archive"
            ),
            Self::Kind(kind) => write!(f, "{kind}, which is not unpacked"),
        }
    }
}

impl Explain for UnpackError {
    fn code(&self) -> &'static str {
        match self {
            Self::DestinationExists { .. } => "unpack-destination-exists",
            Self::Disk { .. } => "unpack-disk",
            Self::Read(_) => "unpack-read",
            Self::Truncated { .. } => "unpack-truncated",
            Self::Corrupt { .. } => "unpack-corrupt",
            Self::TrailingGarbage => "unpack-trailing-garbage",
            Self::Refused { .. } => "unpack-refused",
            Self::TooManyEntries { .. } => "unpack-too-many-entries",
            Self::TooManyBytes { .. } => "unpack-too-many-bytes",
            Self::TooDense { .. } => "unpack-too-dense",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::DestinationExists { .. } => Fault::Usage,
            Self::Disk { .. } | Self::Read(_) => Fault::Io,
            _ => Fault::App,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::DestinationExists { .. } => "Remove it, or choose another place.",
            Self::Disk { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "Make room on that disk."
            }
            Self::Truncated { .. } | Self::Corrupt { .. } => "Get or make the archive anew.",
            Self::Refused {
                reason: Refusal::Kind("a sparse file"),
                ..
            } => "Make the archive without `tar --sparse`.",
            Self::Refused { .. } => {
                "Nothing of it was kept. If you made the archive, leave that entry out; if not, do not trust it."
            }
            Self::TooDense { .. } | Self::TooManyBytes { .. } | Self::TooManyEntries { .. } => {
                "Nothing of it was kept: it may be made to fill the disk."
            }
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}
