//! From the built app and its layers to the `./app` tree of a slug, without moving anything.
//!
//! Nothing is copied: [`AppLayout`] tells the archiver what of the app directory enters the slug and in which part,
//! [`profile_script`] turns the launch environment into shell, and [`ProcessTypes`] turns processes into the commands of
//! a slug. [`after_build`] leaves out what the running app does not need. What has no counterpart in a slug is reported as a warning, never dropped in silence.

pub mod after_build;
mod exec_d;
mod placement;
mod process_types;
mod profile;
mod root_profile;
mod secrets;
mod shell;

pub use exec_d::{EXEC_D_HELPER, EXEC_D_HELPER_PATH};
pub use placement::AppLayout;
pub use process_types::{ProcessType, ProcessTypes};
pub use profile::{PROFILE_SCRIPT_PATH, ProfileText, profile_script};
pub use root_profile::{ROOT_PROFILE_SCRIPT_PATH, root_profile_script};
