//! Users and their tokens.
//!
//! Only the SHA-256 of a token is kept. Tokens are random and long, so that nobody finds one from its hash by trying; they
//! are looked up by the hash, which tells nothing about the token in how long it takes.

use super::access::user_number;
use super::values::{Time, optional_time, time};
use super::{Store, StoreError, User, UserTokens, UserUpdate, Write, rules};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

const COLUMNS: &str =
    "user.id, user.email, user.name, user.allow_tracking, user.beta, user.last_login,
    user.created_at, user.updated_at";

impl Store {
    /// The user whose token this is; nothing if it is nobody's, or has expired.
    pub async fn user_of_token(&self, token: &str) -> Result<Option<User>, StoreError> {
        let hash = hash(token);
        self.read_here(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM token JOIN user ON user.number = token.user
                 WHERE token.hash = ?1 AND (token.expires_at IS NULL OR token.expires_at > ?2)"
            );
            let user = connection
                .prepare_cached(&sql)?
                .query_row(params![hash, Time(Timestamp::now())], user)
                .optional()?;
            Ok(user)
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
    /// never expire. Tokens that requests made stay.
    pub async fn put_user(&self, email: &str, tokens: &[&str]) -> Result<User, StoreError> {
        let entry = UserTokens {
            email: email.to_owned(),
            tokens: tokens.iter().map(|token| (*token).to_owned()).collect(),
        };
        check(&entry)?;
        self.write(move |write| put_user(write, &entry)).await
    }

    /// All users of the settings at once: each as [`Store::put_user`] makes them, and users that are no longer among them
    /// lose the tokens that earlier settings gave them. Their apps stay.
    pub async fn put_users(&self, users: Vec<UserTokens>) -> Result<Vec<User>, StoreError> {
        users.iter().try_for_each(check)?;
        self.write(move |write| {
            write
                .connection()
                .execute("DELETE FROM token WHERE origin = 'settings'", [])?;
            users.iter().map(|entry| put_user(write, entry)).collect()
        })
        .await
    }

    /// Gives the user another token, which may expire: for `POST /oauth/authorizations` (platform-api.md, section 4, tier 2).
    pub async fn add_token(
        &self,
        user: Uuid,
        token: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        rules::token(token)?;
        let hash = hash(token);
        self.write(move |write| {
            let number = user_number(write.connection(), user)?.0;
            insert_token(write, hash, number, "request", expires_at)
        })
        .await
    }

    /// Takes a token away, as its `DELETE` will; nothing happens if it is nobody's.
    pub async fn remove_token(&self, token: &str) -> Result<(), StoreError> {
        let hash = hash(token);
        self.write(move |write| {
            write
                .connection()
                .execute("DELETE FROM token WHERE hash = ?1", [hash])?;
            Ok(())
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
    for token in &entry.tokens {
        insert_token(write, hash(token), number, "settings", None)?;
    }
    Ok(user)
}

/// The same token again is fine for the same user, and an error for another: it could not tell them apart.
fn insert_token(
    write: &Write<'_>,
    hash: [u8; 32],
    user: i64,
    origin: &str,
    expires_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let connection = write.connection();
    let holder: Option<i64> = connection
        .prepare_cached("SELECT user FROM token WHERE hash = ?1")?
        .query_row([hash], |row| row.get(0))
        .optional()?;
    if holder.is_some_and(|holder| holder != user) {
        return Err(StoreError::Invalid(
            "Two users have the same token. Each needs one of their own.".into(),
        ));
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO token (hash, user, origin, created_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            hash,
            user,
            origin,
            write.now(),
            expires_at.map(Time)
        ])?;
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

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
