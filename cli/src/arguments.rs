//! The command line.

mod api;
mod buildpack;
mod buildpacks;
mod cache;
mod deploy;
mod lock;
mod reading;
mod serve;

pub(crate) use api::{
    ApiArguments, AppArguments, AppsArguments, ConfigArguments, FollowArguments, PullArguments,
    ReleasesArguments, RollbackArguments, Setting, parse_app,
};
pub(crate) use buildpack::{BuildpackAction, BuildpackCommandArguments, PackageArguments};
pub(crate) use buildpacks::BuildpackArguments;
pub(crate) use cache::{
    BoundArguments, CacheAction, CacheArguments, CacheCommandArguments, InfoArguments,
    PruneArguments, ReuseArguments,
};
pub(crate) use deploy::{DeployArguments, PromoteArguments, PublishArguments, ReleaseArguments};
pub(crate) use lock::{
    LockArguments, LockedArguments, MirrorArguments, ResolvingArguments, VendorArguments,
};
pub(crate) use serve::{
    BackupArguments, BlobArguments, BuildsArguments, DataArguments, HashPasswordArguments,
    RestoreArguments, ServeAction, ServeArguments, ServeCommandArguments,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Turn Node.js, Ruby or Go source into a Heroku slug, without Docker or root.
#[derive(Debug, Parser)]
#[command(
    name = "slugbuilder",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "A first slug:\n  \
        slugbuilder compile ./my-app     writes slug.tgz and slug.json\n  \
        slugbuilder run slug.tgz         starts its web process on port 5000\n  \
        slugbuilder deploy --app NAME    compiles and releases the app of this folder\n\n\
        Exit codes: 0 done, 1 the app is at fault, 2 usage, 69 a tool or service is missing,\n\
        70 a bug of ours, 74 input/output, 75 try again later."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct OutputArguments {
    /// Say only warnings and errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = Colours::Auto, value_name = "WHEN")]
    pub(crate) color: Colours,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colours {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Also in a pipe.
    Always,
    /// Not at all.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what `compile` would decide, and why, without building.
    Plan(PlanArguments),
    /// Build an app and write it as a slug.
    Compile(CompileArguments),
    /// Write slugbuilder.lock, so that every build of the app uses the same versions.
    Lock(LockArguments),
    /// Fill a folder with everything that builds without a network need.
    Vendor(VendorArguments),
    /// Make a slug of a folder that is ready to run, without a buildpack.
    Archive(ArchiveArguments),
    /// Run a slug as a dyno would.
    Run(RunArguments),
    /// Unpack a slug's app into a new folder.
    Unpack(UnpackArguments),
    /// Compile an app, publish its slug, and release it.
    Deploy(Box<DeployArguments>),
    /// Upload a slug to an app, without releasing it.
    Publish(PublishArguments),
    /// Release a slug that is uploaded.
    Release(ReleaseArguments),
    /// Release the slug that one app runs to others, without an upload.
    Promote(PromoteArguments),
    /// List an app's releases.
    Releases(ReleasesArguments),
    /// Go back to an earlier release: its slug and its config vars.
    Rollback(RollbackArguments),
    /// Download the slug of a release.
    Pull(PullArguments),
    /// List the apps that you can deploy to.
    Apps(AppsArguments),
    /// Show or change an app's config vars.
    Config(ConfigArguments),
    /// Run a platform that Heroku's clients and slugbuilder can deploy to.
    Serve(Box<ServeCommandArguments>),
    /// Look at what is kept between builds, or make room.
    Cache(CacheCommandArguments),
    /// Use slugbuilder's buildpack elsewhere.
    Buildpack(BuildpackCommandArguments),
}

#[derive(Debug, Args)]
pub(crate) struct SourceArguments {
    /// The app's folder. It is only read.
    #[arg(default_value = ".", value_name = "SOURCE")]
    pub(crate) source: PathBuf,
    /// The app's folder in it, relative, where the source holds several apps. All of the source is in the slug.
    #[arg(long, env = "SLUGBUILDER_ROOT", value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// The stack to build for: heroku-22, heroku-24 or heroku-26 [default: heroku-24; to deploy, that of the app].
    #[arg(long, env = "STACK", value_name = "NAME")]
    stack: Option<String>,
    /// In a git work tree, keep the files that git ignores.
    #[arg(long)]
    pub(crate) all_files: bool,
}

impl SourceArguments {
    /// The stack to build for.
    pub(crate) fn stack(&self) -> &str {
        self.stack_or("heroku-24")
    }

    /// The same, where `default` is meant if none is named.
    pub(crate) fn stack_or<'a>(&'a self, default: &'a str) -> &'a str {
        self.stack.as_deref().unwrap_or(default)
    }
}

#[derive(Debug, Args)]
pub(crate) struct VariableArguments {
    /// A config var, `NAME=value`; `NAME` alone takes the value of this shell. May be repeated.
    #[arg(long, short = 'e', value_name = "NAME=VALUE")]
    pub(crate) env: Vec<OsString>,
    /// A file of config vars, one `NAME=value` a line, or, if it is called `….json`, one JSON object. May be repeated; `--env`
    /// wins.
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SecretArguments {
    /// A config var of the build whose value nobody may see: it is `***` in the output, and an error in the slug.
    /// `NAME` alone takes the value of this shell, which keeps it from those who list processes. May be repeated.
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub(crate) secret: Vec<OsString>,
    /// A file of such config vars, as for `--env-file`. May be repeated; `--secret` wins.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) source: SourceArguments,
    #[command(flatten)]
    pub(crate) variables: VariableArguments,
    #[command(flatten)]
    pub(crate) buildpacks: BuildpackArguments,
    #[command(flatten)]
    pub(crate) cache: CacheArguments,
    #[command(flatten)]
    pub(crate) lock: LockedArguments,
    /// Print the plan as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "What is left out: .git, what .slugignore names, and, in a git work tree, untracked files that \
    git ignores.\nAfter the build: what .slugignore-after-build names, and files of installed packages that no program can load.\n\
    Where runtimes come from: a mirror set with --mirror, or with SLUGBUILDER_MIRROR_NODE, _NPM, _GO or _RUBY \
    (https:// or file://), and then nothing else; the language's own site, and last this machine's npm, go or apt.\n\
    Which versions: those of SOURCE/slugbuilder.lock where they fit, else what the app asks for (`slugbuilder plan`)."
)]
pub(crate) struct CompileArguments {
    #[command(flatten)]
    pub(crate) build: BuildArguments,
    /// Print slug.json to stdout, too.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a build is made of, and where its slug goes.
#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    #[command(flatten)]
    pub(crate) source: SourceArguments,
    /// Where to write the slug; its slug.json goes beside it.
    #[arg(long, short, default_value = "slug.tgz", value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) variables: VariableArguments,
    #[command(flatten)]
    pub(crate) secrets: SecretArguments,
    #[command(flatten)]
    pub(crate) buildpacks: BuildpackArguments,
    #[command(flatten)]
    pub(crate) cache: CacheArguments,
    #[command(flatten)]
    pub(crate) bound: BoundArguments,
    #[command(flatten)]
    pub(crate) lock: LockedArguments,
    /// Run `slugbuilder lock` first, which writes slugbuilder.lock into SOURCE.
    #[arg(long = "lock", conflicts_with = "locked")]
    pub(crate) write_lock: bool,
    #[command(flatten)]
    pub(crate) mirror: MirrorArguments,
    #[command(flatten)]
    pub(crate) reuse: ReuseArguments,
    /// End the build after this long, for example 90s, 15m or 1h.
    #[arg(long, default_value = "15m", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: std::time::Duration,
    /// Build without any network; what is missing then is listed.
    #[arg(long, env = "SLUGBUILDER_OFFLINE", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) offline: bool,
    /// Keep files of installed packages that no program can load, such as object files of addons.
    #[arg(long, env = "SLUGBUILDER_KEEP_PACKAGE_FILES", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) keep_package_files: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    /// How hard to compress; the slug runs the same.
    #[arg(long, value_enum, default_value_t = CompressionLevel::Default, value_name = "HOW")]
    pub(crate) compression: CompressionLevel,
    /// Fail if the slug is larger than this many megabytes.
    #[arg(long, default_value_t = 500, value_name = "MB")]
    pub(crate) max_size: u64,
}

/// How far what is built is trusted.
#[derive(Debug, Args)]
pub(crate) struct TrustArguments {
    /// The source is somebody else's: build it in a sandbox, or not at all.
    #[arg(long)]
    pub(crate) untrusted: bool,
    /// Show these credentials of yours to the build. May be repeated.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) with_credentials: Vec<Credential>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Credential {
    /// `~/.npmrc` and `npm_config_*` as they are.
    Npm,
    /// `~/.netrc`.
    Netrc,
    /// `~/.bundle/config` and `BUNDLE_*`.
    Bundle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompressionLevel {
    /// For trying out: done in a fraction of the time, but larger to upload and to boot.
    Fast,
    /// For releases: small, and quick enough for every build.
    Default,
    /// For what is released rarely and booted often: the smallest, in several times the time.
    Best,
}

impl From<CompressionLevel> for slugbuilder::archive::Compression {
    fn from(level: CompressionLevel) -> Self {
        match level {
            CompressionLevel::Fast => Self::Fast,
            CompressionLevel::Default => Self::Default,
            CompressionLevel::Best => Self::Best,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ArchiveArguments {
    /// The folder that becomes the slug's ./app.
    pub(crate) directory: PathBuf,
    /// Where to write the slug; its slug.json goes beside it.
    #[arg(long, short, default_value = "slug.tgz", value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The stack that it runs on.
    #[arg(long, env = "STACK", default_value = "heroku-24", value_name = "NAME")]
    pub(crate) stack: String,
    /// The process types, as a JSON object; the folder's Procfile otherwise.
    #[arg(long, value_name = "JSON")]
    pub(crate) process_types: Option<String>,
    /// In a git work tree, keep the files that git ignores.
    #[arg(long)]
    pub(crate) all_files: bool,
    #[command(flatten)]
    pub(crate) cache: CacheArguments,
    #[command(flatten)]
    pub(crate) bound: BoundArguments,
    /// How hard to compress; the slug runs the same.
    #[arg(long, value_enum, default_value_t = CompressionLevel::Default, value_name = "HOW")]
    pub(crate) compression: CompressionLevel,
    /// Fail if the slug is larger than this many megabytes.
    #[arg(long, default_value_t = 500, value_name = "MB")]
    pub(crate) max_size: u64,
    /// Print slug.json to stdout, too.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  slugbuilder run slug.tgz                 the web process\n  \
    slugbuilder run slug.tgz worker          another process type\n  \
    slugbuilder run slug.tgz -- bash         a one-off command\n\n\
    The app gets a fresh copy of itself at /app, config vars, PORT and DYNO;\n\
    .profile.d/*.sh and .profile run first. Ctrl-C stops it as Heroku does: SIGTERM\n\
    to every process, SIGKILL after 30 seconds. Its exit status is that of the\n\
    process, 128 + N if signal N ended it."
)]
pub(crate) struct RunArguments {
    /// The slug.
    pub(crate) slug: PathBuf,
    /// The process type.
    #[arg(
        default_value = "web",
        value_name = "PROCESS TYPE",
        conflicts_with = "command"
    )]
    pub(crate) process_type: String,
    /// A command instead of a process type: one word is a shell script.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
    #[command(flatten)]
    pub(crate) variables: VariableArguments,
    /// The port for PORT.
    #[arg(long, short, env = "PORT", default_value_t = 5000)]
    pub(crate) port: u16,
    /// The process types, as a JSON object; from the slug.json beside the slug otherwise.
    #[arg(long, value_name = "JSON")]
    pub(crate) process_types: Option<String>,
    #[command(flatten)]
    pub(crate) cache: CacheArguments,
}

#[derive(Debug, Args)]
pub(crate) struct UnpackArguments {
    /// The slug.
    pub(crate) slug: PathBuf,
    /// The folder to make.
    pub(crate) directory: PathBuf,
}

fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    let (number, unit) = cache::number_and_unit(text);
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("use seconds, minutes or hours: 90s, 15m, 1h".into()),
    };
    let number: u64 = number.parse().map_err(|_| "a time starts with a number")?;
    match number.checked_mul(seconds) {
        Some(seconds @ 1..=604_800) => Ok(std::time::Duration::from_secs(seconds)),
        _ => Err("a time is between one second and a week".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_have_units() {
        let seconds = |text| parse_duration(text).map(|time| time.as_secs());
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("15m"), Ok(900));
        assert_eq!(seconds("1h"), Ok(3600));
        for bad in [
            "",
            "m",
            "1d",
            "-1s",
            "0",
            "1.5h",
            "99999999999999999999h",
            "18446744073709551615h",
        ] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
