//! `slugbuilder unpack`

use crate::arguments::UnpackArguments;
use crate::failure::{Failure, SignalError};
use crate::printer::{Printer, count, size};
use crate::signals::{self, Forced};
use slugbuilder::stop::Stop;
use slugbuilder_fetch::Limits;
use std::process::ExitCode;

pub(super) fn run(arguments: &UnpackArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let requests = signals::watch(Forced::AtOnce).map_err(SignalError)?;
    let unpacked = slugbuilder::slug::unpack(
        &arguments.slug,
        &arguments.directory,
        Limits::default(),
        &Stop::new(&requests.stop, None),
    )?;
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
