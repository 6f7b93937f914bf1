//! What is not as it was.

use super::{ContentError, Contents, Entry};
use crate::stop::Stop;
use crate::tree::{Kind, Tree, show};
use std::fmt;
use std::path::PathBuf;

/// The first thing that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) path: PathBuf,
    pub(crate) change: Change,
}

/// How something differs from what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    New,
    Gone,
    Content,
    Kind,
    Permissions,
    Target,
}

impl fmt::Display for Difference {
    /// For people, as a clause: `` `web.js` changed ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = show(&self.path);
        match self.change {
            Change::New => write!(f, "`{path}` is new"),
            Change::Gone => write!(f, "`{path}` is gone"),
            Change::Content => write!(f, "`{path}` changed"),
            Change::Kind => write!(f, "`{path}` is another kind of file"),
            Change::Permissions => write!(f, "the permissions of `{path}` changed"),
            Change::Target => write!(f, "the link `{path}` leads elsewhere"),
        }
    }
}

impl Contents {
    /// The first thing that is not as it was in `last`, whose order is the same. Files that the metadata does not know
    /// again are read from `tree`; [`Contents::recognize`] first.
    pub(crate) fn difference(
        &mut self,
        last: &Self,
        tree: &Tree,
        stop: &Stop,
    ) -> Result<Option<Difference>, ContentError> {
        if let Some(difference) = self.without_contents(last) {
            return Ok(Some(difference));
        }
        self.read(tree, stop)?;
        let mut pairs = self.entries.iter().zip(&last.entries);
        let changed = pairs.find(|(now, last)| now.digest != last.digest);
        Ok(changed.map(|(now, _)| now.differs(Change::Content)))
    }

    /// What names and metadata tell.
    fn without_contents(&self, last: &Self) -> Option<Difference> {
        for (index, now) in self.entries.iter().enumerate() {
            let Some(before) = last.entries.get(index) else {
                return Some(now.differs(Change::New));
            };
            if now.path != before.path {
                let was_there = last.entries.iter().any(|one| one.path == now.path);
                return Some(if was_there {
                    before.differs(Change::Gone)
                } else {
                    now.differs(Change::New)
                });
            }
            let change = if now.stat.kind != before.stat.kind {
                Change::Kind
            } else if now.target != before.target {
                Change::Target
            } else if now.stat.kind == Kind::File && now.stat.size != before.stat.size {
                Change::Content
            } else if now.permissions() != before.permissions() {
                Change::Permissions
            } else {
                continue;
            };
            return Some(now.differs(change));
        }
        let gone = last.entries.get(self.entries.len())?;
        Some(gone.differs(Change::Gone))
    }
}

impl Entry {
    fn differs(&self, change: Change) -> Difference {
        Difference {
            path: self.path.clone(),
            change,
        }
    }

    /// Those that a build sees. A link has none.
    fn permissions(&self) -> u32 {
        match self.stat.kind {
            Kind::Link => 0,
            _ => self.stat.mode & 0o777,
        }
    }
}
