//! Sources of others, who mean no good.

use super::*;
use std::io::Write as _;
use tar::{EntryType, Header};
use tokio::net::TcpListener;

/// Entries of an archive: name, kind, content or target.
fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
        if is_link {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        let content = if is_link { "" } else { content };
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn file<'a>(name: &'a str, content: &'a str) -> (&'a str, EntryType, &'a str) {
    (name, EntryType::Regular, content)
}

fn pax(record: &str) -> (&str, EntryType, &str) {
    ("pax", EntryType::XHeader, record)
}

/// What is said of a build that fails, less what all of them say.
fn why(output: &str) -> &str {
    let (_, why) = output.split_once("!     ").unwrap();
    why.trim_end()
}

#[tokio::test]
async fn archives_are_unpacked_with_or_without_a_folder_around() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let build = "cat name; [ ! -e pax_global_header ]";
    let plain = archive(&[file("./build", build), file("./name", "plain\n")]);
    let global = (
        "pax_global_header",
        EntryType::XGlobalHeader,
        "12 comment=\n",
    );
    let around = archive(&[
        global,
        ("app-1f2e3d/", EntryType::Directory, ""),
        file("app-1f2e3d/build", build),
        file("app-1f2e3d/name", "around\n"),
    ]);
    for (archive, said) in [(plain, "plain\n"), (around, "around\n")] {
        let (status, output) = scene.build_of(&archive, None).await;
        assert_eq!(status, BuildStatus::Succeeded, "{output}");
        assert!(output.contains(said), "{output}");
    }
}

#[tokio::test]
async fn hostile_archives_leave_nothing_and_are_named() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let mut bomb = Vec::new();
    for _ in 0..3 {
        // 64 MiB of zeros as gzip has them, 1,029 for one.
        bomb.extend_from_slice(&gzip(&vec![0; 64 << 20]));
    }
    let long = format!("{} path=../outside\n", "19");
    let archives: Vec<(&str, Vec<u8>)> = vec![
        ("above", archive(&[file("../outside", "x")])),
        (
            "above in the middle",
            archive(&[file("a/../../outside", "x")]),
        ),
        (
            "absolute",
            archive(&[file("/tmp/slugbuilder-outside", "x")]),
        ),
        ("pax", archive(&[pax(&long), file("inside", "x")])),
        (
            "link",
            archive(&[("link", EntryType::Symlink, "/etc/passwd")]),
        ),
        (
            "link up",
            archive(&[("link", EntryType::Symlink, "../../../users")]),
        ),
        (
            "through a link",
            archive(&[
                ("link", EntryType::Symlink, ".."),
                file("link/outside", "x"),
            ]),
        ),
        (
            "hard link",
            archive(&[("link", EntryType::Link, "/etc/passwd")]),
        ),
        ("device", archive(&[("null", EntryType::Char, "")])),
        ("pipe", archive(&[("pipe", EntryType::Fifo, "")])),
        (
            "sparse",
            archive(&[pax("22 GNU.sparse.major=1\n"), file("sparse", "x")]),
        ),
        ("damaged", b"this is no archive at all".repeat(100)),
        ("cut off", archive(&[file("build", "true")])[..700].to_vec()),
        ("zip", b"PK\x03\x04 and so on".to_vec()),
        ("bzip2", b"BZh9 and so on".to_vec()),
        ("zstd", b"\x28\xb5\x2f\xfd and so on".to_vec()),
        ("bomb", bomb),
    ];
    let mut said = Vec::new();
    for (name, archive) in archives {
        let (status, output) = scene.build_of(&archive, None).await;
        assert_eq!(status, BuildStatus::Failed, "{name}: {output}");
        said.push(format!("{name}: {}", why(&output)));
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    above: The archive of the source cannot be used: the archive holds `../outside`, which climbs with `..`
    above in the middle: The archive of the source cannot be used: the archive holds `a/../../outside`, which climbs with `..`
    absolute: The archive of the source cannot be used: the archive holds `/tmp/slugbuilder-outside`, which is an absolute name
    pax: The archive of the source cannot be used: the archive holds `../outside`, which climbs with `..`
    link: The archive of the source cannot be used: the archive holds `link`, a symbolic link to `/etc/passwd`, out of the archive
    link up: The archive of the source cannot be used: the archive holds `link`, a symbolic link to `../../../users`, out of the archive
    through a link: The archive of the source cannot be used: the archive holds `link/outside`, which leads through `link`, not a folder
    hard link: The archive of the source cannot be used: the archive holds `link`, a hard link to `/etc/passwd`, which is no earlier file of the archive
    device: The archive of the source cannot be used: the archive holds `null`, a device, which is not unpacked
    pipe: The archive of the source cannot be used: the archive holds `pipe`, a FIFO, which is not unpacked
    sparse: The archive of the source cannot be used: the archive holds `sparse`, a sparse file, which is not unpacked
    damaged: The archive of the source cannot be used: the archive is damaged: it does not begin like a tar archive
    cut off: The archive of the source cannot be used: the archive is cut off in `build`
    zip: The source is a ZIP file, and has to be a tar archive, compressed with gzip or xz or not at all
    bzip2: The source is a bzip2 file, and has to be a tar archive, compressed with gzip or xz or not at all
    zstd: The source is a zstd file, and has to be a tar archive, compressed with gzip or xz or not at all
    bomb: The archive of the source cannot be used: the archive unpacks to more than 250 times its size
    ");
    let mut outside = Vec::new();
    find(scene.folder.path(), "outside", &mut outside);
    assert_eq!(outside, Vec::<PathBuf>::new());
    assert!(!Path::new("/tmp/slugbuilder-outside").exists());
}

fn find(folder: &Path, name: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == name {
            found.push(entry.path());
        }
        if entry.file_type().unwrap().is_dir() {
            find(&entry.path(), name, found);
        }
    }
}

/// In gzip's own words: one member.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child = std::process::Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(bytes).unwrap());
        child.wait_with_output().unwrap().stdout
    })
}

#[tokio::test]
async fn the_checksum_is_that_of_the_archive() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let archive = archive(&[file("build", "true")]);
    let right = slugbuilder_fetch::Checksum::of(slugbuilder_fetch::Algorithm::Sha256, &*archive);
    let right = format!("SHA256:{}", right.unwrap().hex());
    let (status, _) = scene.build_of(&archive, Some(right)).await;
    assert_eq!(status, BuildStatus::Succeeded);
    let wrong = format!("sha256:{}", "a".repeat(64));
    let (status, output) = scene.build_of(&archive, Some(wrong)).await;
    assert_eq!(status, BuildStatus::Failed);
    assert!(why(&output).ends_with(&"a".repeat(64)), "{output}");
}

#[tokio::test]
async fn addresses_that_nothing_can_be_had_from_are_refused_at_once() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let own = scene.uploaded(b"x").await;
    let forged = own.replace("signature=", "signature=0");
    let put = forged.replace("/sources/", "/sources/x");
    let long = format!("https://example.com/{}", "a".repeat(9000));
    let mut said = Vec::new();
    for url in [
        "",
        "source.tgz",
        "file:///etc/passwd",
        "ftp://example.com/x",
        "https://",
        "https://a:b",
        &forged,
        &put,
        &long,
    ] {
        let source = BuildSource::Url {
            url: url.to_owned(),
            checksum: None,
        };
        said.push(scene.begin("alpha", source).await.unwrap_err().to_string());
    }
    let source = BuildSource::Url {
        url: own,
        checksum: Some("md5:1".into()),
    };
    said.push(scene.begin("alpha", source).await.unwrap_err().to_string());
    insta::assert_snapshot!(said.join("\n"), @r"
    The URL of the source cannot be used: it does not start with `https://` or `http://`.
    The URL of the source cannot be used: it does not start with `https://` or `http://`.
    The URL of the source cannot be used: it does not start with `https://` or `http://`.
    The URL of the source cannot be used: it does not start with `https://` or `http://`.
    The URL of the source cannot be used: it has no host.
    The URL of the source cannot be used: its port is not a number.
    The URL's `signature` is damaged. Use it as the API answered it.
    The URL of the source cannot be used: this server has no such source.
    The URL of the source cannot be used: it is too long.
    The checksum of the source is wrong: `md5:1` is no checksum of the form `SHA256:<64 hexadecimal digits>`.
    ");
}

#[tokio::test]
async fn nothing_is_fetched_from_this_machine_or_its_network() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let scene = Scene::new().await;
    scene.app("alpha").await;
    for host in [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "169.254.169.254",
        "10.0.0.1",
    ] {
        let url = format!("http://{host}:{port}/source.tgz?token=secret");
        let (status, output) = scene.build_of_url(url, None).await;
        assert_eq!(status, BuildStatus::Failed, "{host}");
        assert!(why(&output).contains("its host is not public"), "{output}");
        assert!(!output.contains("secret"), "{output}");
    }
    let nobody = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
    assert!(nobody.is_err());
}

#[tokio::test]
async fn a_source_that_was_never_uploaded_is_told() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let id = scene.store.create_source(&scene.ann).await.unwrap();
    let signer = Signer::new(&[7; 32]).of(BlobKind::Source);
    let url = signer.url(
        URL,
        BlobMethod::Get,
        id,
        Timestamp::now(),
        Duration::from_mins(1),
    );
    let (status, output) = scene.build_of_url(url, None).await;
    assert_eq!(status, BuildStatus::Failed);
    insta::assert_snapshot!(why(&output), @"Nothing was uploaded to the URL of the source. Please PUT the archive to its `put_url` first");
}
