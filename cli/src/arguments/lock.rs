//! What the command line says of locks and mirror folders.

use super::{
    BuildpackArguments, CacheArguments, SourceArguments, VariableArguments, parse_duration,
};
use clap::Args;
use clap::builder::FalseyValueParser;
use slugbuilder::lock::{Locking, Update};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct LockedArguments {
    /// Use only what slugbuilder.lock pins: an error if it is not there or does not fit the app.
    #[arg(long, env = "SLUGBUILDER_LOCKED", value_parser = FalseyValueParser::new())]
    pub(crate) locked: bool,
}

impl LockedArguments {
    pub(crate) fn locking(&self) -> Locking {
        Locking {
            locked: self.locked,
            update: Update::Nothing,
        }
    }
}

#[derive(Debug, Default, Args)]
pub(crate) struct MirrorArguments {
    /// Get runtimes and package managers from this folder, which `slugbuilder vendor` filled, or its https:// address, and
    /// from nowhere else.
    #[arg(long, env = "SLUGBUILDER_MIRROR", value_name = "DIR")]
    pub(crate) mirror: Option<OsString>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Pins that fit the app stay as they are. `--update` moves all of them to the newest versions that the\n\
    app's requests allow, `--update=node` that one. `compile` uses a lock that is there; with --locked, nothing else."
)]
pub(crate) struct LockArguments {
    #[command(flatten)]
    pub(crate) source: SourceArguments,
    /// Move to newer versions: of everything, or of NAME only. May be repeated with names.
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        conflicts_with = "check"
    )]
    pub(crate) update: Vec<String>,
    /// Write nothing: an error if a build with --locked would have one.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) resolving: ResolvingArguments,
}

impl LockArguments {
    pub(crate) fn update(&self) -> Update {
        match self.update.as_slice() {
            [] => Update::Nothing,
            names if names.iter().any(String::is_empty) => Update::Everything,
            names => Update::Named(names.to_vec()),
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "The folder then has the runtimes and package managers of these apps, not the packages that they install:\n\n  \
    slugbuilder vendor mirror ./my-app                     where there is a network\n  \
    slugbuilder compile --mirror mirror --offline ./my-app anywhere"
)]
pub(crate) struct VendorArguments {
    /// The folder to fill. What is there and whole is kept.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The apps.
    #[arg(default_value = ".", value_name = "SOURCE")]
    pub(crate) sources: Vec<PathBuf>,
    /// The app's folder in each SOURCE, relative, where these hold several apps.
    #[arg(long, env = "SLUGBUILDER_ROOT", value_name = "FOLDER")]
    pub(crate) root: Option<PathBuf>,
    /// Bring nothing: an error if something is missing or damaged.
    #[arg(long)]
    pub(crate) check: bool,
    /// The stack to build for: heroku-22, heroku-24 or heroku-26.
    #[arg(long, env = "STACK", default_value = "heroku-24", value_name = "NAME")]
    pub(crate) stack: String,
    /// In a git work tree, keep the files that git ignores.
    #[arg(long)]
    pub(crate) all_files: bool,
    #[command(flatten)]
    pub(crate) lock: LockedArguments,
    #[command(flatten)]
    pub(crate) resolving: ResolvingArguments,
}

/// Of commands that decide and obtain without building.
#[derive(Debug, Args)]
pub(crate) struct ResolvingArguments {
    #[command(flatten)]
    pub(crate) variables: VariableArguments,
    #[command(flatten)]
    pub(crate) buildpacks: BuildpackArguments,
    #[command(flatten)]
    pub(crate) cache: CacheArguments,
    #[command(flatten)]
    pub(crate) mirror: MirrorArguments,
    /// Open no socket: what is in the cache or the mirror has to do.
    #[arg(long, env = "SLUGBUILDER_OFFLINE", value_parser = FalseyValueParser::new())]
    pub(crate) offline: bool,
    /// End after this long, for example 90s, 15m or 1h.
    #[arg(long, default_value = "15m", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
}
