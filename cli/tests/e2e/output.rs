//! Where the slug goes: what was there stays until the new one is whole.

use crate::context::{Context, for_each_user, ordinary};
use crate::slug::{checksum, entries};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let context = Context::new(ordinary());
    context.node_app("app");
    let compile = |output: &str| {
        context
            .slugbuilder(["compile", "../app", "--quiet", "--output", output])
            .fails(74)
    };
    insta::assert_snapshot!(compile("absent/slug.tgz"), @"
    error[archive-not-written]: cannot write `absent/slug.tgz`
      caused by: No such file or directory (os error 2)

      hint: Make the folder first, or choose another place with `--output`.
    ");
    let closed = context.folder("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    insta::assert_snapshot!(compile("../closed/slug.tgz"), @"
    error[archive-not-written]: cannot write `../closed/slug.tgz`
      caused by: Permission denied (os error 13)

      hint: Choose a place that you can write to with `--output`.
    ");
    insta::assert_snapshot!(compile("/dev/null"), @"
    error[archive-not-written]: cannot write `/dev/null`
      caused by: it is no regular file

      hint: Choose another place with `--output`.
    ");
    context.folder("work/folder");
    insta::assert_snapshot!(compile("folder"), @"
    error[archive-not-written]: cannot write `folder`
      caused by: is a directory

      hint: Give the name of a file with `--output`.
    ");
    assert_eq!(entries(&context.path("work")), ["folder"]);
}

#[test]
fn a_slug_that_is_too_large_is_kept_apart() {
    for_each_user(|context| {
        context.node_app("app");
        context.slugbuilder(["compile", "../app"]).succeeds();
        let slug = context.path("work/slug.tgz");
        let before = (
            checksum(&slug),
            fs::read(context.path("work/slug.json")).unwrap(),
        );
        // What gzip cannot make smaller.
        let mut state = 1u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .take(1_200_000)
        .collect();
        context.write("app/assets/video.bin", noise);
        context.write("app/assets/small/text", vec![b'x'; 5000]);
        let error = context
            .slugbuilder(["compile", "../app", "--max-size", "1", "--quiet"])
            .fails(1);
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"
            error[slug-too-large]: the slug has 1.2 MB, more than the 1 MB that are allowed

              The largest folders, before compression:
                  1.2 MB  assets
                 13.1 KB  .slugbuilder
                  4.9 KB  assets/small
                  3.6 KB  .slugbuilder/layers/slugbuilder_slugbuilder
                  3.1 KB  .slugbuilder/layers/slugbuilder_slugbuilder/node-environment/exec.d
               586 bytes  .profile.d
               464 bytes  .slugbuilder/layers/slugbuilder_slugbuilder/node/bin
                10 bytes  .slugbuilder/layers/slugbuilder_slugbuilder/node-environment/env.launch

              hint: Leave out what running does not need with `.slugignore`.
              hint: Look into it: it is kept as `[ROOT]/work/slug.tgz.oversize`.
              hint: If your platform takes larger slugs, raise the limit with `--max-size`.
            ");
        }
        assert_eq!(
            entries(&context.path("work")),
            ["slug.json", "slug.tgz", "slug.tgz.oversize"]
        );
        assert_eq!(
            (
                checksum(&slug),
                fs::read(context.path("work/slug.json")).unwrap()
            ),
            before
        );
        context
            .slugbuilder(["run", "slug.tgz.oversize", "--", "test -f assets/video.bin"])
            .succeeds();
    });
}

#[test]
fn a_failed_build_leaves_the_earlier_slug() {
    for_each_user(|context| {
        context.node_app("app");
        context.slugbuilder(["compile", "../app"]).succeeds();
        let before = (
            checksum(&context.path("work/slug.tgz")),
            checksum(&context.path("work/slug.json")),
        );
        context.write("app/.node-version", "nonsense\n");
        context.slugbuilder(["compile", "../app"]).fails(1);
        assert_eq!(
            (
                checksum(&context.path("work/slug.tgz")),
                checksum(&context.path("work/slug.json"))
            ),
            before
        );
        assert_eq!(entries(&context.path("work")), ["slug.json", "slug.tgz"]);
    });
}

#[test]
fn a_manifest_without_a_place_leaves_the_earlier_slug() {
    for_each_user(|context| {
        context.node_app("app");
        context.ready_slug();
        let before = checksum(&context.path("work/slug.tgz"));
        fs::remove_file(context.path("work/slug.json")).unwrap();
        context.folder("work/slug.json");
        context.write("ready/more", "");
        context.slugbuilder(["archive", "../ready"]).fails(74);
        context.slugbuilder(["compile", "../app"]).fails(74);
        assert_eq!(checksum(&context.path("work/slug.tgz")), before);
        assert_eq!(entries(&context.path("work")), ["slug.json", "slug.tgz"]);
    });
}

#[test]
fn what_cannot_be_kept_for_the_next_build_is_a_warning() {
    let context = Context::new(ordinary());
    context.node_app("app");
    let compile = || context.slugbuilder(["compile", "../app", "--quiet"]);
    compile().succeeds();
    let before = checksum(&context.path("work/slug.tgz"));
    let full = context.path("home/.cache/slugbuilder/downloads");
    let script = format!(
        "find {0} -type f -delete; find {0} -type d -exec chmod 555 {{}} +",
        full.display()
    );
    context.shell(&script).succeeds();
    context.write("app/.node-version", "nonsense\n");
    compile().fails(1);
    assert_eq!(checksum(&context.path("work/slug.tgz")), before);
    context.node_app("app");
    let told = compile().argument("--clear-cache").succeeds().stderr;
    assert!(told.contains("warning[not-kept-for-next-build]"), "{told}");
    assert_eq!(checksum(&context.path("work/slug.tgz")), before);
}

/// Runs `script` in a mount namespace with a small disk at `../disk`.
fn on_a_small_disk(context: &Context, script: &str) -> (i32, String) {
    context.folder("disk");
    let mount = format!("mount -t tmpfs -o size=1m,mode=755 disk ../disk && {script}");
    let ran = context
        .shell(r#"exec unshare --user --map-root-user --mount /bin/bash -c "$SCRIPT""#)
        .env("SCRIPT", mount)
        .run();
    (ran.status, ran.stdout + &ran.stderr)
}

#[test]
fn a_full_disk_leaves_the_earlier_slug_and_nothing_else() {
    let context = Context::new(ordinary());
    context.ready_app("ready");
    context.write("large/Procfile", "web: x\n");
    let mut state = 1u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    })
    .take(2_000_000)
    .collect();
    context.write("large/noise", &noise);
    let (status, text) = on_a_small_disk(
        &context,
        "cd ../disk && $SLUGBUILDER archive -q ../ready && sha256sum slug.* > ../work/sums && \
         { $SLUGBUILDER archive -q ../large; echo status $?; } && sha256sum -c --quiet ../work/sums && ls -A",
    );
    assert_eq!(status, 0, "{text}");
    insta::assert_snapshot!(text, @r#"
    status 74
    slug.json
    slug.tgz
    error[archive-not-written]: cannot write `slug.tgz`
      caused by: No space left on device (os error 28)

      hint: Free some disk space, or choose another place with `--output`.
    "#);
    // The same where it is the cache's disk that is full.
    context.node_app("large");
    let (status, text) = on_a_small_disk(
        &context,
        // Without a sandbox the source is copied, which an overlay would not do.
        "echo 0 > /proc/sys/user/max_user_namespaces; $SLUGBUILDER compile -q --cache-dir ../disk ../large; s=$?; echo status $s; ls -A; ls ../disk/apps-v1/*/",
    );
    assert_eq!(status, 0, "{text}");
    insta::assert_snapshot!(text, @"
    status 74
    sums
    dirty
    lock
    error[staging-failed]: cannot write `[ROOT]/disk/apps-v1/[RANDOM]/build/app/noise`
      caused by: No space left on device (os error 28)

      hint: Free some disk space, or choose another disk with `--cache-dir`.
    ");
}

#[test]
fn data_that_cannot_be_written_is_an_error_unless_nobody_wants_it() {
    let context = Context::new(ordinary());
    context.node_app("app");
    context.ready_app("ready");
    for command in ["plan ../app", "compile ../app", "archive ../ready"] {
        let full = context.shell(&format!("$SLUGBUILDER {command} --json --quiet >/dev/full"));
        let error = full.fails(74);
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"
            error[output-not-written]: cannot write to the standard output
              caused by: No space left on device (os error 28)

              hint: Free some disk space, or send the output elsewhere.
            ");
        }
        let gone =
            format!("set -o pipefail; (sleep 1; $SLUGBUILDER {command} --json --quiet) | true");
        context.shell(&gone).succeeds();
    }
}

#[test]
fn what_earlier_and_killed_runs_wrote_into_the_source_is_not_in_the_slug() {
    let context = Context::new(ordinary());
    context.node_app("app");
    let compile = |output: &str| {
        context
            .slugbuilder(["compile", "../app", "-o", output])
            .succeeds()
    };
    compile("clean.tgz");
    let clean = checksum(&context.path("work/clean.tgz"));
    compile("../app/slug.tgz");
    context.write("app/.slug.tgz.k2Jd81.tmp", "half of a slug");
    context.write("app/.slugbuilder.lock.k2Jd81", "half of a lock");
    let built = compile("../app/other.tgz");
    assert_eq!(checksum(&context.path("app/other.tgz")), clean);
    assert!(
        built.stderr.contains(
            "warning[earlier-slug]: slugs of earlier builds are left out of the app: `slug.tgz`\n"
        ),
        "{}",
        built.stderr
    );
}
