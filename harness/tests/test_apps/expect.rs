//! `expect.toml`: what a test app should do. The format is documented in `docs/testing.md`.

use regex::Regex;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
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

/// The first parts of a version: `24.2` means 24.2.0 and 24.2.1, and not 24.20.0.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Version(String);

impl Version {
    pub(crate) fn matches(&self, version: &str) -> bool {
        version
            .strip_prefix(&self.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    }
}

/// `[[file]]`: what a slug holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    #[serde(default = "yes")]
    pub(crate) there: bool,
    /// Permission bits, as `"755"`.
    pub(crate) mode: Option<Mode>,
    /// What it contains.
    #[serde(default)]
    pub(crate) content: Vec<Pattern>,
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

/// `[cache]`: what the layers are in a second build of the unchanged app; `[[cache.after]]`: after a change.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cache {
    #[serde(default)]
    pub(crate) hit: Vec<String>,
    #[serde(default)]
    pub(crate) miss: Vec<String>,
    #[serde(default)]
    pub(crate) after: Vec<Change>,
}

/// A change of the app, and a build of it. Changes add up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Files to write, with their content.
    #[serde(default)]
    pub(crate) write: BTreeMap<PathBuf, String>,
    /// Files and folders to remove.
    #[serde(default)]
    pub(crate) remove: Vec<PathBuf>,
    /// Config vars to set.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) hit: Vec<String>,
    #[serde(default)]
    pub(crate) miss: Vec<String>,
    /// What the build says.
    #[serde(default)]
    pub(crate) output: Vec<Pattern>,
}

/// Permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode(pub(crate) u32);

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match u32::from_str_radix(&text, 8) {
            Ok(mode) if mode <= 0o777 => Ok(Self(mode)),
            _ => Err(D::Error::custom(format!(
                "`{text}` are no permission bits, as `755` are"
            ))),
        }
    }
}

/// Text that something contains; between slashes (`/^v24\./`), a regular expression that it matches, in multi-line mode.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    Text(String),
    Regex(Regex),
}

impl Pattern {
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Text(part) => text.contains(part),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let inner = text
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'))
            .filter(|inner| !inner.is_empty());
        match inner {
            Some(inner) => Regex::new(&format!("(?m){inner}"))
                .map(Self::Regex)
                .map_err(D::Error::custom),
            None => Ok(Self::Text(text)),
        }
    }
}

/// Asserts that `text` has every one of `patterns`.
#[track_caller]
pub(crate) fn check_all(what: &str, text: &str, patterns: &[Pattern]) {
    for pattern in patterns {
        assert!(
            pattern.matches(text),
            "{what} does not have {pattern:?}:\n{text}"
        );
    }
}

impl Expect {
    /// Reads the file; the error names it and the line.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
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

    /// What cannot be meant.
    fn complain(&self) -> Option<String> {
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

/// Asserts that there are the warnings with the codes `expected`, and besides them none but those that `may` be.
#[track_caller]
pub(crate) fn check_warnings(
    expected: &[String],
    may: &[String],
    found: &[slugbuilder_report::Warning],
) {
    let codes: Vec<&String> = found.iter().map(|warning| &warning.code).collect();
    for code in expected {
        assert!(
            codes.contains(&code),
            "there is no warning `{code}`; there are: {codes:?}"
        );
    }
    for warning in found {
        assert!(
            expected.contains(&warning.code) || may.contains(&warning.code),
            "there is a warning `{}` that nothing is said of: {}",
            warning.code,
            warning.message
        );
    }
}

/// Asserts that the languages are those that are expected.
#[track_caller]
pub(crate) fn check_languages(
    expected: &BTreeMap<String, Language>,
    found: &[slugbuilder_report::Language],
) {
    let names = |names: Vec<&String>| {
        names
            .into_iter()
            .cloned()
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(
        names(found.iter().map(|language| &language.name).collect()),
        names(expected.keys().collect()),
        "the languages"
    );
    for language in found {
        let Language {
            requested,
            by,
            version,
        } = &expected[&language.name];
        let name = &language.name;
        if let Some(requested) = requested {
            assert_eq!(
                *requested, language.requested,
                "the version of {name} that is asked for"
            );
        }
        if let Some(by) = by {
            let found = language.requested_by.to_string();
            assert!(
                by.matches(&found),
                "{name} is asked for by {found}, not by {by:?}"
            );
        }
        if let Some(version) = version {
            let found = language.version.clone().unwrap_or_default();
            assert!(
                version.matches(&found),
                "{name} is {found:?}, not {version:?}"
            );
        }
    }
}

/// The errors of the format, checked by [`super::main`]'s own trials.
pub(crate) fn check_format() {
    let error = |text: &str| Expect::parse(text).unwrap_err();
    let located = |text: &str, line: usize, what: &str| {
        let error = error(text);
        assert!(error.contains(&format!("at line {line}")), "{error}");
        assert!(error.contains(what), "{error}");
    };
    let start = "about = 'x'\n";
    located(&format!("{start}abuot = 1\n"), 2, "unknown field `abuot`");
    located(
        &format!("{start}[plan]\nlanguages = {{}}\nprocesses = {{}}\nwarning = []\n"),
        5,
        "unknown field `warning`",
    );
    located(
        &format!("{start}[[file]]\npath = 'a'\nmode = '999'\n"),
        4,
        "`999` are no permission bits",
    );
    located(
        &format!("{start}[[file]]\npath = 'a'\ncontent = ['/(/']\n"),
        4,
        "unclosed group",
    );
    located(
        &format!("{start}[error]\ntext = []\n"),
        2,
        "missing field `code`",
    );
    assert_eq!(error(start), "there is no `[plan]` and no `[error]`");
    let failing = format!("{start}[error]\ncode = 'c'\n");
    assert!(Expect::parse(&failing).unwrap().needs_network());
    let offline = format!("{failing}network = false\n");
    assert!(error(&offline).contains("a plan has no network anyway"));
    let offline = format!("{offline}during = 'build'\n");
    assert!(!Expect::parse(&offline).unwrap().needs_network());
    assert!(
        error(&format!("{failing}[[file]]\npath = 'a'\n")).contains("an app that fails has no")
    );
    assert!(Version("24.2".into()).matches("24.2.1"));
    assert!(!Version("24.2".into()).matches("24.20.0"));
}

/// The examples of `docs/testing.md` are valid.
pub(crate) fn check_documentation() {
    let guide = include_str!("../../../docs/testing.md");
    let examples: Vec<&str> = guide
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let [whole, failing] = examples.as_slice() else {
        panic!("{} examples", examples.len())
    };
    Expect::parse(whole).unwrap();
    Expect::parse(&format!("about = 'x'\n{failing}")).unwrap();
}
