//! The trials of the format itself.

use crate::expect::{Expect, FilePath};
use crate::pattern::Version;

/// The errors of the format.
pub(crate) fn check() {
    let error = |text: &str| Expect::parse(text).unwrap_err();
    let located = |text: &str, line: usize, what: &str| {
        let error = error(text);
        assert!(error.contains(&format!("at line {line}")), "{error}");
        assert!(error.contains(what), "{error}");
    };
    let start = "about = 'x'\n";
    located(&format!("{start}abuot = 1\n"), 2, "unknown field `abuot`");
    located(
        &format!("{start}[plan]\nlanguages = {{}}\nprocesses = {{}}\nwarning = []\n"),
        5,
        "unknown field `warning`",
    );
    located(
        &format!("{start}[[file]]\npath = 'a'\nmode = '999'\n"),
        4,
        "`999` are no permission bits",
    );
    located(
        &format!("{start}[[file]]\npath = 'a'\ncontent = ['/(/']\n"),
        4,
        "unclosed group",
    );
    located(
        &format!("{start}[error]\ntext = []\n"),
        2,
        "missing field `code`",
    );
    assert_eq!(error(start), "there is no `[plan]` and no `[error]`");
    let failing = format!("{start}[error]\ncode = 'c'\n");
    assert!(Expect::parse(&failing).unwrap().needs_network());
    let offline = format!("{failing}network = false\n");
    assert!(error(&offline).contains("a plan has no network anyway"));
    let offline = format!("{offline}during = 'build'\n");
    assert!(!Expect::parse(&offline).unwrap().needs_network());
    assert!(
        error(&format!("{failing}[[file]]\npath = 'a'\n")).contains("an app that fails has no")
    );
    assert!(
        error(&format!(
            "{start}[plan]\nlanguages = {{}}\nprocesses = {{}}\n[build]\nlanguages = {{}}\nprocesses = {{}}\n[[file]]\npath = '*.js'\nmode = '644'\n"
        ))
        .contains("`*.js` is a pattern")
    );
    assert!(
        error(&format!(
            "{start}env = {{ A = '1' }}\nsecrets = {{ A = '2' }}\n"
        ))
        .contains("`A` is in `env` and in `secrets`")
    );
    assert!(
        error(&format!("{failing}[setup]\nrun = ['true']\n")).contains("nothing is run for an app")
    );
    let matches = |pattern: &str, path: &str| FilePath(pattern.into()).matches(path.as_ref());
    assert!(matches("**/.cache/**", "a/b/.cache/c/d"));
    assert!(matches("a/*.zip", "a/b.zip"));
    assert!(!matches("a/*.zip", "a/b/c.zip"));
    assert!(matches("a[1]", "a1"));
    assert!(!matches("a.c", "abc"));
    assert!(Version("24.2".into()).matches("24.2.1"));
    assert!(!Version("24.2".into()).matches("24.20.0"));
}

/// The examples of `docs/testing.md` are valid.
pub(crate) fn check_documentation() {
    let guide = include_str!("../../../docs/testing.md");
    let examples: Vec<&str> = guide
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let [whole, failing] = examples.as_slice() else {
        panic!("{} examples", examples.len())
    };
    Expect::parse(whole).unwrap();
    Expect::parse(&format!("about = 'x'\n{failing}")).unwrap();
}
