//! Which pipelines and couplings a user may see.
//!
//! A pipeline is seen by its owner and by whoever owns or works on one of its apps; the place of an app in it by the
//! pipeline's owner and by whoever may see the app.

use crate::store::StoreError;
use crate::store::access::UserNumber;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

/// Whether the user of parameter 1 owns the app of a row, or works on it.
pub(super) const SEES_APP: &str = "(app.owner = ?1 OR EXISTS (
        SELECT 1 FROM collaborator WHERE collaborator.app = app.number AND collaborator.user = ?1))";

/// The numbers of the pipelines that the user of parameter 1 may see.
pub(super) const SEEN: &str = "SELECT number FROM pipeline WHERE owner = ?1
        UNION
        SELECT pipeline_coupling.pipeline FROM app CROSS JOIN pipeline_coupling ON pipeline_coupling.app = app.number
        WHERE app.owner = ?1
        UNION
        SELECT pipeline_coupling.pipeline FROM collaborator
            CROSS JOIN pipeline_coupling ON pipeline_coupling.app = collaborator.app
        WHERE collaborator.user = ?1";

/// A pipeline that the acting user may see, as rows refer to it.
#[derive(Debug, Clone)]
pub(super) struct FoundPipeline {
    pub(super) number: i64,
    pub(super) id: Uuid,
    pub(super) name: String,
    /// Whether the acting user owns it.
    pub(super) owned: bool,
}

/// The pipeline of that identifier or name, if `actor` may see it. Of several with that name it is the actor's own.
///
/// # Errors
/// [`StoreError::Invalid`] for the name of several pipelines of others.
pub(super) fn find_pipeline(
    connection: &Connection,
    actor: UserNumber,
    identity: &str,
) -> Result<FoundPipeline, StoreError> {
    // A name has at most 30 characters, so that none reads as an identifier.
    let (column, key) = match Uuid::try_parse(identity) {
        Ok(id) => ("id", Value::Blob(id.as_bytes().to_vec())),
        Err(_) => ("name", Value::Text(identity.to_owned())),
    };
    let sql = format!(
        "SELECT pipeline.number, pipeline.id, pipeline.name, pipeline.owner = ?1 AS owned
         FROM pipeline WHERE pipeline.{column} = ?2 AND (pipeline.owner = ?1 OR EXISTS (
             SELECT 1 FROM pipeline_coupling JOIN app ON app.number = pipeline_coupling.app
             WHERE pipeline_coupling.pipeline = pipeline.number AND {SEES_APP}))
         ORDER BY owned DESC LIMIT 2"
    );
    let mut found = connection
        .prepare_cached(&sql)?
        .query_map(params![actor.0, key], read)?
        .collect::<Result<Vec<_>, _>>()?
        .into_iter();
    match (found.next(), found.next()) {
        (Some(first), other) if first.owned || other.is_none() => Ok(first),
        (Some(_), _) => Err(StoreError::Invalid(format!(
            "There are several pipelines called {identity} that you may see. Please name one by its id."
        ))),
        (None, _) => Err(StoreError::NotFound {
            resource: "pipeline",
        }),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<FoundPipeline> {
    Ok(FoundPipeline {
        number: row.get("number")?,
        id: row.get("id")?,
        name: row.get("name")?,
        owned: row.get("owned")?,
    })
}
