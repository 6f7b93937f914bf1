//! What is unpacked, and within which limits.

use std::path::{Path, PathBuf};

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Not at all.
    Tar,
    /// By gzip, in one or several members.
    TarGz,
    /// By xz, in one or several streams.
    TarXz,
}

impl Format {
    /// The format that a file's name ends with: `.tar`, `.tar.gz`, `.tgz`, `.tar.xz` or `.txz`.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let endings = [
            (".tar", Self::Tar),
            (".tar.gz", Self::TarGz),
            (".tgz", Self::TarGz),
            (".tar.xz", Self::TarXz),
            (".txz", Self::TarXz),
        ];
        endings
            .into_iter()
            .find(|(ending, _)| name.ends_with(ending))
            .map(|(_, format)| format)
    }
}

/// What is cut off the front of every name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strip {
    /// So many parts; `./` does not count as one. A folder of just that many is the destination itself, everything
    /// else that has no more is outside.
    Components(usize),
    /// These parts, for example `app` or `./app/`; the folder of that name is the destination itself. An entry that
    /// does not begin with them is outside.
    Prefix(PathBuf),
}

/// What a link may point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Only what is in the destination, also through other links: anything else is an error. For runtimes.
    Inside,
    /// Symbolic links are kept as they are, wherever they point; nothing is ever written through one. Hard links
    /// still have to name an earlier entry. For slugs, whose links are meant for another root.
    Any,
}

/// The times that files get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// That of the unpacking.
    #[default]
    Now,
    /// Those of the archive, in whole seconds, for files, folders and symbolic links.
    Archive,
}

/// What an archive may grow to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries, the ignored ones too. Default: 1,000,000.
    pub entries: u64,
    /// Bytes of the uncompressed archive. Default: 8 GiB.
    pub bytes: u64,
    /// Uncompressed bytes for each compressed one, from the first 64 MiB of output on. Default: 250.
    ///
    /// Runtimes and slugs stay below 10; gzip's most is about 1,030, that of xz about 7,000.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 1_000_000,
            bytes: 8 << 30,
            ratio: 250,
        }
    }
}

/// How an archive is unpacked.
#[derive(Clone)]
pub struct UnpackOptions<'a> {
    /// What is cut off the front of every name.
    pub strip: Strip,
    /// Whether an entry is wanted; gets its path after stripping. The folders that a wanted entry needs are made.
    pub keep: &'a dyn Fn(&Path) -> bool,
    /// What a link may point to.
    pub links: Links,
    /// The times that files get.
    pub times: Times,
    /// Whether the owner may read every file and change every folder, whatever modes the archive gives them.
    pub for_owner: bool,
    /// What it may grow to.
    pub limits: Limits,
}

impl Default for UnpackOptions<'_> {
    /// Everything, names as they are, links that stay inside, modes of the archive.
    fn default() -> Self {
        Self {
            strip: Strip::Components(0),
            keep: &|_| true,
            links: Links::Inside,
            times: Times::Now,
            for_owner: false,
            limits: Limits::default(),
        }
    }
}

/// What was unpacked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Files, hard links included.
    pub files: u64,
    /// Folders that the archive names.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Entries outside of what [`Strip`] takes.
    pub outside: u64,
    /// Entries that [`UnpackOptions::keep`] did not want.
    pub unwanted: u64,
}
