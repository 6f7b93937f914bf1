//! Reads one line, and says what is wrong with it.

use crate::grammar::{Match, is_blank, recognise, split_name};
use crate::{Diagnostic, Kind, Process};

/// Names that are meant as process types even where the colon is missing. Anything else looks like a sentence.
const USUAL_NAMES: [&str; 12] = [
    "clock",
    "console",
    "cron",
    "job",
    "jobs",
    "queue",
    "rake",
    "release",
    "scheduler",
    "sidekiq",
    "web",
    "worker",
];

/// The longest name that Heroku's API takes, in characters (`process_types` of a slug, `type` of a formation).
const LONGEST_NAME: usize = 128;

/// The longest name that Heroku's Cloud Native Buildpack takes, in characters.
const LONGEST_CNB_NAME: usize = 63;

/// The longest quotation of a line in a message, in characters.
const LONGEST_QUOTATION: usize = 60;

/// The content without its byte-order mark, and what to say about that.
pub(crate) fn byte_order_mark(bytes: &[u8]) -> (&[u8], Option<Diagnostic>) {
    let diagnostic = |text: &str| {
        let fix = "Save the file as UTF-8 without a byte-order mark".to_owned();
        Some(Diagnostic {
            line: 1,
            kind: Kind::ByteOrderMark,
            text: text.to_owned(),
            fix,
        })
    };
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        let text = "the file begins with a byte-order mark, for which Heroku drops its first line";
        return (rest, diagnostic(text));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return (
            bytes,
            diagnostic("the file is UTF-16, of which Heroku takes no line"),
        );
    }
    (bytes, None)
}

/// What a line declares and what is wrong with it; nothing for blank lines and comments.
pub(crate) fn line(bytes: &[u8], number: usize) -> Option<(Option<Process>, Vec<Diagnostic>)> {
    let text = String::from_utf8_lossy(bytes);
    // What Heroku takes for blank, with the NULs of a line of UTF-16 that is blank otherwise.
    let visible = text.trim();
    if visible.is_empty() || visible.starts_with('#') {
        return None;
    }
    let mut found = Findings {
        line: number,
        diagnostics: Vec::new(),
    };
    if visible.contains('\0') {
        found.add(
            Kind::Nul,
            format!("{} is dropped: it holds a NUL byte", quoted(visible)),
            "Remove the NUL byte, or save the file as UTF-8",
        );
        return Some((None, found.diagnostics));
    }
    if str::from_utf8(bytes).is_err() {
        let text = "the line is not UTF-8; what cannot be read became `\u{fffd}`";
        found.add(Kind::InvalidUtf8, text, "Save the file as UTF-8");
    }
    let process = match recognise(&text) {
        None => {
            found.dropped(visible);
            None
        }
        Some(matched) => {
            let command = found.command(&matched);
            found.shape(&matched, visible, &command);
            found.name(matched.name);
            Some(Process {
                name: matched.name.to_owned(),
                command,
                line: number,
            })
        }
    };
    Some((process, found.diagnostics))
}

/// The type of `earlier` appears again on line `number`.
pub(crate) fn duplicate(earlier: &Process, number: usize) -> Diagnostic {
    let Process { name, line, .. } = earlier;
    Diagnostic {
        line: number,
        kind: Kind::Duplicate,
        text: format!(
            "{} is declared on line {line} already; this line replaces that one",
            quoted(name)
        ),
        fix: format!("Remove line {line} or line {number}, or give one of them another name"),
    }
}

/// Collects what is wrong with one line.
struct Findings {
    line: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Findings {
    fn add(&mut self, kind: Kind, text: impl Into<String>, fix: impl Into<String>) {
        self.diagnostics.push(Diagnostic {
            line: self.line,
            kind,
            text: text.into(),
            fix: fix.into(),
        });
    }

    /// Says why a line declares nothing.
    fn dropped(&mut self, visible: &str) {
        let shown = quoted(visible);
        let (_, name, rest) = split_name(visible);
        if ["<<<<<<<", "|||||||", "=======", ">>>>>>>"]
            .iter()
            .any(|marker| visible.starts_with(marker))
        {
            let text = format!("{shown} is dropped: git left it because it could not merge");
            return self.add(
                Kind::MergeMarker,
                text,
                "Resolve the conflict and remove the marker lines",
            );
        }
        if name.is_empty() || !rest.is_empty() && !rest.starts_with(':') {
            return self.invalid_name(visible, name);
        }
        let command = rest.trim_start_matches(':').trim();
        if command.is_empty() {
            let text = format!("{shown} is dropped: it has no command");
            return self.add(
                Kind::NoCommand,
                text,
                format!(
                    "Write a command after {}, or remove the line",
                    quoted(&format!("{name}:"))
                ),
            );
        }
        let fix = format!("Write {}", quoted(&format!("{name}: {command}")));
        if rest.starts_with("::") {
            return self.add(
                Kind::InvalidName,
                format!("{shown} is dropped: there is more than one colon after the name"),
                fix,
            );
        }
        let reason = if rest[1..].starts_with(char::is_whitespace) {
            "the blank after the colon is not an ordinary one"
        } else {
            "there is no blank after the colon"
        };
        self.add(
            Kind::NoBlankAfterColon,
            format!("{shown} is dropped: {reason}"),
            fix,
        );
    }

    /// Says what is wrong with what stands where the name should be. `start` is the part of it that is right.
    fn invalid_name(&mut self, visible: &str, start: &str) {
        let shown = quoted(visible);
        let (name, command) = match visible.split_once(':') {
            Some((name, command)) if !name.trim().contains(char::is_whitespace) => {
                (name.trim(), command.trim())
            }
            _ => {
                let text = format!("{shown} is dropped: it does not begin with a process type");
                let fix = "Write `<process type>: <command>`, or begin a comment with `#`";
                return self.add(Kind::Unrecognised, text, fix);
            }
        };
        let wrong = name[start.len()..]
            .chars()
            .next()
            .map(|c| quoted(&c.to_string()))
            .unwrap_or_default();
        let better: String = name
            .trim_matches(['"', '\'', '`'])
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '_' {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let text = format!(
            "{shown} is dropped: a process type holds letters, digits, `_` and `-`, not {wrong}"
        );
        let fix = format!("Write {}", quoted(format!("{better}: {command}").trim()));
        self.add(Kind::InvalidName, text, fix);
    }

    /// The command without what stands behind it.
    fn command(&mut self, matched: &Match<'_>) -> String {
        let without_return = matched.command.strip_suffix('\r');
        let before_return = without_return.unwrap_or(matched.command);
        if without_return.is_some() || matched.command.is_empty() && matched.blanks.ends_with('\r')
        {
            let text = "the line ends with a carriage return, which Heroku keeps in the command; it is left off here";
            self.add(
                Kind::CarriageReturn,
                text,
                "Save the file with Unix line ends",
            );
        }
        let command = before_return.trim_end();
        if command.len() < before_return.len() && !command.is_empty() {
            let text = "the command ends with blanks, which Heroku keeps; they are left off here";
            self.add(
                Kind::TrailingBlanks,
                text,
                "Remove the blanks at the line's end",
            );
        }
        if command.contains('\r') {
            let text = "there is a carriage return in the middle of the line, which ends nothing";
            self.add(
                Kind::CarriageReturnInside,
                text,
                "Save the file with Unix line ends",
            );
        }
        command.to_owned()
    }

    /// Looks at how name, colon and command stand.
    fn shape(&mut self, matched: &Match<'_>, visible: &str, command: &str) {
        let name = matched.name;
        if !matched.leading.is_empty() {
            let text = format!(
                "there are blanks before {}; some tools refuse that",
                quoted(name)
            );
            self.add(
                Kind::LeadingBlanks,
                text,
                "Remove the blanks at the line's beginning",
            );
        }
        if !matched.colon {
            self.without_colon(name, visible, command);
        } else if command.is_empty() {
            let text = format!(
                "{} has an empty command, so its process ends at once",
                quoted(name)
            );
            self.add(
                Kind::EmptyCommand,
                text,
                format!(
                    "Write a command after {}, or remove the line",
                    quoted(&format!("{name}:"))
                ),
            );
        }
        if let Some(bare) = within_quotes(command) {
            let text = format!(
                "the whole command of {} is in quotes: the shell takes it for one program's name",
                quoted(name)
            );
            self.add(
                Kind::QuotedCommand,
                text,
                format!("Write {}", quoted(&format!("{name}: {bare}"))),
            );
        }
        if command.ends_with('\\') && !command.ends_with("\\\\") {
            let text = "the line ends with `\\`, but a command is one line: the next line is read by itself";
            self.add(
                Kind::LineContinuation,
                text,
                "Write the command on one line, or put it into a script",
            );
        }
    }

    fn without_colon(&mut self, name: &str, visible: &str, command: &str) {
        let shown = quoted(name);
        let write =
            |command: &str| format!("Write {}", quoted(format!("{name}: {command}").trim()));
        if let Some(meant) = command.strip_prefix(':') {
            let text = format!(
                "there is a blank before the colon, so the command of {shown} is {}, which does nothing",
                quoted(command)
            );
            self.add(Kind::BlankBeforeColon, text, write(meant.trim()));
        } else if command.is_empty() {
            let text = format!("{shown} has an empty command, so its process ends at once");
            self.add(
                Kind::EmptyCommand,
                text,
                format!(
                    "Write a command after {}, or remove the line",
                    quoted(&format!("{name}:"))
                ),
            );
        } else if USUAL_NAMES.contains(&name.to_ascii_lowercase().as_str()) {
            let text = format!(
                "there is no colon after {shown}; Heroku takes that, most other tools do not"
            );
            self.add(Kind::MissingColon, text, write(command));
        } else {
            let text = format!(
                "{} declares a process type {shown}, though it has no colon",
                quoted(visible)
            );
            self.add(
                Kind::Prose,
                text,
                format!(
                    "Begin a comment with `#`; if a process type is meant, write {}",
                    quoted(&format!("{name}: {command}"))
                ),
            );
        }
    }

    /// Looks at the name.
    fn name(&mut self, name: &str) {
        let shown = quoted(name);
        for (known, lack) in [
            ("web", "it gets no traffic"),
            ("release", "it is not run when a release is made"),
        ] {
            if name != known && name.eq_ignore_ascii_case(known) {
                let text = format!("{shown} is not `{known}`: {lack}");
                return self.add(Kind::WrongCase, text, format!("Write `{known}`"));
            }
        }
        if name.len() > LONGEST_NAME {
            let text = format!(
                "{shown} has {} characters; Heroku takes {LONGEST_NAME}",
                name.len()
            );
            return self.add(Kind::LongName, text, "Shorten the name");
        }
        if name.contains('-') {
            let text = format!("`heroku local` refuses {shown}, because of its `-`");
            self.add(
                Kind::NotForHerokuLocal,
                text,
                "Use letters and digits only, if the app is to run there",
            );
        }
        if let Some(reason) = cnb_objection(name) {
            let text = format!("Heroku's Cloud Native Buildpack {reason} {shown}");
            self.add(Kind::NotForCnb, text, "Use lower-case letters, digits and, between them, `-`, if the app is to be built there");
        }
    }
}

/// What heroku/procfile does with a name that it does not take as it is.
fn cnb_objection(name: &str) -> Option<&'static str> {
    if name.len() > LONGEST_CNB_NAME || name.starts_with(['-', '_']) || name.ends_with(['-', '_']) {
        Some("refuses")
    } else if name.contains(|c: char| c == '_' || c.is_ascii_uppercase()) {
        Some("renames")
    } else {
        None
    }
}

/// What stands between quotes that enclose a whole command of several words.
fn within_quotes(command: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| {
        let inner = command.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote) && inner.trim().contains(is_blank)).then_some(inner)
    })
}

/// In backticks, shortened where it is long, without what would change a terminal.
fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_QUOTATION).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    let shown: String = shown
        .chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            }
        })
        .collect();
    format!("`{shown}`")
}
