//! What an archive may not do.

use super::*;
use slugbuilder_report::{Diagnosis, Style};

/// The one line that says what is wrong.
fn headline(archive: Tar) -> String {
    refusal(archive, Links::Inside).to_string()
}

#[test]
fn names_that_lead_out_are_refused() {
    for links in [Links::Inside, Links::Any] {
        for name in ["../x", "a/../../x", "a/..", "..", "./../x"] {
            let error = refusal(Tar::default().file(name, ""), links);
            assert!(
                matches!(
                    error,
                    UnpackError::Refused {
                        reason: Refusal::ParentDirectory,
                        ..
                    }
                ),
                "{name}"
            );
        }
        for name in ["/etc/passwd", "//x", "/"] {
            let error = refusal(Tar::default().file(name, ""), links);
            assert!(
                matches!(
                    error,
                    UnpackError::Refused {
                        reason: Refusal::Absolute,
                        ..
                    }
                ),
                "{name}"
            );
        }
    }
    insta::assert_snapshot!(Diagnosis::of(&refusal(Tar::default().file("a/../../x\u{1b}[2J", ""), Links::Any)).render(Style::Plain), @r"
    error[unpack-refused]: the archive holds `a/../../x\u{1b}[2J`, which climbs with `..`

      hint: Nothing of it was kept. If you made the archive, leave that entry out; if not, do not trust it.
    ");
    insta::assert_snapshot!(headline(Tar::default().directory("/etc", 0o755)), @"the archive holds `/etc`, which is an absolute name");
    insta::assert_snapshot!(headline(Tar::default().pax("path", b"/etc/\xff").file("a", "")), @r"the archive holds `/etc/\xff`, which is an absolute name");
    insta::assert_snapshot!(headline(Tar::default().record(b'L', b"../x\0").file("a", "")), @"the archive holds `../x`, which climbs with `..`");
}

#[test]
fn names_out_are_refused_outside_of_the_prefix_too() {
    let options = UnpackOptions {
        strip: Strip::Prefix("app".into()),
        ..UnpackOptions::default()
    };
    let archive = Tar::default().file("../x", "").end();
    assert!(matches!(
        Scene::new().unpack_as(&archive, Format::Tar, &options),
        Err(UnpackError::Refused { .. })
    ));
}

#[test]
fn nothing_is_written_through_a_link() {
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().to_str().unwrap();
    for links in [Links::Inside, Links::Any] {
        for archive in [
            Tar::default().symlink("a", path).file("a/b", "x"),
            Tar::default().symlink("a", path).directory("a/b", 0o755),
            Tar::default().symlink("a", path).symlink("a/b", "x"),
            Tar::default()
                .symlink("a", "b")
                .directory("b", 0o755)
                .file("a/c/d", "x"),
            Tar::default().symlink("a/b", path).file("a/b/c", "x"),
        ] {
            let error = refusal(archive, links);
            assert!(
                matches!(
                    error,
                    UnpackError::Refused {
                        reason: Refusal::Through(_),
                        ..
                    }
                ),
                "{error:?}"
            );
        }
        // A folder, too, is never taken for what a link points to.
        let error = refusal(
            Tar::default().symlink("a", path).directory("a", 0o777),
            links,
        );
        assert!(
            matches!(
                error,
                UnpackError::Refused {
                    reason: Refusal::Clash { .. },
                    ..
                }
            ),
            "{error:?}"
        );
    }
    assert_eq!(fs_err::read_dir(outside.path()).unwrap().count(), 0);
    insta::assert_snapshot!(headline(Tar::default().symlink("lib", "/usr/lib").file("lib/x/y", "")), @"the archive holds `lib/x/y`, which leads through `lib`, not a folder");
    insta::assert_snapshot!(headline(Tar::default().file("lib", "").file("lib/x", "")), @"the archive holds `lib/x`, which leads through `lib`, not a folder");
    insta::assert_snapshot!(headline(Tar::default().symlink("lib", "x").directory("lib", 0o755)), @"the archive holds `lib`, a folder where a link of the archive already is");
    insta::assert_snapshot!(headline(Tar::default().file("lib/x", "").file("lib", "")), @"the archive holds `lib`, a file where a folder of the archive already is");
    insta::assert_snapshot!(headline(Tar::default().file("lib", "").directory("lib", 0o755)), @"the archive holds `lib`, a folder where a file of the archive already is");
}

#[test]
fn a_file_does_not_overwrite_what_a_link_of_its_name_points_to() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    let scene = Scene::new();
    let archive = Tar::default()
        .symlink("a", outside.path().to_str().unwrap())
        .file("a", "inside")
        .end();
    scene.unpack(&archive).unwrap();
    assert_eq!(fs_err::read(outside.path()).unwrap(), b"");
    assert_eq!(scene.read("a"), "inside");
}

#[test]
fn links_that_lead_out_are_refused_where_links_stay_inside() {
    for archive in [
        Tar::default().symlink("a", "/etc/passwd"),
        Tar::default().symlink("a", ".."),
        Tar::default().symlink("a/b", "../.."),
        Tar::default().symlink("a/b", "./..//../x"),
        // Each alone stays inside, read as text; followed, the second does not.
        Tar::default()
            .symlink("a/b/up", "../..")
            .symlink("out", "a/b/up/.."),
        Tar::default()
            .symlink("one", "two/..")
            .symlink("two", "three")
            .directory("three", 0o755)
            .symlink("x", "one/.."),
    ] {
        let error = refusal(archive.clone(), Links::Inside);
        assert!(
            matches!(
                error,
                UnpackError::Refused {
                    reason: Refusal::LinkOutside(_),
                    ..
                }
            ),
            "{error:?}"
        );
        let options = UnpackOptions {
            links: Links::Any,
            ..UnpackOptions::default()
        };
        Scene::new()
            .unpack_as(&archive.end(), Format::Tar, &options)
            .unwrap();
    }
    insta::assert_snapshot!(headline(Tar::default().symlink("./bin/sh", "../../bin/sh")), @"the archive holds `./bin/sh`, a symbolic link to `../../bin/sh`, out of the archive");
}

#[test]
fn links_that_stay_inside_are_kept_also_where_they_lead_nowhere() {
    let scene = Scene::new();
    let archive = Tar::default()
        .symlink("a/b", "../c")
        .symlink("c", "a/missing/../..")
        .symlink("loop", "loop2")
        .symlink("loop2", "loop")
        .symlink("self", ".");
    scene.unpack(&archive.end()).unwrap();
    assert_eq!(
        fs_err::read_link(scene.at("a/b")).unwrap(),
        Path::new("../c")
    );
}

#[test]
fn hard_links_name_earlier_files_only() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    let path = secret.path().to_str().unwrap();
    for links in [Links::Inside, Links::Any] {
        for archive in [
            Tar::default().hard_link("a", path),
            Tar::default().hard_link("a", "../secret"),
            Tar::default().hard_link("a", "later").file("later", ""),
            Tar::default().hard_link("a", ""),
            Tar::default().directory("d", 0o755).hard_link("a", "d"),
            Tar::default()
                .symlink("l", secret.path().parent().unwrap().to_str().unwrap())
                .hard_link(
                    "a",
                    &format!("l/{}", secret.path().file_name().unwrap().to_str().unwrap()),
                ),
        ] {
            let error = refusal(archive, links);
            assert!(
                matches!(
                    error,
                    UnpackError::Refused {
                        reason: Refusal::HardLink(_),
                        ..
                    }
                ),
                "{error:?}"
            );
        }
    }
    insta::assert_snapshot!(headline(Tar::default().hard_link("a", "/etc/shadow")), @"the archive holds `a`, a hard link to `/etc/shadow`, which is no earlier file of the archive");
    // Of a link, it is another link with the same text, and no more allowed than that.
    let scene = Scene::new();
    scene
        .unpack(
            &Tar::default()
                .file("f", "f")
                .symlink("l", "f")
                .hard_link("m", "l")
                .hard_link("f", "f")
                .end(),
        )
        .unwrap();
    assert_eq!(fs_err::read_link(scene.at("m")).unwrap(), Path::new("f"));
    assert!(matches!(
        refusal(
            Tar::default().symlink("d/l", "../f").hard_link("m", "d/l"),
            Links::Inside
        ),
        UnpackError::Refused { .. }
    ));
}

#[test]
fn what_is_neither_file_folder_nor_link_is_refused() {
    for kind in [b'3', b'4', b'6', b'S', b'M', b'D', b'V', b'Z'] {
        let error = refusal(Tar::default().kind(kind, "thing"), Links::Any);
        assert!(
            matches!(
                error,
                UnpackError::Refused {
                    reason: Refusal::Kind(_),
                    ..
                }
            ),
            "{kind}"
        );
    }
    insta::assert_snapshot!(headline(Tar::default().kind(b'3', "dev/null")), @"the archive holds `dev/null`, a device, which is not unpacked");
    insta::assert_snapshot!(headline(Tar::default().kind(b'6', "pipe")), @"the archive holds `pipe`, a FIFO, which is not unpacked");
    insta::assert_snapshot!(headline(Tar::default().kind(b'Z', "what")), @"the archive holds `what`, an entry of an unknown type, which is not unpacked");
    let sparse = refusal(
        Tar::default()
            .pax("GNU.sparse.major", b"1")
            .file("disk.img", ""),
        Links::Any,
    );
    insta::assert_snapshot!(Diagnosis::of(&sparse).render(Style::Plain), @r"
    error[unpack-refused]: the archive holds `disk.img`, a sparse file, which is not unpacked

      hint: Make the archive without `tar --sparse`.
    ");
}

#[test]
fn names_with_nul_or_without_anything_are_refused() {
    insta::assert_snapshot!(headline(Tar::default().pax("path", b"a\0b").file("x", "")), @r"the archive holds `a\u{0}b`, whose name holds a NUL byte");
    insta::assert_snapshot!(headline(Tar::default().record(b'L', b"a\0b\0").file("x", "")), @r"the archive holds `a\u{0}b`, whose name holds a NUL byte");
    insta::assert_snapshot!(headline(Tar::default().file("", "")), @"the archive holds ``, which is an empty name");
    insta::assert_snapshot!(headline(Tar::default().symlink("a", "")), @"the archive holds `a`, a symbolic link to nothing");
    // A file cannot be the destination itself; like everything that stripping leaves no name, it is outside.
    assert_eq!(
        Scene::new()
            .unpack(&Tar::default().file(".", "").end())
            .unwrap()
            .outside,
        1
    );
}

#[test]
fn records_do_not_eat_memory_or_speak_for_every_entry() {
    let long = Tar::default().raw(EntryType::GNULongName, b"x", b"", 0, 1 << 40, b"");
    insta::assert_snapshot!(headline(long), @"the archive is damaged: a record about an entry has 1099511627776 bytes");
    for record in [
        &b"7 path=x\n"[..],
        b"99 path=x\n",
        b"path=x\n",
        b"9 path=x",
        b"0 a=b\n",
        b"8 path!x\n",
        b"13 size=many\n",
    ] {
        assert!(matches!(
            refusal(
                Tar::default().record(b'x', record).file("a", ""),
                Links::Any
            ),
            UnpackError::Corrupt { .. }
        ));
    }
    let everyone = Tar::default()
        .record(b'g', &pax("path", b"x"))
        .file("a", "")
        .file("b", "");
    insta::assert_snapshot!(headline(everyone), @"the archive is damaged: a global record gives every entry the same name or size");
    Scene::new()
        .unpack(
            &Tar::default()
                .record(b'g', &pax("comment", b"x"))
                .file("a", "")
                .end(),
        )
        .unwrap();
}

#[test]
fn absurd_sizes_end_in_a_cut_off_archive_not_in_memory() {
    let huge = Tar::default().raw(EntryType::Regular, b"a", b"", 0o644, 1 << 62, b"abc");
    insta::assert_snapshot!(headline(huge), @"the archive is cut off in `a`");
    let huger = Tar::default().raw(EntryType::Regular, b"a", b"", 0o644, u64::MAX, b"abc");
    insta::assert_snapshot!(headline(huger), @"the archive holds `a`, whose size is absurd");
    let pax = Tar::default()
        .pax("size", b"18446744073709551615")
        .file("a", "");
    assert!(matches!(
        refusal(pax, Links::Any),
        UnpackError::Refused { .. }
    ));
}

#[test]
fn limits_are_kept() {
    let unpack = |bytes: &[u8], format, limits| {
        Scene::new().unpack_as(
            bytes,
            format,
            &UnpackOptions {
                limits,
                ..UnpackOptions::default()
            },
        )
    };
    let archive = Tar::default().file("a", "a").file("b", "b").end();
    let limits = Limits::default();
    assert!(
        unpack(
            &archive,
            Format::Tar,
            Limits {
                entries: 2,
                ..limits
            }
        )
        .is_ok()
    );
    let error = unpack(
        &archive,
        Format::Tar,
        Limits {
            entries: 1,
            ..limits
        },
    )
    .unwrap_err();
    insta::assert_snapshot!(error, @"the archive has more than 1 entries");
    assert!(
        unpack(
            &archive,
            Format::Tar,
            Limits {
                bytes: archive.len() as u64,
                ..limits
            }
        )
        .is_ok()
    );
    let error = unpack(
        &archive,
        Format::Tar,
        Limits {
            bytes: archive.len() as u64 - 1,
            ..limits
        },
    )
    .unwrap_err();
    insta::assert_snapshot!(error, @"the archive is larger than 3071 bytes unpacked");
    // 70 MiB of zeros in 70 KiB, put together from members because compressing takes long without optimisation.
    let header = Tar::default()
        .raw(EntryType::Regular, b"bomb", b"", 0o644, 70 << 20, b"")
        .0;
    let member = gzip(&vec![0; 1 << 20]);
    let bomb = [gzip(&header), member.repeat(70), gzip(&[0; 1024])].concat();
    let error = unpack(&bomb, Format::TarGz, limits).unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
    error[unpack-too-dense]: the archive unpacks to more than 250 times its size

      hint: Nothing of it was kept: it may be made to fill the disk.
    ");
}
