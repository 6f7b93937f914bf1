//! Which bytes a tree becomes.

use crate::support::{APP_TIME, Parts, archive, options, put, tree, unpacked};
use sha2::{Digest, Sha256};
use slugbuilder::archive::{AppOnly, ArchiveOptions, Compression, FIXED_TIME, write};
use slugbuilder_report::Silent;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

#[test]
fn entries_are_ordered_by_part_then_folders_then_base_name() {
    let tree = tree();
    let (gzip, summary) = archive(tree.path());
    let mut listing = Vec::new();
    for entry in tar::Archive::new(unpacked(&gzip).as_slice())
        .entries()
        .unwrap()
    {
        let entry = entry.unwrap();
        let header = entry.header();
        let owner = (
            header.uid().unwrap(),
            header.gid().unwrap(),
            header.username().unwrap(),
            header.groupname().unwrap(),
        );
        assert_eq!(owner, (0, 0, Some(""), Some("")));
        listing.push(format!(
            "{:04o} {} {}{}",
            header.mode().unwrap(),
            header.mtime().unwrap(),
            String::from_utf8_lossy(&entry.path_bytes()),
            entry
                .link_name()
                .unwrap()
                .map_or(String::new(), |target| format!(" -> {}", target.display())),
        ));
    }
    assert_eq!(summary.entries, listing.len() as u64);
    insta::assert_snapshot!(listing.join("\n"), @r"
    0755 315532801 ./app/
    0755 315532801 ./app/layers/
    0755 315532801 ./app/layers/runtime/
    0755 315532801 ./app/layers/runtime/bin/
    0755 315532801 ./app/layers/runtime/bin/node
    0755 315532801 ./app/node_modules/
    0755 315532801 ./app/node_modules/a/
    0755 315532801 ./app/node_modules/a-b/
    0755 315532801 ./app/node_modules/b/
    0755 315532801 ./app/vendor/
    0755 315532801 ./app/vendor/bundle/
    0644 315532801 ./app/node_modules/a/index.js
    0644 315532801 ./app/node_modules/a-b/index.js
    0644 315532801 ./app/node_modules/a/package.json
    0644 315532801 ./app/node_modules/b/package.json
    0644 315532801 ./app/vendor/bundle/x.rb
    0755 1700000000 ./app/lib/
    0777 1700000000 ./app/main.js -> web.js
    0644 1700000000 ./app/vendor/own.rb
    0644 1700000000 ./app/web.js
    0644 1700000000 ./app/lib/web.js
    0644 1700000000 ./app/zzz.js
    ");
}

#[test]
fn the_file_is_one_gzip_member_without_time_name_and_system() {
    let tree = tree();
    let (gzip, summary) = archive(tree.path());
    assert_eq!(gzip[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let mut decoder = flate2::bufread::GzDecoder::new(gzip.as_slice());
    let mut tar = Vec::new();
    decoder.read_to_end(&mut tar).unwrap();
    assert!(
        decoder.into_inner().is_empty(),
        "nothing after the one member"
    );
    assert_eq!(tar.len() % 10_240, 0);
    assert!(tar[tar.len() - 1024..].iter().all(|&byte| byte == 0));
    assert_eq!(summary.size, gzip.len() as u64);
    assert_eq!(summary.uncompressed, tar.len() as u64);
    assert_eq!(summary.sha256[..], Sha256::digest(&gzip)[..]);
    assert_eq!(summary.diff_id[..], Sha256::digest(&tar)[..]);
}

/// Guards the format and the compressor: if this changes, `FORMAT_VERSION` has to, and everyone's slugs do.
#[test]
fn the_bytes_are_those_of_this_version_of_the_format() {
    let tree = tree();
    let (_, summary) = archive(tree.path());
    insta::assert_snapshot!(hex::encode(summary.diff_id), @"2f5d97bd84c37561e28b91355fa199342b6b40eb5960b4d0e8b8a66d346cde25");
    insta::assert_snapshot!(hex::encode(summary.sha256), @"29e9efdd590f2fbbeb172c32eb4ad7aa24bd3d34429be56ee47d8219addcd1a6");
}

#[test]
fn where_when_and_by_whom_it_was_made_does_not_matter() {
    let (one, other) = (tree(), tree());
    fs::set_permissions(one.path(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(other.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let early = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    fs::File::options()
        .write(true)
        .open(other.path().join("web.js"))
        .unwrap()
        .set_times(early)
        .unwrap();
    // The same names, made in another order.
    fs::rename(other.path().join("lib"), other.path().join("tmp")).unwrap();
    fs::rename(other.path().join("tmp"), other.path().join("lib")).unwrap();
    assert_eq!(archive(one.path()), archive(other.path()));
}

#[test]
fn options_change_the_bytes() {
    let tree = tree();
    let with = |options: ArchiveOptions| {
        write(tree.path(), &Parts, &options, &mut Vec::new(), &Silent)
            .unwrap()
            .sha256
    };
    let base = with(options());
    assert_ne!(
        base,
        with(ArchiveOptions {
            app_time: APP_TIME + 1,
            ..options()
        })
    );
    assert_ne!(
        base,
        with(ArchiveOptions {
            compression: Compression::Fast,
            ..options()
        })
    );
}

#[test]
fn every_level_of_compression_survives_data_that_does_not_compress() {
    let temporary = tempfile::tempdir().unwrap();
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(1_000_000)
    .collect();
    put(temporary.path(), "noise", &noise);
    for compression in [Compression::Fast, Compression::Default, Compression::Best] {
        let options = ArchiveOptions {
            compression,
            ..options()
        };
        let mut gzip = Vec::new();
        write(temporary.path(), &AppOnly, &options, &mut gzip, &Silent).unwrap();
        assert_eq!(&unpacked(&gzip)[1024..1024 + noise.len()], noise);
    }
}

#[test]
fn names_and_targets_of_any_bytes_and_length_are_exact() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    let odd = std::ffi::OsStr::from_bytes(b"new\nline \xff\xfe \\ ,:\"'");
    put(root, odd, "odd");
    let long_name = "x".repeat(255);
    put(root, &long_name, "255");
    for length in 90..110 {
        put(root, "y".repeat(length), length.to_string());
    }
    let deep = std::iter::repeat_n("d".repeat(200), 18)
        .collect::<PathBuf>()
        .join("leaf");
    put(root, &deep, "deep");
    let target = "t/".repeat(1000);
    symlink(&target, root.join("link")).unwrap();
    let (gzip, _) = archive(root);
    let tar = unpacked(&gzip);
    let mut names = Vec::new();
    let mut archive = tar::Archive::new(tar.as_slice());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path_bytes().strip_prefix(b"./app/").unwrap().to_vec();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        if let Some(link) = entry.link_name_bytes() {
            assert_eq!(link, target.as_bytes());
        }
        names.push((name, content));
    }
    let has = |name: &[u8], content: &str| names.contains(&(name.to_vec(), content.to_owned()));
    assert!(has(odd.as_bytes(), "odd"));
    assert!(has(long_name.as_bytes(), "255"));
    assert!((90..110).all(|length| has("y".repeat(length).as_bytes(), &length.to_string())));
    assert!(has(deep.as_os_str().as_bytes(), "deep"));
    assert!(has(b"link", ""));
}

#[test]
fn an_empty_folder_is_a_slug_too() {
    let temporary = tempfile::tempdir().unwrap();
    let (gzip, summary) = archive(temporary.path());
    assert_eq!(summary.entries, 1);
    assert_eq!(&unpacked(&gzip)[..7], b"./app/\0");
    let header = tar::Header::from_byte_slice(&unpacked(&gzip)[..512]).clone();
    assert_eq!(
        (header.mtime().unwrap(), header.mode().unwrap()),
        (u64::try_from(FIXED_TIME).unwrap(), 0o755)
    );
}
