//! Sources that hold several apps: `--root`.

use crate::buildpacks::buildpack;
use crate::context::{Context, for_each_user, ordinary};

/// A buildpack that runs what the app's own folder holds, there.
fn monorepo(context: &Context) {
    buildpack(
        context,
        "pack",
        "acme/root",
        "",
        "[ -e \"$SLUGBUILDER_ROOT/main.sh\" ]",
        "printf '[[processes]]\ntype = \"web\"\ncommand = [\"bash\", \"-c\", \"cat main.sh ../shared; echo $SAID\"]\nworking-dir = \"%s\"\n' \"$SLUGBUILDER_ROOT\" > \"$1/launch.toml\"",
    );
    for name in ["api", "web"] {
        context.write(format!("app/packages/{name}/main.sh"), format!("{name}\n"));
    }
    context.write("app/packages/shared", "shared\n");
    context.write(
        "app/packages/api/.profile",
        "export SAID=\"in ${PWD##*/}\"\n",
    );
}

#[test]
fn each_root_is_an_app_and_has_the_rest_of_the_source() {
    for_each_user(|context| {
        monorepo(context);
        let compile = |root: &str| {
            let arguments = [
                "compile",
                "../app",
                "--buildpack",
                "../pack",
                "--root",
                root,
            ];
            context.slugbuilder(arguments).succeeds().stderr
        };
        let run = || context.slugbuilder(["run", "slug.tgz"]).succeeds().stdout;
        let api = compile("./packages/api/");
        assert!(
            api.contains("web  cd packages/api && eval 'cat main.sh ../shared; echo $SAID'\n"),
            "{api}"
        );
        assert_eq!(run(), "api\nshared\nin api\n");
        let web = compile("packages/web");
        assert!(!web.contains("Build: "), "its first build: {web}");
        assert_eq!(run(), "web\nshared\n\n");
        assert!(compile("packages/api").contains("Build: kept"));
        let info = context.slugbuilder(["cache", "info"]).succeeds().stdout;
        let source = context.path("app");
        for root in ["packages/api", "packages/web"] {
            let app = format!("{}, {root}", source.display());
            assert!(info.contains(&app), "{info}");
        }
    });
}

#[test]
fn a_root_that_is_none_is_refused_before_anything_runs() {
    let context = Context::new(ordinary());
    monorepo(&context);
    context.write("app/.slugignore", "/old\n");
    context.write("app/old/main.sh", "");
    for (root, code) in [
        ("../other", "root-not-inside"),
        ("/app", "root-not-inside"),
        ("packages/none", "root-not-there"),
        ("packages/shared", "root-not-there"),
        ("old", "root-not-there"),
    ] {
        for command in ["compile", "plan"] {
            for pack in [&["--buildpack", "../pack"][..], &[]] {
                let run = context.slugbuilder([command, "../app", "--root", root]);
                let told = run.arguments(pack).fails(2);
                assert!(told.contains(&format!("error[{code}]")), "{told}");
            }
        }
    }
    let planned = context
        .slugbuilder(["plan", "../app", "--buildpack", "../pack"])
        .env("SLUGBUILDER_ROOT", "packages/web")
        .succeeds();
    assert!(
        planned.stdout.contains("acme/root@1.0.0"),
        "{}",
        planned.stdout
    );
}
