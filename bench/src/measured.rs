//! The processes that are measured for us: they do what their name says and nothing else.

use crate::arguments::{UnpackArguments, WriteArguments};
use crate::error::BenchError;
use slugbuilder::archive::{ArchiveOptions, Layout, Part, Placement, write_file};
use slugbuilder::stop::Stop;
use slugbuilder_fetch::Limits;
use slugbuilder_report::Silent;
use std::path::Path;

/// `runtime/`, `node_modules/` and the app's own files.
struct Parts;

impl Layout for Parts {
    fn place(&self, path: &Path, _: bool) -> Placement {
        Placement::In(if path.starts_with("runtime") {
            Part::Runtime
        } else if path.starts_with("node_modules") {
            Part::Dependencies
        } else {
            Part::App
        })
    }
}

/// Writes a tree as a slug and prints the checksum that the writer gave, as `sha256sum` would.
pub(crate) fn write(arguments: &WriteArguments) -> Result<(), BenchError> {
    let options = ArchiveOptions {
        app_time: arguments.app_time,
        compression: arguments.compression.into(),
        threads: arguments.threads,
        cache: arguments.cache.clone(),
        ..ArchiveOptions::default()
    };
    let summary = write_file(
        &arguments.tree,
        &Parts,
        &options,
        &arguments.output,
        &Silent,
    )?;
    println!("{}", hex::encode(summary.sha256));
    Ok(())
}

/// Unpacks a slug.
pub(crate) fn unpack(arguments: &UnpackArguments) -> Result<(), BenchError> {
    slugbuilder::slug::unpack(
        &arguments.slug,
        &arguments.directory,
        Limits::default(),
        &Stop::default(),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_is_in_its_part() {
        for (path, part) in [
            ("runtime", Part::Runtime),
            ("runtime/bin/node", Part::Runtime),
            ("node_modules/a/index.js", Part::Dependencies),
            ("src/runtime/a.js", Part::App),
            ("server.js", Part::App),
        ] {
            assert_eq!(Parts.place(Path::new(path), false), Placement::In(part));
        }
    }
}
