//! `slugbuilder vendor`

use super::resolving::{Subject, options};
use crate::arguments::VendorArguments;
use crate::environment::folder_address;
use crate::failure::{Failure, SignalError};
use crate::printer::{Printer, count, size};
use crate::signals::{self, Forced};
use slugbuilder::app_root::AppRoot;
use slugbuilder::compile::{CompileOptions, resolve};
use slugbuilder::vendor::{MirrorFolder, VendorError, Vendored, check};
use slugbuilder_report::{Event, Reporter as _};
use std::process::ExitCode;

pub(super) fn run(arguments: &VendorArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let requests = signals::watch(Forced::AtOnce).map_err(SignalError)?;
    let root = arguments.root.as_deref().map(AppRoot::parse);
    let root = root.transpose()?.flatten();
    let mut all = Vec::new();
    for source in &arguments.sources {
        let subject = Subject {
            source,
            root: root.clone(),
            stack: &arguments.stack,
            all_files: arguments.all_files,
        };
        let locking = arguments.lock.locking();
        all.push(options(
            &subject,
            &arguments.resolving,
            locking,
            &requests.stop,
        )?);
    }
    if arguments.check {
        check_folder(arguments, all, printer)?;
    } else {
        fill(arguments, &all, printer)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn fill(
    arguments: &VendorArguments,
    all: &[CompileOptions],
    printer: &Printer,
) -> Result<(), Failure> {
    let waiting = || {
        printer.report(Event::Note(
            "waiting for another run that fills this folder",
        ));
    };
    let mirror = MirrorFolder::open(&arguments.folder, &waiting)?;
    let mut total = Vendored::default();
    for options in all {
        announce(options, printer);
        let resolution = resolve(options, printer)?;
        let vendored = mirror.add(&options.cache_dir, &resolution.files)?;
        for path in &vendored.added {
            printer.say(&format!("  added {}", path.display()));
        }
        total.added.extend(vendored.added);
        total.kept += vendored.kept;
        total.bytes += vendored.bytes;
    }
    let added = u64::try_from(total.added.len()).unwrap_or(u64::MAX);
    let kept = u64::try_from(total.kept).unwrap_or(u64::MAX);
    printer.report(Event::Step(&format!(
        "Filled {}: {} added ({}), {} kept",
        arguments.folder.display(),
        count(added, "file"),
        size(total.bytes),
        count(kept, "file"),
    )));
    printer.say("  The packages that the apps install are not in it.");
    Ok(())
}

/// Resolves every app without a network and without a cache: what it needs is in the folder, or it is an error.
fn check_folder(
    arguments: &VendorArguments,
    all: Vec<CompileOptions>,
    printer: &Printer,
) -> Result<(), Failure> {
    let files = check(&arguments.folder)?;
    let address = folder_address(&arguments.folder)?;
    // What this machine's own cache has would hide what is missing.
    let no_cache = tempfile::tempdir().map_err(|source| VendorError::Disk {
        path: std::env::temp_dir(),
        source,
    })?;
    for mut options in all {
        announce(&options, printer);
        let is_mirror = |name: &std::ffi::OsString| {
            name.to_str()
                .is_some_and(|name| name.starts_with("SLUGBUILDER_MIRROR"))
        };
        options
            .platform_variables
            .retain(|name, _| !is_mirror(name));
        options
            .platform_variables
            .insert("SLUGBUILDER_MIRROR".into(), address.clone().into());
        options.network = false;
        no_cache.path().clone_into(&mut options.cache_dir);
        resolve(&options, printer)?;
    }
    let files = u64::try_from(files).unwrap_or(u64::MAX);
    printer.report(Event::Step(&format!(
        "{} has what these apps need: {}, all whole",
        arguments.folder.display(),
        count(files, "file"),
    )));
    Ok(())
}

fn announce(options: &CompileOptions, printer: &Printer) {
    printer.report(Event::Step(&format!(
        "Resolving {} for {}",
        options.source.display(),
        options.stack.name
    )));
}
