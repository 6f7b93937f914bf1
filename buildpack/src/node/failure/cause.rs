//! Why a program of the build failed: what package managers, node-gyp, git and Node.js write when they do.

mod find;

use super::{Failure, Step};
use slugbuilder_report::Fault;

/// Why a program of the build failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The lockfile and `package.json` do not say the same.
    LockfileOutOfSync,
    /// Packages ask for versions of a peer that exclude each other.
    PeerConflict,
    /// A package is for another kind of machine.
    Platform,
    /// A package or version asks for another Node.js.
    Engine,
    /// A package does not exist, as far as the registry tells.
    NoPackage,
    /// A package exists, but not this version.
    NoVersion,
    /// The registry refuses without, or with these, credentials.
    Unauthorized,
    /// The registry cannot be reached, or does not answer.
    Unreachable,
    /// The build is without network, and something is not in the cache.
    NotCached,
    /// A file does not have the hash that the lockfile has of it.
    Integrity,
    /// A dependency comes through git, which is not there.
    NoGit,
    /// A git repository cannot be read.
    GitRefused,
    /// A native addon needs Python.
    NoPython,
    /// A native addon needs make and a compiler.
    NoCompiler,
    /// A native addon does not compile.
    AddonFailed,
    /// A program was killed for want of memory, or Node.js gave up.
    OutOfMemory,
    /// webpack 4 and others of its age ask OpenSSL for a hash that Node.js 17 and later do not have.
    OpenSsl,
    /// A program was made for a newer glibc.
    Glibc,
    /// The disk is full.
    DiskFull,
    /// A program that a script calls is not there.
    NoProgram(String),
    /// A file that a script needs is not there.
    NoModule(String),
    /// Anything else.
    Unknown,
}

impl Cause {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::LockfileOutOfSync => "lockfile-out-of-sync",
            Self::PeerConflict => "peer-dependency-conflict",
            Self::Platform => "package-for-another-platform",
            Self::Engine => "package-for-another-node",
            Self::NoPackage => "package-not-found",
            Self::NoVersion => "package-version-not-found",
            Self::Unauthorized => "registry-unauthorized",
            Self::Unreachable => "registry-unreachable",
            Self::NotCached => "package-not-cached",
            Self::Integrity => "package-integrity",
            Self::NoGit => "git-missing",
            Self::GitRefused => "git-dependency-refused",
            Self::NoPython => "python-missing",
            Self::NoCompiler => "compiler-missing",
            Self::AddonFailed => "addon-failed",
            Self::OutOfMemory => "out-of-memory",
            Self::OpenSsl => "openssl-unsupported-algorithm",
            Self::Glibc => "glibc-too-old",
            Self::DiskFull => "disk-full",
            Self::NoProgram(_) => "script-program-missing",
            Self::NoModule(_) => "script-module-missing",
            Self::Unknown => "build-failed",
        }
    }

    pub(super) fn fault(&self) -> Fault {
        match self {
            Self::Unreachable => Fault::TryLater,
            Self::NotCached | Self::NoGit | Self::NoPython | Self::NoCompiler => Fault::Unavailable,
            Self::DiskFull => Fault::Io,
            _ => Fault::App,
        }
    }

    /// The cause as the end of a headline; nothing where only the exit code is known.
    pub(super) fn headline(&self, failure: &Failure) -> Option<String> {
        Some(match self {
            Self::LockfileOutOfSync => {
                let lockfile = failure.lockfile.as_deref().unwrap_or("the lockfile");
                format!("`{lockfile}` and `package.json` do not fit")
            }
            Self::PeerConflict => {
                "packages ask for versions of the same peer that exclude each other".into()
            }
            Self::Platform => "a package is for another kind of machine".into(),
            Self::Engine => "a package asks for another version".into(),
            Self::NoPackage => "a package is not in the registry, or may not be seen".into(),
            Self::NoVersion => "a version of a package does not exist".into(),
            Self::Unauthorized => "the registry asks for credentials".into(),
            Self::Unreachable => "a place that packages come from cannot be reached".into(),
            Self::NotCached => {
                "a package is not in the cache, and the build is without network".into()
            }
            Self::Integrity => "a package does not have the hash that the lockfile has".into(),
            Self::NoGit => "a dependency comes through git, which is not installed".into(),
            Self::GitRefused => "the repository of a git dependency cannot be read".into(),
            Self::NoPython => "a native addon needs Python to be built".into(),
            Self::NoCompiler => "a native addon needs `make` and `g++` to be built".into(),
            Self::AddonFailed => "a native addon does not compile".into(),
            Self::OutOfMemory => "it ran out of memory".into(),
            Self::OpenSsl => "it uses a hash function that OpenSSL 3 does not have".into(),
            Self::Glibc => "a program was made for a newer glibc than this machine's".into(),
            Self::DiskFull => "the disk is full".into(),
            Self::NoProgram(program) => format!("there is no program `{program}`"),
            Self::NoModule(module) => format!("there is no module `{module}`"),
            Self::Unknown => return None,
        })
    }

    pub(super) fn hints(&self, failure: &Failure) -> Vec<String> {
        let update = failure.update_command();
        let place = match failure.root.as_str() {
            "" => "the app's folder".to_owned(),
            root => format!("`{root}`"),
        };
        let hint = |text: &str| vec![text.to_owned()];
        match self {
            Self::LockfileOutOfSync => {
                let lockfile = failure.lockfile.as_deref().unwrap_or("the lockfile");
                vec![format!(
                    "Run `{update}` in {place} and commit `{lockfile}`."
                )]
            }
            Self::PeerConflict => vec![
                format!("Run `{update}` in {place} and choose versions that fit."),
                "`legacy-peer-deps=true` in `.npmrc` makes npm take them as they are.".into(),
            ],
            Self::Platform => hint(
                "Move the package to `optionalDependencies`, which are left out where they do not fit.",
            ),
            Self::Engine => hint("Ask for a version of Node.js that fits in `engines.node` of `package.json`."),
            Self::NoPackage => vec![
                "Check the package's name in `package.json`.".into(),
                private_registry(),
            ],
            Self::NoVersion => vec![format!(
                "Choose an existing version in `package.json` and run `{update}` in {place}."
            )],
            Self::Unauthorized => vec![private_registry()],
            Self::Unreachable => vec![
                "Run the same again.".into(),
                "Behind a proxy, set `HTTPS_PROXY`; another registry is set by `registry=` in `.npmrc`.".into(),
            ],
            Self::NotCached => hint("Build once with network: what is downloaded is kept for the next builds."),
            Self::Integrity => vec![format!(
                "If the registry is to be trusted, run `{update}` in {place} and look at what changes in the lockfile."
            )],
            Self::NoGit => hint("Install git on this machine, or depend on a published version."),
            Self::GitRefused => hint(
                "Write the dependency as `git+https://…`, or publish it: the build has no SSH keys.",
            ),
            Self::NoPython | Self::NoCompiler => hint(
                "Install Python 3, make and g++ on this machine (`apt install python3 make g++`).",
            ),
            Self::AddonFailed => hint(
                "A newer version of the package may support this version of Node.js.",
            ),
            Self::OutOfMemory => hint(
                "Set the config var `NODE_OPTIONS=--max-old-space-size=4096` (megabytes), or build on a machine with more memory.",
            ),
            Self::OpenSsl => vec![
                "Update the tool that fails, for example webpack to version 5.".into(),
                "Until then, the config var `NODE_OPTIONS=--openssl-legacy-provider` lets it pass.".into(),
            ],
            Self::Glibc => hint("Build for a newer stack, or choose an older version of that program."),
            Self::DiskFull => hint("Free some space: `slugbuilder cache` shows what is kept."),
            Self::NoProgram(_) => vec![format!(
                "Add the package that brings it with `{update}`, as a development dependency where only the build needs it."
            )],
            Self::NoModule(_) => hint(
                "Check the path, and that the package is in `dependencies` or `devDependencies`.",
            ),
            Self::Unknown => match &failure.step {
                Step::Script { name, .. } => vec![format!(
                    "Run `{} run {name}` in a fresh checkout to see the same.",
                    update.split(' ').next().unwrap_or_default()
                )],
                _ => Vec::new(),
            },
        }
    }
}

fn private_registry() -> String {
    "For a private registry write `//HOST/:_authToken=${NPM_TOKEN}` into `.npmrc` and give the build \
     `NPM_TOKEN` (`--secret NPM_TOKEN`), or pass your own with `--with-credentials npm`."
        .into()
}
