//! Downloading a release's slug.

use crate::support::{Platform, SIGNATURE, id, ok, release, s3, with};
use serde_json::{Value, json};
use slugbuilder::api::{FlowError, Pull, Pulled, pull};
use slugbuilder::sandbox::Interrupt;
use slugbuilder::slug::{Manifest, Slug};
use slugbuilder::stop::Stop;
use slugbuilder_fetch::test_server::Answer;
use std::path::Path;
use std::time::{Duration, Instant};

/// `shop` runs slug 50 as v4.
fn scene() -> (Platform, Slug, Vec<u8>) {
    let platform = Platform::new();
    let (path, record) = platform.slug_file(&[7; 5000]);
    let bytes = fs_err::read(&path).unwrap();
    fs_err::remove_file(path).unwrap();
    let current = with(release(4, Some(50)), "current", true);
    platform.releases("shop", &[release(5, None), current.clone()]);
    platform.answers("GET /apps/shop/releases/4", [ok(&current)]);
    there(&platform, &record, |slug| slug);
    platform
        .blobs
        .answer(&format!("GET /blob50?{SIGNATURE}"), [Answer::ok(&bytes)]);
    (platform, record, bytes)
}

fn there(platform: &Platform, record: &Slug, change: impl Fn(Value) -> Value) {
    let slug = platform.slug(50, &record.checksum.to_string(), Some(5002), "get");
    platform.answers(
        &format!("GET /apps/shop/slugs/{}", id(50)),
        [ok(&change(slug))],
    );
}

fn download(platform: &Platform, release: Option<&str>) -> Result<Pulled, FlowError> {
    let folder = platform.folder.path();
    let request = Pull {
        app: "shop",
        release,
        slug: &folder.join("out.tgz"),
        manifest: &folder.join("out.json"),
        replace: false,
    };
    pull(&platform.api, &request, &platform.heard)
}

#[test]
fn the_slug_comes_with_its_manifest() {
    let (platform, record, bytes) = scene();
    for release in [None, Some("v4")] {
        let pulled = download(&platform, release).unwrap();
        assert_eq!(
            (pulled.release.version, pulled.bytes, pulled.verified),
            (4, 5002, true)
        );
        assert_eq!(pulled.checksum, record.checksum);
        let folder = platform.folder.path();
        assert!(fs_err::read(folder.join("out.tgz")).unwrap() == bytes);
        let manifest = Manifest::read(&folder.join("out.json")).unwrap();
        assert_eq!(
            (manifest.slug.checksum, manifest.build.size),
            (record.checksum, 5002)
        );
        assert_eq!(manifest.slug.process_types, record.process_types);
    }
    assert!(
        platform
            .blobs
            .requests()
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[test]
fn an_address_that_has_expired_is_asked_for_again() {
    let (platform, _, bytes) = scene();
    let target = format!("GET /blob50?{SIGNATURE}");
    let expired = s3(403, "AccessDenied", "Request has expired");
    platform
        .blobs
        .answer(&target, [expired.clone(), Answer::ok(&bytes)]);
    download(&platform, None).unwrap();
    platform.blobs.answer(&target, [expired]);
    insta::assert_snapshot!(platform.message(&download(&platform, None).unwrap_err()), @r"
    error[fetch-denied]: cannot download the slug of v4 of `shop`
      caused by: `http://<blobs>/blob50` may not be read: the server answered 403

      hint: Check the clock of this machine: such an address holds for an hour or less.
      hint: A proxy on the way may have refused it: see `HTTPS_PROXY` and `NO_PROXY`.
    ");
}

#[test]
fn bytes_that_are_not_the_slugs_do_not_appear() {
    let (platform, record, _) = scene();
    let target = format!("GET /blob50?{SIGNATURE}");
    platform.blobs.answer(&target, [Answer::ok([8; 5002])]);
    let text = platform.message(&download(&platform, None).unwrap_err());
    assert!(
        text.contains("does not have the expected checksum"),
        "{text}"
    );
    platform.blobs.answer(&target, [Answer::ok([8; 6000])]);
    insta::assert_snapshot!(platform.message(&download(&platform, None).unwrap_err()), @r"
    error[fetch-too-large]: cannot download the slug of v4 of `shop`
      caused by: `http://<blobs>/blob50` is larger than 5002 bytes

      hint: The platform's blob store is not what its record says: take another of `slugbuilder releases --app shop`.
    ");
    assert_eq!(fs_err::read_dir(platform.folder.path()).unwrap().count(), 0);
    // Without a checksum nobody can tell, which is told.
    there(&platform, &record, |slug| {
        with(with(slug, "checksum", Value::Null), "size", 6000)
    });
    assert!(!download(&platform, None).unwrap().verified);
    for name in ["out.tgz", "out.json"] {
        fs_err::remove_file(platform.folder.path().join(name)).unwrap();
    }
    assert!(platform.told().contains("warning[slug-without-checksum]"));
    there(&platform, &record, |slug| with(slug, "checksum", "MD5:00"));
    insta::assert_snapshot!(platform.message(&download(&platform, None).unwrap_err()), @r"
    error[api-nonsense]: cannot download the slug: the answer makes no sense: `MD5:00` is no checksum of the form `SHA256:<64 hexadecimal digits>`

      It came from `http://<api>`.

      hint: Check the address of the API, `--api-url`: something else may answer there.
    ");
    there(&platform, &record, |slug| {
        with(slug, "process_types", json!({"a b": "x"}))
    });
    let before = platform.blobs.requests().len();
    download(&platform, None).unwrap_err();
    assert_eq!(platform.blobs.requests().len(), before);
    assert_eq!(fs_err::read_dir(platform.folder.path()).unwrap().count(), 0);
}

#[test]
fn another_slug_is_replaced_only_if_that_is_asked_for() {
    let (platform, _, bytes) = scene();
    let folder = platform.folder.path();
    let (slug, manifest) = (folder.join("out.tgz"), folder.join("out.json"));
    let pull_to = |slug: &Path, replace| {
        let request = Pull {
            app: "shop",
            release: None,
            slug,
            manifest: &manifest,
            replace,
        };
        let pulled = pull(&platform.api, &request, &platform.heard);
        pulled.map_err(|error| platform.message(&error))
    };
    // The same again is no other one.
    pull_to(&slug, false).unwrap();
    pull_to(&slug, false).unwrap();
    fs_err::write(&slug, "mine").unwrap();
    insta::assert_snapshot!(pull_to(&slug, false).unwrap_err(), @"
    error[pull-destination]: `<folder>/out.tgz` is there, and another slug

      hint: Name another file with `--output`, or replace it with `--force`.
    ");
    assert_eq!(fs_err::read(&slug).unwrap(), b"mine");
    fs_err::remove_file(&slug).unwrap();
    fs_err::write(&manifest, "{}").unwrap();
    insta::assert_snapshot!(pull_to(&slug, false).unwrap_err(), @"
    error[pull-destination]: `<folder>/out.json` is there, and not the manifest of this slug

      hint: Name another file with `--output`, or replace it with `--force`.
    ");
    assert!(!slug.exists());
    pull_to(&slug, true).unwrap();
    assert!(fs_err::read(&slug).unwrap() == bytes);
    // Neither is what is no file, nor asked for.
    let requests = platform.blobs.requests().len();
    for place in [
        folder.to_owned(),
        "/dev/null".into(),
        folder.join("absent/x.tgz"),
    ] {
        let message = pull_to(&place, true).unwrap_err();
        assert!(message.starts_with("error[pull-destination]"), "{message}");
    }
    assert_eq!(platform.blobs.requests().len(), requests);
}

#[test]
fn a_release_without_a_slug_has_nothing_to_pull() {
    let (platform, _, _) = scene();
    platform.answers("GET /apps/shop/releases/5", [ok(&release(5, None))]);
    insta::assert_snapshot!(platform.message(&download(&platform, Some("5")).unwrap_err()), @r"
    error[release-without-slug]: v5 of `shop` has no slug

      hint: Look for one that has with `slugbuilder releases --app shop`.
    ");
}

#[test]
fn an_interruption_ends_a_download_at_once_and_leaves_nothing() {
    let (mut platform, _, bytes) = scene();
    let quiet = Duration::from_secs(20);
    platform.blobs.answer(
        &format!("GET /blob50?{SIGNATURE}"),
        [Answer::ok(&bytes).stalled_at(1000, quiet)],
    );
    let interrupt = Interrupt::new().unwrap();
    platform.api = platform.api.stopping(Stop::new(&interrupt, None));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            interrupt.raise();
        });
        insta::assert_snapshot!(platform.message(&download(&platform, None).unwrap_err()), @r"
        error[interrupted]: downloading the slug was interrupted

          Nothing of it is kept.

          hint: Run the same command again; it starts afresh.
        ");
    });
    assert!(begun.elapsed() < quiet / 4);
    assert_eq!(fs_err::read_dir(platform.folder.path()).unwrap().count(), 0);
}
