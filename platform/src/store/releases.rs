//! Releases: the ledger.

use super::access::{Found, find_app};
use super::release_rows::{self, newest, newest_or_none, of_version, read_earlier};
use super::slugs::{self, SlugRow};
use super::values::Status;
use super::{Release, Store, StoreError, User, Write, formation, rules};
use crate::range::{Listed, Page};
use rusqlite::{Connection, OptionalExtension, params};
use slugbuilder::api::types::{ReleaseCreate, ReleaseStatus, SlugCreate};
use uuid::Uuid;

/// The process type that runs before a release takes effect.
const RELEASE_PHASE: &str = "release";
/// How many characters of a commit `Deploy …` says.
const SHORT_COMMIT: usize = 7;

/// What a release is made of.
#[derive(Debug, Clone)]
pub(super) struct NewRelease {
    pub(super) slug: Option<SlugRow>,
    /// The snapshot of the config vars.
    pub(super) config: i64,
    pub(super) description: String,
    pub(super) status: ReleaseStatus,
}

impl Store {
    /// Releases a slug with the app's config vars, or goes back to the slug and config vars of an earlier release. It takes
    /// effect at once: it is the current one, and the formation follows its process types.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a slug whose bytes are not there and for an earlier release that is not
    /// [`Release::eligible_for_rollback`]; [`StoreError::NotFound`] for slugs of apps that the user may not see;
    /// [`StoreError::Conflict`] while a release of the app is pending.
    pub async fn create_release(
        &self,
        actor: &User,
        app: &str,
        create: ReleaseCreate,
    ) -> Result<Release, StoreError> {
        self.release_as(actor, app, create, ReleaseStatus::Succeeded)
            .await
    }

    /// As [`Store::create_release`], but pending until [`Store::finish_release`]: for the release phase of the server that
    /// runs dynos.
    pub async fn begin_release(
        &self,
        actor: &User,
        app: &str,
        create: ReleaseCreate,
    ) -> Result<Release, StoreError> {
        self.release_as(actor, app, create, ReleaseStatus::Pending)
            .await
    }

    async fn release_as(
        &self,
        actor: &User,
        app: &str,
        create: ReleaseCreate,
        status: ReleaseStatus,
    ) -> Result<Release, StoreError> {
        let (actor, app) = (actor.clone(), app.to_owned());
        self.write(move |write| {
            let found = find_app(write.connection(), actor.id, &app)?;
            let new = match create {
                ReleaseCreate::Slug { slug, description } => of_slug(
                    write.connection(),
                    &found,
                    &actor.email,
                    slug,
                    description,
                    status,
                )?,
                ReleaseCreate::Rollback { release } => {
                    rollback(write.connection(), &found, release, status)?
                }
            };
            append(write, &found, &new)
        })
        .await
    }

    /// Says how the release phase of a pending release went. A release that succeeds takes effect.
    ///
    /// For the server itself, which is why nobody acts.
    pub async fn finish_release(
        &self,
        app: Uuid,
        version: u64,
        succeeded: bool,
    ) -> Result<Release, StoreError> {
        self.write(move |write| finish(write, app, version, succeeded))
            .await
    }

    /// A release by its identifier or its number (`3`, `v3`).
    pub async fn release(
        &self,
        actor: &User,
        app: &str,
        identity: &str,
    ) -> Result<Release, StoreError> {
        let (actor, app, identity) = (actor.id, app.to_owned(), identity.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            release_rows::find(connection, &found, &identity)
        })
        .await
    }

    /// Whether there is a release of that identifier, of whatever app, that has a release phase. For addresses that are signed,
    /// which is why nobody acts.
    pub async fn has_output(&self, id: Uuid) -> Result<bool, StoreError> {
        self.read(move |connection| {
            // By the index of each app's releases: the table has none by identifier alone.
            Ok(connection
                .prepare_cached(
                    "SELECT 1 FROM app CROSS JOIN release ON release.app = app.number AND release.id = ?1
                     WHERE release.has_release_phase",
                )?
                .exists([id])?)
        })
        .await
    }

    /// The releases of an app, by number or identifier.
    pub async fn releases(
        &self,
        actor: &User,
        app: &str,
        page: &Page,
    ) -> Result<Listed<Release>, StoreError> {
        let (actor, app, page) = (actor.id, app.to_owned(), page.clone());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            release_rows::list(connection, &found, &page)
        })
        .await
    }
}

/// A release of a slug with the config vars that the app has, by who has that address.
pub(super) fn of_slug(
    connection: &Connection,
    app: &Found,
    email: &str,
    slug: Uuid,
    description: Option<String>,
    status: ReleaseStatus,
) -> Result<NewRelease, StoreError> {
    let row = slugs::find_visible(connection, app.actor.0, slug)?;
    if row.slug.uploaded_at.is_none() {
        return Err(StoreError::Invalid(
            "The slug has not been uploaded yet. Please PUT its bytes to the URL of its blob first.".into(),
        ));
    }
    let description = match description.filter(|text| !text.trim().is_empty()) {
        Some(description) => {
            rules::text("description", &description, rules::MAXIMUM_DESCRIPTION)?;
            description
        }
        None => match short_commit(&row.slug.create) {
            Some(commit) => format!("Deploy {commit}"),
            None => format!("Deployed by {email}"),
        },
    };
    Ok(NewRelease {
        slug: Some(row),
        config: newest(connection, app.number)?.config,
        description,
        status,
    })
}

/// The commit of a slug as descriptions say it.
pub(super) fn short_commit(slug: &SlugCreate) -> Option<String> {
    let commit = slug.commit.as_deref()?.trim();
    (!commit.is_empty()).then(|| commit.chars().take(SHORT_COMMIT).collect())
}

/// A release of what an earlier one was made of; its config vars become those of the app.
fn rollback(
    connection: &Connection,
    app: &Found,
    release: Uuid,
    status: ReleaseStatus,
) -> Result<NewRelease, StoreError> {
    let earlier = connection
        .prepare_cached(
            "SELECT version, slug, config, status FROM release WHERE app = ?1 AND id = ?2",
        )?
        .query_row(params![app.number, release], read_earlier)
        .optional()?
        .ok_or(StoreError::NotFound {
            resource: "release",
        })?;
    let version = earlier.version;
    let slug = match (earlier.slug, earlier.status) {
        (Some(slug), ReleaseStatus::Succeeded) => slugs::of_number(connection, slug)?,
        (None, _) => {
            return Err(StoreError::Invalid(format!(
                "Cannot roll back to v{version}: it has no slug."
            )));
        }
        (Some(_), _) => {
            return Err(StoreError::Invalid(format!(
                "Cannot roll back to v{version}: it did not succeed."
            )));
        }
    };
    Ok(NewRelease {
        slug: Some(slug),
        config: earlier.config,
        description: format!("Rollback to v{version}"),
        status,
    })
}

/// Writes the next release of an app. Its add-ons are those that the app has: going back to an earlier release changes none.
pub(super) fn append(
    write: &Write<'_>,
    app: &Found,
    new: &NewRelease,
) -> Result<Release, StoreError> {
    let connection = write.connection();
    let version = match newest_or_none(connection, app.number)? {
        Some(newest) if newest.status == ReleaseStatus::Pending => {
            return Err(StoreError::Conflict(format!(
                "The release phase of v{} is still running. Please try again when it is done.",
                newest.version
            )));
        }
        Some(newest) => newest.version + 1,
        None => 1,
    };
    let has_release_phase = new
        .slug
        .as_ref()
        .is_some_and(|row| row.slug.create.process_types.contains_key(RELEASE_PHASE));
    let now = write.now();
    connection
        .prepare_cached(
            "INSERT INTO release (app, version, id, slug, config, addon_plan_names, description, status,
                has_release_phase, user, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5,
                coalesce((SELECT addon_plan_names FROM release WHERE app = ?1 AND version = ?2 - 1), '[]'),
                ?6, ?7, ?8, ?9, ?10, ?10)",
        )?
        .execute(params![
            app.number,
            version,
            Uuid::new_v4(),
            new.slug.as_ref().map(|row| row.number),
            new.config,
            new.description,
            Status(new.status),
            has_release_phase,
            app.actor.0,
            now,
        ])?;
    connection
        .prepare_cached("UPDATE app SET released_at = ?2, updated_at = ?2 WHERE number = ?1")?
        .execute(params![app.number, now])?;
    if new.status == ReleaseStatus::Succeeded {
        take_effect(write, app.number, new.slug.as_ref())?;
    }
    of_version(connection, app.number, version)
}

/// What the app runs follows a release that succeeded.
fn take_effect(write: &Write<'_>, app: i64, slug: Option<&SlugRow>) -> Result<(), StoreError> {
    let Some(SlugRow { slug, .. }) = slug else {
        return Ok(());
    };
    write
        .connection()
        .prepare_cached("UPDATE app SET stack = ?2 WHERE number = ?1 AND stack <> ?2")?
        .execute(params![app, slug.stack])?;
    formation::follow(write, app, &slug.create.process_types)
}

fn finish(
    write: &Write<'_>,
    app: Uuid,
    version: u64,
    succeeded: bool,
) -> Result<Release, StoreError> {
    let connection = write.connection();
    let not_found = || StoreError::NotFound {
        resource: "release",
    };
    let version = i64::try_from(version).map_err(|_| not_found())?;
    let (number, slug, status): (i64, Option<i64>, Status) = connection
        .prepare_cached(
            "SELECT release.app, release.slug, release.status FROM release JOIN app ON app.number = release.app
             WHERE app.id = ?1 AND release.version = ?2",
        )?
        .query_row(params![app, version], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?
        .ok_or_else(not_found)?;
    if status.0 != ReleaseStatus::Pending {
        return Err(StoreError::Conflict(format!("v{version} is not pending.")));
    }
    let outcome = if succeeded {
        ReleaseStatus::Succeeded
    } else {
        ReleaseStatus::Failed
    };
    connection
        .prepare_cached(
            "UPDATE release SET status = ?3, updated_at = ?4 WHERE app = ?1 AND version = ?2",
        )?
        .execute(params![number, version, Status(outcome), write.now()])?;
    if succeeded {
        let slug = slug
            .map(|slug| slugs::of_number(connection, slug))
            .transpose()?;
        take_effect(write, number, slug.as_ref())?;
    }
    of_version(connection, number, version)
}
