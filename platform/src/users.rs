//! Who may use the server: e-mail addresses, tokens and the hashes of passwords, from a file or the environment.
//!
//! ```text
//! # One EMAIL:TOKEN a line; a user may have several. EMAIL:HASH is that of a password.
//! ann@example.com:0d5a6b0e-3f53-4c9c-a1a1-2f0c3a7a2f11
//! ann@example.com:$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$w2pCkv…
//! ci@example.com:3f0b8a52-7c7b-4c0b-8f1e-0a6f0a7f5d9e
//! ```
//!
//! Entries are divided by lines, spaces or commas, so that a variable of the environment can hold them, too; `#` begins a
//! comment that ends with its line. The ledger keeps only hashes of the tokens.

use crate::password::{PasswordError, PasswordHash};
use crate::private;
use crate::store::{TOKEN_LENGTH, UserTokens, has_token_characters};
use slugbuilder_report::{Explain, Fault};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

pub use crate::store::is_email;

/// The user of a server that was given none.
pub const FIRST_USER: &str = "admin@example.com";

const LARGEST_FILE: u64 = 1 << 20;

/// The users of a server with their tokens, in the order of their first entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Users(pub Vec<UserTokens>);

/// Users that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The file could not be read or written.
    #[error("cannot {action} the users file `{}`", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others than its owner may read or write the file.
    #[error("others than its owner can use `{}`, which holds tokens (mode {mode:04o})", path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// An entry is none.
    #[error("{origin} line {line}: {problem}")]
    Entry {
        /// The file or variable, in backticks.
        origin: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong. Never quotes a token.
        problem: Problem,
    },
    /// There is no entry.
    #[error("{origin} names no user")]
    Nobody {
        /// The file or variable, in backticks.
        origin: String,
    },
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It has another form.
    #[error("expected `EMAIL:TOKEN`")]
    Form,
    /// No e-mail address stands before the colon.
    #[error("what stands before the colon is not an e-mail address")]
    Email,
    /// The token is too short or too long.
    #[error("the token of `{email}` has {length} characters")]
    Length {
        /// Whose token.
        email: String,
        /// How many it has.
        length: usize,
    },
    /// The token has a character that no header can carry.
    #[error("the token of `{0}` has a character that tokens cannot have")]
    Characters(String),
    /// Two users have the same token.
    #[error("`{0}` and `{1}` have the same token")]
    Shared(String, String),
    /// A user has two passwords.
    #[error("`{0}` has two passwords")]
    TwoPasswords(String),
    /// The hash of a password cannot be used.
    #[error("{problem}: that of `{email}`")]
    Password {
        /// Whose password.
        email: String,
        /// What is wrong.
        problem: PasswordError,
    },
}

impl Users {
    /// Reads a users file, which nobody else may be able to read.
    pub fn read(path: &Path) -> Result<Self, UsersError> {
        let unreadable = |source| UsersError::File {
            action: "read",
            path: path.to_owned(),
            source,
        };
        let (contents, mode) = private::read(path, LARGEST_FILE).map_err(unreadable)?;
        if mode & 0o077 != 0 {
            return Err(UsersError::Mode {
                path: path.to_owned(),
                mode,
            });
        }
        // What is not UTF-8 becomes characters that no entry can have, so that the line is told.
        let text = String::from_utf8_lossy(&contents);
        Self::parse(&text, &format!("`{}`", path.display()))
    }

    /// Reads entries. `origin` is where they stand, for errors: a file or variable, in backticks.
    pub fn parse(text: &str, origin: &str) -> Result<Self, UsersError> {
        let mut users: Vec<UserTokens> = Vec::new();
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split_once('#').map_or(line, |(entries, _)| entries);
            for entry in line.split_whitespace().flat_map(entries) {
                let wrong = |problem| UsersError::Entry {
                    origin: origin.to_owned(),
                    line: index + 1,
                    problem,
                };
                let (email, credential) = read_entry(entry).map_err(wrong)?;
                let known = users
                    .iter()
                    .position(|user| user.email.eq_ignore_ascii_case(email));
                let known = known.unwrap_or_else(|| {
                    users.push(UserTokens {
                        email: email.to_owned(),
                        tokens: Vec::new(),
                        password: None,
                    });
                    users.len() - 1
                });
                let user = &mut users[known];
                match credential {
                    Credential::Token(token) => {
                        let owner = owners.entry(token.to_owned()).or_insert(email.to_owned());
                        if !owner.eq_ignore_ascii_case(email) {
                            return Err(wrong(Problem::Shared(owner.clone(), email.to_owned())));
                        }
                        if !user.tokens.iter().any(|one| one == token) {
                            user.tokens.push(token.to_owned());
                        }
                    }
                    Credential::Password(hash) => {
                        if user.password.as_ref().is_some_and(|other| *other != hash) {
                            return Err(wrong(Problem::TwoPasswords(email.to_owned())));
                        }
                        user.password = Some(hash);
                    }
                }
            }
        }
        if users.is_empty() {
            return Err(UsersError::Nobody {
                origin: origin.to_owned(),
            });
        }
        Ok(Self(users))
    }

    /// Writes a users file with [`FIRST_USER`] and a random token, of mode 0600, into a folder that is made where there is
    /// none.
    pub fn make(path: &Path) -> Result<Self, UsersError> {
        // 122 random bits from the system.
        let token = Uuid::new_v4().to_string();
        let mut text = String::from(
            "# The users of `slugbuilder serve`: one EMAIL:TOKEN a line; a user may have several.\n\
             # `slugbuilder serve hash-password EMAIL` prints the line of a password.\n",
        );
        let _ = writeln!(text, "{FIRST_USER}:{token}");
        let folder = path.parent().unwrap_or(Path::new("."));
        let written =
            private::folder(folder).and_then(|_| private::write(path, text.as_bytes(), 0o600));
        written.map_err(|source| UsersError::File {
            action: "write",
            path: path.to_owned(),
            source,
        })?;
        Ok(Self(vec![UserTokens {
            email: FIRST_USER.to_owned(),
            tokens: vec![token],
            password: None,
        }]))
    }
}

/// What a user can show.
enum Credential<'a> {
    Token(&'a str),
    Password(PasswordHash),
}

/// The entries of a word. Commas divide them, but for those within the hash of a password: `m=19456,t=2,p=1`.
fn entries(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(',');
        if rest.is_empty() {
            return None;
        }
        let is_end = |(index, _): &(usize, &str)| {
            // What follows is an entry of its own if it has a colon.
            let next = rest[index + 1..].split(',').next().unwrap_or_default();
            !rest[..*index].contains(":$") || next.contains(':') || next.is_empty()
        };
        let end = rest.match_indices(',').find(is_end);
        let (entry, after) = rest.split_at(end.map_or(rest.len(), |(index, _)| index));
        rest = after;
        Some(entry)
    })
}

fn read_entry(entry: &str) -> Result<(&str, Credential<'_>), Problem> {
    let (email, credential) = entry.split_once(':').ok_or(Problem::Form)?;
    if !is_email(email) {
        return Err(Problem::Email);
    }
    if credential.starts_with('$') {
        let hash = PasswordHash::parse(credential).map_err(|problem| Problem::Password {
            email: email.to_owned(),
            problem,
        })?;
        return Ok((email, Credential::Password(hash)));
    }
    let token = credential;
    if !has_token_characters(token) {
        return Err(Problem::Characters(email.to_owned()));
    }
    if !TOKEN_LENGTH.contains(&token.len()) {
        return Err(Problem::Length {
            email: email.to_owned(),
            length: token.len(),
        });
    }
    Ok((email, Credential::Token(token)))
}

impl Explain for UsersError {
    fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "users-file",
            Self::Mode { .. } => "users-file-mode",
            Self::Entry { .. } => "users-entry",
            Self::Nobody { .. } => "no-users",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::File { source, .. } if source.kind() != io::ErrorKind::NotFound => Fault::Io,
            _ => Fault::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "Give the path of a file that exists, with one `EMAIL:TOKEN` a line.".into()
            }
            Self::File { .. } => "Give the path of a file that you can read.".into(),
            Self::Mode { path, .. } => format!("Run `chmod 600 {}`.", path.display()),
            Self::Entry { problem, .. } => match problem {
                Problem::Form | Problem::Email => {
                    "An entry is `ann@example.com:TOKEN`; `#` begins a comment.".into()
                }
                Problem::Length { .. } => format!(
                    "A token has {} to {} characters, so that it cannot be guessed; `uuidgen` makes one.",
                    TOKEN_LENGTH.start(),
                    TOKEN_LENGTH.end()
                ),
                Problem::Characters(_) => {
                    "Letters, digits and `-._~+/=` are allowed; `uuidgen` makes a token.".into()
                }
                Problem::Shared(..) => "Give each user a token of their own; `uuidgen` makes one.".into(),
                Problem::TwoPasswords(_) => "Leave the hash of one of them.".into(),
                Problem::Password { problem, .. } => return problem.hints(),
            },
            Self::Nobody { .. } => {
                "Write one `EMAIL:TOKEN` a line, such as `ann@example.com:` and the output of `uuidgen`.".into()
            }
        };
        vec![hint]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};
    use std::os::unix::fs::PermissionsExt as _;

    const ONE: &str = "0d5a6b0e-3f53-4c9c-a1a1-2f0c3a7a2f11";
    const TWO: &str = "3f0b8a52-7c7b-4c0b-8f1e-0a6f0a7f5d9e";

    fn parse(text: &str) -> Result<Users, UsersError> {
        Users::parse(text, "`users`")
    }

    fn failure(text: &str) -> String {
        Diagnosis::of(&parse(text).unwrap_err()).render(Style::Plain)
    }

    #[test]
    fn entries_of_files_and_variables() {
        let expected = Users(vec![
            UserTokens {
                email: "ann@example.com".into(),
                tokens: vec![ONE.into(), TWO.into()],
                password: None,
            },
            UserTokens {
                email: "bob+ci@example.com".into(),
                tokens: vec!["a".repeat(16)],
                password: None,
            },
        ]);
        let bob = format!("bob+ci@example.com:{}", "a".repeat(16));
        let file = format!(
            "# who\r\n\n  ann@example.com:{ONE}  # laptop\r\n{bob}\nAnn@example.com:{TWO}\nann@example.com:{ONE}\n"
        );
        assert_eq!(parse(&file).unwrap(), expected);
        let variable = format!("ann@example.com:{ONE},{bob} ann@example.com:{TWO}");
        assert_eq!(parse(&variable).unwrap(), expected);
    }

    #[test]
    fn passwords_stand_beside_tokens_by_their_hashes() {
        let hash = PasswordHash::of("correct horse").unwrap();
        let phc = hash.as_str();
        let expected = Users(vec![
            UserTokens {
                email: "ann@example.com".into(),
                tokens: vec![ONE.into()],
                password: Some(hash.clone()),
            },
            UserTokens {
                email: "bob@example.com".into(),
                tokens: vec![],
                password: Some(hash.clone()),
            },
        ]);
        for text in [
            format!(
                "ann@example.com:{phc}\nann@example.com:{ONE}\nbob@example.com:{phc} # of Ann's, too\n"
            ),
            format!("ann@example.com:{ONE},ann@example.com:{phc},bob@example.com:{phc}"),
            format!("ann@example.com:{phc},Ann@example.com:{ONE},,bob@example.com:{phc},"),
        ] {
            assert_eq!(parse(&text).unwrap(), expected, "{text}");
        }
        let other = PasswordHash::of("another horse").unwrap();
        let two = format!("ann@example.com:{phc}\nann@example.com:{}", other.as_str());
        insta::assert_snapshot!(failure(&two), @r"
        error[users-entry]: `users` line 2: `ann@example.com` has two passwords

          hint: Leave the hash of one of them.
        ");
        insta::assert_snapshot!(failure(&format!("ann@example.com:{}", &phc[..40])), @r"
        error[users-entry]: `users` line 1: the password hash is none of Argon2id in the PHC format: that of `ann@example.com`

          hint: Make one with `slugbuilder serve hash-password`.
        ");
        insta::assert_snapshot!(failure(&format!("ann@example.com:{}", phc.replace("t=2", "t=99"))), @r"
        error[users-entry]: `users` line 1: the password hash asks for more than 64 MiB, 16 passes or 16 lanes: that of `ann@example.com`

          hint: Make one with `slugbuilder serve hash-password`.
        ");
    }

    #[test]
    fn mistakes_name_their_line_and_never_a_token() {
        insta::assert_snapshot!(failure("# x\n\nann@example.com\n"), @r"
        error[users-entry]: `users` line 3: expected `EMAIL:TOKEN`

          hint: An entry is `ann@example.com:TOKEN`; `#` begins a comment.
        ");
        insta::assert_snapshot!(failure(&format!("{ONE}:ann@example.com")), @r"
        error[users-entry]: `users` line 1: what stands before the colon is not an e-mail address

          hint: An entry is `ann@example.com:TOKEN`; `#` begins a comment.
        ");
        insta::assert_snapshot!(failure("ann@example.com:s3cret"), @r"
        error[users-entry]: `users` line 1: the token of `ann@example.com` has 6 characters

          hint: A token has 16 to 256 characters, so that it cannot be guessed; `uuidgen` makes one.
        ");
        insta::assert_snapshot!(failure("\nann@example.com:s3cret-s3cret-\u{fffd}"), @r"
        error[users-entry]: `users` line 2: the token of `ann@example.com` has a character that tokens cannot have

          hint: Letters, digits and `-._~+/=` are allowed; `uuidgen` makes a token.
        ");
        insta::assert_snapshot!(
            failure(&format!("ann@example.com:{ONE}\nbob@example.com:{ONE}")),
            @r"
            error[users-entry]: `users` line 2: `ann@example.com` and `bob@example.com` have the same token

              hint: Give each user a token of their own; `uuidgen` makes one.
            "
        );
        insta::assert_snapshot!(failure("# nobody\n"), @r"
        error[no-users]: `users` names no user

          hint: Write one `EMAIL:TOKEN` a line, such as `ann@example.com:` and the output of `uuidgen`.
        ");
    }

    #[test]
    fn files_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        let made = Users::make(&path).unwrap();
        assert_eq!(made.0[0].email, FIRST_USER);
        assert_eq!(Users::read(&path).unwrap(), made);
        assert_eq!(
            path.metadata().unwrap().permissions().mode() & 0o7777,
            0o600
        );

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = Users::read(&path).unwrap_err();
        let text = Diagnosis::of(&error).render(Style::Plain);
        insta::assert_snapshot!(text.replace(folder.path().to_str().unwrap(), "/data"), @r"
        error[users-file-mode]: others than its owner can use `/data/users`, which holds tokens (mode 0640)

          hint: Run `chmod 600 /data/users`.
        ");
        let error = Users::read(&folder.path().join("none")).unwrap_err();
        let text = Diagnosis::of(&error).render(Style::Plain);
        insta::assert_snapshot!(text.replace(folder.path().to_str().unwrap(), "/data"), @r"
        error[users-file]: cannot read the users file `/data/none`
          caused by: failed to open file `/data/none`: No such file or directory (os error 2)

          hint: Give the path of a file that exists, with one `EMAIL:TOKEN` a line.
        ");
        assert!(Users::read(folder.path()).is_err());
    }
}
