//! An app of which nothing has changed is not built again, and whatever has changed is named.

use crate::buildpacks::{LAYER, buildpack};
use crate::context::{Context, ORDINARY, User, for_each_user, ordinary};
use crate::invocation::{Invocation, Ran};
use crate::slug::{checksum, entries};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::PathBuf;

mod changes;
mod leaving;
mod unbuilt;

const KEPT: &str =
    "  Build: kept from the last build, because nothing has changed (--rebuild runs it again)\n";

/// A buildpack whose every build is another one, and that warns, and takes a file away.
fn changing(context: &Context) {
    buildpack(
        context,
        "pack",
        "acme/changing",
        "",
        "",
        &format!(
            r#"[ ! -e hang ] || {{ echo hanging; sleep 60; }}
[ ! -e slow ] || {{ echo slow; sleep 3; }}
echo "built in $(date +%s.%N)" | tee built.txt
head -c 3000000 /dev/urandom > large
rm -f removed.txt
mkdir -p node_modules/dependency; cp built.txt node_modules/dependency/index.js
cat > "$1/launch.toml" <<'END'
[[labels]]
key = 'a'
value = 'b'
[[processes]]
type = 'web'
command = ['cat', 'built.txt']
END
echo '{{"warnings":[{{"code":"acme","message":"something is odd"}}]}}' > "$SLUGBUILDER_REPORT"
[ ! -e "$1/layer.toml" ] || echo a layer is there
{LAYER}
echo "cache = true" >> ../layer.toml; cat "$app/built.txt" > file"#
        ),
    );
}

fn app(context: &Context) {
    changing(context);
    context.write("app/web.js", "web");
    context.write("app/lib/part.js", "part");
    context.write("app/removed.txt", "");
    context.write("app/.slugignore", "/left-out\n/node_modules\n*.log\n");
    context.write("app/left-out/file", "");
    symlink("lib", context.path("app/link")).unwrap();
}

fn compiling(context: &Context) -> Invocation<'_> {
    context.slugbuilder(["compile", "../app", "--buildpack", "../pack"])
}

fn compile(context: &Context) -> Ran {
    compiling(context).succeeds()
}

/// What a build says of whether it ran; it ran if it did not keep the app.
fn verdict(ran: &Ran) -> String {
    let line = |line: &&str| line.trim_start().starts_with("Build: ");
    let told = ran.stderr.lines().find(line).unwrap_or_default().trim();
    assert_eq!(
        ran.stderr.contains("Building with"),
        !told.contains("kept from"),
        "{}",
        ran.stderr
    );
    told.trim_start_matches("Build: runs again, because ")
        .to_owned()
}

fn slug(context: &Context) -> (String, serde_json::Value) {
    let manifest = fs::read_to_string(context.path("work/slug.json")).unwrap();
    let manifest = serde_json::from_str(&manifest).unwrap();
    (checksum(&context.path("work/slug.tgz")), manifest)
}

fn work_folder(context: &Context) -> PathBuf {
    let apps = context.path("home/.cache/slugbuilder/apps-v1");
    apps.join(&entries(&apps)[0])
}

#[test]
fn an_unchanged_app_is_not_built_again() {
    for_each_user(|context| {
        app(context);
        let first = compile(context);
        let slug_of_first = slug(context);
        let second = compile(context);
        insta::allow_duplicates! {
            insta::assert_snapshot!(second.stderr, @"
            Compiling ../app for heroku-24
              Build: kept from the last build, because nothing has changed (--rebuild runs it again)
            warning[acme]: something is odd
              A slug has no place for 1 label; `build.not_carried` of slug.json lists them
            Writing the slug
              left out: 1 file (0 B), matching .slugignore
            Process types
              web  cat built.txt
            Wrote slug.tgz ([SIZE]) and slug.json in [TIME]
              SHA256:[DIGITS]
            ");
        }
        assert!(!first.stderr.contains("Build: "), "{}", first.stderr);
        assert_eq!(slug(context), slug_of_first);
        let ran = context.slugbuilder(["run", "slug.tgz"]).succeeds();
        assert!(ran.stdout.starts_with("built in "), "{}", ran.stdout);
        let listed = context.shell("tar -tzf slug.tgz").succeeds().stdout;
        assert!(!listed.contains("removed.txt") && !listed.contains("left-out"));
        // Elsewhere and otherwise compressed it is still the same app.
        let other = ["-o", "other.tgz", "--compression", "fast"];
        let other = compiling(context).arguments(other).succeeds();
        assert!(other.stderr.contains(KEPT), "{}", other.stderr);
        // The layers serve the next build that runs.
        assert!(!work_folder(context).join("layers").exists());
        let rebuilt = compiling(context).argument("--rebuild").succeeds();
        assert!(
            rebuilt.stderr.contains("a layer is there"),
            "{}",
            rebuilt.stderr
        );
    });
}

#[test]
fn a_fresh_copy_of_the_source_is_the_same_source() {
    for_each_user(|context| {
        app(context);
        compile(context);
        let before = slug(context);
        for _ in 0..2 {
            context
                .shell("cp -r ../app ../copy && rm -r ../app && mv ../copy ../app")
                .succeeds();
            let ran = compile(context);
            assert!(ran.stderr.contains(KEPT), "{}", ran.stderr);
            assert_eq!(slug(context), before);
        }
    });
}

#[test]
fn what_is_left_out_may_come_and_go() {
    for_each_user(|context| {
        app(context);
        compile(context);
        let before = slug(context).0;
        context.write("app/lib/today.log", "");
        // The build has made a folder of that name, which must not be filled with this one's.
        context.write("app/node_modules/dependency/local.js", "");
        context.write("app/node_modules/other/index.js", "");
        let ran = compile(context);
        assert!(ran.stderr.contains(KEPT), "{}", ran.stderr);
        assert_eq!(slug(context).0, before);
        for gone in ["left-out", "node_modules"] {
            fs::remove_dir_all(context.path("app").join(gone)).unwrap();
        }
        let ran = compile(context);
        assert!(ran.stderr.contains(KEPT), "{}", ran.stderr);
        assert_eq!(slug(context).0, before);
    });
}

#[test]
fn a_build_that_was_killed_or_failed_leaves_nothing_to_keep() {
    for_each_user(|context| {
        app(context);
        compile(context);
        context.write("app/hang", "");
        let mut build = compiling(context).start();
        build.says("hanging");
        build.signal(Signal::SIGKILL);
        assert_eq!(build.status(), 137);
        fs::remove_file(context.path("app/hang")).unwrap();
        assert_eq!(verdict(&compile(context)), "the last one did not end well");
        assert!(compile(context).stderr.contains(KEPT));
        fs::rename(context.path("pack/bin/build"), context.path("build")).unwrap();
        context.program("pack/bin/build", "#!/bin/bash\nexit 1\n");
        compiling(context).fails(1);
        fs::rename(context.path("build"), context.path("pack/bin/build")).unwrap();
        assert_eq!(verdict(&compile(context)), "the last one did not end well");
        // A slug that is not written leaves the app as it is.
        compile(context);
        compiling(context).arguments(["--max-size", "1"]).fails(1);
        assert!(compile(context).stderr.contains(KEPT));
    });
}

#[test]
fn what_is_damaged_is_built_again() {
    for_each_user(|context| {
        app(context);
        compile(context);
        let kept = || work_folder(context).join("kept");
        let app = || kept().join("app");
        let edit = |path: PathBuf| {
            let mut bytes = fs::read(&path).unwrap();
            let last = bytes.last_mut().unwrap();
            *last = last.wrapping_add(1);
            fs::write(path, bytes).unwrap();
        };
        let not_as_left = "what was kept of the last one is not as it was left";
        let damage: [(&dyn Fn(), &str); 7] = [
            (
                &|| edit(kept().join("record")),
                "what is known of the last one cannot be read",
            ),
            (
                &|| fs::write(kept().join("record"), "").unwrap(),
                "what is known of the last one cannot be read",
            ),
            (
                &|| fs::remove_file(kept().join("record")).unwrap(),
                "nothing is kept of the last one",
            ),
            (
                &|| fs::remove_file(app().join("built.txt")).unwrap(),
                not_as_left,
            ),
            (&|| edit(app().join("built.txt")), not_as_left),
            // The whiteout of what the build removed.
            (
                &|| fs::remove_file(app().join("removed.txt")).unwrap(),
                not_as_left,
            ),
            (
                &|| fs::remove_dir_all(app().join(".slugbuilder/layers")).unwrap(),
                not_as_left,
            ),
        ];
        for (damage, reason) in damage {
            damage();
            assert_eq!(verdict(&compile(context)), reason);
            let again = compile(context);
            assert!(again.stderr.contains(KEPT), "{}", again.stderr);
        }
    });
}

#[test]
fn the_kept_app_counts_into_the_bound_of_the_cache() {
    for_each_user(|context| {
        app(context);
        compile(context);
        let info = context.slugbuilder(["cache", "info", "--json"]).succeeds();
        let bytes = info.json()["apps"][0]["kept_bytes"].as_u64().unwrap();
        assert!((3_000_000..3_100_000).contains(&bytes), "{bytes}");
        // Enough for the slug and the layers only.
        let bounded = || {
            let bound = ["--cache-max-size", "5000kB"];
            compiling(context).arguments(bound).succeeds()
        };
        bounded();
        let folder = work_folder(context);
        assert!(folder.join("layers").exists() && !folder.join("kept").exists());
        assert_eq!(verdict(&bounded()), "nothing is kept of the last one");
        compile(context);
        assert!(compile(context).stderr.contains(KEPT));
        context
            .slugbuilder(["cache", "prune", "--max-size", "1kB"])
            .succeeds();
        assert!(!folder.exists());
    });
}

#[test]
fn a_source_that_changes_while_it_is_built_is_not_taken_for_the_one_that_was() {
    let context = Context::new(ordinary());
    app(&context);
    context.write("app/slow", "");
    let mut build = compiling(&context).start();
    build.says("slow");
    context.write("app/lib/part.js", "later");
    assert_eq!(build.status(), 0);
    let told = "Build: not kept for the next one, because `lib/part.js` changed meanwhile\n";
    assert!(build.output().contains(told), "{}", build.output());
    assert_eq!(
        verdict(&compile(&context)),
        "nothing is kept of the last one"
    );
    assert!(compile(&context).stderr.contains(KEPT));
}

#[test]
#[ignore = "needs root, who alone can have files of others"]
fn a_source_of_several_owners_is_kept_too() {
    let context = Context::new(User::Me);
    app(&context);
    chown(context.path("app/web.js"), Some(ORDINARY), Some(ORDINARY)).unwrap();
    compile(&context);
    let before = slug(&context);
    assert!(work_folder(&context).join("source").exists());
    context
        .shell("cp -r --preserve=ownership ../app ../copy && rm -r ../app && mv ../copy ../app")
        .succeeds();
    let ran = compile(&context);
    assert!(ran.stderr.contains(KEPT), "{}", ran.stderr);
    assert_eq!(slug(&context), before);
    // The copy is below the app: damage to it shows.
    fs::write(work_folder(&context).join("source/web.js"), "damaged").unwrap();
    let reason = "what was kept of the last one is not as it was left";
    assert_eq!(verdict(&compile(&context)), reason);
}
