//! The endpoints of the Platform API.
//!
//! All of them are in one table, [`ENDPOINTS`], which the router, `/schema` and the tests over all endpoints are made from.

mod account;
mod apps;
pub mod catalogue;
mod collaborators;
mod config_vars;
mod endpoints;
mod filters;
mod formation;
pub mod loose;
mod offers;
mod path;
mod pipelines;
pub mod present;
mod releases;
mod schema;
mod slugs;
mod state;

pub use endpoints::{Access, ENDPOINTS, Endpoint, Rel};
pub use state::State;

use crate::http::ApiError;
use axum::Router;
use axum::http::Method;
use axum::routing::get;

/// The router of all endpoints. Around it belong the conventions of the API ([`crate::http::Conventions`]).
pub fn router() -> Router<State> {
    ENDPOINTS.iter().fold(Router::new(), |router, endpoint| {
        router.route(endpoint.path, endpoint.route())
    })
}

/// The paths that answer everybody, token or not.
pub fn open_paths() -> impl Iterator<Item = &'static str> {
    ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.access == Access::Open)
        .map(|endpoint| endpoint.path)
}

/// What answers addresses that are a credential of their own, outside of the conventions of the API: the output of release
/// phases. (That of blobs is [`crate::http::blobs`].)
pub fn signed_router() -> Router<State> {
    Router::new()
        .route("/releases/{release}/output", get(releases::output))
        // As within the conventions: a wrong method is an endpoint that is not there.
        .method_not_allowed_fallback(
            |method: Method| async move { ApiError::unknown_endpoint(&method) },
        )
}
