//! The statuses that an endpoint may answer with.

use super::{Access, ENDPOINTS, Endpoint, Rel, scope};
use crate::scope::Scope;
use axum::http::Method;
use std::collections::BTreeSet;

impl Endpoint {
    /// Every status that it may answer with, but for 500, which is a fault of the server and never meant.
    ///
    /// Most follow from what the row says of it: [`Rel`] has the status of success; who may call it, 401; a scope, 403; what is in the path,
    /// 404; a body, 422; a list, 206 and 416. The rest is in [`Endpoint::also`].
    ///
    /// Left out are 408 and 413 of requests that have a body where none is asked for: they cannot be described.
    #[must_use]
    pub fn statuses(&self) -> BTreeSet<u16> {
        let mut statuses = self.follow();
        statuses.extend(self.also);
        statuses
    }

    /// Those that follow from what the row says.
    fn follow(&self) -> BTreeSet<u16> {
        let is_read = self.method == Method::GET;
        let has_body = self.rel.request().is_some();
        let has_names = self.path.contains('{');
        let has_page = self.rel.has_pages();
        let when = |holds: bool, statuses: &'static [u16]| if holds { statuses } else { &[] };
        [
            self.rel.success(),
            when(is_read, &[304]),
            // A path or a `Range` that cannot be read, or a body that is no JSON.
            when(has_names || has_body || has_page, &[400]),
            // A token that is not good for it.
            when(
                scope::needed(self).is_some_and(|needed| needed != Scope::Identity),
                &[403],
            ),
            when(has_names, &[404]),
            when(has_body, &[408, 413, 422]),
            when(self.has_conditions(), &[412]),
            when(has_page, &[416]),
            // Looking how much is left is free.
            when(self.counts(), &[429]),
            when(self.access == Access::Token, &[401, 406, 503]),
        ]
        .concat()
        .into_iter()
        .collect()
    }

    /// Whether `If-Match` and `If-None-Match` mean something: they speak of what a GET of the same path answers.
    #[must_use]
    pub fn has_conditions(&self) -> bool {
        ENDPOINTS
            .iter()
            .any(|other| other.method == Method::GET && other.path == self.path)
    }

    /// Whether it takes from the rate limit.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.access == Access::Token && self.path != crate::http::NOT_COUNTED
    }
}

impl Rel {
    /// Whether the answer is a page of a list, which `Range` asks for.
    #[must_use]
    pub fn has_pages(self) -> bool {
        matches!(self, Self::Instances | Self::Filter)
    }

    /// The statuses of success.
    #[must_use]
    pub fn success(self) -> &'static [u16] {
        match self {
            Self::Create => &[201],
            Self::Empty => &[202],
            Self::Instances | Self::Filter => &[200, 206],
            Self::Destroy | Self::Itself | Self::Update | Self::BatchUpdate | Self::Action => {
                &[200]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(method: &str, path: &str) -> Vec<u16> {
        let endpoint = ENDPOINTS
            .iter()
            .find(|endpoint| endpoint.method == method && endpoint.path == path)
            .unwrap();
        endpoint.statuses().into_iter().collect()
    }

    #[test]
    fn most_follow_from_the_row() {
        assert_eq!(statuses("GET", "/schema"), [200, 304, 412]);
        assert_eq!(
            statuses("GET", "/account/rate-limits"),
            [200, 304, 401, 406, 412, 503]
        );
        assert_eq!(
            statuses("GET", "/apps"),
            [200, 206, 304, 400, 401, 403, 406, 412, 416, 429, 503]
        );
        assert_eq!(
            statuses("POST", "/apps/{app}/slugs"),
            [201, 400, 401, 403, 404, 406, 408, 413, 422, 429, 503]
        );
        assert_eq!(
            statuses("DELETE", "/apps/{app}"),
            [200, 400, 401, 403, 404, 406, 412, 429, 503]
        );
    }

    #[test]
    fn no_row_says_what_follows_anyway() {
        for endpoint in ENDPOINTS {
            let derived = endpoint.follow();
            for status in endpoint.also {
                assert!(
                    !derived.contains(status),
                    "{status} of {} {}",
                    endpoint.method,
                    endpoint.path
                );
            }
        }
    }
}
