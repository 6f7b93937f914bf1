//! Unpacking archives in which nothing is trusted.

mod error;
mod options;

pub use error::{Refusal, UnpackError};
pub use options::{Format, Limits, Links, Strip, Times, UnpackOptions, Unpacked};

use std::io::Read;
use std::path::Path;

/// Unpacks the archive in `reader` to the folder `destination`, which must not exist and appears only when it is whole.
pub fn unpack(
    _reader: impl Read + Send,
    _format: Format,
    destination: &Path,
    _options: &UnpackOptions<'_>,
) -> Result<Unpacked, UnpackError> {
    Err(UnpackError::DestinationExists {
        path: destination.to_owned(),
    })
}
