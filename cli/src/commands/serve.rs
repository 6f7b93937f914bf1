//! `slugbuilder serve`

mod announcement;
mod backup;
mod hash_password;

use crate::arguments::{
    BuildsArguments, OutputArguments, ServeAction, ServeArguments, ServeCommandArguments,
};
use crate::environment;
use crate::failure::{Failure, SignalError};
use crate::printer::Printer;
use slugbuilder_platform::{Builder, Server, ServerError, Settings, Tls, Users};
use slugbuilder_report::{Fault, Warning};
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Variable of the environment that names users.
const USERS: &str = "SLUGBUILDER_SERVE_USERS";

pub(super) fn run(
    arguments: &ServeCommandArguments,
    output: &OutputArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    match &arguments.action {
        Some(ServeAction::Backup(arguments)) => backup::back_up(arguments),
        Some(ServeAction::Restore(arguments)) => backup::restore(arguments),
        Some(ServeAction::HashPassword(arguments)) => hash_password::run(arguments, printer),
        None => serve(&arguments.serve, output, printer),
    }
}

fn serve(
    arguments: &ServeArguments,
    output: &OutputArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let data = environment::data_dir(&arguments.data)?;
    let source = UsersSource::of(arguments, &data);
    let users = source.is_there().then(|| source.read(printer));
    let users = users.transpose()?;
    let settings = Settings {
        blobs: environment::blobs(&arguments.blobs),
        listen: arguments.listen,
        url: arguments.url.clone(),
        tls: tls(arguments),
        allow_plain: arguments.allow_plain_http,
        users,
        max_slug_size: super::megabytes(arguments.max_slug_size),
        requests_per_hour: arguments.requests_per_hour,
        builder: builder(&arguments.builds),
        git: environment::git(),
        max_push_size: super::megabytes(arguments.builds.max_source_size),
        ..Settings::new(data)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ServerError::Serving)?;
    let reporter = Arc::new(Printer::new(output));
    let ended = runtime.block_on(async {
        // Before anything else: a signal that comes early is not lost.
        let mut signals = Signals::new().map_err(SignalError)?;
        let server = Server::start(settings.clone(), reporter).await?;
        // Only now the folder is known to be nobody else's.
        if settings.users.is_none() {
            let users = source.read(printer)?;
            server.replace_users(users).await?;
        }
        announcement::announce(arguments, &server, &source, &settings, printer)?;
        while signals.next().await == Request::Reload {
            reload(&server, &source, printer).await;
        }
        printer.say("Stopping when running requests have ended; stop again not to wait");
        tokio::select! {
            stopped = server.shutdown() => stopped.map(|()| ExitCode::SUCCESS).map_err(Failure::from),
            () = signals.stopped() => Ok(ExitCode::from(Fault::TryLater.exit_code())),
        }
    });
    // What still runs was asked twice not to.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

/// What builds: this very program, whatever its file has become since it was started.
fn builder(arguments: &BuildsArguments) -> Option<Builder> {
    if arguments.no_builds {
        return None;
    }
    let own = Builder::new("/proc/self/exe");
    let host = environment::host();
    Some(Builder {
        transfers: environment::transfers(&host),
        environment: environment::of_builds(host),
        at_once: arguments.builds,
        timeout: arguments.build_timeout,
        max_source_size: super::megabytes(arguments.max_source_size),
        allow_private_sources: arguments.allow_private_sources,
        without_sandbox: arguments.builds_without_sandbox,
        ..own
    })
}

fn tls(arguments: &ServeArguments) -> Option<Tls> {
    match (&arguments.certificate, &arguments.key) {
        (Some(certificate), Some(key)) => Some(Tls::Own {
            certificate: certificate.clone(),
            key: key.clone(),
        }),
        _ => arguments.tls.then_some(Tls::Local),
    }
}

/// Users and certificate as they are now; what cannot be read leaves the server as it is.
async fn reload(server: &slugbuilder_platform::Running, source: &UsersSource, printer: &Printer) {
    let users = match source.read(printer) {
        Ok(users) => server.replace_users(users).await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    let certificate = server.renew_certificate().await.map_err(Failure::from);
    let mut kept = false;
    for (what, result) in [("users", users), ("certificate", certificate)] {
        if let Err(Failure(diagnosis)) = result {
            let message = format!("not read again, the {what}: {}", diagnosis.one_line());
            printer.warning(&Warning::new("not-reloaded", message));
            kept = true;
        }
    }
    if !kept {
        printer.say("Read users and certificate again");
    }
}

/// Where the users are from.
pub(super) enum UsersSource {
    /// A file that was named.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// The file of the data folder, which is made where there is none.
    DataFolder(PathBuf),
}

impl UsersSource {
    fn of(arguments: &ServeArguments, data: &std::path::Path) -> Self {
        match (&arguments.users, environment::text(USERS)) {
            (Some(file), _) => Self::File(file.clone()),
            (None, Some(text)) => Self::Variable(text),
            (None, None) => Self::DataFolder(data.join("users")),
        }
    }

    /// The file, if they are from one.
    pub(super) fn file(&self) -> Option<&std::path::Path> {
        match self {
            Self::File(file) | Self::DataFolder(file) => Some(file),
            Self::Variable(_) => None,
        }
    }

    /// Whether the users are there already: the data folder's are made by the server that it belongs to.
    fn is_there(&self) -> bool {
        match self {
            Self::File(_) | Self::Variable(_) => true,
            Self::DataFolder(file) => file.exists(),
        }
    }

    fn read(&self, printer: &Printer) -> Result<Users, Failure> {
        Ok(match self {
            Self::File(file) => Users::read(file)?,
            Self::Variable(text) => Users::parse(text, &format!("`{USERS}`"))?,
            Self::DataFolder(file) if file.exists() => Users::read(file)?,
            Self::DataFolder(file) => {
                let users = Users::make(file)?;
                printer.say(&format!(
                    "Made `{}` with the user {} and a random token; only you can read it",
                    file.display(),
                    slugbuilder_platform::users::FIRST_USER
                ));
                users
            }
        })
    }
}

/// What someone asks of a running server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    Stop,
    Reload,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// Whether the end of the terminal is that of the server.
    on_terminal: bool,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            on_terminal: io::stdin().is_terminal(),
        })
    }

    async fn next(&mut self) -> Request {
        tokio::select! {
            _ = self.terminate.recv() => Request::Stop,
            _ = self.interrupt.recv() => Request::Stop,
            _ = self.hang_up.recv() => if self.on_terminal { Request::Stop } else { Request::Reload },
        }
    }

    async fn stopped(&mut self) {
        while self.next().await != Request::Stop {}
    }
}
