//! From a slug to a release, and back: the commands on the Platform API against `slugbuilder serve`.

mod config;
mod credentials;
mod ends;
mod fake;
mod interrupted;
mod stacks;

use crate::context::{Context, for_each_user, ordinary};
use crate::platform::Platform;
use crate::slug::checksum;
use std::fs;

#[test]
fn a_slug_is_published_and_released() {
    for_each_user(|context| {
        context.ready_slug();
        let platform = Platform::start(context);
        let published = platform
            .slugbuilder(["publish", "slug.tgz", "--app", "my-app"])
            .succeeds();
        insta::allow_duplicates! {
            insta::assert_snapshot!(platform.normalized(&published.stderr), @"Published slug.tgz to my-app in [TIME]: uploaded, [SIZE]");
        }
        let id = published.stdout.trim();
        let released = platform
            .slugbuilder(["release", "--app", "my-app", "--slug", id])
            .arguments(["--description", "The first"])
            .succeeds();
        insta::allow_duplicates! {
            insta::assert_snapshot!(platform.normalized(&released.stderr), @"Released v3 of my-app");
        }
        let release = platform.get("/apps/my-app/releases/3");
        assert_eq!(release["slug"]["id"], id);
        assert_eq!(release["description"], "The first");
        let slug = platform.get(&format!("/apps/my-app/slugs/{id}"));
        let sum = checksum(&context.path("work/slug.tgz"));
        assert_eq!(slug["checksum"], format!("SHA256:{sum}"));
        assert_eq!(slug["process_types"]["web"], "bin/web");
    });
}

#[test]
fn a_slug_that_the_app_has_is_not_uploaded_again() {
    let context = Context::new(ordinary());
    context.ready_slug();
    let platform = Platform::start(&context);
    let deploy = || {
        platform
            .slugbuilder(["deploy", "--slug", "slug.tgz", "--app", "my-app"])
            .argument("--json")
    };
    let first = deploy().succeeds();
    insta::assert_snapshot!(platform.normalized(&first.stderr), @"
    Deploying to my-app
    Released v3 of my-app in [TIME]
      slug  [ID] (uploaded, [SIZE])
      web   http://my-app.localhost:[PORT]/
    ");
    let second = deploy().succeeds();
    insta::assert_snapshot!(platform.normalized(&second.stderr), @"
    Deploying to my-app
      v3 of `my-app` has this slug: nothing is uploaded
    Released v4 of my-app in [TIME]
      slug  [ID] (that of v3)
      web   http://my-app.localhost:[PORT]/
    ");
    let (first, second) = (first.json(), second.json());
    let size = fs::metadata(context.path("work/slug.tgz")).unwrap().len();
    assert_eq!(first["slug"]["size"], size);
    assert_eq!(
        (&first["reused"], &second["reused"]),
        (&false.into(), &true.into())
    );
    assert_eq!(first["slug"]["id"], second["slug"]["id"]);
    assert_eq!(second["release"]["version"], 4);
    let forced = deploy().argument("--force-upload").succeeds().json();
    assert_eq!(forced["reused"], false);
    assert_ne!(forced["slug"]["id"], first["slug"]["id"]);
}

#[test]
fn a_deployment_compiles_publishes_and_releases() {
    for_each_user(|context| {
        context.node_app("app");
        let platform = Platform::start(context);
        let deployed = platform
            .slugbuilder(["deploy", "../app", "--app", "my-app"])
            .succeeds();
        insta::allow_duplicates! {
            insta::assert_snapshot!(platform.normalized(&deployed.stderr), @"
            Compiling ../app for heroku-24
            Building with slugbuilder: Node.js, Ruby and Go [VERSION]
              Node.js 24.21.0 (.node-version:1) → 24.21.0
                Layer node: new
                Layer node-environment: new
                Node.js 24.21.0 from the mirror
            Writing the slug
            Process types
              web  node web.js
            Wrote slug.tgz ([SIZE]) and slug.json in [TIME]
              SHA256:[DIGITS]
            Deploying to my-app
            Released v3 of my-app in [TIME]
              slug  [ID] (uploaded, [SIZE])
              web   http://my-app.localhost:[PORT]/
            ");
        }
        assert_eq!(deployed.stdout, "");
        let release = platform.get("/apps/my-app/releases/3");
        assert_eq!(release["status"], "succeeded");
        assert!(context.path("work/slug.tgz").exists());
    });
}

#[test]
fn a_slug_goes_from_app_to_app_and_back() {
    let context = Context::new(ordinary());
    context.ready_slug();
    let platform = Platform::start(&context);
    platform.create_app("second");
    platform.create_app("third");
    platform
        .slugbuilder(["deploy", "--slug", "slug.tgz", "--app", "my-app"])
        .succeeds();
    let promoted = platform
        .slugbuilder([
            "promote", "--from", "my-app", "--to", "second", "--to", "third",
        ])
        .succeeds();
    insta::assert_snapshot!(platform.normalized(&promoted.stderr), @"
    Released v3 of second: the slug of v3 of my-app
    Released v3 of third: the slug of v3 of my-app
    ");
    let slug = &platform.get("/apps/my-app/releases/3")["slug"]["id"];
    assert_eq!(&platform.get("/apps/second/releases/3")["slug"]["id"], slug);
    assert_eq!(&platform.get("/apps/third/releases/3")["slug"]["id"], slug);
    // A release that runs no more, with words of ours.
    platform
        .slugbuilder(["config", "--app", "my-app", "A=1"])
        .succeeds();
    let again = platform
        .slugbuilder(["promote", "v3", "--from", "my-app", "--to", "second"])
        .arguments(["--description", "As tested", "--json"])
        .succeeds()
        .json();
    assert_eq!(again[0]["app"], "second");
    assert_eq!(again[0]["release"]["version"], 4);
    assert_eq!(again[0]["release"]["description"], "As tested");
    let none = platform
        .slugbuilder(["promote", "v1", "--from", "my-app", "--to", "second"])
        .fails(1);
    assert!(none.starts_with("error[release-without-slug]"), "{none}");
}

#[test]
fn a_rollback_brings_slug_and_config_vars_back() {
    let context = Context::new(ordinary());
    context.ready_slug();
    let platform = Platform::start(&context);
    let on_app = |words: &[&str]| {
        platform
            .slugbuilder(words.iter().copied())
            .env("HEROKU_APP", "my-app")
    };
    on_app(&["config", "LEVEL=low"]).succeeds();
    on_app(&["deploy", "--slug", "slug.tgz"]).succeeds();
    on_app(&["config", "LEVEL=high", "OTHER=x"]).succeeds();
    let back = on_app(&["rollback"]).succeeds();
    insta::assert_snapshot!(platform.normalized(&back.stderr), @"
    Released v6 of my-app: slug and config vars of v4
      add-ons stay as they are
    ");
    let vars = on_app(&["config", "--json"]).succeeds().json();
    assert_eq!(vars, serde_json::json!({ "LEVEL": "low" }));
    let release = on_app(&["rollback", "v5", "--json"]).succeeds().json();
    assert_eq!(release["version"], 7);
    assert_eq!(on_app(&["config", "LEVEL"]).succeeds().stdout, "high\n");
    let list = on_app(&["releases", "--limit", "3"]).succeeds().stdout;
    insta::assert_snapshot!(list, @"
    RELEASE  STATUS     DESCRIPTION                   USER            CREATED
    v7       current    Rollback to v5                me@example.com  just now
    v6       succeeded  Rollback to v4                me@example.com  just now
    v5       succeeded  Set LEVEL, OTHER config vars  me@example.com  just now
    ");
    let json = on_app(&["releases", "-n", "2", "--json"]).succeeds().json();
    assert_eq!(
        (&json[0]["version"], json.as_array().unwrap().len()),
        (&7.into(), 2)
    );
    insta::assert_snapshot!(platform.normalized(&on_app(&["rollback", "v99"]).fails(1)), @"
    error[api-not-found]: cannot look up the release `99` of `my-app`: Couldn't find that release

      `http://[HOST]/apps/my-app/releases/99` answered 404 (`not_found`). Request id: [ID].

      hint: Check its number or id with `slugbuilder releases`.
    ");
}

#[test]
fn a_slug_that_is_pulled_is_the_one_that_was_published() {
    for_each_user(|context| {
        context.ready_slug();
        let platform = Platform::start(context);
        platform
            .slugbuilder(["deploy", "--slug", "slug.tgz", "--app", "my-app"])
            .succeeds();
        let pulled = platform
            .slugbuilder(["pull", "--app", "my-app", "-o", "pulled.tgz"])
            .succeeds();
        insta::allow_duplicates! {
            insta::assert_snapshot!(platform.normalized(&pulled.stderr), @"
            Wrote pulled.tgz ([SIZE]) and pulled.json in [TIME]
              the slug of v3 of my-app
              SHA256:[DIGITS]
            ");
        }
        let bytes = |name| fs::read(context.path("work").join(name)).unwrap();
        assert_eq!(bytes("pulled.tgz"), bytes("slug.tgz"));
        // It runs as it is, and can be published again.
        let ran = context.slugbuilder(["run", "pulled.tgz", "worker"]).run();
        assert_eq!((ran.status, ran.stdout.as_str()), (3, "working\n"));
        let json = platform
            .slugbuilder(["publish", "pulled.tgz", "--app", "my-app", "--json"])
            .succeeds()
            .json();
        assert_eq!(json["reused"], true);
        assert_eq!(json["slug"].get("blob"), None);
        let json = platform
            .slugbuilder(["pull", "v3", "--app", "my-app", "--json"])
            .succeeds()
            .json();
        assert_eq!(json["file"], "slug.tgz");
        // What `compile` wrote is not lost by the way.
        context.write("work/slug.tgz", "another");
        let refused = platform.slugbuilder(["pull", "--app", "my-app"]).fails(2);
        assert!(refused.starts_with("error[pull-destination]"), "{refused}");
        assert_eq!(bytes("slug.tgz"), b"another");
        platform
            .slugbuilder(["pull", "--app", "my-app", "--force"])
            .succeeds();
        assert_eq!(bytes("slug.tgz"), bytes("pulled.tgz"));
        assert_eq!(json["slug"].get("blob"), None);
        insta::allow_duplicates! {
            insta::assert_snapshot!(platform.normalized(
                &platform.slugbuilder(["pull", "v1", "--app", "my-app"]).fails(1)
            ), @"
        error[release-without-slug]: v1 of `my-app` has no slug

          hint: Look for one that has with `slugbuilder releases --app my-app`.
        ");
        }
    });
}

#[test]
fn slugs_that_were_made_by_hand_need_their_process_types() {
    let context = Context::new(ordinary());
    context.ready_app("hand/app");
    context
        .shell("tar czf hand.tgz --format=gnu --directory ../hand ./app")
        .succeeds();
    let platform = Platform::start(&context);
    let publish = || platform.slugbuilder(["publish", "hand.tgz", "--app", "my-app"]);
    insta::assert_snapshot!(publish().fails(2), @r#"
    error[no-manifest]: nothing says which process types `hand.tgz` has: there is no `hand.json`

      hint: Give them: `--process-types '{"web": "node web.js"}'`. `compile` and `archive` write the file.
    "#);
    let json = publish()
        .arguments(["--process-types", r#"{"web":"bin/web"}"#, "--json"])
        .succeeds()
        .json();
    assert_eq!(json["slug"]["process_types"]["web"], "bin/web");
    assert_eq!(json["slug"]["stack"]["name"], "heroku-24");
    insta::assert_snapshot!(platform.slugbuilder(["publish", "absent.tgz", "--app", "my-app"]).fails(2), @"
    error[slug-unreadable]: cannot read `absent.tgz`
      caused by: No such file or directory (os error 2)

      hint: Give the path of a slug; `slugbuilder compile` writes `slug.tgz`.
    ");
    let folder = platform.slugbuilder(["publish", "..", "--app", "my-app"]);
    assert!(folder.fails(2).starts_with("error[slug-unreadable]"));
    let unknown = "01234567-89ab-4def-8123-456789abcdef";
    let release = platform.slugbuilder(["release", "--app", "my-app", "--slug", unknown]);
    insta::assert_snapshot!(platform.normalized(&release.fails(1)), @"
    error[api-not-found]: cannot release the slug `[ID]` to `my-app`: Couldn't find that slug

      `http://[HOST]/apps/my-app/releases` answered 404 (`not_found`). Request id: [ID].

      hint: Check its id, which `slugbuilder publish` prints; only slugs of apps that you may see are found.
    ");
}

#[test]
fn a_slug_that_is_not_what_its_manifest_says_is_not_published() {
    let context = Context::new(ordinary());
    context.ready_slug();
    let manifest = fs::read(context.path("work/slug.json")).unwrap();
    context.write("ready/more", "more");
    context.slugbuilder(["archive", "../ready"]).succeeds();
    fs::write(context.path("work/slug.json"), manifest).unwrap();
    let platform = Platform::start(&context);
    let error = platform
        .slugbuilder(["publish", "slug.tgz", "--app", "my-app"])
        .fails(1);
    insta::assert_snapshot!(platform.normalized(&error), @"
        error[slug-changed]: `slug.tgz` is not the slug that its manifest speaks of

          expected SHA256:[DIGITS]
               got SHA256:[DIGITS]

          hint: Compile again, or give the slug and the manifest that belong together.
        ");
}
