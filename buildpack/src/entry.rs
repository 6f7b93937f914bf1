//! The entry of the buildpack's process: the only place that reads the environment and the clock, and exits.

use crate::buildpack::SlugbuilderBuildpack;
use crate::command::Environment;
use crate::date::Day;
use crate::output::Lines;
use crate::source::Sites;
use std::time::SystemTime;

/// The text of `buildpack.toml`.
pub const BUILDPACK_TOML: &str = include_str!("../buildpack.toml");

/// Runs the phase that the file name of `argv[0]` says, `detect` or `build`, and exits as CNB wants it.
pub fn main() -> ! {
    libcnb::libcnb_runtime(&SlugbuilderBuildpack::new(
        Environment::new(std::env::vars_os()),
        Day::of(SystemTime::now()),
        Sites::default(),
        Box::new(Lines::new(std::io::stdout(), std::io::stderr())),
    ));
    std::process::exit(70)
}
