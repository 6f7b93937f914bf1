//! Which buildpacks build the app.

use clap::Args;
use slugbuilder::buildpacks::BuildpackRequest;
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct BuildpackArguments {
    /// A Cloud Native Buildpack: its folder, a `.tgz` of that, or `slugbuilder/slugbuilder` for the one that is built in.
    /// May be repeated; in this order they are one group.
    #[arg(long, value_name = "DIR|TGZ")]
    pub(crate) buildpack: Vec<OsString>,
    /// An order.toml: which groups of these buildpacks to try, one after the other.
    #[arg(long, value_name = "FILE")]
    pub(crate) order: Option<PathBuf>,
}

impl BuildpackArguments {
    /// Whether anything but the buildpack that is built in is asked for.
    pub(crate) fn any(&self) -> bool {
        !self.buildpack.is_empty() || self.order.is_some()
    }

    pub(crate) fn request(&self) -> BuildpackRequest {
        BuildpackRequest {
            references: self.buildpack.clone(),
            order: self.order.clone(),
            carried: Some(slugbuilder_buildpack::BUILDPACK_TOML),
        }
    }
}
