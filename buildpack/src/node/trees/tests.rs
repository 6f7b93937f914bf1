use super::*;

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

/// An app with two trees, and a store beside it.
fn app() -> (tempfile::TempDir, PathBuf, Store, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("app");
    write(
        &app,
        &[
            ("node_modules/one/index.js", "one"),
            ("node_modules/.package-lock.json", "{}"),
            ("packages/api/node_modules/two/index.js", "two"),
        ],
    );
    fs::create_dir_all(app.join("node_modules/.bin")).unwrap();
    fs::os::unix::fs::symlink("../one/index.js", app.join("node_modules/.bin/one")).unwrap();
    let program = std::fs::Permissions::from_mode(0o755);
    fs::set_permissions(app.join("node_modules/one/index.js"), program).unwrap();
    let store = Store::at(folder.path().join("layer/full"));
    let paths = vec!["node_modules".into(), "packages/api/node_modules".into()];
    (folder, app, store, paths)
}

#[test]
fn trees_are_put_away_and_come_back_as_they_were() {
    let (_folder, app, store, paths) = app();
    store.fill(&app, &paths, Sharing::Links).unwrap();
    let before = inode(&app.join("node_modules/one/index.js"));
    for path in &paths {
        remove(&app.join(path)).unwrap();
    }
    assert!(store.fits(&app).unwrap());
    let mark_there = store.marks().unwrap();
    assert_eq!(store.hand_out(&app).unwrap(), Taken::Moved);
    assert_eq!(inode(&app.join("node_modules/one/index.js")), before);
    assert_eq!(
        fs::read_link(app.join("node_modules/.bin/one")).unwrap(),
        Path::new("../one/index.js")
    );
    // Half of it is elsewhere: nobody may take it for whole.
    assert_eq!(store.paths().unwrap(), None);
    store.take_back(&app).unwrap();
    assert_eq!(store.paths().unwrap().unwrap(), paths);
    assert_eq!(store.marks().unwrap(), mark_there);
    assert!(!app.join("node_modules").exists());
}

#[test]
fn a_clone_shares_files_but_not_the_state_of_package_managers() {
    let (_folder, app, store, paths) = app();
    store.fill(&app, &paths, Sharing::Links).unwrap();
    let there = store.folder.join("0");
    for (file, shared) in [("one/index.js", true), (".package-lock.json", false)] {
        let same = inode(&app.join("node_modules").join(file)) == inode(&there.join(file));
        assert_eq!(same, shared, "{file}");
    }
    let mode = fs::metadata(there.join("one/index.js")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o755);

    let other = Store::at(store.folder.with_file_name("copy"));
    other.fill(&app, &paths, Sharing::Copies).unwrap();
    let (one, copy) = (
        app.join("node_modules/one/index.js"),
        other.folder.join("0/one/index.js"),
    );
    assert_ne!(inode(&one), inode(&copy));
    let (one, copy) = (fs::metadata(one).unwrap(), fs::metadata(copy).unwrap());
    assert_eq!(one.modified().unwrap(), copy.modified().unwrap());
    assert_eq!(one.mode(), copy.mode());
}

#[test]
fn a_mark_changes_with_what_is_in_a_tree_and_not_with_its_links() {
    let (_folder, app, store, paths) = app();
    let before = Marks::of(&app, &paths).unwrap();
    store.fill(&app, &paths, Sharing::Links).unwrap();
    assert_eq!(Marks::of(&app, &paths).unwrap(), before);
    let linked = store.marks().unwrap();
    // Written in place, with the same size: seen through the link too.
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(app.join("node_modules/one/index.js"), "eno").unwrap();
    assert_ne!(Marks::of(&app, &paths).unwrap(), before);
    assert_ne!(store.marks().unwrap(), linked);

    let before = Marks::of(&app, &paths).unwrap();
    let new = "packages/api/node_modules/.prisma/client.js";
    write(&app, &[(new, "")]);
    let after = Marks::of(&app, &paths).unwrap();
    let changed = before.difference(&after, &|path| path.ends_with("client.js"));
    assert_eq!(changed, Some(Path::new(new)));
    assert_eq!(
        before.difference(&after, &|path| !path.starts_with("packages")),
        None
    );
    remove(&app.join("packages/api/node_modules")).unwrap();
    let gone = Marks::of(&app, &paths).unwrap();
    assert!(after.difference(&gone, &|_| true).is_some());
}

#[test]
fn a_store_that_is_not_whole_holds_nothing() {
    let (_folder, app, store, paths) = app();
    assert_eq!(store.paths().unwrap(), None);
    store.fill(&app, &paths, Sharing::Links).unwrap();
    remove(&store.folder.join("1")).unwrap();
    assert_eq!(store.paths().unwrap(), None);
    for bad in ["nonsense", r#"["../outside"]"#, r#"["/etc"]"#] {
        fs::write(store.folder.join(INDEX), bad).unwrap();
        assert_eq!(store.paths().unwrap(), None, "{bad}");
    }
}

#[test]
fn trees_do_not_go_over_what_the_source_has_or_through_its_links() {
    let (folder, app, store, paths) = app();
    store.fill(&app, &paths, Sharing::Links).unwrap();
    assert!(!store.fits(&app).unwrap());
    let other = folder.path().join("other");
    fs::create_dir_all(&other).unwrap();
    assert!(store.fits(&other).unwrap());
    fs::os::unix::fs::symlink("/tmp", other.join("packages")).unwrap();
    assert!(!store.fits(&other).unwrap());
}
