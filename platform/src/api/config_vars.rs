//! Config vars: the environment of an app.

use super::State;
use super::loose::Fields;
use super::path::Path;
use crate::http::answer::ok;
use crate::http::{Actor, ApiError, Body};
use axum::extract::State as Of;
use axum::response::Response;

/// `GET /apps/{app}/config-vars`
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
) -> Result<Response, ApiError> {
    Ok(ok(&state.store.config_vars(&user, &app).await?))
}

/// `PATCH /apps/{app}/config-vars`
pub(super) async fn update(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    // An app that may not be seen comes before anything that is wrong with the body.
    let app = state.store.app(&user, &app).await?.id.to_string();
    let changes = fields.into_config_vars()?;
    Ok(ok(&state
        .store
        .update_config_vars(&user, &app, changes)
        .await?))
}
