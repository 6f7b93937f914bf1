//! Remakes the catalogues of package managers.

use super::UpdateError;
use crate::catalogue::ManagerCatalogue;
use crate::command::Client;
use crate::date::Day;
use crate::node::Manager;
use crate::version::Version;
use serde::Deserialize;
use std::fmt::Write as _;
use std::path::Path;

#[derive(Deserialize)]
struct Published {
    version: String,
    #[serde(rename = "dist.integrity")]
    integrity: String,
    #[serde(rename = "engines.node")]
    engine: Option<String>,
}

/// The name of a manager's file, and the oldest and the first too new version that it lists.
fn file(manager: Manager) -> (&'static str, &'static str) {
    match manager {
        Manager::Npm => ("npm.toml", ">=6.0.0"),
        Manager::YarnClassic => ("yarn-classic.toml", ">=1.0.0 <2.0.0"),
        Manager::YarnBerry => ("yarn-berry.toml", ">=2.4.0"),
        Manager::Pnpm => ("pnpm.toml", ">=6.0.0"),
    }
}

/// Remakes every file in `folder`. Returns a note about each.
pub(super) fn update(folder: &Path, today: &Day) -> Result<Vec<String>, UpdateError> {
    let mut notes = Vec::new();
    for manager in Manager::ALL {
        let mut catalogue = ManagerCatalogue::embedded(manager).map_err(UpdateError::Embedded)?;
        today.as_str().clone_into(&mut catalogue.snapshot);
        ask(manager, &mut catalogue)?;
        let path = folder.join(file(manager).0);
        fs_err::write(&path, render(manager, &catalogue)).map_err(UpdateError::Write)?;
        notes.push(format!(
            "{}: {} versions of {manager}",
            path.display(),
            catalogue.versions.len()
        ));
    }
    Ok(notes)
}

/// Asks the user's npm for the stable versions.
fn ask(manager: Manager, catalogue: &mut ManagerCatalogue) -> Result<(), UpdateError> {
    let specification = format!("{}@{}", manager.package(), file(manager).1);
    let output = Client::inherited("npm")
        .args([
            "view",
            &specification,
            "version",
            "dist.integrity",
            "engines.node",
            "--json",
        ])
        .output()?;
    let mut published: Vec<(Version, Published)> =
        serde_json::from_slice::<Vec<Published>>(&output)
            .map_err(UpdateError::Json)?
            .into_iter()
            .filter_map(|one| Some((Version::parse(&one.version)?, one)))
            .collect();
    published.sort_by_key(|(version, _)| *version);
    catalogue.versions.clear();
    catalogue.engines.clear();
    let mut last = None;
    for (version, one) in published {
        let engine = one.engine.unwrap_or_else(|| "*".into());
        if last.as_ref() != Some(&engine) {
            catalogue.engines.insert(version, engine.clone());
            last = Some(engine);
        }
        catalogue.versions.insert(version, one.integrity);
    }
    Ok(())
}

/// The file's text: short enough to review, one version a line.
fn render(manager: Manager, catalogue: &ManagerCatalogue) -> String {
    let mut text = format!(
        "# {manager} releases (`{}` in the registry). Made by `slugbuilder-buildpack catalogue update`{}.\n\
         snapshot = \"{}\"\n",
        manager.package(),
        match manager {
            Manager::Npm => "; `bundled` is kept by hand",
            Manager::Pnpm => "; `limits` are kept by hand",
            _ => "",
        },
        catalogue.snapshot
    );
    if !catalogue.bundled.is_empty() {
        text.push_str("\n# Since which Node.js which npm comes with it.\n[bundled]\n");
        for (node, npm) in &catalogue.bundled {
            let _ = writeln!(text, "\"{node}\" = \"{npm}\"");
        }
    }
    text.push_str("\n# Since which version which Node.js it runs on.\n[engines]\n");
    for (version, engine) in &catalogue.engines {
        let _ = writeln!(text, "\"{version}\" = \"{engine}\"");
    }
    if !catalogue.limits.is_empty() {
        text.push_str(
            "\n# What they do not say: since which version on which Node.js only.\n[limits]\n",
        );
        for (version, limit) in &catalogue.limits {
            let _ = writeln!(text, "\"{version}\" = \"{limit}\"");
        }
    }
    text.push_str("\n[versions]\n");
    for (version, integrity) in &catalogue.versions {
        let _ = writeln!(text, "\"{version}\" = \"{integrity}\"");
    }
    text
}
