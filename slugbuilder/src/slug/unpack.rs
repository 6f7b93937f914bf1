//! Reading a slug back.

use super::SlugError;
use crate::stop::{Stop, Stoppable};
use flate2::read::MultiGzDecoder;
use slugbuilder_fetch::{
    Format, Limits, Links, Strip, Times, UnpackError, UnpackOptions, Unpacked,
};
use slugbuilder_report::Warning;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// First bytes of every gzip file.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// First bytes of another file that an error shows.
const SHOWN: u64 = 32;

/// A slug's app as a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpackedSlug {
    /// How much there is.
    pub unpacked: Unpacked,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// Unpacks the app of the slug at `slug` to the folder `destination`, which must not exist and appears only when it is
/// whole. Names begin with `./app/` or, in slugs made by hand, `app/`; what is outside is passed over with a warning.
///
/// A slug is taken as hostile: nothing is written outside of `destination`, whatever its names and links say. Links are
/// kept as they are, since they are meant for `/app`. Modification times are those of the slug. `stop` ends it early, with nothing at `destination`.
pub fn unpack(
    slug: &Path,
    destination: &Path,
    limits: Limits,
    stop: &Stop,
) -> Result<UnpackedSlug, SlugError> {
    let mut file = open(slug)?;
    let unreadable = |source| SlugError::Unreadable {
        path: slug.to_owned(),
        source,
    };
    let options = UnpackOptions {
        strip: Strip::Prefix("app".into()),
        links: Links::Any,
        times: Times::Archive,
        limits,
        ..UnpackOptions::default()
    };
    let input = Stoppable { inner: &file, stop };
    let unpacked = slugbuilder_fetch::unpack(input, Format::TarGz, destination, &options);
    let unpacked = unpacked.map_err(|source| match (source, stop.check()) {
        // The reading failed because of that.
        (UnpackError::Read(_), Err(stopped)) => SlugError::Stopped(stopped),
        (source, _) => SlugError::Unpack {
            path: slug.to_owned(),
            source,
        },
    })?;
    if unpacked.files + unpacked.directories + unpacked.symlinks == 0 {
        // It may be there, with nothing in it.
        drop(std::fs::remove_dir(destination));
        file.rewind().map_err(unreadable)?;
        return Err(SlugError::NoApp {
            path: slug.to_owned(),
            first: first_entry(&file),
        });
    }
    let mut warnings = Vec::new();
    if unpacked.outside > 0 {
        let message = format!(
            "{} entries of the slug are not in `./app` and were passed over",
            unpacked.outside
        );
        warnings.push(Warning::new("slug-entries-outside-app", message));
    }
    Ok(UnpackedSlug { unpacked, warnings })
}

/// Makes sure that there is a slug at `path`: a file that can be read and that gzip made.
pub fn check(path: &Path) -> Result<(), SlugError> {
    open(path).map(drop)
}

/// Opens the slug at `path`, at its beginning.
fn open(path: &Path) -> Result<File, SlugError> {
    let unreadable = |source| SlugError::Unreadable {
        path: path.to_owned(),
        source,
    };
    // Before it is opened: opening a FIFO would wait for a writer.
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        let kind = if metadata.is_dir() {
            std::io::ErrorKind::IsADirectory
        } else {
            std::io::ErrorKind::Other
        };
        return Err(unreadable(std::io::Error::new(kind, "it is no file")));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let mut beginning = Vec::new();
    (&mut file)
        .take(SHOWN)
        .read_to_end(&mut beginning)
        .map_err(unreadable)?;
    if !beginning.starts_with(&MAGIC) {
        return Err(SlugError::NotGzip {
            path: path.to_owned(),
            beginning,
        });
    }
    file.rewind().map_err(unreadable)?;
    Ok(file)
}

/// Name of the first entry of an archive that has been read to its end without errors.
fn first_entry(file: &File) -> Option<PathBuf> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(BufReader::new(file)));
    let entry = archive.entries().ok()?.next()?.ok()?;
    Some(PathBuf::from(OsString::from_vec(
        entry.path_bytes().into_owned(),
    )))
}
