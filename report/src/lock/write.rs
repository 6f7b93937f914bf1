//! The file's text: sorted and stable, so that a change of one thing is a change of its lines.

use super::{LOCK_VERSION, LockFile};
use crate::PinnedArchive;
use std::fmt;

const HEADER: &str = "\
# What slugbuilder builds this app with, so that every build of it is the same. Commit this file.
# Written by `slugbuilder lock`; `slugbuilder lock --update` moves to newer versions.
";

impl fmt::Display for LockFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}version = {LOCK_VERSION}")?;
        field(f, "stack", &self.stack.value)?;
        for buildpack in &self.buildpacks {
            let buildpack = &buildpack.value;
            writeln!(f, "\n[[buildpack]]")?;
            field(f, "id", &buildpack.id)?;
            field(f, "version", &buildpack.version)?;
            if let Some(digest) = &buildpack.digest {
                field(f, "digest", digest)?;
            }
        }
        let mut pins: Vec<_> = self.pins.iter().map(|pin| &pin.value).collect();
        pins.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
        for pin in pins {
            writeln!(f, "\n[[{}]]", pin.kind.name())?;
            field(f, "name", &pin.name)?;
            field(f, "version", &pin.version)?;
            field(f, "requested", &pin.requested)?;
            field(f, "requested-by", &pin.requested_by)?;
            let mut archives: Vec<_> = pin.archives.iter().collect();
            archives.sort_by_key(|archive| (is_package(archive), &archive.location));
            if archives.is_empty() {
                writeln!(f, "archives = []")?;
                continue;
            }
            writeln!(f, "archives = [")?;
            for archive in archives {
                let name = if is_package(archive) {
                    "package"
                } else {
                    "url"
                };
                writeln!(
                    f,
                    "    {{ {name} = {}, hash = {} }},",
                    quoted(&archive.location),
                    quoted(&archive.hash)
                )?;
            }
            writeln!(f, "]")?;
        }
        Ok(())
    }
}

fn is_package(archive: &PinnedArchive) -> bool {
    !archive.location.contains("://")
}

fn field(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "{name} = {}", quoted(value))
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.extend(format!("\\u{:04X}", u32::from(c)).chars()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
