//! The platform role against mock buildpacks: every rule of sections 2.3 to 2.7 of the reference.

mod build;
mod detect;
mod host;
mod hostile;
mod launch;
mod restore;
