//! A deployment script of one's own: publishes a slug, releases it and follows its release phase.
//!
//! ```sh
//! slugbuilder compile . --output slug.tgz
//! HEROKU_API_KEY=… cargo run -p slugbuilder --example deploy -- example slug.tgz
//! ```
//!
//! The slug's manifest lies beside it, as `slugbuilder compile` leaves it. `API_URL` names another platform than Heroku, `SSL_CERT_FILE` who signs its certificate. The library prints nothing and reads no environment: this file does.

use slugbuilder::api::types::Release;
use slugbuilder::api::{
    API_URL, Api, FlowError, Publication, ReleaseOrder, Token, TokenError, follow, publish, release,
};
use slugbuilder::sandbox::Interrupt;
use slugbuilder::slug::Manifest;
use slugbuilder::stop::Stop;
use slugbuilder_fetch::Settings;
use slugbuilder_report::{Diagnosis, Event, Reporter, Style};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a release phase may take: an hour, as on Heroku.
const RELEASE_PHASE: Duration = Duration::from_hours(1);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [app, slug] = &arguments[..] else {
        say("usage: deploy APP SLUG");
        return ExitCode::from(2);
    };
    let url = std::env::var("API_URL").unwrap_or_else(|_| API_URL.to_owned());
    let interrupt = match Interrupt::new() {
        Ok(interrupt) => interrupt,
        Err(error) => {
            say(&format!("no pipe can be made: {error}"));
            return ExitCode::from(74);
        }
    };
    // A handler for signals would raise `interrupt`.
    let stop = Stop::new(&interrupt, Some(Instant::now() + RELEASE_PHASE));
    let deployed = token(&url)
        .map_err(|error| FlowError::Api(error.into()))
        .and_then(|token| {
            let api = Api::new(settings(), &url, token)?;
            let api = api.stopping(stop.clone());
            deploy(&api, app, Path::new(slug), &stop, &Printer)
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
        ca_file: std::env::var_os("SSL_CERT_FILE").map(Into::into),
        ..Settings::default()
    }
}

/// The token, where Heroku's own tools look for it.
fn token(url: &str) -> Result<Token, TokenError> {
    if let Ok(key) = std::env::var("HEROKU_API_KEY") {
        return Token::new(&key);
    }
    let home = std::env::var("HOME").unwrap_or_default();
    let token = Token::from_netrc(&Path::new(&home).join(".netrc"), url)?;
    // An empty token explains what to do.
    token.map_or_else(|| Token::new(""), Ok)
}

/// Deploys `slug` to `app`; `stop` bounds how long its release phase is followed.
pub(crate) fn deploy(
    api: &Api,
    app: &str,
    slug: &Path,
    stop: &Stop,
    reporter: &dyn Reporter,
) -> Result<Release, FlowError> {
    let record = Manifest::read(&slug.with_extension("json"))?.slug;
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
    let commit = record.commit.as_deref().unwrap_or("by hand");
    let released = release(
        api,
        &ReleaseOrder {
            app,
            slug: published.slug.id,
            description: Some(&format!("Deploy {}", commit.get(..7).unwrap_or(commit))),
            state: None,
        },
        reporter,
    )?;
    follow(api, &released.release, stop, reporter)
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
