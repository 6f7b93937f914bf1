//! Releases: the ledger of what an app was and is.

use super::State;
use super::loose::{Fields, Refused};
use super::path::Path;
use super::{present, scope};
use crate::http::answer::{created, list, ok, with_warning};
use crate::http::{Actor, ApiError, Body, Credential, Paging};
use crate::range::Offered;
use crate::scope::Scope;
use crate::signed_url::OutputOf;
use crate::store::{Keyed, Release, User};
use axum::extract::{RawQuery, State as Of};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use slugbuilder::api::types::{self, ReleaseCreate};
use uuid::Uuid;

/// Said of a release whose slug has a release phase.
pub(super) const NOT_RUN: &str =
    "The process type `release` was not run: this server does not run dynos yet.";

/// `POST /apps/{app}/releases`: a slug, or back to an earlier release.
pub(super) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    credential: Credential,
    Path(app): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    // An app that may not be seen comes before anything that is wrong with the body. From here on by its identifier: its name
    // may be that of another one by the time of the release.
    let app = state.store.app_id(&user, &app).await?.to_string();
    let new = requested(&state, &user, &app, &fields).await?;
    if matches!(new, ReleaseCreate::Rollback { .. }) {
        // Its config vars come back with it.
        scope::allow(&credential, Scope::WriteProtected)?;
    }
    let release = state.store.create_release(&user, &app, new).await?;
    let answer = created(&present(&state, &release));
    Ok(if release.has_release_phase {
        with_warning(answer, NOT_RUN)
    } else {
        answer
    })
}

/// What a body asks for. Both kinds of releases are made at the same path and told apart by their keys.
async fn requested(
    state: &State,
    user: &User,
    app: &str,
    fields: &Fields,
) -> Result<ReleaseCreate, ApiError> {
    match (fields.identity("slug")?, fields.identity("release")?) {
        (Some(slug), None) => Ok(ReleaseCreate::Slug {
            slug: Uuid::try_parse(&slug).map_err(|_| ApiError::not_found("slug"))?,
            description: fields.text("description")?,
        }),
        (None, Some(release)) => {
            let release = state.store.release(user, app, &release).await?;
            Ok(ReleaseCreate::Rollback {
                release: release.id,
            })
        }
        (Some(_), Some(_)) => {
            Err(Refused("`slug` and `release` exclude each other".to_owned()).into())
        }
        (None, None) if fields.has("oci_image") => Err(Refused(
            "This server releases slugs, not images: `slug` is required".to_owned(),
        )
        .into()),
        (None, None) => {
            Err(Refused("`slug` is required, or `release` to go back to".to_owned()).into())
        }
    }
}

/// `GET /apps/{app}/releases`
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::RELEASES)?;
    let releases = state.store.releases(&user, &app, &page).await?;
    Ok(list(
        releases,
        &page,
        Offered::RELEASES,
        Keyed::key,
        |release| present(&state, &release),
    ))
}

/// `GET /apps/{app}/releases/{release}`
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, release)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let release = state.store.release(&user, &app, &release).await?;
    Ok(ok(&present(&state, &release)))
}

/// `GET /apps/{app}/releases/{release}/config-vars`
pub(super) async fn config_vars(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, release)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let config_vars = state
        .store
        .release_config_vars(&user, &app, &release)
        .await?;
    Ok(ok(&config_vars))
}

/// `GET /releases/{release}/output`: what the release phase printed. Its address is signed, because whoever follows the output
/// sends no token.
pub(super) async fn output(
    Of(state): Of<State>,
    Path(release): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let id = Uuid::try_parse(&release).map_err(|_| ApiError::not_found("release"))?;
    if !state
        .signer
        .allows_output(OutputOf::Release(id), query.as_deref())
    {
        return Err(ApiError::forbidden(
            "The address of this output was changed, or another server gave it out.",
        ));
    }
    if !state.store.has_output(id).await? {
        return Err(ApiError::not_found("release"));
    }
    Ok((
        [(CONTENT_TYPE, "text/plain; charset=utf-8")],
        format!("{NOT_RUN}\n"),
    )
        .into_response())
}

/// A release, with the address of its output.
pub(super) fn present(state: &State, release: &Release) -> types::Release {
    let output = release
        .has_release_phase
        .then_some(OutputOf::Release(release.id))
        .map(|of| state.signer.output_url(&state.external_url, of));
    present::release(release, output)
}
