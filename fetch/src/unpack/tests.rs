//! Archives built byte by byte, most of them hostile.

mod formats;
mod hostile;

use super::*;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use tar::{EntryType, Header};
use tempfile::TempDir;

/// Builds an archive without asking whether it makes sense.
#[derive(Default, Clone)]
struct Tar(Vec<u8>);

impl Tar {
    /// Appends a header and its content. The size field may lie.
    fn raw(
        mut self,
        kind: EntryType,
        name: &[u8],
        target: &[u8],
        mode: u32,
        size: u64,
        content: &[u8],
    ) -> Self {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target);
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(12345);
        header.set_gid(12345);
        header.set_mtime(1_000_000_000);
        header.set_size(size);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, content: &str) -> Self {
        self.file_with_mode(name, content, 0o644)
    }

    fn file_with_mode(self, name: &str, content: &str, mode: u32) -> Self {
        self.raw(
            EntryType::Regular,
            name.as_bytes(),
            b"",
            mode,
            content.len() as u64,
            content.as_bytes(),
        )
    }

    fn directory(self, name: &str, mode: u32) -> Self {
        self.raw(EntryType::Directory, name.as_bytes(), b"", mode, 0, b"")
    }

    fn symlink(self, name: &str, target: &str) -> Self {
        self.raw(
            EntryType::Symlink,
            name.as_bytes(),
            target.as_bytes(),
            0o777,
            0,
            b"",
        )
    }

    fn hard_link(self, name: &str, target: &str) -> Self {
        self.raw(
            EntryType::Link,
            name.as_bytes(),
            target.as_bytes(),
            0o644,
            0,
            b"",
        )
    }

    fn kind(self, kind: u8, name: &str) -> Self {
        self.raw(EntryType::new(kind), name.as_bytes(), b"", 0o644, 0, b"")
    }

    /// A GNU long name or a pax record.
    fn record(self, kind: u8, content: &[u8]) -> Self {
        self.raw(
            EntryType::new(kind),
            b"record",
            b"",
            0o644,
            content.len() as u64,
            content,
        )
    }

    fn pax(self, key: &str, value: &[u8]) -> Self {
        self.record(b'x', &pax(key, value))
    }

    /// With the mark of the end.
    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

/// One pax record.
fn pax(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = [format!(" {key}=").as_bytes(), value, b"\n"].concat();
    let length = (1..10_000)
        .find(|length| length == &(rest.len() + length.to_string().len()))
        .unwrap();
    [length.to_string().as_bytes(), &rest].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder to unpack in.
struct Scene(TempDir);

impl Scene {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join("out").join(name)
    }

    fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.at(name)).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        fs_err::symlink_metadata(self.at(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    }

    #[expect(
        clippy::panic_in_result_fn,
        reason = "checks what all outcomes have in common"
    )]
    fn unpack_as(
        &self,
        bytes: &[u8],
        format: Format,
        options: &UnpackOptions<'_>,
    ) -> Result<Unpacked, UnpackError> {
        let result = unpack(bytes, format, &self.0.path().join("out"), options);
        let names: Vec<_> = fs_err::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        if result.is_ok() {
            assert_eq!(names, ["out"]);
        } else {
            assert!(names.is_empty(), "left behind: {names:?}");
        }
        result
    }

    fn unpack(&self, bytes: &[u8]) -> Result<Unpacked, UnpackError> {
        self.unpack_as(bytes, Format::Tar, &UnpackOptions::default())
    }
}

/// What the archive is refused with.
fn refusal(archive: Tar, links: Links) -> UnpackError {
    let options = UnpackOptions {
        links,
        ..UnpackOptions::default()
    };
    Scene::new()
        .unpack_as(&archive.end(), Format::Tar, &options)
        .unwrap_err()
}

#[test]
fn files_folders_and_links_come_out_as_they_went_in() {
    let scene = Scene::new();
    let archive = Tar::default()
        .directory("a/", 0o750)
        .file_with_mode("a/program", "#!/bin/sh\n", 0o755)
        .file("b/c/deep", "deep")
        .file_with_mode("read-only", "r", 0o444)
        .symlink("a/link", "../b/c/deep")
        .hard_link("hard", "b/c/deep")
        .file("empty", "");
    let unpacked = scene.unpack(&archive.end()).unwrap();
    assert_eq!(
        unpacked,
        Unpacked {
            files: 5,
            directories: 1,
            symlinks: 1,
            bytes: 15,
            outside: 0,
            unwanted: 0
        }
    );
    assert_eq!(
        (scene.read("a/program").as_str(), scene.mode("a/program")),
        ("#!/bin/sh\n", 0o755)
    );
    assert_eq!(
        (
            scene.mode("a"),
            scene.mode("b"),
            scene.mode("b/c"),
            scene.mode("")
        ),
        (0o750, 0o755, 0o755, 0o755)
    );
    assert_eq!(scene.mode("read-only"), 0o444);
    assert_eq!(scene.read("a/link"), "deep");
    assert_eq!(
        fs_err::metadata(scene.at("hard")).unwrap().ino(),
        fs_err::metadata(scene.at("b/c/deep")).unwrap().ino()
    );
    let uid = fs_err::metadata(scene.0.path()).unwrap().uid();
    assert_eq!(
        fs_err::metadata(scene.at("empty")).unwrap().uid(),
        uid,
        "owners are ignored"
    );
}

#[test]
fn special_bits_are_dropped_and_modes_do_not_depend_on_the_mask() {
    let scene = Scene::new();
    let archive = Tar::default()
        .directory("d", 0o1777)
        .file_with_mode("f", "", 0o6777)
        .file_with_mode("g", "", 0o666);
    scene.unpack(&archive.end()).unwrap();
    assert_eq!(
        (scene.mode("d"), scene.mode("f"), scene.mode("g")),
        (0o777, 0o777, 0o666)
    );
}

#[test]
fn a_folder_may_be_closed_before_its_content_comes() {
    let scene = Scene::new();
    let archive = Tar::default()
        .directory("a", 0o500)
        .directory("a/b", 0o000)
        .file("a/b/c", "c");
    scene.unpack(&archive.end()).unwrap();
    assert_eq!((scene.mode("a"), scene.mode("a/b")), (0o500, 0));
    // So that the folder of the test can be removed.
    for name in ["a", "a/b"] {
        fs_err::set_permissions(scene.at(name), std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    assert_eq!(scene.read("a/b/c"), "c");
}

#[test]
fn times_are_restored_when_asked_for() {
    let archive = Tar::default()
        .directory("d", 0o755)
        .file("d/f", "")
        .symlink("l", "d")
        .pax("mtime", b"1234567890.75")
        .file("p", "")
        .end();
    let modified =
        |scene: &Scene, name: &str| fs_err::symlink_metadata(scene.at(name)).unwrap().mtime();
    let scene = Scene::new();
    let options = UnpackOptions {
        times: Times::Archive,
        ..UnpackOptions::default()
    };
    scene.unpack_as(&archive, Format::Tar, &options).unwrap();
    assert_eq!(
        ["d", "d/f", "l", "p"].map(|name| modified(&scene, name)),
        [1_000_000_000, 1_000_000_000, 1_000_000_000, 1_234_567_890]
    );
    let scene = Scene::new();
    scene.unpack(&archive).unwrap();
    assert!(
        ["d", "d/f", "l", "p"]
            .iter()
            .all(|name| modified(&scene, name) > 1_600_000_000)
    );
}

#[test]
fn components_are_stripped() {
    let scene = Scene::new();
    let archive = Tar::default()
        .directory("./node-v1/", 0o700)
        .file("node-v1/bin/node", "node")
        .file("README", "outside")
        .hard_link("node-v1/also", "node-v1/bin/node");
    let options = UnpackOptions {
        strip: Strip::Components(1),
        ..UnpackOptions::default()
    };
    let unpacked = scene
        .unpack_as(&archive.end(), Format::Tar, &options)
        .unwrap();
    assert_eq!((unpacked.files, unpacked.outside), (2, 1));
    assert_eq!(
        (scene.read("bin/node"), scene.read("also"), scene.mode("")),
        ("node".into(), "node".into(), 0o700)
    );
}

#[test]
fn a_prefix_is_stripped_and_the_rest_left_out() {
    let scene = Scene::new();
    let archive = Tar::default()
        .directory("./", 0o777)
        .directory("./app/", 0o700)
        .file("./app/web.js", "w")
        .file("app//lib/./x", "x")
        .file("application", "no")
        .file("other/app/y", "no");
    let options = UnpackOptions {
        strip: Strip::Prefix("./app/".into()),
        ..UnpackOptions::default()
    };
    let unpacked = scene
        .unpack_as(&archive.end(), Format::Tar, &options)
        .unwrap();
    assert_eq!(
        (unpacked.files, unpacked.directories, unpacked.outside),
        (2, 1, 3)
    );
    assert_eq!(
        (scene.read("web.js"), scene.read("lib/x"), scene.mode("")),
        ("w".into(), "x".into(), 0o700)
    );
    assert_eq!(fs_err::read_dir(scene.at("")).unwrap().count(), 2);
}

#[test]
fn only_what_is_wanted_comes_out() {
    let scene = Scene::new();
    let archive = Tar::default()
        .directory("include", 0o755)
        .file("include/a.h", "h")
        .file("bin/x/node", "n");
    let keep = |path: &Path| !path.starts_with("include");
    let options = UnpackOptions {
        keep: &keep,
        ..UnpackOptions::default()
    };
    let unpacked = scene
        .unpack_as(&archive.end(), Format::Tar, &options)
        .unwrap();
    assert_eq!((unpacked.files, unpacked.unwanted), (1, 2));
    assert!(!scene.at("include").exists() && scene.at("bin/x/node").exists());
}

#[test]
fn the_last_of_two_files_stays_and_other_names_of_the_first_keep_theirs() {
    let scene = Scene::new();
    let archive = Tar::default()
        .file("a", "first")
        .hard_link("b", "a")
        .file("a", "second")
        .symlink("c", "a")
        .file("c", "third")
        .symlink("b2", "a")
        .symlink("b2", "c")
        .directory("d", 0o700)
        .directory("d", 0o711);
    scene.unpack(&archive.end()).unwrap();
    assert_eq!(
        ["a", "b", "c", "b2"].map(|name| scene.read(name)),
        ["second", "first", "third", "third"]
    );
    assert_eq!(scene.mode("d"), 0o711);
}

#[test]
fn a_destination_that_exists_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Tar::default().file("a", "a").end();
    let error = unpack(
        &*archive,
        Format::Tar,
        folder.path(),
        &UnpackOptions::default(),
    )
    .unwrap_err();
    assert!(matches!(error, UnpackError::DestinationExists { .. }));
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
    let error = unpack(
        &*archive,
        Format::Tar,
        &folder.path().join("no/where"),
        &UnpackOptions::default(),
    )
    .unwrap_err();
    assert!(matches!(error, UnpackError::Disk { .. }));
}
