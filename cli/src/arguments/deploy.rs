//! What the command line says of slugs on their way to an app.

use super::api::{ApiArguments, AppArguments, parse_app, parse_version};
use super::{BuildArguments, CacheArguments};
use clap::Args;
use std::path::PathBuf;
use uuid::Uuid;

#[derive(Debug, Args)]
#[command(
    after_help = "Where a release of the app has a slug with the same bytes, stack and process types, that one is used and \
    nothing is uploaded.\nThe slug.json beside the slug says what is told to the API; --process-types and --stack stand \
    in for it."
)]
pub(crate) struct PublishArguments {
    /// The slug.
    #[arg(default_value = "slug.tgz", value_name = "SLUG")]
    pub(crate) slug: PathBuf,
    #[command(flatten)]
    pub(crate) app: AppArguments,
    #[command(flatten)]
    pub(crate) cache: CacheArguments,
    /// The process types, as a JSON object; from the slug.json beside the slug otherwise.
    #[arg(long, value_name = "JSON")]
    pub(crate) process_types: Option<String>,
    /// The stack that the slug runs on [default: that of slug.json, else the app's].
    #[arg(long, value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// Upload although the app has the same slug.
    #[arg(long)]
    pub(crate) force_upload: bool,
    /// Print the slug, and whether it was there, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReleaseArguments {
    /// The id of the slug, which `publish` prints.
    #[arg(long, value_name = "ID")]
    pub(crate) slug: Uuid,
    #[command(flatten)]
    pub(crate) app: AppArguments,
    #[command(flatten)]
    pub(crate) cache: CacheArguments,
    /// What the release changes, for people.
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Print the release as the API's JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The same as `compile`, `publish` and `release`, one after the other; then the output of the release phase is \
    followed, where the slug has one.\nIt is compiled for the app's stack; `--stack` moves the app to another one.\n\
    The slug and its slug.json stay: if the upload does not get through, `slugbuilder deploy --slug slug.tgz` uploads it again, \
    from its beginning, and compiles nothing."
)]
pub(crate) struct DeployArguments {
    #[command(flatten)]
    pub(crate) app: AppArguments,
    /// Deploy this slug, with the slug.json beside it, and compile nothing.
    // What is for a build is refused beside it: `reading.rs`.
    #[arg(long, value_name = "FILE")]
    pub(crate) slug: Option<PathBuf>,
    /// What the release changes, for people [default: `Deploy` and the commit].
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Upload although the app has the same slug.
    #[arg(long)]
    pub(crate) force_upload: bool,
    #[command(flatten)]
    pub(crate) build: BuildArguments,
    /// Whether `--stack` was given: a variable does not say that an app is to move to another stack.
    #[arg(skip)]
    pub(crate) stack_is_named: bool,
    /// Print app, slug and release as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PromoteArguments {
    /// The release whose slug it is, of the app of `--from`: v12 [default: the current one].
    #[arg(value_name = "RELEASE", value_parser = parse_version)]
    pub(crate) release: Option<u64>,
    /// The app whose slug to release.
    #[arg(long, value_name = "APP", value_parser = parse_app)]
    pub(crate) from: String,
    /// An app to release it to. May be repeated.
    #[arg(long, required = true, value_name = "APP", value_parser = parse_app)]
    pub(crate) to: Vec<String>,
    /// What the releases change, for people [default: `Promote`, the app and its release].
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    #[command(flatten)]
    pub(crate) api: ApiArguments,
    /// Print the releases as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
