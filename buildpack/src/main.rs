//! The buildpack's program, for `pack` and for maintenance. slugbuilder's own CLI carries the library instead.
//!
//! Called as `detect` or `build` it is the buildpack. Else:
//! - `slugbuilder-buildpack buildpack.toml` prints that file;
//! - `slugbuilder-buildpack docs [FOLDER]` writes the tables of the documents below the workspace's folder anew;
//! - `slugbuilder-buildpack catalogue update [FOLDER]` remakes the catalogues with the npm and go of this machine.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program's own front"
)]

use slugbuilder_buildpack::{BUILDPACK_TOML, catalogue, date::Day, precedence};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let name = arguments
        .first()
        .map(Path::new)
        .and_then(Path::file_name)
        .unwrap_or_default();
    if name == "detect" || name == "build" {
        slugbuilder_buildpack::main();
    }
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match words.as_slice() {
        ["buildpack.toml"] => {
            print!("{BUILDPACK_TOML}");
            ExitCode::SUCCESS
        }
        ["docs", rest @ ..] if rest.len() < 2 => {
            let folder = rest.first().copied().unwrap_or(".");
            match precedence::rewrite_documents(Path::new(folder)) {
                Ok(changed) => {
                    for document in changed {
                        println!("wrote {document}");
                    }
                    ExitCode::SUCCESS
                }
                Err(error) => {
                    eprintln!("error: {error}");
                    ExitCode::FAILURE
                }
            }
        }
        ["catalogue", "update", rest @ ..] if rest.len() < 2 => {
            let folder = rest.first().copied().unwrap_or("buildpack/data");
            match catalogue::update::update(
                Path::new(folder),
                &Day::of(std::time::SystemTime::now()),
            ) {
                Ok(notes) => {
                    for note in notes {
                        println!("{note}");
                    }

                    ExitCode::SUCCESS
                }
                Err(error) => {
                    eprintln!("error: {error}");
                    ExitCode::FAILURE
                }
            }
        }
        _ => {
            eprintln!(
                "usage: slugbuilder-buildpack (buildpack.toml | docs [FOLDER] | catalogue update [FOLDER])"
            );
            eprintln!("As a buildpack it is called by the names `detect` and `build`.");
            ExitCode::from(2)
        }
    }
}
