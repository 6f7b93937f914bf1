//! The client of the Platform API against a server that does what servers do on bad days.

mod calls;
mod following;
mod promoting;
mod publishing;
mod pulling;
mod releasing;
mod support;
