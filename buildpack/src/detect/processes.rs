//! Process types: those of the Procfile, else the app's own web process.

use super::{DetectError, Findings, GoProgram, PlannedProcess, ProcfileInput, commands};
use crate::app::App;
use crate::node::{self, BuiltEntry, NodeApp, PackageJson};
use crate::precedence::Source;
use crate::runtime::Runtime;
use crate::version::Version;
use slugbuilder_report::{Candidate, Decision, Origin, Warning};

/// The process type that gets HTTP requests.
const WEB: &str = "web";

/// The one of `processes` that gets HTTP requests.
pub(super) fn web(processes: &[PlannedProcess]) -> Option<&PlannedProcess> {
    processes.iter().find(|process| process.name == WEB)
}

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

/// What web processes are found from.
#[derive(Debug)]
pub struct WebInputs<'a> {
    /// The app's folder.
    pub(crate) app: &'a App,
    /// What lies there.
    pub(crate) findings: &'a Findings,
    /// Its `package.json`, where it says something, and what was decided of it.
    pub(crate) node: Option<(&'a PackageJson, &'a NodeApp)>,
    /// The app's Node.js, where it has one.
    pub(crate) node_version: Option<Version>,
}

/// A possible web process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebCandidate {
    /// The file that it stands for, as an error names it.
    pub(crate) file: String,
    /// Its words with single blanks between.
    pub(crate) command: String,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// Why it is one.
    pub(crate) reason: String,
    /// Whether the app says so itself, so that other candidates are no news.
    pub(crate) is_explicit: bool,
    /// The file that the build has to make for it.
    pub(crate) built: Option<BuiltEntry>,
    /// The row of the order of precedence.
    source: String,
}

impl WebCandidate {
    pub(crate) fn new(
        file: impl Into<String>,
        command: impl Into<String>,
        origin: Origin,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            command: command.into(),
            origin,
            reason: reason.into(),
            is_explicit: false,
            built: None,
            source: String::new(),
        }
    }

    /// The same, as the app says so itself.
    pub(crate) fn explicit(mut self) -> Self {
        self.is_explicit = true;
        self
    }

    /// The same, with the file that the build has to make for it.
    pub(crate) fn built(mut self, built: Option<BuiltEntry>) -> Self {
        self.built = built;
        self
    }
}

/// Finds web processes in one source, the first one before the others.
pub type WebReader = fn(&WebInputs<'_>) -> Vec<WebCandidate>;

/// Where a web process can come from in an app without a Procfile, for each language in order of precedence.
pub const WEB_SOURCES: [(Runtime, &[Source<WebReader>]); 3] = [
    (Runtime::Node, node::processes::SOURCES),
    (
        Runtime::Ruby,
        &[Source {
            name: "a bare file",
            meaning: "in their order: `ruby web.rb`",
            read: ruby_files,
        }],
    ),
    (
        Runtime::Go,
        &[
            Source {
                name: "the only program",
                meaning: "`bin/NAME`, whatever its name is",
                read: |inputs| match inputs.findings.go.programs.as_slice() {
                    [only] => vec![go_candidate(inputs.app, only, "is the only program")],
                    _ => Vec::new(),
                },
            },
            Source {
                name: "the program called `web`",
                meaning: "`bin/web`; every other program is a process of its own name",
                read: |inputs| {
                    let programs = inputs.findings.go.programs.iter();
                    programs
                        .filter(|program| program.name == WEB)
                        .map(|program| go_candidate(inputs.app, program, "is called `web`"))
                        .collect()
                },
            },
        ],
    ),
];

/// Every candidate of `runtime`, each command once.
fn web_candidates(inputs: &WebInputs<'_>, runtime: Runtime) -> Vec<WebCandidate> {
    let mut found: Vec<WebCandidate> = Vec::new();
    for source in WEB_SOURCES
        .iter()
        .filter(|(of, _)| *of == runtime)
        .flat_map(|(_, sources)| *sources)
    {
        for candidate in (source.read)(inputs) {
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

/// The processes of an app without a Procfile, with the file that the build has to make for the web process.
pub(super) fn of_app(
    inputs: &WebInputs<'_>,
    runtimes: &[Runtime],
    decisions: &mut Vec<Decision>,
    warnings: &mut Vec<Warning>,
) -> Result<(Vec<PlannedProcess>, Option<BuiltEntry>), DetectError> {
    let WebInputs { app, findings, .. } = *inputs;
    let by_language: Vec<Vec<WebCandidate>> = runtimes
        .iter()
        .map(|runtime| web_candidates(inputs, *runtime))
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
                node::processes::advice(inputs)
            } else {
                "Write a Procfile with a line such as `web: bin/NAME`.".to_owned()
            },
        ));
    }
    Ok((processes, built))
}

fn ruby_files(inputs: &WebInputs<'_>) -> Vec<WebCandidate> {
    inputs
        .findings
        .bare_of(Runtime::Ruby)
        .map(|file| {
            WebCandidate::new(
                file,
                format!("ruby {file}"),
                inputs.app.origin(file),
                "has a name that is looked for",
            )
        })
        .collect()
}

fn go_candidate(app: &App, program: &GoProgram, reason: &str) -> WebCandidate {
    let source = &program.sources[0];
    let file = match source.as_str() {
        "." => "go.mod",
        source => source,
    };
    WebCandidate::new(file, program.output.as_str(), app.origin(source), reason)
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
                    0 => candidate.reason,
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
