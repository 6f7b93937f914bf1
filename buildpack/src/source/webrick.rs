//! WEBrick, which has not come with Ruby since 3.0.

use super::ruby::{APT_SOURCE, Apt, unpack_packages};
use super::{InstallError, Kit, Provenance, Source, SourceError, first_of};
use crate::command::Client;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The version that is installed as a gem.
pub const GEM_VERSION: &str = "1.9.1";

/// Puts WEBrick's `lib` folder to `destination`, which must not exist. `ruby` is the folder of the runtime's programs
/// where the runtime is not apt's own.
pub fn install(
    kit: &Kit<'_>,
    ruby: Option<&Path>,
    destination: &Path,
) -> Result<Provenance, InstallError> {
    let mut sources = Vec::new();
    if let Some(programs) = ruby {
        sources.push(Source::new("the user's gem", move || {
            gem(kit, programs, destination)
        }));
    }
    sources.push(Source::new(APT_SOURCE, move || apt(kit, destination)));
    first_of("WEBrick", sources, kit.reporter)
}

/// With the gem client of the runtime that was just installed: it knows the user's `.gemrc`, where gems come from.
fn gem(kit: &Kit<'_>, programs: &Path, destination: &Path) -> Result<Provenance, SourceError> {
    if kit.settings.offline {
        return Err(SourceError::Offline);
    }
    let folder = kit.temporary()?;
    let home = folder.path().join("gems");
    let environment = &kit.settings.environment;
    let mut path = OsString::from(programs);
    if let Some(rest) = environment.get("PATH") {
        path.push(":");
        path.push(rest);
    }
    let program = programs.join("gem");
    Client::new(&program.to_string_lossy(), environment)
        .args([
            "install",
            "webrick",
            "--version",
            GEM_VERSION,
            "--no-document",
            "--install-dir",
        ])
        .args([&home])
        .env("PATH", path)
        .folder(folder.path())
        .output()?;
    let gem = home.join(format!("gems/webrick-{GEM_VERSION}"));
    move_lib(&gem.join("lib"), &gem.join("LICENSE.txt"), destination)?;
    Ok(Provenance {
        source: "the user's gem".into(),
        checksum: None,
        verified_by: "gem".into(),
    })
}

/// The package `ruby-webrick`, which is plain Ruby and fits any version.
fn apt(kit: &Kit<'_>, destination: &Path) -> Result<Provenance, SourceError> {
    const PACKAGE: &str = "ruby-webrick";
    let folder = kit.temporary()?;
    let mut apt = Apt::open(kit, folder.path(), PACKAGE)?;
    let files = apt.download(&[PACKAGE.to_owned()])?;
    let tree = folder.path().join("tree");
    unpack_packages(kit, &files, &tree, &|_| true)?;
    // Debian 12 packs it as a gem, other releases as a library.
    let lib = find_lib(&tree).map_err(SourceError::Disk)?;
    let licence = tree.join("usr/share/doc").join(PACKAGE).join("copyright");
    move_lib(&lib, &licence, destination)?;
    Ok(Provenance {
        source: APT_SOURCE.into(),
        checksum: Some(super::ruby::digest_of(&files)?),
        verified_by: "apt".into(),
    })
}

/// The folder below `tree` that holds `webrick.rb`.
fn find_lib(tree: &Path) -> std::io::Result<PathBuf> {
    let mut folders = vec![tree.to_owned()];
    while let Some(folder) = folders.pop() {
        if folder.join("webrick.rb").is_file() {
            return Ok(folder);
        }
        for entry in fs_err::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(tree.to_owned())
}

fn move_lib(lib: &Path, licence: &Path, to: &Path) -> Result<(), SourceError> {
    if !lib.join("webrick.rb").is_file() {
        return Err(SourceError::Answer(
            "there is no `webrick.rb` in what came".into(),
        ));
    }
    if licence.is_file() {
        fs_err::rename(licence, lib.join("webrick/LICENSE.txt")).map_err(SourceError::Disk)?;
    }
    fs_err::rename(lib, to).map_err(SourceError::Disk)
}

/// The version that the files in `folder` say they are.
#[must_use]
pub fn version_in(folder: &Path) -> Option<String> {
    let text = fs_err::read_to_string(folder.join("webrick/version.rb")).ok()?;
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with("VERSION"))?;
    line.split('"').nth(1).map(str::to_owned)
}
