use super::*;
use std::process::Command;

fn accepted(range: &str) -> Vec<String> {
    let range = Range::parse(range).unwrap();
    [
        (0, 0, 0),
        (0, 0, 1),
        (0, 1, 0),
        (18, 0, 0),
        (18, 20, 8),
        (20, 0, 0),
        (20, 9, 0),
        (20, 9, 1),
        (21, 0, 0),
        (22, 0, 0),
    ]
    .into_iter()
    .map(|(major, minor, patch)| Version::new(major, minor, patch))
    .filter(|version| range.accepts(*version))
    .map(|version| version.to_string())
    .collect()
}

#[test]
fn every_syntax_of_npm_is_read() {
    for (range, expected) in [
        ("20", "20.0.0 20.9.0 20.9.1"),
        ("v20", "20.0.0 20.9.0 20.9.1"),
        ("=20.9", "20.9.0 20.9.1"),
        ("20.x", "20.0.0 20.9.0 20.9.1"),
        ("20.x.1", "20.0.0 20.9.0 20.9.1"),
        ("20.9.*", "20.9.0 20.9.1"),
        ("20.9.0", "20.9.0"),
        ("20.9.0+build.7", "20.9.0"),
        ("^20.9.0", "20.9.0 20.9.1"),
        ("^ 20", "20.0.0 20.9.0 20.9.1"),
        ("^0.0", "0.0.0 0.0.1"),
        ("^0.0.1", "0.0.1"),
        ("^0", "0.0.0 0.0.1 0.1.0"),
        ("~20.9", "20.9.0 20.9.1"),
        ("~> 20.9.1", "20.9.1"),
        ("~=20.9.1", "20.9.1"),
        (">= 20.9.0 < 21", "20.9.0 20.9.1"),
        (">20", "21.0.0 22.0.0"),
        (">20.9.0", "20.9.1 21.0.0 22.0.0"),
        ("<=18", "0.0.0 0.0.1 0.1.0 18.0.0 18.20.8"),
        ("<18", "0.0.0 0.0.1 0.1.0"),
        ("18 - 20.8", "18.0.0 18.20.8 20.0.0"),
        ("20.9.1 - 21", "20.9.1 21.0.0"),
        ("18.20.x || >=22", "18.20.8 22.0.0"),
        (">=22.0.0-rc.1", "22.0.0"),
        (">22.0.0-rc.1", "22.0.0"),
        (">21.0.0 <=22.0.0-rc.1", ""),
        ("22.0.0-rc.1", ""),
        ("<*", ""),
        (">=20 <18", ""),
        (
            ">=x",
            "0.0.0 0.0.1 0.1.0 18.0.0 18.20.8 20.0.0 20.9.0 20.9.1 21.0.0 22.0.0",
        ),
    ] {
        assert_eq!(accepted(range).join(" "), expected, "{range}");
    }
    for range in ["", " ", "*", "x", "X.*", "||", "18 || "] {
        assert!(Range::parse(range).unwrap().is_open(), "{range}");
    }
}

#[test]
fn openness_and_impossibility_are_known() {
    for (range, is_open, is_impossible) in [
        (">=18", true, false),
        (">=18 <21", false, false),
        ("18 || >=20", true, false),
        (">=20 <18", false, true),
        ("20 18", false, true),
        (">=20 <18 || 22", false, false),
        ("24.0.0-rc.1", false, true),
    ] {
        let parsed = Range::parse(range).unwrap();
        assert_eq!(
            (parsed.is_open(), parsed.is_impossible()),
            (is_open, is_impossible),
            "{range}"
        );
    }
    assert!(Range::parse("24.0.0-rc.1").unwrap().names_pre_release());
    assert!(!Range::parse("24.0.x-rc.1").unwrap().names_pre_release());
}

#[test]
fn each_mistake_has_its_message() {
    let text = |range: &str| Range::parse(range).unwrap_err().to_string();
    let messages: Vec<String> = [
        "twenty",
        ">=twenty",
        "20.x.y",
        "1.2.3.4",
        "20.",
        "20.9.0-",
        "20-rc.1",
        "20 and 22",
        ">=18, <21",
        "18 | 20",
        "18 -",
        "18 - 20 - 22",
        ">=",
        ">=18 <",
        ">=20<22",
        "020",
        "99999999999999999999",
        "^9007199254740991",
        "latest",
        ">>18",
    ]
    .into_iter()
    .map(|range| format!("{range}: {}", text(range)))
    .collect();
    insta::assert_snapshot!(messages.join("\n"), @r"
    twenty: `twenty` is neither a version (`24`, `24.x`, `24.1.0`) nor one with an operator (`^`, `~`, `>=`, `>`, `<=`, `<`, `=`)
    >=twenty: `>=twenty` is neither a version (`24`, `24.x`, `24.1.0`) nor one with an operator (`^`, `~`, `>=`, `>`, `<=`, `<`, `=`)
    20.x.y: `20.x.y` is neither a version (`24`, `24.x`, `24.1.0`) nor one with an operator (`^`, `~`, `>=`, `>`, `<=`, `<`, `=`)
    1.2.3.4: `1.2.3.4` is neither a version (`24`, `24.x`, `24.1.0`) nor one with an operator (`^`, `~`, `>=`, `>`, `<=`, `<`, `=`)
    20.: `20.` is neither a version (`24`, `24.x`, `24.1.0`) nor one with an operator (`^`, `~`, `>=`, `>`, `<=`, `<`, `=`)
    20.9.0-: `20.9.0-` is neither a version (`24`, `24.x`, `24.1.0`) nor one with an operator (`^`, `~`, `>=`, `>`, `<=`, `<`, `=`)
    20-rc.1: `20-rc.1` is neither a version (`24`, `24.x`, `24.1.0`) nor one with an operator (`^`, `~`, `>=`, `>`, `<=`, `<`, `=`)
    20 and 22: `and` does not join versions; a blank does where both have to be met, `||` where one is enough
    >=18, <21: `,` does not join versions; a blank does where both have to be met, `||` where one is enough
    18 | 20: `|` does not join versions; a blank does where both have to be met, `||` where one is enough
    18 -: `-` does not join versions; a blank does where both have to be met, `||` where one is enough
    18 - 20 - 22: `-` does not join versions; a blank does where both have to be met, `||` where one is enough
    >=: no version follows `>=`
    >=18 <: no version follows `<`
    >=20<22: a blank is missing in `>=20<22`
    020: `020` has a number that begins with a zero
    99999999999999999999: it is larger than npm takes
    ^9007199254740991: it is larger than npm takes
    latest: `latest` is neither a version (`24`, `24.x`, `24.1.0`) nor one with an operator (`^`, `~`, `>=`, `>`, `<=`, `<`, `=`)
    >>18: `>>18` is neither a version (`24`, `24.x`, `24.1.0`) nor one with an operator (`^`, `~`, `>=`, `>`, `<=`, `<`, `=`)
    ");
    assert_eq!(Range::parse(&"1 ".repeat(5000)), Err(RangeError::TooLarge));
}

/// Numbers that look random and are the same in every run.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: usize) -> usize {
        // Knuth's MMIX.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn one<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    fn partial(&mut self) -> String {
        let numbers = ["0", "1", "2", "18", "20", "21", "x", "*", "X"];
        let mut text = self.one(&["", "", "", "v", "="]).to_owned();
        let length = 1 + self.below(3);
        for index in 0..length {
            if index > 0 {
                text.push('.');
            }
            // Mostly numbers.
            let known = if self.below(5) == 0 { 9 } else { 6 };
            text.push_str(self.one(&numbers[..known]));
        }
        if length == 3 {
            text.push_str(self.one(&["", "", "", "", "-rc.1", "-0", "+build", "-a.01", "-x+y"]));
        }
        if self.below(60) == 0 {
            text.push_str(self.one(&[".", "01", "-", "a", ",", "<2", ".1.1"]));
        }
        text
    }

    fn range(&mut self) -> String {
        let alternatives = 1 + self.below(5) / 3;
        let texts: Vec<String> = (0..alternatives)
            .map(|_| {
                if self.below(6) == 0 {
                    return format!("{} - {}", self.partial(), self.partial());
                }
                (0..=self.below(3))
                    .map(|_| {
                        let operators = [
                            "", "", "^", "~", "~>", ">", ">=", "<", "<=", "=", ">= ", "^ ",
                        ];
                        self.one(&operators).to_owned() + &self.partial()
                    })
                    .collect::<Vec<_>>()
                    .join(self.one(&[" ", "  "]))
            })
            .collect();
        texts.join(self.one(&["||", " || "]))
    }
}

#[test]
#[ignore = "installs npm's semver package, which needs npm and its registry"]
fn npm_itself_agrees() {
    let mut sequence = Sequence(1);
    let mut ranges: Vec<String> = (0..20_000).map(|_| sequence.range()).collect();
    ranges.sort();
    ranges.dedup();
    let numbers = [0, 1, 2, 3, 17, 18, 19, 20, 21, 22];
    let versions: Vec<Version> = numbers
        .into_iter()
        .flat_map(|major| [0, 1, 2, 18, 19, 20, 21].map(|minor| (major, minor)))
        .flat_map(|(major, minor)| {
            [0, 1, 2, 18, 20, 21].map(|patch| Version::new(major, minor, patch))
        })
        .collect();

    let folder = tempfile::tempdir().unwrap();
    let npm = |arguments: &[&str]| {
        let done = Command::new("npm")
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    fs_err::write(folder.path().join("package.json"), "{}").unwrap();
    // From 7.8 on, `1.x.2` is refused, which is `1.x` here.
    npm(&["install", "--silent", "semver@7.7.4"]);
    fs_err::write(
        folder.path().join("input.json"),
        serde_json::to_string(&(&ranges, &versions)).unwrap(),
    )
    .unwrap();
    fs_err::write(
        folder.path().join("compare.js"),
        "const semver = require('semver');
         const [ranges, versions] = require('./input.json');
         const answer = range => {
             try { range = new semver.Range(range); } catch { return null; }
             return versions.map(version => range.test(version) ? '1' : '0').join('');
         };
         require('fs').writeFileSync('output.json', JSON.stringify(ranges.map(answer)));",
    )
    .unwrap();
    let done = Command::new("node")
        .arg("compare.js")
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(done.success());
    let answers: Vec<Option<String>> =
        serde_json::from_slice(&fs_err::read(folder.path().join("output.json")).unwrap()).unwrap();

    let mut different = Vec::new();
    let mut read = 0;
    for (text, theirs) in ranges.iter().zip(&answers) {
        let ours = Range::parse(text).ok().map(|range| {
            let bits = versions
                .iter()
                .map(|version| if range.accepts(*version) { '1' } else { '0' });
            bits.collect::<String>()
        });
        read += usize::from(theirs.is_some());
        if ours != *theirs {
            let verdict = |answer: &Option<String>| match answer {
                Some(bits) => format!("{} of {}", bits.matches('1').count(), bits.len()),
                None => "no range".to_owned(),
            };
            different.push(format!(
                "`{text}`: ours {}, npm's {}",
                verdict(&ours),
                verdict(theirs)
            ));
        }
    }
    assert!(
        different.is_empty(),
        "{} of {}:\n{}",
        different.len(),
        ranges.len(),
        different[..different.len().min(40)].join("\n")
    );
    // Neither all nor none of the ranges may be nonsense for this to say something.
    assert!(read > 10_000 && read < ranges.len(), "{read}");
}
