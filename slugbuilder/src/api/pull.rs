//! Downloading a release's slug.

use super::client::Api;
use super::promote::current;
use super::publish::{check_address, record_of};
use super::types::{Release, Slug};
use super::{ApiError, Destination, FlowError};
use crate::slug::{Build, Checksum, Manifest};
use slugbuilder_fetch as fetch;
use slugbuilder_fetch::{Download, FetchError};
use slugbuilder_report::{Event, Reporter, Warning};
use std::path::Path;

/// Most bytes of a slug whose size is not said: far above what any platform takes.
const LARGEST: u64 = 8 << 30;

/// How often an address is asked for that has expired when it is used.
const ADDRESSES: u32 = 2;

/// What is done, for messages.
const ACTION: &str = "download the slug";

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
    /// Whether it takes the place of another slug or manifest.
    pub replace: bool,
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
/// Another slug or manifest in their places is [`FlowError::Destination`] unless [`Pull::replace`] is set, and so is what is
/// no file. Everything that can be known is checked before the download.
///
/// The manifest's `build` holds the size only: nobody keeps the rest.
pub fn pull(api: &Api, pull: &Pull<'_>, reporter: &dyn Reporter) -> Result<Pulled, FlowError> {
    check_places(pull)?;
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
    let (slug, mut manifest, downloaded) = loop {
        tried += 1;
        let slug = api.slug(pull.app, id, reporter)?;
        let checksum = checksum_of(api, &slug)?;
        if !pull.replace {
            check_replaced(pull, checksum)?;
        }
        let manifest = Manifest {
            slug: record_of(&slug, checksum.unwrap_or(Checksum([0; 32])))?,
            build: Build::default(),
        };
        // Whether it can be written there shows before the slug is changed.
        manifest.write_beside(pull.manifest)?.check()?;
        match download(api, &slug, checksum, pull.slug, reporter)? {
            Ok(downloaded) => break (slug, manifest, downloaded),
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
    manifest.slug.checksum = checksum;
    manifest.build.size = downloaded.bytes;
    manifest.write(pull.manifest)?;
    Ok(Pulled {
        release,
        slug,
        bytes: downloaded.bytes,
        checksum,
        verified,
    })
}

/// Refuses places that are no files, or in no folder: a file that is renamed over a device takes its place.
fn check_places(pull: &Pull<'_>) -> Result<(), FlowError> {
    for path in [pull.slug, pull.manifest] {
        let folder = path.parent().filter(|path| !path.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return Err(destination(path, Destination::NoFolder));
        }
        if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return Err(destination(path, Destination::NoFile));
        }
    }
    Ok(())
}

/// Refuses to replace anything but the same slug and its manifest.
fn check_replaced(pull: &Pull<'_>, expected: Option<Checksum>) -> Result<(), FlowError> {
    let differs = |actual| expected.is_none_or(|expected| expected != actual);
    if pull.slug.exists() && differs(Checksum::of_file(pull.slug)?) {
        return Err(destination(pull.slug, Destination::OtherSlug));
    }
    let other_manifest =
        || Manifest::read(pull.manifest).map_or(true, |manifest| differs(manifest.slug.checksum));
    if pull.manifest.exists() && other_manifest() {
        return Err(destination(pull.manifest, Destination::OtherManifest));
    }
    Ok(())
}

fn destination(path: &Path, problem: Destination) -> FlowError {
    FlowError::Destination {
        path: path.to_owned(),
        problem,
    }
}

/// The checksum that the platform has of a slug.
fn checksum_of(api: &Api, slug: &Slug) -> Result<Option<Checksum>, ApiError> {
    let parsed = slug.checksum.as_deref().map(str::parse::<Checksum>);
    parsed.transpose().map_err(|error| ApiError::Nonsense {
        action: ACTION.to_owned(),
        url: api.url().to_owned(),
        reason: error.to_string(),
        request_id: None,
    })
}

/// Brings the bytes of `slug`. The outer error is not the download's.
fn download(
    api: &Api,
    slug: &Slug,
    checksum: Option<Checksum>,
    destination: &Path,
    reporter: &dyn Reporter,
) -> Result<Result<fetch::Downloaded, FetchError>, FlowError> {
    check_address(api, slug, "get", ACTION)?;
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
