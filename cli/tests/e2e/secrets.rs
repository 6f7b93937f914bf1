//! Secrets of a build reach neither the slug nor anything that is told.

use crate::context::{Context, for_each_user};
use std::fs;

/// A secret in every test.
const VALUE: &str = "s3cret-value-of-the-test";

/// A buildpack that runs `build` in the app.
fn buildpack(context: &Context, build: &str) {
    context.write(
        "pack/buildpack.toml",
        "api = '0.10'\n[buildpack]\nid = 'acme/pack'\nversion = '1.0.0'\n",
    );
    context.program(
        "pack/bin/detect",
        "#!/bin/bash\necho \"detecting with $MY_SECRET\"\n",
    );
    context.program(
        "pack/bin/build",
        &format!(
            "#!/bin/bash\nset -eu\nlayers=$1\n{build}\nprintf '[[processes]]\\ntype = \"web\"\\ncommand = [\"true\"]\\n' >> \"$1/launch.toml\"\n"
        ),
    );
}

const COMPILE: [&str; 4] = ["compile", "../app", "--buildpack", "../pack"];

#[test]
fn what_a_build_prints_has_stars_for_secrets() {
    for_each_user(|context| {
        context.write("app/web.txt", "");
        context.write(
            "secrets.env",
            "# of the build\nexport FROM_FILE='from the file'\n",
        );
        buildpack(
            context,
            "echo \"1 $MY_SECRET 2 $FROM_FILE 3 $FROM_SHELL 4 $API_TOKEN 5 $PLAIN\"\n\
             echo \"to stderr: $MY_SECRET\" >&2\n\
             head -c 65530 /dev/zero | tr '\\0' x; echo \"$MY_SECRET\"\n\
             printf '{\"warnings\":[{\"code\":\"odd\",\"message\":\"odd %s\"}],\"decisions\":[]}' \"$MY_SECRET\" > \"${SLUGBUILDER_REPORT:-/dev/null}\"",
        );
        let built = context
            .slugbuilder(COMPILE)
            .argument("--json")
            .argument("--secret")
            .argument(format!("MY_SECRET={VALUE}"))
            .argument("--secret=FROM_SHELL")
            .argument("--secret-file=../secrets.env")
            .argument("--env=API_TOKEN=told-by-name1")
            .argument("--env=PLAIN=plain")
            .env("FROM_SHELL", "from the shell")
            .succeeds();
        assert!(
            built.stderr.contains("  1 *** 2 *** 3 *** 4 *** 5 plain\n"),
            "{}",
            built.stderr
        );
        assert!(built.stderr.contains("  to stderr: ***\n"));
        assert!(
            built.stderr.contains("warning[odd]: odd ***\n"),
            "{}",
            built.stderr
        );
        assert!(built.stdout.contains("odd ***"));
        let json = fs::read_to_string(context.path("work/slug.json")).unwrap();
        for text in [&built.stderr, &built.stdout, &json] {
            for secret in [VALUE, "from the file", "from the shell", "told-by-name1"] {
                assert!(!text.contains(secret), "{secret}: {text}");
            }
        }
    });
}

#[test]
fn errors_that_quote_a_secret_have_stars_for_it() {
    for_each_user(|context| {
        context.write("app/web.txt", "");
        buildpack(
            context,
            "printf '{\"error\":{\"code\":\"install-failed\",\"headline\":\"it said %s\",\"causes\":[\"%s\"],\"hints\":[],\"fault\":\"app\",\"retryable\":false}}' \
             \"$MY_SECRET\" \"$MY_SECRET\" > \"${SLUGBUILDER_REPORT:-/dev/null}\"; exit 1",
        );
        let compile = || {
            context
                .slugbuilder(COMPILE)
                .argument("--secret=MY_SECRET")
                .env("MY_SECRET", VALUE)
        };
        let failed = compile().fails(1);
        insta::allow_duplicates! {
            insta::assert_snapshot!(failed, @"
            Compiling ../app for heroku-24
            Building with acme/pack 1.0.0
            error[install-failed]: it said ***
              caused by: ***
            ");
        }
        // What a buildpack writes wrongly is quoted, too.
        buildpack(
            context,
            "echo \"a = '$MY_SECRET\" > \"$layers/x.toml\"; mkdir \"$layers/x\"",
        );
        let failed = compile().fails(1);
        assert!(!failed.contains(VALUE), "{failed}");
        // And the end of what a failed detection said.
        context.program(
            "pack/bin/detect",
            "#!/bin/bash\necho \"no $MY_SECRET\"; exit 1\n",
        );
        let failed = compile().fails(1);
        assert!(
            failed.contains("no ***") && !failed.contains(VALUE),
            "{failed}"
        );
        let failed = context
            .slugbuilder(["plan", "../app", "--buildpack", "../pack", "--env"])
            .argument(format!("MY_SECRET={VALUE}"))
            .fails(1);
        assert!(
            failed.contains("no ***") && !failed.contains(VALUE),
            "{failed}"
        );
    });
}

#[test]
fn a_slug_with_a_secret_is_refused_and_an_earlier_one_stays() {
    for_each_user(|context| {
        context.write("app/as-it-was.txt", VALUE);
        buildpack(context, "");
        let compile = || {
            context
                .slugbuilder(COMPILE)
                .argument("--secret=MY_SECRET")
                .env("MY_SECRET", VALUE)
        };
        // A file of the source is its author's business, and so is a package.
        compile().succeeds();
        let first = fs::read(context.path("work/slug.tgz")).unwrap();

        buildpack(
            context,
            "mkdir -p dist node_modules/a\necho \"key = '$MY_SECRET'\" > dist/app.js\necho \"$MY_SECRET\" > node_modules/a/x.js\n\
             printf '\\0%s' \"$MY_SECRET\" > dist/app.bin\necho \"//r.example/:_authToken=$MY_SECRET\" > .npmrc\n\
             mkdir -p \"$1/e/env\"; printf '[types]\\nlaunch = true\\n' > \"$1/e.toml\"; printf '%s' \"$MY_SECRET\" > \"$1/e/env/X\"",
        );
        let failed = compile().fails(1);
        insta::allow_duplicates! {
            insta::assert_snapshot!(failed, @"
            Compiling ../app for heroku-24
              Build: runs again, because the buildpack `[ROOT]/pack` changed: `bin/build` changed
            Building with acme/pack 1.0.0
            error[secret-in-slug]: a secret of the build would be in the slug: `.npmrc` holds the value of config var `MY_SECRET`

              So do these:
              `dist/app.js` holds the value of config var `MY_SECRET`
              the variable `X`, which the layer `e` of buildpack `acme/pack` sets when the app starts, holds the value of config var `MY_SECRET`

              hint: Let the file name the variable instead of its value, as in `//registry.example/:_authToken=${NPM_TOKEN}`, or remove it at the end of the build.
              hint: Leave the file out of the slug with `.slugignore-after-build`.
              hint: If the value may be known to whoever has the slug, give it with `--env` under a name that does not tell of a secret.
            ");
        }
        assert!(first == fs::read(context.path("work/slug.tgz")).unwrap());

        // Each hint helps.
        buildpack(
            context,
            "mkdir dist\necho \"key = '$MY_SECRET'\" > dist/app.js\necho '//r.example/:_authToken=${MY_SECRET}' > .npmrc",
        );
        compile().fails(1);
        context.write("app/.slugignore-after-build", "dist/\n");
        compile().succeeds();
        fs::remove_file(context.path("app/.slugignore-after-build")).unwrap();
        context
            .slugbuilder(COMPILE)
            .argument("--env=MY_SECRET")
            .env("MY_SECRET", "told-by-name1")
            .succeeds();
    });
}

#[test]
fn a_value_that_is_a_secret_only_by_its_name_is_a_warning() {
    for_each_user(|context| {
        context.write("app/.env", "API_KEY=known-by-name-1\n");
        buildpack(context, "");
        let built = context
            .slugbuilder(COMPILE)
            .argument("--env=API_KEY=known-by-name-1")
            .succeeds();
        insta::allow_duplicates! {
            insta::assert_snapshot!(built.stderr, @"
            Compiling ../app for heroku-24
            Building with acme/pack 1.0.0
            warning[secret-in-slug]: `.env` holds the value of config var `API_KEY`: whoever has the slug can read it
              hint: If it is a secret, give it with `--secret`, which makes this an error.
            Writing the slug
            Process types
              web  true
            Wrote slug.tgz ([SIZE]) and slug.json in [TIME]
              SHA256:[DIGITS]
            ");
        }
        let public = context
            .slugbuilder(COMPILE)
            .argument("--env=NEXT_PUBLIC_API_KEY=known-by-name-1")
            .succeeds();
        assert!(!public.stderr.contains("warning"), "{}", public.stderr);
    });
}

#[test]
fn credentials_of_clients_are_secrets() {
    for_each_user(|context| {
        context.write("app/web.txt", "");
        context.write(
            "home/.npmrc",
            format!("registry=https://r.example/\n//r.example/:_authToken={VALUE}\n//s.example/:_auth=bWU6aHVudGVyMi1hbmQtbW9yZQ==\n"),
        );
        buildpack(context, "cat ~/.npmrc; echo hunter2-and-more");
        let built = context
            .slugbuilder(COMPILE)
            .argument("--with-credentials=npm")
            .succeeds();
        assert!(
            built
                .stderr
                .contains("  //r.example/:_authToken=***\n  //s.example/:_auth=***\n  ***\n"),
            "{}",
            built.stderr
        );
        // The usual mistake.
        buildpack(context, "cp ~/.npmrc .npmrc");
        let failed = context
            .slugbuilder(COMPILE)
            .argument("--with-credentials=npm")
            .fails(1);
        assert!(
            failed.contains("error[secret-in-slug]: a secret of the build would be in the slug: `.npmrc` holds the value of `_auth"),
            "{failed}"
        );
        assert!(!failed.contains(VALUE), "{failed}");
    });
}

#[test]
fn the_apps_own_configuration_of_clients_tells_of_secrets() {
    for_each_user(|context| {
        context.write("app/web.txt", "");
        context.write(
            "app/.npmrc",
            "//r.example/:_authToken=${OF_NPM}\n//s.example/:_authToken=t0ken-in-the-source\n",
        );
        context.write("app/.yarnrc.yml", "npmAuthToken: \"${OF_YARN}\"\n");
        let compile = || {
            context.slugbuilder(COMPILE).arguments([
                "--env=OF_NPM=value-0f-npm",
                "--env=OF_YARN=value-0f-yarn",
                "--json",
            ])
        };
        buildpack(context, "echo $OF_NPM $OF_YARN; cat .npmrc");
        let built = compile().succeeds();
        assert!(
            built.stderr.contains(
                "  *** ***\n  //r.example/:_authToken=${OF_NPM}\n  //s.example/:_authToken=***\n"
            ),
            "{}",
            built.stderr
        );
        let warning = "warning[secret-in-source]: `.npmrc` line 2 has a credential: whoever has the source or the slug can read it\n";
        assert!(built.stderr.contains(warning), "{}", built.stderr);
        for told in [&built.stderr, &built.stdout] {
            assert!(!told.contains("t0ken-in"), "{told}");
        }
        buildpack(context, "echo $OF_YARN > made");
        let failed = compile().fails(1);
        assert!(
            failed.contains("`made` holds the value of config var `OF_YARN`"),
            "{failed}"
        );
        // What no build sees is not worth a word.
        context.write("app/.slugignore", ".npmrc\n");
        buildpack(context, "true");
        let built = compile().succeeds();
        assert!(!built.stderr.contains("warning"), "{}", built.stderr);
    });
}

#[test]
fn names_and_targets_of_links_that_hold_a_secret_are_found() {
    for_each_user(|context| {
        context.write("app/web.txt", "");
        buildpack(
            context,
            "mkdir -p \"cache/$MY_SECRET\"; touch \"cache/$MY_SECRET/x\"; ln -s \"/tmp/$MY_SECRET\" link",
        );
        let failed = context
            .slugbuilder(COMPILE)
            .arguments(["-q", "--secret"])
            .argument(format!("MY_SECRET={VALUE}"))
            .fails(1);
        assert!(!failed.contains(VALUE), "{failed}");
        for place in [
            "the name `cache/***` holds the value of config var `MY_SECRET`",
            "the target of the link `link` holds the value of config var `MY_SECRET`",
        ] {
            assert_eq!(failed.matches(place).count(), 1, "{failed}");
        }
    });
}
