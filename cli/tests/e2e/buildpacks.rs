//! Other people's buildpacks, from the command line to the running app.

use crate::context::{Context, User, for_each_user};
use crate::plan_schema;
use serde_json::Value;
use std::fs;

/// Writes a buildpack: the `[buildpack]` table's id and what follows it, and the scripts of its programs.
pub(crate) fn buildpack(
    context: &Context,
    folder: &str,
    id: &str,
    more: &str,
    detect: &str,
    build: &str,
) {
    context.write(
        format!("{folder}/buildpack.toml"),
        format!("api = '0.10'\n[buildpack]\nid = '{id}'\nversion = '1.0.0'\n{more}"),
    );
    for (name, script) in [("detect", detect), ("build", build)] {
        context.program(
            format!("{folder}/bin/{name}"),
            &format!("#!/bin/bash\nset -eu\n{script}\n"),
        );
    }
}

/// Makes a launch layer and goes into it.
pub(crate) const LAYER: &str = "mkdir -p \"$1/layer\"; printf '[types]\\nlaunch = true\\nbuild = true\\n' > \"$1/layer.toml\"; app=$PWD; cd \"$1/layer\"";

/// A buildpack that provides a tool, one that requires it and starts the app with it, and the composite of both.
fn greeting(context: &Context) {
    buildpack(
        context,
        "packs/acme_tool",
        "acme/tool",
        "",
        "echo '[[provides]]\nname = \"tool\"' > \"$2\"",
        &format!(
            r#"{LAYER}
mkdir bin exec.d env.launch
cat > bin/greet <<'END'
#!/bin/bash
echo "$GREETING, $*"
END
cat > exec.d/greeting <<'END'
#!/bin/bash
echo "GREETING = \"$PREFIX from $DYNO\"" >&3
END
chmod +x bin/greet exec.d/greeting
printf "it's hello" > env.launch/PREFIX"#
        ),
    );
    buildpack(
        context,
        "packs/acme_app",
        "acme/app",
        "",
        "[ -e greet.txt ] || { echo no greet.txt; exit 100; }\necho '[[requires]]\nname = \"tool\"' > \"$2\"",
        "cat > \"$1/launch.toml\" <<'END'\n[[labels]]\nkey = 'a'\nvalue = 'b'\n[[processes]]\ntype = 'serve.it'\ncommand = ['greet', 'you & \"me\"']\nworking-dir = '/app/sub dir'\ndefault = true\nEND\nmkdir 'sub dir'\nGREETING=built greet it > built.txt",
    );
    context.write(
        "packs/acme_all/buildpack.toml",
        "api = '0.10'\n[buildpack]\nid = 'acme/all'\nversion = '1.0.0'\n[[order]]\ngroup = [{id = 'acme/tool', version = '1.0.0'}, {id = 'acme/app', version = '1.0.0'}]\n",
    );
    context.write(
        "packs/acme_all/package.toml",
        "[buildpack]\nuri = '.'\n[[dependencies]]\nuri = '../acme_tool'\n[[dependencies]]\nuri = '../acme_app'\n",
    );
    context.write("app/greet.txt", "");
}

#[test]
fn a_composite_builds_an_app_that_runs() {
    for_each_user(|context| {
        greeting(context);
        let built = context
            .slugbuilder([
                "compile",
                "../app",
                "--buildpack",
                "../packs/acme_all",
                "--json",
            ])
            .succeeds();
        insta::allow_duplicates! {
            insta::assert_snapshot!(built.stderr, @r#"
            Compiling ../app for heroku-24
            Building with acme/tool 1.0.0
            Building with acme/app 1.0.0
              A slug has no place for 1 label; `build.not_carried` of slug.json lists them
            warning[process-renamed]: the process `serve.it` is called `serve-it` in the slug, where names hold letters, digits, `_` and `-` only
            warning[default-process-as-web]: there is no `web` process: the default process `serve.it` serves as `web`
              hint: Write a Procfile with a `web` line to choose another.
            Writing the slug
            Process types
              serve-it  cd 'sub dir' && greet 'you & "me"'
              web       cd 'sub dir' && greet 'you & "me"'
            Wrote slug.tgz ([SIZE]) and slug.json in [TIME]
              SHA256:[DIGITS]
            "#);
        }
        let manifest: Value = serde_json::from_str(&built.stdout).unwrap();
        assert_eq!(
            manifest["slug"]["buildpack_provided_description"],
            "acme/tool@1.0.0, acme/app@1.0.0"
        );
        assert_eq!(manifest["build"]["not_carried"][0]["what"], "label");
        let ran = context.slugbuilder(["run", "slug.tgz"]).succeeds();
        assert_eq!(ran.stdout, "it's hello from web.1, you & \"me\"\n");
        let once = context
            .slugbuilder([
                "run",
                "slug.tgz",
                "--",
                "cat built.txt; command -v greet; env | grep -c ^__ || :",
            ])
            .succeeds();
        assert_eq!(
            once.stdout,
            "built, it\n/app/.slugbuilder/layers/acme_tool/layer/bin/greet\n0\n"
        );
    });
}

#[test]
fn folders_archives_and_ours_in_one_order() {
    for_each_user(|context| {
        greeting(context);
        context.node_app("app");
        // Packed where nobody else may read it.
        context
            .shell("tar -czf tool.tgz --mode=go= -C ../packs acme_tool")
            .succeeds();
        context.write(
            "work/order.toml",
            "[[order]]\ngroup = [{id = 'acme/nothing'}]\n\
             [[order]]\ngroup = [{id = 'slugbuilder/slugbuilder'}, {id = 'acme/nothing', optional = true}, {id = 'acme/tool'}, {id = 'acme/app'}]\n",
        );
        buildpack(
            context,
            "packs/nothing",
            "acme/nothing",
            "",
            "exit 100",
            "false",
        );
        context
            .slugbuilder([
                "compile",
                "../app",
                "--order",
                "order.toml",
                "--buildpack",
                "tool.tgz",
                "--buildpack",
                "../packs/acme_app",
                "--buildpack",
                "../packs/nothing",
                "--buildpack",
                "slugbuilder/slugbuilder",
            ])
            .succeeds();
        let manifest = fs::read_to_string(context.path("work/slug.json")).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(manifest["slug"]["process_types"]["web"], "node web.js");
        let ran = context
            .slugbuilder(["run", "slug.tgz", "--", "command -v node greet"])
            .succeeds();
        assert_eq!(
            ran.stdout,
            "/app/.slugbuilder/layers/slugbuilder_slugbuilder/node/bin/node\n/app/.slugbuilder/layers/acme_tool/layer/bin/greet\n"
        );
    });
}

#[test]
fn when_no_group_passes_each_buildpack_is_explained() {
    let context = Context::new(User::Me);
    greeting(&context);
    fs::remove_file(context.path("app/greet.txt")).unwrap();
    context.write("app/other", "");
    let refused = context
        .slugbuilder(["compile", "../app", "--buildpack", "../packs/acme_all"])
        .fails(1);
    insta::assert_snapshot!(refused, @r"
    Compiling ../app for heroku-24
    error[no-buildpack-group]: no buildpack can build this app

      What each buildpack said:
      acme/tool@1.0.0 passed (exit status 0)
      acme/app@1.0.0 says that the app is not for it (exit status 100)
          no greet.txt
    ");
    let alone = context
        .slugbuilder(["compile", "../app", "--buildpack", "../packs/acme_tool"])
        .fails(1);
    insta::assert_snapshot!(alone, @r"
    Compiling ../app for heroku-24
    error[no-buildpack-group]: no buildpack can build this app

      What each buildpack said:
      acme/tool@1.0.0 passed (exit status 0), but provides `tool`, which nothing requires

      hint: A buildpack that provides something takes part only if one in its group requires it, so that it cannot build alone: add that one, or give the composite buildpack that its authors made of both.
    ");
}

#[test]
fn what_is_no_buildpack_is_refused_before_anything_is_built() {
    let context = Context::new(User::Me);
    greeting(&context);
    context.write("extension/extension.toml", "api = '0.10'\n");
    context.write(
        "work/order.toml",
        "[[order]]\ngroup = [{id = 'acme/gone'}]\n",
    );
    for (arguments, code) in [
        (&["--buildpack", "heroku/nodejs"][..], "buildpack-not-there"),
        (
            &["--buildpack", "docker://heroku/nodejs"],
            "buildpack-elsewhere",
        ),
        (&["--buildpack", "../packs"], "no-such-code"),
        (&["--buildpack", "../app"], "no-buildpack"),
        (&["--buildpack", "../app/greet.txt"], "unpack"),
        (&["--order", "order.toml"], "unknown-buildpack"),
        (&["--order", "gone.toml"], "order-not-there"),
        (&["--buildpack", "../extension"], "extension-unsupported"),
    ] {
        let run = context
            .slugbuilder(["compile", "../app"])
            .arguments(arguments);
        if code == "no-such-code" {
            // A folder of a composite and its components is that composite.
            run.succeeds();
            continue;
        }
        let refused = run.fails(if code == "extension-unsupported" {
            1
        } else {
            2
        });
        assert!(refused.contains(&format!("error[{code}")), "{}", refused);
    }
}

#[test]
fn a_secret_that_a_buildpack_makes_up_is_told_but_not_shown() {
    let context = Context::new(User::Me);
    buildpack(
        &context,
        "pack",
        "acme/secret",
        "",
        "",
        &format!("{LAYER}\nmkdir env.launch; printf hunter2 > env.launch/SECRET_KEY_BASE.default"),
    );
    context.write("app/file", "");
    let built = context
        .slugbuilder(["compile", "../app", "--buildpack", "../pack"])
        .succeeds();
    assert!(
        built.stderr.contains("warning[secret-in-slug]"),
        "{}",
        built.stderr
    );
    let manifest = fs::read_to_string(context.path("work/slug.json")).unwrap();
    assert!(manifest.contains("secret-in-slug"));
    assert!(!built.stderr.contains("hunter2") && !manifest.contains("hunter2"));
}

#[test]
fn a_buildpack_that_empties_the_source_keeps_the_layers_before_it() {
    for_each_user(|context| {
        greeting(context);
        buildpack(
            context,
            "clear",
            "acme/clear",
            "",
            "",
            "find . -mindepth 1 -delete",
        );
        let built = context
            .slugbuilder([
                "compile",
                "../app",
                "--buildpack",
                "../packs/acme_all",
                "--buildpack",
                "../clear",
            ])
            .succeeds();
        assert!(
            built.stderr.contains("warning[layers-put-back]"),
            "{}",
            built.stderr
        );
        let ran = context
            .slugbuilder(["run", "slug.tgz", "--", "ls; greet you"])
            .succeeds();
        assert_eq!(
            ran.stdout,
            "it's hello from run.1, you\n".replace(
                "run.1",
                ran.stdout.split(' ').nth(3).unwrap().trim_end_matches(',')
            )
        );
        // The next build meets a cache that is as good as ever.
        context
            .slugbuilder([
                "compile",
                "../app",
                "--buildpack",
                "../packs/acme_all",
                "--buildpack",
                "../clear",
            ])
            .succeeds();
    });
}

#[test]
fn a_plan_of_theirs_runs_their_detection_and_nothing_else() {
    for_each_user(|context| {
        greeting(context);
        let plan = |more: &[&str]| {
            let arguments = ["plan", "../app", "--buildpack", "../packs/acme_all"];
            context.slugbuilder(arguments).arguments(more).succeeds()
        };
        insta::allow_duplicates! {
            insta::assert_snapshot!(plan(&[]).stdout, @r"
            staged: 1 file
            buildpacks:
              acme/tool@1.0.0
              acme/app@1.0.0
            build plan:
              tool from acme/tool
            ");
        }
        let value = plan(&["--json"]).json();
        assert_eq!(plan_schema::problems(&value), [""; 0]);
        assert_eq!(value["buildpacks"][1]["id"], "acme/app");
        assert_eq!(value["plan"][0]["providers"][0], "acme/tool");
        assert!(!context.path("app/built.txt").exists());
        let kept = context.slugbuilder(["cache", "info", "--json"]).succeeds();
        assert_eq!(kept.json()["apps"].as_array().unwrap().len(), 0);
    });
}

#[test]
fn names_and_links_that_images_treat_differently_are_kept() {
    let context = Context::new(User::Me);
    buildpack(
        &context,
        "pack",
        "acme/names",
        "",
        "",
        &format!(
            "{LAYER}\nmkdir bin; printf '#!/bin/bash\\necho ran\\n' > bin/program; chmod 4755 bin/program; chmod +x bin/program\n\
             touch .wh.deleted \"$app/.wh..wh..opq\"; ln -s \"$PWD/bin\" \"$app/link\"\n\
             printf '[[processes]]\\ntype = \"web\"\\ncommand = [\"%s\"]\\n' \"$PWD/bin/program\" > \"$1/launch.toml\""
        ),
    );
    context.write("app/file", "");
    context
        .slugbuilder(["compile", "../app", "--buildpack", "../pack"])
        .succeeds();
    let ran = context.slugbuilder(["run", "slug.tgz"]).succeeds();
    assert_eq!(ran.stdout, "ran\n");
    let listed = context
        .slugbuilder([
            "run",
            "slug.tgz",
            "--",
            "link/program; ls -A . .slugbuilder/layers/acme_names/layer; stat -c %a link/program",
        ])
        .succeeds();
    insta::assert_snapshot!(listed.stdout, @r"
    ran
    .:
    .profile.d
    .slugbuilder
    .wh..wh..opq
    file
    link

    .slugbuilder/layers/acme_names/layer:
    .wh.deleted
    bin
    755
    ");
}
