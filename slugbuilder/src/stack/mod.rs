//! What a stack offers, and whether a runtime can run there.
//!
//! The data in `data/stacks` holds for each stack the symbol versions that its core libraries define, as *sets*: a
//! version such as `GLIBC_ABI_DT_RELR` has no number, so that comparing the largest ones would miss it. [`check()`] holds
//! the ELF files of a runtime against them. What a program opens with `dlopen` or through an FFI is invisible to it.

mod catalogue;
mod check;
mod elf;
mod error;
mod runtime;

pub use catalogue::{Machine, Stack, Status};
pub use check::{Finding, Findings, Problem, check};
pub use error::StackError;
pub use runtime::check_runtimes;
