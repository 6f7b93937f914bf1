//! Which web process a Node.js app has without a Procfile.

use super::workspace;
use super::{BuiltEntry, Linker, Located, Manager, NodeApp, PackageJson};
use crate::app::{App, join};
use crate::version::Version;
use slugbuilder_report::Origin;

/// What candidates are found from.
pub(crate) struct Inputs<'a> {
    /// The app's folder.
    pub(crate) app: &'a App,
    /// Its `package.json`, where it says something, and what was decided of it.
    pub(crate) package: Option<(&'a PackageJson, &'a NodeApp)>,
    /// The app's Node.js.
    pub(crate) node: Version,
    /// The bare files, in order of precedence.
    pub(crate) bare: Vec<&'a str>,
}

/// A possible web process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
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
}

/// A place where the web process can come from.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Its name in documents, in Markdown.
    pub name: &'static str,
    /// When it counts and which command it makes, as the documents have it.
    pub meaning: &'static str,
    read: fn(&Inputs<'_>, &mut Vec<Candidate>),
}

/// The order of precedence.
pub const SOURCES: &[Source] = &[
    Source {
        name: "`scripts.start` of package.json",
        meaning: "one plain `node …` is run directly, everything else by `npm start`, `yarn start` or `pnpm start`, as are all scripts with Plug'n'Play",
        read: start,
    },
    Source {
        name: "`main` of package.json",
        meaning: "`node MAIN`, where the file is there, or where it lies in a folder and there is a build script that can make it",
        read: main,
    },
    Source {
        name: "`server.js`, `index.js`",
        meaning: "beside a package.json that says something; `.mjs` and `.cjs`, too",
        read: server_and_index,
    },
    Source {
        name: "the output of a framework",
        meaning: "Next.js, Nuxt, Nest and SvelteKit's Node adapter, where the app depends on it and its build script runs that framework's build",
        read: framework,
    },
    Source {
        name: "`web`, `server`, `app`, `main`, `index`",
        meaning: "with `.js`, `.mjs` or `.cjs`: the bare names, which need no package.json",
        read: bare,
    },
];

/// Every candidate, the first one wins.
pub(crate) fn candidates(inputs: &Inputs<'_>) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for source in SOURCES {
        let mut more = Vec::new();
        (source.read)(inputs, &mut more);
        for candidate in more {
            if !found.iter().any(|one| one.command == candidate.command) {
                found.push(candidate);
            }
        }
    }
    found
}

fn start(inputs: &Inputs<'_>, found: &mut Vec<Candidate>) {
    let Some((package, node)) = inputs.package else {
        return;
    };
    let Some(script) = package.scripts.get("start") else {
        return;
    };
    let text = script.value.trim();
    if text.is_empty() {
        return;
    }
    let is_plain = text.starts_with("node ")
        && !package.scripts.contains_key("prestart")
        && !package.scripts.contains_key("poststart")
        && !matches!(node.linker, Linker::PlugAndPlay { .. })
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " ./-_=:@".contains(c));
    let command = if is_plain {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        format!("{} start", node.manager.manager.program())
    };
    found.push(Candidate {
        file: package.path.clone(),
        command,
        origin: package.origin(script.line),
        reason: "is `scripts.start`".into(),
        is_explicit: true,
        built: None,
    });
}

fn main(inputs: &Inputs<'_>, found: &mut Vec<Candidate>) {
    let Some((package, node)) = inputs.package else {
        return;
    };
    let Some(main) = &package.main else {
        return;
    };
    let text = main.value.as_str();
    let path = text.trim_start_matches("./").trim_end_matches('/');
    let is_word = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "./-_@+".contains(c));
    let leaves = text.starts_with('/') || path.split('/').any(|part| part == "..");
    if path.is_empty() || !is_word || text.starts_with('-') || leaves {
        return;
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let runs = match name.rsplit_once('.') {
        Some((_, "js" | "mjs" | "cjs")) | None => true,
        Some((_, "ts" | "mts" | "cts")) => strips_types(inputs.node),
        // As in `server.prod`, which stands for `server.prod.js`.
        Some((_, ending)) => !["json", "css", "scss", "html", "node", "d"].contains(&ending),
    };
    if !runs {
        return;
    }
    let is_there = resolutions(path)
        .iter()
        .any(|path| inputs.app.is_file(path));
    // `npm init` writes `main` whether or not there is such a file; what a build makes lies in a folder.
    let is_built = !is_there && path.contains('/') && node.scripts.build.is_some();
    if is_there || is_built {
        found.push(Candidate {
            file: text.to_owned(),
            command: entry_command(node, text),
            origin: package.origin(main.line),
            reason: if is_there {
                "is `main`".into()
            } else {
                "is `main`, which the build has to make".into()
            },
            is_explicit: true,
            built: is_built.then(|| BuiltEntry {
                path: join(inputs.app.folder(), path),
                origin: package.origin(main.line),
            }),
        });
    }
}

/// The files that Node.js would run for `path`, in its order (nodejs.org's page on `require`, "All together").
#[must_use]
pub fn resolutions(path: &str) -> [String; 3] {
    [
        path.to_owned(),
        format!("{path}.js"),
        format!("{path}/index.js"),
    ]
}

fn server_and_index(inputs: &Inputs<'_>, found: &mut Vec<Candidate>) {
    if inputs.package.is_some() {
        for stem in ["server", "index"] {
            files(inputs, found, |file| {
                file.split_once('.').is_some_and(|(of, _)| of == stem)
            });
        }
    }
}

fn bare(inputs: &Inputs<'_>, found: &mut Vec<Candidate>) {
    files(inputs, found, |_| true);
}

fn files(inputs: &Inputs<'_>, found: &mut Vec<Candidate>, counts: impl Fn(&str) -> bool) {
    for file in inputs.bare.iter().filter(|file| counts(file)) {
        found.push(Candidate {
            file: (*file).to_owned(),
            command: match inputs.package {
                Some((_, node)) => entry_command(node, file),
                None => format!("node {file}"),
            },
            origin: inputs.app.origin(file),
            reason: "has a name that is looked for".into(),
            is_explicit: false,
            built: None,
        });
    }
}

/// The command that runs a file: with Plug'n'Play only Yarn's own `node` finds packages.
fn entry_command(node: &NodeApp, file: &str) -> String {
    match node.linker {
        Linker::PlugAndPlay { .. } => format!("yarn node {file}"),
        _ => format!("node {file}"),
    }
}

/// A framework whose build makes a server.
struct Framework {
    /// The package that an app of it depends on.
    package: &'static str,
    /// What its build script holds.
    builds: &'static [&'static str],
    /// The file that the build makes and that `node` runs; nothing where the package's program of that name is run with
    /// `start`.
    entry: Option<&'static str>,
}

/// What is run is what the frameworks' own pages on deployment say. All of them listen on `PORT` and on every address.
const FRAMEWORKS: [Framework; 4] = [
    Framework {
        package: "next",
        builds: &["next build"],
        entry: None,
    },
    Framework {
        package: "nuxt",
        builds: &["nuxt build", "nuxi build"],
        entry: Some(".output/server/index.mjs"),
    },
    Framework {
        package: "@nestjs/core",
        builds: &["nest build"],
        entry: Some("dist/main.js"),
    },
    Framework {
        package: "@sveltejs/adapter-node",
        builds: &["vite build"],
        entry: Some("build/index.js"),
    },
];

fn framework(inputs: &Inputs<'_>, found: &mut Vec<Candidate>) {
    let Some((package, node)) = inputs.package else {
        return;
    };
    let Some(build) = node.scripts.build.and_then(|name| package.script(name)) else {
        return;
    };
    for framework in &FRAMEWORKS {
        // A program has to be there when the app runs, which development dependencies are not.
        let dependency: Option<&Located<String>> = package.dependencies.get(framework.package);
        let dependency = match framework.entry {
            Some(_) => dependency.or_else(|| package.dev_dependencies.get(framework.package)),
            None => dependency,
        };
        let Some(dependency) = dependency else {
            continue;
        };
        if !framework.builds.iter().any(|text| build.contains(text)) {
            continue;
        }
        let origin = package.origin(dependency.line);
        found.push(Candidate {
            file: framework.package.to_owned(),
            command: match framework.entry {
                Some(entry) => entry_command(node, entry),
                None => program_command(node, framework.package),
            },
            origin: origin.clone(),
            reason: format!("is how an app of `{}` starts", framework.package),
            is_explicit: true,
            built: framework.entry.map(|entry| BuiltEntry {
                path: join(inputs.app.folder(), entry),
                origin,
            }),
        });
    }
}

/// `PROGRAM start`, of a package whose program has its name.
fn program_command(node: &NodeApp, program: &str) -> String {
    let is_beside = node.root == node.package && node.linker == Linker::NodeModules;
    match node.manager.manager {
        _ if is_beside => format!("node_modules/.bin/{program} start"),
        Manager::Npm => format!("npx {program} start"),
        Manager::YarnClassic | Manager::YarnBerry => format!("yarn {program} start"),
        Manager::Pnpm => format!("pnpm exec {program} start"),
    }
}

/// Whether this Node.js runs TypeScript as it is (nodejs.org, "Modules: TypeScript": since 23.6.0 and 22.18.0).
fn strips_types(node: Version) -> bool {
    node >= Version::new(23, 6, 0) || (node.major == 22 && node >= Version::new(22, 18, 0))
}

/// Files that people give their server in TypeScript.
const TYPESCRIPT: [&str; 10] = [
    "server.ts",
    "index.ts",
    "web.ts",
    "app.ts",
    "main.ts",
    "src/server.ts",
    "src/index.ts",
    "src/web.ts",
    "src/app.ts",
    "src/main.ts",
];

/// As many packages of a workspace are named.
const NAMED: usize = 5;

/// How this app would get a web process, as it has none.
pub(crate) fn advice(inputs: &Inputs<'_>) -> String {
    const GENERAL: &str = "Add a start script to package.json, such as `\"start\": \"node server.js\"`, or write a Procfile with a line such as `web: node server.js`.";
    let Some((package, node)) = inputs.package else {
        return GENERAL.to_owned();
    };
    let startable = startable_packages(inputs, package);
    if !startable.is_empty() {
        let names: Vec<String> = startable
            .iter()
            .take(NAMED)
            .map(|folder| format!("`--root {folder}`"))
            .collect();
        let more = match startable.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(", or one of {more} more"),
        };
        return format!(
            "These packages of the workspace have a start script: build one of them with {}{more}.",
            names.join(" or ")
        );
    }
    if let Some(file) = TYPESCRIPT.into_iter().find(|file| inputs.app.is_file(file)) {
        return if strips_types(inputs.node) {
            format!(
                "Node.js {} runs TypeScript: add the start script `node {file}`, or one that runs what your build makes of it.",
                inputs.node
            )
        } else {
            format!(
                "`{file}` is TypeScript: add a build script that compiles it (`\"build\": \"tsc\"`), and a start script that runs the result."
            )
        };
    }
    if node.scripts.build.is_some() {
        return "If the build makes files for browsers, let a server serve them: `npm install serve`, and the start script `serve dist`, where `dist` is the build's folder. If it makes a server, add a start script that runs it.".to_owned();
    }
    GENERAL.to_owned()
}

/// The folders of a workspace's packages that have a start script.
fn startable_packages(inputs: &Inputs<'_>, package: &PackageJson) -> Vec<String> {
    // What cannot be read is no advice; nothing is decided here.
    let folder = inputs.app.folder();
    let Ok(source) = inputs.app.whole_source() else {
        return Vec::new();
    };
    let workspaces = workspace::declared(&source, folder, Some(package)).unwrap_or_default();
    let mut found = Vec::new();
    for workspace in workspaces {
        for below in workspace.packages(&source, folder).unwrap_or_default() {
            let path = join(folder, &below);
            let has_start = PackageJson::read(&source, &path)
                .ok()
                .flatten()
                .is_some_and(|package| package.script("start").is_some());
            if has_start && !found.contains(&path) {
                found.push(path);
            }
        }
    }
    found
}
