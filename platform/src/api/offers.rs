//! `/stacks`, `/regions`, `/dyno-sizes` and `/generations`: the catalogue, which is the same for everybody.

use super::State;
use super::catalogue::Known;
use super::path::Path;
use crate::http::answer::{list, ok};
use crate::http::{Actor, ApiError, Paging};
use crate::range::{Attribute, Offered};
use axum::extract::State as Of;
use axum::response::Response;
use serde::Serialize;

/// All that there are of a kind.
pub(super) async fn all<T: Known + Serialize + Send + Sync>(
    _: Actor,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let id = |known: &&T, _: Attribute| known.id().to_string();
    let listed = page.of(T::all().iter().collect(), id);
    Ok(list(listed, &page, Offered::ID, id, |known| known))
}

/// All that there are of a kind, for an app: every app may have all of them.
pub(super) async fn available<T: Known + Serialize + Send + Sync>(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let app = state.store.app(&user, &app).await;
    let answer = all::<T>(Actor(user), paging).await?;
    app?;
    Ok(answer)
}

/// One of a kind, by identifier or name.
pub(super) async fn info<T: Known + Serialize>(
    _: Actor,
    Path(identity): Path<String>,
) -> Result<Response, ApiError> {
    T::requested(&identity)
        .map(ok)
        .ok_or_else(|| ApiError::not_found(T::RESOURCE))
}
