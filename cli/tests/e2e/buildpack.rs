//! `slugbuilder buildpack package`: the command's side. What a package holds is tested in the buildpack's crate, and
//! `.ci/cnb-image` builds images with one.

use crate::context::{Context, ordinary};
use crate::slug::entries;

/// The executable of the tests is an ordinary one, unless they were built with `-C target-feature=+crt-static`.
#[cfg(not(target_feature = "crt-static"))]
#[test]
fn a_package_needs_a_static_executable() {
    let context = Context::new(ordinary());
    let text = context
        .slugbuilder(["buildpack", "package", "out"])
        .fails(69);
    insta::assert_snapshot!(text, @r"
    error[not-static]: this `slugbuilder` is not a static program: it needs `/lib64/ld-linux-x86-64.so.2`

      The package holds a copy of this executable, and the image that it runs in may have another C library, an older one or none.

      hint: Build a static one in slugbuilder's source, and let that write the package:
            RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --target x86_64-unknown-linux-gnu
            target/x86_64-unknown-linux-gnu/release/slugbuilder buildpack package DIR
    ");
    assert_eq!(entries(&context.path("work")), Vec::<String>::new());
}

#[cfg(target_feature = "crt-static")]
#[test]
fn a_static_executable_packages_itself() {
    let context = Context::new(ordinary());
    let package = context.path("work/out");
    context
        .slugbuilder(["buildpack", "package", "out"])
        .succeeds();
    assert_eq!(entries(&package), ["bin", "buildpack.toml", "package.toml"]);
}

#[test]
fn a_homepage_is_an_address() {
    let context = Context::new(ordinary());
    let text = context
        .slugbuilder(["buildpack", "package", "out", "--homepage", "me"])
        .fails(2);
    insta::assert_snapshot!(text, @r"
    error[invalid-homepage]: `me` is not the address of a homepage

      hint: Write it like `https://example.org/slugbuilder`.
    ");
    assert_eq!(entries(&context.path("work")), Vec::<String>::new());
}
