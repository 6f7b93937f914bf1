//! `/account/keys`: the public SSH keys of a user. Nothing asks for them yet, since git comes over HTTP.

use super::State;
use super::loose::{Fields, Refused};
use super::path::Path;
use super::present::seconds;
use crate::http::answer::{created, list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::Offered;
use crate::store::{self, Keyed as _};
use axum::extract::State as Of;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// `key`
#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_field_names,
    reason = "the names are those of the schema"
)]
struct Key {
    comment: String,
    created_at: Timestamp,
    email: String,
    fingerprint: String,
    id: Uuid,
    public_key: String,
    updated_at: Timestamp,
}

/// `POST /account/keys`: not in Heroku's schema, but what its CLI sends.
pub(super) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    let Some(public_key) = fields.text("public_key")? else {
        return Err(Refused("`public_key` is required".to_owned()).into());
    };
    let key = state.store.create_key(&user, &public_key).await?;
    Ok(created(&present(key)))
}

/// `GET /account/keys`
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let listed = state.store.keys(&user, &page).await?;
    Ok(list(listed, &page, Offered::ID, store::Key::key, present))
}

/// `GET /account/keys/{key}`: by identifier or fingerprint.
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    Ok(ok(&present(state.store.key(&user, &key).await?)))
}

/// `DELETE /account/keys/{key}`, by the same names; as [`create`].
pub(super) async fn delete(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    Ok(ok(&present(state.store.delete_key(&user, &key).await?)))
}

fn present(key: store::Key) -> Key {
    Key {
        // The schema: deprecated, and the same.
        email: key.comment.clone(),
        comment: key.comment,
        created_at: seconds(key.created_at),
        fingerprint: key.fingerprint,
        id: key.id,
        public_key: key.public_key,
        updated_at: seconds(key.updated_at),
    }
}
