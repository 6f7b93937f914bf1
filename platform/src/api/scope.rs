//! What a token has to be good for, for each endpoint.

use super::State;
use super::endpoints::{Access, Endpoint, Rel};
use crate::http::{ApiError, Credential};
use crate::scope::Scope;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;

/// What is the account's own: whoever may change it may make tokens that are good for everything.
const OF_THE_ACCOUNT: &[&str] = &[
    "account",
    "account-feature",
    "key",
    "oauth-authorization",
    "oauth-client",
    "oauth-session",
    "oauth-token",
    "sms-number",
];

/// The least that a token has to be good for; nothing where none is needed.
pub(super) fn needed(endpoint: &Endpoint) -> Option<Scope> {
    if endpoint.access == Access::Open {
        return None;
    }
    // Lists of what a body names are asked for with POST.
    let reads = endpoint.method == Method::GET || endpoint.rel == Rel::Filter;
    let is_secret =
        endpoint.resource.ends_with("config-var") || endpoint.resource == "add-on-config";
    Some(match endpoint.resource {
        "account" | "rate-limit" if reads => Scope::Identity,
        "account-feature" if reads => Scope::Read,
        resource if OF_THE_ACCOUNT.contains(&resource) => Scope::Global,
        _ if is_secret && reads => Scope::ReadProtected,
        _ if is_secret => Scope::WriteProtected,
        _ if reads => Scope::Read,
        _ => Scope::Write,
    })
}

/// A route for tokens that are good for this.
pub(super) fn required(route: MethodRouter<State>, needed: Scope) -> MethodRouter<State> {
    route.route_layer(from_fn(move |request: Request, next: Next| {
        check(needed, request, next)
    }))
}

/// Lets a request through whose token is good for this.
async fn check(needed: Scope, request: Request, next: Next) -> Response {
    let Some(credential) = request.extensions().get::<Credential>() else {
        return ApiError::unauthorized().into_response();
    };
    if credential.scopes.allow(needed) {
        return next.run(request).await;
    }
    ApiError::forbidden(format!(
        "This token is good for {} only, and this needs `{needed}`.",
        credential.scopes
    ))
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::super::ENDPOINTS;
    use super::*;

    #[test]
    fn only_what_reads_can_be_read() {
        for endpoint in ENDPOINTS {
            let needed = needed(endpoint);
            let what = format!("{} {}", endpoint.method, endpoint.path);
            let is_get = endpoint.method == "GET";
            match needed {
                None => assert_eq!(endpoint.access, Access::Open, "{what}"),
                Some(Scope::Identity | Scope::Read | Scope::ReadProtected) => {
                    assert!(is_get || endpoint.rel == Rel::Filter, "{what}");
                }
                Some(Scope::Write | Scope::WriteProtected) => assert!(!is_get, "{what}"),
                Some(Scope::Global) => {
                    let account = ["/account", "/users/", "/oauth/"];
                    assert!(
                        account.iter().any(|start| endpoint.path.starts_with(start)),
                        "{what}"
                    );
                }
            }
            if endpoint.path.contains("config") {
                let protected = [Some(Scope::ReadProtected), Some(Scope::WriteProtected)];
                assert!(protected.contains(&needed), "{what}");
            }
        }
    }
}
