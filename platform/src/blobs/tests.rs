//! What holds for every place that blobs can be in.

use super::*;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};

/// Bytes that differ from block to block.
fn bytes(size: usize) -> Vec<u8> {
    (0..size)
        .map(|index| ((index * 31) >> 3).to_le_bytes()[0])
        .collect()
}

/// An upload in pieces of this size, not yet in place.
async fn staged(store: &BlobStore, id: Uuid, content: &[u8], piece: usize) -> (Received, Staged) {
    let mut upload = store.begin(id).await.unwrap();
    for piece in content.chunks(piece) {
        upload = upload.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    upload.finish().await.unwrap()
}

async fn content(store: &BlobStore, id: Uuid, range: Range<u64>) -> Option<Vec<u8>> {
    let stream = store.read(id, range).await.unwrap()?;
    Some(stream.try_collect::<Vec<_>>().await.unwrap().concat())
}

async fn blobs_come_and_go(store: BlobStore) {
    let id = Uuid::new_v4();
    assert_eq!(store.size(id).await.unwrap(), None);
    assert!(content(&store, id, 0..1).await.is_none());
    assert!(!store.remove(id).await.unwrap());

    // 12 MB are three parts of an object store, and many blocks of a folder.
    for (size, piece) in [
        (12 << 20, 100_003),
        (12 << 20, 12 << 20),
        (10 << 20, 5 << 20),
        (7, 1),
    ] {
        let expected = bytes(size);
        let (received, staged) = staged(&store, id, &expected, piece).await;
        assert_eq!(received.size, size as u64);
        assert_eq!(received.sha256, hex::encode(Sha256::digest(&expected)));
        staged.put_in_place().await.unwrap();
        assert_eq!(store.size(id).await.unwrap(), Some(size as u64));
        let all = content(&store, id, 0..size as u64).await.unwrap();
        assert!(
            all == expected,
            "{size} bytes in pieces of {piece} are the same"
        );
        assert_eq!(content(&store, id, 2..6).await.unwrap(), expected[2..6]);
    }

    assert!(store.remove(id).await.unwrap());
    assert_eq!(store.size(id).await.unwrap(), None);
    assert!(!store.remove(id).await.unwrap());
}

async fn only_what_is_put_in_place_is_there(store: BlobStore) {
    let id = Uuid::new_v4();
    let upload = store.begin(id).await.unwrap();
    drop(upload.write(bytes(6 << 20).into()).await.unwrap());
    drop(staged(&store, id, &bytes(6 << 20), 1 << 20).await);
    drop(staged(&store, id, b"abc", 1).await);
    assert_eq!(store.size(id).await.unwrap(), None);

    // Two at once: each is whole, and the one that is put in place last stays.
    let (_, first) = staged(&store, id, b"first", 2).await;
    let (_, second) = staged(&store, id, b"second", 2).await;
    second.put_in_place().await.unwrap();
    first.put_in_place().await.unwrap();
    assert_eq!(content(&store, id, 0..5).await.unwrap(), b"first");
}

async fn a_download_goes_on_when_its_blob_is_replaced(store: BlobStore) {
    let id = Uuid::new_v4();
    let expected = bytes(3 << 20);
    staged(&store, id, &expected, 1 << 20)
        .await
        .1
        .put_in_place()
        .await
        .unwrap();
    let mut stream = store.read(id, 0..3 << 20).await.unwrap().unwrap();
    let mut received = stream.try_next().await.unwrap().unwrap().to_vec();
    staged(&store, id, b"new", 1)
        .await
        .1
        .put_in_place()
        .await
        .unwrap();
    while let Some(piece) = stream.try_next().await.unwrap() {
        received.extend_from_slice(&piece);
    }
    assert!(received == expected);
}

macro_rules! in_each_place {
    ($($test:ident),*) => {
        mod in_a_folder {
            $(
                #[tokio::test]
                async fn $test() {
                    let folder = tempfile::tempdir().unwrap();
                    super::$test(super::BlobStore::folder(folder.path()).unwrap()).await;
                    let left = fs_err::read_dir(folder.path().join("incoming")).unwrap().count();
                    assert_eq!(left, 0, "nothing is left of any upload");
                }
            )*
        }

        #[cfg(feature = "object-store")]
        mod in_an_object_store {
            $(
                #[tokio::test]
                async fn $test() {
                    let store = std::sync::Arc::new(object_store::memory::InMemory::new());
                    super::$test(super::BlobStore::objects(store)).await;
                }
            )*
        }
    };
}

in_each_place!(
    blobs_come_and_go,
    only_what_is_put_in_place_is_there,
    a_download_goes_on_when_its_blob_is_replaced
);

/// A bucket has no lock: what this ledger does not know may be another server's.
#[cfg(feature = "object-store")]
#[tokio::test]
async fn blobs_of_a_bucket_are_counted_and_left() {
    let store = Arc::new(object_store::memory::InMemory::new());
    let store = BlobStore::objects(store);
    let (recorded, unrecorded) = (Uuid::new_v4(), Uuid::new_v4());
    for id in [recorded, unrecorded] {
        let (_, staged) = staged(&store, id, b"abc", 3).await;
        staged.put_in_place().await.unwrap();
    }
    let found = store.remove_unrecorded(&[recorded].into()).await.unwrap();
    assert_eq!(found, Unrecorded::Kept(1));
    assert_eq!(store.size(unrecorded).await.unwrap(), Some(3));
}
