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
mod run;
mod source;

pub use crate::store::{Build, BuildStatus};
pub use error::BuildsError;
pub use new::{BuildSource, NewBuild};

use crate::blobs::BlobStore;
use crate::settings::Builder;
use crate::signed_url::Signer;
use crate::store::{NewBuildRow, Store, User};
use bytes::Bytes;
use folders::Folders;
use fs_err as fs;
use futures_util::Stream;
use output::{Output, Progress, follow};
use queue::{Queue, Ticket};
use slugbuilder_report::Reporter;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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
    live: HashMap<Uuid, Live>,
}

/// A build that has not ended.
#[derive(Debug, Clone)]
struct Live {
    output: Arc<Output>,
    /// Cancelled when somebody no longer wants it.
    cancel: CancellationToken,
}

impl Builds {
    /// The builds of the data folder `data`. To be called while that is locked, and once.
    ///
    /// # Errors
    /// [`BuildsError::Folder`].
    pub fn open(data: &Path, parameters: Parameters) -> Result<Self, BuildsError> {
        let at_once = parameters
            .builder
            .as_ref()
            .map_or(1, |builder| builder.at_once.get());
        Ok(Self {
            inner: Arc::new(Inner {
                folders: Folders::open(data).map_err(BuildsError::Folder)?,
                state: Mutex::new(State {
                    queue: Queue::new(at_once),
                    live: HashMap::new(),
                }),
                parameters,
            }),
        })
    }

    /// Goes on with the builds that were waiting or running when the server last ended: they begin anew. To be called once,
    /// before the first request.
    ///
    /// # Errors
    /// Those of the ledger, and [`BuildsError::Folder`].
    pub async fn resume(&self) -> Result<(), BuildsError> {
        for build in self.inner.parameters.store.pending_builds().await? {
            let output = self.prepare(build.id, None).map_err(BuildsError::Folder)?;
            let live = Live {
                output: Arc::new(output),
                cancel: CancellationToken::new(),
            };
            self.state().live.insert(build.id, live);
            self.enqueue(&build);
        }
        Ok(())
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
        // What may not be seen comes before anything that is wrong with the rest.
        let app = store.app(actor, app).await?.id;
        let id = Uuid::new_v4();
        let (row, folder) = new.check(id, signer, external_url)?;
        let output = self.prepare(id, folder.as_deref());
        let output = output.map_err(BuildsError::Folder)?;
        let live = Live {
            output: Arc::new(output),
            cancel: CancellationToken::new(),
        };
        self.state().live.insert(id, live);
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
                let Some(ticket) = state.queue.next() else {
                    return;
                };
                let Some(live) = state.live.get(&ticket.build).cloned() else {
                    state.queue.ended(ticket.build);
                    continue;
                };
                (ticket, live)
            };
            let this = self.clone();
            tokio::spawn(async move {
                let running = tokio::spawn(run::run(this.clone(), ticket, live.clone()));
                if running.await.is_err() {
                    run::failed(&this, &live, ticket.build, "the server failed").await;
                }
                this.close(ticket.build, &live);
                this.dispatch();
            });
        }
    }

    /// A build has ended, and the ledger says how.
    fn close(&self, build: Uuid, live: &Live) {
        {
            let mut state = self.state();
            state.queue.ended(build);
            state.live.remove(&build);
        }
        live.output.end();
        // What stays is removed at the next start.
        drop(self.inner.folders.tidy_build(build));
    }

    /// What a build has printed from the byte `from` on, as it comes, until it has ended. Nothing of a build that is not there.
    pub fn output(
        &self,
        build: Uuid,
        from: u64,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        follow(self.inner.folders.output(build), from, self.progress(build))
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
        let store = &self.inner.parameters.store;
        let found = store.build(actor, app, build).await?;
        let failed = store.fail_build(found.id).await?;
        let (waited, live) = {
            let mut state = self.state();
            (state.queue.remove(build), state.live.get(&build).cloned())
        };
        if let Some(live) = live {
            live.output
                .line(&format!(" !     Cancelled by {}", actor.email));
            live.cancel.cancel();
            if waited {
                self.close(build, &live);
            }
        }
        Ok(failed)
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
