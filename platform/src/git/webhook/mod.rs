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
use crate::builds::{BuildSource, BuildStatus, BuildsError, NewBuild};
use crate::http::ApiError;
use crate::http::answer::json;
use crate::http::body::PATIENCE;
use crate::http::linger::read_on;
use crate::settings::Builder;
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
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use tokio::time::timeout;
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
    /// The number of the newest push that is to be built of each app: older ones are left out.
    newest: Mutex<HashMap<Uuid, u64>>,
    /// The last number.
    last: AtomicU64,
    reach: Reach,
}

impl Queue {
    pub(super) fn new(builder: Option<&Builder>) -> Self {
        Self {
            reading: Semaphore::new(AT_ONCE),
            fetching: Semaphore::new(AT_ONCE),
            waiting: Arc::new(Semaphore::new(WAITING)),
            newest: Mutex::default(),
            last: AtomicU64::new(0),
            reach: Reach {
                transfers: builder
                    .map(|builder| builder.transfers.clone())
                    .unwrap_or_default(),
                allow_private: builder.is_some_and(|builder| builder.allow_private_sources),
            },
        }
    }

    /// A place in the order of an app's pushes, the last one.
    fn number(&self, app: Uuid) -> u64 {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        newest.insert(app, number);
        number
    }

    fn is_newest(&self, app: Uuid, number: u64) -> bool {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.get(&app) == Some(&number)
    }

    fn done(&self, app: Uuid, number: u64) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.get(&app) == Some(&number) {
            newest.remove(&app);
        }
    }
}

/// The address that webhooks send to, outside of the conventions of the API: a signature stands for the token.
pub(crate) fn routes(git: &Git) -> Router {
    Router::new()
        .route("/push-webhooks/{webhook}", post(receive))
        .method_not_allowed_fallback(
            |method: Method| async move { ApiError::unknown_endpoint(&method) },
        )
        .with_state(Arc::clone(&git.inner))
}

/// `POST /push-webhooks/{webhook}`
async fn receive(
    State(git): State<Arc<Inner>>,
    Path(webhook): Path<String>,
    request: Request,
) -> Response {
    let (parts, mut body) = request.into_parts();
    match git.take(&webhook, &parts.headers, &mut body).await {
        Ok(response) => response,
        Err(error) => {
            let mut response = error.into_response();
            read_on(&parts.headers, body, &mut response);
            response
        }
    }
}

/// An answer that GitHub shows among the deliveries.
fn message(status: StatusCode, text: &str) -> Response {
    json(status, &json!({ "message": text }))
}

/// What came of a push, for whoever set the webhook up.
type Outcome = Result<String, Failure>;

/// Why nothing came of it.
enum Failure {
    Theirs(String),
    Ours(String),
}

impl From<FetchFailure> for Failure {
    fn from(failure: FetchFailure) -> Self {
        match failure {
            FetchFailure::Theirs(text) => Self::Theirs(text),
            FetchFailure::Ours(error) => Self::Ours(Diagnosis::of(&error).one_line()),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Refused(text) => Self::Theirs(text),
            ExportError::Git(error) => Self::Ours(Diagnosis::of(&error).one_line()),
        }
    }
}

impl From<BuildsError> for Failure {
    fn from(error: BuildsError) -> Self {
        match error.fault() {
            Fault::App => Self::Theirs(error.to_string()),
            _ => Self::Ours(Diagnosis::of(&error).one_line()),
        }
    }
}

impl Inner {
    /// Hears what a webhook tells.
    async fn take(
        self: &Arc<Self>,
        id: &str,
        headers: &HeaderMap,
        body: &mut Body,
    ) -> Result<Response, ApiError> {
        // One spelling only, the one that addresses are made with.
        let found = match id.parse::<Uuid>() {
            Ok(parsed) if parsed.to_string() == id => self.store.push_webhook_by_id(parsed).await?,
            _ => None,
        };
        let (webhook, user) = found.ok_or_else(|| ApiError::not_found("push_webhook"))?;
        let unsigned = |text: &str| ApiError::new(StatusCode::FORBIDDEN, "forbidden", text);
        let signature = Signature::of(headers).ok_or_else(|| {
            unsigned("The event has no `X-Hub-Signature-256`. Please give the secret of the webhook to who sends it.")
        })?;
        let _one_of_few = self.webhooks.reading.acquire().await;
        let body = whole(body).await?;
        if !signature.fits(&webhook.secret, &body) {
            return Err(unsigned(
                "The event is not signed with the secret of the webhook.",
            ));
        }
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        match header("x-github-event").unwrap_or_default() {
            "push" => {}
            "ping" => return Ok(message(StatusCode::OK, "pong")),
            _ => {
                let text = "Nothing is built: only the event `push` is about that.";
                return Ok(message(StatusCode::OK, text));
            }
        }
        let is_form = headers.get(CONTENT_TYPE).is_some_and(|kind| {
            kind.as_bytes()
                .starts_with(b"application/x-www-form-urlencoded")
        });
        match payload::read(&body, is_form, &webhook.branch).map_err(ApiError::bad_request)? {
            Told::Nothing(why) => Ok(message(StatusCode::OK, &why)),
            Told::Build(pushed) => self.accept(webhook, user, pushed),
        }
    }

    /// Answers, and has the push built.
    fn accept(
        self: &Arc<Self>,
        webhook: PushWebhook,
        user: User,
        pushed: Pushed,
    ) -> Result<Response, ApiError> {
        if !self.builds_anything || self.tool().is_err() {
            return Err(ApiError::unavailable(
                "a webhook told of a push, and the server builds none: that needs git, and builds",
            ));
        }
        let waiting = Arc::clone(&self.webhooks.waiting)
            .try_acquire_owned()
            .map_err(|_| ApiError::unavailable("too many pushes wait that webhooks told of"))?;
        let text = format!("{} is being built.", pushed.commit);
        let number = self.webhooks.number(webhook.app.id);
        let git = Arc::clone(self);
        tokio::spawn(async move {
            let app = webhook.app.id;
            let outcome = git.build(&webhook, &user, &pushed, number).await;
            git.webhooks.done(app, number);
            git.write_down(webhook.id, outcome).await;
            drop(waiting);
        });
        Ok(message(StatusCode::ACCEPTED, &text))
    }

    /// Fetches and builds a commit; what came of it.
    async fn build(
        &self,
        webhook: &PushWebhook,
        user: &User,
        pushed: &Pushed,
        number: u64,
    ) -> Outcome {
        let app = webhook.app.id;
        let commit = &pushed.commit;
        let left_out = || Ok(format!("{commit} was left out: a newer push came."));
        let new = {
            let _one_of_few = self.webhooks.fetching.acquire().await;
            if !self.webhooks.is_newest(app, number) {
                return left_out();
            }
            self.record(webhook.id, &format!("{commit} is being fetched."))
                .await;
            let tool = self
                .tool()
                .map_err(|error| Failure::Ours(error.to_string()))?;
            let reach = &self.webhooks.reach;
            let fetched = fetch(tool, reach, &pushed.clone_url, commit, self.scratch()).await?;
            let source = Source {
                tool,
                repository: fetched.repository(),
                quarantine: None,
                commit,
            };
            let folder = self.builds.new_folder();
            let folder = folder.map_err(|error| Failure::Ours(error.to_string()))?;
            let exported = source.export(folder.path(), &self.scratch()).await?;
            (folder, exported)
        };
        if !self.webhooks.is_newest(app, number) {
            return left_out();
        }
        // That took its time, in which it may have been taken away, with its user, too.
        let webhook_now = self.store.push_webhook_by_id(webhook.id).await;
        if webhook_now.map_err(BuildsError::from)?.is_none() {
            return Ok(format!("{commit} was left out: the webhook is gone."));
        }
        let (folder, exported) = new;
        let new = NewBuild {
            source: BuildSource::Folder(folder.path().to_owned()),
            version: Some(commit.clone()),
            version_description: Some(exported.subject),
            buildpacks: None,
            source_date_epoch: Some(exported.time),
        };
        let build = self.builds.begin(user, &app.to_string(), new).await?;
        let mut warnings = String::new();
        for warning in &exported.warnings {
            warnings.push(' ');
            warnings.push_str(warning);
        }
        let text = format!("{commit} is being built (build {}).{warnings}", build.id);
        self.record(webhook.id, &text).await;
        let ended = self.builds.ended(build.id).await?;
        Ok(match (ended.status, ended.release) {
            (BuildStatus::Succeeded, Some((_, version))) => {
                format!("{commit} was released as v{version}.{warnings}")
            }
            (BuildStatus::Pending, _) => text,
            _ => format!(
                "{commit} was not released: its build {} failed.{warnings}",
                build.id
            ),
        })
    }

    async fn write_down(&self, webhook: Uuid, outcome: Outcome) {
        let text = match outcome {
            Ok(text) | Err(Failure::Theirs(text)) => text,
            Err(Failure::Ours(cause)) => {
                let text = format!("a push that a webhook told of is not built: {cause}");
                self.reporter.report(Event::Warning(&Warning::new(
                    "push-not-built",
                    printable(&text),
                )));
                "The server failed. Its operator can read why in its output.".into()
            }
        };
        self.record(webhook, &text).await;
    }

    /// Writes down what has become of a push.
    async fn record(&self, webhook: Uuid, text: &str) {
        let recorded = self
            .store
            .record_push_outcome(webhook, &printable(text))
            .await;
        if let Err(error) = recorded {
            let text = format!(
                "what became of a push could not be written down: {}",
                Diagnosis::of(&error).one_line()
            );
            self.reporter
                .report(Event::Warning(&Warning::new("push-not-recorded", text)));
        }
    }
}

/// A body in memory.
async fn whole(body: &mut Body) -> Result<Bytes, ApiError> {
    match timeout(PATIENCE, Limited::new(body, LIMIT).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::too_large(LIMIT)),
        Ok(Err(error)) => Err(ApiError::bad_request(format!(
            "The body of the request did not arrive: {error}."
        ))),
        Err(_) => Err(ApiError::timeout()),
    }
}
