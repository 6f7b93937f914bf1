//! What the store knows, as the resources of the API: every attribute there, times in whole seconds, addresses of this
//! server.

use super::catalogue::{CEDAR, DynoSize, Known, Region, Stack};
use crate::store;
use jiff::Timestamp;
use serde::Serialize;
use slugbuilder::api::types::{self, Named};
use std::net::IpAddr;
use uuid::Uuid;

/// The account of a user.
#[must_use]
pub fn account(user: &store::User) -> types::Account {
    types::Account {
        allow_tracking: user.allow_tracking,
        beta: user.beta,
        country_of_residence: None,
        created_at: seconds(user.created_at),
        default_organization: None,
        default_team: None,
        delinquent_at: None,
        email: user.email.clone(),
        federated: false,
        id: user.id,
        identity_provider: None,
        last_login: user.last_login.map(seconds),
        name: user.name.clone(),
        sms_number: None,
        suspended_at: None,
        two_factor_authentication: false,
        updated_at: seconds(user.updated_at),
        // Nothing is billed, so that nobody needs to show that they can pay.
        verified: true,
    }
}

/// An app.
#[must_use]
pub fn app(app: &store::App, external_url: &str) -> types::App {
    types::App {
        acm: false,
        archived_at: None,
        build_stack: Some(named::<Stack>(&app.build_stack)),
        buildpack_provided_description: app.buildpack_provided_description.clone(),
        created_at: seconds(app.created_at),
        generation: Some(CEDAR.named()),
        git_url: format!("{external_url}/{}.git", app.name),
        id: app.id,
        internal_routing: None,
        maintenance: app.maintenance,
        name: app.name.clone(),
        organization: None,
        owner: app.owner.clone(),
        region: named::<Region>(&app.region),
        released_at: app.released_at.map(seconds),
        repo_size: app.repo_size,
        slug_size: app.slug_size,
        space: None,
        stack: named::<Stack>(&app.stack),
        team: None,
        updated_at: seconds(app.updated_at),
        web_url: Some(web_url(&app.name, external_url)),
    }
}

/// A slug, whose bytes are had from or put to `blob`.
#[must_use]
pub fn slug(slug: &store::Slug, blob: types::Blob) -> types::Slug {
    let create = &slug.create;
    types::Slug {
        blob,
        buildpack_provided_description: create.buildpack_provided_description.clone(),
        checksum: create.checksum.clone(),
        commit: create.commit.clone(),
        commit_description: create.commit_description.clone(),
        created_at: seconds(slug.created_at),
        id: slug.id,
        process_types: create.process_types.clone(),
        size: slug.size,
        stack: named::<Stack>(&slug.stack),
        updated_at: seconds(slug.updated_at),
    }
}

/// A release, the output of whose release phase, if it has one, is at `output`.
#[must_use]
pub fn release(release: &store::Release, output: Option<String>) -> types::Release {
    types::Release {
        addon_plan_names: release.addon_plan_names.clone(),
        app: release.app.clone(),
        artifacts: release
            .slug
            .iter()
            .map(|slug| types::Artifact {
                kind: "slug".to_owned(),
                id: *slug,
            })
            .collect(),
        created_at: seconds(release.created_at),
        current: release.current,
        description: release.description.clone(),
        eligible_for_rollback: release.eligible_for_rollback,
        id: release.id,
        output_stream_url: output,
        slug: release.slug.map(|id| types::Id { id }),
        status: release.status,
        updated_at: seconds(release.updated_at),
        user: release.user.clone(),
        version: release.version,
    }
}

/// How many dynos of a process type there are to be.
#[must_use]
pub fn formation(formation: &store::Formation) -> types::Formation {
    let dyno_size = named::<DynoSize>(&formation.size);
    types::Formation {
        app: formation.app.clone(),
        command: formation.command.clone(),
        created_at: seconds(formation.created_at),
        id: formation.id,
        quantity: formation.quantity,
        size: dyno_size.name.clone(),
        dyno_size,
        process_type: formation.process_type.clone(),
        updated_at: seconds(formation.updated_at),
    }
}

/// `collaborator`: someone who may work on an app.
#[derive(Debug, Clone, Serialize)]
pub struct Collaborator {
    /// The app.
    pub app: Named,
    /// Since when.
    pub created_at: Timestamp,
    /// The identifier of their being one.
    pub id: Uuid,
    /// What they may do.
    pub permissions: Vec<Permission>,
    /// `owner` or `collaborator`.
    pub role: &'static str,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who it is.
    pub user: CollaboratingUser,
}

/// Something that a collaborator may do.
#[derive(Debug, Clone, Serialize)]
pub struct Permission {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
}

/// The user who is a collaborator.
#[derive(Debug, Clone, Serialize)]
pub struct CollaboratingUser {
    /// Their e-mail address.
    pub email: String,
    /// Whether they log in elsewhere.
    pub federated: bool,
    /// Their identifier.
    pub id: Uuid,
}

/// The owner of an app, as the first of its collaborators.
#[must_use]
pub fn owner(app: &store::App) -> Collaborator {
    Collaborator {
        app: Named {
            id: app.id,
            name: app.name.clone(),
        },
        created_at: seconds(app.created_at),
        // They are one for as long as the app is there.
        id: app.id,
        permissions: permissions(),
        role: "owner",
        updated_at: seconds(app.created_at),
        user: collaborating(&app.owner),
    }
}

/// A collaborator who is not the owner.
#[must_use]
pub fn collaborator(collaborator: &store::Collaborator) -> Collaborator {
    Collaborator {
        app: collaborator.app.clone(),
        created_at: seconds(collaborator.created_at),
        id: collaborator.id,
        permissions: permissions(),
        role: "collaborator",
        updated_at: seconds(collaborator.updated_at),
        user: collaborating(&collaborator.user),
    }
}

/// What everybody who works on an app may do.
fn permissions() -> Vec<Permission> {
    [
        ("deploy", "Can release code and change config vars"),
        ("operate", "Can scale and restart dynos"),
        ("view", "Can see the app and its releases"),
    ]
    .map(|(name, description)| Permission { name, description })
    .to_vec()
}

/// A user as a collaborator.
fn collaborating(user: &types::User) -> CollaboratingUser {
    CollaboratingUser {
        email: user.email.clone(),
        federated: false,
        id: user.id,
    }
}

/// Identifier and name of something in the catalogue that the store has by name. One that an earlier version of the server
/// had and this one has no more keeps its name and has the nil UUID.
fn named<T: Known>(name: &str) -> Named {
    T::find(name).map_or_else(
        || Named {
            id: Uuid::nil(),
            name: name.to_owned(),
        },
        Known::named,
    )
}

/// A time as answers have it: in whole seconds (`2012-01-01T12:00:00Z`).
#[must_use]
pub fn seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// Where visitors find an app.
#[must_use]
pub fn web_url(app: &str, external_url: &str) -> String {
    let (scheme, _, port) = parts(external_url);
    format!("{scheme}://{}{port}/", app_host(app, external_url))
}

/// The name of the host that visitors find an app at: its name before the server's.
#[must_use]
pub fn app_host(app: &str, external_url: &str) -> String {
    format!("{app}.{}", host(external_url))
}

/// The server's name, below which apps have theirs. Every name that ends in `localhost` is this machine (RFC 6761, section
/// 6.3), so that it stands for an address.
#[must_use]
pub fn host(external_url: &str) -> &str {
    let (_, host, _) = parts(external_url);
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    if is_address { "localhost" } else { host }
}

/// Scheme, host, and the port with its colon, if any.
fn parts(external_url: &str) -> (&str, &str, &str) {
    let (scheme, rest) = external_url
        .split_once("://")
        .unwrap_or(("http", external_url));
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rfind(':') {
        Some(colon) if !authority.ends_with(']') => {
            let (host, port) = authority.split_at(colon);
            (scheme, host, port)
        }
        _ => (scheme, authority, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_are_found_below_the_name_of_the_server() {
        for (external_url, expected) in [
            ("http://127.0.0.1:5000", "http://example.localhost:5000/"),
            ("https://[::1]:5000", "https://example.localhost:5000/"),
            ("https://[::1]", "https://example.localhost/"),
            ("http://localhost:5000", "http://example.localhost:5000/"),
            (
                "https://platform.example.test",
                "https://example.platform.example.test/",
            ),
            (
                "https://platform.example.test:8443/",
                "https://example.platform.example.test:8443/",
            ),
        ] {
            assert_eq!(web_url("example", external_url), expected, "{external_url}");
        }
    }

    #[test]
    fn times_are_in_whole_seconds() {
        let time: Timestamp = "2026-04-23T12:00:00.987654321Z".parse().unwrap();
        assert_eq!(seconds(time).to_string(), "2026-04-23T12:00:00Z");
    }

    #[test]
    fn what_the_catalogue_no_longer_has_keeps_its_name() {
        assert_eq!(
            named::<Stack>("heroku-20"),
            Named {
                id: Uuid::nil(),
                name: "heroku-20".to_owned()
            }
        );
    }
}
