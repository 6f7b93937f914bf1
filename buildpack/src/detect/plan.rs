//! What detection finds, as data.

use super::go_programs::GoApp;
use crate::node::NodeApp;
use crate::runtime::Runtime;
use crate::version::Resolved;
use slugbuilder_report::{Decision, Language, Origin, PhaseReport, Warning};

/// A process type of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedProcess {
    /// Its name, as written.
    pub name: String,
    /// Its command: shell text where it comes from a Procfile, else words with single blanks between.
    pub command: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether the command is run by a shell.
    pub shell: bool,
    /// The folder that it is run in, relative to the app directory; nothing for that itself.
    pub working_directory: Option<String>,
}

/// A language of the app with the version that it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedLanguage {
    /// Which one.
    pub runtime: Runtime,
    /// Its version; for Ruby's default this is what the first source is asked for.
    pub resolved: Resolved,
}

/// Everything that the build needs to know of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPlan {
    /// The languages, in the order of [`Runtime::ALL`].
    pub languages: Vec<PlannedLanguage>,
    /// The process types, in the order in which they are written.
    pub processes: Vec<PlannedProcess>,
    /// The app's folder inside the source, empty for the whole of it: where everything was looked for.
    pub folder: String,
    /// What there is to build of Go.
    pub go: GoApp,
    /// What there is to build of Node.js: for an app with a `package.json` that says something.
    pub node: Option<NodeApp>,
    /// Whether a process starts npm or npx, whichever manager installs the app's packages.
    pub needs_npm: bool,
    /// The file that requires WEBrick, where the app has no Gemfile that could bring it.
    pub webrick: Option<Origin>,
    /// Every decision, in the order in which they were made.
    pub decisions: Vec<Decision>,
    /// Every warning.
    pub warnings: Vec<Warning>,
}

impl AppPlan {
    /// The planned language of `runtime`.
    #[must_use]
    pub fn language(&self, runtime: Runtime) -> Option<&PlannedLanguage> {
        self.languages
            .iter()
            .find(|language| language.runtime == runtime)
    }

    /// The plan as the report of a phase.
    #[must_use]
    pub fn report(&self) -> PhaseReport {
        PhaseReport {
            languages: self.languages.iter().map(PlannedLanguage::report).collect(),
            decisions: self.decisions.clone(),
            warnings: self.warnings.clone(),
            ..PhaseReport::default()
        }
    }
}

impl PlannedLanguage {
    /// The language as reported before anything is installed.
    #[must_use]
    pub fn report(&self) -> Language {
        let requested = &self.resolved.requested;
        // What apt has stands in for Ruby's default where Heroku cannot be reached: only the build can tell.
        let is_open = self.runtime == Runtime::Ruby && requested.is_default();
        Language {
            name: self.runtime.name().to_owned(),
            requested: requested.text.clone(),
            requested_by: requested.origin.clone(),
            version: (!is_open).then(|| self.resolved.version.to_string()),
            obtained_from: None,
            checksum: None,
            verified_by: None,
        }
    }
}
