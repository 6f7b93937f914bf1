//! What a CGI program says before its body (RFC 3875, section 6): a status and headers.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES, HeaderName, HeaderValue, PRAGMA};
use axum::http::{HeaderMap, StatusCode};

/// As long as the head of an answer may be, in bytes.
pub(super) const LIMIT: usize = 16 << 10;

/// The headers that `git http-backend` answers with; no others pass.
const PASSED: [HeaderName; 4] = [CONTENT_TYPE, CACHE_CONTROL, EXPIRES, PRAGMA];

/// A status and headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

/// Where the head ends in what has come so far: its length, and where the body begins.
pub(super) fn end(bytes: &[u8]) -> Option<(usize, usize)> {
    let crlf = find(bytes, b"\r\n\r\n").map(|at| (at, at + 4));
    let lf = find(bytes, b"\n\n").map(|at| (at, at + 2));
    match (crlf, lf) {
        (Some(crlf), Some(lf)) => Some(if crlf.0 < lf.0 { crlf } else { lf }),
        (crlf, lf) => crlf.or(lf),
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

impl Head {
    /// Reads a head, without the empty line at its end. The problem, where it is none.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut status = None;
        let mut headers = HeaderMap::new();
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let wrong = || format!("`{}` is no header", line.escape_ascii());
            let colon = line
                .iter()
                .position(|byte| *byte == b':')
                .ok_or_else(wrong)?;
            let (name, value) = line.split_at(colon);
            let name = HeaderName::from_bytes(name).map_err(|_| wrong())?;
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            if name == "status" {
                if status
                    .replace(parse_status(value).ok_or_else(wrong)?)
                    .is_some()
                {
                    return Err("it has several statuses".into());
                }
            } else if PASSED.contains(&name) {
                let value = HeaderValue::from_bytes(value).map_err(|_| wrong())?;
                if headers.insert(name, value).is_some() {
                    return Err(format!("`{}` stands there before", line.escape_ascii()));
                }
            }
        }
        // RFC 3875, section 6.3.3: 200 without a status. An answer without a type is none.
        if !headers.contains_key(CONTENT_TYPE) && status.is_none() {
            return Err("it has no content type".into());
        }
        Ok(Self {
            status: status.unwrap_or(StatusCode::OK),
            headers,
        })
    }
}

/// `404 Not Found`: three digits, and perhaps words. Not the start of another answer (1xx).
fn parse_status(value: &[u8]) -> Option<StatusCode> {
    let (code, words) = value.split_at_checked(3)?;
    let divided = words.is_empty() || words.first() == Some(&b' ');
    let status = StatusCode::from_bytes(code).ok()?;
    (divided && !status.is_informational()).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_git() {
        let head = b"Expires: Fri, 01 Jan 1980 00:00:00 GMT\r\nPragma: no-cache\r\n\
            Cache-Control: no-cache, max-age=0, must-revalidate\r\n\
            Content-Type: application/x-git-receive-pack-advertisement";
        let head = Head::parse(head).unwrap();
        assert_eq!(head.status, 200);
        assert_eq!(head.headers[PRAGMA], "no-cache");
        assert_eq!(head.headers.len(), 4);
        let head = Head::parse(b"Status: 404 Not Found").unwrap();
        assert_eq!((head.status.as_u16(), head.headers.len()), (404, 0));
    }

    #[test]
    fn what_is_not_passed_on() {
        let head = b"Content-Type: text/plain\nLocation: http://elsewhere\nSet-Cookie: a=b\nConnection: close";
        let head = Head::parse(head).unwrap();
        assert_eq!(head.headers.len(), 1);
    }

    #[test]
    fn what_is_no_head() {
        for head in [
            &b""[..],
            b"Content-Type",
            b"Content Type: text/plain",
            b": x",
            b"\xff: x",
            b"Content-Type: a\x01b",
            b"Content-Type: a\nContent-Type: b",
            b"Status: 200\nStatus: 404",
            b"Status: 20",
            b"Status: 2000",
            b"Status: OK",
            b"Status: 100 Continue",
            b"Pragma: no-cache",
            b" Content-Type: text/plain",
        ] {
            assert!(Head::parse(head).is_err(), "{}", head.escape_ascii());
        }
    }

    #[test]
    fn ends_are_found() {
        assert_eq!(end(b"a: b\r\n\r\nbody\n\n"), Some((4, 8)));
        assert_eq!(end(b"a: b\n\nbody\r\n\r\n"), Some((4, 6)));
        assert_eq!(end(b"a: b\r\n\r"), None);
        assert_eq!(end(b""), None);
    }
}
