//! Dynos, of which there are none yet. What asks to restart or stop all of them is done with none.

use super::State;
use super::formation::unknown_type;
use super::path::Path;
use crate::http::answer::accepted;
use crate::http::{Actor, ApiError};
use crate::store::StoreError;
use axum::extract::State as Of;
use axum::response::Response;

/// `DELETE /apps/{app}/dynos`: restarts all.
pub(super) async fn restart_all(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
) -> Result<Response, ApiError> {
    state.store.app(&user, &app).await?;
    Ok(accepted())
}

/// `DELETE /apps/{app}/dynos/{dyno}` and `POST …/actions/stop`: restarts or stops one. No dyno is there to be named, but old clients
/// (`heroku ps:restart web` of version 8) name a process type here, for all of its dynos.
pub(super) async fn of_name(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, dyno)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    match state.store.formation_of(&user, &app, &dyno).await {
        Ok(formation) if formation.process_type == dyno => Ok(accepted()),
        Ok(_)
        | Err(StoreError::NotFound {
            resource: "formation",
        }) => Err(ApiError::not_found("dyno")),
        Err(error) => Err(error.into()),
    }
}

/// `DELETE /apps/{app}/formations/{formation}` and `POST …/actions/stop`: restarts or stops those of a process type, which the
/// app has to have.
pub(super) async fn of_type(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, formation)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let found = state.store.formation_of(&user, &app, &formation).await;
    found.map_err(unknown_type)?;
    Ok(accepted())
}
