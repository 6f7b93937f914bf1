//! What slugbuilder tells people: errors, warnings and decisions as data, progress as events, and one renderer.
//!
//! Every other crate reports through this one and prints nothing itself. An error is an enum of causes (`thiserror`)
//! that implements [`Explain`]; [`Diagnosis`] is that explanation as data, so that the buildpack can hand it through a
//! file to the platform that runs it, and [`Diagnosis::render`] is the only place where it becomes text.

mod decision;
mod diagnosis;
pub mod lock;
mod pin;
mod reporter;

pub use decision::{Candidate, Decision, Language, Origin, PhaseReport};
pub use diagnosis::{Diagnosis, Explain, Fault, Style, Warning, drives_output, printable};
pub use pin::{ObtainedFile, Pin, PinKind, PinnedArchive, SitePath};
pub use reporter::{Event, Reporter, Silent, TransferId};
