//! The slug's file: one gzip member holding a GNU tar, a pure function of the tree and the options.
//!
//! # Format (version [`FORMAT_VERSION`])
//!
//! - Every name starts with `./app/`; the first entry is `./app/` itself, always with mode 0755 and the fixed date: the
//!   mode of the folder that was archived says where it was built, not what the app is.
//! - Three parts follow, most stable first: [`Part::Runtime`], [`Part::Dependencies`], [`Part::App`]. A folder belongs to
//!   the first part that needs it, its own or that of anything below it, so that parents precede children.
//! - In a part come the folders, sorted by the bytes of their paths, then files and links, sorted by the bytes of their
//!   base names, then of the paths of their folders. Files of one name (`package.json`, `index.js`, `LICENSE`) then lie together, which
//!   makes the slug 3 to 7 % smaller than path order does.
//! - Headers are GNU's (magic `ustar`, two blanks, NUL). Names and link targets over 100 bytes go into `././@LongLink`
//!   entries, numbers that octal digits cannot hold are in base 256; PAX is never used. User and group ids are 0, names
//!   of owners empty, device numbers NUL.
//! - Modes are the permission bits as they are on disk (whoever prepares the tree decides the umask), without setuid,
//!   setgid and sticky; links have 0777. A folder's owner can always use it (0700 is added): GNU tar gives a folder its
//!   mode when it meets an entry outside of it, and an ordinary user could then unpack nothing more into a read-only
//!   one. (For the same reason it restores folders' times only with `--delay-directory-restore`.) Hard links are stored as copies, holes as zeros. Access control lists,
//!   extended attributes and file capabilities are not stored.
//! - Modification times are [`FIXED_TIME`] in the first two parts and [`ArchiveOptions::app_time`] in the last.
//! - Two blocks of zeros end the tar, which is then padded to a multiple of 10,240 bytes, as GNU tar does.
//! - The gzip header has no time and no name, 255 (unknown) as operating system, and as extra flags 0, or 4 for
//!   [`Compression::Fast`] and 2 for [`Compression::Best`]. There is one member.
//! - The tar is compressed in chunks, the borders of which are described in `chunks.rs`: by zlib-rs in the version that
//!   the workspace's Cargo.toml pins, at level 5, 1 or 9 with memory level 7 (what becomes less than a tenth at level 5, at 7
//!   if that is smaller); each with the last 32 KiB of the one before
//!   as dictionary (so that joined they are as small as one stream), ending in a sync flush. An empty block ends it all.
//!
//! Names are bytes: no locale, no order of `readdir`, no clock and no number of threads has a say.
//!
//! # How it is written
//!
//! ```text
//! walk ─► entries ─► chunks ─► read, hash and compress (threads) ─► write and hash in order ─► slug
//!                      │                    │                                                  │
//!                      └── recipe ──────────┴── content ──► cache of the last slug ◄───────────┘
//! ```
//!
//! With [`ArchiveOptions::cache`], chunks that the last slug of the same tree had are not compressed again, and those
//! with which it began are not even read, as long as their files' inodes and times are what they were.

mod border;
mod cache;
mod chunks;
mod compressor;
mod entries;
mod error;
mod folders;
mod header;
mod output;
mod plan;
mod recipe;
pub(crate) mod replacement;
mod summary;
mod tar_stream;
mod walk;
mod workers;
mod writer;

pub use crate::tree::Special;
pub use error::ArchiveError;
pub use folders::Folder;

use crate::stage::Tally;
use crate::stop::Stop;
use crate::tree::{Failure, Tree};
use output::Output;
use replacement::Replacement;
use serde::{Deserialize, Serialize};
use slugbuilder_report::{Reporter, Warning};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Write;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Version of the archive's format: a change of the bytes that the same tree and options give is a new version.
pub const FORMAT_VERSION: u32 = 2;

/// Modification time of everything that is not the app's own, in seconds since 1970: 1980-01-01 00:00:01 UTC, which
/// Cloud Native Buildpacks use for images too. (Zip files, which some runtimes make of their own files, know no earlier
/// year.)
pub const FIXED_TIME: i64 = 315_532_801;

/// Default of [`ArchiveOptions::max_size`]: Heroku's limit.
pub const MAX_SIZE: u64 = 500 * MEGABYTE;

/// Default of [`ArchiveOptions::warn_size`]: above it Heroku warns of slow boots.
pub const WARN_SIZE: u64 = 300 * MEGABYTE;

/// How many times [`ArchiveOptions::max_size`] (but always a megabyte) is written before an archive is given up:
/// someone may want to look into one that is somewhat too large, but nothing should fill the disk.
pub const FAR_TOO_LARGE: u64 = 4;

/// Heroku's megabytes are binary ones.
const MEGABYTE: u64 = 1 << 20;

/// How often something changes from one slug of an app to the next, in the order of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Languages' runtimes.
    Runtime,
    /// What package managers installed.
    Dependencies,
    /// The app's own files.
    App,
}

impl Part {
    /// The part of a file or folder of an app, by its path relative to it: what lies in folders that package managers
    /// fill (`node_modules` anywhere, `vendor/bundle` and `vendor/cache` of Bundler) is a dependency.
    #[must_use]
    pub fn of_app(path: &Path, is_directory: bool) -> Self {
        let path = path.as_os_str().as_bytes();
        let directories = if is_directory {
            path
        } else {
            let end = path.iter().rposition(|byte| *byte == b'/');
            &path[..end.unwrap_or(0)]
        };
        let is_in = |folder: &[u8]| {
            let rest = directories.strip_prefix(folder);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        let mut names = directories.split(|byte| *byte == b'/');
        let is_installed = names.any(|name| name == b"node_modules")
            || is_in(b"vendor/bundle")
            || is_in(b"vendor/cache");
        if is_installed {
            Self::Dependencies
        } else {
            Self::App
        }
    }
}

/// Where an entry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Not into the archive; for a folder this means everything below it too.
    Skip,
    /// The same, and what it is adds to [`Summary::left_out`] under this number.
    LeaveOut(usize),
    /// Into this part.
    In(Part),
}

/// Decides what is archived where. Several threads ask at once.
pub trait Layout: Sync {
    /// Places the entry at `path` (relative to the root, which itself is not asked about). Called once for each entry, for
    /// folders before what is in them. The answer must depend on nothing but the arguments and the layout.
    fn place(&self, path: &Path, directory: bool) -> Placement;

    /// The same for layouts that go by what else is in the folder: what is asked where there is a folder.
    fn place_among(&self, path: &Path, directory: bool, _siblings: Siblings<'_>) -> Placement {
        self.place(path, directory)
    }
}

/// The names in a folder, that of the entry in question too.
#[derive(Debug, Clone, Copy, Default)]
pub struct Siblings<'a> {
    /// By their bytes.
    names: &'a [&'a OsStr],
}

impl<'a> Siblings<'a> {
    /// Of names that are sorted by their bytes.
    #[must_use]
    pub fn of_sorted(names: &'a [&'a OsStr]) -> Self {
        Self { names }
    }

    /// Whether there is an entry of this name.
    #[must_use]
    pub fn contain(self, name: &OsStr) -> bool {
        self.names.binary_search(&name).is_ok()
    }

    /// All names.
    pub fn iter(self) -> impl Iterator<Item = &'a OsStr> {
        self.names.iter().copied()
    }
}

/// Everything is the app's own: for folders that were prepared by hand.
#[derive(Debug, Clone, Copy, Default)]
pub struct AppOnly;

impl Layout for AppOnly {
    fn place(&self, _: &Path, _: bool) -> Placement {
        Placement::In(Part::App)
    }
}

/// How hard to compress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// For slugs that are tried out: larger, in a fraction of the time.
    Fast,
    /// For slugs that are released.
    #[default]
    Default,
    /// For slugs that are released rarely and booted often: the smallest, in several times the time.
    Best,
}

/// What the archive depends on besides the tree.
#[derive(Debug, Clone)]
pub struct ArchiveOptions {
    /// Modification time of [`Part::App`], in seconds since 1970; see [`crate::slug::app_time`].
    pub app_time: i64,
    /// How hard to compress.
    pub compression: Compression,
    /// Bytes of the compressed archive above which writing it is an error.
    pub max_size: u64,
    /// Bytes of the compressed archive above which there is a warning.
    pub warn_size: u64,
    /// Links of which the user knows; they stay out of [`Summary::warnings`].
    pub known_links: BTreeSet<PathBuf>,
    /// Ends the writing. It has no say in what is written.
    pub stop: Stop,
    /// Compressing threads; without a number, as many as this process may use processors, up to 16. They have no say in
    /// what is written either.
    pub threads: Option<NonZeroUsize>,
    /// A folder in which the engine keeps what makes the next archive of the same tree fast. It is made where it is not
    /// there, and whatever is lost or broken in it costs time only.
    pub cache: Option<PathBuf>,
}

impl Default for ArchiveOptions {
    fn default() -> Self {
        Self {
            app_time: FIXED_TIME,
            compression: Compression::default(),
            max_size: MAX_SIZE,
            warn_size: WARN_SIZE,
            known_links: BTreeSet::new(),
            stop: Stop::default(),
            threads: None,
            cache: None,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Bytes of the compressed archive.
    pub size: u64,
    /// SHA-256 of the compressed archive.
    pub sha256: [u8; 32],
    /// SHA-256 of the tar in it.
    pub diff_id: [u8; 32],
    /// Files, folders and links, the root too.
    pub entries: u64,
    /// Bytes of the tar.
    pub uncompressed: u64,
    /// Bytes of the compressed archive that were taken from [`ArchiveOptions::cache`].
    pub reused: u64,
    /// How much was left out under which number of [`Placement::LeaveOut`]. Folders that cannot be read count as nothing.
    pub left_out: BTreeMap<usize, Tally>,
    /// The folders that are worth a look, largest first, if it is larger than [`ArchiveOptions::warn_size`] or
    /// [`ArchiveOptions::max_size`].
    pub largest: Vec<Folder>,
    /// Links that leave `./app` or loop, and a size above [`ArchiveOptions::warn_size`].
    pub warnings: Vec<Warning>,
}

/// Archives the folder `root` as `./app` into `output`, in memory that depends on the number of entries and threads only
/// (about two megabytes a thread).
///
/// `output` gets the whole archive also where it is larger than [`ArchiveOptions::max_size`]; that error comes last. One
/// that is more than [`FAR_TOO_LARGE`] times as large is not written to its end, and neither is one that is stopped.
/// Other errors leave `output` with a part of it.
pub fn write(
    root: &Path,
    layout: &dyn Layout,
    options: &ArchiveOptions,
    output: &mut impl Write,
    reporter: &dyn Reporter,
) -> Result<Summary, ArchiveError> {
    let output = Output::Stream(output);
    write_into(&open(root)?, root, layout, options, output, reporter)
}

fn open(root: &Path) -> Result<Tree, ArchiveError> {
    Tree::open(root).map_err(|error| ArchiveError::of_entry(root, Failure::Io(error)))
}

fn write_into(
    tree: &Tree,
    root: &Path,
    layout: &dyn Layout,
    options: &ArchiveOptions,
    output: Output<'_>,
    reporter: &dyn Reporter,
) -> Result<Summary, ArchiveError> {
    let summary = writer::write(tree, root, layout, options, output, reporter)?;
    if summary.size > options.max_size {
        return Err(ArchiveError::TooLarge {
            summary: Box::new(summary),
            max_size: options.max_size,
            kept: None,
        });
    }
    Ok(summary)
}

/// Whether [`write_beside`] can be expected to find a place for a slug at `path`. Writes nothing.
pub fn check_output(path: &Path) -> Result<(), ArchiveError> {
    Replacement::check(path).map_err(|source| ArchiveError::Output {
        path: path.to_owned(),
        source,
    })
}

/// A slug that is whole but not in its place yet; dropped, it is gone.
#[derive(Debug)]
pub struct WrittenSlug {
    file: Replacement,
    path: PathBuf,
}

impl WrittenSlug {
    /// Whether [`WrittenSlug::finish`] can be expected to work.
    pub fn check(&self) -> Result<(), ArchiveError> {
        self.file
            .check_place()
            .map_err(|source| ArchiveError::Output {
                path: self.path.clone(),
                source,
            })
    }

    /// Puts the slug into its place.
    pub fn finish(self) -> Result<(), ArchiveError> {
        let Self { file, path } = self;
        file.finish()
            .map_err(|source| ArchiveError::Output { path, source })
    }
}

/// Archives the folder `root` into the file at `path`: [`write_beside`] and [`WrittenSlug::finish`].
pub fn write_file(
    root: &Path,
    layout: &dyn Layout,
    options: &ArchiveOptions,
    path: &Path,
    reporter: &dyn Reporter,
) -> Result<Summary, ArchiveError> {
    let (summary, slug) = write_beside(root, layout, options, path, reporter)?;
    slug.finish()?;
    Ok(summary)
}

/// Archives the folder `root` into a file beside `path`, to be put there later.
///
/// What is at `path` stays as it is until then. Temporary files that killed runs left for the same `path` are removed
/// first. An archive that is too large is kept as `<path>.oversize`, so that one can look into it.
pub fn write_beside(
    root: &Path,
    layout: &dyn Layout,
    options: &ArchiveOptions,
    path: &Path,
    reporter: &dyn Reporter,
) -> Result<(Summary, WrittenSlug), ArchiveError> {
    write_tree_beside(&open(root)?, root, layout, options, path, reporter)
}

/// [`write_beside`] of a tree that is open already; `root` is its name in errors.
pub(crate) fn write_tree_beside(
    tree: &Tree,
    root: &Path,
    layout: &dyn Layout,
    options: &ArchiveOptions,
    path: &Path,
    reporter: &dyn Reporter,
) -> Result<(Summary, WrittenSlug), ArchiveError> {
    let failed = |source| ArchiveError::Output {
        path: path.to_owned(),
        source,
    };
    let file = Replacement::begin(path).map_err(failed)?;
    let result = write_into(
        tree,
        root,
        layout,
        options,
        Output::File(file.as_file()),
        reporter,
    );
    match result {
        Ok(summary) => Ok((
            summary,
            WrittenSlug {
                file,
                path: path.to_owned(),
            },
        )),
        Err(ArchiveError::TooLarge {
            summary, max_size, ..
        }) => Err(ArchiveError::TooLarge {
            summary,
            max_size,
            kept: Some(file.keep_as_oversize().map_err(failed)?),
        }),
        Err(error) => Err(error.at(path)),
    }
}
