//! The commands: each turns its arguments into the library's parameters and the result into lines.

mod apps;
mod archive;
mod buildpack;
mod cache;
mod compile;
mod config;
mod deploy;
mod lock;
mod plan;
mod platform;
mod promote;
mod publish;
mod pull;
mod release;
mod releases;
mod resolving;
mod rollback;
mod run;
mod serve;
mod unpack;
mod vendor;

use crate::arguments::{Arguments, Command};
use crate::failure::{Failure, UsageError};
use crate::printer::{Printer, one_line};
use slugbuilder::slug::ProcessType;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the command that was asked for.
pub(crate) fn run(arguments: &Arguments, printer: &Printer) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Plan(arguments) => plan::run(arguments, printer),
        Command::Compile(arguments) => compile::run(arguments, printer),
        Command::Lock(arguments) => lock::run(arguments, printer),
        Command::Vendor(arguments) => vendor::run(arguments, printer),
        Command::Archive(arguments) => archive::run(arguments, printer),
        Command::Run(arguments) => run::run(arguments, printer),
        Command::Unpack(arguments) => unpack::run(arguments, printer),
        Command::Deploy(arguments) => deploy::run(arguments, printer),
        Command::Publish(arguments) => publish::run(arguments, printer),
        Command::Release(arguments) => release::run(arguments, printer),
        Command::Promote(arguments) => promote::run(arguments, printer),
        Command::Releases(arguments) => releases::run(arguments, printer),
        Command::Rollback(arguments) => rollback::run(arguments, printer),
        Command::Pull(arguments) => pull::run(arguments, printer),
        Command::Apps(arguments) => apps::run(arguments, printer),
        Command::Config(arguments) => config::run(arguments, printer),
        Command::Serve(command) => serve::run(command, &arguments.output, printer),
        Command::Cache(arguments) => cache::run(arguments, printer),
        Command::Buildpack(arguments) => buildpack::run(arguments, printer),
    }
}

/// Where a slug's manifest is: `slug.json` for `slug.tgz`, `NAME.json` for `NAME.tgz` or `NAME.tar.gz`.
fn manifest_path(slug: &Path) -> PathBuf {
    // Bytes: a name need not be UTF-8.
    let name = slug.file_name().unwrap_or_default().as_bytes();
    let stem = [".tar.gz", ".tgz", ".tar", ".gz"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending.as_bytes()))
        .unwrap_or(name);
    slug.with_file_name(OsString::from_vec([stem, b".json"].concat()))
}

/// `--process-types`.
fn process_types(json: &str) -> Result<BTreeMap<ProcessType, String>, Failure> {
    let types: BTreeMap<String, String> =
        serde_json::from_str(json).map_err(UsageError::ProcessTypes)?;
    types
        .into_iter()
        .map(
            |(name, command)| match ProcessType::try_from(name.clone()) {
                Ok(name) => Ok((name, command)),
                Err(_) => Err(UsageError::ProcessTypeName { name }.into()),
            },
        )
        .collect()
}

/// A count of megabytes as bytes. Heroku's are binary ones.
fn megabytes(count: u64) -> u64 {
    count.saturating_mul(1 << 20)
}

/// The process types as lines, aligned.
fn show_process_types(types: &BTreeMap<ProcessType, String>, printer: &Printer) {
    let width = types
        .keys()
        .map(|name| name.as_str().len())
        .max()
        .unwrap_or(0);
    for (name, command) in types {
        let command = one_line(command);
        printer.say(&format!("  {:width$}  {command}", name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_named_after_its_slug() {
        let path = |slug: &str| manifest_path(Path::new(slug)).display().to_string();
        assert_eq!(path("slug.tgz"), "slug.json");
        assert_eq!(path("out/app.tar.gz"), "out/app.json");
        assert_eq!(path("/a/b"), "/a/b.json");
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"o/\xff\xfe.tgz"));
        assert_eq!(
            manifest_path(odd).as_os_str().as_bytes(),
            b"o/\xff\xfe.json"
        );
    }

    #[test]
    fn process_types_are_checked() {
        assert_eq!(process_types(r#"{"web":"node web.js"}"#).unwrap().len(), 1);
        for bad in ["", "[]", r#"{"web":1}"#, r#"{"w b":"x"}"#] {
            assert!(process_types(bad).is_err(), "{bad}");
        }
    }
}
