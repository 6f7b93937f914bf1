//! `.slugignore`: what the app's author keeps out of the slug.
//!
//! No two builders read this file alike; ours follows Heroku where Heroku's own documentation says what it wants, and
//! gitignore elsewhere:
//!
//! - One pattern a line. Blanks around it and a carriage return are dropped; empty lines and lines whose first non-blank
//!   is `#` say nothing.
//! - A slash anywhere but at the end anchors the pattern to the source's root: `/test` and `docs/*.md`. Without one it
//!   holds at any depth: `*.psd`. (herokuish and slugcmplr let `docs/*.md` float.)
//! - A slash at the end restricts the pattern to folders: `test/` is every folder of that name. (Heroku's old compiler
//!   anchored it.)
//! - `*` and `?` match anything but a slash, `**` between slashes any number of folders, `[a-z]` and `[!a-z]` one
//!   character, `{a,b}` either; a backslash takes the next character literally. As in gitignore, and unlike in Heroku's
//!   Ruby globs, `*` and `?` also match a leading dot: `*.psd` drops `.old.psd`.
//! - A folder that is selected goes with everything in it; links are not followed.
//! - A pattern that means the root itself (`/`, `.`), has a `..`, or ends in the middle (`[a-`, a backslash) is refused
//!   with a warning. So is `!`: Heroku has no negation.
//!
//! [`AFTER_BUILD`] is read by the same rules; a line that is refused is an error there. So are two that are followed here and
//! rarely meant: with a brace that has no other one (which stands for itself here), and with bytes that are no UTF-8.
//!
//! The file itself is staged: buildpacks look at it when they explain why they found nothing.

use crate::tree::show;
use gix_glob::Pattern;
use gix_glob::pattern::Case;
use gix_glob::wildmatch::Mode;
use slugbuilder_report::Warning;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The file's name.
pub const FILE_NAME: &str = ".slugignore";

/// The name of the file that selects what leaves the slug after the build.
pub const AFTER_BUILD: &str = ".slugignore-after-build";

/// Alternatives that the braces of one line may spell out.
const ALTERNATIVES: usize = 256;

/// A parsed `.slugignore`.
#[derive(Debug, Default)]
pub struct SlugIgnore {
    patterns: Vec<Pattern>,
}

impl SlugIgnore {
    /// Parses the content of a `.slugignore`; lines that say nothing usable are told in the warnings.
    #[must_use]
    pub fn parse(content: &[u8]) -> (Self, Vec<Warning>) {
        let mut patterns = Vec::new();
        let mut warnings = Vec::new();
        for (number, line) in lines(content) {
            match parse_line(line) {
                Ok(parsed) => patterns.extend(parsed),
                Err(refusal) => warnings.push(refusal.of_line(number, line).warning()),
            }
        }
        (Self { patterns }, warnings)
    }

    /// Parses the content of a file that has to be right: the first line that says nothing usable is the error.
    pub fn parse_all(content: &[u8]) -> Result<Self, RefusedLine> {
        let mut patterns = Vec::new();
        for (number, line) in lines(content) {
            let parsed = check_strictly(line).and_then(|()| parse_line(line));
            patterns.extend(parsed.map_err(|refusal| refusal.of_line(number, line))?);
        }
        Ok(Self { patterns })
    }

    /// Whether the entry at `path` (relative to the root) is left out. What is above it is expected to be staged.
    #[must_use]
    pub fn selects(&self, path: &Path, directory: bool) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let path = path.as_os_str().as_bytes();
        let name_at = path
            .iter()
            .rposition(|&byte| byte == b'/')
            .map(|slash| slash + 1);
        self.patterns.iter().any(|pattern| {
            let mode = Mode::NO_MATCH_SLASH_LITERAL;
            pattern.matches_repo_relative_path(
                path.into(),
                name_at,
                Some(directory),
                Case::Sensitive,
                mode,
            )
        })
    }
}

/// The lines that say something, with their numbers.
fn lines(content: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let lines = content.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    (1..)
        .zip(lines)
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
}

/// A line that is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    /// Counted from 1.
    pub line: usize,
    /// What it says, printable.
    pub text: String,
    /// Why it is not followed: the end of a sentence.
    pub why: &'static str,
    /// What to do.
    pub hint: &'static str,
}

impl RefusedLine {
    fn warning(self) -> Warning {
        let Self {
            line,
            text,
            why,
            hint,
        } = self;
        Warning::new(
            "slugignore-line-dropped",
            format!("`{FILE_NAME}` line {line}: `{text}` is not followed: {why}"),
        )
        .hint(hint)
    }
}

/// Why a line is not followed.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    Negation,
    Root,
    Leaves,
    Alternatives,
    Unfinished,
    Unpaired,
    NoText,
}

impl Refusal {
    fn of_line(self, line: usize, text: &[u8]) -> RefusedLine {
        let text = show(Path::new(OsStr::from_bytes(text)));
        let (why, hint) = match self {
            Self::Negation => (
                "negation is not supported",
                "List what to leave out only; `!` has no meaning on Heroku either.",
            ),
            Self::Root => ("it means the whole app", "Name what to leave out."),
            Self::Leaves => (
                "`..` could leave the app",
                "Write the path from the app's root.",
            ),
            Self::Alternatives => (
                "its braces spell out too many patterns",
                "Write it as several lines.",
            ),
            Self::Unfinished => (
                "it ends in the middle of a class or after a backslash",
                "End the class with `]`; a backslash before `[` or another backslash makes it an ordinary character.",
            ),
            Self::Unpaired => (
                "one of its braces has no other one",
                "Write `{a,b}`; a backslash before a brace makes it an ordinary character.",
            ),
            Self::NoText => (
                "it is no UTF-8",
                "Save the file as UTF-8; `?` stands for any one byte of a name that is none.",
            ),
        };
        RefusedLine {
            line,
            text,
            why,
            hint,
        }
    }
}

fn parse_line(line: &[u8]) -> Result<Vec<Pattern>, Refusal> {
    if line.starts_with(b"!") {
        return Err(Refusal::Negation);
    }
    spell_out(line)?
        .iter()
        .map(|text| parse_pattern(text))
        .collect()
}

/// Refuses a line that says something, though hardly what it was to say.
fn check_strictly(line: &[u8]) -> Result<(), Refusal> {
    if std::str::from_utf8(line).is_err() {
        return Err(Refusal::NoText);
    }
    let mut open = 0_usize;
    let mut at = 0;
    while at < line.len() {
        match line[at] {
            b'\\' => at += 1,
            b'[' => at = class_end(line, at).unwrap_or(at),
            b'{' => open += 1,
            b'}' => open = open.checked_sub(1).ok_or(Refusal::Unpaired)?,
            _ => {}
        }
        at += 1;
    }
    if open == 0 {
        Ok(())
    } else {
        Err(Refusal::Unpaired)
    }
}

fn parse_pattern(text: &[u8]) -> Result<Pattern, Refusal> {
    let anchored = text[..text.len().saturating_sub(1)].contains(&b'/');
    let parts: Vec<&[u8]> = text
        .split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .collect();
    if parts.is_empty() {
        return Err(Refusal::Root);
    }
    if parts.contains(&b"..".as_slice()) {
        return Err(Refusal::Leaves);
    }
    // A class ends before the next slash: `*` and its like do not cross one either.
    if parts.iter().any(|part| is_unfinished(part)) {
        return Err(Refusal::Unfinished);
    }
    let mut normal = Vec::with_capacity(text.len() + 1);
    if anchored {
        normal.push(b'/');
    }
    normal.extend_from_slice(&parts.join(&b'/'));
    if text.ends_with(b"/") || text.ends_with(b"/.") {
        normal.push(b'/');
    }
    Pattern::from_bytes_without_negation(&normal).ok_or(Refusal::Root)
}

/// Whether a part of a pattern ends inside of a class or with a backslash that has nothing to stand before.
fn is_unfinished(part: &[u8]) -> bool {
    let mut at = 0;
    while at < part.len() {
        match part[at] {
            b'\\' if at + 1 == part.len() => return true,
            b'\\' => at += 1,
            b'[' => match class_end(part, at) {
                Some(end) => at = end,
                None => return true,
            },
            _ => {}
        }
        at += 1;
    }
    false
}

/// Spells out `{a,b}`: `x{a,b}` becomes `xa` and `xb`. Braces that do not pair stand for themselves.
fn spell_out(pattern: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
    let mut done = Vec::new();
    let mut waiting = vec![pattern.to_vec()];
    while let Some(pattern) = waiting.pop() {
        match first_braces(&pattern) {
            None => done.push(pattern),
            Some((open, commas, close)) => {
                let mut from = open + 1;
                for end in commas.into_iter().chain([close]) {
                    waiting.push(
                        [&pattern[..open], &pattern[from..end], &pattern[close + 1..]].concat(),
                    );
                    from = end + 1;
                }
            }
        }
        if done.len() + waiting.len() > ALTERNATIVES {
            return Err(Refusal::Alternatives);
        }
    }
    Ok(done)
}

/// Where the first pair of braces opens, has its own commas, and closes.
fn first_braces(pattern: &[u8]) -> Option<(usize, Vec<usize>, usize)> {
    let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut first = None;
    let mut at = 0;
    while at < pattern.len() {
        match pattern[at] {
            b'\\' => at += 1,
            b'[' => at = class_end(pattern, at).unwrap_or(at),
            b'{' => open.push((at, Vec::new())),
            b',' => {
                if let Some((_, commas)) = open.last_mut() {
                    commas.push(at);
                }
            }
            b'}' => {
                if let Some((start, commas)) = open.pop()
                    && first
                        .as_ref()
                        .is_none_or(|(earlier, _, _)| start < *earlier)
                {
                    first = Some((start, commas, at));
                }
            }
            _ => {}
        }
        at += 1;
    }
    first
}

/// The index of the `]` that ends the class that begins at `start`; a `]` right after the beginning belongs to it.
fn class_end(pattern: &[u8], start: usize) -> Option<usize> {
    let negated = matches!(pattern.get(start + 1), Some(b'!' | b'^'));
    let first = start + 1 + usize::from(negated);
    let rest = pattern.get(first + 1..)?;
    rest.iter()
        .position(|&byte| byte == b']')
        .map(|end| first + 1 + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(content: &str) -> Vec<&'static str> {
        const TREE: &[&str] = &[
            "a.psd",
            ".hidden.psd",
            "dir/",
            "dir/b.psd",
            "test/",
            "lib/",
            "lib/test/",
            "node_modules/",
            "node_modules/foo/",
            "node_modules/foo/test/",
            "docs/",
            "docs/a.md",
            "docs/sub/",
            "docs/sub/guide.md",
            "foo/",
            "foo/bar",
            "x/",
            "x/foo/",
            "x/foo/bar",
            "a1.txt",
            "a[1].txt",
            "README.md",
            "See",
            "spec",
            "two words",
            "web.js",
        ];
        let (ignore, warnings) = SlugIgnore::parse(content.as_bytes());
        assert_eq!(warnings, []);
        TREE.iter()
            .filter(|path| {
                ignore.selects(Path::new(path.trim_end_matches('/')), path.ends_with('/'))
            })
            .copied()
            .collect()
    }

    /// The rows of the table of reference 1.4.
    #[test]
    fn patterns_select_what_the_documentation_says() {
        assert_eq!(left_out("*.psd"), ["a.psd", ".hidden.psd", "dir/b.psd"]);
        assert_eq!(left_out("/test"), ["test/"]);
        assert_eq!(
            left_out("test"),
            ["test/", "lib/test/", "node_modules/foo/test/"]
        );
        assert_eq!(
            left_out("test/"),
            ["test/", "lib/test/", "node_modules/foo/test/"]
        );
        assert_eq!(left_out("spec/"), [""; 0], "spec is a file");
        assert_eq!(left_out("docs/*.md"), ["docs/a.md"]);
        assert_eq!(left_out("/docs/*.md"), ["docs/a.md"]);
        assert_eq!(left_out("docs/**/*.md"), ["docs/a.md", "docs/sub/guide.md"]);
        assert_eq!(left_out("foo/bar"), ["foo/bar"]);
        assert_eq!(left_out("./foo/bar"), ["foo/bar"]);
        assert_eq!(left_out("./foo"), ["foo/"]);
        assert_eq!(left_out("*/test"), ["lib/test/"]);
        assert_eq!(left_out("# See README.md"), [""; 0]);
        assert_eq!(left_out("README.md # note"), [""; 0]);
        assert_eq!(
            left_out("*.{md,psd}"),
            [
                "a.psd",
                ".hidden.psd",
                "dir/b.psd",
                "docs/a.md",
                "docs/sub/guide.md",
                "README.md"
            ]
        );
        assert_eq!(left_out("/docs/"), ["docs/"]);
        assert_eq!(left_out("a[1].txt"), ["a1.txt"]);
        assert_eq!(left_out("a\\[1].txt"), ["a[1].txt"]);
        assert_eq!(left_out("\t spec  \r\n\r\n  # x\n"), ["spec"]);
        assert_eq!(left_out("\u{feff}spec"), ["spec"]);
        assert_eq!(left_out("two words"), ["two words"]);
    }

    #[test]
    fn braces_are_spelled_out() {
        let spelled = |text: &str| {
            let mut all: Vec<_> = spell_out(text.as_bytes())
                .unwrap()
                .into_iter()
                .map(|bytes| String::from_utf8(bytes).unwrap())
                .collect();
            all.sort();
            all
        };
        assert_eq!(spelled("a{b,c}d{e,f}"), ["abde", "abdf", "acde", "acdf"]);
        assert_eq!(spelled("{a,{b,c}}x"), ["ax", "bx", "cx"]);
        assert_eq!(spelled("a{,b}"), ["a", "ab"]);
        assert_eq!(spelled("{a,b"), ["{a,b"]);
        assert_eq!(spelled("a},b"), ["a},b"]);
        assert_eq!(spelled("\\{a,b}"), ["\\{a,b}"]);
        assert_eq!(spelled("[{]a,b[}]"), ["[{]a,b[}]"]);
    }

    #[test]
    fn lines_that_reach_too_far_are_dropped_and_told() {
        let (ignore, warnings) = SlugIgnore::parse(
            b"/\n.\n./\n..\n../outside\na/../../b\n!keep.md\n{,/}\nok\n[a-\nb\\\n",
        );
        assert_eq!(ignore.patterns.len(), 1);
        let lines: Vec<_> = warnings
            .iter()
            .map(|warning| warning.message.as_str())
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        `.slugignore` line 1: `/` is not followed: it means the whole app
        `.slugignore` line 2: `.` is not followed: it means the whole app
        `.slugignore` line 3: `./` is not followed: it means the whole app
        `.slugignore` line 4: `..` is not followed: `..` could leave the app
        `.slugignore` line 5: `../outside` is not followed: `..` could leave the app
        `.slugignore` line 6: `a/../../b` is not followed: `..` could leave the app
        `.slugignore` line 7: `!keep.md` is not followed: negation is not supported
        `.slugignore` line 8: `{,/}` is not followed: it means the whole app
        `.slugignore` line 10: `[a-` is not followed: it ends in the middle of a class or after a backslash
        `.slugignore` line 11: `b\\` is not followed: it ends in the middle of a class or after a backslash
        ");
    }

    #[test]
    fn a_file_that_has_to_be_right_is_refused_at_its_first_wrong_line() {
        let refused = SlugIgnore::parse_all(b"*.ts\n\n# fine\n../x\n!y\n").unwrap_err();
        assert_eq!((refused.line, refused.text.as_str()), (4, "../x"));
        for (line, number) in [
            (b"ok\nsrc/{a,b\n".as_slice(), 2),
            (b"a,b}\n", 1),
            (b"x\n\n\xff\n", 3),
        ] {
            assert_eq!(SlugIgnore::parse_all(line).unwrap_err().line, number);
            assert!(SlugIgnore::parse(line).1.is_empty());
        }
        SlugIgnore::parse_all(b"{a,{b,c}}\n\\{x\n[{]\n\xc3\xa9\n").unwrap();
        let ignore = SlugIgnore::parse_all(b"*.ts\r\n  src/ \n").unwrap();
        assert!(ignore.selects(Path::new("a/b.ts"), false));
        assert!(ignore.selects(Path::new("a/src"), true));
    }

    #[test]
    fn hostile_patterns_end() {
        let (_, warnings) = SlugIgnore::parse("{a,b}".repeat(40).as_bytes());
        assert_eq!(warnings.len(), 1);
        let (ignore, _) = SlugIgnore::parse(&b"*a".repeat(200));
        assert!(!ignore.selects(Path::new(&"a".repeat(255)), false));
        let (ignore, _) = SlugIgnore::parse(&b"**/a/".repeat(50));
        assert!(!ignore.selects(Path::new(&"a/".repeat(1500)), false));
    }
}
