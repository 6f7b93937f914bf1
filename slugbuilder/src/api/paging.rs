//! Lists that come in pages: an answer that is not the whole names the `Range` of the next in `Next-Range`.

use super::client::{Asked, parsed};
use super::error::request_id;
use super::retry::Repeat;
use super::{Api, ApiError};
use serde::de::DeserializeOwned;
use slugbuilder_fetch::Method;
use slugbuilder_report::Reporter;

/// Most pages that are followed: what has more does not end.
const MOST_PAGES: usize = 1000;

/// Most items of a page that the API gives.
const LARGEST_PAGE: usize = 1000;

/// How many of an app's releases, the newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newest {
    /// So many, or all where there are fewer.
    Only(usize),
    /// All.
    All,
}

impl Newest {
    pub(super) fn limit(self) -> usize {
        match self {
            Self::Only(count) => count,
            Self::All => usize::MAX,
        }
    }

    /// The `Range` of the first page.
    pub(super) fn range(self) -> String {
        let page = self.limit().clamp(1, LARGEST_PAGE);
        format!("version ..; order=desc, max={page}")
    }
}

impl Api {
    /// The items of the list at `path`, at most `limit`, from `range` on.
    pub(super) fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        range: &str,
        limit: usize,
        action: &str,
        reporter: &dyn Reporter,
    ) -> Result<Vec<T>, ApiError> {
        let mut items: Vec<T> = Vec::new();
        let mut range = range.to_owned();
        for _ in 0..MOST_PAGES {
            let answer = self.ask(
                &Asked {
                    method: Method::Get,
                    path: path.to_owned(),
                    body: None,
                    range: Some(&range),
                    repeat: Repeat::Harmless,
                    action: action.to_owned(),
                },
                reporter,
            )?;
            items.extend(parsed::<Vec<T>>(&answer, action)?);
            if items.len() >= limit {
                items.truncate(limit);
                return Ok(items);
            }
            match answer.header("Next-Range") {
                Some(next) if !next.is_empty() && next != range => next.clone_into(&mut range),
                Some(next) if !next.is_empty() => {
                    return Err(ApiError::Nonsense {
                        action: action.to_owned(),
                        url: answer.url.clone(),
                        reason: format!("after the page `{next}` it offers the same page again"),
                        request_id: request_id(&answer),
                    });
                }
                _ => return Ok(items),
            }
        }
        Err(ApiError::Nonsense {
            action: action.to_owned(),
            url: format!("{}{path}", self.url()),
            reason: format!("its list has more than {MOST_PAGES} pages"),
            request_id: None,
        })
    }
}
