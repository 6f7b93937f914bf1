//! `volta.node` of package.json, with what it `extends` (docs.volta.sh, "Workspaces").

use super::VersionError;
use super::node::parse_range;
use super::request::{Evidence, Found};
use crate::app::App;
use crate::manifest::ManifestError;
use crate::node::PackageJson;

/// More files than this are no chain that somebody has written by hand.
const MAX_FILES: usize = 16;

/// The pinned version of each package, a place that two of them lead to once.
pub(super) fn requests(evidence: &Evidence) -> Result<Vec<Found>, VersionError> {
    let whole = evidence.app.whole_source()?;
    let place = |found: &Found| match found {
        Ok(requested) => requested.origin.clone(),
        Err(error) => error.request().1,
    };
    let mut all: Vec<Found> = Vec::new();
    for package in evidence.packages() {
        if let Some(found) = of_package(&whole, package)?
            && all.iter().all(|other| place(other) != place(&found))
        {
            all.push(found);
        }
    }
    Ok(all)
}

/// The pinned version of the nearest file of the chain that begins with `own` and has one.
fn of_package(whole: &App, own: &PackageJson) -> Result<Option<Found>, VersionError> {
    let mut package = own.clone();
    for _ in 0..MAX_FILES {
        if let Some(node) = &package.volta.node {
            return Ok(Some(parse_range(&node.value, package.origin(node.line))));
        }
        let Some(extends) = &package.volta.extends else {
            return Ok(None);
        };
        let refused = |problem| VersionError::Extends {
            text: extends.value.clone(),
            origin: package.origin(extends.line),
            problem,
        };
        let Some(path) = relative_to(&package.path, &extends.value) else {
            return Ok(Some(Err(refused("is not inside the source"))));
        };
        match PackageJson::read_file(whole, &path).map_err(ManifestError::from)? {
            Some(next) => package = next,
            None => return Ok(Some(Err(refused("is not there")))),
        }
    }
    Ok(Some(Err(VersionError::Extends {
        text: own
            .volta
            .extends
            .as_ref()
            .map_or_else(String::new, |extends| extends.value.clone()),
        origin: own.origin(own.volta.extends.as_ref().map_or(1, |extends| extends.line)),
        problem: "leads from file to file without end",
    })))
}

/// `path` as it is meant in the file `from`, both below the source; nothing where it leads out of it.
fn relative_to(from: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut names: Vec<&str> = from.split('/').collect();
    names.pop();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_source() {
        for (from, path, expected) in [
            ("package.json", "./base.json", Some("base.json")),
            (
                "packages/api/package.json",
                "../../package.json",
                Some("package.json"),
            ),
            ("packages/api/package.json", "../../../package.json", None),
            ("package.json", "/package.json", None),
        ] {
            assert_eq!(relative_to(from, path).as_deref(), expected, "{path}");
        }
    }
}
