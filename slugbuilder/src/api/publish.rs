//! The first half of a deployment: the slug's record, and its bytes.

use super::client::Api;
use super::retry::{Attempts, Repeat, asked_wait, check};
use super::types::{App, Slug, SlugCreate};
use super::{ApiError, BlobRefusal, FlowError, UnreleasedUpload, reuse, state};
use crate::slug::{self, Checksum, SlugError};
use crate::stop::Stop;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use slugbuilder_fetch::{Address, Call, Content, FetchError, Method, Redirects};
use slugbuilder_report::{Event, Reporter, Warning};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

/// How many further records are made where the address of the upload has expired.
const FRESH_RECORDS: u32 = 2;

/// Most bytes of the blob store's answer that are read.
const LARGEST_ANSWER: u64 = 64 * 1024;

/// A slug to publish.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// Name or id of the app.
    pub app: &'a str,
    /// The slug's file.
    pub slug: &'a Path,
    /// What is to be known of it: [`slug::Manifest::slug`].
    pub record: &'a slug::Slug,
    /// Whether it is uploaded even if the app has a slug like it.
    pub force_upload: bool,
    /// A folder for what the next call needs to go on after an interruption; it is made where it is missing. Nothing is kept
    /// where there is none.
    pub state: Option<&'a Path>,
}

/// A slug that can be released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its record.
    pub slug: Slug,
    /// Bytes of its file.
    pub bytes: u64,
    /// How it got there.
    pub origin: Origin,
}

/// How a slug got to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was uploaded now.
    Uploaded,
    /// A release of the app has it.
    Released {
        /// The newest such release.
        version: u64,
    },
    /// An earlier call uploaded it, and did not get to release it.
    UploadedEarlier {
        /// When it was uploaded, or its upload began.
        at: Timestamp,
    },
}

/// Makes sure that the platform has a slug, so that it can be released.
///
/// The file is checked against its checksum first. If the app has a slug with this checksum, stack and process types
/// already, that is taken and nothing is uploaded. Else a record is made and the file goes to the address that comes with
/// it, in bounded memory, with its length and without the token. An address that has expired gets the slug a fresh record.
pub fn publish(
    api: &Api,
    publication: &Publication<'_>,
    reporter: &dyn Reporter,
) -> Result<Published, FlowError> {
    let (file, bytes) = checked(publication, api.stop())?;
    let record = publication.record;
    let app = api.app(publication.app, reporter)?;
    let stack = app.stack_of_builds();
    if stack.name != record.stack && stack.id.to_string() != record.stack {
        let warning = Warning::new(
            "slug-for-another-stack",
            format!(
                "the slug is for `{}`, and builds for `{}` are for `{}`",
                record.stack, app.name, stack.name
            ),
        );
        reporter.report(Event::Warning(
            &warning.hint("Compile for the app's stack, if its programs do not start."),
        ));
    }
    let known = publication
        .state
        .and_then(|folder| state::known(folder, api.url(), app.id, record.checksum, reporter));
    if !publication.force_upload {
        if let Some(found) = reuse::find(api, publication, known.as_ref(), reporter)? {
            return Ok(Published {
                slug: found.0,
                bytes,
                origin: found.1,
            });
        }
        if let Some(known) = known.filter(|known| known.uploaded_at.is_none()) {
            reporter.report(Event::Note(&format!(
                "an upload of this slug that began at {} did not come to its end; uploading it anew",
                known.begun_at
            )));
        }
    }
    let slug = upload(api, publication, &app, &file, bytes, reporter)?;
    Ok(Published {
        slug,
        bytes,
        origin: Origin::Uploaded,
    })
}

/// The slug's file, which is what its checksum says, and its size in bytes.
fn checked(publication: &Publication<'_>, stop: &Stop) -> Result<(File, u64), FlowError> {
    let path = publication.slug;
    slug::check(path)?;
    let failed = |source| FlowError::Disk {
        action: "read",
        path: path.to_owned(),
        source,
    };
    // Not `fs_err`: the error that this goes into names the path.
    let file = File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut bytes = 0;
    loop {
        stop.check().map_err(FlowError::Stopped)?;
        match (&file).read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let actual = Checksum(hasher.finalize().into());
    let expected = publication.record.checksum;
    if actual == expected {
        Ok((file, bytes))
    } else {
        Err(FlowError::Changed {
            path: path.to_owned(),
            expected,
            actual,
        })
    }
}

/// The record, as the API takes it.
fn create(record: &slug::Slug) -> SlugCreate {
    SlugCreate {
        buildpack_provided_description: record.buildpack_provided_description.clone(),
        checksum: Some(record.checksum.to_string()),
        commit: record.commit.clone(),
        commit_description: record.commit_description.clone(),
        process_types: process_types(record),
        stack: Some(record.stack.clone()),
    }
}

/// The process types, as the API has them.
pub(super) fn process_types(record: &slug::Slug) -> super::types::ProcessTypes {
    let types = record.process_types.iter();
    types
        .map(|(name, command)| (name.to_string(), command.clone()))
        .collect()
}

/// Uploads the slug under a record of its own.
fn upload(
    api: &Api,
    publication: &Publication<'_>,
    app: &App,
    file: &File,
    bytes: u64,
    reporter: &dyn Reporter,
) -> Result<Slug, FlowError> {
    let create = create(publication.record);
    let mut fresh = 0;
    loop {
        let slug = api.create_slug(publication.app, &create, reporter)?;
        let mut upload = UnreleasedUpload {
            api: api.url().to_owned(),
            app: app.name.clone(),
            app_id: app.id,
            slug: slug.id,
            checksum: publication.record.checksum,
            begun_at: now(),
            uploaded_at: None,
        };
        state::remember(publication.state, &upload, reporter);
        match put(api, publication.app, &slug, file, bytes, reporter) {
            Ok(()) => {
                upload.uploaded_at = Some(now());
                state::remember(publication.state, &upload, reporter);
                return Ok(slug);
            }
            Err(ApiError::Blob { refusal, .. })
                if refusal.may_want_another_address() && fresh < FRESH_RECORDS =>
            {
                fresh += 1;
                reporter.report(Event::Note(&format!(
                    "the upload was refused ({refusal}); making a fresh record of the slug"
                )));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The time in whole seconds, as the API has its times.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Sends the slug's bytes where its record says.
fn put(
    api: &Api,
    app: &str,
    slug: &Slug,
    file: &File,
    bytes: u64,
    reporter: &dyn Reporter,
) -> Result<(), ApiError> {
    let action = "upload the slug";
    check_address(api, slug, "put", action)?;
    let stopped = || api.stop().check().is_err();
    let call = Call {
        method: Method::Put,
        url: &slug.blob.url,
        headers: &[],
        content: Content::File {
            file,
            length: bytes,
        },
        redirects: Redirects::Resend,
        max_bytes: LARGEST_ANSWER,
        name: Some("slug"),
        cancelled: Some(&stopped),
    };
    let mut attempts = Attempts::new(api.http().settings(), api.stop(), reporter);
    loop {
        let attempt = attempts.begin(action)?;
        let error = match api.http().call(&call, reporter) {
            Ok(answer) if answer.is_success() => return Ok(()),
            Ok(answer) => {
                let wait = asked_wait(&answer, SystemTime::now());
                ApiError::Blob {
                    action: action.into(),
                    refusal: Box::new(BlobRefusal::of(&answer, wait, attempt)),
                }
            }
            Err(FetchError::Cancelled { .. }) => {
                check(api.stop(), action)?;
                continue;
            }
            Err(source) => ApiError::Upload {
                action: action.into(),
                attempts: attempt,
                source,
            },
        };
        // The same bytes at the same place: twice is once.
        if !Repeat::Harmless.allows(&error) {
            return Err(error);
        }
        let lost = matches!(&error, ApiError::Upload { source, .. } if source.may_have_arrived());
        attempts.wait_after(error, action)?;
        // All of it may have arrived, and only the answer not: the record then says how large it is.
        if lost
            && let Ok(there) = api.slug(app, slug.id, reporter)
            && there.size == Some(bytes)
        {
            reporter.report(Event::Note("the slug has arrived: it is not sent again"));
            return Ok(());
        }
    }
}

/// Refuses an address of a blob that is for something else, or less secure than the API that gave it.
pub(super) fn check_address(
    api: &Api,
    slug: &Slug,
    method: &str,
    action: &str,
) -> Result<(), ApiError> {
    let nonsense = |reason: String| ApiError::Nonsense {
        action: action.to_owned(),
        url: api.url().to_owned(),
        reason,
        request_id: None,
    };
    if !slug.blob.method.eq_ignore_ascii_case(method) {
        return Err(nonsense(format!(
            "the address of the slug's bytes is for `{}`, not for `{method}`",
            slug.blob.method
        )));
    }
    let address = Address::of(&slug.blob.url)
        .map_err(|reason| nonsense(format!("the address of the slug's bytes: {reason}")))?;
    let api_is_secure = api.url().starts_with("https:");
    if api_is_secure && !address.secure && !address.loopback {
        return Err(nonsense(
            "the address of the slug's bytes is not encrypted".into(),
        ));
    }
    Ok(())
}

/// The record as a manifest has it. Fails where a process type has a name that none can have.
pub(super) fn record_of(slug: &Slug, checksum: Checksum) -> Result<slug::Slug, SlugError> {
    let mut process_types = std::collections::BTreeMap::new();
    for (name, command) in &slug.process_types {
        process_types.insert(slug::ProcessType::try_from(name.as_str())?, command.clone());
    }
    Ok(slug::Slug {
        process_types,
        stack: slug.stack.name.clone(),
        checksum,
        commit: slug.commit.clone(),
        commit_description: slug.commit_description.clone(),
        buildpack_provided_description: slug.buildpack_provided_description.clone(),
    })
}
