//! Webhooks that tell of pushes elsewhere, in the form of GitHub's: what is pushed to the branch of a webhook is fetched and
//! built, in the name of whoever set it up.
//!
//! The answer comes before that is done, since GitHub waits for ten seconds; what became of it stands in the webhook.

mod fetch;
mod payload;
mod signature;

pub(crate) use signature::new_secret;

use super::tree::{ExportError, Source};
use super::{Git, Inner};
use crate::builds::{BuildSource, BuildStatus, NewBuild};
use crate::http::ApiError;
use crate::http::answer::json;
use crate::http::body::PATIENCE;
use crate::http::linger::read_on;
use crate::store::{PushWebhook, User};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use fetch::{FetchFailure, Reach, fetch};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use payload::{Pushed, Told};
use serde_json::json;
use signature::Signature;
use slugbuilder_report::{Diagnosis, Event, Explain as _, Fault, Warning, printable};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Bytes that an event may have: GitHub sends no larger ones.
const LIMIT: usize = 25 << 20;
/// Events that are read, and commits that are fetched, at once.
const AT_ONCE: usize = 4;
/// Pushes that wait to be fetched or built.
const WAITING: usize = 64;

/// The pushes that webhooks told of.
#[derive(Debug)]
pub(super) struct Queue {
    reading: Semaphore,
    fetching: Semaphore,
    waiting: Arc<Semaphore>,
    /// The number of the newest push to each app, and its turn.
    newest: Mutex<HashMap<Uuid, Newest>>,
    reach: Option<Reach>,
}
