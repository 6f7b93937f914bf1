//! Who works on an app besides its owner, who is listed as the first of them.

use super::State;
use super::loose::{Fields, Refused};
use super::path::Path;
use super::present;
use crate::http::answer::{created, list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::{Attribute, Offered};
use crate::store::{App, StoreError, User};
use axum::extract::State as Of;
use axum::response::Response;

/// `POST /apps/{app}/collaborators`: the `user` by e-mail address or identifier, who has to have an account here. Who is one
/// already is answered as they are. Nobody gets mail from this server, so that `silent` changes nothing.
pub(super) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    // An app that may not be seen comes before anything that is wrong with the body.
    let app = state.store.app(&user, &app).await?.id.to_string();
    fields.boolean("silent")?;
    let other = match fields.text("user")? {
        Some(oneself) if oneself == "~" => user.email.clone(),
        Some(other) => other,
        None => return Err(Refused("`user` is required".to_owned()).into()),
    };
    let added = state.store.add_collaborator(&user, &app, &other).await?;
    Ok(created(&present::collaborator(&added)))
}

/// `GET /apps/{app}/collaborators`
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let app = state.store.app(&user, &app).await?;
    let id = |collaborator: &present::Collaborator, _: Attribute| collaborator.id.to_string();
    let listed = page.of(everybody(&state, &user, &app).await?, id);
    Ok(list(listed, &page, Offered::ID, id, |collaborator| {
        collaborator
    }))
}

/// `GET /apps/{app}/collaborators/{collaborator}`: by their e-mail address, or an identifier, theirs or that of their being one.
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, collaborator)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let app = state.store.app(&user, &app).await?;
    let everybody = everybody(&state, &user, &app).await?;
    everybody
        .iter()
        .find(|one| {
            one.user.email.eq_ignore_ascii_case(&collaborator)
                || [one.id, one.user.id]
                    .map(|id| id.to_string())
                    .iter()
                    .any(|id| id.eq_ignore_ascii_case(&collaborator))
        })
        .map(ok)
        .ok_or_else(|| ApiError::not_found("collaborator"))
}

/// `DELETE /apps/{app}/collaborators/{collaborator}`, by the same names.
pub(super) async fn delete(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, collaborator)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let removed = state
        .store
        .remove_collaborator(&user, &app, &collaborator)
        .await?;
    Ok(ok(&present::collaborator(&removed)))
}

/// The owner of an app, and everybody else who works on it.
async fn everybody(
    state: &State,
    user: &User,
    app: &App,
) -> Result<Vec<present::Collaborator>, StoreError> {
    let others = state.store.collaborators(user, &app.id.to_string()).await?;
    Ok(std::iter::once(present::owner(app))
        .chain(others.iter().map(present::collaborator))
        .collect())
}
