//! What leaves the slug after the build.

use crate::context::{Context, for_each_user};
use crate::slug::listing;
use std::fs;

/// A buildpack that runs `build` in the app and starts `start`.
fn buildpack(context: &Context, build: &str, start: &str) {
    context.write(
        "pack/buildpack.toml",
        "api = '0.10'\n[buildpack]\nid = 'acme/pack'\nversion = '1.0.0'\n",
    );
    context.program("pack/bin/detect", "#!/bin/bash\n");
    context.program(
        "pack/bin/build",
        &format!(
            "#!/bin/bash\nset -eu\n{build}\nprintf '[[processes]]\\ntype = \"web\"\\ncommand = [\"bash\", \"-c\", \"{start}\"]\\n' > \"$1/launch.toml\"\n"
        ),
    );
}

/// Writes a file of so many bytes for each pair.
const FILES: &str = r#"
files() { while read -r size path; do mkdir -p "$(dirname "$path")"; head -c "$size" /dev/zero > "$path"; done; }
"#;

/// The paths in the slug of the app's own files.
fn paths(context: &Context) -> Vec<String> {
    let listing = listing(&context.path("work/slug.tgz"));
    let paths = listing
        .lines()
        .filter_map(|line| line.split("./app/").nth(1));
    paths
        .filter(|path| !path.is_empty() && !path.starts_with(".slugbuilder"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn patterns_reach_what_was_built_and_installed_but_nothing_that_slugbuilder_needs() {
    for_each_user(|context| {
        context.write(
            "app/.slugignore-after-build",
            "# the build needs these\nsrc/\n*.ts\nnode_modules/**/test/\n.*\nProcfile\nmade/*.sh\n",
        );
        context.write("app/src/main.ts", "main");
        context.write("app/Procfile", "web: x\n");
        context.write("app/.profile.d/own.sh", "true\n");
        context.write("app/test/stays", "");
        buildpack(
            context,
            &format!(
                "{FILES}cat src/main.ts > main.js\nfiles <<'END'\n100 made/x.ts\n50 made/x.sh\n0 node_modules/a/index.js\n\
                 7 node_modules/a/test/one\n8 node_modules/a/node_modules/b/test/deep/two\nEND\n\
                 mkdir -p \"$1/env/env\"; printf '[types]\\nlaunch = true\\n' > \"$1/env.toml\"; printf yes > \"$1/env/env/SET\""
            ),
            "echo $SET; cat main.js",
        );
        let built = context
            .slugbuilder(["compile", "../app", "--buildpack", "../pack", "--json"])
            .succeeds();
        assert!(
            built.stderr.contains(
                "\n  left out after the build: 7 files, 181 B (.slugignore-after-build)\n"
            ),
            "{}",
            built.stderr
        );
        assert_eq!(
            built.json()["build"]["left_out"],
            serde_json::json!([{"by": "ignore-file", "name": ".slugignore-after-build", "files": 7, "bytes": 181}])
        );
        assert_eq!(
            paths(context),
            [
                "node_modules/",
                "node_modules/a/",
                "node_modules/a/node_modules/",
                "node_modules/a/node_modules/b/",
                "node_modules/a/index.js",
                ".profile.d/",
                "made/",
                "test/",
                ".profile.d/000_slugbuilder.sh",
                "main.js",
                "test/stays"
            ]
        );
        let ran = context.slugbuilder(["run", "slug.tgz"]).succeeds();
        assert_eq!(ran.stdout, "yes\nmain");
        // What left the slug did not leave the source.
        assert!(context.path("app/src/main.ts").exists());
        // Everything is there for the next build, and an unchanged slug has the same bytes.
        let first = fs::read(context.path("work/slug.tgz")).unwrap();
        context
            .slugbuilder(["compile", "../app", "--buildpack", "../pack"])
            .succeeds();
        assert!(first == fs::read(context.path("work/slug.tgz")).unwrap());
    });
}

const ADDON: &str = "
10 node_modules/a/LICENSE
20 node_modules/a/build/Makefile
30 node_modules/a/build/config.gypi
40 node_modules/a/build/Release/a.node
5000 node_modules/a/build/Release/obj.target/a/a.o
60 node_modules/.pnpm/b@1.0.0/node_modules/@s/b/prebuilds/linux-x64/b.node
700 node_modules/.pnpm/b@1.0.0/node_modules/@s/b/prebuilds/darwin-arm64/b.node
8 node_modules/a/.npmignore
9 .npmignore
";

#[test]
fn files_of_packages_that_no_program_can_load_are_left_out_unless_they_are_to_stay() {
    for_each_user(|context| {
        context.write("app/web.txt", "");
        buildpack(context, &format!("{FILES}files <<'END'{ADDON}END"), "true");
        let compile = ["compile", "../app", "--buildpack", "../pack", "--json"];
        let built = context.slugbuilder(compile).succeeds();
        assert!(
            built.stderr.contains(
                "\n  left out after the build: 5 files, 5.8 kB of packages (node-gyp's intermediates 5.1 kB, \
                 addons prebuilt for other platforms 700 B, settings of development tools 8 B)\n"
            ),
            "{}",
            built.stderr
        );
        let left_out = &built.json()["build"]["left_out"];
        assert_eq!(left_out[0]["by"], "package-files");
        assert_eq!(left_out[1]["name"], "prebuilds-of-other-platforms");
        assert_eq!(left_out[1]["bytes"], 700);
        let files: Vec<String> = paths(context)
            .into_iter()
            .filter(|path| !path.ends_with('/') && !path.starts_with(".profile.d"))
            .collect();
        assert_eq!(
            files,
            [
                "node_modules/a/LICENSE",
                "node_modules/a/build/Release/a.node",
                "node_modules/.pnpm/b@1.0.0/node_modules/@s/b/prebuilds/linux-x64/b.node",
                ".npmignore",
                "web.txt"
            ]
        );

        for kept in [
            context
                .slugbuilder(compile)
                .argument("--keep-package-files"),
            context
                .slugbuilder(compile)
                .env("SLUGBUILDER_KEEP_PACKAGE_FILES", "1"),
        ] {
            let kept = kept.succeeds();
            assert!(!kept.stderr.contains("left out"), "{}", kept.stderr);
            assert!(kept.json()["build"].get("left_out").is_none());
            assert!(paths(context).contains(&"node_modules/a/.npmignore".to_owned()));
        }
    });
}

#[test]
fn a_broken_pattern_is_an_error_before_anything_is_built() {
    for_each_user(|context| {
        context.write("app/.slugignore-after-build", "*.ts\n\n!keep.ts\n");
        buildpack(context, "echo building", "true");
        let failed = context
            .slugbuilder(["compile", "../app", "--buildpack", "../pack"])
            .fails(1);
        insta::allow_duplicates! {
            insta::assert_snapshot!(failed, @"
            Compiling ../app for heroku-24
            error[slugignore-line]: `.slugignore-after-build` line 3: `!keep.ts` cannot be followed: negation is not supported

              hint: List what to leave out only; `!` has no meaning on Heroku either.
            ");
        }
    });
}

#[test]
fn a_process_that_starts_what_is_left_out_is_told() {
    for_each_user(|context| {
        context.write("app/.slugignore-after-build", "bin/\n");
        context.program("app/bin/web", "#!/bin/bash\n");
        buildpack(context, "", "exec ./bin/web --port=$PORT");
        let built = context
            .slugbuilder(["compile", "../app", "--buildpack", "../pack"])
            .succeeds();
        insta::allow_duplicates! {
            insta::assert_snapshot!(built.stderr, @"
            Compiling ../app for heroku-24
            Building with acme/pack 1.0.0
            warning[process-file-left-out]: the command of the process `web` names `bin/web`, which `.slugignore-after-build` leaves out of the slug
              hint: Let the pattern pass it by, or start what is in the slug.
            Writing the slug
              left out after the build: 1 file, 12 B (.slugignore-after-build)
            Process types
              web  exec ./bin/web --port=$PORT
            Wrote slug.tgz ([SIZE]) and slug.json in [TIME]
              SHA256:[DIGITS]
            ");
        }
    });
}

#[test]
fn a_folder_that_is_archived_keeps_files_of_packages_and_loses_what_its_author_lists() {
    for_each_user(|context| {
        context.ready_app("ready");
        context.write("ready/.slugignore-after-build", "*.ts\n");
        context.write("ready/x.ts", "12");
        context.write("ready/node_modules/a/.npmignore", "");
        let archived = context
            .slugbuilder(["archive", "../ready", "--json"])
            .succeeds();
        assert!(
            archived
                .stderr
                .contains("\n  left out after the build: 1 file, 2 B (.slugignore-after-build)\n")
                || archived
                    .stderr
                    .starts_with("  left out after the build: 1 file, 2 B"),
            "{}",
            archived.stderr
        );
        assert_eq!(archived.json()["build"]["left_out"][0]["files"], 1);
        let files = paths(context);
        assert!(files.contains(&"node_modules/a/.npmignore".to_owned()));
        assert!(
            !files
                .iter()
                .any(|path| path.ends_with("x.ts") || path.contains("after-build"))
        );
    });
}
