//! What can be read of an app.

use super::*;
use slugbuilder_report::{Diagnosis, Style};

#[test]
fn unreadable_texts_have_an_error_each() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir(folder.path().join("Procfile")).unwrap();
    fs_err::write(
        folder.path().join("package.json"),
        b"{\n\"name\": \"\xff\"}",
    )
    .unwrap();
    fs_err::write(folder.path().join(".nvmrc"), vec![b'1'; 5 << 20]).unwrap();
    let app = App::open(folder.path()).unwrap();
    let text = |path| Diagnosis::of(&app.text(path).unwrap_err()).render(Style::Plain);
    insta::assert_snapshot!(text("Procfile"), @r"
    error[not-a-file]: `Procfile` is not a regular file

      hint: Put a text file at `Procfile`, or remove it.
    ");
    insta::assert_snapshot!(text("package.json"), @r"
    error[not-utf8]: `package.json` line 2: the text is not UTF-8

      hint: Save `package.json` as UTF-8.
    ");
    insta::assert_snapshot!(text(".nvmrc"), @r"
    error[file-too-large]: `.nvmrc` is larger than 4 MiB

      hint: `.nvmrc` should be a short text file.
    ");
    assert_eq!(app.text("missing").unwrap(), None);
}

#[test]
fn utf_16_is_told_with_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    for bytes in [b"\xff\xfev\x002\x00", b"\xfe\xff\x00v\x002"] {
        fs_err::write(folder.path().join(".nvmrc"), bytes).unwrap();
        let error = App::open(folder.path())
            .unwrap()
            .text(".nvmrc")
            .unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
            error[not-utf8]: `.nvmrc` line 1: the text is not UTF-8

              hint: Save `.nvmrc` as UTF-8: PowerShell writes UTF-16 with `>`.
            ");
        }
    }
}

#[test]
fn links_that_lead_out_of_the_source_are_not_read() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    fs_err::write(outside.path().join("secret"), "hunter2").unwrap();
    let source = tempfile::tempdir().unwrap();
    let api = source.path().join("packages/api");
    fs_err::create_dir_all(&api).unwrap();
    fs_err::write(source.path().join("shared"), "22").unwrap();
    symlink("../../shared", api.join("inside")).unwrap();
    symlink("inside", api.join("twice")).unwrap();
    symlink(outside.path().join("secret"), api.join("file")).unwrap();
    symlink("file", api.join("chain")).unwrap();
    symlink(outside.path(), api.join("folder")).unwrap();
    symlink("/nothing/there", api.join("dangling")).unwrap();
    symlink("nothing", api.join("broken")).unwrap();
    // As `slugbuilder plan` shows a source.
    let view = tempfile::tempdir().unwrap();
    symlink(source.path().join("packages"), view.path().join("packages")).unwrap();
    for app in [
        App::open_folder(source.path(), "packages/api").unwrap(),
        App::open_view(view.path(), Some(source.path()), "packages/api").unwrap(),
    ] {
        for path in ["inside", "twice"] {
            assert_eq!(app.text(path).unwrap().unwrap(), "22", "{path}");
        }
        for path in ["file", "chain", "folder/secret", "dangling"] {
            let error = app.beginning(path, 3).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`packages/api/{path}` is a link that leads out of the source")
            );
            assert_eq!(error.fault(), Fault::App);
        }
        assert!(matches!(
            app.names_in("folder"),
            Err(AppError::LinkOutside(_))
        ));
        assert!(matches!(app.text("broken"), Err(AppError::Io(_))));
        insta::allow_duplicates! {
            insta::assert_snapshot!(Diagnosis::of(&app.text("file").unwrap_err()).render(Style::Plain), @r"
            error[link-out-of-source]: `packages/api/file` is a link that leads out of the source

              hint: Put what it leads to at `packages/api/file` itself, or link to something inside the source.
            ");
        }
    }
}

#[test]
fn a_dangling_link_is_an_error_and_not_a_missing_file() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join(".nvmrc")).unwrap();
    assert!(matches!(
        App::open(folder.path()).unwrap().text(".nvmrc"),
        Err(AppError::Io(_))
    ));
}

#[test]
fn a_folder_of_the_source_can_be_the_app() {
    let source = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs_err::create_dir_all(source.path().join("packages/api")).unwrap();
    fs_err::write(source.path().join("packages/api/x"), vec![b'1'; 5 << 20]).unwrap();
    std::os::unix::fs::symlink(outside.path(), source.path().join("away")).unwrap();
    let app = App::open_folder(source.path(), "packages/api").unwrap();
    assert_eq!(app.names(), ["x"]);
    assert_eq!(app.origin("x").to_string(), "packages/api/x");
    assert_eq!(app.line("x", 3).to_string(), "packages/api/x:3");
    assert_eq!(app.beginning("x", 3).unwrap().unwrap(), b"111");
    assert_eq!(app.whole_source().unwrap().names(), ["away", "packages"]);
    assert!(
        app.text("x")
            .unwrap_err()
            .to_string()
            .contains("`packages/api/x`")
    );
    let text = |folder| {
        Diagnosis::of(&App::open_folder(source.path(), folder).unwrap_err()).render(Style::Plain)
    };
    // As `slugbuilder plan` shows a source.
    let view = tempfile::tempdir().unwrap();
    let link = view.path().join("packages");
    std::os::unix::fs::symlink(source.path().join("packages"), link).unwrap();
    assert!(App::open_folder(view.path(), "packages/api").is_err());
    let app = App::open_view(view.path(), Some(source.path()), "packages/api").unwrap();
    assert!(app.is_inside("x"));
    assert_eq!(app.whole_source().unwrap().names(), ["packages"]);
    insta::assert_snapshot!(text("nowhere"), @r"
    error[no-such-root]: the source has no folder `nowhere`

      hint: Name a folder of the source: `--root packages/api`, or `SLUGBUILDER_ROOT`.
    ");
    insta::assert_snapshot!(text("away"), @r"
    error[no-such-root]: the folder `away` is a link that leads out of the source

      hint: Name a folder of the source: `--root packages/api`, or `SLUGBUILDER_ROOT`.
    ");
}

#[test]
fn a_byte_order_mark_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join(".nvmrc"), "\u{feff}22\n").unwrap();
    assert_eq!(
        App::open(folder.path())
            .unwrap()
            .text(".nvmrc")
            .unwrap()
            .unwrap(),
        "22\n"
    );
}
