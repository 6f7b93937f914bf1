//! Pipelines as the resources of the API.

use crate::api::catalogue::{CEDAR, Known};
use crate::api::present::seconds;
use crate::store;
use jiff::Timestamp;
use serde::Serialize;
use slugbuilder::api::types::{Id, Named};
use uuid::Uuid;

/// `pipeline`
#[derive(Debug, Serialize)]
pub(super) struct Pipeline {
    created_at: Timestamp,
    generation: Named,
    id: Uuid,
    name: String,
    owner: Owner,
    updated_at: Timestamp,
}

/// Who a pipeline belongs to: always a user.
#[derive(Debug, Serialize)]
struct Owner {
    id: Uuid,
    #[serde(rename = "type")]
    kind: &'static str,
}

pub(super) fn pipeline(pipeline: &store::Pipeline) -> Pipeline {
    Pipeline {
        created_at: seconds(pipeline.created_at),
        generation: CEDAR.named(),
        id: pipeline.id,
        name: pipeline.name.clone(),
        owner: Owner {
            id: pipeline.owner.id,
            kind: "user",
        },
        updated_at: seconds(pipeline.updated_at),
    }
}

/// `pipeline-coupling`. Beyond the schema the pipeline has its name: the CLI's `pipelines:promote` shows it.
#[derive(Debug, Serialize)]
pub(super) struct Coupling {
    app: Id,
    created_at: Timestamp,
    id: Uuid,
    pipeline: Named,
    stage: &'static str,
    updated_at: Timestamp,
}

pub(super) fn coupling(coupling: &store::PipelineCoupling) -> Coupling {
    Coupling {
        app: Id { id: coupling.app },
        created_at: seconds(coupling.created_at),
        id: coupling.id,
        pipeline: coupling.pipeline.clone(),
        stage: coupling.stage.as_str(),
        updated_at: seconds(coupling.updated_at),
    }
}

/// `pipeline-promotion`
#[derive(Debug, Serialize)]
pub(super) struct Promotion {
    created_at: Timestamp,
    id: Uuid,
    pipeline: Id,
    source: Source,
    status: &'static str,
    updated_at: Timestamp,
}

/// What is promoted.
#[derive(Debug, Serialize)]
struct Source {
    app: Id,
    release: Id,
}

pub(super) fn promotion(promotion: &store::Promotion) -> Promotion {
    Promotion {
        created_at: seconds(promotion.created_at),
        id: promotion.id,
        pipeline: Id {
            id: promotion.pipeline,
        },
        source: Source {
            app: Id {
                id: promotion.source_app,
            },
            release: Id {
                id: promotion.source_release,
            },
        },
        status: if promotion.pending {
            "pending"
        } else {
            "completed"
        },
        updated_at: seconds(promotion.updated_at),
    }
}

/// `pipeline-promotion-target`
#[derive(Debug, Serialize)]
pub(super) struct Target {
    app: Id,
    error_message: Option<String>,
    id: Uuid,
    pipeline_promotion: Id,
    release: Option<Id>,
    status: &'static str,
}

pub(super) fn target(target: store::PromotionTarget) -> Target {
    Target {
        app: Id { id: target.app },
        error_message: target.error_message,
        id: target.id,
        pipeline_promotion: Id {
            id: target.promotion,
        },
        release: target.release.map(|id| Id { id }),
        status: match target.status {
            store::TargetStatus::Pending => "pending",
            store::TargetStatus::Succeeded => "succeeded",
            store::TargetStatus::Failed => "failed",
        },
    }
}
