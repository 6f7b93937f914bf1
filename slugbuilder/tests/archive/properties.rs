//! What holds for every tree and every sequence of edits.

use crate::model::{Model, Parts};
use crate::support::{APP_TIME, App, options};
use arbitrary::Unstructured;
use proptest::prelude::*;
use slugbuilder::archive::{ArchiveOptions, Compression, write};
use slugbuilder_report::Silent;
use std::num::NonZeroUsize;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        // A file beside the sources would be written for each failure.
        failure_persistence: None,
        // A tree costs more than a number does.
        max_shrink_time: 60_000,
        ..ProptestConfig::default()
    }
}

/// Random bytes, of which random trees are made.
fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..most)
}

fn compression() -> impl Strategy<Value = Compression> {
    prop_oneof![
        2 => Just(Compression::Fast),
        2 => Just(Compression::Default),
        1 => Just(Compression::Best)
    ]
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn what_is_written_is_read_back(
        bytes in bytes(1500), compression in compression(), threads in 1_usize..5,
    ) {
        let model = Model::random(&mut Unstructured::new(&bytes), 40).unwrap();
        let root = tempfile::tempdir().unwrap();
        model.write(&Model::default(), root.path());
        let options = ArchiveOptions {
            compression,
            threads: NonZeroUsize::new(threads),
            ..options()
        };
        let mut slug = Vec::new();
        write(root.path(), &Parts, &options, &mut slug, &Silent).unwrap();
        model.check(&slug, APP_TIME);
    }
}

proptest! {
    #![proptest_config(config(32))]

    #[test]
    fn warm_is_cold_after_any_edits(
        tree in bytes(1000),
        // Of each step: the edits, and threads.
        steps in proptest::collection::vec((bytes(60), 1_usize..5), 1..8),
        compression in compression(),
    ) {
        let app = App::new();
        let mut model = Model::random(&mut Unstructured::new(&tree), 30).unwrap();
        model.write(&Model::default(), &app.root());
        for (bytes, threads) in &steps {
            let options = ArchiveOptions {
                compression,
                threads: NonZeroUsize::new(*threads),
                ..options()
            };
            let slug = app.check_warm(&options);
            model.check(&slug.bytes, APP_TIME);
            let before = model.clone();
            let mut edits = Unstructured::new(bytes);
            while !edits.is_empty() {
                model.edit(&mut edits).unwrap();
            }
            model.write(&before, &app.root());
        }
    }
}
