//! `expect.toml`: what a test app should do. The format is documented in `docs/testing.md`.

use crate::pattern::{Mode, Pattern, Version};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is expected of an app.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// What the app is there for.
    #[expect(dead_code, reason = "for people")]
    pub(crate) about: String,
    /// The stack; `heroku-24` unless it says otherwise.
    #[serde(default = "default_stack")]
    pub(crate) stack: String,
    /// Config vars of the plan and of every build.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// Config vars whose values must stand nowhere afterwards: in no file of the slug, and in nothing that a build or a plan
    /// says.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, String>,
    /// The app's folder inside of the source; the source itself unless it is set.
    pub(crate) root: Option<String>,
    /// Variables that the web process is started with.
    #[serde(default)]
    pub(crate) web_env: BTreeMap<String, String>,
    pub(crate) setup: Option<Setup>,
    pub(crate) plan: Option<Plan>,
    pub(crate) build: Option<Build>,
    #[serde(default, rename = "file")]
    pub(crate) files: Vec<File>,
    #[serde(default, rename = "command")]
    pub(crate) commands: Vec<Command>,
    #[serde(default, rename = "request")]
    pub(crate) requests: Vec<Request>,
    pub(crate) error: Option<Failure>,
    pub(crate) cache: Option<Cache>,
}

fn default_stack() -> String {
    "heroku-24".to_owned()
}

/// `[setup]`: files of the app that are made for the test, since they would name a registry or are too large to commit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setup {
    /// Shell commands that make them in the copy of the app, before each build.
    pub(crate) run: Vec<String>,
    /// Files that stand in for them in the plan, for which nothing is run.
    #[serde(default)]
    pub(crate) stand_in: BTreeMap<PathBuf, String>,
}

/// `[plan]`: what detection decides.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    pub(crate) languages: BTreeMap<String, Language>,
    pub(crate) processes: BTreeMap<String, String>,
    /// Winners of further decisions, by subject.
    #[serde(default)]
    pub(crate) decisions: BTreeMap<String, String>,
    /// Codes of the warnings that there are.
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
    /// Codes of those that there may be, because they depend on the machine.
    #[serde(default)]
    pub(crate) may_warn: Vec<String>,
}

/// `[build]`: what comes of a build.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    pub(crate) languages: BTreeMap<String, Language>,
    pub(crate) processes: BTreeMap<String, String>,
    /// Whether the build needs a network; else it is made without one.
    #[serde(default = "yes")]
    pub(crate) network: bool,
    /// What the build says.
    #[serde(default)]
    pub(crate) output: Vec<Pattern>,
    /// What it does not say.
    #[serde(default)]
    pub(crate) no_output: Vec<Pattern>,
    /// Variables of the launch environment.
    #[serde(default)]
    pub(crate) launch_env: BTreeMap<String, Pattern>,
    /// Codes of the warnings that there are.
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
    /// Codes of those that there may be, because they depend on the machine.
    #[serde(default)]
    pub(crate) may_warn: Vec<String>,
}

fn yes() -> bool {
    true
}

/// A language: a string is its version.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Language {
    /// What is asked for, exactly.
    pub(crate) requested: Option<String>,
    /// Where that stands: `package.json:4`.
    pub(crate) by: Option<Pattern>,
    /// The version that is chosen.
    pub(crate) version: Option<Version>,
}

/// `[[file]]`: what a slug holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Its path, or a pattern of paths.
    pub(crate) path: FilePath,
    #[serde(default = "yes")]
    pub(crate) there: bool,
    /// Permission bits, as `"755"`.
    pub(crate) mode: Option<Mode>,
    /// What it contains.
    #[serde(default)]
    pub(crate) content: Vec<Pattern>,
}

/// A path in the slug; with `*`, `?` or `[`, a pattern as `.slugignore` has them: `*` stays in a folder, `**` does not.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct FilePath(pub(crate) String);

impl FilePath {
    /// Whether it may match several files.
    pub(crate) fn is_pattern(&self) -> bool {
        self.0.contains(['*', '?', '['])
    }

    /// Whether it is, or matches, `path`.
    pub(crate) fn matches(&self, path: &Path) -> bool {
        if !self.is_pattern() {
            return path == Path::new(&self.0);
        }
        let mode = gix_glob::wildmatch::Mode::NO_MATCH_SLASH_LITERAL;
        gix_glob::wildmatch(
            self.0.as_bytes().into(),
            path.as_os_str().as_encoded_bytes().into(),
            mode,
        )
    }
}

/// `[[command]]`: what is run in the built app.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Command {
    pub(crate) run: String,
    #[serde(default)]
    pub(crate) stdout: Vec<Pattern>,
    #[serde(default)]
    pub(crate) stderr: Vec<Pattern>,
}

/// `[[request]]`: what the web process is asked, in order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    #[serde(default = "get")]
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) send: String,
    #[serde(default = "ok")]
    pub(crate) status: u16,
    /// Headers of the answer, by name in lower case.
    #[serde(default)]
    pub(crate) answer_headers: BTreeMap<String, Pattern>,
    #[serde(default)]
    pub(crate) body: Vec<Pattern>,
}

fn get() -> String {
    "GET".to_owned()
}

fn ok() -> u16 {
    200
}

/// `[error]`: how the plan or the build fails.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    #[serde(default)]
    pub(crate) during: Phase,
    /// Whether the build needs a network to fail like this; else it is made without one.
    #[serde(default = "yes")]
    pub(crate) network: bool,
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) text: Vec<Pattern>,
}

/// When something fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    #[default]
    Plan,
    Build,
}

/// `[cache]`: a second build of the unchanged app, of which everything holds that is said of the first one; `[[cache.after]]`:
/// builds after a change.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cache {
    /// Layers that are a hit.
    #[serde(default)]
    pub(crate) hit: Vec<String>,
    /// Layers that are a miss.
    #[serde(default)]
    pub(crate) miss: Vec<String>,
    /// What the build says.
    #[serde(default)]
    pub(crate) output: Vec<Pattern>,
    /// What it does not say.
    #[serde(default)]
    pub(crate) no_output: Vec<Pattern>,
    #[serde(default)]
    pub(crate) after: Vec<Change>,
}

/// A change of the app, and a build of it. Changes add up.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Change {
    /// Files to write, with their content.
    pub(crate) write: BTreeMap<PathBuf, String>,
    /// Files and folders to remove.
    pub(crate) remove: Vec<PathBuf>,
    /// Config vars to set.
    pub(crate) env: BTreeMap<String, String>,
    /// Layers that are a hit.
    pub(crate) hit: Vec<String>,
    /// Layers that are a miss.
    pub(crate) miss: Vec<String>,
    /// What the build says.
    pub(crate) output: Vec<Pattern>,
    /// What it does not say.
    pub(crate) no_output: Vec<Pattern>,
    /// What the slug holds then.
    #[serde(rename = "file")]
    pub(crate) files: Vec<File>,
    /// What the web process answers then.
    #[serde(rename = "request")]
    pub(crate) requests: Vec<Request>,
}

impl Expect {
    /// Reads the file; the error names it and the line.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expect: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        expect.complain().map_or(Ok(expect), Err)
    }

    /// Whether the app's build is made with a network.
    pub(crate) fn needs_network(&self) -> bool {
        match (&self.error, &self.build) {
            (Some(error), _) => error.network,
            (None, Some(build)) => build.network,
            (None, None) => true,
        }
    }

    /// The config vars of plan and build.
    pub(crate) fn config_vars(&self) -> impl Iterator<Item = (&String, &String)> {
        self.env.iter().chain(&self.secrets)
    }

    /// Whether the plan fails, so that there is nothing to build.
    pub(crate) fn ends_in_plan(&self) -> bool {
        self.error
            .as_ref()
            .is_some_and(|error| error.during == Phase::Plan)
    }

    /// What cannot be meant.
    fn complain(&self) -> Option<String> {
        let patterns = |file: &&File| {
            file.path.is_pattern() && (file.mode.is_some() || !file.content.is_empty())
        };
        if let Some(file) = self.files.iter().find(patterns) {
            return Some(format!(
                "`{}` is a pattern, for which there is no `mode` or `content`",
                file.path.0
            ));
        }
        if let Some(name) = self
            .secrets
            .keys()
            .find(|name| self.env.contains_key(*name))
        {
            return Some(format!("`{name}` is in `env` and in `secrets`"));
        }
        if self.ends_in_plan()
            && self
                .setup
                .as_ref()
                .is_some_and(|setup| !setup.run.is_empty())
        {
            return Some(
                "nothing is run for an app whose plan fails: write the files in `setup.stand_in`"
                    .into(),
            );
        }
        let asks = !self.requests.is_empty()
            || !self.files.is_empty()
            || !self.commands.is_empty()
            || self.cache.is_some();
        match (&self.error, &self.plan, &self.build) {
            (None, None, _) => Some("there is no `[plan]` and no `[error]`".into()),
            (None, Some(_), None) => Some("there is no `[build]` and no `[error]`".into()),
            (Some(error), Some(_), _) if error.during == Phase::Plan => {
                Some("an app whose plan fails has no `[plan]`: write `during = \"build\"` if the build fails".into())
            }
            (Some(_), _, Some(_)) => Some("an app that fails has no `[build]`".into()),
            (Some(error), ..) if error.during == Phase::Plan && !error.network => {
                Some("a plan has no network anyway: leave `network` out".into())
            }
            (Some(_), ..) if asks => Some(
                "an app that fails has no `[[file]]`, `[[command]]`, `[[request]]` or `[cache]`".into(),
            ),
            _ => None,
        }
    }
}
