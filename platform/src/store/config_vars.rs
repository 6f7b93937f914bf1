//! Config vars: those of an app are those of its newest release.

use super::access::{Found, find_app};
use super::releases::{self, NewRelease};
use super::values::Json;
use super::{Store, StoreError, User, Write, release_rows, rules};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest as _, Sha256};
use slugbuilder::api::types::{ConfigVars, ConfigVarsUpdate, ReleaseStatus};

/// How many names a description says.
const NAMED: usize = 10;

impl Store {
    /// The config vars of an app.
    pub async fn config_vars(&self, actor: &User, app: &str) -> Result<ConfigVars, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            read(
                connection,
                release_rows::newest(connection, found.number)?.config,
            )
        })
        .await
    }

    /// The config vars of an app as they were with a release, by its identifier or number.
    pub async fn release_config_vars(
        &self,
        actor: &User,
        app: &str,
        identity: &str,
    ) -> Result<ConfigVars, StoreError> {
        let (actor, app, identity) = (actor.id, app.to_owned(), identity.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            let config = release_rows::config_of(connection, &found, &identity)?;
            read(connection, config)
        })
        .await
    }

    /// Sets and removes config vars, and tells all that the app then has. Makes a release with the slug that the app runs,
    /// unless nothing changes.
    pub async fn update_config_vars(
        &self,
        actor: &User,
        app: &str,
        update: ConfigVarsUpdate,
    ) -> Result<ConfigVars, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.write(move |write| {
            let found = find_app(write.connection(), actor, &app)?;
            change(write, &found, update)
        })
        .await
    }
}

fn change(
    write: &Write<'_>,
    app: &Found,
    update: ConfigVarsUpdate,
) -> Result<ConfigVars, StoreError> {
    let connection = write.connection();
    let mut vars = read(
        connection,
        release_rows::newest(connection, app.number)?.config,
    )?;
    let (mut set, mut removed) = (Vec::new(), Vec::new());
    for (name, value) in update {
        match value {
            Some(value) if vars.get(&name) == Some(&value) => {}
            Some(value) => {
                vars.insert(name.clone(), value);
                set.push(name);
            }
            None => {
                if vars.remove(&name).is_some() {
                    removed.push(name);
                }
            }
        }
    }
    if set.is_empty() && removed.is_empty() {
        return Ok(vars);
    }
    rules::config_vars(&vars)?;
    let new = NewRelease {
        slug: release_rows::current_slug(connection, app.number)?,
        config: snapshot(connection, app, &vars)?,
        description: description(&set, &removed),
        status: ReleaseStatus::Succeeded,
    };
    releases::append(write, app, &new)?;
    Ok(vars)
}

/// `Set A, B config vars`, `Remove C config vars`, or `Set A and remove C config vars`.
fn description(set: &[String], removed: &[String]) -> String {
    match (set, removed) {
        (set, []) => format!("Set {} config vars", names(set)),
        ([], removed) => format!("Remove {} config vars", names(removed)),
        (set, removed) => format!(
            "Set {} and remove {} config vars",
            names(set),
            names(removed)
        ),
    }
}

/// The names, each cut after 64 characters, and how many more there are than a line can hold.
fn names(all: &[String]) -> String {
    let named: Vec<String> = all
        .iter()
        .take(NAMED)
        .map(|name| match name.char_indices().nth(64) {
            Some((end, _)) => format!("{}…", &name[..end]),
            None => name.clone(),
        })
        .collect();
    match all.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// The number of the row with these config vars of the app; the same map is the same row.
pub(super) fn snapshot(
    connection: &Connection,
    app: &Found,
    vars: &ConfigVars,
) -> Result<i64, StoreError> {
    // The map is sorted, so that the same one is always the same text.
    let text = serde_json::to_string(vars)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let there: Option<i64> = connection
        .prepare_cached("SELECT number FROM config WHERE app = ?1 AND digest = ?2")?
        .query_row(params![app.number, digest], |row| row.get(0))
        .optional()?;
    if let Some(number) = there {
        return Ok(number);
    }
    connection
        .prepare_cached("INSERT INTO config (app, digest, vars) VALUES (?1, ?2, ?3)")?
        .execute(params![app.number, digest, text])?;
    Ok(connection.last_insert_rowid())
}

/// The config vars of that number.
pub(super) fn read(connection: &Connection, config: i64) -> Result<ConfigVars, StoreError> {
    let Json(vars) = connection
        .prepare_cached("SELECT vars FROM config WHERE number = ?1")?
        .query_row([config], |row| row.get(0))?;
    Ok(vars)
}
