//! Endpoints that always refuse: what there is none of here cannot be read or made. Clients ask for it, and show the text that they get.
//!
//! They are not in [`super::ENDPOINTS`], nor in `/schema`, which say what the server has.

use super::State;
use super::absent::{
    CERTIFICATES, CLIENTS, DYNOS, LOGS, PIPELINE_TRANSFERS, REVIEW_APPS, SPACES, TEAMS, TELEMETRY,
    TESTS, TRANSFERS, WEBHOOKS, add_on_service, cannot, nothing_called,
};
use super::scope;
use crate::scope::Scope;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};

/// What one method at one path refuses.
#[derive(Debug)]
pub struct Refusal {
    /// The method.
    pub method: Method,
    /// The path, with names in braces as those of [`super::Endpoint`].
    pub path: &'static str,
    /// What answers.
    route: fn() -> MethodRouter<State>,
}

impl Refusal {
    /// What a token has to be good for: a refusal tells which apps there are, and the rest as if it could be done.
    fn needed(&self) -> Scope {
        if self.method == Method::GET {
            Scope::Read
        } else {
            Scope::Write
        }
    }

    /// What answers the method, for tokens that are good for it.
    pub(super) fn route(&self) -> MethodRouter<State> {
        scope::required((self.route)(), self.needed())
    }
}

/// One row for each of them: method, path, handler.
macro_rules! refusals {
    ($($method:ident $path:literal => $handler:expr;)*) => {
        /// Every endpoint that always refuses.
        pub static REFUSALS: &[Refusal] = &[$(Refusal {
            method: Method::$method,
            path: $path,
            route: || on(MethodFilter::$method, $handler),
        }),*];
    };
}

refusals! {
    POST   "/apps/{app}/dynos"                                          => cannot(DYNOS);
    GET    "/apps/{app}/dynos/{dyno}"                                   => nothing_called("dyno");
    POST   "/apps/{app}/log-sessions"                                   => cannot(LOGS);
    POST   "/apps/{app}/addons"                                         => add_on_service;
    GET    "/apps/{app}/addons/{add_on}"                                => nothing_called("add_on");
    PATCH  "/apps/{app}/addons/{add_on}"                                => nothing_called("add_on");
    DELETE "/apps/{app}/addons/{add_on}"                                => nothing_called("add_on");
    GET    "/addons/{add_on}"                                           => nothing_called("add_on");
    POST   "/actions/addons/resolve"                                    => nothing_called("add_on");
    POST   "/addon-attachments"                                         => nothing_called("add_on");
    GET    "/addon-attachments/{add_on_attachment}"                     => nothing_called("add_on_attachment");
    DELETE "/addon-attachments/{add_on_attachment}"                     => nothing_called("add_on_attachment");
    GET    "/apps/{app}/addon-attachments/{add_on_attachment}"          => nothing_called("add_on_attachment");
    POST   "/actions/addon-attachments/resolve"                         => nothing_called("add_on_attachment");
    GET    "/addon-services/{add_on_service}"                           => nothing_called("add_on_service");
    GET    "/addon-services/{add_on_service}/plans"                     => nothing_called("add_on_service");
    GET    "/addon-services/{add_on_service}/plans/{plan}"              => nothing_called("add_on_service");
    GET    "/plans/{plan}"                                              => nothing_called("plan");
    POST   "/apps/{app}/sni-endpoints"                                  => cannot(CERTIFICATES);
    GET    "/apps/{app}/sni-endpoints/{sni_endpoint}"                   => nothing_called("sni_endpoint");
    PATCH  "/apps/{app}/sni-endpoints/{sni_endpoint}"                   => nothing_called("sni_endpoint");
    DELETE "/apps/{app}/sni-endpoints/{sni_endpoint}"                   => nothing_called("sni_endpoint");
    POST   "/apps/{app}/acm"                                            => cannot(CERTIFICATES);
    PATCH  "/apps/{app}/acm"                                            => cannot(CERTIFICATES);
    POST   "/apps/{app}/webhooks"                                       => cannot(WEBHOOKS);
    GET    "/apps/{app}/webhooks/{app_webhook}"                         => nothing_called("webhook");
    PATCH  "/apps/{app}/webhooks/{app_webhook}"                         => nothing_called("webhook");
    DELETE "/apps/{app}/webhooks/{app_webhook}"                         => nothing_called("webhook");
    GET    "/apps/{app}/webhook-deliveries/{app_webhook_delivery}"      => nothing_called("webhook_delivery");
    GET    "/apps/{app}/webhook-events/{app_webhook_event}"             => nothing_called("webhook_event");
    POST   "/telemetry-drains"                                          => cannot(TELEMETRY);
    GET    "/telemetry-drains/{telemetry_drain}"                        => nothing_called("telemetry_drain");
    PATCH  "/telemetry-drains/{telemetry_drain}"                        => nothing_called("telemetry_drain");
    DELETE "/telemetry-drains/{telemetry_drain}"                        => nothing_called("telemetry_drain");
    POST   "/account/app-transfers"                                     => cannot(TRANSFERS);
    GET    "/account/app-transfers/{app_transfer}"                      => nothing_called("app_transfer");
    PATCH  "/account/app-transfers/{app_transfer}"                      => nothing_called("app_transfer");
    DELETE "/account/app-transfers/{app_transfer}"                      => nothing_called("app_transfer");
    GET    "/pipelines/{pipeline}/test-runs/{test_run}"                 => nothing_called("test_run");
    POST   "/test-runs"                                                 => cannot(TESTS);
    GET    "/test-runs/{test_run}"                                      => nothing_called("test_run");
    GET    "/apps/{app}/review-app"                                     => nothing_called("review_app");
    POST   "/review-apps"                                               => cannot(REVIEW_APPS);
    GET    "/review-apps/{review_app}"                                  => nothing_called("review_app");
    DELETE "/review-apps/{review_app}"                                  => nothing_called("review_app");
    POST   "/pipeline-transfers"                                        => cannot(PIPELINE_TRANSFERS);
    POST   "/spaces"                                                    => cannot(SPACES);
    GET    "/spaces/{space}"                                            => nothing_called("space");
    GET    "/spaces/{space}/telemetry-drains"                           => nothing_called("space");
    POST   "/oauth/clients"                                             => cannot(CLIENTS);
    GET    "/oauth/clients/{oauth_client}"                              => nothing_called("client");
    PATCH  "/oauth/clients/{oauth_client}"                              => nothing_called("client");
    DELETE "/oauth/clients/{oauth_client}"                              => nothing_called("client");
    DELETE "/oauth/sessions/{oauth_session}"                            => nothing_called("session");
    POST   "/oauth/tokens"                                              => cannot(CLIENTS);
    POST   "/teams"                                                     => cannot(TEAMS);
    GET    "/teams/{team}"                                              => nothing_called("team");
    GET    "/enterprise-accounts/{enterprise_account}"                  => nothing_called("enterprise_account");
}
