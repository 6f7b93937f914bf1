//! Formations: how many dynos of each process type there are to be.

use super::access::{Found, find_app};
use super::keyset::{Keyset, not_offered};
use super::values::{count, time};
use super::{Formation, FormationChange, Quantity, Store, StoreError, User, Write};
use crate::range::{Attribute, Listed, Page};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use slugbuilder::api::types::ProcessTypes;
use uuid::Uuid;

/// The size of the dynos of a new process type.
pub const DEFAULT_DYNO_SIZE: &str = "Basic";
/// How many dynos of one process type there can be.
pub const MAXIMUM_QUANTITY: u64 = 100;

/// The process type that has a dyno from the start.
const WEB: &str = "web";

const SELECT: &str =
    "SELECT formation.id, formation.type, formation.command, formation.quantity, formation.size,
        formation.created_at, formation.updated_at
    FROM formation";

impl Store {
    /// The formation of each process type of an app, by identifier or type; none before the first slug.
    pub async fn formation(
        &self,
        actor: &User,
        app: &str,
        page: &Page,
    ) -> Result<Listed<Formation>, StoreError> {
        let (actor, app, page) = (actor.id, app.to_owned(), page.clone());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            list(connection, &found, &page)
        })
        .await
    }

    /// The formation of a process type, by the type or the formation's identifier.
    pub async fn formation_of(
        &self,
        actor: &User,
        app: &str,
        identity: &str,
    ) -> Result<Formation, StoreError> {
        let (actor, app, identity) = (actor.id, app.to_owned(), identity.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            find(connection, &found, &identity)
        })
        .await
    }

    /// Changes formations, all of them or none, and tells those that were named, in their order.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a process type that the app's slug does not have; [`StoreError::Invalid`] for fewer
    /// dynos than none or more than [`MAXIMUM_QUANTITY`].
    pub async fn update_formation(
        &self,
        actor: &User,
        app: &str,
        changes: Vec<FormationChange>,
    ) -> Result<Vec<Formation>, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.write(move |write| {
            let connection = write.connection();
            let found = find_app(connection, actor, &app)?;
            let mut named: Vec<Uuid> = Vec::new();
            for one in &changes {
                let id = change(write, &found, one)?;
                if !named.contains(&id) {
                    named.push(id);
                }
            }
            named
                .iter()
                .map(|id| find(connection, &found, &id.to_string()))
                .collect()
        })
        .await
    }
}

fn change(write: &Write<'_>, app: &Found, change: &FormationChange) -> Result<Uuid, StoreError> {
    let connection = write.connection();
    let before = find(connection, app, &change.process_type)?;
    let quantity = match change.quantity {
        None => before.quantity,
        Some(quantity) => counted(&before, quantity)?,
    };
    let size = change.size.as_ref().unwrap_or(&before.size);
    if quantity != before.quantity || *size != before.size {
        connection
            .prepare_cached(
                "UPDATE formation SET quantity = ?3, size = ?4, updated_at = ?5 WHERE app = ?1 AND type = ?2",
            )?
            .execute(params![
                app.number,
                before.process_type,
                i64::try_from(quantity).unwrap_or(i64::MAX),
                size,
                write.now(),
            ])?;
    }
    Ok(before.id)
}

/// How many that makes, if it can be.
fn counted(before: &Formation, quantity: Quantity) -> Result<u64, StoreError> {
    let wanted = match quantity {
        Quantity::Absolute(wanted) => Some(wanted),
        Quantity::Relative(more) => before.quantity.checked_add_signed(more),
    };
    wanted
        .filter(|wanted| *wanted <= MAXIMUM_QUANTITY)
        .ok_or_else(|| {
            StoreError::Invalid(format!(
                "The quantity of `{}` has to be from 0 to {MAXIMUM_QUANTITY}; it is {} now.",
                before.process_type, before.quantity
            ))
        })
}

/// Makes the formation of an app one of these process types: new ones get one dyno (`web`) or none, vanished ones go,
/// the others keep their quantity and size.
pub(super) fn follow(
    write: &Write<'_>,
    app: i64,
    process_types: &ProcessTypes,
) -> Result<(), StoreError> {
    let connection = write.connection();
    let there = connection
        .prepare_cached("SELECT type, command FROM formation WHERE app = ?1")?
        .query_map([app], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<ProcessTypes, _>>()?;
    for vanished in there
        .keys()
        .filter(|name| !process_types.contains_key(*name))
    {
        connection
            .prepare_cached("DELETE FROM formation WHERE app = ?1 AND type = ?2")?
            .execute(params![app, vanished])?;
    }
    for (name, command) in process_types {
        match there.get(name) {
            Some(before) if before == command => {}
            Some(_) => {
                connection
                    .prepare_cached(
                        "UPDATE formation SET command = ?3, updated_at = ?4 WHERE app = ?1 AND type = ?2",
                    )?
                    .execute(params![app, name, command, write.now()])?;
            }
            None => {
                connection
                    .prepare_cached(
                        "INSERT INTO formation (app, type, id, command, quantity, size, created_at, updated_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
                    )?
                    .execute(params![
                        app,
                        name,
                        Uuid::new_v4(),
                        command,
                        i64::from(name == WEB),
                        DEFAULT_DYNO_SIZE,
                        write.now(),
                    ])?;
            }
        }
    }
    Ok(())
}

/// The formation of that type or identifier. A type is not read as an identifier if the app has it.
fn find(connection: &Connection, app: &Found, identity: &str) -> Result<Formation, StoreError> {
    connection
        .prepare_cached(&format!(
            "{SELECT} WHERE formation.app = ?1 AND (formation.type = ?2 OR formation.id = ?3)
             ORDER BY formation.type = ?2 DESC LIMIT 1"
        ))?
        .query_row(
            params![app.number, identity, Uuid::try_parse(identity).ok()],
            |row| read_formation(row, app),
        )
        .optional()?
        .ok_or(StoreError::NotFound {
            resource: "formation",
        })
}

fn list(
    connection: &Connection,
    app: &Found,
    page: &Page,
) -> Result<Listed<Formation>, StoreError> {
    let column = match page.attribute {
        Attribute::Id => "formation.id",
        other => return Err(not_offered("process types", other)),
    };
    let keyset = Keyset::new(page, app.number, column, column)?;
    let sql = format!(
        "{SELECT} WHERE formation.app = ?1{} {}",
        keyset.conditions, keyset.order_and_limit
    );
    let items = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&keyset.values), |row| {
            read_formation(row, app)
        })?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(keyset.listed(items))
}

fn read_formation(row: &Row<'_>, app: &Found) -> rusqlite::Result<Formation> {
    Ok(Formation {
        id: row.get("id")?,
        app: app.named(),
        process_type: row.get("type")?,
        command: row.get("command")?,
        quantity: count(row.get("quantity")?),
        size: row.get("size")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
