//! Why a request does not go to git.

use crate::http::{ApiError, Cause};
use crate::store::StoreError;
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse as _, Response};
use slugbuilder_report::{Diagnosis, Explain};

/// Why a request does not go to git. git shows texts of the type `text/plain` when it asks for references, which it does first.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    text: String,
    /// What went wrong, for whoever runs the server.
    cause: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            cause: None,
        }
    }

    pub(super) fn internal(cause: impl Into<String>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The server failed. Its operator can read why in its output.",
            )
        }
    }

    pub(super) fn of(error: &impl Explain) -> Self {
        Self::internal(Diagnosis::of(error).one_line())
    }

    pub(super) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "There is no such app, or it is someone else's who does not let you in.",
        )
    }

    pub(super) fn into_response(self) -> Response {
        let mut response = (self.status, format!("{}\n", self.text)).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge =
                HeaderValue::from_static("Basic realm=\"slugbuilder\", charset=\"UTF-8\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(Cause(cause));
        }
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { .. } => Self::not_found(),
            other => Self::of(&other),
        }
    }
}

impl From<ApiError> for Refusal {
    /// Of those that logging in has.
    fn from(error: ApiError) -> Self {
        match error.status {
            StatusCode::UNAUTHORIZED => Self::new(
                StatusCode::UNAUTHORIZED,
                "Give a token of this server as the password, with any user name. `heroku git:remote` and `heroku git:clone` see \
                 to it.",
            ),
            status => Self {
                status,
                text: error.message,
                cause: error.cause.map(Into::into),
            },
        }
    }
}
