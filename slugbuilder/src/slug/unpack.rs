//! Reading a slug back.

use super::SlugError;
use flate2::read::MultiGzDecoder;
use slugbuilder_fetch::{Format, Limits, Links, Strip, Times, UnpackOptions, Unpacked};
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
/// kept as they are, since they are meant for `/app`. Modification times are those of the slug.
pub fn unpack(slug: &Path, destination: &Path, limits: Limits) -> Result<UnpackedSlug, SlugError> {
    let unreadable = |source| SlugError::Unreadable {
        path: slug.to_owned(),
        source,
    };
    // Before it is opened: opening a FIFO would wait for a writer.
    if !slug.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable(std::io::Error::other("it is no file")));
    }
    let mut file = File::open(slug).map_err(unreadable)?;
    let mut beginning = Vec::new();
    (&mut file)
        .take(SHOWN)
        .read_to_end(&mut beginning)
        .map_err(unreadable)?;
    if !beginning.starts_with(&MAGIC) {
        return Err(SlugError::NotGzip {
            path: slug.to_owned(),
            beginning,
        });
    }
    file.rewind().map_err(unreadable)?;
    let options = UnpackOptions {
        strip: Strip::Prefix("app".into()),
        links: Links::Any,
        times: Times::Archive,
        limits,
        ..UnpackOptions::default()
    };
    let unpacked = slugbuilder_fetch::unpack(&file, Format::TarGz, destination, &options).map_err(
        |source| SlugError::Unpack {
            path: slug.to_owned(),
            source,
        },
    )?;
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

/// Name of the first entry of an archive that has been read to its end without errors.
fn first_entry(file: &File) -> Option<PathBuf> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(BufReader::new(file)));
    let entry = archive.entries().ok()?.next()?.ok()?;
    Some(PathBuf::from(OsString::from_vec(
        entry.path_bytes().into_owned(),
    )))
}
