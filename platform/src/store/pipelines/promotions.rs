//! Promotions: the slug that one app runs, released to others of its pipeline.
//!
//! A promotion and the releases that it makes are one transaction, so that there is never one that is half done. Within it
//! each target has a savepoint of its own: one that fails takes nothing of the others with it.

use super::access::{FoundPipeline, SEEN, SEES_APP, find_pipeline};
use super::couplings::of_app;
use super::records::{NewPromotion, Promotion, PromotionTarget, TargetStatus};
use crate::range::{Attribute, Listed, Page};
use crate::store::access::{Found, UserNumber, find_app, user_number};
use crate::store::keyset::{Keyset, not_offered};
use crate::store::release_rows::{self, newest};
use crate::store::releases::{self, NewRelease, short_commit};
use crate::store::slugs::{self, SlugRow};
use crate::store::values::{Status, optional_time, time};
use crate::store::{Release, Store, StoreError, User, Write};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use slugbuilder::api::types::ReleaseStatus;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What Heroku says of a target that the user may not see.
const NO_ACCESS: &str = "User does not have access to that app";
/// What a target says whose release did not succeed.
const RELEASE_FAILED: &str = "The release phase failed.";

/// The releases of a promotion's targets: those of apps that are still there.
const RELEASES: &str = "pipeline_promotion_target AS target CROSS JOIN app ON app.id = target.app
        CROSS JOIN release ON release.app = app.number AND release.id = target.release
    WHERE target.promotion = promotion.number";

/// The app whose slug is promoted, and that slug.
struct Source {
    app: Found,
    release: Release,
    slug: SlugRow,
}

/// What a promotion is to do with one app.
enum Target {
    /// The acting user works on it.
    Seen(Found),
    /// They may only know that it is in their pipeline.
    Unseen(Uuid),
}

impl Store {
    /// Releases the slug of one app to others of its pipeline, each with its own config vars. Targets that cannot be released
    /// to say why; the others are.
    ///
    /// # Errors
    /// Where there is nothing to promote, or nowhere to: [`StoreError::Invalid`] for a source without a slug or with a
    /// release that did not succeed, for apps that are not in the pipeline, and for targets that are the source or named
    /// twice. [`StoreError::NotFound`] for what the user may not see.
    pub async fn promote(
        &self,
        actor: &User,
        promotion: NewPromotion,
    ) -> Result<Promotion, StoreError> {
        let actor = actor.id;
        self.write(move |write| promote(write, actor, &promotion))
            .await
    }

    /// The promotion of that identifier. It is seen by who made it and by who may see its pipeline.
    pub async fn promotion(&self, actor: &User, id: &str) -> Result<Promotion, StoreError> {
        let (actor, id) = (actor.id, id.to_owned());
        self.read(move |connection| {
            let actor = user_number(connection, actor)?;
            find(connection, actor, &id).map(|(_, promotion)| promotion)
        })
        .await
    }

    /// What became of each app of a promotion, by identifier: all for who made it, for others those of apps that they may
    /// see.
    pub async fn promotion_targets(
        &self,
        actor: &User,
        promotion: &str,
        page: &Page,
    ) -> Result<Listed<PromotionTarget>, StoreError> {
        let (actor, id, page) = (actor.id, promotion.to_owned(), page.clone());
        self.read(move |connection| {
            let actor = user_number(connection, actor)?;
            let (number, promotion) = find(connection, actor, &id)?;
            targets(connection, actor, number, promotion.id, &page)
        })
        .await
    }
}

fn promote(write: &Write<'_>, actor: Uuid, new: &NewPromotion) -> Result<Promotion, StoreError> {
    let connection = write.connection();
    let user = user_number(connection, actor)?;
    let pipeline = find_pipeline(connection, user, &new.pipeline)?;
    let source = source(connection, actor, &pipeline, new)?;
    let targets = chosen(connection, actor, &pipeline, &source, &new.targets)?;
    let id = Uuid::new_v4();
    connection
        .prepare_cached(
            "INSERT INTO pipeline_promotion (id, user, pipeline, source_app, source_release, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            id,
            user.0,
            pipeline.id,
            source.app.id,
            source.release.id,
            write.now()
        ])?;
    let number = connection.last_insert_rowid();
    for target in targets {
        let (app, outcome) = match &target {
            Target::Seen(app) => (app.id, release(write, &source, app)?),
            Target::Unseen(app) => (*app, Err(NO_ACCESS.to_owned())),
        };
        connection
            .prepare_cached(
                "INSERT INTO pipeline_promotion_target (promotion, id, app, release, error_message)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                number,
                Uuid::new_v4(),
                app,
                outcome.as_ref().ok().map(|release| release.id),
                outcome.as_ref().err()
            ])?;
    }
    find(connection, user, &id.to_string()).map(|(_, promotion)| promotion)
}

/// What is promoted.
fn source(
    connection: &Connection,
    actor: Uuid,
    pipeline: &FoundPipeline,
    new: &NewPromotion,
) -> Result<Source, StoreError> {
    let app = find_app(connection, actor, &new.source)?;
    in_pipeline(connection, pipeline, &app)?;
    let name = &app.name;
    let release = match &new.release {
        Some(release) => release_rows::find(connection, &app, release)?,
        None => release_rows::current(connection, app.number)?.ok_or(StoreError::NotFound {
            resource: "release",
        })?,
    };
    let version = release.version;
    let Some(slug) = release.slug else {
        return Err(StoreError::Invalid(format!(
            "Cannot promote {name} v{version}: it has no slug. Please deploy to {name} first."
        )));
    };
    match release.status {
        ReleaseStatus::Succeeded => {}
        ReleaseStatus::Pending => {
            return Err(StoreError::Invalid(format!(
                "Cannot promote {name} v{version}: its release phase is still running."
            )));
        }
        ReleaseStatus::Failed | ReleaseStatus::Expired => {
            return Err(StoreError::Invalid(format!(
                "Cannot promote {name} v{version}: it did not succeed, or is no longer there."
            )));
        }
    }
    Ok(Source {
        slug: slugs::find(connection, slug)?,
        app,
        release,
    })
}

/// The apps that are to get the slug.
fn chosen(
    connection: &Connection,
    actor: Uuid,
    pipeline: &FoundPipeline,
    source: &Source,
    names: &[String],
) -> Result<Vec<Target>, StoreError> {
    if names.is_empty() {
        return Err(StoreError::Invalid(
            "There is no app to promote to: `targets` is empty.".into(),
        ));
    }
    let mut seen = BTreeSet::new();
    let mut targets = Vec::new();
    for name in names {
        let (target, id) = match find_app(connection, actor, name) {
            Ok(app) => {
                in_pipeline(connection, pipeline, &app)?;
                let id = app.id;
                (Target::Seen(app), id)
            }
            Err(StoreError::NotFound { .. }) => {
                let id = unseen(connection, pipeline, name)?;
                (Target::Unseen(id), id)
            }
            Err(other) => return Err(other),
        };
        if id == source.app.id {
            return Err(StoreError::Invalid(format!(
                "Cannot promote from an app to itself: {}.",
                source.app.name
            )));
        }
        if !seen.insert(id) {
            return Err(StoreError::Invalid(format!(
                "{name} is named twice among the apps to promote to."
            )));
        }
        targets.push(target);
    }
    Ok(targets)
}

fn in_pipeline(
    connection: &Connection,
    pipeline: &FoundPipeline,
    app: &Found,
) -> Result<(), StoreError> {
    match of_app(connection, app.number)? {
        Some(coupling) if coupling.pipeline.id == pipeline.id => Ok(()),
        _ => Err(StoreError::Invalid(format!(
            "{} is not in the pipeline {}.",
            app.name, pipeline.name
        ))),
    }
}

/// The identifier of an app that the acting user may not see, if it is in a pipeline of their own, whose list of couplings
/// has it. All others are not there.
fn unseen(
    connection: &Connection,
    pipeline: &FoundPipeline,
    identity: &str,
) -> Result<Uuid, StoreError> {
    let not_found = || StoreError::NotFound { resource: "app" };
    if !pipeline.owned {
        return Err(not_found());
    }
    // Only by what that list tells: a name would tell that there is one.
    let id = Uuid::try_parse(identity).map_err(|_| not_found())?;
    connection
        .prepare_cached(
            "SELECT app.id FROM app JOIN pipeline_coupling ON pipeline_coupling.app = app.number
             WHERE app.id = ?1 AND pipeline_coupling.pipeline = ?2",
        )?
        .query_row(params![id, pipeline.number], |row| row.get(0))
        .optional()?
        .ok_or_else(not_found)
}

/// The release that a target gets, or why it gets none.
///
/// # Errors
/// What keeps the whole promotion from being written.
fn release(
    write: &Write<'_>,
    source: &Source,
    app: &Found,
) -> Result<Result<Release, String>, StoreError> {
    let released = write.in_savepoint(|write| {
        let new = NewRelease {
            slug: Some(source.slug.clone()),
            config: newest(write.connection(), app.number)?.config,
            description: description(source),
            status: ReleaseStatus::Succeeded,
        };
        releases::append(write, app, &new)
    });
    match released {
        Ok(release) => Ok(Ok(release)),
        Err(
            refused @ (StoreError::NotFound { .. }
            | StoreError::Invalid(_)
            | StoreError::Forbidden(_)
            | StoreError::Conflict(_)),
        ) => Ok(Err(refused.to_string())),
        Err(other) => Err(other),
    }
}

/// `Promote SOURCE v12 1a2b3c4`, without the commit where there is none.
fn description(source: &Source) -> String {
    let promoted = format!("Promote {} v{}", source.app.name, source.release.version);
    match short_commit(&source.slug.slug.create) {
        Some(commit) => format!("{promoted} {commit}"),
        None => promoted,
    }
}

/// The promotion of that identifier, if `actor` may see it, and its number.
fn find(
    connection: &Connection,
    actor: UserNumber,
    id: &str,
) -> Result<(i64, Promotion), StoreError> {
    let not_found = || StoreError::NotFound {
        resource: "pipeline_promotion",
    };
    let id = Uuid::try_parse(id).map_err(|_| not_found())?;
    connection
        .prepare_cached(&format!(
            "SELECT promotion.number, promotion.id, promotion.pipeline, promotion.source_app, promotion.source_release,
                promotion.created_at,
                EXISTS (SELECT 1 FROM {RELEASES} AND release.status = 'pending') AS pending,
                (SELECT max(release.updated_at) FROM {RELEASES}) AS updated_at
             FROM pipeline_promotion AS promotion WHERE promotion.id = ?2 AND (promotion.user = ?1 OR EXISTS (
                 SELECT 1 FROM pipeline WHERE pipeline.id = promotion.pipeline AND pipeline.number IN ({SEEN})))"
        ))?
        .query_row(params![actor.0, id], |row| {
            Ok((row.get("number")?, read(row)?))
        })
        .optional()?
        .ok_or_else(not_found)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Promotion> {
    let created_at = time(row, "created_at")?;
    Ok(Promotion {
        id: row.get("id")?,
        pipeline: row.get("pipeline")?,
        source_app: row.get("source_app")?,
        source_release: row.get("source_release")?,
        pending: row.get("pending")?,
        created_at,
        updated_at: optional_time(row, "updated_at")?.unwrap_or(created_at),
    })
}

fn targets(
    connection: &Connection,
    actor: UserNumber,
    number: i64,
    promotion: Uuid,
    page: &Page,
) -> Result<Listed<PromotionTarget>, StoreError> {
    if page.attribute != Attribute::Id {
        return Err(not_offered("promotion targets", page.attribute));
    }
    let mut keyset = Keyset::new(page, actor.0, "target.id", "target.id")?;
    keyset.values.push(number.into());
    let sql = format!(
        "SELECT target.id, target.app, target.release, target.error_message, release.status
         FROM pipeline_promotion_target AS target JOIN pipeline_promotion ON pipeline_promotion.number = target.promotion
            LEFT JOIN app ON app.id = target.app
            LEFT JOIN release ON release.app = app.number AND release.id = target.release
         WHERE target.promotion = ?{} AND (pipeline_promotion.user = ?1 OR {SEES_APP}){} {}",
        keyset.values.len(),
        keyset.conditions,
        keyset.order_and_limit
    );
    let items = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&keyset.values), |row| {
            read_target(row, promotion)
        })?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(keyset.listed(items))
}

/// How it went is told by the release, as long as there is one: a promotion is never pending for longer than what it made.
fn read_target(row: &Row<'_>, promotion: Uuid) -> rusqlite::Result<PromotionTarget> {
    let error_message: Option<String> = row.get("error_message")?;
    let release_status: Option<Status> = row.get("status")?;
    let (status, error_message) = match (error_message, release_status.map(|status| status.0)) {
        (Some(message), _) => (TargetStatus::Failed, Some(message)),
        (None, Some(ReleaseStatus::Pending)) => (TargetStatus::Pending, None),
        (None, Some(ReleaseStatus::Failed)) => {
            (TargetStatus::Failed, Some(RELEASE_FAILED.to_owned()))
        }
        (None, Some(ReleaseStatus::Succeeded | ReleaseStatus::Expired) | None) => {
            (TargetStatus::Succeeded, None)
        }
    };
    Ok(PromotionTarget {
        id: row.get("id")?,
        promotion,
        app: row.get("app")?,
        release: row.get("release")?,
        status,
        error_message,
    })
}
