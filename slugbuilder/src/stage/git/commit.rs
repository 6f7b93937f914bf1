//! The commit that is checked out.

use super::Unusable;
use crate::slug::LATEST_TIME;
use crate::tree::show;
use gix_hash::{Kind, ObjectId};
use gix_object::{CommitRef, Find};
use gix_ref::{FullName, Target};
use std::path::Path;

/// Symbolic references that are followed from HEAD; git's own limit.
const FOLLOWED: usize = 5;

/// Largest commit object that is read; hostile ones unpack to gigabytes.
const LARGEST: u64 = 1 << 20;

/// Longest summary that is kept, in characters.
const SUMMARY: usize = 200;

/// A commit of a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its SHA-1 in hexadecimal.
    pub id: String,
    /// When it was committed, in seconds since 1970; authors' dates survive rebasing and say less.
    pub time: i64,
    /// The first line of its message, without control characters and at most 200 characters long.
    pub summary: String,
}

/// The commit of HEAD. Nothing where the branch has no commit yet.
pub(super) fn head(directory: &Path, common: &Path) -> Result<Option<Commit>, Unusable> {
    let Some(id) = resolve_head(directory, common)? else {
        return Ok(None);
    };
    let objects = common.join("objects");
    let unreadable =
        |error: &dyn std::fmt::Display| Unusable::new(&format!("cannot read commit {id}"), error);
    let options = gix_odb::store::init::Options {
        alloc_limit_bytes: usize::try_from(LARGEST).ok(),
        ..Default::default()
    };
    let objects =
        gix_odb::at_opts(objects, Kind::Sha1, None, options).map_err(|error| unreadable(&error))?;
    let header = gix_odb::Header::try_header(&objects, &id).map_err(|error| unreadable(&error))?;
    match header {
        None => return Err(Unusable(format!("commit {id} is not in the repository"))),
        Some(header) if header.kind() != gix_object::Kind::Commit => {
            return Err(Unusable(format!(
                "HEAD is no commit but a {}",
                header.kind()
            )));
        }
        Some(header) if header.size() > LARGEST => {
            return Err(Unusable(format!("commit {id} has {} bytes", header.size())));
        }
        Some(_) => {}
    }
    let mut buffer = Vec::new();
    let object = objects
        .try_find(&id, &mut buffer)
        .map_err(|error| unreadable(&error))?;
    let data = object.map(|object| object.data).unwrap_or_default();
    let commit = CommitRef::from_bytes(data, Kind::Sha1).map_err(|error| unreadable(&error))?;
    let committer = commit.committer().map_err(|error| unreadable(&error))?;
    let time = committer
        .time()
        .map_err(|error| unreadable(&error))?
        .seconds;
    if !(0..=LATEST_TIME).contains(&time) {
        return Err(Unusable(format!(
            "commit {id} is dated {time} s after 1970"
        )));
    }
    Ok(Some(Commit {
        id: id.to_string(),
        time,
        summary: summary(commit.message),
    }))
}

fn resolve_head(directory: &Path, common: &Path) -> Result<Option<ObjectId>, Unusable> {
    let store = gix_ref::file::Store::for_linked_worktree(
        directory.to_owned(),
        common.to_owned(),
        Kind::Sha1,
    );
    let mut name =
        FullName::try_from("HEAD").map_err(|error| Unusable::new("HEAD cannot be read", error))?;
    for _ in 0..=FOLLOWED {
        // A FIFO in the place of a branch would block.
        let shown = String::from_utf8_lossy(name.as_bstr()).into_owned();
        for path in [directory.join(&shown), common.join(&shown)] {
            if let Ok(metadata) = path.metadata()
                && (metadata.len() > LARGEST || !metadata.is_file() && !metadata.is_dir())
            {
                return Err(Unusable(format!("`{}` is no reference", show(&path))));
            }
        }
        let found = store.try_find(name.as_ref().as_partial_name());
        match found.map_err(|error| Unusable::new(&format!("`{shown}` cannot be read"), error))? {
            None => return Ok(None),
            Some(reference) => match reference.target {
                Target::Object(id) => return Ok(Some(id)),
                Target::Symbolic(next) => name = next,
            },
        }
    }
    Err(Unusable("HEAD leads through too many branches".into()))
}

fn summary(message: &[u8]) -> String {
    let message = message.trim_ascii_start();
    let line = message
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let visible = line.chars().filter(|character| !character.is_control());
    visible
        .take(SUMMARY)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_one_harmless_line() {
        assert_eq!(summary(b"\n  Fix it\r\n\nBody"), "Fix it");
        assert_eq!(summary(b"red \x1b[31m\xff"), "red [31m\u{fffd}");
        assert_eq!(
            summary("ä".repeat(1000).as_bytes()).chars().count(),
            SUMMARY
        );
        assert_eq!(summary(b""), "");
    }
}
