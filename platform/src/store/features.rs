//! Which features of an app are on. What features there are is not the ledger's to know.

use super::access::{Found, find_app};
use super::values::{Time, time};
use super::{Store, StoreError, User, Write};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// The features of an app that were ever switched, by name.
pub type Features = BTreeMap<String, Feature>;

/// A feature of an app that was switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    /// Whether it is on.
    pub enabled: bool,
    /// When it was last switched.
    pub updated_at: Timestamp,
}

impl Store {
    /// The features of an app that were ever switched.
    pub async fn features(&self, actor: &User, app: &str) -> Result<Features, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            features(connection, &found)
        })
        .await
    }

    /// Switches a feature, which the caller has checked to be one, and tells how it is now. One that is so already stays.
    pub async fn switch_feature(
        &self,
        actor: &User,
        app: &str,
        name: &str,
        enabled: bool,
    ) -> Result<Feature, StoreError> {
        let (actor, app, name) = (actor.id, app.to_owned(), name.to_owned());
        self.write(move |write| {
            let found = find_app(write.connection(), actor, &app)?;
            switch(write, found.number, &name, enabled)
        })
        .await
    }
}

fn features(connection: &Connection, app: &Found) -> Result<Features, StoreError> {
    let all = connection
        .prepare_cached("SELECT name, enabled, updated_at FROM app_feature WHERE app = ?1")?
        .query_map([app.number], |row| {
            let feature = Feature {
                enabled: row.get("enabled")?,
                updated_at: time(row, "updated_at")?,
            };
            Ok((row.get("name")?, feature))
        })?
        .collect::<Result<_, _>>()?;
    Ok(all)
}

/// Switches a feature of the app of that number.
pub(super) fn switch(
    write: &Write<'_>,
    app: i64,
    name: &str,
    enabled: bool,
) -> Result<Feature, StoreError> {
    let connection = write.connection();
    connection
        .prepare_cached(
            "INSERT INTO app_feature (app, name, enabled, updated_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (app, name) DO UPDATE SET enabled = excluded.enabled, updated_at = excluded.updated_at
             WHERE enabled <> excluded.enabled",
        )?
        .execute(params![app, name, enabled, write.now()])?;
    let updated_at = connection
        .prepare_cached("SELECT updated_at FROM app_feature WHERE app = ?1 AND name = ?2")?
        .query_row(params![app, name], |row| row.get::<_, Time>(0))?;
    Ok(Feature {
        enabled,
        updated_at: updated_at.0,
    })
}
