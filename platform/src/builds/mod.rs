//! Builds: source code becomes a slug and a release.
//!
//! A build is a process, `PROGRAM compile SOURCE …` ([`crate::settings::Builder`]), which does in its own sandbox what
//! it does on a developer's machine. This module brings it the source, decides when it begins (`queue`), keeps what it
//! prints for everybody who follows (`output`), and makes a release of what it wrote.
//!
//! The ledger says which builds there are: one that is pending there when the server starts was waiting or running when
//! the last one ended, and begins anew (`resume`).

mod error;
mod folders;
mod new;
mod output;
mod process;
mod queue;
mod resume;
mod run;
mod share;
mod source;

pub use crate::store::{Build, BuildStatus};
pub use error::BuildsError;
pub use new::{BuildSource, NewBuild};

use crate::blobs::BlobStore;
use crate::private;
use crate::settings::{Builder, MAX_SOURCE_SIZE};
use crate::signed_url::Signer;
use crate::store::{NewBuildRow, Store, StoreError, User};
use bytes::Bytes;
use folders::Folders;
use fs_err as fs;
use futures_util::Stream;
use output::{Output, Progress, follow};
use queue::{Queue, Ticket};
use run::CLEAR_CACHE;
use share::Shares;
use slugbuilder::cache;
use slugbuilder_report::{Diagnosis, Reporter};
use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The folder of the archives that users uploaded, in a data folder.
const SOURCES: &str = "sources";
/// How many builds of an app keep what they printed.
const OUTPUTS: u64 = 100;

/// The builds of a server. Clones are the same.
///
/// Its methods must run within tokio.
#[derive(Debug, Clone)]
pub struct Builds {
    inner: Arc<Inner>,
}

/// What builds are made with.
pub struct Parameters {
    /// What builds; nothing where builds are refused.
    pub builder: Option<Builder>,
    /// The most that a slug may have, in bytes.
    pub max_slug_size: u64,
    /// The ledger.
    pub store: Store,
    /// The bytes of slugs.
    pub blobs: BlobStore,
    /// Signs the addresses of sources.
    pub signer: Signer,
    /// Where clients find this server, without a slash at the end.
    pub external_url: Arc<str>,
    /// Told of faults of the server.
    pub reporter: Arc<dyn Reporter>,
}

struct Inner {
    parameters: Parameters,
    folders: Folders,
    /// The archives that users uploaded.
    sources: BlobStore,
    shares: Shares,
    state: Mutex<State>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Builds")
            .field("builder", &self.parameters.builder)
            .finish_non_exhaustive()
    }
}

/// The builds that have not ended.
#[derive(Debug)]
struct State {
    queue: Queue,
    /// Nothing begins any more.
    stopping: bool,
    live: HashMap<Uuid, Live>,
}

/// A build that has not ended.
#[derive(Debug, Clone)]
struct Live {
    output: Arc<Output>,
    /// Cancelled as soon as it no longer waits.
    started: CancellationToken,
    /// Cancelled when somebody no longer wants it.
    cancel: CancellationToken,
}

/// How many builds run at once where nobody says: as many as there are cores, and two at least, so that a long one keeps
/// nobody waiting; but only where they share the cores fairly.
fn at_once(shares: &Shares) -> usize {
    if shares.are_fair() {
        available_parallelism().map_or(2, |cores| cores.get().max(2))
    } else {
        1
    }
}

impl State {
    fn close(&mut self, build: Uuid) {
        self.queue.ended(build);
        if let Some(live) = self.live.remove(&build) {
            live.output.end();
        }
    }
}

impl Live {
    fn new(output: Output) -> Self {
        Self {
            output: Arc::new(output),
            started: CancellationToken::new(),
            cancel: CancellationToken::new(),
        }
    }
}

impl Builds {
    /// The builds of the data folder `data`. To be called while that is locked, and once.
    ///
    /// # Errors
    /// [`BuildsError::Folder`].
    pub fn open(data: &Path, parameters: Parameters) -> Result<Self, BuildsError> {
        let shares = Shares::find();
        let at_once = match &parameters.builder {
            Some(builder) => builder
                .at_once
                .map_or_else(|| at_once(&shares), NonZeroUsize::get),
            None => 1,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                folders: Folders::open(data).map_err(BuildsError::Folder)?,
                sources: BlobStore::folder(&data.join(SOURCES))?,
                state: Mutex::new(State {
                    queue: Queue::new(at_once),
                    stopping: false,
                    live: HashMap::new(),
                }),
                shares,
                parameters,
            }),
        })
    }

    /// An empty folder for a [`BuildSource::Folder`], which goes with its handle if no build takes it.
    ///
    /// # Errors
    /// What the system says.
    pub fn new_folder(&self) -> io::Result<TempDir> {
        self.inner.folders.new_incoming()
    }

    /// Asks for a build of an app. It is in the ledger when this returns, and begins when it is its turn.
    ///
    /// # Errors
    /// [`BuildsError::Invalid`] for what no build can be made of; those of [`Store::create_build`].
    pub async fn begin(
        &self,
        actor: &User,
        app: &str,
        new: NewBuild,
    ) -> Result<Build, BuildsError> {
        let Parameters {
            builder,
            store,
            signer,
            external_url,
            ..
        } = &self.inner.parameters;
        if builder.is_none() {
            return Err(BuildsError::NoBuilder);
        }
        if self.state().stopping {
            return Err(BuildsError::Stopping);
        }
        // What may not be seen comes before anything that is wrong with the rest.
        let app = store.app(actor, app).await?.id;
        let id = Uuid::new_v4();
        let (mut row, folder) = new.check(id, signer, external_url)?;
        if row.buildpacks.is_none() {
            let installed = store.buildpacks(app).await?;
            row.buildpacks = Some(installed).filter(|installed| !installed.is_empty());
        }
        let this = self.clone();
        // The disk may take its time.
        let prepared = spawn_blocking(move || this.prepare(id, folder.as_deref())).await;
        let output = prepared.map_err(|_| BuildsError::Stopping)?;
        let output = output.map_err(BuildsError::Folder)?;
        self.state().live.insert(id, Live::new(output));
        let this = self.clone();
        let actor = actor.clone();
        // A task of its own: a client that goes away now must not stop it half-way.
        let created = tokio::spawn(async move { this.create(&actor, app, row).await });
        created.await.map_err(|_| BuildsError::Stopping)?
    }

    async fn create(
        &self,
        actor: &User,
        app: Uuid,
        row: NewBuildRow,
    ) -> Result<Build, BuildsError> {
        let id = row.id;
        let store = &self.inner.parameters.store;
        match store.create_build(actor, &app.to_string(), row).await {
            Ok(build) => {
                self.enqueue(&build);
                Ok(build)
            }
            Err(error) => {
                self.state().live.remove(&id);
                // What stays is removed at the next start.
                drop(folders::remove(&self.inner.folders.of_build(id)));
                Err(error.into())
            }
        }
    }

    /// Makes the folder of a new build, with its source if the caller has that.
    fn prepare(&self, id: Uuid, source: Option<&Path>) -> io::Result<Output> {
        let folder = self.inner.folders.make_build(id)?;
        if let Some(source) = source {
            fs::rename(source, folder.join("source"))?;
            // The ledger must not outlive a power cut without it.
            private::sync_all(&folder)?;
        }
        Output::open(&self.inner.folders.output(id))
    }

    /// Puts a build that is in the ledger into the queue.
    fn enqueue(&self, build: &Build) {
        self.state().queue.push(Ticket {
            build: build.id,
            app: build.app.id,
            user: build.user.id,
        });
        self.dispatch();
    }

    /// Begins whatever can begin.
    fn dispatch(&self) {
        loop {
            let (ticket, live) = {
                let mut state = self.state();
                if state.stopping {
                    return;
                }
                let Some(ticket) = state.queue.next() else {
                    return;
                };
                let Some(live) = state.live.get(&ticket.build).cloned() else {
                    state.queue.ended(ticket.build);
                    continue;
                };
                live.started.cancel();
                (ticket, live)
            };
            let this = self.clone();
            tokio::spawn(async move {
                let running = tokio::spawn(run::run(this.clone(), ticket, live.clone()));
                if running.await.is_err() {
                    run::failed(&this, &live, ticket.build, run::SERVER_FAILED).await;
                }
                this.close(ticket.build, &live);
                this.dispatch();
                this.forget_old(ticket.app).await;
            });
        }
    }

    /// A build has ended, and the ledger says how.
    fn close(&self, build: Uuid, live: &Live) {
        self.state().close(build);
        live.output.end();
        let this = self.clone();
        // What stays is removed when the app goes.
        drop(spawn_blocking(move || this.inner.folders.tidy_build(build)));
    }

    /// What a build has printed from the byte `from` on, as it comes, until it has ended. Nothing of a build that is not there.
    pub fn output(
        &self,
        build: Uuid,
        from: u64,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        follow(self.inner.folders.output(build), from, self.progress(build))
    }

    /// How many bytes a build has printed, once it has ended.
    pub(crate) fn output_length(&self, build: Uuid) -> Option<u64> {
        let progress = self.progress(build);
        let Progress { length, ended } = *progress.borrow();
        ended.then_some(length)
    }

    /// The archives that users uploaded.
    pub(crate) fn sources(&self) -> &BlobStore {
        &self.inner.sources
    }

    /// The most that such an archive may have, in bytes.
    pub(crate) fn max_source_size(&self) -> u64 {
        let builder = self.inner.parameters.builder.as_ref();
        builder.map_or(MAX_SOURCE_SIZE, |builder| builder.max_source_size)
    }

    /// How far the output of a build has come.
    fn progress(&self, build: Uuid) -> watch::Receiver<Progress> {
        // Looked at first: it may end in between.
        let live = self
            .state()
            .live
            .get(&build)
            .map(|live| live.output.watch());
        live.unwrap_or_else(|| {
            let length =
                fs::metadata(self.inner.folders.output(build)).map_or(0, |metadata| metadata.len());
            let ended = true;
            watch::channel(Progress { length, ended }).1
        })
    }

    /// Waits until a build has ended, and tells how.
    ///
    /// # Errors
    /// [`crate::store::StoreError::NotFound`] where there is no such build, or no longer: it goes with its app.
    pub async fn ended(&self, build: Uuid) -> Result<Build, BuildsError> {
        let mut progress = self.progress(build);
        // Whoever tells is gone only when it has ended, too.
        let _ = progress.wait_for(|progress| progress.ended).await;
        Ok(self.inner.parameters.store.build_of_server(build).await?)
    }

    /// Ends a build that waits or runs, with all of its processes; it has failed then.
    ///
    /// # Errors
    /// [`crate::store::StoreError::Conflict`] if it has ended already.
    pub async fn cancel(&self, actor: &User, app: &str, build: Uuid) -> Result<Build, BuildsError> {
        let found = self.inner.parameters.store.build(actor, app, build).await?;
        let (this, email) = (self.clone(), actor.email.clone());
        // A task of its own: what the ledger says has failed must end, also when the client goes away now.
        let ended = tokio::spawn(async move { this.end_build(&email, found.id).await });
        ended.await.map_err(|_| BuildsError::Stopping)?
    }

    async fn end_build(&self, email: &str, build: Uuid) -> Result<Build, BuildsError> {
        let failed = self.inner.parameters.store.fail_build(build).await?;
        let (waited, live) = {
            let mut state = self.state();
            (state.queue.remove(build), state.live.get(&build).cloned())
        };
        if let Some(live) = live {
            live.output.line(&format!(" !     Cancelled by {email}"));
            live.cancel.cancel();
            if waited {
                self.close(build, &live);
            } else {
                // Told when nothing of it runs any longer.
                let mut progress = live.output.watch();
                drop(progress.wait_for(|progress| progress.ended).await);
            }
        }
        Ok(failed)
    }

    /// Ends what waits or runs although the ledger says that it has failed: builds of users who are no more.
    pub(crate) async fn end_failed(&self) -> Result<(), StoreError> {
        let all: Vec<Uuid> = self.state().live.keys().copied().collect();
        for build in all {
            match self.inner.parameters.store.build_of_server(build).await {
                Ok(found) if found.status == BuildStatus::Failed => {}
                // Those that are about to be in the ledger are not found.
                Ok(_) | Err(StoreError::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            }
            let (waited, live) = {
                let mut state = self.state();
                (state.queue.remove(build), state.live.get(&build).cloned())
            };
            if let Some(live) = live {
                live.cancel.cancel();
                if waited {
                    self.close(build, &live);
                }
            }
        }
        Ok(())
    }

    /// Forgets what builds of an app have kept for the next one. One that runs keeps what it has for itself.
    ///
    /// # Errors
    /// [`BuildsError::Folder`].
    pub async fn forget_cache(&self, app: Uuid) -> Result<(), BuildsError> {
        let this = self.clone();
        let forgotten = spawn_blocking(move || {
            let folders = &this.inner.folders;
            let gone = cache::forget(&folders.cache(), &folders.of_app(app).join("source"));
            match gone {
                Ok(true) => Ok(()),
                Ok(false) => fs::write(folders.of_app(app).join(CLEAR_CACHE), ""),
                Err(error) => Err(io::Error::other(Diagnosis::of(&error).one_line())),
            }
        });
        let forgotten = forgotten.await.map_err(|_| BuildsError::Stopping)?;
        forgotten.map_err(BuildsError::Folder)
    }

    /// Ends the builds of an app that is deleted, and removes what they have: `builds` are those that have ended, too.
    pub(crate) fn forget_app(&self, app: Uuid, builds: Vec<Uuid>) {
        let live: Vec<Live> = {
            let mut state = self.state();
            let of_app = state.queue.of_app(app);
            let live = of_app.iter().filter_map(|build| state.live.get(build));
            let live = live.cloned().collect();
            for build in of_app {
                if state.queue.remove(build) {
                    state.close(build);
                }
            }
            live
        };
        let this = self.clone();
        tokio::spawn(async move {
            for one in live {
                one.cancel.cancel();
                let _ = one.output.watch().wait_for(|progress| progress.ended).await;
            }
            // Whatever stays is removed at the next start.
            drop(this.forget_cache(app).await);
            let remove = move || {
                for build in builds {
                    drop(folders::remove(&this.inner.folders.of_build(build)));
                }
                drop(folders::remove(&this.inner.folders.of_app(app)));
            };
            drop(spawn_blocking(remove).await);
        });
    }

    /// Removes what old builds of an app have printed.
    async fn forget_old(&self, app: Uuid) {
        let old = self.inner.parameters.store.old_builds(app, OUTPUTS).await;
        for build in old.unwrap_or_default() {
            drop(folders::remove(&self.inner.folders.of_build(build)));
        }
    }

    /// Ends everything that runs, so that it begins anew with the next start. Streams of output end.
    pub async fn stop(&self) {
        let live: Vec<Live> = {
            let mut state = self.state();
            state.stopping = true;
            state.live.values().cloned().collect()
        };
        for one in &live {
            one.output
                .line(" !     The server stops: the build begins anew when it starts again");
            one.cancel.cancel();
        }
        for one in &live {
            // Those that only waited have nothing that could end them.
            let mut progress = one.output.watch();
            let ended = progress.wait_for(|progress| progress.ended);
            if one.started.is_cancelled() {
                drop(ended.await);
            } else {
                one.output.end();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
