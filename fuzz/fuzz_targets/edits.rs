//! Any edits of any tree: an archive with a cache is what one without would be.

#![no_main]

#[path = "../../slugbuilder/tests/archive/model.rs"]
#[allow(dead_code, reason = "shared with tests that use all of it")]
mod model;
#[path = "../shared.rs"]
#[allow(dead_code, reason = "shared with other targets")]
mod shared;

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use model::Model;
use slugbuilder::archive::ArchiveOptions;

fn run(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let options = shared::options(u)?;
    let mut model = Model::random(u, 30)?;
    let folder = shared::folder();
    let root = folder.path().join("root");
    std::fs::create_dir(&root).unwrap();
    model.write(&Model::default(), &root);
    for _ in 0..8 {
        // Other threads and times, but the same cache.
        let options = ArchiveOptions {
            compression: options.compression,
            ..shared::options(u)?
        };
        let (slug, _) = shared::warm_and_cold(&root, folder.path(), &options);
        model.check(&slug, options.app_time);
        if u.is_empty() {
            break;
        }
        let before = model.clone();
        for _ in 0..u.int_in_range(0..=3)? {
            model.edit(u)?;
        }
        model.write(&before, &root);
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    // Too few bytes for a decision end it early.
    let _ = run(&mut Unstructured::new(data));
});
