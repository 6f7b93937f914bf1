//! Sources: where source code is put that is to be built.

use super::State;
use super::loose::Fields;
use super::path::Path;
use crate::http::answer::created;
use crate::http::{Actor, ApiError, Body};
use crate::store::User;
use axum::extract::State as Of;
use axum::response::Response;
use serde::Serialize;

/// A source, as the API has it.
#[derive(Debug, Serialize)]
struct Source {
    source_blob: SourceBlob,
}

/// Its addresses, which need no credentials and expire.
#[derive(Debug, Serialize)]
struct SourceBlob {
    get_url: String,
    put_url: String,
}

/// `POST /sources`. Clients send no body, or an empty one.
pub(super) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    Body(_): Body<Fields>,
) -> Result<Response, ApiError> {
    new(&state, &user).await
}

/// `POST /apps/{app}/sources`: the same, for who may see the app.
pub(super) async fn create_for_app(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    Body(_): Body<Fields>,
) -> Result<Response, ApiError> {
    state.store.app(&user, &app).await?;
    new(&state, &user).await
}

async fn new(state: &State, user: &User) -> Result<Response, ApiError> {
    let source = state.store.create_source(user).await?;
    let (put_url, get_url) = state.source(source);
    Ok(created(&Source {
        source_blob: SourceBlob { get_url, put_url },
    }))
}
