//! asdf's `.tool-versions`.

use super::VersionError;
use crate::app::App;
use slugbuilder_report::Origin;

/// The first version of the first line that names one of `tools`, in lower or upper case.
pub(super) fn read(app: &App, tools: &[&str]) -> Result<Option<(String, Origin)>, VersionError> {
    const FILE: &str = ".tool-versions";
    let Some(text) = app.text(FILE)? else {
        return Ok(None);
    };
    for (index, line) in text.lines().enumerate() {
        let mut words = line
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        if words.next().is_some_and(|tool| tools.contains(&tool)) {
            let version = words.next().unwrap_or_default().to_owned();
            return Ok(Some((version, Origin::line(FILE, index + 1))));
        }
    }
    Ok(None)
}
