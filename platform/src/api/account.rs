//! The user whose token was sent, and how many requests they may still make.

use super::State;
use super::loose::Fields;
use super::path::Path;
use super::present;
use crate::http::answer::ok;
use crate::http::{Actor, ApiError, Body, Remaining};
use crate::store::UserUpdate;
use axum::Extension;
use axum::extract::State as Of;
use axum::response::Response;
use slugbuilder::api::types::RateLimit;

/// `GET /account`
pub(super) async fn info(Actor(user): Actor) -> Response {
    ok(&present::account(&user))
}

/// `PATCH /account`
pub(super) async fn update(
    Of(state): Of<State>,
    Actor(user): Actor,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    let change = UserUpdate {
        name: fields.nullable_text("name")?,
        allow_tracking: fields.boolean("allow_tracking")?,
        beta: fields.boolean("beta")?,
    };
    let user = state.store.update_user(user.id, change).await?;
    Ok(ok(&present::account(&user)))
}

/// `GET /users/{account}`
pub(super) async fn info_by_user(
    Actor(user): Actor,
    Path(account): Path<String>,
) -> Result<Response, ApiError> {
    if !user.is_called(&account) {
        return Err(someone_else());
    }
    Ok(ok(&present::account(&user)))
}

/// `PATCH /users/{account}`
pub(super) async fn update_by_user(
    state: Of<State>,
    Actor(user): Actor,
    Path(account): Path<String>,
    body: Body<Fields>,
) -> Result<Response, ApiError> {
    if !user.is_called(&account) {
        return Err(someone_else());
    }
    update(state, Actor(user), body).await
}

/// `GET /account/rate-limits`
pub(super) async fn rate_limits(
    _: Actor,
    Extension(Remaining(remaining)): Extension<Remaining>,
) -> Response {
    ok(&RateLimit { remaining })
}

/// What accounts of others are.
pub(super) fn someone_else() -> ApiError {
    ApiError::not_found("account")
}
