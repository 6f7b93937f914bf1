//! The test apps: every folder of `test-apps/` is planned, built and asked as its `expect.toml` says.
//!
//! `docs/testing.md` documents that file. Each app is two tests with its name: `plan` needs nothing and always runs; `build`
//! needs the languages' runtimes, so that it is ignored unless asked for (`--ignored`, `--include-ignored`) or unless the
//! app says that it needs no network.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod build;
mod expect;
mod plan;

use expect::{Expect, Phase};
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
    let mut trials = trials(&folder());
    trials.push(Trial::test("errors_name_the_line", || {
        expect::check_format();
        Ok(())
    }));
    trials.push(Trial::test("the_documentation_is_valid", || {
        expect::check_documentation();
        Ok(())
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-apps")
}

fn trials(folder: &Path) -> Vec<Trial> {
    let mut apps: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    apps.sort();
    apps.into_iter().flat_map(|app| trials_of(&app)).collect()
}

/// The tests of one app; a single failing one where its `expect.toml` cannot be read.
fn trials_of(app: &Path) -> Vec<Trial> {
    let name = app.file_name().unwrap().to_string_lossy().into_owned();
    let expect = match Expect::read(&app.join("expect.toml")) {
        Ok(expect) => expect,
        Err(error) => {
            let trial = Trial::test(name, move || Err(Failed::from(error)));
            return vec![trial.with_kind("expect.toml")];
        }
    };
    let mut trials = Vec::new();
    let ends_in_plan = expect
        .error
        .as_ref()
        .is_some_and(|error| error.during == Phase::Plan);
    let needs_network = expect.needs_network();
    let has_build = expect.build.is_some() || !ends_in_plan;
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
        let trial = Trial::test(name, move || {
            build::check(&app, &expect);
            Ok(())
        });
        trials.push(trial.with_kind("build").with_ignored_flag(needs_network));
    }
    trials
}
