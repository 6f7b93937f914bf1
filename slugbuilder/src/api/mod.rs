//! Heroku's Platform API, version 3: what is said over it, for client and server alike, and the client.
//!
//! Source of the resources: Heroku's own `schema.json` as `heroku-go` v6.1.0 carries it (`platform-api.md`, section 7, of the
//! reference). A server sends every attribute, `null` where there is nothing; a client takes whatever else comes and does
//! without what does not.
//!
//! * [`Api`] makes single calls, typed, with retries where nothing can happen twice.
//! * [`publish()`], [`release()`], [`promote()`], [`rollback()`], [`pull()`] and [`follow()`] are the flows of a deployment,
//!   each of several calls. `examples/deploy.rs` puts them together.

mod blob;
mod calls;
mod client;
mod error;
mod flow_error;
mod follow;
mod netrc;
mod paging;
mod promote;
mod publish;
mod pull;
mod release;
mod retry;
mod reuse;
mod rollback;
mod shown;
mod state;
mod token;
pub mod types;

pub use blob::BlobRefusal;
pub use client::{API_URL, Api};
pub use error::{ApiError, Refusal};
pub use flow_error::{Destination, FlowError};
pub use follow::{LONGEST_RELEASE_PHASE, follow};
pub use paging::Newest;
pub use promote::{Promoted, Promotion, promote};
pub use publish::{Origin, Publication, Published, publish};
pub use pull::{Pull, Pulled, pull};
pub use release::{ReleaseOrder, Released, release};
pub use rollback::{RolledBack, rollback};
pub use state::{UnreleasedUpload, unreleased_uploads};
pub use token::{Token, TokenError};
