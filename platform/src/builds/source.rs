//! The source of a build: fetched or taken, checked, and put where the app is always built.

use super::folders::remove;
use super::run::Failure;
use fs_err as fs;
use slugbuilder_fetch::{Format, Limits, UnpackOptions, unpack};
use slugbuilder_report::{Diagnosis, Explain as _, Fault};
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What a source may grow to: more than any app has, and less than a disk.
const LIMITS: Limits = Limits {
    entries: 500_000,
    bytes: 4 << 30,
    ratio: 250,
};

/// Where an app is built.
pub(super) struct Place {
    /// The folder of the app.
    pub(super) app: PathBuf,
}

impl Place {
    pub(super) fn source(&self) -> PathBuf {
        self.app.join("source")
    }

    fn marker(&self) -> PathBuf {
        self.app.join("source-of")
    }

    /// Whether the source that is there is that of a build, which a killed server put there.
    pub(super) fn is_of(&self, build: Uuid) -> bool {
        fs::read_to_string(self.marker()).is_ok_and(|text| text == build.to_string())
    }

    /// Makes `folder` the source of a build, instead of what was.
    pub(super) fn put(&self, folder: &Path, build: Uuid) -> io::Result<()> {
        remove(&self.marker())?;
        remove(&self.source())?;
        fs::rename(folder, self.source())?;
        fs::write(self.marker(), build.to_string())
    }
}

/// Unpacks an archive to a folder that is not there yet, and says where in it the source is: archives of Git hosts have one
/// folder around everything.
pub(super) fn unpack_source(archive: impl Read + Send, to: &Path) -> Result<PathBuf, Failure> {
    let mut archive = BufReader::with_capacity(64 << 10, archive);
    let format = format(archive.fill_buf().map_err(Failure::disk)?)?;
    let options = UnpackOptions {
        limits: LIMITS,
        ..UnpackOptions::default()
    };
    match unpack(archive, format, to, &options) {
        Ok(_) => inner_folder(to).map_err(Failure::disk),
        Err(error) if error.fault() == Fault::Io => {
            Err(Failure::ours(Diagnosis::of(&error).one_line()))
        }
        Err(error) => Err(Failure::source(format!(
            "The archive of the source cannot be used: {}",
            Diagnosis::of(&error).one_line()
        ))),
    }
}

/// How an archive is compressed, by its first bytes.
fn format(start: &[u8]) -> Result<Format, Failure> {
    let other = |name: &str| {
        Failure::source(format!(
            "The source is a {name} file, and has to be a tar archive, compressed with gzip or xz or not at all"
        ))
    };
    match start {
        [] => Err(Failure::source("The archive of the source is empty".into())),
        [0x1f, 0x8b, ..] => Ok(Format::TarGz),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Format::TarXz),
        [b'P', b'K', 3 | 5, ..] => Err(other("ZIP")),
        [b'B', b'Z', b'h', ..] => Err(other("bzip2")),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(other("zstd")),
        _ => Ok(Format::Tar),
    }
}

/// The one folder that is all there is in `folder`, or else that itself.
fn inner_folder(folder: &Path) -> io::Result<PathBuf> {
    let mut entries = fs::read_dir(folder)?;
    if let (Some(only), None) = (entries.next(), entries.next()) {
        let only = only?;
        if only.file_type()?.is_dir() {
            return Ok(only.path());
        }
    }
    Ok(folder.to_owned())
}

/// A reader that fails when nobody wants any longer what it reads.
pub(super) struct Unless<R> {
    pub(super) inner: R,
    pub(super) cancelled: CancellationToken,
}

impl<R: Read> Read for Unless<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancelled.is_cancelled() {
            return Err(io::Error::other("the build was cancelled"));
        }
        self.inner.read(buffer)
    }
}
