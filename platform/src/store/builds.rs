//! Builds: what was asked for, and how it went.

use super::access::{Found, find_app};
use super::keyset::{Keyset, not_offered};
use super::releases;
use super::values::{Json, count, time};
use super::{
    Build, BuildStatus, BuiltSlug, NewBuildRow, PendingBuild, Release, Store, StoreError, User,
    Write, config_vars, release_rows, rules, slugs,
};
use crate::range::{Attribute, Listed, Page};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use slugbuilder::api::types::{self, ReleaseStatus};
use slugbuilder::slug::Checksum;
use uuid::Uuid;

/// Builds of one user that wait or run.
const PENDING_OF_USER: i64 = 50;
/// Builds of all users that wait or run.
const PENDING: i64 = 1000;
/// Of the version of a source and its description, in characters.
const MAXIMUM_VERSION: usize = 10_000;

const SELECT: &str = "SELECT build.number, build.id, build.app AS app_number, app.id AS app_id, app.name AS app_name, user.id AS user_id, user.email,
        build.status, build.stack, build.buildpacks, build.url, build.source, build.checksum, build.version,
        build.version_description, build.source_date_epoch, build.attempts, build.release, slug.id AS slug_id,
        release.id AS release_id, build.created_at, build.updated_at
    FROM build JOIN app ON app.number = build.app JOIN user ON user.number = build.user
        LEFT JOIN slug ON slug.number = build.slug
        LEFT JOIN release ON release.app = build.app AND release.version = build.release";

impl Store {
    /// Writes down a build that is to be done. Its stack is that of builds of the app.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] while too many builds wait.
    pub async fn create_build(
        &self,
        actor: &User,
        app: &str,
        new: NewBuildRow,
    ) -> Result<Build, StoreError> {
        for (what, value) in [
            ("version", &new.version),
            ("version's description", &new.version_description),
        ] {
            if let Some(value) = value {
                rules::text(what, value, MAXIMUM_VERSION)?;
            }
        }
        let (actor, app) = (actor.id, app.to_owned());
        self.write(move |write| {
            let found = find_app(write.connection(), actor, &app)?;
            check_queue(write.connection(), found.actor.0)?;
            insert(write, &found, &new)
        })
        .await
    }

    /// A build of an app.
    pub async fn build(&self, actor: &User, app: &str, id: Uuid) -> Result<Build, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            connection
                .prepare_cached(&format!("{SELECT} WHERE build.app = ?1 AND build.id = ?2"))?
                .query_row(params![found.number, id], read)
                .optional()?
                .map(|row| row.build)
                .ok_or(StoreError::NotFound { resource: "build" })
        })
        .await
    }

    /// The builds of an app.
    pub async fn builds(
        &self,
        actor: &User,
        app: &str,
        page: &Page,
    ) -> Result<Listed<Build>, StoreError> {
        let (actor, app, page) = (actor.id, app.to_owned(), page.clone());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            list(connection, &found, &page)
        })
        .await
    }

    /// A build of whatever app, for the server itself and for addresses that are signed, which is why nobody acts.
    pub async fn build_of_server(&self, id: Uuid) -> Result<Build, StoreError> {
        self.read(move |connection| find(connection, id).map(|row| row.build))
            .await
    }

    /// The builds that have not ended, in the order in which they were asked for.
    pub async fn pending_builds(&self) -> Result<Vec<Build>, StoreError> {
        self.read(|connection| {
            let builds = connection
                .prepare_cached(&format!(
                    "{SELECT} WHERE build.status = 'pending' ORDER BY build.created_at"
                ))?
                .query_map([], |row| read(row).map(|row| row.build))?
                .collect::<Result<_, _>>()?;
            Ok(builds)
        })
        .await
    }

    /// Writes down that the builds failed that were to end with the last server; which these are.
    pub async fn fail_builds_of_last_server(&self) -> Result<Vec<Uuid>, StoreError> {
        self.write(|write| {
            let failed = write
                .connection()
                .prepare_cached(
                    "UPDATE build SET status = 'failed', updated_at = ?1 WHERE status = 'pending' AND ends_with_server
                     RETURNING id",
                )?
                .query_map([write.now()], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(failed)
        })
        .await
    }

    /// Of these identifiers, those that no build has any longer.
    pub async fn unknown_builds(&self, ids: Vec<Uuid>) -> Result<Vec<Uuid>, StoreError> {
        self.unknown("SELECT 1 FROM build WHERE id = ?1", ids).await
    }

    /// Of these identifiers, those that no app has any longer.
    pub async fn unknown_apps(&self, ids: Vec<Uuid>) -> Result<Vec<Uuid>, StoreError> {
        self.unknown("SELECT 1 FROM app WHERE id = ?1", ids).await
    }

    async fn unknown(&self, sql: &'static str, ids: Vec<Uuid>) -> Result<Vec<Uuid>, StoreError> {
        self.read(move |connection| {
            let mut known = connection.prepare_cached(sql)?;
            let mut unknown = Vec::new();
            for id in ids {
                if !known.exists([id])? {
                    unknown.push(id);
                }
            }
            Ok(unknown)
        })
        .await
    }

    /// Some of the builds of an app that are older than its `newest` ones.
    pub async fn old_builds(&self, app: Uuid, newest: u64) -> Result<Vec<Uuid>, StoreError> {
        let newest = i64::try_from(newest).unwrap_or(i64::MAX);
        self.read(move |connection| {
            let ids = connection
                .prepare_cached(
                    "SELECT build.id FROM build JOIN app ON app.number = build.app WHERE app.id = ?1
                     ORDER BY build.created_at DESC LIMIT 20 OFFSET ?2",
                )?
                .query_map(params![app, newest], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(ids)
        })
        .await
    }

    /// Takes an attempt back that the server itself has ended.
    ///
    /// # Errors
    /// As [`Store::attempt_build`].
    pub async fn suspend_build(&self, id: Uuid) -> Result<(), StoreError> {
        self.write(move |write| {
            let connection = write.connection();
            pending(connection, id)?;
            connection
                .prepare_cached("UPDATE build SET attempts = max(attempts - 1, 0) WHERE id = ?1")?
                .execute([id])?;
            Ok(())
        })
        .await
    }

    /// Counts one more attempt at a build, and tells all that it needs.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it has ended, [`StoreError::NotFound`] if its app is gone.
    pub async fn attempt_build(&self, id: Uuid) -> Result<PendingBuild, StoreError> {
        self.write(move |write| {
            let connection = write.connection();
            pending(connection, id)?;
            connection
                .prepare_cached("UPDATE build SET attempts = attempts + 1 WHERE id = ?1")?
                .execute([id])?;
            let row = find(connection, id)?;
            let config = release_rows::newest(connection, row.app)?.config;
            Ok(PendingBuild {
                attempts: row.attempts,
                source: row.source,
                source_date_epoch: row.source_date_epoch,
                config_vars: config_vars::read(connection, config)?,
                build: row.build,
            })
        })
        .await
    }

    /// Writes down that a build failed, or was cancelled.
    ///
    /// # Errors
    /// As [`Store::attempt_build`].
    pub async fn fail_build(&self, id: Uuid) -> Result<Build, StoreError> {
        self.write(move |write| {
            let connection = write.connection();
            pending(connection, id)?;
            connection
                .prepare_cached(
                    "UPDATE build SET status = 'failed', updated_at = ?2 WHERE id = ?1",
                )?
                .execute(params![id, write.now()])?;
            find(connection, id).map(|row| row.build)
        })
        .await
    }

    /// Writes down the slug of a build, whose bytes are there, and releases it: all of it or nothing.
    ///
    /// # Errors
    /// As [`Store::attempt_build`] and [`Store::create_release`].
    pub async fn finish_build(
        &self,
        id: Uuid,
        slug: BuiltSlug,
    ) -> Result<(Build, Release), StoreError> {
        rules::slug(&slug.create)?;
        self.write(move |write| finish(write, id, &slug)).await
    }
}

/// A build, and what of its row is not for callers.
struct BuildRow {
    number: i64,
    app: i64,
    source: Option<Uuid>,
    source_date_epoch: Option<i64>,
    attempts: u64,
    build: Build,
}

/// Refuses more builds than can be done in a reasonable time.
fn check_queue(connection: &Connection, user: i64) -> Result<(), StoreError> {
    let (all, own): (i64, i64) = connection
        .prepare_cached(
            "SELECT count(*), count(*) FILTER (WHERE user = ?1) FROM build WHERE status = 'pending'",
        )?
        .query_row([user], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if own >= PENDING_OF_USER {
        return Err(StoreError::TooMany(format!(
            "{PENDING_OF_USER} of your builds are waiting already. Please try again when one of them has ended."
        )));
    }
    if all >= PENDING {
        return Err(StoreError::TooMany(
            "Too many builds are waiting. Please try again later.".into(),
        ));
    }
    Ok(())
}

fn insert(write: &Write<'_>, app: &Found, new: &NewBuildRow) -> Result<Build, StoreError> {
    let connection = write.connection();
    connection
        .prepare_cached(
            "INSERT INTO build (id, app, user, stack, buildpacks, url, source, checksum, version, version_description,
                source_date_epoch, ends_with_server, created_at, updated_at)
             SELECT ?1, number, ?3, build_stack, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12 FROM app WHERE number = ?2",
        )?
        .execute(params![
            new.id,
            app.number,
            app.actor.0,
            new.buildpacks.as_ref().map(Json),
            new.url,
            new.source,
            new.checksum.map(|checksum| checksum.to_string()),
            new.version,
            new.version_description,
            new.source_date_epoch,
            new.ends_with_server,
            write.now(),
        ])?;
    find(connection, new.id).map(|row| row.build)
}

fn finish(write: &Write<'_>, id: Uuid, slug: &BuiltSlug) -> Result<(Build, Release), StoreError> {
    let connection = write.connection();
    let row = pending(connection, id)?;
    let build = &row.build;
    // Who may no longer see the app releases nothing to it either.
    let found = find_app(connection, build.user.id, &build.app.id.to_string())?;
    let size = i64::try_from(slug.size)
        .map_err(|_| StoreError::Invalid("The slug is too large.".into()))?;
    slugs::insert(write, &found, slug.id, &slug.create)?;
    slugs::finish_upload(write, slug.id, size, Checksum(slug.sha256))?;
    let new = releases::of_slug(
        connection,
        &found,
        &build.user.email,
        slug.id,
        None,
        ReleaseStatus::Succeeded,
    )?;
    let release = releases::append(write, &found, &new)?;
    let number = slugs::find(connection, slug.id)?.number;
    let version = i64::try_from(release.version)
        .map_err(|_| StoreError::Invalid("The app has too many releases.".into()))?;
    connection
        .prepare_cached(
            "UPDATE build SET status = 'succeeded', slug = ?2, release = ?3, updated_at = ?4 WHERE number = ?1",
        )?
        .execute(params![row.number, number, version, write.now()])?;
    Ok((find(connection, id)?.build, release))
}

/// The newest build of the app of that number, if it has any.
pub(super) fn newest_of(connection: &Connection, app: i64) -> Result<Option<Build>, StoreError> {
    Ok(connection
        .prepare_cached(&format!(
            "{SELECT} WHERE build.app = ?1 ORDER BY build.created_at DESC LIMIT 1"
        ))?
        .query_row([app], |row| read(row).map(|row| row.build))
        .optional()?)
}

/// The build of that identifier, whoever's it is.
fn find(connection: &Connection, id: Uuid) -> Result<BuildRow, StoreError> {
    connection
        .prepare_cached(&format!("{SELECT} WHERE build.id = ?1"))?
        .query_row([id], read)
        .optional()?
        .ok_or(StoreError::NotFound { resource: "build" })
}

/// The same, unless it has ended.
fn pending(connection: &Connection, id: Uuid) -> Result<BuildRow, StoreError> {
    let row = find(connection, id)?;
    match row.build.status {
        BuildStatus::Pending => Ok(row),
        BuildStatus::Succeeded => Err(StoreError::Conflict(
            "The build has succeeded already.".into(),
        )),
        BuildStatus::Failed => Err(StoreError::Conflict(
            "The build has failed already, or was cancelled.".into(),
        )),
    }
}

fn list(connection: &Connection, app: &Found, page: &Page) -> Result<Listed<Build>, StoreError> {
    let column = match page.attribute {
        Attribute::Id => "build.id",
        // It is begun as soon as it can be.
        Attribute::CreatedAt | Attribute::StartedAt => "build.created_at",
        other => return Err(not_offered("builds", other)),
    };
    let keyset = Keyset::new(page, app.number, column, column)?;
    let builds = connection
        .prepare_cached(&format!(
            "{SELECT} WHERE build.app = ?1{} {}",
            keyset.conditions, keyset.order_and_limit
        ))?
        .query_map(params_from_iter(&keyset.values), |row| {
            read(row).map(|row| row.build)
        })?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(keyset.listed(builds))
}

fn read(row: &Row<'_>) -> rusqlite::Result<BuildRow> {
    let release: Option<Uuid> = row.get("release_id")?;
    let version: Option<i64> = row.get("release")?;
    Ok(BuildRow {
        number: row.get("number")?,
        app: row.get("app_number")?,
        source: row.get("source")?,
        source_date_epoch: row.get("source_date_epoch")?,
        attempts: count(row.get("attempts")?),
        build: Build {
            id: row.get("id")?,
            app: types::Named {
                id: row.get("app_id")?,
                name: row.get("app_name")?,
            },
            user: types::User {
                id: row.get("user_id")?,
                email: row.get("email")?,
            },
            status: row.get("status")?,
            stack: row.get("stack")?,
            buildpacks: row
                .get::<_, Option<Json<Vec<String>>>>("buildpacks")?
                .map(|Json(buildpacks)| buildpacks),
            url: row.get("url")?,
            checksum: row.get("checksum")?,
            version: row.get("version")?,
            version_description: row.get("version_description")?,
            slug: row.get("slug_id")?,
            release: release.zip(version.map(count)),
            created_at: time(row, "created_at")?,
            updated_at: time(row, "updated_at")?,
        },
    })
}

impl FromSql for BuildStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(match value.as_str()? {
            "pending" => Self::Pending,
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            _ => return Err(FromSqlError::InvalidType),
        })
    }
}
