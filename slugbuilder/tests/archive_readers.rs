//! Other programs read our slugs as we mean them.
//!
//! GNU tar and gzip are on every Debian and Ubuntu; what the other readers need is named where their tests are ignored.

#![expect(clippy::unwrap_used, reason = "tests may panic, their helpers too")]

use sha2::{Digest, Sha256};
use slugbuilder::archive::{AppOnly, ArchiveOptions, FIXED_TIME, write_file};
use slugbuilder_report::Silent;
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

const APP_TIME: i64 = 1_700_000_000;

/// A slug of many chunks, of a tree with every kind of name, and the lines that tell what is in it.
struct Slug {
    folder: tempfile::TempDir,
    expected: Vec<String>,
}

/// Checks two slugs: one that was made at once, and one of which the most is from the slug before it.
fn each(check: impl Fn(&Slug)) {
    check(&Slug::new(false));
    check(&Slug::new(true));
}

/// Bytes that compress somewhat or, with `noise`, not at all.
fn content(seed: u64, noise: bool, size: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(size + 32);
    while bytes.len() < size {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        if noise {
            bytes.extend_from_slice(&state.to_be_bytes()[..4]);
        } else {
            bytes.extend_from_slice(format!("let {:x} = {seed};\n", state >> 52).as_bytes());
        }
    }
    bytes.truncate(size);
    bytes
}

impl Slug {
    fn new(warm: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("source");
        let put = |path: &Path, content: &[u8], mode| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        put("bin/run".as_ref(), b"#!/bin/sh\n", 0o755);
        put("empty".as_ref(), b"", 0o600);
        put("large".as_ref(), &vec![b'x'; 100_000], 0o644);
        put(OsStr::from_bytes(b"new\nline").as_ref(), b"1", 0o644);
        put(
            OsStr::from_bytes(b"not utf-8 \xff\xfe").as_ref(),
            b"2",
            0o644,
        );
        put(
            OsStr::from_bytes(b" back\\slash \"quote\" ").as_ref(),
            b"3",
            0o444,
        );
        put("ünï".as_ref(), b"4", 0o644);
        // With `./app/` before them: around the 100 bytes of a header's field.
        for length in 92..97 {
            put(
                "n".repeat(length).as_ref(),
                length.to_string().as_bytes(),
                0o644,
            );
            let name = format!("l{length}");
            symlink("t".repeat(length + 6), root.join(name)).unwrap();
            fs::create_dir(root.join("d".repeat(length))).unwrap();
        }
        put("m".repeat(255).as_ref(), b"255", 0o644);
        let deep: PathBuf = std::iter::repeat_n("deep".repeat(25), 30).collect();
        put(&deep.join("leaf"), b"deep", 0o644);
        symlink("../".repeat(300) + "x", root.join("long link")).unwrap();
        symlink(OsStr::from_bytes(b"to\n\xff"), root.join("odd link")).unwrap();
        fs::hard_link(root.join("large"), root.join("hard")).unwrap();
        put("noise".as_ref(), &content(1, true, 2_500_000), 0o644);
        put("text".as_ref(), &content(2, false, 2_000_000), 0o644);
        for number in 0..150 {
            let path = format!("modules/m{number}/index.js");
            let size = usize::try_from(number).unwrap() * 97 + 15_000;
            put(
                path.as_ref(),
                &content(number, number % 3 == 0, size),
                0o644,
            );
        }
        let mut options = ArchiveOptions {
            app_time: APP_TIME,
            ..ArchiveOptions::default()
        };
        let slug = folder.path().join("slug.tgz");
        let write = |options: &_| write_file(&root, &AppOnly, options, &slug, &Silent).unwrap();
        if warm {
            options.cache = Some(folder.path().join("cache"));
            write(&options);
            // Here and there, so that old and new take turns.
            for number in [3, 77, 149] {
                let path = format!("modules/m{number}/index.js");
                put(path.as_ref(), &content(number + 1000, false, 20_000), 0o644);
            }
            let summary = write(&options);
            assert!(summary.reused > summary.size / 2);
        } else {
            write(&options);
        }
        // Our times, not the source's; the root has the fixed ones.
        let expected = lines(&root, |path, _| {
            if path.as_os_str().is_empty() {
                FIXED_TIME
            } else {
                APP_TIME
            }
        });
        Self { folder, expected }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("slug.tgz")
    }

    /// Checks that `program` unpacks the slug to what it was made of.
    fn check_extraction(&self, program: &str, arguments: &[&str]) {
        let target = self.folder.path().join("target");
        fs::create_dir(&target).unwrap();
        run(Command::new(program)
            .args(arguments)
            .arg("-xpzf")
            .arg(self.path())
            .arg("-C")
            .arg(&target));
        assert_eq!(
            fs::read_dir(&target).unwrap().count(),
            1,
            "nothing beside `app`"
        );
        assert_eq!(
            lines(&target.join("app"), |_, metadata| metadata.mtime()),
            self.expected
        );
    }

    /// Checks that a script that prints lines like ours for each entry agrees.
    fn check_listing(&self, command: &mut Command) {
        let output = run(command.arg(self.path()));
        let mut listed: Vec<String> = output.lines().map(str::to_owned).collect();
        listed.sort();
        assert_eq!(listed, self.expected);
    }
}

fn run(command: &mut Command) -> String {
    let output = command.env("LC_ALL", "C").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    assert_eq!(errors, "", "{command:?} warns");
    String::from_utf8(output.stdout).unwrap()
}

/// `<kind> <mode> <time> <name, in hexadecimal> <link's target, in hexadecimal, or content's SHA-256>` for every entry.
fn lines(root: &Path, time: impl Fn(&Path, &fs::Metadata) -> i64) -> Vec<String> {
    let mut lines: Vec<String> = walkdir::WalkDir::new(root)
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let path = entry.path().strip_prefix(root).unwrap();
            let (kind, mode, content) = if metadata.is_dir() {
                // What the umask left when the test made it.
                let mode = if path.as_os_str().is_empty() {
                    0o755
                } else {
                    metadata.mode() & 0o777
                };
                ("dir", mode, String::new())
            } else if metadata.is_symlink() {
                let target = fs::read_link(entry.path()).unwrap();
                ("link", 0o777, hex::encode(target.as_os_str().as_bytes()))
            } else {
                let content = fs::read(entry.path()).unwrap();
                (
                    "file",
                    metadata.mode() & 0o777,
                    hex::encode(Sha256::digest(content)),
                )
            };
            let name = [b"./app/", path.as_os_str().as_bytes()].concat();
            let name = hex::encode(name.strip_suffix(b"/").unwrap_or(&name));
            format!("{kind} {mode:o} {} {name} {content}", time(path, &metadata))
        })
        .collect();
    lines.sort();
    lines
}

/// The tar in a slug, by `flate2`, which reads no more than one member.
fn tar_of(slug: &Slug) -> Vec<u8> {
    let bytes = fs::read(slug.path()).unwrap();
    let mut decoder = flate2::bufread::GzDecoder::new(&bytes[..]);
    let mut tar = Vec::new();
    decoder.read_to_end(&mut tar).unwrap();
    assert_eq!(decoder.into_inner().len(), 0, "nothing after the member");
    tar
}

fn tar_sum(slug: &Slug) -> String {
    hex::encode(Sha256::digest(tar_of(slug)))
}

#[test]
fn gzip_finds_no_fault() {
    each(|slug| drop(run(Command::new("gzip").arg("-t").arg(slug.path()))));
}

#[test]
#[ignore = "needs pigz"]
fn pigz_finds_no_fault() {
    each(|slug| drop(run(Command::new("pigz").arg("-t").arg(slug.path()))));
}

/// The SHA-256 of what a shell script makes of the slug at `$0`.
fn sum(script: &str, slug: &Slug) -> String {
    let script = format!("{script} | sha256sum");
    let output = run(Command::new("sh").arg("-c").arg(script).arg(slug.path()));
    output.split(' ').next().unwrap().to_owned()
}

#[test]
#[ignore = "needs igzip (Debian's isal)"]
fn igzip_unzips_it() {
    // Its `-t` takes no file that ends in .tgz.
    each(|slug| assert_eq!(sum(r#"igzip -d -c "$0""#, slug), tar_sum(slug)));
}

#[test]
fn gnu_tar_extracts_it() {
    each(|slug| slug.check_extraction("tar", &["--delay-directory-restore"]));
}

#[test]
#[ignore = "needs busybox"]
fn busybox_extracts_it() {
    each(|slug| {
        // Its gunzip on its own, and then its tar with all that it does with an archive.
        assert_eq!(sum(r#"busybox gunzip -c "$0""#, slug), tar_sum(slug));
        let target = slug.folder.path().join("target");
        fs::create_dir(&target).unwrap();
        run(Command::new("busybox")
            .args(["tar", "-xpzf"])
            .arg(slug.path())
            .arg("-C")
            .arg(&target));
        // Folders get their times when it meets them, before what is in them.
        let without_times = |lines: &[String]| -> Vec<String> {
            let words = lines.iter().map(|line| line.split(' ').collect::<Vec<_>>());
            let mut lines: Vec<String> = words
                .map(|words| [&words[..2], &words[3..]].concat().join(" "))
                .collect();
            lines.sort();
            lines
        };
        let found = lines(&target.join("app"), |_, metadata| metadata.mtime());
        assert_eq!(without_times(&found), without_times(&slug.expected));
    });
}

#[test]
#[ignore = "needs node (Debian's nodejs)"]
fn node_reads_it() {
    const SCRIPT: &str = r#"
const fs = require("fs"), zlib = require("zlib"), crypto = require("crypto");
const slug = fs.readFileSync(process.argv[1]);
const tar = zlib.gunzipSync(slug);
const hash = crypto.createHash("sha256").update(tar).digest("hex");
// A stream stops after the first member, and tells how far it has read.
const stream = zlib.createGunzip();
let length = 0;
stream.on("data", (data) => (length += data.length));
stream.on("end", () => console.log(tar.length, length, stream.bytesWritten === slug.length, hash));
stream.end(slug);
"#;
    each(|slug| {
        let output = run(Command::new("node").arg("-e").arg(SCRIPT).arg(slug.path()));
        let tar = tar_of(slug);
        let (length, hash) = (tar.len(), hex::encode(Sha256::digest(&tar)));
        assert_eq!(output, format!("{length} {length} true {hash}\n"));
    });
}

#[test]
fn gnu_tar_extracts_what_is_in_a_read_only_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("source");
    for path in ["a/y", "b/x", "a/z"] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let set = |mode| fs::set_permissions(root.join("a"), fs::Permissions::from_mode(mode)).unwrap();
    set(0o555);
    let slug = folder.path().join("slug.tgz");
    write_file(&root, &AppOnly, &ArchiveOptions::default(), &slug, &Silent).unwrap();
    set(0o755);
    run(Command::new("tar")
        .arg("-xzf")
        .arg(&slug)
        .arg("-C")
        .arg(folder.path()));
    assert!(folder.path().join("app/a/z").is_file());
    let mode = fs::metadata(folder.path().join("app/a")).unwrap().mode();
    assert_eq!(mode & 0o700, 0o700, "root could unpack into it anyway");
}

#[test]
#[ignore = "needs bsdtar (Debian's libarchive-tools)"]
fn bsdtar_extracts_it() {
    each(|slug| slug.check_extraction("bsdtar", &[]));
}

#[test]
#[ignore = "needs python3"]
fn python_reads_it() {
    const SCRIPT: &str = r#"
import hashlib, os, sys, tarfile
files = tarfile.open(sys.argv[1], "r:gz")
for entry in files:
    kind = "dir" if entry.isdir() else "link" if entry.issym() else "file" if entry.isreg() else "?"
    content = ""
    if kind == "link":
        content = os.fsencode(entry.linkname).hex()
    elif kind == "file":
        content = hashlib.sha256(files.extractfile(entry).read()).hexdigest()
    print(f"{kind} {entry.mode:o} {entry.mtime} {os.fsencode(entry.name).hex()} {content}")
"#;
    each(|slug| slug.check_listing(Command::new("python3").arg("-c").arg(SCRIPT)));
}

#[test]
#[ignore = "needs go"]
fn go_reads_it() {
    const PROGRAM: &str = r#"
package main

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	file, err := os.Open(os.Args[1])
	check(err)
	compressed := bufio.NewReader(file)
	unzipped, err := gzip.NewReader(compressed)
	check(err)
	// One member only.
	unzipped.Multistream(false)
	reader := tar.NewReader(unzipped)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			_, err = io.Copy(io.Discard, unzipped)
			check(err)
			if _, err = compressed.ReadByte(); err != io.EOF {
				panic("something after the member")
			}
			break
		}
		check(err)
		if header.Format != tar.FormatGNU || header.Uid != 0 || header.Gid != 0 || header.Uname != "" || header.Gname != "" {
			panic(fmt.Sprintf("%+v", header))
		}
		kind, content := "?", ""
		switch header.Typeflag {
		case tar.TypeDir:
			kind = "dir"
		case tar.TypeSymlink:
			kind, content = "link", fmt.Sprintf("%x", header.Linkname)
		case tar.TypeReg:
			hash := sha256.New()
			_, err := io.Copy(hash, reader)
			check(err)
			kind, content = "file", fmt.Sprintf("%x", hash.Sum(nil))
		}
		fmt.Printf("%s %o %d %x %s\n", kind, header.Mode, header.ModTime.Unix(), strings.TrimSuffix(header.Name, "/"), content)
	}
}
"#;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("list.go");
    fs::write(&program, PROGRAM).unwrap();
    each(|slug| {
        let mut go = Command::new("go");
        go.arg("run")
            .arg(&program)
            .env("GOTOOLCHAIN", "local")
            .env("GO111MODULE", "off");
        slug.check_listing(go.env("GOCACHE", folder.path().join("cache")));
    });
}
