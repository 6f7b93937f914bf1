//! Promotions: the slug that one app runs, released to others of its pipeline.

use super::present;
use crate::api::State;
use crate::api::loose::{Fields, Refused};
use crate::api::path::Path;
use crate::api::releases::NOT_RUN;
use crate::http::answer::{created, list, ok, with_warning};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::Offered;
use crate::store::{Keyed, NewPromotion};
use axum::extract::State as Of;
use axum::response::Response;

/// `POST /pipeline-promotions`: from the `app` of `source`, by its current release or the one of `source`, to the apps of
/// `targets`, all of which are in `pipeline`. Heroku's CLI chooses those that are a stage further; `--to` names them, whatever their
/// stage, as here.
pub(in crate::api) async fn create(
    Of(state): Of<State>,
    Actor(user): Actor,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    let promotion = state.store.promote(&user, requested(&fields)?).await?;
    let (app, release) = (promotion.source_app, promotion.source_release);
    let source = state
        .store
        .release(&user, &app.to_string(), &release.to_string())
        .await;
    let answer = created(&present::promotion(&promotion));
    // The promotion is made, whatever became of its source since.
    Ok(if source.is_ok_and(|source| source.has_release_phase) {
        with_warning(answer, NOT_RUN)
    } else {
        answer
    })
}

/// What a body asks for.
fn requested(fields: &Fields) -> Result<NewPromotion, Refused> {
    let required = |name: &str| Refused(format!("`{name}` is required"));
    let pipeline = fields.identity("pipeline")?;
    let source = fields.object("source")?.ok_or_else(|| required("source"))?;
    let targets = fields.list("targets")?.ok_or_else(|| required("targets"))?;
    Ok(NewPromotion {
        pipeline: pipeline.ok_or_else(|| required("pipeline"))?,
        source: source
            .identity("app")?
            .ok_or_else(|| Refused("`app` of `source` is required".to_owned()))?,
        release: source.identity("release")?,
        targets: targets
            .iter()
            .map(|target| {
                target
                    .identity("app")?
                    .ok_or_else(|| Refused("`app` is required in each of `targets`".to_owned()))
            })
            .collect::<Result<_, Refused>>()?,
    })
}

/// `GET /pipeline-promotions/{pipeline_promotion}`
pub(in crate::api) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(promotion): Path<String>,
) -> Result<Response, ApiError> {
    let promotion = state.store.promotion(&user, &promotion).await?;
    Ok(ok(&present::promotion(&promotion)))
}

/// `GET /pipeline-promotions/{pipeline_promotion}/promotion-targets`
pub(in crate::api) async fn targets(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(promotion): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let targets = state
        .store
        .promotion_targets(&user, &promotion, &page)
        .await?;
    Ok(list(
        targets,
        &page,
        Offered::ID,
        Keyed::key,
        present::target,
    ))
}
