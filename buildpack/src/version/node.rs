//! Node.js version requests.

use super::request::{Evidence, Found, default};
use super::{
    Constraint, Range, Reader, Requested, VersionError, tool_versions, version_file, volta,
};
use crate::catalogue::Catalogue;
use crate::node::PackageJson;
use crate::node::package_json::OnFail;
use crate::precedence::Source;
use crate::runtime::Runtime;
use slugbuilder_report::Origin;

/// Where a Node.js version can be asked for. `engines.node` is first, as it is the only one that Heroku's buildpacks know.
pub const SOURCES: &[Source<Reader>] = &[
    Source {
        name: "`engines.node` of package.json",
        meaning: "a range of npm's; `latest` is any version; of the package, else of the workspace",
        read: |evidence| Ok(engines(evidence)),
    },
    Source {
        name: "`devEngines.runtime` of package.json",
        meaning: "the range of the entry called `node`; with `onFail` as `ignore` it does not count; of the package, else of the workspace",
        read: |evidence| Ok(dev_engines(evidence)),
    },
    Source {
        name: "`volta.node` of package.json",
        meaning: "a version; without it, that of the file that `volta.extends` names, inside the source; of the package, else of the workspace",
        read: volta::requests,
    },
    Source {
        name: "`.nvmrc`",
        meaning: "a version, its beginning or a range; `lts/*`, `lts/-1`, `lts/iron`; `node` for the newest; the nearest one in the app's folder or above it",
        read: |evidence| version_file::requests(evidence, ".nvmrc", parse_alias),
    },
    Source {
        name: "`.node-version`",
        meaning: "the same",
        read: |evidence| version_file::requests(evidence, ".node-version", parse_alias),
    },
    Source {
        name: "`.tool-versions`",
        meaning: "the first version of the line `nodejs` or `node`, in the same words; the nearest one in the app's folder or above it",
        read: |evidence| tool_versions::requests(evidence, &["nodejs", "node"], parse_alias),
    },
    Source {
        name: "the default",
        meaning: "the newest version of the line that new apps should have",
        read: default,
    },
];

fn engines(evidence: &Evidence) -> Vec<Found> {
    evidence
        .packages()
        .iter()
        .filter_map(|package| Some((package, package.engines.node.as_ref()?)))
        .map(|(package, engine)| parse_range(&engine.value, package.origin(engine.line)))
        .collect()
}

fn dev_engines(evidence: &Evidence) -> Vec<Found> {
    let of_package = |package: &PackageJson| {
        package
            .dev_engines
            .runtime
            .iter()
            .filter(|engine| engine.name.value == "node" && engine.on_fail != Some(OnFail::Ignore))
            .filter_map(|engine| engine.version.as_ref())
            .map(|version| parse_range(&version.value, package.origin(version.line)))
            .collect::<Vec<_>>()
    };
    evidence.packages().iter().flat_map(of_package).collect()
}

/// A range as in `engines.node`. `latest` is what people write although npm does not know it; Heroku takes it as any. An
/// empty text is any version to npm, and shown with its quotes.
pub(super) fn parse_range(text: &str, origin: Origin) -> Found {
    if text.trim().is_empty() {
        return Ok(requested("\"\"", origin, Constraint::Range(Range::any())));
    }
    if text.trim() == "latest" {
        return Ok(requested(text, origin, Constraint::Range(Range::any())));
    }
    range(text, text, origin).map_err(|error| match error {
        VersionError::Unreadable {
            runtime,
            text,
            origin,
            nearest,
            ..
        } if is_alias(&text) => VersionError::Unreadable {
            problem: Some(format!(
                "`{text}` is a word of `.nvmrc`, not of package.json"
            )),
            runtime,
            text,
            origin,
            nearest,
        },
        error => error,
    })
}

/// Whether nvm would know `text`.
fn is_alias(text: &str) -> bool {
    let lower = text.trim().to_ascii_lowercase();
    lower.starts_with("lts") || matches!(lower.as_str(), "node" | "stable" | "current" | "system")
}

/// `text` as a range; `written` is what stands in the file.
fn range(text: &str, written: &str, origin: Origin) -> Found {
    match Range::parse(text) {
        Ok(range) => Ok(requested(written, origin, Constraint::Range(range))),
        Err(error) => Err(VersionError::Unreadable {
            runtime: Runtime::Node,
            text: written.to_owned(),
            origin,
            problem: Some(error.to_string()),
            nearest: Vec::new(),
        }),
    }
}

/// What nvm, nodenv and asdf accept: a version or its beginning with or without `v`, `lts/*`, `lts/-1`, `lts/NAME`,
/// `node`, `latest:20`.
fn parse_alias(text: &str, origin: Origin, catalogue: &Catalogue) -> Found {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "node" | "stable" | "latest" | "current" => {
            return Ok(requested(text, origin, Constraint::Newest));
        }
        "system" => {
            return Err(VersionError::OfTheMachine {
                runtime: Runtime::Node,
                text: text.to_owned(),
                origin,
            });
        }
        _ => {}
    }
    if lower.starts_with("iojs") || lower.starts_with("io.js") {
        return Err(VersionError::OtherEngine {
            runtime: Runtime::Node,
            text: text.to_owned(),
            origin,
        });
    }
    let long_term = match lower.as_str() {
        "lts" => Some("*"),
        other => other
            .strip_prefix("lts/")
            .or_else(|| other.strip_prefix("lts-")),
    };
    if let Some(name) = long_term {
        return long_term_line(name, text, origin, catalogue);
    }
    // nodenv takes `node-v20`, asdf `latest:20`.
    let bare = lower
        .strip_prefix("node-")
        .or_else(|| lower.strip_prefix("latest:"))
        .unwrap_or(&lower);
    range(bare, text, origin)
}

/// `*` is the newest long-term support line, `-1` the one before it, and so on; else a codename.
fn long_term_line(name: &str, text: &str, origin: Origin, catalogue: &Catalogue) -> Found {
    let lines = catalogue.long_term_lines();
    let back = match name {
        "*" => Some(0),
        name => name
            .strip_prefix('-')
            .and_then(|steps| steps.parse::<usize>().ok()),
    };
    let major = match back {
        Some(back) => lines.iter().rev().nth(back).copied(),
        None => catalogue.line_of_codename(name),
    };
    match major {
        Some(major) => {
            let line = Constraint::Line { major, minor: None };
            Ok(requested(text, origin, line))
        }
        None => Err(VersionError::UnknownCodename {
            text: text.to_owned(),
            origin,
            known: catalogue.codenames(),
        }),
    }
}

fn requested(text: &str, origin: Origin, constraint: Constraint) -> Requested {
    Requested {
        runtime: Runtime::Node,
        constraint,
        text: text.to_owned(),
        origin,
    }
}
