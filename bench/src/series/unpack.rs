//! Reading a slug back.

use super::ours::Write;
use crate::benchmark::Bench;
use crate::error::BenchError;
use crate::pipeline::Pipeline;
use crate::results::Series;
use crate::trees::{Kind, Trees};
use crate::work::remove;
use fs_err as fs;

pub(super) fn measure(bench: &Bench, trees: &Trees<'_>) -> Result<Series, BenchError> {
    let big = trees.get(Kind::Big)?;
    let folder = bench.work.series("unpack")?;
    let write = Write::new(&big.path, &folder.join("slug.tgz"));
    bench.runner.run(&write.pipeline(&bench.runner.program))?;
    let (theirs, ours) = (folder.join("theirs"), folder.join("ours"));
    let tar = Pipeline::new("tar")
        .argument("xzf")
        .argument(&write.output)
        .argument("-C")
        .argument(&theirs);
    let slugbuilder = Pipeline::new(&bench.runner.program)
        .argument("unpack")
        .argument(&write.output)
        .argument(&ours);
    let mut recorder = bench.recorder(
        "unpack",
        "Unpacking the big tree's slug",
        big.about.clone(),
        &["tar"],
    );
    for round in 0..=bench.runs {
        recorder.begin(round);
        fs::create_dir(&theirs)?;
        recorder.run("tar", "GNU `tar xzf`", &tar, None)?;
        recorder.run("slugbuilder", "**slugbuilder**", &slugbuilder, None)?;
        if round == 0 {
            compare(bench, &theirs.join("app"), &ours)?;
        }
        remove(&theirs)?;
        remove(&ours)?;
    }
    Ok(recorder.finish())
}

/// Makes sure that both have unpacked the same.
fn compare(
    bench: &Bench,
    theirs: &std::path::Path,
    ours: &std::path::Path,
) -> Result<(), BenchError> {
    let diff = Pipeline::new("diff")
        .arguments("-r --no-dereference")
        .argument(theirs)
        .argument(ours);
    bench.runner.run(&diff).map_err(|error| match error {
        BenchError::Failed { .. } => BenchError::WrongOutput {
            row: "unpack".into(),
            reason: "GNU tar unpacks something else".into(),
        },
        error => error,
    })?;
    Ok(())
}
