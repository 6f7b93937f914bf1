//! Making a release, at most once.

use super::client::Api;
use super::retry::{backoff, sleep};
use super::types::{Release, ReleaseCreate};
use super::{ApiError, FlowError, Newest, Refusal, state};
use slugbuilder_report::{Event, Reporter};
use std::path::Path;
use uuid::Uuid;

/// How many of the newest releases are searched for one whose answer was lost.
const SEARCHED: usize = 10;

/// How often they are looked at: the platform may still be at it.
const LOOKS: u32 = 4;

/// How many characters of an id stand in a description, as Heroku has them.
const SHORT: usize = 8;

/// A release to make.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseOrder<'a> {
    /// Name or id of the app.
    pub app: &'a str,
    /// The slug, of this app or another.
    pub slug: Uuid,
    /// What it changes, for people. Where there is none: `Deploy 1a2b3c4d`, the commit that the slug's record names, or else
    /// the slug.
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
/// again: a release that is newer than those before, has this slug and description, and is of this account is the one. Is
/// there none, that is [`FlowError::Uncertain`].
pub fn release(
    api: &Api,
    order: &ReleaseOrder<'_>,
    reporter: &dyn Reporter,
) -> Result<Released, FlowError> {
    let description = match order.description {
        Some(description) => description.to_owned(),
        None => description(api, order, reporter),
    };
    let create = ReleaseCreate::Slug {
        slug: order.slug,
        description: Some(description.clone()),
    };
    let made = make(api, order.app, &create, order.slug, &description, reporter);
    let released = made.map_err(|error| match error {
        // Nothing was released: whatever relied on this slug is not to be relied on again.
        FlowError::Api(source) if source.refusal().is_some_and(Refusal::is_about_the_slug) => {
            if let Some(folder) = order.state {
                state::released(folder, api.url(), order.slug, reporter);
            }
            FlowError::Unreleasable(source)
        }
        error => error,
    })?;
    if let Some(folder) = order.state {
        state::released(folder, api.url(), order.slug, reporter);
    }
    Ok(released)
}

/// What a release says of which nothing else is known; one of our own tells it apart from others'.
fn description(api: &Api, order: &ReleaseOrder<'_>, reporter: &dyn Reporter) -> String {
    // The slug may be another app's, which has its record: then there is no commit to be had here.
    let commit = api.slug(order.app, order.slug, reporter).ok();
    if let Some(commit) = commit.and_then(|slug| slug.commit) {
        return format!("Deploy {}", commit.chars().take(SHORT).collect::<String>());
    }
    let slug = order.slug.simple().to_string();
    format!("Deploy slug {}", slug.get(..SHORT).unwrap_or(&slug))
}

/// Makes the release `create` of `app`, which is to have `slug` and say `description`.
pub(super) fn make(
    api: &Api,
    app: &str,
    create: &ReleaseCreate,
    slug: Uuid,
    description: &str,
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
    reporter.report(Event::Note(&format!(
        "no clear answer to whether `{app}` has got the release; looking at its releases instead of asking again"
    )));
    let found = api.account(reporter).and_then(|account| {
        let ours = |release: &Release| {
            release.version > before
                && release.slug.as_ref().is_some_and(|found| found.id == slug)
                && release.description == description
                && release.user.email.eq_ignore_ascii_case(&account.email)
        };
        find(api, app, ours, reporter)
    });
    match found {
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
