//! Sources that are odd, bad or hostile: a clear outcome each, and never half a slug.

use crate::context::{Context, User, for_each_user, ordinary, users};
use crate::slug::{entries, fingerprint, listing, names};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// What compiling `../app` says; it has to fail with `status` and leave nothing.
fn refused(context: &Context, status: i32) -> String {
    let text = context
        .slugbuilder(["compile", "../app", "--quiet"])
        .fails(status);
    assert_eq!(entries(&context.path("work")), Vec::<String>::new());
    text
}

#[test]
fn what_is_no_folder_with_an_app_is_refused() {
    for_each_user(|context| {
        insta::allow_duplicates! {
            insta::assert_snapshot!(refused(context, 2), @"
            error[source-not-found]: there is no source at `../app`

              hint: Give the path of the folder that holds the app.
            ");
            context.write("app", "a file");
            insta::assert_snapshot!(refused(context, 2), @"
            error[source-not-a-folder]: the source `../app` is not a folder

              hint: Give the folder that holds the app, not a file in it.
            ");
            fs::remove_file(context.path("app")).unwrap();
            context.folder("app/.git");
            insta::assert_snapshot!(refused(context, 1), @"
            error[source-empty]: the source `../app` is empty after leaving out what is ignored

              hint: Look at `.slugignore` and, in a git work tree, at `.gitignore`; `--all-files` keeps what git ignores.
            ");
            fs::remove_dir(context.path("app/.git")).unwrap();
            insta::assert_snapshot!(refused(context, 1), @"
            error[source-empty]: the source `../app` is empty

              hint: Give the folder that holds the app.
            ");
            // `plan` says the same.
            let planned = context.slugbuilder(["plan", "../app"]).fails(1);
            assert_eq!(planned, refused(context, 1));
        }
    });
}

#[test]
fn without_a_language_it_says_what_was_looked_for_and_what_is_there() {
    for_each_user(|context| {
        insta::allow_duplicates! {
            context.write("app/README.md", "");
            context.write("app/src/main.rs", "");
            context.write("app/Makefile", "");
            insta::assert_snapshot!(refused(context, 1), @"
            error[no-language]: found no Node.js, Ruby or Go app

              Looked at the root of the app for:
              - Node.js: {web,server,app,main,index}.{js,mjs,cjs} or package.json
              - Ruby: {web,server,app,main}.rb or Gemfile
              - Go: *.go of `package main` or go.mod
              - Procfile: a command that starts node, npm, ruby, bundle or rake
              Found there: Makefile, README.md, src/.

              hint: Name the file that answers HTTP requests `web.js`, `web.rb` or `web.go`, or write a Procfile such as `web: node src/server.js`.
            ");
        }
    });
}

#[test]
fn what_cannot_be_read_is_named() {
    let context = Context::new(ordinary());
    let app = context.node_app("app");
    let close =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let secret = context.write("app/secret.key", "");
    close(&secret, 0);
    insta::assert_snapshot!(refused(&context, 74), @"
    error[source-unreadable]: cannot read `secret.key`
      caused by: Permission denied (os error 13)

      hint: Make it readable for the user that builds, or leave it out with a line `/secret.key` in `.slugignore`.
    ");
    close(&secret, 0o644);
    let folder = context.folder("app/closed");
    close(&folder, 0);
    insta::assert_snapshot!(refused(&context, 74), @"
    error[source-unreadable]: cannot read `closed`
      caused by: Permission denied (os error 13)

      hint: Make it readable for the user that builds, or leave it out with a line `/closed` in `.slugignore`.
    ");
    context.write("app/.slugignore", "/closed\n");
    context
        .slugbuilder(["compile", "../app", "-o", "/dev/null/x"])
        .fails(74);
    context.slugbuilder(["compile", "../app"]).succeeds();
    for name in ["slug.tgz", "slug.json"] {
        fs::remove_file(context.path("work").join(name)).unwrap();
    }
    close(&folder, 0o755);
    close(&app, 0);
    let text = refused(&context, 74);
    close(&app, 0o755);
    insta::assert_snapshot!(text, @"
    error[source-unreadable]: cannot read `../app`
      caused by: Permission denied (os error 13)

      hint: Make it readable for the user that builds.
    ");
}

#[test]
fn sockets_and_fifos_are_refused_by_name() {
    for_each_user(|context| {
        context.node_app("app");
        context.shell("mkfifo ../app/pipe").succeeds();
        let _socket = std::os::unix::net::UnixListener::bind(context.path("app/socket")).unwrap();
        insta::allow_duplicates! {
            insta::assert_snapshot!(refused(context, 1), @"
            error[source-special-file]: the source holds a FIFO at `pipe`, a socket at `socket`

              A slug can hold files, folders and symbolic links only.

              hint: Stop the program that made it and remove it, or leave it out with a line in `.slugignore`.
            ");
        }
        context.write("app/.slugignore", "/pipe\n/socket\n");
        context.slugbuilder(["compile", "../app"]).succeeds();
    });
}

#[test]
#[ignore = "needs root, who alone can make devices"]
fn devices_are_refused_by_name() {
    let context = Context::new(User::Me);
    context.node_app("app");
    context.shell("mknod ../app/null c 1 3").succeeds();
    insta::assert_snapshot!(refused(&context, 1), @"
    error[source-special-file]: the source holds a device at `null`

      A slug can hold files, folders and symbolic links only.

      hint: Stop the program that made it and remove it, or leave it out with a line in `.slugignore`.
    ");
}

#[test]
fn links_that_loop_or_leave_are_reported_and_kept() {
    for_each_user(|context| {
        let app = context.node_app("app");
        symlink("loop", app.join("loop")).unwrap();
        symlink("/etc/passwd", app.join("absolute")).unwrap();
        symlink("../../outside", app.join("up")).unwrap();
        symlink("absent", app.join("dangling")).unwrap();
        symlink(".", app.join("myself")).unwrap();
        let ran = context
            .slugbuilder(["compile", "../app", "--quiet"])
            .succeeds();
        let list = listing(&context.path("work/slug.tgz"));
        assert!(list.contains("./app/loop -> loop\n"), "{list}");
        assert!(list.contains("./app/up -> ../../outside\n"), "{list}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran.stderr, @"
            warning[link-leaves-source]: symbolic links lead out of the source: `absolute`, `up`
              hint: They are kept as they are; at run time only what is in the slug and on the stack is there.
            warning[link-loops]: symbolic links lead back to themselves: `loop`
              hint: They are kept as they are and can never be opened.
            ");
        }
    });
}

#[test]
fn names_of_any_bytes_and_length_are_exact() {
    for_each_user(|context| {
        let app = context.node_app("app");
        let mut expected: Vec<PathBuf> = Vec::new();
        let mut add = |path: PathBuf| {
            context.write(app.join(&path), "");
            expected.push(path);
        };
        let odd: &[&[u8]] = &[
            b"new\nline",
            b"\xff\xfe",
            b"tab\t",
            b" ",
            b"-rf",
            b"*",
            b"back\\slash",
            b"\x1b[31m",
            b"'\"$(x)",
        ];
        for name in odd {
            add(OsStr::from_bytes(name).into());
        }
        add("x".repeat(255).into());
        // PATH_MAX is 4,096 with the path of the source and of the build in it.
        let part = "y".repeat(200);
        add([part.as_str(); 18]
            .iter()
            .collect::<PathBuf>()
            .join("z".repeat(100)));
        context.slugbuilder(["compile", "../app"]).succeeds();
        let names = names(&context.path("work/slug.tgz"));
        for path in &expected {
            let name = [b"./app/", path.as_os_str().as_bytes()].concat();
            assert!(names.contains(&name), "{}", path.display());
        }
        context
            .slugbuilder(["run", "slug.tgz", "--", "cat '*' && ls | wc -l"])
            .succeeds();
    });
}

#[test]
fn paths_of_four_thousand_bytes_are_exact() {
    for_each_user(|context| {
        context.node_app("app");
        // No system call takes such a path, so the shell goes there step by step.
        let script = "cd ../app && name=$(printf 'd%.0s' {1..200}) && \
            for i in {1..20}; do mkdir $name && cd -P ./$name || exit; done && echo deep > file";
        context.shell(script).succeeds();
        let before = context.shell("cd ../app && find . -printf '%P %T@ %m\\n' | sort | sha256sum");
        let before = before.succeeds().stdout;
        context.slugbuilder(["compile", "../app"]).succeeds();
        let name = format!("./app/{}file", format!("{}/", "d".repeat(200)).repeat(20));
        assert!(name.len() > 4000);
        let slug = context.path("work/slug.tgz");
        assert!(names(&slug).contains(&name.into_bytes()));
        let after = context.shell("cd ../app && find . -printf '%P %T@ %m\\n' | sort | sha256sum");
        assert_eq!(after.succeeds().stdout, before);
        context
            .slugbuilder(["run", "slug.tgz", "--", "find . -name file | wc -c"])
            .succeeds();
    });
}

#[test]
fn the_path_of_the_source_may_hold_anything() {
    for_each_user(|context| {
        let mut sums = Vec::new();
        for name in [
            "plain", "a,b", "a:b", "a\\b", "a\nb", " a b ", "'\"$(x)", "--help",
        ] {
            let app = context.node_app(name);
            context
                .slugbuilder(["compile", "--"])
                .argument(&app)
                .succeeds();
            sums.push(crate::slug::checksum(&context.path("work/slug.tgz")));
        }
        let app = context.path(OsStr::from_bytes(b"\xff"));
        fs::rename(context.path("plain"), &app).unwrap();
        context.slugbuilder(["compile"]).argument(&app).succeeds();
        sums.push(crate::slug::checksum(&context.path("work/slug.tgz")));
        assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
    });
}

#[test]
fn hard_links_become_copies_and_special_bits_go() {
    for_each_user(|context| {
        let app = context.node_app("app");
        fs::hard_link(app.join("web.js"), app.join("other.js")).unwrap();
        for (name, mode) in [("setuid", 0o4755), ("setgid", 0o2755), ("sticky", 0o1644)] {
            let path = context.write(format!("app/{name}"), "");
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let before = fingerprint(&app);
        context.slugbuilder(["compile", "../app"]).succeeds();
        assert_eq!(fingerprint(&app), before);
        let list = listing(&context.path("work/slug.tgz"));
        for line in [
            "0755 315532801 ./app/setuid\n",
            "0755 315532801 ./app/setgid\n",
            "0644 315532801 ./app/sticky\n",
            "./app/other.js\n",
        ] {
            assert!(list.contains(line), "{list}");
        }
    });
}

#[test]
#[ignore = "needs root, who alone can have files of others"]
fn files_of_other_owners_are_built() {
    assert!(users().contains(&User::Ordinary), "run this as root");
    let mut sums = Vec::new();
    for user in users() {
        let context = Context::new(user);
        let app = context.node_app("app");
        context.slugbuilder(["compile", "../app"]).succeeds();
        sums.push(crate::slug::checksum(&context.path("work/slug.tgz")));
        std::os::unix::fs::chown(app.join("web.js"), Some(12345), Some(23456)).unwrap();
        std::os::unix::fs::chown(app.join(".node-version"), Some(0), Some(0)).unwrap();
        let before = fingerprint(&app);
        context.slugbuilder(["compile", "../app"]).succeeds();
        sums.push(crate::slug::checksum(&context.path("work/slug.tgz")));
        assert_eq!(fingerprint(&app), before);
    }
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
}

#[test]
fn a_slugbuilder_folder_of_its_own_is_refused() {
    let context = Context::new(ordinary());
    context.node_app("app");
    context.write("app/.slugbuilder/layers/x", "");
    insta::assert_snapshot!(refused(&context, 1), @"
    error[source-own-folder]: the source has a `.slugbuilder` of its own

      Slugbuilder puts the runtimes and dependencies of the slug into `.slugbuilder`, so the app cannot bring one.

      hint: Remove `.slugbuilder`; if this is an unpacked slug, build from its source.
    ");
}
