//! No file of a test app names a registry: where packages come from is the business of whoever runs the tests.

/// Names of lockfiles.
const LOCKFILES: [&str; 4] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
];

/// Looks for addresses of archives in the lockfiles of all apps.
pub(crate) fn check() {
    let mut lockfiles = 0;
    for entry in walkdir::WalkDir::new(crate::folder()) {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy();
        if !LOCKFILES.contains(&name.as_ref()) {
            continue;
        }
        lockfiles += 1;
        let text = std::fs::read_to_string(entry.path()).unwrap();
        if let Some(line) = line_with_a_registry(&text) {
            panic!(
                "{}:{line} says where a package is; have npm write its lockfile with `omit-lockfile-registry-resolved`, and Yarn classic's be made by `[setup]`",
                entry.path().display()
            );
        }
    }
    assert!(lockfiles > 0, "there are no lockfiles to check");
}

/// The line, from 1, that has the address of a package's archive.
fn line_with_a_registry(text: &str) -> Option<usize> {
    let of_a_package = |line: &str| {
        let line = line.trim_start();
        let is_key = |key: &str| {
            line.strip_prefix(key)
                .is_some_and(|rest| rest.contains("://"))
        };
        // npm's; Yarn classic's; Yarn berry's; pnpm's, which may stand in a flow mapping.
        is_key("\"resolved\":")
            || is_key("resolved ")
            || is_key("resolution:")
            || line.contains("tarball:")
            || line.contains("__archiveUrl")
    };
    text.lines().position(of_a_package).map(|index| index + 1)
}

/// What the check finds and what it does not.
pub(crate) fn check_the_check() {
    for (text, line) in [
        (
            "{\n  \"resolved\": \"https://npm.example/ms/-/ms-2.1.3.tgz\"",
            Some(2),
        ),
        (
            "ms@^2:\n  version \"2.1.3\"\n  resolved \"https://npm.example/ms.tgz#00\"",
            Some(3),
        ),
        (
            "  ms@2.1.3:\n    resolution: {integrity: sha512-0, tarball: https://npm.example/ms.tgz}",
            Some(2),
        ),
        (
            "  resolution: \"ms@npm:2.1.3::__archiveUrl=https%3A%2F%2Fnpm.example\"",
            Some(1),
        ),
        ("  \"resolved\": \"packages/greeting\"", None),
        (
            "  \"funding\": { \"url\": \"https://opencollective.example\" }",
            None,
        ),
        ("  resolution: \"ms@npm:2.1.3\"", None),
    ] {
        assert_eq!(line_with_a_registry(text), line, "{text}");
    }
}
