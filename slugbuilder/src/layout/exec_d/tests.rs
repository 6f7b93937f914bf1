//! The reader of TOML in bash against the `toml` crate.

use super::super::shell::is_assignable;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

type Pairs = BTreeMap<String, String>;

/// A folder with the helper and a program that writes the file `document`.
struct Launcher(tempfile::TempDir);

impl Launcher {
    fn new() -> Self {
        let launcher = Self(tempfile::tempdir().unwrap());
        std::fs::write(launcher.path("exec_d.bash"), EXEC_D_HELPER).unwrap();
        launcher.program("program", "cat document >&3");
        launcher
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        std::fs::write(self.path(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(self.path(name), PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// What the programs set, of which only what `wanted` says is looked at; or what is said of what is wrong. What they
    /// print is in the file `stdout`.
    fn run(
        &self,
        programs: &[&str],
        base: &[(&str, &str)],
        wanted: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, Vec<u8>>, String> {
        let output = Command::new("/bin/bash")
            .args(["-c", "ulimit -t 8; { slugbuilder_test=$(/bin/bash -p \"$@\") || exit 1; } 4>\"$0\"; eval \"$slugbuilder_test\"; exec /usr/bin/env -0"])
            .arg(self.path("stdout"))
            .arg(self.path("exec_d.bash"))
            .arg(self.0.path())
            .args(programs.iter().map(|name| self.path(name)))
            .env_clear()
            .envs(base.iter().copied())
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&output.stderr).replace(self.0.path().to_str().unwrap(), "");
        if !output.status.success() {
            return Err(said);
        }
        let pairs = output.stdout.split(|byte| *byte == 0).filter_map(|pair| {
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            let name = String::from_utf8(pair[..equals].to_vec()).unwrap();
            wanted(&name).then(|| (name, pair[equals + 1..].to_vec()))
        });
        Ok(pairs.collect())
    }

    /// What the helper reads in `document`.
    fn read(&self, document: &[u8]) -> Result<Pairs, String> {
        std::fs::write(self.path("document"), document).unwrap();
        let pairs = self.run(&["program"], &[], |name| !is_of_bash(name))?;
        Ok(pairs
            .into_iter()
            .map(|(name, value)| (name, String::from_utf8(value).unwrap()))
            .collect())
    }
}

/// Variables that bash itself sets at every command.
fn is_of_bash(name: &str) -> bool {
    ["_", "PWD", "SHLVL", "OLDPWD"].contains(&name)
}

/// What the `toml` crate reads; nothing where it or a variable cannot.
fn expected(document: &[u8]) -> Option<Pairs> {
    let text = std::str::from_utf8(document).ok()?;
    let mut pairs: Pairs = toml::from_str(text).ok()?;
    if pairs.values().any(|value| value.contains('\0')) || text.contains('\0') {
        return None;
    }
    pairs.retain(|name, _| is_assignable(name.as_bytes()) && !is_of_bash(name));
    Some(pairs)
}

fn check(document: &[u8]) {
    let read = Launcher::new().read(document);
    let shown = String::from_utf8_lossy(document);
    match (read, expected(document)) {
        (Ok(read), Some(expected)) => assert_eq!(read, expected, "{shown:?}"),
        (Err(_), None) => {}
        (read, expected) => panic!("{shown:?}: {read:?}, but the crate says {expected:?}"),
    }
}

#[test]
fn every_way_to_write_a_string() {
    for document in [
        "",
        "\n",
        "# nothing",
        "A = \"\"",
        "A=''#c",
        "A = 'it''",
        "\u{feff}A = 'x'",
        "A = \"\\b\\t\\n\\f\\r\\e\\\"\\\\\\u00e9\\U0001f600\\x7f\"",
        "A = \"\\u0000\"",
        "A = \"\\ud800\"",
        "A = \"\\U00110000\"",
        "A = \"\\u00e\"",
        "A = \"\\q\"",
        "A = \"\\",
        "A = '\\n\"$(id)`id`'",
        "A = \"$(id)`id`'\"\nB = \"*\\\\\"",
        "A = \"\"\"\n\nx\ny\"\"\"",
        "A = \"\"\"x\\\n   \n\t y\"\"\"",
        "A = \"\"\"x\\  y\"\"\"",
        "A = \"\"\"x\\  \n y\"\"\"",
        "A = \"\"\"\"\"\"",
        "A = \"\"\"\"x\"\"\"\"\"",
        "A = \"\"\"x\"\"\"\"\"\"",
        "A = \"\"\"x\"\" \"y\"\"\"",
        "A = '''\n'it''s'\n'''",
        "A = '''x'''''",
        "A = '''x\\'''",
        "A = 'x\ny'",
        "A = \"x\ny\"",
        "A = '''x",
        "'A' = 'x'\n\"B\\u0043\" = 'y'",
        "'' = 'x'\nA = 'y'",
        "\"\"\"A\"\"\" = 'x'",
        "A = 'x'\nA = 'y'",
        "A = 'x' B = 'y'",
        "A = 'x'\t# c\n\n\t B = 'y'",
        "A.B = 'x'",
        "A . B = 'x'",
        "[A]\nB = 'x'",
        "[[A]]",
        "A = 1",
        "A = ['x']",
        "A = {}",
        "A = true",
        "A",
        "A =",
        "= 'x'",
        "A B = 'x'",
        "1A = 'x'\nA-B = 'y'\nUID = 'z'\nC = 'w'",
        "A = 'x\u{1}'",
        "# \u{1}",
        "# \u{7f}",
        "A = 'é€😀'",
        "]$(id)[ = 'x'",
        "'x]$(id)[' = 'x'\n'x\"' = 'y'",
        "PATH = '/nowhere'\nIFS = 'x'\nLC_ALL = 'C'\nrest = 'y'\nprogram = 'z'\nquote = 'q'",
    ] {
        check(document.as_bytes());
    }
}

#[test]
fn ends_of_lines_of_other_systems() {
    for document in [
        "A = 'x'\r\nB = \"y\" # c\r\n\r\n",
        "A = 'x'\rB = 'y'",
        "# c\r",
        "A = 'x\r'",
        "A = '''\r\nx'''",
        "A = \"\"\"\r\nx\\\r\n  y\"\"\"",
    ] {
        check(document.as_bytes());
    }
}

#[test]
fn what_is_no_text_is_refused() {
    for document in [
        &b"A = '\xff'"[..],
        b"# \xc0\x80",
        b"A = '\xed\xa0\x80'",
        b"A = '\xf4\x90\x80\x80'",
        b"A = '\xe2\x82'",
        b"A = 'x\0'",
        b"A = 'x'\n\0",
        b"\0",
    ] {
        assert!(Launcher::new().read(document).is_err(), "{document:?}");
    }
}

/// Everything that is looked at in one piece, across the seam of two blocks at every one of its bytes.
#[test]
fn seams_of_blocks_do_not_matter() {
    let documents: [&[u8]; 11] = [
        b"A = \"\\U0001f600\"",
        "A = '€😀'".as_bytes(),
        b"A = \"\"\"x\"\"\"\"\"",
        b"A = \"\"\"\r\n\\ \r\n x\"\"\"\r\nB = ''",
        b"A = 'x' # c\r\n\r\nB_LONG = ''",
        b"A = 'x\n'",
        b"A = 'x\r'",
        b"A = '\xe2\x82'",
        b"A = '\xf0\x9f\x98\x80\x80'",
        b"A = '\xed\xa0\x80'",
        b"A = 'x\0'",
    ];
    for document in documents {
        for before in 0..document.len() {
            let comment = 512 - before - "#\n".len();
            check(&[b"#", &vec![b'c'; comment][..], b"\n", document].concat());
        }
        // The seam is at the end.
        let comment = 512 - document.len() - "#\n".len();
        check(&[b"#", &vec![b'c'; comment][..], b"\n", document].concat());
    }
}

/// Each within a few seconds of processor time, of which the sizes here take less than one.
#[test]
fn time_is_not_by_the_square() {
    let launcher = Launcher::new();
    for value in [
        "é".repeat(60_000),
        "\\\"x".repeat(27_000),
        "'".repeat(100_000),
    ] {
        let document = format!("A = \"{value}\"\n");
        let expected = toml::from_str::<Pairs>(&document).unwrap();
        assert_eq!(launcher.read(document.as_bytes()).unwrap(), expected);
    }
    let document = "# é\n\n".repeat(10_000);
    assert_eq!(launcher.read(document.as_bytes()).unwrap(), Pairs::new());
}

#[test]
fn what_is_wrong_is_said() {
    let launcher = Launcher::new();
    let said = |document: &[u8]| launcher.read(document).unwrap_err();
    insta::assert_snapshot!(said(b"A = 1"), @"slugbuilder: the exec.d program `/program` wrote something else than TOML with strings: no string for the key `A`");
    insta::assert_snapshot!(said(b"A = 'x"), @"slugbuilder: the exec.d program `/program` wrote something else than TOML with strings: a string without an end");
    insta::assert_snapshot!(said(b"A = '\xff'"), @"slugbuilder: the exec.d program `/program` wrote something else than TOML with strings: bytes that are not UTF-8");
    launcher.program("fails", "exit 7");
    launcher.program("dies", "kill -9 $$");
    let failed = |program: &str| launcher.run(&[program], &[], |_| true).unwrap_err();
    insta::assert_snapshot!(failed("fails"), @"slugbuilder: the exec.d program `/fails` ended with status 7");
    insta::assert_snapshot!(failed("dies"), @"slugbuilder: the exec.d program `/dies` ended with status 137");
    let gone = failed("gone");
    assert!(
        gone.contains("/gone: No such file or directory\n"),
        "{gone}"
    );
    let last = gone.lines().last().unwrap();
    insta::assert_snapshot!(last, @"slugbuilder: the exec.d program `/gone` ended with status 127");
}

#[test]
fn each_program_sees_what_those_before_it_set() {
    let launcher = Launcher::new();
    launcher.program(
        "one",
        "echo \"A = '$A+one'\" >&3; echo noise; echo LC_ALL = \\'C\\' >&3",
    );
    launcher.program("two", "echo \"A = '$A+two'\" >&3; pwd > where; cat > input; echo \"$LC_ALL $CNB_EXEC_ENV\" > seen");
    launcher.program("silent", "exit 0");
    let pairs = launcher
        .run(
            &["one", "silent", "two"],
            &[("A", "base"), ("LC_ALL", "C.UTF-8")],
            |name| name == "A",
        )
        .unwrap();
    assert_eq!(pairs["A"], b"base+one+two");
    let read = |name: &str| std::fs::read_to_string(launcher.path(name)).unwrap();
    assert_eq!(
        PathBuf::from(read("where").trim_end()),
        launcher.0.path().canonicalize().unwrap()
    );
    assert_eq!(read("input"), "");
    assert_eq!(read("seen"), "C production\n");
}

/// `env a=b` would be an assignment, and print every variable to the program's stdout.
#[test]
fn no_path_is_taken_for_anything_else() {
    for name in ["a=b", "A=", "-i", "a b", "$(id)", "*"] {
        let launcher = Launcher::new();
        launcher.program(name, "echo \"A = 'ran $SECRET'\" >&3; echo noise");
        launcher.program("next", "echo \"B = '$A'\" >&3");
        let pairs = launcher
            .run(&[name, "next"], &[("SECRET", "hunter2")], |name| {
                ["A", "B"].contains(&name)
            })
            .unwrap();
        assert_eq!(pairs["A"], b"ran hunter2", "{name}");
        assert_eq!(pairs["B"], b"ran hunter2", "{name}");
        let noise = std::fs::read_to_string(launcher.path("stdout")).unwrap();
        assert_eq!(noise, "noise\n", "{name}");
    }
}

/// The names of all variables that the helper assigns, and of some that mean something to it.
#[test]
fn programs_see_variables_that_are_called_as_those_of_the_helper() {
    let mut names: Vec<&str> = EXEC_D_HELPER
        .split(|c: char| !c.is_ascii_lowercase() && c != '_')
        .filter(|word| !word.is_empty() && *word != "_" && !word.starts_with("slugbuilder_"))
        .collect();
    names.extend(["values", "assignments", "names", "LC_ALL", "CNB_EXEC_ENV"]);
    names.sort_unstable();
    names.dedup();
    assert!(names.len() > 100, "{names:?}");
    let launcher = Launcher::new();
    launcher.program("one", "echo \"keys = 'set'\" >&3");
    launcher.program("two", "exec /usr/bin/env -0 > seen");
    let base: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (*name, "value of the dyno"))
        .collect();
    let pairs = launcher
        .run(&["one", "two"], &base, |name| names.contains(&name))
        .unwrap();
    let seen = std::fs::read_to_string(launcher.path("seen")).unwrap();
    let seen: BTreeMap<&str, &str> = seen
        .split('\0')
        .filter_map(|pair| pair.split_once('='))
        .collect();
    for name in names {
        let expected = if name == "keys" {
            "set"
        } else {
            "value of the dyno"
        };
        assert_eq!(seen.get(name), Some(&expected), "{name} in the program");
        assert_eq!(pairs[name], expected.as_bytes(), "{name} in the process");
    }
}

#[test]
fn the_locale_of_the_dyno_does_not_matter() {
    let launcher = Launcher::new();
    std::fs::write(
        launcher.path("document"),
        "A = 'é\\u00e9'\nB = \"\\u00e9ß\"",
    )
    .unwrap();
    for locale in ["C", "C.UTF-8", "POSIX", "xx_XX"] {
        let pairs = launcher
            .run(&["program"], &[("LC_ALL", locale)], |name| {
                name.len() == 1 && name != "_"
            })
            .unwrap();
        assert_eq!(OsStr::from_bytes(&pairs["A"]), "é\\u00e9", "{locale}");
        assert_eq!(OsStr::from_bytes(&pairs["B"]), "éß", "{locale}");
    }
}

/// A string as TOML, in one of the ways that can hold it.
fn written(value: &str, way: u8) -> String {
    let plain = |c: char| c == '\t' || !c.is_control();
    match way % 5 {
        0 if value.chars().all(plain) && !value.contains('\'') => format!("'{value}'"),
        1 if value.chars().all(|c| plain(c) || c == '\n') && !value.contains('\'') => {
            format!("'''\n{value}'''")
        }
        2 => {
            let escaped: String = value
                .chars()
                .map(|c| match c {
                    '"' | '\\' => format!("\\{c}"),
                    '\n' => "\n".into(),
                    c if plain(c) => c.into(),
                    c => format!("\\u{:04x}", u32::from(c)),
                })
                .collect();
            format!("\"\"\"\n{escaped}\"\"\"")
        }
        3 => {
            let escape = |c| format!("\\U{:08X}", u32::from(c));
            let escaped: Vec<String> = value.chars().map(escape).collect();
            format!("\"{}\"", escaped.concat())
        }
        _ => toml::Value::from(value).to_string(),
    }
}

/// Characters that mean something to TOML or to bash, and some that mean nothing.
const ALPHABET: &str = "\"'\\=.#[]{}(),$`!*?~&;|<> \t\n\r\u{feff}abuxUeAZ019_-é€😀\u{7f}\u{1}";

fn character() -> impl Strategy<Value = char> {
    prop_oneof![
        4 => proptest::sample::select(ALPHABET.chars().collect::<Vec<_>>()),
        1 => any::<char>().prop_filter("a variable holds none", |c| *c != '\0'),
    ]
}

fn value() -> impl Strategy<Value = String> {
    proptest::collection::vec(character(), 0..12).prop_map(String::from_iter)
}

/// Something before, in half of all cases, so that the rest lies at the seam of two blocks.
fn padding() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        (440_usize..512).prop_map(|length| format!("#{}\n", "é".repeat(length / 2))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_pairs_are_read_as_they_were_written(
        padding in padding(),
        pairs in proptest::collection::vec(("[A-Z_][A-Z0-9_]{0,5}", value(), any::<u8>()), 0..6)
    ) {
        let line = |(name, value, way): &(String, String, u8)| {
            format!("{name} = {}\n", written(value, *way))
        };
        let document: Vec<String> = pairs.iter().map(line).collect();
        check((padding + &document.concat()).as_bytes());
    }

    #[test]
    fn anything_else_is_judged_as_the_crate_does(
        padding in padding(),
        values in proptest::collection::vec((value(), any::<u8>()), 1..3),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<bool>(), character()), 0..4),
    ) {
        let mut document: Vec<char> = values
            .iter()
            .enumerate()
            .flat_map(|(index, (value, way))| {
                format!("K{index} = {}\n", written(value, *way)).chars().collect::<Vec<_>>()
            })
            .collect();
        for (index, insert, character) in edits {
            let index = index.index(document.len());
            if insert {
                document.insert(index, character);
            } else {
                document[index] = character;
            }
        }
        check((padding + &String::from_iter(document)).as_bytes());
    }
}
