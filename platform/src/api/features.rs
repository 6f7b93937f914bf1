//! Features of apps: what Heroku lets be switched on for an app. What is switched is kept; as long as nothing runs here, nothing
//! follows from it.

use super::State;
use super::catalogue::Known;
use super::loose::{Fields, Refused};
use super::path::Path;
use super::present::seconds;
use crate::http::answer::{list, ok};
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::{Attribute, Offered};
use crate::store::{self, Features};
use axum::extract::State as Of;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use uuid::{Uuid, uuid};

/// Since when these features are known to this server.
const INTRODUCED: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A feature that apps can have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AppFeature {
    /// Its identifier, made as all of the catalogue are, of `app-feature/NAME`.
    id: Uuid,
    name: &'static str,
    display_name: &'static str,
    description: &'static str,
    doc_url: &'static str,
    /// `general` is listed by `heroku features`, everything else by `heroku labs`.
    state: &'static str,
}

impl Known for AppFeature {
    const RESOURCE: &'static str = "app_feature";

    fn all() -> &'static [Self] {
        APP_FEATURES
    }

    fn id(&self) -> Uuid {
        self.id
    }

    fn name(&self) -> &'static str {
        self.name
    }
}

/// One row for each feature: name, identifier, state, name for people, description, page of Heroku's documentation.
macro_rules! app_features {
    ($($name:literal $id:literal $state:literal $display:literal $description:literal $page:literal;)*) => {
        const APP_FEATURES: &[AppFeature] = &[$(AppFeature {
            id: uuid!($id),
            name: $name,
            display_name: $display,
            description: $description,
            doc_url: concat!("https://devcenter.heroku.com/articles/", $page),
            state: $state,
        }),*];
    };
}

app_features! {
    "http-disable-keepalive-to-dyno" "ee1acec7-3e51-5768-8f70-9c25e7d15c62" "public" "HTTP without keep-alive to dynos"
        "Close the connection to a dyno after each request" "http-routing";
    "http-session-affinity" "bebbfba6-9a47-5c9f-881c-dab217c431f3" "general" "HTTP Session Affinity"
        "Enable session affinity for all requests" "session-affinity";
    "log-runtime-metrics" "ef699176-5a63-5aca-a8b4-c2a0dacb1bd6" "public" "Log runtime metrics"
        "Emit dyno resource usage information into app logs" "log-runtime-metrics";
    "preboot" "87335ff7-7913-577c-8067-55ba53a4143b" "general" "Preboot"
        "Provide seamless web dyno deploys" "preboot";
    "runtime-dyno-build-metadata" "ff5278d7-d362-5efd-9d6f-72240d4fc7e1" "public" "Dyno build metadata"
        "Expose the commit of a build to it" "dyno-metadata";
    "runtime-dyno-metadata" "cd0e24c6-f237-556d-9a72-182c70537284" "public" "Dyno metadata"
        "Expose app and dyno names to dynos, as config vars" "dyno-metadata";
    "runtime-heroku-metrics" "27ce7772-7479-53d0-94b4-21ddbb4c8de3" "public" "Language runtime metrics"
        "Collect metrics of the language runtime" "language-runtime-metrics";
    "spaces-dns-discovery" "9cffa382-eb0d-5c2a-b991-967921e84ad6" "general" "DNS service discovery"
        "Find dynos by name within a private space" "dns-service-discovery";
    "spaces-tls-legacy" "8adbee60-6ff9-5af1-8c03-78fdc52f8ebd" "general" "Legacy TLS in private spaces"
        "Accept old versions of TLS in a private space" "private-spaces";
    "spaces-tls-modern" "61298b97-f665-5aa5-9f5c-337650fc67db" "general" "Modern TLS in private spaces"
        "Accept only new versions of TLS in a private space" "private-spaces";
}

/// `app-feature`: a feature, and whether an app has it.
#[derive(Debug, Serialize)]
struct Presented {
    created_at: Timestamp,
    description: &'static str,
    display_name: &'static str,
    doc_url: &'static str,
    enabled: bool,
    /// Nobody asks for opinions here.
    feedback_email: &'static str,
    id: Uuid,
    name: &'static str,
    state: &'static str,
    updated_at: Timestamp,
}

/// `GET /apps/{app}/features`
pub(super) async fn all(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path(app): Path<String>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::ID)?;
    let features = state.store.features(&user, &app).await?;
    let id = |feature: &&AppFeature, _: Attribute| feature.id.to_string();
    let listed = page.of(APP_FEATURES.iter().collect(), id);
    Ok(list(listed, &page, Offered::ID, id, |feature| {
        present(feature, &features)
    }))
}

/// `GET /apps/{app}/features/{app_feature}`: by identifier or name.
pub(super) async fn info(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, feature)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let features = state.store.features(&user, &app).await?;
    Ok(ok(&present(find(&feature)?, &features)))
}

/// `PATCH /apps/{app}/features/{app_feature}`
pub(super) async fn update(
    Of(state): Of<State>,
    Actor(user): Actor,
    Path((app, feature)): Path<(String, String)>,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    // An app that may not be seen comes before anything that is wrong with the request.
    let app = state.store.app(&user, &app).await?.id.to_string();
    let feature = find(&feature)?;
    let enabled = fields
        .boolean("enabled")?
        .ok_or_else(|| Refused("`enabled` is required".to_owned()))?;
    let store = &state.store;
    let switched = store
        .switch_feature(&user, &app, feature.name, enabled)
        .await?;
    let features = Features::from([(feature.name.to_owned(), switched)]);
    Ok(ok(&present(feature, &features)))
}

/// The names of the features that a new app is to have (`feature_flags`).
pub(super) fn requested(fields: &Fields) -> Result<Vec<&'static str>, Refused> {
    let names = fields.words("feature_flags")?.unwrap_or_default();
    names
        .iter()
        .map(|name| super::apps::known::<AppFeature>(name).map(|feature| feature.name))
        .collect()
}

fn find(identity: &str) -> Result<&'static AppFeature, ApiError> {
    AppFeature::find(identity).ok_or_else(|| ApiError::not_found(AppFeature::RESOURCE))
}

fn present(feature: &AppFeature, features: &Features) -> Presented {
    let switched: Option<&store::Feature> = features.get(feature.name);
    Presented {
        created_at: INTRODUCED,
        description: feature.description,
        display_name: feature.display_name,
        doc_url: feature.doc_url,
        enabled: switched.is_some_and(|feature| feature.enabled),
        feedback_email: "",
        id: feature.id,
        name: feature.name,
        state: feature.state,
        updated_at: switched.map_or(INTRODUCED, |feature| seconds(feature.updated_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn features_have_names_and_identifiers_of_their_own() {
        for feature in APP_FEATURES {
            assert!(
                ["general", "public"].contains(&feature.state),
                "{feature:?}"
            );
            assert_eq!(find(feature.name).unwrap(), feature);
            assert_eq!(find(&feature.id.to_string()).unwrap(), feature);
        }
        let ids: BTreeSet<_> = APP_FEATURES.iter().map(|feature| feature.id).collect();
        assert_eq!(ids.len(), APP_FEATURES.len());
    }
}
