use super::*;
use crate::store::FORM;
use crate::store::{self, NewApp, Store, User};
use fs_err as fs;
use sha2::{Digest as _, Sha256};
use slugbuilder::api::types::{ReleaseCreate, SlugCreate};
use slugbuilder_report::{Diagnosis, Style};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use tempfile::TempDir;

/// A platform with two releases and their blobs.
struct Platform {
    place: TempDir,
    store: Store,
    blobs: BlobStore,
    user: User,
    slugs: Vec<Uuid>,
}

impl Platform {
    async fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        let store = Store::open(&data).unwrap();
        let blobs = BlobStore::folder(&data.join(BLOBS)).unwrap();
        let user = store
            .put_user("owner@example.com", &["a-token-of-the-owner"])
            .await
            .unwrap();
        let new = NewApp {
            name: Some("example".into()),
            stack: "heroku-24".into(),
            region: "eu".into(),
        };
        store.create_app(&user, new).await.unwrap();
        let mut platform = Self {
            place,
            store,
            blobs,
            user,
            slugs: Vec::new(),
        };
        platform.deploy(b"first".to_vec()).await;
        platform.deploy(vec![7; 3 << 20]).await;
        platform.slugs.sort_unstable();
        platform
    }

    async fn deploy(&mut self, bytes: Vec<u8>) {
        let create = SlugCreate {
            process_types: [("web".to_owned(), "serve".to_owned())].into(),
            ..SlugCreate::default()
        };
        let slug = self
            .store
            .create_slug(&self.user, "example", create)
            .await
            .unwrap()
            .id;
        let upload = self.blobs.begin(slug).await.unwrap();
        let upload = upload.write(bytes.into()).await.unwrap();
        let (received, staged) = upload.finish().await.unwrap();
        staged.put_in_place().await.unwrap();
        self.store
            .finish_upload(slug, received.size, &received.sha256)
            .await
            .unwrap();
        let create = ReleaseCreate::Slug {
            slug,
            description: None,
        };
        self.store
            .create_release(&self.user, "example", create)
            .await
            .unwrap();
        self.slugs.push(slug);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    async fn backup(&self) -> Result<Contents, BackupError> {
        backup(&self.path("data"), &self.blobs, &self.path("backup.tar")).await
    }

    async fn restore(&self) -> Result<Contents, BackupError> {
        restore(&self.path("backup.tar"), &self.path("restored"), None).await
    }

    /// The error of a restoration, and that nothing is left of it.
    async fn refused(&self) -> String {
        let before = self.names();
        let error = self.restore().await.unwrap_err();
        assert_eq!(self.names(), before);
        self.explained(&error)
    }

    fn explained(&self, error: &BackupError) -> String {
        let mut text = Diagnosis::of(error)
            .render(Style::Plain)
            .replace(&self.place.path().display().to_string(), "PLACE");
        for (number, slug) in self.slugs.iter().enumerate() {
            text = text.replace(&slug.to_string(), &format!("SLUG-{number}"));
        }
        text
    }

    fn names(&self) -> Vec<String> {
        children(self.place.path())
    }

    /// All entries of the backup.
    fn entries(&self) -> Vec<(String, Vec<u8>)> {
        let mut archive = tar::Archive::new(fs::File::open(self.path("backup.tar")).unwrap());
        archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let name = entry.path().unwrap().display().to_string();
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                (name, bytes)
            })
            .collect()
    }

    /// Writes the backup anew, of these entries.
    fn forge(&self, entries: &[(String, Vec<u8>)]) {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, bytes) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            archive.append(&header, &**bytes).unwrap();
        }
        fs::write(self.path("backup.tar"), archive.into_inner().unwrap()).unwrap();
    }

    /// Puts another ledger into the backup, with a manifest that is right for it.
    fn forge_ledger(&self, bytes: &[u8]) {
        let mut entries = self.entries();
        let mut manifest: Manifest = serde_json::from_slice(&entries[0].1).unwrap();
        manifest.ledger_size = bytes.len() as u64;
        manifest.ledger_sha256 = hex::encode(Sha256::digest(bytes));
        entries[0].1 = serde_json::to_vec(&manifest).unwrap();
        entries[1].1 = bytes.to_vec();
        self.forge(&entries);
    }
}

#[tokio::test]
async fn a_backup_of_a_running_server_brings_everything_back() {
    let platform = Platform::new().await;
    let made = platform.backup().await.unwrap();
    assert_eq!((made.apps, made.releases, made.blobs), (1, 4, 2));
    assert_eq!(made.bytes, (3 << 20) + 5);
    let file = fs::metadata(platform.path("backup.tar")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let names: Vec<_> = platform
        .entries()
        .into_iter()
        .map(|entry| entry.0)
        .collect();
    let expected = [
        "backup.json".to_owned(),
        "ledger.sqlite".to_owned(),
        format!("blobs/{}", platform.slugs[0]),
        format!("blobs/{}", platform.slugs[1]),
    ];
    assert_eq!(names, expected);
    // What comes later is not in it.
    let mut platform = platform;
    platform.deploy(b"later".to_vec()).await;

    assert_eq!(platform.restore().await.unwrap(), made);
    let folder = platform.path("restored");
    let rights = fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(rights & 0o777, 0o700);
    let again = Store::open(&folder).unwrap();
    let user = again
        .user_of_token("a-token-of-the-owner")
        .await
        .unwrap()
        .unwrap();
    for version in ["1", "2", "3", "4"] {
        let before = platform.store.release(&user, "example", version).await;
        let after = again.release(&user, "example", version).await;
        let (mut before, mut after) = (before.unwrap(), after.unwrap());
        (before.current, after.current) = (false, false);
        assert_eq!(before, after);
    }
    assert!(again.release(&user, "example", "5").await.is_err());
    let blobs = BlobStore::folder(&folder.join(BLOBS)).unwrap();
    let mut sizes = Vec::new();
    for slug in again.uploaded_slugs().await.unwrap() {
        sizes.push(blobs.size(slug).await.unwrap().unwrap());
    }
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 3 << 20]);
    // And it goes on from there.
    let slug = again.uploaded_slugs().await.unwrap()[0];
    let create = ReleaseCreate::Slug {
        slug,
        description: None,
    };
    let next = again
        .create_release(&user, "example", create)
        .await
        .unwrap();
    assert_eq!(next.version, 5);
}

#[tokio::test]
async fn a_backup_replaces_nothing() {
    let platform = Platform::new().await;
    fs::write(platform.path("backup.tar"), "precious").unwrap();
    let error = platform.backup().await.unwrap_err();
    insta::assert_snapshot!(platform.explained(&error), @"
    error[already-there]: `PLACE/backup.tar` is already there

      hint: Give it another name. A backup is restored into an empty folder only, and replaces no other.
    ");
    assert_eq!(fs::read(platform.path("backup.tar")).unwrap(), b"precious");
    fs::remove_file(platform.path("backup.tar")).unwrap();
    platform.backup().await.unwrap();

    fs::create_dir(platform.path("restored")).unwrap();
    fs::write(platform.path("restored/file"), "").unwrap();
    insta::assert_snapshot!(platform.refused().await, @"
    error[already-there]: `PLACE/restored` is already there

      hint: Give it another name. A backup is restored into an empty folder only, and replaces no other.
    ");
    fs::remove_file(platform.path("restored/file")).unwrap();
    // An empty folder is fine.
    platform.restore().await.unwrap();
}

/// A folder that is there may be the root of a file system: nothing can take its place, nor come into it by a rename.
#[tokio::test]
async fn a_folder_that_is_there_is_the_one_that_is_restored_into() {
    let platform = Platform::new().await;
    platform.backup().await.unwrap();
    let folder = platform.path("restored");
    fs::create_dir_all(folder.join("lost+found")).unwrap();
    let before = fs::metadata(&folder).unwrap();
    let mut entries = platform.entries();
    let whole = fs::read(platform.path("backup.tar")).unwrap();
    entries.pop();
    platform.forge(&entries);
    platform.restore().await.unwrap_err();
    assert_eq!(children(&folder), ["lost+found"]);

    fs::write(platform.path("backup.tar"), whole).unwrap();
    platform.restore().await.unwrap();
    assert_eq!(
        children(&folder),
        ["blobs", "ledger.lock", "ledger.sqlite", "lost+found"]
    );
    let after = fs::metadata(&folder).unwrap();
    assert_eq!((after.ino(), after.dev()), (before.ino(), before.dev()));
    for (name, mode) in [("blobs", 0o700), ("ledger.sqlite", 0o600)] {
        let rights = fs::metadata(folder.join(name)).unwrap().mode();
        assert_eq!(rights & 0o777, mode, "{name}");
    }
    Store::open(&folder).unwrap();
}

#[tokio::test]
async fn folders_that_were_made_for_a_restoration_go_when_it_fails() {
    let platform = Platform::new().await;
    fs::write(platform.path("backup.tar"), "no backup").unwrap();
    let before = platform.names();
    let folder = platform.path("some/new/folder");
    let error = restore(&platform.path("backup.tar"), &folder, None).await;
    assert!(
        matches!(error, Err(BackupError::NotWhole { .. })),
        "{error:?}"
    );
    assert_eq!(platform.names(), before);
}

#[tokio::test]
async fn a_folder_that_a_server_uses_is_not_restored_into() {
    let platform = Platform::new().await;
    platform.backup().await.unwrap();
    let folder = platform.path("restored");
    fs::create_dir(&folder).unwrap();
    let lock = store::lock(&folder).unwrap();
    insta::assert_snapshot!(platform.refused().await, @"
    error[data-folder-in-use]: the ledger cannot be used
      caused by: another server uses the data folder `PLACE/restored`

      hint: Stop the other server, or give this one a data folder of its own.
    ");
    assert_eq!(children(&folder), ["ledger.lock"]);
    drop(lock);
    platform.restore().await.unwrap();
}

/// The names in a folder, sorted.
fn children(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_folder_without_a_ledger_has_no_backup() {
    let platform = Platform::new().await;
    let error = backup(platform.place.path(), &platform.blobs, &platform.path("x")).await;
    insta::assert_snapshot!(platform.explained(&error.unwrap_err()), @"
    error[no-ledger]: `PLACE` is no data folder of a server: it has no ledger

      hint: Name the folder that the server was given as its data folder.
    ");
    assert_eq!(platform.names(), ["data"]);
}

#[tokio::test]
async fn a_backup_is_only_made_of_what_is_whole() {
    let platform = Platform::new().await;
    let slug = platform.slugs[0];
    let blob = platform
        .path("data/blobs")
        .join(&slug.to_string()[..2])
        .join(slug.to_string());
    let mut bytes = fs::read(&blob).unwrap();
    bytes[0] ^= 1;
    fs::write(&blob, &bytes).unwrap();
    let error = platform.backup().await.unwrap_err();
    insta::assert_snapshot!(platform.explained(&error), @"
    error[blob-differs]: the blob of the slug `SLUG-0` has other bytes than those that were uploaded

      hint: Put the file back from an earlier backup, where it is `blobs/SLUG-0`.
      hint: Delete the apps that run this slug, if they are not needed any longer.
    ");
    bytes.pop();
    fs::write(&blob, &bytes).unwrap();
    let error = platform.backup().await.unwrap_err();
    assert!(matches!(error, BackupError::BlobDiffers { id } if id == slug));
    fs::remove_file(&blob).unwrap();
    let error = platform.backup().await.unwrap_err();
    insta::assert_snapshot!(platform.explained(&error), @"
    error[blob-missing]: the blob of the slug `SLUG-0` is missing

      hint: Put the file back from an earlier backup, where it is `blobs/SLUG-0`.
      hint: Delete the apps that run this slug, if they are not needed any longer.
    ");
    assert_eq!(platform.names(), ["data"]);
    // The blobs of an app that is gone are not missed.
    platform
        .store
        .delete_app(&platform.user, "example")
        .await
        .unwrap();
    assert_eq!(platform.backup().await.unwrap().blobs, 0);
}

#[tokio::test]
async fn a_backup_that_was_changed_is_refused() {
    let platform = Platform::new().await;
    platform.backup().await.unwrap();
    let whole = platform.entries();

    let mut changed = whole.clone();
    changed[1].1[5000] ^= 1;
    platform.forge(&changed);
    insta::assert_snapshot!(platform.refused().await, @"
    error[backup-not-whole]: `PLACE/backup.tar` is no whole backup: its ledger has other bytes than it had

      hint: Take another backup, or fetch this one again if it was copied from elsewhere.
    ");

    let mut changed = whole.clone();
    changed[2].1[0] ^= 1;
    platform.forge(&changed);
    insta::assert_snapshot!(platform.refused().await, @"
    error[backup-not-whole]: `PLACE/backup.tar` is no whole backup: its `blobs/SLUG-0` has other bytes than it had

      hint: Take another backup, or fetch this one again if it was copied from elsewhere.
    ");

    platform.forge(&whole[..3]);
    insta::assert_snapshot!(platform.refused().await, @"
    error[backup-not-whole]: `PLACE/backup.tar` is no whole backup: its entry `blobs/SLUG-1` is missing

      hint: Take another backup, or fetch this one again if it was copied from elsewhere.
    ");

    for (name, at) in [("../escape", 2), ("/etc/passwd", 2), ("blobs/../../x", 3)] {
        let mut changed = whole.clone();
        changed[at].0 = name.into();
        platform.forge(&changed);
        let text = platform.refused().await;
        assert!(
            text.contains(&format!("it has the entry `{name}` in place of")),
            "{text}"
        );
    }
    let mut changed = whole.clone();
    changed.swap(2, 3);
    platform.forge(&changed);
    assert!(platform.refused().await.contains("in place of the file"));

    let mut changed = whole.clone();
    changed.push(("ledger.lock".into(), Vec::new()));
    platform.forge(&changed);
    insta::assert_snapshot!(platform.refused().await, @"
    error[backup-not-whole]: `PLACE/backup.tar` is no whole backup: nothing in it names its entry `ledger.lock`

      hint: Take another backup, or fetch this one again if it was copied from elsewhere.
    ");

    let mut changed = whole.clone();
    changed[0].1 = br#"{"format":2,"later":true}"#.to_vec();
    platform.forge(&changed);
    insta::assert_snapshot!(platform.refused().await, @"
    error[backup-not-whole]: `PLACE/backup.tar` is no whole backup: it has the form 2, and this slugbuilder reads the form 1

      hint: Take another backup, or fetch this one again if it was copied from elsewhere.
    ");

    fs::write(platform.path("backup.tar"), "no archive").unwrap();
    assert!(platform.refused().await.contains("is no whole backup"));
    platform.forge(&whole);
    platform.restore().await.unwrap();
}

#[tokio::test]
async fn a_backup_that_breaks_off_is_refused_wherever_it_does() {
    let platform = Platform::new().await;
    platform.backup().await.unwrap();
    let whole = fs::read(platform.path("backup.tar")).unwrap();
    // The last two blocks are empty: they say that the archive ends.
    for part in 1..40 {
        let length = (whole.len() - 1025) * part / 40;
        fs::write(platform.path("backup.tar"), &whole[..length]).unwrap();
        platform.refused().await;
    }
}

#[tokio::test]
async fn a_ledger_of_something_else_is_refused() {
    let platform = Platform::new().await;
    platform.backup().await.unwrap();
    let ledger = platform.entries().swap_remove(1).1;
    let change = |sql: &str| {
        let path = platform.place.path().join("changed.sqlite");
        fs::write(&path, &ledger).unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        bytes
    };
    platform.forge_ledger(&change("PRAGMA user_version = 99"));
    let told = platform
        .refused()
        .await
        .replace(&format!("up to {FORM}"), "up to FORM");
    insta::assert_snapshot!(told, @"
    error[database-too-new]: the ledger cannot be used
      caused by: the database `PLACE/backup.tar` has the form 99, and this slugbuilder knows those up to FORM

      hint: Run the slugbuilder that last used this folder, or a newer one.
      hint: To go back to an older one, restore a backup that was made with it into an empty folder.
    ");
    platform.forge_ledger(&change("PRAGMA application_id = 1"));
    assert!(
        platform
            .refused()
            .await
            .contains("is no database of slugbuilder")
    );
    platform.forge_ledger(&change("PRAGMA foreign_keys = off; DELETE FROM user"));
    insta::assert_snapshot!(platform.refused().await, @"
    error[backup-not-whole]: `PLACE/backup.tar` is no whole backup: a row of `release` refers to one that is not there

      hint: Take another backup, or fetch this one again if it was copied from elsewhere.
    ");
    platform.forge_ledger(b"no database");
    insta::assert_snapshot!(platform.refused().await, @"
    error[backup-not-whole]: `PLACE/backup.tar` is no whole backup: file is not a database

      hint: Take another backup, or fetch this one again if it was copied from elsewhere.
    ");
    let mut damaged = ledger.clone();
    damaged[4096..8192].fill(0xa5);
    platform.forge_ledger(&damaged);
    assert!(platform.refused().await.contains("is no whole backup"));
}
