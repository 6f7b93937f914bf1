//! What a Go file says about itself: its package, whether it has `func main`, and whether it is built for the target.
//!
//! The `go` command ignores build constraints of files that are named on its command line, which is how programs
//! without a module are built; so they are evaluated here.

use crate::target::Machine;

/// A Go file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GoSource {
    /// Name of its package.
    pub package: String,
    /// Whether it has a `func main()`.
    pub has_main: bool,
}

/// Every `GOOS` and `GOARCH` that a file name can end in (`go tool dist list`, and those that Go keeps reserved).
const SYSTEMS: [&str; 20] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
    "unix",
    "cgo",
];
const MACHINES: [&str; 17] = [
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64",
    "ppc64le", "riscv", "riscv64", "s390x", "sparc64", "wasm", "armbe",
];

/// Reads a file; nothing where it is a test, is not for the target, or has no package.
#[must_use]
pub(super) fn read(name: &str, text: &str, machine: Machine) -> Option<GoSource> {
    if name.ends_with("_test.go") || name.starts_with('_') || !name_fits(name, machine) {
        return None;
    }
    let bare = without_comments_and_strings(text);
    let package_at = bare
        .lines()
        .position(|line| line.trim_start().starts_with("package "))?;
    let constraint = text
        .lines()
        .take(package_at)
        .find_map(|line| line.trim().strip_prefix("//go:build "));
    if constraint.is_some_and(|expression| !holds(expression, machine)) {
        return None;
    }
    let package = bare
        .lines()
        .nth(package_at)?
        .split_whitespace()
        .nth(1)?
        .trim_end_matches(';')
        .to_owned();
    let has_main = bare.lines().any(|line| {
        line.strip_prefix("func")
            .filter(|rest| rest.starts_with([' ', '\t']))
            .and_then(|rest| rest.trim_start().strip_prefix("main"))
            .is_some_and(|rest| rest.trim_start().starts_with('('))
    });
    Some(GoSource { package, has_main })
}

/// Whether the `_GOOS`, `_GOARCH` or `_GOOS_GOARCH` at the end of a file name is the target's.
fn name_fits(name: &str, machine: Machine) -> bool {
    let stem = name.strip_suffix(".go").unwrap_or(name);
    let mut parts: Vec<&str> = stem.split('_').skip(1).collect();
    let known_system = |part: &str| SYSTEMS[..18].contains(&part);
    if let Some(last) = parts.last().copied()
        && MACHINES.contains(&last)
    {
        if last != machine.go_name() {
            return false;
        }
        parts.pop();
    }
    parts
        .last()
        .is_none_or(|last| !known_system(last) || *last == "linux")
}

/// Evaluates a `//go:build` expression for Linux without cgo. What cannot be read holds: the compiler will say more.
fn holds(expression: &str, machine: Machine) -> bool {
    let mut parser = Expression {
        rest: expression,
        machine,
    };
    let value = parser.any();
    value || !parser.rest.trim().is_empty()
}

struct Expression<'a> {
    rest: &'a str,
    machine: Machine,
}

impl Expression<'_> {
    fn take(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn any(&mut self) -> bool {
        let mut value = self.all();
        while self.take("||") {
            value |= self.all();
        }
        value
    }

    fn all(&mut self) -> bool {
        let mut value = self.not();
        while self.take("&&") {
            value &= self.not();
        }
        value
    }

    fn not(&mut self) -> bool {
        // A loop and not recursion: the text is the app's, and may have any number of `!`.
        let mut negated = false;
        while self.take("!") {
            negated = !negated;
        }
        self.atom() != negated
    }

    fn atom(&mut self) -> bool {
        if self.take("(") {
            // Depth is bounded by what is left once it is capped; deeper nesting than this is no Go file.
            if self.rest.matches('(').count() > 64 {
                self.rest = "?";
                return true;
            }
            let value = self.any();
            self.take(")");
            return value;
        }
        let rest = self.rest.trim_start();
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.')
            .unwrap_or(rest.len());
        let (tag, rest) = rest.split_at(end);
        self.rest = rest;
        match tag {
            "linux" | "unix" | "gc" => true,
            tag if tag == self.machine.go_name() => true,
            // The oldest Go of the catalogue knows every release tag up to its own; newer ones are rare enough.
            tag => tag
                .strip_prefix("go1.")
                .is_some_and(|minor| minor.bytes().all(|byte| byte.is_ascii_digit())),
        }
    }
}

/// The text with comments, strings and runes blanked out; line breaks stay.
fn without_comments_and_strings(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest[2..].find("*/").map_or(rest.len(), |end| end + 4),
            '`' => rest[1..].find('`').map_or(rest.len(), |end| end + 2),
            '"' | '\'' => quoted(rest, first),
            _ => {
                bare.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        let (blanked, after) = rest.split_at(length);
        bare.push(' ');
        bare.extend(blanked.chars().filter(|c| *c == '\n'));
        rest = after;
    }
    bare
}

/// The length of the interpreted string or rune at the start of `text`; it ends with its line at the latest.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return index,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amd64(name: &str, text: &str) -> Option<(String, bool)> {
        read(name, text, Machine::Amd64).map(|source| (source.package, source.has_main))
    }

    #[test]
    fn package_and_main_are_found_in_code_only() {
        assert_eq!(
            amd64("a.go", "package main\nfunc main() {}\n"),
            Some(("main".into(), true))
        );
        assert_eq!(
            amd64(
                "a.go",
                "// Doc\n/* package no\n*/ package main; import \"fmt\"\n"
            ),
            Some(("main".into(), false))
        );
        assert_eq!(
            amd64("a.go", "package main\n/*\nfunc main() {}\n*/\n"),
            Some(("main".into(), false))
        );
        assert_eq!(
            amd64("a.go", "package main\nvar s = `\nfunc main() {}\n`\n"),
            Some(("main".into(), false))
        );
        assert_eq!(
            amd64(
                "a.go",
                "package main\nvar s, c = \"\\\"`\", '`'\nfunc\tmain () {}\n"
            ),
            Some(("main".into(), true))
        );
        assert_eq!(
            amd64(
                "a.go",
                "package main\nfunc mainly() {}\nfunc (t T) main() {}\n"
            ),
            Some(("main".into(), false))
        );
        assert_eq!(
            amd64("a.go", "package main\r\n\r\nfunc main() {\r\n}\r\n"),
            Some(("main".into(), true))
        );
        assert_eq!(amd64("a.go", ""), None);
    }

    #[test]
    fn files_for_other_targets_are_left_out() {
        let text = "package main\n";
        for name in [
            "a_test.go",
            "_a.go",
            "a_windows.go",
            "a_arm64.go",
            "a_linux_arm64.go",
            "a_js_wasm.go",
        ] {
            assert_eq!(amd64(name, text), None, "{name}");
        }
        for name in [
            "a.go",
            "a_linux.go",
            "a_amd64.go",
            "a_linux_amd64.go",
            "linux.go",
            "windows.go",
            "my_app.go",
        ] {
            assert!(amd64(name, text).is_some(), "{name}");
        }
        assert!(read("a_arm64.go", text, Machine::Arm64).is_some());
    }

    #[test]
    fn build_constraints_are_evaluated() {
        for (expression, expected) in [
            ("ignore", false),
            ("linux", true),
            ("!windows", true),
            ("!!windows", false),
            ("windows || (linux && amd64)", true),
            ("linux && !(amd64 || arm64)", false),
            ("cgo", false),
            ("unix && go1.21", true),
            ("linux &", true),
        ] {
            let text = format!("// Copyright\n\n//go:build {expression}\n\npackage main\n");
            assert_eq!(amd64("a.go", &text).is_some(), expected, "{expression}");
        }
        assert!(
            amd64("a.go", "package main\n//go:build ignore\n").is_some(),
            "below the package clause it says nothing"
        );
    }

    #[test]
    fn deep_nesting_does_not_overflow() {
        let text = format!("//go:build {}\npackage main\n", "(".repeat(100_000));
        assert!(amd64("a.go", &text).is_some());
    }
}
