//! What requests carry: JSON bodies, and the page of a list.

use crate::http::ApiError;
use crate::range::{Offered, Page};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::RANGE;
use axum::http::request::Parts;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::time::Duration;

/// As large as a JSON body may be, in bytes. Blobs have a limit of their own.
pub const LIMIT: usize = 1 << 20;

/// As long as one may take to arrive.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A JSON body. An empty one is `{}`: clients send none where every field is optional. The `Content-Type` does not matter:
/// curl's is another than JSON unless it is told.
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = whole(&mut request.into_body()).await?;
        let bytes: &[u8] = if bytes.trim_ascii().is_empty() {
            b"{}"
        } else {
            &bytes
        };
        serde_json::from_slice(bytes).map(Self).map_err(|error| {
            ApiError::bad_request(format!(
                "The body of the request is not as expected: {error}."
            ))
        })
    }
}

/// A body in memory, of at most [`LIMIT`] bytes, within [`PATIENCE`].
pub(crate) async fn whole(body: &mut axum::body::Body) -> Result<Bytes, ApiError> {
    let collected = tokio::time::timeout(PATIENCE, Limited::new(body, LIMIT).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::too_large(LIMIT)),
        Ok(Err(error)) => Err(ApiError::bad_request(format!(
            "The body of the request did not arrive: {error}."
        ))),
        Err(_) => Err(ApiError::timeout()),
    }
}

/// The `Range` header of a request for a list. Handlers of anything else do not ask for it: `heroku-client` sends one with
/// every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging(Option<Vec<u8>>);

impl Paging {
    /// The page that is asked for, of a list that offers these attributes.
    pub fn page(&self, offered: Offered) -> Result<Page, ApiError> {
        let header = match &self.0 {
            Some(bytes) => str::from_utf8(bytes).map_err(|_| crate::range::RangeError::Invalid)?,
            None => "",
        };
        Ok(Page::parse(header, offered)?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(RANGE);
        Ok(Self(header.map(|value| value.as_bytes().to_vec())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::body_of;
    use axum::Router;
    use axum::response::{IntoResponse as _, Response};
    use axum::routing::post;
    use serde::Deserialize;
    use tower::ServiceExt as _;

    #[derive(Debug, Deserialize)]
    struct Wanted {
        #[serde(default)]
        name: Option<String>,
    }

    async fn answer(body: impl Into<axum::body::Body>) -> (u16, String) {
        let name = |Body(wanted): Body<Wanted>| async move { wanted.name.unwrap_or("none".into()) };
        let router = Router::new().route("/", post(name));
        let request = Request::post("/").body(body.into()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        (response.status().as_u16(), body_of(response).await)
    }

    #[tokio::test]
    async fn bodies_as_clients_send_them() {
        for (body, name) in [
            ("", "none"),
            (" \r\n", "none"),
            ("{}", "none"),
            (r#"{"name": null}"#, "none"),
            (r#"{"name": "a", "unknown": [1]}"#, "a"),
        ] {
            assert_eq!(answer(body).await, (200, name.into()), "{body:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_json_is_told_with_its_place() {
        for (body, place) in [
            ("{", "at line 1 column 1"),
            ("{\"name\":\n 5}", "expected a string at line 2 column 2"),
            ("{} {}", "trailing characters at line 1 column 4"),
        ] {
            let (status, text) = answer(body).await;
            assert_eq!(status, 400, "{body}");
            assert!(
                text.contains("bad_request") && text.contains(place),
                "{text}"
            );
        }
        assert_eq!(answer(b"{\"name\": \"\xff\"}".to_vec()).await.0, 400);
        assert_eq!(answer("[".repeat(100_000)).await.0, 400);
    }

    #[tokio::test]
    async fn large_bodies_are_refused() {
        let body = format!(r#"{{"name": "{}"}}"#, "a".repeat(LIMIT));
        let (status, text) = answer(body).await;
        assert_eq!(status, 413);
        assert!(text.contains("1048576"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn slow_bodies_are_given_up() {
        let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        assert_eq!(answer(axum::body::Body::from_stream(never)).await.0, 408);
    }

    #[tokio::test]
    async fn ranges_that_are_no_text_are_wrong() {
        let error = Paging(Some(vec![0xff])).page(Offered::ID).unwrap_err();
        let response: Response = error.into_response();
        assert_eq!(response.status(), 400);
        assert!(body_of(response).await.contains("Invalid `Range` header"));
    }
}
