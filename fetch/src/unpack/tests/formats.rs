//! Ways of writing an archive, and damaged ones.

use super::*;
use lzma_rust2::{XzOptions, XzWriter};
use slugbuilder_report::{Diagnosis, Style};
use std::io::{self, Read, Write as _};

fn sample() -> Tar {
    Tar::default()
        .directory("d", 0o755)
        .file("d/a", "hello")
        .symlink("d/l", "a")
        .file("d/long", &"x".repeat(100_000))
}

#[test]
fn formats_are_known_by_their_names() {
    assert_eq!(Format::of_name("node-v1.tar.gz"), Some(Format::TarGz));
    assert_eq!(Format::of_name("slug.tgz"), Some(Format::TarGz));
    assert_eq!(Format::of_name("node-v1.tar.xz"), Some(Format::TarXz));
    assert_eq!(Format::of_name("a.tar"), Some(Format::Tar));
    assert_eq!(Format::of_name("a.zip"), None);
}

#[test]
fn gzip_in_one_or_several_members_and_with_zeros_behind() {
    let tar = sample().end();
    let (first, second) = tar.split_at(1000);
    for bytes in [
        gzip(&tar),
        [gzip(first), gzip(second)].concat(),
        [gzip(&tar), gzip(b"")].concat(),
        [gzip(&tar), vec![0; 10_000]].concat(),
    ] {
        let scene = Scene::new();
        scene
            .unpack_as(&bytes, Format::TarGz, &UnpackOptions::default())
            .unwrap();
        assert_eq!(scene.read("d/l"), "hello");
    }
}

#[test]
fn something_behind_the_end_is_refused() {
    let unpack = |bytes: &[u8], format| {
        Scene::new()
            .unpack_as(bytes, format, &UnpackOptions::default())
            .unwrap_err()
    };
    let tar = sample().end();
    for bytes in [
        [gzip(&tar), b"garbage".to_vec()].concat(),
        [gzip(&tar), vec![0; 10], gzip(&tar)].concat(),
        gzip(&[tar.clone(), tar.clone()].concat()),
        gzip(&[tar.clone(), b"x".to_vec()].concat()),
    ] {
        assert!(matches!(
            unpack(&bytes, Format::TarGz),
            UnpackError::TrailingGarbage
        ));
    }
    insta::assert_snapshot!(Diagnosis::of(&unpack(&[tar.clone(), tar].concat(), Format::Tar)).render(Style::Plain), @"error[unpack-trailing-garbage]: the archive has something else behind its end");
}

#[test]
fn a_cut_off_archive_is_noticed_wherever_it_is_cut() {
    let tar = sample().end();
    for (bytes, format) in [
        (tar.clone(), Format::Tar),
        (gzip(&tar), Format::TarGz),
        (xz(&tar), Format::TarXz),
    ] {
        // A tar's last block is one of two marks of its end: the first is enough.
        let most = if format == Format::Tar {
            bytes.len() - 1024
        } else {
            bytes.len()
        };
        let step = (most / 40).max(1);
        for length in (0..most).step_by(step).chain([most - 1]) {
            let error = Scene::new()
                .unpack_as(&bytes[..length], format, &UnpackOptions::default())
                .unwrap_err();
            let right = matches!(
                error,
                UnpackError::Truncated { .. } | UnpackError::Corrupt { .. }
            );
            assert!(right, "{format:?} {length}: {error:?}");
        }
    }
    let error = Scene::new().unpack(&tar[..5000]).unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
    error[unpack-truncated]: the archive is cut off in `d/long`

      hint: Get or make the archive anew.
    ");
}

#[test]
fn a_damaged_archive_is_noticed() {
    let gz = gzip(&sample().end());
    let unpack = |bytes: &[u8], format| {
        Scene::new()
            .unpack_as(bytes, format, &UnpackOptions::default())
            .unwrap_err()
    };
    for at in [0, 3, gz.len() / 2, gz.len() - 5] {
        let mut damaged = gz.clone();
        damaged[at] ^= 0xff;
        let error = unpack(&damaged, Format::TarGz);
        assert!(
            matches!(
                error,
                UnpackError::Corrupt { .. } | UnpackError::Truncated { .. }
            ),
            "{at}: {error:?}"
        );
    }
    let mut damaged = sample().end();
    damaged[512] ^= 1;
    insta::assert_snapshot!(unpack(&damaged, Format::Tar), @"the archive is damaged: the header after `d` has a wrong checksum");
    insta::assert_snapshot!(unpack(b"<html>not found</html>", Format::TarGz), @"the archive is damaged: invalid gzip header");
    insta::assert_snapshot!(unpack(&[b'<'; 600], Format::Tar), @"the archive is damaged: it does not begin like a tar archive");
    assert!(matches!(
        unpack(b"<html>not found</html>", Format::TarXz),
        UnpackError::Corrupt { .. }
    ));
}

#[test]
fn an_error_of_the_reader_is_told_apart_from_a_damaged_archive() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is on fire"))
        }
    }
    for format in [Format::Tar, Format::TarGz, Format::TarXz] {
        let gz = gzip(&sample().end());
        let reader = gz[..100].chain(Broken);
        let folder = tempfile::tempdir().unwrap();
        let reader: Box<dyn Read + Send> = if format == Format::TarGz {
            Box::new(reader)
        } else {
            Box::new(Broken)
        };
        let error = unpack(
            reader,
            format,
            &folder.path().join("out"),
            &UnpackOptions::default(),
        )
        .unwrap_err();
        assert!(matches!(error, UnpackError::Read(_)), "{error:?}");
    }
}

#[test]
fn names_of_any_bytes_and_length_are_exact() {
    let long = vec![b"n".repeat(255); 15].join(&b'/');
    assert_eq!(long.len(), 3839);
    let odd = b"new\nline \\ \xff\xfe \x1b[0m";
    for (name, archive) in [
        (
            &long[..],
            Tar::default()
                .record(b'L', &[&long, &b"\0"[..]].concat())
                .file("short", "x"),
        ),
        (
            &long[..],
            Tar::default().pax("path", &long).file("short", "x"),
        ),
        (
            &odd[..],
            Tar::default().raw(EntryType::Regular, odd, b"", 0o644, 1, b"x"),
        ),
        (&odd[..], Tar::default().pax("path", odd).file("short", "x")),
    ] {
        let scene = Scene::new();
        scene.unpack(&archive.end()).unwrap();
        // Relative to the folder, because the whole path may be longer than the kernel takes.
        let root = fs_err::File::open(scene.at("")).unwrap();
        let status =
            nix::sys::stat::fstatat(root.file(), name, nix::fcntl::AtFlags::empty()).unwrap();
        assert_eq!(status.st_size, 1);
    }
    let scene = Scene::new();
    let target = b"t/".repeat(1000);
    let archive = Tar::default()
        .record(b'K', &[&target, &b"\0"[..]].concat())
        .symlink("l", "short");
    scene.unpack(&archive.end()).unwrap();
    assert_eq!(
        fs_err::read_link(scene.at("l"))
            .unwrap()
            .as_os_str()
            .as_bytes(),
        target
    );
}

#[test]
fn a_name_that_the_disk_does_not_take_is_an_error_of_the_disk() {
    let archive = Tar::default().pax("path", &[b'n'; 256]).file("x", "");
    assert!(matches!(
        Scene::new().unpack(&archive.end()),
        Err(UnpackError::Disk { .. })
    ));
}

#[test]
fn a_size_of_eight_gigabytes_and_more_is_read() {
    // Base 256, as GNU writes what does not fit into octal digits, and pax.
    for archive in [
        Tar::default().raw(EntryType::Regular, b"a", b"", 0o644, 9 << 30, b"x"),
        Tar::default()
            .pax("size", (9_u64 << 30).to_string().as_bytes())
            .file("a", "x"),
    ] {
        let error = refusal(archive, Links::Inside);
        assert!(
            matches!(&error, UnpackError::Truncated { entry: Some(name) } if name == "a"),
            "{error:?}"
        );
    }
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn xz_in_one_or_several_streams() {
    let tar = sample().end();
    let (first, second) = tar.split_at(1000);
    for bytes in [xz(&tar), [xz(first), xz(second)].concat()] {
        let scene = Scene::new();
        scene
            .unpack_as(&bytes, Format::TarXz, &UnpackOptions::default())
            .unwrap();
        assert_eq!(scene.read("d/l"), "hello");
    }
}
