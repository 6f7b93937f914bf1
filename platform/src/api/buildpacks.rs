//! Buildpack installations: which buildpacks build an app, where it is not left to them to find out.

use super::State;
use super::loose::{Fields, Refused};
use super::path::Path;
use crate::buildpack_name::{self, BuildpackName};
use crate::http::answer::{list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::{Attribute, Offered};
use axum::extract::State as Of;
use axum::response::Response;
use serde::Serialize;
use uuid::Uuid;

/// `buildpack-installation`: a buildpack, and which one of the app's it is.
#[derive(Debug, Serialize)]
struct Presented {
    buildpack: Buildpack,
    /// From 0.
    ordinal: usize,
}

/// The buildpack of an installation.
#[derive(Debug, Serialize)]
struct Buildpack {
    name: String,
    url: String,
}

/// `GET /apps/{app}/buildpack-installations`, in their order.
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let buildpacks = state.store.buildpack_installations(&user, &app).await?;
    // They have no identifiers: lists are divided by these numbers.
    let id = |one: &Presented, _: Attribute| Uuid::from_u128(one.ordinal as u128).to_string();
    let listed = page.of(present(buildpacks), id);
    Ok(list(listed, &page, Offered::ID, id, |one| one))
}

/// `PUT /apps/{app}/buildpack-installations`: `updates` instead of those that there were; none is for leaving it to them.
pub(super) async fn replace(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    // An app that may not be seen comes before anything that is wrong with the body.
    let app = state.store.app(&user, &app).await?.id.to_string();
    let updates = fields
        .list("updates")?
        .ok_or_else(|| Refused("`updates` is required".to_owned()))?;
    let buildpacks = updates
        .iter()
        .map(|update| {
            let text = update.text("buildpack")?.ok_or_else(|| {
                Refused("`buildpack` is required in each of `updates`".to_owned())
            })?;
            BuildpackName::parse(&text).map_err(|error| Refused(error.to_string()))
        })
        .collect::<Result<Vec<_>, Refused>>()?;
    let store = &state.store;
    let buildpacks = store.install_buildpacks(&user, &app, buildpacks).await?;
    Ok(ok(&present(buildpacks)))
}

fn present(buildpacks: Vec<String>) -> Vec<Presented> {
    let numbered = buildpacks.into_iter().enumerate();
    numbered
        .map(|(ordinal, name)| Presented {
            ordinal,
            buildpack: Buildpack {
                url: buildpack_name::url(&name),
                name,
            },
        })
        .collect()
}
