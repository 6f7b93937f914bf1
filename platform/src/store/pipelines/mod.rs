//! Pipelines: apps that share a code base, each at its stage of the way to production.

mod access;
mod couplings;
mod latest;
mod promotions;
mod records;

pub use records::{
    Couplings, Latest, NewPromotion, Pipeline, PipelineCoupling, Promotion, PromotionTarget, Stage,
    TargetStatus,
};

use super::access::user_number;
use super::keyset::{Keyset, not_offered};
use super::values::time;
use super::{Store, StoreError, User, Write, rules};
use crate::range::{Attribute, Listed, Page};
use access::{FoundPipeline, SEEN, find_pipeline};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};
use slugbuilder::api::types;
use uuid::Uuid;

/// How many pipelines a user has at most.
const MAXIMUM_PIPELINES: i64 = 1000;

const SELECT: &str =
    "SELECT pipeline.id, pipeline.name, owner.id AS owner_id, owner.email, pipeline.created_at,
        pipeline.updated_at
    FROM pipeline JOIN user AS owner ON owner.number = pipeline.owner";

impl Store {
    /// Makes a pipeline, which has no apps yet and belongs to who makes it.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] by another one of theirs.
    pub async fn create_pipeline(&self, actor: &User, name: &str) -> Result<Pipeline, StoreError> {
        rules::pipeline_name(name)?;
        let (actor, name) = (actor.id, name.to_owned());
        self.write(move |write| create(write, actor, &name)).await
    }

    /// The pipeline of that identifier or name; of several with that name the actor's own.
    pub async fn pipeline(&self, actor: &User, identity: &str) -> Result<Pipeline, StoreError> {
        let (actor, identity) = (actor.id, identity.to_owned());
        self.read(move |connection| {
            let actor = user_number(connection, actor)?;
            let found = find_pipeline(connection, actor, &identity)?;
            pipeline(connection, found.number)
        })
        .await
    }

    /// The pipelines that a user may see, by identifier; those called `name` where there is one.
    pub async fn pipelines(
        &self,
        actor: &User,
        name: Option<&str>,
        page: &Page,
    ) -> Result<Listed<Pipeline>, StoreError> {
        let (actor, name, page) = (actor.id, name.map(str::to_owned), page.clone());
        self.read(move |connection| {
            let actor = user_number(connection, actor)?;
            list(connection, actor.0, name, &page)
        })
        .await
    }

    /// Gives a pipeline another name.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for others than its owner; [`StoreError::NameTaken`] by another one of theirs.
    pub async fn rename_pipeline(
        &self,
        actor: &User,
        identity: &str,
        name: Option<String>,
    ) -> Result<Pipeline, StoreError> {
        if let Some(name) = &name {
            rules::pipeline_name(name)?;
        }
        let (actor, identity) = (actor.id, identity.to_owned());
        self.write(move |write| {
            let actor = user_number(write.connection(), actor)?;
            let found = find_pipeline(write.connection(), actor, &identity)?;
            owned(&found, "rename")?;
            if let Some(name) = name.filter(|name| *name != found.name) {
                rename(write, &found, actor.0, &name)?;
            }
            pipeline(write.connection(), found.number)
        })
        .await
    }

    /// Deletes a pipeline. Its apps stay as they are, and so does what was promoted in it.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for others than its owner.
    pub async fn delete_pipeline(
        &self,
        actor: &User,
        identity: &str,
    ) -> Result<Pipeline, StoreError> {
        let (actor, identity) = (actor.id, identity.to_owned());
        self.write(move |write| {
            let connection = write.connection();
            let actor = user_number(connection, actor)?;
            let found = find_pipeline(connection, actor, &identity)?;
            owned(&found, "delete")?;
            let was = pipeline(connection, found.number)?;
            connection
                .prepare_cached("DELETE FROM pipeline WHERE number = ?1")?
                .execute([found.number])?;
            Ok(was)
        })
        .await
    }
}

fn create(write: &Write<'_>, actor: Uuid, name: &str) -> Result<Pipeline, StoreError> {
    let connection = write.connection();
    let owner = user_number(connection, actor)?;
    if is_taken(connection, owner.0, name)? {
        return Err(StoreError::NameTaken);
    }
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM pipeline WHERE owner = ?1")?
        .query_row([owner.0], |row| row.get(0))?;
    if count >= MAXIMUM_PIPELINES {
        return Err(StoreError::Invalid(format!(
            "You have {count} pipelines, which is as many as there can be. Please delete one first."
        )));
    }
    connection
        .prepare_cached(
            "INSERT INTO pipeline (id, name, owner, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        )?
        .execute(params![Uuid::new_v4(), name, owner.0, write.now()])?;
    pipeline(connection, connection.last_insert_rowid())
}

/// Whether a user has a pipeline of this name already.
fn is_taken(connection: &Connection, owner: i64, name: &str) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM pipeline WHERE owner = ?1 AND name = ?2")?
        .exists(params![owner, name])?)
}

/// Refuses who does not own a pipeline.
fn owned(found: &FoundPipeline, what: &str) -> Result<(), StoreError> {
    if found.owned {
        return Ok(());
    }
    Err(StoreError::Forbidden(format!(
        "Only the owner of a pipeline may {what} it."
    )))
}

fn rename(
    write: &Write<'_>,
    found: &FoundPipeline,
    owner: i64,
    name: &str,
) -> Result<(), StoreError> {
    let connection = write.connection();
    if is_taken(connection, owner, name)? {
        return Err(StoreError::NameTaken);
    }
    connection
        .prepare_cached("UPDATE pipeline SET name = ?2, updated_at = ?3 WHERE number = ?1")?
        .execute(params![found.number, name, write.now()])?;
    Ok(())
}

/// The pipeline of that number, which is there.
fn pipeline(connection: &Connection, number: i64) -> Result<Pipeline, StoreError> {
    Ok(connection
        .prepare_cached(&format!("{SELECT} WHERE pipeline.number = ?1"))?
        .query_row([number], read)?)
}

fn list(
    connection: &Connection,
    actor: i64,
    name: Option<String>,
    page: &Page,
) -> Result<Listed<Pipeline>, StoreError> {
    if page.attribute != Attribute::Id {
        return Err(not_offered("pipelines", page.attribute));
    }
    let mut keyset = Keyset::new(page, actor, "pipeline.id", "pipeline.id")?;
    let mut called = String::new();
    if let Some(name) = name {
        keyset.values.push(Value::Text(name));
        called = format!(" AND pipeline.name = ?{}", keyset.values.len());
    }
    let sql = format!(
        "{SELECT} WHERE pipeline.number IN ({SEEN}){called}{} {}",
        keyset.conditions, keyset.order_and_limit
    );
    let items = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&keyset.values), read)?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(keyset.listed(items))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Pipeline> {
    Ok(Pipeline {
        id: row.get("id")?,
        name: row.get("name")?,
        owner: types::User {
            id: row.get("owner_id")?,
            email: row.get("email")?,
        },
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
