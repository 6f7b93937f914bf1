//! `git push`: repositories of apps at `/APP.git`, through git's own `git http-backend`.
//!
//! The parts: `program` runs git with nothing but our rules; `repositories` are bare ones in the data folder; `http` admits
//! requests and hands them to git by `cgi`; git runs `hook`, through which `push` decides what counts, and builds it from the
//! files that `tree` writes; `webhook` builds what is pushed elsewhere.
//!
//! What git guarantees is left to it: the objects of a push are kept apart until the hook accepts them, references change
//! altogether with that, and a git that is killed leaves a repository as it was before.

mod cgi;
mod error;
mod hook;
mod http;
mod places;
mod program;
mod push;
mod pushes;
mod repositories;
mod tree;
mod webhook;

use error::GitUnusable;
pub use error::{GitError, OpenError};
pub use program::{GitProgram, find_program};
pub use repositories::REPOSITORIES;

use crate::builds::Builds;
use crate::settings::Builder;
use crate::store::Store;
use fs_err as fs;
use places::Places;
use program::Tool;
use pushes::Pushes;
use repositories::Repositories;
use slugbuilder_report::{Diagnosis, Event, Reporter, Warning};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use uuid::Uuid;

pub(crate) use http::around;
pub(crate) use webhook::{new_secret, routes};

/// The most that a push may have, in bytes.
pub const MAX_PUSH_SIZE: u64 = 1 << 30;

/// The folder of what belongs to no app, in the data folder.
const FOLDER: &str = "git";
/// How many times [`Parameters::max_push_size`] a repository may have before nothing more is pushed to it.
const PUSHES_OF_REPOSITORY: u64 = 4;
/// As long as tidying up a repository may take.
const TIDYING: Duration = Duration::from_mins(30);

/// The repositories of apps, and what is pushed to them. Clones are the same.
#[derive(Debug, Clone)]
pub struct Git {
    inner: Arc<Inner>,
}

/// What git pushes work with.
pub struct Parameters {
    /// The program; nothing where there is none.
    pub program: Option<GitProgram>,
    /// The most that a push may have, in bytes.
    pub max_push_size: u64,
    /// What builds; nothing where nothing does.
    pub builder: Option<Builder>,
    /// The ledger.
    pub store: Store,
    /// What builds.
    pub builds: Builds,
    /// Where clients find this server, without a slash at the end.
    pub external_url: Arc<str>,
    /// Told of faults of the server.
    pub reporter: Arc<dyn Reporter>,
}

struct Inner {
    folder: PathBuf,
    repositories: Repositories,
    /// Why there is none, as pushers are told.
    tool: Result<Tool, GitUnusable>,
    store: Store,
    builds: Builds,
    builds_anything: bool,
    external_url: Arc<str>,
    pushes: Pushes,
    webhooks: webhook::Queue,
    /// Places of pushes that arrive.
    pushing: Places,
    /// Places of everything else.
    fetching: Places,
    max_push_size: u64,
    /// Held while a repository is tidied up.
    tidying: Semaphore,
    reporter: Arc<dyn Reporter>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Git")
            .field("folder", &self.folder)
            .field("tool", &self.tool)
            .finish_non_exhaustive()
    }
}

impl Git {
    /// The repositories of the data folder `data`. To be called while that is locked, and once: what a killed server left
    /// half done is removed.
    ///
    /// A git that cannot be used, or none, keeps no server from its start: it is told, and pushes are refused.
    ///
    /// # Errors
    /// The data folder cannot be used; the ledger fails.
    pub async fn open(data: &Path, parameters: Parameters) -> Result<Self, OpenError> {
        let data = std::path::absolute(data)?;
        let folder = data.join(FOLDER);
        let (made, repositories) = {
            let (data, folder) = (data.clone(), folder.clone());
            let opened = tokio::task::spawn_blocking(move || {
                Ok::<_, io::Error>((make_folders(&folder)?, Repositories::open(&data)?))
            });
            opened.await.map_err(io::Error::other)??
        };
        let tool = match parameters.program {
            None => Err(GitUnusable::Missing),
            Some(program) => {
                let opened = open_tool(program, &made, parameters.max_push_size).await;
                opened.map_err(GitUnusable::Error)
            }
        };
        if let Err(GitUnusable::Error(error)) = &tool {
            let message = format!("pushes are refused: {}", Diagnosis::of(error).one_line());
            let warning = Warning::new("git-unusable", message);
            parameters.reporter.report(Event::Warning(&warning));
        }
        let inner = Inner {
            folder,
            repositories,
            tool,
            store: parameters.store,
            builds: parameters.builds,
            webhooks: webhook::Queue::new(parameters.builder.as_ref()),
            builds_anything: parameters.builder.is_some(),
            external_url: parameters.external_url,
            pushes: Pushes::new(),
            pushing: Places::new(),
            fetching: Places::new(),
            max_push_size: parameters.max_push_size,
            tidying: Semaphore::new(1),
            reporter: parameters.reporter,
        };
        inner.forget_the_deleted().await?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Whether pushes are taken.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.inner.tool.is_ok()
    }

    /// Removes the repository of an app that was deleted.
    ///
    /// # Errors
    /// [`GitError::Io`]; the next start of the server removes it then.
    pub async fn remove(&self, app: Uuid) -> Result<(), GitError> {
        self.inner.repositories.remove(app).await
    }

    /// Refuses the pushes that wait for a build, and all that come: the server stops.
    pub fn stop(&self) {
        self.inner.pushes.stop();
    }
}

/// The folders in [`FOLDER`].
#[derive(Debug)]
struct Folders {
    home: PathBuf,
    hooks: PathBuf,
}

fn make_folders(folder: &Path) -> io::Result<Folders> {
    // Nothing in it outlives a server: the hook is written anew, and what is of a push went with that.
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let made = Folders {
        home: folder.join("home"),
        hooks: folder.join("hooks"),
    };
    for folder in [folder, &made.home] {
        crate::private::folder(folder)?;
    }
    hook::write(&made.hooks)?;
    Ok(made)
}

async fn open_tool(
    program: GitProgram,
    folders: &Folders,
    max_push_size: u64,
) -> Result<Tool, GitError> {
    let tool = Tool::open(
        program,
        folders.home.clone(),
        folders.hooks.clone(),
        max_push_size,
    )
    .await?;
    hook::check(&folders.hooks, &tool).await?;
    Ok(tool)
}

impl Inner {
    fn tool(&self) -> Result<&Tool, &GitUnusable> {
        self.tool.as_ref()
    }

    /// A file that is not there, for whoever wants to make one.
    fn scratch(&self) -> PathBuf {
        self.folder.join(format!("scratch-{}", Uuid::new_v4()))
    }

    /// The address of an app for its visitors.
    fn web_url(&self, app: &str) -> String {
        crate::api::present::web_url(app, &self.external_url)
    }

    /// Brings repositories and ledger together, between which a server may have been killed.
    async fn forget_the_deleted(&self) -> Result<(), OpenError> {
        for app in self
            .store
            .keep_repositories(self.repositories.apps()?)
            .await?
        {
            self.repositories.remove(app).await?;
        }
        Ok(())
    }

    /// Measures the repository of an app, and makes it smaller now and then.
    async fn tidy(&self, app: Uuid, head: Option<&'static str>) {
        let Ok(tool) = self.tool() else {
            return;
        };
        let repository = self.repositories.path(app);
        let work = async {
            if let Some(branch) = head {
                let head = format!("refs/heads/{branch}");
                tool.run(Some(&repository), ["symbolic-ref", "HEAD", &head])
                    .await?;
            }
            let size = self.repositories.size(app).await?;
            self.record_size(app, size).await;
            // One at a time: it is nobody's wait, and takes a core and memory.
            let _one = self.tidying.acquire().await;
            let gc = tool.command(Some(&repository), ["gc", "--auto", "--quiet"]);
            program::finish("gc", gc, TIDYING).await?;
            let smaller = self.repositories.size(app).await?;
            if smaller != size {
                self.record_size(app, smaller).await;
            }
            Ok::<_, GitError>(())
        };
        // Of an app that was deleted meanwhile, nothing is left to tidy.
        if let Err(error) = work.await
            && repository.is_dir()
        {
            let message = format!(
                "a repository is not tidied up: {}",
                Diagnosis::of(&error).one_line()
            );
            let warning = Warning::new("repository-untidy", message);
            self.reporter.report(Event::Warning(&warning));
        }
    }

    /// Writes down how large a repository is.
    async fn record_size(&self, app: Uuid, size: u64) {
        if let Err(error) = self.store.record_repository(app, size).await {
            let message = format!(
                "the size of a repository is not recorded: {}",
                Diagnosis::of(&error).one_line()
            );
            let warning = Warning::new("repository-size", message);
            self.reporter.report(Event::Warning(&warning));
        }
    }
}
