//! What a program wrote.

/// Log output from a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOutput {
    /// What it wrote to stdout; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl std::fmt::Display for LogOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stdout, stderr } = self;
        write!(f, "## stderr:\n\n{stderr}\n## stdout:\n\n{stdout}\n")
    }
}
