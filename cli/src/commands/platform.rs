//! What the commands on the Platform API share: which API, whose token, which app.

pub(super) mod text;

use crate::arguments::{ApiArguments, AppArguments, CacheArguments};
use crate::failure::{Failure, SignalError, UsageError, WaitingInterrupted};
use crate::printer::{Printer, size};
use crate::signals::{self, Forced};
use crate::{credentials, environment, git_remote};
use nix::unistd::{AccessFlags, access};
use serde_json::Value;
use slugbuilder::api::types::{App, Release, ReleaseStatus, Slug};
use slugbuilder::api::{API_URL, Api, Origin, Published, follow};
use slugbuilder::sandbox::Interrupt;
use slugbuilder::stop::Stop;
use slugbuilder_fetch::{Address, redacted};
use slugbuilder_report::{Event, Explain as _, Reporter as _, Warning};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// An API that can be spoken to, until somebody interrupts.
pub(super) struct Connection {
    pub(super) api: Api,
    /// When to end before the work is done.
    pub(super) stop: Stop,
}

/// What an API is spoken to for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Nothing there becomes other than it was.
    Read,
    /// Something does.
    Change,
}

impl Connection {
    /// To the API that is meant. Nothing is sent yet.
    pub(super) fn new(arguments: &ApiArguments, purpose: Purpose) -> Result<Self, Failure> {
        let forced = match purpose {
            // A download that is under way has a file to remove.
            Purpose::Read => Forced::Soon,
            Purpose::Change => Forced::AtOnce,
        };
        let requests = signals::watch(forced).map_err(SignalError)?;
        let connection = Self::until(arguments, &requests.stop)?;
        connection.wait_no_longer(&requests.stop, purpose)?;
        Ok(connection)
    }

    /// From now on, `interrupt` also ends the waiting for an answer.
    pub(super) fn wait_no_longer(
        &self,
        interrupt: &Interrupt,
        purpose: Purpose,
    ) -> Result<(), SignalError> {
        let url = self.api.url().to_owned();
        let changes = purpose == Purpose::Change;
        let last_words = WaitingInterrupted { url, changes }.diagnosis();
        signals::end_what_waits(interrupt, last_words).map_err(SignalError)
    }

    /// The same for a command that watches for signals itself, and has more to do than to wait.
    pub(super) fn until(arguments: &ApiArguments, interrupt: &Interrupt) -> Result<Self, Failure> {
        let host = environment::host();
        let url = api_url(arguments.api_url.as_deref())?;
        // Before a token is looked for: it is not for everyone on the way to read.
        if Address::of(&url).is_ok_and(|address| !address.secure && !address.loopback) {
            return Err(UsageError::UnencryptedApi { url }.into());
        }
        let token = credentials::token(arguments, &url, &host)?;
        let stop = Stop::new(interrupt, None);
        let api = Api::new(environment::transfers(&host), &url, token)?;
        Ok(Self {
            api: api.stopping(stop.clone()),
            stop,
        })
    }

    /// Follows the release phase of a release, where it has one, to its end. A release that has ended may have ended badly:
    /// one whose answer was lost is found later.
    pub(super) fn follow(&self, release: &Release, printer: &Printer) -> Result<Release, Failure> {
        if release.status == ReleaseStatus::Pending {
            let (version, app) = (release.version, &release.app.name);
            printer.report(Event::Step(&format!(
                "Release phase of v{version} of {app}"
            )));
        }
        Ok(follow(&self.api, release, &self.stop, printer)?)
    }
}

/// The address that `--api-url` or `HEROKU_HOST` stands for, a bare name as Heroku's tools read it (`platform-api.md` of
/// the reference, 3.1).
fn api_url(given: Option<&str>) -> Result<String, UsageError> {
    match given {
        None => Ok(API_URL.to_owned()),
        Some(url) if url.contains("://") => Ok(url.trim_end_matches('/').to_owned()),
        Some(name) if is_domain(name) => Ok(format!("https://api.{name}")),
        Some(other) => Err(UsageError::ApiName {
            // Without a scheme, a password would not be known as one.
            name: other.rsplit('@').next().unwrap_or(other).to_owned(),
        }),
    }
}

/// Whether `api.` before it makes a host. An IP address, a port or a path does not.
fn is_domain(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.split('.').all(part) && name.parse::<Ipv4Addr>().is_err()
}

/// The app that is meant: the one that is named, else that of the git work tree around `folder`.
pub(super) fn app(arguments: &AppArguments, folder: &Path) -> Result<String, UsageError> {
    let named = arguments.app.clone();
    named
        .or_else(|| git_remote::app(folder))
        .ok_or(UsageError::NoApp)
}

/// The same for commands that have no folder of their own.
pub(super) fn app_here(arguments: &AppArguments) -> Result<String, UsageError> {
    app(arguments, Path::new("."))
}

/// The stack that an app's next slug is for.
pub(super) fn build_stack(app: &App) -> &str {
    &app.build_stack.as_ref().unwrap_or(&app.stack).name
}

/// Where it is written down which uploads were not released yet. Nowhere if there is no place for it, which is said: then
/// an upload that is interrupted is not known of later.
pub(super) fn state_folder(arguments: &CacheArguments, printer: &Printer) -> Option<PathBuf> {
    let folder = match environment::cache_dir(arguments) {
        Ok(cache) => cache.join("uploads-v1"),
        Err(error) => {
            printer.warning(&without_state(&error.to_string()));
            return None;
        }
    };
    let usable = fs_err::create_dir_all(&folder)
        .and_then(|()| access(&folder, AccessFlags::W_OK).map_err(std::io::Error::from));
    match usable {
        Ok(()) => Some(folder),
        Err(error) => {
            let why = format!("`{}`: {error}", folder.display());
            printer.warning(&without_state(&why));
            None
        }
    }
}

fn without_state(why: &str) -> Warning {
    Warning::new(
        "no-upload-state",
        format!("an upload that is interrupted will not be known of later: {why}"),
    )
    .hint("Name a folder that can be written with `--cache-dir`.")
}

/// A slug for scripts: without the address of its bytes, which is a credential.
pub(super) fn slug_json(slug: &Slug) -> Value {
    let mut json = serde_json::to_value(slug).unwrap_or_default();
    if let Some(attributes) = json.as_object_mut() {
        attributes.remove("blob");
    }
    json
}

/// The same of a slug that is there. The record of one that was uploaded just now was made before its size was known.
pub(super) fn published_json(published: &Published) -> Value {
    let mut slug = published.slug.clone();
    slug.size = slug.size.or(Some(published.bytes));
    slug_json(&slug)
}

/// A release for scripts: where its output is, without what lets everyone read it there.
pub(super) fn release_json(release: &Release) -> Value {
    let mut release = release.clone();
    release.output_stream_url = release.output_stream_url.as_deref().map(redacted);
    serde_json::to_value(release).unwrap_or_default()
}

/// How a slug came to its app, as the end of a sentence.
pub(super) fn origin(published: &Published) -> String {
    match published.origin {
        Origin::Uploaded => format!("uploaded, {}", size(published.bytes)),
        Origin::Released { version } => format!("that of v{version}"),
        Origin::UploadedEarlier { .. } => "uploaded earlier".into(),
    }
}

/// Whether a slug was there, so that nothing was uploaded.
pub(super) fn is_reused(published: &Published) -> bool {
    published.origin != Origin::Uploaded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_as_herokus_tools_read_it() {
        for (given, url) in [
            (None, API_URL),
            (Some("heroku.com"), API_URL),
            (Some("https://api.heroku.com/"), API_URL),
            (Some("http://127.0.0.1:5000"), "http://127.0.0.1:5000"),
        ] {
            assert_eq!(api_url(given).unwrap(), url);
        }
        for bad in [
            "",
            "127.0.0.1",
            "127.0.0.1:5100",
            "localhost:5100",
            "http:/x",
            "[::1]",
            "a/b",
            "me:secret@heroku.com",
        ] {
            let error = api_url(Some(bad)).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
