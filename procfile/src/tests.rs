//! Tables of lines, most of them from real Procfiles and the differences between parsers.

use super::*;

/// Reads `text`, which must give these processes and one diagnostic of each kind, in this order.
#[track_caller]
fn check(text: &str, processes: &[(&str, &str)], kinds: &[Kind]) {
    let procfile = parse(text.as_bytes());
    let found = procfile
        .processes
        .iter()
        .map(|process| (process.name.as_str(), process.command.as_str()));
    assert_eq!(found.collect::<Vec<_>>(), processes, "{text:?}");
    let found = procfile
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.kind);
    assert_eq!(found.collect::<Vec<_>>(), kinds, "{text:?}");
}

/// The one diagnostic, as it is printed, and its fix.
fn message(text: &str) -> String {
    let procfile = parse(text.as_bytes());
    let [diagnostic] = &procfile.diagnostics[..] else {
        panic!("{text:?}: {:?}", procfile.diagnostics);
    };
    format!("{diagnostic} | {}", diagnostic.fix)
}

#[test]
fn what_is_right_is_taken_without_a_word() {
    check("", &[], &[]);
    check("web: node web.js", &[("web", "node web.js")], &[]);
    check(
        "# my app\n\nweb: bundle exec puma -p $PORT\n   # more\n\t\nworker:\t rake jobs:work # fast\nrelease: ./migrate\n",
        &[
            ("web", "bundle exec puma -p $PORT"),
            ("worker", "rake jobs:work # fast"),
            ("release", "./migrate"),
        ],
        &[],
    );
    check("a1: b: c", &[("a1", "b: c")], &[]);
}

#[test]
fn the_differential_table_of_the_reference() {
    use Kind::*;
    check("web:node a.js", &[], &[NoBlankAfterColon]);
    check("web node a.js", &[("web", "node a.js")], &[MissingColon]);
    check("web : x", &[("web", ": x")], &[BlankBeforeColon]);
    check("Web: x", &[("Web", "x")], &[WrongCase]);
    check("my_worker: x", &[("my_worker", "x")], &[NotForCnb]);
    check("web: x\r", &[("web", "x")], &[CarriageReturn]);
    check("<<<<<<< HEAD", &[], &[MergeMarker]);
    check("web: x\nweb: y", &[("web", "y")], &[Duplicate]);
    check("web: x   ", &[("web", "x")], &[TrailingBlanks]);
    check(
        "this is my Procfile",
        &[("this", "is my Procfile")],
        &[Prose],
    );
    check("web:", &[], &[NoCommand]);
    check("web: ", &[("web", "")], &[EmptyCommand]);
    check("my-worker: x", &[("my-worker", "x")], &[NotForHerokuLocal]);
}

#[test]
fn what_is_dropped_has_a_reason() {
    use Kind::*;
    check("web", &[], &[NoCommand]);
    check("web:\u{a0}node", &[], &[NoBlankAfterColon]);
    check("web:: node", &[], &[InvalidName]);
    check("web.1: node", &[], &[InvalidName]);
    check("\"web\": node", &[], &[InvalidName]);
    check(
        "- web: node",
        &[("-", "web: node")],
        &[Prose, NotForHerokuLocal, NotForCnb],
    );
    check("wéb: node", &[], &[InvalidName]);
    check("---", &[], &[NoCommand]);
    check("{\"web\": \"node\"}", &[], &[InvalidName]);
    check("(see the README)", &[], &[Unrecognised]);
    check("see: ", &[("see", "")], &[EmptyCommand]);
    check(
        "=======\n||||||| base\n>>>>>>> branch",
        &[],
        &[MergeMarker; 3],
    );
    check("web: a\0b", &[], &[Nul]);
    check("// web: x", &[], &[Unrecognised]);
    check(": x", &[], &[InvalidName]);
}

#[test]
fn what_is_accepted_but_suspicious_is_told() {
    use Kind::*;
    check("  web: x", &[("web", "x")], &[LeadingBlanks]);
    check("\u{a0}web: x", &[("web", "x")], &[LeadingBlanks]);
    check(
        "\tweb: x \r",
        &[("web", "x")],
        &[CarriageReturn, TrailingBlanks, LeadingBlanks],
    );
    check(
        "web:\r\nworker: y\r\n",
        &[("web", ""), ("worker", "y")],
        &[CarriageReturn, EmptyCommand, CarriageReturn],
    );
    check("web ", &[("web", "")], &[EmptyCommand]);
    check(
        "web: a\rworker: b",
        &[("web", "a\rworker: b")],
        &[CarriageReturnInside],
    );
    check(
        "web: \"node web.js\"",
        &[("web", "\"node web.js\"")],
        &[QuotedCommand],
    );
    check("web: 'node' 'web.js'", &[("web", "'node' 'web.js'")], &[]);
    check("web: \"node\"", &[("web", "\"node\"")], &[]);
    check(
        "web: a \\\n  --port 1",
        &[("web", "a \\"), ("--port", "1")],
        &[
            LineContinuation,
            LeadingBlanks,
            Prose,
            NotForHerokuLocal,
            NotForCnb,
        ],
    );
    check("RELEASE: x", &[("RELEASE", "x")], &[WrongCase]);
    check("Worker: x", &[("Worker", "x")], &[NotForCnb]);
    check("\u{feff}web: x", &[("web", "x")], &[ByteOrderMark]);
    check("web:  : x", &[("web", ": x")], &[]);
    let name = "a".repeat(128);
    check(&format!("{name}: x"), &[(&name, "x")], &[NotForCnb]);
    let name = "a".repeat(129);
    check(&format!("{name}: x"), &[(&name, "x")], &[LongName]);
    let name = "a".repeat(63);
    check(&format!("{name}: x"), &[(&name, "x")], &[]);
}

#[test]
fn bytes_that_are_no_text_are_told() {
    let procfile = parse(b"web: caf\xe9\n# caf\xe9\n");
    assert_eq!(procfile.processes[0].command, "caf\u{fffd}");
    assert_eq!(
        procfile
            .diagnostics
            .iter()
            .map(|found| (found.line, found.kind))
            .collect::<Vec<_>>(),
        [(1, Kind::InvalidUtf8)]
    );

    let utf16: Vec<u8> = "\u{feff}web: x\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let procfile = parse(&utf16);
    assert!(procfile.processes.is_empty());
    assert_eq!(procfile.diagnostics[0].kind, Kind::ByteOrderMark);
    assert_eq!(procfile.diagnostics[1].kind, Kind::Nul);
}

#[test]
fn the_last_of_several_wins_at_the_place_of_the_first() {
    let procfile = parse(b"web: a\nworker: b\nweb: c\n\nweb: d\n");
    let processes: Vec<_> = procfile
        .processes
        .iter()
        .map(|process| {
            (
                process.name.as_str(),
                process.command.as_str(),
                process.line,
            )
        })
        .collect();
    assert_eq!(processes, [("web", "d", 5), ("worker", "b", 2)]);
    assert_eq!(
        procfile
            .diagnostics
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        [
            "Procfile:3: `web` is declared on line 1 already; this line replaces that one",
            "Procfile:5: `web` is declared on line 3 already; this line replaces that one",
        ]
    );
    assert_eq!(procfile.get("worker").unwrap().line, 2);
    assert!(procfile.get("Web").is_none());
}

#[test]
fn messages_name_the_reason_and_the_fix() {
    for (text, expected) in [
        (
            "\n\nweb:node a.js",
            "Procfile:3: `web:node a.js` is dropped: there is no blank after the colon | Write `web: node a.js`",
        ),
        (
            "web.1: x",
            "Procfile:1: `web.1: x` is dropped: a process type holds letters, digits, `_` and `-`, not `.` | Write `web-1: x`",
        ),
        (
            "\"web\": x",
            "Procfile:1: `\"web\": x` is dropped: a process type holds letters, digits, `_` and `-`, not `\"` | Write `web: x`",
        ),
        (
            "web : x",
            "Procfile:1: there is a blank before the colon, so the command of `web` is `: x`, which does nothing | Write `web: x`",
        ),
        (
            "web x",
            "Procfile:1: there is no colon after `web`; Heroku takes that, most other tools do not | Write `web: x`",
        ),
        (
            "Web: x",
            "Procfile:1: `Web` is not `web`: it gets no traffic | Write `web`",
        ),
        (
            "this is it",
            "Procfile:1: `this is it` declares a process type `this`, though it has no colon | Begin a comment with `#`; if a process type is meant, write `this: is it`",
        ),
        (
            "web:\u{a0}x",
            "Procfile:1: `web:\u{a0}x` is dropped: the blank after the colon is not an ordinary one | Write `web: x`",
        ),
        (
            "\u{1b}[2J!",
            "Procfile:1: `\\u{1b}[2J!` is dropped: it does not begin with a process type | Write `<process type>: <command>`, or begin a comment with `#`",
        ),
        (
            "a_b: x",
            "Procfile:1: Heroku's Cloud Native Buildpack renames `a_b` | Use lower-case letters, digits and, between them, `-`, if the app is to be built there",
        ),
    ] {
        assert_eq!(message(text), expected);
    }
    assert!(message(&"!".repeat(1000)).len() < 300);
}

#[test]
fn process_types_of_cnb() {
    for name in ["web", "a.b", "A-1_", "."] {
        assert!(is_cnb_process_type(name), "{name}");
    }
    for name in ["", "a b", "é", "a:", "a/b"] {
        assert!(!is_cnb_process_type(name), "{name}");
    }
}

/// Numbers that look random, the same ones every time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

/// What the expression of Heroku finds, written down a second time and as slowly as it reads: every way of dividing the
/// line is tried, the longest parts first.
fn heroku(line: &str) -> Option<(String, String)> {
    let characters: Vec<char> = line.chars().collect();
    let is_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == '-';
    let is_blank = |c: &char| " \t\r\u{b}\u{c}".contains(*c);
    for leading in (0..=characters.len()).rev() {
        for name in (leading + 1..=characters.len()).rev() {
            for colon in [1, 0] {
                for blanks in (name + colon + 1..=characters.len()).rev() {
                    let matches = characters[..leading].iter().all(|c| c.is_whitespace())
                        && characters[leading..name].iter().all(is_name)
                        && characters[name..name + colon].iter().all(|c| *c == ':')
                        && characters[name + colon..blanks].iter().all(is_blank);
                    if matches {
                        let text = |part: &[char]| part.iter().collect::<String>();
                        return Some((
                            text(&characters[leading..name]),
                            text(&characters[blanks..]),
                        ));
                    }
                }
            }
        }
    }
    None
}

#[test]
fn any_bytes_are_read_and_every_line_is_accounted_for() {
    const PIECES: [&[u8]; 24] = [
        b"web",
        b"worker",
        b"W",
        b"a-b",
        b"_",
        b":",
        b":",
        b" ",
        b" ",
        b"\t",
        b"\r",
        b"\n",
        b"\n",
        b"#",
        b"\\",
        b"\"a b\"",
        b"<<<<<<<",
        b"\0",
        b"\xff",
        "é".as_bytes(),
        "\u{a0}".as_bytes(),
        b"\xef\xbb\xbf",
        b".",
        b"$PORT",
    ];
    let mut numbers = Numbers(0x5eed);
    for round in 0..20_000 {
        let mut bytes = Vec::new();
        for _ in 0..numbers.below(24) {
            if round % 4 == 0 {
                bytes.push(u8::try_from(numbers.below(256)).unwrap());
            } else {
                bytes.extend_from_slice(PIECES[numbers.below(PIECES.len())]);
            }
        }
        let procfile = parse(&bytes);
        let content = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        for (index, line) in content.split(|&byte| byte == b'\n').enumerate() {
            let number = index + 1;
            let text = String::from_utf8_lossy(line);
            if text.trim().is_empty() || text.trim_start().starts_with('#') {
                continue;
            }
            let declared = procfile
                .processes
                .iter()
                .find(|process| process.line == number);
            let of_line: Vec<_> = procfile
                .diagnostics
                .iter()
                .filter(|found| found.line == number)
                .collect();
            // A line that a later one replaced is named by the diagnostic of that one.
            let replaced = procfile.diagnostics.iter().any(|found| {
                found.kind == Kind::Duplicate
                    && found.text.contains(&format!("line {number} already"))
            });
            assert!(
                declared.is_some()
                    || replaced
                    || of_line.iter().any(|found| found.kind.is_dropped()),
                "{bytes:?}"
            );
            let expected = heroku(&text).filter(|_| !text.contains('\0'));
            assert_eq!(
                expected.is_some(),
                declared.is_some() || replaced,
                "{text:?}"
            );
            if let (Some((name, command)), Some(declared)) = (expected, declared) {
                assert_eq!(
                    (declared.name.as_str(), declared.command.as_str()),
                    (name.as_str(), command.trim_end()),
                    "{text:?}"
                );
            }
            for found in of_line {
                assert!(
                    !found.text.is_empty()
                        && !found.fix.is_empty()
                        && !found.text.contains(char::is_control),
                    "{found:?}"
                );
            }
        }
    }
}
