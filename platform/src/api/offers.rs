//! `/stacks`, `/regions` and `/dyno-sizes`: the catalogue, which is the same for everybody.

use super::catalogue::Known;
use super::path::Path;
use crate::http::answer::{list, ok};
use crate::http::{Actor, ApiError, Paging};
use crate::range::{Attribute, Offered};
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

/// One of a kind, by identifier or name.
pub(super) async fn info<T: Known + Serialize>(
    _: Actor,
    Path(identity): Path<String>,
) -> Result<Response, ApiError> {
    T::requested(&identity)
        .map(ok)
        .ok_or_else(|| ApiError::not_found(T::RESOURCE))
}
