//! A read-only view of the app's folder.
//!
//! The app is the whole source, or one folder of it (`--root packages/api`). Paths that methods take are relative to the
//! app; those that people read ([`App::origin`], errors) are relative to the source. What a link that leads out of the
//! source points to is never read.

use slugbuilder_report::{Explain, Fault, Origin};
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Larger files are no manifests.
const MAX_TEXT_BYTES: u64 = 4 << 20;

/// The app's folder, with the names at its root read once.
#[derive(Debug, Clone)]
pub struct App {
    source: PathBuf,
    view_of: Option<PathBuf>,
    folder: String,
    root: PathBuf,
    names: Vec<OsString>,
}

impl App {
    /// Lists the folder `root`, which is a whole source.
    pub fn open(root: &Path) -> Result<Self, AppError> {
        Self::list(root, None, String::new())
    }

    /// Lists `folder` of the source `source`. It has no slashes at its ends and no `.` or `..` in it, and is empty for
    /// the source itself; a link that leads out of the source is an error.
    pub fn open_folder(source: &Path, folder: &str) -> Result<Self, AppError> {
        Self::open_view(source, None, folder)
    }

    /// The same of a source that is only a view: what is in it are links into the folder `view_of`, which lead nowhere out
    /// of the source, then.
    pub fn open_view(
        source: &Path,
        view_of: Option<&Path>,
        folder: &str,
    ) -> Result<Self, AppError> {
        let full = source.join(folder);
        if !full.is_dir() {
            return Err(AppError::NoFolder(folder.to_owned()));
        }
        if !leads_inside(source, view_of, &full) {
            return Err(AppError::OutsideSource(folder.to_owned()));
        }
        Self::list(source, view_of, folder.to_owned())
    }

    /// The whole source that this app is a folder of.
    pub fn whole_source(&self) -> Result<Self, AppError> {
        if self.folder.is_empty() {
            return Ok(self.clone());
        }
        Self::list(&self.source, self.view_of.as_deref(), String::new())
    }

    fn list(source: &Path, view_of: Option<&Path>, folder: String) -> Result<Self, AppError> {
        let root = if folder.is_empty() {
            source.to_owned()
        } else {
            source.join(&folder)
        };
        let mut names = Vec::new();
        for entry in fs_err::read_dir(&root).map_err(AppError::Io)? {
            names.push(entry.map_err(AppError::Io)?.file_name());
        }
        names.sort();
        Ok(Self {
            source: source.to_owned(),
            view_of: view_of.map(ToOwned::to_owned),
            folder,
            root,
            names,
        })
    }

    /// The app's folder relative to the source, empty for the source itself.
    #[must_use]
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// `path` relative to the source, as people read it.
    #[must_use]
    pub fn shown(&self, path: &str) -> String {
        join(&self.folder, path)
    }

    /// The file `path` as an origin.
    #[must_use]
    pub fn origin(&self, path: &str) -> Origin {
        Origin::file(self.shown(path))
    }

    /// A line of the file `path` as an origin.
    #[must_use]
    pub fn line(&self, path: &str, line: usize) -> Origin {
        Origin::line(self.shown(path), line)
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The names at the root, sorted by bytes.
    #[must_use]
    pub fn names(&self) -> &[OsString] {
        &self.names
    }

    /// The names of the regular files at the root (links to one too) that end in `suffix`; names that are not UTF-8
    /// are no candidates for anything.
    pub fn files_ending_in<'a>(&'a self, suffix: &'a str) -> impl Iterator<Item = &'a str> {
        self.names
            .iter()
            .filter_map(|name| name.to_str())
            .filter(move |name| {
                name.ends_with(suffix) && !name.starts_with('.') && self.is_file(name)
            })
    }

    /// Whether `path`, relative to the root, is a regular file or a link to one.
    #[must_use]
    pub fn is_file(&self, path: &str) -> bool {
        self.root.join(path).is_file()
    }

    /// Whether `path`, relative to the root, is a folder or a link to one.
    #[must_use]
    pub fn is_folder(&self, path: &str) -> bool {
        self.root.join(path).is_dir()
    }

    /// Whether `path` is there and, whatever links it goes through, inside the source.
    #[must_use]
    pub fn is_inside(&self, path: &str) -> bool {
        leads_inside(&self.source, self.view_of.as_deref(), &self.root.join(path))
    }

    /// The names in the folder `path`, sorted by bytes; none where there is no such folder.
    pub fn names_in(&self, path: &str) -> Result<Vec<OsString>, AppError> {
        let full = self.root.join(path);
        if !full.is_dir() {
            return Ok(Vec::new());
        }
        if !self.is_inside(path) {
            return Err(AppError::LinkOutside(self.shown(path)));
        }
        let mut names = fs_err::read_dir(&full)
            .and_then(|entries| {
                entries
                    .map(|entry| entry.map(|entry| entry.file_name()))
                    .collect::<Result<Vec<_>, _>>()
            })
            .map_err(AppError::Io)?;
        names.sort();
        Ok(names)
    }

    /// Reads a short file; nothing where there is none of that name.
    pub fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, AppError> {
        let Some(bytes) = self.beginning(path, MAX_TEXT_BYTES + 1)? else {
            return Ok(None);
        };
        if bytes.len() as u64 > MAX_TEXT_BYTES {
            return Err(AppError::TooLarge(self.shown(path)));
        }
        Ok(Some(bytes))
    }

    /// Reads the first `limit` bytes of a file of any size; nothing where there is none of that name.
    pub fn beginning(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, AppError> {
        let full = self.root.join(path);
        match full.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(AppError::Io(error)),
            Ok(_) => {}
        }
        if !self.is_inside(path) && self.leads_outside(&full) {
            return Err(AppError::LinkOutside(self.shown(path)));
        }
        let metadata = fs_err::metadata(&full).map_err(AppError::Io)?;
        // Opening a FIFO would wait for ever.
        if !metadata.is_file() {
            return Err(AppError::NotAFile(self.shown(path)));
        }
        let mut bytes = Vec::new();
        fs_err::File::open(&full)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(AppError::Io)?;
        Ok(Some(bytes))
    }

    /// Whether `full`, which is not inside the source, is so because of where a link leads. A link to nothing is judged by
    /// its text, so that a sandbox, which has less outside of the source, says the same as the machine.
    fn leads_outside(&self, full: &Path) -> bool {
        match full.canonicalize() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            _ => return true,
        }
        let mut at = full.to_owned();
        for _ in 0..MAX_LINKS {
            let Ok(target) = at.read_link() else {
                break;
            };
            at = without_dots(&at.parent().unwrap_or(&at).join(target));
        }
        let is_below = |folder: &Path| {
            at.starts_with(folder)
                || folder
                    .canonicalize()
                    .is_ok_and(|folder| at.starts_with(folder))
        };
        !is_below(&self.source) && !self.view_of.as_deref().is_some_and(is_below)
    }

    /// Reads a text file; nothing where there is none of that name. A byte order mark is dropped.
    pub fn text(&self, path: &str) -> Result<Option<String>, AppError> {
        let Some(bytes) = self.bytes(path)? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let bytes = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            AppError::NotText {
                path: self.shown(path),
                line: line_of(bytes, bytes.len()),
                is_utf16: error.as_bytes().starts_with(&[0xff, 0xfe])
                    || error.as_bytes().starts_with(&[0xfe, 0xff]),
            }
        })?;
        Ok(Some(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        }))
    }
}

/// More links than this the kernel does not follow either.
const MAX_LINKS: usize = 40;

fn leads_inside(source: &Path, view_of: Option<&Path>, path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else {
        return false;
    };
    let holds = |folder: &Path| {
        folder
            .canonicalize()
            .is_ok_and(|folder| path.starts_with(folder))
    };
    holds(source) || view_of.is_some_and(holds)
}

/// `path` without `.` and `..`, by its text alone.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// `path` below `folder`, either of which may be empty.
pub(crate) fn join(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

/// The line (from 1) of byte `offset` of `text`.
pub(crate) fn line_of(text: &[u8], offset: usize) -> usize {
    1 + text
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
}

/// A file of the app that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Reading failed; the text names the path.
    #[error("cannot read the app")]
    Io(#[source] std::io::Error),
    /// The folder that the app should be is not there.
    #[error("the source has no folder `{0}`")]
    NoFolder(String),
    /// The folder that the app should be is a link to somewhere else.
    #[error("the folder `{0}` is a link that leads out of the source")]
    OutsideSource(String),
    /// A file that is a link to somewhere else, or lies behind one.
    #[error("`{0}` is a link that leads out of the source")]
    LinkOutside(String),
    /// A folder, FIFO, socket or device where a file is expected.
    #[error("`{0}` is not a regular file")]
    NotAFile(String),
    /// Far too large for what it should be.
    #[error("`{0}` is larger than 4 MiB")]
    TooLarge(String),
    /// Bytes that are not UTF-8.
    #[error("`{path}` line {line}: the text is not UTF-8")]
    NotText {
        /// Which file.
        path: String,
        /// The line of the first bad byte.
        line: usize,
        /// Whether it begins with the byte order mark of UTF-16.
        is_utf16: bool,
    },
}

impl Explain for AppError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "unreadable-app",
            Self::NoFolder(_) | Self::OutsideSource(_) => "no-such-root",
            Self::LinkOutside(_) => "link-out-of-source",
            Self::NotAFile(_) => "not-a-file",
            Self::TooLarge(_) => "file-too-large",
            Self::NotText { .. } => "not-utf8",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Io(_) => Fault::Io,
            Self::NoFolder(_) | Self::OutsideSource(_) => Fault::Usage,
            _ => Fault::App,
        }
    }

    fn hints(&self) -> Vec<String> {
        vec![match self {
            Self::Io(_) => "Make the file readable for the user who builds.".into(),
            Self::NoFolder(_) | Self::OutsideSource(_) => {
                "Name a folder of the source: `--root packages/api`, or `SLUGBUILDER_ROOT`.".into()
            }
            Self::LinkOutside(path) => {
                format!(
                    "Put what it leads to at `{path}` itself, or link to something inside the source."
                )
            }
            Self::NotAFile(path) => format!("Put a text file at `{path}`, or remove it."),
            Self::TooLarge(path) => format!("`{path}` should be a short text file."),
            Self::NotText {
                path,
                is_utf16: true,
                ..
            } => format!("Save `{path}` as UTF-8: PowerShell writes UTF-16 with `>`."),
            Self::NotText { path, .. } => format!("Save `{path}` as UTF-8."),
        }]
    }
}

#[cfg(test)]
mod tests;
