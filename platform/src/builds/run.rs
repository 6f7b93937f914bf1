//! One build, from its source to its release.

use super::folders::remove;
use super::process::Process;
use super::queue::Ticket;
use super::source::{self, Place};
use super::{Builds, Live, Parameters};
use crate::blobs::BlobError;
use crate::buildpack_name::OWN_BUILDPACKS;
use crate::private;
use crate::settings::Builder;
use crate::store::{BuiltSlug, PendingBuild, Release, StoreError};
use bytes::Bytes;
use fs_err as fs;
use slugbuilder::api::types::SlugCreate;
use slugbuilder::slug::{Checksum, Manifest};
use slugbuilder_fetch::redacted;
use slugbuilder_report::{Diagnosis, Event, Warning};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// How often a build is begun at most: twice, since it may be what kills the server.
const ATTEMPTS: u64 = 2;
/// How long a program has to end that is asked to, before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much longer than its own time limit a program may run.
const GRACE: Duration = Duration::from_mins(1);
/// What is said of a fault of the server; its operator reads more.
pub(super) const SERVER_FAILED: &str =
    "The server failed, which is no fault of the source. Please tell its operator, or try again";
/// What `compile` calls the buildpack that it carries.
const CARRIED: &str = "slugbuilder/slugbuilder";
/// The file of an app's folder that says that the next build is to keep nothing of the last ones.
pub(super) const CLEAR_CACHE: &str = "clear-cache";
/// Bytes of a slug that are read at once.
const BLOCK: usize = 256 << 10;

/// Why there is no release.
#[derive(Debug)]
pub(super) enum Failure {
    /// The source is at fault, or what builds says that it is; in words for whoever asked.
    Source(String),
    /// The server is, in words for whoever runs it.
    Ours(String),
    /// The ledger says that the build has ended, or its app is gone.
    Over,
}

impl Failure {
    pub(super) fn source(text: String) -> Self {
        Self::Source(text)
    }

    pub(super) fn ours(text: String) -> Self {
        Self::Ours(text)
    }

    #[expect(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
    pub(super) fn disk(error: io::Error) -> Self {
        Self::Ours(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { .. } => Self::Over,
            StoreError::Invalid(text)
            | StoreError::Conflict(text)
            | StoreError::Forbidden(text) => Self::Source(text),
            error => Self::Ours(Diagnosis::of(&error).one_line()),
        }
    }
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        Self::Ours(Diagnosis::of(&error).one_line())
    }
}

/// Carries a build out, and writes down how it went.
pub(super) async fn run(builds: Builds, ticket: Ticket, live: Live) {
    let done = carry_out(&builds, ticket, &live).await;
    // Whoever cancelled it has written that down, whatever then failed.
    let done = if done.is_err() && live.cancel.is_cancelled() {
        if builds.state().stopping {
            // Nothing can be done where that fails: the build has one attempt less.
            drop(
                builds
                    .inner
                    .parameters
                    .store
                    .suspend_build(ticket.build)
                    .await,
            );
        }
        Err(Failure::Over)
    } else {
        done
    };
    match done {
        Ok(release) => succeeded(&builds, &live, &release),
        Err(Failure::Over) => {}
        Err(Failure::Source(text)) => failed(&builds, &live, ticket.build, &text).await,
        Err(Failure::Ours(cause)) => {
            let message = format!("the build {} failed: {cause}", ticket.build);
            let warning = Warning::new("build-not-done", message);
            builds
                .inner
                .parameters
                .reporter
                .report(Event::Warning(&warning));
            failed(&builds, &live, ticket.build, SERVER_FAILED).await;
        }
    }
    tidy(&builds, ticket.app).await;
}

/// Removes what the app of a build that has ended no longer needs. One that begins anew needs its source.
async fn tidy(builds: &Builds, app: Uuid) {
    if builds.state().stopping {
        return;
    }
    let builds = builds.clone();
    // What stays is removed at the next start.
    drop(spawn_blocking(move || builds.inner.folders.tidy_app(app)).await);
}

/// Writes down that a build failed, and why.
pub(super) async fn failed(builds: &Builds, live: &Live, build: Uuid, why: &str) {
    live.output.line("");
    for line in why.lines() {
        live.output.line(&format!(" !     {line}"));
    }
    let Parameters {
        store, reporter, ..
    } = &builds.inner.parameters;
    match store.fail_build(build).await {
        // It ended, or went with its app, meanwhile.
        Ok(_) | Err(StoreError::NotFound { .. } | StoreError::Conflict(_)) => {}
        Err(error) => {
            let message = format!(
                "that the build {build} failed could not be written down; it begins anew with the next start: {}",
                Diagnosis::of(&error).one_line()
            );
            reporter.report(Event::Warning(&Warning::new("build-not-recorded", message)));
        }
    }
}

fn succeeded(_builds: &Builds, live: &Live, release: &Release) {
    live.output
        .line(&format!("-----> Released v{}", release.version));
    if release.has_release_phase {
        live.output.line(
            "       The process type `release` was not run: this server does not run dynos yet.",
        );
    }
}

async fn carry_out(builds: &Builds, ticket: Ticket, live: &Live) -> Result<Release, Failure> {
    let Parameters { builder, store, .. } = &builds.inner.parameters;
    let builder = builder
        .as_ref()
        .ok_or_else(|| Failure::source("This server builds nothing any more".into()))?;
    let pending = match store.attempt_build(ticket.build).await {
        Err(StoreError::Conflict(_)) => return Err(Failure::Over),
        pending => pending?,
    };
    let build = &pending.build;
    live.output.line(&format!(
        "-----> Building {} for {}",
        build.app.name, build.stack
    ));
    if pending.attempts > ATTEMPTS {
        return Err(Failure::source(
            "The server ended twice while it was built, perhaps through another build that ran beside it. It is not begun again by itself; please ask for a new build, or ask the server's operator".into(),
        ));
    }
    if pending.attempts > 1 {
        live.output
            .line("       The server ended meanwhile: the build begins anew");
    }
    let place = Place {
        app: builds.inner.folders.of_app(build.app.id),
    };
    private::folder(&place.app).map_err(Failure::disk)?;
    source::bring(builds, builder, live, &pending, &place).await?;
    if live.cancel.is_cancelled() {
        return Err(Failure::Over);
    }
    compile(builds, builder, live, &pending, &place).await?;
    publish(builds, &pending, &place).await
}

/// Runs the program that builds.
async fn compile(
    builds: &Builds,
    builder: &Builder,
    live: &Live,
    pending: &PendingBuild,
    place: &Place,
) -> Result<(), Failure> {
    let folder = builds.inner.folders.of_build(pending.build.id);
    let variables = folder.join("config-vars.json");
    let text = serde_json::to_vec(&pending.config_vars)
        .map_err(|error| Failure::ours(error.to_string()))?;
    private::write(&variables, &text, 0o600).map_err(Failure::disk)?;
    for left in ["slug.tgz", "slug.json"] {
        remove(&place.app.join(left)).map_err(Failure::disk)?;
    }
    let buildpacks = buildpacks(builder, live, pending, place, &folder).await?;
    let mut command = command(builds, builder, pending, place, &variables);
    for buildpack in buildpacks {
        command.arg("--buildpack").arg(buildpack);
    }
    let output = Arc::clone(&live.output);
    let share = builds
        .inner
        .shares
        .of(pending.build.id)
        .map_err(Failure::disk)?;
    // It waits for the start of a thread and of the program.
    let start = move || Process::start(command, share, move |bytes| output.printed(bytes));
    let started = spawn_blocking(start).await;
    let started = started.map_err(|error| Failure::ours(error.to_string()))?;
    let (process, ended) = started.map_err(|error| {
        Failure::ours(format!(
            "`{}` could not be started: {error}",
            builder.program.display()
        ))
    })?;
    let status = wait(live, builder, process, ended).await;
    drop(remove(&variables));
    verdict(status?)
}

/// The buildpacks that are named, as the program takes them: archives of others are fetched first. None where ours is the only
/// one, which finds out for itself what there is to do.
async fn buildpacks(
    builder: &Builder,
    live: &Live,
    pending: &PendingBuild,
    place: &Place,
    folder: &Path,
) -> Result<Vec<OsString>, Failure> {
    let all = pending.build.buildpacks.iter().flatten();
    let mut references: Vec<OsString> = Vec::new();
    let mut fetched = false;
    for (number, name) in all.enumerate() {
        if OWN_BUILDPACKS.contains(&name.as_str()) {
            if !references.iter().any(|one| one == CARRIED) {
                references.push(CARRIED.into());
            }
            continue;
        }
        let fetched_to = folder.join(format!("buildpack-{number}.tgz"));
        live.output
            .line(&format!("-----> Fetching the buildpack {}", redacted(name)));
        source::fetch_buildpack(builder, live, name, &fetched_to).await?;
        // The same path for every build of the app: what the last one kept is found by it.
        let to = place.buildpack(name);
        fs::rename(fetched_to, &to).map_err(Failure::disk)?;
        references.push(to.into());
        fetched = true;
    }
    Ok(if fetched { references } else { Vec::new() })
}

/// Waits until the program and all that it started have ended, which they have to when nobody wants the build any longer.
async fn wait(
    live: &Live,
    builder: &Builder,
    process: Process,
    mut ended: oneshot::Receiver<io::Result<ExitStatus>>,
) -> Result<ExitStatus, Failure> {
    let early = tokio::select! {
        status = &mut ended => return status_of(status),
        () = live.cancel.cancelled() => Failure::Over,
        () = sleep(builder.timeout + GRACE) => Failure::source(format!(
            "The build took longer than {} seconds",
            builder.timeout.as_secs()
        )),
    };
    process.terminate();
    if timeout(PATIENCE, &mut ended).await.is_err() {
        process.kill();
        // Its app is built nowhere else before it is gone.
        drop(ended.await);
    }
    Err(early)
}

fn status_of(
    status: Result<io::Result<ExitStatus>, oneshot::error::RecvError>,
) -> Result<ExitStatus, Failure> {
    status
        .map_err(|error| Failure::ours(error.to_string()))?
        .map_err(Failure::disk)
}

fn command(
    builds: &Builds,
    builder: &Builder,
    pending: &PendingBuild,
    place: &Place,
    variables: &Path,
) -> Command {
    let Parameters { max_slug_size, .. } = &builds.inner.parameters;
    let mut command = Command::new(&builder.program);
    command
        .args(&builder.arguments)
        .arg("compile")
        .arg("source")
        .args(["--output", "slug.tgz", "--color", "never"])
        .args(["--stack", &pending.build.stack])
        .arg("--cache-dir")
        .arg(builds.inner.folders.cache())
        .arg("--env-file")
        .arg(variables)
        .arg("--timeout")
        .arg(builder.timeout.as_secs().max(1).to_string())
        .arg("--max-size")
        .arg((max_slug_size >> 20).max(1).to_string())
        .current_dir(&place.app)
        .env_clear()
        .envs(
            builder
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
    if !builder.without_sandbox {
        command.arg("--untrusted");
    }
    let clear_cache = place.app.join(CLEAR_CACHE);
    if clear_cache.exists() {
        command.arg("--clear-cache");
        // Whoever asks for it from now on means the next build.
        drop(remove(&clear_cache));
    }
    if let Some(seconds) = pending.source_date_epoch {
        command.env("SOURCE_DATE_EPOCH", seconds.to_string());
    }
    command
}

/// What the end of the program means.
fn verdict(status: ExitStatus) -> Result<(), Failure> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        // What it has printed says why.
        (Some(1 | 75), _) => Err(Failure::source("The build failed".into())),
        (Some(code), _) => Err(Failure::ours(format!(
            "the builder ended with the exit code {code}"
        ))),
        (None, Some(signal)) => Err(Failure::source(format!(
            "The build was ended by signal {signal}"
        ))),
        (None, None) => Err(Failure::ours("nobody knows how the builder ended".into())),
    }
}

/// Makes a slug and a release of what was built.
async fn publish(
    builds: &Builds,
    pending: &PendingBuild,
    place: &Place,
) -> Result<Release, Failure> {
    let Parameters { store, blobs, .. } = &builds.inner.parameters;
    let manifest = Manifest::read(&place.app.join("slug.json"))
        .map_err(|error| Failure::ours(Diagnosis::of(&error).one_line()))?;
    let id = Uuid::new_v4();
    let mut upload = blobs.begin(id).await?;
    let mut file = fs::tokio::File::open(place.app.join("slug.tgz"))
        .await
        .map_err(Failure::disk)?;
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        let limit = BLOCK as u64;
        if (&mut file)
            .take(limit)
            .read_to_end(&mut block)
            .await
            .map_err(Failure::disk)?
            == 0
        {
            break;
        }
        upload = upload.write(Bytes::from(block)).await?;
    }
    let (received, staged) = upload.finish().await?;
    let mut sha256 = [0; 32];
    hex::decode_to_slice(&received.sha256, &mut sha256)
        .map_err(|error| Failure::ours(error.to_string()))?;
    let slug = manifest.slug;
    if slug.checksum != Checksum(sha256) {
        return Err(Failure::ours(
            "slug.json has the checksum of another slug.tgz".into(),
        ));
    }
    let build = &pending.build;
    let slug = BuiltSlug {
        id,
        create: SlugCreate {
            buildpack_provided_description: slug.buildpack_provided_description,
            checksum: Some(slug.checksum.to_string()),
            commit: slug.commit.or_else(|| build.version.clone()),
            commit_description: slug
                .commit_description
                .or_else(|| build.version_description.clone()),
            process_types: slug
                .process_types
                .into_iter()
                .map(|(process_type, command)| (process_type.as_str().to_owned(), command))
                .collect(),
            stack: Some(slug.stack),
        },
        size: received.size,
        sha256,
    };
    let _one_at_a_time = blobs.lock(id).await;
    staged.put_in_place().await?;
    match store.finish_build(build.id, slug).await {
        Ok((_, release)) => Ok(release),
        Err(error) => {
            // Nobody else knows of it. What cannot be removed is found at the next start.
            drop(blobs.remove(id).await);
            Err(error.into())
        }
    }
}
