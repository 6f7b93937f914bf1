//! What can go wrong.

use slugbuilder_report::{Explain, Fault};
use std::io;
use std::path::PathBuf;

/// A package that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The executable needs a loader or libraries of the machine.
    #[error("this `slugbuilder` is not a static program: it needs {needs}")]
    Dynamic {
        /// What it needs.
        needs: String,
    },
    /// The executable is for another machine than the descriptor says.
    #[error("this `slugbuilder` is not for linux/amd64, as the package has to be")]
    OtherMachine,
    /// The executable is no ELF program.
    #[error("the executable is no ELF program")]
    NotAProgram,
    /// The folder holds something that a package does not.
    #[error("`{}` is not an earlier package: it has `{}`", folder.display(), entry.display())]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// What is in it, relative to it.
        entry: PathBuf,
    },
    /// Something else than a folder is in the way.
    #[error("`{}` is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// The folder is `/` or ends in `..`.
    #[error("the folder has no name of its own")]
    Root,
    /// Not an address that a browser opens.
    #[error("`{0}` is not the address of a homepage")]
    Homepage(String),
    /// Reading or writing failed.
    #[error("cannot write the package")]
    Io(#[from] io::Error),
}

impl Explain for PackageError {
    fn code(&self) -> &'static str {
        match self {
            Self::Dynamic { .. } => "not-static",
            Self::OtherMachine => "other-machine",
            Self::NotAProgram => "not-a-program",
            Self::NotOurs { .. } => "not-a-package",
            Self::NotAFolder(_) | Self::Root => "not-a-folder",
            Self::Homepage(_) => "invalid-homepage",
            Self::Io(_) => "package-not-written",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Dynamic { .. } | Self::OtherMachine => Fault::Unavailable,
            Self::NotAProgram => Fault::Bug,
            Self::NotOurs { .. } | Self::NotAFolder(_) | Self::Root | Self::Homepage(_) => {
                Fault::Usage
            }
            Self::Io(_) => Fault::Io,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Dynamic { .. } => Some(
                "The package holds a copy of this executable, and the image that it runs in may have another C \
                 library, an older one or none."
                    .into(),
            ),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Dynamic { .. } => vec![
                "Build a static one in slugbuilder's source, and let that write the package:\n\
                 RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --target x86_64-unknown-linux-gnu\n\
                 target/x86_64-unknown-linux-gnu/release/slugbuilder buildpack package DIR"
                    .into(),
            ],
            Self::OtherMachine => vec!["Use the `slugbuilder` for x86-64.".into()],
            Self::NotOurs { .. } => vec![
                "Give a folder that is new or empty: slugbuilder's own buildpack is written there.".into(),
                "To package a buildpack crate of your own, use `cargo libcnb package` (crate `libcnb-cargo`); a \
                 buildpack in shell is a package as it is."
                    .into(),
            ],
            Self::NotAFolder(_) | Self::Root => vec!["Give the path of a folder to make.".into()],
            Self::Homepage(_) => vec!["Write it like `https://example.org/slugbuilder`.".into()],
            Self::NotAProgram | Self::Io(_) => Vec::new(),
        }
    }
}
