//! The places of apps in pipelines.

use super::access::{FoundPipeline, SEES_APP, find_pipeline};
use super::records::{Couplings, PipelineCoupling, Stage};
use crate::range::{Attribute, Listed, Page};
use crate::store::access::{Found, UserNumber, find_app, user_number};
use crate::store::keyset::{Keyset, not_offered};
use crate::store::values::time;
use crate::store::{Store, StoreError, User, Write};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use slugbuilder::api::types;
use uuid::Uuid;

/// How many apps a pipeline has at most: as many as a list of them tells at once ([`crate::range::CEILING`]).
const MAXIMUM_APPS: i64 = 1000;

const SELECT: &str = "SELECT pipeline_coupling.id, app.id AS app_id, pipeline.id AS pipeline_id,
        pipeline.name AS pipeline_name, pipeline_coupling.stage, pipeline_coupling.created_at,
        pipeline_coupling.updated_at
    FROM pipeline_coupling JOIN app ON app.number = pipeline_coupling.app
        JOIN pipeline ON pipeline.number = pipeline_coupling.pipeline";

const NOT_FOUND: StoreError = StoreError::NotFound {
    resource: "pipeline_coupling",
};

impl Store {
    /// Adds an app to a pipeline, at a stage. For whoever may see both.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for an app that is in a pipeline already.
    pub async fn couple(
        &self,
        actor: &User,
        pipeline: &str,
        app: &str,
        stage: Stage,
    ) -> Result<PipelineCoupling, StoreError> {
        let (actor, pipeline, app) = (actor.id, pipeline.to_owned(), app.to_owned());
        self.write(move |write| {
            let number = user_number(write.connection(), actor)?;
            let pipeline = find_pipeline(write.connection(), number, &pipeline)?;
            let app = find_app(write.connection(), actor, &app)?;
            insert(write, &pipeline, &app, stage)
        })
        .await
    }

    /// The places of apps in pipelines that a user may see, by identifier.
    pub async fn couplings(
        &self,
        actor: &User,
        of: Couplings,
        page: &Page,
    ) -> Result<Listed<PipelineCoupling>, StoreError> {
        let (actor, page) = (actor.id, page.clone());
        self.read(move |connection| {
            let actor = user_number(connection, actor)?;
            let pipeline = match of {
                Couplings::All => None,
                Couplings::Of(identity) => {
                    Some(find_pipeline(connection, actor, &identity)?.number)
                }
            };
            list(connection, actor, pipeline, &page)
        })
        .await
    }

    /// The place of an app in its pipeline.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an app that is in none.
    pub async fn coupling_of_app(
        &self,
        actor: &User,
        app: &str,
    ) -> Result<PipelineCoupling, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            of_app(connection, found.number)?.ok_or(NOT_FOUND)
        })
        .await
    }

    /// The place of that identifier.
    pub async fn coupling(&self, actor: &User, id: &str) -> Result<PipelineCoupling, StoreError> {
        let (actor, id) = (actor.id, id.to_owned());
        self.read(move |connection| {
            let actor = user_number(connection, actor)?;
            find(connection, actor, &id).map(|(_, coupling)| coupling)
        })
        .await
    }

    /// Moves an app to another stage of its pipeline; nothing changes where there is none. For whoever may see its place.
    pub async fn move_to_stage(
        &self,
        actor: &User,
        id: &str,
        stage: Option<Stage>,
    ) -> Result<PipelineCoupling, StoreError> {
        let (actor, id) = (actor.id, id.to_owned());
        self.write(move |write| {
            let connection = write.connection();
            let actor = user_number(connection, actor)?;
            let (app, coupling) = find(connection, actor, &id)?;
            if let Some(stage) = stage.filter(|stage| *stage != coupling.stage) {
                connection
                    .prepare_cached(
                        "UPDATE pipeline_coupling SET stage = ?2, updated_at = ?3 WHERE app = ?1",
                    )?
                    .execute(params![app, stage, write.now()])?;
            }
            find(connection, actor, &id).map(|(_, coupling)| coupling)
        })
        .await
    }

    /// Takes an app out of its pipeline. For whoever may see its place.
    pub async fn uncouple(&self, actor: &User, id: &str) -> Result<PipelineCoupling, StoreError> {
        let (actor, id) = (actor.id, id.to_owned());
        self.write(move |write| {
            let connection = write.connection();
            let actor = user_number(connection, actor)?;
            let (app, coupling) = find(connection, actor, &id)?;
            connection
                .prepare_cached("DELETE FROM pipeline_coupling WHERE app = ?1")?
                .execute([app])?;
            Ok(coupling)
        })
        .await
    }
}

fn insert(
    write: &Write<'_>,
    pipeline: &FoundPipeline,
    app: &Found,
    stage: Stage,
) -> Result<PipelineCoupling, StoreError> {
    let connection = write.connection();
    if let Some(there) = of_app(connection, app.number)? {
        // Whoever may see the app may see its pipeline.
        return Err(StoreError::Invalid(format!(
            "{} is already in the pipeline {}. An app is in one pipeline at most.",
            app.name, there.pipeline.name
        )));
    }
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM pipeline_coupling WHERE pipeline = ?1")?
        .query_row([pipeline.number], |row| row.get(0))?;
    if count >= MAXIMUM_APPS {
        return Err(StoreError::Invalid(format!(
            "The pipeline {} has {count} apps, which is as many as there can be.",
            pipeline.name
        )));
    }
    connection
        .prepare_cached(
            "INSERT INTO pipeline_coupling (app, id, pipeline, stage, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        )?
        .execute(params![
            app.number,
            Uuid::new_v4(),
            pipeline.number,
            stage,
            write.now()
        ])?;
    of_app(connection, app.number)?.ok_or(NOT_FOUND)
}

/// The place of an app in its pipeline, if it is in one.
pub(super) fn of_app(
    connection: &Connection,
    app: i64,
) -> Result<Option<PipelineCoupling>, StoreError> {
    Ok(connection
        .prepare_cached(&format!("{SELECT} WHERE pipeline_coupling.app = ?1"))?
        .query_row([app], read)
        .optional()?)
}

/// The place of that identifier, if `actor` may see it, and the number of its app.
fn find(
    connection: &Connection,
    actor: UserNumber,
    id: &str,
) -> Result<(i64, PipelineCoupling), StoreError> {
    let id = Uuid::try_parse(id).map_err(|_| NOT_FOUND)?;
    let app: i64 = connection
        .prepare_cached(&format!(
            "SELECT app.number FROM pipeline_coupling JOIN app ON app.number = pipeline_coupling.app
                JOIN pipeline ON pipeline.number = pipeline_coupling.pipeline
             WHERE pipeline_coupling.id = ?2 AND (pipeline.owner = ?1 OR {SEES_APP})"
        ))?
        .query_row(params![actor.0, id], |row| row.get(0))
        .optional()?
        .ok_or(NOT_FOUND)?;
    Ok((app, of_app(connection, app)?.ok_or(NOT_FOUND)?))
}

fn list(
    connection: &Connection,
    actor: UserNumber,
    pipeline: Option<i64>,
    page: &Page,
) -> Result<Listed<PipelineCoupling>, StoreError> {
    if page.attribute != Attribute::Id {
        return Err(not_offered("pipeline couplings", page.attribute));
    }
    let column = "pipeline_coupling.id";
    let mut keyset = Keyset::new(page, actor.0, column, column)?;
    let scope = match pipeline {
        Some(pipeline) => {
            keyset.values.push(Value::Integer(pipeline));
            let parameter = keyset.values.len();
            format!(
                "pipeline_coupling.pipeline = ?{parameter} AND (pipeline.owner = ?1 OR {SEES_APP})"
            )
        }
        None => "pipeline_coupling.app IN (
                SELECT number FROM app WHERE owner = ?1
                UNION SELECT app FROM collaborator WHERE user = ?1
                UNION SELECT coupled.app FROM pipeline AS own
                    CROSS JOIN pipeline_coupling AS coupled ON coupled.pipeline = own.number
                WHERE own.owner = ?1)"
            .to_owned(),
    };
    let sql = format!(
        "{SELECT} WHERE {scope}{} {}",
        keyset.conditions, keyset.order_and_limit
    );
    let items = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&keyset.values), read)?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(keyset.listed(items))
}

fn read(row: &Row<'_>) -> rusqlite::Result<PipelineCoupling> {
    Ok(PipelineCoupling {
        id: row.get("id")?,
        app: row.get("app_id")?,
        pipeline: types::Named {
            id: row.get("pipeline_id")?,
            name: row.get("pipeline_name")?,
        },
        stage: row.get("stage")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

impl FromSql for Stage {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::of_name(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for Stage {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}
