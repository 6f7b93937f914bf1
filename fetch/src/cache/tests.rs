//! The cache, also as other processes and accidents leave it.

use super::*;
use crate::Settings;
use crate::test_server::{Answer, TestServer};
use slugbuilder_report::{Diagnosis, Silent, Style};
use std::os::unix::fs::symlink;
use std::time::Duration;
use tempfile::TempDir;

struct Scene {
    folder: TempDir,
    cache: Cache,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache")).unwrap();
        Self { folder, cache }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Puts a content in.
    fn insert(&self, content: &str) -> Inserted {
        let file = self.folder.path().join("file");
        fs_err::write(&file, content).unwrap();
        self.cache.insert(&file, None).unwrap()
    }
}

fn sha256(content: &str) -> Checksum {
    Checksum::of(Algorithm::Sha256, content.as_bytes()).unwrap()
}

fn sha512(content: &str) -> Checksum {
    Checksum::of(Algorithm::Sha512, content.as_bytes()).unwrap()
}

fn client(offline: bool) -> Client {
    Client::new(Settings {
        offline,
        backoff: Duration::ZERO,
        ..Settings::default()
    })
    .unwrap()
}

fn request(server: &TestServer, checksum: Option<Checksum>) -> Download {
    Download {
        url: server.url("/file"),
        name: "file".to_owned(),
        checksum,
        max_bytes: 100,
    }
}

#[test]
fn what_is_put_in_is_found() {
    let scene = Scene::new();
    assert_eq!(scene.cache.find(&sha256("a")).unwrap(), None);
    let inserted = scene.insert("a");
    assert_eq!((inserted.bytes, inserted.sha256), (1, sha256("a")));
    assert_eq!(
        scene.cache.find(&sha256("a")).unwrap().as_ref(),
        Some(&inserted.path)
    );
    assert_eq!(fs_err::read(&inserted.path).unwrap(), b"a");
    // Another process finds it too, and putting it in twice changes nothing.
    let other = Cache::open(&scene.root()).unwrap();
    assert_eq!(
        other.find(&sha256("a")).unwrap(),
        Some(inserted.path.clone())
    );
    assert_eq!(scene.insert("a"), inserted);
}

#[test]
fn the_folder_is_marked_for_backup_programs_and_git() {
    let scene = Scene::new();
    assert!(
        fs_err::read(scene.root().join("CACHEDIR.TAG"))
            .unwrap()
            .starts_with(b"Signature: 8a477f597d28d172789f06886806bc55")
    );
    assert_eq!(
        fs_err::read(scene.root().join(".gitignore")).unwrap(),
        b"*\n"
    );
    assert!(scene.root().join("archives-v1").is_dir());
}

#[test]
fn only_what_was_expected_is_kept() {
    let scene = Scene::new();
    let file = scene.folder.path().join("file");
    fs_err::write(&file, "b").unwrap();
    let error = scene.cache.insert(&file, Some(&sha256("a"))).unwrap_err();
    let text = Diagnosis::of(&error)
        .render(Style::Plain)
        .replace(file.to_str().unwrap(), "<file>");
    insta::assert_snapshot!(text, @r"
    error[cache-checksum]: `<file>` does not have the expected checksum

      expected sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb
           got sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d

      hint: Get the file anew.
    ");
    assert_eq!(scene.cache.find(&sha256("a")).unwrap(), None);
    assert_eq!(scene.cache.find(&sha256("b")).unwrap(), None);
    assert_eq!(
        fs_err::read_dir(scene.root().join("archives-v1/new"))
            .unwrap()
            .count(),
        0
    );
    assert!(matches!(
        scene.cache.insert(&file.join("x"), None),
        Err(CacheError::Disk { .. })
    ));
}

#[test]
fn a_sha512_finds_it_after_it_was_verified_by_that() {
    let scene = Scene::new();
    scene.insert("a");
    assert_eq!(scene.cache.find(&sha512("a")).unwrap(), None);
    let file = scene.folder.path().join("file");
    let inserted = scene.cache.insert(&file, Some(&sha512("a"))).unwrap();
    assert_eq!(scene.cache.find(&sha512("a")).unwrap(), Some(inserted.path));
}

#[test]
fn a_damaged_content_is_removed_and_missing() {
    let scene = Scene::new();
    for damage in ["", "b", "aa"] {
        let path = scene.insert("a").path;
        fs_err::write(&path, damage).unwrap();
        assert_eq!(scene.cache.find(&sha256("a")).unwrap(), None);
        assert!(!path.exists());
    }
    let path = scene.insert("a").path;
    fs_err::remove_file(&path).unwrap();
    let elsewhere = scene.folder.path().join("file");
    symlink(&elsewhere, &path).unwrap();
    assert_eq!(
        scene.cache.find(&sha256("a")).unwrap(),
        None,
        "a link is no content"
    );
}

#[test]
fn a_wrong_note_is_removed_and_the_content_it_leads_to_is_not() {
    let scene = Scene::new();
    let inserted = scene.insert("a");
    let note = scene
        .root()
        .join("archives-v1/sha512")
        .join(sha512("b").hex());
    fs_err::write(&note, sha256("a").hex()).unwrap();
    assert_eq!(scene.cache.find(&sha512("b")).unwrap(), None);
    assert!(!note.exists());
    assert!(inserted.path.exists());
    for text in ["../../../file", "", "zz"] {
        fs_err::write(&note, text).unwrap();
        assert_eq!(scene.cache.find(&sha512("b")).unwrap(), None, "{text}");
    }
}

#[test]
fn a_download_is_made_once() {
    for checksum in [sha256("a"), sha512("a")] {
        let scene = Scene::new();
        let server = TestServer::start().unwrap();
        server.answer("/file", [Answer::status(500), Answer::ok("a")]);
        let request = request(&server, Some(checksum));
        let first = scene
            .cache
            .fetch(&client(false), &request, &Silent)
            .unwrap();
        assert_eq!(
            (first.from_cache, first.sha256, first.bytes),
            (false, sha256("a"), 1)
        );
        let second = scene.cache.fetch(&client(true), &request, &Silent).unwrap();
        assert_eq!(
            second,
            Fetched {
                from_cache: true,
                ..first
            }
        );
        assert_eq!(server.count("/file"), 2);
    }
}

#[test]
fn what_has_no_checksum_is_always_downloaded_and_kept() {
    let scene = Scene::new();
    let server = TestServer::start().unwrap();
    server.answer("/file", [Answer::ok("a")]);
    for _ in 0..2 {
        assert!(
            !scene
                .cache
                .fetch(&client(false), &request(&server, None), &Silent)
                .unwrap()
                .from_cache
        );
    }
    assert_eq!(server.count("/file"), 2);
    assert!(
        scene
            .cache
            .fetch(&client(true), &request(&server, Some(sha256("a"))), &Silent)
            .unwrap()
            .from_cache
    );
}

#[test]
fn a_failed_download_leaves_nothing() {
    let scene = Scene::new();
    let server = TestServer::start().unwrap();
    server.answer("/file", [Answer::ok("b")]);
    let error = scene
        .cache
        .fetch(
            &client(false),
            &request(&server, Some(sha256("a"))),
            &Silent,
        )
        .unwrap_err();
    assert!(matches!(error, FetchError::Checksum { .. }));
    for folder in ["new", "sha256", "sha512"] {
        assert_eq!(
            fs_err::read_dir(scene.root().join("archives-v1").join(folder))
                .unwrap()
                .count(),
            0
        );
    }
    let error = scene
        .cache
        .fetch(&client(true), &request(&server, Some(sha256("a"))), &Silent)
        .unwrap_err();
    assert!(matches!(error, FetchError::Offline { .. }));
}

#[test]
fn the_upstream_is_searched_and_never_written() {
    let upstream = Scene::new();
    let shared = upstream.insert("a");
    let damaged = upstream.insert("b").path;
    fs_err::write(&damaged, "c").unwrap();
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    fs_err::File::open(&shared.path)
        .unwrap()
        .set_modified(old)
        .unwrap();

    let scene = Scene::new();
    symlink(upstream.root(), scene.root().join("upstream")).unwrap();
    let cache = Cache::open(&scene.root()).unwrap();
    let found = cache.find(&sha256("a")).unwrap().unwrap();
    assert_eq!(
        found.canonicalize().unwrap(),
        shared.path.canonicalize().unwrap()
    );
    assert_eq!(
        fs_err::metadata(&shared.path).unwrap().modified().unwrap(),
        old
    );
    assert_eq!(cache.find(&sha256("b")).unwrap(), None);
    assert!(damaged.exists());
    // Its own comes first, and pruning is about its own only.
    let own = scene.insert("a").path;
    assert_eq!(cache.find(&sha256("a")).unwrap(), Some(own));
    assert_eq!(
        cache.prune(0).unwrap(),
        Pruned {
            files: 1,
            bytes: 1,
            remaining_bytes: 0
        }
    );
    assert!(shared.path.exists());
}

#[test]
fn the_least_recently_used_go_first() {
    let scene = Scene::new();
    let paths: Vec<PathBuf> = ["a", "bb", "cc"]
        .map(|content| scene.insert(content).path)
        .into();
    let file = scene.folder.path().join("file");
    fs_err::write(&file, "bb").unwrap();
    scene.cache.insert(&file, Some(&sha512("bb"))).unwrap();
    for (age, path) in paths.iter().enumerate() {
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + age as u64);
        fs_err::File::open(path)
            .unwrap()
            .set_modified(used)
            .unwrap();
    }
    let sizes = || -> Vec<u64> {
        let stored = Cache::stored(&scene.root()).unwrap();
        stored.iter().map(|stored| stored.bytes).collect()
    };
    assert_eq!(sizes(), [1, 2, 2]);
    // `a` is the oldest, but used now.
    scene.cache.find(&sha256("a")).unwrap().unwrap();
    assert_eq!(sizes(), [2, 2, 1]);
    assert_eq!(
        scene.cache.prune(100).unwrap(),
        Pruned {
            files: 0,
            bytes: 0,
            remaining_bytes: 5
        }
    );
    assert_eq!(
        scene.cache.prune(3).unwrap(),
        Pruned {
            files: 1,
            bytes: 2,
            remaining_bytes: 3
        }
    );
    assert_eq!(
        paths.iter().map(|path| path.exists()).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert_eq!(
        fs_err::read_dir(scene.root().join("archives-v1/sha512"))
            .unwrap()
            .count(),
        0,
        "its note went with it"
    );
}

#[test]
fn looking_into_a_cache_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("cache");
    assert_eq!(Cache::stored(&root).unwrap(), []);
    assert!(!root.exists());
}

#[test]
fn what_a_killed_process_left_is_removed_and_what_is_being_written_is_not() {
    let scene = Scene::new();
    let alive = scene.cache.store.new_file().unwrap();
    let dead = scene.root().join("archives-v1/new/archive-dead");
    fs_err::write(&dead, "half").unwrap();
    Cache::open(&scene.root()).unwrap();
    assert!(alive.path.exists());
    assert!(!dead.exists());
}

#[test]
fn many_writers_and_pruners_at_once_never_hand_out_a_wrong_file() {
    let scene = Scene::new();
    let server = TestServer::start().unwrap();
    server.answer("/file", [Answer::ok("a")]);
    std::thread::scope(|scope| {
        for worker in 0..6 {
            let (root, server) = (scene.root(), &server);
            scope.spawn(move || {
                for _ in 0..10 {
                    // Opened each time, as another process would.
                    let cache = Cache::open(&root).unwrap();
                    if worker == 0 {
                        cache.prune(0).unwrap();
                    } else {
                        let fetched = cache
                            .fetch(&client(false), &request(server, Some(sha256("a"))), &Silent)
                            .unwrap();
                        assert_eq!(fetched.sha256, sha256("a"));
                        if let Ok(content) = std::fs::read(&fetched.path) {
                            assert_eq!(content, b"a");
                        }
                    }
                }
            });
        }
    });
    assert_eq!(
        fs_err::read_dir(scene.root().join("archives-v1/new"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_root_that_is_a_file_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Cache::open(file.path()).unwrap_err();
    let text = Diagnosis::of(&error)
        .render(Style::Plain)
        .replace(file.path().to_str().unwrap(), "<root>");
    insta::assert_snapshot!(text, @r"
    error[cache-disk]: cannot create `<root>/archives-v1/sha256` of the cache
      caused by: Not a directory (os error 20)

      hint: Something else is where the cache keeps its files: remove it, or choose another folder.
    ");
}
