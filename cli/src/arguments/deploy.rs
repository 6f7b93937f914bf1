//! What the command line says of slugs on their way to an app.

use super::api::{ApiArguments, AppArguments, parse_app};
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
    followed, where the slug has one.\nThe slug and its slug.json stay. If the upload does not get through, \
    `slugbuilder deploy --slug slug.tgz` goes on from there."
)]
pub(crate) struct DeployArguments {
    #[command(flatten)]
    pub(crate) app: AppArguments,
    /// Deploy this slug, with the slug.json beside it, and compile nothing.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["source", "all_files", "output", "write_lock", "secret", "buildpack", "order"]
    )]
    pub(crate) slug: Option<PathBuf>,
    /// What the release changes, for people [default: `Deploy` and the commit].
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Upload although the app has the same slug.
    #[arg(long)]
    pub(crate) force_upload: bool,
    #[command(flatten)]
    pub(crate) build: BuildArguments,
    /// Print app, slug and release as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PromoteArguments {
    /// The app whose current slug to release.
    #[arg(long, value_name = "APP", value_parser = parse_app)]
    pub(crate) from: String,
    /// An app to release it to. May be repeated.
    #[arg(long, required = true, value_name = "APP", value_parser = parse_app)]
    pub(crate) to: Vec<String>,
    #[command(flatten)]
    pub(crate) api: ApiArguments,
    /// Print the releases as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use crate::arguments::Arguments;
    use clap::Parser as _;

    #[test]
    fn a_slug_that_is_compiled_is_not_compiled_again() {
        let parsed = |words: &[&str]| {
            Arguments::try_parse_from(
                [&["slugbuilder", "deploy", "--app", "my-app"], words].concat(),
            )
        };
        assert!(parsed(&["--slug", "slug.tgz"]).is_ok());
        assert!(parsed(&["--slug", "slug.tgz", "--cache-dir", "x"]).is_ok());
        for words in [
            &["src"][..],
            &["-o", "x.tgz"],
            &["--lock"],
            &["--secret", "A=b"],
        ] {
            let error = parsed(&[&["--slug", "slug.tgz"], words].concat()).unwrap_err();
            assert_eq!(
                error.kind(),
                clap::error::ErrorKind::ArgumentConflict,
                "{words:?}"
            );
        }
    }
}
