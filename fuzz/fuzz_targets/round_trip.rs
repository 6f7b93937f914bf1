//! Any tree, written and read back.

#![no_main]

#[path = "../../slugbuilder/tests/archive/model.rs"]
#[allow(dead_code, reason = "shared with tests that use all of it")]
mod model;
#[path = "../shared.rs"]
#[allow(dead_code, reason = "shared with other targets")]
mod shared;

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use model::{Model, Parts};
use slugbuilder::archive::write;
use slugbuilder_report::Silent;

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    let Ok(options) = shared::options(&mut u) else {
        return;
    };
    let Ok(model) = Model::random(&mut u, 60) else {
        return;
    };
    let root = shared::folder();
    model.write(&Model::default(), root.path());
    let mut slug = Vec::new();
    write(root.path(), &Parts, &options, &mut slug, &Silent).unwrap();
    model.check(&slug, options.app_time);
});
