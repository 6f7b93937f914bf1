//! Kills the ledger at random instants: what was answered is there afterwards, once.
//!
//! The process that is killed is this program with the argument `--write FOLDER`: it releases as fast as it can, and
//! writes a line for each release that the ledger has answered.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test, which clippy does not see without the usual harness"
)]

use libtest_mimic::{Arguments, Failed, Trial};
use rusqlite::Connection;
use slugbuilder::api::types::{ConfigVarsUpdate, ReleaseCreate, SlugCreate};
use slugbuilder_platform::range::{Attribute, Offered, Page};
use slugbuilder_platform::store::{NewApp, Release, Store, StoreError, User};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// How often the ledger is killed.
const ROUNDS: usize = 40;
/// Apps that are released to at once.
const APPS: [&str; 3] = ["first", "second", "third"];
/// Tasks for each app.
const TASKS: usize = 4;
const EMAIL: &str = "owner@example.com";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, write, folder] = &*arguments
        && write == "--write"
    {
        let error = runtime().block_on(release_for_ever(Path::new(folder)));
        eprintln!("{error:?}");
        return ExitCode::FAILURE;
    }
    let test = Trial::test("what_was_answered_survives_kill_9", || {
        kill_and_look().map_err(Failed::from)
    });
    libtest_mimic::run(&Arguments::from_args(), vec![test]).exit_code()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// The process that is killed; returns only with an error.
async fn release_for_ever(folder: &Path) -> StoreError {
    let (store, user) = match prepare(folder).await {
        Ok(prepared) => prepared,
        Err(error) => return error,
    };
    let mut tasks = tokio::task::JoinSet::new();
    for app in APPS {
        for task in 0..TASKS {
            tasks.spawn(release_to(store.clone(), user.clone(), app, task));
        }
    }
    match tasks.join_next().await {
        Some(Ok(error)) => error,
        other => panic!("{other:?}"),
    }
}

async fn prepare(folder: &Path) -> Result<(Store, User), StoreError> {
    let store = Store::open(folder)?;
    let user = store.put_user(EMAIL, &["a-token-of-the-owner"]).await?;
    for name in APPS {
        let new = NewApp {
            name: Some(name.into()),
            stack: "heroku-24".into(),
            region: "eu".into(),
        };
        match store.create_app(&user, new).await {
            Ok(_) | Err(StoreError::NameTaken) => {}
            Err(error) => return Err(error),
        }
    }
    Ok((store, user))
}

async fn release_to(store: Store, user: User, app: &'static str, task: usize) -> StoreError {
    for number in 0.. {
        let released = match number % 3 {
            0 => config(&store, &user, app, task).await,
            _ => slug(&store, &user, app, task).await,
        };
        if let Err(error) = released {
            return error;
        }
    }
    StoreError::Closed
}

/// A release of a new slug, which is told once it is answered.
async fn slug(store: &Store, user: &User, app: &str, task: usize) -> Result<(), StoreError> {
    let create = SlugCreate {
        process_types: [(format!("type-{task}"), "serve".to_owned())].into(),
        ..SlugCreate::default()
    };
    let slug = store.create_slug(user, app, create).await?.id;
    store.finish_upload(slug, 1, &"ab".repeat(32)).await?;
    let create = ReleaseCreate::Slug {
        slug,
        description: Some(format!("of slug {slug}")),
    };
    let release = store.create_release(user, app, create).await?;
    tell(&format!("release {app} {} {}", release.version, release.id));
    Ok(())
}

/// One more of a counter among the config vars, which only this task changes.
async fn config(store: &Store, user: &User, app: &str, task: usize) -> Result<(), StoreError> {
    let name = format!("COUNTER_{task}");
    let vars = store.config_vars(user, app).await?;
    let before: u64 = vars.get(&name).map_or(0, |value| value.parse().unwrap());
    let next = (before + 1).to_string();
    let update = ConfigVarsUpdate::from([(name.clone(), Some(next.clone()))]);
    let vars = store.update_config_vars(user, app, update).await?;
    assert_eq!(vars[&name], next);
    tell(&format!("counter {app} {name} {next}"));
    Ok(())
}

/// One line, at once: what is in a buffer dies with the process.
fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What the killed processes were answered.
#[derive(Default)]
struct Answered {
    /// By app and version, the identifier.
    releases: BTreeMap<(String, u64), String>,
    /// By app and name, the greatest value.
    counters: BTreeMap<(String, String), u64>,
}

impl Answered {
    fn take(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<_> = line.split(' ').collect();
        let number = |word: &str| {
            word.parse::<u64>()
                .map_err(|error| format!("{line}: {error}"))
        };
        match *words {
            ["release", app, version, id] => {
                let key = (app.to_owned(), number(version)?);
                if self.releases.insert(key, id.to_owned()).is_some() {
                    return Err(format!("answered twice: {line}"));
                }
            }
            ["counter", app, name, value] => {
                let value = number(value)?;
                let last = self.counters.entry((app.to_owned(), name.to_owned()));
                // A value that was written, but not answered, is counted on from.
                if let std::collections::btree_map::Entry::Occupied(last) = &last
                    && *last.get() >= value
                {
                    return Err(format!("a lost update: {line} after {}", last.get()));
                }
                *last.or_default() = value;
            }
            _ => return Err(format!("not a line of the writer: {line}")),
        }
        Ok(())
    }
}

fn kill_and_look() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut answered = Answered::default();
    for round in 0..ROUNDS {
        // Some die while they open the ledger, and most while they write.
        let [a, b, ..] = *uuid::Uuid::new_v4().as_bytes();
        let delay = match round % 6 {
            0 => u64::from(a) / 8,
            _ => 20 + u64::from(u16::from_be_bytes([a, b])) % 180,
        };
        run_and_kill(folder.path(), Duration::from_millis(delay), &mut answered)?;
        look(folder.path(), &answered).map_err(|error| format!("round {round}: {error}"))?;
    }
    let count = answered.releases.len();
    if count < ROUNDS {
        return Err(format!(
            "only {count} releases were answered: the test shows nothing"
        ));
    }
    Ok(())
}

fn run_and_kill(folder: &Path, delay: Duration, answered: &mut Answered) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let program = std::env::current_exe().map_err(text)?;
    let mut writer = Command::new(program)
        .arg("--write")
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(text)?;
    let out = writer.stdout.take().ok_or("the writer has no output")?;
    let reader = std::thread::spawn(move || {
        let mut lines = Vec::new();
        let mut out = BufReader::new(out);
        let mut line = String::new();
        // A line without an end was not told.
        while out.read_line(&mut line).is_ok() && line.ends_with('\n') {
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        lines
    });
    std::thread::sleep(delay);
    let ended = writer.try_wait().map_err(text)?;
    writer.kill().map_err(text)?;
    writer.wait().map_err(text)?;
    let lines = reader.join().map_err(|_| "the reader panicked")?;
    if let Some(status) = ended {
        return Err(format!("the writer ended by itself: {status}"));
    }
    lines.iter().try_for_each(|line| answered.take(line))
}

/// Opens the ledger as a server would, and compares it with what was answered.
fn look(folder: &Path, answered: &Answered) -> Result<(), String> {
    let ledger = runtime()
        .block_on(read(folder))
        .map_err(|error| format!("{error:?}"))?;
    let mut found: HashMap<String, Vec<&Release>> = HashMap::new();
    for release in ledger.iter().flat_map(|(_, releases, _)| releases) {
        found
            .entry(release.id.to_string())
            .or_default()
            .push(release);
    }
    for ((app, version), id) in &answered.releases {
        match found.get(id).map(Vec::as_slice) {
            Some([release]) if release.app.name == *app && release.version == *version => {}
            other => {
                return Err(format!(
                    "{app} v{version} {id} was answered; there is {other:?}"
                ));
            }
        }
    }
    for (app, releases, vars) in &ledger {
        for (number, release) in (1..).zip(releases) {
            if release.version != number {
                return Err(format!(
                    "{app} has v{} as its release {number}",
                    release.version
                ));
            }
            if release.current != (number == releases.len() as u64) {
                return Err(format!(
                    "{app}: {release:?} is not as current as it should be"
                ));
            }
        }
        for ((_, name), value) in answered.counters.iter().filter(|((of, _), _)| of == app) {
            let there = vars.get(name).and_then(|there| there.parse::<u64>().ok());
            if there.is_none_or(|there| there < *value) {
                return Err(format!(
                    "{app} has {name}={there:?}, and {value} was answered"
                ));
            }
        }
    }
    let database =
        Connection::open(folder.join("ledger.sqlite")).map_err(|error| error.to_string())?;
    let verdict: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .map_err(|error| error.to_string())?;
    if verdict != "ok" {
        return Err(verdict);
    }
    Ok(())
}

type App = (String, Vec<Release>, BTreeMap<String, String>);

/// All apps with their releases and config vars.
async fn read(folder: &Path) -> Result<Vec<App>, StoreError> {
    let store = Store::open(folder)?;
    let user = match store.user(EMAIL).await {
        Ok(user) => user,
        // Killed before it made its user.
        Err(StoreError::NotFound { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let apps = store.apps(&user, &Page::first(Offered::APPS)).await?;
    let mut all = Vec::new();
    for app in apps.items {
        let mut releases: Vec<Release> = Vec::new();
        let mut page = Page {
            attribute: Attribute::Version,
            max: 1000,
            ..Page::first(Offered::RELEASES)
        };
        loop {
            let listed = store.releases(&user, &app.name, &page).await?;
            releases.extend(listed.items);
            let Some(last) = releases.last().filter(|_| listed.more) else {
                break;
            };
            page.start = Some(slugbuilder_platform::range::Bound {
                value: last.version.to_string(),
                inclusive: false,
            });
        }
        let vars = store.config_vars(&user, &app.name).await?;
        all.push((app.name, releases, vars));
    }
    Ok(all)
}
