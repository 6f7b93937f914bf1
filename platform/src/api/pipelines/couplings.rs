//! The places of apps in pipelines.

use super::present;
use crate::api::State;
use crate::api::loose::{Fields, Refused};
use crate::api::path::Path;
use crate::http::answer::{created, list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::Offered;
use crate::store::{Couplings, Keyed, Stage, User};
use axum::extract::State as Of;
use axum::response::Response;

/// `POST /pipeline-couplings`: an `app` comes into a `pipeline`, at a `stage`.
pub(in crate::api) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    let required = |name: &str| Refused(format!("`{name}` is required"));
    let app = fields.identity("app")?.ok_or_else(|| required("app"))?;
    let pipeline = fields
        .identity("pipeline")?
        .ok_or_else(|| required("pipeline"))?;
    let at = stage(&fields)?.ok_or_else(|| required("stage"))?;
    let coupling = state.store.couple(&user, &pipeline, &app, at).await?;
    Ok(created(&present::coupling(&coupling)))
}

/// `GET /pipeline-couplings` and `GET /users/~/pipeline-couplings`: all that the user may see.
pub(in crate::api) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    paging: Paging,
) -> Result<Response, ApiError> {
    page(&state, &user, Couplings::All, &paging).await
}

/// `GET /pipelines/{pipeline}/pipeline-couplings`
pub(in crate::api) async fn of_pipeline(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(pipeline): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    page(&state, &user, Couplings::Of(pipeline), &paging).await
}

async fn page(
    state: &State,
    user: &User,
    of: Couplings,
    paging: &Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let couplings = state.store.couplings(user, of, &page).await?;
    Ok(list(
        couplings,
        &page,
        Offered::ID,
        Keyed::key,
        |coupling| present::coupling(&coupling),
    ))
}

/// `GET /apps/{app}/pipeline-couplings`: the one that the app has; 404 where it has none, which clients expect.
pub(in crate::api) async fn of_app(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
) -> Result<Response, ApiError> {
    let coupling = state.store.coupling_of_app(&user, &app).await?;
    Ok(ok(&present::coupling(&coupling)))
}

/// `GET /pipeline-couplings/{pipeline_coupling}`
pub(in crate::api) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(coupling): Path<String>,
) -> Result<Response, ApiError> {
    let coupling = state.store.coupling(&user, &coupling).await?;
    Ok(ok(&present::coupling(&coupling)))
}

/// `PATCH /pipeline-couplings/{pipeline_coupling}`: another `stage`.
pub(in crate::api) async fn update(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(coupling): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    // A coupling that may not be seen comes before anything that is wrong with the body.
    let id = state.store.coupling(&user, &coupling).await?.id.to_string();
    let to = stage(&fields)?;
    let coupling = state.store.move_to_stage(&user, &id, to).await?;
    Ok(ok(&present::coupling(&coupling)))
}

/// `DELETE /pipeline-couplings/{pipeline_coupling}`
pub(in crate::api) async fn delete(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(coupling): Path<String>,
) -> Result<Response, ApiError> {
    let coupling = state.store.uncouple(&user, &coupling).await?;
    Ok(ok(&present::coupling(&coupling)))
}

/// The stage that a body asks for.
fn stage(fields: &Fields) -> Result<Option<Stage>, Refused> {
    let Some(name) = fields.text("stage")? else {
        return Ok(None);
    };
    Stage::of_name(&name).map(Some).ok_or_else(|| {
        let names = Stage::ALL.map(Stage::as_str).join(", ");
        Refused(format!("`stage` must be one of: {names}"))
    })
}
