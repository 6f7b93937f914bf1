//! The secrets in the configuration of package clients and in the addresses of proxies and mirrors.

use super::telling::users_of_addresses;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::ffi::{OsStr, OsString};

/// Settings of npm whose values are credentials, at the end of a key such as `//registry.example/:_authToken` (npm's
/// `npmrc` page, "Auth related configuration"). `key` is a private key.
const OF_NPM: [&str; 4] = ["_authToken", "_auth", "_password", "key"];

/// Those of them that are in Base64.
const IN_BASE64: [&str; 2] = ["_auth", "_password"];

/// Settings of Yarn whose values are credentials.
const OF_YARN: [&str; 2] = ["npmAuthToken", "npmAuthIdent"];

/// Starts of Bundler's variables that have a host-like name and are no credentials (`bundle help config`).
const NO_CREDENTIALS: [&str; 5] = [
    "BUNDLE_BUILD__",
    "BUNDLE_GEM__",
    "BUNDLE_LOCAL__",
    "BUNDLE_MIRROR__",
    "BUNDLE_PLUGINS__",
];

/// A secret that was found: what it is called, and its value.
pub(super) type Found = (String, Vec<u8>);

/// The credentials of an `.npmrc`.
pub(super) fn of_npmrc(text: &[u8]) -> Vec<Found> {
    let text = String::from_utf8_lossy(text);
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some((key, value)) = line.split_once('=') {
            let value = value.trim().trim_matches(['"', '\'']);
            found.extend(of_npm_setting(key.trim(), value, "~/.npmrc"));
        }
    }
    found
}

/// The credentials of a line of an app's own `.npmrc`, which is called `place`.
pub(super) fn of_npmrc_line(line: &str, place: &str) -> Vec<Found> {
    let Some((key, value)) = line.split_once('=') else {
        return Vec::new();
    };
    let value = value.trim().trim_matches(['"', '\'']);
    of_npm_setting(key.trim(), value, place)
}

/// The credentials of a line of an app's own `.yarnrc.yml`, which is called `place`. They are settings of a registry or of
/// a scope, at any depth (Yarn's `yarnrc` page, `npmAuthToken` and `npmAuthIdent`).
pub(super) fn of_yarnrc_line(line: &str, place: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for key in OF_YARN {
        let after = line.find(key).map(|at| line[at + key.len()..].trim_start());
        let after = after.map(|after| after.trim_start_matches(['"', '\'']).trim_start());
        let Some(value) = after.and_then(|after| after.strip_prefix(':')) else {
            continue;
        };
        let value = value.trim();
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
            _ => value.split([' ', '\t', ',']).next(),
        };
        let value = value.unwrap_or_default();
        // `${NAME}` in a list of settings on one line: `{npmAuthToken: ${NAME}}`.
        let value = match value.strip_suffix('}') {
            Some(less) if less.matches('{').count() < value.matches('}').count() => less,
            _ => value,
        };
        if !value.is_empty() {
            found.push((format!("`{key}` of `{place}`"), value.as_bytes().to_vec()));
            if let Some((user, password)) = value.split_once(':').filter(|_| key == "npmAuthIdent")
                && variables(value).next().is_none()
            {
                found.extend(basic(
                    &format!("the password in `{key}` of `{place}`"),
                    user,
                    password,
                ));
            }
        }
    }
    if found.is_empty() {
        return of_addresses(line, place);
    }
    found
}

/// The credentials of one setting of npm.
pub(super) fn of_npm_setting(key: &str, value: &str, place: &str) -> Vec<Found> {
    let name = key.rsplit(':').next().unwrap_or(key);
    let Some(name) = OF_NPM.iter().find(|one| one.eq_ignore_ascii_case(name)) else {
        return of_addresses(value, place);
    };
    let mut found = vec![(format!("`{name}` of `{place}`"), value.as_bytes().to_vec())];
    if IN_BASE64.contains(name)
        && let Ok(decoded) = STANDARD.decode(value)
    {
        // `_auth` is `user:password`.
        let password = match decoded.iter().position(|byte| *byte == b':') {
            Some(colon) if *name == "_auth" => decoded[colon + 1..].to_vec(),
            _ => decoded,
        };
        found.push((format!("the password in `{name}` of `{place}`"), password));
    }
    found
}

/// The passwords of a `.netrc`.
pub(super) fn of_netrc(text: &[u8]) -> Vec<Found> {
    let text = String::from_utf8_lossy(text);
    let mut words = text.split_whitespace();
    let mut found = Vec::new();
    let mut login = "";
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => login = "",
            "login" => login = words.next().unwrap_or_default(),
            "password" | "account" => {
                let value = words.next().unwrap_or_default().trim_matches('"');
                let name = format!("the {word} of `~/.netrc`");
                found.extend(basic(&name, login, value));
            }
            _ => {}
        }
    }
    found
}

/// The credentials of `~/.bundle/config`, which is YAML of one level.
pub(super) fn of_bundle_config(text: &[u8]) -> Vec<Found> {
    let text = String::from_utf8_lossy(text);
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some((key, value)) = line.split_once(": ") {
            let value = value.trim().trim_matches(['"', '\'']);
            found.extend(of_bundle_setting(key.trim().trim_matches('"'), value));
        }
    }
    found
}

/// The credentials of one setting of Bundler, by its name as a variable: those of a host are called by it, with two
/// underscores for each dot, and are `user:password` or a token.
pub(super) fn of_bundle_setting(key: &str, value: &str) -> Vec<Found> {
    let is_of_host = key.starts_with("BUNDLE_")
        && key.contains("__")
        && !NO_CREDENTIALS.iter().any(|start| key.starts_with(start));
    if !is_of_host {
        return of_addresses(value, key);
    }
    let name = format!("`{key}`");
    match value.split_once(':') {
        Some((user, password)) => basic(&name, user, password),
        None => vec![(name, value.as_bytes().to_vec())],
    }
}

/// The passwords of addresses in `text`.
pub(super) fn of_addresses(text: &str, place: &str) -> Vec<Found> {
    let found = users_of_addresses(text).flat_map(|(user, password)| {
        let name = format!("the password in `{place}`");
        let (user, decoded) = (percent_decoded(user), percent_decoded(password));
        let mut found = basic(&name, &user, &decoded);
        if decoded != password {
            found.push((name, password.as_bytes().to_vec()));
        }
        found
    });
    found.collect()
}

/// A password, and how HTTP's basic authentication sends it.
fn basic(name: &str, user: &str, password: &str) -> Vec<Found> {
    let sent = STANDARD.encode(format!("{user}:{password}"));
    vec![
        (name.to_owned(), password.as_bytes().to_vec()),
        (name.to_owned(), sent.into_bytes()),
    ]
}

/// The variable that an `.npmrc` has in place of a value: `${NPM_TOKEN}`, or `${NPM_TOKEN?}`.
pub(super) fn variable(value: &[u8]) -> Option<OsString> {
    let name = value.strip_prefix(b"${")?.strip_suffix(b"}")?;
    let name = std::str::from_utf8(name).ok()?;
    Some(OsStr::new(name.trim_end_matches('?')).to_owned())
}

/// All variables that a value of a client's configuration refers to, also as Yarn has them: `${NAME:-otherwise}`.
pub(super) fn variables(value: &str) -> impl Iterator<Item = &str> {
    value.split("${").skip(1).filter_map(|rest| {
        let (inside, _) = rest.split_once('}')?;
        let name = inside.split([':', '-', '?']).next()?;
        (!name.is_empty()).then_some(name)
    })
}

/// `text` with each `%41` as what it stands for; what is no UTF-8 then stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%');
        if let Some(decoded) = digits.and_then(|digits| hex::decode(digits).ok()) {
            bytes.extend(decoded);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(found: Vec<Found>) -> Vec<String> {
        let show = |(name, value): Found| format!("{name}: {}", String::from_utf8(value).unwrap());
        found.into_iter().map(show).collect()
    }

    #[test]
    fn an_npmrc_has_tokens_and_passwords() {
        let text = b"; x\nregistry=https://me:p%40ss@npm.example/\n//npm.example/:_authToken = \"t0ken\"\n_auth=bWU6aHVudGVyMg==\n\
            //x.example/:_password=aHVudGVyMw==\n//x.example/:username=me\n//y/:_authToken=${NPM_TOKEN}\nalways-auth=true\n";
        assert_eq!(
            shown(of_npmrc(text)),
            [
                "the password in `~/.npmrc`: p@ss",
                "the password in `~/.npmrc`: bWU6cEBzcw==",
                "the password in `~/.npmrc`: p%40ss",
                "`_authToken` of `~/.npmrc`: t0ken",
                "`_auth` of `~/.npmrc`: bWU6aHVudGVyMg==",
                "the password in `_auth` of `~/.npmrc`: hunter2",
                "`_password` of `~/.npmrc`: aHVudGVyMw==",
                "the password in `_password` of `~/.npmrc`: hunter3",
                "`_authToken` of `~/.npmrc`: ${NPM_TOKEN}",
            ]
        );
        assert_eq!(variable(b"${NPM_TOKEN}").unwrap(), "NPM_TOKEN");
        assert_eq!(variable(b"t0ken"), None);
    }

    #[test]
    fn a_netrc_has_passwords() {
        let text = b"machine a.example login me password hunter2\nmachine b.example\n\tlogin you\n\tpassword hunter3\ndefault login x password";
        let found = shown(of_netrc(text));
        assert_eq!(found[0], "the password of `~/.netrc`: hunter2");
        assert_eq!(found[1], "the password of `~/.netrc`: bWU6aHVudGVyMg==");
        assert_eq!(found[2], "the password of `~/.netrc`: hunter3");
    }

    #[test]
    fn bundlers_settings_of_hosts_are_credentials() {
        let text = b"---\nBUNDLE_GEMS__EXAMPLE__COM: \"me:hunter2\"\nBUNDLE_TOKEN__EXAMPLE__COM: \"t0ken\"\n\
            BUNDLE_BUILD__NOKOGIRI: \"--use-system-libraries\"\nBUNDLE_PATH: \"vendor\"\n\
            BUNDLE_MIRROR__HTTPS://RUBYGEMS__ORG/: \"https://me:hunter4@gems.example\"\n";
        assert_eq!(
            shown(of_bundle_config(text)),
            [
                "`BUNDLE_GEMS__EXAMPLE__COM`: hunter2",
                "`BUNDLE_GEMS__EXAMPLE__COM`: bWU6aHVudGVyMg==",
                "`BUNDLE_TOKEN__EXAMPLE__COM`: t0ken",
                "the password in `BUNDLE_MIRROR__HTTPS://RUBYGEMS__ORG/`: hunter4",
                "the password in `BUNDLE_MIRROR__HTTPS://RUBYGEMS__ORG/`: bWU6aHVudGVyNA==",
            ]
        );
    }

    #[test]
    fn odd_percent_signs_are_what_they_are() {
        assert_eq!(percent_decoded("a%20b%2"), "a b%2");
        assert_eq!(percent_decoded("%zz%ff"), "%zz%ff");
        assert_eq!(percent_decoded("100%"), "100%");
    }
}
