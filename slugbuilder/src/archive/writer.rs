//! The engine: one thread, one stream.

use super::entries::{Entry, collect};
use super::folders::Folder;
use super::folders::{bytes, largest};
use super::header::{BLOCK, Header, RECORD, Type, padding};
use super::{
    ArchiveError, ArchiveOptions, Compression, FAR_TOO_LARGE, FIXED_TIME, Layout, MEGABYTE, Part,
    Summary,
};
use crate::tree::links::{Fault, Links};
use crate::tree::{Failure, Kind, Tree, enumerate, unchanged};
use flate2::GzBuilder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use slugbuilder_report::{Event, Reporter, TransferId, Warning};
use std::io::{Error, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Name of the root's entry, and beginning of all others'.
const ROOT: &[u8] = b"./app/";

/// Bytes that are read, hashed and compressed at once.
const PIECE: usize = 1 << 18;

/// Permission bits that every folder gets besides its own.
const FOLDER_BITS: u32 = 0o700;

/// Operating system "unknown" of RFC 1952.
const UNKNOWN_SYSTEM: u8 = 255;

pub(super) fn write(
    root: &Path,
    layout: &dyn Layout,
    options: &ArchiveOptions,
    output: &mut impl Write,
    reporter: &dyn Reporter,
) -> Result<Summary, ArchiveError> {
    let tree =
        Tree::open(root).map_err(|error| ArchiveError::of_entry(root, Failure::Io(error)))?;
    let (entries, links) = collect(&tree, root, layout, &options.stop)?;
    let gzip = GzBuilder::new()
        .operating_system(UNKNOWN_SYSTEM)
        .write(Hashed::new(output), level(options.compression));
    let progress = Progress::begin(reporter, entries.iter().map(|entry| entry.stat.size).sum());
    let mut writer = Writer {
        tree: &tree,
        links: &links,
        options,
        tar: Hashed::new(gzip),
        buffer: vec![0; PIECE],
        progress,
    };
    writer.root().map_err(ArchiveError::Write)?;
    for entry in &entries {
        writer.go_on(&entries)?;
        writer.entry(entry, &entries)?;
    }
    let tar = writer.finish().map_err(ArchiveError::Write)?;
    let (diff_id, uncompressed) = (tar.hash.finalize().into(), tar.written);
    let gzip = tar.inner.finish().map_err(ArchiveError::Write)?;
    gzip.inner.flush().map_err(ArchiveError::Write)?;
    Ok(Summary {
        size: gzip.written,
        sha256: gzip.hash.finalize().into(),
        diff_id,
        entries: entries.len() as u64 + 1,
        uncompressed,
        largest: largest_of(&entries),
        warnings: warnings(&links, gzip.written, options),
    })
}

fn level(compression: Compression) -> flate2::Compression {
    flate2::Compression::new(match compression {
        Compression::Fast => 1,
        Compression::Default => 6,
        Compression::Best => 9,
    })
}

fn largest_of(entries: &[Entry]) -> Vec<Folder> {
    let files = entries.iter().filter(|entry| entry.stat.kind == Kind::File);
    largest(files.map(|entry| (entry.path.as_path(), entry.stat.size)))
}

fn warnings(links: &Links, size: u64, options: &ArchiveOptions) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (fault, code, what) in [
        (Fault::Leaves, "link-leaves-app", "lead out of `./app`"),
        (Fault::Loops, "link-loops", "lead back to themselves"),
    ] {
        let found: Vec<&Path> = links
            .with(fault)
            .into_iter()
            .map(|(link, _)| link)
            .filter(|link| !options.known_links.contains(*link))
            .collect();
        if !found.is_empty() {
            let named = enumerate(found.iter().copied(), found.len());
            warnings.push(
                Warning::new(code, format!("symbolic links {what}: {named}"))
                    .hint("They are kept as they are. Point them at what is in the app."),
            );
        }
    }
    if size > options.warn_size && size <= options.max_size {
        let message = format!(
            "the slug has {}, more than {}: dynos will boot slowly",
            bytes(size),
            bytes(options.warn_size)
        );
        warnings.push(
            Warning::new("slug-large", message)
                .hint("Leave out what running does not need with `.slugignore`."),
        );
    }
    warnings
}

/// Writes on, and knows how much and what it was.
struct Hashed<W> {
    inner: W,
    hash: Sha256,
    written: u64,
}

impl<W> Hashed<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            written: 0,
        }
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

struct Writer<'a, W: Write> {
    tree: &'a Tree,
    links: &'a Links,
    options: &'a ArchiveOptions,
    tar: Hashed<GzEncoder<Hashed<W>>>,
    buffer: Vec<u8>,
    progress: Progress<'a>,
}

impl<W: Write> Writer<'_, W> {
    fn root(&mut self) -> Result<(), Error> {
        let header = Header {
            kind: Type::Directory,
            name: ROOT,
            target: b"",
            mode: 0o755,
            size: 0,
            modified: FIXED_TIME,
        };
        header.write(&mut self.tar)
    }

    /// Fails if the writing has to stop, or if there is no point in going on.
    fn go_on(&self, entries: &[Entry]) -> Result<(), ArchiveError> {
        self.options.stop.check()?;
        let max_size = self.options.max_size;
        let written = self.tar.inner.get_ref().written;
        if written > max_size.saturating_mul(FAR_TOO_LARGE).max(MEGABYTE) {
            return Err(ArchiveError::FarTooLarge {
                written,
                max_size,
                largest: largest_of(entries),
            });
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry, entries: &[Entry]) -> Result<(), ArchiveError> {
        let mut name = [ROOT, entry.path.as_os_str().as_bytes()].concat();
        let mut header = Header {
            kind: Type::File,
            name: &[],
            target: b"",
            mode: entry.stat.mode & 0o777,
            size: 0,
            modified: if entry.part == Part::App {
                self.options.app_time
            } else {
                FIXED_TIME
            },
        };
        match entry.stat.kind {
            Kind::Directory => {
                name.push(b'/');
                header.mode |= FOLDER_BITS;
                header.kind = Type::Directory;
            }
            Kind::Link => {
                let target = self.links.target(&entry.path).unwrap_or(Path::new(""));
                header.kind = Type::Link;
                header.target = target.as_os_str().as_bytes();
                header.mode = 0o777;
            }
            Kind::File => {
                header.size = entry.stat.size;
                header.name = &name;
                return self.file(entry, &header, entries);
            }
            // Refused when they were listed.
            Kind::Special(_) => return Ok(()),
        }
        header.name = &name;
        header.write(&mut self.tar).map_err(ArchiveError::Write)
    }

    fn file(
        &mut self,
        entry: &Entry,
        header: &Header<'_>,
        entries: &[Entry],
    ) -> Result<(), ArchiveError> {
        let of_entry = |failure| ArchiveError::of_entry(&entry.path, failure);
        let mut file = self
            .tree
            .open_file(&entry.path, &entry.stat)
            .map_err(of_entry)?;
        header.write(&mut self.tar).map_err(ArchiveError::Write)?;
        let mut rest = header.size;
        while rest > 0 {
            self.go_on(entries)?;
            let wanted = usize::try_from(rest).unwrap_or(PIECE).min(PIECE);
            let read = match file.read(&mut self.buffer[..wanted]) {
                Ok(0) => return Err(of_entry(Failure::Changed)),
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(of_entry(Failure::Io(error))),
            };
            self.tar
                .write_all(&self.buffer[..read])
                .map_err(ArchiveError::Write)?;
            self.progress.advance(read as u64);
            rest -= read as u64;
        }
        unchanged(&file, &entry.stat).map_err(of_entry)?;
        self.tar
            .write_all(padding(header.size))
            .map_err(ArchiveError::Write)
    }

    /// Ends the tar.
    fn finish(mut self) -> Result<Hashed<GzEncoder<Hashed<W>>>, Error> {
        self.tar.write_all(&[0; 2 * BLOCK])?;
        while !self.tar.written.is_multiple_of(RECORD) {
            self.tar.write_all(&[0; BLOCK])?;
        }
        Ok(self.tar)
    }
}

/// Tells a reporter how far the archive is, about a hundred times.
struct Progress<'a> {
    reporter: &'a dyn Reporter,
    id: TransferId,
    position: u64,
    told: u64,
    step: u64,
}

impl<'a> Progress<'a> {
    fn begin(reporter: &'a dyn Reporter, total: u64) -> Self {
        /// Far from the numbers that transfers of other crates count up from zero.
        static NEXT: AtomicU64 = AtomicU64::new(1 << 48);
        let id = TransferId(NEXT.fetch_add(1, Ordering::Relaxed));
        reporter.report(Event::Started {
            id,
            name: "slug",
            total: Some(total),
        });
        Self {
            reporter,
            id,
            position: 0,
            told: 0,
            step: total / 100 + 1,
        }
    }

    fn advance(&mut self, bytes: u64) {
        self.position += bytes;
        if self.position - self.told >= self.step {
            self.told = self.position;
            let position = self.position;
            self.reporter.report(Event::Progressed {
                id: self.id,
                position,
            });
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.reporter.report(Event::Finished { id: self.id });
    }
}
