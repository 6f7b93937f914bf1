//! Which web process a Node.js app has without a Procfile.

use super::workspace;
use super::{BuiltEntry, Linker, Manager, NodeApp, PackageJson};
use crate::app::join;
use crate::detect::{WebCandidate, WebInputs, WebReader};
use crate::precedence::Source;
use crate::runtime::Runtime;
use crate::version::Version;

/// The order of precedence.
pub const SOURCES: &[Source<WebReader>] = &[
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
        meaning: "Next.js, Nuxt, Nest and `@sveltejs/adapter-node`, where the app depends on it and its build script runs that framework's build",
        read: framework,
    },
    Source {
        name: "`web`, `server`, `app`, `main`, `index`",
        meaning: "with `.js`, `.mjs` or `.cjs`: the bare names, which need no package.json",
        read: bare,
    },
];

fn start(inputs: &WebInputs<'_>) -> Vec<WebCandidate> {
    let Some((package, node)) = inputs.node else {
        return Vec::new();
    };
    let Some(script) = package
        .scripts
        .get("start")
        .filter(|script| !script.value.trim().is_empty())
    else {
        return Vec::new();
    };
    let is_plain = script.value.trim().starts_with("node ")
        && !package.scripts.contains_key("prestart")
        && !package.scripts.contains_key("poststart")
        && !matches!(node.linker, Linker::PlugAndPlay { .. })
        && script
            .value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " ./-_=:@".contains(c));
    let command = if is_plain {
        let words: Vec<&str> = script.value.split_whitespace().collect();
        words.join(" ")
    } else {
        format!("{} start", node.manager.manager.program())
    };
    let origin = package.origin(script.line);
    vec![WebCandidate::new(package.path.as_str(), command, origin, "is `scripts.start`").explicit()]
}

fn main(inputs: &WebInputs<'_>) -> Vec<WebCandidate> {
    let Some((package, node)) = inputs.node else {
        return Vec::new();
    };
    let Some(main) = package
        .main
        .as_ref()
        .filter(|main| can_be_run(&main.value, inputs.node_version))
    else {
        return Vec::new();
    };
    let path = plain_path(&main.value);
    let is_there = resolutions(path)
        .iter()
        .any(|path| inputs.app.is_file(path));
    // `npm init` writes `main` whether or not there is such a file; what a build makes lies in a folder.
    let is_built = !is_there && path.contains('/') && node.scripts.build.is_some();
    if !is_there && !is_built {
        return Vec::new();
    }
    let origin = package.origin(main.line);
    let built = is_built.then(|| BuiltEntry {
        path: inputs.app.shown(path),
        origin: origin.clone(),
    });
    let reason = if is_there {
        "is `main`"
    } else {
        "is `main`, which the build has to make"
    };
    let command = entry_command(node, &main.value);
    vec![
        WebCandidate::new(main.value.as_str(), command, origin, reason)
            .explicit()
            .built(built),
    ]
}

/// `main` without what changes nothing.
fn plain_path(main: &str) -> &str {
    main.trim_start_matches("./").trim_end_matches('/')
}

/// Whether `node` can be called with this `main`: one word, inside the app, and no other file than a program.
fn can_be_run(main: &str, node: Option<Version>) -> bool {
    let path = plain_path(main);
    let is_word = main
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "./-_@+".contains(c));
    let leaves = main.starts_with('/') || path.split('/').any(|part| part == "..");
    if path.is_empty() || !is_word || main.starts_with('-') || leaves {
        return false;
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((_, "js" | "mjs" | "cjs")) | None => true,
        Some((_, "ts" | "mts" | "cts")) => node.is_some_and(strips_types),
        // As in `server.prod`, which stands for `server.prod.js`.
        Some((_, ending)) => !["json", "css", "scss", "html", "node"].contains(&ending),
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

fn server_and_index(inputs: &WebInputs<'_>) -> Vec<WebCandidate> {
    if inputs.node.is_none() {
        return Vec::new();
    }
    ["server.", "index."]
        .into_iter()
        .flat_map(|stem| files(inputs, stem))
        .collect()
}

fn bare(inputs: &WebInputs<'_>) -> Vec<WebCandidate> {
    files(inputs, "")
}

/// The bare files that begin so.
fn files(inputs: &WebInputs<'_>, beginning: &str) -> Vec<WebCandidate> {
    inputs
        .findings
        .bare_of(Runtime::Node)
        .filter(|file| file.starts_with(beginning))
        .map(|file| {
            let command = match inputs.node {
                Some((_, node)) => entry_command(node, file),
                None => format!("node {file}"),
            };
            let origin = inputs.app.origin(file);
            WebCandidate::new(file, command, origin, "has a name that is looked for")
        })
        .collect()
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

fn framework(inputs: &WebInputs<'_>) -> Vec<WebCandidate> {
    let Some((package, node)) = inputs.node else {
        return Vec::new();
    };
    let Some(script) = node.scripts.build.and_then(|name| package.script(name)) else {
        return Vec::new();
    };
    FRAMEWORKS
        .iter()
        .filter(|framework| framework.builds.iter().any(|text| script.contains(text)))
        .filter_map(|framework| {
            // A program has to be there when the app runs, which development dependencies are not.
            let is_output = framework.entry.is_some();
            let dependency = package.dependencies.get(framework.package).or_else(|| {
                package
                    .dev_dependencies
                    .get(framework.package)
                    .filter(|_| is_output)
            })?;
            let origin = package.origin(dependency.line);
            let command = match framework.entry {
                Some(entry) => entry_command(node, entry),
                None => program_command(node, framework.package),
            };
            let built = framework.entry.map(|entry| BuiltEntry {
                path: inputs.app.shown(entry),
                origin: origin.clone(),
            });
            let reason = format!("is how an app of `{}` starts", framework.package);
            Some(
                WebCandidate::new(framework.package, command, origin, reason)
                    .explicit()
                    .built(built),
            )
        })
        .collect()
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
pub(crate) fn advice(inputs: &WebInputs<'_>) -> String {
    const GENERAL: &str = "Add a start script to package.json, such as `\"start\": \"node server.js\"`, or write a Procfile with a line such as `web: node server.js`.";
    let Some((package, node)) = inputs.node else {
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
        return match inputs.node_version {
            Some(version) if strips_types(version) => format!(
                "Node.js {version} runs TypeScript: add the start script `node {file}`, or one that runs what your build makes of it."
            ),
            _ => format!(
                "`{file}` is TypeScript: add a build script that compiles it (`\"build\": \"tsc\"`), and a start script that runs the result."
            ),
        };
    }
    if node.scripts.build.is_some() {
        return "If the build makes files for browsers, let a server serve them: `npm install serve`, and the start script `serve dist`, where `dist` is the build's folder. If it makes a server, add a start script that runs it.".to_owned();
    }
    GENERAL.to_owned()
}

/// The folders of a workspace's packages that have a start script.
fn startable_packages(inputs: &WebInputs<'_>, package: &PackageJson) -> Vec<String> {
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
