//! `/account/features`: a few switches that clients ask for. The server keeps them, and does nothing else by them.

use super::State;
use super::catalogue::Known;
use super::loose::{Fields, Refused};
use super::path::Path;
use super::present::seconds;
use crate::http::answer::{list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::{Attribute, Offered};
use crate::store::SwitchedFeature;
use axum::extract::State as Of;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use uuid::{Uuid, uuid};

/// A feature that accounts can have.
#[derive(Debug)]
struct Feature {
    id: Uuid,
    name: &'static str,
    display_name: &'static str,
    description: &'static str,
}

/// Identifiers are made as those of the catalogue, of `account-feature/NAME`. Both are off until someone switches them on.
const FEATURES: &[Feature] = &[
    Feature {
        id: uuid!("e395f43d-fe7b-5946-aceb-02e85345e565"),
        name: "app-overview",
        display_name: "App overview",
        description: "Show an overview of each app in a dashboard. There is no dashboard here: kept, and changes nothing.",
    },
    Feature {
        id: uuid!("5c4d46ac-f654-5273-b281-874d26a25139"),
        name: "dashboard-repositories-api",
        display_name: "Repositories API",
        description: "Ask the Repositories API about connected repositories. It is not here: kept, and changes nothing.",
    },
];

/// When the catalogue came to be: 2026-11-21.
const SINCE: Timestamp = Timestamp::constant(1_795_219_200, 0);

impl Known for Feature {
    const RESOURCE: &'static str = "account-feature";

    fn all() -> &'static [Self] {
        FEATURES
    }

    fn id(&self) -> Uuid {
        self.id
    }

    fn name(&self) -> &'static str {
        self.name
    }
}

/// `account-feature`
#[derive(Debug, Serialize)]
struct AccountFeature {
    created_at: Timestamp,
    description: &'static str,
    display_name: &'static str,
    doc_url: String,
    enabled: bool,
    feedback_email: &'static str,
    id: Uuid,
    name: &'static str,
    state: &'static str,
    updated_at: Timestamp,
}

/// `GET /account/features`
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let switched = state.store.account_features(&user).await?;
    let id = |feature: &&Feature, _: Attribute| feature.id.to_string();
    let listed = page.of(FEATURES.iter().collect(), id);
    Ok(list(listed, &page, Offered::ID, id, |feature| {
        let switched = switched.iter().find(|one| one.name == feature.name);
        present(feature, switched, &state)
    }))
}

/// `GET /account/features/{account_feature}`: by identifier or name.
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(identity): Path<String>,
) -> Result<Response, ApiError> {
    let feature = find(&identity)?;
    let switched = state.store.account_features(&user).await?;
    let switched = switched.iter().find(|one| one.name == feature.name);
    Ok(ok(&present(feature, switched, &state)))
}

/// `PATCH /account/features/{account_feature}`
pub(super) async fn update(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(identity): Path<String>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    let feature = find(&identity)?;
    let Some(enabled) = fields.boolean("enabled")? else {
        return Err(Refused("`enabled` is required".to_owned()).into());
    };
    let switched = state
        .store
        .switch_account_feature(&user, feature.name, enabled)
        .await?;
    Ok(ok(&present(feature, Some(&switched), &state)))
}

fn find(identity: &str) -> Result<&'static Feature, ApiError> {
    Feature::find(identity).ok_or_else(|| ApiError::not_found(Feature::RESOURCE))
}

fn present(feature: &Feature, switched: Option<&SwitchedFeature>, state: &State) -> AccountFeature {
    AccountFeature {
        created_at: SINCE,
        description: feature.description,
        display_name: feature.display_name,
        doc_url: format!("{}/schema", state.external_url),
        enabled: switched.is_some_and(|one| one.enabled),
        // There is nobody to write to.
        feedback_email: "",
        id: feature.id,
        name: feature.name,
        state: "public",
        updated_at: switched.map_or(SINCE, |one| seconds(one.updated_at)),
    }
}
