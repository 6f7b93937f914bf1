//! Transfers, the cache and unpacking of slugbuilder: everything that takes bytes from elsewhere.
//!
//! * [`Client`] brings `https://`, `http://` and `file://` URLs: retries what can help, resumes, verifies before the
//!   file gets its name.
//!   It also makes single calls to a server, as an API needs them: [`Client::call`].
//! * [`Cache`] keeps archives by checksum, for several processes at once, and never hands out unverified bytes.
//! * [`unpack()`] turns an archive into a folder and trusts nothing in it.
//!
//! The three know nothing of each other's errors: [`FetchError`], [`CacheError`] and [`UnpackError`] each explain
//! themselves through [`slugbuilder_report::Explain`].

mod cache;
mod checksum;
mod client;
mod error;
mod settings;
#[cfg(any(test, feature = "test-server"))]
pub mod test_server;
mod unpack;
mod url;

pub use cache::{Cache, CacheError, Fetched, Inserted, Pruned, Stored};
pub use checksum::{Algorithm, Checksum, ChecksumError, Digester};
pub use client::{
    Answer, Call, Client, Content, Download, Downloaded, Method, Piece, Redirects, Stream,
    is_public,
};
pub use error::FetchError;
pub use settings::{Proxies, Settings};
pub use unpack::{
    Format, Limits, Links, Refusal, Strip, Times, UnpackError, UnpackOptions, Unpacked, unpack,
};
pub use url::{Address, file_of_url, redacted};
