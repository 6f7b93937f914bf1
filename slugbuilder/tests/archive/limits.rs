//! Memory stays bounded whatever the tree.

use crate::model::content;
use crate::support::{App, Parts, again, options};
use slugbuilder::archive::{ArchiveOptions, Summary, write_file};
use slugbuilder_report::Silent;
use std::fs::{self, File};
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};

/// Kilobytes of memory that an archive by two threads may have used at most.
const COLD: u64 = 64 << 10;

/// The same where nothing has changed.
const WARM: u64 = 32 << 10;

const ROLE: &str = "SLUGBUILDER_TEST_LIMITS";

/// Archives in a process of its own, which is the test `name` again; that one does it and says what it took. Returns the
/// archive's size, its entries, and the most memory that the process had, in kilobytes.
fn archive(name: &str, app: &App) -> [u64; 3] {
    let status = again(name).env(ROLE, app.path("")).status().unwrap();
    assert!(status.success());
    let told = fs::read_to_string(app.path("told")).unwrap();
    let numbers: Vec<u64> = told.split(' ').map(|word| word.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

/// What the process that [`archive`] starts does. Nothing in the one that starts it.
fn is_archived_here() -> bool {
    let Some(folder) = std::env::var_os(ROLE) else {
        return false;
    };
    let folder = Path::new(&folder);
    let options = ArchiveOptions {
        threads: NonZeroUsize::new(2),
        cache: Some(folder.join("cache")),
        max_size: 1 << 30,
        ..options()
    };
    let (root, slug) = (folder.join("root"), folder.join("slug.tgz"));
    let Summary { size, entries, .. } =
        write_file(&root, &Parts, &options, &slug, &Silent).unwrap();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap().trim().strip_suffix(" kB").unwrap();
    fs::write(folder.join("told"), format!("{size} {entries} {peak}")).unwrap();
    true
}

#[test]
#[ignore = "makes 100,000 files"]
fn a_hundred_thousand_files() {
    if !is_archived_here() {
        let app = App::new();
        for folder in 0..500_u16 {
            let path = app
                .root()
                .join(format!("node_modules/package-{folder}/lib"));
            fs::create_dir_all(&path).unwrap();
            for file in 0..200_u16 {
                fs::write(
                    path.join(format!("module-{file}.js")),
                    content(file, 1, 200),
                )
                .unwrap();
            }
        }
        crate::support::rest();
        let name = "limits::a_hundred_thousand_files";
        let [_, entries, peak] = archive(name, &app);
        assert_eq!(entries, 100_000 + 2 * 500 + 2);
        assert!(peak < COLD, "{peak} kB");
        let [_, _, peak] = archive(name, &app);
        assert!(peak < COLD, "{peak} kB");
    }
}

#[test]
#[ignore = "compresses 600 MB"]
fn much_that_does_not_compress() {
    if !is_archived_here() {
        let app = App::new();
        let noise = content(1, 2, 20_000_000);
        let mut one = File::create(app.root().join("one")).unwrap();
        for _ in 0..15 {
            one.write_all(&noise).unwrap();
        }
        for number in 0..15 {
            fs::write(app.root().join(format!("f{number}")), &noise).unwrap();
        }
        crate::support::rest();
        let name = "limits::much_that_does_not_compress";
        let [cold, _, peak] = archive(name, &app);
        assert!((590_000_000..610_000_000).contains(&cold), "{cold} bytes");
        assert!(peak < COLD, "{peak} kB");
        let [warm, _, peak] = archive(name, &app);
        assert_eq!(warm, cold);
        assert!(peak < WARM, "{peak} kB");
    }
}

#[test]
#[ignore = "compresses 8 GiB of zeros, and lists them"]
fn a_sparse_file_of_more_than_8_gib() {
    const SIZE: u64 = (8 << 30) + 1;
    if !is_archived_here() {
        let app = App::new();
        let file = File::create(app.root().join("sparse")).unwrap();
        file.set_len(SIZE).unwrap();
        fs::write(app.root().join("web.js"), "after it").unwrap();
        crate::support::rest();
        let name = "limits::a_sparse_file_of_more_than_8_gib";
        let [cold, _, peak] = archive(name, &app);
        assert!(peak < COLD, "{peak} kB");
        let [warm, _, peak] = archive(name, &app);
        assert_eq!(warm, cold);
        // The cache's index of 32,768 chunks takes most of it.
        assert!(peak < COLD, "{peak} kB");
        // Octal digits end at 8 GiB: GNU tar reads the size in base 256, and finds the entry after it.
        let listed = Command::new("tar")
            .env("LC_ALL", "C")
            .arg("-tvzf")
            .arg(app.path("slug.tgz"))
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(listed.status.success());
        let listed = String::from_utf8(listed.stdout).unwrap();
        let lines: Vec<&str> = listed.lines().collect();
        assert!(lines[1].contains(&format!(" {SIZE} ")), "{listed}");
        assert!(lines[1].ends_with("./app/sparse") && lines[2].ends_with("./app/web.js"));
    }
}
