//! `slugbuilder buildpack`

use crate::arguments::{BuildpackAction, BuildpackCommandArguments, PackageArguments};
use crate::failure::Failure;
use crate::printer::{Printer, size};
use slugbuilder_buildpack::package;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(
    arguments: &BuildpackCommandArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    match &arguments.action {
        BuildpackAction::Package(arguments) => write_package(arguments, printer)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write_package(arguments: &PackageArguments, printer: &Printer) -> Result<(), Failure> {
    // The link also works where the file has been replaced since the start.
    let package = package::write(
        &arguments.directory,
        Path::new("/proc/self/exe"),
        arguments.homepage.as_deref(),
    )?;
    printer.say(&format!(
        "Wrote the buildpack to {} ({})",
        arguments.directory.display(),
        size(package.size)
    ));
    printer.say(&format!(
        "  pack build my-app --buildpack {} --builder heroku/builder:24",
        package.folder.display()
    ));
    Ok(())
}
