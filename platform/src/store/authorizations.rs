//! OAuth authorizations: tokens that users make themselves.
//!
//! As with all tokens, only the SHA-256 of one is kept. It is shown when it is made, and then never again; a list has
//! enough of its ends to tell which one it is.

use super::access::user_number;
use super::keyset::{Keyset, not_offered};
use super::users::{self, hash};
use super::values::{Json, Time, optional_time, time};
use super::{Keyed, Store, StoreError, User, Write, rules};
use crate::range::{Attribute, Listed, Page};
use crate::scope::Scopes;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use std::fmt;
use uuid::Uuid;

/// What tokens begin with, so that whoever finds one knows what it is for.
const PREFIX: &str = "slugbuilder_";
/// How much of each end of a token is shown, besides the prefix: 48 of 244 random bits.
const SHOWN: usize = 6;
/// What stands for the rest. The heroku CLI knows tokens that are not shown by ten asterisks, and its own one by the ends.
const HIDDEN: &str = "**********";
/// Of a description, in characters.
const MAXIMUM_DESCRIPTION: usize = 255;
/// How many a user may have.
const MAXIMUM_COUNT: i64 = 1000;
/// What one is for that is made without a description; Heroku's words.
const DESCRIPTION: &str = "Long-lived user authorization";

const COLUMNS: &str =
    "id, description, scope, token_id, token_shown, expires_at, created_at, updated_at";

/// What a user lets a token do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Its identifier.
    pub id: Uuid,
    /// What it is for.
    pub description: String,
    /// What its token may be used for.
    pub scopes: Scopes,
    /// The identifier of its token; another one when the token is another one.
    pub token_id: Uuid,
    /// As much of its token as may be shown.
    pub token_shown: String,
    /// Until when its token is good; nothing means for ever.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Keyed for Authorization {
    fn key(&self, _: Attribute) -> String {
        self.id.to_string()
    }
}

/// A new authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuthorization {
    /// What it is for.
    pub description: Option<String>,
    /// What its token may be used for.
    pub scopes: Scopes,
    /// For how many seconds its tokens are good; nothing means for ever.
    pub lifetime: Option<u64>,
}

/// An authorization with a token that was just made, which nobody will see again.
#[derive(Clone, PartialEq, Eq)]
pub struct Granted {
    /// The authorization.
    pub authorization: Authorization,
    /// The token.
    pub token: String,
}

impl fmt::Debug for Granted {
    /// Says which one it is, never the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Granted").field(&self.authorization).finish()
    }
}

impl Store {
    /// A page of the user's authorizations, less those that have expired.
    pub async fn authorizations(
        &self,
        actor: &User,
        page: &Page,
    ) -> Result<Listed<Authorization>, StoreError> {
        let (actor, page) = (actor.id, page.clone());
        self.read(move |connection| {
            let user = user_number(connection, actor)?.0;
            if page.attribute != Attribute::Id {
                return Err(not_offered("authorizations", page.attribute));
            }
            let mut keyset = Keyset::new(&page, user, "id", "id")?;
            // The parameters of the page have numbers.
            let now = Time(Timestamp::now()).0.as_microsecond();
            let (conditions, order) = (&keyset.conditions, &keyset.order_and_limit);
            let sql = format!(
                "SELECT {COLUMNS} FROM oauth_authorization
                 WHERE user = ?1 AND (expires_at IS NULL OR expires_at > ?{}){conditions} {order}",
                keyset.values.len() + 1
            );
            keyset.values.push(now.into());
            let rows = connection
                .prepare_cached(&sql)?
                .query_map(params_from_iter(&keyset.values), read)?
                .collect::<Result<Vec<_>, _>>()?;
            Ok(keyset.listed(rows))
        })
        .await
    }

    /// One of the user's authorizations.
    pub async fn authorization(&self, actor: &User, id: &str) -> Result<Authorization, StoreError> {
        let (actor, id) = (actor.id, id.to_owned());
        self.read(move |connection| find(connection, actor, &id).map(|(_, found)| found))
            .await
    }

    /// Makes an authorization of the user's, and a token. `is_login` says that they gave their password for it, which the
    /// account remembers.
    pub async fn create_authorization(
        &self,
        actor: &User,
        new: NewAuthorization,
        is_login: bool,
    ) -> Result<Granted, StoreError> {
        let description = new.description.unwrap_or_else(|| DESCRIPTION.to_owned());
        rules::text("description", &description, MAXIMUM_DESCRIPTION)?;
        let lifetime = new.lifetime.map(seconds).transpose()?;
        let (actor, scopes) = (actor.id, new.scopes);
        self.write(move |write| {
            let connection = write.connection();
            remove_expired(write)?;
            let user = user_number(connection, actor)?.0;
            let count: i64 = connection
                .prepare_cached("SELECT count(*) FROM oauth_authorization WHERE user = ?1")?
                .query_row([user], |row| row.get(0))?;
            if count >= MAXIMUM_COUNT {
                return Err(StoreError::Invalid(format!(
                    "You have {MAXIMUM_COUNT} authorizations, and nobody may have more: revoke some."
                )));
            }
            let now = write.now();
            if is_login {
                connection
                    .prepare_cached("UPDATE user SET last_login = ?2 WHERE number = ?1")?
                    .execute(params![user, now])?;
            }
            let token = Token::new(now.0, lifetime)?;
            let id = Uuid::new_v4();
            connection
                .prepare_cached(
                    "INSERT INTO oauth_authorization (id, user, description, scope, lifetime, token_id, token_shown,
                        expires_at, created_at, updated_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
                )?
                .execute(params![
                    id,
                    user,
                    description,
                    Json(scopes.names()),
                    lifetime,
                    token.id,
                    token.shown(),
                    token.expires_at,
                    now
                ])?;
            token.insert(write, user, connection.last_insert_rowid())?;
            let (_, authorization) = find(connection, actor, &id.to_string())?;
            Ok(Granted { authorization, token: token.text })
        })
        .await
    }

    /// Says anew what an authorization is for.
    pub async fn describe_authorization(
        &self,
        actor: &User,
        id: &str,
        description: Option<String>,
    ) -> Result<Authorization, StoreError> {
        if let Some(description) = &description {
            rules::text("description", description, MAXIMUM_DESCRIPTION)?;
        }
        let (actor, id) = (actor.id, id.to_owned());
        self.write(move |write| {
            let (number, _) = find(write.connection(), actor, &id)?;
            write
                .connection()
                .prepare_cached(
                    "UPDATE oauth_authorization SET description = coalesce(?2, description), updated_at = ?3
                     WHERE number = ?1",
                )?
                .execute(params![number, description, write.now()])?;
            find(write.connection(), actor, &id).map(|(_, found)| found)
        })
        .await
    }

    /// Gives an authorization another token, which is good for as long as the first one was; the one before ends.
    pub async fn regenerate_tokens(&self, actor: &User, id: &str) -> Result<Granted, StoreError> {
        let (actor, id) = (actor.id, id.to_owned());
        self.write(move |write| {
            let connection = write.connection();
            let (number, _) = find(connection, actor, &id)?;
            let (user, lifetime): (i64, Option<i64>) = connection
                .prepare_cached("SELECT user, lifetime FROM oauth_authorization WHERE number = ?1")?
                .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
            connection
                .prepare_cached("DELETE FROM token WHERE oauth_authorization = ?1")?
                .execute([number])?;
            let now = write.now();
            let token = Token::new(now.0, lifetime)?;
            token.insert(write, user, number)?;
            connection
                .prepare_cached(
                    "UPDATE oauth_authorization
                     SET token_id = ?2, token_shown = ?3, expires_at = ?4, updated_at = ?5 WHERE number = ?1",
                )?
                .execute(params![number, token.id, token.shown(), token.expires_at, now])?;
            let (_, authorization) = find(connection, actor, &id)?;
            Ok(Granted { authorization, token: token.text })
        })
        .await
    }

    /// Ends an authorization, and its token with it.
    pub async fn delete_authorization(
        &self,
        actor: &User,
        id: &str,
    ) -> Result<Authorization, StoreError> {
        let (actor, id) = (actor.id, id.to_owned());
        self.write(move |write| {
            let (number, found) = find(write.connection(), actor, &id)?;
            write
                .connection()
                .prepare_cached("DELETE FROM oauth_authorization WHERE number = ?1")?
                .execute([number])?;
            Ok(found)
        })
        .await
    }
}

/// A new token.
struct Token {
    id: Uuid,
    text: String,
    expires_at: Option<Time>,
}

impl Token {
    fn new(now: Timestamp, lifetime: Option<i64>) -> Result<Self, StoreError> {
        let end = lifetime.map(|seconds| now.checked_add(SignedDuration::from_secs(seconds)));
        Ok(Self {
            id: Uuid::new_v4(),
            // Twice 122 random bits from the system.
            text: format!(
                "{PREFIX}{}{}",
                Uuid::new_v4().simple(),
                Uuid::new_v4().simple()
            ),
            expires_at: end.transpose().map_err(|_| too_long())?.map(Time),
        })
    }

    /// As much of it as may be shown.
    fn shown(&self) -> String {
        let (start, end) = (PREFIX.len() + SHOWN, self.text.len() - SHOWN);
        format!("{}{HIDDEN}{}", &self.text[..start], &self.text[end..])
    }

    fn insert(&self, write: &Write<'_>, user: i64, authorization: i64) -> Result<(), StoreError> {
        write
            .connection()
            .prepare_cached(
                "INSERT INTO token (hash, user, origin, created_at, expires_at, oauth_authorization)
                 VALUES (?1, ?2, 'request', ?3, ?4, ?5)",
            )?
            .execute(params![
                hash(&self.text),
                user,
                write.now(),
                self.expires_at,
                authorization
            ])?;
        Ok(())
    }
}

/// A time from now that a token may be good for.
fn seconds(lifetime: u64) -> Result<i64, StoreError> {
    // A hundred years are as good as for ever.
    const MAXIMUM: u64 = 100 * 366 * 24 * 60 * 60;
    match i64::try_from(lifetime) {
        Ok(seconds) if (1..=MAXIMUM).contains(&lifetime) => Ok(seconds),
        _ => Err(too_long()),
    }
}

fn too_long() -> StoreError {
    StoreError::Invalid(
        "A token is good for 1 second to 100 years; leave `expires_in` out for one that is good for ever.".into(),
    )
}

/// Forgets tokens that are no longer good, and their authorizations.
pub(super) fn remove_expired(write: &Write<'_>) -> Result<(), StoreError> {
    let connection = write.connection();
    let now = write.now();
    connection
        .prepare_cached("DELETE FROM oauth_authorization WHERE expires_at <= ?1")?
        .execute([now])?;
    Ok(())
}

/// Ends everything that a user made to come in with, authorizations, their tokens, keys, and what goes on in their name:
/// push webhooks, and builds, which release nothing any more.
pub(super) fn remove_credentials(write: &Write<'_>, user: i64) -> Result<(), StoreError> {
    let connection = write.connection();
    for table in ["oauth_authorization", "token", "ssh_key", "push_webhook"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE user = ?1"))?
            .execute([user])?;
    }
    connection
        .prepare_cached(
            "UPDATE build SET status = 'failed', updated_at = ?2 WHERE user = ?1 AND status = 'pending'",
        )?
        .execute(params![user, write.now()])?;
    Ok(())
}

/// One of the user's authorizations that has not expired, and its number.
fn find(
    connection: &Connection,
    actor: Uuid,
    id: &str,
) -> Result<(i64, Authorization), StoreError> {
    let not_found = StoreError::NotFound {
        resource: "authorization",
    };
    let Ok(id) = Uuid::try_parse(id) else {
        return Err(not_found);
    };
    let user = user_number(connection, actor)?.0;
    let sql = format!(
        "SELECT number, {COLUMNS} FROM oauth_authorization
         WHERE user = ?1 AND id = ?2 AND (expires_at IS NULL OR expires_at > ?3)"
    );
    connection
        .prepare_cached(&sql)?
        .query_row(params![user, id, Time(Timestamp::now())], |row| {
            Ok((row.get("number")?, read(row)?))
        })
        .optional()?
        .ok_or(not_found)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Authorization> {
    Ok(Authorization {
        id: row.get("id")?,
        description: row.get("description")?,
        scopes: users::scopes(row, "scope")?,
        token_id: row.get("token_id")?,
        token_shown: row.get("token_shown")?,
        expires_at: optional_time(row, "expires_at")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
