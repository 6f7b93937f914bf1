//! The conventions of the API: what every request and answer has in common (platform-api.md, section 2),
//! and the bytes of slugs, which go by other ones.

mod accept;
pub mod answer;
mod auth;
pub mod blobs;
pub mod body;
mod conventions;
mod error;
mod etag;
pub(crate) mod linger;
mod login;
mod rate_limit;
mod request_id;
mod turns;

pub(crate) use auth::actor;
pub use auth::{Actor, Credential, Tokens};
pub use body::{Body, Paging};
pub(crate) use conventions::NOT_COUNTED;
pub use conventions::{Conventions, RATE_LIMIT_REMAINING, around_all};
pub use error::ApiError;
pub(crate) use error::Cause;
pub use rate_limit::{PER_HOUR, RateLimiter, Remaining};
pub use request_id::{REQUEST_ID, RequestId};
pub(crate) use turns::Turn;

#[cfg(test)]
pub(crate) mod tests;
