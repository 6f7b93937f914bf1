//! Why a request about a blob is not done.

use crate::blobs::BlobError;
use crate::http::blobs::LedgerError;
use crate::signed_url::UrlError;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_RANGE};
use axum::response::{IntoResponse, Response};
use slugbuilder_report::Diagnosis;
use std::time::Duration;

#[derive(Debug)]
pub(super) enum Refusal {
    Url(UrlError),
    Method,
    NotFound,
    NotUploaded,
    Empty,
    Partial,
    Incomplete {
        received: u64,
    },
    Idle(Duration),
    TooLarge {
        limit: u64,
    },
    Checksum {
        expected: String,
        found: String,
    },
    OtherBytes {
        sha256: String,
    },
    Refused(String),
    Precondition,
    Range {
        size: u64,
    },
    /// The text is for the log.
    Internal(String),
    /// The same.
    Full(String),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Url(UrlError::Damaged(_))
            | Self::Empty
            | Self::Partial
            | Self::Incomplete { .. } => StatusCode::BAD_REQUEST,
            Self::Url(_) => StatusCode::FORBIDDEN,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound | Self::NotUploaded => StatusCode::NOT_FOUND,
            Self::Idle(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Checksum { .. } | Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::OtherBytes { .. } => StatusCode::CONFLICT,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::Range { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    fn id(&self) -> &'static str {
        match self {
            Self::Url(UrlError::Unsigned) => "url_not_signed",
            Self::Url(UrlError::WrongSignature) => "url_signature",
            Self::Url(UrlError::WrongMethod { .. }) => "url_method",
            Self::Url(UrlError::Expired(_)) => "url_expired",
            Self::Url(UrlError::Damaged(_))
            | Self::Empty
            | Self::Partial
            | Self::Incomplete { .. } => "bad_request",
            Self::Method => "method_not_allowed",
            Self::NotFound | Self::NotUploaded => "not_found",
            Self::Idle(_) => "timeout",
            Self::TooLarge { .. } => "too_large",
            Self::Checksum { .. } => "checksum_mismatch",
            Self::Refused(_) => "invalid_params",
            Self::OtherBytes { .. } => "conflict",
            Self::Precondition => "precondition_failed",
            Self::Range { .. } => "requested_range_not_satisfiable",
            Self::Internal(_) => "internal_server_error",
            Self::Full(_) => "insufficient_storage",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Url(error) => error.to_string(),
            Self::Method => "A blob is uploaded with PUT and downloaded with GET.".into(),
            Self::NotFound => "Couldn't find that slug.".into(),
            Self::NotUploaded => "Nothing was uploaded for that slug yet.".into(),
            Self::Empty => "The upload is empty: send the slug's archive as the body.".into(),
            Self::Partial => {
                "A slug is uploaded as a whole: leave out the `Content-Range` header.".into()
            }
            Self::Incomplete { received } => {
                format!(
                    "The upload broke off after {received} bytes. Nothing was kept; send it again."
                )
            }
            Self::Idle(timeout) => format!(
                "Nothing came for {} seconds. Nothing was kept; send it again.",
                timeout.as_secs()
            ),
            Self::TooLarge { limit } => {
                format!("The upload is larger than the {limit} bytes that this server takes.")
            }
            Self::Checksum { expected, found } => format!(
                "The upload has the SHA-256 {found}, and the slug's checksum says {expected}. Nothing was kept; send it \
                 again, or create a slug with the checksum of this archive."
            ),
            Self::OtherBytes { sha256 } => format!(
                "Other bytes were uploaded for that slug before, with the SHA-256 {sha256}, and a slug never changes. Create \
                 a new slug for these."
            ),
            Self::Refused(message) => message.clone(),
            Self::Precondition => {
                "The blob is not the one that the `If-Match` header names.".into()
            }
            Self::Range { size } => {
                format!("The blob has {size} bytes, and the `Range` header asks for none of them.")
            }
            Self::Internal(_) => {
                "Internal server error. Its cause is in the server's output.".into()
            }
            Self::Full(_) => {
                "The server's disk is full. Nothing was kept; send it again when there is space."
                    .into()
            }
        }
    }
}

impl Refusal {
    /// What went wrong in the server, which clients are not told.
    pub(super) fn cause(&self) -> Option<&str> {
        match self {
            Self::Internal(cause) | Self::Full(cause) => Some(cause),
            _ => None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "id": self.id(), "message": self.message() });
        let mut response = (self.status(), Json(body)).into_response();
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
        let text = Diagnosis::of(&error).render(slugbuilder_report::Style::Plain);
        if error.is_full() {
            Self::Full(text)
        } else {
            Self::Internal(text)
        }
    }
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::NotFound => Self::NotFound,
            LedgerError::Refused(message) => Self::Refused(message),
            LedgerError::Failed(error) => Self::Internal(error.to_string()),
        }
    }
}
