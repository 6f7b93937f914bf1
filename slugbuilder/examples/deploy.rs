//! A deployment script of one's own: publishes a slug, releases it and follows its release phase.
//!
//! ```sh
//! slugbuilder compile . --output slug.tgz
//! HEROKU_API_KEY=… cargo run -p slugbuilder --example deploy -- example slug.tgz
//! ```
//!
//! The slug's manifest lies beside it, as `slugbuilder compile` leaves it. `HEROKU_HOST` names another platform than Heroku,
//! as for `slugbuilder` and `heroku`, and `SSL_CERT_FILE` who signs its certificate. The library prints nothing and reads no
//! environment: this file does.

use slugbuilder::api::types::Release;
use slugbuilder::api::{
    API_URL, Api, FlowError, LONGEST_RELEASE_PHASE, Publication, ReleaseOrder, Token, TokenError,
    follow, publish, release,
};
use slugbuilder::sandbox::Interrupt;
use slugbuilder::slug::Manifest;
use slugbuilder::stop::Stop;
use slugbuilder_fetch::Settings;
use slugbuilder_report::{Diagnosis, Event, Reporter, Style};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [app, slug] = &arguments[..] else {
        say("usage: deploy APP SLUG");
        return ExitCode::from(2);
    };
    let url = match variable("HEROKU_HOST") {
        None => API_URL.to_owned(),
        Some(url) if url.contains("://") => url,
        Some(host) => format!("https://api.{host}"),
    };
    let interrupt = match Interrupt::new() {
        Ok(interrupt) => interrupt,
        Err(error) => {
            say(&format!("no pipe can be made: {error}"));
            return ExitCode::from(74);
        }
    };
    // A handler for signals would raise `interrupt`.
    let deployed = token(&url)
        .map_err(|error| FlowError::Api(error.into()))
        .and_then(|token| {
            let api = Api::new(settings(), &url, token)?;
            let api = api.stopping(Stop::new(&interrupt, None));
            deploy(&api, app, Path::new(slug), &interrupt, &Printer)
        });
    match deployed {
        Ok(release) => {
            say(&format!("{app} runs v{}", release.version));
            ExitCode::SUCCESS
        }
        Err(error) => {
            let diagnosis = Diagnosis::of(&error);
            say(&diagnosis.render(Style::Plain));
            ExitCode::from(diagnosis.fault.exit_code())
        }
    }
}

/// Who signs certificates is said by `SSL_CERT_FILE`, as for curl.
fn settings() -> Settings {
    Settings {
        ca_file: variable("SSL_CERT_FILE").map(Into::into),
        ..Settings::default()
    }
}

/// A variable of the environment. One that is empty is none: that is how CI says so.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The token, where Heroku's own tools look for it.
fn token(url: &str) -> Result<Token, TokenError> {
    if let Some(key) = variable("HEROKU_API_KEY") {
        return Token::new(&key);
    }
    let home = variable("HOME").unwrap_or_default();
    let token = Token::from_netrc(&Path::new(&home).join(".netrc"), url)?;
    // An empty token explains what to do.
    token.map_or_else(|| Token::new(""), Ok)
}

/// Where the manifest of `slug` is: `app.json` beside `app.tgz` or `app.tar.gz`.
pub(crate) fn manifest(slug: &Path) -> PathBuf {
    let stem = slug.with_extension("");
    let is_tar = stem.extension().is_some_and(|extension| extension == "tar");
    if is_tar { stem } else { slug.to_owned() }.with_extension("json")
}

/// Deploys `slug` to `app`, until `interrupt` is raised. Its release phase gets the time that a platform gives it.
pub(crate) fn deploy(
    api: &Api,
    app: &str,
    slug: &Path,
    interrupt: &Interrupt,
    reporter: &dyn Reporter,
) -> Result<Release, FlowError> {
    let record = Manifest::read(&manifest(slug))?.slug;
    let published = publish(
        api,
        &Publication {
            app,
            slug,
            record: &record,
            // The same slug is not uploaded twice.
            force_upload: false,
            // A folder here lets the next run go on after an interruption.
            state: None,
        },
        reporter,
    )?;
    // Without a description the release is named by the commit, where the slug has one.
    let description = record
        .commit
        .as_deref()
        .map(|commit| format!("Deploy {}", commit.get(..8).unwrap_or(commit)));
    let released = release(
        api,
        &ReleaseOrder {
            app,
            slug: published.slug.id,
            description: description.as_deref(),
            state: None,
        },
        reporter,
    )?;
    let deadline = Instant::now() + LONGEST_RELEASE_PHASE;
    let stop = Stop::new(interrupt, Some(deadline));
    follow(api, &released.release, &stop, reporter)
}

/// Tells of everything, a line each.
struct Printer;

impl Reporter for Printer {
    fn report(&self, event: Event<'_>) {
        match event {
            Event::Note(text) => say(text),
            Event::Warning(warning) => say(warning.render(Style::Plain).trim_end()),
            Event::Output(line) => say(&String::from_utf8_lossy(line)),
            Event::Started { name, total, .. } => {
                say(&format!("sending {name}: {} bytes", total.unwrap_or(0)));
            }
            _ => {}
        }
    }
}

#[expect(clippy::print_stderr, reason = "this is a program, not the library")]
fn say(text: &str) {
    eprintln!("{text}");
}
