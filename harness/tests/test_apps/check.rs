//! What is compared the same way in a plan and in a build.

use crate::expect::Language;
use std::collections::{BTreeMap, BTreeSet};

/// Asserts that there are the warnings with the codes `expected`, and besides them none but those that `may` be.
#[track_caller]
pub(crate) fn check_warnings(
    expected: &[String],
    may: &[String],
    found: &[slugbuilder_report::Warning],
) {
    let codes: Vec<&String> = found.iter().map(|warning| &warning.code).collect();
    for code in expected {
        assert!(
            codes.contains(&code),
            "there is no warning `{code}`; there are: {codes:?}"
        );
    }
    for warning in found {
        assert!(
            expected.contains(&warning.code) || may.contains(&warning.code),
            "there is a warning `{}` that nothing is said of: {}",
            warning.code,
            warning.message
        );
    }
}

/// Asserts that the languages are those that are expected.
#[track_caller]
pub(crate) fn check_languages(
    expected: &BTreeMap<String, Language>,
    found: &[slugbuilder_report::Language],
) {
    let names = |names: Vec<&String>| names.into_iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(
        names(found.iter().map(|language| &language.name).collect()),
        names(expected.keys().collect()),
        "the languages"
    );
    for language in found {
        let Language {
            requested,
            by,
            version,
        } = &expected[&language.name];
        let name = &language.name;
        if let Some(requested) = requested {
            assert_eq!(
                *requested, language.requested,
                "the version of {name} that is asked for"
            );
        }
        if let Some(by) = by {
            let found = language.requested_by.to_string();
            assert!(
                by.matches(&found),
                "{name} is asked for by {found}, not by {by:?}"
            );
        }
        if let Some(version) = version {
            let found = language.version.clone().unwrap_or_default();
            assert!(
                version.matches(&found),
                "{name} is {found:?}, not {version:?}"
            );
        }
    }
}
