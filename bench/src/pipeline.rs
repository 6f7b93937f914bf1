//! Commands as data.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// Stands between two programs.
pub(crate) const PIPE: &str = "|";

/// One program, or several of which each reads what the one before it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pipeline {
    words: Vec<OsString>,
    output: Option<PathBuf>,
    directory: Option<PathBuf>,
    one_core: bool,
}

impl Pipeline {
    /// The program called `program`.
    pub(crate) fn new(program: impl Into<OsString>) -> Self {
        Self {
            words: vec![program.into()],
            output: None,
            directory: None,
            one_core: false,
        }
    }

    /// With this argument.
    pub(crate) fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.words.push(argument.into());
        self
    }

    /// With these arguments, separated by blanks.
    pub(crate) fn arguments(mut self, arguments: &str) -> Self {
        self.words
            .extend(arguments.split_whitespace().map(OsString::from));
        self
    }

    /// And what it writes is read by `program`.
    pub(crate) fn pipe(self, program: &str) -> Self {
        self.argument(PIPE).argument(program)
    }

    /// And what that writes goes to the file `path`.
    pub(crate) fn output(mut self, path: impl Into<PathBuf>) -> Self {
        self.output = Some(path.into());
        self
    }

    /// Run in this folder.
    pub(crate) fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Run on one processor core.
    pub(crate) fn one_core(mut self, one: bool) -> Self {
        self.one_core = one;
        self
    }

    /// As arguments of our own command `measure`.
    pub(crate) fn measure_arguments(&self) -> Vec<OsString> {
        let mut arguments = vec![OsString::from("measure")];
        let mut option = |name: &str, value: Option<&Path>| {
            if let Some(value) = value {
                arguments.push(name.into());
                arguments.push(value.into());
            }
        };
        option("--output", self.output.as_deref());
        option("--directory", self.directory.as_deref());
        if self.one_core {
            arguments.push("--one-core".into());
        }
        arguments.push("--".into());
        arguments.extend(self.words.iter().cloned());
        arguments
    }
}

impl fmt::Display for Pipeline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}",
            self.words.join(OsStr::new(" ")).to_string_lossy()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_becomes_arguments() {
        let pipeline = Pipeline::new("tar")
            .arguments("cf -")
            .argument("a b")
            .pipe("pigz")
            .output("o")
            .directory("d")
            .one_core(true);
        assert_eq!(
            pipeline.measure_arguments(),
            [
                "measure",
                "--output",
                "o",
                "--directory",
                "d",
                "--one-core",
                "--",
                "tar",
                "cf",
                "-",
                "a b",
                "|",
                "pigz"
            ]
        );
        assert_eq!(pipeline.to_string(), "tar cf - a b | pigz");
    }
}
