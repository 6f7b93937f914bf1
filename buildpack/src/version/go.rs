//! Go version requests.

use super::{
    Constraint, Requested, Version, VersionError, node::first_line, numbers, tool_versions,
};
use crate::app::App;
use crate::manifest::GoMod;
use crate::runtime::Runtime;
use slugbuilder_report::Origin;

/// Every request, in order of precedence.
///
/// `// +heroku goVersion` and `toolchain` name a toolchain. The `go` line states the oldest Go that the module accepts
/// (go.dev/ref/mod#go-mod-file-go): the newest patch of that line is taken, for its security fixes.
pub(super) fn requests(app: &App) -> Result<Vec<Result<Requested, VersionError>>, VersionError> {
    let mut found = Vec::new();
    if let Some(module) = GoMod::read(app)? {
        let origin = |line| Origin::line("go.mod", line);
        if let Some((text, line)) = module.heroku_version {
            found.push(parse(&text, origin(line), false));
        }
        // `toolchain default` says "no toolchain in particular".
        if let Some((text, line)) = module.toolchain.filter(|(text, _)| text != "default") {
            found.push(parse(&text, origin(line), false));
        }
        if let Some((text, line)) = module.go {
            found.push(parse(&text, origin(line), true));
        }
    }
    if let Some((text, line)) = first_line(app, ".go-version")? {
        found.push(parse(&text, Origin::line(".go-version", line), false));
    }
    if let Some((text, origin)) = tool_versions::read(app, &["golang", "go"])? {
        found.push(parse(&text, origin, false));
    }
    Ok(found)
}

fn parse(text: &str, origin: Origin, is_floor: bool) -> Result<Requested, VersionError> {
    let runtime = Runtime::Go;
    let bare = text.strip_prefix("go").unwrap_or(text);
    let constraint = match numbers(bare).as_deref() {
        Some([major, minor, patch]) if is_floor => {
            Constraint::AtLeast(Version::new(*major, *minor, *patch))
        }
        Some([major, minor, patch]) => Constraint::Exact(Version::new(*major, *minor, *patch)),
        Some([major, minor]) => Constraint::Line {
            major: *major,
            minor: Some(*minor),
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
