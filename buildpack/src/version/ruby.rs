//! Ruby version requests.

use super::request::{Evidence, Found, default};
use super::{
    Constraint, Reader, Requested, Version, VersionError, numbers, tool_versions, version_file,
};
use crate::catalogue::Catalogue;
use crate::precedence::Source;
use crate::runtime::Runtime;
use slugbuilder_report::Origin;

/// Where a Ruby version can be asked for. Bundler's record is first, as on Heroku.
pub const SOURCES: &[Source<Reader>] = &[
    Source {
        name: "`RUBY VERSION` of Gemfile.lock",
        meaning: "the version that Bundler wrote",
        read: of_lock,
    },
    Source {
        name: "`.ruby-version`",
        meaning: "a version or its beginning, with or without `ruby-`; the nearest one in the app's folder or above it",
        read: |evidence| version_file::requests(evidence, ".ruby-version", parse),
    },
    Source {
        name: "`.tool-versions`",
        meaning: "the first version of the line `ruby`; the nearest one in the app's folder or above it",
        read: |evidence| tool_versions::requests(evidence, &["ruby"], parse),
    },
    Source {
        name: "the default",
        meaning: "the newest version of the default line; what apt has where Heroku's cannot be reached",
        read: default,
    },
];

fn of_lock(evidence: &Evidence) -> Result<Vec<Found>, VersionError> {
    const FILE: &str = "Gemfile.lock";
    let text = evidence.app.text(FILE)?;
    Ok(text
        .as_deref()
        .and_then(locked)
        .map(|(version, line)| parse(version, evidence.app.line(FILE, line), evidence.catalogue))
        .into_iter()
        .collect())
}

/// The line below `RUBY VERSION`; any indentation and line end.
fn locked(text: &str) -> Option<(&str, usize)> {
    let mut lines = text.lines().enumerate();
    lines.find(|(_, line)| line.trim_end() == "RUBY VERSION")?;
    let (index, line) = lines.next()?;
    (!line.trim().is_empty()).then_some((line.trim(), index + 1))
}

/// `3.3.9`, `3.3`, `ruby-3.3.9`, and Bundler's `ruby 3.3.9p170`, whose patch level says nothing since Ruby 2.1.
fn parse(text: &str, origin: Origin, _: &Catalogue) -> Found {
    let runtime = Runtime::Ruby;
    let rest = text.trim();
    if rest == "system" {
        return Err(VersionError::OfTheMachine {
            runtime,
            text: text.to_owned(),
            origin,
        });
    }
    let rest = rest
        .strip_prefix("ruby")
        .map_or(rest, |rest| rest.trim_start_matches(['-', ' ']));
    if rest.starts_with(|first: char| first.is_ascii_alphabetic()) || rest.contains('(') {
        return Err(VersionError::OtherEngine {
            runtime,
            text: text.to_owned(),
            origin,
        });
    }
    let without_patch_level = match rest.rsplit_once('p') {
        Some((version, level)) if level.bytes().all(|byte| byte.is_ascii_digit()) => version,
        _ => rest,
    };
    let constraint = match numbers(without_patch_level).as_deref() {
        Some([major, minor, patch]) => Constraint::Exact(Version::new(*major, *minor, *patch)),
        Some([major, minor]) => Constraint::Line {
            major: *major,
            minor: Some(*minor),
        },
        Some([major]) => Constraint::Line {
            major: *major,
            minor: None,
        },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogues;

    #[test]
    fn requests_are_versions_and_their_beginnings() {
        let catalogues = Catalogues::embedded().unwrap();
        let catalogue = catalogues.of(Runtime::Ruby);
        let exact = Constraint::Exact(Version::new(3, 3, 9));
        for text in [
            "3.3.9",
            "ruby-3.3.9",
            "ruby 3.3.9",
            "ruby 3.3.9p170",
            "3.3.9p170",
        ] {
            assert_eq!(
                parse(text, Origin::line("x", 1), catalogue)
                    .unwrap()
                    .constraint,
                exact,
                "{text}"
            );
        }
        assert_eq!(
            parse("3.3", Origin::line("x", 1), catalogue)
                .unwrap()
                .constraint,
            Constraint::Line {
                major: 3,
                minor: Some(3)
            }
        );
        for text in [
            "jruby-9.4.5.0",
            "truffleruby+graalvm",
            "ruby 3.1.4p0 (jruby 9.4.5.0)",
        ] {
            assert!(
                matches!(
                    parse(text, Origin::line("x", 1), catalogue),
                    Err(VersionError::OtherEngine { .. })
                ),
                "{text}"
            );
        }
        for text in ["", "3.x", "~> 3.3", "3.4.0-preview1"] {
            assert!(
                matches!(
                    parse(text, Origin::line("x", 1), catalogue),
                    Err(VersionError::Unreadable { .. })
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn the_lock_may_have_any_indentation_and_line_end() {
        assert_eq!(
            locked("GEM\n\nRUBY VERSION\n   ruby 3.3.9p170\n\nB"),
            Some(("ruby 3.3.9p170", 4))
        );
        assert_eq!(
            locked("RUBY VERSION\r\n  ruby 3.3.9\r\n"),
            Some(("ruby 3.3.9", 2))
        );
        assert_eq!(locked("GEM\n  specs:\n"), None);
        assert_eq!(locked("RUBY VERSION\n"), None);
    }
}
