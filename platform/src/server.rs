//! The server as a whole: what it is made of, and its life.

use crate::api::{self, State};
use crate::blobs::{BlobStore, Unrecorded};
use crate::builds::{self, Builds};
use crate::connections::{Listener, Peer, Rules};
use crate::error::ServerError;
use crate::git::{self, Git};
use crate::http::blobs::{self, Blobs, SourceLedger, UploadLimits};
use crate::http::{Conventions, RateLimiter, around_all};
use crate::private;
use crate::settings::{Settings, Tls};
use crate::signed_url::{BlobKind, DEFAULT_LIFETIME, Signer};
use crate::store::{Store, StoreError};
use crate::tls::{self, Identity};
use crate::users::Users;
use axum::Router;
use axum::http::Uri;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use jiff::Timestamp;
use slugbuilder_report::{Diagnosis, Event, Reporter, Warning};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinHandle, spawn_blocking};

/// How often certificates are read or made again.
const RENEWAL: Duration = Duration::from_hours(1);

/// A server that does not run yet.
#[derive(Debug, Clone, Copy)]
pub struct Server;

/// A server that runs, until it is told to stop or dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    url: String,
    authority: Option<PathBuf>,
    store: Store,
    git: Git,
    builds: Builds,
    handle: Handle<Peer>,
    rules: Arc<Rules>,
    grace: Duration,
    serving: JoinHandle<io::Result<()>>,
    certificate: Option<Arc<Certificate>>,
    renewing: Option<JoinHandle<()>>,
}

/// A certificate in use, where it is from, and who hears of what becomes of it.
struct Certificate {
    tls: Tls,
    data: PathBuf,
    config: RustlsConfig,
    reporter: Arc<dyn Reporter>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Certificate")
            .field("tls", &self.tls)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Opens the data folder and listens. Requests are answered when this returns, on the runtime that it was called on.
    ///
    /// `reporter` hears a line of every request, and of what went wrong in the server.
    pub async fn start(
        settings: Settings,
        reporter: Arc<dyn Reporter>,
    ) -> Result<Running, ServerError> {
        check_address(&settings)?;
        let url = settings
            .url
            .as_deref()
            .map(|url| external_url(url, &settings));
        let url = url.transpose()?;
        let opened = {
            let settings = settings.clone();
            let opened = spawn_blocking(move || Opened::from(&settings)).await;
            opened.map_err(|_| ServerError::Panicked)??
        };
        remove_unrecorded(&opened.store, &opened.blobs, &reporter).await?;
        if let Some(Users(users)) = settings.users.clone() {
            opened.store.put_users(users).await?;
        }

        let unusable = |source| ServerError::Listen {
            address: settings.listen,
            source,
        };
        let listener = TcpListener::bind(settings.listen).map_err(unusable)?;
        listener.set_nonblocking(true).map_err(unusable)?;
        let address = listener.local_addr().map_err(unusable)?;
        let scheme = if opened.identity.is_some() {
            "https"
        } else {
            "http"
        };
        let url = url.unwrap_or_else(|| format!("{scheme}://{address}"));

        let state = state(&settings, &opened, &url, &reporter).await?;
        let (builds, git) = (state.builds.clone(), state.git.clone());
        let router = routes(&settings, state, &reporter);
        let make_service = router.into_make_service_with_connect_info::<Peer>();
        let handle = Handle::new();
        let (listener, rules) =
            Listener::new(listener, settings.connections, settings.stall_timeout)
                .map_err(unusable)?;
        let server = axum_server::Server::<Peer>::from_listener(listener);
        let mut authority = None;
        let mut certificate = None;
        if let (Some(identity), Some(tls)) = (opened.identity, settings.tls) {
            tell_of_another(&identity, &*reporter);
            authority = identity.authority;
            certificate = Some(Arc::new(Certificate {
                tls,
                data: settings.data,
                config: RustlsConfig::from_config(identity.config),
                reporter,
            }));
        }
        let serving = if let Some(certificate) = &certificate {
            let acceptor = RustlsAcceptor::new(certificate.config.clone());
            let server = with_limits(server.acceptor(acceptor), &handle, settings.header_timeout);
            tokio::spawn(server.serve(make_service))
        } else {
            let server = with_limits(server, &handle, settings.header_timeout);
            tokio::spawn(server.serve(make_service))
        };
        let grace = settings.grace;
        let renewing = certificate
            .clone()
            .map(|certificate| tokio::spawn(renew(certificate)));
        Ok(Running {
            address,
            url,
            authority,
            store: opened.store,
            git,
            builds,
            handle,
            rules,
            grace,
            serving,
            certificate,
            renewing,
        })
    }
}

/// What requests are answered from. Builds that a server before this one had begun go on.
async fn state(
    settings: &Settings,
    opened: &Opened,
    url: &str,
    reporter: &Arc<dyn Reporter>,
) -> Result<State, ServerError> {
    let external_url: Arc<str> = url.into();
    let builds = Builds::open(
        &settings.data,
        builds::Parameters {
            builder: settings.builder.clone(),
            max_slug_size: settings.max_slug_size,
            store: opened.store.clone(),
            blobs: opened.blobs.clone(),
            signer: opened.signer.clone(),
            external_url: Arc::clone(&external_url),
            reporter: Arc::clone(reporter),
        },
    )?;
    let git = git::Parameters {
        program: settings.git.clone(),
        max_push_size: settings.max_push_size,
        builder: settings.builder.clone(),
        store: opened.store.clone(),
        builds: builds.clone(),
        external_url: Arc::clone(&external_url),
        reporter: Arc::clone(reporter),
    };
    let git = Git::open(&settings.data, git).await?;
    builds.resume().await?;
    Ok(State {
        store: opened.store.clone(),
        git,
        blobs: opened.blobs.clone(),
        signer: opened.signer.clone(),
        builds,
        external_url,
        url_lifetime: DEFAULT_LIFETIME,
    })
}

/// What the data folder has.
struct Opened {
    store: Store,
    blobs: BlobStore,
    signer: Signer,
    identity: Option<Identity>,
}

impl Opened {
    fn from(settings: &Settings) -> Result<Self, ServerError> {
        let data = &settings.data;
        private::folder(data).map_err(|source| ServerError::DataFolder {
            path: data.clone(),
            source,
        })?;
        // First: from now on no other server uses the folder.
        let store = Store::open(data)?;
        let blobs = settings.blobs.open(data)?;
        blobs.remove_abandoned()?;
        let tls = settings.tls.as_ref();
        Ok(Self {
            store,
            blobs,
            signer: Signer::open(data)?,
            identity: tls
                .map(|tls| tls::identity(tls, data, Timestamp::now()))
                .transpose()?,
        })
    }
}

/// Removes blobs that are in no ledger. A folder's before anyone can upload; a bucket, which may be slow, or away for a
/// while, does not keep the server from its start.
async fn remove_unrecorded(
    store: &Store,
    blobs: &BlobStore,
    reporter: &Arc<dyn Reporter>,
) -> Result<(), ServerError> {
    let recorded = store.uploaded_slugs().await?.into_iter().collect();
    if blobs.is_folder() {
        if let Unrecorded::Removed(removed @ 1..) = blobs.remove_unrecorded(&recorded).await? {
            reporter.report(Event::Note(&format!(
                "removed {removed} blobs that no slug has, left by a server that was killed"
            )));
        }
        return Ok(());
    }
    let (blobs, reporter) = (blobs.clone(), Arc::clone(reporter));
    tokio::spawn(async move {
        let message = match blobs.remove_unrecorded(&recorded).await {
            Ok(Unrecorded::Kept(kept @ 1..)) => format!(
                "{kept} blobs of the bucket are of no slug in this ledger; they stay, since another ledger may have them"
            ),
            Ok(_) => return,
            Err(error) => Diagnosis::of(&error).one_line(),
        };
        reporter.report(Event::Warning(&Warning::new("blobs-unrecorded", message)));
    });
    Ok(())
}

impl Running {
    /// Where it listens; the port is the one it got.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients find it, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether apps can be pushed to and cloned: there is a git that can be used.
    #[must_use]
    pub fn has_git(&self) -> bool {
        self.git.is_usable()
    }

    /// The certificate of the authority that clients are to trust, where it is one of this machine.
    #[must_use]
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// Replaces the users and tokens of the settings. Builds of those who are no longer among them end.
    pub async fn replace_users(&self, users: Users) -> Result<(), StoreError> {
        self.store.put_users(users.0).await?;
        self.builds.end_failed().await
    }

    /// Reads or makes the certificate again, for new connections; the server does so every hour by itself.
    pub async fn renew_certificate(&self) -> Result<(), ServerError> {
        match &self.certificate {
            Some(certificate) => certificate.renew().await,
            None => Ok(()),
        }
    }

    /// Takes no new connections, lets running requests end within [`Settings::grace`], and ends. Clients that read nothing
    /// of an answer are not waited for that long.
    pub async fn shutdown(mut self) -> Result<(), ServerError> {
        self.git.stop();
        self.rules.stop();
        self.handle.graceful_shutdown(Some(self.grace));
        self.builds.stop().await;
        match (&mut self.serving).await {
            Ok(ended) => ended.map_err(ServerError::Serving),
            Err(_) => Err(ServerError::Panicked),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown();
        if let Some(renewing) = &self.renewing {
            renewing.abort();
        }
    }
}

/// Everything that the server answers: the API within its conventions, and the addresses that are a credential of their
/// own outside of them.
pub fn routes(settings: &Settings, state: State, reporter: &Arc<dyn Reporter>) -> Router {
    let limiter = RateLimiter::new(settings.requests_per_hour);
    let open = api::open_paths().collect();
    let conventions = Conventions::new(state.store.clone(), limiter, open);
    let blobs = blobs::routes(Blobs {
        store: state.blobs.clone(),
        signer: state.signer.clone(),
        ledger: state.store.clone(),
        limits: UploadLimits {
            max_size: settings.max_slug_size,
            ..UploadLimits::default()
        },
        reporter: Arc::clone(reporter),
    });
    let git = state.git.clone();
    let sources = blobs::routes(Blobs {
        store: state.builds.sources().clone(),
        signer: state.signer.of(BlobKind::Source),
        ledger: SourceLedger(state.store.clone()),
        limits: UploadLimits {
            max_size: state.builds.max_source_size(),
            ..UploadLimits::default()
        },
        reporter: Arc::clone(reporter),
    });
    let routes = conventions
        .around(api::router().with_state(state.clone()))
        .merge(blobs)
        .merge(sources)
        .merge(git::routes(&git))
        .merge(api::signed_router().with_state(state));
    around_all(git::around(git, routes), Arc::clone(reporter))
}

/// HTTP/1.1 only, and no client may keep a connection without sending.
fn with_limits<A>(
    server: axum_server::Server<Peer, A>,
    handle: &Handle<Peer>,
    header_timeout: Duration,
) -> axum_server::Server<Peer, A> {
    let mut server = server.http1_only().handle(handle.clone());
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout);
    server
}

impl Certificate {
    async fn renew(self: &Arc<Self>) -> Result<(), ServerError> {
        let current = Arc::clone(self);
        let identity = move || tls::identity(&current.tls, &current.data, Timestamp::now());
        let identity = spawn_blocking(identity)
            .await
            .map_err(|_| ServerError::Panicked)??;
        tell_of_another(&identity, &*self.reporter);
        self.config.reload_from_config(identity.config);
        Ok(())
    }
}

/// Says that clients have to trust another authority than they did: until then none of them connects.
fn tell_of_another(identity: &Identity, reporter: &dyn Reporter) {
    if let (true, Some(authority)) = (identity.replaced, &identity.authority) {
        let message = format!(
            "the authority of this machine's certificate was in its last year, or not whole, and is another one now: clients \
             have to trust `{}` anew",
            authority.display()
        );
        reporter.report(Event::Warning(&Warning::new("authority-replaced", message)));
    }
}

async fn renew(certificate: Arc<Certificate>) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        if let Err(error) = certificate.renew().await {
            let message = Diagnosis::of(&error).one_line();
            let message = format!("the certificate stays as it is: {message}");
            let warning = Warning::new("certificate-kept", message);
            certificate.reporter.report(Event::Warning(&warning));
        }
    }
}

/// Whether the server may listen there as it is.
fn check_address(settings: &Settings) -> Result<(), ServerError> {
    let address = settings.listen;
    let is_loopback = address.ip().is_loopback();
    match settings.tls {
        None if !is_loopback && !settings.allow_plain => Err(ServerError::Plain { address }),
        Some(Tls::Local) if !is_loopback => Err(ServerError::LocalCertificate { address }),
        _ if address.ip().is_unspecified() && settings.url.is_none() => {
            Err(ServerError::UrlNeeded { address })
        }
        _ => Ok(()),
    }
}

/// `url` without a slash at the end, if it is the address of a server.
fn external_url(url: &str, settings: &Settings) -> Result<String, ServerError> {
    let wrong = |problem| ServerError::Url {
        url: url.to_owned(),
        problem,
    };
    let uri: Uri = url.parse().map_err(|_| wrong("it is not a URL"))?;
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri
        .authority()
        .map_or("", axum::http::uri::Authority::as_str);
    if !matches!(scheme, "http" | "https") {
        return Err(wrong("it does not start with `http://` or `https://`"));
    }
    if authority.is_empty() || authority.contains('@') {
        return Err(wrong("it has no host, or a user name before it"));
    }
    if uri.path() != "/" || uri.query().is_some() || url.contains('#') {
        return Err(wrong("clients do not take an address with a path"));
    }
    if scheme == "http" && settings.tls.is_some() {
        return Err(wrong(
            "the server speaks TLS, so that it starts with `https://`",
        ));
    }
    Ok(format!("{scheme}://{authority}"))
}
