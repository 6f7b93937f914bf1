//! Pipelines: apps that share a code base, each at its stage of the way to production.

mod couplings;
mod latest;
mod none;
mod present;
mod promotions;

pub(super) use couplings::{
    all as couplings, create as couple, delete as uncouple, info as coupling, of_app,
    of_pipeline as couplings_of, update as move_to_stage,
};
pub(super) use latest::{builds, deployments, releases};
pub(super) use none::{config_vars, none, update_config_vars};
pub(super) use promotions::{create as promote, info as promotion, targets as promotion_targets};

use super::State;
use super::apps::known;
use super::catalogue::Generation;
use super::loose::{Fields, Refused};
use super::path::Path;
use crate::http::answer::{created, list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::Offered;
use crate::store::{Keyed, User};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Of};
use axum::response::Response;

/// The parameters of a query, each by its name.
type Parameters = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// `POST /pipelines`: `name`, of a pipeline of the user who asks.
pub(super) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    let name = fields
        .text("name")?
        .ok_or_else(|| Refused("`name` is required".to_owned()))?;
    check_owner(&user, &fields)?;
    if let Some(generation) = fields.identity("generation")? {
        known::<Generation>(&generation)?;
    }
    let pipeline = state.store.create_pipeline(&user, &name).await?;
    Ok(created(&present::pipeline(&pipeline)))
}

/// A pipeline belongs to who makes it: there are no teams, and nobody gives others what they did not ask for.
fn check_owner(user: &User, fields: &Fields) -> Result<(), Refused> {
    let Some(owner) = fields.object("owner")? else {
        return Ok(());
    };
    match owner.text("type")?.as_deref() {
        None | Some("user") => {}
        Some("team") => {
            return Err(Refused("There are no teams on this server.".to_owned()));
        }
        Some(_) => return Err(Refused("The `type` of `owner` must be user".to_owned())),
    }
    match owner.text("id")? {
        Some(id) if !user.is_called(&id) => Err(Refused(
            "A pipeline belongs to who makes it: `owner` must be yourself, or left out.".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// `GET /pipelines`: all that the user may see; those called `NAME` with `?eq[name]=NAME`.
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    query: Parameters,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let name = called(query)?;
    let pipelines = state.store.pipelines(&user, name.as_deref(), &page).await?;
    Ok(list(
        pipelines,
        &page,
        Offered::ID,
        Keyed::key,
        |pipeline| present::pipeline(&pipeline),
    ))
}

/// The name in `eq[name]=NAME`. Parameters of other kinds than `eq` change nothing.
fn called(query: Parameters) -> Result<Option<String>, ApiError> {
    let Query(parameters) = query.map_err(|rejection| {
        ApiError::bad_request(format!("The query is wrong: {}.", rejection.body_text()))
    })?;
    let mut name = None;
    for (parameter, value) in parameters {
        if parameter == "eq[name]" {
            name = Some(value);
        } else if parameter.starts_with("eq[") {
            return Err(ApiError::bad_request(
                "Pipelines are looked for by `eq[name]` only.",
            ));
        }
    }
    Ok(name)
}

/// `GET /pipelines/{pipeline}`
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(pipeline): Path<String>,
) -> Result<Response, ApiError> {
    let pipeline = state.store.pipeline(&user, &pipeline).await?;
    Ok(ok(&present::pipeline(&pipeline)))
}

/// `PATCH /pipelines/{pipeline}`: another `name`.
pub(super) async fn update(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(pipeline): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    // A pipeline that may not be seen comes before anything that is wrong with the body.
    let id = state.store.pipeline(&user, &pipeline).await?.id.to_string();
    let name = fields.text("name")?;
    let pipeline = state.store.rename_pipeline(&user, &id, name).await?;
    Ok(ok(&present::pipeline(&pipeline)))
}

/// `DELETE /pipelines/{pipeline}`
pub(super) async fn delete(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(pipeline): Path<String>,
) -> Result<Response, ApiError> {
    let pipeline = state.store.delete_pipeline(&user, &pipeline).await?;
    Ok(ok(&present::pipeline(&pipeline)))
}
