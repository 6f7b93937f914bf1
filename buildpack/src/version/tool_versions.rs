//! asdf's `.tool-versions`.

use super::VersionError;
use super::request::{Evidence, Found};
use super::version_file::{Parse, upwards};
use slugbuilder_report::Origin;

/// The first version of the first line that names one of `tools`, in the nearest file that has such a line, and so on
/// upwards. asdf tries the other versions of a line where the first one is not installed; here any can be.
pub(super) fn requests(
    evidence: &Evidence,
    tools: &[&str],
    parse: Parse,
) -> Result<Vec<Found>, VersionError> {
    let mut found = Vec::new();
    for (path, text) in upwards(evidence.app, ".tool-versions")? {
        let line = text.lines().enumerate().find_map(|(index, line)| {
            let mut words = line
                .split('#')
                .next()
                .unwrap_or_default()
                .split_whitespace();
            words
                .next()
                .filter(|tool| tools.contains(tool))
                .map(|_| (words.next(), index + 1))
        });
        if let Some((version, line)) = line {
            let origin = Origin::line(path, line);
            found.push(match version {
                Some(version) => parse(version, origin, evidence.catalogue),
                None => Err(VersionError::Empty { origin }),
            });
        }
    }
    Ok(found)
}
