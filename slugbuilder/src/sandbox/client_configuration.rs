//! The settings of package clients that say where registries are and how to reach them, without credentials.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// Settings of Go that say where modules come from (`go help environment`).
pub(super) const GO_SETTINGS: &[&str] = &[
    "GOPROXY",
    "GONOPROXY",
    "GOSUMDB",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOINSECURE",
    "GOVCS",
];

/// Settings of npm that say where packages come from and how to get there (npm's `config` page).
const NPM_SETTINGS: &[&str] = &[
    "ca",
    "cafile",
    "fetch-retries",
    "fetch-retry-factor",
    "fetch-retry-maxtimeout",
    "fetch-retry-mintimeout",
    "fetch-timeout",
    "http-proxy",
    "https-proxy",
    "maxsockets",
    "noproxy",
    "omit-lockfile-registry-resolved",
    "proxy",
    "registry",
    "replace-registry-host",
    "strict-ssl",
];

/// Whether a setting of npm holds no credential: one of the list above, or the registry of a scope.
pub(super) fn is_harmless_npm_setting(key: &str) -> bool {
    NPM_SETTINGS.contains(&key) || (key.starts_with('@') && key.ends_with(":registry"))
}

/// The lines of an `.npmrc` that hold harmless settings.
pub(super) fn npmrc_without_credentials(text: &[u8]) -> Vec<u8> {
    settings(text, |key| {
        // `ca[] = …` is how npm writes lists.
        is_harmless_npm_setting(key.trim_end_matches("[]"))
    })
}

/// The lines of Go's `env` file that hold harmless settings.
pub(super) fn go_environment_without_credentials(text: &[u8]) -> Vec<u8> {
    settings(text, |key| GO_SETTINGS.contains(&key))
}

fn settings(text: &[u8], keep: impl Fn(&str) -> bool) -> Vec<u8> {
    let mut kept = Vec::new();
    for line in String::from_utf8_lossy(text).lines() {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        if keep(key.trim()) {
            kept.extend_from_slice(key.as_bytes());
            kept.push(b'=');
            kept.extend_from_slice(without_userinfo(value.as_bytes()).as_encoded_bytes());
            kept.push(b'\n');
        }
    }
    kept
}

/// `text` with `user:password@` taken out of every URL in it.
pub(super) fn without_userinfo(text: &[u8]) -> OsString {
    let mut rest = text;
    let mut clean = Vec::with_capacity(text.len());
    while let Some(start) = rest.windows(3).position(|window| window == b"://") {
        let authority = start + 3;
        clean.extend_from_slice(&rest[..authority]);
        rest = &rest[authority..];
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'/' | b',' | b'|' | b' ' | b'"' | b'\'' | b'?' | b'#'))
            .unwrap_or(rest.len());
        if let Some(at) = rest[..end].iter().rposition(|byte| *byte == b'@') {
            rest = &rest[at + 1..];
        }
    }
    clean.extend_from_slice(rest);
    OsString::from_vec(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_npmrc_keeps_its_registries_only() {
        let text = b"; comment\nregistry = https://user:pass@npm.example/path\n@acme:registry=https://acme.example\n\
            //npm.example/:_authToken=abc\n_auth=abc\nnodedir=/usr\nca[]=cert\nstrict-ssl=false\n";
        assert_eq!(
            String::from_utf8(npmrc_without_credentials(text)).unwrap(),
            "registry = https://npm.example/path\n@acme:registry=https://acme.example\nca[]=cert\nstrict-ssl=false\n"
        );
    }

    #[test]
    fn userinfo_is_taken_out_of_every_url() {
        let clean = |text: &str| without_userinfo(text.as_bytes()).into_string().unwrap();
        assert_eq!(
            clean("https://a:b@x.example,https://c@y.example|direct"),
            "https://x.example,https://y.example|direct"
        );
        assert_eq!(
            clean("https://x.example/@scope/name"),
            "https://x.example/@scope/name"
        );
        assert_eq!(clean("off"), "off");
        assert_eq!(clean("https://a:p@ss@x.example"), "https://x.example");
    }
}
