//! The languages that this buildpack builds.

use serde::{Deserialize, Serialize};

/// A language runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Node.js.
    Node,
    /// Ruby (MRI).
    Ruby,
    /// Go, which is needed to build only.
    Go,
}

impl Runtime {
    /// Every runtime, in the order in which they are looked for and installed.
    pub const ALL: [Self; 3] = [Self::Node, Self::Ruby, Self::Go];

    /// The name in data: `node`, `ruby` or `go`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Ruby => "ruby",
            Self::Go => "go",
        }
    }

    /// The name in prose.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Node => "Node.js",
            Self::Ruby => "Ruby",
            Self::Go => "Go",
        }
    }
}

impl std::fmt::Display for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.title())
    }
}
