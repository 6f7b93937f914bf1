//! Sources: archives that users upload to be built.

use super::access::user_number;
use super::values::{Time, count};
use super::{Store, StoreError, User};
use crate::blobs::Received;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

/// How many a user may have at once; each is removed some time after it was made.
const OF_USER: i64 = 100;
/// How many bytes they may have, all of a user's at once: 4 GiB.
const BYTES_OF_USER: i64 = 4 << 30;

impl Store {
    /// Makes the record of a source that the user may then upload.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] for who made too many in a short time.
    pub async fn create_source(&self, actor: &User) -> Result<Uuid, StoreError> {
        let actor = actor.id;
        self.write(move |write| {
            let connection = write.connection();
            let user = user_number(connection, actor)?.0;
            let (there, bytes): (i64, i64) = connection
                .prepare_cached(
                    "SELECT count(*), coalesce(sum(size), 0) FROM source WHERE user = ?1",
                )?
                .query_row([user], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if there >= OF_USER {
                return Err(StoreError::TooMany(format!(
                    "You have made {OF_USER} sources in a short time. Please try again later."
                )));
            }
            if bytes >= BYTES_OF_USER {
                return Err(StoreError::TooMany(too_large()));
            }
            let id = Uuid::new_v4();
            connection
                .prepare_cached("INSERT INTO source (id, user, created_at) VALUES (?1, ?2, ?3)")?
                .execute(params![id, user, write.now()])?;
            Ok(id)
        })
        .await
    }

    /// What was uploaded of a source, if anything was: who knows a signed URL is nobody in particular.
    pub async fn source(&self, id: Uuid) -> Result<Option<Received>, StoreError> {
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT size, sha256 FROM source WHERE id = ?1")?
                .query_row([id], |row| {
                    let size: Option<i64> = row.get(0)?;
                    let sha256: Option<[u8; 32]> = row.get(1)?;
                    Ok(size.zip(sha256).map(|(size, sha256)| Received {
                        size: count(size),
                        sha256: hex::encode(sha256),
                    }))
                })
                .optional()?
                .ok_or(StoreError::NotFound { resource: "source" })
        })
        .await
    }

    /// Writes down that the bytes of a source are there.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] where all of its user's would have too many, [`StoreError::NotFound`] if it is gone.
    pub async fn finish_source(&self, id: Uuid, received: &Received) -> Result<(), StoreError> {
        let mut sha256 = [0; 32];
        hex::decode_to_slice(&received.sha256, &mut sha256)
            .map_err(|_| StoreError::Invalid("This is no SHA-256.".into()))?;
        let size = i64::try_from(received.size)
            .map_err(|_| StoreError::Invalid("The source is too large.".into()))?;
        self.write(move |write| {
            let connection = write.connection();
            let others: i64 = connection
                .prepare_cached(
                    "SELECT coalesce(sum(size), 0) FROM source
                     WHERE user = (SELECT user FROM source WHERE id = ?1) AND id <> ?1",
                )?
                .query_row([id], |row| row.get(0))?;
            // One alone is as large as the server takes it.
            if others > 0 && others.saturating_add(size) > BYTES_OF_USER {
                return Err(StoreError::Invalid(too_large()));
            }
            let changed = connection
                .prepare_cached("UPDATE source SET size = ?2, sha256 = ?3 WHERE id = ?1")?
                .execute(params![id, size, sha256])?;
            match changed {
                0 => Err(StoreError::NotFound { resource: "source" }),
                _ => Ok(()),
            }
        })
        .await
    }

    /// The identifiers of all sources whose bytes are there.
    pub async fn uploaded_sources(&self) -> Result<Vec<Uuid>, StoreError> {
        self.read(|connection| {
            let ids = connection
                .prepare_cached("SELECT id FROM source WHERE size IS NOT NULL")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(ids)
        })
        .await
    }

    /// Forgets the sources that were made before `time`, but for those that a build waits for, and tells which: their bytes
    /// are to be removed.
    pub async fn forget_sources(&self, time: Timestamp) -> Result<Vec<Uuid>, StoreError> {
        self.write(move |write| {
            let ids = write
                .connection()
                .prepare_cached(
                    "DELETE FROM source WHERE created_at < ?1 AND NOT EXISTS (
                         SELECT 1 FROM build WHERE build.status = 'pending' AND build.source = source.id)
                     RETURNING id",
                )?
                .query_map([Time(time)], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(ids)
        })
        .await
    }
}

fn too_large() -> String {
    format!(
        "The sources that you uploaded in a short time have more than {} GiB. Please try again later.",
        BYTES_OF_USER >> 30
    )
}
