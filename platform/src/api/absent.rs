//! What there is none of here, so that clients that ask for it get an answer that they understand: lists that are empty,
//! names that nothing has, and requests to make one, which are refused with a text that says why.

use super::State;
use super::account::someone_else;
use super::loose::{Fields, Refused};
use super::path::Path;
use crate::http::answer::{list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::Offered;
use axum::extract::State as Of;
use axum::response::Response;
use serde_json::json;
use std::collections::BTreeMap;
use std::pin::Pin;

/// Why no dyno is made.
pub(super) const DYNOS: &str =
    "This server does not run dynos yet: apps and their slugs are kept, but nothing is started.";
/// Why no log is to be read.
pub(super) const LOGS: &str = "This server does not run dynos yet, so that apps have no logs.";
/// Why there are no certificates of apps.
pub(super) const CERTIFICATES: &str =
    "This server keeps no certificates for apps. Please let what stands in front of it speak TLS.";
/// Why nothing is told to others.
pub(super) const WEBHOOKS: &str = "This server has no webhooks yet.";
/// Why there is no OpenTelemetry.
pub(super) const TELEMETRY: &str = "This server has no telemetry drains: they are for apps of the generation fir, and all apps here are of cedar.";
/// Why apps do not change hands.
pub(super) const TRANSFERS: &str =
    "This server does not transfer apps. Please add who is to work on the app as a collaborator.";
/// Why pipelines do not change hands.
pub(super) const PIPELINE_TRANSFERS: &str = "This server does not transfer pipelines. Who is to have one can make a pipeline of their own, and add the apps to it \
    that they work on.";
/// Why nothing is tested.
pub(super) const TESTS: &str = "This server does not run tests.";
/// Why there are no review apps.
pub(super) const REVIEW_APPS: &str = "This server does not make review apps.";
/// Why there is no space.
pub(super) const SPACES: &str = "This server has no private spaces.";
/// Why no add-on is attached.
pub(super) const ADD_ONS: &str =
    "This server has no add-ons. Please set config vars for services of others.";

/// Why nobody's programs ask users for access.
pub(super) const CLIENTS: &str = "This server has no OAuth clients: programs of others do not ask users for access. Please make a token for each with `heroku authorizations:create`.";
/// Why there is no team.
pub(super) const TEAMS: &str =
    "This server has no teams. Please add who is to work on an app as a collaborator.";

/// `GET …` of a list that is empty for everybody.
pub(super) async fn none(_: Actor, paging: Paging) -> Result<Response, ApiError> {
    nothing(&paging)
}

/// `GET /users/{account}/…` of a list that is empty for everybody.
pub(super) async fn none_of_user(
    Actor(user): Actor,
    Path(account): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    if !user.is_called(&account) {
        return Err(someone_else());
    }
    nothing(&paging)
}

/// `GET /apps/{app}/…` of what no app has: an empty list, of apps that the user may see.
pub(super) async fn none_of_app(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let answer = nothing(&paging)?;
    state.store.app(&user, &app).await?;
    Ok(answer)
}

/// `GET /apps/{app}/usage`: what add-ons were used for. The schema does not have it, `heroku usage:addons` asks for it.
pub(super) async fn usage(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
) -> Result<Response, ApiError> {
    state.store.app(&user, &app).await?;
    Ok(ok(&json!({ "addons": [] })))
}

/// `POST /apps/{app}/addons`, in the words that people know.
pub(super) async fn add_on_service(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    state.store.app(&user, &app).await?;
    let plan = fields
        .identity("plan")?
        .ok_or_else(|| Refused("`plan` is required".to_owned()))?;
    let message = format!(
        "Couldn't find either the add-on service or the add-on plan of {plan:?}. {ADD_ONS}"
    );
    Err(ApiError {
        message,
        ..ApiError::not_found("add_on_service")
    })
}

/// `GET /users/{account}/sms-number`: nobody has one.
pub(super) async fn sms_number(
    Actor(user): Actor,
    Path(account): Path<String>,
) -> Result<Response, ApiError> {
    if !user.is_called(&account) {
        return Err(someone_else());
    }
    Ok(ok(&json!({ "sms_number": null })))
}

/// What answers a request that always ends in an error.
type Answering = Pin<Box<dyn Future<Output = ApiError> + Send>>;

/// 404: nothing is called so.
pub(super) fn nothing_called(
    resource: &'static str,
) -> impl Fn(Of<State>, Actor, Path<Names>) -> Answering + Clone + Send + Sync + 'static {
    always(move || ApiError::not_found(resource))
}

/// 422 with a text: there is nothing of the kind, and none is made.
pub(super) fn cannot(
    text: &'static str,
) -> impl Fn(Of<State>, Actor, Path<Names>) -> Answering + Clone + Send + Sync + 'static {
    always(move || ApiError::invalid_params(text))
}

/// The names in a path.
type Names = BTreeMap<String, String>;

/// An error, after that of an app that the user may not see.
fn always(
    error: impl Fn() -> ApiError + Clone + Send + Sync + 'static,
) -> impl Fn(Of<State>, Actor, Path<Names>) -> Answering + Clone + Send + Sync + 'static {
    move |Of(state), Actor(user), Path(names)| {
        let error = error.clone();
        Box::pin(async move {
            if let Some(app) = names.get("app")
                && let Err(unseen) = state.store.app(&user, app).await
            {
                return unseen.into();
            }
            error()
        })
    }
}

fn nothing(paging: &Paging) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let nobody = |(): &(), _| String::new();
    let listed = page.of(Vec::<()>::new(), nobody);
    Ok(list(listed, &page, Offered::ID, nobody, |()| ()))
}
