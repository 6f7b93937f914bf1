//! The run: series after series, then the tables.

use crate::arguments::{Options, Series as Name, documented};
use crate::document::Part;
use crate::error::BenchError;
use crate::results::Outcome;
use crate::runner::Runner;
use crate::series::{self, Recorder};
use crate::trees::Trees;
use crate::work::Work;
use crate::{bars, document, machine, tools};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What every series needs.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) runner: Runner,
    pub(crate) work: Work,
    /// Rounds that count.
    pub(crate) runs: u32,
    /// Whether this is only to see that every row works.
    pub(crate) quick: bool,
    /// Whether peers may be missing.
    pub(crate) skip_missing_peers: bool,
    /// Those that were missing.
    pub(crate) skipped: RefCell<Vec<String>>,
    /// `slugbuilder`, where the user named one.
    pub(crate) slugbuilder: Option<PathBuf>,
}

impl Bench {
    /// Begins a series with one round to warm up and `runs` that count.
    pub(crate) fn recorder(
        &self,
        name: &'static str,
        title: &'static str,
        about: String,
        references: &'static [&'static str],
    ) -> Recorder<'_> {
        Recorder::new(self, name, title, about, references)
    }
}

/// Says what is going on.
pub(crate) fn progress(text: &str) {
    eprintln!("{text}");
}

/// Measures what the options ask for and prints the tables.
pub(crate) fn run(options: &Options) -> Result<(), BenchError> {
    let started = Instant::now();
    let parts = if options.write_docs {
        documented(&options.only)?
    } else {
        Vec::new()
    };
    let runner = Runner::watch()?;
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    let work = Work::open(options.work.as_deref().unwrap_or(&default))?;
    let bench = Bench {
        runner,
        work,
        runs: if options.quick { 1 } else { options.runs },
        quick: options.quick,
        skip_missing_peers: options.skip_missing_peers,
        skipped: RefCell::default(),
        slugbuilder: options.slugbuilder.clone(),
    };
    for tool in [tools::TAR, tools::GZIP, tools::SHA256SUM] {
        tools::require(tool)?;
    }
    let trees = Trees::new(&bench);
    let mut results: Vec<Outcome> = Vec::new();
    let mut judged = Vec::new();
    for part in Part::ALL {
        let wanted = |name: &Name| options.only.is_empty() || options.only.contains(name);
        let mut of_part = Vec::new();
        for name in part.series().into_iter().filter(wanted) {
            of_part.push(series::measure(name, &bench, &trees)?);
        }
        let bars = bars::judge(part, &of_part);
        if parts.contains(&part) {
            let machine = machine::describe(bench.work.root());
            let tables = document::markdown(&machine, &of_part, &bars);
            document::rewrite(&document::path(), part, &tables)?;
        }
        // A run of another part says nothing of these.
        if !of_part.is_empty() {
            judged.extend(bars);
        }
        results.extend(of_part);
    }
    let machine = machine::describe(bench.work.root());
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&results).map_err(|source| BenchError::Json {
            what: "the results".into(),
            source,
        })?;
        fs_err::write(path, text)?;
    }
    print(&machine, &results, &judged, &bench);
    progress(&format!(
        "Done in {:.0} s.",
        started.elapsed().as_secs_f64()
    ));
    match bars::failures(&judged) {
        failures @ 1.. if options.check => Err(BenchError::BarsNotMet(failures)),
        _ => Ok(()),
    }
}

fn print(machine: &str, results: &[Outcome], judged: &[bars::Judged], bench: &Bench) {
    println!("{machine}\n");
    for outcome in results {
        println!(
            "{}\n{}\n\n{}",
            outcome.title(),
            outcome.about(),
            outcome.text()
        );
    }
    for skipped in bench.skipped.borrow().iter() {
        println!("Skipped: {skipped} is not installed.");
    }
    if bench.quick {
        println!("Every row works. Small trees and one round say nothing about speed.");
    } else {
        println!("Bars\n\n{}", bars::measured(judged).text());
    }
}
