//! The exec.d programs of launch layers, which set variables when a process starts (section 2.7 of the reference).
//!
//! A CNB launcher runs them and reads the TOML that they write to file descriptor 3. A slug has no launcher: what starts
//! its processes is bash, which knows no TOML. So a slug with exec.d programs carries [`EXEC_D_HELPER`], a bash script
//! that runs them, reads that TOML, and prints what the profile script then evaluates.
//!
//! Why bash, and no static program of ours? What sources `.profile.d` is bash already, so that every stack has it; a
//! program would be one more for each machine that slugs are built for, carried in the command by its bytes, since
//! `cargo install` builds no second binary into the first; `slugbuilder` itself is hundreds of times the size of the
//! script; and a script can be read by whoever wonders what a dyno runs. What exec.d programs write is small (strings
//! only, no other type of TOML), and speed does not matter: reading a kilobyte takes a millisecond. The price is a
//! reader of TOML in bash, which the tests hold against the `toml` crate.
//!
//! It runs in a process of its own, so that neither its variables nor its locale nor what the programs set can get into
//! each other's way, and it never evaluates anything of what it reads.

/// The script's place, relative to the app directory.
pub const EXEC_D_HELPER_PATH: &str = ".slugbuilder/exec_d.bash";

/// The script.
pub const EXEC_D_HELPER: &str = include_str!("../../data/launch/exec_d.bash");

#[cfg(test)]
mod tests;
