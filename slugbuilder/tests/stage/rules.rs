//! What stays outside without git.

use crate::support::{Source, left_out, warnings};
use slugbuilder::stage::{Reason, SurveyOptions, Tally, survey};
use std::os::unix::fs::symlink;

#[test]
fn what_stays_outside_is_told_with_its_reason() {
    let source = Source::new(&[
        (".slugignore", "*.psd\n/docs\n"),
        (".DS_Store", ""),
        ("lib/._x.js", ""),
        ("lib/x.js", ""),
        ("lib/y.psd", ""),
        ("docs/a.md", ""),
        ("vendor/module/.git", "gitdir: nowhere"),
        ("vendor/module/x.js", ""),
        ("._folder/x.js", ""),
        ("web.js", ""),
        ("slug.tgz", ""),
        (".slug.tgz.a1B2c3.tmp", ""),
        ("slug.json", ""),
        ("fixtures/bare.git/HEAD", "ref: refs/heads/main"),
    ]);
    let options = SurveyOptions {
        outputs: vec![source.join("slug.tgz"), source.join("slug.json")],
        ..SurveyOptions::default()
    };
    let survey = survey(source.path(), &options).unwrap();
    insta::assert_snapshot!(left_out(&survey).join("\n"), @r"
    .DS_Store FinderMetadata
    .slug.tgz.a1B2c3.tmp Output
    docs SlugIgnore
    lib/._x.js FinderMetadata
    lib/y.psd SlugIgnore
    slug.json Output
    slug.tgz Output
    vendor/module/.git Git
    ");
    assert_eq!(survey.entries, 12);
    assert_eq!(survey.whiteouts().count(), survey.left_out.len());
}

#[test]
fn what_slugignore_leaves_out_is_counted() {
    let source = Source::new(&[
        (".slugignore", "big\n*.log\n"),
        ("big/a", "12345"),
        ("big/deep/er/b", "678"),
        ("big/.git/objects/pack", "not counted apart"),
        ("x.log", "12"),
        ("web.js", "123"),
    ]);
    symlink("a", source.join("big/link")).unwrap();
    let survey = source.survey();
    assert_eq!(
        survey.counts[&Reason::SlugIgnore],
        Tally {
            files: 5,
            bytes: 5 + 3 + 17 + 2
        }
    );
    assert_eq!(
        survey.staged,
        Tally {
            files: 2,
            bytes: 10 + 3
        }
    );
    assert_eq!(
        survey
            .whiteouts()
            .map(|path| path.to_str().unwrap())
            .collect::<Vec<_>>(),
        ["big", "x.log"]
    );
}

#[test]
fn without_a_work_tree_gitignore_says_nothing() {
    let source = Source::new(&[(".gitignore", "*"), ("web.js", "")]);
    assert_eq!(left_out(&source.survey()), [""; 0]);
}

#[test]
fn a_slugignore_that_is_no_file_is_told() {
    let source = Source::new(&[("rules", "web.js"), ("web.js", "")]);
    symlink("rules", source.join(".slugignore")).unwrap();
    let survey = source.survey();
    assert_eq!(left_out(&survey), [""; 0]);
    assert_eq!(
        warnings(&survey),
        ["ignore-file-not-read: `.slugignore` is not followed: it is a symbolic link"]
    );
}

#[test]
fn links_that_leave_or_loop_are_told_and_kept() {
    let source = Source::new(&[("web.js", "")]);
    symlink("../outside", source.join("up")).unwrap();
    symlink(source.join("web.js"), source.join("absolute")).unwrap();
    symlink("web.js", source.join("fine")).unwrap();
    symlink("missing", source.join("dangling")).unwrap();
    symlink("b", source.join("a")).unwrap();
    symlink("a", source.join("b")).unwrap();
    let survey = source.survey();
    assert_eq!(
        warnings(&survey),
        [
            "link-leaves-source: symbolic links lead out of the source: `absolute`, `up`",
            "link-loops: symbolic links lead back to themselves: `a`, `b`",
        ]
    );
    assert_eq!(survey.entries, 7);
}

#[test]
fn a_source_path_may_hold_anything() {
    let source = Source::new(&[]);
    let odd = source.join("a,b:c\\d e\nf");
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("web.js"), "").unwrap();
    assert_eq!(survey(&odd, &SurveyOptions::default()).unwrap().entries, 1);
}
