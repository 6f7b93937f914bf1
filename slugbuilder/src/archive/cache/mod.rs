//! What the next archive of the same tree starts from.
//!
//! ```text
//! <ArchiveOptions::cache>/<compression>/
//!   lock          held by the archive that uses the folder
//!   index         the chunks of the last slug: what they were read from, their hashes, where they are
//!   pack-<n>      their deflate; after a first build it is a copy of the slug
//!   names         what is in each folder of the tree
//!   .new.<…>      a file that is being written
//! ```
//!
//! A chunk is known by what it was read from in its state then (its recipe), without reading anything, or by the hash of
//! its bytes. Its deflate depends on them and on its dictionary, the end of the chunk before.
//!
//! New chunks are appended to the pack, and the index, which is replaced as a whole, then counts them as well. What a
//! killed build appended counts for nobody. A pack with more dead bytes than live ones is written anew; until the old one
//! goes there are two.
//!
//! The folder belongs to whoever builds, and is believed as they are. Accidents are noticed: the index ends with its
//! digest, its numbers have to fit together, and each piece of a pack that may have changed since it was written (see
//! `state.rs`) is compared with its CRC-32 before it enters a slug. What does not hold is as good as not there.

mod copy;
mod index;
mod names;
mod previous;
mod record;
mod splice;
mod state;

pub(super) use names::{Names, NewNames};
pub(super) use previous::Previous;
pub(super) use record::Record;
pub(super) use splice::Splicing;

use super::Compression;
use super::border::Border;
use super::replacement::put_in_place;
use crate::workspace::remove_tree;
use copy::Copying;
use index::Index;
use state::{UNKNOWN, state};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Start of the names of packs.
const PACK: &str = "pack-";

/// Name of the index.
const INDEX: &str = "index";

/// Name of the file of names.
const NAMES: &str = "names";

/// Start of the names of files that are being written.
const NEW: &str = ".new.";

/// Bytes of an index above which it is none of ours: a slug of a hundred gigabytes has a smaller one.
const LARGEST_INDEX: u64 = 1 << 28;

/// The folder, for one archive.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    compression: Compression,
    // Released when the archive is done, or the process dies.
    _lock: File,
}

/// A chunk of the new slug.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) record: Record,
    /// Whether [`Record::place`] says where it is; else it is only in the new slug yet.
    pub(super) in_pack: bool,
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
        // What is in it may be removed, which is not to happen anywhere else.
        if !folder.symlink_metadata()?.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
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
        let index = Index::from_bytes(&self.read(INDEX)?)?;
        // Another compression's, which someone has copied, has another gzip header.
        if index.before(0).to_bytes() != Border::first(self.compression).to_bytes() {
            return None;
        }
        let pack = open(
            OpenOptions::new().read(true).write(true),
            &self.pack_path(index.pack),
        )
        .ok()?;
        (pack.metadata().ok()?.len() >= index.pack_length).then(|| Previous::new(index, pack))
    }

    /// Keeps a slug that is whole in `output`: its chunks, of which those with a [`Kept::in_pack`] are in `previous`, and
    /// the border after them.
    pub(super) fn keep(
        &self,
        previous: Option<&Previous>,
        output: &File,
        chunks: Vec<Kept>,
        end: &Border,
    ) -> Result<()> {
        let pack = match previous.filter(|previous| has_room(previous, &chunks, end)) {
            Some(previous) => self.append(previous, output, chunks, end)?,
            None => self.start_over(output, chunks, end)?,
        };
        self.remove_all_but(pack);
        Ok(())
    }

    /// Adds what is new to the pack. Returns its number.
    fn append(
        &self,
        previous: &Previous,
        output: &File,
        chunks: Vec<Kept>,
        end: &Border,
    ) -> Result<u64> {
        let start = previous.index.pack_length;
        // What a killed build has left after it is for nobody.
        if previous.pack.metadata()?.len() > start {
            previous.pack.set_len(start)?;
        }
        let (records, new) = place_after(start, chunks);
        let mut at = start;
        let mut copying = Copying::into(&previous.pack);
        for run in new {
            let length = run.end - run.start;
            if let Err(error) = copying.range(output, run.start, at, length) {
                // A disk that is full gets it back. If that fails, too, the next build cuts it off.
                let _ = previous.pack.set_len(start);
                return Err(error);
            }
            at += length;
        }
        let pack = previous.index.pack;
        self.replace_index(&Index {
            pack,
            pack_length: at,
            pack_state: state(&previous.pack).unwrap_or(UNKNOWN),
            records,
            end: end.clone(),
        })?;
        Ok(pack)
    }

    /// Makes a pack that is a copy of the slug, or shares its blocks where the file system can. Returns its number.
    fn start_over(&self, output: &File, chunks: Vec<Kept>, end: &Border) -> Result<u64> {
        let number = self.packs()?.into_iter().max().map_or(0, |last| last + 1);
        let path = self.pack_path(number);
        let pack = open(OpenOptions::new().write(true).create_new(true), &path)?;
        let mut copying = Copying::into(&pack);
        copying.expect_length(end.slug_length);
        let written = copying.range(output, 0, 0, end.slug_length).and_then(|()| {
            let records = chunks.into_iter().map(|chunk| Record {
                place: chunk.record.before.slug_length,
                ..chunk.record
            });
            self.replace_index(&Index {
                pack: number,
                pack_length: end.slug_length,
                pack_state: state(&pack).unwrap_or(UNKNOWN),
                records: records.collect(),
                end: end.clone(),
            })
        });
        if let Err(error) = written {
            // The first error says what is wrong.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        Ok(number)
    }

    fn replace_index(&self, index: &Index) -> Result<()> {
        self.replace(INDEX, &index.to_bytes())
    }

    /// The names in the last archive's folders, as far as they are to be believed.
    pub(super) fn names(&self) -> Names {
        self.read(NAMES).map(Names::from_bytes).unwrap_or_default()
    }

    /// Keeps names for the next archive, of which those that were known are in `names`. Without them it takes somewhat
    /// longer, no more.
    pub(super) fn keep_names(&self, new: &NewNames, names: &Names) {
        if let Some(bytes) = new.to_bytes(names) {
            let _ = self.replace(NAMES, &bytes);
        }
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let file = open(OpenOptions::new().read(true), &self.folder.join(name)).ok()?;
        let mut bytes = Vec::new();
        // One that is larger ends in no digest.
        file.take(LARGEST_INDEX).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        if path.is_dir() {
            remove_tree(&path)?;
        }
        let mut file = tempfile::Builder::new()
            .prefix(NEW)
            .tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        put_in_place(file, &path)
    }

    /// The numbers of all packs that there are.
    fn packs(&self) -> Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(PACK));
            // The largest number would have no next one; nothing of ours has it.
            numbers.extend(
                number
                    .and_then(|number| u64::from_str_radix(number, 16).ok())
                    .filter(|number| *number < u64::MAX),
            );
        }
        Ok(numbers)
    }

    /// Removes what killed builds left, and the pack before this one. What cannot be removed is left to the next build.
    fn remove_all_but(&self, pack: u64) {
        let kept = self.pack_path(pack);
        // Nobody else writes here while we hold the lock.
        for entry in std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name();
            let is_ours = [PACK, NEW]
                .iter()
                .any(|start| name.as_bytes().starts_with(start.as_bytes()));
            if is_ours && entry.path() != kept {
                let _ = remove_tree(&entry.path());
            }
        }
    }

    fn pack_path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{PACK}{number:016x}"))
    }
}

/// Whether the pack may grow by what is new: it is to have no more dead bytes than live ones.
fn has_room(previous: &Previous, chunks: &[Kept], end: &Border) -> bool {
    let new = chunks.iter().filter(|chunk| !chunk.in_pack);
    let new: u64 = new.map(|chunk| chunk.record.length).sum();
    previous.index.pack_length.saturating_add(new) <= end.slug_length.saturating_mul(2)
}

/// Gives chunks that are not in the pack their places at its end. Returns all records, and where in the slug the new ones
/// are, in as few ranges as possible.
fn place_after(mut place: u64, chunks: Vec<Kept>) -> (Vec<Record>, Vec<Range<u64>>) {
    let mut new: Vec<Range<u64>> = Vec::new();
    let place_one = |chunk: Kept| {
        let mut record = chunk.record;
        if !chunk.in_pack {
            record.place = place;
            place += record.length;
            let start = record.before.slug_length;
            let end = start + record.length;
            match new.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => new.push(start..end),
            }
        }
        record
    };
    let records = chunks.into_iter().map(place_one).collect();
    (records, new)
}

/// Opens a file of the cache for its owner alone; no link in its place, and nothing else that is no file.
fn open(options: &mut OpenOptions, path: &Path) -> Result<File> {
    let file = options
        .mode(0o600)
        // A FIFO must not make it wait for its other end.
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(Error::other(format!("`{}` is no file", path.display())))
    }
}
