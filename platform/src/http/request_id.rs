//! Identifiers of requests, by which an answer is found again in the server's output.

use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use uuid::Uuid;

/// The header, of requests and answers.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// As long as the identifiers of one request may be together. The CLI sends one more with each request of a run.
const LIMIT: usize = 1024;

/// The identifiers of a request, divided by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

impl RequestId {
    /// Those that the client sent, the first ones that fit; one of our own where it sent none.
    ///
    /// Of what it sent, only letters, digits, `-`, `_` and `.` are repeated, so that nothing else gets into the output.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut ids = String::new();
        let sent = headers.get_all(REQUEST_ID).iter();
        for id in sent.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')) {
            let id = id.trim_ascii();
            let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
            let Some(id) = str::from_utf8(id)
                .ok()
                .filter(|id| !id.is_empty() && id.bytes().all(|byte| fits(&byte)))
            else {
                continue;
            };
            if ids.len() + 1 + id.len() > LIMIT {
                break;
            }
            if !ids.is_empty() {
                ids.push(',');
            }
            ids.push_str(id);
        }
        if ids.is_empty() {
            ids = Uuid::new_v4().to_string();
        }
        Self(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of(value: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_bytes(value).unwrap());
        RequestId::of(&headers).0
    }

    #[test]
    fn lists_are_echoed() {
        assert_eq!(of(b"one"), "one");
        assert_eq!(of(b"a-1, b_2,c.3"), "a-1,b_2,c.3");
        assert_eq!(of(b"good,\"<script>\",,\xff, also"), "good,also");
    }

    #[test]
    fn what_cannot_be_echoed_is_replaced() {
        for value in [&b""[..], b" , ", b"a b", &[b'x'; 2000]] {
            assert!(Uuid::try_parse(&of(value)).is_ok());
        }
        assert!(Uuid::try_parse(&RequestId::of(&HeaderMap::new()).0).is_ok());
    }

    #[test]
    fn long_lists_are_cut_between_two() {
        let id = Uuid::nil().to_string();
        let echoed = of(vec![id.as_str(); 100].join(",").as_bytes());
        assert!(echoed.len() <= LIMIT && echoed.len() > LIMIT - 2 * id.len());
        assert!(echoed.split(',').all(|one| one == id));
    }
}
