//! What is done to a slug on its way out of the app is done to a kept app, too, as it is asked for now.

use super::{KEPT, compile, compiling, slug, verdict, work_folder};
use crate::buildpacks::buildpack;
use crate::context::{Context, ORDINARY, User, for_each_user};
use std::fs;
use std::os::unix::fs::chown;

/// A buildpack that leaves files of every kind that a slug may go without.
fn leaving(context: &Context) {
    buildpack(
        context,
        "pack",
        "acme/leaving",
        "",
        "",
        r#"mkdir -p node_modules/a; echo > node_modules/a/index.js; echo 12 > node_modules/a/.npmignore
cp web.ts web.js
printf '[[processes]]\ntype = "web"\ncommand = ["node", "web.ts"]\n' > "$1/launch.toml""#,
    );
    context.write("app/web.ts", "web");
    context.write("app/.slugignore-after-build", "*.ts\n");
}

/// Who left how many files out.
fn left_out(manifest: &serde_json::Value) -> Vec<(String, u64)> {
    let left_out = manifest["build"]["left_out"].as_array();
    let left_out = left_out.into_iter().flatten().map(|one| {
        let name = one["name"].as_str().unwrap().to_owned();
        (name, one["files"].as_u64().unwrap())
    });
    left_out.collect()
}

#[test]
fn what_leaves_the_slug_leaves_it_again() {
    for_each_user(|context| {
        leaving(context);
        let warned =
            "warning[process-file-left-out]: the command of the process `web` names `web.ts`";
        let first = compile(context);
        assert!(first.stderr.contains(warned), "{}", first.stderr);
        let slug_of_first = slug(context);
        let by_patterns = (".slugignore-after-build".to_owned(), 1);
        let of_packages = ("development-settings".to_owned(), 1);
        assert_eq!(
            left_out(&slug_of_first.1),
            [by_patterns.clone(), of_packages]
        );

        let kept = || {
            let ran = compile(context);
            assert!(
                ran.stderr.contains(KEPT) && ran.stderr.contains(warned),
                "{}",
                ran.stderr
            );
            assert_eq!(slug(context), slug_of_first);
        };
        kept();
        // Files of packages stay or go as the option says now: nothing is built for that.
        let all = compiling(context)
            .argument("--keep-package-files")
            .succeeds();
        assert!(all.stderr.contains(KEPT), "{}", all.stderr);
        let with_all = slug(context);
        assert_eq!(left_out(&with_all.1), [by_patterns]);
        assert_ne!(with_all.0, slug_of_first.0);
        kept();
        let all = ["--keep-package-files", "--rebuild"];
        compiling(context).arguments(all).succeeds();
        assert_eq!(slug(context), with_all, "as a build of its own");
        // So do they after a build that left them in.
        kept();

        context.write("app/.slugignore-after-build", "*.js\n");
        assert_eq!(
            verdict(&compile(context)),
            "`.slugignore-after-build` changed"
        );
        // What leaves the slug is part of the kept app.
        fs::remove_file(work_folder(context).join("kept/app/web.js")).unwrap();
        let reason = "what was kept of the last one is not as it was left";
        assert_eq!(verdict(&compile(context)), reason);
    });
}

/// A secret in the tests.
const VALUE: &str = "s3cret-value-of-the-test";

#[test]
fn secrets_stay_out_of_what_is_kept_and_what_is_told_of_it() {
    for_each_user(|context| {
        buildpack(
            context,
            "pack",
            "acme/telling",
            "",
            "",
            r#"mkdir -p "$1/e/env"; printf '[types]\nlaunch = true\n' > "$1/e.toml"; printf '%s' "$API_KEY" > "$1/e/env/X"
echo "key = $API_KEY" > made.txt
printf '{"warnings":[{"code":"odd","message":"odd %s"}]}' "$MY_SECRET" > "$SLUGBUILDER_REPORT""#,
        );
        context.write("app/as-it-was.txt", VALUE);
        let by_name = "API_KEY=known-by-name-1";
        let run = |key: &str| {
            let arguments = [format!("--{key}={by_name}"), "--secret=MY_SECRET".into()];
            compiling(context)
                .arguments(arguments.iter().map(String::as_str))
                .env("MY_SECRET", VALUE)
        };
        let warnings = |told: &str| -> Vec<String> {
            let lines = told.lines().filter(|line| line.starts_with("warning"));
            lines.map(str::to_owned).collect()
        };
        let first = run("env").succeeds();
        insta::allow_duplicates! {
            insta::assert_snapshot!(warnings(&first.stderr).join("\n"), @"
            warning[odd]: odd ***
            warning[secret-in-slug]: `made.txt` holds the value of config var `API_KEY`: whoever has the slug can read it
            warning[secret-in-slug]: the variable `X`, which the layer `e` of buildpack `acme/telling` sets when the app starts, holds the value of config var `API_KEY`: whoever has the slug can read it
            ");
        }
        let slug_of_first = slug(context);
        for _ in 0..2 {
            let kept = run("env").succeeds();
            assert!(kept.stderr.contains(KEPT), "{}", kept.stderr);
            assert_eq!(warnings(&kept.stderr), warnings(&first.stderr));
            assert_eq!(slug(context), slug_of_first);
            // With times of its own it is still the source's, and nobody else's business.
            context
                .shell("cp -r ../app ../copy && rm -r ../app && mv ../copy ../app")
                .succeeds();
        }
        let record = fs::read(work_folder(context).join("kept/record")).unwrap();
        assert!(!String::from_utf8_lossy(&record).contains(VALUE));

        // The same value is a secret from now on: what was a warning is an error.
        let failed = run("secret").fails(1);
        assert!(
            failed.contains("because config var `API_KEY` became a secret\n")
                && failed.contains("error[secret-in-slug]: "),
            "{failed}"
        );
        run("env").succeeds();
        assert_eq!(slug(context), slug_of_first);
    });
}

#[test]
fn a_secret_that_is_none_any_more_is_told() {
    for_each_user(|context| {
        buildpack(
            context,
            "pack",
            "acme/telling",
            "",
            "",
            r#"printf '{"warnings":[{"code":"odd","message":"odd %s"}]}' "$NAME" > "$SLUGBUILDER_REPORT""#,
        );
        context.write("app/web.txt", "");
        let run = |option: &str| {
            let ran = compiling(context).arguments([option, "NAME=plain-and-long"]);
            ran.succeeds()
        };
        for _ in 0..2 {
            let ran = run("--secret");
            assert!(ran.stderr.contains("odd ***\n"), "{}", ran.stderr);
        }
        let ran = run("--env");
        assert_eq!(verdict(&ran), "config var `NAME` is no secret any more");
        assert!(ran.stderr.contains("odd plain-and-long\n"));
    });
}

#[test]
#[ignore = "needs root, who alone can have files of others"]
fn what_the_source_holds_is_no_secret_of_the_build_in_an_older_copy_of_it_either() {
    let context = Context::new(User::Me);
    buildpack(&context, "pack", "acme/none", "", "", "");
    context.write("app/as-it-was.txt", VALUE);
    let other = context.write("app/of-another.txt", "");
    chown(other, Some(ORDINARY), Some(ORDINARY)).unwrap();
    let run = || {
        let secret = format!("--secret=MY_SECRET={VALUE}");
        compiling(&context).arguments([secret.as_str()]).succeeds()
    };
    run();
    assert!(work_folder(&context).join("source").exists());
    context
        .shell("cp -r --preserve=ownership ../app ../copy && rm -r ../app && mv ../copy ../app")
        .succeeds();
    let ran = run();
    assert!(ran.stderr.contains(KEPT), "{}", ran.stderr);
}
