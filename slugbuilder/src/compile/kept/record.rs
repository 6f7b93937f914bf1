//! What is written down of a kept app.
//!
//! ```text
//! "slugbuilder kept 1\n"
//! length: u64, document: JSON
//! for each group of files, in the document's order: length: u64, contents (see crate::contents)
//! BLAKE3 of all that: 32 bytes
//! ```
//!
//! Of config vars and other values there are digests with a key that is made up for each record. The digest at the end
//! is against accidents; whoever can write here is believed, as the cache is.

use super::super::app_directory::Under;
use super::super::{CompileError, Outcome};
use super::inputs::Inputs;
use super::what::What;
use crate::contents::Contents;
use crate::workspace::{WorkspaceError, remove_tree};
use blake3::Hash;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

const MAGIC: &[u8] = b"slugbuilder kept 1\n";

/// Bytes above which a record is none of ours: a source of a million files has a smaller one.
const LARGEST: u64 = 1 << 30;

/// What a kept app was built of, and what it is.
#[derive(Debug)]
pub(in super::super) struct Record {
    pub(super) key: [u8; 32],
    pub(super) digests: Vec<(What, Hash)>,
    pub(super) groups: Vec<(What, Contents)>,
    pub(super) under: Under,
    /// Stands for what the app directory holds.
    pub(super) app: Hash,
    pub(super) outcome: Outcome,
}

#[derive(Serialize, Deserialize)]
struct Document {
    key: [u8; 32],
    digests: Vec<(What, [u8; 32])>,
    groups: Vec<What>,
    under: Under,
    app: [u8; 32],
    outcome: Outcome,
}

impl Record {
    pub(super) fn new(
        inputs: &Inputs,
        under: Under,
        app: Hash,
        outcome: Outcome,
    ) -> Result<Self, CompileError> {
        let mut key = [0; 32];
        File::open("/dev/urandom")
            .and_then(|mut random| random.read_exact(&mut key))
            .map_err(WorkspaceError::from)?;
        Ok(Self {
            key,
            digests: inputs.digests(&key),
            groups: groups(inputs),
            under,
            app,
            outcome,
        })
    }

    /// The same with what is known of the files now.
    pub(super) fn refreshed(self, inputs: &Inputs) -> Self {
        Self {
            groups: groups(inputs),
            ..self
        }
    }

    /// The record at `path`; nothing where there is none, an error where there is one that makes no sense.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let opened = OpenOptions::new()
            .read(true)
            // A pipe would be waited for.
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes)?;
        let record = Self::from_bytes(&bytes);
        record
            .map(Some)
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Writes it to `path`, where there is nothing or another one, which stays until this one is whole.
    pub(super) fn write(&self, path: &Path) -> Result<(), CompileError> {
        let write = || {
            let new = path.with_extension("new");
            remove_tree(&new)?;
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(&self.to_bytes()?)?;
            std::fs::rename(&new, path)
        };
        Ok(write().map_err(WorkspaceError::from)?)
    }

    fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let document = Document {
            key: self.key,
            digests: self
                .digests
                .iter()
                .map(|(what, digest)| (what.clone(), *digest.as_bytes()))
                .collect(),
            groups: self.groups.iter().map(|(what, _)| what.clone()).collect(),
            under: self.under,
            app: *self.app.as_bytes(),
            outcome: self.outcome.clone(),
        };
        let mut bytes = MAGIC.to_vec();
        let contents = self.groups.iter().map(|(_, contents)| contents.to_bytes());
        for part in std::iter::once(serde_json::to_vec(&document)?).chain(contents) {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(&part);
        }
        let digest = blake3::hash(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        Ok(bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, digest) = bytes.split_last_chunk::<32>()?;
        if blake3::hash(body) != Hash::from_bytes(*digest) {
            return None;
        }
        let mut rest = body.strip_prefix(MAGIC)?;
        let document: Document = serde_json::from_slice(part(&mut rest)?).ok()?;
        let groups = document.groups.into_iter();
        let groups = groups
            .map(|what| Some((what, Contents::from_bytes(part(&mut rest)?)?)))
            .collect::<Option<_>>()?;
        let digests = document.digests.into_iter();
        Some(Self {
            key: document.key,
            digests: digests
                .map(|(what, digest)| (what, Hash::from_bytes(digest)))
                .collect(),
            groups,
            under: document.under,
            app: Hash::from_bytes(document.app),
            outcome: document.outcome,
        })
    }
}

fn groups(inputs: &Inputs) -> Vec<(What, Contents)> {
    let groups = inputs.groups.iter();
    groups
        .map(|group| (group.what.clone(), group.contents.clone()))
        .collect()
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (part, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::AppLayout;
    use slugbuilder_report::Warning;
    use std::collections::BTreeMap;

    fn record() -> Record {
        Record {
            key: [7; 32],
            digests: vec![
                (What::Stack, blake3::hash(b"heroku-24")),
                (What::ConfigVar("A".into()), blake3::hash(b"b")),
            ],
            groups: vec![(What::Source, Contents::default())],
            under: Under::Copy,
            app: blake3::hash(b"app"),
            outcome: Outcome {
                layout: AppLayout::default(),
                process_types: BTreeMap::from([("web".try_into().unwrap(), "x".to_owned())]),
                passages: Vec::new(),
                description: "Node.js".into(),
                languages: Vec::new(),
                decisions: Vec::new(),
                not_carried: Vec::new(),
                warnings: vec![Warning::new("code", "text").hint("hint")],
            },
        }
    }

    #[test]
    fn what_is_written_is_read_and_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        assert!(Record::read(&path).unwrap().is_none());
        record().write(&path).unwrap();
        record().write(&path).unwrap();
        let read = Record::read(&path).unwrap().unwrap();
        assert_eq!(read.digests, record().digests);
        assert_eq!(
            (read.key, read.under, read.app),
            ([7; 32], Under::Copy, record().app)
        );
        assert_eq!(read.outcome, record().outcome);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn no_damaged_record_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let good = record().to_bytes().unwrap();
        for length in 0..good.len() {
            std::fs::write(&path, &good[..length]).unwrap();
            assert!(Record::read(&path).is_err(), "{length} bytes");
        }
        for index in 0..good.len() {
            let mut bad = good.clone();
            bad[index] ^= 1;
            assert!(Record::from_bytes(&bad).is_none(), "byte {index}");
        }
        std::fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(Record::read(&path).is_err());
    }
}
