//! The names that visitors may find apps by, besides those that the server gives them.

use super::access::{Found, find_app};
use super::values::time;
use super::{Store, StoreError, User, Write};
use crate::hostname::Hostname;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use slugbuilder::api::types::Named;
use uuid::Uuid;

/// As many domains as an app has at most: Heroku's limit.
pub const MAXIMUM_DOMAINS: usize = 1000;

/// The name less its first label: what a wildcard and the names that it covers have in common. As in the index.
const PARENT: &str = "substr(hostname, instr(hostname, '.') + 1)";

/// A domain of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its identifier.
    pub id: Uuid,
    /// The app.
    pub app: Named,
    /// The name, as [`Hostname`] writes it.
    pub hostname: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Store {
    /// The domains of an app, by name: at most [`MAXIMUM_DOMAINS`].
    pub async fn domains(&self, actor: &User, app: &str) -> Result<Vec<Domain>, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            let all = connection
                .prepare_cached("SELECT * FROM domain WHERE app = ?1 ORDER BY hostname")?
                .query_map([found.number], |row| read(row, &found))?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
        .await
    }

    /// A domain of an app, by its identifier or name.
    pub async fn domain(
        &self,
        actor: &User,
        app: &str,
        identity: &str,
    ) -> Result<Domain, StoreError> {
        let (actor, app, identity) = (actor.id, app.to_owned(), identity.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            find(connection, &found, &identity)
        })
        .await
    }

    /// Adds a domain. Nobody adds a name that a wildcard of an app covers which they may not see, nor a wildcard over names of
    /// such an app: it would take visitors away.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a name that an app has already, or for too many.
    pub async fn add_domain(
        &self,
        actor: &User,
        app: &str,
        hostname: Hostname,
    ) -> Result<Domain, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.write(move |write| {
            let found = find_app(write.connection(), actor, &app)?;
            add(write, &found, &hostname)
        })
        .await
    }

    /// Takes a domain away, by its identifier or name.
    pub async fn remove_domain(
        &self,
        actor: &User,
        app: &str,
        identity: &str,
    ) -> Result<Domain, StoreError> {
        let (actor, app, identity) = (actor.id, app.to_owned(), identity.to_owned());
        self.write(move |write| {
            let connection = write.connection();
            let found = find_app(connection, actor, &app)?;
            let domain = find(connection, &found, &identity)?;
            connection
                .prepare_cached("DELETE FROM domain WHERE hostname = ?1")?
                .execute([&domain.hostname])?;
            Ok(domain)
        })
        .await
    }
}

fn add(write: &Write<'_>, app: &Found, hostname: &Hostname) -> Result<Domain, StoreError> {
    let connection = write.connection();
    let there: Option<i64> = connection
        .prepare_cached("SELECT app FROM domain WHERE hostname = ?1")?
        .query_row([hostname.as_str()], |row| row.get(0))
        .optional()?;
    if there == Some(app.number) {
        return Err(StoreError::Invalid(format!(
            "{hostname} is already a domain of this app."
        )));
    }
    if there.is_some() || overlaps_unseen(connection, app, hostname)? {
        return Err(StoreError::Invalid(format!(
            "{hostname} is currently in use by another app."
        )));
    }
    let count: usize = connection
        .prepare_cached("SELECT count(*) FROM domain WHERE app = ?1")?
        .query_row([app.number], |row| row.get::<_, u32>(0))?
        .try_into()
        .unwrap_or(usize::MAX);
    if count >= MAXIMUM_DOMAINS {
        return Err(StoreError::Invalid(format!(
            "An app has at most {MAXIMUM_DOMAINS} domains."
        )));
    }
    connection
        .prepare_cached(
            "INSERT INTO domain (hostname, app, id, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        )?
        .execute(params![hostname.as_str(), app.number, Uuid::new_v4(), write.now()])?;
    find(connection, app, hostname.as_str())
}

/// Whether an app that the acting user may not see has a wildcard that covers the name, or, where it is a wildcard itself, a
/// name that it covers. Who owns the apps is not the question: whoever works on one may be a stranger to another of its owner.
fn overlaps_unseen(
    connection: &Connection,
    app: &Found,
    hostname: &Hostname,
) -> Result<bool, StoreError> {
    let others = "JOIN app ON app.number = domain.app
        WHERE app.owner <> ?1 AND NOT EXISTS (
            SELECT 1 FROM collaborator WHERE collaborator.app = app.number AND collaborator.user = ?1)";
    let (sql, name) = if hostname.is_wildcard() {
        let sql = format!("SELECT 1 FROM domain {others} AND {PARENT} = ?2");
        (sql, hostname.parent().to_owned())
    } else {
        let sql = format!("SELECT 1 FROM domain {others} AND hostname = ?2");
        (sql, format!("*.{}", hostname.parent()))
    };
    Ok(connection
        .prepare_cached(&sql)?
        .exists(params![app.actor.0, name])?)
}

fn find(connection: &Connection, app: &Found, identity: &str) -> Result<Domain, StoreError> {
    let id = Uuid::try_parse(identity).ok();
    let hostname = Hostname::parse(identity).ok();
    connection
        .prepare_cached("SELECT * FROM domain WHERE app = ?1 AND (hostname = ?2 OR id = ?3)")?
        .query_row(
            params![app.number, hostname.as_ref().map(Hostname::as_str), id],
            |row| read(row, app),
        )
        .optional()?
        .ok_or(StoreError::NotFound { resource: "domain" })
}

fn read(row: &Row<'_>, app: &Found) -> rusqlite::Result<Domain> {
    Ok(Domain {
        id: row.get("id")?,
        app: app.named(),
        hostname: row.get("hostname")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
