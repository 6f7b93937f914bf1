//! The table of all endpoints.

use super::catalogue::{DynoSize, Region, Stack};
use super::{
    State, absent, account, account_features, apps, authorizations, buildpacks, builds,
    collaborators, config_vars, domains, drains, dynos, features, filters, formation, keys, offers,
    openapi, pipelines, push_webhook, releases, schema, scope, slugs, sources,
};
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};

/// What one method does at one path.
#[derive(Debug)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path; names in braces stand for what is called by its identifier or another name of its own.
    pub path: &'static str,
    /// The resource that it is about, and answers, as the schema calls it.
    pub resource: &'static str,
    /// How it stands to the resource.
    pub rel: Rel,
    /// Who may call it.
    pub access: Access,
    /// What it does, in a few words.
    pub title: &'static str,
    /// Statuses that it may answer with besides those that follow from the rest: see [`Endpoint::statuses`].
    pub also: &'static [u16],
    /// What answers.
    route: fn() -> MethodRouter<State>,
}

impl Endpoint {
    /// What answers the method, for tokens that are good for it.
    pub(super) fn route(&self) -> MethodRouter<State> {
        let route = (self.route)();
        match scope::needed(self) {
            None => route,
            Some(needed) => scope::required(route, needed),
        }
    }
}

/// How an endpoint stands to its resource. It decides the status and the form of the answer (`platform-api.md`, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rel {
    /// Makes a new one: 201.
    Create,
    /// Takes it away, and answers what it was: 200.
    Destroy,
    /// A list of them: 200, or 206 where there are more.
    Instances,
    /// A list of those that its body names: 200, or 206 where there are more.
    Filter,
    /// It: 200.
    Itself,
    /// Changes it: 200.
    Update,
    /// Changes several, and answers a list of them: 200.
    BatchUpdate,
    /// Does something to it that needs no body, and answers it: 200.
    Action,
    /// Does something that there is nothing to tell of: 202 and `{}`.
    Empty,
}

impl Rel {
    /// The name in a hyper-schema.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Destroy => "destroy",
            Self::Instances | Self::Filter => "instances",
            Self::Itself => "self",
            Self::Update | Self::BatchUpdate | Self::Action => "update",
            Self::Empty => "empty",
        }
    }

    /// The name of the body that it takes, among those of the resource in `data/resources/`.
    #[must_use]
    pub fn request(self) -> Option<&'static str> {
        match self {
            Self::Create => Some("create"),
            Self::Update => Some("update"),
            Self::BatchUpdate => Some("batch-update"),
            Self::Filter => Some("filter"),
            Self::Destroy | Self::Instances | Self::Itself | Self::Action | Self::Empty => None,
        }
    }

    /// Whether the answer is a list.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self, Self::Instances | Self::Filter | Self::BatchUpdate)
    }
}

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever has a token.
    Token,
    /// Everybody: it tells nothing of anyone.
    Open,
}

/// One row for each endpoint: method, path, handler; resource, how the endpoint stands to it, who may call it, what it does;
/// and, where there are any, the statuses that do not follow from these: see [`Endpoint::statuses`].
macro_rules! endpoints {
    ($($method:ident $path:literal => $handler:expr, $resource:literal $rel:ident $access:ident $title:literal $($also:literal)*;)*) => {
        /// Every endpoint.
        pub static ENDPOINTS: &[Endpoint] = &[$(Endpoint {
            method: Method::$method,
            path: $path,
            resource: $resource,
            rel: Rel::$rel,
            access: Access::$access,
            title: $title,
            also: &[$($also),*],
            route: || on(MethodFilter::$method, $handler),
        }),*];
    };
}

endpoints! {
    GET    "/account"                       => account::info,            "account"           Itself      Token "Info";
    PATCH  "/account"                       => account::update,          "account"           Update      Token "Update";
    GET    "/users/{account}"               => account::info_by_user,    "account"           Itself      Token "Info by user";
    PATCH  "/users/{account}"               => account::update_by_user,  "account"           Update      Token "Update by user";
    GET    "/account/rate-limits"           => account::rate_limits,     "rate-limit"        Itself      Token "Info";

    // Accounts: keys, authorizations, features of accounts.

    GET    "/account/features"              => account_features::all,    "account-feature"   Instances   Token "List";
    GET    "/account/features/{account_feature}"
                                            => account_features::info,   "account-feature"   Itself      Token "Info";
    PATCH  "/account/features/{account_feature}"
                                            => account_features::update, "account-feature"   Update      Token "Update";
    POST   "/account/keys"                  => keys::create,             "key"               Create      Token "Create";
    GET    "/account/keys"                  => keys::all,                "key"               Instances   Token "List";
    GET    "/account/keys/{key}"            => keys::info,               "key"               Itself      Token "Info";
    DELETE "/account/keys/{key}"            => keys::delete,             "key"               Destroy     Token "Delete";
    GET    "/users/{account}/sms-number"    => absent::sms_number,       "sms-number"        Itself      Token "SMS number";
    POST   "/oauth/authorizations"          => authorizations::create,   "oauth-authorization" Create    Token "Create";
    GET    "/oauth/authorizations"          => authorizations::all,      "oauth-authorization" Instances Token "List";
    GET    "/oauth/authorizations/{oauth_authorization}"
                                            => authorizations::info,     "oauth-authorization" Itself    Token "Info";
    PATCH  "/oauth/authorizations/{oauth_authorization}"
                                            => authorizations::update,   "oauth-authorization" Update    Token "Update";
    DELETE "/oauth/authorizations/{oauth_authorization}"
                                            => authorizations::delete,   "oauth-authorization" Destroy   Token "Delete";
    POST   "/oauth/authorizations/{oauth_authorization}/actions/regenerate-tokens"
                                            => authorizations::regenerate, "oauth-authorization" Action  Token "Regenerate";
    GET    "/oauth/clients"                 => absent::none,             "oauth-client"      Instances   Token "List";
    GET    "/oauth/sessions"                => absent::none,             "oauth-session"     Instances   Token "List";
    GET    "/teams"                         => absent::none,             "team"              Instances   Token "List";
    GET    "/enterprise-accounts"           => absent::none,             "enterprise-account" Instances  Token "List";

    POST   "/apps"                          => apps::create,             "app"               Create      Token "Create" 409;
    GET    "/apps"                          => apps::all,                "app"               Instances   Token "List";
    GET    "/apps/{app}"                    => apps::info,               "app"               Itself      Token "Info";
    PATCH  "/apps/{app}"                    => apps::update,             "app"               Update      Token "Update";
    DELETE "/apps/{app}"                    => apps::delete,             "app"               Destroy     Token "Delete";
    GET    "/users/{account}/apps"          => apps::of_user,            "app"               Instances   Token "List by user";
    POST   "/apps/{app}/collaborators"      => collaborators::create,    "collaborator"      Create      Token "Create";
    GET    "/apps/{app}/collaborators"      => collaborators::all,       "collaborator"      Instances   Token "List";
    GET    "/apps/{app}/collaborators/{collaborator}"
                                            => collaborators::info,      "collaborator"      Itself      Token "Info";
    DELETE "/apps/{app}/collaborators/{collaborator}"
                                            => collaborators::delete,    "collaborator"      Destroy     Token "Delete" 422;

    // What is attached to an app: features, domains, drains, buildpacks.
    GET    "/apps/{app}/features"           => features::all,            "app-feature"       Instances   Token "List";
    GET    "/apps/{app}/features/{app_feature}"
                                            => features::info,           "app-feature"       Itself      Token "Info";
    PATCH  "/apps/{app}/features/{app_feature}"
                                            => features::update,         "app-feature"       Update      Token "Update";
    POST   "/apps/{app}/domains"            => domains::create,          "domain"            Create      Token "Create";
    GET    "/apps/{app}/domains"            => domains::all,             "domain"            Instances   Token "List";
    GET    "/apps/{app}/domains/{domain}"   => domains::info,            "domain"            Itself      Token "Info";
    PATCH  "/apps/{app}/domains/{domain}"   => domains::update,          "domain"            Update      Token "Update";
    DELETE "/apps/{app}/domains/{domain}"   => domains::delete,          "domain"            Destroy     Token "Delete" 422;
    POST   "/apps/{app}/log-drains"         => drains::create,           "log-drain"         Create      Token "Create";
    GET    "/apps/{app}/log-drains"         => drains::all,              "log-drain"         Instances   Token "List";
    GET    "/apps/{app}/log-drains/{log_drain}"
                                            => drains::info,             "log-drain"         Itself      Token "Info";
    DELETE "/apps/{app}/log-drains/{log_drain}"
                                            => drains::delete,           "log-drain"         Destroy     Token "Delete";
    GET    "/apps/{app}/buildpack-installations"
                                            => buildpacks::all,          "buildpack-installation" Instances Token "List";
    PUT    "/apps/{app}/buildpack-installations"
                                            => buildpacks::replace,      "buildpack-installation" BatchUpdate Token "Update";

    GET    "/apps/{app}/config-vars"        => config_vars::info,        "config-var"        Itself      Token "Info by app";
    PATCH  "/apps/{app}/config-vars"        => config_vars::update,      "config-var"        Update      Token "Update" 409;
    GET    "/apps/{app}/releases/{release}/config-vars"
                                            => releases::config_vars,    "config-var"        Itself      Token "Info by release";

    POST   "/apps/{app}/slugs"              => slugs::create,            "slug"              Create      Token "Create";
    GET    "/apps/{app}/slugs/{slug}"       => slugs::info,              "slug"              Itself      Token "Info";

    POST   "/apps/{app}/releases"           => releases::create,         "release"           Create      Token "Create or roll back" 409;
    GET    "/apps/{app}/releases"           => releases::all,            "release"           Instances   Token "List";
    GET    "/apps/{app}/releases/{release}" => releases::info,           "release"           Itself      Token "Info";

    POST   "/sources"                       => sources::create,          "source"            Create      Token "Create";
    POST   "/apps/{app}/sources"            => sources::create_for_app,  "source"            Create      Token "Create - deprecated";
    POST   "/apps/{app}/builds"             => builds::create,           "build"             Create      Token "Create";
    GET    "/apps/{app}/builds"             => builds::all,              "build"             Instances   Token "List";
    GET    "/apps/{app}/builds/{build}"     => builds::info,             "build"             Itself      Token "Info";
    DELETE "/apps/{app}/builds/{build}"     => builds::cancel,           "build"             Destroy     Token "Cancel" 409;
    DELETE "/apps/{app}/build-cache"        => builds::forget_cache,     "build"             Empty       Token "Delete cache";
    POST   "/apps/{app}/push-webhook"       => push_webhook::create,     "push-webhook"      Create      Token "Create or replace";
    GET    "/apps/{app}/push-webhook"       => push_webhook::info,       "push-webhook"      Itself      Token "Info by app";
    DELETE "/apps/{app}/push-webhook"       => push_webhook::delete,     "push-webhook"      Destroy     Token "Delete";

    GET    "/apps/{app}/formation"          => formation::all,           "formation"         Instances   Token "List";
    PATCH  "/apps/{app}/formation"          => formation::batch_update,  "formation"         BatchUpdate Token "Batch update";
    GET    "/apps/{app}/formation/{formation}"
                                            => formation::info,          "formation"         Itself      Token "Info";
    PATCH  "/apps/{app}/formation/{formation}"
                                            => formation::update,        "formation"         Update      Token "Update";

    GET    "/apps/{app}/dynos"              => absent::none_of_app,      "dyno"              Instances   Token "List";
    DELETE "/apps/{app}/dynos"              => dynos::restart_all,       "dyno"              Empty       Token "Restart all";
    DELETE "/apps/{app}/dynos/{dyno}"       => dynos::of_name,           "dyno"              Empty       Token "Restart";
    POST   "/apps/{app}/dynos/{dyno}/actions/stop"
                                            => dynos::of_name,           "dyno"              Empty       Token "Stop";
    DELETE "/apps/{app}/formations/{formation}"
                                            => dynos::of_type,           "dyno"              Empty       Token "Restart formation";
    POST   "/apps/{app}/formations/{formation}/actions/stop"
                                            => dynos::of_type,           "dyno"              Empty       Token "Stop formation";

    // Pipelines, couplings and promotions.
    POST   "/pipelines"                     => pipelines::create,        "pipeline"          Create      Token "Create";
    GET    "/pipelines"                     => pipelines::all,           "pipeline"          Instances   Token "List";
    GET    "/pipelines/{pipeline}"          => pipelines::info,          "pipeline"          Itself      Token "Info" 422;
    PATCH  "/pipelines/{pipeline}"          => pipelines::update,        "pipeline"          Update      Token "Update";
    DELETE "/pipelines/{pipeline}"          => pipelines::delete,        "pipeline"          Destroy     Token "Delete" 422;
    POST   "/pipeline-couplings"            => pipelines::couple,        "pipeline-coupling" Create      Token "Create" 404;
    GET    "/pipeline-couplings"            => pipelines::couplings,     "pipeline-coupling" Instances   Token "List";
    GET    "/users/~/pipeline-couplings"    => pipelines::couplings,     "pipeline-coupling" Instances   Token "List by user";
    GET    "/pipelines/{pipeline}/pipeline-couplings"
                                            => pipelines::couplings_of,  "pipeline-coupling" Instances   Token "List by pipeline" 422;
    GET    "/apps/{app}/pipeline-couplings" => pipelines::of_app,        "pipeline-coupling" Itself      Token "Info by app";
    GET    "/pipeline-couplings/{pipeline_coupling}"
                                            => pipelines::coupling,      "pipeline-coupling" Itself      Token "Info";
    PATCH  "/pipeline-couplings/{pipeline_coupling}"
                                            => pipelines::move_to_stage, "pipeline-coupling" Update      Token "Update";
    DELETE "/pipeline-couplings/{pipeline_coupling}"
                                            => pipelines::uncouple,      "pipeline-coupling" Destroy     Token "Delete";
    POST   "/filters/apps"                  => filters::apps,            "filter-apps"       Filter      Token "Apps";
    POST   "/pipeline-promotions"           => pipelines::promote,       "pipeline-promotion"
                                                                                             Create      Token "Create" 404;
    GET    "/pipeline-promotions/{pipeline_promotion}"
                                            => pipelines::promotion,     "pipeline-promotion"
                                                                                             Itself      Token "Info";
    GET    "/pipeline-promotions/{pipeline_promotion}/promotion-targets"
                                            => pipelines::promotion_targets,
                                                                  "pipeline-promotion-target"
                                                                                             Instances   Token "List";
    GET    "/pipelines/{pipeline}/latest-releases"
                                            => pipelines::releases,      "release"           Instances   Token "Latest by pipeline" 422;
    GET    "/pipelines/{pipeline}/latest-deployments"
                                            => pipelines::deployments,   "release"           Instances   Token "Latest deployments by pipeline" 422;
    GET    "/pipelines/{pipeline}/latest-builds"
                                            => pipelines::builds,        "pipeline-build"    Instances   Token "List" 422;
    GET    "/pipelines/{pipeline}/stage/{pipeline_config_var}/config-vars"
                                            => pipelines::config_vars,   "pipeline-config-var"
                                                                                             Itself      Token "Info" 422;
    PATCH  "/pipelines/{pipeline}/stage/{pipeline_config_var}/config-vars"
                                            => pipelines::update_config_vars,
                                                                         "pipeline-config-var"
                                                                                             Update      Token "Update";
    GET    "/pipelines/{pipeline}/test-runs"
                                            => pipelines::none,          "test-run"          Instances   Token "List" 422;
    GET    "/pipelines/{pipeline}/review-apps"
                                            => pipelines::none,          "review-app"        Instances   Token "List" 422;

    GET    "/stacks"                        => offers::all::<Stack>,     "stack"             Instances   Token "List";
    GET    "/stacks/{stack}"                => offers::info::<Stack>,    "stack"             Itself      Token "Info";
    GET    "/regions"                       => offers::all::<Region>,    "region"            Instances   Token "List";
    GET    "/regions/{region}"              => offers::info::<Region>,   "region"            Itself      Token "Info";
    GET    "/dyno-sizes"                    => offers::all::<DynoSize>,  "dyno-size"         Instances   Token "List";
    GET    "/dyno-sizes/{dyno_size}"        => offers::info::<DynoSize>, "dyno-size"         Itself      Token "Info";
    GET    "/apps/{app}/available-stacks"   => offers::available::<Stack>,
                                                                         "stack"             Instances   Token "List available stacks";
    GET    "/apps/{app}/available-dyno-sizes"
                                            => offers::available::<DynoSize>,
                                                                         "dyno-size"         Instances   Token "List available sizes";

    // What there is none of: lists that are empty, names of nothing, and what cannot be made.
    GET    "/addons"                        => absent::none,             "add-on"            Instances   Token "List";
    GET    "/users/{account}/addons"        => absent::none_of_user,     "add-on"            Instances   Token "List by user";
    GET    "/apps/{app}/addons"             => absent::none_of_app,      "add-on"            Instances   Token "List by app";
    GET    "/addon-attachments"             => absent::none,             "add-on-attachment" Instances   Token "List";
    GET    "/apps/{app}/addon-attachments"  => absent::none_of_app,      "add-on-attachment" Instances   Token "List by app";
    GET    "/addon-services"                => absent::none,             "add-on-service"    Instances   Token "List";
    GET    "/apps/{app}/usage"              => absent::usage,            "app-usage"         Itself      Token "Info by app";
    GET    "/apps/{app}/sni-endpoints"      => absent::none_of_app,      "sni-endpoint"      Instances   Token "List";
    DELETE "/apps/{app}/acm"                => apps::info,               "app"               Action      Token "Disable ACM";
    GET    "/apps/{app}/webhooks"           => absent::none_of_app,      "app-webhook"       Instances   Token "List";
    GET    "/apps/{app}/webhook-deliveries" => absent::none_of_app,      "app-webhook-delivery" Instances Token "List";
    GET    "/apps/{app}/webhook-events"     => absent::none_of_app,      "app-webhook-event" Instances   Token "List";
    GET    "/apps/{app}/telemetry-drains"   => absent::none_of_app,      "telemetry-drain"   Instances   Token "List by app";
    GET    "/account/app-transfers"         => absent::none,             "app-transfer"      Instances   Token "List";
    GET    "/spaces"                        => absent::none,             "space"             Instances   Token "List";

    GET    "/schema"                        => schema::info,             "schema"            Itself      Open  "Info";
    GET    "/openapi.json"                  => openapi::info,            "openapi"           Itself      Open  "Info";
}
