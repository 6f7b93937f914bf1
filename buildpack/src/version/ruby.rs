//! Ruby version requests.

use super::{
    Constraint, Requested, Version, VersionError, node::first_line, numbers, tool_versions,
};
use crate::app::App;
use crate::runtime::Runtime;
use slugbuilder_report::Origin;

/// Every request, in order of precedence.
pub(super) fn requests(app: &App) -> Result<Vec<Result<Requested, VersionError>>, VersionError> {
    let mut found = Vec::new();
    if let Some(text) = app.text("Gemfile.lock")?
        && let Some((version, line)) = locked(&text)
    {
        found.push(parse(version, Origin::line("Gemfile.lock", line)));
    }
    if let Some((text, line)) = first_line(app, ".ruby-version")? {
        found.push(parse(&text, Origin::line(".ruby-version", line)));
    }
    if let Some((text, origin)) = tool_versions::read(app, &["ruby"])? {
        found.push(parse(&text, origin));
    }
    Ok(found)
}

/// The line below `RUBY VERSION`; any indentation and line end.
fn locked(text: &str) -> Option<(&str, usize)> {
    let mut lines = text.lines().enumerate();
    lines.find(|(_, line)| line.trim_end() == "RUBY VERSION")?;
    let (index, line) = lines.next()?;
    (!line.trim().is_empty()).then_some((line.trim(), index + 1))
}

/// `3.3.9`, `3.3`, `ruby-3.3.9`, and Bundler's `ruby 3.3.9p170`, whose patch level says nothing since Ruby 2.1.
fn parse(text: &str, origin: Origin) -> Result<Requested, VersionError> {
    let runtime = Runtime::Ruby;
    let rest = text.trim();
    let rest = rest
        .strip_prefix("ruby")
        .map_or(rest, |rest| rest.trim_start_matches(['-', ' ']));
    if rest.starts_with(|first: char| first.is_ascii_alphabetic()) || rest.contains('(') {
        return Err(VersionError::OtherEngine {
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

    #[test]
    fn requests_are_versions_and_their_beginnings() {
        let exact = Constraint::Exact(Version::new(3, 3, 9));
        for text in [
            "3.3.9",
            "ruby-3.3.9",
            "ruby 3.3.9",
            "ruby 3.3.9p170",
            "3.3.9p170",
        ] {
            assert_eq!(
                parse(text, Origin::line("x", 1)).unwrap().constraint,
                exact,
                "{text}"
            );
        }
        assert_eq!(
            parse("3.3", Origin::line("x", 1)).unwrap().constraint,
            Constraint::Line {
                major: 3,
                minor: Some(3)
            }
        );
        for text in [
            "jruby-9.4.5.0",
            "truffleruby+graalvm",
            "ruby 3.1.4p0 (jruby 9.4.5.0)",
            "system",
        ] {
            assert!(
                matches!(
                    parse(text, Origin::line("x", 1)),
                    Err(VersionError::OtherEngine { .. })
                ),
                "{text}"
            );
        }
        for text in ["", "3.x", "~> 3.3", "3.4.0-preview1"] {
            assert!(
                matches!(
                    parse(text, Origin::line("x", 1)),
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
