//! `slugbuilder buildpack`

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct BuildpackCommandArguments {
    #[command(subcommand)]
    pub(crate) action: BuildpackAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BuildpackAction {
    /// Write slugbuilder's own buildpack as a folder that `pack` takes.
    Package(PackageArguments),
}

#[derive(Debug, Args)]
#[command(
    after_help = "Then:\n  pack build my-app --buildpack DIR --builder heroku/builder:24\n\n\
    The folder holds this executable, which has to be a static one for linux/amd64, under the\n\
    names bin/detect and bin/build, and buildpack.toml and package.toml."
)]
pub(crate) struct PackageArguments {
    /// The folder to make. One that is empty or an earlier package is replaced.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Where you, who publish the package, answer for it.
    #[arg(long, value_name = "URL")]
    pub(crate) homepage: Option<String>,
}
