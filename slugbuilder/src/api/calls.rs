//! The calls of the Platform API, typed.

use super::client::Api;
use super::retry::Repeat;
use super::types::{
    Account, App, ConfigVars, ConfigVarsUpdate, Release, ReleaseCreate, Slug, SlugCreate,
};
use super::{ApiError, Newest};
use slugbuilder_fetch::Method;
use slugbuilder_report::Reporter;
use uuid::Uuid;

impl Api {
    /// Whose token it is.
    pub fn account(&self, reporter: &dyn Reporter) -> Result<Account, ApiError> {
        self.get("/account".into(), "ask whose token it is".into(), reporter)
    }

    /// The apps that the account may see, by name. At most a thousand pages of them.
    pub fn apps(&self, reporter: &dyn Reporter) -> Result<Vec<App>, ApiError> {
        self.list(
            "/apps",
            "name ..; max=1000",
            usize::MAX,
            "list the apps",
            reporter,
        )
    }

    /// An app by name or id.
    pub fn app(&self, app: &str, reporter: &dyn Reporter) -> Result<App, ApiError> {
        self.get(
            format!("/apps/{}", identity("an app", app)?),
            format!("look up the app `{app}`"),
            reporter,
        )
    }

    /// The config vars of an app.
    pub fn config_vars(&self, app: &str, reporter: &dyn Reporter) -> Result<ConfigVars, ApiError> {
        self.get(
            format!("/apps/{}/config-vars", identity("an app", app)?),
            format!("read the config vars of `{app}`"),
            reporter,
        )
    }

    /// Sets and removes config vars, which makes a release if it changes anything. All of them as they then are.
    pub fn update_config_vars(
        &self,
        app: &str,
        update: &ConfigVarsUpdate,
        reporter: &dyn Reporter,
    ) -> Result<ConfigVars, ApiError> {
        let path = format!("/apps/{}/config-vars", identity("an app", app)?);
        let action = format!("change the config vars of `{app}`");
        // The same change again changes nothing, and makes no release.
        self.send(
            Method::Patch,
            path,
            update,
            Repeat::Harmless,
            action,
            reporter,
        )
    }

    /// Makes the record of a slug; its `blob` says where the bytes go.
    pub fn create_slug(
        &self,
        app: &str,
        slug: &SlugCreate,
        reporter: &dyn Reporter,
    ) -> Result<Slug, ApiError> {
        let path = format!("/apps/{}/slugs", identity("an app", app)?);
        let action = format!("make the record of the slug for `{app}`");
        // A record that nothing is uploaded for does no harm.
        self.send(Method::Post, path, slug, Repeat::Harmless, action, reporter)
    }

    /// A slug; its `blob` says where the bytes are to be had.
    pub fn slug(&self, app: &str, id: Uuid, reporter: &dyn Reporter) -> Result<Slug, ApiError> {
        self.get(
            format!("/apps/{}/slugs/{id}", identity("an app", app)?),
            format!("look up the slug `{id}` of `{app}`"),
            reporter,
        )
    }

    /// The newest releases of an app, the newest first.
    pub fn releases(
        &self,
        app: &str,
        newest: Newest,
        reporter: &dyn Reporter,
    ) -> Result<Vec<Release>, ApiError> {
        let path = format!("/apps/{}/releases", identity("an app", app)?);
        let action = format!("list the releases of `{app}`");
        self.list(&path, &newest.range(), newest.limit(), &action, reporter)
    }

    /// A release by number, with or without a `v`, or by id.
    pub fn release(
        &self,
        app: &str,
        release: &str,
        reporter: &dyn Reporter,
    ) -> Result<Release, ApiError> {
        self.get(
            format!(
                "/apps/{}/releases/{}",
                identity("an app", app)?,
                release_identity(release)?
            ),
            format!("look up the release `{release}` of `{app}`"),
            reporter,
        )
    }

    /// Makes a release: one call, repeated only if it is certain that the one before did not arrive. [`super::release()`]
    /// and [`super::rollback()`] also find out what happened where that is not certain.
    pub fn create_release(
        &self,
        app: &str,
        release: &ReleaseCreate,
        reporter: &dyn Reporter,
    ) -> Result<Release, ApiError> {
        let path = format!("/apps/{}/releases", identity("an app", app)?);
        let action = match release {
            ReleaseCreate::Slug { slug, .. } => format!("release the slug `{slug}` to `{app}`"),
            ReleaseCreate::Rollback { .. } => format!("roll `{app}` back"),
        };
        let repeat = Repeat::OnlyIfNothingHappened;
        self.send(Method::Post, path, release, repeat, action, reporter)
    }
}

/// A part of a path: nothing that could lead elsewhere.
fn identity<'a>(what: &'static str, text: &'a str) -> Result<&'a str, ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.bytes().all(allowed) {
        Ok(text)
    } else {
        Err(ApiError::Identity {
            what,
            text: text.to_owned(),
        })
    }
}

/// A release's number without the `v`, or its id, as the API takes them in a path.
pub(super) fn release_identity(text: &str) -> Result<&str, ApiError> {
    let number = text.strip_prefix(['v', 'V']).unwrap_or(text);
    if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(number);
    }
    if Uuid::try_parse(text).is_ok() {
        return identity("a release", text);
    }
    Err(ApiError::Identity {
        what: "a release",
        text: text.to_owned(),
    })
}
