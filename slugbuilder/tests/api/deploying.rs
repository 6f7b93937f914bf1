//! The example of a deployment script, as it is.

#[expect(dead_code, reason = "its `main` is not run here")]
#[path = "../../examples/deploy.rs"]
mod script;

use crate::support::{Platform, SIGNATURE, created, ok, release, with};
use slugbuilder::sandbox::Interrupt;
use slugbuilder::slug::{Build, Manifest};
use slugbuilder_fetch::test_server::Answer;

#[test]
fn the_script_publishes_releases_and_follows() {
    let platform = Platform::new();
    let (path, record) = platform.slug_file(b"any");
    let manifest = Manifest {
        slug: record,
        build: Build::default(),
    };
    manifest.write(&path.with_extension("json")).unwrap();
    let checksum = manifest.slug.checksum.to_string();
    let slug = platform.slug(50, &checksum, None, "put");
    platform.answers("POST /apps/shop/slugs", [created(&slug)]);
    platform
        .blobs
        .answer(&format!("PUT /blob50?{SIGNATURE}"), [Answer::ok("")]);
    let output = platform.blobs.url(&format!("/output?{SIGNATURE}"));
    let made = with(release(3, Some(50)), "output_stream_url", output);
    platform.answers(
        "POST /apps/shop/releases",
        [created(&with(made.clone(), "status", "pending"))],
    );
    platform.answers("GET /apps/shop/releases/3", [ok(&made)]);
    platform
        .blobs
        .answer(&format!("/output?{SIGNATURE}"), [Answer::ok("migrated\n")]);
    let deployed = script::deploy(
        &platform.api,
        "shop",
        &path,
        &Interrupt::new().unwrap(),
        &platform.heard,
    )
    .unwrap();
    assert_eq!(deployed.version, 3);
    insta::assert_snapshot!(platform.told(), @r"
    started slug: Some(5)
    output: migrated
    ");
}

#[test]
fn the_manifest_lies_beside_the_slug() {
    for slug in ["out/app.tgz", "out/app.tar.gz"] {
        let manifest = script::manifest(std::path::Path::new(slug));
        assert_eq!(manifest, std::path::Path::new("out/app.json"), "{slug}");
    }
}
