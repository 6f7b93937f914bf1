//! Archives from scratch.

use super::ours::Write;
use super::peers::{Peer, build_layer};
use super::{FEW, Recorder};
use crate::arguments::Compression;
use crate::benchmark::Bench;
use crate::check;
use crate::error::BenchError;
use crate::pipeline::Pipeline;
use crate::results::Series;
use crate::trees::{Kind, Tree, Trees};
use crate::work::remove;
use std::path::Path;

/// A row of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ours {
    Default,
    Fast,
    Best,
    /// And leave a cache for the next archive.
    Filling,
}

impl Ours {
    const fn key(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Fast => "fast",
            Self::Best => "best",
            Self::Filling => "filling",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Default => "**slugbuilder**",
            Self::Fast => "slugbuilder, `fast`",
            Self::Best => "slugbuilder, `best`",
            Self::Filling => "slugbuilder, filling an empty cache",
        }
    }

    fn compression(self) -> Compression {
        match self {
            Self::Default | Self::Filling => Compression::Default,
            Self::Fast => Compression::Fast,
            Self::Best => Compression::Best,
        }
    }
}

const PLAIN: &[Ours] = &[Ours::Default, Ours::Fast];
const EVERY: &[Ours] = &[Ours::Default, Ours::Fast, Ours::Best, Ours::Filling];

/// The rows of a series.
#[derive(Debug, Clone, Copy)]
struct Plan {
    name: &'static str,
    title: &'static str,
    peers: &'static [Peer],
    ours: &'static [Ours],
    one_core: bool,
}

const BIG: Plan = Plan {
    name: "cold-big",
    title: "Cold, big tree, two threads",
    peers: &Peer::ALL,
    ours: EVERY,
    one_core: false,
};
const ONE_CORE: Plan = Plan {
    name: "one-core",
    title: "Cold, big tree, one core",
    peers: &[Peer::Tar],
    ours: &[Ours::Default],
    one_core: true,
};
const NODE: Plan = Plan {
    name: "node",
    title: "Cold, the bare Node app, two threads",
    peers: &Peer::ALL,
    ours: PLAIN,
    one_core: false,
};
const GO: Plan = Plan {
    name: "go",
    title: "Cold, one Go binary, two threads",
    peers: &Peer::ALL,
    ours: PLAIN,
    one_core: false,
};

pub(super) fn big(bench: &Bench, trees: &Trees<'_>) -> Result<Series, BenchError> {
    measure(&BIG, bench, &trees.get(Kind::Big)?)
}

pub(super) fn one_core(bench: &Bench, trees: &Trees<'_>) -> Result<Series, BenchError> {
    measure(&ONE_CORE, bench, &trees.get(Kind::Big)?)
}

pub(super) fn node(bench: &Bench, trees: &Trees<'_>) -> Result<Series, BenchError> {
    measure(&NODE, bench, &trees.get(Kind::Node)?)
}

pub(super) fn go(bench: &Bench, trees: &Trees<'_>) -> Result<Series, BenchError> {
    measure(&GO, bench, &trees.get(Kind::Go)?)
}

#[cfg(test)]
pub(super) fn row_names() -> Vec<(&'static str, &'static str)> {
    [BIG, ONE_CORE, NODE, GO]
        .iter()
        .flat_map(|plan| {
            let peers = plan.peers.iter().map(|peer| peer.key());
            peers
                .chain(plan.ours.iter().map(|ours| ours.key()))
                .map(|key| (plan.name, key))
        })
        .collect()
}

fn measure(plan: &Plan, bench: &Bench, tree: &Tree) -> Result<Series, BenchError> {
    let folder = bench.work.series(plan.name)?;
    let mut peers = Vec::new();
    for peer in plan.peers {
        if peer.available(bench)? {
            peers.push(*peer);
        }
    }
    let layer = if peers.contains(&Peer::Layer) {
        build_layer(bench)?
    } else {
        folder.join("no-layer")
    };
    let mut recorder = bench.recorder(plan.name, plan.title, tree.about.clone(), &["tar"]);
    let output = folder.join("slug.tgz");
    for round in 0..=bench.runs {
        recorder.begin(round);
        if round == 0 {
            // Into the page cache. Peers have nothing else to warm up.
            bench.runner.run(
                &Pipeline::new("tar")
                    .arguments("cf - -C")
                    .argument(&tree.path)
                    .argument(".")
                    .pipe("wc"),
            )?;
        }
        for peer in &peers {
            if round == 0 || (peer.is_slow() || plan.one_core) && round > FEW {
                continue;
            }
            remove(&output)?;
            let pipeline = peer.pipeline(&tree.path, &output, &layer);
            let pipeline = pipeline.one_core(plan.one_core);
            recorder.run(peer.key(), peer.label(), &pipeline, Some(&output))?;
        }
        for ours in plan.ours {
            if *ours == Ours::Best && round > FEW {
                continue;
            }
            run_ours(plan, bench, tree, *ours, &folder, &mut recorder)?;
        }
    }
    Ok(recorder.finish())
}

/// Runs one of our rows. In round 0 its output is checked and kept, and those of other rounds are compared with it.
fn run_ours(
    plan: &Plan,
    bench: &Bench,
    tree: &Tree,
    ours: Ours,
    folder: &Path,
    recorder: &mut Recorder<'_>,
) -> Result<(), BenchError> {
    let reference = folder.join(format!("{}.reference", ours.compression().name()));
    let mut write = Write::new(&tree.path, &folder.join("slug.tgz"));
    write.compression = ours.compression();
    if recorder.round == 0 && !reference.exists() {
        // On two threads, whatever the row has.
        write.output.clone_from(&reference);
        bench.runner.run(&write.pipeline(&bench.runner.program))?;
        check::whole(&bench.runner, ours.key(), &reference, &write.claimed())?;
        write.output = folder.join("slug.tgz");
    }
    if plan.one_core {
        write.threads = 1;
    }
    if ours == Ours::Filling {
        let cache = folder.join("cache");
        remove(&cache)?;
        write.cache = Some(cache);
    }
    remove(&write.output)?;
    let pipeline = write
        .pipeline(&bench.runner.program)
        .one_core(plan.one_core);
    recorder.run(ours.key(), ours.label(), &pipeline, Some(&write.output))?;
    check::identical(ours.key(), &write.output, &reference)
}
