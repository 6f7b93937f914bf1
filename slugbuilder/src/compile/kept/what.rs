//! What goes into a build, by names that a person knows.

use serde::{Deserialize, Serialize};

/// Something that goes into a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    /// The running program, which is the embedded buildpack, too.
    Slugbuilder,
    /// The stack.
    Stack,
    /// Which buildpacks in which order.
    Order,
    /// A buildpack, as the user named it.
    Buildpack(String),
    /// Whether files that git ignores are staged.
    AllFiles,
    /// Whether there is a network.
    Network,
    /// Which credentials pass.
    Credentials,
    /// A config var.
    ConfigVar(String),
    /// A config var that the user calls a secret.
    Secret(String),
    /// A `SLUGBUILDER_*` variable.
    PlatformVariable(String),
    /// A variable or a file of the user's that passes, in words.
    Host(String),
    /// Which folders of the machine show.
    Shown,
    /// Files that stand for what the machine has.
    Machine,
    /// The source.
    Source,
}

/// How something that is no file differs from what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    New,
    Gone,
    Other,
}

impl What {
    /// A change of it, as a clause.
    pub(super) fn clause(&self, change: Change) -> String {
        let subject = match self {
            Self::Secret(name) => {
                let verb = match change {
                    Change::New | Change::Other => "became a secret",
                    Change::Gone => "is no secret any more",
                };
                return format!("config var `{name}` {verb}");
            }
            Self::Slugbuilder => return "slugbuilder is another version".to_owned(),
            Self::Stack => "the stack".to_owned(),
            Self::Order => "the order of the buildpacks".to_owned(),
            Self::Buildpack(name) => format!("the buildpack `{name}`"),
            Self::AllFiles => "--all-files".to_owned(),
            Self::Network => "--offline".to_owned(),
            Self::Credentials => "--with-credentials".to_owned(),
            Self::ConfigVar(name) => format!("config var `{name}`"),
            Self::PlatformVariable(name) => format!("the variable `{name}`"),
            Self::Host(what) => what.clone(),
            Self::Shown => "what builds see of this machine".to_owned(),
            Self::Machine => "what this machine has".to_owned(),
            Self::Source => "the source".to_owned(),
        };
        let verb = match change {
            Change::New => "is new",
            Change::Gone => "is gone",
            Change::Other => "changed",
        };
        format!("{subject} {verb}")
    }

    /// A change of a file of it, as a clause.
    pub(super) fn clause_of_file(&self, difference: &str) -> String {
        match self {
            Self::Source => difference.to_owned(),
            Self::Machine => format!("{difference} on this machine"),
            Self::Slugbuilder => self.clause(Change::Other),
            _ => format!("{}: {difference}", self.clause(Change::Other)),
        }
    }
}
