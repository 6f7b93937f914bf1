//! WEBrick, which has not come with Ruby since 3.0.

use super::ruby::{APT_SOURCE, Apt, digest_of, unpack_packages};
use super::{
    InstallError, Kit, Obtained, Provenance, Source, SourceError, Wanted, first_of, repack,
};
use crate::command::Client;
use slugbuilder_fetch::{Algorithm, Checksum, Format};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The name of the source that the runtime's own gem client is.
const GEM_SOURCE: &str = "the user's gem";

/// The version that is installed as a gem.
pub const GEM_VERSION: &str = "1.9.1";

/// Gets WEBrick's library as an archive, of which nothing is to be stripped. `ruby` is the folder of the runtime's
/// programs where the runtime has a gem client of its own, which is every Ruby but apt's.
pub fn obtain(kit: &Kit<'_>, ruby: Option<&Path>) -> Result<Obtained, InstallError> {
    let mut sources = Vec::new();
    if let Some(programs) = ruby {
        sources.push(Source::new(GEM_SOURCE, move || gem(kit, programs)));
    }
    sources.push(Source::new(APT_SOURCE, move || apt(kit)));
    first_of("WEBrick", sources, kit.reporter)
}

/// With the gem client of the runtime that was just installed: it knows the user's `.gemrc`, where gems come from.
fn gem(kit: &Kit<'_>, programs: &Path) -> Result<Obtained, SourceError> {
    let receipt = format!("gem:webrick:{GEM_VERSION}");
    let wanted = Wanted {
        receipt: &receipt,
        location: &receipt,
        source: GEM_SOURCE,
        format: None,
        known: None,
    };
    if let Some(found) = kit.at_hand(&wanted)? {
        return Ok(found);
    }
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
    Client::new(programs.join("gem"), environment)
        .args(["install", "webrick", "--version", GEM_VERSION])
        .args(["--no-document", "--install-dir"])
        .args([&home])
        .env("PATH", path)
        .folder(folder.path())
        .output()?;
    let archive = home.join(format!("cache/webrick-{GEM_VERSION}.gem"));
    let checksum = fs_err::File::open(archive)
        .and_then(|file| Checksum::of(Algorithm::Sha256, file))
        .map_err(SourceError::Disk)?;
    kit.check_locked(&receipt, &checksum)?;
    let gem = home.join(format!("gems/webrick-{GEM_VERSION}"));
    let provenance = Provenance {
        source: GEM_SOURCE.into(),
        checksum: Some(checksum.to_string()),
        verified_by: "gem".into(),
        location: Some(receipt.clone()),
    };
    keep(
        kit,
        folder.path(),
        &gem.join("lib"),
        &gem.join("LICENSE.txt"),
        provenance,
        &receipt,
    )
}

/// The package `ruby-webrick`, which is plain Ruby and fits any version.
fn apt(kit: &Kit<'_>) -> Result<Obtained, SourceError> {
    const PACKAGE: &str = "ruby-webrick";
    const RECEIPT: &str = "apt:ruby-webrick";
    let wanted = Wanted {
        receipt: RECEIPT,
        location: RECEIPT,
        source: APT_SOURCE,
        format: None,
        known: None,
    };
    if let Some(found) = kit.at_hand(&wanted)? {
        return Ok(found);
    }
    let folder = kit.temporary()?;
    let mut apt = Apt::open(kit, folder.path(), PACKAGE)?;
    let packages = [PACKAGE.to_owned()];
    let files = apt.download(&packages)?;
    let location = apt.location(&packages)?;
    let checksum = digest_of(&files)?;
    kit.check_locked(&location, &checksum.parse()?)?;
    let tree = folder.path().join("tree");
    unpack_packages(kit, &files, &tree, &|_| true)?;
    // Debian 12 packs it as a gem, other releases as a library.
    let lib = find_lib(&tree).map_err(SourceError::Disk)?;
    let licence = tree.join("usr/share/doc").join(PACKAGE).join("copyright");
    let provenance = Provenance {
        source: APT_SOURCE.into(),
        checksum: Some(checksum),
        verified_by: "apt".into(),
        location: Some(location),
    };
    keep(kit, folder.path(), &lib, &licence, provenance, RECEIPT)
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

/// Packs the folder `lib` and puts it into the cache.
fn keep(
    kit: &Kit<'_>,
    folder: &Path,
    lib: &Path,
    licence: &Path,
    provenance: Provenance,
    receipt: &str,
) -> Result<Obtained, SourceError> {
    if !lib.join("webrick.rb").is_file() {
        return Err(SourceError::Answer(
            "there is no `webrick.rb` in what came".into(),
        ));
    }
    if licence.is_file() {
        fs_err::rename(licence, lib.join("webrick/LICENSE.txt")).map_err(SourceError::Disk)?;
    }
    let packed = folder.join("webrick.tar.gz");
    repack::pack(lib, &packed)?;
    let inserted = kit.cache.insert(&packed, None)?;
    let obtained = Obtained {
        path: inserted.path,
        format: Format::TarGz,
        provenance,
    };
    kit.receipts().keep(receipt, &inserted.sha256, &obtained)?;
    Ok(obtained)
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
