//! What is known of uploads whose slug has not been released yet, so that the next call can go on where one was interrupted.
//!
//! One small JSON file per API, app and checksum in a folder that the caller names, for example of the cache. It is written
//! before an upload begins and again when it is done, and goes when the slug is released. It holds no address of a blob:
//! that would be a credential. What it says is a hint only: the API is asked about the slug before anything relies on it.

use super::FlowError;
use crate::archive::replacement::Replacement;
use crate::slug::Checksum;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use slugbuilder_report::{Event, Reporter, Warning};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// After how many days an upload is forgotten that was not released: nobody comes back for it.
const DAYS: i64 = 7;

/// Largest file of this kind that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

/// An upload whose slug is not known to be released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreleasedUpload {
    /// Address of the API.
    pub api: String,
    /// The app's name.
    pub app: String,
    /// The app's id: it can have been named by either.
    pub app_id: Uuid,
    /// The slug's record.
    pub slug: Uuid,
    /// Of the slug's file.
    pub checksum: Checksum,
    /// When the upload began.
    pub begun_at: Timestamp,
    /// When it was done; nothing where it was not.
    #[serde(default)]
    pub uploaded_at: Option<Timestamp>,
}

/// The uploads that `folder` knows of for `app`, a name or id, at the API with this address, the newest first; none older than
/// a week: what
/// [`super::publish()`] would go on with, and what can be released without uploading it.
pub fn unreleased_uploads(
    folder: &Path,
    api: &str,
    app: &str,
) -> Result<Vec<UnreleasedUpload>, FlowError> {
    let mut uploads = all(folder)?;
    uploads.retain(|upload| {
        upload.api == api
            && (upload.app == app || upload.app_id.to_string() == app)
            && !upload.is_old()
    });
    uploads.sort_by_key(|upload| std::cmp::Reverse(upload.begun_at));
    Ok(uploads)
}

impl UnreleasedUpload {
    /// Whether it is too old to be of use.
    fn is_old(&self) -> bool {
        Timestamp::now().duration_since(self.begun_at) > SignedDuration::from_hours(24 * DAYS)
    }
}

/// The uploads that `folder` knows of.
fn all(folder: &Path) -> Result<Vec<UnreleasedUpload>, FlowError> {
    let mut uploads = Vec::new();
    let failed = |source| FlowError::Disk {
        action: "read",
        path: folder.to_owned(),
        source,
    };
    let entries = match fs_err::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(uploads),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        // What cannot be read is told of when it would be used.
        if let Ok(Some(upload)) = read(&path) {
            uploads.push(upload);
        }
    }
    Ok(uploads)
}

/// Where the upload of the slug with `checksum` for `app` is told of.
fn path(folder: &Path, api: &str, app: Uuid, checksum: Checksum) -> PathBuf {
    let name = Sha256::digest(format!("{api}\n{app}\n{checksum}"));
    folder.join(format!("{}.json", hex::encode(&name[..16])))
}

fn read(path: &Path) -> io::Result<Option<UnreleasedUpload>> {
    let metadata = match fs_err::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(io::Error::other("it is no file of a usual size"));
    }
    serde_json::from_slice(&fs_err::read(path)?)
        .map(Some)
        .map_err(io::Error::from)
}

/// What is known of this upload. A file that cannot be used is told of, and counts as none.
pub(super) fn known(
    folder: &Path,
    api: &str,
    app: Uuid,
    checksum: Checksum,
    reporter: &dyn Reporter,
) -> Option<UnreleasedUpload> {
    let path = path(folder, api, app, checksum);
    match read(&path) {
        Ok(upload) => upload
            .filter(|upload| {
                upload.api == api && upload.app_id == app && upload.checksum == checksum
            })
            .filter(|upload| !upload.is_old()),
        Err(error) => {
            let warning = Warning::new(
                "upload-state-unreadable",
                format!(
                    "cannot read what is known of an earlier upload: {error} (`{}`)",
                    path.display()
                ),
            );
            reporter.report(Event::Warning(
                &warning.hint("The slug is uploaded again; the file is replaced."),
            ));
            None
        }
    }
}

/// Writes down `upload`, where there is a folder for it, and drops those that are too old. That it cannot be written is told: it keeps nobody from an upload.
pub(super) fn remember(folder: Option<&Path>, upload: &UnreleasedUpload, reporter: &dyn Reporter) {
    let Some(folder) = folder else {
        return;
    };
    for old in all(folder).unwrap_or_default() {
        if old.is_old() {
            forget(folder, &old, reporter);
        }
    }
    let path = path(folder, &upload.api, upload.app_id, upload.checksum);
    let written = || -> io::Result<()> {
        fs_err::create_dir_all(folder)?;
        let mut file = Replacement::begin(&path)?;
        file.write_all(&serde_json::to_vec_pretty(upload)?)?;
        file.write_all(b"\n")?;
        file.flush()?;
        file.finish()
    };
    if let Err(error) = written() {
        let warning = Warning::new(
            "upload-state-not-written",
            format!(
                "cannot write down how far the upload is: {error} (`{}`)",
                path.display()
            ),
        );
        reporter.report(Event::Warning(
            &warning.hint("If it is interrupted, the next call uploads the slug anew."),
        ));
    }
}

/// The slug is released, or cannot be: nothing is left to go on with.
pub(super) fn released(folder: &Path, api: &str, slug: Uuid, reporter: &dyn Reporter) {
    let uploads = all(folder).unwrap_or_default();
    let its = |upload: &&UnreleasedUpload| upload.api == api && upload.slug == slug;
    for upload in uploads.iter().filter(its) {
        forget(folder, upload, reporter);
    }
}

/// Removes what is known of `upload`.
pub(super) fn forget(folder: &Path, upload: &UnreleasedUpload, reporter: &dyn Reporter) {
    let path = path(folder, &upload.api, upload.app_id, upload.checksum);
    match fs_err::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            // What it says is checked before it is used: nothing goes wrong if it stays.
            let warning = Warning::new("upload-state-stays", error.to_string());
            reporter.report(Event::Warning(&warning));
        }
    }
}
