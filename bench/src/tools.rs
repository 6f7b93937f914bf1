//! Programs that rows need.

use crate::error::BenchError;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A program, and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    /// What people call it.
    pub(crate) name: &'static str,
    /// What shells call it.
    pub(crate) program: &'static str,
    /// Debian's package.
    pub(crate) package: &'static str,
    /// The argument that makes it tell its version.
    pub(crate) version: &'static str,
}

const fn tool(name: &'static str, program: &'static str, package: &'static str) -> Tool {
    Tool {
        name,
        program,
        package,
        version: "--version",
    }
}

pub(crate) const TAR: Tool = tool("GNU tar", "tar", "tar");
pub(crate) const GZIP: Tool = tool("gzip", "gzip", "gzip");
pub(crate) const SHA256SUM: Tool = tool("coreutils", "sha256sum", "coreutils");
pub(crate) const PIGZ: Tool = tool("pigz", "pigz", "pigz");
pub(crate) const IGZIP: Tool = tool("igzip", "igzip", "isal");
pub(crate) const BSDTAR: Tool = tool("bsdtar", "bsdtar", "libarchive-tools");
pub(crate) const NPM: Tool = tool("npm", "npm", "npm");
pub(crate) const GO: Tool = Tool {
    name: "Go",
    program: "go",
    package: "golang-go",
    version: "version",
};

/// All whose versions matter for the figures.
pub(crate) const ALL: &[Tool] = &[TAR, GZIP, PIGZ, IGZIP, BSDTAR, GO, SHA256SUM];

/// Whether there is such a program on the `PATH`.
pub(crate) fn installed(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else {
        return false;
    };
    std::env::split_paths(&path).any(|folder| is_program(&folder.join(program)))
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Fails if there is no such program.
pub(crate) fn require(tool: Tool) -> Result<(), BenchError> {
    if installed(tool.program) {
        return Ok(());
    }
    Err(BenchError::MissingTool {
        program: tool.program.into(),
        package: tool.package,
        peer: false,
    })
}

/// Fails if there is no such program, which rows of others need only.
pub(crate) fn require_peer(tool: Tool) -> Result<(), BenchError> {
    require(tool).map_err(|error| match error {
        BenchError::MissingTool {
            program, package, ..
        } => BenchError::MissingTool {
            program,
            package,
            peer: true,
        },
        error => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};

    #[test]
    fn programs_are_found_or_named_with_their_package() {
        assert!(installed("sh"));
        let none = tool("none", "no-such-program-anywhere", "a-package");
        assert!(!installed(none.program));
        let rendered = |error| Diagnosis::of(&error).render(Style::Plain);
        insta::assert_snapshot!(rendered(require(none).unwrap_err()), @r"
        error[missing-tool]: `no-such-program-anywhere` is not installed

          hint: Install it: `apt-get install a-package`.
        ");
        insta::assert_snapshot!(rendered(require_peer(none).unwrap_err()), @r"
        error[missing-tool]: `no-such-program-anywhere` is not installed

          hint: Install it: `apt-get install a-package`.
          hint: `--skip-missing-peers` measures without `no-such-program-anywhere`, and says so.
        ");
    }
}
