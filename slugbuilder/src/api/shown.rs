//! Resources as they may be shown and logged: addresses of blobs and of output are credentials by what signs them.

use super::types::{Blob, Release, Slug};
use slugbuilder_fetch::redacted;
use std::fmt;

/// Without what signs the address.
impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, url } = self;
        f.debug_struct("Blob")
            .field("method", method)
            .field("url", &redacted(url))
            .finish()
    }
}

impl Slug {
    /// The same as it may be shown and logged: without what signs the address of its bytes.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let mut slug = self.clone();
        slug.blob.url = redacted(&slug.blob.url);
        slug
    }
}

/// Without what signs the address of its output.
impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            addon_plan_names,
            app,
            artifacts,
            created_at,
            current,
            description,
            eligible_for_rollback,
            id,
            output_stream_url,
            slug,
            status,
            updated_at,
            user,
            version,
        } = self;
        f.debug_struct("Release")
            .field("addon_plan_names", addon_plan_names)
            .field("app", app)
            .field("artifacts", artifacts)
            .field("created_at", created_at)
            .field("current", current)
            .field("description", description)
            .field("eligible_for_rollback", eligible_for_rollback)
            .field("id", id)
            .field(
                "output_stream_url",
                &output_stream_url.as_deref().map(redacted),
            )
            .field("slug", slug)
            .field("status", status)
            .field("updated_at", updated_at)
            .field("user", user)
            .field("version", version)
            .finish()
    }
}

impl Release {
    /// The same as it may be shown and logged: without what signs the address of its output.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let output_stream_url = self.output_stream_url.as_deref().map(redacted);
        Self {
            output_stream_url,
            ..self.clone()
        }
    }
}
