//! `slugbuilder unpack`

use crate::arguments::UnpackArguments;
use crate::failure::Failure;
use crate::printer::{Printer, count, size};
use slugbuilder_fetch::Limits;
use std::process::ExitCode;

pub(super) fn run(arguments: &UnpackArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let unpacked =
        slugbuilder::slug::unpack(&arguments.slug, &arguments.directory, Limits::default())?;
    for warning in &unpacked.warnings {
        printer.warning(warning);
    }
    printer.say(&format!(
        "Unpacked {} ({}) to {}",
        count(unpacked.unpacked.files, "file"),
        size(unpacked.unpacked.bytes),
        arguments.directory.display()
    ));
    Ok(ExitCode::SUCCESS)
}
