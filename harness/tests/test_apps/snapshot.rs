//! The whole plan of an app as text, compared with the one in `snapshots/`.
//!
//! Versions that come from the catalogue are left out, so that its updates change nothing here: a version stands in a
//! snapshot if the app itself asks for it.

use crate::expect::Expect;
use regex::Regex;
use slugbuilder_report::{Decision, Language, PhaseReport, Warning};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Where the snapshots are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/test_apps/snapshots")
}

/// Compares `text`, the plan of the app `name` or the error of its plan, as the app in `source` explains it.
pub(crate) fn compare(name: &str, text: &str, source: &Path, expect: &Expect) {
    let text = without_versions_of_the_catalogue(text, &own_words(source, expect));
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(folder());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// What `slugbuilder plan` decides. Warnings that depend on the machine or the date are left out.
pub(crate) fn text(report: &PhaseReport, may_warn: &[String]) -> String {
    let mut text = String::new();
    for language in &report.languages {
        write_language(&mut text, language);
    }
    for decision in &report.decisions {
        write_decision(&mut text, decision);
    }
    for warning in &report.warnings {
        if !may_warn.contains(&warning.code) {
            write_warning(&mut text, warning);
        }
    }
    text
}

// Writing to a string does not fail.

fn write_language(text: &mut String, language: &Language) {
    let Language {
        name,
        requested,
        requested_by,
        version,
        ..
    } = language;
    let version = version.as_deref().unwrap_or("version not known yet");
    let _ = writeln!(
        text,
        "language {name}: {version}, as `{requested}` ({requested_by})"
    );
}

fn write_decision(text: &mut String, decision: &Decision) {
    let value = decision.winning().map_or("nothing", |one| &one.value);
    let _ = writeln!(
        text,
        "\n{}: {value}\n  rule: {}",
        decision.subject, decision.rule
    );
    for (index, candidate) in decision.candidates.iter().enumerate() {
        let mark = if decision.winner == Some(index) {
            '*'
        } else {
            '-'
        };
        let _ = writeln!(
            text,
            "  {mark} {} ({}) {}",
            candidate.value, candidate.origin, candidate.verdict
        );
    }
}

fn write_warning(text: &mut String, warning: &Warning) {
    let _ = writeln!(text, "\nwarning[{}]: {}", warning.code, warning.message);
    if let Some(hint) = &warning.hint {
        let _ = writeln!(text, "  hint: {hint}");
    }
}

/// Everything that the app may ask for a version in: its files but for lockfiles and packages, and its config vars.
fn own_words(source: &Path, expect: &Expect) -> String {
    const NOT_ITS_OWN: [&str; 6] = [
        "node_modules",
        ".yarn",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
    ];
    let files = walkdir::WalkDir::new(source)
        .into_iter()
        .filter_entry(|entry| {
            !NOT_ITS_OWN
                .iter()
                .any(|name| entry.file_name() == Path::new(name))
        });
    let mut words: String = expect.env.values().cloned().collect::<Vec<_>>().join("\n");
    for entry in files {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            words.push('\n');
            words.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    words
}

/// `24.18.0` becomes `24.N.N` where it is no bound of a range and the app does not say so itself; the catalogue's own date
/// becomes `DATE`.
fn without_versions_of_the_catalogue(text: &str, own: &str) -> String {
    static VERSION: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"([<>=^~]?)\b(\d+)\.\d+\.\d+\b").unwrap());
    static DATE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(default of|up to) \d{4}-\d{2}-\d{2}\b").unwrap());
    let replaced = VERSION.replace_all(text, |found: &regex::Captures<'_>| {
        if !found[1].is_empty() || own.contains(&found[0]) {
            found[0].to_owned()
        } else {
            format!("{}.N.N", &found[2])
        }
    });
    DATE.replace_all(&replaced, "$1 DATE").into_owned()
}

/// Every snapshot is that of an app, so that none is forgotten when an app goes or gets another name.
pub(crate) fn check_that_none_is_left_over(apps: &[String]) {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_snapshot = path
            .extension()
            .is_some_and(|extension| extension == "snap");
        assert!(
            !is_snapshot || apps.contains(&name),
            "{} is the plan of no app",
            path.display()
        );
    }
}
