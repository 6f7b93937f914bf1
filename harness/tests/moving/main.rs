//! A test that was written for `libcnb-test` moves over by changing its import: `body.rs` is compiled against both, with
//! nothing but the import below different, and run with ours. (With `libcnb-test` it would need `pack` and Docker.)

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

/// With `pack` and Docker.
#[expect(dead_code, reason = "it is enough that it compiles")]
mod with_docker {
    use libcnb_test as harness;
    include!("body.rs");
}

/// Without.
mod without_docker {
    use slugbuilder_test as harness;
    include!("body.rs");

    #[test]
    fn the_same_test_passes() {
        everything();
    }

    #[test]
    fn the_same_expected_failure_passes() {
        failure();
    }
}
