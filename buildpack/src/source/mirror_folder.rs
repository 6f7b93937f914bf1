//! A folder that `slugbuilder vendor` filled: archives of every language and client, listed in one file.

use super::{Kit, MAX_ARCHIVE_BYTES, MAX_LIST_BYTES, Obtained, Provenance, SourceError, Wanted};
use crate::settings::Mirror;
use serde::Deserialize;
use slugbuilder_fetch::{Algorithm, Checksum, Download, FetchError, Format};

/// The list; `slugbuilder vendor` writes it.
pub(super) const INDEX: &str = "mirror.json";

#[derive(Deserialize)]
struct Index {
    version: u32,
    files: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    path: String,
    sha256: String,
    format: String,
    provenance: Provenance,
}

/// Gets what is wanted from the folder at `mirror`, as `known` where that is kept as it comes.
pub(super) fn get(
    kit: &Kit<'_>,
    mirror: &Mirror,
    wanted: &Wanted<'_>,
    known: Option<&Checksum>,
) -> Result<Obtained, SourceError> {
    let base = mirror.address();
    let list = format!("{base}/{INDEX}");
    let text = kit.client.text(&list, MAX_LIST_BYTES)?;
    let unusable = |reason: &str| SourceError::FolderList {
        list: list.clone(),
        reason: reason.to_owned(),
    };
    let index: Index = serde_json::from_str(&text)
        .map_err(|error| unusable(&format!("is no list of a mirror folder: {error}")))?;
    if index.version != 1 {
        return Err(unusable("was written by a newer slugbuilder"));
    }
    let entry = index
        .files
        .into_iter()
        .find(|entry| entry.key == wanted.location)
        .ok_or_else(|| SourceError::NotInFolder {
            location: wanted.location.to_owned(),
            list: list.clone(),
        })?;
    if entry
        .path
        .split('/')
        .any(|part| matches!(part, "" | "." | ".."))
    {
        return Err(unusable("lists a file outside of the folder"));
    }
    let format = Format::of_name(&entry.format)
        .filter(|format| wanted.format.is_none_or(|wanted| wanted == *format))
        .ok_or_else(|| unusable("lists an archive of another format"))?;
    let listed = Checksum::from_hex(Algorithm::Sha256, &entry.sha256)?;
    // What a client brought is packed anew: then the list says of what.
    let as_it_came = known.filter(|_| wanted.format.is_some());
    let request = Download {
        url: format!("{base}/{}", entry.path),
        name: wanted.location.to_owned(),
        checksum: Some(as_it_came.copied().unwrap_or(listed)),
        max_bytes: MAX_ARCHIVE_BYTES,
    };
    let fetched = kit
        .cache
        .fetch(kit.client, &request, kit.reporter)
        .map_err(|error| match error.last() {
            FetchError::NotFound { .. } => {
                SourceError::Absent(format!("`{base}/{}` is listed and missing", entry.path))
            }
            _ => error.into(),
        })?;
    let checksum = match wanted.format {
        Some(_) => Some(fetched.sha256.to_string()),
        None => entry.provenance.checksum,
    };
    let location = entry
        .provenance
        .location
        .unwrap_or_else(|| wanted.location.to_owned());
    if wanted.format.is_none()
        && let Some(checksum) = &checksum
    {
        kit.check_locked(&location, &checksum.parse()?)?;
    }
    let obtained = Obtained {
        path: fetched.path,
        format,
        provenance: Provenance {
            source: entry.provenance.source,
            checksum,
            verified_by: entry.provenance.verified_by,
            location: Some(location),
        },
    };
    kit.receipts()
        .keep(wanted.receipt, &fetched.sha256, &obtained)?;
    Ok(obtained)
}
