//! The public SSH keys of users.

use super::access::user_number;
use super::keyset::{Keyset, not_offered};
use super::ssh_key::{self, SshKey};
use super::values::time;
use super::{Keyed, Store, StoreError, User};
use crate::range::{Attribute, Listed, Page};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use uuid::Uuid;

/// How many a user may have.
const MAXIMUM_COUNT: i64 = 100;

const COLUMNS: &str = "id, fingerprint, public_key, comment, created_at, updated_at";

/// A public SSH key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its identifier.
    pub id: Uuid,
    /// `SHA256:` and the digest in Base64, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// The key as it was sent: kind, key and comment.
    pub public_key: String,
    /// The comment; may be empty.
    pub comment: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Keyed for Key {
    fn key(&self, _: Attribute) -> String {
        self.id.to_string()
    }
}

impl Store {
    /// A page of the user's keys.
    pub async fn keys(&self, actor: &User, page: &Page) -> Result<Listed<Key>, StoreError> {
        let (actor, page) = (actor.id, page.clone());
        self.read(move |connection| {
            let user = user_number(connection, actor)?.0;
            if page.attribute != Attribute::Id {
                return Err(not_offered("keys", page.attribute));
            }
            let keyset = Keyset::new(&page, user, "id", "id")?;
            let (conditions, order) = (&keyset.conditions, &keyset.order_and_limit);
            let sql = format!("SELECT {COLUMNS} FROM ssh_key WHERE user = ?1{conditions} {order}");
            let rows = connection
                .prepare_cached(&sql)?
                .query_map(params_from_iter(&keyset.values), read)?
                .collect::<Result<Vec<_>, _>>()?;
            Ok(keyset.listed(rows))
        })
        .await
    }

    /// One of the user's keys, by identifier or fingerprint.
    pub async fn key(&self, actor: &User, identity: &str) -> Result<Key, StoreError> {
        let (actor, identity) = (actor.id, identity.to_owned());
        self.read(move |connection| find(connection, actor, &identity))
            .await
    }

    /// Adds a key, given as the line of a `.pub` file.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for what is no key, for one that this or another user has, and for one too many.
    pub async fn create_key(&self, actor: &User, public_key: &str) -> Result<Key, StoreError> {
        let key = SshKey::parse(public_key)?;
        let actor = actor.id;
        self.write(move |write| {
            let connection = write.connection();
            let user = user_number(connection, actor)?.0;
            let count: i64 = connection
                .prepare_cached("SELECT count(*) FROM ssh_key WHERE user = ?1")?
                .query_row([user], |row| row.get(0))?;
            if count >= MAXIMUM_COUNT {
                return Err(StoreError::Invalid(format!(
                    "You have {MAXIMUM_COUNT} SSH keys, and nobody may have more: remove some."
                )));
            }
            let id = Uuid::new_v4();
            let inserted = connection
                .prepare_cached(
                    "INSERT INTO ssh_key (id, user, fingerprint, public_key, comment, created_at, updated_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (fingerprint) DO NOTHING",
                )?
                .execute(params![id, user, key.fingerprint, key.line, key.comment, write.now()])?;
            if inserted == 0 {
                // Heroku's words, the same whoever has it.
                return Err(StoreError::Invalid("Fingerprint has already been taken".into()));
            }
            find(connection, actor, &id.to_string())
        })
        .await
    }

    /// Takes one of the user's keys away, by identifier or fingerprint.
    pub async fn delete_key(&self, actor: &User, identity: &str) -> Result<Key, StoreError> {
        let (actor, identity) = (actor.id, identity.to_owned());
        self.write(move |write| {
            let found = find(write.connection(), actor, &identity)?;
            write
                .connection()
                .prepare_cached("DELETE FROM ssh_key WHERE id = ?1")?
                .execute([found.id])?;
            Ok(found)
        })
        .await
    }
}

fn find(connection: &Connection, actor: Uuid, identity: &str) -> Result<Key, StoreError> {
    let user = user_number(connection, actor)?.0;
    let id = Uuid::try_parse(identity).ok();
    let sql =
        format!("SELECT {COLUMNS} FROM ssh_key WHERE user = ?1 AND (id = ?2 OR fingerprint = ?3)");
    connection
        .prepare_cached(&sql)?
        .query_row(params![user, id, ssh_key::digest(identity)], read)
        .optional()?
        .ok_or(StoreError::NotFound { resource: "key" })
}

fn read(row: &Row<'_>) -> rusqlite::Result<Key> {
    Ok(Key {
        id: row.get("id")?,
        fingerprint: ssh_key::fingerprint(&row.get("fingerprint")?),
        public_key: row.get("public_key")?,
        comment: row.get("comment")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
