//! What a layout leaves out is counted, and is no other slug for it.

use crate::support::{App, options, put, rest};
use slugbuilder::archive::{
    ArchiveOptions, Layout, Part, Placement, Siblings, Summary, write_file,
};
use slugbuilder::stage::Tally;
use slugbuilder_report::Silent;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

/// Leaves out folders called `made` (1) and files called `*.o` beside a `Makefile` (7).
struct Leaving;

impl Layout for Leaving {
    fn place(&self, _: &Path, _: bool) -> Placement {
        panic!("where there is a folder, its names are told");
    }

    fn place_among(&self, path: &Path, directory: bool, siblings: Siblings<'_>) -> Placement {
        let name = path.file_name().unwrap();
        assert!(siblings.contain(name) && siblings.iter().any(|one| one == name));
        assert!(
            !path.components().any(|part| part.as_os_str() == "made") || path.ends_with("made")
        );
        if directory && name == "made" {
            Placement::LeaveOut(1)
        } else if path.extension() == Some(OsStr::new("o"))
            && siblings.contain(OsStr::new("Makefile"))
        {
            Placement::LeaveOut(7)
        } else {
            Placement::In(Part::App)
        }
    }
}

fn archived(app: &App, threads: usize) -> (Vec<u8>, Summary) {
    let slug = app.path("slug.tgz");
    let options = ArchiveOptions {
        threads: NonZeroUsize::new(threads),
        cache: Some(app.cache()),
        ..options()
    };
    let summary = write_file(&app.root(), &Leaving, &options, &slug, &Silent).unwrap();
    (fs::read(slug).unwrap(), summary)
}

#[test]
fn what_is_left_out_is_counted_and_costs_no_second_reading() {
    let app = App::new();
    let root = app.root();
    for folder in ["", "a/", "a/b/"] {
        put(&root, format!("{folder}web.js"), "kept");
        put(&root, format!("{folder}x.o"), "object");
    }
    put(&root, "a/Makefile", "all:");
    put(&root, "a/made/one", "1");
    put(&root, "a/made/deep/made/two", "22");
    std::os::unix::fs::symlink("/nowhere", root.join("a/made/link")).unwrap();
    // In a slug it would be an error.
    let fifo = root.join("a/made/fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    rest();

    let counts = BTreeMap::from([
        (1, Tally { files: 4, bytes: 3 }),
        (7, Tally { files: 1, bytes: 6 }),
    ]);
    let (bytes, first) = archived(&app, 1);
    assert_eq!(first.left_out, counts);
    assert_eq!(first.entries, 9);
    assert_eq!(first.warnings, []);
    for threads in [1, 3] {
        // Names are known now, and all of the slug is.
        let (again, summary) = archived(&app, threads);
        assert!(again == bytes);
        assert_eq!(summary.left_out, counts);
        assert!(summary.reused > 0);
    }

    // What is left out may change without a new slug.
    put(&root, "a/made/one", "longer");
    let (again, summary) = archived(&app, 2);
    assert!(again == bytes);
    assert_eq!(summary.left_out[&1].bytes, 8);
    assert!(summary.reused > 0);
}
