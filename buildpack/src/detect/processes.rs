//! Process types: those of the Procfile, else the app's own web process.

use super::{DetectError, Findings, PlannedProcess, ProcfileInput, commands};
use crate::app::App;
use crate::node::processes::Candidate as WebCandidate;
use crate::node::{self, BuiltEntry};
use crate::runtime::Runtime;
use slugbuilder_report::{Candidate, Decision, Warning};

/// The process type that gets HTTP requests.
const WEB: &str = "web";

/// The folder that processes run in.
fn directory(app: &App) -> Option<String> {
    (!app.folder().is_empty()).then(|| app.folder().to_owned())
}

/// The Procfile's processes, exactly.
pub(super) fn of_procfile(
    app: &App,
    input: &ProcfileInput,
    decisions: &mut Vec<Decision>,
    warnings: &mut Vec<Warning>,
) -> Vec<PlannedProcess> {
    let mut processes = Vec::new();
    for entry in &input.entries {
        if !is_process_type(&entry.name) {
            warnings.push(
                Warning::new(
                    "process-name-not-possible",
                    format!(
                        "{}: the process type `{}` is left out, because no platform could run it",
                        entry.origin(),
                        entry.name
                    ),
                )
                .hint("Use letters, digits, `-` and `_`."),
            );
            continue;
        }
        if commands::programs(&entry.command).contains(&"go") {
            warnings.push(
                Warning::new(
                    "go-at-launch",
                    format!(
                        "{}: `go` is needed to build only and will not be there",
                        entry.origin()
                    ),
                )
                .hint("Start the program that was built: `bin/NAME`."),
            );
        }
        decisions.push(Decision {
            subject: format!("process {}", entry.name),
            rule: "A Procfile alone says which processes there are.".into(),
            candidates: vec![Candidate {
                value: entry.command.clone(),
                origin: entry.origin(),
                verdict: "is the Procfile's".into(),
            }],
            winner: Some(0),
        });
        processes.push(PlannedProcess {
            name: entry.name.clone(),
            command: entry.command.clone(),
            origin: entry.origin(),
            shell: true,
            working_directory: directory(app),
        });
    }
    if !processes.iter().any(|process| process.name == WEB) {
        warnings.push(
            Warning::new(
                "no-web-process",
                "the Procfile has no process type `web`, so nothing will answer HTTP requests",
            )
            .hint("Add a line such as `web: node web.js`."),
        );
    }
    processes
}

/// CNB's rule for process types (buildpack.md, "launch.toml"), less the dot, which Heroku's rule `^[-\w]{1,128}$` has not.
fn is_process_type(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The processes of an app without a Procfile, with the file that the build has to make for the web process.
pub(super) fn of_app(
    app: &App,
    findings: &Findings,
    node: &node::processes::Inputs<'_>,
    runtimes: &[Runtime],
    decisions: &mut Vec<Decision>,
    warnings: &mut Vec<Warning>,
) -> Result<(Vec<PlannedProcess>, Option<BuiltEntry>), DetectError> {
    let by_language: Vec<Vec<WebCandidate>> = runtimes
        .iter()
        .map(|runtime| match runtime {
            Runtime::Node => node::processes::candidates(node),
            Runtime::Ruby => ruby_candidates(app, findings),
            Runtime::Go => go_candidates(app, findings),
        })
        .filter(|candidates| !candidates.is_empty())
        .collect();
    if by_language.len() > 1 {
        let choices = by_language
            .into_iter()
            .filter_map(|candidates| candidates.into_iter().next())
            .map(|first| (first.file, first.command))
            .collect();
        return Err(DetectError::AmbiguousWeb { choices });
    }

    let mut processes = Vec::new();
    let mut built = None;
    if let Some(candidates) = by_language.into_iter().next() {
        processes.push(PlannedProcess {
            name: WEB.into(),
            command: candidates[0].command.clone(),
            origin: candidates[0].origin.clone(),
            shell: false,
            working_directory: directory(app),
        });
        if candidates.len() > 1 && !candidates[0].is_explicit {
            warnings.push(several_candidates(&candidates));
        }
        built.clone_from(&candidates[0].built);
        decisions.push(web_decision(candidates));
    }
    for program in findings
        .go
        .programs
        .iter()
        .filter(|_| runtimes.contains(&Runtime::Go))
    {
        let is_web = processes
            .iter()
            .any(|process| process.command == program.output);
        if is_web || !is_process_type(&program.name) {
            continue;
        }
        processes.push(PlannedProcess {
            name: program.name.clone(),
            command: program.output.clone(),
            origin: app.origin(&program.sources[0]),
            shell: false,
            working_directory: directory(app),
        });
    }
    if !processes.iter().any(|process| process.name == WEB) {
        let names: Vec<String> = processes
            .iter()
            .map(|process| format!("`{}`", process.name))
            .collect();
        let message = if names.is_empty() {
            "found no web process, so nothing will answer HTTP requests".to_owned()
        } else {
            format!(
                "none of {} is called `web`, so nothing will answer HTTP requests",
                names.join(", ")
            )
        };
        warnings.push(Warning::new("no-web-process", message).hint(
            if runtimes.contains(&Runtime::Node) {
                node::processes::advice(node)
            } else {
                "Write a Procfile with a line such as `web: bin/NAME`.".to_owned()
            },
        ));
    }
    Ok((processes, built))
}

fn ruby_candidates(app: &App, findings: &Findings) -> Vec<WebCandidate> {
    findings
        .bare_of(Runtime::Ruby)
        .map(|file| WebCandidate {
            file: file.to_owned(),
            command: format!("ruby {file}"),
            origin: app.origin(file),
            reason: "has a name that is looked for".into(),
            is_explicit: false,
            built: None,
        })
        .collect()
}

/// Go's programs are all built, so there is a web candidate only where one is called `web` or is alone.
fn go_candidates(app: &App, findings: &Findings) -> Vec<WebCandidate> {
    let programs = &findings.go.programs;
    let chosen = match programs.as_slice() {
        [only] => Some((only, "is the only program")),
        several => several
            .iter()
            .find(|program| program.name == WEB)
            .map(|program| (program, "is called `web`")),
    };
    chosen
        .map(|(program, reason)| WebCandidate {
            file: match program.sources[0].as_str() {
                "." => "go.mod".to_owned(),
                source => source.to_owned(),
            },
            command: program.output.clone(),
            origin: app.origin(&program.sources[0]),
            reason: reason.into(),
            is_explicit: false,
            built: None,
        })
        .into_iter()
        .collect()
}

fn web_decision(candidates: Vec<WebCandidate>) -> Decision {
    let first = candidates[0].file.clone();
    Decision {
        subject: format!("process {WEB}"),
        rule: "Without a Procfile the first candidate in the order of precedence counts.".into(),
        candidates: candidates
            .into_iter()
            .enumerate()
            .map(|(index, candidate)| Candidate {
                value: candidate.command,
                origin: candidate.origin,
                verdict: match index {
                    0 => candidate.reason,
                    _ => format!("is preceded by {first}"),
                },
            })
            .collect(),
        winner: Some(0),
    }
}

fn several_candidates(candidates: &[WebCandidate]) -> Warning {
    let others: Vec<String> = candidates[1..]
        .iter()
        .map(|candidate| format!("`{}`", candidate.command))
        .collect();
    Warning::new(
        "several-web-candidates",
        format!(
            "the web process is `{}`; {} could be it too",
            candidates[0].command,
            others.join(", ")
        ),
    )
    .hint(format!(
        "Write a Procfile with the line `web: {}`, or another one.",
        candidates[0].command
    ))
}
