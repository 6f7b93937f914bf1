//! The *platform* role of Cloud Native Buildpacks: detect, restore, build and launch environment for buildpacks of
//! Buildpack API 0.10 to 0.12, with the restore semantics of Platform API 0.14.
//!
//! ```text
//! Order + Buildpacks ── detect ─► Detection ── restore ─► Restored ── build ─► Build
//! ```
//!
//! The layers live inside the app directory, at `<app>/.slugbuilder/layers/<buildpack>/<layer>`, where they will also be
//! when the app runs: nothing is ever relocated. Programs run through an [`Executor`]; paths in values and errors are
//! those that these programs see.
//!
//! The rules are those of the reference implementation (lifecycle 0.20/0.21), as collected in section 2 of
//! `cnb-platform-and-peers.md`. Departures, each for a reason given where it is made: cycles and explosions of orders and
//! plans are refused, extensions are refused, the metadata of layers that are for launch only is never restored.
//!
//! **Interrupted builds.** [`Platform::build`] changes cached layers in place. If it does not return `Ok`, those layers
//! are in an unknown state and must not be handed to a later [`Platform::restore`]: marking them dirty before the build
//! and throwing them away if the mark is still there is up to the caller, who owns the cache.

mod build;
mod cleared;
mod composites;
mod descriptor;
mod detect;
mod documents;
mod environment;
mod error;
mod files;
mod launch;
mod launch_environment;
mod layers;
mod no_group;
mod order;
mod output;
mod plan;
mod platform;
mod report;
mod resolve;
mod restore;
mod target;

pub use build::{Build, PhaseOfBuildpack};
pub use descriptor::{
    Buildpack, BuildpackApi, BuildpackDescriptor, BuildpackPrograms, SbomFormat, escape,
};
pub use detect::{Detection, Participant};
pub use environment::{Action, Modification};
pub use error::{CnbError, Phase};
pub use launch::{Label, Process, ProcessElsewhere, Slice};
pub use launch_environment::{ExecD, LaunchEnvironment, Operation, ProfileScript};
pub use layers::{BuiltLayer, Sbom, SbomSubject};
pub use no_group::{NoGroup, Tried, Verdict};
pub use order::{Order, OrderElement};
pub use plan::{PlanEntry, Require};
pub use platform::Platform;
pub(crate) use platform::RESOLVE_ONLY;
pub use resolve::PlanProblem;
pub use restore::{Restored, RestoredLayer};
pub use target::{DistroPattern, Target, TargetPattern};

pub(crate) use documents::{parse_toml as parse_document, read_in_folder};

#[cfg(doc)]
use crate::sandbox::Executor;

/// The folder in the app directory that belongs to slugbuilder.
pub const OWN_FOLDER: &str = ".slugbuilder";

/// The folder of the layers, relative to the app directory.
pub const LAYERS_FOLDER: &str = ".slugbuilder/layers";

/// What buildpacks of API 0.12 are told in `CNB_EXEC_ENV`: slugs are for running apps, not for testing them.
const EXECUTION_ENVIRONMENT: &str = "production";
