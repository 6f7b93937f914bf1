//! Resources of the Platform API as people read them.

use crate::printer::{one_line, size};
use crate::table::{self, Column, ago};
use jiff::Timestamp;
use slugbuilder::api::types::{App, ConfigVars, Release, ReleaseStatus};

/// The releases, as they come.
pub(in crate::commands) fn releases(releases: &[Release], now: Timestamp) -> Vec<String> {
    let columns = [
        Column::text("RELEASE"),
        Column::text("STATUS"),
        Column::text("DESCRIPTION"),
        Column::text("USER"),
        Column::text("CREATED"),
    ];
    let rows: Vec<[String; 5]> = releases
        .iter()
        .map(|release| {
            [
                format!("v{}", release.version),
                status(release).to_owned(),
                release.description.clone(),
                release.user.email.clone(),
                since(release.created_at, now),
            ]
        })
        .collect();
    table::lines(columns, &rows)
}

/// The apps, as they come.
pub(in crate::commands) fn apps(apps: &[App], now: Timestamp) -> Vec<String> {
    let columns = [
        Column::text("APP"),
        Column::text("STACK"),
        Column::text("REGION"),
        Column::text("OWNER"),
        Column::number("SLUG"),
        Column::text("RELEASED"),
    ];
    let rows: Vec<[String; 6]> = apps
        .iter()
        .map(|app| {
            [
                app.name.clone(),
                app.stack.name.clone(),
                app.region.name.clone(),
                app.owner.email.clone(),
                app.slug_size.map_or_else(|| "-".into(), size),
                app.released_at
                    .map_or_else(|| "never".into(), |at| since(at, now)),
            ]
        })
        .collect();
    table::lines(columns, &rows)
}

/// The config vars, one a line.
pub(in crate::commands) fn config_vars(vars: &ConfigVars) -> Vec<String> {
    let width = vars.keys().map(|name| name.chars().count()).max();
    // The colon belongs to the name.
    let width = width.unwrap_or(0) + 1;
    vars.iter()
        .map(|(name, value)| {
            let line = format!("{:width$} {}", format!("{name}:"), one_line(value));
            line.trim_end().to_owned()
        })
        .collect()
}

/// How a release is doing.
fn status(release: &Release) -> &'static str {
    match release.status {
        ReleaseStatus::Succeeded if release.current => "current",
        ReleaseStatus::Succeeded => "succeeded",
        ReleaseStatus::Pending => "pending",
        ReleaseStatus::Failed => "failed",
        ReleaseStatus::Expired => "expired",
    }
}

fn since(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second());
    // The clocks of two machines are never the same.
    ago(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";

    fn now() -> Timestamp {
        "2026-11-21T18:00:00Z".parse().unwrap()
    }

    #[test]
    fn releases_are_a_table() {
        let release = |version, current, status, description, created| {
            serde_json::from_value(json!({
                "app": {"id": ID, "name": "my-app"},
                "created_at": created,
                "updated_at": created,
                "current": current,
                "description": description,
                "id": ID,
                "status": status,
                "user": {"id": ID, "email": "me@example.com"},
                "version": version,
            }))
            .unwrap()
        };
        let list = [
            release(
                12,
                false,
                "pending",
                "Deploy 1a2b3c4\n\u{1b}[2J",
                "2026-11-21T18:00:09Z",
            ),
            release(
                11,
                true,
                "succeeded",
                "Set DATABASE_URL config vars",
                "2026-11-21T17:00:00Z",
            ),
            release(10, false, "failed", "", "2026-11-01T17:00:00Z"),
        ];
        insta::assert_snapshot!(releases(&list, now()).join("\n"), @r"
        RELEASE  STATUS   DESCRIPTION                   USER            CREATED
        v12      pending  Deploy 1a2b3c4\n\u{1b}[2J     me@example.com  just now
        v11      current  Set DATABASE_URL config vars  me@example.com  1 hour ago
        v10      failed                                 me@example.com  20 days ago
        ");
        insta::assert_snapshot!(releases(&[], now()).join("\n"), @"RELEASE  STATUS  DESCRIPTION  USER  CREATED");
    }

    #[test]
    fn apps_are_a_table() {
        let app = |name, size: Option<u64>, released: Option<&str>| {
            serde_json::from_value(json!({
                "created_at": "2026-11-01T17:00:00Z",
                "updated_at": "2026-11-01T17:00:00Z",
                "id": ID,
                "name": name,
                "owner": {"id": ID, "email": "me@example.com"},
                "region": {"id": ID, "name": "us"},
                "stack": {"id": ID, "name": "heroku-24"},
                "slug_size": size,
                "released_at": released,
            }))
            .unwrap()
        };
        let list = [
            app("my-app", Some(45_869_145), Some("2026-11-20T17:00:00Z")),
            app("my-app-staging", None, None),
        ];
        insta::assert_snapshot!(apps(&list, now()).join("\n"), @"
        APP             STACK      REGION  OWNER              SLUG  RELEASED
        my-app          heroku-24  us      me@example.com  45.9 MB  25 hours ago
        my-app-staging  heroku-24  us      me@example.com        -  never
        ");
    }

    #[test]
    fn config_vars_stay_on_their_lines() {
        let vars = [
            ("A", "1"),
            ("KEY", "-----BEGIN\n\u{7}END"),
            ("LONG_NAME", ""),
        ];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        insta::assert_snapshot!(config_vars(&vars.into()).join("\n"), @r"
        A:         1
        KEY:       -----BEGIN\n\u{7}END
        LONG_NAME:
        ");
    }
}
