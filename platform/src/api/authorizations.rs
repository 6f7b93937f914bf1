//! `/oauth/authorizations`: tokens that users make themselves, and `heroku login -i`.
//!
//! A token is answered in full when it is made, and to whoever sends it, who has it already; otherwise its ends, with
//! asterisks between them. By those the heroku CLI finds its own one among all of them when it logs out.

use super::State;
use super::loose::{Fields, Refused};
use super::path::Path;
use super::present::seconds;
use crate::http::answer::{created, list, ok};
use crate::http::{Actor, ApiError, Body, Credential, Paging};
use crate::range::Offered;
use crate::scope::Scopes;
use crate::store::{Authorization, Granted, Keyed as _, NewAuthorization, User};
use axum::extract::State as Of;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// `oauth-authorization`
#[derive(Debug, Serialize)]
struct OauthAuthorization {
    access_token: AccessToken,
    client: Option<()>,
    created_at: Timestamp,
    description: String,
    grant: Option<()>,
    id: Uuid,
    refresh_token: Option<()>,
    scope: Vec<&'static str>,
    session: Option<()>,
    updated_at: Timestamp,
    user: Owner,
}

#[derive(Debug, Serialize)]
struct AccessToken {
    /// How many seconds from now.
    expires_in: Option<i64>,
    id: Uuid,
    token: String,
}

#[derive(Debug, Serialize)]
struct Owner {
    id: Uuid,
    email: String,
    full_name: Option<String>,
}

/// `POST /oauth/authorizations`
pub(super) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    credential: Credential,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    refuse_client(&fields)?;
    let scopes = match fields.words("scope")? {
        None => Scopes::global(),
        Some(names) => Scopes::of(names.iter().map(String::as_str))
            .map_err(|error| Refused(error.to_string()))?,
    };
    let new = NewAuthorization {
        description: fields.text("description")?,
        scopes,
        lifetime: fields.whole_number("expires_in")?,
    };
    let Granted {
        authorization,
        token,
    } = state
        .store
        .create_authorization(&user, new, credential.is_login)
        .await?;
    Ok(created(&present(&user, authorization, Some(token))))
}

/// `GET /oauth/authorizations`
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    credential: Credential,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let listed = state.store.authorizations(&user, &page).await?;
    let key = Authorization::key;
    Ok(list(listed, &page, Offered::ID, key, |one| {
        seen_by(&credential, &user, one)
    }))
}

/// `GET /oauth/authorizations/{oauth_authorization}`. `~` is none: at Heroku it is the one of the API key that the
/// dashboard shows, which the CLI keeps when it logs out.
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    credential: Credential,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let found = state.store.authorization(&user, &id).await?;
    Ok(ok(&seen_by(&credential, &user, found)))
}

/// `PATCH /oauth/authorizations/{oauth_authorization}`
pub(super) async fn update(
    Of(state): Of<State>,
    Actor(user): Actor,
    credential: Credential,
    Path(id): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    state.store.authorization(&user, &id).await?;
    refuse_client(&fields)?;
    let description = fields.text("description")?;
    let changed = state
        .store
        .describe_authorization(&user, &id, description)
        .await?;
    Ok(ok(&seen_by(&credential, &user, changed)))
}

/// `DELETE /oauth/authorizations/{oauth_authorization}`
pub(super) async fn delete(
    Of(state): Of<State>,
    Actor(user): Actor,
    credential: Credential,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let deleted = state.store.delete_authorization(&user, &id).await?;
    Ok(ok(&seen_by(&credential, &user, deleted)))
}

/// `POST /oauth/authorizations/{oauth_authorization}/actions/regenerate-tokens`
pub(super) async fn regenerate(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let Granted {
        authorization,
        token,
    } = state.store.regenerate_tokens(&user, &id).await?;
    Ok(ok(&present(&user, authorization, Some(token))))
}

/// An authorization as it is told to whoever showed this.
fn seen_by(credential: &Credential, user: &User, found: Authorization) -> OauthAuthorization {
    let own = credential.authorization == Some(found.id);
    let token = own.then(|| credential.secret.to_string());
    present(user, found, token)
}

fn present(user: &User, found: Authorization, token: Option<String>) -> OauthAuthorization {
    let left = |end: Timestamp| (end.as_second() - Timestamp::now().as_second()).max(1);
    OauthAuthorization {
        access_token: AccessToken {
            expires_in: found.expires_at.map(left),
            id: found.token_id,
            token: token.unwrap_or(found.token_shown),
        },
        client: None,
        created_at: seconds(found.created_at),
        description: found.description,
        grant: None,
        id: found.id,
        refresh_token: None,
        scope: found.scopes.names(),
        session: None,
        updated_at: seconds(found.updated_at),
        user: Owner {
            id: user.id,
            email: user.email.clone(),
            full_name: user.name.clone(),
        },
    }
}

/// Programs of others that ask users for access are nothing that this server knows.
fn refuse_client(fields: &Fields) -> Result<(), Refused> {
    // heroku-go has no way to leave it out of a change: it sends an empty object.
    if let Ok(Some(client)) = fields.object("client")
        && client.text("id")?.is_none()
        && client.text("secret")?.is_none()
    {
        return Ok(());
    }
    match fields.identity("client")? {
        None => Ok(()),
        Some(_) => Err(Refused(
            "There are no OAuth clients here: leave `client` out".to_owned(),
        )),
    }
}
