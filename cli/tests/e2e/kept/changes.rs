//! Everything that goes into a build is noticed, and named.

use super::{KEPT, app, compile, compiling, slug, verdict, work_folder};
use crate::context::{Context, for_each_user, ordinary};
use crate::invocation::Invocation;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

#[test]
fn every_change_is_named_and_built() {
    for_each_user(|context| {
        app(context);
        fs::create_dir(context.path("home/bin")).unwrap();
        compile(context);
        let mode = |path: &str, mode| {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(context.path(path), mode).unwrap();
        };
        let edits: [(&dyn Fn(), &str); 9] = [
            (
                &|| drop(context.write("app/lib/part.js", "trap")),
                "`lib/part.js` changed",
            ),
            (
                &|| drop(context.write("app/lib/new.js", "")),
                "`lib/new.js` is new",
            ),
            (
                &|| fs::remove_file(context.path("app/lib/new.js")).unwrap(),
                "`lib/new.js` is gone",
            ),
            (
                &|| mode("app/web.js", 0o755),
                "the permissions of `web.js` changed",
            ),
            (
                &|| {
                    fs::remove_file(context.path("app/link")).unwrap();
                    symlink("web.js", context.path("app/link")).unwrap();
                },
                "the link `link` leads elsewhere",
            ),
            (
                &|| drop(context.write("app/.slugignore", "")),
                "`.slugignore` changed",
            ),
            (&|| drop(context.folder("app/empty")), "`empty` is new"),
            (
                &|| drop(context.write("home/.npmrc", "strict-ssl=false\n")),
                "the configuration `~/.npmrc` is new",
            ),
            (
                &|| drop(context.write("pack/more", "")),
                "the buildpack `[ROOT]/pack` changed: `more` is new",
            ),
        ];
        for (edit, reason) in edits {
            let before = slug(context).0;
            edit();
            assert_eq!(verdict(&compile(context)), reason);
            assert_ne!(slug(context).0, before);
            let again = compile(context);
            assert!(again.stderr.contains(KEPT), "{reason}: {}", again.stderr);
        }
    });
}

#[test]
fn every_option_that_a_build_sees_is_named() {
    let context = Context::new(ordinary());
    app(&context);
    compile(&context);
    let mut sums = vec![slug(&context).0];
    let mirror = format!("file://{}/other", context.root().display());
    for (arguments, variable, reason) in [
        (
            &["-e", "NODE_ENV=s3cret"][..],
            None,
            "config var `NODE_ENV` is new",
        ),
        (
            &["-e", "NODE_ENV=s4cret"],
            None,
            "config var `NODE_ENV` changed",
        ),
        (&[], None, "config var `NODE_ENV` is gone"),
        (&["--all-files"], None, "--all-files changed"),
        (&["--all-files", "--offline"], None, "--offline changed"),
        (&["--with-credentials", "npm"], None, "--all-files changed"),
        (
            &["--with-credentials", "netrc"],
            None,
            "--with-credentials changed",
        ),
        (
            &["--with-credentials", "netrc"],
            Some(("HTTPS_PROXY", "http://proxy.example")),
            "the variable `HTTPS_PROXY` of this machine is new",
        ),
        (
            &["--with-credentials", "netrc"],
            Some(("SLUGBUILDER_MIRROR_NODE", mirror.as_str())),
            "the variable `SLUGBUILDER_MIRROR_NODE` changed",
        ),
        (&["--rebuild"], None, "--rebuild asks for it"),
        (
            &[],
            Some(("SLUGBUILDER_REBUILD", "1")),
            "--rebuild asks for it",
        ),
        (
            &["--clear-cache"],
            None,
            "--clear-cache forgets the last one",
        ),
    ] {
        let run = || {
            let run = compiling(&context).arguments(arguments);
            match variable {
                Some((name, value)) => run.env(name, value).succeeds(),
                None => run.succeeds(),
            }
        };
        assert_eq!(verdict(&run()), reason, "{arguments:?}");
        sums.push(slug(&context).0);
        let record = fs::read(work_folder(&context).join("kept/record")).unwrap();
        let record = String::from_utf8_lossy(&record);
        assert!(!record.contains("s3cret") && !record.contains("s4cret"));
        if !reason.contains(" asks ") && !reason.contains(" forgets ") {
            let again = run();
            assert!(again.stderr.contains(KEPT), "{reason}: {}", again.stderr);
        }
    }
    let built = sums.len();
    sums.sort();
    sums.dedup();
    assert_eq!(sums.len(), built, "each was a build of its own");
}

#[test]
fn another_slugbuilder_builds_again() {
    let context = Context::new(ordinary());
    app(&context);
    compile(&context);
    let other = context.folder("other").join("slugbuilder");
    fs::copy(&context.binary, &other).unwrap();
    let compile = || {
        let mut command = context.command(&other);
        command.args(["compile", "../app", "--buildpack", "../pack"]);
        Invocation::new(&context, command).succeeds()
    };
    assert!(compile().stderr.contains(KEPT), "a copy is the same one");
    let mut bytes = fs::read(&other).unwrap();
    bytes.push(0);
    fs::write(&other, bytes).unwrap();
    assert_eq!(verdict(&compile()), "slugbuilder is another version");
}
