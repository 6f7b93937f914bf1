//! Go version requests.

use super::request::{Evidence, Found, default};
use super::{
    Constraint, Reader, Requested, Version, VersionError, numbers, tool_versions, version_file,
};
use crate::catalogue::Catalogue;
use crate::manifest::GoMod;
use crate::precedence::Source;
use crate::runtime::Runtime;
use slugbuilder_report::Origin;

/// Where a Go version can be asked for. Heroku's comment is first, as on Heroku; then as the go command chooses.
pub const SOURCES: &[Source<Reader>] = &[
    Source {
        name: "`// +heroku goVersion` of go.mod",
        meaning: "a version such as `go1.26.1`, or a line such as `go1.26`",
        read: |evidence| {
            Ok(of_module(
                evidence,
                |module| module.heroku_version.clone(),
                parse,
            ))
        },
    },
    Source {
        name: "`toolchain` of go.mod",
        meaning: "a version; `default` says nothing",
        read: |evidence| {
            let named = |module: &'_ GoMod| {
                module
                    .toolchain
                    .clone()
                    .filter(|(text, _)| text != "default")
            };
            Ok(of_module(evidence, named, parse))
        },
    },
    Source {
        name: "`go` of go.mod",
        meaning: "the oldest version that will do; the newest patch of its line is taken",
        read: |evidence| Ok(of_module(evidence, |module| module.go.clone(), parse_floor)),
    },
    Source {
        name: "`.go-version`",
        meaning: "a version or a line; the nearest one in the app's folder or above it",
        read: |evidence| version_file::requests(evidence, ".go-version", parse),
    },
    Source {
        name: "`.tool-versions`",
        meaning: "the first version of the line `golang` or `go`; the nearest one in the app's folder or above it",
        read: |evidence| tool_versions::requests(evidence, &["golang", "go"], parse),
    },
    Source {
        name: "the default",
        meaning: "the newest version",
        read: default,
    },
];

/// The request in the line of go.mod that `line` chooses.
fn of_module(
    evidence: &Evidence,
    line: impl Fn(&GoMod) -> Option<(String, usize)>,
    parse: version_file::Parse,
) -> Vec<Found> {
    evidence
        .module()
        .and_then(line)
        .map(|(text, line)| {
            let origin = evidence.app.line("go.mod", line);
            parse(&text, origin, evidence.catalogue)
        })
        .into_iter()
        .collect()
}

fn parse(text: &str, origin: Origin, _: &Catalogue) -> Found {
    read(text, origin, false)
}

/// The `go` line states the oldest Go that the module accepts (go.dev/ref/mod#go-mod-file-go): the newest patch of that
/// line is taken, for its security fixes.
fn parse_floor(text: &str, origin: Origin, _: &Catalogue) -> Found {
    read(text, origin, true)
}

fn read(text: &str, origin: Origin, is_floor: bool) -> Found {
    let runtime = Runtime::Go;
    let bare = text.strip_prefix("go").unwrap_or(text);
    let constraint = match numbers(bare).as_deref() {
        Some([major, minor, rest @ ..]) if is_floor => Constraint::AtLeast(Version::new(
            *major,
            *minor,
            rest.first().copied().unwrap_or(0),
        )),
        Some([major, minor, patch]) => Constraint::Exact(Version::new(*major, *minor, *patch)),
        Some([major, minor]) => Constraint::Line {
            major: *major,
            minor: Some(*minor),
        },
        _ if text == "system" => {
            return Err(VersionError::OfTheMachine {
                runtime,
                text: text.to_owned(),
                origin,
            });
        }
        _ => {
            return Err(VersionError::Unreadable {
                runtime,
                text: text.to_owned(),
                origin,
                problem: None,
                nearest: Vec::new(),
            });
        }
    };
    Ok(Requested {
        runtime,
        constraint,
        text: text.to_owned(),
        origin,
    })
}
