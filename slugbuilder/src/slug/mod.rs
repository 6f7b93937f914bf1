//! The finished slug: its manifest `slug.json`, the date of the app's files, and reading a slug back.

mod error;
mod manifest;
mod process_type;
mod time;
mod unpack;

pub use error::SlugError;
pub use manifest::{
    Build, Checksum, LeftOut, LeftOutBy, Manifest, NotCarried, NotCarriedKind, Slug,
    WrittenManifest,
};
pub use process_type::ProcessType;
pub use time::{AppTime, LATEST_TIME, TimeSource, app_time};
pub use unpack::{UnpackedSlug, check, unpack};
