//! `~/.netrc`: who logs in where, with which password.
//!
//! The format is that of the file's manual pages, as curl, git and Heroku's tools read it: words in any number of lines,
//! `machine NAME`, `default`, `login`, `password`, `account`, `macdef` with its lines up to an empty one. Words may stand in
//! double quotes with backslashes, as curl and Heroku's tools write passwords with blanks. From a `#` that stands where a
//! name could, the rest of the line is a comment. Words that are not known are passed over, as everywhere.

use std::iter::Peekable;

/// The entries of a file.
#[derive(Debug, Default)]
pub(super) struct Netrc(Vec<Entry>);

/// One `machine`, or `default`.
pub(super) struct Entry {
    /// Nothing for `default`.
    machine: Option<String>,
    /// Where it begins, from 1.
    pub(super) line: usize,
    /// Its password.
    pub(super) password: Option<String>,
}

/// Without the password.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("machine", &self.machine)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// A line, from 1, and what is wrong there.
type Wrong = (usize, &'static str);

impl Netrc {
    /// Reads the content of a file.
    pub(super) fn parse(content: &str) -> Result<Self, Wrong> {
        let mut words = Words {
            characters: content.chars().peekable(),
            line: 1,
        };
        let mut entries: Vec<Entry> = Vec::new();
        while let Some((word, line)) = words.name()? {
            match word.as_str() {
                "machine" => entries.push(Entry {
                    machine: Some(words.value("`machine` without a name")?),
                    line,
                    password: None,
                }),
                "default" => entries.push(Entry {
                    machine: None,
                    line,
                    password: None,
                }),
                "password" => {
                    let password = words.value("`password` without a value")?;
                    entries
                        .last_mut()
                        .ok_or((line, "`password` before the first `machine`"))?
                        .password = Some(password);
                }
                "login" => drop(words.value("`login` without a value")?),
                "account" => drop(words.value("`account` without a value")?),
                "macdef" => words.skip_macro(),
                _ => {}
            }
        }
        Ok(Self(entries))
    }

    /// The first entry of this machine; names of hosts have no case.
    pub(super) fn machine(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| {
            let machine = entry.machine.as_deref();
            machine.is_some_and(|machine| machine.eq_ignore_ascii_case(name))
        })
    }

    /// The entry of all other machines.
    pub(super) fn default_entry(&self) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.machine.is_none())
    }
}

struct Words<I: Iterator<Item = char>> {
    characters: Peekable<I>,
    /// Of the next character.
    line: usize,
}

impl<I: Iterator<Item = char>> Words<I> {
    fn next(&mut self) -> Option<char> {
        let next = self.characters.next();
        if next == Some('\n') {
            self.line += 1;
        }
        next
    }

    fn skip_blanks(&mut self) {
        while self.characters.peek().is_some_and(|c| c.is_whitespace()) {
            self.next();
        }
    }

    fn skip_line(&mut self) {
        while !matches!(self.next(), None | Some('\n')) {}
    }

    /// Up to an empty line, or the end.
    fn skip_macro(&mut self) {
        self.skip_line();
        while !matches!(self.characters.peek(), None | Some('\n')) {
            self.skip_line();
        }
    }

    /// The next word that is no comment, with its line.
    fn name(&mut self) -> Result<Option<(String, usize)>, Wrong> {
        loop {
            self.skip_blanks();
            if self.characters.peek() == Some(&'#') {
                self.skip_line();
                continue;
            }
            let line = self.line;
            return Ok(self.word()?.map(|word| (word, line)));
        }
    }

    /// The next word, which has to be there.
    fn value(&mut self, missing: &'static str) -> Result<String, Wrong> {
        let line = self.line;
        self.skip_blanks();
        self.word()?.ok_or((line, missing))
    }

    fn word(&mut self) -> Result<Option<String>, Wrong> {
        let line = self.line;
        let quoted = self.characters.peek() == Some(&'"');
        if quoted {
            self.next();
        }
        let mut word = String::new();
        loop {
            match self.characters.peek() {
                None | Some('\n') if quoted => {
                    return Err((line, "a quotation mark is not closed"));
                }
                None => break,
                Some(c) if !quoted && c.is_whitespace() => break,
                Some(_) => {}
            }
            match self.next() {
                Some('"') if quoted => return Ok(Some(word)),
                Some('\\') if quoted => match self.next() {
                    Some('n') => word.push('\n'),
                    Some('r') => word.push('\r'),
                    Some('t') => word.push('\t'),
                    Some(other) => word.push(other),
                    None => return Err((line, "a quotation mark is not closed")),
                },
                Some(other) => word.push(other),
                None => break,
            }
        }
        Ok((!word.is_empty()).then_some(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(content: &str, machine: &str) -> Option<String> {
        Netrc::parse(content)
            .unwrap()
            .machine(machine)?
            .password
            .clone()
    }

    #[test]
    fn entries_are_found_however_they_are_written() {
        let content = "# machine a password comment\n\
            machine a\n\tlogin \"me \\\"x\\\"\"\n\taccount acc\n\tpassword \"p\\\\q r\" # said\n\
            macdef init\nmachine b password macro\n\n\
            machine b login password password #1\r\nport 22 machine c login l password \"\"\n\
            default login x password y";
        assert_eq!(password(content, "A").as_deref(), Some("p\\q r"));
        assert_eq!(password(content, "b").as_deref(), Some("#1"));
        assert_eq!(password(content, "c").as_deref(), Some(""));
        let netrc = Netrc::parse(content).unwrap();
        assert_eq!(
            netrc.default_entry().unwrap().password.as_deref(),
            Some("y")
        );
        assert_eq!(netrc.machine("b").unwrap().line, 9);
        assert!(!format!("{netrc:?}").contains("p\\\\q"));
        assert!(Netrc::parse("").unwrap().default_entry().is_none());
        assert_eq!(password("macdef x\nmachine a password b", "a"), None);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (content, line) in [
            ("machine", 1),
            ("machine a\nlogin", 2),
            ("\npassword x", 2),
            ("machine a password \"x\nmachine b", 1),
            ("machine a password \"x\\", 1),
        ] {
            assert_eq!(Netrc::parse(content).unwrap_err().0, line, "{content:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_stands_there_does_not_panic(content in "(machine|default|password|macdef|login|\"|\\\\|#|[a-z]| |\n){0,40}") {
            drop(Netrc::parse(&content));
        }

        #[test]
        fn a_password_is_read_as_it_was_quoted(password in "[ -~]{0,20}") {
            let quoted = password.replace('\\', "\\\\").replace('"', "\\\"");
            let content = format!("machine a password \"{quoted}\" login b");
            let netrc = Netrc::parse(&content).unwrap();
            let read = netrc.machine("a").unwrap().password.as_deref();
            proptest::prop_assert_eq!(read, Some(password.as_str()));
        }
    }
}
