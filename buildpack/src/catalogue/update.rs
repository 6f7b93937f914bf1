//! The maintenance command that remakes the catalogues, with the npm and go of the maintainer's machine.

mod managers;

use super::{Catalogue, Catalogues, Hashes};
use crate::command::{Client, CommandError};
use crate::date::Day;
use crate::runtime::Runtime;
use crate::version::Version;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The oldest Node.js and Go that are listed: older ones do not run on any stack or are in no source.
const OLDEST_NODE: Version = Version {
    major: 12,
    minor: 0,
    patch: 0,
};
const OLDEST_GO: Version = Version {
    major: 1,
    minor: 13,
    patch: 0,
};

/// Remakes `node.toml`, `go.toml` and the package managers' files in `folder`, keeping what is written by hand: lines,
/// defaults, and which npm comes with which Node.js.
pub fn update(folder: &Path, today: &Day) -> Result<Vec<String>, UpdateError> {
    let current = Catalogues::embedded().map_err(UpdateError::Embedded)?;
    let mut notes = Vec::new();
    for runtime in [Runtime::Node, Runtime::Go] {
        let mut catalogue = current.of(runtime).clone();
        today.as_str().clone_into(&mut catalogue.snapshot);
        match runtime {
            Runtime::Node => catalogue.versions = node_versions()?,
            _ => update_go(&mut catalogue)?,
        }
        let path = folder.join(format!("{}.toml", runtime.name()));
        fs_err::write(&path, render(runtime, &catalogue)).map_err(UpdateError::Write)?;
        notes.push(format!(
            "{}: {} versions of {runtime}",
            path.display(),
            catalogue.versions.len()
        ));
    }
    notes.extend(managers::update(folder, today)?);
    Ok(notes)
}

/// The file's text: short enough to review, one version a line.
fn render(runtime: Runtime, catalogue: &Catalogue) -> String {
    let mut text = format!(
        "# {runtime} releases. Made by `slugbuilder-buildpack catalogue update`; lines and default are kept by hand.\n\
         snapshot = \"{}\"\ndefault = \"{}\"\n",
        catalogue.snapshot, catalogue.default
    );
    for (number, line) in &catalogue.lines {
        let _ = writeln!(text, "\n[lines.\"{number}\"]");
        for (key, value) in [
            ("codename", &line.codename),
            ("long-term-support", &line.long_term_support),
            ("end-of-life", &line.end_of_life),
        ] {
            if let Some(value) = value {
                let _ = writeln!(text, "{key} = \"{value}\"");
            }
        }
    }
    text.push_str("\n[versions]\n");
    for (version, hashes) in &catalogue.versions {
        let fields: Vec<String> = [
            ("npm-x64", &hashes.npm_x64),
            ("npm-arm64", &hashes.npm_arm64),
        ]
        .into_iter()
        .filter_map(|(key, value)| value.as_ref().map(|value| format!("{key} = \"{value}\"")))
        .collect();
        let _ = if fields.is_empty() {
            writeln!(text, "\"{version}\" = {{}}")
        } else {
            writeln!(text, "\"{version}\" = {{ {} }}", fields.join(", "))
        };
    }
    text
}

#[derive(Deserialize)]
struct Published {
    version: String,
    #[serde(rename = "dist.integrity")]
    integrity: String,
}

fn node_versions() -> Result<BTreeMap<Version, Hashes>, UpdateError> {
    let mut versions: BTreeMap<Version, Hashes> = BTreeMap::new();
    for machine in ["x64", "arm64"] {
        let package = format!("node-linux-{machine}@>={OLDEST_NODE}");
        let output = Client::inherited("npm")
            .args(["view", &package, "version", "dist.integrity", "--json"])
            .output()?;
        let published: Vec<Published> =
            serde_json::from_slice(&output).map_err(UpdateError::Json)?;
        for one in published {
            let Some(version) = Version::parse(&one.version) else {
                continue;
            };
            // Both machines get the same versions. One that is there for Arm alone is not whole yet, or never was.
            if machine == "x64" {
                versions.entry(version).or_default().npm_x64 = Some(one.integrity);
            } else if let Some(hashes) = versions.get_mut(&version) {
                hashes.npm_arm64 = Some(one.integrity);
            }
        }
    }
    Ok(versions)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Module {
    time: Option<String>,
}

/// Every listed release, and the end of each line: Go supports a line until the second one after it is released
/// (go.dev/doc/devel/release#policy).
fn update_go(catalogue: &mut Catalogue) -> Result<(), UpdateError> {
    let output = Client::inherited("go")
        .args(["list", "-m", "-versions", "golang.org/toolchain"])
        .output()?;
    let text = String::from_utf8_lossy(&output);
    catalogue.versions = text
        .split_whitespace()
        .filter_map(|version| {
            version
                .strip_prefix("v0.0.1-go")?
                .strip_suffix(".linux-amd64")
        })
        .filter_map(|name| match crate::version::numbers(name)?.as_slice() {
            [major, minor] => Some(Version::new(*major, *minor, 0)),
            [major, minor, patch] => Some(Version::new(*major, *minor, *patch)),
            _ => None,
        })
        .filter(|version| *version >= OLDEST_GO)
        .map(|version| (version, Hashes::default()))
        .collect();
    fill_gaps(&mut catalogue.versions);
    let Some(newest) = catalogue.versions.keys().next_back().copied() else {
        return Ok(());
    };
    catalogue.default = format!("{}.{}", newest.major, newest.minor);
    for minor in 21..=newest.minor {
        let first = Version::new(newest.major, minor, 0);
        let line = format!("1.{}", minor - 2);
        let known = catalogue
            .lines
            .get(&line)
            .is_some_and(|line| line.end_of_life.is_some());
        if known || !catalogue.versions.contains_key(&first) {
            continue;
        }
        let module = format!(
            "golang.org/toolchain@v0.0.1-go{}.linux-amd64",
            first.go_name()
        );
        let output = Client::inherited("go")
            .args(["list", "-m", "-json", &module])
            .output()?;
        let module: Module = serde_json::from_slice(&output).map_err(UpdateError::Json)?;
        catalogue.lines.entry(line).or_default().end_of_life = module
            .time
            .as_deref()
            .and_then(|time| time.get(..10))
            .map(str::to_owned);
    }
    Ok(())
}

/// A module proxy lists the versions that somebody has asked it for, while Go's patches of a line have no gaps.
fn fill_gaps(versions: &mut BTreeMap<Version, Hashes>) {
    let mut newest: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for version in versions.keys() {
        newest.insert((version.major, version.minor), version.patch);
    }
    for ((major, minor), patch) in newest {
        for patch in 0..=patch {
            versions
                .entry(Version::new(major, minor, patch))
                .or_default();
        }
    }
}

/// Why the catalogues could not be remade. For maintainers, so without explanations.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The embedded catalogue is broken.
    #[error("the embedded catalogue cannot be read")]
    Embedded(#[source] toml::de::Error),
    /// npm or go failed.
    #[error(transparent)]
    Client(#[from] CommandError),
    /// It answered something else than JSON.
    #[error("unexpected answer")]
    Json(#[source] serde_json::Error),
    /// A file could not be written.
    #[error(transparent)]
    Write(std::io::Error),
}
