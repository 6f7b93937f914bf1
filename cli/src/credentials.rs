//! The credential for the Platform API, from where Heroku's tools have it.

use crate::arguments::ApiArguments;
use slugbuilder::api::{API_URL, Token, TokenError};
use slugbuilder::sandbox::Environment;
use slugbuilder_report::{Explain, Fault};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// The variable that Heroku's tools read.
const VARIABLE: &str = "HEROKU_API_KEY";

/// Largest file of `--api-key-file` that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The token for the API at `url`: of `--api-key-file`, else of `HEROKU_API_KEY`, else of `~/.netrc`.
pub(crate) fn token(
    arguments: &ApiArguments,
    url: &str,
    host: &Environment,
) -> Result<Token, CredentialsError> {
    let of = |text: &str, place: String| {
        Token::new(text).map_err(|source| CredentialsError::Token { place, source })
    };
    if let Some(path) = &arguments.api_key_file {
        let text = read(path).map_err(|source| CredentialsError::KeyFile {
            path: path.clone(),
            source,
        })?;
        return of(&text, format!("`{}`", path.display()));
    }
    // An empty variable is how CI says that there is none.
    let variable = host.get(OsStr::new(VARIABLE)).filter(|key| !key.is_empty());
    if let Some(key) = variable {
        return of(&key.to_string_lossy(), format!("`{VARIABLE}`"));
    }
    let home = host.get(OsStr::new("HOME")).map(Path::new);
    let netrc = home
        .filter(|home| home.is_absolute())
        .map(|home| home.join(".netrc"));
    let token = match &netrc {
        Some(path) => Token::from_netrc(path, url)?,
        None => None,
    };
    token.ok_or_else(|| CredentialsError::Missing {
        url: url.to_owned(),
        netrc: netrc.filter(|path| path.exists()),
    })
}

fn read(path: &Path) -> io::Result<String> {
    // A pipe is as good as a file: `--api-key-file <(pass show heroku)`.
    let mut text = String::new();
    let bytes = File::open(path)?
        .take(LARGEST + 1)
        .read_to_string(&mut text)?;
    if bytes as u64 > LARGEST {
        return Err(io::Error::other("it is too large"));
    }
    Ok(text)
}

/// Why there is no credential. None of them quotes one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error("there is no credential for `{url}`")]
    Missing {
        url: String,
        /// The file that has none for this host.
        netrc: Option<PathBuf>,
    },
    #[error("cannot read `{}`", path.display())]
    KeyFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{place} has no token that can be used")]
    Token {
        place: String,
        #[source]
        source: TokenError,
    },
    #[error(transparent)]
    Netrc(#[from] TokenError),
}

impl Explain for CredentialsError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "no-credentials",
            Self::KeyFile { .. } => "unreadable-file",
            Self::Token { source, .. } | Self::Netrc(source) => source.code(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::KeyFile { source, .. } if source.kind() != ErrorKind::NotFound => Fault::Io,
            Self::Missing { .. } | Self::KeyFile { .. } => Fault::Usage,
            Self::Token { source, .. } | Self::Netrc(source) => source.fault(),
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Missing {
                netrc: Some(path), ..
            } => Some(format!("`{}` has no `machine` for it.", path.display())),
            Self::Netrc(source) => source.explanation(),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Missing { url, .. } => {
                let machine = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
                let mut hints = vec![format!(
                    "Set `{VARIABLE}`, name a file with `--api-key-file`, or write `machine {machine}` with its `password` \
                     into `~/.netrc`."
                )];
                if url == API_URL {
                    hints.push(format!(
                        "With Heroku's CLI at hand: `export {VARIABLE}=$(heroku auth:token)`."
                    ));
                }
                hints
            }
            Self::KeyFile { .. } => {
                vec!["Give the path of a file that you can read with `--api-key-file`.".into()]
            }
            Self::Token { .. } => vec!["Put the token there, and nothing else.".into()],
            Self::Netrc(source) => source.hints(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    struct Home(tempfile::TempDir);

    impl Home {
        fn with(netrc: &str, mode: u32) -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            let path = home.0.path().join(".netrc");
            fs::write(&path, netrc).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            home
        }

        fn token(
            &self,
            variables: &[(&str, &str)],
            key_file: Option<&str>,
        ) -> Result<Token, String> {
            self.token_for("http://127.0.0.1:5000", variables, key_file)
        }

        fn token_for(
            &self,
            url: &str,
            variables: &[(&str, &str)],
            key_file: Option<&str>,
        ) -> Result<Token, String> {
            let arguments = ApiArguments {
                api_url: None,
                api_key_file: key_file.map(|name| self.0.path().join(name)),
            };
            let mut host: Environment = variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect();
            host.insert("HOME".into(), self.0.path().into());
            token(&arguments, url, &host).map_err(|error| {
                Diagnosis::of(&error)
                    .render(Style::Plain)
                    .replace(self.0.path().to_str().unwrap(), "~")
            })
        }
    }

    const BOTH: &str = "machine 127.0.0.1\n  login me\n  password without\nmachine 127.0.0.1:5000\n  password with\n";

    #[test]
    fn what_is_nearest_wins() {
        let home = Home::with(BOTH, 0o600);
        fs::write(home.0.path().join("key"), "of-file\n").unwrap();
        let is = |token: Result<Token, String>, expected| {
            assert_eq!(token, Ok(Token::new(expected).unwrap()), "{expected}");
        };
        let variable = [("HEROKU_API_KEY", "of-variable")];
        is(home.token(&variable, Some("key")), "of-file");
        is(home.token(&variable, None), "of-variable");
        is(home.token(&[("HEROKU_API_KEY", "")], None), "with");
        is(
            home.token_for("http://127.0.0.1:5001", &[], None),
            "without",
        );
    }

    #[test]
    fn a_netrc_that_others_can_read_is_refused_if_it_is_needed() {
        let home = Home::with(BOTH, 0o640);
        insta::assert_snapshot!(home.token(&[], None).unwrap_err(), @"
        error[netrc-mode]: `~/.netrc` holds the API token, and others can read or change it: its mode is 640

          hint: Run `chmod 600 ~/.netrc`.
          hint: If other people use this machine, make a new token: they may have seen this one.
        ");
        assert!(home.token(&[("HEROKU_API_KEY", "x")], None).is_ok());
    }

    #[test]
    fn without_a_credential_every_way_to_give_one_is_named() {
        let home = Home::with("machine 127.0.0.1:80 password x\n", 0o600);
        insta::assert_snapshot!(home.token(&[], None).unwrap_err(), @"
        error[no-credentials]: there is no credential for `http://127.0.0.1:5000`

          `~/.netrc` has no `machine` for it.

          hint: Set `HEROKU_API_KEY`, name a file with `--api-key-file`, or write `machine 127.0.0.1:5000` with its `password` into `~/.netrc`.
        ");
        fs::remove_file(home.0.path().join(".netrc")).unwrap();
        insta::assert_snapshot!(home.token_for(API_URL, &[], None).unwrap_err(), @"
        error[no-credentials]: there is no credential for `https://api.heroku.com`

          hint: Set `HEROKU_API_KEY`, name a file with `--api-key-file`, or write `machine api.heroku.com` with its `password` into `~/.netrc`.
          hint: With Heroku's CLI at hand: `export HEROKU_API_KEY=$(heroku auth:token)`.
        ");
    }

    #[test]
    fn credentials_that_are_none_are_told_and_never_quoted() {
        let home = Home::with("machine 127.0.0.1\n  login me\n", 0o600);
        insta::assert_snapshot!(home.token(&[], None).unwrap_err(), @"
        error[netrc-invalid]: `~/.netrc`, line 1: the entry has no `password`, which is where the token stands

          hint: Correct that line, or set `HEROKU_API_KEY`, which comes first.
          hint: An entry is written `machine HOST login NAME password TOKEN`.
        ");
        insta::assert_snapshot!(home.token(&[("HEROKU_API_KEY", "two words")], None).unwrap_err(), @"
        error[api-token-invalid]: `HEROKU_API_KEY` has no token that can be used
          caused by: the API token holds a blank, or something that is not ASCII

          hint: Put the token there, and nothing else.
        ");
        fs::write(home.0.path().join("key"), "\n").unwrap();
        insta::assert_snapshot!(home.token(&[], Some("key")).unwrap_err(), @"
        error[api-token-invalid]: `~/key` has no token that can be used
          caused by: the API token is empty

          hint: Put the token there, and nothing else.
        ");
        insta::assert_snapshot!(home.token(&[], Some("absent")).unwrap_err(), @"
        error[unreadable-file]: cannot read `~/absent`
          caused by: No such file or directory (os error 2)

          hint: Give the path of a file that you can read with `--api-key-file`.
        ");
        let home = Home::with("machine 127.0.0.1\n  login me\n  password \"x\n", 0o600);
        insta::assert_snapshot!(home.token(&[], None).unwrap_err(), @"
        error[netrc-invalid]: `~/.netrc`, line 3: a quotation mark is not closed

          hint: Correct that line, or set `HEROKU_API_KEY`, which comes first.
          hint: An entry is written `machine HOST login NAME password TOKEN`.
        ");
    }
}
