//! The ELF check against programs made with the C compiler that building Rust needs anyway.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use slugbuilder::stack::{Findings, Machine, Problem, Stack, check};
use std::path::Path;
use std::process::Command;

const MACHINE: Machine = if cfg!(target_arch = "aarch64") {
    Machine::Aarch64
} else {
    Machine::X86_64
};

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for folder in ["bin", "lib"] {
            std::fs::create_dir(tree.0.path().join(folder)).unwrap();
        }
        tree
    }

    /// Compiles C with further arguments; paths in them are relative to the tree.
    fn compile(self, output: &str, source: &str, arguments: &[&str]) -> Self {
        std::fs::write(self.0.path().join("source.c"), source).unwrap();
        let status = Command::new("cc")
            .args(["-w", "-o", output, "source.c"])
            .args(arguments)
            .current_dir(self.0.path())
            .status()
            .unwrap();
        assert!(status.success());
        self
    }

    fn check(&self, stack: &str) -> Findings {
        check(self.0.path(), &Stack::named(stack).unwrap(), MACHINE).unwrap()
    }

    fn problems(&self, stack: &str) -> Vec<Problem> {
        self.check(stack)
            .problems
            .into_iter()
            .map(|finding| finding.problem)
            .collect()
    }
}

/// A library that stands for one of the system's: it defines a version of `symbol`.
fn library(tree: Tree, output: &str, soname: &str, version: &str) -> Tree {
    let script = tree.0.path().join("script.map");
    std::fs::write(
        &script,
        format!("{version} {{ global: symbol; local: *; }};"),
    )
    .unwrap();
    let tree = tree.compile(
        output,
        "void symbol(void) {}",
        &[
            "-shared",
            "-nostdlib",
            &format!("-Wl,-soname,{soname}"),
            "-Wl,--version-script,script.map",
        ],
    );
    std::fs::remove_file(script).unwrap();
    tree
}

/// A program that needs `symbol` of such a library, which is then taken away.
fn user_of(soname: &str, version: &str) -> Tree {
    let tree = library(Tree::new(), "lib/stub.so", soname, version).compile(
        "bin/program",
        "void symbol(void); void _start(void) { symbol(); }",
        &["-nostdlib", "lib/stub.so"],
    );
    std::fs::remove_file(tree.0.path().join("lib/stub.so")).unwrap();
    tree
}

#[test]
fn a_version_that_is_there_passes() {
    let findings = user_of("libcrypto.so.3", "OPENSSL_3.0.0").check("heroku-22");
    assert_eq!((findings.checked, findings.problems.len()), (1, 0));
}

#[test]
fn a_version_that_is_not_there_is_named_with_what_is() {
    let tree = user_of("libcrypto.so.3", "OPENSSL_3.4.0");
    let findings = tree.check("heroku-24");
    assert_eq!(findings.problems[0].file, Path::new("bin/program"));
    assert_eq!(
        findings.problems[0].problem.to_string(),
        "needs `OPENSSL_3.4.0` of `libcrypto.so.3`; the newest there is `OPENSSL_3.0.9`"
    );
    assert!(tree.problems("heroku-26").is_empty());
}

#[test]
fn a_version_without_a_number_is_not_missed() {
    let tree = user_of("libc.so.6", "GLIBC_ABI_DT_RELR");
    assert_eq!(
        tree.problems("heroku-22"),
        [Problem::MissingVersion {
            soname: "libc.so.6".into(),
            version: "GLIBC_ABI_DT_RELR".into(),
            newest: None,
        }]
    );
    assert!(tree.problems("heroku-24").is_empty());
}

#[test]
fn a_library_may_come_from_the_tree() {
    let tree = user_of("libours.so.1", "OURS_1");
    assert_eq!(
        tree.problems("heroku-24"),
        [Problem::MissingLibrary {
            soname: "libours.so.1".into()
        }]
    );
    let tree = library(tree, "lib/libours.so.1.2", "libours.so.1", "OURS_1");
    assert!(tree.problems("heroku-24").is_empty());
}

#[test]
fn a_library_of_the_tree_may_be_found_by_a_link() {
    let tree = library(
        user_of("libours.so.1", "OURS_1"),
        "lib/libreal.so",
        "other",
        "OURS_1",
    );
    assert_eq!(tree.problems("heroku-24").len(), 1);
    std::os::unix::fs::symlink("libreal.so", tree.0.path().join("lib/libours.so.1")).unwrap();
    assert!(tree.problems("heroku-24").is_empty());
}

#[test]
fn static_programs_and_object_files_pass() {
    let tree = Tree::new()
        .compile(
            "bin/static",
            "void _start(void) {}",
            &["-nostdlib", "-static"],
        )
        .compile(
            "bin/static-pie",
            "void _start(void) {}",
            &["-nostdlib", "-static-pie", "-fPIE"],
        )
        .compile("lib/object.o", "void x(void) {}", &["-c"]);
    let findings = tree.check("heroku-22");
    assert_eq!(
        (
            findings.checked,
            findings.problems.len(),
            findings.inert.len()
        ),
        (2, 0, 0)
    );
}

#[test]
fn musls_loader_is_missing() {
    let tree = Tree::new().compile(
        "bin/program",
        "void _start(void) {}",
        &[
            "-nostdlib",
            "-pie",
            "-fPIE",
            "-Wl,--dynamic-linker,/lib/ld-musl-x86_64.so.1",
        ],
    );
    assert_eq!(
        tree.problems("heroku-24")[0].to_string(),
        "needs the loader `/lib/ld-musl-x86_64.so.1`"
    );
}

#[test]
fn foreign_files_matter_only_where_they_are_loaded() {
    let tree = Tree::new().compile(
        "bin/native",
        "void _start(void) {}",
        &["-nostdlib", "-static"],
    );
    let mut foreign = std::fs::read(tree.0.path().join("bin/native")).unwrap();
    foreign[18] = 243;
    std::fs::create_dir(tree.0.path().join("prebuilds")).unwrap();
    std::fs::write(tree.0.path().join("prebuilds/addon.node"), &foreign).unwrap();
    let findings = tree.check("heroku-24");
    assert!(findings.problems.is_empty());
    assert_eq!(
        findings.inert,
        [("prebuilds/addon.node".into(), "machine RISC-V".to_owned())]
    );

    std::fs::write(tree.0.path().join("bin/foreign"), &foreign).unwrap();
    assert_eq!(
        tree.problems("heroku-24")[0].to_string(),
        "is for another platform (machine RISC-V)"
    );
    std::fs::remove_file(tree.0.path().join("bin/native")).unwrap();
    std::fs::remove_file(tree.0.path().join("bin/foreign")).unwrap();
    assert_eq!(
        tree.problems("heroku-24").len(),
        1,
        "nothing in the tree can be loaded"
    );
}

#[test]
#[ignore = "depends on the host's own programs"]
fn the_hosts_programs_are_read() {
    let findings = check(
        Path::new("/usr/bin"),
        &Stack::named("heroku-26").unwrap(),
        MACHINE,
    )
    .unwrap();
    assert!(findings.checked > 10);
}
