//! What a build does to its app is what the slug has, however the source was staged.

use super::{Check, Fixture, buildpack, compile_options};
use slugbuilder::compile::compile;
use slugbuilder::slug::Checksum;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;
use std::process::Command;

/// Files of the source; what they become is in [`BUILD`].
const SOURCE: &[&str] = &[
    ".git/HEAD",
    "as-it-is/deep/down/file",
    "changed",
    "removed",
    "renamed",
    "folder-removed/file",
    "folder-remade/old",
    "folder-to-file/old",
    "file-to-folder",
    "merged/kept",
    "merged/removed",
    "merged/deep/kept",
    "merged/hidden/file",
    "hidden/file",
    "hidden-and-remade/old",
];

/// What neither the build nor the slug has at the end.
const GONE: &[&str] = &[
    ".git",
    "removed",
    "renamed",
    "folder-removed",
    "folder-remade/old",
    "folder-to-file/old",
    "merged/removed",
    "merged/hidden",
    "hidden",
    "hidden-and-remade/old",
];

/// Everything that an overlay has a rule of its own for.
const BUILD: &str = "#!/bin/bash
set -e
echo more >> changed
rm removed merged/removed
mv renamed new-name
rm -r folder-removed folder-remade folder-to-file file-to-folder
mkdir folder-remade file-to-folder hidden-and-remade
echo new > folder-remade/new
echo file > folder-to-file
echo new > file-to-folder/new
echo new > merged/new
mkdir -p merged/deep/new
echo new > hidden-and-remade/new
ln -s merged/kept link
ln changed hard-link
chmod 640 changed
";

/// Lists the app: names, modes, sizes of files and targets of links. A folder's size depends on the file system.
const LIST: &str = "find . -path ./.slugbuilder -prune -o -type f ! -name listing -printf '%P %m %s\\n' \
    -o -type d -printf '%P %m\\n' -o -type l -printf '%P %l\\n' | sort";

/// Makes the source; where `third_owner`, one file is someone else's, so that it has to be copied.
fn write_source(fixture: &Fixture, third_owner: bool) {
    let source = fixture.path("source");
    for name in SOURCE {
        let path = source.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, name).unwrap();
    }
    std::fs::write(source.join(".slugignore"), "hidden\nhidden-and-remade\n").unwrap();
    symlink("as-it-is", source.join("old-link")).unwrap();
    fixture.mine("source");
    if third_owner {
        chown(source.join("changed"), Some(12_345), Some(12_345)).unwrap();
    }
}

/// Builds, compares the slug with what the build saw at its end, and gives the slug's checksum.
fn build_and_compare(fixture: &Fixture) -> Result<Checksum, libtest_mimic::Failed> {
    let script = format!("{BUILD}{LIST} > ../tmp/listing\nmv ../tmp/listing listing\n");
    let buildpack = buildpack(fixture, &script);
    let source = fixture.path("source");
    let list = |folder: &Path| -> std::io::Result<String> {
        let listed = Command::new("bash")
            .current_dir(folder)
            .args(["-c", LIST])
            .output()?;
        Ok(String::from_utf8_lossy(&listed.stdout).into_owned())
    };
    let before = list(&source)?;
    let compiled = compile(
        &compile_options(fixture, buildpack),
        &slugbuilder_report::Silent,
    )?;
    assert_eq!(list(&source)?, before, "the source was written");
    let app = tempfile::tempdir()?;
    slugbuilder::slug::unpack(
        &fixture.path("slug.tgz"),
        &app.path().join("app"),
        slugbuilder_fetch::Limits::default(),
        &slugbuilder::stop::Stop::default(),
    )?;
    let app = app.path().join("app");
    let built = std::fs::read_to_string(app.join("listing"))?;
    assert!(built.contains("hidden-and-remade/new"), "{built}");
    for gone in GONE.iter().copied() {
        let is_gone = |line: &str| line.split(' ').next() == Some(gone);
        assert!(!built.lines().any(is_gone), "{gone} in {built}");
    }
    // Without the root: it has the mode that every slug's has.
    let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&list(&app)?), lines(&built));
    assert_eq!(
        std::fs::read_to_string(app.join("changed"))?,
        "changedmore\n"
    );
    Ok(compiled.manifest.slug.checksum)
}

pub(super) fn what_was_built_is_in_the_slug() -> Check {
    let fixture = Fixture::new();
    write_source(&fixture, false);
    let first = build_and_compare(&fixture)?;
    assert_eq!(build_and_compare(&fixture)?, first);
    if nix::unistd::geteuid().is_root() {
        let copied = Fixture::new();
        write_source(&copied, true);
        assert_eq!(build_and_compare(&copied)?, first);
        // What was kept of it is used, and what changed is seen.
        assert_eq!(build_and_compare(&copied)?, first);
        std::fs::write(copied.path("source/merged/kept"), "changed")?;
        assert_ne!(build_and_compare(&copied)?, first);
    }
    Ok(())
}

/// A server that logs into the source must not be able to fail a build, nor may a slug have what is long gone.
pub(super) fn a_source_that_changes_during_the_build() -> Check {
    let fixture = Fixture::new();
    let log = fixture.path("source/log");
    std::fs::write(&log, "before")?;
    std::fs::write(fixture.path("source/removed"), "")?;
    fixture.mine("source");
    let buildpack = buildpack(&fixture, "#!/bin/bash\nsleep 1.5\n");
    let options = compile_options(&fixture, buildpack);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(500));
            std::fs::write(&log, "a new line").unwrap();
            std::fs::remove_file(fixture.path("source/removed")).unwrap();
        });
        compile(&options, &slugbuilder_report::Silent)
    })?;
    let app = fixture.path("unpacked");
    slugbuilder::slug::unpack(
        &fixture.path("slug.tgz"),
        &app,
        slugbuilder_fetch::Limits::default(),
        &slugbuilder::stop::Stop::default(),
    )?;
    assert_eq!(std::fs::read_to_string(app.join("log"))?, "a new line");
    assert!(!app.join("removed").exists());
    Ok(())
}
