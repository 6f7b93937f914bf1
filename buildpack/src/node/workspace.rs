//! Workspaces: which folder the package manager runs in, and which packages belong to it.

use super::error::NodeError;
use super::package_json::{FILE_NAME, PackageJson};
use super::yaml::Yaml;
use super::{Located, lockfile};
use crate::app::{App, join};
use globset::{GlobBuilder, GlobMatcher};
use slugbuilder_report::{Candidate, Decision, Origin};

/// pnpm's file.
const PNPM_FILE: &str = "pnpm-workspace.yaml";

/// Folders that hold no packages of the app's own.
const NO_PACKAGES: [&str; 2] = ["node_modules", "bower_components"];

/// The patterns of a workspace.
pub(super) struct Workspace {
    /// Whether it is that of `pnpm-workspace.yaml`.
    pub(super) is_pnpm: bool,
    patterns: Vec<Pattern>,
}

struct Pattern {
    text: String,
    is_negated: bool,
    matcher: GlobMatcher,
}

/// The workspaces that `folder` of the source declares: of `package.json` for npm and Yarn, of `pnpm-workspace.yaml` for
/// pnpm. A `pnpm-workspace.yaml` without `packages` holds settings and is no workspace.
pub(super) fn declared(
    source: &App,
    folder: &str,
    package: Option<&PackageJson>,
) -> Result<Vec<Workspace>, NodeError> {
    let mut found = Vec::new();
    if let Some(package) = package
        && let Some(patterns) = &package.workspaces
        && !patterns.is_empty()
    {
        found.push(Workspace::new(false, &package.path, patterns)?);
    }
    let file = join(folder, PNPM_FILE);
    if let Some(yaml) = Yaml::read(source, &file)?
        && let Some(patterns) = yaml.list("packages")
        && !patterns.is_empty()
    {
        found.push(Workspace::new(true, &file, patterns)?);
    }
    Ok(found)
}

impl Workspace {
    fn new(is_pnpm: bool, file: &str, texts: &[Located<String>]) -> Result<Self, NodeError> {
        let patterns = texts
            .iter()
            .map(|text| {
                let negations = text.value.bytes().take_while(|byte| *byte == b'!').count();
                let pattern = text.value[negations..]
                    .trim_start_matches("./")
                    .trim_matches('/');
                let matcher = GlobBuilder::new(pattern)
                    .literal_separator(true)
                    .build()
                    .map_err(|error| NodeError::UnreadablePattern {
                        origin: Origin::line(file, text.line),
                        pattern: text.value.clone(),
                        problem: error.kind().to_string(),
                    })?
                    .compile_matcher();
                Ok(Pattern {
                    text: pattern.to_owned(),
                    is_negated: negations % 2 == 1,
                    matcher,
                })
            })
            .collect::<Result<_, NodeError>>()?;
        Ok(Self { is_pnpm, patterns })
    }

    /// Whether the package in `folder`, relative to the workspace's, belongs to it. The workspace's own folder does.
    ///
    /// For npm and Yarn the last pattern that matches decides (`@npmcli/map-workspaces`), for pnpm any negated one
    /// excludes.
    pub(super) fn includes(&self, folder: &str) -> bool {
        if folder.is_empty() {
            return true;
        }
        if folder.split('/').any(|part| NO_PACKAGES.contains(&part)) {
            return false;
        }
        let matching = || {
            self.patterns
                .iter()
                .filter(|pattern| pattern.matcher.is_match(folder))
        };
        if self.is_pnpm {
            matching().any(|pattern| !pattern.is_negated)
                && !matching().any(|pattern| pattern.is_negated)
        } else {
            matching()
                .next_back()
                .is_some_and(|pattern| !pattern.is_negated)
        }
    }

    /// The folders of its packages, relative to its own folder `root` of the source and without that, sorted.
    pub(super) fn packages(&self, source: &App, root: &str) -> Result<Vec<String>, NodeError> {
        let mut found = Vec::new();
        for pattern in self.patterns.iter().filter(|pattern| !pattern.is_negated) {
            let parts: Vec<&str> = pattern.text.split('/').collect();
            walk(source, root, "", &parts, &mut found)?;
        }
        found.retain(|folder| self.includes(folder));
        found.sort();
        found.dedup();
        Ok(found)
    }
}

/// How deep `**` is followed: no layout of packages that people have is deeper, while a tree of folders may be.
const DEEPEST: usize = 8;

/// Collects the folders below `folder` that `parts` lead to and that hold a `package.json`.
fn walk(
    source: &App,
    root: &str,
    folder: &str,
    parts: &[&str],
    found: &mut Vec<String>,
) -> Result<(), NodeError> {
    let Some((part, rest)) = parts.split_first() else {
        if source.is_file(&join(root, &join(folder, FILE_NAME))) && !folder.is_empty() {
            found.push(folder.to_owned());
        }
        return Ok(());
    };
    let is_literal = !part.contains(['*', '?', '[', '{', '}', ']']);
    if is_literal {
        return walk(source, root, &join(folder, part), rest, found);
    }
    if *part == "**" {
        walk(source, root, folder, rest, found)?;
    }
    if folder.split('/').count() > DEEPEST {
        return Ok(());
    }
    // A part of a pattern whose braces span several parts is no pattern: everything is looked at then.
    let matcher = GlobBuilder::new(part).build().ok();
    for name in source.names_in(&join(root, folder))? {
        let Some(name) = name.to_str() else {
            continue;
        };
        let below = join(folder, name);
        let full = source.root().join(join(root, &below));
        // Links to folders could lead in circles.
        let is_folder = full.symlink_metadata().is_ok_and(|found| found.is_dir());
        if !is_folder || name.starts_with('.') || NO_PACKAGES.contains(&name) {
            continue;
        }
        if *part == "**" {
            walk(source, root, &below, parts, found)?;
        } else if matcher
            .as_ref()
            .is_none_or(|glob| glob.compile_matcher().is_match(name))
        {
            walk(source, root, &below, rest, found)?;
        }
    }
    Ok(())
}

/// The folder that the package manager runs in for the package in `folder`, both relative to the source: the nearest one
/// upwards with a lockfile, or with a workspace that the package belongs to. A lockfile above that belongs to no such
/// workspace counts only for a package that has no dependencies of its own.
pub(crate) fn root_of(
    source: &App,
    folder: &str,
    package: &PackageJson,
) -> Result<(String, Option<Decision>), NodeError> {
    if folder.is_empty() {
        return Ok((String::new(), None));
    }
    let mut candidates = Vec::new();
    let mut winner = None;
    let mut at = Some(folder);
    while let Some(here) = at {
        let verdict = if here == folder {
            lockfile::is_in(source, here).then_some((true, "has a lockfile of its own"))
        } else {
            let manifest = PackageJson::read(source, here)?;
            let workspaces = declared(source, here, manifest.as_ref())?;
            let relative = folder[here.len()..].trim_start_matches('/');
            if workspaces
                .iter()
                .any(|workspace| workspace.includes(relative))
            {
                Some((true, "is the workspace that the package belongs to"))
            } else if lockfile::is_in(source, here) {
                Some(if super::decide::has_dependencies(package) {
                    (
                        false,
                        "has a lockfile, but no workspace that the package belongs to",
                    )
                } else {
                    (true, "has the nearest lockfile")
                })
            } else if workspaces.is_empty() {
                None
            } else {
                Some((false, "is a workspace that the package does not belong to"))
            }
        };
        if let Some((counts, verdict)) = verdict {
            if counts && winner.is_none() {
                winner = Some(candidates.len());
            }
            candidates.push(candidate(here, verdict));
            if counts {
                break;
            }
        }
        at = match here.rsplit_once('/') {
            Some((above, _)) => Some(above),
            None if here.is_empty() => None,
            None => Some(""),
        };
    }
    let winner = winner.unwrap_or_else(|| {
        candidates.push(candidate(folder, "is the app's folder"));
        candidates.len() - 1
    });
    let root = match candidates[winner].value.as_str() {
        "." => String::new(),
        root => root.to_owned(),
    };
    Ok((
        root,
        Some(Decision {
            subject: "folder of the package manager".into(),
            rule: "The nearest folder upwards with a lockfile, or with a workspace that the package belongs to.".into(),
            candidates,
            winner: Some(winner),
            ..Decision::default()
        }),
    ))
}

fn candidate(folder: &str, verdict: &str) -> Candidate {
    let folder = if folder.is_empty() { "." } else { folder };
    Candidate::new(folder, Origin::file(folder), verdict)
}
