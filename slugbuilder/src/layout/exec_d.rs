//! The exec.d programs of launch layers, which set variables when a process starts (section 2.7 of the reference).
//!
//! A CNB launcher runs them and reads the TOML that they write to file descriptor 3. A slug has no launcher: what starts
//! its processes is bash, which knows no TOML. So a slug with exec.d programs carries [`EXEC_D_HELPER`], a bash script
//! that runs them, reads that TOML, and prints what the profile script then evaluates.
//!
//! Why bash, and no static program of ours, which would read TOML with the crate? Such a program has to run on the stack
//! of the slug, not on this machine. `cargo install` builds the command for this machine's own target, and cannot build
//! a second, static one into it: that takes another target's standard library, which only `rustup` can add. The command
//! itself, copied into the slug, is linked with this machine's C library, which may be newer than that of the stack, and
//! is megabytes in every slug. A program that is kept ready in the repository, one for
//! each architecture, is one that nobody can read or build again on the way. bash, though, is on every stack, since it
//! is what sources `.profile.d`.
//!
//! The price is a reader of TOML in bash, which the tests hold against the `toml` crate, and its speed. It reads in
//! blocks, so that time grows with the length of the text and not with its square: ten milliseconds for what exec.d
//! programs write as a rule, up to a kilobyte; a tenth of a second for 100 kB of plain text in one string; and up to 1.5
//! seconds for 100 kB of nothing but escapes or short lines. There is no bound but the system's: no variable has more
//! than 128 KiB.
//!
//! It runs in a process of its own, and reads in another, so that neither its variables nor its locale nor what the
//! programs set can get into each other's way. It never evaluates anything of what it reads, except in quotes.

/// The script's place, relative to the app directory.
pub const EXEC_D_HELPER_PATH: &str = ".slugbuilder/exec_d.bash";

/// The script.
pub const EXEC_D_HELPER: &str = include_str!("../../data/launch/exec_d.bash");

#[cfg(test)]
mod tests;
