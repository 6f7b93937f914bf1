//! The newest of what the apps of a pipeline have.

use crate::api::State;
use crate::api::path::Path;
use crate::api::{builds, releases};
use crate::http::answer::list;
use crate::http::{Actor, ApiError, Paging};
use crate::range::Offered;
use crate::store::{Keyed, Latest, User};
use axum::extract::State as Of;
use axum::response::Response;

/// `GET /pipelines/{pipeline}/latest-releases`
pub(in crate::api) async fn releases(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(pipeline): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    newest(&state, &user, &pipeline, Latest::Release, &paging).await
}

/// `GET /pipelines/{pipeline}/latest-deployments`: the newest releases that changed what runs.
pub(in crate::api) async fn deployments(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(pipeline): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    newest(&state, &user, &pipeline, Latest::Deployment, &paging).await
}

/// `GET /pipelines/{pipeline}/latest-builds`
pub(in crate::api) async fn builds(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(pipeline): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let newest = state.store.latest_builds(&user, &pipeline).await?;
    let listed = page.of(newest, Keyed::key);
    Ok(list(listed, &page, Offered::ID, Keyed::key, |build| {
        builds::present(&state, build)
    }))
}

async fn newest(
    state: &State,
    user: &User,
    pipeline: &str,
    latest: Latest,
    paging: &Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let releases = state.store.latest_releases(user, pipeline, latest).await?;
    let listed = page.of(releases, Keyed::key);
    Ok(list(listed, &page, Offered::ID, Keyed::key, |release| {
        releases::present(state, &release)
    }))
}
