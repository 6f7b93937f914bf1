//! Detection: which languages an app has, which version each gets, and which processes it runs.
//!
//! Evidence, in this order, for each of Node.js, Ruby and Go:
//!
//! 1. its manifest at the root (`package.json`, `Gemfile`, `go.mod`), unless it says nothing at all;
//! 2. the programs that the Procfile's commands start (`node`, `npm`, `ruby`, `bundle`, `rake`, …; for Go `bin/NAME` or
//!    `./NAME` where the app has a program NAME);
//! 3. bare files at the root, of the names in [`BARE_FILES`], and for Go any file of `package main`. Where a Procfile
//!    says which languages there are, bare files say nothing: a stray `app.js` beside a Ruby server is not an app.
//!
//! A Procfile alone says which processes there are. Without one the web process is looked for along [`WEB_SOURCES`]: in
//! each language the first candidate counts, and two languages with a candidate each are an error.
//!
//! How the packages of a Node.js app get there is decided by [`crate::node::decide`].

pub mod commands;
mod error;
mod go_programs;
mod go_source;
mod plan;
mod processes;
mod procfile_input;

pub use error::DetectError;
pub use go_programs::{GoApp, GoProgram};
pub use plan::{AppPlan, PlannedLanguage, PlannedProcess};
pub use processes::{WEB_SOURCES, WebCandidate, WebInputs, WebReader};
pub use procfile_input::{ProcfileEntry, ProcfileInput};

use crate::app::App;
use crate::catalogue::Catalogues;
use crate::date::Day;
use crate::manifest::{Gemfile, ManifestError};
use crate::node::{self, NodeSettings, PackageJson};
use crate::runtime::Runtime;
use crate::target::Machine;
use crate::version;
use slugbuilder_report::{Candidate, Decision, Origin};

/// The names of bare files that are looked for at the root: stems in order of precedence, then suffixes.
pub const BARE_FILES: [(Runtime, &[&str], &[&str]); 2] = [
    (
        Runtime::Node,
        &["web", "server", "app", "main", "index"],
        &["js", "mjs", "cjs"],
    ),
    (Runtime::Ruby, &["web", "server", "app", "main"], &["rb"]),
];

/// The manifests.
const MANIFESTS: [(Runtime, &str); 3] = [
    (Runtime::Node, "package.json"),
    (Runtime::Ruby, "Gemfile"),
    (Runtime::Go, "go.mod"),
];

/// The text of what is looked for, one line a language, for the error `no-language`.
pub(crate) fn looked_for() -> String {
    let mut lines: Vec<String> = BARE_FILES
        .iter()
        .map(|(runtime, stems, suffixes)| {
            let manifest = MANIFESTS
                .iter()
                .find(|(of, _)| of == runtime)
                .map_or("", |(_, name)| name);
            let one_of = |words: &[&str]| match words {
                [one] => (*one).to_owned(),
                more => format!("{{{}}}", more.join(",")),
            };
            format!(
                "- {runtime}: {}.{} or {manifest}",
                one_of(stems),
                one_of(suffixes)
            )
        })
        .collect();
    lines.push("- Go: *.go of `package main` or go.mod".into());
    lines.push("- Procfile: a command that starts node, npm, ruby, bundle or rake".into());
    lines.join("\n")
}

/// What the app holds that matters here.
#[derive(Debug)]
pub struct Findings {
    package: Option<PackageJson>,
    gemfile: Option<Gemfile>,
    /// Bare files by runtime, in order of precedence.
    bare: Vec<(Runtime, String)>,
    go: GoApp,
}

impl Findings {
    /// The bare files of `runtime`, in order of precedence.
    pub(crate) fn bare_of(&self, runtime: Runtime) -> impl Iterator<Item = &str> {
        self.bare
            .iter()
            .filter(move |(of, _)| *of == runtime)
            .map(|(_, file)| file.as_str())
    }
}

/// Makes the plan of the app, or says why it cannot be built. `settings` are the app's config vars.
pub fn plan(
    app: &App,
    catalogues: &Catalogues,
    machine: Machine,
    today: &Day,
    settings: &NodeSettings,
) -> Result<AppPlan, DetectError> {
    let procfile = procfile_input::read(app)?;
    let commands: Vec<&str> = procfile
        .iter()
        .flat_map(|input| &input.entries)
        .map(|entry| entry.command.as_str())
        .collect();
    let findings = Findings {
        package: PackageJson::read(app, "").map_err(ManifestError::from)?,
        gemfile: Gemfile::read(app)?,
        bare: bare_files(app),
        go: go_programs::scan(app, machine, &commands)?,
    };

    let mut decisions = Vec::new();
    let mut warnings = procfile
        .iter()
        .flat_map(|input| input.warnings.clone())
        .collect::<Vec<_>>();
    let mut runtimes = Vec::new();
    for decision in languages(app, procfile.as_ref(), &findings) {
        if decision.1.winner.is_some() {
            runtimes.push(decision.0);
        }
        if !decision.1.candidates.is_empty() {
            decisions.push(decision.1);
        }
    }
    if runtimes.is_empty() {
        return Err(DetectError::no_language(app));
    }
    refuse_missing_gems(app, &findings, &runtimes)?;
    if runtimes.contains(&Runtime::Go) && findings.go.programs.is_empty() {
        let mut looked_at = findings.go.main_files.clone();
        if findings.go.is_module || looked_at.is_empty() {
            looked_at.extend(["go.mod".to_owned(), "cmd/*".to_owned()]);
        }
        return Err(DetectError::NoGoProgram { looked_at });
    }

    let mut languages: Vec<PlannedLanguage> = Vec::new();
    let mut of_versions = Vec::new();
    for runtime in runtimes.iter().copied() {
        let catalogue = catalogues.of(runtime);
        let settled = version::settle(app, runtime, catalogue, today)?;
        of_versions.push(settled.decision);
        warnings.extend(settled.warnings);
        languages.push(PlannedLanguage {
            runtime,
            resolved: settled.resolved,
        });
    }
    let resolved_node = languages
        .iter()
        .find(|language| language.runtime == Runtime::Node)
        .map(|language| &language.resolved);
    let package = findings
        .package
        .as_ref()
        .filter(|package| package.says_something());
    let node = match (resolved_node, package) {
        (Some(resolved), Some(package)) => Some(node::decide(app, package, resolved, settings)?),
        _ => None,
    };

    let (processes, built) = if let Some(input) = &procfile {
        let processes = processes::of_procfile(app, input, &mut decisions, &mut warnings);
        (processes, None)
    } else {
        let inputs = WebInputs {
            app,
            findings: &findings,
            node: package.zip(node.as_ref().map(|decided| &decided.app)),
            node_version: resolved_node.map(|resolved| resolved.version),
        };
        processes::of_app(&inputs, &runtimes, &mut decisions, &mut warnings)?
    };
    decisions.extend(of_versions);

    let has = |runtime| runtimes.contains(&runtime);
    let starts = |wanted: &[&str]| {
        processes
            .iter()
            .flat_map(|process| commands::programs(&process.command))
            .any(|program| wanted.contains(&program))
    };
    let needs_npm = has(Runtime::Node) && starts(&["npm", "npx"]);
    let node = node.map(|decided| {
        let launches = starts(decided.app.manager.manager.programs());
        let (mut app, of_node, more) = decided.finish(launches);
        app.built_entry = built;
        warnings.extend(
            package
                .zip(processes::web(&processes))
                .and_then(|(package, web)| node::needs_development_dependency(package, &app, web)),
        );
        decisions.extend(of_node);
        warnings.extend(more);
        app
    });
    let webrick = if has(Runtime::Ruby) && findings.gemfile.is_none() {
        requires_webrick(app)?
    } else {
        None
    };
    Ok(AppPlan {
        languages,
        processes,
        folder: app.folder().to_owned(),
        go: findings.go,
        node,
        needs_npm,
        webrick,
        decisions,
        warnings,
    })
}

fn bare_files(app: &App) -> Vec<(Runtime, String)> {
    let mut found = Vec::new();
    for (runtime, stems, suffixes) in BARE_FILES {
        for stem in stems {
            for suffix in suffixes {
                let name = format!("{stem}.{suffix}");
                if app.is_file(&name) {
                    found.push((runtime, name));
                }
            }
        }
    }
    found
}

/// One decision a runtime; it has a winner where the app has the language.
fn languages(
    app: &App,
    procfile: Option<&ProcfileInput>,
    findings: &Findings,
) -> Vec<(Runtime, Decision)> {
    let from_procfile: Vec<(Runtime, &ProcfileEntry, String)> = procfile
        .iter()
        .flat_map(|input| &input.entries)
        .flat_map(|entry| {
            commands::programs(&entry.command)
                .into_iter()
                .filter_map(move |program| {
                    runtime_of(program, &findings.go)
                        .map(|runtime| (runtime, entry, program.to_owned()))
                })
        })
        .collect();
    let procfile_decides = !from_procfile.is_empty();

    Runtime::ALL
        .into_iter()
        .map(|runtime| {
            let mut candidates = Vec::new();
            let mut winner = None;
            let mut consider = |value: String, origin: Origin, counts: bool, verdict: &str| {
                if counts && winner.is_none() {
                    winner = Some(candidates.len());
                }
                candidates.push(Candidate::new(value, origin, verdict));
            };
            for (_, manifest) in MANIFESTS
                .iter()
                .filter(|(of, manifest)| *of == runtime && app.is_file(manifest))
            {
                let says_something = match runtime {
                    Runtime::Node => findings
                        .package
                        .as_ref()
                        .is_some_and(PackageJson::says_something),
                    Runtime::Ruby => findings
                        .gemfile
                        .as_ref()
                        .is_some_and(|gemfile| gemfile.first_gem.is_some()),
                    Runtime::Go => findings.go.is_module,
                };
                let verdict = if says_something {
                    "is a manifest"
                } else {
                    "is a manifest that says nothing"
                };
                consider(
                    (*manifest).to_owned(),
                    app.origin(manifest),
                    says_something,
                    verdict,
                );
            }
            for (_, entry, program) in from_procfile.iter().filter(|(of, ..)| *of == runtime) {
                consider(
                    program.clone(),
                    entry.origin(),
                    true,
                    "is started by the Procfile",
                );
            }
            let files: Vec<&String> = match runtime {
                Runtime::Go => findings.go.main_files.iter().collect(),
                _ => findings
                    .bare
                    .iter()
                    .filter(|(of, _)| *of == runtime)
                    .map(|(_, file)| file)
                    .collect(),
            };
            for file in files {
                let verdict = if procfile_decides {
                    "does not count, because the Procfile names the languages"
                } else {
                    "has a name that is looked for"
                };
                consider(file.clone(), app.origin(file), !procfile_decides, verdict);
            }
            let decision = Decision {
                subject: format!("language {}", runtime.name()),
                rule: "The first evidence that counts makes a language of the app.".into(),
                candidates,
                winner,
                ..Decision::default()
            };
            (runtime, decision)
        })
        .collect()
}

fn runtime_of(program: &str, go: &GoApp) -> Option<Runtime> {
    let is_own = |stem: &str| go.programs.iter().any(|one| one.name == stem);
    match commands::own_program(program) {
        Some(stem) if is_own(stem) => Some(Runtime::Go),
        _ => commands::runtime_of(program),
    }
}

fn refuse_missing_gems(
    app: &App,
    findings: &Findings,
    runtimes: &[Runtime],
) -> Result<(), DetectError> {
    if runtimes.contains(&Runtime::Ruby)
        && let Some(Gemfile {
            first_gem: Some((gem, line)),
        }) = &findings.gemfile
        && !app.is_folder("vendor/bundle")
    {
        return Err(DetectError::RubyDependencies {
            gem: gem.clone(),
            line: *line,
        });
    }
    Ok(())
}

/// The first `require "webrick"` in a Ruby file at the root.
fn requires_webrick(app: &App) -> Result<Option<Origin>, DetectError> {
    for name in app.files_ending_in(".rb") {
        let Some(text) = app.text(name)? else {
            continue;
        };
        let found = text.lines().position(|line| {
            line.trim_start()
                .strip_prefix("require")
                .map(|rest| rest.trim_start_matches([' ', '(', '\t']))
                .is_some_and(|rest| {
                    ["'webrick'", "\"webrick\"", "'webrick/", "\"webrick/"]
                        .iter()
                        .any(|name| rest.starts_with(name))
                })
        });
        if let Some(index) = found {
            return Ok(Some(app.line(name, index + 1)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
