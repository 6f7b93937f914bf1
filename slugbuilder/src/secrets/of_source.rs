//! Secrets that the app's own configuration of package clients tells of: the variables that it names in place of a token,
//! and tokens that were written into it.

use super::credentials::{self, Found};
use slugbuilder_report::Warning;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// How a line of a file is read.
type ReadLine = fn(&str, &str) -> Vec<Found>;

/// The files, and how they are read.
const FILES: [(&str, ReadLine); 2] = [
    (".npmrc", credentials::of_npmrc_line),
    (".yarnrc.yml", credentials::of_yarnrc_line),
];

/// Bytes of the largest file that is read.
const LARGEST: u64 = 1 << 20;

/// What the files of a source tell.
#[derive(Debug, Default)]
pub(crate) struct OfSource {
    /// Config vars that stand where a credential does.
    pub(super) variables: BTreeSet<OsString>,
    /// Credentials that are written out.
    pub(super) literal: Vec<Literal>,
}

/// A credential that is written out.
#[derive(Debug)]
pub(super) struct Literal {
    /// The file, relative to the source.
    file: PathBuf,
    /// Counted from 1.
    line: usize,
    /// What it is called.
    pub(super) name: String,
    pub(super) value: Vec<u8>,
}

impl OfSource {
    /// Reads the files in `source`, and in `root`, a folder of it. What cannot be read, or leads out of the source, tells
    /// nothing: the survey refuses the one, and no build sees the other.
    pub(crate) fn read(source: &Path, root: Option<&Path>) -> Self {
        let mut of_source = Self::default();
        let Ok(source) = fs::canonicalize(source) else {
            return of_source;
        };
        let folders = [Some(Path::new("")), root];
        for folder in folders.into_iter().flatten() {
            for (name, read) in FILES {
                let file = folder.join(name);
                if let Some(text) = text_of(&source, &file) {
                    of_source.add(&file, &text, read);
                }
            }
        }
        of_source
    }

    fn add(&mut self, file: &Path, text: &str, read: ReadLine) {
        let place = file.to_string_lossy();
        for (line, text) in (1..).zip(text.lines()) {
            for (name, value) in read(text, &place) {
                let named = String::from_utf8_lossy(&value);
                let variables: Vec<_> =
                    credentials::variables(&named).map(OsString::from).collect();
                if !variables.is_empty() {
                    self.variables.extend(variables);
                } else if value.len() >= super::SHORTEST {
                    let file = file.to_owned();
                    self.literal.push(Literal {
                        file,
                        line,
                        name,
                        value,
                    });
                }
            }
        }
    }

    /// Whether a credential is written out.
    pub(crate) fn has_literal(&self) -> bool {
        !self.literal.is_empty()
    }

    /// Warnings of the credentials that are written out in files that enter the build.
    pub(crate) fn warnings(&self, is_staged: impl Fn(&Path) -> bool) -> Vec<Warning> {
        let literal = self.literal.iter();
        let places: BTreeSet<(&Path, usize)> = literal
            .map(|literal| (literal.file.as_path(), literal.line))
            .filter(|(file, _)| is_staged(file))
            .collect();
        let warning = |(file, line): (&Path, usize)| {
            Warning::new(
                "secret-in-source",
                format!(
                    "`{}` line {line} has a credential: whoever has the source or the slug can read it",
                    crate::tree::show(file)
                ),
            )
            .hint("Name a variable in its place, such as `${NPM_TOKEN}`, give its value with `--secret NPM_TOKEN`, and have the credential replaced.")
        };
        places.into_iter().map(warning).collect()
    }
}

/// The text of a file below `source`, which is canonical.
fn text_of(source: &Path, file: &Path) -> Option<String> {
    let path = fs::canonicalize(source.join(file)).ok()?;
    if !path.starts_with(source) {
        return None;
    }
    // O_NONBLOCK: to open a FIFO must not wait for a writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(path)
        .ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut content = Vec::new();
    file.take(LARGEST).read_to_end(&mut content).ok()?;
    Some(String::from_utf8_lossy(&content).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_credentials_of_the_apps_own_files_are_known_with_their_lines() {
        let source = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = source.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            ".npmrc",
            "registry=https://r.example\n//r.example/:_authToken=${OF_NPM}\n//s.example/:_authToken=npm-t0ken\n",
        );
        write(
            "api/.yarnrc.yml",
            "npmScopes:\n  acme:\n    npmAuthToken: \"${OF_YARN:-}\" # x\n  b: {npmAuthToken: ${INLINE}}\nnpmAuthIdent: me:hunter22\nnpmAuthTokens: x\n",
        );
        write("other/.npmrc", "//r.example/:_authToken=${NOT_READ}\n");
        let of_source = OfSource::read(source.path(), Some(Path::new("api")));
        let variables: Vec<_> = of_source
            .variables
            .iter()
            .map(|name| name.to_str())
            .collect();
        assert_eq!(variables, ["INLINE", "OF_NPM", "OF_YARN"].map(Some));
        let values: Vec<_> = of_source
            .literal
            .iter()
            .map(|one| String::from_utf8_lossy(&one.value))
            .collect();
        assert_eq!(
            values,
            ["npm-t0ken", "me:hunter22", "hunter22", "bWU6aHVudGVyMjI="]
        );
        let warnings = of_source.warnings(|_| true);
        let messages: Vec<_> = warnings
            .iter()
            .map(|warning| warning.message.as_str())
            .collect();
        insta::assert_snapshot!(messages.join("\n"), @"
        `.npmrc` line 3 has a credential: whoever has the source or the slug can read it
        `api/.yarnrc.yml` line 5 has a credential: whoever has the source or the slug can read it
        ");
        let staged = of_source.warnings(|file| file == Path::new(".npmrc"));
        assert_eq!(staged.len(), 1);
    }
}
