//! The files of a commit in a folder.
//!
//! A commit of a few kilobytes can stand for any number of files of any size, so that all of them are counted before any is
//! written. What is in it has been checked before (`transfer.fsckObjects`): no name is `.git`, `..` or empty, and git writes
//! through no symlink.

use super::error::GitError;
use super::program::{Tool, finish, io_error};
use fs_err as fs;
use slugbuilder_report::printable;
use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// Files, links and folders that a commit may have.
const MAXIMUM_ENTRIES: u64 = 300_000;
/// Bytes that all of its files may have together.
const MAXIMUM_BYTES: u64 = 4 << 30;
/// Bytes of one path: `PATH_MAX` of Linux, less what stands before it here.
const MAXIMUM_PATH: usize = 3500;
/// As long as listing or writing may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// Bytes of one line of the listing: mode, kind, object and size before the path.
const MAXIMUM_LINE: u64 = 8 << 10;

/// How the files that Git LFS leaves in place of the real ones begin (docs/spec.md of git-lfs).
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
/// As large as such files are.
const LFS_SIZES: std::ops::RangeInclusive<u64> = 100..=1024;

/// How many names a warning lists.
const LISTED: usize = 5;

/// Where a commit is to be had.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) tool: &'a Tool,
    pub(super) repository: &'a Path,
    /// The folder of objects that do not count yet.
    pub(super) quarantine: Option<PathBuf>,
    /// Its name, an object's.
    pub(super) commit: &'a str,
}

/// What is known of a commit, and was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exported {
    /// When it was made, in seconds since 1970.
    pub(super) time: i64,
    /// The first line of its message.
    pub(super) subject: String,
    /// What whoever builds it should know.
    pub(super) warnings: Vec<String>,
}

/// Why there are no files.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    /// The commit is at fault; a sentence for whoever made it.
    #[error("{0}")]
    Refused(String),
    /// The server is.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl Source<'_> {
    fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = self.tool.command(Some(self.repository), arguments);
        if let Some(quarantine) = &self.quarantine {
            // As receive-pack has it for the hook.
            command.env("GIT_OBJECT_DIRECTORY", quarantine).env(
                "GIT_ALTERNATE_OBJECT_DIRECTORIES",
                self.repository.join("objects"),
            );
        }
        command
    }

    /// What kind of object it is: `commit`, if all is well.
    pub(super) async fn kind(&self) -> Result<String, GitError> {
        let command = self.command(&["cat-file", "-t", self.commit]);
        let printed = finish("cat-file", command, PATIENCE).await?;
        Ok(String::from_utf8_lossy(&printed).trim().to_owned())
    }

    /// Writes the files of the commit to `folder`, which is empty; `scratch` is a file to be made beside it.
    pub(super) async fn export(
        &self,
        folder: &Path,
        scratch: &Path,
    ) -> Result<Exported, ExportError> {
        let (time, subject) = self.about().await?;
        let listing = timeout(PATIENCE, self.list()).await;
        let listing = listing.unwrap_or_else(|_| Err(refused("has too many files to list")))?;
        let commit = format!("{}^{{tree}}", self.commit);
        let mut command = self.command(&["read-tree", "--reset", "-u", &commit]);
        command
            .env("GIT_WORK_TREE", folder)
            .env("GIT_INDEX_FILE", scratch);
        let written = finish("read-tree", command, PATIENCE).await;
        drop(fs::remove_file(scratch));
        written?;
        let folder = folder.to_owned();
        let warnings = tokio::task::spawn_blocking(move || listing.warnings(&folder)).await;
        let warnings = warnings
            .map_err(|error| io_error("look at the pushed files", std::io::Error::other(error)))?;
        Ok(Exported {
            time,
            subject,
            warnings,
        })
    }

    /// The commit's time and the first line of its message.
    async fn about(&self) -> Result<(i64, String), GitError> {
        let arguments = [
            "log",
            "-1",
            "--no-show-signature",
            "--no-color",
            "--no-notes",
            "--encoding=UTF-8",
            "--format=%ct%x00%s",
            self.commit,
            "--",
        ];
        let printed = finish("log", self.command(&arguments), PATIENCE).await?;
        let printed = String::from_utf8_lossy(&printed);
        let wrong = || GitError::Answer {
            what: "log",
            problem: "it has no time".into(),
        };
        let (time, subject) = printed.split_once('\0').ok_or_else(wrong)?;
        // Times before 1970 are none that files have.
        let time = time.parse::<i64>().map_err(|_| wrong())?.max(0);
        Ok((time, printable(subject.trim()).chars().take(200).collect()))
    }

    /// Counts what there is.
    async fn list(&self) -> Result<Listing, ExportError> {
        // Folders, too: those of folders of folders have no end either.
        let arguments = [
            "ls-tree",
            "-r",
            "-t",
            "-z",
            "-l",
            "--full-tree",
            self.commit,
        ];
        let start = |source| GitError::Start {
            what: "ls-tree".into(),
            source,
        };
        let mut command = self.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // Dropped on every way out of here, it is killed.
        let mut child = command.spawn().map_err(start)?;
        let stdout = child.stdout.take();
        let stdout = stdout.ok_or_else(|| start(std::io::ErrorKind::BrokenPipe.into()))?;
        let mut stdout = BufReader::new(stdout);
        let mut listing = Listing::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut limited = (&mut stdout).take(MAXIMUM_LINE);
            limited.read_until(0, &mut line).await.map_err(start)?;
            match line.split_last() {
                None => break,
                Some((0, entry)) => listing.add(entry)?,
                Some(_) => return Err(refused("has a path that is too long")),
            }
        }
        let output = child.wait_with_output().await.map_err(start)?;
        if !output.status.success() {
            return Err(ExportError::Git(GitError::Failed {
                what: "ls-tree".into(),
                message: super::program::said(&output.stderr, output.status),
            }));
        }
        Ok(listing)
    }
}

fn refused(what: &str) -> ExportError {
    ExportError::Refused(format!("The commit {what}."))
}

/// What a commit has.
#[derive(Debug, Default)]
struct Listing {
    entries: u64,
    bytes: u64,
    submodules: Vec<String>,
    submodule_count: usize,
    has_attributes: bool,
    /// Files of the size that Git LFS's have.
    small: Vec<OsString>,
}

impl Listing {
    /// Takes an entry: `MODE KIND OBJECT SIZE<tab>PATH`, the size with spaces before it, or `-`.
    fn add(&mut self, entry: &[u8]) -> Result<(), ExportError> {
        let wrong = || GitError::Answer {
            what: "ls-tree",
            problem: format!("`{}`", entry.escape_ascii()),
        };
        let tab = entry
            .iter()
            .position(|byte| *byte == b'\t')
            .ok_or_else(wrong)?;
        let (facts, path) = entry.split_at(tab);
        let path = path.get(1..).unwrap_or_default();
        let facts = str::from_utf8(facts).map_err(|_| wrong())?;
        let mut facts = facts.split_ascii_whitespace();
        let (mode, _kind, _object) = (facts.next(), facts.next(), facts.next());
        let (mode, size) = (mode.ok_or_else(wrong)?, facts.next().ok_or_else(wrong)?);

        self.entries += 1;
        if self.entries > MAXIMUM_ENTRIES {
            return Err(refused(&format!(
                "has more than {MAXIMUM_ENTRIES} files and folders"
            )));
        }
        if path.len() > MAXIMUM_PATH {
            return Err(refused(&format!(
                "has a path of more than {MAXIMUM_PATH} bytes"
            )));
        }
        if mode == "160000" {
            self.submodule_count += 1;
            if self.submodules.len() < LISTED {
                self.submodules
                    .push(printable(&String::from_utf8_lossy(path)));
            }
        }
        if size == "-" {
            return Ok(());
        }
        let size: u64 = size.parse().map_err(|_| wrong())?;
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > MAXIMUM_BYTES {
            return Err(refused(&format!(
                "has more than {} MB of files",
                MAXIMUM_BYTES >> 20
            )));
        }
        if mode.starts_with("100") {
            let name = path.rsplit(|byte| *byte == b'/').next();
            self.has_attributes |= name == Some(b".gitattributes");
            if LFS_SIZES.contains(&size) {
                self.small.push(OsStr::from_bytes(path).to_owned());
            }
        }
        Ok(())
    }

    /// What is other than in the work tree that it was committed from. The files are in `folder`.
    fn warnings(&self, folder: &Path) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.submodule_count > 0 {
            warnings.push(format!(
                "Submodules are not fetched, and their folders are empty: {}. Commit the files that the app needs.",
                listed(&self.submodules, self.submodule_count)
            ));
        }
        // Without attributes, Git LFS is not in use.
        let pointers: Vec<_> = self
            .small
            .iter()
            .filter(|path| self.has_attributes && is_lfs_pointer(&folder.join(path)))
            .collect();
        if !pointers.is_empty() {
            let names: Vec<_> = pointers
                .iter()
                .take(LISTED)
                .map(|path| printable(&path.to_string_lossy()))
                .collect();
            warnings.push(format!(
                "Files of Git LFS are not fetched; what stands for them is built in their place: {}. Commit the files that \
                 the app needs, or publish a slug from a work tree that has them (`slugbuilder deploy`).",
                listed(&names, pointers.len())
            ));
        }
        warnings
    }
}

/// Names, and how many more there are.
fn listed(names: &[String], count: usize) -> String {
    let names_listed = names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match count.saturating_sub(names.len()) {
        0 => names_listed,
        more => format!("{names_listed} and {more} more"),
    }
}

fn is_lfs_pointer(path: &Path) -> bool {
    let mut beginning = [0; LFS_POINTER.len()];
    fs::File::open(path)
        .is_ok_and(|mut file| file.read_exact(&mut beginning).is_ok() && beginning == *LFS_POINTER)
}
