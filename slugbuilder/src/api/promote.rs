//! The slug of one app for others: what was tested is what runs.

use super::client::Api;
use super::release::make;
use super::types::{App, Release, ReleaseCreate, Slug};
use super::{FlowError, Newest, Released};
use slugbuilder_report::Reporter;

/// How many of the newest releases are searched for the one that runs.
const SEARCHED: usize = 50;

/// What to promote, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Promotion<'a> {
    /// The app whose slug it is.
    pub from: &'a str,
    /// One of its releases by number or id; the one that runs where there is none.
    pub release: Option<&'a str>,
    /// The apps that get it, in this order.
    pub to: &'a [&'a str],
    /// What the releases are to say. Where there is none: `Promote FROM vN`.
    pub description: Option<&'a str>,
}

/// What was promoted.
#[derive(Debug)]
pub struct Promoted {
    /// The release whose slug it is.
    pub source: Release,
    /// The slug.
    pub slug: Slug,
    /// What became of each app, in the order in which they were given: one that fails does not keep the next from its
    /// release.
    pub targets: Vec<(App, Result<Released, FlowError>)>,
}

/// Releases the slug of one app to others. Nothing is uploaded: all of them have the same slug then, with their own config
/// vars.
///
/// Before the first release everything is looked at: whether each app is there, and runs on the slug's stack, or will.
pub fn promote(
    api: &Api,
    promotion: &Promotion<'_>,
    reporter: &dyn Reporter,
) -> Result<Promoted, FlowError> {
    let from = api.app(promotion.from, reporter)?;
    let source = match promotion.release {
        Some(release) => api.release(&from.name, release, reporter)?,
        None => current(api, &from.name, reporter)?,
    };
    let Some(id) = source.slug.as_ref().map(|slug| slug.id) else {
        return Err(FlowError::NoSlug {
            app: from.name,
            version: Some(source.version),
        });
    };
    let slug = api.slug(&from.name, id, reporter)?;
    let mut targets: Vec<App> = Vec::new();
    for name in promotion.to {
        let app = api.app(name, reporter)?;
        let wrong = |problem| FlowError::Target {
            app: app.name.clone(),
            problem,
        };
        if app.id == from.id {
            return Err(wrong("is the app that is promoted"));
        }
        if targets.iter().any(|target| target.id == app.id) {
            return Err(wrong("is named twice"));
        }
        if !app.takes(&slug.stack) {
            return Err(FlowError::OtherStack {
                from: from.name,
                slug_stack: slug.stack.name,
                app_stack: app.stack_of_builds().name.clone(),
                to: app.name,
            });
        }
        targets.push(app);
    }
    let description = promotion.description.map_or_else(
        || format!("Promote {} v{}", from.name, source.version),
        str::to_owned,
    );
    let create = ReleaseCreate::Slug {
        slug: id,
        description: Some(description.clone()),
    };
    let targets = targets
        .into_iter()
        .map(|app| {
            let released = make(api, &app.name, &create, id, &description, reporter);
            (app, released)
        })
        .collect();
    Ok(Promoted {
        source,
        slug,
        targets,
    })
}

/// The release of `app` that runs.
pub(super) fn current(api: &Api, app: &str, reporter: &dyn Reporter) -> Result<Release, FlowError> {
    let newest = api.releases(app, Newest::Only(SEARCHED), reporter)?;
    newest
        .into_iter()
        .find(|release| release.current)
        .ok_or_else(|| FlowError::NoSlug {
            app: app.to_owned(),
            version: None,
        })
}
