//! Going back to an earlier release: its slug and its config vars, as a new release.

use super::client::Api;
use super::release::make;
use super::types::{Release, ReleaseCreate};
use super::{FlowError, Newest, Released};
use slugbuilder_report::Reporter;

/// How many of the newest releases are looked at where none is named.
const SEARCHED: usize = 50;

/// What a rollback did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// The earlier release.
    pub to: Release,
    /// The new one.
    pub released: Released,
}

/// Goes back to `release`, a number or id; without one to the release before: the newest of those before the one that runs
/// that can be gone back to. Add-ons stay as they are, config vars do not.
pub fn rollback(
    api: &Api,
    app: &str,
    release: Option<&str>,
    reporter: &dyn Reporter,
) -> Result<RolledBack, FlowError> {
    let to = match release {
        Some(release) => api.release(app, release, reporter)?,
        None => before(api, app, reporter)?,
    };
    let (app, version) = (app.to_owned(), to.version);
    if to.current {
        return Err(FlowError::AlreadyCurrent { app, version });
    }
    let Some(slug) = to.slug.as_ref().map(|slug| slug.id) else {
        return Err(FlowError::NoSlug {
            app,
            version: Some(version),
        });
    };
    if !to.eligible_for_rollback {
        return Err(FlowError::NotEligible { app, version });
    }
    // Only ids are taken here, no numbers (slugs-and-dynos.md, section 1.8).
    let create = ReleaseCreate::Rollback { release: to.id };
    // What the platform makes of it.
    let description = format!("Rollback to v{version}");
    let released = make(api, &app, &create, slug, &description, reporter)?;
    Ok(RolledBack { to, released })
}

/// The release before the one that runs.
fn before(api: &Api, app: &str, reporter: &dyn Reporter) -> Result<Release, FlowError> {
    let newest = api.releases(app, Newest::Only(SEARCHED), reporter)?;
    let looked_at = newest.len();
    let current = newest.iter().find(|release| release.current);
    let current = current.map_or(0, |current| current.version);
    newest
        .into_iter()
        .filter(|release| release.version < current && release.eligible_for_rollback)
        .max_by_key(|release| release.version)
        .ok_or_else(|| FlowError::NothingEarlier {
            app: app.to_owned(),
            looked_at,
        })
}
