//! Work folders, also as killed builds and prunes leave them.

use super::*;
use crate::sandbox::Interrupt;
use std::time::Instant;

fn open(cache: &Path) -> Workspace {
    Workspace::for_app(cache, &[OsStr::new("app")], &Stop::default(), &|| {}).unwrap()
}

fn lend_and_write(workspace: &Workspace, text: &str) -> PathBuf {
    let lent = workspace.build().join("app/.slugbuilder/layers");
    workspace.lend_layers(&lent).unwrap();
    fs::create_dir_all(lent.join("bp")).unwrap();
    fs::write(lent.join("bp/file"), text).unwrap();
    lent
}

#[test]
fn layers_come_back_after_success() {
    let cache = tempfile::tempdir().unwrap();
    let workspace = open(cache.path());
    let lent = lend_and_write(&workspace, "1");
    workspace.return_layers(&lent).unwrap();
    workspace.clean_up().unwrap();
    drop(workspace);
    let workspace = open(cache.path());
    let lent = workspace.build().join("elsewhere");
    workspace.lend_layers(&lent).unwrap();
    assert_eq!(fs::read_to_string(lent.join("bp/file")).unwrap(), "1");
}

#[test]
fn layers_of_a_build_that_did_not_end_are_dropped() {
    let cache = tempfile::tempdir().unwrap();
    let workspace = open(cache.path());
    let lent = lend_and_write(&workspace, "1");
    workspace.return_layers(&lent).unwrap();
    lend_and_write(&workspace, "half");
    drop(workspace);
    let workspace = open(cache.path());
    assert!(!workspace.layers().exists());
    assert_eq!(fs::read_dir(workspace.build()).unwrap().count(), 0);
}

#[test]
fn clearing_keeps_the_stores_and_nothing_of_the_slug() {
    let cache = tempfile::tempdir().unwrap();
    let workspace = open(cache.path());
    let lent = lend_and_write(&workspace, "1");
    fs::write(lent.join("bp/store.toml"), "x = 1").unwrap();
    workspace.return_layers(&lent).unwrap();
    fs::create_dir(workspace.slug()).unwrap();
    fs::write(workspace.slug().join("index"), "").unwrap();
    workspace.clear().unwrap();
    assert!(!workspace.slug().exists());
    let kept: Vec<_> = fs::read_dir(workspace.layers().join("bp"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(kept, ["store.toml"]);
}

#[test]
fn a_second_build_waits_for_the_first() {
    let cache = tempfile::tempdir().unwrap();
    let first = open(cache.path());
    let interrupt = Interrupt::new().unwrap();
    let raise = || interrupt.raise();
    let wait = |stop: &Stop| {
        Workspace::for_app(cache.path(), &[OsStr::new("app")], stop, &raise).unwrap_err()
    };
    let error = wait(&Stop::new(&interrupt, None));
    assert!(matches!(error, WorkspaceError::Interrupted));
    let late = Stop::new(&Interrupt::new().unwrap(), Some(Instant::now()));
    assert!(matches!(wait(&late), WorkspaceError::TimedOut));
    drop(first);
    open(cache.path());
}

#[test]
fn runs_that_were_left_are_removed() {
    let cache = tempfile::tempdir().unwrap();
    let runs = cache.path().join("runs-v1");
    let running = Workspace::for_run(cache.path()).unwrap();
    let left = runs.join("run-left");
    fs::create_dir_all(left.join("build")).unwrap();
    fs::write(left.join("lock"), "").unwrap();
    // Killed before it had a lock, and killed while it was removed.
    fs::create_dir(runs.join("run-early")).unwrap();
    fs::create_dir_all(runs.join("trash-run-late/build")).unwrap();
    let other = Workspace::for_run(cache.path()).unwrap();
    assert_eq!(fs::read_dir(&runs).unwrap().count(), 2);
    assert!(running.build().exists());
    other.remove().unwrap();
    running.remove().unwrap();
    assert_eq!(fs::read_dir(&runs).unwrap().count(), 0);
}

#[test]
fn runs_that_start_and_end_at_once_leave_each_other_alone() {
    let cache = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let workspace = Workspace::for_run(cache.path()).unwrap();
                    fs::write(workspace.build().join("file"), "").unwrap();
                    std::thread::yield_now();
                    assert!(workspace.build().join("file").exists());
                    workspace.remove().unwrap();
                }
            });
        }
    });
    let runs = cache.path().join("runs-v1");
    Workspace::for_run(cache.path()).unwrap().remove().unwrap();
    assert_eq!(fs::read_dir(runs).unwrap().count(), 0);
}

/// Builds an app with a layer in it, up to where it is kept.
fn built(workspace: &Workspace) {
    let app = workspace.build().join("app");
    let layers = app.join(crate::cnb::LAYERS_FOLDER);
    fs::create_dir_all(layers.parent().unwrap()).unwrap();
    workspace.lend_layers(&layers).unwrap();
    fs::create_dir_all(layers.join("bp/layer")).unwrap();
    workspace.keep_app(&app).unwrap();
    fs::write(workspace.kept_record(), "record").unwrap();
}

#[test]
fn a_kept_app_stays_with_its_layers_and_gives_them_to_a_build() {
    let cache = tempfile::tempdir().unwrap();
    let workspace = open(cache.path());
    built(&workspace);
    workspace.settle_kept().unwrap();
    drop(workspace);
    let workspace = open(cache.path());
    assert!(!workspace.was_cut_short());
    assert!(workspace.kept_layers().join("bp/layer").exists());
    assert!(!workspace.layers().exists());
    workspace.release_kept().unwrap();
    assert!(workspace.layers().join("bp/layer").exists());
    assert!(!workspace.kept_app().exists() && !workspace.kept_record().exists());
    workspace.release_kept().unwrap();
    assert!(workspace.layers().join("bp/layer").exists());
}

#[test]
fn an_app_that_a_killed_build_was_about_to_keep_is_gone() {
    let cache = tempfile::tempdir().unwrap();
    let workspace = open(cache.path());
    built(&workspace);
    drop(workspace);
    let workspace = open(cache.path());
    assert!(workspace.was_cut_short());
    assert!(!workspace.kept_app().exists() && !workspace.kept_record().exists());
    assert!(!workspace.layers().exists());
    drop(workspace);
    assert!(!open(cache.path()).was_cut_short());
}

#[test]
fn a_kept_app_has_its_layers_back_where_nothing_was_built() {
    let cache = tempfile::tempdir().unwrap();
    let workspace = open(cache.path());
    built(&workspace);
    workspace.settle_kept().unwrap();
    let lent = workspace.build().join("lent");
    workspace.lend_layers(&lent).unwrap();
    assert!(lent.join("bp/layer").exists() && workspace.kept_record().exists());
    workspace.give_back_layers(&lent).unwrap();
    drop(workspace);
    let workspace = open(cache.path());
    assert!(!workspace.was_cut_short());
    assert!(workspace.kept_layers().join("bp/layer").exists());
    assert!(workspace.kept_record().exists() && !workspace.layers().exists());

    // Without a kept app they go where layers alone are.
    workspace.release_kept().unwrap();
    let lent = workspace.build().join("lent");
    workspace.lend_layers(&lent).unwrap();
    workspace.give_back_layers(&lent).unwrap();
    assert!(workspace.layers().join("bp/layer").exists());
    assert!(!workspace.kept_app().exists());
}

#[test]
fn layers_are_not_taken_through_a_link() {
    let cache = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir_all(elsewhere.path().join("layers/bp")).unwrap();
    let workspace = open(cache.path());
    built(&workspace);
    workspace.settle_kept().unwrap();
    let own = workspace.kept_app().join(crate::cnb::OWN_FOLDER);
    fs::remove_dir_all(&own).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), &own).unwrap();
    workspace.release_kept().unwrap();
    assert!(elsewhere.path().join("layers/bp").exists());
    assert!(!workspace.layers().exists());
}
