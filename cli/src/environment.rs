//! Everything that is read from the environment of the process, in one place.

use crate::arguments::{
    BlobArguments, CacheArguments, DataArguments, MirrorArguments, SecretArguments,
    VariableArguments,
};
use crate::failure::UsageError;
use slugbuilder::sandbox::Environment;
use slugbuilder_fetch::{Proxies, Settings};
use slugbuilder_platform::BlobPlace;
use slugbuilder_platform::git::{GitProgram, find_program};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// The environment of this process.
pub(crate) fn host() -> Environment {
    std::env::vars_os().collect()
}

/// `SLUGBUILDER_*` variables that the buildpack reads (contract of the design, "the rooms").
pub(crate) fn platform_variables(
    host: &Environment,
    mirror: &MirrorArguments,
) -> Result<Environment, UsageError> {
    let mut variables: Environment = host
        .iter()
        .filter(|(name, _)| name.as_bytes().starts_with(b"SLUGBUILDER_MIRROR_"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if let Some(mirror) = &mirror.mirror {
        let is_address = mirror.to_str().is_some_and(|text| text.contains("://"));
        let address = if is_address {
            mirror.clone()
        } else {
            folder_address(Path::new(mirror))?.into()
        };
        variables.insert("SLUGBUILDER_MIRROR".into(), address);
    }
    Ok(variables)
}

/// The `file://` address of a folder that is there.
pub(crate) fn folder_address(folder: &Path) -> Result<String, UsageError> {
    let path = folder.canonicalize().and_then(|path| {
        if path.is_dir() {
            Ok(path)
        } else {
            Err(std::io::ErrorKind::NotADirectory.into())
        }
    });
    let path = path.map_err(|source| UsageError::MirrorFolder {
        path: folder.display().to_string(),
        source,
    })?;
    let mut address = String::from("file://");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                address.push(char::from(*byte));
            }
            // RFC 3986, section 2.1.
            _ => address.extend(format!("%{byte:02X}").chars()),
        }
    }
    Ok(address)
}

/// What of the environment of a server its builds get: not the credentials and options of the server itself, and nothing that
/// would change what a build is of.
pub(crate) fn of_builds(host: Environment) -> Vec<(OsString, OsString)> {
    const NOT: [&[u8]; 9] = [
        b"HEROKU_",
        b"AWS_",
        b"SLUGBUILDER_SERVE_",
        b"SLUGBUILDER_CACHE_DIR",
        b"SLUGBUILDER_REBUILD",
        b"SLUGBUILDER_ROOT",
        b"SOURCE_DATE_EPOCH",
        b"STACK",
        b"GIT_",
    ];
    host.into_iter()
        .filter(|(name, _)| !NOT.iter().any(|prefix| name.as_bytes().starts_with(prefix)))
        .collect()
}

/// `SOURCE_DATE_EPOCH` (reproducible-builds.org), the time of the app's own files; what is no text is no time either.
pub(crate) fn source_date_epoch() -> Option<String> {
    std::env::var_os("SOURCE_DATE_EPOCH").map(|value| value.to_string_lossy().into_owned())
}

/// The folder for caches: `--cache-dir`, else `$XDG_CACHE_HOME/slugbuilder`, else `~/.cache/slugbuilder`.
pub(crate) fn cache_dir(arguments: &CacheArguments) -> Result<PathBuf, UsageError> {
    if let Some(directory) = &arguments.cache_dir {
        return Ok(directory.clone());
    }
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|folder| folder.join("slugbuilder"))
        .ok_or(UsageError::NoCacheDir)
}

/// How the API is reached from here: the proxies and certificate authorities that other programs use, too.
pub(crate) fn transfers(host: &Environment) -> Settings {
    let text = |name: &str| host.get(OsStr::new(name))?.to_str().map(str::to_owned);
    let either = |lower: &str, upper: &str| text(lower).or_else(|| text(upper));
    Settings {
        proxies: Proxies {
            http: either("http_proxy", "HTTP_PROXY"),
            https: either("https_proxy", "HTTPS_PROXY"),
            no_proxy: either("no_proxy", "NO_PROXY"),
        },
        ca_file: host
            .get(OsStr::new("SSL_CERT_FILE"))
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        ..Settings::default()
    }
}

/// The git of this machine, if there is one on the `PATH`.
pub(crate) fn git() -> Option<GitProgram> {
    let search_path = std::env::var_os("PATH")?;
    let program = find_program("git", &search_path)?;
    Some(GitProgram {
        program,
        search_path,
    })
}

/// The folder of a server: `--data`, else `$XDG_DATA_HOME/slugbuilder/server`, else `~/.local/share/slugbuilder/server`.
pub(crate) fn data_dir(arguments: &DataArguments) -> Result<PathBuf, UsageError> {
    if let Some(directory) = &arguments.data {
        return Ok(directory.clone());
    }
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|folder| folder.join("slugbuilder/server"))
        .ok_or(UsageError::NoDataDir)
}

/// Where a server keeps slugs.
#[cfg(feature = "object-store")]
pub(crate) fn blobs(arguments: &BlobArguments) -> BlobPlace {
    let Some(url) = &arguments.blobs else {
        return BlobPlace::DataFolder;
    };
    let credential = |name| text(name).unwrap_or_default();
    BlobPlace::ObjectStore(slugbuilder_platform::blobs::ObjectStoreSettings {
        url: url.clone(),
        endpoint: arguments.blobs_endpoint.clone(),
        region: arguments.blobs_region.clone(),
        access_key_id: credential("AWS_ACCESS_KEY_ID"),
        secret_access_key: credential("AWS_SECRET_ACCESS_KEY"),
        session_token: text("AWS_SESSION_TOKEN"),
    })
}

/// Where a server keeps slugs: this program was made without the other place.
#[cfg(not(feature = "object-store"))]
pub(crate) fn blobs(_: &BlobArguments) -> BlobPlace {
    BlobPlace::DataFolder
}

/// A variable that is set, not empty, and text.
pub(crate) fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A folder that a variable names.
fn absolute(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// The config vars of `--env` and `--env-file`.
pub(crate) fn config_vars(
    arguments: &VariableArguments,
    host: &Environment,
) -> Result<Environment, UsageError> {
    variables("--env", &arguments.env, &arguments.env_file, host)
}

/// Those of `--secret` and `--secret-file`.
pub(crate) fn secrets(
    arguments: &SecretArguments,
    host: &Environment,
) -> Result<Environment, UsageError> {
    let SecretArguments {
        secret,
        secret_file,
    } = arguments;
    variables("--secret", secret, secret_file, host)
}

/// The variables of files, then those of the arguments of `option`.
fn variables(
    option: &'static str,
    arguments: &[OsString],
    files: &[PathBuf],
    host: &Environment,
) -> Result<Environment, UsageError> {
    let mut variables = Environment::new();
    for file in files {
        let text = std::fs::read(file).map_err(|source| UsageError::Unreadable {
            path: file.display().to_string(),
            source,
        })?;
        if file
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let object: BTreeMap<String, String> =
                serde_json::from_slice(&text).map_err(|source| UsageError::EnvJson {
                    file: file.display().to_string(),
                    source,
                })?;
            for (name, value) in object {
                insert(&mut variables, name.as_bytes(), value.as_bytes())?;
            }
            continue;
        }
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let line = line.trim_ascii_start();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let line = line.strip_prefix(b"export ").unwrap_or(line);
            let Some(equals) = line.iter().position(|byte| *byte == b'=') else {
                return Err(UsageError::EnvFile {
                    file: file.display().to_string(),
                    line: index + 1,
                });
            };
            insert(
                &mut variables,
                &line[..equals],
                unquoted(&line[equals + 1..]),
            )?;
        }
    }
    for argument in arguments {
        let bytes = argument.as_bytes();
        if let Some(equals) = bytes.iter().position(|byte| *byte == b'=') {
            insert(&mut variables, &bytes[..equals], &bytes[equals + 1..])?;
        } else {
            let value = host
                .get(argument)
                .ok_or_else(|| UsageError::EnvWithoutValue {
                    option,
                    name: argument.display().to_string(),
                })?;
            variables.insert(argument.clone(), value.clone());
        }
    }
    Ok(variables)
}

fn insert(variables: &mut Environment, name: &[u8], value: &[u8]) -> Result<(), UsageError> {
    if name.is_empty() || name.contains(&0) || name.contains(&b'/') {
        return Err(UsageError::VariableName(
            OsStr::from_bytes(name).display().to_string(),
        ));
    }
    if value.contains(&0) {
        return Err(UsageError::VariableValue(
            OsStr::from_bytes(name).display().to_string(),
        ));
    }
    variables.insert(
        OsString::from_vec(name.to_vec()),
        OsString::from_vec(value.to_vec()),
    );
    Ok(())
}

/// One pair of quotes around a value is the file's, not the value's, as `heroku local` reads it.
fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, env: &[&str]) -> Result<Vec<(String, String)>, UsageError> {
        read_as("env", file, env)
    }

    fn read_as(name: &str, file: &str, env: &[&str]) -> Result<Vec<(String, String)>, UsageError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, file).unwrap();
        let arguments = VariableArguments {
            env: env.iter().map(OsString::from).collect(),
            env_file: vec![path],
        };
        let host = Environment::from([("SHELL_VAR".into(), "shell".into())]);
        Ok(config_vars(&arguments, &host)?
            .into_iter()
            .map(|(name, value)| (name.into_string().unwrap(), value.into_string().unwrap()))
            .collect())
    }

    #[test]
    fn files_come_first_and_arguments_win() {
        let pairs = read(
            "# comment\n\nA=1\r\n  B=\"two words\"\nexport C=a=b\nD=\n",
            &["A=x", "SHELL_VAR"],
        );
        let expected = [
            ("A", "x"),
            ("B", "two words"),
            ("C", "a=b"),
            ("D", ""),
            ("SHELL_VAR", "shell"),
        ];
        assert_eq!(
            pairs.unwrap(),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn a_file_of_json_has_values_of_several_lines() {
        let pairs = read_as(
            "vars.json",
            r#"{"KEY": "-----BEGIN\nabc\n", "B": "\"b\""}"#,
            &["B=c"],
        );
        let expected = [("B", "c"), ("KEY", "-----BEGIN\nabc\n")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs.unwrap(), expected);
        for bad in ["", "[]", r#"{"A": 1}"#] {
            assert!(matches!(
                read_as("vars.json", bad, &[]),
                Err(UsageError::EnvJson { .. })
            ));
        }
        assert!(matches!(
            read_as("vars.json", r#"{"A/B": ""}"#, &[]),
            Err(UsageError::VariableName(_))
        ));
    }

    #[test]
    fn mistakes_name_their_line() {
        let error = read("A=1\nnonsense\n", &[]).unwrap_err().to_string();
        assert!(
            error.ends_with("env` line 2: expected `NAME=value`"),
            "{error}"
        );
        assert!(matches!(
            read("", &["UNSET"]),
            Err(UsageError::EnvWithoutValue { .. })
        ));
        assert!(matches!(
            read("=x\n", &[]),
            Err(UsageError::VariableName(_))
        ));
    }
}
