//! What this buildpack reads of `Gemfile` and `go.mod`; for `package.json` see [`crate::node::PackageJson`].

use crate::app::{App, AppError};
use crate::node::PackageJsonError;
use slugbuilder_report::{Explain, Fault};

/// `Gemfile`, as far as it can be read without running it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gemfile {
    /// The line of the first gem, where there is one.
    pub first_gem: Option<(String, usize)>,
}

impl Gemfile {
    /// Reads the app's `Gemfile`.
    pub fn read(app: &App) -> Result<Option<Self>, ManifestError> {
        let Some(text) = app.text("Gemfile")? else {
            return Ok(None);
        };
        let first_gem = text.lines().enumerate().find_map(|(index, line)| {
            let rest = line.trim_start();
            let rest = rest
                .strip_prefix("gem")
                .or_else(|| rest.strip_prefix("gemspec"))?;
            let name = rest.strip_prefix([' ', '(', '\t'])?.trim_start();
            let quote = name.chars().next().filter(|c| *c == '"' || *c == '\'')?;
            let name = name[1..].split(quote).next()?;
            Some((name.to_owned(), index + 1))
        });
        Ok(Some(Self { first_gem }))
    }
}

/// `go.mod`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoMod {
    /// The module's path; empty where there is no `module` line.
    pub module: String,
    /// The `go` line's version with its line.
    pub go: Option<(String, usize)>,
    /// The `toolchain` line's name with its line.
    pub toolchain: Option<(String, usize)>,
    /// The version of a comment `// +heroku goVersion`, with its line.
    pub heroku_version: Option<(String, usize)>,
}

impl GoMod {
    /// Reads the app's `go.mod`.
    pub fn read(app: &App) -> Result<Option<Self>, ManifestError> {
        let Some(text) = app.text("go.mod")? else {
            return Ok(None);
        };
        let mut found = Self::default();
        for (index, line) in text.lines().enumerate() {
            let at = index + 1;
            let (code, comment) = line.split_once("//").unwrap_or((line, ""));
            let mut comment = comment.split_whitespace();
            if (comment.next(), comment.next()) == (Some("+heroku"), Some("goVersion")) {
                found.heroku_version = comment.next().map(|version| (version.to_owned(), at));
            }
            let mut words = code.split_whitespace();
            let value = match words.next() {
                Some("module" | "go" | "toolchain") => words
                    .next()
                    .unwrap_or_default()
                    .trim_matches('"')
                    .to_owned(),
                _ => continue,
            };
            match code.split_whitespace().next() {
                Some("module") => found.module = value,
                Some("go") => found.go = Some((value, at)),
                _ => found.toolchain = Some((value, at)),
            }
        }
        Ok(Some(found))
    }

    /// The name of the program that the module's root makes, as `go build` names it: the last part of the module's
    /// path, without the suffix of a major version. The path may well have no slash.
    #[must_use]
    pub fn program_name(&self) -> String {
        let mut parts = self.module.rsplit('/').filter(|part| !part.is_empty());
        let last = parts.next().unwrap_or("app");
        let is_major = last.strip_prefix('v').is_some_and(|rest| {
            !rest.is_empty()
                && rest != "0"
                && rest != "1"
                && rest.bytes().all(|byte| byte.is_ascii_digit())
        });
        match parts.next() {
            Some(previous) if is_major => previous.to_owned(),
            _ => last.to_owned(),
        }
    }
}

/// A manifest that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file itself cannot be read.
    #[error(transparent)]
    App(#[from] AppError),
    /// `package.json`.
    #[error(transparent)]
    PackageJson(#[from] PackageJsonError),
}

impl Explain for ManifestError {
    fn code(&self) -> &'static str {
        match self {
            Self::App(error) => error.code(),
            Self::PackageJson(error) => error.code(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::App(error) => error.fault(),
            Self::PackageJson(error) => error.fault(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::App(error) => error.hints(),
            Self::PackageJson(error) => error.hints(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(files: &[(&str, &str)]) -> (tempfile::TempDir, App) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs_err::write(folder.path().join(name), text).unwrap();
        }
        let app = App::open(folder.path()).unwrap();
        (folder, app)
    }

    #[test]
    fn the_first_gem_is_found() {
        for (text, gem) in [
            (
                "source 'https://example.org'\n# gem 'no'\n  gem \"rack\", '~> 3'\ngem 'puma'\n",
                Some(("rack", 3)),
            ),
            ("source 'https://example.org'\ngemspec\n", None),
            ("gem('sinatra')", Some(("sinatra", 1))),
            ("", None),
        ] {
            let (_folder, app) = app(&[("Gemfile", text)]);
            let expected = gem.map(|(name, line)| (name.to_owned(), line));
            assert_eq!(
                Gemfile::read(&app).unwrap().unwrap().first_gem,
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_module_tells_versions_and_name() {
        let text = "// +heroku goVersion go1.25\nmodule example.org/shop/v2 // comment\n\ngo 1.26.1\ntoolchain go1.26.3\n";
        let (_folder, app) = app(&[("go.mod", text)]);
        let module = GoMod::read(&app).unwrap().unwrap();
        assert_eq!(module.heroku_version, Some(("go1.25".into(), 1)));
        assert_eq!(module.go, Some(("1.26.1".into(), 4)));
        assert_eq!(module.toolchain, Some(("go1.26.3".into(), 5)));
        assert_eq!(module.program_name(), "shop");
    }

    #[test]
    fn program_names_are_those_of_go_build() {
        for (module, name) in [
            ("app", "app"),
            ("example.org/app", "app"),
            ("example.org/app/v3", "app"),
            ("v2", "v2"),
            ("example.org/v1", "v1"),
            ("", "app"),
        ] {
            let module = GoMod {
                module: module.into(),
                ..GoMod::default()
            };
            assert_eq!(module.program_name(), name);
        }
    }
}
