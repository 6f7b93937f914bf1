//! Sources in git work trees.

use crate::support::{Source, left_out, left_out_by, warnings};
use slugbuilder::stage::{Commit, Reason, SurveyOptions, survey};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn repository(files: &[(&str, &str)]) -> Source {
    let source = Source::new(files);
    source.git(&["init", "-q"]);
    source
}

fn committed(files: &[(&str, &str)]) -> Source {
    let source = repository(files);
    source.git(&["add", "."]);
    source.git(&["commit", "-q", "--no-gpg-sign", "-m", "First\n\nBody"]);
    source
}

fn commit_of(source: &Source) -> Commit {
    Commit {
        id: source.git(&["rev-parse", "HEAD"]),
        time: 1_600_000_000,
        summary: "First".into(),
    }
}

#[test]
fn what_git_ignores_and_does_not_track_stays_outside() {
    let source = repository(&[
        (".gitignore", "*.log\n/build\nnode_modules/\n!keep.log\n"),
        ("tracked.log", ""),
        ("untracked.log", ""),
        ("keep.log", ""),
        ("build/tracked", ""),
        ("build/untracked", "12"),
        ("build/deep/er/tracked", ""),
        ("build/deep/untracked", "1"),
        ("build/.gitignore", "!untracked"),
        ("lib/build/x", ""),
        ("lib/.gitignore", "y\n!*.log\n"),
        ("lib/y", ""),
        ("lib/z.log", ""),
        ("node_modules/a/index.js", "123"),
        ("excluded", ""),
        ("new.js", ""),
    ]);
    fs::write(source.join(".git/info/exclude"), "excluded\n").unwrap();
    source.git(&[
        "add",
        "-f",
        "tracked.log",
        "build/tracked",
        "build/deep/er/tracked",
        ".gitignore",
    ]);
    let survey = source.survey();
    assert_eq!(
        left_out(&survey),
        [
            ".git Git",
            "build/.gitignore GitIgnored",
            "build/deep/untracked GitIgnored",
            "build/untracked GitIgnored",
            "excluded GitIgnored",
            "lib/y GitIgnored",
            "node_modules GitIgnored",
            "untracked.log GitIgnored",
        ]
    );
    assert_eq!(survey.counts[&Reason::GitIgnored].files, 7);
    assert_eq!(warnings(&survey), [""; 0]);
    let all = SurveyOptions {
        all_files: true,
        ..SurveyOptions::default()
    };
    assert_eq!(
        left_out(&self::survey(source.path(), &all).unwrap()),
        [".git Git"]
    );
}

/// A small generator of pseudo-random numbers, so that the same trees come every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

#[test]
fn git_itself_agrees() {
    const NAMES: [&str; 6] = ["a", "b", "ab", "a.log", ".b", "c d"];
    const PATTERNS: [&str; 22] = [
        "a", "/a", "a/", "/a/", "a/b", "*.log", "!a.log", "!a", "!/a/", "a*", "?b", "**/b", "a/**",
        "a/**/b", "[ab]", "[!a]", "*", "!*/", "\\!a", "# a", "c d ", "/*/b",
    ];
    let mut numbers = Numbers(7);
    for round in 0..40 {
        let source = repository(&[("web.js", "")]);
        let mut paths = BTreeSet::new();
        for _ in 0..30 {
            let depth = 1 + numbers.below(4);
            let path: Vec<&str> = (0..depth).map(|_| numbers.one_of(&NAMES)).collect();
            let path = path.join("/");
            // A file cannot be where a folder is, nor the other way round.
            if fs::create_dir_all(source.join(&path).parent().unwrap()).is_ok()
                && !source.join(&path).is_dir()
            {
                source.put(&path, "");
                paths.insert(path);
            }
        }
        let folders: Vec<String> = std::iter::once(String::new())
            .chain(NAMES.iter().map(|name| format!("{name}/")))
            .collect();
        for folder in folders {
            if source.join(&folder).is_dir() && (folder.is_empty() || numbers.below(2) == 0) {
                let lines: Vec<&str> = (0..=numbers.below(4))
                    .map(|_| numbers.one_of(&PATTERNS))
                    .collect();
                source.put(format!("{folder}.gitignore"), lines.join("\n"));
            }
        }
        for path in &paths {
            if numbers.below(4) == 0 {
                source.git(&["add", "-f", path]);
            }
        }
        let listed = source.git(&[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let expected: BTreeSet<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
        let copy = tempfile::tempdir().unwrap();
        source.survey().copy_to(copy.path(), None).unwrap();
        let staged: BTreeSet<String> = walkdir::WalkDir::new(copy.path())
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                entry
                    .path()
                    .strip_prefix(copy.path())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(
            staged.iter().map(String::as_str).collect::<BTreeSet<_>>(),
            expected,
            "round {round}"
        );
    }
}

#[test]
fn the_commit_is_read_wherever_it_is() {
    let source = committed(&[("web.js", "")]);
    let commit = commit_of(&source);
    assert_eq!(source.survey().git.as_ref(), Some(&commit), "loose");
    source.git(&["pack-refs", "--all"]);
    source.git(&["gc", "-q"]);
    assert_eq!(source.survey().git.as_ref(), Some(&commit), "packed");
    source.git(&["checkout", "-q", "--detach"]);
    assert_eq!(source.survey().git.as_ref(), Some(&commit), "detached");
    let tree = tempfile::tempdir().unwrap();
    let linked = tree.path().join("linked");
    source.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "HEAD"]);
    let survey = survey(&linked, &SurveyOptions::default()).unwrap();
    assert_eq!(
        (survey.git.as_ref(), left_out(&survey)),
        (Some(&commit), vec![".git Git".to_owned()]),
        "linked"
    );
    assert_eq!(warnings(&survey), [""; 0]);
}

#[test]
fn a_branch_without_commits_has_none() {
    let source = repository(&[("web.js", "")]);
    let survey = source.survey();
    assert_eq!(survey.git, None);
    assert_eq!(warnings(&survey), [""; 0]);
}

#[test]
fn a_folder_of_a_work_tree_follows_the_rules_above_it() {
    let source = committed(&[
        (".gitignore", "*.log\n/apps/one/tmp\n/ignored\n"),
        ("apps/.gitignore", "cache/\n"),
        ("apps/one/web.js", ""),
    ]);
    for path in [
        "apps/one/x.log",
        "apps/one/tmp/x",
        "apps/one/cache/x",
        "apps/one/new.js",
        "ignored/app/web.js",
    ] {
        source.put(path, "");
    }
    let survey = survey(&source.join("apps/one"), &SurveyOptions::default()).unwrap();
    assert_eq!(
        left_out_by(&survey, Reason::GitIgnored),
        ["cache", "tmp", "x.log"]
    );
    assert_eq!(survey.git, Some(commit_of(&source)));
    let ignored = self::survey(&source.join("ignored/app"), &SurveyOptions::default()).unwrap();
    assert_eq!(left_out(&ignored), [""; 0]);
    assert_eq!(
        warnings(&ignored),
        [
            "git-ignores-source: git ignores the source as a whole, so its rules are not applied in it"
        ]
    );
}

#[test]
fn a_submodule_follows_its_own_rules() {
    let module = committed(&[(".gitignore", "*.o\n"), ("m.c", "")]);
    let source = committed(&[(".gitignore", "*.c\nvendor/\n"), ("web.js", "")]);
    source.git(&[
        "submodule",
        "--quiet",
        "add",
        "-f",
        module.path().to_str().unwrap(),
        "vendor/module",
    ]);
    source.put("vendor/module/m.o", "");
    source.put("vendor/module/new.c", "");
    source.put("vendor/other.js", "");
    let survey = source.survey();
    assert_eq!(
        left_out(&survey),
        [
            ".git Git",
            "vendor/module/.git Git",
            "vendor/module/m.o GitIgnored",
            "vendor/other.js GitIgnored"
        ]
    );
    assert_eq!(warnings(&survey), [""; 0]);
}

fn unusable(source: &Source) -> String {
    let survey = source.survey();
    assert_eq!(left_out_by(&survey, Reason::GitIgnored), [""; 0]);
    assert_eq!(survey.git, None);
    warnings(&survey).join("\n")
}

#[test]
fn repositories_that_cannot_be_read_are_told() {
    let broken = |file: &str, content: &[u8]| {
        let source = committed(&[(".gitignore", "x"), ("web.js", "")]);
        source.put("x", "");
        fs::remove_dir_all(source.join(".git").join(file))
            .or_else(|_| fs::remove_file(source.join(".git").join(file)))
            .ok();
        if !content.is_empty() {
            source.put(Path::new(".git").join(file), content);
        }
        source
    };
    insta::assert_snapshot!(unusable(&broken("HEAD", b"")), @"git-repository-unusable: the git repository `<source>/.git` is not used: it is no repository");
    insta::assert_snapshot!(unusable(&broken("objects", b"")), @"git-repository-unusable: the git repository `<source>/.git` is not used: it is no repository");
    insta::assert_snapshot!(unusable(&broken("config", b"[Extensions]\n\tobjectFormat = sha256\n")), @"git-repository-unusable: the git repository `<source>/.git` is not used: its objects are named by sha256");
    insta::assert_snapshot!(unusable(&broken("config", b"[extensions]\nrefStorage=reftable")), @"git-repository-unusable: the git repository `<source>/.git` is not used: its branches are stored as reftable");
    let file = Source::new(&[
        (".git", "gitdir: /nonexistent/repository\n"),
        ("web.js", ""),
    ]);
    insta::assert_snapshot!(unusable(&file), @"git-repository-unusable: the git repository `<source>/.git` is not used: `/nonexistent/repository`, where it points, is not there");
    let file = Source::new(&[(".git", "hello"), ("web.js", "")]);
    insta::assert_snapshot!(unusable(&file), @"git-repository-unusable: the git repository `<source>/.git` is not used: it is no `gitdir: ` file");
    let fifo = broken("HEAD", b"");
    nix::unistd::mkfifo(&fifo.join(".git/HEAD"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    insta::assert_snapshot!(unusable(&fifo), @"git-repository-unusable: the git repository `<source>/.git` is not used: it is no repository");
}

#[test]
fn an_index_that_is_damaged_anywhere_is_told_and_harms_nothing() {
    let source = committed(&[
        (".gitignore", "x"),
        ("web.js", ""),
        ("lib/a.js", ""),
        ("lib/b.js", ""),
    ]);
    source.put("x", "");
    let path = source.join(".git/index");
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        fs::write(&path, &damaged).unwrap();
        let survey = source.survey();
        assert!(
            warnings(&survey)[0].contains("its index cannot be read"),
            "byte {at}"
        );
        assert_eq!(left_out(&survey), [".git Git"], "byte {at}");
        fs::write(&path, &whole[..at]).unwrap();
        assert!(
            warnings(&source.survey())[0].contains("its index cannot be read"),
            "cut at {at}"
        );
        // A checksum of zeros means "not computed" (`index.skipHash`), so the decoder sees the damage.
        let length = damaged.len();
        damaged[length - 20..].fill(0);
        fs::write(&path, &damaged).unwrap();
        source.survey();
    }
}

#[test]
fn a_head_that_leads_nowhere_good_is_told() {
    let heads: [&[u8]; 9] = [
        b"",
        b"ref: ../../../../etc/passwd\n",
        b"ref: refs/heads/../../config\n",
        b"ref: HEAD\n",
        b"ref: refs/heads/\xff\x1b[31m\n",
        b"ref: refs/heads/fifo\n",
        b"0123456789012345678901234567890123456789\n",
        b"not a head at all\n",
        &[b'x'; 5000],
    ];
    let source = committed(&[("web.js", "")]);
    let blob = source.git(&["hash-object", "-w", "web.js"]);
    nix::unistd::mkfifo(
        &source.join(".git/refs/heads/fifo"),
        nix::sys::stat::Mode::S_IRWXU,
    )
    .unwrap();
    for head in heads {
        fs::write(source.join(".git/HEAD"), head).unwrap();
        let survey = source.survey();
        assert_eq!(survey.git, None);
        let codes: Vec<&str> = survey
            .warnings
            .iter()
            .map(|warning| warning.code.as_str())
            .collect();
        assert_eq!(
            codes,
            ["git-commit-unknown"],
            "{}",
            String::from_utf8_lossy(head)
        );
    }
    fs::write(source.join(".git/HEAD"), blob).unwrap();
    assert!(warnings(&source.survey())[0].contains("HEAD is no commit but a blob"));
}

#[test]
fn commits_with_hostile_content_are_told() {
    let source = committed(&[("web.js", "")]);
    let tree = source.git(&["rev-parse", "HEAD^{tree}"]);
    let person = "A <a@example.com>";
    for (committer, message) in [
        (format!("{person} 99999999999999 +0000"), "x"),
        (format!("{person} -5 +0000"), "x"),
        (person.to_owned(), "x"),
        ("\u{1b}[31m".to_owned(), "x"),
    ] {
        let content =
            format!("tree {tree}\nauthor {person} 1 +0000\ncommitter {committer}\n\n{message}\n");
        source.put("commit", content);
        let id = source.git(&["hash-object", "-w", "--literally", "-t", "commit", "commit"]);
        fs::write(source.join(".git/HEAD"), id).unwrap();
        let survey = source.survey();
        assert_eq!(survey.git, None, "{committer}");
        assert_eq!(survey.warnings[0].code, "git-commit-unknown");
    }
}

#[test]
fn git_is_not_run_and_its_configuration_is_not_read() {
    let source = committed(&[("web.js", ""), (".gitattributes", "* filter=evil\n")]);
    let trap = source.join("trapped");
    for key in [
        "core.fsmonitor",
        "filter.evil.clean",
        "filter.evil.smudge",
        "core.sshCommand",
    ] {
        source.git(&["config", key, &format!("touch {}", trap.display())]);
    }
    source.put("excludes", "web.js");
    source.git(&[
        "config",
        "core.excludesFile",
        source.join("excludes").to_str().unwrap(),
    ]);
    let survey = source.survey();
    assert!(!trap.exists());
    assert_eq!(left_out(&survey), [".git Git"]);
}
