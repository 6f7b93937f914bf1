//! Where the logs of apps are to go.

use super::access::{Found, find_app};
use super::values::time;
use super::{Store, StoreError, User, Write};
use crate::drain_url::DrainUrl;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use slugbuilder::api::types::Named;
use uuid::Uuid;

/// As many drains as an app has at most. Each will get every line of its logs.
pub const MAXIMUM_DRAINS: usize = 10;

/// A drain of an app's logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// Its identifier.
    pub id: Uuid,
    /// The app.
    pub app: Named,
    /// What lines that are sent to it call themselves after: clients see `d.` and this.
    pub token: Uuid,
    /// Where it is, as it was given.
    pub url: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Store {
    /// The drains of an app, the first one first: at most [`MAXIMUM_DRAINS`].
    pub async fn drains(&self, actor: &User, app: &str) -> Result<Vec<Drain>, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            let all = connection
                .prepare_cached("SELECT * FROM log_drain WHERE app = ?1 ORDER BY created_at")?
                .query_map([found.number], |row| read(row, &found))?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
        .await
    }

    /// A drain of an app, by its identifier, its token (`d.UUID`) or its address.
    pub async fn drain(
        &self,
        actor: &User,
        app: &str,
        identity: &str,
    ) -> Result<Drain, StoreError> {
        let (actor, app, identity) = (actor.id, app.to_owned(), identity.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            find(connection, &found, &identity)
        })
        .await
    }

    /// Adds a drain.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for an address that the app drains to already, or for too many.
    pub async fn add_drain(
        &self,
        actor: &User,
        app: &str,
        url: DrainUrl,
    ) -> Result<Drain, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.write(move |write| {
            let found = find_app(write.connection(), actor, &app)?;
            add(write, &found, &url)
        })
        .await
    }

    /// Takes a drain away, by the same names as [`Store::drain`].
    pub async fn remove_drain(
        &self,
        actor: &User,
        app: &str,
        identity: &str,
    ) -> Result<Drain, StoreError> {
        let (actor, app, identity) = (actor.id, app.to_owned(), identity.to_owned());
        self.write(move |write| {
            let connection = write.connection();
            let found = find_app(connection, actor, &app)?;
            let drain = find(connection, &found, &identity)?;
            connection
                .prepare_cached("DELETE FROM log_drain WHERE app = ?1 AND url = ?2")?
                .execute(params![found.number, drain.url])?;
            Ok(drain)
        })
        .await
    }
}

fn add(write: &Write<'_>, app: &Found, url: &DrainUrl) -> Result<Drain, StoreError> {
    let connection = write.connection();
    let urls: Vec<String> = connection
        .prepare_cached("SELECT url FROM log_drain WHERE app = ?1")?
        .query_map([app.number], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if urls.iter().any(|there| there == url.as_str()) {
        return Err(StoreError::Invalid(
            "This app has a drain with this URL already.".into(),
        ));
    }
    if urls.len() >= MAXIMUM_DRAINS {
        return Err(StoreError::Invalid(format!(
            "An app has at most {MAXIMUM_DRAINS} drains. Please remove one first."
        )));
    }
    connection
        .prepare_cached(
            "INSERT INTO log_drain (app, url, id, token, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        )?
        .execute(params![app.number, url.as_str(), Uuid::new_v4(), Uuid::new_v4(), write.now()])?;
    find(connection, app, url.as_str())
}

fn find(connection: &Connection, app: &Found, identity: &str) -> Result<Drain, StoreError> {
    let id = Uuid::try_parse(identity).ok();
    let token = identity
        .strip_prefix("d.")
        .and_then(|token| Uuid::try_parse(token).ok());
    connection
        .prepare_cached(
            "SELECT * FROM log_drain WHERE app = ?1 AND (url = ?2 OR id = ?3 OR token = ?4)",
        )?
        .query_row(params![app.number, identity, id, token], |row| {
            read(row, app)
        })
        .optional()?
        .ok_or(StoreError::NotFound {
            resource: "log_drain",
        })
}

fn read(row: &Row<'_>, app: &Found) -> rusqlite::Result<Drain> {
    Ok(Drain {
        id: row.get("id")?,
        app: app.named(),
        token: row.get("token")?,
        url: row.get("url")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
