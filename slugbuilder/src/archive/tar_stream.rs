//! The tar as something that can be read at any place: which bytes an entry is, and how long they are before any is read.

use super::entries::Entry;
use super::header::{BLOCK, Header, Type, padding};
use super::{ArchiveError, FIXED_TIME, Part};
use crate::tree::links::Links;
use crate::tree::{Failure, Kind, Tree, unchanged};
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Beginning of all names, and the name of the root's entry.
const ROOT: &[u8] = b"./app/";

/// Mode of the root's entry: that of the archived folder says where it was built, not what the app is.
const ROOT_MODE: u32 = 0o755;

/// Permission bits that every folder gets besides its own.
const FOLDER_BITS: u32 = 0o700;

/// A buffer that is filled from its start, again and again, without being cleared between.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
}

impl Buffer {
    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }

    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// The next `length` bytes, to be written over.
    pub(super) fn claim(&mut self, length: usize) -> &mut [u8] {
        let start = self.filled;
        self.filled += length;
        if self.bytes.len() < self.filled {
            self.bytes.resize(self.filled, 0);
        }
        &mut self.bytes[start..self.filled]
    }

    fn push(&mut self, bytes: &[u8]) {
        self.claim(bytes.len()).copy_from_slice(bytes);
    }
}

/// The bytes of all entries, in order.
pub(super) struct TarStream<'a> {
    tree: &'a Tree,
    links: &'a Links,
    entries: &'a [Entry],
    app_time: i64,
}

impl<'a> TarStream<'a> {
    pub(super) fn new(
        tree: &'a Tree,
        links: &'a Links,
        entries: &'a [Entry],
        app_time: i64,
    ) -> Self {
        Self {
            tree,
            links,
            entries,
            app_time,
        }
    }

    pub(super) fn entries(&self) -> &'a [Entry] {
        self.entries
    }

    /// Bytes of an entry: its header, with a long name or target before it, its content and the padding.
    pub(super) fn length(&self, entry: &Entry) -> u64 {
        let path = entry.path.as_os_str().len();
        let slash = usize::from(entry.stat.kind == Kind::Directory && path > 0);
        let target = match entry.stat.kind {
            Kind::Link => self.target(entry).len(),
            Kind::Directory | Kind::File | Kind::Special(_) => 0,
        };
        let content = entry.content_length();
        Header::length(ROOT.len() + path + slash, target) + content + padding(content).len() as u64
    }

    /// Appends to `identity` all that decides an entry's header. `scratch` is overwritten.
    pub(super) fn identify_head(
        &self,
        entry: &Entry,
        scratch: &mut Vec<u8>,
        identity: &mut Vec<u8>,
    ) {
        let start = identity.len();
        let header = self.header(entry, scratch);
        identity.push(header.kind.flag());
        identity.extend_from_slice(&header.mode.to_le_bytes());
        identity.extend_from_slice(&header.size.to_le_bytes());
        identity.extend_from_slice(&header.modified.to_le_bytes());
        identity.extend_from_slice(&(header.target.len() as u64).to_le_bytes());
        identity.extend_from_slice(header.target);
        identity.extend_from_slice(header.name);
        let length = identity.len() - start;
        identity.extend_from_slice(&(length as u64).to_le_bytes());
    }

    fn target(&self, entry: &Entry) -> &[u8] {
        let target = self.links.target(&entry.path).unwrap_or(Path::new(""));
        target.as_os_str().as_bytes()
    }

    /// The entry's header; `name` gets the name, which the header borrows.
    fn header<'n>(&'n self, entry: &'n Entry, name: &'n mut Vec<u8>) -> Header<'n> {
        name.clear();
        name.extend_from_slice(ROOT);
        name.extend_from_slice(entry.path.as_os_str().as_bytes());
        let is_root = entry.path.as_os_str().is_empty();
        let mut target: &[u8] = b"";
        let mode = entry.stat.mode & 0o777;
        let (kind, mode) = match entry.stat.kind {
            Kind::Directory if is_root => (Type::Directory, ROOT_MODE),
            Kind::Directory => {
                name.push(b'/');
                (Type::Directory, mode | FOLDER_BITS)
            }
            Kind::Link => {
                target = self.target(entry);
                (Type::Link, 0o777)
            }
            // Special ones are refused when they are listed.
            Kind::File | Kind::Special(_) => (Type::File, mode),
        };
        Header {
            kind,
            name,
            target,
            mode,
            size: entry.content_length(),
            modified: if entry.part == Part::App && !is_root {
                self.app_time
            } else {
                FIXED_TIME
            },
        }
    }

    /// Appends one entry to `output`: its header where `content` starts at 0, that range of its content, and the padding
    /// where `content` ends with it. The first `skip` bytes of all that are left out, and taken from `skip`.
    pub(super) fn read(
        &self,
        entry: &Entry,
        content: Range<u64>,
        skip: &mut u64,
        output: &mut Buffer,
    ) -> Result<(), ArchiveError> {
        if content.start == 0 {
            let (mut name, mut head) = (Vec::with_capacity(256), Vec::with_capacity(BLOCK));
            self.header(entry, &mut name).append(&mut head);
            output.push(after(&head, skip));
        }
        let size = entry.content_length();
        let skipped = (*skip).min(content.end - content.start);
        *skip -= skipped;
        self.read_content(entry, content.start + skipped..content.end, output)
            .map_err(|failure| ArchiveError::of_entry(&entry.path, failure))?;
        if content.end == size {
            output.push(after(padding(size), skip));
        }
        Ok(())
    }

    fn read_content(
        &self,
        entry: &Entry,
        content: Range<u64>,
        output: &mut Buffer,
    ) -> Result<(), Failure> {
        if entry.stat.kind != Kind::File {
            return Ok(());
        }
        // An empty file is opened, too: one that cannot be read is an error whatever its size.
        let file = self.tree.open_any(&entry.path)?;
        let length = usize::try_from(content.end - content.start)
            .map_err(|_| Failure::Io(ErrorKind::FileTooLarge.into()))?;
        let filled = match length {
            0 => Ok(()),
            _ => file.read_exact_at(output.claim(length), content.start),
        };
        // What became something else may fail in ways of its own.
        unchanged(&file, &entry.stat)?;
        filled.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => Failure::Changed,
            _ => Failure::Io(error),
        })
    }
}

/// `bytes` without its first `skip`, which is lowered by as much as was left out.
fn after<'b>(bytes: &'b [u8], skip: &mut u64) -> &'b [u8] {
    let skipped = usize::try_from(*skip)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    *skip -= skipped as u64;
    &bytes[skipped..]
}
