//! Node.js version requests.

use super::{Constraint, Requested, VersionError, tool_versions};
use crate::app::App;
use crate::catalogue::Catalogue;
use crate::manifest::ManifestError;
use crate::node::PackageJson;
use crate::runtime::Runtime;
use slugbuilder_report::Origin;

/// Every request, in order of precedence.
pub(super) fn requests(
    app: &App,
    catalogue: &Catalogue,
) -> Result<Vec<Result<Requested, VersionError>>, VersionError> {
    let mut found = Vec::new();
    let package = PackageJson::read(app, "").map_err(ManifestError::from)?;
    if let Some(package) = &package
        && let Some(engine) = &package.engines.node
    {
        found.push(parse_range(&engine.value, package.origin(engine.line)));
    }
    for name in [".nvmrc", ".node-version"] {
        if let Some((text, line)) = first_line(app, name)? {
            found.push(parse_alias(&text, Origin::line(name, line), catalogue));
        }
    }
    if let Some((text, origin)) = tool_versions::read(app, &["nodejs", "node"])? {
        found.push(parse_alias(&text, origin, catalogue));
    }
    Ok(found)
}

/// The first line of a version file that holds more than a comment.
pub(super) fn first_line(app: &App, name: &str) -> Result<Option<(String, usize)>, VersionError> {
    let Some(text) = app.text(name)? else {
        return Ok(None);
    };
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if !line.is_empty() {
            return Ok(Some((line.to_owned(), index + 1)));
        }
    }
    Err(VersionError::Empty {
        file: name.to_owned(),
    })
}

/// A range as in `engines.node`. `latest` and `~=` are what people write although npm does not know them.
fn parse_range(text: &str, origin: Origin) -> Result<Requested, VersionError> {
    let constraint = if text.trim() == "latest" {
        Some(Constraint::Any)
    } else {
        node_semver::Range::parse(text.replace("~=", "~"))
            .ok()
            .map(Constraint::Range)
    };
    requested(text, origin, constraint)
}

/// What nvm, nodenv and asdf accept: a version or its beginning with or without `v`, `lts/*`, `lts/NAME`, `node`.
fn parse_alias(
    text: &str,
    origin: Origin,
    catalogue: &Catalogue,
) -> Result<Requested, VersionError> {
    let lower = text.to_ascii_lowercase();
    let constraint = match lower.as_str() {
        "node" | "stable" | "latest" | "current" => Some(Constraint::Any),
        "lts" | "lts/*" => catalogue.newest_long_term_line().map(line),
        _ => match lower
            .strip_prefix("lts/")
            .or_else(|| lower.strip_prefix("lts-"))
        {
            Some(codename) => match catalogue.line_of_codename(codename) {
                Some(major) => Some(line(major)),
                None => {
                    return Err(VersionError::UnknownCodename {
                        text: text.to_owned(),
                        origin,
                        known: catalogue.codenames(),
                    });
                }
            },
            None => node_semver::Range::parse(text).ok().map(Constraint::Range),
        },
    };
    requested(text, origin, constraint)
}

fn line(major: u64) -> Constraint {
    Constraint::Line { major, minor: None }
}

fn requested(
    text: &str,
    origin: Origin,
    constraint: Option<Constraint>,
) -> Result<Requested, VersionError> {
    match constraint {
        Some(constraint) => Ok(Requested {
            runtime: Runtime::Node,
            constraint,
            text: text.to_owned(),
            origin,
        }),
        None => Err(VersionError::Unreadable {
            runtime: Runtime::Node,
            text: text.to_owned(),
            origin,
        }),
    }
}
