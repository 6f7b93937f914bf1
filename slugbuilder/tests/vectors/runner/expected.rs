//! `vector.toml`.

use serde::Deserialize;
use slugbuilder::cnb;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) rules: Vec<String>,
    #[expect(dead_code, reason = "for people")]
    about: String,
    #[serde(default = "one")]
    pub(crate) builds: usize,
    #[serde(default)]
    pub(crate) launch: Launch,
    pub(crate) expect: Expected,
}

fn one() -> usize {
    1
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Launch {
    pub(crate) base: BTreeMap<String, Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Expected {
    pub(crate) exit: Exit,
    pub(crate) code: Option<String>,
    pub(crate) group: Option<Vec<String>>,
    pub(crate) plan: Option<Vec<Entry>>,
    pub(crate) tried: Option<BTreeMap<String, Tried>>,
    pub(crate) unmet: Option<Vec<String>>,
    pub(crate) sboms: Option<Vec<Sbom>>,
    pub(crate) processes: Option<Vec<Process>>,
    #[serde(default)]
    pub(crate) files: BTreeMap<String, Text>,
    #[serde(default)]
    pub(crate) toml: BTreeMap<String, toml::Table>,
    #[serde(default)]
    pub(crate) absent: Vec<String>,
    #[serde(default)]
    pub(crate) observed: BTreeMap<String, BTreeMap<String, Text>>,
    #[serde(default)]
    pub(crate) launch: BTreeMap<String, BTreeMap<String, Text>>,
    #[serde(default)]
    pub(crate) launch_fails: Vec<String>,
    #[serde(default)]
    pub(crate) output: BTreeMap<String, Text>,
}

/// How it ends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Exit {
    Code(u8),
    #[serde(deserialize_with = "refused")]
    Refused,
}

fn refused<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "refused" => Ok(()),
        other => Err(serde::de::Error::custom(format!("`{other}` is no exit"))),
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
    Plain(String),
    Hex {
        hex: String,
    },
    /// `false`: not set.
    Unset(bool),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    name: String,
    providers: Vec<String>,
    requires: Vec<toml::Table>,
}

impl Entry {
    pub(crate) fn of(entry: &cnb::PlanEntry) -> Self {
        Self {
            name: entry.name.clone(),
            providers: entry.providers.clone(),
            requires: entry
                .requires
                .iter()
                .map(|one| one.metadata.clone())
                .collect(),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Process {
    r#type: String,
    command: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    default: bool,
    working_dir: Option<PathBuf>,
    buildpack: String,
}

impl Process {
    pub(crate) fn of(process: &cnb::Process) -> Self {
        Self {
            r#type: process.r#type.clone(),
            command: process.command.clone(),
            args: process.args.clone(),
            default: process.default,
            working_dir: process.working_directory.clone(),
            buildpack: process.buildpack.clone(),
        }
    }
}

/// What a buildpack said, and what of its plan keeps it out.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tried {
    verdict: Verdict,
    #[serde(default)]
    unmet: Vec<String>,
    #[serde(default)]
    unused: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Passed,
    Failed,
    Erred,
    BadPlan,
    WrongTarget,
}

impl Tried {
    pub(crate) fn of(tried: &cnb::Tried) -> Self {
        let (mut unmet, mut unused) = (Vec::new(), Vec::new());
        for problem in &tried.problems {
            match problem {
                cnb::PlanProblem::Unmet(name) => unmet.push(name.clone()),
                cnb::PlanProblem::Unused(name) => unused.push(name.clone()),
            }
        }
        Self {
            verdict: match tried.verdict {
                cnb::Verdict::Passed => Verdict::Passed,
                cnb::Verdict::Failed => Verdict::Failed,
                cnb::Verdict::Errored(_) => Verdict::Erred,
                cnb::Verdict::BadPlan(_) => Verdict::BadPlan,
                cnb::Verdict::WrongTarget(_) => Verdict::WrongTarget,
            },
            unmet,
            unused,
        }
    }
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sbom {
    buildpack: String,
    of: String,
    format: String,
}

impl Sbom {
    pub(crate) fn of(sbom: &cnb::Sbom) -> Self {
        Self {
            buildpack: sbom.buildpack.clone(),
            of: match &sbom.subject {
                cnb::SbomSubject::Launch => "launch".into(),
                cnb::SbomSubject::Build => "build".into(),
                cnb::SbomSubject::Layer(name) => format!("layer {name}"),
            },
            format: sbom.format.media_type().into(),
        }
    }
}

impl Vector {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}
