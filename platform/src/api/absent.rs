//! What belongs to users elsewhere and not here: teams, enterprise accounts, spaces; clients and sessions of OAuth, telephone
//! numbers. Clients ask for it all the same, and get valid answers.

use super::account::{is_self, someone_else};
use super::loose::Fields;
use super::path::Path;
use crate::http::answer::{list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::Offered;
use axum::response::Response;
use serde_json::json;

/// Lists: nothing is in them.
pub(super) async fn none(_: Actor, paging: Paging) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let nothing = page.of(Vec::<()>::new(), |(), _| String::new());
    Ok(list(
        nothing,
        &page,
        Offered::ID,
        |(), _| String::new(),
        |()| (),
    ))
}

/// `GET /teams/{team}`
pub(super) async fn no_team(_: Actor, _: Path<String>) -> ApiError {
    ApiError::not_found("team")
}

/// `GET /spaces/{space}`
pub(super) async fn no_space(_: Actor, _: Path<String>) -> ApiError {
    ApiError::not_found("space")
}

/// `GET /enterprise-accounts/{enterprise_account}`
pub(super) async fn no_enterprise_account(_: Actor, _: Path<String>) -> ApiError {
    ApiError::not_found("enterprise-account")
}

/// `GET /oauth/clients/{oauth_client}`
pub(super) async fn no_client(_: Actor, _: Path<String>) -> ApiError {
    ApiError::not_found("client")
}

/// `POST /oauth/clients`
pub(super) async fn refuse_client(_: Actor, _: Body<Fields>) -> ApiError {
    ApiError::forbidden(
        "This server does not let programs of others ask its users for access. Make a token for each with \
         `heroku authorizations:create`.",
    )
}

/// `DELETE /oauth/sessions/{oauth_session}`: also `~`, which the heroku CLI deletes when it logs out, and is content not to
/// find as long as it is called `session`.
pub(super) async fn no_session(_: Actor, _: Path<String>) -> ApiError {
    ApiError::not_found("session")
}

/// `POST /oauth/tokens`: what a client gets for the code that a user let it have.
pub(super) async fn refuse_tokens(_: Actor, _: Body<Fields>) -> ApiError {
    ApiError::forbidden(
        "There are no OAuth clients here, to which tokens could be given. Make one with `heroku authorizations:create`.",
    )
}

/// `GET /users/{account}/sms-number`
pub(super) async fn sms_number(
    Actor(user): Actor,
    Path(account): Path<String>,
) -> Result<Response, ApiError> {
    if !is_self(&user, &account) {
        return Err(someone_else());
    }
    Ok(ok(&json!({ "sms_number": null })))
}
