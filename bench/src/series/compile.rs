//! The whole command from start to exit, on an app of which nothing has changed.

use crate::benchmark::{Bench, progress};
use crate::check;
use crate::error::BenchError;
use crate::pipeline::Pipeline;
use crate::results::Series;
use crate::trees::{Kind, Trees};
use crate::work::{copy, remove};
use fs_err as fs;
use std::path::{Path, PathBuf};

/// What of the big tree is the app: no package.json, so that nothing is installed, and no runtime, which the build adds.
const APP: [&str; 4] = ["node_modules", "src", "server.js", "Procfile"];

pub(super) fn measure(bench: &Bench, trees: &Trees<'_>) -> Result<Series, BenchError> {
    let big = trees.get(Kind::Big)?;
    let slugbuilder = command(bench)?;
    let folder = bench.work.series("compile")?;
    let app = folder.join("app");
    fs::create_dir(&app)?;
    for name in APP {
        copy(&bench.runner, &big.path.join(name), &app.join(name))?;
    }
    let (output, reference) = (folder.join("slug.tgz"), folder.join("reference.tgz"));
    // The runtime stays for later runs.
    let cache = bench.work.lasting("slugbuilder-cache")?;
    let compile = Pipeline::new(slugbuilder)
        .arguments("compile --quiet")
        .argument(&app)
        .argument("--output")
        .argument(&output)
        .argument("--cache-dir")
        .argument(cache);
    let mut recorder = bench.recorder(
        "compile",
        "`slugbuilder compile` of an unchanged big app",
        format!(
            "The app of the big tree with its `node_modules` checked in, without package.json and runtime. {}",
            big.about
        ),
        &[],
    );
    for round in 0..=bench.runs {
        recorder.begin(round);
        if round == 0 {
            // Nothing to compare with yet; it may download the runtime, too.
            bench.runner.run(&compile)?;
            fs::rename(&output, &reference)?;
        }
        remove(&output)?;
        recorder.run("unchanged", "**slugbuilder**", &compile, Some(&output))?;
        check::identical("compile", &output, &reference)?;
    }
    bench
        .runner
        .run(&Pipeline::new("gzip").argument("-t").argument(&output))?;
    Ok(recorder.finish())
}

/// The command to measure.
pub(super) fn command(bench: &Bench) -> Result<PathBuf, BenchError> {
    match &bench.slugbuilder {
        Some(path) => Ok(fs::canonicalize(path)?),
        None => build(bench),
    }
}

/// Builds the command as users have it.
fn build(bench: &Bench) -> Result<PathBuf, BenchError> {
    progress("Building the command");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // This program lies in `<target>/<profile>/`.
    let target = bench.runner.program.ancestors().nth(2);
    let target = target.unwrap_or(bench.work.root());
    bench.runner.run(
        &Pipeline::new(env!("CARGO"))
            .arguments("build --release --quiet -p slugbuilder-cli --target-dir")
            .argument(target)
            .directory(workspace),
    )?;
    Ok(target.join("release/slugbuilder"))
}
