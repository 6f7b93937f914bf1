//! The endpoints of the Platform API.
//!
//! All of them are in one table, [`ENDPOINTS`], which the router, `/schema` and the tests over all endpoints are made from. What clients ask
//! for and there is none of is in [`REFUSALS`].

mod absent;
mod account;
mod account_features;
mod apps;
mod authorizations;
mod buildpacks;
mod builds;
pub mod catalogue;
mod collaborators;
mod config_vars;
mod domains;
mod drains;
mod dynos;
mod endpoints;
mod features;
mod filters;
mod formation;
mod keys;
pub mod loose;
mod offers;
mod openapi;
mod path;
mod pipelines;
pub mod present;
mod push_webhook;
mod refusals;
mod releases;
mod schema;
mod scope;
mod slugs;
mod sources;
mod state;
mod statuses;

pub use endpoints::{Access, ENDPOINTS, Endpoint, Rel};
pub use refusals::{REFUSALS, Refusal};
pub use state::State;

use crate::http::ApiError;
use axum::Router;
use axum::http::Method;
use axum::routing::get;

/// The router of all endpoints. Around it belong the conventions of the API ([`crate::http::Conventions`]).
pub fn router() -> Router<State> {
    let offered = ENDPOINTS.iter().fold(Router::new(), |router, endpoint| {
        router.route(endpoint.path, endpoint.route())
    });
    REFUSALS.iter().fold(offered, |router, refusal| {
        router.route(refusal.path, refusal.route())
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
/// phases and of builds. (That of blobs is [`crate::http::blobs`].)
pub fn signed_router() -> Router<State> {
    Router::new()
        .route("/releases/{release}/output", get(releases::output))
        .route("/builds/{build}/output", get(builds::output))
        // As within the conventions: a wrong method is an endpoint that is not there.
        .method_not_allowed_fallback(
            |method: Method| async move { ApiError::unknown_endpoint(&method) },
        )
}
