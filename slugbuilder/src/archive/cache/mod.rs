//! What the next archive of the same tree starts from.
//!
//! ```text
//! <ArchiveOptions::cache>/<compression>/
//!   lock          held by the archive that uses the folder
//!   index         the chunks of the last slug: what they were read from, their hashes, where they are
//!   pack-<n>      their deflate; after a first build it is a copy of the slug
//! ```
//!
//! A chunk is known by what it was read from in its state then (its recipe), without reading anything, or by the hash of
//! its bytes. Its deflate depends on them and on its dictionary, the end of the chunk before.
//!
//! New chunks are appended to the pack, and the index, which is replaced as a whole, then counts them as well. What a
//! killed build appended counts for nobody. A pack with more dead bytes than live ones is written anew. Nothing here is
//! believed unseen: the index ends with its digest, its numbers have to fit together, and each piece of the pack is
//! compared with its CRC-32 before it enters a slug. What does not hold is as good as not there.

mod copy;
mod index;
mod record;
mod splice;

pub(super) use record::Record;
pub(super) use splice::Splicing;

use super::Compression;
use super::border::Border;
use blake3::Hash;
use copy::copy_range;
use index::Index;
use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Result, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Bytes of an index above which it is none of ours: hundreds of gigabytes have a smaller one.
const LARGEST_INDEX: u64 = 1 << 28;

/// Start of the names of packs.
const PACK: &str = "pack-";

/// The folder, for one archive.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    compression: Compression,
    // Released when the archive is done, or the process dies.
    _lock: File,
}

/// The last slug.
#[derive(Debug)]
pub(super) struct Previous {
    index: Index,
    by_content: HashMap<(Hash, Hash), usize>,
    pack: File,
}

impl Cache {
    /// Opens the folder, which is made where it is not there. Nothing if another archive is using it.
    pub(super) fn open(folder: &Path, compression: Compression) -> Result<Option<Self>> {
        let folder = folder.join(match compression {
            Compression::Fast => "fast",
            Compression::Default => "default",
            Compression::Best => "best",
        });
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        let lock = open(
            OpenOptions::new().write(true).create(true),
            &folder.join("lock"),
        )?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self {
                folder,
                compression,
                _lock: lock,
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The last slug, as far as it is to be believed.
    pub(super) fn previous(&self) -> Option<Previous> {
        let mut file = open(OpenOptions::new().read(true), &self.folder.join("index")).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() > LARGEST_INDEX {
            return None;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        let index = Index::from_bytes(&bytes)?;
        // Another compression's, which someone has copied, has another gzip header.
        if index.before(0).to_bytes() != Border::first(self.compression).to_bytes() {
            return None;
        }
        let pack = open(
            OpenOptions::new().read(true).write(true),
            &self.pack_path(index.pack),
        )
        .ok()?;
        if pack.metadata().ok()?.len() < index.pack_length {
            return None;
        }
        let keys = index.records.iter().enumerate();
        let by_content = keys
            .map(|(number, record)| ((record.content, record.dictionary), number))
            .collect();
        Some(Previous {
            index,
            by_content,
            pack,
        })
    }

    /// Keeps a slug that is whole in `output`: its chunks, of which those with a [`Kept::InPack`] are in `previous`, and
    /// the border after them.
    pub(super) fn keep(
        &self,
        previous: Option<&Previous>,
        output: &File,
        chunks: Vec<Kept>,
        end: &Border,
    ) -> Result<()> {
        match previous.filter(|previous| previous.has_room(&chunks, end)) {
            Some(previous) => self.append(previous, output, chunks, end),
            None => self.start_over(output, chunks, end),
        }
    }

    fn append(
        &self,
        previous: &Previous,
        output: &File,
        chunks: Vec<Kept>,
        end: &Border,
    ) -> Result<()> {
        let mut place = previous.index.pack_length;
        // What a killed build has left after it is for nobody.
        previous.pack.set_len(place)?;
        let mut run: Option<std::ops::Range<u64>> = None;
        let mut runs = Vec::new();
        let mut records = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let mut record = chunk.record;
            if !chunk.in_pack {
                record.place = place;
                place += record.length;
                let start = record.before.slug_length;
                let end = start + record.length;
                match &mut run {
                    Some(run) if run.end == start => run.end = end,
                    _ => runs.extend(run.replace(start..end)),
                }
            }
            records.push(record);
        }
        let mut at = previous.index.pack_length;
        for run in runs.into_iter().chain(run) {
            copy_range(output, run.start, &previous.pack, at, run.end - run.start)?;
            at += run.end - run.start;
        }
        self.replace_index(&Index {
            pack: previous.index.pack,
            pack_length: place,
            records,
            end: end.clone(),
        })
    }

    /// A pack that is a copy of the slug, or shares its blocks where the file system can.
    fn start_over(&self, output: &File, chunks: Vec<Kept>, end: &Border) -> Result<()> {
        let number = loop {
            let number = random();
            if !self.pack_path(number).exists() {
                break number;
            }
        };
        let path = self.pack_path(number);
        let pack = open(OpenOptions::new().write(true).create_new(true), &path)?;
        let written = copy_range(output, 0, &pack, 0, end.slug_length).and_then(|()| {
            let records = chunks.into_iter().map(|chunk| Record {
                place: chunk.record.before.slug_length,
                ..chunk.record
            });
            self.replace_index(&Index {
                pack: number,
                pack_length: end.slug_length,
                records: records.collect(),
                end: end.clone(),
            })
        });
        match written {
            Ok(()) => self.remove_packs_but(&path),
            Err(error) => {
                // The first error says what is wrong.
                let _ = std::fs::remove_file(&path);
                Err(error)
            }
        }
    }

    fn replace_index(&self, index: &Index) -> Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".index.")
            .tempfile_in(&self.folder)?;
        file.write_all(&index.to_bytes())?;
        file.persist(self.folder.join("index"))
            .map_err(|error| error.error)?;
        Ok(())
    }

    fn remove_packs_but(&self, kept: &Path) -> Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let is_stale = |start: &str| entry.file_name().as_bytes().starts_with(start.as_bytes());
            // Nobody else writes here while we hold the lock.
            if (is_stale(PACK) || is_stale(".index.")) && entry.path() != kept {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn pack_path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{PACK}{number:016x}"))
    }
}

/// A number for a file's name.
fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id())
}

/// Opens a file of the cache for its owner alone, and no link in its place; a FIFO there has nobody wait.
fn open(options: &mut OpenOptions, path: &Path) -> Result<File> {
    options
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path)
}

/// A chunk of the new slug.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) record: Record,
    /// Whether [`Record::place`] says where it is; else it is only in the new slug yet.
    pub(super) in_pack: bool,
}

impl Previous {
    /// Whether the chunk at `position` of the last slug was read from this, and has so many bytes of tar.
    pub(super) fn has_at(&self, position: usize, recipe: &Hash, tar_length: u64) -> bool {
        let record = self.index.records.get(position);
        record.is_some_and(|record| {
            let after = self.index.before(position + 1);
            record.recipe.as_ref() == Some(recipe)
                && after.tar_length - record.before.tar_length == tar_length
        })
    }

    /// The chunk of these bytes after this dictionary, with its position: `guess` where that is one.
    pub(super) fn find(
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
        let position = *self.by_content.get(&(content, dictionary))?;
        Some((position, self.index.records.get(position)?))
    }

    /// The first `count` chunks of the last slug.
    pub(super) fn first(&self, count: usize) -> &[Record] {
        &self.index.records[..count.min(self.index.records.len())]
    }

    /// The border before the chunk at `position` of the last slug, or the last one.
    pub(super) fn border(&self, position: usize) -> &Border {
        self.index.before(position)
    }

    /// A chunk's deflate; nothing if the pack does not hold it any more.
    pub(super) fn read(&self, record: &Record) -> Option<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(record.length).ok()?];
        self.pack.read_exact_at(&mut bytes, record.place).ok()?;
        (crc32fast::hash(&bytes) == record.check).then_some(bytes)
    }

    /// Whether the pack still holds these neighbouring chunks, whole.
    fn holds(&self, run: &[Record], buffer: &mut [u8]) -> bool {
        run.iter().all(|record| {
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

    /// Whether the pack may grow by what is new: it is to have no more dead bytes than live ones.
    fn has_room(&self, chunks: &[Kept], end: &Border) -> bool {
        let new = chunks.iter().filter(|chunk| !chunk.in_pack);
        let new: u64 = new.map(|chunk| chunk.record.length).sum();
        self.index.pack_length.saturating_add(new) <= end.slug_length.saturating_mul(2)
    }
}
