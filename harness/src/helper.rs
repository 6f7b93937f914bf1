//! How a test's executable serves as the helpers of its sandboxes.
//!
//! A sandbox starts the running executable again under other names ([`slugbuilder::sandbox::serve_helper`]), which has to
//! be noticed before there are threads. The `main` of a test is not ours, so a function that runs before it looks: the C
//! library calls those that `.init_array` lists, and Rust's own, which takes the arguments over, comes first.
#![expect(
    unsafe_code,
    reason = "a function that runs before main, and what main would have done for it"
)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether [`serve`] has run.
static HAS_RUN: AtomicBool = AtomicBool::new(false);

#[used]
// SAFETY: the section holds pointers to functions of the C calling convention; glibc's arguments are left aside.
#[unsafe(link_section = ".init_array")]
static SERVE: extern "C" fn() = serve;

extern "C" fn serve() {
    HAS_RUN.store(true, Ordering::Relaxed);
    let Ok(arguments) = std::fs::read("/proc/self/cmdline") else {
        return;
    };
    let name = arguments
        .split(|byte| *byte == 0)
        .next()
        .unwrap_or_default();
    if !name.starts_with(b"slugbuilder-") || name.contains(&b'/') {
        return;
    }
    // As the runtime would have done before `main`: a helper meets a closed pipe as an error.
    // SAFETY: nobody else sets handlers, for there is one thread and `main` has not begun.
    let _ = unsafe {
        nix::sys::signal::signal(
            nix::sys::signal::Signal::SIGPIPE,
            nix::sys::signal::SigHandler::SigIgn,
        )
    };
    if let Some(status) = slugbuilder::sandbox::serve_helper(OsStr::from_bytes(name)) {
        // SAFETY: `_exit` takes a number and does not return. Nothing is buffered.
        unsafe { nix::libc::_exit(i32::from(status)) }
    }
}

#[cfg(not(target_env = "gnu"))]
compile_error!(
    "slugbuilder-test needs tests that are linked to glibc: compile them without `--target`, or for a `-gnu` target"
);

/// Panics where the executable could not serve as a helper.
pub(crate) fn check() {
    assert!(
        HAS_RUN.load(Ordering::Relaxed),
        "this executable was linked in a way that leaves out functions that run before `main`, which slugbuilder-test needs"
    );
}
