//! The newest releases and builds of the apps of a pipeline.

use super::access::{SEES_APP, find_pipeline};
use super::records::Latest;
use crate::store::access::user_number;
use crate::store::release_rows::of_version;
use crate::store::{Build, Release, Store, StoreError, User, builds};
use rusqlite::params;

impl Store {
    /// The newest release, or the newest deployment, of each app of a pipeline that a user may see. Apps that have none are
    /// left out.
    pub async fn latest_releases(
        &self,
        actor: &User,
        pipeline: &str,
        latest: Latest,
    ) -> Result<Vec<Release>, StoreError> {
        let (actor, pipeline) = (actor.id, pipeline.to_owned());
        self.read(move |connection| {
            let actor = user_number(connection, actor)?;
            let pipeline = find_pipeline(connection, actor, &pipeline)?;
            let version = match latest {
                Latest::Release => "(SELECT max(version) FROM release WHERE release.app = app.number)",
                // The ledger keeps it: see migrations/0008_deployments.sql.
                Latest::Deployment => "app.deployment",
            };
            let versions = connection
                .prepare_cached(&format!(
                    "SELECT app.number, {version} FROM pipeline_coupling JOIN app ON app.number = pipeline_coupling.app
                     WHERE pipeline_coupling.pipeline = ?2 AND {SEES_APP}"
                ))?
                .query_map(params![actor.0, pipeline.number], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            versions
                .into_iter()
                .filter_map(|(app, version)| Some((app, version?)))
                .map(|(app, version)| of_version(connection, app, version))
                .collect()
        })
        .await
    }

    /// The newest build of each app of a pipeline that a user may see. Apps that have none are left out.
    pub async fn latest_builds(
        &self,
        actor: &User,
        pipeline: &str,
    ) -> Result<Vec<Build>, StoreError> {
        let (actor, pipeline) = (actor.id, pipeline.to_owned());
        self.read(move |connection| {
            let actor = user_number(connection, actor)?;
            let pipeline = find_pipeline(connection, actor, &pipeline)?;
            let apps = connection
                .prepare_cached(&format!(
                    "SELECT app.number FROM pipeline_coupling JOIN app ON app.number = pipeline_coupling.app
                     WHERE pipeline_coupling.pipeline = ?2 AND {SEES_APP}"
                ))?
                .query_map(params![actor.0, pipeline.number], |row| row.get(0))?
                .collect::<Result<Vec<i64>, _>>()?;
            let newest = apps.into_iter().map(|app| builds::newest_of(connection, app));
            newest.filter_map(Result::transpose).collect()
        })
        .await
    }
}
