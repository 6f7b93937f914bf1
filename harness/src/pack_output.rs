//! What a build says, as `pack` would say it.

use slugbuilder::cnb::{CnbError, NoGroup, Verdict};
use slugbuilder::compile::CompileError;
use slugbuilder_report::{Event, Explain as _, Reporter, Style};
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Hears a build.
#[derive(Debug, Default)]
pub(crate) struct PackOutput {
    text: Mutex<Text>,
}

/// What was said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl PackOutput {
    pub(crate) fn take(&self) -> Text {
        std::mem::take(&mut *self.text())
    }

    fn text(&self) -> MutexGuard<'_, Text> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what went wrong: to stderr as slugbuilder does, and to stdout what the lifecycle does.
    pub(crate) fn fail(&self, error: &CompileError) {
        let mut text = self.text();
        if let CompileError::Buildpack(CnbError::NoGroup(tried)) = error {
            text.stdout.push_str(&results(tried));
        }
        let diagnosis = error.diagnosis();
        text.stderr.push_str(&diagnosis.render(Style::Plain));
    }
}

impl Reporter for PackOutput {
    fn report(&self, event: Event<'_>) {
        let mut text = self.text();
        // Writing to a string does not fail.
        let _ = match event {
            Event::Step(step) => writeln!(text.stdout, "===> {step}"),
            Event::Note(note) => writeln!(text.stdout, "  {note}"),
            Event::Warning(warning) => {
                // Not to stderr: `assert_empty!(context.pack_stderr)` is about what buildpacks say.
                let code = &warning.code;
                writeln!(text.stdout, "warning[{code}]: {}", warning.message)
            }
            Event::Output(line) => writeln!(text.stdout, "{}", String::from_utf8_lossy(line)),
            Event::ErrorOutput(line) => writeln!(text.stderr, "{}", String::from_utf8_lossy(line)),
            _ => Ok(()),
        };
    }

    fn wants_errors_apart(&self) -> bool {
        true
    }
}

/// What the lifecycle says where no group passes (lifecycle 0.20, `phase/detector.go`).
fn results(tried: &NoGroup) -> String {
    let mut text = String::new();
    for one in &tried.tried {
        if !one.output.is_empty() {
            let _ = writeln!(text, "======== Output: {} ========", one.buildpack);
            for line in &one.output {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    text.push_str("======== Results ========\n");
    for one in &tried.tried {
        let result = match (&one.verdict, one.problems.is_empty()) {
            (Verdict::Passed, true) => "pass:",
            (Verdict::Passed | Verdict::Failed, _) => "fail:",
            _ => "err: ",
        };
        let _ = writeln!(text, "{result} {}", one.buildpack);
        for problem in &one.problems {
            let _ = writeln!(text, "      {problem}");
        }
    }
    text.push_str("ERROR: No buildpack groups passed detection.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder::cnb::Tried;
    use slugbuilder::sandbox::Outcome;
    use slugbuilder_report::Warning;

    #[test]
    fn streams_are_apart() {
        let output = PackOutput::default();
        output.report(Event::Step("Building"));
        output.report(Event::Output(b"one"));
        output.report(Event::ErrorOutput(b"two"));
        output.report(Event::Warning(&Warning::new("code", "three")));
        let text = output.take();
        assert_eq!(text.stdout, "===> Building\none\nwarning[code]: three\n");
        assert_eq!(text.stderr, "two\n");
    }

    #[test]
    fn a_detection_without_a_group_is_told_as_the_lifecycle_does() {
        let tried = |buildpack: &str, verdict, output: &[&str]| Tried {
            buildpack: buildpack.into(),
            verdict,
            problems: Vec::new(),
            output: output.iter().map(|line| (*line).to_owned()).collect(),
            diagnosis: None,
        };
        let output = PackOutput::default();
        output.fail(&CompileError::Buildpack(CnbError::NoGroup(Box::new(
            NoGroup {
                tried: vec![
                    tried("a@1", Verdict::Failed, &["No Python here."]),
                    tried("b@1", Verdict::Errored(Outcome::Exited(1)), &[]),
                ],
                groups: Vec::new(),
            },
        ))));
        let text = output.take();
        insta::assert_snapshot!(text.stdout, @"
        ======== Output: a@1 ========
        No Python here.
        ======== Results ========
        fail: a@1
        err:  b@1
        ERROR: No buildpack groups passed detection.
        ");
        assert!(text.stderr.starts_with("error["), "{}", text.stderr);
    }
}
