use super::super::entries::{sorted, start_of};
use super::*;
use crate::tree::links::Links;
use crate::tree::{Kind, Stat, Tree};
use proptest::prelude::*;
use std::collections::HashSet;
use std::path::PathBuf;

fn file(number: u32, size: u64, part: Part) -> Entry {
    let path = format!("module-{}/file-{number:05}.js", number % 37);
    Entry {
        base: path.rfind('/').unwrap() + 1,
        start: start_of(path.split('/').next_back().unwrap().as_bytes()),
        rank: usize::try_from(number % 37).unwrap(),
        path: PathBuf::from(path),
        stat: Stat {
            kind: Kind::File,
            mode: 0o644,
            owner: (0, 0),
            size,
            modified: (0, 0),
            changed: (0, 0),
            device: 0,
            inode: u64::from(number),
        },
        part,
        is_local: true,
    }
}

/// Each chunk, by what is in it: paths, and the range of content of a piece.
fn chunks(entries: Vec<Entry>) -> Vec<(Vec<PathBuf>, Option<Range<u64>>)> {
    let entries = sorted(entries);
    let tree = Tree::open(std::path::Path::new("/")).unwrap();
    let links = Links::default();
    let tar = TarStream::new(&tree, &links, &entries, 0);
    let chunks = cut(&tar);
    let lengths = entries.iter().map(|entry| tar.length(entry));
    let (end, others) = chunks.split_last().unwrap();
    assert_eq!(end.material, Material::End);
    let length: u64 = others.iter().map(|chunk| chunk.length).sum();
    assert_eq!(length, lengths.sum::<u64>(), "all of the tar, and once");
    assert_eq!((length + end.length) % RECORD, 0);
    assert!(end.length >= 2 * BLOCK as u64);
    others
        .iter()
        .map(|chunk| {
            // Two pieces of content, with the header and padding of one.
            assert!(chunk.length <= LONGEST + 2 * BLOCK as u64);
            let (entries, content) = chunk.sources(&tar);
            let parts: HashSet<Part> = entries.iter().map(|entry| entry.part).collect();
            assert_eq!(parts.len(), 1, "no chunk is of two parts");
            (
                entries.iter().map(|entry| entry.path.clone()).collect(),
                content,
            )
        })
        .collect()
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![Just(Part::Dependencies), Just(Part::App)]
}

fn sizes() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 0..20_000_u64,
        2 => 20_000..2 * LARGE,
        1 => LARGE..5 * LARGE,
    ]
}

/// How many chunks of one are not in the other.
fn new_chunks<T: Eq + std::hash::Hash>(one: &[T], other: &[T]) -> usize {
    let known: HashSet<&T> = other.iter().collect();
    one.iter().filter(|chunk| !known.contains(chunk)).count()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        // What holds nearly always has to hold for the same cases each time.
        rng_seed: proptest::test_runner::RngSeed::Fixed(4),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_file_more_changes_chunks_near_it_only(
        files in proptest::collection::vec((sizes(), part()), 1..400),
        at in any::<proptest::sample::Index>(),
    ) {
        let all = || files.iter().zip(0..).map(|((size, part), number)| file(number, *size, *part));
        let without = at.index(files.len());
        let one = chunks(all().collect());
        let less = chunks(all().enumerate().filter(|(n, _)| *n != without).map(|(_, e)| e).collect());
        // The file itself may be many pieces. Around it are chunks that had begun before it, and those until a border
        // that depends on a name alone: rarely more than a few.
        let pieces = usize::try_from(files[without].0 / PIECE).unwrap();
        prop_assert!(new_chunks(&less, &one) <= 12, "{}", new_chunks(&less, &one));
        prop_assert!(new_chunks(&one, &less) <= 12 + pieces, "{}", new_chunks(&one, &less));
    }

    #[test]
    fn content_has_no_say(files in proptest::collection::vec((sizes(), part()), 1..100)) {
        let with_inodes = |more: u32| {
            let files = files.iter().zip(0..).map(|((size, part), number)| {
                let mut entry = file(number, *size, *part);
                entry.stat.inode += u64::from(more);
                entry
            });
            chunks(files.collect())
        };
        prop_assert_eq!(with_inodes(0), with_inodes(1));
    }
}

#[test]
fn chunks_have_their_usual_size_whatever_the_files() {
    for size in [0, 300, 4000, 30_000, 120_000] {
        let count = u32::try_from(40 * USUAL / (size + 512)).unwrap();
        let found = chunks((0..count).map(|n| file(n, size, Part::App)).collect()).len();
        assert!(
            (25..80).contains(&found),
            "{found} chunks of files of {size}"
        );
    }
}
