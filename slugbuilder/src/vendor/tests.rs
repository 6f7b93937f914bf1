use super::*;
use slugbuilder_report::{Diagnosis, Explain as _, SitePath, Style};
use std::collections::BTreeMap;

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn mirror(&self) -> PathBuf {
        self.folder.path().join("mirror")
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// A file in the cache, as a buildpack would report it.
    fn obtained(&self, key: &str, site: Option<(&str, &str)>, content: &str) -> ObtainedFile {
        let path = self.folder.path().join("file");
        fs::write(&path, content).unwrap();
        let cache = Cache::open(&self.cache().join("downloads")).unwrap();
        let inserted = cache.insert(&path, None).unwrap();
        ObtainedFile {
            key: key.into(),
            site: site.map(|(site, path)| SitePath {
                site: site.into(),
                path: path.into(),
            }),
            sha256: inserted.sha256.hex(),
            format: ".tar.gz".into(),
            provenance: BTreeMap::from([("source".into(), "somewhere".into())]),
        }
    }

    fn vendor(&self, files: &[ObtainedFile]) -> Result<Vendored, VendorError> {
        MirrorFolder::open(&self.mirror(), &|| {})?.add(&self.cache(), files)
    }
}

#[test]
fn files_lie_as_on_their_sites_and_are_copied_once() {
    let fixture = Fixture::new();
    let node = fixture.obtained(
        "https://nodejs.org/dist/v24.1.0/node.tar.xz",
        Some(("node", "v24.1.0/node.tar.xz")),
        "node",
    );
    let go = fixture.obtained(
        "https://go.dev/dl/go.tar.gz",
        Some(("go", "go.tar.gz")),
        "go",
    );
    let npm = fixture.obtained("npm:@yarnpkg/cli-dist@4.0.0", None, "yarn");
    let files = [node.clone(), go.clone(), npm.clone()];
    let vendored = fixture.vendor(&files).unwrap();
    assert_eq!(
        (vendored.added.len(), vendored.kept, vendored.bytes),
        (3, 0, 10)
    );
    let mirror = fixture.mirror();
    assert_eq!(
        fs::read(mirror.join("node/v24.1.0/node.tar.xz")).unwrap(),
        b"node"
    );
    let sums = |path: &str| fs::read_to_string(mirror.join(path)).unwrap();
    assert_eq!(
        sums("node/v24.1.0/SHASUMS256.txt"),
        format!("{}  node.tar.xz\n", node.sha256)
    );
    assert_eq!(
        sums("go/go.tar.gz.sha256"),
        format!("{}  go.tar.gz\n", go.sha256)
    );
    let packages = mirror.join("packages");
    let name = format!("npm-@yarnpkg-cli-dist@4.0.0-{}.tar.gz", &npm.sha256[..12]);
    assert!(packages.join(name).is_file());
    assert_eq!(check(&mirror).unwrap(), 3);

    let again = fixture.vendor(&files).unwrap();
    assert_eq!((again.added.len(), again.kept), (0, 3));
}

#[test]
fn what_is_damaged_is_told_and_brought_again() {
    let fixture = Fixture::new();
    let file = fixture.obtained("npm:npm@11.6.2", None, "npm");
    let path = fixture
        .vendor(std::slice::from_ref(&file))
        .unwrap()
        .added
        .remove(0);
    let path = fixture.mirror().join(path);
    fs::write(&path, "other").unwrap();
    let error = check(&fixture.mirror()).unwrap_err();
    let text = Diagnosis::of(&error)
        .render(Style::Plain)
        .replace(&file.sha256[..12], "[HASH]");
    insta::assert_snapshot!(text, @"
    error[mirror-damaged]: 1 file is missing from the mirror folder, or damaged

      - packages/npm-npm@11.6.2-[HASH].tar.gz

      hint: Run `slugbuilder vendor` again: it brings what is not whole.
    ");
    assert_eq!(
        fixture
            .vendor(std::slice::from_ref(&file))
            .unwrap()
            .added
            .len(),
        1
    );
    assert_eq!(check(&fixture.mirror()).unwrap(), 1);

    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    assert!(matches!(
        fixture.vendor(&[file]),
        Err(VendorError::InTheWay(_))
    ));
}

#[test]
fn nothing_leaves_the_folder() {
    let fixture = Fixture::new();
    for path in ["../out", "/etc/out", "v1/../../out"] {
        let file = fixture.obtained("https://nodejs.org/x", Some(("node", path)), "x");
        assert!(
            matches!(fixture.vendor(&[file]), Err(VendorError::Report(_))),
            "{path}"
        );
    }
    let file = fixture.obtained("npm:../../x", None, "x");
    let added = fixture.vendor(&[file]).unwrap().added;
    assert!(added[0].starts_with("packages"), "{added:?}");
    let list = fixture.mirror().join(INDEX);
    let text = fs::read_to_string(&list)
        .unwrap()
        .replace("packages/", "../");
    fs::write(&list, text).unwrap();
    assert!(matches!(
        check(&fixture.mirror()),
        Err(VendorError::Index { .. })
    ));
    assert!(matches!(
        check(fixture.folder.path()),
        Err(VendorError::NoFolder(_))
    ));
}

#[test]
fn links_in_the_folder_lead_nowhere() {
    let fixture = Fixture::new();
    let outside = fixture.folder.path().join("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::create_dir_all(fixture.mirror()).unwrap();
    let link = fixture.mirror().join("packages");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    let file = fixture.obtained("npm:npm@11.6.2", None, "npm");
    let files = std::slice::from_ref(&file);
    let error = fixture.vendor(files).unwrap_err();
    assert_eq!(error.code(), "mirror-in-the-way");
    assert!(matches!(error, VendorError::NoRealFolder(path) if path == link));
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);

    // What lies elsewhere is not read either.
    fs::remove_file(&link).unwrap();
    fixture.vendor(files).unwrap();
    fs::remove_dir(&outside).unwrap();
    fs::rename(&link, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    assert!(matches!(
        check(&fixture.mirror()),
        Err(VendorError::NoRealFolder(_))
    ));

    let list = fixture.mirror().join(INDEX);
    fs::remove_file(&list).unwrap();
    std::os::unix::fs::symlink(outside.join("list"), &list).unwrap();
    assert!(matches!(
        MirrorFolder::open(&fixture.mirror(), &|| {}),
        Err(VendorError::InTheWay(_))
    ));
}

#[test]
fn one_run_fills_the_folder_at_a_time_and_no_entry_is_lost() {
    let fixture = Fixture::new();
    let one = fixture.obtained("npm:npm@11.6.2", None, "npm");
    let other = fixture.obtained("npm:pnpm@9.15.0", None, "pnpm");
    let first = MirrorFolder::open(&fixture.mirror(), &|| {}).unwrap();
    let (waits, waiting) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| {
            let mirror = MirrorFolder::open(&fixture.mirror(), &|| waits.send(()).unwrap());
            mirror
                .unwrap()
                .add(&fixture.cache(), std::slice::from_ref(&other))
        });
        waiting.recv().unwrap();
        first
            .add(&fixture.cache(), std::slice::from_ref(&one))
            .unwrap();
        drop(first);
        second.join().unwrap().unwrap();
    });
    assert_eq!(check(&fixture.mirror()).unwrap(), 2);
}

#[test]
fn a_list_that_cannot_be_used_is_told_before_anything_is_brought() {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.mirror()).unwrap();
    fs::write(fixture.mirror().join(INDEX), "{").unwrap();
    assert!(matches!(
        MirrorFolder::open(&fixture.mirror(), &|| {}),
        Err(VendorError::Index { .. })
    ));
}
