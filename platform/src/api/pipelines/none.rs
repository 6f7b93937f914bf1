//! What pipelines have at Heroku and not here: tests and review apps, and config vars of these.

use crate::api::State;
use crate::api::loose::{Fields, Refused};
use crate::api::path::Path;
use crate::http::answer::{list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::Offered;
use crate::store::Stage;
use axum::extract::State as Of;
use axum::response::Response;
use slugbuilder::api::types::ConfigVars;

/// `GET /pipelines/{pipeline}/…`: an empty list, of pipelines that the user may see.
pub(in crate::api) async fn none(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(pipeline): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    state.store.pipeline(&user, &pipeline).await?;
    let nothing = page.of(Vec::<()>::new(), |(), _| String::new());
    Ok(list(
        nothing,
        &page,
        Offered::ID,
        |(), _| String::new(),
        |()| (),
    ))
}

/// `GET /pipelines/{pipeline}/stage/{stage}/config-vars`: none.
pub(in crate::api) async fn config_vars(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((pipeline, of)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    check(&state, &Actor(user), &pipeline, &of).await?;
    Ok(ok(&ConfigVars::new()))
}

/// `PATCH /pipelines/{pipeline}/stage/{stage}/config-vars`: what is not there can be taken away, but nothing can be set.
/// Stored values would be secrets that nothing uses.
pub(in crate::api) async fn update_config_vars(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((pipeline, of)): Path<(String, String)>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    check(&state, &Actor(user), &pipeline, &of).await?;
    if fields.into_config_vars()?.values().any(Option::is_some) {
        return Err(Refused(
            "This server runs no tests and makes no review apps, so that nothing would have the config vars of a \
             pipeline's stage. Please set those of the apps."
                .to_owned(),
        )
        .into());
    }
    Ok(ok(&ConfigVars::new()))
}

/// Whether the user may see the pipeline, and there is a stage called `of`.
async fn check(
    state: &State,
    Actor(user): &Actor,
    pipeline: &str,
    of: &str,
) -> Result<(), ApiError> {
    state.store.pipeline(user, pipeline).await?;
    if Stage::of_name(of).is_none() {
        return Err(ApiError::not_found("stage"));
    }
    Ok(())
}
