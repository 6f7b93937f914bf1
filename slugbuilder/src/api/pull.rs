//! Downloading a release's slug.

use super::client::Api;
use super::promote::current;
use super::publish::{check_address, record_of};
use super::types::{Release, Slug};
use super::{ApiError, FlowError};
use crate::slug::{Build, Checksum, Manifest};
use slugbuilder_fetch as fetch;
use slugbuilder_fetch::{Download, FetchError};
use slugbuilder_report::{Event, Reporter, Warning};
use std::path::Path;

/// Most bytes of a slug whose size is not said: far above what any platform takes.
const LARGEST: u64 = 8 << 30;

/// How often an address is asked for that has expired when it is used.
const ADDRESSES: u32 = 2;

/// A slug to download.
#[derive(Debug, Clone, Copy)]
pub struct Pull<'a> {
    /// Name or id of the app.
    pub app: &'a str,
    /// Number or id of the release; the one that runs where there is none.
    pub release: Option<&'a str>,
    /// Where the slug goes.
    pub slug: &'a Path,
    /// Where its manifest goes.
    pub manifest: &'a Path,
}

/// What was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The release.
    pub release: Release,
    /// The slug's record.
    pub slug: Slug,
    /// Bytes of its file.
    pub bytes: u64,
    /// Of its file.
    pub checksum: Checksum,
    /// Whether the record has a checksum, which the file then has, too.
    pub verified: bool,
}

/// Downloads the slug of a release, checks it, and writes its manifest beside it. Each appears when it is whole.
///
/// The manifest's `build` holds the size only: nobody keeps the rest.
pub fn pull(api: &Api, pull: &Pull<'_>, reporter: &dyn Reporter) -> Result<Pulled, FlowError> {
    let release = match pull.release {
        Some(release) => api.release(pull.app, release, reporter)?,
        None => current(api, pull.app, reporter)?,
    };
    let Some(id) = release.slug.as_ref().map(|slug| slug.id) else {
        return Err(FlowError::NoSlug {
            app: pull.app.to_owned(),
            version: Some(release.version),
        });
    };
    let mut tried = 0;
    let (slug, downloaded) = loop {
        tried += 1;
        let slug = api.slug(pull.app, id, reporter)?;
        match download(api, &slug, pull.slug, reporter)? {
            Ok(downloaded) => break (slug, downloaded),
            // Each look at the slug gives a fresh address.
            Err(FetchError::Denied { .. }) if tried < ADDRESSES => {}
            Err(source) => {
                return Err(FlowError::Download {
                    app: pull.app.to_owned(),
                    version: release.version,
                    source,
                });
            }
        }
    };
    let verified = slug.checksum.is_some();
    if !verified {
        let warning = Warning::new(
            "slug-without-checksum",
            format!(
                "the platform has no checksum of the slug of v{}: it could not be checked",
                release.version
            ),
        );
        reporter.report(Event::Warning(&warning));
    }
    let mut checksum = Checksum([0; 32]);
    // Its bytes are 32, as those of every SHA-256.
    checksum.0.copy_from_slice(downloaded.sha256.as_bytes());
    let manifest = Manifest {
        slug: record_of(&slug, checksum)?,
        build: Build {
            size: downloaded.bytes,
            ..Build::default()
        },
    };
    manifest.write(pull.manifest)?;
    Ok(Pulled {
        release,
        slug,
        bytes: downloaded.bytes,
        checksum,
        verified,
    })
}

/// Brings the bytes of `slug`. The outer error is not the download's.
fn download(
    api: &Api,
    slug: &Slug,
    destination: &Path,
    reporter: &dyn Reporter,
) -> Result<Result<fetch::Downloaded, FetchError>, FlowError> {
    let action = "download the slug";
    check_address(api, slug, "get", action)?;
    let checksum = match &slug.checksum {
        Some(text) => Some(
            text.parse::<Checksum>()
                .map_err(|error| ApiError::Nonsense {
                    action: action.to_owned(),
                    url: api.url().to_owned(),
                    reason: error.to_string(),
                    request_id: None,
                })?,
        ),
        None => None,
    };
    let request = Download {
        url: slug.blob.url.clone(),
        name: "slug".to_owned(),
        checksum: checksum.map(|checksum| fetch::Checksum::Sha256(checksum.0)),
        max_bytes: slug.size.unwrap_or(LARGEST),
    };
    let stopped = || api.stop().check().is_err();
    match api
        .http()
        .download_unless(&request, destination, &stopped, reporter)
    {
        Err(error @ FetchError::Cancelled { .. }) => {
            api.stop().check().map_err(FlowError::NotDownloaded)?;
            Ok(Err(error))
        }
        downloaded => Ok(downloaded),
    }
}
