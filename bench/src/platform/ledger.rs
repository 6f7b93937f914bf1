//! Data folders that are filled through the ledger's own code, once, and what is known of them.

use super::random::Random;
use crate::benchmark::progress;
use crate::error::BenchError;
use crate::work::remove;
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use slugbuilder::api::types::{ReleaseCreate, SlugCreate};
use slugbuilder_platform::store::{DATABASE, NewApp, Store, User};
use slugbuilder_platform::users::Users;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;
use uuid::Uuid;

/// A change of what is below is a new version, which is made anew.
const VERSION: u32 = 1;

/// Apps that one user owns.
const APPS_OF_A_USER: usize = 1000;

/// Requests that wait for the disk together while a folder is filled.
const AT_ONCE: usize = 256;

/// Bytes of each slug of a filled folder: that there is one is what counts.
const SLUG: usize = 100;

/// The name of the folder in it that the server gets.
const DATA: &str = "data";

/// What the server calls its parts.
const BLOBS: &str = "blobs";
const USERS: &str = "users";

/// How much a ledger has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Size {
    pub(super) apps: usize,
    /// Of each app; the first two have no slug, as with every app.
    pub(super) releases: usize,
    /// Of each app.
    pub(super) slugs: usize,
}

impl Size {
    /// That of the claim: 10,000 apps and 1,000,000 releases.
    pub(super) const LARGE: Self = Self {
        apps: 10_000,
        releases: 100,
        slugs: 10,
    };
    /// What it is compared with.
    pub(super) const SMALL: Self = Self {
        apps: 10,
        releases: 10,
        slugs: 2,
    };

    /// All of its releases.
    pub(super) fn all_releases(self) -> usize {
        self.apps * self.releases
    }
}

/// A user's token, which is no secret: the server is for this machine alone, and for the length of a run.
pub(super) type Token = String;

/// What a ledger had when it was filled. Later releases come on top of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ledger {
    version: u32,
    pub(super) size: Size,
    /// Each owns [`APPS_OF_A_USER`] of the apps, in their order.
    users: Vec<Token>,
    pub(super) apps: Vec<App>,
}

/// An app of a ledger. Its releases are numbered from 1 to [`Size::releases`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct App {
    pub(super) name: String,
    pub(super) slugs: Vec<Uuid>,
}

/// A filled folder.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) ledger: Ledger,
    /// The data folder. See [`Filled::copy`].
    pub(super) data: PathBuf,
}

impl Filled {
    /// Removes the blobs that runs have added, which are gigabytes.
    pub(super) fn tidy(&self) -> Result<(), BenchError> {
        let slugs = self.ledger.apps.iter().flat_map(|app| &app.slugs);
        let known: HashSet<String> = slugs.map(Uuid::to_string).collect();
        for shard in fs::read_dir(self.data.join(BLOBS))? {
            for blob in fs::read_dir(shard?.path())? {
                let blob = blob?;
                if !known.contains(&*blob.file_name().to_string_lossy()) {
                    fs::remove_file(blob.path())?;
                }
            }
        }
        Ok(())
    }

    /// Makes the data folder `data`, which is not there, with the same ledger. It has the very folder of blobs: what a run
    /// adds to it goes at its end, or when the next one begins.
    pub(super) fn copy(&self, data: &Path) -> Result<(), BenchError> {
        self.tidy()?;
        fs::create_dir(data)?;
        fs::set_permissions(data, std::fs::Permissions::from_mode(0o700))?;
        for name in [DATABASE, USERS] {
            // With its mode, too.
            fs::copy(self.data.join(name), data.join(name))?;
        }
        fs_err::os::unix::fs::symlink(self.data.join(BLOBS), data.join(BLOBS))?;
        Ok(())
    }
}

impl Ledger {
    /// The token of the owner of the app with this index.
    pub(super) fn token_of(&self, app: usize) -> Result<&Token, BenchError> {
        self.users.get(app / APPS_OF_A_USER).ok_or_else(no_app)
    }

    /// The app with this index.
    pub(super) fn app(&self, index: usize) -> Result<&App, BenchError> {
        self.apps.get(index).ok_or_else(no_app)
    }

    /// An app from whose name on its owner has at least `count` apps, if they have so many.
    pub(super) fn app_before(&self, count: usize, random: &mut Random) -> usize {
        let index = random.below(self.apps.len());
        let first = index / APPS_OF_A_USER * APPS_OF_A_USER;
        let end = (first + APPS_OF_A_USER).min(self.apps.len());
        index.min(end.saturating_sub(count)).max(first)
    }
}

fn no_app() -> BenchError {
    BenchError::WrongOutput {
        row: "platform".into(),
        reason: "the file on the filled ledger lacks one of its apps".into(),
    }
}

/// The ledger of that size below `folder`, filled now if it is not there whole and of the version of this code.
pub(super) async fn filled(folder: &Path, size: Size) -> Result<Filled, BenchError> {
    let place = folder.join(format!("{}x{}-{VERSION}", size.apps, size.releases));
    let (description, data) = (place.with_extension("json"), place.join(DATA));
    let there = fs::read(&description)
        .ok()
        .and_then(|text| serde_json::from_slice::<Ledger>(&text).ok())
        .filter(|ledger| ledger.size == size && data.is_dir());
    if let Some(ledger) = there {
        return Ok(Filled { ledger, data });
    }
    remove(&description)?;
    remove(&place)?;
    fs::create_dir_all(&place)?;
    let started = Instant::now();
    let releases = size.all_releases();
    progress(&format!(
        "Filling a ledger with {} apps and {releases} releases, once",
        size.apps
    ));
    let ledger = fill(&data, size).await?;
    let text = serde_json::to_string(&ledger).map_err(|source| BenchError::Json {
        what: "what the ledger has".into(),
        source,
    })?;
    fs::write(&description, text)?;
    progress(&format!(
        "  {:.1} s for {} apps and {releases} releases",
        started.elapsed().as_secs_f64(),
        size.apps
    ));
    Ok(Filled { ledger, data })
}

async fn fill(data: &Path, size: Size) -> Result<Ledger, BenchError> {
    let store = Store::open(data)?;
    let tokens: Vec<Token> = (0..size.apps.div_ceil(APPS_OF_A_USER))
        .map(|_| Uuid::new_v4().to_string())
        .collect();
    let mut text = String::new();
    for (number, token) in tokens.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "user{number}@example.com:{token}");
    }
    // For the server, which reads them at its start.
    fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(data.join(USERS))?
        .write_all(text.as_bytes())?;
    let Users(users) =
        Users::parse(&text, "`users`").map_err(slugbuilder_platform::ServerError::from)?;
    let users = store.put_users(users).await?;
    let blobs = Blobs::new(data)?;
    let (store, users, blobs) = (&store, &users, &blobs);
    let apps = stream::iter(0..size.apps)
        .map(|index| async move {
            let owner = users.get(index / APPS_OF_A_USER).ok_or_else(no_app)?;
            fill_app(store, blobs, owner, index, size).await
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(Ledger {
        version: VERSION,
        size,
        users: tokens,
        apps,
    })
}

/// Makes one app with its slugs and releases.
async fn fill_app(
    store: &Store,
    blobs: &Blobs,
    owner: &User,
    index: usize,
    size: Size,
) -> Result<App, BenchError> {
    let name = format!("app-{index:05}");
    let new = NewApp {
        name: Some(name.clone()),
        stack: "heroku-24".into(),
        region: "us".into(),
    };
    store.create_app(owner, new).await?;
    let mut slugs = Vec::with_capacity(size.slugs);
    let processes = [
        ("web", "node server.js"),
        ("worker", "node worker.js --queue default"),
    ];
    for _ in 0..size.slugs {
        let create = SlugCreate {
            buildpack_provided_description: Some("Node.js".into()),
            checksum: Some(format!("SHA256:{}", blobs.sha256)),
            commit: Some(Uuid::new_v4().simple().to_string()),
            commit_description: Some("Mend the queue's order".into()),
            process_types: processes
                .iter()
                .map(|(name, command)| ((*name).to_owned(), (*command).to_owned()))
                .collect(),
            stack: None,
        };
        let slug = store.create_slug(owner, &name, create).await?;
        blobs.put(slug.id)?;
        store
            .finish_upload(slug.id, SLUG as u64, &blobs.sha256)
            .await?;
        slugs.push(slug.id);
    }
    // Two releases are there from the start, and one sets the config vars.
    let vars = [
        ("NODE_ENV", "production"),
        ("DATABASE_URL", "postgres://db/app"),
    ];
    let changes = vars
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
        .collect();
    store.update_config_vars(owner, &name, changes).await?;
    for number in 3..size.releases {
        let slug = slugs.get(number % size.slugs).copied();
        let create = ReleaseCreate::Slug {
            slug: slug.ok_or_else(no_app)?,
            description: None,
        };
        store.create_release(owner, &name, create).await?;
    }
    Ok(App { name, slugs })
}

/// The blobs of slugs, each a small file. Those of a server come with an upload, which waits for the disk each time.
struct Blobs {
    folder: PathBuf,
    bytes: Vec<u8>,
    sha256: String,
}

impl Blobs {
    fn new(data: &Path) -> Result<Self, BenchError> {
        let folder = data.join(BLOBS);
        // Makes the folders that blobs lie in.
        slugbuilder_platform::blobs::BlobStore::folder(&folder)
            .map_err(slugbuilder_platform::ServerError::from)?;
        let bytes = Random::new(0).bytes(SLUG);
        let sha256 = hex::encode(Sha256::digest(&bytes));
        Ok(Self {
            folder,
            bytes,
            sha256,
        })
    }

    fn put(&self, id: Uuid) -> Result<(), BenchError> {
        let name = id.to_string();
        let shard = name.get(..2).unwrap_or_default();
        fs::write(self.folder.join(shard).join(&name), &self.bytes)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_filled_folder_has_what_was_asked_for_and_is_filled_once() {
        let folder = tempfile::tempdir().unwrap();
        let size = Size {
            apps: 3,
            releases: 5,
            slugs: 1,
        };
        let first = filled(folder.path(), size).await.unwrap();
        let store = Store::open(&first.data).unwrap();
        assert_eq!(store.uploaded_slugs().await.unwrap().len(), 3);
        let token = first.ledger.token_of(2).unwrap();
        let user = store.user_of_token(token).await.unwrap().unwrap();
        let newest = store.release(&user, "app-00002", "5").await.unwrap();
        assert_eq!(newest.slug, Some(first.ledger.apps[2].slugs[0]));
        assert!(store.release(&user, "app-00002", "6").await.is_err());
        drop(store);
        let copy = folder.path().join("copy");
        let extra = first.data.join("blobs/00/extra");
        fs::write(&extra, "").unwrap();
        first.copy(&copy).unwrap();
        assert!(!extra.exists());
        let store = Store::open(&copy).unwrap();
        assert_eq!(store.uploaded_slugs().await.unwrap().len(), 3);
        let again = filled(folder.path(), size).await.unwrap();
        assert_eq!(again.ledger.apps[2].slugs, first.ledger.apps[2].slugs);
    }

    #[test]
    fn a_page_of_apps_is_full_where_it_can_be() {
        let ledger = |apps: usize| Ledger {
            version: VERSION,
            size: Size {
                apps,
                ..Size::SMALL
            },
            users: vec![String::new(); apps.div_ceil(APPS_OF_A_USER)],
            apps: vec![
                App {
                    name: String::new(),
                    slugs: Vec::new()
                };
                apps
            ],
        };
        let mut random = Random::new(0);
        let (small, large) = (ledger(10), ledger(2500));
        for _ in 0..1000 {
            assert_eq!(small.app_before(10, &mut random), 0);
            let start = large.app_before(10, &mut random);
            let end = start + 10;
            assert!(end <= 2500 && start / 1000 == (end - 1) / 1000, "{start}");
            large.token_of(start).unwrap();
        }
    }
}
