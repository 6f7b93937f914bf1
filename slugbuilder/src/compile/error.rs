//! Why a build made no slug.

use crate::archive::ArchiveError;
use crate::cnb::CnbError;
use crate::layout::after_build::AfterBuildError;
use crate::sandbox::SandboxError;
use crate::slug::SlugError;
use crate::stack::StackError;
use crate::stage::StageError;
use crate::workspace::WorkspaceError;
use slugbuilder_fetch::CacheError;
use slugbuilder_report::{Diagnosis, Explain, Fault};

/// The stage that failed, with its own error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// Surveying or copying the source.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A file that says what leaves the slug after the build.
    #[error(transparent)]
    AfterBuild(#[from] AfterBuildError),
    /// The work folder.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The sandbox.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A buildpack, or the rules that it has to keep.
    #[error(transparent)]
    Buildpack(#[from] CnbError),
    /// The runtime does not fit the stack.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// Writing the slug.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Writing slug.json.
    #[error(transparent)]
    Manifest(#[from] SlugError),
    /// The cache of downloads.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// No sandbox can be had, and the buildpack is not ours: it could do anything to this machine.
    #[error("a buildpack of someone else needs a sandbox, and this machine offers none")]
    UntrustedWithoutSandbox(#[source] SandboxError),
}

impl CompileError {
    fn cause(&self) -> Option<&dyn Explain> {
        Some(match self {
            Self::Stage(error) => error,
            Self::AfterBuild(error) => error,
            Self::Workspace(error) => error,
            Self::Sandbox(error) => error,
            Self::Buildpack(error) => error,
            Self::Stack(error) => error,
            Self::Archive(error) => error,
            Self::Manifest(error) => error,
            Self::Cache(error) => error,
            Self::UntrustedWithoutSandbox(_) => return None,
        })
    }
}

impl Explain for CompileError {
    fn code(&self) -> &'static str {
        self.cause()
            .map_or("untrusted-without-sandbox", Explain::code)
    }

    fn fault(&self) -> Fault {
        self.cause().map_or(Fault::Unavailable, Explain::fault)
    }

    fn explanation(&self) -> Option<String> {
        self.cause().and_then(Explain::explanation)
    }

    fn hints(&self) -> Vec<String> {
        self.cause().map_or_else(
            || vec!["Allow unprivileged user namespaces, for example with `sysctl user.max_user_namespaces=10000`.".into()],
            Explain::hints,
        )
    }

    fn diagnosis(&self) -> Diagnosis {
        match self {
            Self::Buildpack(error) => error.diagnosis(),
            _ => Diagnosis::of(self),
        }
    }

    fn retryable(&self) -> bool {
        self.cause().is_some_and(Explain::retryable)
    }
}
