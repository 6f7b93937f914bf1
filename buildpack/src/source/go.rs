//! Go: go.dev's layout, the user's go as a downloader, and an installed go of the same version.
//!
//! The toolchain runs on the machine that builds, whatever the target is.

use super::{
    InstallError, Kit, MAX_LIST_BYTES, MIRROR, Obtained, Provenance, Source, SourceError, Wanted,
};
use super::{first_of, repack};
use crate::command::Client;
use crate::runtime::Runtime;
use crate::version::Version;
use serde::Deserialize;
use slugbuilder_fetch::{Algorithm, Checksum, FetchError, Format};
use slugbuilder_report::PinKind;
use slugbuilder_report::lock::LOCK_FILE;
use std::path::{Path, PathBuf};

/// What was got of Go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GoToolchain {
    /// An archive, whose one top folder is to be stripped.
    Archive(Obtained),
    /// The machine's own go of exactly this version, which is used where it is.
    Installed {
        /// Its `GOROOT`.
        root: PathBuf,
        /// Where it comes from.
        provenance: Provenance,
    },
}

/// The architecture of the machine that builds, in Go's words.
fn host_machine() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    }
}

/// Gets the toolchain of Go `version`.
pub fn obtain(kit: &Kit<'_>, version: Version) -> Result<GoToolchain, InstallError> {
    let sources = match kit.settings.mirror(Runtime::Go) {
        Some(mirror) => vec![
            Source::new(MIRROR, move || {
                site(kit, version, mirror.address(), MIRROR).map(GoToolchain::Archive)
            })
            .at(location(kit, version)),
        ],
        None => vec![
            Source::new("go.dev", move || {
                site(kit, version, &kit.sites.go, "go.dev").map(GoToolchain::Archive)
            })
            .at(location(kit, version)),
            Source::new("the user's go", move || {
                module(kit, version).map(GoToolchain::Archive)
            })
            .at(format!("go:{}", module_name(version))),
            Source::new("the installed go", move || installed(kit, version)),
        ],
    };
    let sources = kit.in_order_of_lock(PinKind::Runtime, Runtime::Go.name(), sources);
    first_of(&format!("Go {}", version.go_name()), sources, kit.reporter)
}

/// Whether a path of the toolchain (below `go/`) is needed to build: no documents, tests and sources of its own tools.
#[must_use]
pub fn is_wanted(path: &Path) -> bool {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    match parts.as_slice() {
        ["api" | "doc" | "misc" | "test", ..]
        | ["src", "cmd", ..]
        | ["pkg", "linux_amd64_race", ..]
        | ["bin", "gofmt"] => false,
        ["src", rest @ ..] => {
            !rest.contains(&"testdata")
                && !rest.last().is_some_and(|name| name.ends_with("_test.go"))
        }
        _ => true,
    }
}

#[derive(Deserialize)]
struct Release {
    files: Vec<ReleaseFile>,
}

#[derive(Deserialize)]
struct ReleaseFile {
    filename: String,
    sha256: String,
}

/// The layout of go.dev/dl: `?mode=json&include=all` lists every file with its SHA-256. Mirrors of files alone have
/// `<file>.sha256` beside each file, as the host that go.dev redirects to has; that is looked for first on a mirror.
fn site(kit: &Kit<'_>, version: Version, base: &str, name: &str) -> Result<Obtained, SourceError> {
    let file = file_name(version);
    let url = format!("{base}/{file}");
    let location = location(kit, version);
    let wanted = Wanted {
        receipt: &url,
        location: &location,
        source: name,
        format: Some(Format::TarGz),
        known: None,
    };
    if let Some(found) = kit.at_hand(&wanted)? {
        return Ok(found);
    }
    let (checksum, verified_by) = match kit.locked_hash(&location) {
        Some(locked) => (locked, LOCK_FILE),
        None => (
            published_checksum(kit, base, &file, name == MIRROR)?,
            "published",
        ),
    };
    kit.download(
        &wanted,
        format!("Go {}", version.go_name()),
        Format::TarGz,
        checksum,
        verified_by.into(),
    )
}

fn file_name(version: Version) -> String {
    format!("go{}.linux-{}.tar.gz", version.go_name(), host_machine())
}

/// What a lock calls the archive of go.dev, wherever it comes from.
fn location(kit: &Kit<'_>, version: Version) -> String {
    format!("{}/{}", kit.sites.go, file_name(version))
}

fn module_name(version: Version) -> String {
    format!(
        "golang.org/toolchain@v0.0.1-go{}.linux-{}",
        version.go_name(),
        host_machine()
    )
}

fn published_checksum(
    kit: &Kit<'_>,
    base: &str,
    file: &str,
    beside: bool,
) -> Result<Checksum, SourceError> {
    if beside {
        match kit.client.text(&format!("{base}/{file}.sha256"), 4096) {
            Ok(text) => {
                let hex = text.split_whitespace().next().unwrap_or_default();
                return Ok(Checksum::from_hex(Algorithm::Sha256, hex)?);
            }
            Err(error)
                if matches!(error.last(), FetchError::NotFound { .. })
                    && base.starts_with("http") => {}
            Err(error) => return Err(error.into()),
        }
    }
    let list = kit
        .client
        .text(&format!("{base}/?mode=json&include=all"), MAX_LIST_BYTES)?;
    let releases: Vec<Release> = serde_json::from_str(&list)
        .map_err(|_| SourceError::Answer(format!("`{base}/` is no list of releases")))?;
    let hex = releases
        .into_iter()
        .flat_map(|release| release.files)
        .find(|listed| listed.filename == file)
        .map(|listed| listed.sha256)
        .ok_or_else(|| SourceError::Absent(format!("`{file}` is not in the list of `{base}/`")))?;
    Ok(Checksum::from_hex(Algorithm::Sha256, &hex)?)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Module {
    dir: PathBuf,
    zip: PathBuf,
}

/// The module `golang.org/toolchain` through the user's go, which checks it against Go's checksum database.
fn module(kit: &Kit<'_>, version: Version) -> Result<Obtained, SourceError> {
    let name = module_name(version);
    let receipt = format!("go:{name}");
    let wanted = Wanted {
        receipt: &receipt,
        location: &receipt,
        source: "the user's go",
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
    let output = go(kit, folder.path())
        .args(["mod", "download", "-json", &name])
        // Go makes the folders of modules read-only, so that the temporary folder could not be removed.
        .env("GOFLAGS", "-modcacherw")
        .env("GOMODCACHE", folder.path().join("modules"))
        .output()?;
    let module: Module = serde_json::from_slice(&output)
        .map_err(|_| SourceError::Answer(format!("`go mod download -json {name}`")))?;
    let zip = fs_err::File::open(&module.zip).map_err(SourceError::Disk)?;
    let checksum = Checksum::of(Algorithm::Sha256, zip).map_err(SourceError::Disk)?;
    kit.check_locked(&receipt, &checksum)?;
    restore_layout(&module.dir).map_err(SourceError::Disk)?;

    let tree = folder.path().join("tree");
    fs_err::create_dir(&tree).map_err(SourceError::Disk)?;
    fs_err::rename(&module.dir, tree.join("go")).map_err(SourceError::Disk)?;
    let packed = folder.path().join("go.tar.gz");
    repack::pack(&tree, &packed)?;
    let inserted = kit.cache.insert(&packed, None)?;
    let obtained = Obtained {
        path: inserted.path,
        format: Format::TarGz,
        provenance: Provenance {
            source: "the user's go".into(),
            checksum: Some(checksum.to_string()),
            verified_by: "Go's checksum database".into(),
            location: Some(receipt.clone()),
        },
    };
    kit.receipts().keep(&receipt, &inserted.sha256, &obtained)?;
    Ok(obtained)
}

/// Makes a toolchain of a module: modules hold no `go.mod` of their own parts and no executable files, and what a build
/// does not need is removed before it is packed.
fn restore_layout(root: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(root.join(&folder))? {
            let entry = entry?;
            let inside = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if !is_wanted(&inside) {
                if kind.is_dir() {
                    fs_err::remove_dir_all(entry.path())?;
                } else {
                    fs_err::remove_file(entry.path())?;
                }
            } else if kind.is_dir() {
                folders.push(inside);
            } else {
                let executable = inside.starts_with("bin") || inside.starts_with("pkg/tool");
                let mode = if executable { 0o755 } else { 0o644 };
                fs_err::set_permissions(entry.path(), std::fs::Permissions::from_mode(mode))?;
                if entry.file_name() == "_go.mod" {
                    fs_err::rename(entry.path(), root.join(&folder).join("go.mod"))?;
                }
            }
        }
    }
    Ok(())
}

/// The machine's own go, if it is exactly this version. It may be any wrapper, so that its `GOROOT` is asked for.
fn installed(kit: &Kit<'_>, version: Version) -> Result<GoToolchain, SourceError> {
    if let Some(folder) = &kit.settings.mirror_folder {
        return Err(SourceError::Absent(format!(
            "only the mirror `{}` is used",
            folder.address()
        )));
    }
    let folder = kit.temporary()?;
    let output = go(kit, folder.path())
        .args(["env", "GOVERSION", "GOROOT"])
        .output()?;
    let text = String::from_utf8_lossy(&output);
    let mut lines = text.lines();
    let (found, root) = (
        lines.next().unwrap_or_default(),
        lines.next().unwrap_or_default(),
    );
    if found != format!("go{}", version.go_name()) {
        return Err(SourceError::Absent(format!("it is {found}")));
    }
    Ok(GoToolchain::Installed {
        root: root.into(),
        provenance: Provenance {
            source: "the installed go".into(),
            checksum: None,
            verified_by: "not verified".into(),
            location: None,
        },
    })
}

fn go(kit: &Kit<'_>, folder: &Path) -> Client {
    Client::new("go", &kit.settings.environment)
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "")
        .env("GOWORK", "off")
        // HOME may be missing, and go wants to know its folders even where it does not use them.
        .env("GOPATH", folder.join("path"))
        .env("GOCACHE", folder.join("cache"))
        .folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_tests_are_left_out() {
        for path in [
            "bin/go",
            "src/fmt/print.go",
            "pkg/tool/linux_amd64/compile",
            "VERSION",
            "go.env",
            "src/go.mod",
        ] {
            assert!(is_wanted(Path::new(path)), "{path}");
        }
        for path in [
            "doc/x",
            "test/x.go",
            "src/fmt/fmt_test.go",
            "src/cmd/go/main.go",
            "src/go/parser/testdata/x",
            "api/x",
        ] {
            assert!(!is_wanted(Path::new(path)), "{path}");
        }
    }
}
