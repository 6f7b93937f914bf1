//! The names in a path.

use crate::http::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The names in a path, as [`axum::extract::Path`] has them; what is none (`%ff` is no UTF-8) is an error like any other.
#[derive(Debug)]
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(names)| Self(names))
            .map_err(|rejection| {
                ApiError::bad_request(format!("The path is wrong: {}.", rejection.body_text()))
            })
    }
}
