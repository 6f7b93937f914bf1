//! Which buildpacks build an app, and which work folder it has.

use super::{BuildpackSource, CompileError, CompileOptions};
use crate::cnb::{Buildpack, CnbError, Order};
use crate::lock::{self, LockError};
use crate::place::Place;
use crate::sandbox::{SandboxError, SandboxOptions};
use crate::workspace::{App, Kind};
use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

impl CompileOptions {
    /// Whether what runs may do so in the open: every buildpack is ours, and the source is one of the user's.
    pub(super) fn trusted(&self) -> bool {
        !self.untrusted
            && self
                .buildpacks
                .iter()
                .all(|source| matches!(source, BuildpackSource::Embedded(_)))
    }
}

/// What tells one app's work folder from another's: the source's path, the stack, the buildpacks and the app's folder in
/// the source. Not the buildpacks' versions:
/// a buildpack knows by its layers' metadata what it can use again.
pub(super) fn of<'a>(source: &'a Path, options: &'a CompileOptions) -> Vec<&'a OsStr> {
    let mut identity = vec![source.as_os_str(), OsStr::new(&options.stack.name)];
    identity.extend(options.buildpacks.iter().map(|buildpack| match buildpack {
        BuildpackSource::Embedded(_) => OsStr::new("embedded"),
        BuildpackSource::Directory(path) | BuildpackSource::Unpacked { archive: path, .. } => {
            path.as_os_str()
        }
    }));
    if let Some(root) = &options.root {
        // No buildpack is called like the first of the two.
        identity.extend([OsStr::new(""), OsStr::new(root.as_str())]);
    }
    identity
}

/// The same for people.
pub(super) fn recorded(source: &Path, options: &CompileOptions) -> App {
    let buildpacks = options.buildpacks.iter().map(|buildpack| match buildpack {
        BuildpackSource::Embedded(_) => "slugbuilder".to_owned(),
        BuildpackSource::Directory(path) | BuildpackSource::Unpacked { archive: path, .. } => {
            path.to_string_lossy().into_owned()
        }
    });
    App {
        kind: Kind::Compile,
        source: source.to_string_lossy().into_owned(),
        root: options.root.as_ref().map(|root| root.as_str().to_owned()),
        stack: options.stack.name.clone(),
        buildpacks: buildpacks.collect(),
    }
}

/// The buildpacks as they lie in `place`, which was made of `options`.
pub(super) fn read(
    sources: &[Source],
    place: &Place,
    options: &SandboxOptions,
) -> Result<Vec<Buildpack>, CnbError> {
    let read = |source: &Source| source.read(place, options);
    sources.iter().map(read).collect()
}

/// The digests of the buildpacks' folders, by `id@version`.
pub(super) fn digests<'a>(
    sources: &'a [Source],
    buildpacks: &'a [Buildpack],
) -> impl Fn(&str) -> Result<String, LockError> + 'a {
    move |reference| {
        let mut all = sources.iter().zip(buildpacks);
        let found = all.find(|(_, one)| one.descriptor.reference() == reference);
        match found {
            Some((source, _)) => lock::of_folder(&source.outside),
            // Only what was read is in a group.
            None => Ok(String::new()),
        }
    }
}

/// Which of the buildpacks to try together.
pub(super) fn order(options: &CompileOptions, buildpacks: &[Buildpack]) -> Order {
    let order = options.order.clone();
    order.unwrap_or_else(|| Order::of(buildpacks))
}

/// A buildpack on its way into the sandbox.
pub(super) struct Source {
    name: OsString,
    outside: PathBuf,
    embedded: Option<&'static str>,
}

/// Names each buildpack for the sandbox, and writes out the directory of the embedded one, which libcnb wants to read
/// its buildpack.toml from.
pub(super) fn buildpacks(
    options: &CompileOptions,
    scratch: &Path,
    sandbox: &mut SandboxOptions,
) -> Result<Vec<Source>, CompileError> {
    let mut sources = Vec::new();
    for (index, buildpack) in options.buildpacks.iter().enumerate() {
        let source = match buildpack {
            BuildpackSource::Embedded(toml) => {
                let outside = scratch.join("buildpack");
                let write = || {
                    let file = outside.join("buildpack.toml");
                    std::fs::create_dir_all(&outside)?;
                    std::fs::write(&file, toml)?;
                    // As root, the build reads them as another user, whatever the umask is.
                    std::fs::set_permissions(&outside, Permissions::from_mode(0o755))?;
                    std::fs::set_permissions(&file, Permissions::from_mode(0o644))
                };
                write().map_err(|source| SandboxError::SetUp {
                    step: "writing the buildpack out".into(),
                    source,
                })?;
                Source {
                    name: name(index, "slugbuilder"),
                    outside,
                    embedded: Some(toml),
                }
            }
            BuildpackSource::Directory(path)
            | BuildpackSource::Unpacked {
                directory: path, ..
            } => {
                let outside = std::fs::canonicalize(path).map_err(|source| CnbError::File {
                    action: "read",
                    path: path.join("buildpack.toml"),
                    source,
                })?;
                let base = outside.file_name().unwrap_or(OsStr::new("buildpack"));
                let base = String::from_utf8_lossy(base.as_bytes())
                    .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
                Source {
                    name: name(index, &base),
                    outside,
                    embedded: None,
                }
            }
        };
        sandbox
            .buildpacks
            .push((source.outside.clone(), source.name.clone()));
        sources.push(source);
    }
    Ok(sources)
}

fn name(index: usize, base: &str) -> OsString {
    format!("{index}-{base}").into()
}

impl Source {
    fn read(&self, place: &Place, options: &SandboxOptions) -> Result<Buildpack, CnbError> {
        let inside = match place {
            Place::Sandbox(sandbox) => sandbox.buildpack_dir(&self.name),
            Place::Open { .. } => options
                .buildpacks
                .iter()
                .find(|(_, name)| *name == self.name)
                .map_or_else(|| self.outside.clone(), |(folder, _)| folder.clone()),
        };
        match self.embedded {
            Some(toml) => Buildpack::embedded(toml, inside),
            None => Buildpack::read(&self.outside, inside),
        }
    }
}
