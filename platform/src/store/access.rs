//! Which apps a user may see.

use super::StoreError;
use rusqlite::{Connection, OptionalExtension, Row, params};
use slugbuilder::api::types;
use uuid::Uuid;

/// A user as rows refer to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UserNumber(pub(super) i64);

/// An app that the acting user may see, as rows refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) number: i64,
    pub(super) id: Uuid,
    pub(super) name: String,
    /// The acting user.
    pub(super) actor: UserNumber,
    /// Whether the acting user owns it.
    pub(super) owned: bool,
}

impl Found {
    pub(super) fn named(&self) -> types::Named {
        types::Named {
            id: self.id,
            name: self.name.clone(),
        }
    }
}

/// The app of that name or identifier, if `actor` owns it or works on it.
pub(super) fn find_app(
    connection: &Connection,
    actor: Uuid,
    identity: &str,
) -> Result<Found, StoreError> {
    // A name has at most 30 characters, so that none reads as an identifier.
    let (column, key) = match Uuid::try_parse(identity) {
        Ok(id) => ("id", rusqlite::types::Value::Blob(id.as_bytes().to_vec())),
        Err(_) => ("name", rusqlite::types::Value::Text(identity.to_owned())),
    };
    let sql = format!(
        "SELECT app.number, app.id, app.name, user.number AS actor, app.owner = user.number AS owned
         FROM app JOIN user ON user.id = ?2
         WHERE app.{column} = ?1 AND (app.owner = user.number OR EXISTS (
             SELECT 1 FROM collaborator
             WHERE collaborator.app = app.number AND collaborator.user = user.number))"
    );
    connection
        .prepare_cached(&sql)?
        .query_row(params![key, actor], found)
        .optional()?
        .ok_or(StoreError::NotFound { resource: "app" })
}

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        number: row.get("number")?,
        id: row.get("id")?,
        name: row.get("name")?,
        actor: UserNumber(row.get("actor")?),
        owned: row.get("owned")?,
    })
}

/// The user as rows refer to them.
pub(super) fn user_number(connection: &Connection, user: Uuid) -> Result<UserNumber, StoreError> {
    connection
        .prepare_cached("SELECT number FROM user WHERE id = ?1")?
        .query_row([user], |row| row.get(0).map(UserNumber))
        .optional()?
        .ok_or(StoreError::NotFound { resource: "user" })
}
