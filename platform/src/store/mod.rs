//! The ledger: users, apps, slugs, releases, config vars and formations in one SQLite database.
//!
//! Releases are a ledger in the strict sense: numbered without gaps, never changed but for their status, never deleted but
//! with their app. The schema itself refuses anything else (see `migrations/`).
//!
//! One thread writes (`writer`), many requests in one transaction, and answers them when the disk has them; a few
//! connections read beside it (`readers`). So writers on one app, and on all others, come one after the other, and a reader
//! sees everything that was answered before it asked.
//!
//! Every method takes the user who acts. An app that is neither theirs nor shared with them is
//! [`StoreError::NotFound`], as if it were not there.

mod access;
mod account_features;
mod apps;
mod authorizations;
mod buildpacks;
mod builds;
mod checkpoints;
mod collaborators;
mod config_vars;
mod domains;
mod drains;
mod error;
mod features;
mod folder;
mod formation;
mod git;
mod keys;
mod keyset;
mod names;
mod pipelines;
mod readers;
mod records;
mod release_rows;
mod releases;
mod rules;
mod slugs;
mod sources;
mod ssh_key;
#[cfg(test)]
mod tests;
mod users;
mod values;
mod writer;

pub use account_features::SwitchedFeature;
pub use authorizations::{Authorization, Granted, NewAuthorization};
pub use buildpacks::MAXIMUM_BUILDPACKS;
pub use domains::{Domain, MAXIMUM_DOMAINS};
pub use drains::{Drain, MAXIMUM_DRAINS};
pub use error::StoreError;
pub use features::{Feature, Features};
pub use folder::DATABASE;
#[cfg(test)]
pub(crate) use folder::FORM;
pub(crate) use folder::{LOCK, check_kind, check_sound, lock};
pub use formation::{DEFAULT_DYNO_SIZE, MAXIMUM_QUANTITY};
pub use keys::Key;
pub use pipelines::{
    Couplings, Latest, NewPromotion, Pipeline, PipelineCoupling, Promotion, PromotionTarget, Stage,
    TargetStatus,
};
pub use records::{
    App, AppUpdate, Build, BuildStatus, BuiltSlug, Collaborator, DeletedApp, Formation,
    FormationChange, Keyed, NewApp, NewBuildRow, PasswordCheck, PendingBuild, PushWebhook,
    Quantity, Release, Slug, TokenHolder, User, UserTokens, UserUpdate,
};

pub use rules::is_email;
pub(crate) use rules::{TOKEN_LENGTH, has_token_characters, is_config_var, is_process_type};

use checkpoints::Checkpoints;
use folder::Folder;
use readers::Readers;
use std::path::Path;
use std::sync::Arc;
use writer::{Write, Writer};

/// The ledger of a data folder. Clones are the same one; the last one to go closes it.
///
/// Its methods must run within tokio.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// In the order in which they end: SQLite folds its log into the database when its last connection ends, if that writes.
#[derive(Debug)]
struct Inner {
    readers: Readers,
    writer: Writer,
    /// Until then no other process opens it.
    _folder: Folder,
}

impl Store {
    /// Opens the ledger of `folder`; makes both if they are not there, and brings an older database into today's form.
    ///
    /// # Errors
    /// The folder is in use by another server or cannot be used, or the database is damaged, newer than this program or
    /// of another one.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let folder = Folder::open(folder)?;
        // First the one that writes: it makes the database that the others read.
        let connection = folder.writer()?;
        let readers = Readers::open(&folder)?;
        let checkpoints = Checkpoints::start(folder.checkpointer()?)?;
        let writer = Writer::start(connection, checkpoints)?;
        Ok(Self {
            inner: Arc::new(Inner {
                readers,
                writer,
                _folder: folder,
            }),
        })
    }

    /// Reads from one state of the database on the thread that asks: only what is a few pages that everyone uses, so that
    /// they are in memory and to change threads would take longer than to read them.
    async fn read_here<T>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.inner.readers.run_here(work).await
    }

    /// Reads from one state of the database.
    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.inner.readers.run(work).await
    }

    /// Writes, and answers when it is on the disk.
    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Write<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.inner.writer.run(work).await
    }
}
