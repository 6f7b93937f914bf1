//! Why a request about a blob is not done.

use crate::blobs::{BlobError, Received};
use crate::http::ApiError;
use crate::http::blobs::LedgerError;
use crate::signed_url::UrlError;
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_RANGE};
use axum::response::{IntoResponse, Response};
use slugbuilder_report::Diagnosis;
use std::time::Duration;

/// Why a request about a blob is not done, in the words that its client gets.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("A blob is uploaded with PUT and downloaded with GET.")]
    Method,
    #[error("Couldn't find that {0}.")]
    NotFound(&'static str),
    #[error("Nothing was uploaded for that {0} yet.")]
    NotUploaded(&'static str),
    #[error("The upload is empty: send the archive as the body.")]
    Empty,
    #[error("An archive is uploaded as a whole: leave out the `Content-Range` header.")]
    Partial,
    #[error("The upload broke off after {received} bytes. Nothing was kept; send it again.")]
    Incomplete { received: u64 },
    #[error("Nothing came for {} seconds. Nothing was kept; send it again.", .0.as_secs_f32())]
    Idle(Duration),
    #[error(
        "The upload came with less than {rate} bytes a second. Nothing was kept; send it again over a better line."
    )]
    Slow { rate: u64 },
    #[error("The upload is larger than the {limit} bytes that this server takes.")]
    TooLarge { limit: u64 },
    #[error(
        "The upload has the SHA-256 {found}, and the slug's checksum says {expected}. Nothing was kept; send it again, or \
         create a slug with the checksum of this archive."
    )]
    Checksum { expected: String, found: String },
    #[error(
        "Other bytes were uploaded for that {resource} before, with the SHA-256 {}, and a {resource} never changes. Create a \
         new {resource} for these.",
        uploaded.sha256
    )]
    OtherBytes {
        resource: &'static str,
        uploaded: Received,
    },
    #[error("{0}")]
    Refused(String),
    #[error("The blob is not the one that the `If-Match` header names.")]
    Precondition,
    #[error("The blob has {size} bytes, and the `Range` header asks for none of them.")]
    Range { size: u64 },
    #[error("The server's disk is full. Nothing was kept; send it again when there is space.")]
    Full {
        /// For the log.
        cause: String,
    },
    #[error("internal error")]
    Internal {
        /// For the log.
        cause: String,
    },
    #[error("unavailable")]
    Unavailable {
        /// For the log.
        cause: String,
    },
}

impl Refusal {
    pub(super) fn internal(cause: impl Into<String>) -> Self {
        let cause = cause.into();
        Self::Internal { cause }
    }

    fn error(&self) -> ApiError {
        let (status, id) = match self {
            Self::Internal { cause } => return ApiError::internal(cause.as_str()),
            Self::Unavailable { cause } => return ApiError::unavailable(cause.as_str()),
            Self::NotFound(resource) => return ApiError::not_found(resource),
            Self::Url(UrlError::Damaged(_))
            | Self::Empty
            | Self::Partial
            | Self::Incomplete { .. } => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::Url(UrlError::Unsigned) => (StatusCode::FORBIDDEN, "url_not_signed"),
            Self::Url(UrlError::WrongSignature) => (StatusCode::FORBIDDEN, "url_signature"),
            Self::Url(UrlError::WrongMethod { .. }) => (StatusCode::FORBIDDEN, "url_method"),
            Self::Url(UrlError::Expired(_)) => (StatusCode::FORBIDDEN, "url_expired"),
            Self::NotUploaded(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Idle(_) | Self::Slow { .. } => (StatusCode::REQUEST_TIMEOUT, "timeout"),
            Self::OtherBytes { .. } => (StatusCode::CONFLICT, "conflict"),
            Self::Precondition => (StatusCode::PRECONDITION_FAILED, "precondition_failed"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::Range { .. } => (
                StatusCode::RANGE_NOT_SATISFIABLE,
                "requested_range_not_satisfiable",
            ),
            Self::Checksum { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "checksum_mismatch"),
            Self::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_params"),
            Self::Full { .. } => (StatusCode::INSUFFICIENT_STORAGE, "insufficient_storage"),
        };
        let mut error = ApiError::new(status, id, self.to_string());
        if let Self::Full { cause } = self {
            error.cause = Some(cause.as_str().into());
        }
        error
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.error().into_response();
        let header = match &self {
            Self::Method => Some((ALLOW, "GET, HEAD, PUT".to_owned())),
            Self::Range { size } => Some((CONTENT_RANGE, format!("bytes */{size}"))),
            _ => None,
        };
        if let Some((name, value)) = header
            && let Ok(value) = value.try_into()
        {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<BlobError> for Refusal {
    fn from(error: BlobError) -> Self {
        let cause = Diagnosis::of(&error).one_line();
        if error.is_full() {
            Self::Full { cause }
        } else {
            Self::Internal { cause }
        }
    }
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::NotFound(resource) => Self::NotFound(resource),
            LedgerError::Refused(message) => Self::Refused(message),
            LedgerError::Failed(error) => {
                let cause = Diagnosis::of(&*error).one_line();
                if error.retryable() {
                    Self::Unavailable { cause }
                } else {
                    Self::Internal { cause }
                }
            }
        }
    }
}
