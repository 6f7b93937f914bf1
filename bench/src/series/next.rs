//! The whole command on an app that installs packages and builds, against npm doing the same by itself.

use super::compile;
use super::ours::Write;
use crate::benchmark::Bench;
use crate::check;
use crate::error::BenchError;
use crate::pipeline::Pipeline;
use crate::results::Series;
use crate::trees::{Kind, PAGE, Trees};
use crate::work::{copy, remove};
use fs_err as fs;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

/// The rows of the series.
#[cfg(test)]
pub(super) const ROWS: [&str; 5] = ["npm", "cold", "write", "unchanged", "line"];

pub(super) fn measure(bench: &Bench, trees: &Trees<'_>) -> Result<Series, BenchError> {
    let next = trees.get(Kind::Next)?;
    let slugbuilder = compile::command(bench)?;
    let folder = bench.work.series("next")?;
    let output = folder.join("slug.tgz");
    let cache = folder.join("cache");
    let compile = |app: &Path| {
        Pipeline::new("env")
            .argument("NEXT_TELEMETRY_DISABLED=1")
            .argument(&slugbuilder)
            .arguments("compile --quiet --env NEXT_TELEMETRY_DISABLED")
            .argument(app)
            .argument("--output")
            .argument(&output)
            .argument("--cache-dir")
            .argument(&cache)
    };
    let mut recorder = bench.recorder(
        "next",
        "`slugbuilder compile` of an app of Express and Next.js",
        next.about,
        &["npm"],
    );
    for round in 0..=bench.runs {
        recorder.begin(round);
        let plain = folder.join("plain");
        remove(&plain)?;
        copy(&bench.runner, &next.path.join("app"), &plain)?;
        let npm = npm(&next.path.join("tools/bin"), &plain, &folder)?;
        recorder.run("npm", "`npm ci && npm run build`", &npm, None)?;

        // Another folder is another app, of which nothing is known; what is kept of downloads serves every app.
        let app = folder.join(format!("app-{round}"));
        copy(&bench.runner, &next.path.join("app"), &app)?;
        if round == 0 {
            let first = folder.join("first");
            copy(&bench.runner, &next.path.join("app"), &first)?;
            bench.runner.run(&compile(&first))?;
        }
        remove(&output)?;
        recorder.run(
            "cold",
            "**slugbuilder**, cold",
            &compile(&app),
            Some(&output),
        )?;
        let reference = folder.join("reference.tgz");
        fs::copy(&output, &reference)?;

        let (tree, again) = (folder.join("tree"), folder.join("again.tgz"));
        remove(&tree)?;
        bench.runner.run(
            &Pipeline::new(&slugbuilder)
                .arguments("unpack --quiet")
                .argument(&output)
                .argument(&tree),
        )?;
        let write = Write::new(&tree, &again);
        let pipeline = write.pipeline(&bench.runner.program);
        recorder.run("write", "writing that slug", &pipeline, Some(&again))?;

        remove(&output)?;
        recorder.run(
            "unchanged",
            "**slugbuilder**, unchanged",
            &compile(&app),
            Some(&output),
        )?;
        check::identical("unchanged", &output, &reference)?;

        let page = app.join(PAGE);
        fs::OpenOptions::new()
            .append(true)
            .open(page)?
            .write_all(format!("// round {round}\n").as_bytes())?;
        remove(&output)?;
        recorder.run(
            "line",
            "**slugbuilder**, a line changed",
            &compile(&app),
            Some(&output),
        )?;
        bench
            .runner
            .run(&Pipeline::new("gzip").argument("-t").argument(&output))?;
    }
    Ok(recorder.finish())
}

/// npm by itself, with the same Node.js and npm, and as cold: its cache is empty.
fn npm(tools: &Path, app: &Path, folder: &Path) -> Result<Pipeline, BenchError> {
    let cache = folder.join("npm-cache");
    remove(&cache)?;
    let assignment = |name: &str, value: OsString| {
        let mut word = OsString::from(name);
        word.push("=");
        word.push(value);
        word
    };
    let mut path = OsString::from(tools);
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    Ok(Pipeline::new("env")
        .arguments("CI=1 NEXT_TELEMETRY_DISABLED=1 npm_config_audit=false npm_config_fund=false")
        .arguments("npm_config_update_notifier=false")
        .argument(assignment("npm_config_cache", cache.into()))
        .argument(assignment("PATH", path))
        .arguments("sh -c")
        .argument("npm ci && npm run build")
        .directory(app))
}
