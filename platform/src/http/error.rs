//! Errors as answers (platform-api.md, section 2.4).

use crate::http::answer;
use crate::range::RangeError;
use crate::store::StoreError;
use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use slugbuilder::api::types::ErrorBody;
use slugbuilder_report::Diagnosis;
use std::time::Duration;

/// Why a request is not done: a status, and a body for programs (`id`) and people (`message`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The status.
    pub status: StatusCode,
    /// The body's `id`, one of the table in platform-api.md, section 2.4.
    pub id: &'static str,
    /// The body's `message`: a sentence that the CLI shows as it is.
    pub message: String,
    /// The body's `resource`: what could not be found.
    pub resource: Option<String>,
    /// The body's `url`: where to read more.
    pub url: Option<&'static str>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// What went wrong in the server, for whoever runs it. Never answered.
    pub cause: Option<Box<str>>,
}

/// What went wrong in the server while it made the answer that carries this.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

impl ApiError {
    /// An error of this status, id and message.
    #[must_use]
    pub fn new(status: StatusCode, id: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            id,
            message: message.into(),
            resource: None,
            url: None,
            retry_after: None,
            cause: None,
        }
    }

    /// 400: the request does not have the form that it must have.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// 401: no token, or one that nobody has.
    #[must_use]
    pub fn unauthorized() -> Self {
        let message = "Invalid credentials provided.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// 403: the user may see it, but not do this.
    #[must_use]
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 404: there is no such `resource` that the user may see. `app` becomes `Couldn't find that app.`
    #[must_use]
    pub fn not_found(resource: &str) -> Self {
        let words = resource.replace(['-', '_'], " ");
        Self {
            resource: Some(resource.to_owned()),
            ..Self::new(
                StatusCode::NOT_FOUND,
                "not_found",
                format!("Couldn't find that {words}."),
            )
        }
    }

    /// 404: no endpoint has this path, or none of it has this method.
    #[must_use]
    pub fn unknown_endpoint(method: &Method) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!(
                "The requested API endpoint was not found. Are you using the right HTTP verb (this was `{method}`), and \
                 did you specify your intended version with the `Accept` header?"
            ),
        )
    }

    /// 406: no `version=3` in the `Accept` header.
    #[must_use]
    pub fn not_acceptable() -> Self {
        Self::new(
            StatusCode::NOT_ACCEPTABLE,
            "not_acceptable",
            "This API has version 3 only. Please send the header `Accept: application/vnd.heroku+json; version=3`.",
        )
    }

    /// 408: the request's body did not arrive in time.
    #[must_use]
    pub fn timeout() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "The body of the request did not arrive in time.",
        )
    }

    /// 409: it cannot be done in the state that things are in.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// 412: the resource is no longer the one of the `If-Match` header.
    #[must_use]
    pub fn precondition_failed() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "The resource is not, or no longer, the one that the `If-Match` header names.",
        )
    }

    /// 413: the body is larger than `limit` bytes.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("The body of the request is larger than {limit} bytes."),
        )
    }

    /// 422: the request is understood, but a value in it is not allowed.
    #[must_use]
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_params", message)
    }

    /// 429: the user's tokens for requests are used up; the next one is there after this time.
    #[must_use]
    pub fn rate_limit(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limit",
                "Your account reached the API rate limit. Please wait before making new requests.",
            )
        }
    }

    /// 429: there are as many of something as there may be for now.
    #[must_use]
    pub fn too_many(message: impl Into<String>) -> Self {
        Self {
            retry_after: Some(Duration::from_mins(1)),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit", message)
        }
    }

    /// 500: a fault of the server. `cause` goes to whoever runs it and is not answered.
    #[must_use]
    pub fn internal(cause: impl Into<Box<str>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_server_error",
                "Internal server error. Its cause is in the server's output, under the `Request-Id` of this answer.",
            )
        }
    }

    /// 503: the server cannot do it now. `cause` goes to whoever runs it and is not answered.
    #[must_use]
    pub fn unavailable(cause: impl Into<Box<str>>) -> Self {
        Self {
            cause: Some(cause.into()),
            retry_after: Some(Duration::from_secs(1)),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "service_unavailable",
                "The server cannot do this now. Please try again.",
            )
        }
    }
}

impl From<RangeError> for ApiError {
    fn from(error: RangeError) -> Self {
        match error {
            RangeError::Invalid => Self::bad_request(error.to_string()),
            RangeError::EndWithoutStart => Self::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "requested_range_not_satisfiable",
                error.to_string(),
            ),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { resource } => Self::not_found(resource),
            StoreError::NameTaken => Self::invalid_params(error.to_string()),
            StoreError::Invalid(message) => Self::invalid_params(message),
            StoreError::Forbidden(message) => Self::forbidden(message),
            StoreError::Conflict(message) => Self::conflict(message),
            StoreError::TooMany(message) => Self::too_many(message),
            // Nothing of it was written: the same request can be made again.
            StoreError::Closed | StoreError::DiskFull | StoreError::NotWritten(_) => {
                Self::unavailable(Diagnosis::of(&error).one_line())
            }
            _ => Self::internal(Diagnosis::of(&error).one_line()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            id: self.id.to_owned(),
            message: self.message,
            resource: self.resource,
            url: self.url.map(str::to_owned),
        };
        let mut response = answer::json(self.status, &body);
        if let Some(wait) = self.retry_after {
            // Rounded up: who comes back in this time is served.
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            if let Ok(value) = HeaderValue::try_from(seconds.to_string()) {
                response.headers_mut().insert(RETRY_AFTER, value);
            }
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 11.6.1, demands it.
            let value = HeaderValue::from_static("Bearer realm=\"Heroku\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(Cause(cause.into()));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::body_of;

    #[tokio::test]
    async fn bodies_are_those_of_heroku() {
        let response = ApiError::not_found("app").into_response();
        assert_eq!(response.status(), 404);
        assert_eq!(
            body_of(response).await,
            r#"{"id":"not_found","message":"Couldn't find that app.","resource":"app"}"#
        );
        let response = ApiError::from(RangeError::EndWithoutStart).into_response();
        assert_eq!(response.status(), 416);
        assert!(
            body_of(response)
                .await
                .starts_with(r#"{"id":"requested_range_not_satisfiable","#)
        );
    }

    #[tokio::test]
    async fn causes_are_not_answered() {
        let response = ApiError::internal("/data/ledger.sqlite: disk is full").into_response();
        assert_eq!(response.status(), 500);
        let cause = response.extensions().get::<Cause>().unwrap().0.clone();
        assert_eq!(cause, "/data/ledger.sqlite: disk is full");
        assert!(!body_of(response).await.contains("disk"));
    }

    #[test]
    fn waits_are_rounded_up() {
        let response = ApiError::rate_limit(Duration::from_millis(1200)).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "2");
    }
}
