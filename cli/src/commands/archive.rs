//! `slugbuilder archive`

use super::compile::left_out_after_build;
use super::{manifest_path, megabytes, process_types, show_process_types};
use crate::arguments::ArchiveArguments;
use crate::environment;
use crate::failure::{Failure, SignalError};
use crate::printer::{Printer, print_data, size};
use crate::signals::{self, Forced};
use slugbuilder::archive_folder::{ArchiveFolderOptions, archive_folder, without_cache};
use slugbuilder::cache::CacheFolder;
use slugbuilder::stack::Stack;
use slugbuilder::stop::Stop;
use slugbuilder_report::{Event, Reporter as _};
use std::process::ExitCode;
use std::time::Instant;

pub(super) fn run(arguments: &ArchiveArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let stack = Stack::named(&arguments.stack)?;
    let requests = signals::watch(Forced::AtOnce).map_err(SignalError)?;
    let types = arguments.process_types.as_deref().map(process_types);
    let options = ArchiveFolderOptions {
        folder: arguments.directory.clone(),
        output: arguments.output.clone(),
        manifest: manifest_path(&arguments.output),
        stack,
        process_types: types.transpose()?,
        all_files: arguments.all_files,
        source_date_epoch: environment::source_date_epoch(),
        max_size: megabytes(arguments.max_size),
        compression: arguments.compression.into(),
        cache: cache_folder(arguments, printer),
        stop: Stop::new(&requests.stop, None),
    };
    let manifest = archive_folder(&options, printer)?;
    if let Some(line) = left_out_after_build(&manifest.build.left_out) {
        printer.say(&format!("  {line}"));
    }
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
        print_data(&serde_json::to_string_pretty(&manifest).unwrap_or_default())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the cache is; archiving does without one where nobody has a place for it.
fn cache_folder(arguments: &ArchiveArguments, printer: &Printer) -> Option<CacheFolder> {
    match environment::cache_dir(&arguments.cache) {
        Ok(path) => Some(CacheFolder {
            path,
            max_size: arguments.bound.cache_max_size,
        }),
        Err(error) => {
            printer.warning(&without_cache(&error));
            None
        }
    }
}
