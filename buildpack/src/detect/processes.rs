//! Process types: those of the Procfile, else the app's own web process.

use super::{DetectError, Findings, GoProgram, PlannedProcess, ProcfileInput, commands};
use crate::app::App;
use crate::precedence::Source;
use crate::runtime::Runtime;
use slugbuilder_report::{Candidate, Decision, Origin, Warning};

/// The process type that gets HTTP requests.
const WEB: &str = "web";

/// The Procfile's processes, exactly.
pub(super) fn of_procfile(
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
            candidates: vec![
                Candidate::new(entry.command.as_str(), entry.origin(), "is the Procfile's")
                    .of_source("Procfile"),
            ],
            winner: Some(0),
            ..Decision::default()
        });
        processes.push(PlannedProcess {
            name: entry.name.clone(),
            command: entry.command.clone(),
            origin: entry.origin(),
            shell: true,
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

/// A possible web process.
#[derive(Debug)]
pub struct WebCandidate {
    /// The file that it stands for, as an error names it.
    file: String,
    command: String,
    origin: Origin,
    reason: &'static str,
    /// The row of the order of precedence.
    source: String,
}

/// Finds web processes in one source, the first one before the others.
pub type WebReader = fn(&App, &Findings) -> Vec<WebCandidate>;

/// Where a web process can come from in an app without a Procfile, for each language in order of precedence.
pub const WEB_SOURCES: [(Runtime, &[Source<WebReader>]); 3] = [
    (
        Runtime::Node,
        &[
            Source {
                name: "`scripts.start`",
                meaning: "of package.json: run directly if it is one plain `node …`, else by `npm start`",
                read: start_script,
            },
            Source {
                name: "`main`",
                meaning: "of package.json, where there is such a file: `node` with it",
                read: main_file,
            },
            Source {
                name: "a bare file",
                meaning: "in their order: `node web.js`",
                read: |_, findings| bare_candidates(findings, Runtime::Node),
            },
        ],
    ),
    (
        Runtime::Ruby,
        &[Source {
            name: "a bare file",
            meaning: "in their order: `ruby web.rb`",
            read: |_, findings| bare_candidates(findings, Runtime::Ruby),
        }],
    ),
    (
        Runtime::Go,
        &[
            Source {
                name: "the only program",
                meaning: "`bin/NAME`, whatever its name is",
                read: |_, findings| match findings.go.programs.as_slice() {
                    [only] => vec![go_candidate(only, "is the only program")],
                    _ => Vec::new(),
                },
            },
            Source {
                name: "the program called `web`",
                meaning: "`bin/web`; every other program is a process of its own name",
                read: |_, findings| {
                    let programs = findings.go.programs.iter();
                    programs
                        .filter(|program| program.name == WEB)
                        .map(|program| go_candidate(program, "is called `web`"))
                        .collect()
                },
            },
        ],
    ),
];

/// Every candidate of `runtime`, each command once.
fn web_candidates(app: &App, findings: &Findings, runtime: Runtime) -> Vec<WebCandidate> {
    let mut found: Vec<WebCandidate> = Vec::new();
    for source in WEB_SOURCES
        .iter()
        .filter(|(of, _)| *of == runtime)
        .flat_map(|(_, sources)| *sources)
    {
        for candidate in (source.read)(app, findings) {
            if found.iter().all(|other| other.command != candidate.command) {
                found.push(WebCandidate {
                    source: source.plain_name(),
                    ..candidate
                });
            }
        }
    }
    found
}

/// The processes of an app without a Procfile.
pub(super) fn of_app(
    app: &App,
    findings: &Findings,
    runtimes: &[Runtime],
    decisions: &mut Vec<Decision>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<PlannedProcess>, DetectError> {
    let by_language: Vec<Vec<WebCandidate>> = runtimes
        .iter()
        .map(|runtime| web_candidates(app, findings, *runtime))
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
    if let Some(candidates) = by_language.into_iter().next() {
        processes.push(PlannedProcess {
            name: WEB.into(),
            command: candidates[0].command.clone(),
            origin: candidates[0].origin.clone(),
            shell: false,
        });
        if candidates.len() > 1 {
            warnings.push(several_candidates(&candidates));
        }
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
            origin: Origin::file(&program.sources[0]),
            shell: false,
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
        warnings.push(
            Warning::new("no-web-process", message)
                .hint("Write a Procfile with a line such as `web: bin/NAME`."),
        );
    }
    Ok(processes)
}

fn start_script(_: &App, findings: &Findings) -> Vec<WebCandidate> {
    let package = findings.package.as_ref();
    package
        .and_then(|package| {
            let script = package.scripts.get("start")?;
            Some(WebCandidate {
                file: package.path.clone(),
                command: package.start_command()?,
                origin: package.origin(script.line),
                reason: "is `scripts.start`",
                source: String::new(),
            })
        })
        .into_iter()
        .collect()
}

/// `npm init` writes a `main` whether or not there is such a file.
fn main_file(app: &App, findings: &Findings) -> Vec<WebCandidate> {
    let package = findings.package.as_ref();
    package
        .and_then(|package| Some((package, package.main.as_ref()?)))
        .filter(|(_, main)| app.is_file(&main.value) && !main.value.contains(char::is_whitespace))
        .map(|(package, main)| WebCandidate {
            file: main.value.clone(),
            command: format!("node {}", main.value),
            origin: package.origin(main.line),
            reason: "is `main`",
            source: String::new(),
        })
        .into_iter()
        .collect()
}

fn bare_candidates(findings: &Findings, runtime: Runtime) -> Vec<WebCandidate> {
    findings
        .bare
        .iter()
        .filter(|(of, _)| *of == runtime)
        .map(|(_, file)| WebCandidate {
            file: file.clone(),
            command: format!("{} {file}", runtime.name()),
            origin: Origin::file(file.as_str()),
            reason: "has a name that is looked for",
            source: String::new(),
        })
        .collect()
}

fn go_candidate(program: &GoProgram, reason: &'static str) -> WebCandidate {
    WebCandidate {
        file: match program.sources[0].as_str() {
            "." => "go.mod".to_owned(),
            source => source.to_owned(),
        },
        command: program.output.clone(),
        origin: Origin::file(&program.sources[0]),
        reason,
        source: String::new(),
    }
}

fn web_decision(candidates: Vec<WebCandidate>) -> Decision {
    let first = candidates[0].file.clone();
    Decision {
        subject: format!("process {WEB}"),
        rule: "Without a Procfile the first candidate in the order of precedence counts.".into(),
        candidates: candidates
            .into_iter()
            .enumerate()
            .map(|(index, candidate)| {
                let verdict = match index {
                    0 => candidate.reason.to_owned(),
                    _ => format!("is preceded by {first}"),
                };
                Candidate::new(candidate.command, candidate.origin, verdict)
                    .of_source(candidate.source)
            })
            .collect(),
        winner: Some(0),
        ..Decision::default()
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
