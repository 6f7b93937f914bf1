//! Which buildpacks build an app.

use super::access::find_app;
use super::{Store, StoreError, User};
use crate::buildpack_name::BuildpackName;
use rusqlite::{Connection, params};
use uuid::Uuid;

/// As many buildpacks as an app has at most.
pub const MAXIMUM_BUILDPACKS: usize = 20;

impl Store {
    /// The buildpacks that the next builds of an app use, in their order, each a name (`heroku/nodejs`) or an address that
    /// begins with `https://`. None: the build finds out for itself. An app that is no more has none.
    ///
    /// It asks nobody who they are: for what builds apps that it may build.
    pub async fn buildpacks(&self, app: Uuid) -> Result<Vec<String>, StoreError> {
        self.read(move |connection| {
            let all = connection
                .prepare_cached(
                    "SELECT buildpack FROM buildpack_installation
                     JOIN app ON app.number = buildpack_installation.app
                     WHERE app.id = ?1 ORDER BY ordinal",
                )?
                .query_map([app], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
        .await
    }

    /// The same, for who may see the app.
    pub async fn buildpack_installations(
        &self,
        actor: &User,
        app: &str,
    ) -> Result<Vec<String>, StoreError> {
        let (actor, app) = (actor.id, app.to_owned());
        self.read(move |connection| {
            let found = find_app(connection, actor, &app)?;
            installed(connection, found.number)
        })
        .await
    }

    /// Makes these the buildpacks of an app, in this order, instead of those it had.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for too many, or one that is there twice.
    pub async fn install_buildpacks(
        &self,
        actor: &User,
        app: &str,
        buildpacks: Vec<BuildpackName>,
    ) -> Result<Vec<String>, StoreError> {
        check(&buildpacks)?;
        let (actor, app) = (actor.id, app.to_owned());
        self.write(move |write| {
            let connection = write.connection();
            let found = find_app(connection, actor, &app)?;
            connection
                .prepare_cached("DELETE FROM buildpack_installation WHERE app = ?1")?
                .execute([found.number])?;
            let mut insert = connection.prepare_cached(
                "INSERT INTO buildpack_installation (app, ordinal, buildpack)
                 SELECT ?1, count(*), ?2 FROM buildpack_installation WHERE app = ?1",
            )?;
            for buildpack in &buildpacks {
                insert.execute(params![found.number, buildpack.as_str()])?;
            }
            installed(connection, found.number)
        })
        .await
    }
}

fn check(buildpacks: &[BuildpackName]) -> Result<(), StoreError> {
    if buildpacks.len() > MAXIMUM_BUILDPACKS {
        return Err(StoreError::Invalid(format!(
            "An app has at most {MAXIMUM_BUILDPACKS} buildpacks."
        )));
    }
    for (number, buildpack) in buildpacks.iter().enumerate() {
        if buildpacks[..number].contains(buildpack) {
            return Err(StoreError::Invalid(format!(
                "The buildpack {} is there twice.",
                buildpack.as_str()
            )));
        }
    }
    Ok(())
}

fn installed(connection: &Connection, app: i64) -> Result<Vec<String>, StoreError> {
    let all = connection
        .prepare_cached(
            "SELECT buildpack FROM buildpack_installation WHERE app = ?1 ORDER BY ordinal",
        )?
        .query_map([app], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(all)
}
