//! What the store keeps, as its callers see it.

use crate::password::PasswordHash;
use crate::range::Attribute;
use crate::scope::Scopes;
use jiff::Timestamp;
use slugbuilder::api::types::{self, ReleaseStatus};
use slugbuilder::slug::Checksum;
use uuid::Uuid;

/// Someone with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their identifier.
    pub id: Uuid,
    /// Their e-mail address, in the case it was first given in; compared without regard to case.
    pub email: String,
    /// Their name.
    pub name: Option<String>,
    /// Whether third parties may track them.
    pub allow_tracking: bool,
    /// Whether they use what is not finished.
    pub beta: bool,
    /// When they last logged in with a password.
    pub last_login: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// Whether an account is theirs, by its e-mail address or identifier; `~` is whoever asks.
    #[must_use]
    pub fn is_called(&self, account: &str) -> bool {
        account == "~"
            || account.eq_ignore_ascii_case(&self.email)
            || account.eq_ignore_ascii_case(&self.id.to_string())
    }
}

/// Changes of an account; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserUpdate {
    /// Their name, or that they have none any longer.
    pub name: Option<Option<String>>,
    /// Whether third parties may track them.
    pub allow_tracking: Option<bool>,
    /// Whether they use what is not finished.
    pub beta: Option<bool>,
}

/// A user of the server's settings, with all tokens that these give them.
#[derive(Clone, PartialEq, Eq)]
pub struct UserTokens {
    /// Their e-mail address.
    pub email: String,
    /// Their tokens, as sent by clients.
    pub tokens: Vec<String>,
    /// Their password, if they log in with one.
    pub password: Option<PasswordHash>,
}

impl std::fmt::Debug for UserTokens {
    /// Says how many tokens there are, never one of them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let password = if self.password.is_some() {
            ", a password"
        } else {
            ""
        };
        write!(f, "{} ({} tokens{password})", self.email, self.tokens.len())
    }
}

/// Who has a token, and what it may be used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    /// Whose it is.
    pub user: User,
    /// The authorization that it belongs to; those of the settings belong to none.
    pub authorization: Option<Uuid>,
    /// What it may be used for.
    pub scopes: Scopes,
}

/// What a password is to be held against: the hash of the user, or, where there is no such user or they have no password,
/// that of another one, so that the answer takes as long. No hash if nobody has a password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PasswordCheck {
    /// The user, if the hash is theirs. For nobody else a password is right.
    pub user: Option<User>,
    /// The hash.
    pub hash: Option<PasswordHash>,
}

/// An app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its identifier.
    pub id: Uuid,
    /// Its name, `^[a-z][a-z0-9-]{1,28}[a-z0-9]$`.
    pub name: String,
    /// Who owns it.
    pub owner: types::User,
    /// Name of the stack that its current slug runs on.
    pub stack: String,
    /// Name of the stack that builds are made for.
    pub build_stack: String,
    /// Name of the region.
    pub region: String,
    /// Whether visitors are told to come back later.
    pub maintenance: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed, by a release, too.
    pub updated_at: Timestamp,
    /// When its newest release was made.
    pub released_at: Option<Timestamp>,
    /// Size of the repository that it is pushed to, in bytes; nothing where it has none.
    pub repo_size: Option<u64>,
    /// Size of the current slug, in bytes.
    pub slug_size: Option<u64>,
    /// What the buildpacks said of the current slug.
    pub buildpack_provided_description: Option<String>,
}

/// A new app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApp {
    /// Its name; the store invents one where there is none.
    pub name: Option<String>,
    /// Name of its stack, which the caller has checked.
    pub stack: String,
    /// Name of its region, which the caller has checked.
    pub region: String,
}

/// Changes of an app; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppUpdate {
    /// Its new name.
    pub name: Option<String>,
    /// Whether visitors are told to come back later.
    pub maintenance: Option<bool>,
    /// Name of the stack that builds are made for, which the caller has checked.
    pub build_stack: Option<String>,
}

/// An app that is no longer there, and what it leaves behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedApp {
    /// The app as it last was.
    pub app: App,
    /// The slugs that went with it: those that no release of another app names. Their blobs are to be deleted.
    pub slugs: Vec<Uuid>,
    /// Its builds, whose output is to be deleted.
    pub builds: Vec<Uuid>,
}

/// What tells of pushes to a repository elsewhere, which are built then.
#[derive(Clone, PartialEq, Eq)]
pub struct PushWebhook {
    /// Its identifier, which is in its address.
    pub id: Uuid,
    /// The app that is built.
    pub app: types::Named,
    /// Who set it up, in whose name its builds are.
    pub user: types::User,
    /// What signatures are made from.
    pub secret: String,
    /// The branch whose pushes are built.
    pub branch: String,
    /// What became of the last push that it told of.
    pub outcome: Option<String>,
    /// When.
    pub outcome_at: Option<Timestamp>,
    /// When it was set up.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl std::fmt::Debug for PushWebhook {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushWebhook")
            .field("id", &self.id)
            .field("app", &self.app)
            .field("branch", &self.branch)
            .finish_non_exhaustive()
    }
}

/// A slug: what a release runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slug {
    /// Its identifier.
    pub id: Uuid,
    /// The app that it was made for, which may be gone.
    pub app: Uuid,
    /// What it was made with; its stack is always there.
    pub create: types::SlugCreate,
    /// Name of its stack.
    pub stack: String,
    /// Its size in bytes; nothing until it is uploaded.
    pub size: Option<u64>,
    /// SHA-256 of its bytes in hexadecimal digits; nothing until it is uploaded.
    pub sha256: Option<String>,
    /// When it was uploaded.
    pub uploaded_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A release: a slug with config vars and add-ons, as they were together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its identifier.
    pub id: Uuid,
    /// Its number within the app: 1, 2, 3 ….
    pub version: u64,
    /// The app.
    pub app: types::Named,
    /// Its slug; nothing before the first one.
    pub slug: Option<Uuid>,
    /// Plans of the add-ons.
    pub addon_plan_names: Vec<String>,
    /// What it changed.
    pub description: String,
    /// How it went.
    pub status: ReleaseStatus,
    /// Who made it.
    pub user: types::User,
    /// Whether it is the newest one that succeeded.
    pub current: bool,
    /// Whether the app can go back to it: it succeeded and has a slug. The current one can, too; Heroku's CLI counts on it
    /// when it takes the second of these (platform-api.md, section 4).
    pub eligible_for_rollback: bool,
    /// Whether its slug has a process type `release`.
    pub has_release_phase: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
}

/// How many dynos of a process type there are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formation {
    /// Its identifier.
    pub id: Uuid,
    /// The app.
    pub app: types::Named,
    /// The process type.
    pub process_type: String,
    /// Its command.
    pub command: String,
    /// How many.
    pub quantity: u64,
    /// Name of their size.
    pub size: String,
    /// When the app first had the process type.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A change of a process type's formation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormationChange {
    /// The process type, or the identifier of its formation.
    pub process_type: String,
    /// How many dynos there are to be.
    pub quantity: Option<Quantity>,
    /// Name of their size, which the caller has checked.
    pub size: Option<String>,
}

/// A number of dynos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// So many.
    Absolute(u64),
    /// So many more, or fewer.
    Relative(i64),
}

/// Someone who may use the app of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collaborator {
    /// Identifier of that they may.
    pub id: Uuid,
    /// The app.
    pub app: types::Named,
    /// Who.
    pub user: types::User,
    /// Since when.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A build: how source code becomes a slug and a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Its identifier.
    pub id: Uuid,
    /// The app.
    pub app: types::Named,
    /// Who asked for it.
    pub user: types::User,
    /// How it goes.
    pub status: BuildStatus,
    /// Name of the stack that it is for.
    pub stack: String,
    /// The buildpacks that were asked for; nothing where those of the app count, or what is found in the source.
    pub buildpacks: Option<Vec<String>>,
    /// The address of its source; nothing where the server itself had that.
    pub url: Option<String>,
    /// `SHA256:<hex>` that the archive at this address has to have.
    pub checksum: Option<String>,
    /// Which version of the source it is, mostly a commit.
    pub version: Option<String>,
    /// What that version is, mostly the message of the commit.
    pub version_description: Option<String>,
    /// Its slug, if it succeeded.
    pub slug: Option<Uuid>,
    /// Identifier and number of its release, if it succeeded.
    pub release: Option<(Uuid, u64)>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed: when it ended, if it has.
    pub updated_at: Timestamp,
}

/// How a build goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildStatus {
    /// It waits or runs.
    Pending,
    /// There is a release.
    Succeeded,
    /// There is none: the source is at fault, or the server, or somebody cancelled it. Its output says which.
    Failed,
}

impl BuildStatus {
    /// As the API has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// A build that is to be written down. Addresses, checksum and buildpacks are checked by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBuildRow {
    /// The identifier that it gets.
    pub id: Uuid,
    /// The address of its source; nothing where the server itself has that.
    pub url: Option<String>,
    /// The uploaded source that this address is of, if it is one of this server.
    pub source: Option<Uuid>,
    /// What the archive has to have.
    pub checksum: Option<Checksum>,
    /// Which version of the source it is.
    pub version: Option<String>,
    /// What that version is.
    pub version_description: Option<String>,
    /// The buildpacks that are asked for.
    pub buildpacks: Option<Vec<String>>,
    /// The time that the app's own files get in the slug, in seconds since 1970.
    pub source_date_epoch: Option<i64>,
}

/// A build that is about to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingBuild {
    /// What was asked for.
    pub build: Build,
    /// How often it was begun, this time included.
    pub attempts: u64,
    /// The uploaded source that it is of, if it is of one.
    pub source: Option<Uuid>,
    /// The time that the app's own files get in the slug, in seconds since 1970.
    pub source_date_epoch: Option<i64>,
    /// The config vars that the app has now.
    pub config_vars: types::ConfigVars,
}

/// What a build made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltSlug {
    /// The identifier that its slug gets.
    pub id: Uuid,
    /// What the slug is made with.
    pub create: types::SlugCreate,
    /// Bytes of the slug.
    pub size: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
}

/// What a list can be sorted by, as text that a [`crate::range::Bound`] takes back.
///
/// Times have their microseconds, in which no two of a list are the same: a next page that starts after whole seconds
/// would give some items twice or leave some out.
pub trait Keyed {
    /// The value of `attribute`; that of `id` where the record has no such attribute.
    fn key(&self, attribute: Attribute) -> String;
}

impl Keyed for App {
    fn key(&self, attribute: Attribute) -> String {
        match attribute {
            Attribute::Name => self.name.clone(),
            Attribute::UpdatedAt => self.updated_at.to_string(),
            _ => self.id.to_string(),
        }
    }
}

impl Keyed for Release {
    fn key(&self, attribute: Attribute) -> String {
        match attribute {
            Attribute::Version => self.version.to_string(),
            Attribute::UpdatedAt => self.updated_at.to_string(),
            _ => self.id.to_string(),
        }
    }
}

impl Keyed for Formation {
    fn key(&self, attribute: Attribute) -> String {
        match attribute {
            Attribute::UpdatedAt => self.updated_at.to_string(),
            _ => self.id.to_string(),
        }
    }
}

impl Keyed for Build {
    fn key(&self, attribute: Attribute) -> String {
        match attribute {
            Attribute::CreatedAt | Attribute::StartedAt => self.created_at.to_string(),
            Attribute::UpdatedAt => self.updated_at.to_string(),
            _ => self.id.to_string(),
        }
    }
}
