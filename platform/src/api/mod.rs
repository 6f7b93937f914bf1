//! The endpoints.
pub mod catalogue;
pub mod loose;
