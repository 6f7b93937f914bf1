//! The last slug.

use super::super::border::Border;
use super::index::Index;
use super::record::Record;
use super::state::state;
use blake3::Hash;
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;

/// What the last slug was made of.
#[derive(Debug)]
pub(in crate::archive) struct Previous {
    pub(super) index: Index,
    pub(super) pack: File,
    /// Whether nothing was written to the pack by anyone else.
    is_untouched: bool,
    /// Chunks by the hashes of their bytes and of their dictionaries, once something has moved.
    by_content: OnceLock<HashMap<(Hash, Hash), usize>>,
}

impl Previous {
    pub(super) fn new(index: Index, pack: File) -> Self {
        Self {
            is_untouched: state(&pack) == Some(index.pack_state),
            index,
            pack,
            by_content: OnceLock::new(),
        }
    }

    /// Whether the chunk at `position` of the last slug has so many bytes of tar.
    pub(in crate::archive) fn has_at(&self, position: usize, tar_length: u64) -> bool {
        let record = self.index.records.get(position);
        record.is_some_and(|record| {
            let after = self.index.before(position + 1);
            after.tar_length - record.before.tar_length == tar_length
        })
    }

    /// What the chunk at `position` of the last slug was read from, if that can be trusted to show a change.
    pub(in crate::archive) fn recipe(&self, position: usize) -> Option<Hash> {
        self.index.records.get(position)?.recipe
    }

    /// The chunk at `position`, if these were its bytes.
    pub(in crate::archive) fn unmoved(&self, content: Hash, position: usize) -> Option<&Record> {
        let record = self.index.records.get(position);
        record.filter(|record| record.content == content)
    }

    /// The chunk of these bytes after this dictionary, with its position: `guess` where that is one.
    pub(in crate::archive) fn find(
        &self,
        content: Hash,
        dictionary: Hash,
        guess: usize,
    ) -> Option<(usize, &Record)> {
        let guessed = self
            .index
            .records
            .get(guess)
            .filter(|record| record.content == content && record.dictionary == dictionary);
        if let Some(record) = guessed {
            return Some((guess, record));
        }
        let by_content = self.by_content.get_or_init(|| {
            let records = self.index.records.iter().enumerate();
            records
                .map(|(number, record)| ((record.content, record.dictionary), number))
                .collect()
        });
        let position = *by_content.get(&(content, dictionary))?;
        Some((position, self.index.records.get(position)?))
    }

    /// The first `count` chunks of the last slug.
    pub(in crate::archive) fn first(&self, count: usize) -> &[Record] {
        &self.index.records[..count.min(self.index.records.len())]
    }

    /// The border before the chunk at `position` of the last slug, or the last one.
    pub(in crate::archive) fn border(&self, position: usize) -> &Border {
        self.index.before(position)
    }

    /// A chunk's deflate; nothing if the pack does not hold it any more.
    pub(in crate::archive) fn read(&self, record: &Record) -> Option<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(record.length).ok()?];
        self.pack.read_exact_at(&mut bytes, record.place).ok()?;
        (crc32fast::hash(&bytes) == record.check).then_some(bytes)
    }

    /// Whether the pack still holds these chunks, whole.
    pub(super) fn holds(&self, records: &[Record], buffer: &mut [u8]) -> bool {
        self.is_untouched
            || records.iter().all(|record| {
                let mut sum = crc32fast::Hasher::new();
                let (mut at, mut rest) = (record.place, record.length);
                while rest > 0 {
                    let length =
                        usize::try_from(rest).map_or(buffer.len(), |rest| rest.min(buffer.len()));
                    let piece = &mut buffer[..length];
                    if self.pack.read_exact_at(piece, at).is_err() {
                        return false;
                    }
                    sum.update(piece);
                    at += length as u64;
                    rest -= length as u64;
                }
                sum.finalize() == record.check
            })
    }
}
