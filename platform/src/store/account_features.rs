//! Which features of their accounts users have switched.

use super::access::user_number;
use super::values::time;
use super::{Store, StoreError, User};
use jiff::Timestamp;
use rusqlite::{Row, params};

/// A feature that someone switched on or off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchedFeature {
    /// Its name, one of the catalogue.
    pub name: String,
    /// Whether it is on.
    pub enabled: bool,
    /// When it was switched.
    pub updated_at: Timestamp,
}

impl Store {
    /// What the user has switched; the others are as the catalogue has them.
    pub async fn account_features(&self, actor: &User) -> Result<Vec<SwitchedFeature>, StoreError> {
        let actor = actor.id;
        self.read(move |connection| {
            let user = user_number(connection, actor)?.0;
            let all = connection
                .prepare_cached(
                    "SELECT name, enabled, updated_at FROM account_feature WHERE user = ?1",
                )?
                .query_map([user], read)?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
        .await
    }

    /// Switches a feature, whose name the caller has checked. One that is like that already stays as it is.
    pub async fn switch_account_feature(
        &self,
        actor: &User,
        name: &str,
        enabled: bool,
    ) -> Result<SwitchedFeature, StoreError> {
        let (actor, name) = (actor.id, name.to_owned());
        self.write(move |write| {
            let connection = write.connection();
            let user = user_number(connection, actor)?.0;
            connection
                .prepare_cached(
                    "INSERT INTO account_feature (user, name, enabled, updated_at) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (user, name) DO UPDATE SET enabled = excluded.enabled, updated_at = excluded.updated_at
                     WHERE enabled IS NOT excluded.enabled",
                )?
                .execute(params![user, name, enabled, write.now()])?;
            let switched = connection
                .prepare_cached(
                    "SELECT name, enabled, updated_at FROM account_feature WHERE user = ?1 AND name = ?2",
                )?
                .query_row(params![user, name], read)?;
            Ok(switched)
        })
        .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<SwitchedFeature> {
    Ok(SwitchedFeature {
        name: row.get("name")?,
        enabled: row.get("enabled")?,
        updated_at: time(row, "updated_at")?,
    })
}
