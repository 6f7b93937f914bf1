//! Builds: source code becomes a slug and a release.

mod output;

pub(super) use output::output;

use super::State;
use super::loose::{Fields, Refused};
use super::path::Path;
use super::present::seconds;
use crate::buildpack_name;
use crate::builds::{BuildSource, NewBuild};
use crate::http::answer::{accepted, created, list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::Offered;
use crate::signed_url::OutputOf;
use crate::store::{self, Keyed};
use axum::extract::State as Of;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use slugbuilder::api::types::{self, Id};
use uuid::Uuid;

/// A build, as the API has it.
#[derive(Debug, Serialize)]
pub(super) struct Build {
    app: Id,
    buildpacks: Vec<Buildpack>,
    created_at: Timestamp,
    id: Uuid,
    output_stream_url: String,
    release: Option<Id>,
    slug: Option<Id>,
    source_blob: SourceBlob,
    stack: String,
    status: &'static str,
    updated_at: Timestamp,
    user: types::User,
}

/// A buildpack of a build, as the API has it.
#[derive(Debug, Serialize)]
struct Buildpack {
    name: String,
    url: String,
}

/// Where the source of a build was, as the API has it.
#[derive(Debug, Serialize)]
struct SourceBlob {
    checksum: Option<String>,
    url: String,
    version: Option<String>,
    version_description: Option<String>,
}

/// A build as a resource. Clients count on a list of buildpacks, and on a version that is text (platform-api.md, section 3.2).
pub(super) fn present(state: &State, build: store::Build) -> Build {
    let buildpacks = build.buildpacks.unwrap_or_default();
    Build {
        app: Id { id: build.app.id },
        buildpacks: buildpacks
            .into_iter()
            .map(|name| Buildpack {
                url: buildpack_name::url(&name),
                name,
            })
            .collect(),
        created_at: seconds(build.created_at),
        id: build.id,
        output_stream_url: state
            .signer
            .output_url(&state.external_url, OutputOf::Build(build.id)),
        release: build.release.map(|(id, _)| Id { id }),
        slug: build.slug.map(|id| Id { id }),
        source_blob: SourceBlob {
            checksum: build.checksum,
            // The server had it from a push.
            url: build
                .url
                .unwrap_or_else(|| format!("{}/{}.git", state.external_url, build.app.name)),
            version: Some(build.version.unwrap_or_default()),
            version_description: build.version_description,
        },
        stack: build.stack,
        status: build.status.as_str(),
        updated_at: seconds(build.updated_at),
        user: build.user,
    }
}

/// `POST /apps/{app}/builds`
pub(super) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    // An app that may not be seen comes before anything that is wrong with the body.
    let app = state.store.app(&user, &app).await?.id.to_string();
    let build = state.builds.begin(&user, &app, requested(&fields)?).await?;
    Ok(created(&present(&state, build)))
}

/// What a body asks for.
fn requested(fields: &Fields) -> Result<NewBuild, Refused> {
    let source = fields
        .object("source_blob")?
        .ok_or_else(|| Refused("`source_blob` is required".to_owned()))?;
    let url = source
        .text("url")?
        .ok_or_else(|| Refused("`url` of `source_blob` is required".to_owned()))?;
    let buildpacks = fields.list("buildpacks")?.map(|buildpacks| {
        let names = buildpacks.iter().map(|buildpack| {
            match buildpack.text("url")? {
                Some(url) => Some(url),
                None => buildpack.text("name")?,
            }
            .ok_or_else(|| {
                Refused("`url` or `name` is required in each of `buildpacks`".to_owned())
            })
        });
        names.collect::<Result<Vec<_>, _>>()
    });
    Ok(NewBuild {
        source: BuildSource::Url {
            url,
            checksum: source.text("checksum")?,
        },
        version: source.text("version")?,
        version_description: source.text("version_description")?,
        // None at all is what clients send that have no opinion.
        buildpacks: buildpacks.transpose()?.filter(|names| !names.is_empty()),
        source_date_epoch: None,
        ends_with_server: false,
    })
}

/// `GET /apps/{app}/builds`
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::BUILDS)?;
    let builds = state.store.builds(&user, &app, &page).await?;
    Ok(list(builds, &page, Offered::BUILDS, Keyed::key, |build| {
        present(&state, build)
    }))
}

/// `GET /apps/{app}/builds/{build}`
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, build)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let app = state.store.app(&user, &app).await?.id.to_string();
    let build = state.store.build(&user, &app, identifier(&build)?).await?;
    Ok(ok(&present(&state, build)))
}

/// `DELETE /apps/{app}/builds/{build}`: ends one that waits or runs.
pub(super) async fn cancel(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, build)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let app = state.store.app(&user, &app).await?.id.to_string();
    let build = state
        .builds
        .cancel(&user, &app, identifier(&build)?)
        .await?;
    Ok(ok(&present(&state, build)))
}

/// `DELETE /apps/{app}/build-cache`
pub(super) async fn forget_cache(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
) -> Result<Response, ApiError> {
    let app = state.store.app(&user, &app).await?.id;
    state.builds.forget_cache(app).await?;
    Ok(accepted())
}

/// A build is called by its identifier alone.
fn identifier(build: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(build).map_err(|_| ApiError::not_found("build"))
}
