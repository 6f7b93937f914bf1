//! Finding out whether the platform has a slug already.

use super::client::Api;
use super::publish::process_types;
use super::types::{Release, ReleaseStatus, Slug};
use super::{ApiError, Newest, Origin, Publication, UnreleasedUpload};
use crate::slug::Checksum;
use slugbuilder_report::{Event, Reporter};
use uuid::Uuid;

/// How many of the app's newest releases are looked at.
const RELEASES: usize = 30;

/// How many different slugs of them are: each is a call.
const SLUGS: usize = 10;

/// The slug of the app that is the same as the one to publish: one that an earlier call uploaded and did not release, or
/// one of the newest releases.
pub(super) fn find(
    api: &Api,
    publication: &Publication<'_>,
    known: Option<&UnreleasedUpload>,
    reporter: &dyn Reporter,
) -> Result<Option<(Slug, Origin)>, ApiError> {
    let releases = api.releases(publication.app, Newest::Only(RELEASES), reporter)?;
    let has = |release: &Release, id| release.slug.as_ref().is_some_and(|slug| slug.id == id);
    // Someone may have released what was uploaded earlier; then it is found among the releases.
    let known = known.filter(|known| !releases.iter().any(|release| has(release, known.slug)));
    if let Some(known) = known
        && let Some(found) = uploaded_earlier(api, publication, known, reporter)?
    {
        return Ok(Some(found));
    }
    let mut seen: Vec<Uuid> = Vec::new();
    for release in releases {
        // Its slug is gone.
        if release.status == ReleaseStatus::Expired {
            continue;
        }
        let Some(id) = release.slug.as_ref().map(|slug| slug.id) else {
            continue;
        };
        if seen.contains(&id) {
            continue;
        }
        if seen.len() == SLUGS {
            break;
        }
        seen.push(id);
        let Some(slug) = there(api.slug(publication.app, id, reporter))? else {
            continue;
        };
        if is_same(&slug, publication) && slug.size.is_some() {
            let version = release.version;
            reporter.report(Event::Note(&format!(
                "v{version} of `{}` has this slug: nothing is uploaded",
                publication.app
            )));
            return Ok(Some((slug, Origin::Released { version })));
        }
    }
    Ok(None)
}

/// The slug of an earlier call, if it was uploaded.
fn uploaded_earlier(
    api: &Api,
    publication: &Publication<'_>,
    known: &UnreleasedUpload,
    reporter: &dyn Reporter,
) -> Result<Option<(Slug, Origin)>, ApiError> {
    let Some(slug) = there(api.slug(publication.app, known.slug, reporter))? else {
        return Ok(None);
    };
    // Either of us knows of the end of the upload: it may have been the answer to it that was lost.
    let uploaded = known.uploaded_at.is_some() || slug.size.is_some();
    if !uploaded || !is_same(&slug, publication) {
        return Ok(None);
    }
    let at = known.uploaded_at.unwrap_or(known.begun_at);
    reporter.report(Event::Note(&format!(
        "an earlier run uploaded this slug at {at} and did not release it: nothing is uploaded"
    )));
    Ok(Some((slug, Origin::UploadedEarlier { at })))
}

/// What there is. A slug that is gone, or cannot be seen, is none: then this one is uploaded. Only a token that is refused,
/// and a limit of calls, would keep from that, too.
fn there(slug: Result<Slug, ApiError>) -> Result<Option<Slug>, ApiError> {
    let hidden = |status| matches!(status, 400..=499) && !matches!(status, 401 | 429);
    match slug {
        Ok(slug) => Ok(Some(slug)),
        Err(error)
            if error
                .refusal()
                .is_some_and(|refusal| hidden(refusal.status)) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn is_same(slug: &Slug, publication: &Publication<'_>) -> bool {
    let record = publication.record;
    let checksum = slug
        .checksum
        .as_deref()
        .and_then(|text| text.parse::<Checksum>().ok());
    checksum == Some(record.checksum)
        && (slug.stack.name == record.stack || slug.stack.id.to_string() == record.stack)
        && slug.process_types == process_types(record)
}
