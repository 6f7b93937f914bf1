//! Files such as `.nvmrc`, which hold one version and are looked for in the app's folder and above it.

use super::VersionError;
use super::request::{Evidence, Found};
use crate::app::{App, AppError};
use crate::catalogue::Catalogue;
use slugbuilder_report::Origin;

/// Reads one request as a tool understands it.
pub(super) type Parse = fn(&str, Origin, &Catalogue) -> Found;

/// The requests in the files called `name`, the nearest one first, as nvm, nodenv, rbenv, goenv and asdf find them.
pub(super) fn requests(
    evidence: &Evidence,
    name: &str,
    parse: Parse,
) -> Result<Vec<Found>, VersionError> {
    let mut found = Vec::new();
    for (path, text) in upwards(evidence.app, name)? {
        let mut lines = lines(&text);
        found.push(match (lines.next(), lines.next()) {
            (Some((text, line)), None) => parse(text, Origin::line(path, line), evidence.catalogue),
            (Some((first, line)), Some((second, other))) => Err(VersionError::Several {
                texts: Box::new([first.to_owned(), second.to_owned()]),
                origin: Origin::line(path.as_str(), line),
                other: Origin::line(path, other),
            }),
            (None, _) => Err(VersionError::Empty {
                origin: Origin::file(path),
            }),
        });
    }
    Ok(found)
}

/// The texts of the files called `name` in the app's folder and in every folder above it up to the source's root, nearest
/// first, each with its path below the source.
pub(super) fn upwards(app: &App, name: &str) -> Result<Vec<(String, String)>, AppError> {
    let mut found = Vec::new();
    let whole = app.whole_source()?;
    let mut folder = app.folder();
    loop {
        let path = crate::app::join(folder, name);
        if let Some(text) = whole.text(&path)? {
            found.push((path, text));
        }
        if folder.is_empty() {
            return Ok(found);
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

/// The lines that hold more than a comment, each with its number. Lines such as `name=value` are for nvm's own use to come
/// and say nothing (github.com/nvm-sh/nvm, README, ".nvmrc").
fn lines(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let line = line.split('#').next().unwrap_or_default().trim();
        let is_setting = line.split_once('=').is_some_and(|(name, _)| {
            let name = name.trim_end();
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic())
        });
        (!line.is_empty() && !is_setting).then_some((line, index + 1))
    })
}
