//! Apps.

use super::access::{Found, find_app, user_number};
use super::keyset::{Keyset, not_offered};
use super::values::{count, optional_time, time};
use super::{
    App, AppUpdate, DeletedApp, NewApp, Store, StoreError, User, Write, config_vars, features,
    names, releases, rules,
};
use crate::range::{Attribute, Listed, Page};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use slugbuilder::api::types;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How often a name is invented until one is free.
const TRIES: usize = 100;

/// All of an app; `current` is the newest release that succeeded.
const SELECT: &str = "SELECT app.id, app.name, owner.id AS owner_id, owner.email AS owner_email, app.stack,
        app.build_stack, app.region, app.maintenance, app.created_at, app.updated_at, app.released_at,
        app.repo_size, slug.size AS slug_size, slug.buildpack_provided_description";
const JOINS: &str = "JOIN user AS owner ON owner.number = app.owner
    LEFT JOIN release AS current ON current.app = app.number AND current.version = (
        SELECT newest.version FROM release AS newest
        WHERE newest.app = app.number AND newest.status = 'succeeded' ORDER BY newest.version DESC LIMIT 1)
    LEFT JOIN slug ON slug.number = current.slug";

impl Store {
    /// Makes an app with its first two releases, as Heroku does: `Initial release` and `Enable Logplex`.
    pub async fn create_app(&self, actor: &User, new: NewApp) -> Result<App, StoreError> {
        self.create_app_with_features(actor, new, Vec::new()).await
    }

    /// The same, with these features on, which the caller has checked to be some.
    pub async fn create_app_with_features(
        &self,
        actor: &User,
        new: NewApp,
        enabled: Vec<&'static str>,
    ) -> Result<App, StoreError> {
        if let Some(name) = &new.name {
            rules::app_name(name)?;
        }
        let actor = actor.id;
        self.write(move |write| {
            let (number, app) = create(write, actor, new)?;
            for name in enabled {
                features::switch(write, number, name, true)?;
            }
            Ok(app)
        })
        .await
    }

    /// The app of that name or identifier.
    pub async fn app(&self, actor: &User, identity: &str) -> Result<App, StoreError> {
        let (actor, identity) = (actor.id, identity.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &identity)?;
            app(connection, found.number)
        })
        .await
    }

    /// The identifier of the app of that name or identifier.
    pub async fn app_id(&self, actor: &User, identity: &str) -> Result<Uuid, StoreError> {
        self.read_here(|connection| Ok(find_app(connection, actor.id, identity)?.id))
            .await
    }

    /// The apps that a user owns or works on, by identifier, name or time of change.
    pub async fn apps(&self, actor: &User, page: &Page) -> Result<Listed<App>, StoreError> {
        let (actor, page) = (actor.id, page.clone());
        self.read(move |connection| {
            let user = user_number(connection, actor)?;
            list(connection, user.0, &page)
        })
        .await
    }

    /// Those of the apps of these names and identifiers that a user owns or works on, each once.
    pub async fn apps_among(
        &self,
        actor: &User,
        identities: Vec<String>,
    ) -> Result<Vec<App>, StoreError> {
        let actor = actor.id;
        self.read(move |connection| {
            let mut apps = BTreeMap::new();
            for identity in identities {
                match find_app(connection, actor, &identity) {
                    Ok(found) => {
                        apps.insert(found.number, app(connection, found.number)?);
                    }
                    Err(StoreError::NotFound { .. }) => {}
                    Err(other) => return Err(other),
                }
            }
            Ok(apps.into_values().collect())
        })
        .await
    }

    /// Changes an app. Another name does not change its identifier.
    pub async fn update_app(
        &self,
        actor: &User,
        identity: &str,
        change: AppUpdate,
    ) -> Result<App, StoreError> {
        if let Some(name) = &change.name {
            rules::app_name(name)?;
        }
        let (actor, identity) = (actor.id, identity.to_owned());
        self.write(move |write| {
            let found = find_app(write.connection(), actor, &identity)?;
            update(write, &found, &change)
        })
        .await
    }

    /// Deletes an app with all that is its own: releases, config vars, formation, domains, drains, slugs. Slugs that other apps run stay.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for a collaborator: only its owner may.
    pub async fn delete_app(&self, actor: &User, identity: &str) -> Result<DeletedApp, StoreError> {
        let (actor, identity) = (actor.id, identity.to_owned());
        self.write(move |write| {
            let found = find_app(write.connection(), actor, &identity)?;
            delete(write.connection(), &found)
        })
        .await
    }
}

/// A new app, and its number.
fn create(write: &Write<'_>, actor: Uuid, new: NewApp) -> Result<(i64, App), StoreError> {
    let connection = write.connection();
    let owner = user_number(connection, actor)?;
    let name = match new.name {
        Some(name) if is_taken(connection, &name)? => return Err(StoreError::NameTaken),
        Some(name) => name,
        None => free_name(connection)?,
    };
    let id = Uuid::new_v4();
    connection
        .prepare_cached(
            "INSERT INTO app (id, name, owner, stack, build_stack, region, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?6)",
        )?
        .execute(params![
            id,
            name,
            owner.0,
            new.stack,
            new.region,
            write.now()
        ])?;
    let found = Found {
        number: connection.last_insert_rowid(),
        id,
        name,
        actor: owner,
        owned: true,
    };
    let nothing = config_vars::snapshot(connection, &found, &types::ConfigVars::new())?;
    for description in ["Initial release", "Enable Logplex"] {
        let new = releases::NewRelease {
            slug: None,
            config: nothing,
            description: description.to_owned(),
            status: types::ReleaseStatus::Succeeded,
        };
        releases::append(write, &found, &new)?;
    }
    Ok((found.number, app(connection, found.number)?))
}

fn is_taken(connection: &Connection, name: &str) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM app WHERE name = ?1")?
        .exists([name])?)
}

fn free_name(connection: &Connection) -> Result<String, StoreError> {
    for _ in 0..TRIES {
        let name = names::invent();
        if !is_taken(connection, &name)? {
            return Ok(name);
        }
    }
    Err(StoreError::Conflict(
        "No free name was found for the app. Please give it one.".into(),
    ))
}

fn update(write: &Write<'_>, found: &Found, change: &AppUpdate) -> Result<App, StoreError> {
    let connection = write.connection();
    if let Some(name) = &change.name
        && *name != found.name
        && is_taken(connection, name)?
    {
        return Err(StoreError::NameTaken);
    }
    // An app that runs nothing yet has no other stack than the one it builds for.
    let runs: bool = connection
        .prepare_cached("SELECT 1 FROM release WHERE app = ?1 AND slug IS NOT NULL")?
        .exists([found.number])?;
    connection
        .prepare_cached(
            "UPDATE app SET name = coalesce(?2, name), maintenance = coalesce(?3, maintenance),
                build_stack = coalesce(?4, build_stack), stack = iif(?5, stack, coalesce(?4, stack)), updated_at = ?6
             WHERE number = ?1",
        )?
        .execute(params![
            found.number,
            change.name,
            change.maintenance,
            change.build_stack,
            runs,
            write.now(),
        ])?;
    app(connection, found.number)
}

fn delete(connection: &Connection, found: &Found) -> Result<DeletedApp, StoreError> {
    if !found.owned {
        return Err(StoreError::Forbidden(
            "Only the owner of an app may delete it.".into(),
        ));
    }
    let app = app(connection, found.number)?;
    // Its releases, config vars, formation and collaborators go with it. Its slugs may be others', and those that it ran
    // may be of an app that went before and left them for this one alone.
    let mut ran = connection.prepare_cached(
        "SELECT number, id FROM slug WHERE app = ?1
         UNION
         SELECT slug.number, slug.id FROM release JOIN slug ON slug.number = release.slug WHERE release.app = ?2",
    )?;
    let slugs = ran
        .query_map(params![found.id, found.number], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Uuid>(1)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let builds = connection
        .prepare_cached("SELECT id FROM build WHERE app = ?1")?
        .query_map([found.number], |row| row.get(0))?
        .collect::<Result<Vec<_>, _>>()?;
    connection
        .prepare_cached("DELETE FROM app WHERE number = ?1")?
        .execute([found.number])?;
    let mut gone = Vec::new();
    let mut forget = connection.prepare_cached(
        "DELETE FROM slug WHERE number = ?1
         AND NOT EXISTS (SELECT 1 FROM release WHERE release.slug = slug.number)
         AND NOT EXISTS (SELECT 1 FROM app WHERE app.id = slug.app)",
    )?;
    for (number, id) in slugs {
        if forget.execute([number])? == 1 {
            gone.push(id);
        }
    }
    Ok(DeletedApp {
        app,
        slugs: gone,
        builds,
    })
}

/// The app of that number, which is there.
fn app(connection: &Connection, number: i64) -> Result<App, StoreError> {
    connection
        .prepare_cached(&format!("{SELECT} FROM app {JOINS} WHERE app.number = ?1"))?
        .query_row([number], read_app)
        .optional()?
        .ok_or(StoreError::NotFound { resource: "app" })
}

fn list(connection: &Connection, user: i64, page: &Page) -> Result<Listed<App>, StoreError> {
    let (sql, keyset) = list_query(user, page)?;
    let items = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&keyset.values), read_app)?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(keyset.listed(items))
}

pub(super) fn list_query(user: i64, page: &Page) -> Result<(String, Keyset), StoreError> {
    let column = match page.attribute {
        Attribute::Name => "name",
        Attribute::UpdatedAt => "updated_at",
        Attribute::Id => "id",
        other => return Err(not_offered("apps", other)),
    };
    let keyset = Keyset::new(page, user, &format!("app.{column}"), "key")?;
    let Keyset {
        conditions,
        order_and_limit,
        direction,
        ..
    } = &keyset;
    // SQLite merges both parts and ends at the limit. The owner's walks an index; the other is sorted, since nobody works on
    // so many apps of others that it matters. A CROSS JOIN keeps its left side first: no app is read that is not listed.
    let sql = format!(
        "WITH listed AS (
             SELECT app.number, app.{column} AS key FROM app WHERE app.owner = ?1{conditions}
             UNION ALL
             SELECT app.number, app.{column} AS key FROM collaborator JOIN app ON app.number = collaborator.app
             WHERE collaborator.user = ?1{conditions}
             {order_and_limit})
         {SELECT} FROM listed CROSS JOIN app ON app.number = listed.number {JOINS}
         ORDER BY listed.key {direction}"
    );
    Ok((sql, keyset))
}

fn read_app(row: &Row<'_>) -> rusqlite::Result<App> {
    Ok(App {
        id: row.get("id")?,
        name: row.get("name")?,
        owner: types::User {
            id: row.get("owner_id")?,
            email: row.get("owner_email")?,
        },
        stack: row.get("stack")?,
        build_stack: row.get("build_stack")?,
        region: row.get("region")?,
        maintenance: row.get("maintenance")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        released_at: optional_time(row, "released_at")?,
        repo_size: row.get::<_, Option<i64>>("repo_size")?.map(count),
        slug_size: row.get::<_, Option<i64>>("slug_size")?.map(count),
        buildpack_provided_description: row.get("buildpack_provided_description")?,
    })
}
