//! A Heroku-compatible platform on one machine.

pub mod api;
pub mod backup;
pub mod blobs;
pub mod buildpack_name;
pub mod builds;
mod connections;
pub mod drain_url;
mod error;
pub mod git;
pub mod hostname;
pub mod http;
pub mod password;
mod private;
pub mod range;
pub mod scope;
mod server;
pub mod settings;
pub mod signed_url;
pub mod store;
mod tls;
pub mod users;

pub use error::ServerError;
pub use server::{Running, Server, routes};
pub use settings::{BlobPlace, Builder, Settings, Tls};
pub use tls::TlsError;
pub use users::{Users, UsersError};
