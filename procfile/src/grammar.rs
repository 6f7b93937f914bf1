//! Heroku's expression for a line, `^[[:space:]]*([a-zA-Z0-9_-]+):?\s+(.*)[[:space:]]*`, by hand.

/// What the expression finds in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match<'a> {
    /// What stands before the name.
    pub(crate) leading: &'a str,
    pub(crate) name: &'a str,
    /// Whether a colon follows the name.
    pub(crate) colon: bool,
    /// What stands between name or colon and command, at least one character.
    pub(crate) blanks: &'a str,
    /// With everything up to the line's end: `.*` leaves nothing to the blanks behind it.
    pub(crate) command: &'a str,
}

/// Matches a line that does not hold its newline.
pub(crate) fn recognise(line: &str) -> Option<Match<'_>> {
    let (leading, name, rest) = split_name(line);
    let after_colon = rest.strip_prefix(':');
    let rest = after_colon.unwrap_or(rest);
    let command = rest.trim_start_matches(is_blank);
    let blanks = &rest[..rest.len() - command.len()];
    let matches = !name.is_empty() && !blanks.is_empty();
    matches.then_some(Match {
        leading,
        name,
        colon: after_colon.is_some(),
        blanks,
        command,
    })
}

/// What stands before the name, the name, which may be empty, and what follows it.
pub(crate) fn split_name(line: &str) -> (&str, &str, &str) {
    // `[[:space:]]` takes every white space of Unicode, `\s` only that of ASCII.
    let trimmed = line.trim_start();
    let leading = &line[..line.len() - trimmed.len()];
    let end = trimmed.find(|c: char| !is_name(c)).unwrap_or(trimmed.len());
    (leading, &trimmed[..end], &trimmed[end..])
}

/// `\s`.
pub(crate) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\u{b}' | '\u{c}')
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || character == '-'
}
