//! `cache`: what is kept is shown and removed; and what keeps the cache within its bounds by itself.

use crate::context::{Context, for_each_user, ordinary};
use crate::invocation::eventually;
use crate::server::Stalling;
use crate::slug::{checksum, entries};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

const HOUR: u64 = 3600;

/// What a build of `/src/<name>` left in the folder `cache`, `hours` ago.
fn kept(context: &Context, name: &str, kind: &str, kilobytes: usize, hours: u64) -> PathBuf {
    let key = format!(
        "{:0>32}",
        name.replace(|c: char| !c.is_ascii_hexdigit(), "")
    );
    let folder = format!("cache/apps-v1/{key}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let used = now.as_secs() - hours * HOUR - 1;
    let layers = kilobytes * 1000;
    let record = format!(
        "version = 1\nkind = \"{kind}\"\nsource = \"/src/{name}\"\nstack = \"heroku-24\"\nbuildpacks = []\n\
         last_used = {used}\nlayers_bytes = {layers}\nslug_bytes = 2000\nlayers_measured = {used}\nlayers_state = \"\"\n"
    );
    context.write(format!("{folder}/app.toml"), record);
    context.write(format!("{folder}/layers/file"), vec![0; layers]);
    context.write(format!("{folder}/slug/index"), vec![0; 2000]);
    context.path(folder)
}

fn cache(context: &Context, words: &[&str]) -> String {
    let ran = context
        .slugbuilder(["cache"])
        .arguments(words)
        .env("SLUGBUILDER_CACHE_DIR", context.path("cache"))
        .succeeds();
    context.normalized(&ran.stdout) + &ran.stderr
}

#[test]
fn what_is_kept_is_shown() {
    for_each_user(|context| {
        context.folder("cache");
        let empty = cache(context, &["info"]);
        kept(context, "fee", "compile", 1234, 3);
        kept(context, "shop/api\\u001b[31m", "archive", 5, 0);
        context.write("cache/apps-v1/0000000000000000000000000000000f/lock", "");
        context.write("cache/downloads/archives-v1/sha256/ab", vec![0; 7000]);
        context.write("cache/runs-v1/run-Ab12/build/file", vec![0; 3000]);
        let full = cache(context, &["info", "--cache-max-size", "2GiB"]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(empty, @"
            folder: [ROOT]/cache

            downloads: 0 B (0 files)
            total: 0 B of 10.0 GB
            ");
            insta::assert_snapshot!(full, @r"
            folder: [ROOT]/cache

            APP                      KIND     STACK      LAYERS  BUILT    SLUG  LAST USED
            /src/shop/api\u{1b}[31m  archive  heroku-24  5.0 kB    0 B  2.0 kB  just now
            /src/fee                 compile  heroku-24  1.2 MB    0 B  2.0 kB  3 hours ago
            ?                        ?        ?             0 B    0 B     0 B  ?

            downloads: 7.0 kB (1 file)
            runs: 3.0 kB (1 run)
            total: 1.3 MB of 2.1 GB
            ");
        }
    });
}

#[test]
fn scripts_get_json_and_the_folder() {
    for_each_user(|context| {
        context.node_app("app");
        context.ready_slug();
        context.slugbuilder(["compile", "../app"]).succeeds();
        let info = || {
            context
                .slugbuilder(["cache", "info", "--json"])
                .succeeds()
                .json()
        };
        let mut json = info();
        let folder = context.path("home/.cache/slugbuilder");
        assert_eq!(json["folder"], folder.to_str().unwrap());
        let apps = json["apps"].as_array_mut().unwrap();
        apps.sort_by_key(|app| app["kind"].as_str().unwrap().to_owned());
        assert_eq!(apps.len(), 2);
        assert_eq!(apps[0]["source"], context.path("ready").to_str().unwrap());
        assert_eq!(apps[0]["layers_bytes"], 0);
        assert_eq!(apps[1]["source"], context.path("app").to_str().unwrap());
        assert_eq!(apps[1]["buildpacks"], serde_json::json!(["slugbuilder"]));
        assert!(apps[1]["layers_bytes"].as_u64().unwrap() > 0);
        assert_eq!(apps[1]["other_bytes"], 0, "the folder of the build is gone");
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        for app in apps {
            assert!(now - app["last_used"].as_u64().unwrap() < 600);
            let names: Vec<&String> = app.as_object().unwrap().keys().collect();
            let documented = [
                "folder",
                "source",
                "root",
                "kind",
                "stack",
                "buildpacks",
                "last_used",
                "in_use",
                "layers_bytes",
                "slug_bytes",
                "kept_bytes",
                "other_bytes",
                "bytes",
            ];
            assert_eq!(names, documented);
        }
        assert_eq!(json["version"], 1);
        assert_eq!(json["downloads"]["count"], 1);
        assert_eq!(json["runs"], serde_json::json!({"count": 0, "bytes": 0}));
        assert_eq!(json["max_bytes"], 10_000_000_000_u64);
        assert!(json["bytes"].as_u64() > json["downloads"]["bytes"].as_u64());

        let dir = context.slugbuilder(["cache", "dir"]).succeeds().stdout;
        assert_eq!(dir, format!("{}\n", folder.display()));
        let dir = context
            .slugbuilder(["cache", "dir", "--cache-dir", "x"])
            .succeeds();
        let expected = context.path("work").join("x");
        assert_eq!(dir.stdout, format!("{}\n", expected.display()));
        assert!(!context.path("work/x").exists(), "asking makes nothing");
    });
}

#[test]
fn pruning_says_what_goes_and_leaves_what_is_in_use() {
    for_each_user(|context| {
        let old = kept(context, "a", "compile", 3000, 24 * 40);
        let middle = kept(context, "b", "archive", 2000, 24 * 3);
        let new = kept(context, "c", "compile", 1000, 1);
        kept(context, "d", "compile", 500, 0);
        context.write("cache/apps-v1/trash-x/file", vec![0; 4000]);
        context.write("cache/downloads/archives-v1/sha256/ab", vec![0; 7000]);
        let dry = cache(context, &["prune", "--older-than", "30d", "--dry-run"]);
        assert!(old.exists() && context.path("cache/apps-v1/trash-x").exists());
        let aged = cache(context, &["prune", "--older-than", "30d"]);
        assert!(!old.exists() && middle.exists());
        let lock = context.write("cache/apps-v1/0000000000000000000000000000000c/lock", "");
        let lock = fs::File::open(lock).unwrap();
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock).unwrap();
        let bounded = cache(context, &["prune", "--max-size", "600kB"]);
        assert!(!middle.exists() && new.exists());
        let all = cache(context, &["prune", "--all"]);
        drop(lock);
        let rest = cache(context, &["prune", "--all"]);
        let nothing = cache(context, &["prune", "--quiet", "--all"]);
        assert_eq!(
            entries(&context.path("cache/apps-v1")),
            Vec::<String>::new()
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(dry, @"
            Would remove what failed or killed builds left: 4.0 kB
            Would remove `/src/a` (compile, heroku-24): 3.0 MB, last used 40 days ago
            Would free 3.0 MB; 3.5 MB stay
            ");
            insta::assert_snapshot!(aged, @"
            Removed what failed or killed builds left: 4.0 kB
            Removed `/src/a` (compile, heroku-24): 3.0 MB, last used 40 days ago
            Freed 3.0 MB; 3.5 MB stay
            ");
            insta::assert_snapshot!(bounded, @"
            Removed `/src/b` (archive, heroku-24): 2.0 MB, last used 3 days ago
            Removed `/src/d` (compile, heroku-24): 502.0 kB, last used just now
            Removed 1 download: 7.0 kB
            Kept `/src/c` (compile, heroku-24): it is being built
            Freed 2.5 MB; 1.0 MB stay
            ");
            insta::assert_snapshot!(all, @"
            Kept `/src/c` (compile, heroku-24): it is being built
            Freed 0 B; 1.0 MB stay
            ");
            insta::assert_snapshot!(rest, @"
            Removed `/src/c` (compile, heroku-24): 1.0 MB, last used 1 hour ago
            Freed 1.0 MB; 0 B stay
            ");
        }
        assert_eq!(nothing, "");
    });
}

#[test]
fn a_cache_that_cannot_be_looked_into_is_an_error() {
    let context = Context::new(ordinary());
    context.folder("cache/apps-v1");
    let fails = |words: &[&str]| {
        context
            .slugbuilder(["cache"])
            .arguments(words)
            .arguments(["--cache-dir", "../cache"])
            .fails(74)
    };
    let apps = context.path("cache/apps-v1");
    fs::set_permissions(&apps, fs::Permissions::from_mode(0o000)).unwrap();
    insta::assert_snapshot!(fails(&["info"]), @"
    error[cache-folder]: cannot use the cache folder
      caused by: failed to read directory `[ROOT]/cache/apps-v1`: Permission denied (os error 13)

      hint: Look at who may read and write the folder, as the user whose builds use it.
    ");
    fs::set_permissions(&apps, fs::Permissions::from_mode(0o755)).unwrap();
    kept(&context, "a", "compile", 1, 1);
    fs::set_permissions(&apps, fs::Permissions::from_mode(0o555)).unwrap();
    let key = "0000000000000000000000000000000a";
    insta::assert_snapshot!(fails(&["prune", "--all"]).replace(key, "[KEY]"), @"
    error[cache-folder]: cannot use the cache folder
      caused by: cannot take [ROOT]/cache/apps-v1/[KEY] away: permission denied

      hint: Look at who may read and write the folder, as the user whose builds use it.
    ");
    cache(&context, &["info"]);
    fs::set_permissions(&apps, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_build_that_runs_keeps_what_it_uses() {
    for_each_user(|context| {
        context.node_app("app");
        context.slugbuilder(["compile", "../app"]).succeeds();
        let slug = checksum(&context.path("work/slug.tgz"));
        let mirror = Stalling::new();
        let mut build = context
            .slugbuilder(["compile", "../app", "--clear-cache"])
            .env("SLUGBUILDER_MIRROR_NODE", mirror.address())
            .start();
        let connection = mirror.asked();
        let told = context.slugbuilder(["cache", "prune", "--all"]).succeeds();
        assert!(
            told.stderr.starts_with("Removed 1 download: ")
                && told
                    .stderr
                    .contains("\nKept `[ROOT]/app` (compile, heroku-24): it is being built\n"),
            "{}",
            told.stderr
        );
        let apps = context.path("home/.cache/slugbuilder/apps-v1");
        assert_eq!(entries(&apps).len(), 1);
        let info = context.slugbuilder(["cache", "info"]).succeeds();
        assert!(info.stdout.contains("in use"), "{}", info.stdout);
        build.signal(Signal::SIGINT);
        assert_eq!(build.status(), 75);
        drop(connection);
        context.slugbuilder(["cache", "prune", "--all"]).succeeds();
        assert_eq!(entries(&apps), Vec::<String>::new());
        context.slugbuilder(["compile", "../app"]).succeeds();
        assert_eq!(checksum(&context.path("work/slug.tgz")), slug);
    });
}

#[test]
fn what_a_killed_build_left_is_pruned() {
    for_each_user(|context| {
        context.node_app("app");
        context.slugbuilder(["compile", "../app"]).succeeds();
        let slug = checksum(&context.path("work/slug.tgz"));
        let mirror = Stalling::new();
        let mut build = context
            .slugbuilder(["compile", "../app", "--clear-cache"])
            .env("SLUGBUILDER_MIRROR_NODE", mirror.address())
            .start();
        let _connection = mirror.asked();
        build.signal(Signal::SIGKILL);
        assert_eq!(build.status(), 137);
        let apps = context.path("home/.cache/slugbuilder/apps-v1");
        let app = apps.join(entries(&apps).remove(0));
        assert!(app.join("build").exists());
        // The lock goes with the last of its processes.
        let told = eventually("the end of the build", || {
            let told = context.slugbuilder(["cache", "prune"]).succeeds().stderr;
            told.contains("left: ").then_some(told)
        });
        assert!(
            told.starts_with("Removed what failed or killed builds left: "),
            "{told}"
        );
        assert_eq!(entries(&apps).len(), 1);
        assert!(app.join("app.toml").exists() && !app.join("build").exists());
        context.slugbuilder(["compile", "../app"]).succeeds();
        assert_eq!(checksum(&context.path("work/slug.tgz")), slug);
    });
}

#[test]
fn builds_keep_the_cache_within_its_bounds() {
    for_each_user(|context| {
        context.node_app("app");
        context.ready_app("ready");
        let old = kept(context, "a", "compile", 1, 24);
        let new = kept(context, "b", "compile", 1, 2);
        let run = |words: &[&str], bound: &str| {
            context
                .slugbuilder(words)
                .arguments(["--cache-dir", "../cache", "--quiet"])
                .env("SLUGBUILDER_CACHE_MAX_SIZE", bound)
                .succeeds()
                .stderr
        };
        assert_eq!(run(&["archive", "../ready"], "10GB"), "");
        assert!(old.exists() && new.exists());
        // Some bytes more than one of them has.
        assert_eq!(run(&["archive", "../ready"], "5kB"), "");
        assert!(!old.exists() && new.exists());
        let told = run(&["compile", "../app"], "1B");
        assert!(!new.exists());
        let text = context.slugbuilder(["cache", "info", "--cache-dir", "../cache"]);
        let text = context.normalized(&text.succeeds().stdout);
        insta::allow_duplicates! {
            insta::assert_snapshot!(told, @"
            warning[cache-too-small]: what this app keeps for its next build is larger than the whole cache may be, and was removed
              hint: Allow more with `--cache-max-size`, and every build of this app will be faster.
            ");
            insta::assert_snapshot!(text, @"
            folder: [ROOT]/cache

            downloads: 0 B (0 files)
            total: 0 B of 10.0 GB
            ");
        }
        assert_eq!(run(&["compile", "../app"], "0"), "");
    });
}

#[test]
fn clearing_forgets_the_slug_too() {
    for_each_user(|context| {
        context.node_app("app");
        let compile = || context.slugbuilder(["compile", "../app"]);
        compile().succeeds();
        let apps = "home/.cache/slugbuilder/apps-v1";
        let key = entries(&context.path(apps)).remove(0);
        let planted = context.write(format!("{apps}/{key}/slug/planted"), "");
        let before = checksum(&context.path("work/slug.tgz"));
        compile().argument("--clear-cache").succeeds();
        assert!(!planted.exists());
        assert_eq!(checksum(&context.path("work/slug.tgz")), before);
    });
}

#[test]
fn a_restored_cache_serves_a_fresh_checkout() {
    for_each_user(|context| {
        context.node_app("app");
        let compile = || {
            context
                .slugbuilder(["compile", "../app", "--cache-dir", "../cache"])
                .succeeds()
                .stderr
        };
        assert!(compile().contains("Layer node: new"));
        let before = checksum(&context.path("work/slug.tgz"));
        context
            .shell("cd .. && tar cf kept.tar cache && rm -r cache app && tar xf kept.tar")
            .succeeds();
        context.node_app("app");
        let told = compile();
        assert!(
            told.contains("Layer node: kept from the last build"),
            "{told}"
        );
        assert_eq!(checksum(&context.path("work/slug.tgz")), before);
        // Layers of another inode are measured again.
        let info = context.slugbuilder(["cache", "info", "--json", "--cache-dir", "../cache"]);
        assert!(
            info.succeeds().json()["apps"][0]["layers_bytes"]
                .as_u64()
                .unwrap()
                > 0
        );
    });
}

#[test]
fn every_setting_of_compression_gives_a_slug_that_runs() {
    let context = Context::new(ordinary());
    context.node_app("app");
    context.ready_app("ready");
    for words in [["archive", "../ready"], ["compile", "../app"]] {
        for how in ["fast", "default", "best"] {
            context
                .slugbuilder(words)
                .arguments(["--compression", how])
                .succeeds();
            context
                .slugbuilder(["run", "slug.tgz", "--", "test -s Procfile -o -s web.js"])
                .succeeds();
        }
    }
}

#[test]
fn sizes_and_ages_are_checked() {
    let context = Context::new(ordinary());
    let refused = |words: &[&str]| context.slugbuilder(words).fails(2);
    insta::assert_snapshot!(refused(&["cache", "prune", "--max-size", "5"]), @"
    error: invalid value '5' for '--max-size <SIZE>': use a whole number with a unit: 500MB, 10GB, 2GiB

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["cache", "prune", "--older-than", "1y"]), @"
    error: invalid value '1y' for '--older-than <AGE>': use minutes, hours, days or weeks: 30m, 12h, 30d, 8w

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["cache", "prune", "--all", "--older-than", "1d"]), @"
    error: the argument '--all' cannot be used with '--older-than <AGE>'

    Usage: slugbuilder cache prune --all

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["archive", ".", "--compression", "9"]), @"
    error: invalid value '9' for '--compression <HOW>'
      [possible values: fast, default, best]

    For more information, try '--help'.
    ");
    let homeless = context.slugbuilder(["cache", "dir"]).without_env("HOME");
    insta::assert_snapshot!(homeless.fails(2), @"
    error[no-cache-dir]: no folder for the cache is known

      hint: Set `HOME`, or name a folder with `--cache-dir`.
    ");
    assert_eq!(entries(&context.path("home")), Vec::<String>::new());
}
