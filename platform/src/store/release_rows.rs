//! Releases as rows.

use super::access::Found;
use super::keyset::{Keyset, not_offered};
use super::slugs::{self, SlugRow};
use super::values::{Json, Status, count, time};
use super::{Release, StoreError};
use crate::range::{Attribute, Listed, Page};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use slugbuilder::api::types::{self, ReleaseStatus};
use uuid::Uuid;

/// Of the app whose number is the first parameter: what is current is found once, and not again for each row.
const SELECT: &str = "SELECT release.version, release.id, app.id AS app_id, app.name AS app_name, slug.id AS slug_id,
        release.addon_plan_names, release.description, release.status, release.has_release_phase,
        user.id AS user_id, user.email, release.created_at, release.updated_at,
        release.version IS (
            SELECT newest.version FROM release AS newest
            WHERE newest.app = ?1 AND newest.status = 'succeeded' ORDER BY newest.version DESC LIMIT 1
        ) AS current
    FROM release JOIN app ON app.number = release.app JOIN user ON user.number = release.user
        LEFT JOIN slug ON slug.number = release.slug";

/// An earlier release that a new one goes on from.
#[derive(Debug, Clone)]
pub(super) struct Earlier {
    pub(super) version: i64,
    pub(super) slug: Option<i64>,
    pub(super) config: i64,
    pub(super) status: ReleaseStatus,
}

/// The newest release of an app. Its config vars are those of the app, whatever became of it: a config var that was set
/// stays set if the release phase then fails.
pub(super) fn newest(connection: &Connection, app: i64) -> Result<Earlier, StoreError> {
    newest_or_none(connection, app)?.ok_or(StoreError::NotFound {
        resource: "release",
    })
}

pub(super) fn newest_or_none(
    connection: &Connection,
    app: i64,
) -> Result<Option<Earlier>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT version, slug, config, status FROM release WHERE app = ?1 ORDER BY version DESC LIMIT 1",
        )?
        .query_row([app], read_earlier)
        .optional()?)
}

/// The newest release of an app that succeeded.
pub(super) fn current(connection: &Connection, app: i64) -> Result<Option<Release>, StoreError> {
    let version: Option<i64> = connection
        .prepare_cached(
            "SELECT version FROM release WHERE app = ?1 AND status = 'succeeded' ORDER BY version DESC LIMIT 1",
        )?
        .query_row([app], |row| row.get(0))
        .optional()?;
    version
        .map(|version| of_version(connection, app, version))
        .transpose()
}

/// The slug that the app runs: that of its newest release that succeeded.
pub(super) fn current_slug(
    connection: &Connection,
    app: i64,
) -> Result<Option<SlugRow>, StoreError> {
    let slug: Option<Option<i64>> = connection
        .prepare_cached(
            "SELECT slug FROM release WHERE app = ?1 AND status = 'succeeded' ORDER BY version DESC LIMIT 1",
        )?
        .query_row([app], |row| row.get(0))
        .optional()?;
    slug.flatten()
        .map(|slug| slugs::of_number(connection, slug))
        .transpose()
}

/// How a release is named in a request.
fn condition(identity: &str) -> Option<(&'static str, Value)> {
    if let Ok(id) = Uuid::try_parse(identity) {
        return Some(("id", Value::Blob(id.as_bytes().to_vec())));
    }
    let digits = identity.strip_prefix('v').unwrap_or(identity);
    let only_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let version: i64 = digits.parse().ok().filter(|_| only_digits)?;
    Some(("version", Value::Integer(version)))
}

/// The number of the config vars of the release of that identity.
pub(super) fn config_of(
    connection: &Connection,
    app: &Found,
    identity: &str,
) -> Result<i64, StoreError> {
    let not_found = || StoreError::NotFound {
        resource: "release",
    };
    let (column, value) = condition(identity).ok_or_else(not_found)?;
    connection
        .prepare_cached(&format!(
            "SELECT config FROM release WHERE app = ?1 AND {column} = ?2"
        ))?
        .query_row(params![app.number, value], |row| row.get(0))
        .optional()?
        .ok_or_else(not_found)
}

pub(super) fn find(
    connection: &Connection,
    app: &Found,
    identity: &str,
) -> Result<Release, StoreError> {
    let not_found = || StoreError::NotFound {
        resource: "release",
    };
    let (column, value) = condition(identity).ok_or_else(not_found)?;
    connection
        .prepare_cached(&format!(
            "{SELECT} WHERE release.app = ?1 AND release.{column} = ?2"
        ))?
        .query_row(params![app.number, value], read_release)
        .optional()?
        .ok_or_else(not_found)
}

pub(super) fn of_version(
    connection: &Connection,
    app: i64,
    version: i64,
) -> Result<Release, StoreError> {
    Ok(connection
        .prepare_cached(&format!(
            "{SELECT} WHERE release.app = ?1 AND release.version = ?2"
        ))?
        .query_row([app, version], read_release)?)
}

pub(super) fn list(
    connection: &Connection,
    app: &Found,
    page: &Page,
) -> Result<Listed<Release>, StoreError> {
    let (sql, keyset) = list_query(app.number, page)?;
    let items = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&keyset.values), read_release)?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(keyset.listed(items))
}

pub(super) fn list_query(app: i64, page: &Page) -> Result<(String, Keyset), StoreError> {
    let column = match page.attribute {
        Attribute::Id => "release.id",
        Attribute::Version => "release.version",
        other => return Err(not_offered("releases", other)),
    };
    let keyset = Keyset::new(page, app, column, column)?;
    let sql = format!(
        "{SELECT} WHERE release.app = ?1{} {}",
        keyset.conditions, keyset.order_and_limit
    );
    Ok((sql, keyset))
}

pub(super) fn read_earlier(row: &Row<'_>) -> rusqlite::Result<Earlier> {
    Ok(Earlier {
        version: row.get("version")?,
        slug: row.get("slug")?,
        config: row.get("config")?,
        status: row.get::<_, Status>("status")?.0,
    })
}

fn read_release(row: &Row<'_>) -> rusqlite::Result<Release> {
    let slug: Option<Uuid> = row.get("slug_id")?;
    let Status(status) = row.get("status")?;
    Ok(Release {
        id: row.get("id")?,
        version: count(row.get("version")?),
        app: types::Named {
            id: row.get("app_id")?,
            name: row.get("app_name")?,
        },
        slug,
        addon_plan_names: row.get::<_, Json<Vec<String>>>("addon_plan_names")?.0,
        description: row.get("description")?,
        status,
        user: types::User {
            id: row.get("user_id")?,
            email: row.get("email")?,
        },
        current: row.get("current")?,
        eligible_for_rollback: slug.is_some() && status == ReleaseStatus::Succeeded,
        has_release_phase: row.get("has_release_phase")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
