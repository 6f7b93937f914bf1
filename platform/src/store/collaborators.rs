//! Who else may use an app.

use super::access::{Found, find_app, user_number};
use super::users::find_user;
use super::values::time;
use super::{Collaborator, Store, StoreError, User, Write};
use rusqlite::{Connection, OptionalExtension, Row, params};
use slugbuilder::api::types;
use uuid::Uuid;

const SELECT: &str =
    "SELECT collaborator.id, user.number, user.id AS user_id, user.email, collaborator.created_at,
        collaborator.updated_at
    FROM collaborator JOIN user ON user.number = collaborator.user";

impl Store {
    /// The collaborators of an app, in the order in which they came. Its owner is none of them.
    pub async fn collaborators(
        &self,
        actor: &User,
        app: &str,
    ) -> Result<Vec<Collaborator>, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            let all = connection
                .prepare_cached(&format!(
                    "{SELECT} WHERE collaborator.app = ?1 ORDER BY collaborator.created_at"
                ))?
                .query_map([found.number], |row| read(row, &found))?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
        .await
    }

    /// Lets the user of that identifier or e-mail address use an app, too. Who may already is told as they are.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a user who has no account; [`StoreError::Invalid`] for the app's owner.
    pub async fn add_collaborator(
        &self,
        actor: &User,
        app: &str,
        user: &str,
    ) -> Result<Collaborator, StoreError> {
        let (actor, app, user) = (actor.id, app.to_owned(), user.to_owned());
        self.write(move |write| {
            let found = find_app(write.connection(), actor, &app)?;
            add(write, &found, &user)
        })
        .await
    }

    /// Takes that away again, by the user's identifier or e-mail address, or by [`Collaborator::id`]. Collaborators may only
    /// leave themselves.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for who is none, the same whether they have an account or not; [`StoreError::Invalid`] for
    /// the app's owner; [`StoreError::Forbidden`] for a collaborator other than who acts.
    pub async fn remove_collaborator(
        &self,
        actor: &User,
        app: &str,
        user: &str,
    ) -> Result<Collaborator, StoreError> {
        let (actor, app, user) = (actor.id, app.to_owned(), user.to_owned());
        self.write(move |write| {
            let found = find_app(write.connection(), actor, &app)?;
            remove(write.connection(), actor, &found, &user)
        })
        .await
    }
}

fn add(write: &Write<'_>, app: &Found, user: &str) -> Result<Collaborator, StoreError> {
    let connection = write.connection();
    let user = find_user(connection, user)?;
    let number = user_number(connection, user.id)?.0;
    let owns = connection
        .prepare_cached("SELECT 1 FROM app WHERE number = ?1 AND owner = ?2")?
        .exists([app.number, number])?;
    if owns {
        return Err(StoreError::Invalid(format!(
            "{} owns the app and needs no access to it.",
            user.email
        )));
    }
    connection
        .prepare_cached(
            "INSERT INTO collaborator (app, user, id, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)
             ON CONFLICT (app, user) DO NOTHING",
        )?
        .execute(params![app.number, number, Uuid::new_v4(), write.now()])?;
    find(connection, app, number)
}

fn remove(
    connection: &Connection,
    actor: Uuid,
    app: &Found,
    identity: &str,
) -> Result<Collaborator, StoreError> {
    let id = Uuid::try_parse(identity).ok();
    let (number, collaborator) = connection
        .prepare_cached(&format!(
            "{SELECT} WHERE collaborator.app = ?1
                AND (user.email = ?2 OR user.id = ?3 OR collaborator.id = ?3)"
        ))?
        .query_row(params![app.number, identity, id], |row| {
            Ok((row.get::<_, i64>("number")?, read(row, app)?))
        })
        .optional()?
        .ok_or_else(|| not_removed(connection, app, identity))?;
    if !app.owned && collaborator.user.id != actor {
        return Err(StoreError::Forbidden(
            "Only the owner of an app may take others' access to it away.".into(),
        ));
    }
    connection
        .prepare_cached("DELETE FROM collaborator WHERE app = ?1 AND user = ?2")?
        .execute([app.number, number])?;
    Ok(collaborator)
}

/// Why who is no collaborator cannot be removed: they own the app, which whoever sees it may know, or there is no such one.
fn not_removed(connection: &Connection, app: &Found, identity: &str) -> StoreError {
    let id = Uuid::try_parse(identity).ok();
    // The owner is listed as a collaborator with the identifier of the app.
    let owner = connection
        .prepare_cached(
            "SELECT user.email FROM app JOIN user ON user.number = app.owner
             WHERE app.number = ?1 AND (user.email = ?2 OR user.id = ?3 OR app.id = ?3)",
        )
        .and_then(|mut query| {
            query
                .query_row(params![app.number, identity, id], |row| {
                    row.get::<_, String>(0)
                })
                .optional()
        });
    match owner {
        Err(error) => error.into(),
        Ok(Some(owner)) => {
            StoreError::Invalid(format!("{owner} owns the app and keeps access to it."))
        }
        Ok(None) => StoreError::NotFound {
            resource: "collaborator",
        },
    }
}

fn find(connection: &Connection, app: &Found, user: i64) -> Result<Collaborator, StoreError> {
    connection
        .prepare_cached(&format!(
            "{SELECT} WHERE collaborator.app = ?1 AND collaborator.user = ?2"
        ))?
        .query_row([app.number, user], |row| read(row, app))
        .optional()?
        .ok_or(StoreError::NotFound {
            resource: "collaborator",
        })
}

fn read(row: &Row<'_>, app: &Found) -> rusqlite::Result<Collaborator> {
    Ok(Collaborator {
        id: row.get("id")?,
        app: app.named(),
        user: types::User {
            id: row.get("user_id")?,
            email: row.get("email")?,
        },
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
