//! Decisions that explain themselves (contract "decisions can be explained" of the design).

use crate::{Diagnosis, ObtainedFile, Pin, Warning};
use serde::{Deserialize, Serialize};

/// One question that a build answered, with everything that was considered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided, for example `node version` or `process web`.
    pub subject: String,
    /// What came of it, where that is more than the winner's value: `24.21.0` of `24.x`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The rule that chose the winner, in one sentence.
    pub rule: String,
    /// What was considered, in order of precedence, the losers too.
    pub candidates: Vec<Candidate>,
    /// Index of the winner in `candidates`; nothing where no candidate won.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<usize>,
    /// What is worth knowing of the answer and no reason to warn, each a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Decision {
    /// The candidate that won.
    #[must_use]
    pub fn winning(&self) -> Option<&Candidate> {
        self.winner.and_then(|index| self.candidates.get(index))
    }

    /// The answer: the outcome, else the winner's value.
    #[must_use]
    pub fn answer(&self) -> Option<&str> {
        self.outcome
            .as_deref()
            .or_else(|| self.winning().map(|candidate| candidate.value.as_str()))
    }
}

/// One answer that was considered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The answer, for example `24.x` or `node web.js`.
    pub value: String,
    /// The row of the order of precedence that it belongs to, for example `engines.node of package.json`; nothing where the question has
    /// no such order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Where it stands.
    pub origin: Origin,
    /// Why it won or lost, as the end of a sentence: `is the default`, `is preceded by web.js`.
    pub verdict: String,
}

impl Candidate {
    /// An answer that belongs to no order of precedence.
    #[must_use]
    pub fn new(value: impl Into<String>, origin: Origin, verdict: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            source: None,
            origin,
            verdict: verdict.into(),
        }
    }

    /// The same, of a row of the order of precedence.
    #[must_use]
    pub fn of_source(mut self, name: impl Into<String>) -> Self {
        self.source = Some(name.into());
        self
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A file of the source, relative to its root, with a line (from 1) where the value has one.
    File {
        /// Path below the source's root, in printable form.
        path: String,
        /// Line, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<usize>,
    },
    /// An environment variable or config var of this name.
    Env(String),
    /// Built into slugbuilder, with the date of the snapshot where it has one.
    Default(String),
}

impl Origin {
    /// A whole file.
    #[must_use]
    pub fn file(path: impl Into<String>) -> Self {
        Self::File {
            path: path.into(),
            line: None,
        }
    }

    /// A line of a file.
    #[must_use]
    pub fn line(path: impl Into<String>, line: usize) -> Self {
        Self::File {
            path: path.into(),
            line: Some(line),
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File {
                path,
                line: Some(line),
            } => write!(f, "{path}:{line}"),
            Self::File { path, line: None } => f.write_str(path),
            Self::Env(name) => write!(f, "${name}"),
            Self::Default(what) => f.write_str(what),
        }
    }
}

/// A language of the app and the runtime that serves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Language {
    /// `node`, `ruby` or `go`.
    pub name: String,
    /// The range or version that was asked for, as written.
    pub requested: String,
    /// Where that stands.
    pub requested_by: Origin,
    /// The exact version; nothing before the build has resolved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where the runtime was got, in words: `nodejs.org`, `the user's npm`, `mirror`, `the layer of the last build`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obtained_from: Option<String>,
    /// `sha256:<hex>` or `sha512:<hex>` of the archive it came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// How that checksum is known: `published`, `catalogue`, `pinned on first use`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_by: Option<String>,
}

/// What one phase of the buildpack (`detect` or `build`) writes to the file named by `SLUGBUILDER_REPORT`, as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseReport {
    /// The languages found.
    #[serde(default)]
    pub languages: Vec<Language>,
    /// Every decision, in the order in which they were made.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// Every warning.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// What a lock can pin: filled where a build only resolves (`SLUGBUILDER_RESOLVE_ONLY`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Pin>,
    /// The files that a build obtained, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ObtainedFile>,
    /// What went wrong, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Diagnosis>,
}
