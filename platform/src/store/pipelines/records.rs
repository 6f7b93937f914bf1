//! Pipelines as callers of the store see them.

use crate::range::Attribute;
use crate::store::Keyed;
use jiff::Timestamp;
use slugbuilder::api::types;
use uuid::Uuid;

/// Apps that share a code base, each at its stage of the way to production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Its identifier.
    pub id: Uuid,
    /// Its name, `^[a-z][a-z0-9-]{2,29}$`: one of its kind among those of its owner.
    pub name: String,
    /// Who made it.
    pub owner: types::User,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How far an app is on the way to production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Runs tests.
    Test,
    /// Shows a proposed change.
    Review,
    /// The first one of a promotion's way.
    Development,
    /// After development, before production.
    Staging,
    /// The last one.
    Production,
}

impl Stage {
    /// All of them, in the order of the schema.
    pub const ALL: [Self; 5] = [
        Self::Test,
        Self::Review,
        Self::Development,
        Self::Staging,
        Self::Production,
    ];

    /// Its name in requests and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Review => "review",
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// The stage of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }
}

/// An app's place in a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineCoupling {
    /// Its identifier.
    pub id: Uuid,
    /// The app.
    pub app: Uuid,
    /// The pipeline.
    pub pipeline: types::Named,
    /// The stage.
    pub stage: Stage,
    /// When the app came into the pipeline.
    pub created_at: Timestamp,
    /// When the stage last changed.
    pub updated_at: Timestamp,
}

/// Whose couplings are listed: all that a user may see, or those of one pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Couplings {
    /// All.
    All,
    /// Of the pipeline of that identifier or name.
    Of(String),
}

/// Which releases of a pipeline's apps are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Latest {
    /// The newest ones.
    Release,
    /// The newest ones that changed what runs: another slug than the release before had.
    Deployment,
}

/// What is to be promoted, and to which apps. Everything by its identifier or name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPromotion {
    /// The pipeline that all of the apps are in.
    pub pipeline: String,
    /// The app whose slug it is.
    pub source: String,
    /// One of its releases by identifier or number; the current one where there is none.
    pub release: Option<String>,
    /// The apps that get it.
    pub targets: Vec<String>,
}

/// The release of one app's slug to others of its pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// Its identifier.
    pub id: Uuid,
    /// The pipeline, which may be gone.
    pub pipeline: Uuid,
    /// The app whose slug it is, which may be gone.
    pub source_app: Uuid,
    /// The release whose slug it is.
    pub source_release: Uuid,
    /// Whether a release that it made is still pending.
    pub pending: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the status of one of its releases last changed.
    pub updated_at: Timestamp,
}

/// What became of one app of a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromotionTarget {
    /// Its identifier.
    pub id: Uuid,
    /// The promotion.
    pub promotion: Uuid,
    /// The app, which may be gone.
    pub app: Uuid,
    /// The release that it got.
    pub release: Option<Uuid>,
    /// How that went.
    pub status: TargetStatus,
    /// Why it has no release, or none that succeeded.
    pub error_message: Option<String>,
}

/// How the promotion to one app went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetStatus {
    /// Its release is pending.
    Pending,
    /// It runs the slug.
    Succeeded,
    /// It does not.
    Failed,
}

impl Keyed for Pipeline {
    fn key(&self, attribute: Attribute) -> String {
        match attribute {
            Attribute::Name => self.name.clone(),
            Attribute::UpdatedAt => self.updated_at.to_string(),
            _ => self.id.to_string(),
        }
    }
}

impl Keyed for PipelineCoupling {
    fn key(&self, attribute: Attribute) -> String {
        match attribute {
            Attribute::UpdatedAt => self.updated_at.to_string(),
            _ => self.id.to_string(),
        }
    }
}

impl Keyed for PromotionTarget {
    fn key(&self, _: Attribute) -> String {
        self.id.to_string()
    }
}
