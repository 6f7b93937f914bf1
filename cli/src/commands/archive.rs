//! `slugbuilder archive`

use super::{manifest_path, megabytes, process_types, show_process_types};
use crate::arguments::ArchiveArguments;
use crate::environment;
use crate::failure::{Failure, UsageError};
use crate::printer::{Printer, print_data, size};
use slugbuilder::archive_folder::{ArchiveFolderOptions, archive_folder};
use slugbuilder::slug::ProcessType;
use slugbuilder::stack::Stack;
use slugbuilder_report::{Event, Reporter as _, Warning};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

pub(super) fn run(arguments: &ArchiveArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let stack = Stack::named(&arguments.stack)?;
    let types = match &arguments.process_types {
        Some(json) => process_types(json)?,
        // What is wrong with such a folder is said when it is archived.
        None if !arguments.directory.is_dir() => BTreeMap::new(),
        None => of_procfile(&arguments.directory, printer)?,
    };
    let options = ArchiveFolderOptions {
        folder: arguments.directory.clone(),
        output: arguments.output.clone(),
        manifest: manifest_path(&arguments.output),
        stack,
        process_types: types,
        all_files: arguments.all_files,
        source_date_epoch: environment::source_date_epoch(),
        max_size: megabytes(arguments.max_size),
    };
    let manifest = archive_folder(&options, printer)?;
    show_process_types(&manifest.slug.process_types, printer);
    printer.report(Event::Step(&format!(
        "Wrote {} ({}) and {} in {:.1} s",
        options.output.display(),
        size(manifest.build.size),
        options.manifest.display(),
        started.elapsed().as_secs_f64()
    )));
    printer.say(&format!("  {}", manifest.slug.checksum));
    if arguments.json {
        print_data(&serde_json::to_string_pretty(&manifest).unwrap_or_default());
    }
    Ok(ExitCode::SUCCESS)
}

fn of_procfile(folder: &Path, printer: &Printer) -> Result<BTreeMap<ProcessType, String>, Failure> {
    let path = folder.join("Procfile");
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(UsageError::NoProcessTypes(folder.display().to_string()).into());
        }
        Err(source) => {
            return Err(UsageError::Unreadable {
                path: path.display().to_string(),
                source,
            }
            .into());
        }
    };
    let procfile = procfile::parse(&text);
    for found in &procfile.diagnostics {
        match found.level() {
            procfile::Level::Warning => {
                let warning = Warning::new(found.kind.code(), found.to_string());
                printer.warning(&warning.hint(format!("{}.", found.fix)));
            }
            procfile::Level::Note => printer.say(&format!("  {found}")),
        }
    }
    procfile
        .processes
        .into_iter()
        .map(
            |process| match ProcessType::try_from(process.name.clone()) {
                Ok(name) => Ok((name, process.command)),
                Err(_) => Err(UsageError::ProcessTypeName { name: process.name }.into()),
            },
        )
        .collect()
}
