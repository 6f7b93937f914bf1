//! Slugs: what is released.

use super::State;
use super::apps::stack;
use super::loose::{Fields, Refused};
use super::path::Path;
use super::present;
use crate::http::answer::{created, ok};
use crate::http::{Actor, ApiError, Body};
use axum::extract::State as Of;
use axum::response::Response;
use slugbuilder::api::types::SlugCreate;
use uuid::Uuid;

/// `POST /apps/{app}/slugs`
pub(super) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    // An app that may not be seen comes before anything that is wrong with the body.
    let app = state.store.app(&user, &app).await?.id.to_string();
    let new = SlugCreate {
        buildpack_provided_description: fields.text("buildpack_provided_description")?,
        checksum: fields.text("checksum")?,
        commit: fields.text("commit")?,
        commit_description: fields.text("commit_description")?,
        process_types: fields
            .process_types("process_types")?
            .ok_or_else(|| Refused("`process_types` is required".to_owned()))?,
        stack: stack(&fields, "stack")?,
    };
    let slug = state.store.create_slug(&user, &app, new).await?;
    Ok(created(&present::slug(&slug, state.upload(slug.id))))
}

/// `GET /apps/{app}/slugs/{slug}`
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, slug)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let id = Uuid::try_parse(&slug);
    let app = state.store.app(&user, &app).await?;
    let id = id.map_err(|_| ApiError::not_found("slug"))?;
    let slug = state.store.slug(&user, &app.id.to_string(), id).await?;
    Ok(ok(&present::slug(&slug, state.download(slug.id))))
}
