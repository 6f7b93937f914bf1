//! The server killed under load, again and again: what it answered is there, once.

use super::client::{Connection, Payload};
use super::ledger::Filled;
use super::load::Target;
use super::random::Random;
use super::requests::{Release, expect, get, parse, post, wrong};
use super::server::Server;
use super::uploads::{publish, see_slug};
use crate::error::BenchError;
use crate::runner::Runner;
use rusqlite::OpenFlags;
use sha2::{Digest as _, Sha256};
use slugbuilder_platform::store::{DATABASE, Store};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Clients that publish and release at once.
const CLIENTS: usize = 16;

/// Apps that they do it to: so few that several clients meet at one.
const APPS: usize = 8;

/// Slugs of each app that are downloaded after each kill.
const DOWNLOADS: usize = 3;

/// What the loop found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) kills: u32,
    /// Releases that were answered, all of which are there.
    pub(super) answered: u64,
    /// Seconds from each start until a request was answered.
    pub(super) restarts: Vec<f64>,
}

/// Where it happens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) runner: &'a Runner,
    pub(super) slugbuilder: &'a Path,
    /// The ledger, filled and copied to `data`, which is written to.
    pub(super) filled: &'a Filled,
    pub(super) data: &'a Path,
    pub(super) log: &'a Path,
}

/// A release that was answered.
#[derive(Debug)]
struct Answered {
    version: u64,
    id: String,
    slug: String,
    /// Of the slug's bytes, where it was made for this release.
    sha256: Option<String>,
}

/// What is known of an app since the last look.
#[derive(Debug, Default)]
struct Known {
    newest: Cell<u64>,
    answered: RefCell<Vec<Answered>>,
    /// Releases that were asked for.
    asked: Cell<usize>,
}

/// Starts the server, puts a load on it, and kills it, `kills` times. `shortest` and `longest` limit how long each load is.
pub(super) async fn run(
    place: Place<'_>,
    kills: u32,
    [shortest, longest]: [Duration; 2],
) -> Result<Found, BenchError> {
    let ledger = &place.filled.ledger;
    let mut random = Random::new(9);
    let spread = (ledger.apps.len() / APPS).max(1);
    let known: BTreeMap<usize, Known> = (0..APPS.min(ledger.apps.len()))
        .map(|number| (number * spread, Known::default()))
        .collect();
    let mut found = Found::default();
    for round in 0..=kills {
        place.runner.check()?;
        let token = ledger.token_of(0)?;
        let (server, restart) = Server::serve_until_it_answers(
            &place.runner.program,
            place.slugbuilder,
            place.data,
            place.log,
            token,
        )
        .await?;
        let target = Target {
            runner: place.runner,
            server: &server,
            ledger,
        };
        for (app, known) in &known {
            let first = round == 0;
            found.answered += look(target, *app, known, first, &mut random).await?;
        }
        if round > 0 {
            found.restarts.push(restart.as_secs_f64());
        }
        if round < kills {
            let span =
                usize::try_from(longest.saturating_sub(shortest).as_millis()).unwrap_or_default();
            let extra = u64::try_from(random.below(span.max(1))).unwrap_or_default();
            disturb(
                target,
                &known,
                random.next(),
                shortest + Duration::from_millis(extra),
            )
            .await?;
            found.kills += 1;
        }
    }
    if found.answered == 0 {
        return Err(wrong(
            "kills",
            "nothing was answered, so that this shows nothing",
        ));
    }
    whole(place.data).await?;
    Ok(found)
}

/// Publishes and releases for `length`, and kills the server in the midst of it.
async fn disturb(
    target: Target<'_>,
    known: &BTreeMap<usize, Known>,
    seed: u64,
    length: Duration,
) -> Result<(), BenchError> {
    let apps: Vec<usize> = known.keys().copied().collect();
    let clients = (0..CLIENTS as u64).map(|number| {
        let (apps, mut random) = (&apps, Random::new(seed ^ number));
        async move {
            let mut connection = Connection::open(target.server.address).await?;
            loop {
                let app = random.choose(apps).copied().unwrap_or_default();
                let Some(known) = known.get(&app) else {
                    return Ok::<_, BenchError>(());
                };
                match release(&mut connection, target, app, known, &mut random).await {
                    Ok(()) => {}
                    Err(error) if target.server.is_killed() => {
                        // Whatever it was, nobody knows whether it was done.
                        drop(error);
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    });
    let killer = async {
        tokio::time::sleep(length).await;
        target.server.kill()
    };
    let clients = futures_util::future::try_join_all(clients);
    tokio::try_join!(killer, clients)?;
    Ok(())
}

/// One release: of a slug that was there, or of a new one.
async fn release(
    connection: &mut Connection,
    target: Target<'_>,
    app: usize,
    known: &Known,
    random: &mut Random,
) -> Result<(), BenchError> {
    let found = target.ledger.app(app)?;
    let (slug, sha256) = if random.below(2) == 0 {
        let size = 1000 + random.below(64_000);
        let bytes = random.bytes(size);
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let slug = publish(connection, target, app, Payload::from(bytes), &sha256).await?;
        (slug, Some(sha256))
    } else {
        let slug = random.choose(&found.slugs).copied().unwrap_or_default();
        (slug.to_string(), None)
    };
    let body = serde_json::json!({ "slug": slug });
    let path = format!("/apps/{}/releases", found.name);
    let request = post(&path, target.ledger.token_of(app)?, &body)?;
    known.asked.set(known.asked.get() + 1);
    let answer = connection.send(request).await?;
    expect("kills", &answer, &[201])?;
    let release: Release = parse("kills", &answer)?;
    known.answered.borrow_mut().push(Answered {
        version: release.version,
        id: release.id,
        slug,
        sha256,
    });
    Ok(())
}

/// Sees that an app has what was answered since the last look, each once, and no more than was asked for; how much that is.
async fn look(
    target: Target<'_>,
    app: usize,
    known: &Known,
    first: bool,
    random: &mut Random,
) -> Result<u64, BenchError> {
    let mut connection = Connection::open(target.server.address).await?;
    let name = &target.ledger.app(app)?.name;
    let wrong = |reason: String| wrong("kills", format!("{name}: {reason}"));
    let path = format!("/apps/{name}/releases");
    let token = target.ledger.token_of(app)?;
    if first {
        let range = "version ..; max=1, order=desc";
        let answer = connection.send(get(&path, token, Some(range))?).await?;
        let newest: Vec<Release> = parse("kills", &answer)?;
        known
            .newest
            .set(newest.first().map_or(0, |one| one.version));
        return Ok(0);
    }
    let mut there = Vec::new();
    let mut range = Some(format!("version ]{}..; max=1000", known.newest.get()));
    while let Some(wanted) = range {
        let answer = connection.send(get(&path, token, Some(&wanted))?).await?;
        expect("kills", &answer, &[200, 206])?;
        let next = answer.headers.get("next-range");
        range = next.and_then(|next| next.to_str().ok()).map(str::to_owned);
        there.extend(parse::<Vec<Release>>("kills", &answer)?);
    }
    for (release, expected) in there.iter().zip(known.newest.get() + 1..) {
        if release.version != expected {
            return Err(wrong(format!(
                "v{} is where v{expected} should be",
                release.version
            )));
        }
    }
    let ids: BTreeSet<&str> = there.iter().map(|one| one.id.as_str()).collect();
    if ids.len() < there.len() {
        return Err(wrong("two releases have one identifier".into()));
    }
    let answered = known.answered.take();
    let asked = known.asked.take();
    if there.len() > asked {
        return Err(wrong(format!(
            "{asked} releases were asked for, {} are there",
            there.len()
        )));
    }
    let by_version: BTreeMap<u64, &Release> = there.iter().map(|one| (one.version, one)).collect();
    for one in &answered {
        let slug = |release: &&Release| release.slug.as_ref().map(|slug| slug.id.clone());
        let found = by_version.get(&one.version);
        if found.map(|release| &release.id) != Some(&one.id)
            || found.and_then(slug).as_ref() != Some(&one.slug)
        {
            return Err(wrong(format!(
                "v{} was answered; there is {found:?}",
                one.version
            )));
        }
    }
    let uploaded: Vec<&Answered> = answered.iter().filter(|one| one.sha256.is_some()).collect();
    for _ in 0..DOWNLOADS {
        if let Some(one) = random.choose(&uploaded)
            && let Some(sha256) = &one.sha256
        {
            see_slug(&mut connection, target, app, &one.slug, sha256).await?;
        }
    }
    known.newest.set(known.newest.get() + there.len() as u64);
    Ok(answered.len() as u64)
}

/// Sees that the whole ledger is sound, that no app has a gap among its releases, and that it has the slugs that the folder of blobs has.
async fn whole(data: &Path) -> Result<(), BenchError> {
    let wrong = |reason: String| wrong("kills", reason);
    let store = Store::open(data)?;
    let recorded: BTreeSet<String> = store
        .uploaded_slugs()
        .await?
        .iter()
        .map(ToString::to_string)
        .collect();
    drop(store);
    // A blob that was put in place when the server was killed, and never recorded, goes at its next start: there has been one.
    let files = blobs(&data.join("blobs"))?;
    if let Some(other) = files.symmetric_difference(&recorded).next() {
        return Err(wrong(format!(
            "the slug {other} is in the ledger or among the blobs, not in both"
        )));
    }
    let database = rusqlite::Connection::open_with_flags(
        data.join(DATABASE),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    let verdict: String = database.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(wrong(format!("the database is damaged: {verdict}")));
    }
    let gaps: i64 = database.query_row(
        "SELECT count(*) FROM (
            SELECT app FROM release GROUP BY app HAVING min(version) <> 1 OR max(version) <> count(*))",
        [],
        |row| row.get(0),
    )?;
    if gaps != 0 {
        return Err(wrong(format!("{gaps} apps have gaps among their releases")));
    }
    Ok(())
}

/// The names of all blobs.
fn blobs(folder: &Path) -> Result<BTreeSet<String>, BenchError> {
    let mut names = BTreeSet::new();
    let mut shards: Vec<PathBuf> = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        shards.push(entry?.path());
    }
    for shard in shards {
        for entry in fs_err::read_dir(shard)? {
            names.insert(entry?.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}
