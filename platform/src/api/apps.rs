//! Apps, and what they do not have yet.

use super::State;
use super::account::someone_else;
use super::catalogue::{DEFAULT_REGION, DEFAULT_STACK, Known, Region, Stack};
use super::features;
use super::loose::{Fields, Refused};
use super::path::Path;
use super::present;
use crate::blobs::BlobStore;
use crate::git::Git;
use crate::http::answer::{created, list, ok, with_warning};
use crate::http::{Actor, ApiError, Body, Paging, Turn};
use crate::range::Offered;
use crate::store::{AppUpdate, DeletedApp, Keyed, NewApp, User};
use axum::extract::State as Of;
use axum::response::Response;

/// `POST /apps`
pub(super) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    let region = match fields.identity("region")? {
        Some(identity) => known::<Region>(&identity)?.name,
        None => DEFAULT_REGION,
    };
    let new = NewApp {
        name: fields.text("name")?,
        stack: stack(&fields, "stack")?.unwrap_or_else(|| DEFAULT_STACK.to_owned()),
        region: region.to_owned(),
    };
    let features = features::requested(&fields)?;
    let store = &state.store;
    let app = store.create_app_with_features(&user, new, features).await?;
    Ok(created(&present::app(&app, &state.external_url)))
}

/// `GET /apps/{app}`
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
) -> Result<Response, ApiError> {
    let app = state.store.app(&user, &app).await?;
    Ok(ok(&present::app(&app, &state.external_url)))
}

/// `GET /apps`: all that the user may see.
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    paging: Paging,
) -> Result<Response, ApiError> {
    page(&state, &user, &paging).await
}

/// `GET /users/{account}/apps`: those that the user owns or works on, which are all that they may see.
pub(super) async fn of_user(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(account): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    if !user.is_called(&account) {
        return Err(someone_else());
    }
    page(&state, &user, &paging).await
}

/// A page of the apps that a user may see.
async fn page(state: &State, user: &User, paging: &Paging) -> Result<Response, ApiError> {
    let page = paging.page(Offered::APPS)?;
    let apps = state.store.apps(user, &page).await?;
    Ok(list(apps, &page, Offered::APPS, Keyed::key, |app| {
        present::app(&app, &state.external_url)
    }))
}

/// `PATCH /apps/{app}`
pub(super) async fn update(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    // An app that may not be seen comes before anything that is wrong with the body.
    let app = state.store.app(&user, &app).await?.id.to_string();
    let change = AppUpdate {
        name: fields.text("name")?,
        maintenance: fields.boolean("maintenance")?,
        build_stack: stack(&fields, "build_stack")?,
    };
    let app = state.store.update_app(&user, &app, change).await?;
    Ok(ok(&present::app(&app, &state.external_url)))
}

/// `DELETE /apps/{app}`
///
/// The bytes of its slugs go after the app itself: whatever happens in between costs room on the disk until the next start,
/// and nothing else. All of it is a task of its own, which a client that goes away does not end.
pub(super) async fn delete(
    Of(state): Of<State>,
    Actor(user): Actor,
    turn: Turn,
    Path(app): Path<String>,
) -> Result<Response, ApiError> {
    let deleting = tokio::spawn(async move {
        let mut deleted = state.store.delete_app(&user, &app).await?;
        let answer = ok(&present::app(&deleted.app, &state.external_url));
        // Nobody has to wait for what is left to do.
        turn.end();
        state
            .builds
            .forget_app(deleted.app.id, std::mem::take(&mut deleted.builds));
        Ok(match remove(state.blobs, state.git, deleted).await {
            0 => answer,
            kept => with_warning(
                answer,
                &format!("The app is deleted, but the bytes of {kept} of its slugs could not be."),
            ),
        })
    });
    let deleted = deleting.await;
    deleted.unwrap_or_else(|error| Err(ApiError::internal(error.to_string())))
}

/// Removes what is no longer in the ledger: the repository of an app, and the bytes of slugs; says how many of these could not
/// be.
async fn remove(blobs: BlobStore, git: Git, deleted: DeletedApp) -> usize {
    // The next start tries again.
    drop(git.remove(deleted.app.id).await);
    let mut kept = 0;
    for slug in deleted.slugs {
        // An upload may be about to be recorded.
        let _one_at_a_time = blobs.lock(slug).await;
        kept += usize::from(blobs.remove(slug).await.is_err());
    }
    kept
}

/// The name of the stack that a field asks for.
pub(super) fn stack(fields: &Fields, name: &str) -> Result<Option<String>, Refused> {
    let Some(identity) = fields.identity(name)? else {
        return Ok(None);
    };
    Ok(Some(known::<Stack>(&identity)?.name.to_owned()))
}

/// Something of the catalogue that a request asks for.
pub(super) fn known<T: Known>(identity: &str) -> Result<&'static T, Refused> {
    T::requested(identity).ok_or_else(|| unknown::<T>(identity))
}

/// Says what there is instead.
fn unknown<T: Known>(identity: &str) -> Refused {
    let names: Vec<_> = T::all().iter().map(Known::name).collect();
    Refused(format!(
        "No such {} as {identity}. There are: {}.",
        T::RESOURCE.replace('_', " "),
        names.join(", ")
    ))
}
