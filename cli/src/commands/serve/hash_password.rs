//! `slugbuilder serve hash-password`

use crate::arguments::HashPasswordArguments;
use crate::failure::{Failure, UsageError};
use crate::printer::{Printer, print_data};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use slugbuilder_platform::password::{PASSWORD_LENGTH, PasswordHash};
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Stdin};
use std::process::ExitCode;

/// Prints the hash of a password, as the users file has it.
pub(super) fn run(
    arguments: &HashPasswordArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let stdin = io::stdin();
    let password = if stdin.is_terminal() {
        ask_twice(&stdin, printer)?
    } else {
        read_line(&stdin)?
    };
    let hash = PasswordHash::of(&password)?;
    let text = match &arguments.email {
        Some(email) => format!("{email}:{}", hash.as_str()),
        None => hash.as_str().to_owned(),
    };
    print_data(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The password as it was typed, twice: nobody sees what they mistype.
fn ask_twice(stdin: &Stdin, printer: &Printer) -> Result<String, Failure> {
    let _hidden = Hidden::new(stdin).map_err(|source| unreadable(source.into()))?;
    // Lines of their own: what is typed does not end them on the screen.
    printer.say("Password:");
    let first = read_line(stdin)?;
    printer.say("The same again:");
    if read_line(stdin)? != first {
        return Err(UsageError::PasswordsDiffer.into());
    }
    Ok(first)
}

/// A line, without its end.
fn read_line(stdin: &Stdin) -> Result<String, UsageError> {
    // More is no password, and the rest of what could be a large file is not waited for.
    let most = *PASSWORD_LENGTH.end() as u64 + 2;
    let mut line = Vec::new();
    let mut limited = stdin.lock().take(most);
    limited.read_until(b'\n', &mut line).map_err(unreadable)?;
    let line = String::from_utf8(line).map_err(|_| {
        unreadable(io::Error::new(
            io::ErrorKind::InvalidData,
            "the password is not UTF-8",
        ))
    })?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

fn unreadable(source: io::Error) -> UsageError {
    UsageError::Unreadable {
        path: "stdin".to_owned(),
        source,
    }
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden<'a> {
    terminal: &'a Stdin,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn new(terminal: &'a Stdin) -> nix::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden
            .local_flags
            .remove(LocalFlags::ECHO | LocalFlags::ECHOE | LocalFlags::ECHOK);
        tcsetattr(terminal, SetArg::TCSAFLUSH, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing either.
        let _ = tcsetattr(self.terminal, SetArg::TCSADRAIN, &self.before);
    }
}
