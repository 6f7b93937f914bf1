//! The version of the API that a request asks for.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// Whether the request asks for version 3: `application/vnd.heroku+json; version=3`, also with variants as in
/// `version=3.sdk` or `version=3.cedar-acm.fir`, which all are version 3 here (platform-api.md, section 2.1).
///
/// Nothing else will do, `*/*` included: a client that does not say which version it knows would break silently with the
/// next one.
pub(crate) fn asks_for_version_3(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(is_version_3)
}

fn is_version_3(media_range: &str) -> bool {
    let mut parts = media_range.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    media_type.eq_ignore_ascii_case("application/vnd.heroku+json")
        && parts.any(|parameter| {
            parameter.split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("version") && value_is_3(value.trim())
            })
        })
}

/// `3(\.[\w-]+)*`, perhaps quoted.
fn value_is_3(value: &str) -> bool {
    let value = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value);
    let mut labels = value.split('.');
    let is_variant = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !label.is_empty() && label.bytes().all(fits)
    };
    labels.next() == Some("3") && labels.all(is_variant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn accepted(values: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT, HeaderValue::from_static(value));
        }
        asks_for_version_3(&headers)
    }

    /// The variants that platform-api.md, section 2.1, found in the traffic of real clients.
    #[test]
    fn variants_are_version_3() {
        for variant in [
            "",
            ".sdk",
            ".filters",
            ".pipelines",
            ".webhooks",
            ".run-inside",
            ".cedar-acm",
            ".account-quotas",
            ".docker-releases",
            ".team-invitations",
            ".fir",
            ".dogwood",
            ".review-apps",
            ".repositories-api",
            ".ci",
            ".cedar-acm.fir",
        ] {
            let value = format!("application/vnd.heroku+json; version=3{variant}");
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::try_from(&value).unwrap());
            assert!(asks_for_version_3(&headers), "{value}");
        }
    }

    #[test]
    fn forms() {
        assert!(accepted(&["application/vnd.heroku+json;version=3"]));
        assert!(accepted(&["Application/vnd.Heroku+JSON; Version=\"3\""]));
        assert!(accepted(&[
            "text/html, application/vnd.heroku+json; version=3; q=0.9"
        ]));
        assert!(accepted(&[
            "text/html",
            "application/vnd.heroku+json; version=3"
        ]));
    }

    #[test]
    fn everything_else_is_refused() {
        for value in [
            "",
            "*/*",
            "application/json",
            "application/json; version=3",
            "application/vnd.heroku+json",
            "application/vnd.heroku+json; version=2",
            "application/vnd.heroku+json; version=30",
            "application/vnd.heroku+json; version=3.",
            "application/vnd.heroku+json; version=3.a b",
            "application/vnd.heroku+json; version=edge",
        ] {
            assert!(!accepted(&[value]), "{value}");
        }
        assert!(!accepted(&[]));
    }
}
