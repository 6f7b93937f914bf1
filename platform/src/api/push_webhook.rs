//! The webhook of an app that tells of pushes to a repository elsewhere. A resource of our own: Heroku asks GitHub itself.

use super::State;
use super::loose::Fields;
use super::path::Path;
use super::present::seconds;
use crate::git::new_secret;
use crate::http::answer::{created, ok};
use crate::http::{Actor, ApiError, Body};
use crate::store;
use axum::extract::State as Of;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use slugbuilder::api::types;
use uuid::Uuid;

/// The branch whose pushes are built unless another is named.
const DEFAULT_BRANCH: &str = "main";

/// A webhook, as the API has it.
#[derive(Debug, Serialize)]
struct PushWebhook {
    app: types::Named,
    branch: String,
    created_at: Timestamp,
    id: Uuid,
    last_outcome: Option<String>,
    last_outcome_at: Option<Timestamp>,
    /// Told once, when it is made.
    secret: Option<String>,
    updated_at: Timestamp,
    url: String,
    user: types::User,
}

fn present(webhook: store::PushWebhook, secret: Option<String>, external_url: &str) -> PushWebhook {
    PushWebhook {
        app: webhook.app,
        branch: webhook.branch,
        created_at: seconds(webhook.created_at),
        id: webhook.id,
        last_outcome: webhook.outcome,
        last_outcome_at: webhook.outcome_at.map(seconds),
        secret,
        updated_at: seconds(webhook.updated_at),
        url: format!("{external_url}/push-webhooks/{}", webhook.id),
        user: webhook.user,
    }
}

/// `POST /apps/{app}/push-webhook`: a new one, in place of the one that the app may have.
pub(super) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    // An app that may not be seen comes before anything that is wrong with the body.
    let app = state.store.app(&user, &app).await?.id.to_string();
    let branch = fields.text("branch")?;
    let branch = branch.as_deref().unwrap_or(DEFAULT_BRANCH);
    let secret = new_secret().map_err(|error| ApiError::internal(error.to_string()))?;
    let made = state
        .store
        .put_push_webhook(&user, &app, branch, secret.clone())
        .await?;
    Ok(created(&present(made, Some(secret), &state.external_url)))
}

/// `GET /apps/{app}/push-webhook`
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
) -> Result<Response, ApiError> {
    let webhook = state.store.push_webhook(&user, &app).await?;
    Ok(ok(&present(webhook, None, &state.external_url)))
}

/// `DELETE /apps/{app}/push-webhook`
pub(super) async fn delete(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
) -> Result<Response, ApiError> {
    let removed = state.store.remove_push_webhook(&user, &app).await?;
    Ok(ok(&present(removed, None, &state.external_url)))
}
