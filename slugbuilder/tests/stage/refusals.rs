//! Sources that are refused.

use crate::support::Source;
use slugbuilder::stage::{SurveyOptions, survey};
use slugbuilder_report::{Diagnosis, Style};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

fn refusal(source: &Source, path: &str) -> String {
    let path = if path.is_empty() {
        source.path().to_owned()
    } else {
        source.join(path)
    };
    let error = survey(&path, &SurveyOptions::default()).unwrap_err();
    let text = Diagnosis::of(&error).render(Style::Plain);
    text.replace(source.path().to_str().unwrap(), "<temporary>")
}

#[test]
fn a_source_that_is_no_folder_is_refused() {
    let source = Source::new(&[("web.js", "")]);
    insta::assert_snapshot!(refusal(&source, "missing"), @r"
    error[source-not-found]: there is no source at `<temporary>/missing`

      hint: Give the path of the folder that holds the app.
    ");
    insta::assert_snapshot!(refusal(&source, "web.js"), @r"
    error[source-not-a-folder]: the source `<temporary>/web.js` is not a folder

      hint: Give the folder that holds the app, not a file in it.
    ");
    insta::assert_snapshot!(refusal(&source, "web.js/below"), @r"
    error[source-not-a-folder]: the source `<temporary>/web.js/below` is not a folder

      hint: Give the folder that holds the app, not a file in it.
    ");
}

#[test]
fn an_empty_source_is_refused() {
    let source = Source::new(&[]);
    insta::assert_snapshot!(refusal(&source, ""), @r"
    error[source-empty]: the source `<temporary>` is empty

      hint: Give the folder that holds the app.
    ");
    source.put(".DS_Store", "");
    insta::assert_snapshot!(refusal(&source, ""), @r"
    error[source-empty]: the source `<temporary>` is empty after leaving out what is ignored

      hint: Look at `.slugignore` and, in a git work tree, at `.gitignore`; `--all-files` keeps what git ignores.
    ");
}

#[test]
fn special_files_are_refused_by_name_and_before_anything_else() {
    let source = Source::new(&[("web.js", ""), ("run/x", "")]);
    let _socket = UnixListener::bind(source.join("run/puma.sock")).unwrap();
    for name in ["1", "2", "3", "4", "5"] {
        nix::unistd::mkfifo(&source.join(name), nix::sys::stat::Mode::S_IRWXU).unwrap();
    }
    insta::assert_snapshot!(refusal(&source, ""), @r"
    error[source-special-file]: the source holds a FIFO at `1`, a FIFO at `2`, a FIFO at `3`, a FIFO at `4`, a FIFO at `5` and 1 more

      A slug can hold files, folders and symbolic links only.

      hint: Stop the program that made it and remove it, or leave it out with a line in `.slugignore`.
    ");
    source.put(".slugignore", "[0-9]\n*.sock\n");
    survey(source.path(), &SurveyOptions::default()).unwrap();
}

#[test]
fn a_source_with_our_folder_is_refused() {
    let source = Source::new(&[("web.js", ""), (".slugbuilder/layers/x", "")]);
    insta::assert_snapshot!(refusal(&source, ""), @r"
    error[source-own-folder]: the source has a `.slugbuilder` of its own

      Slugbuilder puts the runtimes and dependencies of the slug into `.slugbuilder`, so the app cannot bring one.

      hint: Remove `.slugbuilder`; if this is an unpacked slug, build from its source.
    ");
    let source = Source::new(&[("web.js", ""), ("lib/.slugbuilder/x", "")]);
    source.survey();
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    if nix::unistd::geteuid().is_root() {
        // For root everything is readable.
        return as_nobody("refusals::what_cannot_be_read_is_refused_by_name");
    }
    let set =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let source = Source::new(&[("web.js", ""), ("config/master.key", ""), ("data/x", "")]);
    set(&source.join("config/master.key"), 0o000);
    assert_eq!(
        refusal(&source, ""),
        "error[source-unreadable]: cannot read `config/master.key`\n  caused by: Permission denied (os error 13)\n\n  \
         hint: Make it readable for the user that builds, or leave it out with a line `/config/master.key` in \
         `.slugignore`.\n"
    );
    source.put(".slugignore", "*.key");
    source.survey();
    set(&source.join("data"), 0o000);
    assert!(refusal(&source, "").starts_with("error[source-unreadable]: cannot read `data`\n"));
    source.put(".slugignore", "*.key\n/data\n");
    source.survey();
    set(source.path(), 0o000);
    assert!(
        refusal(&source, "").starts_with("error[source-unreadable]: cannot read `<temporary>`\n")
    );
    set(source.path(), 0o755);
    set(&source.join("data"), 0o755);
}

/// Runs one of these tests as `nobody`.
fn as_nobody(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("tests");
    // By another process: a child that another test starts meanwhile would hold the copy open for writing, and nobody may run it then.
    let copied = Command::new("cp")
        .arg(std::env::current_exe().unwrap())
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let mut command = Command::new(&program);
    command
        .args(["--exact", test])
        .current_dir("/")
        .gid(65534)
        .uid(65534);
    let output = command.output().unwrap();
    let results = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && results.contains("1 passed"),
        "{results}{errors}"
    );
}
