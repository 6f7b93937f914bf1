//! Tests of the rules of the ledger, each against a real database.

mod access;
mod apps;
mod attached;
mod authorizations;
mod concurrency;
mod config_vars;
mod formation;
mod git;
mod model;
mod opening;
mod pages;
mod pipelines;
mod releases;
mod schema;
mod slugs;
mod users;

use super::*;
use crate::range::{Offered, Page};
use sha2::{Digest as _, Sha256};
use slugbuilder::api::types::{ConfigVars, ProcessTypes, ReleaseCreate, SlugCreate};
use uuid::Uuid;

/// A ledger of its own with one user.
struct Ledger {
    store: Store,
    user: User,
    folder: tempfile::TempDir,
}

impl Ledger {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let user = store
            .put_user("owner@example.com", &["a-token-of-the-owner"])
            .await
            .unwrap();
        Self {
            store,
            user,
            folder,
        }
    }

    async fn another_user(&self, email: &str) -> User {
        self.store.put_user(email, &[]).await.unwrap()
    }

    async fn app(&self, name: &str) -> App {
        self.store
            .create_app(&self.user, new_app(Some(name)))
            .await
            .unwrap()
    }

    /// A slug of the app whose bytes are there.
    async fn uploaded(&self, app: &str, create: SlugCreate) -> Slug {
        let slug = self
            .store
            .create_slug(&self.user, app, create)
            .await
            .unwrap();
        self.store
            .finish_upload(slug.id, 10, &sha256("bytes"))
            .await
            .unwrap()
    }

    /// A release of a new slug with these process types.
    async fn deploy(&self, app: &str, process_types: &[(&str, &str)]) -> Release {
        let slug = self.uploaded(app, slug_of(process_types)).await;
        self.release(app, slug.id).await
    }

    async fn release(&self, app: &str, slug: Uuid) -> Release {
        self.store
            .create_release(&self.user, app, of_slug(slug))
            .await
            .unwrap()
    }

    async fn set(&self, app: &str, changes: &[(&str, Option<&str>)]) -> ConfigVars {
        let changes = changes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
            .collect();
        self.store
            .update_config_vars(&self.user, app, changes)
            .await
            .unwrap()
    }

    /// All releases, the first one first.
    async fn releases(&self, app: &str) -> Vec<Release> {
        let page = versions();
        self.store
            .releases(&self.user, app, &page)
            .await
            .unwrap()
            .items
    }

    async fn newest(&self, app: &str) -> Release {
        self.releases(app).await.pop().unwrap()
    }

    /// Type, quantity and size of all process types, by type.
    async fn formation(&self, app: &str) -> Vec<(String, u64, String)> {
        let page = Page::first(Offered::ID);
        let listed = self.store.formation(&self.user, app, &page).await.unwrap();
        let mut formation: Vec<_> = listed
            .items
            .into_iter()
            .map(|one| (one.process_type, one.quantity, one.size))
            .collect();
        formation.sort_unstable();
        formation
    }
}

fn new_app(name: Option<&str>) -> NewApp {
    NewApp {
        name: name.map(str::to_owned),
        stack: "heroku-24".into(),
        region: "eu".into(),
    }
}

fn slug_of(process_types: &[(&str, &str)]) -> SlugCreate {
    SlugCreate {
        process_types: types(process_types),
        ..SlugCreate::default()
    }
}

fn types(pairs: &[(&str, &str)]) -> ProcessTypes {
    pairs
        .iter()
        .map(|(name, command)| ((*name).to_owned(), (*command).to_owned()))
        .collect()
}

fn of_slug(slug: Uuid) -> ReleaseCreate {
    ReleaseCreate::Slug {
        slug,
        description: None,
    }
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// The first page by version, as long as pages get.
fn versions() -> Page {
    Page {
        attribute: crate::range::Attribute::Version,
        max: 1000,
        ..Page::first(Offered::RELEASES)
    }
}

/// The text of an error that is an answer to the user.
fn refusal<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    let error = result.unwrap_err();
    format!("{}: {error}", slugbuilder_report::Explain::code(&error))
}
