//! Slugs: records first, bytes later.

use super::access::{Found, find_app};
use super::values::{Json, Time, count, optional_time, time};
use super::{Slug, Store, StoreError, User, Write, rules};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use slugbuilder::api::types::{ProcessTypes, SlugCreate};
use slugbuilder::slug::Checksum;
use uuid::Uuid;

pub(super) const COLUMNS: &str =
    "slug.number, slug.id, slug.app, slug.buildpack_provided_description, slug.checksum,
    slug.commit_id, slug.commit_description, slug.process_types, slug.stack, slug.size, slug.sha256,
    slug.uploaded_at, slug.created_at, slug.updated_at";

/// A slug as rows refer to it.
#[derive(Debug, Clone)]
pub(super) struct SlugRow {
    pub(super) number: i64,
    pub(super) slug: Slug,
}

impl Store {
    /// Makes the record of a slug. Its stack, where one is given, is a name that the caller has checked; that of builds of
    /// the app otherwise.
    pub async fn create_slug(
        &self,
        actor: &User,
        app: &str,
        create: SlugCreate,
    ) -> Result<Slug, StoreError> {
        rules::slug(&create)?;
        let (actor, app) = (actor.id, app.to_owned());
        self.write(move |write| {
            let found = find_app(write.connection(), actor, &app)?;
            insert(write, &found, Uuid::new_v4(), &create)
        })
        .await
    }

    /// A slug of the app: one that was made for it, or that one of its releases runs.
    pub async fn slug(&self, actor: &User, app: &str, id: Uuid) -> Result<Slug, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM slug WHERE slug.id = ?1 AND (slug.app = ?2 OR EXISTS (
                         SELECT 1 FROM release WHERE release.slug = slug.number AND release.app = ?3))"
                ))?
                .query_row(params![id, found.id, found.number], read_slug)
                .optional()?
                .map(|row| row.slug)
                .ok_or(StoreError::NotFound { resource: "slug" })
        })
        .await
    }

    /// The slug whose bytes someone may send or have: who knows a signed URL is nobody in particular.
    pub async fn slug_for_upload(&self, id: Uuid) -> Result<Slug, StoreError> {
        self.read(move |connection| find(connection, id).map(|row| row.slug))
            .await
    }

    /// Writes down that a slug's bytes are there, on the disk: `size` bytes with this SHA-256, in hexadecimal digits.
    ///
    /// The same bytes once more change nothing.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if they are not those of the record's checksum, [`StoreError::Conflict`] if the slug has
    /// other bytes already: a release may run them.
    pub async fn finish_upload(
        &self,
        id: Uuid,
        size: u64,
        sha256: &str,
    ) -> Result<Slug, StoreError> {
        let mut digest = [0; 32];
        hex::decode_to_slice(sha256, &mut digest).map_err(|_| {
            StoreError::Invalid(format!("`{}` is no SHA-256.", sha256.escape_debug()))
        })?;
        let size = i64::try_from(size)
            .map_err(|_| StoreError::Invalid("The slug is too large.".into()))?;
        self.write(move |write| finish_upload(write, id, size, Checksum(digest)))
            .await
    }

    /// The identifiers of all slugs whose bytes are there, in their order. Blobs that are none of these nor of a slug in the making belong
    /// to nobody.
    pub async fn uploaded_slugs(&self) -> Result<Vec<Uuid>, StoreError> {
        self.read(|connection| {
            // In the order of the table, and sorted here: in that of the index of identifiers, each row would be another page.
            let mut ids: Vec<Uuid> = connection
                .prepare_cached("SELECT id FROM slug NOT INDEXED WHERE uploaded_at IS NOT NULL")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            ids.sort_unstable();
            Ok(ids)
        })
        .await
    }
}

/// Makes the record of a slug of that identifier.
pub(super) fn insert(
    write: &Write<'_>,
    app: &Found,
    id: Uuid,
    create: &SlugCreate,
) -> Result<Slug, StoreError> {
    let connection = write.connection();
    connection
        .prepare_cached(
            "INSERT INTO slug (id, app, buildpack_provided_description, checksum, commit_id, commit_description,
                process_types, stack, created_at, updated_at)
             SELECT ?1, app.id, ?3, ?4, ?5, ?6, ?7, coalesce(?8, app.build_stack), ?9, ?9
             FROM app WHERE app.number = ?2",
        )?
        .execute(params![
            id,
            app.number,
            create.buildpack_provided_description,
            create.checksum,
            create.commit,
            create.commit_description,
            Json(&create.process_types),
            create.stack,
            write.now(),
        ])?;
    find(connection, id).map(|row| row.slug)
}

/// The slug of that identifier, whoever's it is.
pub(super) fn find(connection: &Connection, id: Uuid) -> Result<SlugRow, StoreError> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM slug WHERE slug.id = ?1"))?
        .query_row([id], read_slug)
        .optional()?
        .ok_or(StoreError::NotFound { resource: "slug" })
}

/// The slug of that number, which a release refers to.
pub(super) fn of_number(connection: &Connection, number: i64) -> Result<SlugRow, StoreError> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM slug WHERE slug.number = ?1"
        ))?
        .query_row([number], read_slug)
        .optional()?
        .ok_or(StoreError::NotFound { resource: "slug" })
}

/// Whether the user whose number is the second parameter may see an app.
const VISIBLE: &str = "(app.owner = ?2 OR EXISTS (
    SELECT 1 FROM collaborator WHERE collaborator.app = app.number AND collaborator.user = ?2))";

/// The slug of that identifier, if it was made for an app that the user may see, or if such an app runs it. Its own app is
/// looked at first: a slug may have more releases than anyone would want to go through.
pub(super) fn find_visible(
    connection: &Connection,
    user: i64,
    id: Uuid,
) -> Result<SlugRow, StoreError> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM slug WHERE slug.id = ?1 AND (
                 EXISTS (SELECT 1 FROM app WHERE app.id = slug.app AND {VISIBLE})
                 OR EXISTS (
                     SELECT 1 FROM release JOIN app ON app.number = release.app
                     WHERE release.slug = slug.number AND {VISIBLE}))"
        ))?
        .query_row(params![id, user], read_slug)
        .optional()?
        .ok_or(StoreError::NotFound { resource: "slug" })
}

/// Writes down that a slug's bytes are there; see [`Store::finish_upload`].
pub(super) fn finish_upload(
    write: &Write<'_>,
    id: Uuid,
    size: i64,
    digest: Checksum,
) -> Result<Slug, StoreError> {
    let connection = write.connection();
    let SlugRow { number, slug } = find(connection, id)?;
    if let Some(expected) = &slug.create.checksum
        && *expected.to_lowercase() != digest.to_string().to_lowercase()
    {
        return Err(StoreError::Invalid(format!(
            "The slug's checksum is {expected}, but that of the uploaded bytes is {digest}."
        )));
    }
    if let Some(there) = &slug.sha256 {
        return if *there == hex::encode(digest.0) {
            Ok(slug)
        } else {
            Err(StoreError::Conflict(
                "The slug has been uploaded already. Please make a new one for other bytes.".into(),
            ))
        };
    }
    connection
        .prepare_cached(
            "UPDATE slug SET size = ?2, sha256 = ?3, uploaded_at = ?4, updated_at = ?4 WHERE number = ?1",
        )?
        .execute(params![number, size, digest.0, write.now()])?;
    find(connection, id).map(|row| row.slug)
}

pub(super) fn read_slug(row: &Row<'_>) -> rusqlite::Result<SlugRow> {
    let stack: String = row.get("stack")?;
    let uploaded_at: Option<Timestamp> = optional_time(row, "uploaded_at")?;
    let Time(created_at) = row.get("created_at")?;
    Ok(SlugRow {
        number: row.get("number")?,
        slug: Slug {
            id: row.get("id")?,
            app: row.get("app")?,
            create: SlugCreate {
                buildpack_provided_description: row.get("buildpack_provided_description")?,
                checksum: row.get("checksum")?,
                commit: row.get("commit_id")?,
                commit_description: row.get("commit_description")?,
                process_types: row.get::<_, Json<ProcessTypes>>("process_types")?.0,
                stack: Some(stack.clone()),
            },
            stack,
            size: row.get::<_, Option<i64>>("size")?.map(count),
            sha256: row.get::<_, Option<[u8; 32]>>("sha256")?.map(hex::encode),
            uploaded_at,
            created_at,
            updated_at: time(row, "updated_at")?,
        },
    })
}
