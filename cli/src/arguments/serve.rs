//! What the command line says of the server.

use super::parse_duration;
use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "It is ready when it prints its address to stdout. SIGTERM and SIGINT stop it when running requests have\n\
    ended, the second one at once; SIGHUP reads users and certificate again.\n\n\
    Users are EMAIL:TOKEN, one a line, from the file of --users, else from SLUGBUILDER_SERVE_USERS, else from the file\n\
    `users` of the data folder, which the first start makes with a random token. `serve hash-password EMAIL` makes the\n\
    line of a user who logs in with a password."
)]
pub(crate) struct ServeCommandArguments {
    #[command(subcommand)]
    pub(crate) action: Option<ServeAction>,
    #[command(flatten)]
    pub(crate) serve: ServeArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServeAction {
    /// Write everything that the server keeps into one new file, but for tokens and keys. The server may run.
    Backup(BackupArguments),
    /// Make a data folder of a backup; it must be empty, or not there yet.
    Restore(RestoreArguments),
    /// Print the hash of a password, for the users file. The password is asked for, or read from stdin.
    #[command(
        after_help = "    slugbuilder serve hash-password ann@example.com >> ~/.local/share/slugbuilder/server/users\n\n\
        The server reads the file again at SIGHUP. `heroku login -i` then takes the password."
    )]
    HashPassword(HashPasswordArguments),
}

#[derive(Debug, Args)]
pub(crate) struct HashPasswordArguments {
    /// The user whose line to print; the hash alone without one.
    #[arg(value_name = "EMAIL", value_parser = parse_email)]
    pub(crate) email: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    /// The file to write. It must not be there yet.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArguments,
    #[command(flatten)]
    pub(crate) blobs: BlobArguments,
    /// Print what it has as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArguments,
    #[command(flatten)]
    pub(crate) blobs: BlobArguments,
    /// Print what it has as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DataArguments {
    /// The folder of everything that the server keeps [default: ~/.local/share/slugbuilder/server].
    #[arg(long, env = "SLUGBUILDER_SERVE_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BlobArguments {
    /// Keep slugs in a bucket, `s3://BUCKET` or `s3://BUCKET/FOLDER`, and not in the data folder. `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` have the credentials.
    #[cfg(feature = "object-store")]
    #[arg(long, env = "SLUGBUILDER_SERVE_BLOBS", value_name = "URL")]
    pub(crate) blobs: Option<String>,
    /// The address of the S3-compatible store, if it is not that of AWS.
    #[cfg(feature = "object-store")]
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL")]
    pub(crate) blobs_endpoint: Option<String>,
    /// The bucket's region.
    #[cfg(feature = "object-store")]
    #[arg(long, env = "AWS_REGION", value_name = "NAME")]
    pub(crate) blobs_region: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) data: DataArguments,
    #[command(flatten)]
    pub(crate) blobs: BlobArguments,
    /// Where to listen: a port of this machine, or an address and a port. Port 0 takes a free one.
    #[arg(
        long,
        env = "SLUGBUILDER_SERVE_LISTEN",
        default_value = "127.0.0.1:5100",
        value_name = "ADDRESS",
        value_parser = parse_listen
    )]
    pub(crate) listen: SocketAddr,
    /// Where clients find the server, if that is elsewhere: scheme, host and port.
    #[arg(long, env = "SLUGBUILDER_SERVE_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Speak TLS, with a certificate made for the loopback addresses of this machine.
    #[arg(long)]
    pub(crate) tls: bool,
    /// Speak TLS with this certificate: a PEM file, with those that signed it after it.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// The private key of --certificate, in PEM form.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// Speak plain HTTP to other machines, too: something in front of the server brings TLS.
    #[arg(long)]
    pub(crate) allow_plain_http: bool,
    /// Who may use the server: a file that only you can read.
    #[arg(long, value_name = "FILE")]
    pub(crate) users: Option<PathBuf>,
    /// Refuse slugs that are larger than this many megabytes.
    #[arg(long, default_value_t = 500, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_slug_size: u64,
    #[command(flatten)]
    pub(crate) builds: BuildsArguments,
    /// How many requests each user may make in an hour.
    #[arg(long, default_value = "4500", value_name = "COUNT")]
    pub(crate) requests_per_hour: NonZeroU32,
    /// Print the address as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

fn parse_email(text: &str) -> Result<String, String> {
    if slugbuilder_platform::users::is_email(text) {
        Ok(text.to_owned())
    } else {
        Err("this is not an e-mail address".into())
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Builds")]
pub(crate) struct BuildsArguments {
    /// Build nothing: refuse `POST /apps/{app}/builds` and `git push`.
    #[arg(long)]
    pub(crate) no_builds: bool,
    /// How many builds run at once [default: as many as there are cores, two at least; one where they cannot share them
    /// fairly].
    #[arg(long, value_name = "COUNT", conflicts_with = "no_builds")]
    pub(crate) builds: Option<NonZeroUsize>,
    /// End a build after this long, for example 90s, 15m or 1h.
    #[arg(long, default_value = "15m", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) build_timeout: Duration,
    /// Refuse archives of sources, and pushes, that are larger than this many megabytes.
    #[arg(long, default_value_t = 1000, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_source_size: u64,
    /// Fetch sources also from addresses that only this machine or its network reaches.
    #[arg(long)]
    pub(crate) allow_private_sources: bool,
    /// Build also where no sandbox can be had: the code of users then runs with the rights of the server, or, where that is
    /// root, as a user of its own.
    #[arg(long)]
    pub(crate) builds_without_sandbox: bool,
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let local = match host {
        "" | "localhost" => port
            .parse()
            .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
            .ok(),
        _ => None,
    };
    local.or_else(|| text.parse().ok()).ok_or_else(|| {
        "use a port, or an address and a port: 5100, 127.0.0.1:5100, [::1]:5100".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_listen_on() {
        for (text, address) in [
            ("5100", "127.0.0.1:5100"),
            (":5100", "127.0.0.1:5100"),
            ("localhost:0", "127.0.0.1:0"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:5100", "[::1]:5100"),
        ] {
            assert_eq!(parse_listen(text), Ok(address.parse().unwrap()), "{text}");
        }
        for bad in [
            "",
            "127.0.0.1",
            "example.com:80",
            "::1",
            "70000",
            "localhost:",
        ] {
            assert!(parse_listen(bad).is_err(), "{bad}");
        }
    }
}
