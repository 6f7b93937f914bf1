//! `slugbuilder compile`

use super::{lock, manifest_path, megabytes, show_process_types};
use crate::arguments::{BuildArguments, CompileArguments, Credential, SourceArguments};
use crate::environment;
use crate::failure::{Failure, SignalError};
use crate::printer::{Printer, count, one_line, print_data, size};
use crate::signals::{self, Forced};
use slugbuilder::app_root::{AppRoot, RootError};
use slugbuilder::buildpacks::select;
use slugbuilder::compile::{CompileOptions, Compiled, compile};
use slugbuilder::layout::after_build::words_of;
use slugbuilder::sandbox::{Credentials, Interrupt};
use slugbuilder::slug::{LeftOut, LeftOutBy};
use slugbuilder::stack::Stack;
use slugbuilder::stage::Survey;
use slugbuilder::stop::Stop;
use slugbuilder_report::{Event, Reporter as _};
use std::process::ExitCode;
use std::time::Instant;

/// Heroku warns of slugs above this many megabytes (slugs-and-dynos.md 1.7).
const WARN_MEGABYTES: u64 = 300;

pub(super) fn run(arguments: &CompileArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let requests = signals::watch(Forced::AtOnce).map_err(SignalError)?;
    let compiled = build(
        &arguments.build,
        arguments.build.source.stack(),
        requests.stop,
        printer,
    )?;
    if arguments.json {
        // What was just written can be written again.
        print_data(&serde_json::to_string_pretty(&compiled.manifest).unwrap_or_default())?;
    }
    // The process ends: taking a survey of a large source apart would only make that later.
    std::mem::forget(compiled);
    Ok(ExitCode::SUCCESS)
}

/// Builds an app for `stack`, writes its slug, and says so.
pub(super) fn build(
    arguments: &BuildArguments,
    stack: &str,
    interrupt: Interrupt,
    printer: &Printer,
) -> Result<Compiled, Failure> {
    let started = Instant::now();
    let host = environment::host();
    let cache_dir = environment::cache_dir(&arguments.cache)?;
    let deadline = started + arguments.timeout;
    let selection = select(
        &arguments.buildpacks.request(),
        &cache_dir,
        &Stop::new(&interrupt, Some(deadline)),
    )?;
    let secrets = environment::secrets(&arguments.secrets, &host)?;
    let names = secrets.keys().cloned().collect();
    let mut config_vars = environment::config_vars(&arguments.variables, &host)?;
    config_vars.extend(secrets);
    let has = |what| arguments.trust.with_credentials.contains(&what);
    let options = CompileOptions {
        source: arguments.source.source.clone(),
        root: app_root(&arguments.source)?,
        output: arguments.output.clone(),
        manifest: manifest_path(&arguments.output),
        stack: Stack::named(stack)?,
        buildpacks: selection.sources,
        order: Some(selection.order),
        cache_dir,
        cache_max_size: arguments.bound.cache_max_size,
        reuse: arguments.reuse.reuse(),
        all_files: arguments.source.all_files,
        keep_package_files: arguments.keep_package_files,
        untrusted: arguments.trust.untrusted,
        config_vars,
        secrets: names,
        platform_variables: environment::platform_variables(&host, &arguments.mirror)?,
        credentials: Credentials {
            npm: has(Credential::Npm),
            netrc: has(Credential::Netrc),
            bundle: has(Credential::Bundle),
        },
        locking: arguments.lock.locking(),
        network: !arguments.offline,
        deadline,
        interrupt,
        source_date_epoch: environment::source_date_epoch(),
        compression: arguments.compression.into(),
        max_size: megabytes(arguments.max_size),
        warn_size: megabytes(WARN_MEGABYTES.min(arguments.max_size)),
        host_environment: host,
    };
    printer.report(Event::Step(&format!(
        "Compiling {} for {stack}",
        options.source.display(),
    )));
    if arguments.write_lock {
        lock::write_first(&options, printer)?;
    }
    let compiled = compile(&options, printer)?;
    summarize(&compiled, &options, started, printer);
    Ok(compiled)
}

/// The app's folder in the source; nothing if it is all of it.
pub(super) fn app_root(arguments: &SourceArguments) -> Result<Option<AppRoot>, RootError> {
    let root = arguments.root.as_deref().map(AppRoot::parse);
    Ok(root.transpose()?.flatten())
}

fn summarize(compiled: &Compiled, options: &CompileOptions, started: Instant, printer: &Printer) {
    for line in left_out(&compiled.survey) {
        printer.say(&format!("  {line}"));
    }
    if let Some(line) = left_out_after_build(&compiled.manifest.build.left_out) {
        printer.say(&format!("  {line}"));
    }
    printer.report(Event::Step("Process types"));
    show_process_types(&compiled.manifest.slug.process_types, printer);
    printer.report(Event::Step(&format!(
        "Wrote {} ({}) and {} in {:.1} s",
        options.output.display(),
        size(compiled.manifest.build.size),
        options.manifest.display(),
        started.elapsed().as_secs_f64()
    )));
    printer.say(&format!("  {}", compiled.manifest.slug.checksum));
}

/// What left the slug after the build, on one line.
pub(super) fn left_out_after_build(left_out: &[LeftOut]) -> Option<String> {
    let amount = |files, bytes| format!("{}, {}", count(files, "file"), size(bytes));
    let (listed, of_packages): (Vec<_>, Vec<_>) = left_out
        .iter()
        .partition(|one| one.by != LeftOutBy::PackageFiles);
    let mut parts: Vec<String> = listed
        .iter()
        .map(|one| format!("{} ({})", amount(one.files, one.bytes), one_line(&one.name)))
        .collect();
    if !of_packages.is_empty() {
        let files = of_packages.iter().map(|one| one.files).sum();
        let bytes = of_packages.iter().map(|one| one.bytes).sum();
        let classes: Vec<String> = of_packages
            .iter()
            .map(|one| {
                let what = words_of(&one.name).unwrap_or(&one.name);
                format!("{what} {}", size(one.bytes))
            })
            .collect();
        let amount = amount(files, bytes);
        parts.push(format!("{amount} of packages ({})", classes.join(", ")));
    }
    (!parts.is_empty()).then(|| format!("left out after the build: {}", parts.join("; ")))
}

/// What of the source is not in the slug, and why.
pub(super) fn left_out(survey: &Survey) -> Vec<String> {
    survey
        .counts
        .iter()
        .filter(|(_, tally)| tally.files > 0)
        .map(|(reason, tally)| {
            format!(
                "left out: {} ({}), {reason}",
                count(tally.files, "file"),
                size(tally.bytes)
            )
        })
        .collect()
}
