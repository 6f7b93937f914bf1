//! `POST /filters/apps`: several apps at once.

use super::State;
use super::loose::{Fields, Refused};
use super::present;
use crate::http::answer::list;
use crate::http::{Actor, ApiError, Body, Paging};
use crate::range::Offered;
use crate::store::Keyed;
use axum::extract::State as Of;
use axum::response::Response;
use serde::Serialize;
use slugbuilder::api::types;

/// How many apps are asked for at once, at most: as many as a pipeline has.
const MAXIMUM: usize = 1000;

/// `POST /filters/apps`: those of the apps of `in` that the user may see; each once, whether by its identifier or its name.
pub(super) async fn apps(
    Of(state): Of<State>,
    Actor(user): Actor,
    paging: Paging,
    Body(fields): Body<Fields>,
) -> Result<Response, ApiError> {
    let page = paging.page(Offered::APPS)?;
    let wanted = fields
        .object("in")?
        .ok_or_else(|| Refused("`in` is required".to_owned()))?;
    let (ids, names) = (wanted.texts("id")?, wanted.texts("name")?);
    if ids.is_none() && names.is_none() {
        return Err(Refused("`in` must have `id`, a list of apps".to_owned()).into());
    }
    let wanted: Vec<String> = [ids, names].into_iter().flatten().flatten().collect();
    if wanted.len() > MAXIMUM {
        return Err(Refused(format!(
            "{} apps are more than can be asked for at once: at most {MAXIMUM}",
            wanted.len()
        ))
        .into());
    }
    let apps = state.store.apps_among(&user, wanted).await?;
    let listed = page.of(apps, Keyed::key);
    Ok(list(listed, &page, Offered::APPS, Keyed::key, |app| {
        FilteredApp {
            app: present::app(&app, &state.external_url),
            joined: true,
            locked: false,
        }
    }))
}

/// `team-app`: an app as filters tell it, with what teams would know of it.
#[derive(Debug, Serialize)]
struct FilteredApp {
    #[serde(flatten)]
    app: types::App,
    /// Whether the user works on it: always, else they would not see it.
    joined: bool,
    /// Whether others of the team are kept from it.
    locked: bool,
}
