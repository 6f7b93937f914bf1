//! The same source gives the same bytes.

use crate::context::{Context, for_each_user, ordinary, users};
use crate::slug::{checksum, entries, listing, names};

/// A source with what tends to differ between machines: names that sort differently, empty folders, links.
fn source(context: &Context, name: &str) {
    context.node_app(name);
    for file in ["b", "B", "a.txt", "é", "lib/z", "lib/a", "Lib/x"] {
        context.write(format!("{name}/{file}"), file);
    }
    context.folder(format!("{name}/tmp/empty"));
    std::os::unix::fs::symlink("lib/z", context.path(name).join("link")).unwrap();
}

#[test]
fn folder_cache_user_time_zone_language_and_umask_do_not_matter() {
    let mut sums = Vec::new();
    for user in users() {
        let context = Context::new(user);
        source(&context, "one");
        source(&context, "deeper/two");
        let mut sum = |script: &str| {
            context.shell(script).succeeds();
            sums.push(checksum(&context.path("work/slug.tgz")));
        };
        sum("exec $SLUGBUILDER compile ../one");
        sum("exec $SLUGBUILDER compile ../one");
        sum("umask 077; exec $SLUGBUILDER compile ../one --cache-dir ../other");
        sum("umask 000; exec $SLUGBUILDER compile ../deeper/two --cache-dir ../third");
        sum(
            "TZ=Pacific/Auckland LANG=de_DE.UTF-8 LC_ALL=C exec $SLUGBUILDER compile --clear-cache ../deeper/two",
        );
        sum("cd ../one; exec $SLUGBUILDER compile -o ../work/slug.tgz .");
        // At another time, and after the files were written again.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        context.write("one/web.js", "hello from web.js\n");
        sum("exec $SLUGBUILDER compile ../one");
    }
    assert_eq!(sums.len(), 7 * users().len());
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:#?}");
}

#[test]
fn a_slug_in_its_source_is_not_in_the_next_one() {
    for_each_user(|context| {
        context.node_app("app");
        let compile = || context.slugbuilder(["compile", "."]).directory("app");
        compile().succeeds();
        let first = checksum(&context.path("app/slug.tgz"));
        context.write("app/.slug.tgz.Ab3xYz.tmp", "left by a killed build");
        let second = compile().succeeds();
        assert_eq!(checksum(&context.path("app/slug.tgz")), first);
        let left_out = |text: &str| {
            let line = text.lines().find(|line| line.contains("left out:"));
            line.unwrap().replace(|c: char| c.is_ascii_digit(), "0")
        };
        assert_eq!(
            left_out(&second.stderr),
            "  left out: 0 files (0.0 kB), slugbuilder's own output"
        );
        assert_eq!(
            entries(&context.path("app")),
            [".node-version", "slug.json", "slug.tgz", "web.js"]
        );
        // A cache in the source is none of the app's either.
        let third = compile().arguments(["--cache-dir", "cache"]).succeeds();
        assert_eq!(
            checksum(&context.path("app/slug.tgz")),
            first,
            "{}",
            third.stderr
        );
    });
}

#[test]
fn source_date_epoch_is_the_time_of_the_apps_own_files() {
    let context = Context::new(ordinary());
    context.node_app("app");
    context
        .slugbuilder(["compile", "../app"])
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .succeeds();
    let list = listing(&context.path("work/slug.tgz"));
    assert!(list.contains("0644 1700000000 ./app/web.js\n"), "{list}");
    assert!(list.contains(
        "0755 315532801 ./app/.slugbuilder/layers/slugbuilder_slugbuilder/node/bin/node\n"
    ));
}

#[test]
fn a_commit_dates_and_describes_the_slug() {
    for_each_user(|context| {
        context.node_app("app");
        context
            .shell(
                "cd ../app && git init --quiet --initial-branch main && git add . && \
                 git -c user.name=A -c user.email=a@b.example commit --quiet -m 'Add the app\n\nIn full.' && \
                 git rev-parse HEAD",
            )
            .env("GIT_COMMITTER_DATE", "1600000000 +0200")
            .succeeds();
        let ran = context
            .slugbuilder(["compile", "../app", "--json"])
            .succeeds();
        let json = ran.json();
        let head = context
            .shell("git -C ../app rev-parse HEAD")
            .succeeds()
            .stdout;
        assert_eq!(json["slug"]["commit"], head.trim());
        assert_eq!(json["slug"]["commit_description"], "Add the app");
        let slug = context.path("work/slug.tgz");
        assert!(listing(&slug).contains("0644 1600000000 ./app/web.js\n"));
        assert!(
            !names(&slug)
                .iter()
                .any(|name| name.starts_with(b"./app/.git"))
        );
        // Uncommitted changes are in the slug, and SOURCE_DATE_EPOCH precedes the commit.
        context.write("app/web.js", "changed\n");
        context
            .slugbuilder(["compile", "../app"])
            .env("SOURCE_DATE_EPOCH", "0")
            .succeeds();
        assert!(listing(&slug).contains("0644 0 ./app/web.js\n"));
    });
}
