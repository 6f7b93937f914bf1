//! What this buildpack reads of `package.json`, `Gemfile` and `go.mod`.

use crate::app::{App, AppError, line_of};
use serde::Deserialize;
use slugbuilder_report::{Explain, Fault};
use std::collections::BTreeMap;

/// `package.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    fields: PackageFields,
    engine_line: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct PackageFields {
    main: Option<String>,
    #[serde(default)]
    engines: BTreeMap<String, String>,
    #[serde(default)]
    scripts: BTreeMap<String, String>,
    #[serde(default)]
    dependencies: BTreeMap<String, serde_json::Value>,
}

impl Package {
    /// Reads the app's `package.json`; an empty file counts as `{}`.
    pub fn read(app: &App) -> Result<Option<Self>, ManifestError> {
        let Some(text) = app.text("package.json")? else {
            return Ok(None);
        };
        let fields = if text.trim().is_empty() {
            PackageFields::default()
        } else {
            serde_json::from_str(&text).map_err(|error| ManifestError::Package {
                line: error.line(),
                error,
            })?
        };
        Ok(Some(Self {
            fields,
            engine_line: engine_line(&text),
        }))
    }

    /// Whether it has anything that this buildpack acts on.
    #[must_use]
    pub fn says_something(&self) -> bool {
        let fields = &self.fields;
        fields.main.is_some()
            || !(fields.engines.is_empty()
                && fields.scripts.is_empty()
                && fields.dependencies.is_empty())
    }

    /// `engines.node` with its line.
    #[must_use]
    pub fn node_engine(&self) -> Option<(&str, usize)> {
        self.fields
            .engines
            .get("node")
            .map(|text| (text.as_str(), self.engine_line))
    }

    /// `main`.
    #[must_use]
    pub fn main(&self) -> Option<&str> {
        self.fields.main.as_deref()
    }

    /// The command that starts the app, where `scripts.start` is there: the script itself if it is one plain call of
    /// `node`, else `npm start`, which also runs `prestart` and knows `node_modules/.bin`.
    #[must_use]
    pub fn start_command(&self) -> Option<String> {
        let scripts = &self.fields.scripts;
        let script = scripts.get("start")?.trim();
        let plain = script.starts_with("node ")
            && !scripts.contains_key("prestart")
            && !scripts.contains_key("poststart")
            && script
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || " ./-_=:@".contains(c));
        Some(if plain {
            script.to_owned()
        } else {
            "npm start".to_owned()
        })
    }

    /// The names of the packages that the app needs to run.
    #[must_use]
    pub fn dependencies(&self) -> Vec<&str> {
        self.fields
            .dependencies
            .keys()
            .map(String::as_str)
            .collect()
    }
}

/// `serde_json` keeps no positions: the line of the first `"node"` after the first `"engines"`.
fn engine_line(text: &str) -> usize {
    let engines = text.find("\"engines\"").unwrap_or(0);
    let node = text[engines..].find("\"node\"").unwrap_or(0);
    line_of(text.as_bytes(), engines + node)
}

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
    /// Not JSON, or not the JSON of a package.
    #[error("`package.json` line {line}: not a package's JSON")]
    Package {
        /// The line.
        line: usize,
        /// What the parser says.
        #[source]
        error: serde_json::Error,
    },
}

impl Explain for ManifestError {
    fn code(&self) -> &'static str {
        match self {
            Self::App(error) => error.code(),
            Self::Package { .. } => "invalid-package-json",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::App(error) => error.fault(),
            Self::Package { .. } => Fault::App,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::App(error) => error.hints(),
            Self::Package { .. } => {
                vec!["`npm pkg get name` in the app's folder shows whether npm can read it.".into()]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};

    fn app(files: &[(&str, &str)]) -> (tempfile::TempDir, App) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs_err::write(folder.path().join(name), text).unwrap();
        }
        let app = App::open(folder.path()).unwrap();
        (folder, app)
    }

    #[test]
    fn a_package_tells_engine_start_and_dependencies() {
        let text = "{\n \"name\": \"x\",\n \"engines\": {\n  \"npm\": \"11\",\n  \"node\": \"22.x\"},\n \"dependencies\": {\"a\": \"1\"}}";
        let (_folder, app) = app(&[("package.json", text)]);
        let package = Package::read(&app).unwrap().unwrap();
        assert_eq!(package.node_engine(), Some(("22.x", 5)));
        assert_eq!(package.dependencies(), ["a"]);
        assert_eq!(package.start_command(), None);
    }

    #[test]
    fn an_empty_package_is_no_error() {
        let (_folder, app) = app(&[("package.json", "\n")]);
        assert_eq!(Package::read(&app).unwrap().unwrap().node_engine(), None);
    }

    #[test]
    fn a_plain_start_script_needs_no_npm() {
        for (scripts, command) in [
            (r#"{"start": "node server.js"}"#, "node server.js"),
            (
                r#"{"start": "node --max-old-space-size=400 ./src/server.js"}"#,
                "node --max-old-space-size=400 ./src/server.js",
            ),
            (r#"{"start": "node a.js && node b.js"}"#, "npm start"),
            (r#"{"start": "node $MAIN"}"#, "npm start"),
            (
                r#"{"start": "node a.js", "prestart": "node b.js"}"#,
                "npm start",
            ),
            (r#"{"start": "next start"}"#, "npm start"),
        ] {
            let (_folder, app) = app(&[("package.json", &format!("{{\"scripts\": {scripts}}}"))]);
            assert_eq!(
                Package::read(&app)
                    .unwrap()
                    .unwrap()
                    .start_command()
                    .unwrap(),
                command
            );
        }
    }

    #[test]
    fn a_broken_package_names_its_line() {
        let (_folder, app) = app(&[("package.json", "{\n  \"name\": \"x\"\n  \"version\": 1\n}")]);
        insta::assert_snapshot!(Diagnosis::of(&Package::read(&app).unwrap_err()).render(Style::Plain), @r#"
        error[invalid-package-json]: `package.json` line 3: not a package's JSON
          caused by: expected `,` or `}` at line 3 column 3

          hint: `npm pkg get name` in the app's folder shows whether npm can read it.
        "#);
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
