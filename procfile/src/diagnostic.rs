//! What is wrong with a line.

use std::fmt;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Works on Heroku; another tool reads it differently, or it was tidied up.
    Note,
    /// The line does nothing, or hardly what was meant.
    Warning,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Dropped: no blank between colon and command, `web:node web.js`.
    NoBlankAfterColon,
    /// Dropped: nothing after the name, `web:`.
    NoCommand,
    /// Dropped: the name holds something that it may not.
    InvalidName,
    /// Dropped: git left it when it could not merge.
    MergeMarker,
    /// Dropped: it holds a NUL byte.
    Nul,
    /// Dropped: it does not look like a process type at all.
    Unrecognised,
    /// `web node web.js`, which Heroku takes and most other tools refuse.
    MissingColon,
    /// A sentence, whose first word becomes a process type.
    Prose,
    /// `web : node web.js`, whose command is `: node web.js` and does nothing.
    BlankBeforeColon,
    /// The name has a command without anything in it.
    EmptyCommand,
    /// The whole command is in quotes, so that the shell takes it for the name of one program.
    QuotedCommand,
    /// The command ends with `\`, but goes on nowhere.
    LineContinuation,
    /// The same name again; the last one counts.
    Duplicate,
    /// `Web` or `Release`, which the platform does not know as `web` and `release`.
    WrongCase,
    /// The name is longer than Heroku's 128 characters.
    LongName,
    /// The line is not UTF-8.
    InvalidUtf8,
    /// The file begins with a byte-order mark.
    ByteOrderMark,
    /// A carriage return in the middle of a line.
    CarriageReturnInside,
    /// The line ends with a carriage return.
    CarriageReturn,
    /// The line ends with blanks.
    TrailingBlanks,
    /// The line begins with blanks.
    LeadingBlanks,
    /// `heroku local` refuses the name.
    NotForHerokuLocal,
    /// Heroku's Cloud Native Buildpack changes or refuses the name.
    NotForCnb,
}

impl Kind {
    /// How much it matters.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Self::CarriageReturn
            | Self::TrailingBlanks
            | Self::LeadingBlanks
            | Self::NotForHerokuLocal
            | Self::NotForCnb => Level::Note,
            _ => Level::Warning,
        }
    }

    /// Whether the line declares nothing.
    #[must_use]
    pub fn is_dropped(self) -> bool {
        matches!(
            self,
            Self::NoBlankAfterColon
                | Self::NoCommand
                | Self::InvalidName
                | Self::MergeMarker
                | Self::Nul
                | Self::Unrecognised
        )
    }

    /// A stable name in kebab case.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoBlankAfterColon => "procfile-no-blank-after-colon",
            Self::NoCommand => "procfile-no-command",
            Self::InvalidName => "procfile-invalid-name",
            Self::MergeMarker => "procfile-merge-marker",
            Self::Nul => "procfile-nul",
            Self::Unrecognised => "procfile-unrecognised",
            Self::MissingColon => "procfile-missing-colon",
            Self::Prose => "procfile-prose",
            Self::BlankBeforeColon => "procfile-blank-before-colon",
            Self::EmptyCommand => "procfile-empty-command",
            Self::QuotedCommand => "procfile-quoted-command",
            Self::LineContinuation => "procfile-line-continuation",
            Self::Duplicate => "procfile-duplicate",
            Self::WrongCase => "procfile-wrong-case",
            Self::LongName => "procfile-long-name",
            Self::InvalidUtf8 => "procfile-invalid-utf8",
            Self::ByteOrderMark => "procfile-byte-order-mark",
            Self::CarriageReturnInside => "procfile-carriage-return-inside",
            Self::CarriageReturn => "procfile-carriage-return",
            Self::TrailingBlanks => "procfile-trailing-blanks",
            Self::LeadingBlanks => "procfile-leading-blanks",
            Self::NotForHerokuLocal => "procfile-not-for-heroku-local",
            Self::NotForCnb => "procfile-not-for-cnb",
        }
    }
}

/// Something about one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The line, from 1.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
    /// The reason, one line without a final full stop; literals in backticks.
    pub text: String,
    /// What to do about it, in the same form.
    pub fix: String,
}

impl Diagnostic {
    /// How much it matters.
    #[must_use]
    pub fn level(&self) -> Level {
        self.kind.level()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Procfile:{}: {}", self.line, self.text)
    }
}
