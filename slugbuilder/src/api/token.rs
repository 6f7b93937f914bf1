//! The credential of the Platform API, as Heroku's own tools have it: a token, given as such or in `~/.netrc`.

use super::netrc::Netrc;
use slugbuilder_fetch::Address;
use slugbuilder_report::{Explain, Fault};
use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Longest `.netrc` that is read, in bytes.
const LONGEST_NETRC: u64 = 1 << 20;

/// A token. Neither `Debug` nor any message shows it, and it goes to no other origin than the API's.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token `text`, for example the value of `HEROKU_API_KEY`; blanks around it do not count.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let token = text.trim();
        if token.is_empty() {
            Err(TokenError::Invalid { reason: "is empty" })
        } else if token.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(token.to_owned()))
        } else {
            Err(TokenError::Invalid {
                reason: "holds a blank, or something that is not ASCII",
            })
        }
    }

    /// The token for the API at `url` in the `.netrc` at `path`: the password of `machine HOST:PORT` where the URL has a
    /// port, else of `machine HOST`, else of `default`. Nothing where there is no such file, or no such entry.
    ///
    /// A file with a token in it that others can read or change is an error.
    pub fn from_netrc(path: &Path, url: &str) -> Result<Option<Self>, TokenError> {
        let failed = |source| TokenError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let metadata = match fs_err::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if !metadata.is_file() || metadata.len() > LONGEST_NETRC {
            return Err(failed(io::Error::other("it is no file of a usual size")));
        }
        let content = fs_err::read_to_string(path).map_err(failed)?;
        let token = Self::from_netrc_content(&content, path, url)?;
        let mode = metadata.permissions().mode() & 0o777;
        if token.is_some() && mode & 0o077 != 0 {
            return Err(TokenError::NetrcMode {
                path: path.to_owned(),
                mode,
            });
        }
        Ok(token)
    }

    /// The same from the `content` of such a file; `path` is for messages.
    pub fn from_netrc_content(
        content: &str,
        path: &Path,
        url: &str,
    ) -> Result<Option<Self>, TokenError> {
        let address = Address::of(url).map_err(|reason| TokenError::Url {
            url: slugbuilder_fetch::redacted(url),
            reason,
        })?;
        let netrc = Netrc::parse(content).map_err(|(line, reason)| TokenError::Netrc {
            path: path.to_owned(),
            line,
            reason,
        })?;
        let with_port = address
            .port
            .and_then(|port| netrc.machine(&format!("{}:{port}", address.host)));
        let entry = with_port
            .or_else(|| netrc.machine(&address.host))
            .or_else(|| netrc.default_entry());
        let Some(entry) = entry else {
            return Ok(None);
        };
        let wrong = |reason| TokenError::Netrc {
            path: path.to_owned(),
            line: entry.line,
            reason,
        };
        let password = entry
            .password
            .as_deref()
            .ok_or_else(|| wrong("the entry has no `password`, which is where the token stands"))?;
        match Self::new(password) {
            Ok(token) => Ok(Some(token)),
            Err(_) => Err(wrong("the `password` of the entry cannot be a token")),
        }
    }

    /// Value of the `Authorization` header.
    pub(super) fn authorization(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// A text that cannot be one. The text itself is not told.
    #[error("the API token {reason}")]
    Invalid {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The address of the API cannot be used.
    #[error("`{url}` cannot be the address of the API: {reason}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be understood.
    #[error("`{}`, line {line}: {reason}", path.display())]
    Netrc {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// Others can read or change the file.
    #[error("`{}` holds the API token, and others can read or change it: its mode is {mode:03o}", path.display())]
    NetrcMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

impl Explain for TokenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "api-token-invalid",
            Self::Url { .. } => "api-url-invalid",
            Self::Unreadable { .. } => "netrc-unreadable",
            Self::Netrc { .. } => "netrc-invalid",
            Self::NetrcMode { .. } => "netrc-mode",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Unreadable { .. } => Fault::Io,
            _ => Fault::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Invalid { .. } => vec![
                "Set `HEROKU_API_KEY` to a token: `heroku authorizations:create` makes one for Heroku.".into(),
            ],
            Self::Url { .. } => vec!["Write it as `https://host` or `https://host:port`.".into()],
            Self::Unreadable { .. } => {
                vec!["Make it readable for you, or set `HEROKU_API_KEY`.".into()]
            }
            Self::Netrc { .. } => vec![
                "Correct that line, or set `HEROKU_API_KEY`, which comes first.".into(),
                "An entry is written `machine HOST login NAME password TOKEN`.".into(),
            ],
            Self::NetrcMode { path, .. } => vec![
                format!("Run `chmod 600 {}`.", path.display()),
                "If other people use this machine, make a new token: they may have seen this one.".into(),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;
    use slugbuilder_report::{Diagnosis, Style};

    const URL: &str = "https://api.heroku.com";

    fn of(content: &str, url: &str) -> Option<String> {
        Token::from_netrc_content(content, Path::new("~/.netrc"), url)
            .unwrap()
            .map(|token| token.0)
    }

    fn message(error: &TokenError) -> String {
        Diagnosis::of(error).render(Style::Plain)
    }

    #[test]
    fn nothing_shows_a_token() {
        let token = Token::new(" secret\n").unwrap();
        assert_eq!(format!("{token:?}"), "Token(…)");
        assert_eq!(token.authorization(), "Bearer secret");
        let error = Token::new("sec ret").unwrap_err();
        assert!(!format!("{error:?}{}", message(&error)).contains("ret\""));
        insta::assert_snapshot!(message(&error), @r"
        error[api-token-invalid]: the API token holds a blank, or something that is not ASCII

          hint: Set `HEROKU_API_KEY` to a token: `heroku authorizations:create` makes one for Heroku.
        ");
    }

    #[test]
    fn the_nearest_entry_counts() {
        let content = "machine h:81 password a\nmachine h password b\ndefault password c\n";
        assert_eq!(of(content, "http://h:81").as_deref(), Some("a"));
        assert_eq!(of(content, "http://H").as_deref(), Some("b"));
        assert_eq!(of(content, "http://h:82/").as_deref(), Some("b"));
        assert_eq!(of(content, "http://i").as_deref(), Some("c"));
        assert_eq!(of("machine h password b", "http://i"), None);
        assert_eq!(
            of("machine ::1 password b", "http://[::1]:1").as_deref(),
            Some("b")
        );
    }

    #[test]
    fn what_is_wrong_with_an_entry_is_told() {
        let wrong = |content| {
            message(&Token::from_netrc_content(content, Path::new("~/.netrc"), URL).unwrap_err())
        };
        insta::assert_snapshot!(wrong("\nmachine api.heroku.com\n  login me\n"), @r"
        error[netrc-invalid]: `~/.netrc`, line 2: the entry has no `password`, which is where the token stands

          hint: Correct that line, or set `HEROKU_API_KEY`, which comes first.
          hint: An entry is written `machine HOST login NAME password TOKEN`.
        ");
        insta::assert_snapshot!(wrong("machine api.heroku.com password \"a b\""), @r"
        error[netrc-invalid]: `~/.netrc`, line 1: the `password` of the entry cannot be a token

          hint: Correct that line, or set `HEROKU_API_KEY`, which comes first.
          hint: An entry is written `machine HOST login NAME password TOKEN`.
        ");
        insta::assert_snapshot!(wrong("machine api.heroku.com\nlogin x password"), @r"
        error[netrc-invalid]: `~/.netrc`, line 2: `password` without a value

          hint: Correct that line, or set `HEROKU_API_KEY`, which comes first.
          hint: An entry is written `machine HOST login NAME password TOKEN`.
        ");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_if_the_token_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("netrc");
        let read = |url| Token::from_netrc(&path, url);
        assert_eq!(read(URL).unwrap(), None);
        fs::write(&path, "machine api.heroku.com login me password secret\n").unwrap();
        fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(URL).unwrap(), Some(Token("secret".into())));
        fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(read("https://host.example").unwrap(), None);
        let text = message(&read(URL).unwrap_err());
        insta::assert_snapshot!(text.replace(folder.path().to_str().unwrap(), "~"), @r"
        error[netrc-mode]: `~/netrc` holds the API token, and others can read or change it: its mode is 640

          hint: Run `chmod 600 ~/netrc`.
          hint: If other people use this machine, make a new token: they may have seen this one.
        ");
    }
}
