//! The `slugbuilder` command.
fn main() {}
