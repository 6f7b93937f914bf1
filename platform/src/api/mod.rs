//! The endpoints of the Platform API.
//!
//! All of them are in one table, [`ENDPOINTS`], which the router, `/schema` and the tests over all endpoints are made from.

mod account;
mod apps;
pub mod catalogue;
mod config_vars;
mod formation;
pub mod loose;
mod offers;
pub mod present;
mod releases;
mod schema;
mod slugs;
mod state;

pub use state::State;

use crate::http::answer::ok;
use axum::Router;
use axum::extract::State as Of;
use axum::http::Method;
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, patch, post};
use catalogue::{DynoSize, Region, Stack};

/// What one method does at one path.
#[derive(Debug)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path; names in braces stand for what is called by its identifier or another name of its own.
    pub path: &'static str,
    /// The resource that it is about, and answers, as the schema calls it.
    pub resource: &'static str,
    /// How that stands to the resource.
    pub rel: Rel,
    /// What it does, in a few words.
    pub title: &'static str,
    /// The resource's body that it takes, if it takes one.
    pub request: Option<&'static str>,
    /// Whether it asks who calls. The few that do not tell nothing of anyone.
    pub access: Access,
    /// What answers.
    route: fn() -> MethodRouter<State>,
}

/// How an endpoint stands to its resource, as hyper-schemas say it. It decides the status and the form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rel {
    /// Makes a new one: 201.
    Create,
    /// Takes it away, and answers what it was: 200.
    Destroy,
    /// A list of them: 200, or 206 where there are more.
    Instances,
    /// It: 200.
    Itself,
    /// Changes it: 200.
    Update,
    /// Changes several, and answers a list of them: 200.
    BatchUpdate,
}

impl Rel {
    /// The name in a hyper-schema.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Destroy => "destroy",
            Self::Instances => "instances",
            Self::Itself => "self",
            Self::Update | Self::BatchUpdate => "update",
        }
    }

    /// Whether the answer is a list.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self, Self::Instances | Self::BatchUpdate)
    }
}

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever has a token.
    Token,
    /// Everybody.
    Open,
}

impl Endpoint {
    /// An endpoint that needs a token and takes no body.
    const fn new(
        method: Method,
        path: &'static str,
        (resource, rel): (&'static str, Rel),
        title: &'static str,
        route: fn() -> MethodRouter<State>,
    ) -> Self {
        Self {
            method,
            path,
            resource,
            rel,
            title,
            request: None,
            access: Access::Token,
            route,
        }
    }

    /// The same, with a body: one of the resource's requests.
    const fn takes(mut self, request: &'static str) -> Self {
        self.request = Some(request);
        self
    }

    /// The same, for everybody.
    const fn open(mut self) -> Self {
        self.access = Access::Open;
        self
    }
}

/// `GET` of a path.
const fn reads(
    path: &'static str,
    of: (&'static str, Rel),
    title: &'static str,
    route: fn() -> MethodRouter<State>,
) -> Endpoint {
    Endpoint::new(Method::GET, path, of, title, route)
}

/// `POST` to a path.
const fn posts(
    path: &'static str,
    resource: &'static str,
    title: &'static str,
    route: fn() -> MethodRouter<State>,
) -> Endpoint {
    Endpoint::new(Method::POST, path, (resource, Rel::Create), title, route).takes("create")
}

/// `PATCH` of a path.
const fn patches(
    path: &'static str,
    resource: &'static str,
    title: &'static str,
    route: fn() -> MethodRouter<State>,
) -> Endpoint {
    Endpoint::new(Method::PATCH, path, (resource, Rel::Update), title, route).takes("update")
}

/// Every endpoint, by resource.
pub static ENDPOINTS: &[Endpoint] = &[
    reads("/account", ("account", Rel::Itself), "Info", || {
        get(account::info)
    }),
    patches("/account", "account", "Update", || patch(account::update)),
    reads(
        "/users/{account}",
        ("account", Rel::Itself),
        "Info of a user: oneself",
        || get(account::info_by_user),
    ),
    patches(
        "/users/{account}",
        "account",
        "Update of a user: oneself",
        || patch(account::update_by_user),
    ),
    reads(
        "/account/rate-limits",
        ("rate-limit", Rel::Itself),
        "Info",
        || get(account::rate_limits),
    ),
    posts("/apps", "app", "Create", || post(apps::create)),
    reads("/apps", ("app", Rel::Instances), "List", || get(apps::all)),
    reads("/apps/{app}", ("app", Rel::Itself), "Info", || {
        get(apps::info)
    }),
    patches("/apps/{app}", "app", "Update", || patch(apps::update)),
    Endpoint::new(
        Method::DELETE,
        "/apps/{app}",
        ("app", Rel::Destroy),
        "Delete",
        || delete(apps::delete),
    ),
    reads(
        "/users/{account}/apps",
        ("app", Rel::Instances),
        "List of those owned or worked on",
        || get(apps::of_user),
    ),
    reads(
        "/apps/{app}/collaborators",
        ("collaborator", Rel::Instances),
        "List",
        || get(apps::collaborators),
    ),
    reads(
        "/apps/{app}/config-vars",
        ("config-var", Rel::Itself),
        "Info for an app",
        || get(config_vars::info),
    ),
    patches("/apps/{app}/config-vars", "config-var", "Update", || {
        patch(config_vars::update)
    }),
    reads(
        "/apps/{app}/releases/{release}/config-vars",
        ("config-var", Rel::Itself),
        "Info for a release",
        || get(releases::config_vars),
    ),
    posts("/apps/{app}/slugs", "slug", "Create", || {
        post(slugs::create)
    }),
    reads(
        "/apps/{app}/slugs/{slug}",
        ("slug", Rel::Itself),
        "Info",
        || get(slugs::info),
    ),
    posts(
        "/apps/{app}/releases",
        "release",
        "Create, or go back to an earlier one",
        || post(releases::create),
    ),
    reads(
        "/apps/{app}/releases",
        ("release", Rel::Instances),
        "List",
        || get(releases::all),
    ),
    reads(
        "/apps/{app}/releases/{release}",
        ("release", Rel::Itself),
        "Info",
        || get(releases::info),
    ),
    reads(
        "/apps/{app}/formation",
        ("formation", Rel::Instances),
        "List",
        || get(formation::all),
    ),
    Endpoint::new(
        Method::PATCH,
        "/apps/{app}/formation",
        ("formation", Rel::BatchUpdate),
        "Update several",
        || patch(formation::batch_update),
    )
    .takes("batch-update"),
    reads(
        "/apps/{app}/formation/{formation}",
        ("formation", Rel::Itself),
        "Info",
        || get(formation::info),
    ),
    patches(
        "/apps/{app}/formation/{formation}",
        "formation",
        "Update",
        || patch(formation::update),
    ),
    reads(
        "/apps/{app}/dynos",
        ("dyno", Rel::Instances),
        "List",
        || get(apps::none),
    ),
    reads(
        "/apps/{app}/addons",
        ("add-on", Rel::Instances),
        "List",
        || get(apps::none),
    ),
    reads(
        "/apps/{app}/addon-attachments",
        ("add-on-attachment", Rel::Instances),
        "List",
        || get(apps::none),
    ),
    reads(
        "/apps/{app}/pipeline-couplings",
        ("pipeline-coupling", Rel::Itself),
        "Info for an app",
        || get(apps::no_pipeline),
    ),
    reads("/stacks", ("stack", Rel::Instances), "List", || {
        get(offers::all::<Stack>)
    }),
    reads("/stacks/{stack}", ("stack", Rel::Itself), "Info", || {
        get(offers::info::<Stack>)
    }),
    reads("/regions", ("region", Rel::Instances), "List", || {
        get(offers::all::<Region>)
    }),
    reads("/regions/{region}", ("region", Rel::Itself), "Info", || {
        get(offers::info::<Region>)
    }),
    reads("/dyno-sizes", ("dyno-size", Rel::Instances), "List", || {
        get(offers::all::<DynoSize>)
    }),
    reads(
        "/dyno-sizes/{dyno_size}",
        ("dyno-size", Rel::Itself),
        "Info",
        || get(offers::info::<DynoSize>),
    ),
    reads("/schema", ("schema", Rel::Itself), "Info", || get(schema)).open(),
];

/// The paths that answer everybody.
pub fn open_paths() -> impl Iterator<Item = &'static str> {
    ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.access == Access::Open)
        .map(|endpoint| endpoint.path)
}

/// The router of all endpoints.
pub fn router() -> Router<State> {
    ENDPOINTS.iter().fold(Router::new(), |router, endpoint| {
        router.route(endpoint.path, (endpoint.route)())
    })
}

/// What answers addresses that are a credential of their own, outside of the conventions of the API: the output of release
/// phases. (That of blobs is [`crate::http::blobs`].)
pub fn signed_router() -> Router<State> {
    Router::new().route("/releases/{release}/output", get(releases::output))
}

/// `GET /schema`
async fn schema(Of(state): Of<State>) -> Response {
    ok(&schema::document(&state.external_url))
}
