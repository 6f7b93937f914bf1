//! The names that visitors find an app by: the one that the server gives it, and those that are added. As long as nothing runs
//! here, nothing answers at any of them.

use super::State;
use super::loose::{Fields, Refused};
use super::path::Path;
use super::present::{app_host, host, seconds};
use crate::hostname::Hostname;
use crate::http::answer::{created, list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::{Attribute, Offered};
use crate::store::{self, App, StoreError, User};
use axum::extract::State as Of;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use slugbuilder::api::types::Named;
use uuid::Uuid;

/// `domain`: a name of an app.
#[derive(Debug, Clone, Serialize)]
struct Presented {
    /// Always null, as is the reason: no certificates are made here.
    acm_status: Option<String>,
    acm_status_reason: Option<String>,
    app: Named,
    /// Where a name of one's own is to point at in DNS.
    cname: Option<String>,
    created_at: Timestamp,
    hostname: String,
    id: Uuid,
    /// `heroku` or `custom`.
    kind: &'static str,
    /// Always null: the server keeps no certificates for apps.
    sni_endpoint: Option<Named>,
    /// `none`: clients need not wait for anything to be set up.
    status: &'static str,
    updated_at: Timestamp,
}

/// `POST /apps/{app}/domains`
pub(super) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    let app = state.store.app(&user, &app).await?;
    let text = fields
        .text("hostname")?
        .ok_or_else(|| Refused("`hostname` is required".to_owned()))?;
    no_certificate(&fields)?;
    let hostname = Hostname::parse(&text).map_err(|error| Refused(error.to_string()))?;
    let own = host(&state.external_url);
    if hostname.is_within(own) {
        return Err(Refused(format!(
            "{hostname} belongs to this server: apps have names of their own below {own}, which need not be added."
        ))
        .into());
    }
    let id = app.id.to_string();
    let domain = state.store.add_domain(&user, &id, hostname).await?;
    Ok(created(&custom(domain, &app, &state)))
}

/// `GET /apps/{app}/domains`
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::DOMAINS)?;
    let app = state.store.app(&user, &app).await?;
    let value = |domain: &Presented, attribute: Attribute| match attribute {
        Attribute::Hostname => domain.hostname.clone(),
        _ => domain.id.to_string(),
    };
    let listed = page.of(domains(&state, &user, &app).await?, value);
    Ok(list(listed, &page, Offered::DOMAINS, value, |domain| {
        domain
    }))
}

/// `GET /apps/{app}/domains/{domain}`: by identifier or name.
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, domain)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let app = state.store.app(&user, &app).await?;
    Ok(ok(&find(&state, &user, &app, &domain).await?))
}

/// `PATCH /apps/{app}/domains/{domain}`: another certificate, of which there are none.
pub(super) async fn update(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, domain)): Path<(String, String)>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    let app = state.store.app(&user, &app).await?;
    let domain = find(&state, &user, &app, &domain).await?;
    if !fields.has("sni_endpoint") {
        return Err(Refused("`sni_endpoint` is required".to_owned()).into());
    }
    no_certificate(&fields)?;
    Ok(ok(&domain))
}

/// `DELETE /apps/{app}/domains/{domain}`: by identifier or name.
pub(super) async fn delete(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, domain)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let app = state.store.app(&user, &app).await?;
    let own = own(&app, &state);
    if is_called(&own, &domain) {
        return Err(Refused(format!(
            "{} is the name that the server gives this app, and stays.",
            own.hostname
        ))
        .into());
    }
    let id = app.id.to_string();
    let removed = state.store.remove_domain(&user, &id, &domain).await?;
    Ok(ok(&custom(removed, &app, &state)))
}

/// Refuses a certificate: the server has none of any app.
fn no_certificate(fields: &Fields) -> Result<(), ApiError> {
    match fields.identity("sni_endpoint")? {
        None => Ok(()),
        Some(_) => Err(ApiError::not_found("sni_endpoint")),
    }
}

/// All domains of an app, its own first.
async fn domains(state: &State, user: &User, app: &App) -> Result<Vec<Presented>, StoreError> {
    let others = state.store.domains(user, &app.id.to_string()).await?;
    let others = others.into_iter().map(|domain| custom(domain, app, state));
    Ok(std::iter::once(own(app, state)).chain(others).collect())
}

async fn find(
    state: &State,
    user: &User,
    app: &App,
    identity: &str,
) -> Result<Presented, ApiError> {
    let own = own(app, state);
    if is_called(&own, identity) {
        return Ok(own);
    }
    let id = app.id.to_string();
    let domain = state.store.domain(user, &id, identity).await?;
    Ok(custom(domain, app, state))
}

/// Whether a domain has this identifier or name.
fn is_called(domain: &Presented, identity: &str) -> bool {
    Uuid::try_parse(identity).is_ok_and(|id| id == domain.id)
        || Hostname::parse(identity).is_ok_and(|name| name.as_str() == domain.hostname)
}

/// The name that the server gives an app. It is there for as long as the app, and so has its identifier.
fn own(app: &App, state: &State) -> Presented {
    Presented {
        acm_status: None,
        acm_status_reason: None,
        app: Named {
            id: app.id,
            name: app.name.clone(),
        },
        cname: None,
        created_at: seconds(app.created_at),
        hostname: app_host(&app.name, &state.external_url),
        id: app.id,
        kind: "heroku",
        sni_endpoint: None,
        status: "none",
        updated_at: seconds(app.created_at),
    }
}

/// A name that was added.
fn custom(domain: store::Domain, app: &App, state: &State) -> Presented {
    Presented {
        acm_status: None,
        acm_status_reason: None,
        app: domain.app,
        cname: Some(app_host(&app.name, &state.external_url)),
        created_at: seconds(domain.created_at),
        hostname: domain.hostname,
        id: domain.id,
        kind: "custom",
        sni_endpoint: None,
        status: "none",
        updated_at: seconds(domain.updated_at),
    }
}
