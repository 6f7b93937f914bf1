//! Making a release, at most once.

use super::client::Api;
use super::retry::{backoff, sleep};
use super::types::{Release, ReleaseCreate};
use super::{ApiError, FlowError, Newest, state};
use slugbuilder_report::{Event, Reporter};
use std::path::Path;
use uuid::Uuid;

/// How many of the newest releases are searched for one whose answer was lost.
const SEARCHED: usize = 10;

/// How often they are looked at: the platform may still be at it.
const LOOKS: u32 = 4;

/// A release to make.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseOrder<'a> {
    /// Name or id of the app.
    pub app: &'a str,
    /// The slug, of this app or another.
    pub slug: Uuid,
    /// What it changes, for people: `Deploy 1a2b3c4`. The platform makes one up where there is none.
    pub description: Option<&'a str>,
    /// The folder of [`super::Publication::state`], where one is kept: what it says of this slug is done then.
    pub state: Option<&'a Path>,
}

/// A release that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// The release.
    pub release: Release,
    /// Whether its answer was lost, and it was found among the app's newest releases.
    pub found: bool,
}

/// Makes a release of a slug.
///
/// Where no answer comes, or one that does not say what happened, the app's releases are looked at instead of asking
/// again: a release that is newer than those before and has this slug is the one. Is there none, that is
/// [`FlowError::Uncertain`].
pub fn release(
    api: &Api,
    order: &ReleaseOrder<'_>,
    reporter: &dyn Reporter,
) -> Result<Released, FlowError> {
    let create = ReleaseCreate::Slug {
        slug: order.slug,
        description: order.description.map(str::to_owned),
    };
    let released = make(api, order.app, &create, order.slug, reporter)?;
    if let Some(folder) = order.state {
        state::released(folder, api.url(), order.app, order.slug, reporter);
    }
    Ok(released)
}

/// Makes the release `create` of `app`, which is to have `slug`.
pub(super) fn make(
    api: &Api,
    app: &str,
    create: &ReleaseCreate,
    slug: Uuid,
    reporter: &dyn Reporter,
) -> Result<Released, FlowError> {
    let before = api.releases(app, Newest::Only(1), reporter)?;
    let before = before.first().map_or(0, |release| release.version);
    let error = match api.create_release(app, create, reporter) {
        Ok(release) => {
            let actual = release.slug.as_ref().map_or(slug, |actual| actual.id);
            if actual != slug {
                return Err(FlowError::OtherSlug {
                    app: app.to_owned(),
                    version: release.version,
                    expected: slug,
                    actual,
                });
            }
            return Ok(Released {
                release,
                found: false,
            });
        }
        Err(error) if error.may_have_been_done() => error,
        Err(error) => return Err(error.into()),
    };
    let description = match create {
        ReleaseCreate::Slug { description, .. } => description.as_deref(),
        ReleaseCreate::Rollback { .. } => None,
    };
    reporter.report(Event::Note(&format!(
        "no clear answer to whether `{app}` has got the release; looking at its releases instead of asking again"
    )));
    let ours = |release: &Release| {
        release.version > before
            && release.slug.as_ref().is_some_and(|found| found.id == slug)
            && description.is_none_or(|description| release.description == description)
    };
    match find(api, app, ours, reporter) {
        Ok(Some(release)) => {
            reporter.report(Event::Note(&format!(
                "v{} of `{app}` is there: the release was made",
                release.version
            )));
            Ok(Released {
                release,
                found: true,
            })
        }
        other => Err(FlowError::Uncertain {
            app: app.to_owned(),
            before,
            source: Box::new(error),
            looked: other.err().map(Box::new),
        }),
    }
}

/// The first release that is `ours` among the newest. Looks more than once.
fn find(
    api: &Api,
    app: &str,
    ours: impl Fn(&Release) -> bool,
    reporter: &dyn Reporter,
) -> Result<Option<Release>, ApiError> {
    for look in 1..=LOOKS {
        let newest = api.releases(app, Newest::Only(SEARCHED), reporter)?;
        let found = newest.into_iter().filter(&ours);
        if let Some(found) = found.min_by_key(|release| release.version) {
            return Ok(Some(found));
        }
        if look < LOOKS {
            let wait = backoff(api.http().settings(), look);
            sleep(
                wait,
                api.stop(),
                &format!("look for the release of `{app}`"),
            )?;
        }
    }
    Ok(None)
}
