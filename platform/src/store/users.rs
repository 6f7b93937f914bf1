//! Users and their tokens.
//!
//! Only the SHA-256 of a token is kept. Tokens are random and long, so that nobody finds one from its hash by trying; they
//! are looked up by the hash, which tells nothing about the token in how long it takes.

use super::access::user_number;
use super::authorizations::{remove_credentials, remove_expired};
use super::values::{Json, Time, optional_time, time};
use super::{
    PasswordCheck, Store, StoreError, TokenHolder, User, UserTokens, UserUpdate, Write, rules,
};
use crate::password::PasswordHash;
use crate::scope::{Scope, Scopes};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use uuid::Uuid;

const COLUMNS: &str =
    "user.id, user.email, user.name, user.allow_tracking, user.beta, user.last_login,
    user.created_at, user.updated_at";

impl Store {
    /// Who has this token, and what it may be used for; nothing if it is nobody's, or has expired.
    pub async fn token_holder(&self, token: &str) -> Result<Option<TokenHolder>, StoreError> {
        let hash = hash(token);
        self.read_here(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS}, oauth_authorization.id AS authorization, oauth_authorization.scope
                 FROM token JOIN user ON user.number = token.user
                    LEFT JOIN oauth_authorization ON oauth_authorization.number = token.oauth_authorization
                 WHERE token.hash = ?1 AND (token.expires_at IS NULL OR token.expires_at > ?2)"
            );
            let holder = connection
                .prepare_cached(&sql)?
                .query_row(params![hash, Time(Timestamp::now())], |row| {
                    let authorization: Option<Uuid> = row.get("authorization")?;
                    let scopes = authorization.map(|_| scopes(row, "scope"));
                    Ok(TokenHolder {
                        user: user(row)?,
                        authorization,
                        scopes: scopes.transpose()?.unwrap_or_else(Scopes::global),
                    })
                })
                .optional()?;
            Ok(holder)
        })
        .await
    }

    /// The user whose token this is, if it may be used for everything. Who takes tokens of less asks
    /// [`Store::token_holder`].
    pub async fn user_of_token(&self, token: &str) -> Result<Option<User>, StoreError> {
        let holder = self.token_holder(token).await?;
        Ok(holder
            .filter(|holder| holder.scopes.allow(Scope::Global))
            .map(|holder| holder.user))
    }

    /// What a password that came with this e-mail address is to be held against.
    pub async fn password_check(&self, email: &str) -> Result<PasswordCheck, StoreError> {
        let email = email.to_owned();
        self.read(move |connection| {
            // Else the hash of someone: as much work as if it were theirs.
            let sql = format!(
                "SELECT {COLUMNS}, user.password, user.email = ?1 AS theirs FROM user WHERE user.password IS NOT NULL
                 ORDER BY theirs DESC, user.number LIMIT 1"
            );
            let found = connection
                .prepare_cached(&sql)?
                .query_row([email], |row| {
                    let theirs: bool = row.get("theirs")?;
                    let hash: String = row.get("password")?;
                    Ok((theirs.then(|| user(row)).transpose()?, hash))
                })
                .optional()?;
            let Some((user, hash)) = found else {
                return Ok(PasswordCheck::default());
            };
            let hash = PasswordHash::parse(&hash)
                .map_err(|error| StoreError::Damaged(error.to_string()))?;
            Ok(PasswordCheck { user, hash: Some(hash) })
        })
        .await
    }

    /// The user of that identifier or e-mail address. Who may ask for whom is for the caller to decide.
    pub async fn user(&self, identity: &str) -> Result<User, StoreError> {
        let identity = identity.to_owned();
        self.read(move |connection| find_user(connection, &identity))
            .await
    }

    /// Changes an account.
    pub async fn update_user(&self, user: Uuid, change: UserUpdate) -> Result<User, StoreError> {
        if let Some(Some(name)) = &change.name {
            rules::text("name", name, rules::MAXIMUM_NAME)?;
        }
        self.write(move |write| {
            let connection = write.connection();
            let number = user_number(connection, user)?.0;
            connection
                .prepare_cached(
                    "UPDATE user SET name = iif(?2, ?3, name), allow_tracking = coalesce(?4, allow_tracking),
                        beta = coalesce(?5, beta), updated_at = ?6
                     WHERE number = ?1",
                )?
                .execute(params![
                    number,
                    change.name.is_some(),
                    change.name.flatten(),
                    change.allow_tracking,
                    change.beta,
                    write.now(),
                ])?;
            find_user(connection, &user.to_string())
        })
        .await
    }

    /// Makes the user of that e-mail address if there is none, and gives them exactly these tokens of the settings, which
    /// never expire, and no password. Tokens that requests made stay.
    pub async fn put_user(&self, email: &str, tokens: &[&str]) -> Result<User, StoreError> {
        let entry = UserTokens {
            email: email.to_owned(),
            tokens: tokens.iter().map(|token| (*token).to_owned()).collect(),
            password: None,
        };
        check(&entry)?;
        self.write(move |write| put_user(write, &entry)).await
    }

    /// All users of the settings at once: each as [`Store::put_user`] makes them, with their passwords. Users that are no
    /// longer among them lose all that they could come in with, tokens that requests made and keys, too, and their push webhooks; their builds
    /// that have not ended have failed. Their apps stay.
    pub async fn put_users(&self, users: Vec<UserTokens>) -> Result<Vec<User>, StoreError> {
        users.iter().try_for_each(check)?;
        self.write(move |write| {
            let connection = write.connection();
            connection.execute("DELETE FROM token WHERE origin = 'settings'", [])?;
            connection.execute("UPDATE user SET password = NULL", [])?;
            remove_expired(write)?;
            let put: Result<Vec<User>, _> =
                users.iter().map(|entry| put_user(write, entry)).collect();
            let put = put?;
            let everyone = connection
                .prepare_cached("SELECT number, id FROM user")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<Vec<(i64, Uuid)>, _>>()?;
            let staying: HashSet<Uuid> = put.iter().map(|user| user.id).collect();
            for (number, id) in everyone {
                if !staying.contains(&id) {
                    remove_credentials(write, number)?;
                }
            }
            Ok(put)
        })
        .await
    }
}

fn check(entry: &UserTokens) -> Result<(), StoreError> {
    rules::email(&entry.email)?;
    entry
        .tokens
        .iter()
        .try_for_each(|token| rules::token(token))
}

fn put_user(write: &Write<'_>, entry: &UserTokens) -> Result<User, StoreError> {
    let connection = write.connection();
    let now = write.now();
    connection
        .prepare_cached(
            "INSERT INTO user (id, email, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (email) DO NOTHING",
        )?
        .execute(params![Uuid::new_v4(), entry.email, now])?;
    let user = find_user(connection, &entry.email)?;
    let number = user_number(connection, user.id)?.0;
    connection.execute(
        "DELETE FROM token WHERE user = ?1 AND origin = 'settings'",
        [number],
    )?;
    connection
        .prepare_cached("UPDATE user SET password = ?2 WHERE number = ?1")?
        .execute(params![
            number,
            entry.password.as_ref().map(PasswordHash::as_str)
        ])?;
    for token in &entry.tokens {
        insert_token(write, hash(token), number)?;
    }
    Ok(user)
}

/// The same token again is fine for the same user, and an error for another: it could not tell them apart. One that a
/// request made becomes one of the settings.
fn insert_token(write: &Write<'_>, hash: [u8; 32], user: i64) -> Result<(), StoreError> {
    let connection = write.connection();
    let holder: Option<(i64, Option<i64>)> = connection
        .prepare_cached("SELECT user, oauth_authorization FROM token WHERE hash = ?1")?
        .query_row([hash], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if holder.is_some_and(|(holder, _)| holder != user) {
        return Err(StoreError::Invalid(
            "Two users have the same token. Each needs one of their own.".into(),
        ));
    }
    if let Some((_, Some(authorization))) = holder {
        connection
            .prepare_cached("DELETE FROM oauth_authorization WHERE number = ?1")?
            .execute([authorization])?;
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO token (hash, user, origin, created_at) VALUES (?1, ?2, 'settings', ?3)",
        )?
        .execute(params![hash, user, write.now()])?;
    Ok(())
}

/// The user of that identifier or e-mail address.
pub(super) fn find_user(connection: &Connection, identity: &str) -> Result<User, StoreError> {
    let found = match Uuid::try_parse(identity) {
        Ok(id) => connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM user WHERE id = ?1"))?
            .query_row([id], user)
            .optional()?,
        Err(_) => connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM user WHERE email = ?1"))?
            .query_row([identity], user)
            .optional()?,
    };
    found.ok_or(StoreError::NotFound { resource: "user" })
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get("id")?,
        email: row.get("email")?,
        name: row.get("name")?,
        allow_tracking: row.get("allow_tracking")?,
        beta: row.get("beta")?,
        last_login: optional_time(row, "last_login")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

/// The scopes in a column.
pub(super) fn scopes(row: &Row<'_>, column: &str) -> rusqlite::Result<Scopes> {
    let Json(names) = row.get::<_, Json<Vec<String>>>(column)?;
    Scopes::of(names.iter().map(String::as_str))
        .map_err(|error| rusqlite::types::FromSqlError::other(error).into())
}

pub(super) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
