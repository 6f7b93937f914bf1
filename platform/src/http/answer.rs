//! Answers: a status and a JSON body, and the headers of lists.

use crate::http::error::Cause;
use crate::range::{Attribute, Listed, Offered, Page};
use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, LAST_MODIFIED,
};
use axum::http::{Response as HttpResponse, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;

/// Where the next page of a list is.
pub const NEXT_RANGE: HeaderName = HeaderName::from_static("next-range");
/// Something that the user should know; the CLI prints it.
pub const WARNING: HeaderName = HeaderName::from_static("x-heroku-warning");

/// 200 with a resource.
pub fn ok<T: Serialize>(body: &T) -> Response {
    json(StatusCode::OK, body)
}

/// 201 with the new resource.
pub fn created<T: Serialize>(body: &T) -> Response {
    json(StatusCode::CREATED, body)
}

/// 202 with `{}`: it will be done. Clients read every body as JSON, so that none may be empty.
#[must_use]
pub fn accepted() -> Response {
    json(StatusCode::ACCEPTED, &serde_json::Map::new())
}

/// 200 with a whole list, or 206 with a page of it.
///
/// `value` gives an item's value of an attribute as [`crate::range::Bound`] holds it, to full precision: a time without the
/// fraction that the ledger has would show items twice. `present` makes the resource of an item.
pub fn list<T, P: Serialize>(
    listed: Listed<T>,
    page: &Page,
    offered: Offered,
    value: impl Fn(&T, Attribute) -> String,
    present: impl Fn(T) -> P,
) -> Response {
    let value = |item: Option<&T>| item.map(|item| value(item, page.attribute));
    let first = value(listed.items.first());
    let last = value(listed.items.last());
    let status = if listed.more {
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    let resources: Vec<P> = listed.items.into_iter().map(present).collect();
    let mut response = json(status, &resources);
    let content_range = page.content_range(first.as_deref().zip(last.as_deref()));
    set(&mut response, ACCEPT_RANGES, &offered.accept_ranges());
    set(&mut response, CONTENT_RANGE, &content_range);
    if let Some(last) = last.filter(|_| listed.more) {
        set(&mut response, NEXT_RANGE, &page.next_range(&last));
    }
    response
}

/// A status and a JSON body.
pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let (status, body, cause) = match serde_json::to_vec(body) {
        Ok(bytes) => (status, bytes, None),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            br#"{"id":"internal_server_error","message":"Internal server error."}"#.to_vec(),
            Some(Cause(format!("cannot write an answer as JSON: {error}"))),
        ),
    };
    let mut response = HttpResponse::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    if let Some(cause) = cause {
        response.extensions_mut().insert(cause);
    }
    response
}

/// The same answer with a warning that the CLI and `heroku-go` show (platform-api.md, section 2.2).
#[must_use]
pub fn with_warning(mut response: Response, text: &str) -> Response {
    // One line of ASCII: that is what a header can hold for every client.
    let text: String = text
        .chars()
        .map(|character| match character {
            ' '..='~' => character,
            _ => '?',
        })
        .collect();
    set(&mut response, WARNING, &text);
    response
}

/// The same answer with the time when the resource last changed.
#[must_use]
pub fn with_last_modified(mut response: Response, time: Timestamp) -> Response {
    let time = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    set(&mut response, LAST_MODIFIED, &time);
    response
}

/// Sets a header. A value that none can have is left out: what is set here is ours, and checked where it is not.
pub(crate) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::body_of;

    fn versions(header: &str) -> Response {
        let page = Page::parse(header, Offered::RELEASES).unwrap();
        let listed = page.of(vec![1_u64, 2, 3, 4, 5], |version, _| version.to_string());
        let value = |version: &u64, _| version.to_string();
        list(listed, &page, Offered::RELEASES, value, |version| version)
    }

    #[tokio::test]
    async fn whole_lists_are_200() {
        let response = versions("version ..; order=desc");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_RANGE], "version 5..1; max=200");
        assert_eq!(response.headers()[ACCEPT_RANGES], "id, version");
        assert!(!response.headers().contains_key(NEXT_RANGE));
        assert_eq!(body_of(response).await, "[5,4,3,2,1]");
    }

    #[tokio::test]
    async fn pages_are_206_and_lead_to_the_next() {
        let response = versions("version ..; max=2, order=desc");
        assert_eq!(response.status(), 206);
        assert_eq!(response.headers()[CONTENT_RANGE], "version 5..4; max=2");
        let next = response.headers()[NEXT_RANGE].to_str().unwrap().to_owned();
        assert_eq!(next, "version ]4..; max=2, order=desc");
        assert_eq!(body_of(versions(&next)).await, "[3,2]");
    }

    #[tokio::test]
    async fn empty_lists_have_the_headers_too() {
        let response = versions("version ]5..");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_RANGE], "version ..; max=200");
        assert_eq!(body_of(response).await, "[]");
    }

    #[tokio::test]
    async fn no_answer_is_empty() {
        let response = accepted();
        assert_eq!(response.status(), 202);
        assert_eq!(body_of(response).await, "{}");
    }

    #[test]
    fn warnings_and_times_fit_in_headers() {
        let response = with_warning(accepted(), "héroku-20 ends\r\nsoon");
        assert_eq!(response.headers()[WARNING], "h?roku-20 ends??soon");
        let time = "2012-01-01T12:00:00.5Z".parse().unwrap();
        let response = with_last_modified(accepted(), time);
        assert_eq!(
            response.headers()[LAST_MODIFIED],
            "Sun, 01 Jan 2012 12:00:00 GMT"
        );
    }
}
