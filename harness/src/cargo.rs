//! The programs of a buildpack crate, compiled as `cargo build` does.

use cargo_metadata::{Message, Metadata, MetadataCommand, Package};
use libcnb_package::CargoProfile;
use std::collections::BTreeMap;
use std::env;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// The programs of a buildpack.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    /// The one that is `bin/detect` and `bin/build`.
    pub(crate) main: PathBuf,
    /// The others, by name: `exec.d` programs and the like (`libcnb::additional_buildpack_binary_path!`).
    pub(crate) additional: BTreeMap<String, PathBuf>,
}

/// Why a crate could not be compiled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CargoError {
    #[error("cannot learn of the crate: {0}")]
    Metadata(#[from] cargo_metadata::Error),
    #[error("cannot run cargo: {0}")]
    Run(#[from] io::Error),
    #[error("cargo build failed:\n\n{0}")]
    Failed(String),
    #[error("{0} has no package of its own")]
    NoPackage(PathBuf),
    #[error("the crate `{0}` has no program (`src/main.rs`)")]
    NoProgram(String),
    #[error(
        "the crate `{name}` has several programs ({programs}), and none of them is called `{name}`, as a buildpack's has to be"
    )]
    Ambiguous { name: String, programs: String },
}

/// What was compiled already: tests of one executable share it, since asking Cargo takes as long as a small build.
type Compiled = BTreeMap<(PathBuf, bool), Programs>;
static COMPILED: Mutex<Compiled> = Mutex::new(BTreeMap::new());

/// Compiles the programs of the crate in `folder`.
pub(crate) fn programs(folder: &Path, profile: CargoProfile) -> Result<Programs, CargoError> {
    // Held meanwhile: another test would only wait for Cargo's own lock.
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (folder.to_owned(), profile == CargoProfile::Release);
    if let Some(programs) = compiled.get(&key) {
        return Ok(programs.clone());
    }
    let programs = compile(folder, profile)?;
    compiled.insert(key, programs.clone());
    Ok(programs)
}

fn compile(folder: &Path, profile: CargoProfile) -> Result<Programs, CargoError> {
    let manifest = folder.join("Cargo.toml");
    // In the crate's folder, where its `.cargo/config.toml` and its toolchain are looked for.
    let metadata = MetadataCommand::new()
        .current_dir(folder)
        .no_deps()
        .exec()?;
    let package =
        package_at(&metadata, &manifest).ok_or_else(|| CargoError::NoPackage(manifest.clone()))?;
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args([
            "build",
            "--bins",
            "--message-format=json-render-diagnostics",
        ])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if profile == CargoProfile::Release {
        command.arg("--release");
    }
    // What Cargo tells the test of the test's own crate: build scripts that look at it, as ring's does, would run anew in each
    // test and in each build between tests, and all that depends on them would be compiled anew.
    for (name, _) in env::vars_os() {
        let is_of_the_test = |prefix: &&str| name.to_string_lossy().starts_with(prefix);
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(is_of_the_test) {
            command.env_remove(name);
        }
    }
    if env::var_os("CI").is_some() {
        command.arg("--locked");
    }
    let mut cargo = command.spawn()?;
    let stderr = cargo.stderr.take();
    // Read side by side, or a full pipe would hold Cargo up.
    let messages = std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = stderr.map_or(Ok(0), |mut stderr| stderr.read_to_end(&mut text));
        read.map(|_| String::from_utf8_lossy(&text).into_owned())
    });
    let mut programs = BTreeMap::new();
    if let Some(stdout) = cargo.stdout.take() {
        for message in Message::parse_stream(BufReader::new(stdout)) {
            if let Message::CompilerArtifact(artifact) = message?
                && artifact.package_id == package.id
                && artifact.target.is_bin()
                && let Some(program) = artifact.executable
            {
                programs.insert(artifact.target.name, program.into_std_path_buf());
            }
        }
    }
    let status = cargo.wait()?;
    let messages = messages
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("its messages were lost")))?;
    if !status.success() {
        return Err(CargoError::Failed(messages));
    }
    choose(package.name.as_ref(), programs)
}

fn package_at<'a>(metadata: &'a Metadata, manifest: &Path) -> Option<&'a Package> {
    let canonical = |path: &Path| path.canonicalize().ok();
    let wanted = canonical(manifest)?;
    metadata
        .packages
        .iter()
        .find(|package| canonical(package.manifest_path.as_std_path()).as_ref() == Some(&wanted))
}

/// The rule of libcnb-package: the only program is the buildpack, else the one with the crate's name.
fn choose(name: &str, mut programs: BTreeMap<String, PathBuf>) -> Result<Programs, CargoError> {
    let main = match (programs.len(), programs.remove(name)) {
        (_, Some(main)) => main,
        (0, None) => return Err(CargoError::NoProgram(name.to_owned())),
        (1, None) => programs
            .pop_first()
            .map(|(_, main)| main)
            .ok_or_else(|| CargoError::NoProgram(name.to_owned()))?,
        (_, None) => {
            return Err(CargoError::Ambiguous {
                name: name.to_owned(),
                programs: programs.into_keys().collect::<Vec<_>>().join(", "),
            });
        }
    };
    Ok(Programs {
        main,
        additional: programs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> BTreeMap<String, PathBuf> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), PathBuf::from(name)))
            .collect()
    }

    #[test]
    fn the_only_program_is_the_buildpack_else_the_one_with_its_name() {
        let programs = choose("crate", named(&["other"])).unwrap();
        assert_eq!(programs.main, Path::new("other"));
        let programs = choose("crate", named(&["crate", "exec"])).unwrap();
        assert_eq!(programs.main, Path::new("crate"));
        assert_eq!(programs.additional, named(&["exec"]));
        insta::assert_snapshot!(choose("crate", named(&["a", "b"])).unwrap_err(), @"the crate `crate` has several programs (a, b), and none of them is called `crate`, as a buildpack's has to be");
        insta::assert_snapshot!(choose("crate", named(&[])).unwrap_err(), @"the crate `crate` has no program (`src/main.rs`)");
    }
}
