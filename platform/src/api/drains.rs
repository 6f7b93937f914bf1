//! Log drains: where the logs of an app are to go. As long as nothing runs here, nothing is sent.

use super::State;
use super::loose::{Fields, Refused};
use super::path::Path;
use super::present::seconds;
use crate::drain_url::DrainUrl;
use crate::http::answer::{created, list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::{Attribute, Offered};
use crate::store::Drain;
use axum::extract::State as Of;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use slugbuilder::api::types::Named;
use uuid::Uuid;

/// `log-drain`: where the logs of an app are to go.
#[derive(Debug, Serialize)]
struct Presented {
    /// Always null: there are no add-ons.
    addon: Option<Named>,
    app: Named,
    created_at: Timestamp,
    id: Uuid,
    token: String,
    updated_at: Timestamp,
    url: String,
}

/// `POST /apps/{app}/log-drains`
pub(super) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    // An app that may not be seen comes before anything that is wrong with the body.
    let app = state.store.app(&user, &app).await?.id.to_string();
    let url = fields
        .text("url")?
        .ok_or_else(|| Refused("`url` is required".to_owned()))?;
    let url = DrainUrl::parse(&url).map_err(|error| Refused(error.to_string()))?;
    let drain = state.store.add_drain(&user, &app, url).await?;
    Ok(created(&present(drain)))
}

/// `GET /apps/{app}/log-drains`
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let drains = state.store.drains(&user, &app).await?;
    let id = |drain: &Drain, _: Attribute| drain.id.to_string();
    Ok(list(page.of(drains, id), &page, Offered::ID, id, present))
}

/// `GET /apps/{app}/log-drains/{log_drain}`: by identifier, token or URL.
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, drain)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let drain = state.store.drain(&user, &app, &drain).await?;
    Ok(ok(&present(drain)))
}

/// `DELETE /apps/{app}/log-drains/{log_drain}`, by the same.
pub(super) async fn delete(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, drain)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let drain = state.store.remove_drain(&user, &app, &drain).await?;
    Ok(ok(&present(drain)))
}

fn present(drain: Drain) -> Presented {
    Presented {
        addon: None,
        app: drain.app,
        created_at: seconds(drain.created_at),
        id: drain.id,
        token: format!("d.{}", drain.token),
        updated_at: seconds(drain.updated_at),
        url: drain.url,
    }
}
