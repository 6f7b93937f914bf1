//! Everything that ends a phase.

use crate::app::AppError;
use crate::command::CommandError;
use crate::detect::DetectError;
use crate::lock::LockError;
use crate::node::NodeBuildError;
use crate::node::host::CrossError;
use crate::settings::SettingsError;
use crate::source::InstallError;
use crate::target::TargetError;
use slugbuilder_fetch::{CacheError, FetchError, UnpackError};
use slugbuilder_report::{Explain, Fault};

/// Everything that ends a phase.
#[derive(Debug, thiserror::Error)]
pub enum BuildpackError {
    /// A setting cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The target cannot be built for.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The app cannot be read.
    #[error(transparent)]
    App(#[from] AppError),
    /// The app cannot be built.
    #[error(transparent)]
    Detect(#[from] DetectError),
    /// A runtime cannot be had.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The lock does not fit.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Things that cannot be had without a network, or from a mirror folder alone.
    #[error("{} no {}", where_they_are_missing(missing), names(missing))]
    Missing {
        /// Each with where it was looked for.
        missing: Vec<InstallError>,
        /// Whether the app installs packages, which no mirror folder has.
        has_packages: bool,
    },
    /// A Node.js app does not build.
    #[error(transparent)]
    Node(#[from] NodeBuildError),
    /// Packages cannot be installed for the target on this machine.
    #[error(transparent)]
    Cross(#[from] CrossError),
    /// The client for transfers cannot be made.
    #[error(transparent)]
    Client(Box<FetchError>),
    /// The cache cannot be opened.
    #[error(transparent)]
    Cache(Box<CacheError>),
    /// `go build` failed.
    #[error("the Go program `{program}` does not build")]
    GoBuild {
        /// Which one.
        program: String,
        /// What go says.
        #[source]
        error: CommandError,
    },
    /// A folder or link lies where a program goes.
    #[error("`{output}` is in the way of the program that is built")]
    InTheWay {
        /// The path in the app.
        output: String,
    },
    /// Reading or writing failed.
    #[error("cannot write the layers")]
    Disk(#[source] std::io::Error),
    /// The report cannot be written.
    #[error("cannot write the report")]
    Report(#[source] std::io::Error),
    /// The embedded catalogue cannot be read.
    #[error("the embedded catalogue cannot be read")]
    Catalogue(#[source] toml::de::Error),
    /// What was decided cannot be told to CNB.
    #[error("cannot write CNB's files: {0}")]
    Plan(String),
}

impl BuildpackError {
    /// The error of an archive from `source` that cannot be unpacked.
    pub(crate) fn unusable_archive(source: &str, error: UnpackError) -> Self {
        Self::Install(InstallError::Unusable {
            what: "the archive".to_owned(),
            name: source.to_owned(),
            error: Box::new(error.into()),
        })
    }

    fn inner(&self) -> Option<&dyn Explain> {
        match self {
            Self::Settings(error) => Some(error),
            Self::Target(error) => Some(error),
            Self::App(error) => Some(error),
            Self::Detect(error) => Some(error),
            Self::Install(error) => Some(error),
            Self::Lock(error) => Some(error),
            Self::Node(error) => Some(error),
            Self::Cross(error) => Some(error),
            Self::Client(error) => Some(error.as_ref()),
            Self::Cache(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

fn is_of_folder(missing: &[InstallError]) -> bool {
    missing.iter().any(InstallError::is_of_folder)
}

fn where_they_are_missing(missing: &[InstallError]) -> &'static str {
    if is_of_folder(missing) {
        "the mirror folder has"
    } else {
        "without a network there is"
    }
}

/// `Node.js 24.1.0, npm 11.6.2 and Go 1.26.1`.
fn names(missing: &[InstallError]) -> String {
    let names: Vec<&str> = missing.iter().map(InstallError::what).collect();
    match names.as_slice() {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        _ => names.concat(),
    }
}

impl From<BuildpackError> for libcnb::Error<BuildpackError> {
    fn from(error: BuildpackError) -> Self {
        Self::BuildpackError(error)
    }
}

impl Explain for BuildpackError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing { missing, .. } if is_of_folder(missing) => "not-in-mirror",
            Self::Missing { .. } => "not-there-offline",
            Self::GoBuild { .. } => "go-build-failed",
            Self::InTheWay { .. } => "program-in-the-way",
            Self::Disk(_) => "layers-disk",
            Self::Report(_) => "report-disk",
            Self::Catalogue(_) | Self::Plan(_) => "buildpack-bug",
            other => other.inner().map_or("buildpack-bug", Explain::code),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::GoBuild {
                error: CommandError::Failed { .. },
                ..
            }
            | Self::InTheWay { .. } => Fault::App,
            Self::Missing { .. } | Self::GoBuild { .. } => Fault::Unavailable,
            Self::Disk(_) | Self::Report(_) => Fault::Io,
            other => other.inner().map_or(Fault::Bug, Explain::fault),
        }
    }

    fn explanation(&self) -> Option<String> {
        if let Self::Missing { missing, .. } = self {
            let lines: Vec<String> = missing
                .iter()
                .map(InstallError::where_it_was_looked_for)
                .collect();
            return Some(lines.join("\n"));
        }
        self.inner().and_then(Explain::explanation)
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::GoBuild { .. } => {
                vec!["Run `CGO_ENABLED=0 go build` in the app's folder to see the same.".into()]
            }
            Self::Missing {
                missing,
                has_packages,
            } => {
                let mut hints: Vec<String> = if is_of_folder(missing) {
                    vec!["Where there is a network, run `slugbuilder vendor` for this app and this folder.".into()]
                } else {
                    vec![
                        "Where there is a network, fill a folder with `slugbuilder vendor DIR SOURCE`, and build here with `--mirror DIR`.".into(),
                        "Or build once with the network on, with the same cache folder.".into(),
                    ]
                };
                if *has_packages {
                    hints.push("The app's packages are in no mirror folder: without a network they come from the package manager's cache, which an earlier build of this app has filled, or from the source.".into());
                }
                hints
            }
            Self::InTheWay { output } => vec![format!("Rename or remove `{output}`.")],
            other => other.inner().map(Explain::hints).unwrap_or_default(),
        }
    }

    fn retryable(&self) -> bool {
        self.inner().is_some_and(Explain::retryable)
    }
}

/// An error of libcnb: the platform gave something that cannot be used, or took something away.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FrameworkError(pub(crate) String);

impl Explain for FrameworkError {
    fn code(&self) -> &'static str {
        "cnb-platform"
    }

    fn fault(&self) -> Fault {
        Fault::Io
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceError;
    use slugbuilder_report::{Diagnosis, Style};

    fn render(error: &BuildpackError) -> String {
        Diagnosis::of(error).render(Style::Plain)
    }

    #[test]
    fn errors_of_our_own_have_a_text_each() {
        let in_the_way = BuildpackError::InTheWay {
            output: "bin/web".into(),
        };
        insta::assert_snapshot!(render(&in_the_way), @r"
        error[program-in-the-way]: `bin/web` is in the way of the program that is built

          hint: Rename or remove `bin/web`.
        ");
        let missing = BuildpackError::Missing {
            missing: vec![InstallError::NoSource {
                what: "npm 11.1.0".into(),
                failed: vec![("the user's npm".into(), SourceError::Offline)],
            }],
            has_packages: true,
        };
        insta::assert_snapshot!(render(&missing), @r"
        error[not-there-offline]: without a network there is no npm 11.1.0

          npm 11.1.0:
            - the user's npm: needs the network, which is off

          hint: Where there is a network, fill a folder with `slugbuilder vendor DIR SOURCE`, and build here with `--mirror DIR`.
          hint: Or build once with the network on, with the same cache folder.
          hint: The app's packages are in no mirror folder: without a network they come from the package manager's cache, which an earlier build of this app has filled, or from the source.
        ");
        let full = || std::io::Error::other("No space left on device");
        insta::assert_snapshot!(render(&BuildpackError::Disk(full())), @r"
        error[layers-disk]: cannot write the layers
          caused by: No space left on device
        ");
        insta::assert_snapshot!(render(&BuildpackError::Report(full())), @r"
        error[report-disk]: cannot write the report
          caused by: No space left on device
        ");
        insta::assert_snapshot!(render(&BuildpackError::Plan("x".into())), @r"error[buildpack-bug]: cannot write CNB's files: x");
        let missing = BuildpackError::GoBuild {
            program: "web".into(),
            error: CommandError::Missing("go".into()),
        };
        insta::assert_snapshot!(render(&missing), @r"
        error[go-build-failed]: the Go program `web` does not build
          caused by: `go` is not installed

          hint: Run `CGO_ENABLED=0 go build` in the app's folder to see the same.
        ");
        let framework = FrameworkError("Couldn't read store.toml: x".into());
        insta::assert_snapshot!(Diagnosis::of(&framework).render(Style::Plain), @r"error[cnb-platform]: Couldn't read store.toml: x");
    }

    #[test]
    fn errors_of_parts_keep_their_explanation() {
        let error = BuildpackError::from(TargetError::System("windows".into()));
        assert_eq!(
            Diagnosis::of(&error),
            Diagnosis::of(&TargetError::System("windows".into()))
        );
    }
}
