//! The `slugbuilder` command.
//!
//! The executable has three more roles, which it takes by the name it is started under: the sandbox's helper
//! processes, and the buildpack's `bin/detect` and `bin/build`.

mod arguments;
mod commands;
mod credentials;
mod environment;
mod failure;
mod git_remote;
mod printer;
mod signals;
mod table;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let argv0 = std::env::args_os().next().unwrap_or_default();
    // Before anything may start a thread.
    if let Some(code) = slugbuilder::sandbox::serve_helper(&argv0) {
        return ExitCode::from(code);
    }
    if let Some("detect" | "build") = Path::new(&argv0).file_name().and_then(|name| name.to_str()) {
        slugbuilder_buildpack::main();
    }
    let arguments = match arguments::Arguments::read(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => return failure::of_arguments(&error),
    };
    let printer = printer::Printer::new(&arguments.output);
    match commands::run(&arguments, &printer) {
        Ok(code) => code,
        Err(failure) => {
            printer.failure(&failure);
            failure.exit_code()
        }
    }
}
