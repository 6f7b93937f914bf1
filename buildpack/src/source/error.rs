//! Runtimes that cannot be had.

use crate::command::CommandError;
use slugbuilder_fetch::{CacheError, Checksum, ChecksumError, FetchError, UnpackError};
use slugbuilder_report::{Explain, Fault, Origin};

/// Why one source did not bring what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A transfer failed.
    #[error(transparent)]
    Fetch(Box<FetchError>),
    /// The cache failed.
    #[error(transparent)]
    Cache(Box<CacheError>),
    /// The user's client failed.
    #[error(transparent)]
    Client(#[from] CommandError),
    /// The network would be needed.
    #[error("needs the network, which is off")]
    Offline,
    /// The source has something, but not this.
    #[error("{0}")]
    Absent(String),
    /// The source's answer cannot be understood.
    #[error("unexpected answer: {0}")]
    Answer(String),
    /// A list holds something else than checksums.
    #[error("unexpected checksum")]
    Checksum(#[from] ChecksumError),
    /// The archive is not what was pinned.
    #[error("`{name}` has changed since it was first used")]
    Pin {
        /// The archive.
        name: String,
        /// What was pinned.
        pinned: String,
        /// What came.
        actual: String,
    },
    /// The archive is not what a lock pins.
    #[error("`{location}` is not what {place} pins")]
    Locked {
        /// The archive.
        location: String,
        /// `slugbuilder.lock:LINE`.
        place: String,
        /// The pinned hash.
        expected: String,
        /// That of what came.
        actual: String,
    },
    /// A mirror folder is all that may be asked, and does not have it.
    #[error("`{location}` is not in `{list}`")]
    NotInFolder {
        /// What was looked for.
        location: String,
        /// The list of the folder.
        list: String,
    },
    /// A mirror folder has it, and it must not be used.
    #[error(transparent)]
    OfFolder(Box<SourceError>),
    /// The list of a mirror folder is none.
    #[error("`{list}` {reason}")]
    FolderList {
        /// The list.
        list: String,
        /// What is wrong with it, as the rest of a sentence.
        reason: String,
    },
    /// Only what is locked may be used, and this source has something else.
    #[error("it has no archive that {place} pins")]
    NotLocked {
        /// `slugbuilder.lock:LINE`.
        place: String,
    },
    /// The archive cannot be unpacked.
    #[error(transparent)]
    Unpack(Box<UnpackError>),
    /// A file of ours could not be written or read.
    #[error(transparent)]
    Disk(std::io::Error),
}

// Boxed, because these errors hold whole checksums and every result would be as large.
impl From<FetchError> for SourceError {
    fn from(error: FetchError) -> Self {
        Self::Fetch(Box::new(error))
    }
}

impl From<CacheError> for SourceError {
    fn from(error: CacheError) -> Self {
        Self::Cache(Box::new(error))
    }
}

impl From<UnpackError> for SourceError {
    fn from(error: UnpackError) -> Self {
        Self::Unpack(Box::new(error))
    }
}

impl SourceError {
    /// Whether the next source is to be tried: this one cannot be reached or does not have it.
    #[must_use]
    pub fn another_source_may_help(&self) -> bool {
        match self {
            Self::Fetch(error) => error.another_source_may_help(),
            Self::Client(_)
            | Self::Offline
            | Self::Absent(_)
            | Self::NotInFolder { .. }
            | Self::NotLocked { .. }
            | Self::Answer(_) => true,
            Self::OfFolder(error) => error.another_source_may_help(),
            Self::FolderList { .. }
            | Self::Cache(_)
            | Self::Checksum(_)
            | Self::Pin { .. }
            | Self::Locked { .. }
            | Self::Unpack(_)
            | Self::Disk(_) => false,
        }
    }

    fn as_explain(&self) -> Option<&dyn Explain> {
        match self {
            Self::Fetch(error) => Some(error.as_ref()),
            Self::Cache(error) => Some(error.as_ref()),
            Self::Unpack(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

/// A runtime that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// No source has it.
    #[error("cannot get {what}")]
    NoSource {
        /// What was wanted: `Node.js 24.1.0`.
        what: String,
        /// Every source with what went wrong.
        failed: Vec<(String, SourceError)>,
    },
    /// A source brought something that must not be used.
    #[error("{what} from {name} cannot be used")]
    Unusable {
        /// What was wanted.
        what: String,
        /// The source.
        name: String,
        /// Why.
        #[source]
        error: Box<SourceError>,
    },
    /// A package manager is not the one whose hash `packageManager` has.
    #[error("{origin}: the hash of `packageManager` is not that of {what}")]
    ManagerHash {
        /// The manager: `pnpm 9.1.0`.
        what: String,
        /// The request as written.
        requested: String,
        /// Where it stands.
        origin: Box<Origin>,
        /// What is written there.
        expected: Box<Checksum>,
        /// What the package has.
        found: Box<Checksum>,
    },
}

impl InstallError {
    /// What was wanted.
    #[must_use]
    pub fn what(&self) -> &str {
        match self {
            Self::NoSource { what, .. }
            | Self::Unusable { what, .. }
            | Self::ManagerHash { what, .. } => what,
        }
    }

    /// Whether it was not looked for everywhere, because the network is off.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        let Self::NoSource { failed, .. } = self else {
            return false;
        };
        failed.iter().any(|(_, error)| match error {
            SourceError::Offline => true,
            SourceError::Fetch(error) => matches!(error.last(), FetchError::Offline { .. }),
            _ => false,
        })
    }

    /// Whether a mirror folder, which is all that may be asked, does not have it.
    #[must_use]
    pub fn is_of_folder(&self) -> bool {
        let Self::NoSource { failed, .. } = self else {
            return false;
        };
        let of_folder = |error: &SourceError| matches!(error, SourceError::NotInFolder { .. });
        failed.iter().any(|(_, error)| of_folder(error))
    }

    /// The same as one paragraph for a list of several.
    pub(crate) fn where_it_was_looked_for(&self) -> String {
        let Self::NoSource { what, failed } = self else {
            return self.to_string();
        };
        let lines: Vec<String> = failed
            .iter()
            .map(|(name, error)| format!("  - {name}: {}", chain(error).replace('\n', "\n    ")))
            .collect();
        format!("{what}:\n{}", lines.join("\n"))
    }
}

impl Explain for InstallError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoSource { .. } => "runtime-not-available",
            Self::ManagerHash { .. } => "package-manager-hash-mismatch",
            Self::Unusable { error, .. } => match error.as_ref() {
                SourceError::Fetch(error) => error.last().code(),
                SourceError::Cache(error) => error.code(),
                SourceError::Unpack(error) => error.code(),
                SourceError::Pin { .. } => "runtime-changed",
                SourceError::Locked { .. } => "lock-mismatch",
                SourceError::FolderList { .. } => "mirror-list",
                SourceError::Disk(_) => "install-disk",
                _ => "runtime-not-usable",
            },
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::NoSource { failed, .. } => {
                let may_come = failed.iter().any(|(_, error)| {
                    matches!(error, SourceError::Fetch(error) if error.fault() == Fault::TryLater)
                });
                if may_come {
                    Fault::TryLater
                } else {
                    Fault::Unavailable
                }
            }
            Self::ManagerHash { .. } => Fault::App,
            Self::Unusable { error, .. } => match error.as_ref() {
                SourceError::Disk(_) => Fault::Io,
                // A hostile archive is not the app's fault.
                SourceError::Unpack(error) if error.fault() == Fault::Io => Fault::Io,
                SourceError::Unpack(_) => Fault::Unavailable,
                other => other
                    .as_explain()
                    .map_or(Fault::Unavailable, Explain::fault),
            },
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::NoSource { failed, .. } if failed.is_empty() => {
                Some("There is no source for it.".into())
            }
            Self::NoSource { failed, .. } => {
                let lines: Vec<String> = failed
                    .iter()
                    .map(|(name, error)| {
                        format!("- {name}: {}", chain(error).replace('\n', "\n  "))
                    })
                    .collect();
                Some(format!("Tried in this order:\n{}", lines.join("\n")))
            }
            Self::ManagerHash {
                expected, found, ..
            } => Some(format!("expected {expected}\n   found {found}")),
            Self::Unusable { error, .. } => match error.as_ref() {
                SourceError::Pin { pinned, actual, .. } => Some(format!(
                    "pinned {pinned}\n   got {actual}\nThe first build of this app pinned the archive, because its source publishes no checksum."
                )),
                SourceError::Locked {
                    expected, actual, ..
                } => Some(format!(
                    "pinned {expected}\n   got {actual}\nEither the archive was changed where it comes from, or the lock was edited."
                )),
                other => other.as_explain().and_then(Explain::explanation),
            },
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoSource { failed, .. } => {
                let is_offline = self.is_offline();
                let has_mirror = failed.iter().any(|(name, _)| name == super::MIRROR);
                if is_offline {
                    vec!["Build once with the network on, with the same cache folder.".into()]
                } else if has_mirror {
                    vec!["Check the address of the mirror: while one is set, nothing else is tried.".into()]
                } else {
                    vec![
                        "Check the network, or install the language's own client (npm, go or apt) and set it up.".into(),
                        "SLUGBUILDER_MIRROR_NODE, _NPM, _GO and _RUBY name a mirror.".into(),
                    ]
                }
            }
            Self::ManagerHash { .. } => vec![
                "If the version is the one that is meant, let `corepack use` write its hash anew.".into(),
                "If the hash was right before, somebody has changed the package: do not use it.".into(),
            ],
            Self::Unusable { error, .. } => match error.as_ref() {
                SourceError::Pin { .. } => vec![
                    "If the change is known and right, remove the pin from the `store.toml` of this app and buildpack.".into(),
                ],
                SourceError::Locked { .. } => vec![
                    "Find out why it changed before you use it.".into(),
                    "If the change is known and right, run `slugbuilder lock --update`.".into(),
                ],
                SourceError::FolderList { .. } => vec![
                    "Remove the list, and run `slugbuilder vendor` again: whole files are kept.".into(),
                ],
                other => other.as_explain().map(Explain::hints).unwrap_or_default(),
            },
        }
    }

    fn retryable(&self) -> bool {
        self.fault() == Fault::TryLater
    }
}

/// An error with its causes in one text.
fn chain(error: &SourceError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
