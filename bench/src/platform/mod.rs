//! The platform's server under load: how fast it answers with a large ledger and with a small one, what memory it takes,
//! and what is left when it is killed.

mod client;
mod floor;
mod kills;
mod ledger;
mod load;
mod random;
mod requests;
mod server;
mod tables;
mod uploads;

pub(crate) use floor::serve as serve_floor;
pub(crate) use server::tied;
#[cfg(test)]
pub(crate) use tables::FIGURES;

use crate::benchmark::{Bench, progress};
use crate::error::BenchError;
use crate::results::Sheets;
use ledger::{Filled, Ledger, Size};
use load::{Load, Pace, Sample, Target};
use requests::Kind;
use server::{Memory, Server};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Connections of loads that have no other number.
const CONNECTIONS: usize = 16;

/// The loads that find how many requests a second there can be, with their connections.
const CLOSED: [(Kind, usize); 7] = [
    (Kind::Create, 1),
    (Kind::Create, CONNECTIONS),
    (Kind::Create, 64),
    (Kind::Info, CONNECTIONS),
    (Kind::Releases, CONNECTIONS),
    (Kind::Apps, CONNECTIONS),
    (Kind::Mixed, CONNECTIONS),
];

/// Those that find how long a request takes at a fixed rate.
const OPEN: [Kind; 5] = [
    Kind::Create,
    Kind::Info,
    Kind::Releases,
    Kind::Apps,
    Kind::Mixed,
];

/// The part of what it can do that the server is asked for by the open loads.
const PART: f64 = 0.5;

/// The most memory that the server may hold while slugs come in, in bytes.
const MOST_MEMORY: u64 = 100_000_000;

/// How much is done.
#[derive(Debug, Clone, Copy)]
struct Plan {
    large: Size,
    small: Size,
    /// Of each load.
    length: Duration,
    /// Of each load before it counts.
    warm_up: Duration,
    /// Bytes of each upload.
    upload: u64,
    kills: u32,
    /// The shortest and the longest time between a start and a kill.
    life: [Duration; 2],
    /// Whether the bytes of uploads are downloaded again.
    download: bool,
}

impl Plan {
    const FULL: Self = Self {
        large: Size::LARGE,
        small: Size::SMALL,
        length: Duration::from_secs(4),
        warm_up: Duration::from_millis(500),
        upload: 500_000_000,
        kills: 20,
        life: [Duration::from_millis(200), Duration::from_millis(1200)],
        download: false,
    };
    const QUICK: Self = Self {
        large: Size {
            apps: 40,
            releases: 12,
            slugs: 2,
        },
        small: Size::SMALL,
        length: Duration::from_millis(100),
        warm_up: Duration::ZERO,
        upload: 3_000_000,
        kills: 3,
        life: [Duration::from_millis(50), Duration::from_millis(200)],
        download: true,
    };
}

/// A load and what it found: with the small ledger, and with the large one.
#[derive(Debug)]
struct Pair {
    kind: Kind,
    connections: usize,
    /// Requests a second that were asked for, of open loads.
    rate: Option<f64>,
    small: Sample,
    large: Sample,
}

/// Everything that was found.
#[derive(Debug)]
struct Found {
    plan: Plan,
    closed: Vec<Pair>,
    open: Vec<Pair>,
    floor: Sample,
    /// Waits for the disk a second, one after the other.
    flushes: f64,
    /// Seconds that a start of the server with the large ledger took until it answered, nothing being in memory of it but
    /// what the system keeps of files.
    start: f64,
    /// After the start with the large ledger.
    at_first: Memory,
    /// Of the same process, after the loads.
    after_loads: Memory,
    uploading: Duration,
    /// After the uploads, by another process.
    after_uploads: Memory,
    kills: kills::Found,
}

/// Measures the series.
pub(crate) fn measure(bench: &Bench, slugbuilder: &Path) -> Result<Sheets, BenchError> {
    let plan = if bench.quick { Plan::QUICK } else { Plan::FULL };
    // On one thread: the clients leave the rest of the machine to the server.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let found = runtime.block_on(run(bench, slugbuilder, plan))?;
    Ok(tables::sheets(&found))
}

/// The ledgers and where they are worked on.
struct Place<'a> {
    bench: &'a Bench,
    slugbuilder: &'a Path,
    folder: PathBuf,
}

impl Place<'_> {
    /// A data folder of its own that has what a filled one has.
    fn copied(&self, filled: &Filled, name: &str) -> Result<PathBuf, BenchError> {
        let data = self.folder.join(name);
        filled.copy(&data)?;
        Ok(data)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    async fn serve(&self, ledger: &Ledger, data: &Path) -> Result<(Server, f64), BenchError> {
        let token = ledger.token_of(0)?;
        let program = &self.bench.runner.program;
        let (server, start) =
            Server::serve_until_it_answers(program, self.slugbuilder, data, &self.log(), token)
                .await?;
        Ok((server, start.as_secs_f64()))
    }

    fn target<'t>(&'t self, server: &'t Server, ledger: &'t Ledger) -> Target<'t> {
        Target {
            runner: &self.bench.runner,
            server,
            ledger,
        }
    }
}

async fn run(bench: &Bench, slugbuilder: &Path, plan: Plan) -> Result<Found, BenchError> {
    let lasting = bench.work.lasting("ledgers")?;
    let place = Place {
        bench,
        slugbuilder,
        folder: bench.work.series("platform")?,
    };
    let small = ledger::filled(&lasting, plan.small).await?;
    let large = ledger::filled(&lasting, plan.large).await?;
    let (small_data, large_data) = (
        place.copied(&small, "small")?,
        place.copied(&large, "large")?,
    );
    if !bench.quick {
        nix::unistd::sync();
    }

    let flushes = floor::flushes(&place.folder, plan.length / 2)?;
    progress(&format!(
        "platform: the disk can be waited for {flushes:.0} times a second"
    ));
    let (with_small, _) = place.serve(&small.ledger, &small_data).await?;
    let (with_large, start) = place.serve(&large.ledger, &large_data).await?;
    let at_first = with_large.memory()?;
    let targets = [
        place.target(&with_small, &small.ledger),
        place.target(&with_large, &large.ledger),
    ];
    let floor = floor_of(&place, plan, targets[1]).await?;
    let mut closed = Vec::new();
    for (kind, connections) in CLOSED {
        closed.push(pair(plan, targets, kind, connections, Pace::Closed).await?);
    }
    let mut open = Vec::new();
    for kind in OPEN {
        // What both can do, so that both are asked for the same.
        let possible = closed
            .iter()
            .filter(|pair| pair.kind == kind && pair.connections == CONNECTIONS)
            .map(|pair| pair.small.rate.min(pair.large.rate))
            .fold(f64::INFINITY, f64::min);
        let fixed = Pace::Open((possible * PART).max(1.0));
        open.push(pair(plan, targets, kind, 4 * CONNECTIONS, fixed).await?);
    }
    let after_loads = with_large.memory()?;
    drop((with_small, with_large));

    let (server, _) = place.serve(&large.ledger, &large_data).await?;
    let uploading = uploads::run(
        place.target(&server, &large.ledger),
        plan.upload,
        plan.download,
    )
    .await?;
    let after_uploads = server.memory()?;
    drop(server);
    progress(&format!(
        "platform: {} uploads in {:.1} s, the server's peak {} MB",
        uploads::AT_ONCE,
        uploading.as_secs_f64(),
        after_uploads.peak / 1_000_000
    ));
    if after_uploads.peak >= MOST_MEMORY {
        let reason = format!(
            "{} bytes of memory, {MOST_MEMORY} at most",
            after_uploads.peak
        );
        return Err(requests::wrong("uploads", reason));
    }

    progress(&format!("platform: {} kills", plan.kills));
    let kills = kills::run(
        kills::Place {
            runner: &bench.runner,
            slugbuilder,
            filled: &large,
            data: &large_data,
            log: &place.log(),
        },
        plan.kills,
        plan.life,
    )
    .await?;
    small.tidy()?;
    large.tidy()?;
    Ok(Found {
        plan,
        closed,
        open,
        floor,
        flushes,
        start,
        at_first,
        after_loads,
        uploading,
        after_uploads,
        kills,
    })
}

/// The answer to a release's `GET`, given by a server that does nothing for it.
async fn floor_of(place: &Place<'_>, plan: Plan, target: Target<'_>) -> Result<Sample, BenchError> {
    let mut connection = client::Connection::open(target.server.address).await?;
    let ledger = target.ledger;
    let path = format!("/apps/{}/releases/3", ledger.app(0)?.name);
    let answer = connection
        .send(requests::get(&path, ledger.token_of(0)?, None)?)
        .await?;
    let body = String::from_utf8_lossy(&answer.body);
    let server = floor::start(&place.bench.runner.program, &body, &place.log())?;
    let load = Load {
        kind: Kind::Floor,
        connections: CONNECTIONS,
        pace: Pace::Closed,
        length: plan.length,
    };
    let sample = load
        .run(
            Target {
                server: &server,
                ..target
            },
            0,
        )
        .await?;
    progress(&format!(
        "platform: fixed answer, {:.0} a second",
        sample.rate
    ));
    Ok(sample)
}

/// Puts a load on the small ledger and then the large one.
async fn pair(
    plan: Plan,
    [small, large]: [Target<'_>; 2],
    kind: Kind,
    connections: usize,
    pace: Pace,
) -> Result<Pair, BenchError> {
    let load = Load {
        kind,
        connections,
        pace,
        length: plan.length,
    };
    let measured = async |target: Target<'_>, seed| {
        if !plan.warm_up.is_zero() {
            let warm_up = Load {
                length: plan.warm_up,
                ..load
            };
            warm_up.run(target, seed).await?;
        }
        load.run(target, seed + 1).await
    };
    let seed = connections as u64;
    let pair = Pair {
        kind,
        connections,
        rate: match pace {
            Pace::Closed => None,
            Pace::Open(rate) => Some(rate),
        },
        small: measured(small, seed).await?,
        large: measured(large, seed).await?,
    };
    let told = |sample: &Sample| {
        let milliseconds = |part| sample.quantile(part) * 1e3;
        format!(
            "{:.0}/s, p50 {:.2} ms, p99 {:.2} ms",
            sample.rate,
            milliseconds(0.5),
            milliseconds(0.99)
        )
    };
    progress(&format!(
        "platform: {}, {connections} connections{}: {}; large: {}",
        kind.label(),
        if pair.rate.is_some() {
            ", fixed rate"
        } else {
            ""
        },
        told(&pair.small),
        told(&pair.large)
    ));
    Ok(pair)
}
