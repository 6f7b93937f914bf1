//! The resources of the Platform API that slugbuilder reads and writes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// `Accept` header of every call.
pub const MEDIA_TYPE: &str = "application/vnd.heroku+json; version=3";

/// Process types: names and their commands.
pub type ProcessTypes = BTreeMap<String, String>;

/// Config vars: names and values.
pub type ConfigVars = BTreeMap<String, String>;

/// Changes of config vars; nothing takes one away.
pub type ConfigVarsUpdate = BTreeMap<String, Option<String>>;

/// Something else by its identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Id {
    /// Its identifier.
    pub id: Uuid,
}

/// Something else by its identifier and name: an app, a stack, a region, a size of dynos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its identifier.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// A user, as others see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Their identifier.
    pub id: Uuid,
    /// Their e-mail address.
    pub email: String,
}

/// `account`: the user whose token was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the attributes are those of the API"
)]
pub struct Account {
    /// Whether third parties may track them. Always what they set it to; nobody does here.
    #[serde(default)]
    pub allow_tracking: bool,
    /// Whether they use what is not finished.
    #[serde(default)]
    pub beta: bool,
    /// Where they live.
    #[serde(default)]
    pub country_of_residence: Option<String>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// The organization that new apps belong to.
    #[serde(default)]
    pub default_organization: Option<Named>,
    /// The team that new apps belong to.
    #[serde(default)]
    pub default_team: Option<Named>,
    /// Since when they owe money.
    #[serde(default)]
    pub delinquent_at: Option<Timestamp>,
    /// Their e-mail address.
    pub email: String,
    /// Whether they log in elsewhere.
    #[serde(default)]
    pub federated: bool,
    /// Their identifier.
    pub id: Uuid,
    /// Where they log in. Nothing here has one.
    #[serde(default)]
    pub identity_provider: Option<serde_json::Value>,
    /// When they last logged in.
    #[serde(default)]
    pub last_login: Option<Timestamp>,
    /// Their name.
    #[serde(default)]
    pub name: Option<String>,
    /// Number for text messages.
    #[serde(default)]
    pub sms_number: Option<String>,
    /// Since when they may do nothing.
    #[serde(default)]
    pub suspended_at: Option<Timestamp>,
    /// Whether they log in with two factors.
    #[serde(default)]
    pub two_factor_authentication: bool,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Whether they can be billed.
    #[serde(default)]
    pub verified: bool,
}

/// `app`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Whether its certificates are managed.
    #[serde(default)]
    pub acm: bool,
    /// When it was archived.
    #[serde(default)]
    pub archived_at: Option<Timestamp>,
    /// The stack that builds are made for.
    #[serde(default)]
    pub build_stack: Option<Named>,
    /// What buildpacks said of its current slug.
    #[serde(default)]
    pub buildpack_provided_description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The generation of the platform: `cedar`.
    #[serde(default)]
    pub generation: Option<Named>,
    /// Where to push its source to.
    #[serde(default)]
    pub git_url: String,
    /// Its identifier.
    pub id: Uuid,
    /// Whether only private networks reach it.
    #[serde(default)]
    pub internal_routing: Option<bool>,
    /// Whether visitors are told to come back later.
    #[serde(default)]
    pub maintenance: bool,
    /// Its name, `^[a-z][a-z0-9-]{1,28}[a-z0-9]$`.
    pub name: String,
    /// The organization it belongs to.
    #[serde(default)]
    pub organization: Option<Named>,
    /// Who owns it.
    pub owner: User,
    /// Where it runs.
    pub region: Named,
    /// When its last release was made.
    #[serde(default)]
    pub released_at: Option<Timestamp>,
    /// Size of its repository, in bytes.
    #[serde(default)]
    pub repo_size: Option<u64>,
    /// Size of its current slug, in bytes.
    #[serde(default)]
    pub slug_size: Option<u64>,
    /// The private space it runs in.
    #[serde(default)]
    pub space: Option<serde_json::Value>,
    /// The stack it runs on.
    pub stack: Named,
    /// The team it belongs to.
    #[serde(default)]
    pub team: Option<Named>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Where visitors find it.
    #[serde(default)]
    pub web_url: Option<String>,
}

impl App {
    /// The stack that slugs are to be compiled for. After a change of stack the app runs on it from its next release on.
    #[must_use]
    pub fn stack_of_builds(&self) -> &Named {
        self.build_stack.as_ref().unwrap_or(&self.stack)
    }

    /// Whether a slug for `stack` can run here: the app's stack, or the one that it is to have.
    #[must_use]
    pub fn takes(&self, stack: &Named) -> bool {
        [&self.stack, self.stack_of_builds()]
            .iter()
            .any(|own| own.id == stack.id || own.name == stack.name)
    }
}

/// Where the bytes of a slug go to, or are to be had.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// `put` for a new slug, `get` later.
    pub method: String,
    /// The address, which expires. Nobody needs another credential for it, so that it is one itself.
    pub url: String,
}

/// `slug`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slug {
    /// Its bytes.
    pub blob: Blob,
    /// What the buildpacks said: `Node.js`.
    #[serde(default)]
    pub buildpack_provided_description: Option<String>,
    /// `SHA256:<hex>` of its bytes.
    #[serde(default)]
    pub checksum: Option<String>,
    /// The commit of the source.
    #[serde(default)]
    pub commit: Option<String>,
    /// What the commit is about.
    #[serde(default)]
    pub commit_description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its identifier.
    pub id: Uuid,
    /// Its process types.
    #[serde(default)]
    pub process_types: ProcessTypes,
    /// Its size in bytes; nothing until it is uploaded.
    #[serde(default)]
    pub size: Option<u64>,
    /// The stack it runs on.
    pub stack: Named,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Body of `POST /apps/{app}/slugs`. `slug.json` has it as its `slug`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlugCreate {
    /// What the buildpacks said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buildpack_provided_description: Option<String>,
    /// `SHA256:<hex>` of the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// The commit of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What the commit is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_description: Option<String>,
    /// The process types; keys match `^[-\w]{1,128}$`.
    pub process_types: ProcessTypes,
    /// Name or identifier of the stack; that of the app where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
}

/// How a release went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseStatus {
    /// Its release phase failed.
    Failed,
    /// Its release phase runs.
    Pending,
    /// It is done.
    Succeeded,
    /// Its slug is no longer there.
    Expired,
}

/// Something that was built for a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// `slug` or `oci-image`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its identifier.
    pub id: Uuid,
}

/// `release`: a slug with config vars and add-ons, as they were together.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Plans of the add-ons.
    #[serde(default)]
    pub addon_plan_names: Vec<String>,
    /// The app.
    pub app: Named,
    /// What was built for it.
    #[serde(default)]
    pub artifacts: Vec<Artifact>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it is the one that runs.
    #[serde(default)]
    pub current: bool,
    /// What it changed: `Deploy 1a2b3c4`.
    #[serde(default)]
    pub description: String,
    /// Whether the app can go back to it.
    #[serde(default)]
    pub eligible_for_rollback: bool,
    /// Its identifier.
    pub id: Uuid,
    /// Where the output of its release phase can be followed, if it has one.
    #[serde(default)]
    pub output_stream_url: Option<String>,
    /// Its slug; nothing before the first one.
    #[serde(default)]
    pub slug: Option<Id>,
    /// How it went.
    pub status: ReleaseStatus,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who made it.
    pub user: User,
    /// Its number: 1, 2, 3 ….
    pub version: u64,
}

/// Body of `POST /apps/{app}/releases`: a new slug, or back to an earlier release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ReleaseCreate {
    /// A slug of this app or another.
    Slug {
        /// The slug.
        slug: Uuid,
        /// What it changes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
    /// The slug and config vars of an earlier release.
    Rollback {
        /// Identifier of that release.
        release: Uuid,
    },
}

/// `formation`: how many dynos of a process type there are to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formation {
    /// The app.
    pub app: Named,
    /// The command of the process type.
    pub command: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The size of its dynos.
    pub dyno_size: Named,
    /// Its identifier.
    pub id: Uuid,
    /// How many there are to be.
    pub quantity: u64,
    /// The name of the size.
    pub size: String,
    /// The process type.
    #[serde(rename = "type")]
    pub process_type: String,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// `rate-limit`: how many requests are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// How many.
    pub remaining: u64,
}

/// Body of every answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What is wrong, for programs: `not_found`.
    pub id: String,
    /// The same for people.
    #[serde(default)]
    pub message: String,
    /// What it is about: `app`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
