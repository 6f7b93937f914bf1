//! What detection decides of an app, which needs no network, no sandbox and no runtimes.

use crate::check::{check_languages, check_warnings};
use crate::expect::{Expect, Phase};
use crate::pattern::check_all;
use crate::{setup, snapshot};
use slugbuilder::app_root::AppRoot;
use slugbuilder::plan::{PlanOptions, plan};
use slugbuilder::sandbox::{Environment, Interrupt};
use slugbuilder::stack::Stack;
use slugbuilder_report::{Diagnosis, Explain as _, PhaseReport, Style};
use std::collections::BTreeMap;
use std::path::Path;

/// Plans the app.
pub(crate) fn check(app: &Path, expect: &Expect) {
    let copy = tempfile::tempdir().unwrap();
    copy_without_expectations(app, copy.path());
    if let Some(setup) = &expect.setup {
        setup::stand_in(setup, copy.path());
    }
    let result = plan(&PlanOptions {
        source: copy.path().to_owned(),
        root: expect
            .root
            .as_deref()
            .and_then(|root| AppRoot::parse(Path::new(root)).unwrap()),
        stack: Stack::named(&expect.stack).unwrap(),
        buildpack: slugbuilder_buildpack::BUILDPACK_TOML,
        all_files: true,
        config_vars: expect
            .config_vars()
            .map(|(name, value)| (name.into(), value.into()))
            .collect::<Environment>(),
        interrupt: Interrupt::new().unwrap(),
    });
    let failure = expect
        .error
        .as_ref()
        .filter(|error| error.during == Phase::Plan);
    let text = match (result, failure) {
        (Ok(plan), None) => {
            check_report(&plan.report, expect);
            let may_warn = expect.plan.as_ref().map_or(&[][..], |plan| &plan.may_warn);
            snapshot::text(&plan.report, may_warn)
        }
        (Err(error), Some(failure)) => {
            let diagnosis = error.diagnosis();
            let text = diagnosis.render(Style::Plain);
            assert_eq!(diagnosis.code, failure.code, "{text}");
            check_all("the error", &text, &failure.text);
            text
        }
        (Ok(_), Some(failure)) => panic!("the plan should fail with `{}`", failure.code),
        (Err(error), None) => panic!("{}", Diagnosis::of(&error).render(Style::Plain)),
    };
    for (name, value) in &expect.secrets {
        assert!(!text.contains(value), "the plan says what `{name}` is");
    }
    let name = app.file_name().unwrap().to_string_lossy();
    snapshot::compare(&name, &text, copy.path(), expect);
}

fn check_report(report: &PhaseReport, expect: &Expect) {
    let Some(plan) = &expect.plan else { return };
    check_languages(&plan.languages, &report.languages);
    let winners: BTreeMap<&str, &str> = report
        .decisions
        .iter()
        .filter_map(|decision| {
            Some((
                decision.subject.as_str(),
                decision.winning()?.value.as_str(),
            ))
        })
        .collect();
    let processes: BTreeMap<String, String> = winners
        .iter()
        .filter_map(|(subject, value)| Some((subject.strip_prefix("process ")?, value)))
        .map(|(name, command)| (name.to_owned(), (*command).to_owned()))
        .collect();
    assert_eq!(processes, plan.processes, "the processes");
    for (subject, value) in &plan.decisions {
        assert_eq!(
            winners.get(subject.as_str()),
            Some(&value.as_str()),
            "{subject}"
        );
    }
    check_warnings(&plan.warnings, &plan.may_warn, &report.warnings);
}

/// The app without what says how it should behave.
pub(crate) fn copy_without_expectations(app: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(app).min_depth(1) {
        let entry = entry.unwrap();
        let relative = entry.path().strip_prefix(app).unwrap();
        let target = to.join(relative);
        if relative == Path::new("expect.toml") {
            continue;
        }
        if entry.file_type().is_dir() {
            std::fs::create_dir(&target).unwrap();
        } else if entry.file_type().is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path()).unwrap(), &target).unwrap();
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
