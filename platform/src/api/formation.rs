//! The formation: how many dynos of each process type there are to be.

use super::State;
use super::apps::known;
use super::catalogue::DynoSize;
use super::loose::{Fields, Refused};
use super::path::Path;
use super::present;
use crate::http::answer::{list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::Offered;
use crate::store::{FormationChange, Keyed, StoreError};
use axum::extract::State as Of;
use axum::response::Response;
use slugbuilder::api::types;

/// `GET /apps/{app}/formation`
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let formation = state.store.formation(&user, &app, &page).await?;
    Ok(list(formation, &page, Offered::ID, Keyed::key, |one| {
        present::formation(&one)
    }))
}

/// `GET /apps/{app}/formation/{formation}`
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, formation)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let found = state.store.formation_of(&user, &app, &formation).await;
    let formation = found.map_err(unknown_type)?;
    Ok(ok(&present::formation(&formation)))
}

/// `PATCH /apps/{app}/formation`: several process types at once, all or none of them. Answers those that it was about.
pub(super) async fn batch_update(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    let app = state.store.app(&user, &app).await?.id.to_string();
    let updates = fields
        .list("updates")?
        .ok_or_else(|| Refused("`updates` is required".to_owned()))?;
    let changes = updates
        .iter()
        .map(|update| {
            let process_type = update
                .identity("type")?
                .ok_or_else(|| Refused("`type` is required in each of `updates`".to_owned()))?;
            change(process_type, update)
        })
        .collect::<Result<Vec<_>, Refused>>()?;
    let formation = state.store.update_formation(&user, &app, changes).await;
    let formation = formation.map_err(unknown_type)?;
    let presented: Vec<types::Formation> = formation.iter().map(present::formation).collect();
    Ok(ok(&presented))
}

/// `PATCH /apps/{app}/formation/{formation}`
pub(super) async fn update(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, formation)): Path<(String, String)>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    let found = state.store.formation_of(&user, &app, &formation).await;
    let found = found.map_err(unknown_type)?;
    let app = found.app.id.to_string();
    let changes = vec![change(found.process_type, &fields)?];
    let updated = state.store.update_formation(&user, &app, changes).await;
    let updated = updated.map_err(unknown_type)?;
    let formation = updated
        .first()
        .ok_or_else(|| ApiError::not_found("formation"))?;
    Ok(ok(&present::formation(formation)))
}

/// The change that a body asks for. `dyno_size` is the newer name of `size`, and wins.
fn change(process_type: String, fields: &Fields) -> Result<FormationChange, Refused> {
    let size = match fields.identity("dyno_size")? {
        Some(size) => Some(size),
        None => fields.identity("size")?,
    };
    Ok(FormationChange {
        process_type,
        quantity: fields.quantity("quantity")?,
        size: size
            .map(|size| known::<DynoSize>(&size).map(|size| size.name.to_owned()))
            .transpose()?,
    })
}

/// The formation of a process type that the app does not have, in the words that people know.
pub(super) fn unknown_type(error: StoreError) -> ApiError {
    let mut error = ApiError::from(error);
    if error.resource.as_deref() == Some("formation") {
        "Couldn't find that process type.".clone_into(&mut error.message);
    }
    error
}
