//! What the server speaks.

pub mod blobs;
