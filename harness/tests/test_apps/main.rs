//! The test apps: every folder of `test-apps/` is planned, built and asked as its `expect.toml` says.
//!
//! `docs/testing.md` documents that file. Each app is two tests with its name: `plan` needs nothing and always runs; `build`
//! needs the languages' runtimes, so that it is ignored unless asked for (`--ignored`, `--include-ignored`) or unless the
//! app says that it needs no network.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod build;
mod check;
mod durations;
mod expect;
mod format;
mod pattern;
mod plan;
mod registries;
mod setup;
mod snapshot;

use expect::Expect;
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    // A plan has this executable serve as the buildpack.
    let name = std::env::args_os().next().map(PathBuf::from);
    let name = name
        .as_deref()
        .and_then(Path::file_name)
        .unwrap_or_default();
    if name == "detect" || name == "build" {
        slugbuilder_buildpack::main();
    }
    let arguments = Arguments::from_args();
    let apps = apps(&folder());
    let mut trials: Vec<Trial> = apps.iter().flat_map(|app| trials_of(app)).collect();
    let names: Vec<String> = apps.iter().map(|app| name_of(app)).collect();
    trials.extend([
        of_the_tests("errors_name_the_line", format::check),
        of_the_tests("the_documentation_is_valid", format::check_documentation),
        of_the_tests(
            "addresses_in_lockfiles_are_found",
            registries::check_the_check,
        ),
        of_the_tests("no_lockfile_names_a_registry", registries::check),
        of_the_tests("every_snapshot_is_of_an_app", move || {
            snapshot::check_that_none_is_left_over(&names);
        }),
    ]);
    let conclusion = libtest_mimic::run(&arguments, trials);
    durations::print();
    conclusion.exit_code()
}

/// A test of the tests.
fn of_the_tests(name: &str, check: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, || {
        check();
        Ok(())
    })
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-apps")
}

fn apps(folder: &Path) -> Vec<PathBuf> {
    let mut apps: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    apps.sort();
    apps
}

fn name_of(app: &Path) -> String {
    app.file_name().unwrap().to_string_lossy().into_owned()
}

/// The tests of one app; a single failing one where its `expect.toml` cannot be read.
fn trials_of(app: &Path) -> Vec<Trial> {
    let name = name_of(app);
    let expect = match Expect::read(&app.join("expect.toml")) {
        Ok(expect) => expect,
        Err(error) => {
            let trial = Trial::test(name, move || Err(Failed::from(error)));
            return vec![trial.with_kind("expect.toml")];
        }
    };
    let mut trials = Vec::new();
    let needs_network = expect.needs_network();
    let has_build = expect.build.is_some() || !expect.ends_in_plan();
    {
        let (app, expect) = (app.to_owned(), expect.clone());
        let trial = Trial::test(name.clone(), move || {
            plan::check(&app, &expect);
            Ok(())
        });
        trials.push(trial.with_kind("plan"));
    }
    if has_build {
        let app = app.to_owned();
        let trial = Trial::test(name.clone(), move || {
            durations::measure(&name, || build::check(&app, &expect));
            Ok(())
        });
        trials.push(trial.with_kind("build").with_ignored_flag(needs_network));
    }
    trials
}
