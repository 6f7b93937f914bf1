use crate::blobs::{BlobError, BlobStore, Unrecorded};
use fs_err as fs;
use slugbuilder_report::{Diagnosis, Explain, Style};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use uuid::Uuid;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn put(store: &BlobStore, id: Uuid, content: &'static [u8]) -> Result<(), BlobError> {
    let upload = store.begin(id).await?.write(content.into()).await?;
    upload.finish().await?.1.put_in_place().await
}

#[tokio::test]
async fn nobody_else_can_read_blobs() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("blobs");
    fs::create_dir(&root).unwrap();
    fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
    let store = BlobStore::folder(&root).unwrap();
    let id = Uuid::from_u128(0xab << 120);
    put(&store, id, b"abc").await.unwrap();
    assert_eq!(mode(&root), 0o700);
    assert_eq!(mode(&root.join("incoming")), 0o700);
    assert_eq!(mode(&root.join("ab")), 0o700);
    let file = root.join("ab/ab000000-0000-0000-0000-000000000000");
    assert_eq!(mode(&file), 0o600);
    assert_eq!(fs::read(file).unwrap(), b"abc");
}

#[tokio::test]
async fn what_a_killed_server_left_is_removed() {
    let root = tempfile::tempdir().unwrap();
    let store = BlobStore::folder(root.path()).unwrap();
    let id = Uuid::new_v4();
    put(&store, id, b"abc").await.unwrap();
    for name in ["one", "two"] {
        fs::write(root.path().join("incoming").join(name), "half").unwrap();
    }
    // Only to look at the blobs does nothing to them.
    let store = {
        drop(store);
        BlobStore::folder(root.path()).unwrap()
    };
    assert_eq!(
        fs::read_dir(root.path().join("incoming")).unwrap().count(),
        2
    );
    assert_eq!(store.remove_abandoned().unwrap(), 2);
    assert_eq!(store.remove_abandoned().unwrap(), 0);
    assert_eq!(store.size(id).await.unwrap(), Some(3));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_told() {
    let parent = tempfile::tempdir().unwrap();
    let error = BlobStore::folder(&parent.path().join("gone/blobs")).unwrap_err();
    let text = Diagnosis::of(&error)
        .render(Style::Plain)
        .replace(&*parent.path().to_string_lossy(), "data");
    insta::assert_snapshot!(text, @r"
    error[blobs-folder]: cannot use the folder of the blobs
      caused by: failed to create `data/gone/blobs`: No such file or directory (os error 2)

      hint: Check that the server's user owns the data folder and everything in it.
    ");
}

#[tokio::test]
async fn a_blob_that_cannot_be_written_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let store = BlobStore::folder(root.path()).unwrap();
    let id = Uuid::from_u128(0xab << 120);
    // In the way of the blob, for any user.
    let in_the_way = root.path().join("ab").join(id.to_string());
    fs::create_dir(&in_the_way).unwrap();
    let error = put(&store, id, b"abc").await.unwrap_err();
    let text = Diagnosis::of(&error)
        .render(Style::Plain)
        .replace(&*root.path().to_string_lossy(), "data");
    insta::assert_snapshot!(text, @r"
    error[blob-not-written]: cannot write blob `ab000000-0000-0000-0000-000000000000`
      caused by: failed to rename an upload to `data/ab/ab000000-0000-0000-0000-000000000000`: Is a directory (os error 21)

      hint: Check that the server's user owns the data folder and everything in it.
    ");
    assert!(!error.is_full());
    assert_eq!(
        fs::read_dir(root.path().join("incoming")).unwrap().count(),
        0
    );
    fs::remove_dir(in_the_way).unwrap();
    put(&store, id, b"abc").await.unwrap();
}

#[test]
fn a_full_disk_is_told_apart() {
    for kind in [
        std::io::ErrorKind::StorageFull,
        std::io::ErrorKind::QuotaExceeded,
    ] {
        let error = BlobError::Write {
            id: Uuid::nil(),
            source: kind.into(),
        };
        assert!(error.is_full());
        assert_eq!(
            error.hints(),
            ["Free some space on the disk of the server's data folder."]
        );
    }
}

/// None is made by an upload, which another one could then take for durable too early.
#[test]
fn all_folders_are_there_before_the_first_upload() {
    let root = tempfile::tempdir().unwrap();
    BlobStore::folder(root.path()).unwrap();
    for first in 0..=u8::MAX {
        assert_eq!(mode(&root.path().join(format!("{first:02x}"))), 0o700);
    }
}

#[tokio::test]
async fn blobs_that_are_in_no_ledger_are_removed() {
    let root = tempfile::tempdir().unwrap();
    let store = BlobStore::folder(root.path()).unwrap();
    let (recorded, unrecorded) = (Uuid::new_v4(), Uuid::new_v4());
    put(&store, recorded, b"abc").await.unwrap();
    put(&store, unrecorded, b"abc").await.unwrap();
    let other = root.path().join("ab/notes.txt");
    fs::write(&other, "not a blob").unwrap();
    let ledger = [recorded].into();
    let found = store.remove_unrecorded(&ledger).await.unwrap();
    assert_eq!(found, Unrecorded::Removed(1));
    assert_eq!(store.size(recorded).await.unwrap(), Some(3));
    assert_eq!(store.size(unrecorded).await.unwrap(), None);
    assert!(other.is_file());
    let found = store.remove_unrecorded(&ledger).await.unwrap();
    assert_eq!(found, Unrecorded::Removed(0));
}
