//! What is known of the repositories of apps, and the webhooks that tell of pushes to repositories elsewhere.

use super::access::find_app;
use super::values::{optional_time, time};
use super::{PushWebhook, Store, StoreError, User, Write, rules, users};
use rusqlite::{Connection, OptionalExtension, Row, params};
use slugbuilder::api::types;
use std::collections::HashSet;
use uuid::Uuid;

/// Of the name of a branch, in bytes.
const MAXIMUM_BRANCH: usize = 200;

const SELECT: &str = "SELECT push_webhook.id, app.id AS app_id, app.name AS app_name, user.id AS user_id,
        user.email AS user_email, push_webhook.secret, push_webhook.branch, push_webhook.outcome, push_webhook.outcome_at,
        push_webhook.created_at, push_webhook.updated_at
    FROM push_webhook JOIN app ON app.number = push_webhook.app JOIN user ON user.number = push_webhook.user";

impl Store {
    /// Records how many bytes the repository of an app has. Of an app that is no longer there, nothing is recorded.
    pub async fn record_repository(&self, app: Uuid, size: u64) -> Result<(), StoreError> {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        self.write(move |write| {
            // No change of the app that anybody made: its `updated_at` stays.
            write
                .connection()
                .prepare_cached("UPDATE app SET repo_size = ?2 WHERE id = ?1")?
                .execute(params![app, size])?;
            Ok(())
        })
        .await
    }

    /// Records that these apps, and no others, have repositories. Answers those of them that are not there.
    pub async fn keep_repositories(&self, apps: Vec<Uuid>) -> Result<Vec<Uuid>, StoreError> {
        self.write(move |write| {
            let connection = write.connection();
            let mut gone = Vec::new();
            let mut exists = connection.prepare_cached("SELECT 1 FROM app WHERE id = ?1")?;
            for app in &apps {
                if !exists.exists([app])? {
                    gone.push(*app);
                }
            }
            let kept: HashSet<_> = apps.into_iter().collect();
            let recorded = connection
                .prepare_cached("SELECT id FROM app WHERE repo_size IS NOT NULL")?
                .query_map([], |row| row.get::<_, Uuid>(0))?
                .collect::<Result<Vec<_>, _>>()?;
            let mut forget =
                connection.prepare_cached("UPDATE app SET repo_size = NULL WHERE id = ?1")?;
            for app in recorded.iter().filter(|app| !kept.contains(app)) {
                forget.execute([app])?;
            }
            Ok(gone)
        })
        .await
    }

    /// Sets up the webhook of an app, in place of the one that it may have.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a name that no branch can have.
    pub async fn put_push_webhook(
        &self,
        actor: &User,
        app: &str,
        branch: &str,
        secret: String,
    ) -> Result<PushWebhook, StoreError> {
        check_branch(branch)?;
        let (actor, app, branch) = (actor.id, app.to_owned(), branch.to_owned());
        self.write(move |write| {
            let found = find_app(write.connection(), actor, &app)?;
            put(write, found.number, found.actor.0, &branch, &secret)
        })
        .await
    }

    /// The webhook of an app.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where it has none.
    pub async fn push_webhook(&self, actor: &User, app: &str) -> Result<PushWebhook, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            of_app(connection, found.number)
        })
        .await
    }

    /// Takes the webhook of an app away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where it has none.
    pub async fn remove_push_webhook(
        &self,
        actor: &User,
        app: &str,
    ) -> Result<PushWebhook, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.write(move |write| {
            let connection = write.connection();
            let found = find_app(connection, actor, &app)?;
            let removed = of_app(connection, found.number)?;
            connection
                .prepare_cached("DELETE FROM push_webhook WHERE app = ?1")?
                .execute([found.number])?;
            Ok(removed)
        })
        .await
    }

    /// The webhook of that identifier, and who set it up, if they still work on the app.
    pub async fn push_webhook_by_id(
        &self,
        id: Uuid,
    ) -> Result<Option<(PushWebhook, User)>, StoreError> {
        self.read(move |connection| {
            let webhook = connection
                .prepare_cached(&format!("{SELECT} WHERE push_webhook.id = ?1"))?
                .query_row([id], read)
                .optional()?;
            let Some(webhook) = webhook else {
                return Ok(None);
            };
            match find_app(connection, webhook.user.id, &webhook.app.id.to_string()) {
                Ok(_) => {}
                Err(StoreError::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error),
            }
            let user = users::find_user(connection, &webhook.user.id.to_string())?;
            Ok(Some((webhook, user)))
        })
        .await
    }

    /// Records, once a server has ended, that the pushes that it was told of and had not built are not.
    pub async fn end_push_outcomes(&self) -> Result<(), StoreError> {
        self.write(move |write| {
            // The commit stays at the beginning, as do the build and its warnings.
            write
                .connection()
                .prepare_cached(
                    "UPDATE push_webhook SET outcome_at = ?1, outcome = CASE
                        WHEN outcome LIKE '% is being fetched.'
                        THEN replace(outcome, ' is being fetched.',
                            ' was not built: the server ended before. Have the event delivered again.')
                        ELSE replace(outcome, ' is being built (build ',
                            ' was being built when the server ended, which goes on (build ') END
                     WHERE outcome LIKE '% is being fetched.' OR outcome LIKE '% is being built (build %'",
                )?
                .execute([write.now()])?;
            Ok(())
        })
        .await
    }

    /// Records what became of a push that a webhook told of.
    pub async fn record_push_outcome(&self, id: Uuid, outcome: &str) -> Result<(), StoreError> {
        let outcome: String = outcome.chars().take(rules::MAXIMUM_DESCRIPTION).collect();
        self.write(move |write| {
            write
                .connection()
                .prepare_cached(
                    "UPDATE push_webhook SET outcome = ?2, outcome_at = ?3 WHERE id = ?1",
                )?
                .execute(params![id, outcome, write.now()])?;
            Ok(())
        })
        .await
    }
}

fn put(
    write: &Write<'_>,
    app: i64,
    user: i64,
    branch: &str,
    secret: &str,
) -> Result<PushWebhook, StoreError> {
    let connection = write.connection();
    connection
        .prepare_cached("DELETE FROM push_webhook WHERE app = ?1")?
        .execute([app])?;
    connection
        .prepare_cached(
            "INSERT INTO push_webhook (app, id, user, secret, branch, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        )?
        .execute(params![
            app,
            Uuid::new_v4(),
            user,
            secret,
            branch,
            write.now()
        ])?;
    of_app(connection, app)
}

fn of_app(connection: &Connection, app: i64) -> Result<PushWebhook, StoreError> {
    connection
        .prepare_cached(&format!("{SELECT} WHERE push_webhook.app = ?1"))?
        .query_row([app], read)
        .optional()?
        .ok_or(StoreError::NotFound {
            resource: "push_webhook",
        })
}

fn read(row: &Row<'_>) -> rusqlite::Result<PushWebhook> {
    Ok(PushWebhook {
        id: row.get("id")?,
        app: types::Named {
            id: row.get("app_id")?,
            name: row.get("app_name")?,
        },
        user: types::User {
            id: row.get("user_id")?,
            email: row.get("user_email")?,
        },
        secret: row.get("secret")?,
        branch: row.get("branch")?,
        outcome: row.get("outcome")?,
        outcome_at: optional_time(row, "outcome_at")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

/// What git-check-ref-format(1) says of branches, and nothing that could not be shown.
fn check_branch(branch: &str) -> Result<(), StoreError> {
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    let wrong = branch.is_empty()
        || branch.len() > MAXIMUM_BRANCH
        || branch == "@"
        || branch.starts_with('-')
        || branch.ends_with('.')
        || branch.contains("..")
        || branch.contains("@{")
        || branch.chars().any(forbidden)
        || slugbuilder_report::printable(branch) != branch
        || branch.split('/').any(|part| {
            part.is_empty() || part.starts_with('.') || part.strip_suffix(".lock").is_some()
        });
    if wrong {
        return Err(StoreError::Invalid(format!(
            "No branch can be called `{}`.",
            branch
                .chars()
                .take(MAXIMUM_BRANCH)
                .collect::<String>()
                .escape_debug()
        )));
    }
    Ok(())
}
