//! Errors and warnings as data, and their one rendering.

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Whose fault an error is, which decides the exit code (contract "errors" of the design).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The app or another input is at fault: exit code 1.
    App,
    /// The command line is: exit code 2.
    Usage,
    /// A tool or service that is needed is missing: exit code 69 (`EX_UNAVAILABLE` of sysexits.h).
    Unavailable,
    /// A bug of ours: exit code 70 (`EX_SOFTWARE`).
    Bug,
    /// Reading or writing failed, for example a full disk: exit code 74 (`EX_IOERR`).
    Io,
    /// The same command may work later: exit code 75 (`EX_TEMPFAIL`).
    TryLater,
}

impl Fault {
    /// The exit code of a command that ends with an error of this kind.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::App => 1,
            Self::Usage => 2,
            Self::Unavailable => 69,
            Self::Bug => 70,
            Self::Io => 74,
            Self::TryLater => 75,
        }
    }
}

/// The part of an error that is for the user.
///
/// `Display` of the error is the headline: one line without a final full stop, literals in backticks. The chain of
/// [`std::error::Error::source`] is shown below it.
pub trait Explain: std::error::Error {
    /// A stable name for scripts and searches, in kebab case, for example `no-language`.
    fn code(&self) -> &'static str;

    /// Whose fault it is.
    fn fault(&self) -> Fault;

    /// What happened and why, in full sentences, where the headline does not say it all.
    fn explanation(&self) -> Option<String> {
        None
    }

    /// What the user can do, one sentence each, the most likely one first.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether the same call may succeed if it is made again.
    fn retryable(&self) -> bool {
        self.fault() == Fault::TryLater
    }

    /// The explanation as data; errors that carry the explanation of another program give that instead.
    fn diagnosis(&self) -> Diagnosis {
        Diagnosis::of(self)
    }
}

/// An explained error as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// [`Explain::code`].
    pub code: String,
    /// The error's own text.
    pub headline: String,
    /// The texts of its sources, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// [`Explain::explanation`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// [`Explain::hints`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// [`Explain::fault`].
    pub fault: Fault,
    /// [`Explain::retryable`].
    pub retryable: bool,
}

/// How text may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences.
    Plain,
    /// ANSI colours; the meaning is never carried by colour alone.
    Colour,
}

impl Style {
    /// What a line is about.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What is there for completeness.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What was chosen.
    #[must_use]
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

impl Diagnosis {
    /// Explains `error`.
    #[must_use]
    pub fn of(error: &(impl Explain + ?Sized)) -> Self {
        let headline = error.to_string();
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // `#[error(transparent)]` repeats its source's text.
            if causes.last().unwrap_or(&headline) != &text {
                causes.push(text);
            }
            source = cause.source();
        }
        Self {
            code: error.code().to_owned(),
            headline,
            causes,
            explanation: error.explanation(),
            hints: error.hints(),
            fault: error.fault(),
            retryable: error.retryable(),
        }
    }

    /// Headline and causes on one line, for use inside another message.
    #[must_use]
    pub fn one_line(&self) -> String {
        let mut text = self.headline.clone();
        for cause in &self.causes {
            text.push_str(": ");
            text.push_str(cause);
        }
        printable(&text).replace('\n', " ")
    }

    /// The error as a person reads it, ending in a newline.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let mut text = format!(
            "{} {}\n",
            style.paint("1;31", &format!("error[{}]:", self.code)),
            printable(&self.headline)
        );
        for cause in &self.causes {
            let _ = writeln!(text, "  caused by: {}", indent(cause, "    "));
        }
        if let Some(explanation) = &self.explanation {
            let _ = writeln!(text, "\n  {}", indent(explanation, "  "));
        }
        if !self.hints.is_empty() {
            text.push('\n');
            for hint in &self.hints {
                let _ = writeln!(
                    text,
                    "  {} {}",
                    style.paint("1;36", "hint:"),
                    indent(hint, "        ")
                );
            }
        }
        text
    }
}

/// Something that did not stop the work but that the user should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable name in kebab case, for example `no-web-process`.
    pub code: String,
    /// One line without a final full stop, literals in backticks; names file and line where there is one.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Warning {
    /// A warning without a hint.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            hint: None,
        }
    }

    /// The same with `hint`.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The warning as a person reads it, ending in a newline.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let mut text = format!(
            "{} {}\n",
            style.paint("1;33", &format!("warning[{}]:", self.code)),
            printable(&self.message)
        );
        if let Some(hint) = &self.hint {
            let _ = writeln!(
                text,
                "  {} {}",
                style.paint("1;36", "hint:"),
                indent(hint, "        ")
            );
        }
        text
    }
}

/// Texts quote file names, which may hold anything: control characters other than tab and newline are escaped so that
/// no name can drive the terminal, nor show in another order than it has ([`drives_output`]).
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if drives_output(c) && c != '\t' && c != '\n' {
                c.escape_default().collect::<Vec<_>>()
            } else {
                vec![c]
            }
        })
        .collect()
}

/// Whether a character is nothing to read but a command to what shows it: a control character, or one that overrides or
/// isolates the direction of text (Unicode's annex 9, section 2), with which a line reads as another one than it is.
#[must_use]
pub fn drives_output(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn indent(text: &str, by: &str) -> String {
    printable(text.trim_end()).replace('\n', &format!("\n{by}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_printable_drives_a_terminal_or_turns_text_around() {
        assert_eq!(
            printable("a\tb\n\u{1b}[2J \u{9b}2J exe.\u{202e}gpj\u{2069} שלום"),
            "a\tb\n\\u{1b}[2J \\u{9b}2J exe.\\u{202e}gpj\\u{2069} שלום"
        );
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read `Procfile`")]
    struct Unreadable(#[source] std::io::Error);

    impl Explain for Unreadable {
        fn code(&self) -> &'static str {
            "unreadable"
        }
        fn fault(&self) -> Fault {
            Fault::Io
        }
        fn explanation(&self) -> Option<String> {
            Some("It is in the way.\nReally.".into())
        }
        fn hints(&self) -> Vec<String> {
            vec!["Run `chmod +r Procfile`.".into()]
        }
    }

    #[test]
    fn a_diagnosis_shows_headline_causes_explanation_and_hints() {
        let error = Unreadable(std::io::Error::other("Permission denied \u{1b}[31m"));
        insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
        error[unreadable]: cannot read `Procfile`
          caused by: Permission denied \u{1b}[31m

          It is in the way.
          Really.

          hint: Run `chmod +r Procfile`.
        ");
    }

    #[test]
    fn a_diagnosis_survives_json() {
        let diagnosis = Diagnosis::of(&Unreadable(std::io::Error::other("x")));
        let json = serde_json::to_string(&diagnosis).unwrap();
        assert_eq!(serde_json::from_str::<Diagnosis>(&json).unwrap(), diagnosis);
    }

    #[test]
    fn exit_codes_are_those_of_the_contract() {
        let codes = [
            Fault::App,
            Fault::Usage,
            Fault::Unavailable,
            Fault::Bug,
            Fault::Io,
            Fault::TryLater,
        ]
        .map(Fault::exit_code);
        assert_eq!(codes, [1, 2, 69, 70, 74, 75]);
    }

    #[test]
    fn a_warning_shows_its_hint() {
        let warning = Warning::new("no-web-process", "no `web` process").hint("Write a Procfile.");
        insta::assert_snapshot!(warning.render(Style::Plain), @r"
        warning[no-web-process]: no `web` process
          hint: Write a Procfile.
        ");
    }
}
