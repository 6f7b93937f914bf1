//! The command line.

use crate::document::Part;
use crate::error::BenchError;
use clap::{Args, Parser, Subcommand, ValueEnum};
use slugbuilder::archive;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Measure the slug writer against its peers, and the server. Without a command: everything, in one table.
#[derive(Debug, Parser)]
#[command(
    name = "slugbuilder-bench",
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to measure, and where the result goes.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct Options {
    /// Where trees and outputs live [default: target/bench]. Its file system is part of the result.
    #[arg(long, value_name = "DIR")]
    pub(crate) work: Option<PathBuf>,
    /// Rounds that count. Rows of ten seconds run in three of them at most.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) runs: u32,
    /// Measure this series only. May be repeated.
    #[arg(long, value_enum, value_name = "SERIES")]
    pub(crate) only: Vec<Series>,
    /// One round on small generated trees: checks that every row works and says nothing about speed.
    #[arg(long, conflicts_with_all = ["write_docs", "check", "runs"])]
    pub(crate) quick: bool,
    /// List peers that are not installed instead of failing.
    #[arg(long, conflicts_with_all = ["write_docs", "check"])]
    pub(crate) skip_missing_peers: bool,
    /// Rewrite the tables in docs/benchmarks.md: those of the slug writer, of builds (`--only next`), of the server
    /// (`--only platform`), or all.
    #[arg(long)]
    pub(crate) write_docs: bool,
    /// Fail if a bar is not met.
    #[arg(long)]
    pub(crate) check: bool,
    /// Write every single measurement to this file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// The command that the series `compile`, `next` and `platform` run [default: built from this workspace].
    #[arg(long, value_name = "FILE")]
    pub(crate) slugbuilder: Option<PathBuf>,
}

/// Rows that run in turn, on one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Series {
    /// The big tree, without a cache.
    ColdBig,
    /// The big tree, without a cache, on one processor core.
    OneCore,
    /// The bare Node app, without a cache.
    Node,
    /// One Go binary, without a cache.
    Go,
    /// The big tree after small changes, with the cache of the build before.
    Warm,
    /// Reading a slug back.
    Unpack,
    /// The whole command on an unchanged app.
    Compile,
    /// The whole command on an app of Express and Next.js, against npm.
    Next,
    /// The platform's server under load.
    Platform,
}

/// The parts of the document that a run of the series `only` can write; of all of them where there are none.
pub(crate) fn documented(only: &[Series]) -> Result<Vec<Part>, BenchError> {
    let is_wanted = |name: &Series| only.is_empty() || only.contains(name);
    let mut parts = Vec::new();
    for part in Part::ALL {
        let series = part.series();
        if series.iter().all(is_wanted) {
            parts.push(part);
        } else if series.iter().any(is_wanted) {
            return Err(BenchError::PartOfTheDocument);
        }
    }
    Ok(parts)
}

/// The processes that the benchmark starts.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write TREE as a slug: `runtime/`, `node_modules/` and the rest become its three parts.
    Write(WriteArguments),
    /// Unpack a slug.
    Unpack(UnpackArguments),
    /// Run a pipeline and print what it took as JSON.
    #[command(hide = true)]
    Measure(MeasureArguments),
    /// Become a program that ends with the benchmark.
    #[command(hide = true)]
    Tied(TiedArguments),
    /// Serve one fixed answer: what no server could be faster than.
    #[command(hide = true)]
    Floor(FloorArguments),
}

#[derive(Debug, Args)]
pub(crate) struct WriteArguments {
    pub(crate) tree: PathBuf,
    pub(crate) output: PathBuf,
    /// The engine's cache; without one the archive is written from scratch.
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Compressing threads [default: one a core].
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) compression: Compression,
    /// Modification time of the app's own files, in seconds since 1970.
    #[arg(long, default_value_t = archive::FIXED_TIME, value_name = "SECONDS")]
    pub(crate) app_time: i64,
}

#[derive(Debug, Args)]
pub(crate) struct UnpackArguments {
    pub(crate) slug: PathBuf,
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct MeasureArguments {
    /// Where the last program's standard output goes.
    #[arg(long)]
    pub(crate) output: Option<PathBuf>,
    /// Where the programs run.
    #[arg(long)]
    pub(crate) directory: Option<PathBuf>,
    /// Give the programs one processor core.
    #[arg(long)]
    pub(crate) one_core: bool,
    /// The programs and their arguments, with `|` between them.
    #[arg(last = true, required = true)]
    pub(crate) programs: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct TiedArguments {
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    pub(crate) program: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct FloorArguments {
    /// The body of every answer.
    pub(crate) body: String,
}

/// How hard to compress; see [`archive::Compression`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compression {
    Fast,
    #[default]
    Default,
    Best,
}

impl From<Compression> for archive::Compression {
    fn from(compression: Compression) -> Self {
        match compression {
            Compression::Fast => Self::Fast,
            Compression::Default => Self::Default,
            Compression::Best => Self::Best,
        }
    }
}

impl Compression {
    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Default => "default",
            Self::Best => "best",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_part_of_the_rows_never_becomes_the_documented_table() {
        for refused in ["--quick", "--skip-missing-peers"] {
            Arguments::try_parse_from(["bench", "--write-docs", refused]).unwrap_err();
        }
        Arguments::try_parse_from(["bench", "--write-docs", "--check"]).unwrap();
        let parts = |only: &[Series]| documented(only).map_err(|error| error.to_string());
        assert_eq!(parts(&[]).unwrap(), Part::ALL);
        assert_eq!(parts(&[Series::Next]).unwrap(), [Part::Builds]);
        assert_eq!(parts(&[Series::Platform]).unwrap(), [Part::Server]);
        insta::assert_snapshot!(
            parts(&[Series::Warm]).unwrap_err(),
            @"`--write-docs` writes a part of the document whole, and `--only` leaves out some of its series"
        );
    }

    #[test]
    fn names_of_compressions_are_those_that_are_parsed() {
        for compression in Compression::value_variants() {
            let parsed = Compression::from_str(compression.name(), false);
            assert_eq!(parsed.as_ref(), Ok(compression));
        }
    }
}
