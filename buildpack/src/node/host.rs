//! The machine that builds, and installing for another one.

use super::plan::Manager;
use crate::command::Client;
use crate::target::{Machine, Target};
use crate::version::Version;
use slugbuilder_report::{Explain, Fault};
use std::path::Path;

/// The first npm that selects packages by `libc` (`npm help config`); earlier ones install musl's beside glibc's.
const NPM_WITH_LIBC: Version = Version {
    major: 10,
    minor: 8,
    patch: 0,
};

/// The first pnpm with `--os`, `--cpu` and `--libc` (its changelog).
const PNPM_WITH_PLATFORM: Version = Version {
    major: 10,
    minor: 14,
    patch: 0,
};

/// The C library of a Linux machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Libc {
    /// GNU's, which the stacks have.
    Glibc,
    /// musl, as on Alpine, or one that is not known.
    Other,
}

/// The machine that builds: what its programs have to be made for, in npm's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// `linux`, `darwin`, …
    pub os: String,
    /// `x64`, `arm64`, …
    pub cpu: String,
    /// Which C library it has.
    pub libc: Libc,
}

impl Host {
    /// The machine that this program was made for. `root` is the root of its file system, where the C library is.
    #[must_use]
    pub fn detect(root: &Path) -> Self {
        let os = match std::env::consts::OS {
            "macos" => "darwin",
            other => other,
        };
        let (cpu, loader) = match std::env::consts::ARCH {
            "x86_64" => ("x64", "lib64/ld-linux-x86-64.so.2"),
            "aarch64" => ("arm64", "lib/ld-linux-aarch64.so.1"),
            other => (other, "lib/ld-linux.so"),
        };
        let libc = if root.join(loader).exists() {
            Libc::Glibc
        } else {
            Libc::Other
        };
        Self {
            os: os.to_owned(),
            cpu: cpu.to_owned(),
            libc,
        }
    }

    /// Whether programs for `machine` with Linux and glibc run here.
    #[must_use]
    pub fn runs(&self, machine: Machine) -> bool {
        self.os == "linux" && self.cpu == machine.node_name() && self.libc == Libc::Glibc
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let libc = match (self.os.as_str(), self.libc) {
            ("linux", Libc::Glibc) => " with glibc",
            ("linux", Libc::Other) => " without glibc",
            _ => "",
        };
        write!(f, "{}/{}{libc}", self.os, self.cpu)
    }
}

/// Installing packages for another machine than the one that builds, in npm's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cross {
    /// `linux`.
    pub os: &'static str,
    /// `x64` or `arm64`.
    pub cpu: &'static str,
    /// `glibc`.
    pub libc: &'static str,
}

impl Cross {
    /// What is to be installed for, where `target`'s programs do not run on `host`.
    #[must_use]
    pub fn between(host: &Host, target: &Target) -> Option<Self> {
        (!host.runs(target.machine)).then_some(Self {
            os: "linux",
            cpu: target.machine.node_name(),
            libc: "glibc",
        })
    }

    /// Makes the `manager`'s command that installs select the target's packages. Only npm and pnpm can be told from
    /// outside; what Yarn 2 and later reads is a file, which [`Cross::yarn_settings`] is the text of.
    pub(crate) fn apply(
        self,
        client: Client,
        manager: Manager,
        version: Version,
    ) -> Result<Client, CrossError> {
        let too_old = |needed| CrossError::TooOld {
            manager,
            version,
            needed,
        };
        match manager {
            Manager::Npm if version >= NPM_WITH_LIBC => Ok(client
                .env("npm_config_os", self.os)
                .env("npm_config_cpu", self.cpu)
                .env("npm_config_libc", self.libc)),
            Manager::Npm => Err(too_old(NPM_WITH_LIBC)),
            Manager::Pnpm if version >= PNPM_WITH_PLATFORM => Ok(client.args([
                format!("--os={}", self.os),
                format!("--cpu={}", self.cpu),
                format!("--libc={}", self.libc),
            ])),
            Manager::Pnpm => Err(too_old(PNPM_WITH_PLATFORM)),
            Manager::YarnBerry => Ok(client),
            Manager::YarnClassic => Err(CrossError::YarnClassic { version }),
        }
    }

    /// The settings of Yarn 2 and later (since 3.1) that select the target's packages, for a `.yarnrc.yml`.
    pub(crate) fn yarn_settings(self) -> String {
        format!(
            "supportedArchitectures:\n  os: [{}]\n  cpu: [{}]\n  libc: [{}]\n",
            self.os, self.cpu, self.libc
        )
    }
}

/// A package manager that cannot install for another machine.
#[derive(Debug, thiserror::Error)]
pub enum CrossError {
    /// Its later versions can.
    #[error("{} {version} cannot install packages for another machine", .manager.title())]
    TooOld {
        /// Which one.
        manager: Manager,
        /// Its version.
        version: Version,
        /// The first one that can.
        needed: Version,
    },
    /// Yarn 1 never can.
    #[error("Yarn {version} cannot install packages for another machine")]
    YarnClassic {
        /// Its version.
        version: Version,
    },
    /// There are packages whose addons would have to be compiled for it.
    #[error("{} cannot be built for another machine", one_or_more(.packages))]
    Addons {
        /// Their folders, relative to the app's.
        packages: Vec<String>,
        /// The machine that builds.
        host: Host,
    },
}

fn one_or_more(packages: &[String]) -> String {
    match packages {
        [one] => format!("the native addon in `{one}`"),
        more => format!("native addons of {} packages", more.len()),
    }
}

impl Explain for CrossError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooOld { .. } | Self::YarnClassic { .. } => "cross-install-unsupported",
            Self::Addons { .. } => "cross-native-addons",
        }
    }

    fn fault(&self) -> Fault {
        Fault::App
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Addons { packages, host } => Some(format!(
                "{}\nThis machine is {host}; they bring no compiled file for the slug's.",
                packages
                    .iter()
                    .map(|package| format!("- {package}"))
                    .collect::<Vec<_>>()
                    .join("\n")
            )),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        let on_linux = "Or build on Linux of the slug's machine with glibc.".to_owned();
        match self {
            Self::TooOld {
                manager, needed, ..
            } => vec![
                format!(
                    "Ask for {} {needed} or later with `packageManager` in package.json.",
                    manager.title()
                ),
                on_linux,
            ],
            Self::YarnClassic { .. } => vec![
                "Move to Yarn 4 (`yarn set version stable`), npm or pnpm, which can.".into(),
                on_linux,
            ],
            Self::Addons { .. } => vec![
                "Use versions of these packages that bring compiled files for Linux.".into(),
                on_linux,
            ],
        }
    }
}
