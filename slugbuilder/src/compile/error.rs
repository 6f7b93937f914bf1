//! Why a build made no slug.

use crate::app_root::RootError;
use crate::archive::ArchiveError;
use crate::cnb::CnbError;
use crate::layout::after_build::AfterBuildError;
use crate::lock::LockError;
use crate::sandbox::SandboxError;
use crate::secrets::{Secrets, SecretsInSlug};
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
    /// The lock of the source.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The app's folder in the source.
    #[error(transparent)]
    Root(#[from] RootError),
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
    /// The slug would hold secrets.
    #[error(transparent)]
    Secrets(#[from] SecretsInSlug),
    /// One of the others, which quoted a secret.
    #[error("{}", .0.diagnosis.headline)]
    Redacted(Box<RedactedError>),
    /// Writing the slug.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Writing slug.json.
    #[error(transparent)]
    Manifest(#[from] SlugError),
    /// The cache of downloads.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// No sandbox can be had, and the buildpack is not ours, or the source is not the user's: it could do anything to this
    /// machine.
    #[error("a buildpack or source of someone else needs a sandbox, and this machine offers none")]
    UntrustedWithoutSandbox(#[source] SandboxError),
}

impl CompileError {
    fn cause(&self) -> Option<&dyn Explain> {
        Some(match self {
            Self::Stage(error) => error,
            Self::AfterBuild(error) => error,
            Self::Lock(error) => error,
            Self::Root(error) => error,
            Self::Workspace(error) => error,
            Self::Sandbox(error) => error,
            Self::Buildpack(error) => error,
            Self::Stack(error) => error,
            Self::Archive(error) => error,
            Self::Manifest(error) => error,
            Self::Cache(error) => error,
            Self::Secrets(error) => error,
            Self::UntrustedWithoutSandbox(_) | Self::Redacted(_) => return None,
        })
    }
}

/// What is left of an error that quoted a secret.
#[derive(Debug)]
pub struct RedactedError {
    code: &'static str,
    diagnosis: Diagnosis,
}

impl CompileError {
    /// The same without secrets.
    pub(super) fn redacted(self, secrets: &Secrets) -> Self {
        // That of a buildpack explains less than there is to know of our own error.
        let (own, diagnosis) = (Diagnosis::of(&self), self.diagnosis());
        let redacted = secrets.redact_diagnosis(&diagnosis);
        if redacted == diagnosis && secrets.redact_diagnosis(&own) == own {
            return self;
        }
        Self::Redacted(Box::new(RedactedError {
            code: self.code(),
            diagnosis: redacted,
        }))
    }
}

impl Explain for CompileError {
    fn code(&self) -> &'static str {
        match self {
            Self::Redacted(error) => error.code,
            _ => self
                .cause()
                .map_or("untrusted-without-sandbox", Explain::code),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Redacted(error) => error.diagnosis.fault,
            _ => self.cause().map_or(Fault::Unavailable, Explain::fault),
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Redacted(error) => error.diagnosis.explanation.clone(),
            _ => self.cause().and_then(Explain::explanation),
        }
    }

    fn hints(&self) -> Vec<String> {
        if let Self::Redacted(error) = self {
            return error.diagnosis.hints.clone();
        }
        self.cause().map_or_else(
            || vec!["Allow unprivileged user namespaces, for example with `sysctl user.max_user_namespaces=10000`.".into()],
            Explain::hints,
        )
    }

    fn diagnosis(&self) -> Diagnosis {
        match self {
            Self::Buildpack(error) => error.diagnosis(),
            Self::Redacted(error) => error.diagnosis.clone(),
            _ => Diagnosis::of(self),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Redacted(error) => error.diagnosis.retryable,
            _ => self.cause().is_some_and(Explain::retryable),
        }
    }
}
