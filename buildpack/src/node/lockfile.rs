//! Lockfiles: which there are, whose they are, and which versions of a manager keep to their format.
//!
//! Only their beginning is read: they may have tens of megabytes.

use super::error::NodeError;
use super::{Lockfile, Manager};
use crate::app::{App, AppError, join};
use slugbuilder_report::Origin;

/// The names of lockfiles with the program of their manager. `bun`'s are known to be refused by name.
const NAMES: [(&str, &str); 6] = [
    ("npm-shrinkwrap.json", "npm"),
    ("package-lock.json", "npm"),
    ("yarn.lock", "yarn"),
    ("pnpm-lock.yaml", "pnpm"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
];

/// As much as is read of one: comments may stand before the line that counts.
const BEGINNING: u64 = 16 << 10;

/// What a lockfile says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Format {
    /// npm's, in any version: every npm reads those of earlier ones.
    Npm,
    /// `# yarn lockfile v1`.
    YarnClassic,
    /// `__metadata:` with its `version`.
    YarnBerry {
        /// That version.
        version: u64,
        /// Whether checksums have the cache's key before them, `10c0/…`, or there are none among the first packages.
        has_cache_keys: bool,
    },
    /// An empty `yarn.lock`, which both kinds of Yarn take for one of theirs.
    YarnEmpty,
    /// `lockfileVersion`: the numbers before and after the dot.
    Pnpm(u64, u64),
}

/// A lockfile that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its name.
    pub(super) name: &'static str,
    /// What it says of itself.
    pub(super) format: Format,
    /// The line that says so.
    pub(super) origin: Origin,
}

/// Versions of a manager that keep to the format of a lockfile, as ranges of npm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compatible {
    /// Those that read it and would not write it anew in another format.
    pub(super) accepted: &'static str,
    /// Those of them that are taken where nothing else is asked for.
    pub(super) preferred: &'static str,
}

/// Whether there is a lockfile of any manager in `folder` of the source.
pub(super) fn is_in(source: &App, folder: &str) -> bool {
    NAMES
        .iter()
        .any(|(name, _)| source.is_file(&join(folder, name)))
}

/// The one lockfile in `folder` of the source. Two are an error that names both, and one of bun's is an error, too.
pub(super) fn find(source: &App, folder: &str) -> Result<Option<Found>, NodeError> {
    let there: Vec<(&'static str, &'static str)> = NAMES
        .into_iter()
        .filter(|(name, _)| source.is_file(&join(folder, name)))
        .collect();
    let (name, program) = match there.as_slice() {
        [] => return Ok(None),
        [one] => *one,
        // Bun writes one of them beside the other when it changes to the newer format.
        [(_, "bun"), (_, "bun")] => there[0],
        [(first, _), (second, _), ..] => {
            return Err(NodeError::TwoLockfiles {
                first: join(folder, first),
                second: join(folder, second),
            });
        }
    };
    let path = join(folder, name);
    let (format, line) = match program {
        "bun" => return Err(NodeError::BunLockfile { path }),
        "npm" => (Format::Npm, None),
        "yarn" => yarn(&beginning(source, &path)?, &path)?,
        _ => pnpm(&beginning(source, &path)?, &path)?,
    };
    let origin = match line {
        Some(line) => Origin::line(path, line),
        None => Origin::file(path),
    };
    Ok(Some(Found {
        name,
        format,
        origin,
    }))
}

fn beginning(source: &App, path: &str) -> Result<String, AppError> {
    let bytes = source.beginning(path, BEGINNING)?.unwrap_or_default();
    // The end may cut a character in two.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn yarn(text: &str, path: &str) -> Result<(Format, Option<usize>), NodeError> {
    let mut in_metadata = false;
    for (index, line) in text.lines().enumerate() {
        let at = Some(index + 1);
        if line.starts_with("# yarn lockfile v1") {
            return Ok((Format::YarnClassic, at));
        }
        if line.starts_with("__metadata:") {
            in_metadata = true;
        } else if in_metadata && let Some(version) = line.trim().strip_prefix("version:") {
            let version = version.trim().trim_matches(['"', '\'']);
            let has_cache_keys = text
                .lines()
                .find_map(|line| line.trim().strip_prefix("checksum:"))
                .is_none_or(|checksum| checksum.contains('/'));
            return match version.parse() {
                Ok(version) => Ok((
                    Format::YarnBerry {
                        version,
                        has_cache_keys,
                    },
                    at,
                )),
                Err(_) => Err(unreadable(path, index + 1)),
            };
        }
    }
    let is_empty = text
        .lines()
        .all(|line| line.trim().is_empty() || line.starts_with('#'));
    if is_empty {
        Ok((Format::YarnEmpty, None))
    } else {
        Err(unreadable(path, 1))
    }
}

fn pnpm(text: &str, path: &str) -> Result<(Format, Option<usize>), NodeError> {
    for (index, line) in text.lines().enumerate() {
        let Some(version) = line.strip_prefix("lockfileVersion:") else {
            continue;
        };
        let version = version.split(['#', '-']).next().unwrap_or_default();
        let version = version.trim().trim_matches(['"', '\'']);
        let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
        return match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) => Ok((Format::Pnpm(major, minor), Some(index + 1))),
            _ => Err(unreadable(path, index + 1)),
        };
    }
    Err(unreadable(path, 1))
}

fn unreadable(path: &str, line: usize) -> NodeError {
    NodeError::UnreadableLockfile {
        origin: Origin::line(path, line),
    }
}

impl Found {
    /// The program of its manager.
    pub(super) fn program(&self) -> &'static str {
        match self.format {
            Format::Npm => "npm",
            Format::YarnClassic | Format::YarnBerry { .. } | Format::YarnEmpty => "yarn",
            Format::Pnpm(..) => "pnpm",
        }
    }

    /// Its manager; nothing for an empty `yarn.lock`.
    pub(super) fn manager(&self) -> Option<Manager> {
        match self.format {
            Format::Npm => Some(Manager::Npm),
            Format::YarnClassic => Some(Manager::YarnClassic),
            Format::YarnBerry { .. } => Some(Manager::YarnBerry),
            Format::YarnEmpty => None,
            Format::Pnpm(..) => Some(Manager::Pnpm),
        }
    }

    /// The versions of its manager that keep to its format; an error where no known version does.
    ///
    /// A frozen installation fails where the manager would write another format. Tried with the managers themselves:
    /// Yarn 2 and 3.0 write version 4, 3.1 writes 5, 3.2 and later 6, 4 writes 8, with the cache's key in checksums since
    /// 4.1. pnpm 6 writes 5.3, 7 writes 5.4 and is fine with 5.3, 8 writes 6.x, 9 to 12 write 9.0.
    pub(super) fn compatible(&self) -> Result<Compatible, NodeError> {
        let (accepted, preferred) = match self.format {
            Format::Npm | Format::YarnEmpty => ("*", "*"),
            Format::YarnClassic => ("1", "1"),
            Format::YarnBerry { version: ..=4, .. } => ("<3.1.0", "<3.1.0"),
            Format::YarnBerry { version: 5, .. } => ("3.1", "3.1"),
            Format::YarnBerry { version: 6, .. } => (">=3.2.0 <4.0.0", ">=3.2.0 <4.0.0"),
            Format::YarnBerry {
                has_cache_keys: false,
                ..
            } => ("4.0", "4.0"),
            Format::YarnBerry { .. } => (">=4.1.0", ">=4.1.0"),
            Format::Pnpm(5, _) => (">=6 <8", "7"),
            Format::Pnpm(6, _) => ("8", "8"),
            // From pnpm 11 on, settings in package.json no longer count: an app that says nothing gets what reads both.
            Format::Pnpm(9, _) => (">=9", "10"),
            Format::Pnpm(major, minor) => {
                return Err(NodeError::UnknownLockfileVersion {
                    origin: self.origin.clone(),
                    version: format!("{major}.{minor}"),
                });
            }
        };
        Ok(Compatible {
            accepted,
            preferred,
        })
    }

    /// What of it the build needs, where `manager` installs from it.
    pub(super) fn planned(&self, manager: Manager) -> Lockfile {
        Lockfile {
            path: self.name.to_owned(),
            manager,
        }
    }
}
