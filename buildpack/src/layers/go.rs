//! Layers `go` (the toolchain, for build) and `go-build` (its caches), and the building of the app's programs.
//!
//! Neither layer enters a slug. `go` is made anew when the version or the mirror changes, `go-build` when the line of
//! the version or the machine changes.

use super::{Layer, LayerKey, LayerMetadata, LayerRuntime, Use, keyed, keyed_unless, unpack_into};
use crate::buildpack::Session;
use crate::command::Client;
use crate::detect::{GoApp, GoProgram};
use crate::error::BuildpackError;
use crate::runtime::Runtime;
use crate::source::{Provenance, go};
use crate::version::{Resolved, Version};
use libcnb::data::layer_name;
use slugbuilder_report::{Event, PinKind, Warning};
use std::path::{Path, PathBuf};

/// A toolchain that is ready to be used.
pub(crate) struct Toolchain {
    root: PathBuf,
    version: Version,
    pub(crate) origin: Provenance,
}

/// Installs the toolchain.
pub(crate) fn install(
    session: &Session<'_>,
    resolved: &Resolved,
) -> libcnb::Result<Toolchain, BuildpackError> {
    let version = resolved.version;
    let key = LayerKey::new([
        ("runtime", "go".to_owned()),
        ("version", version.go_name()),
        ("mirror", session.mirror_mark(resolved.requested.runtime)),
    ]);
    let used_by = Use {
        build: true,
        launch: false,
    };
    let layer = match keyed_unless(
        session.context,
        session.reporter_of_layers(),
        &layer_name!("go"),
        used_by,
        &key,
        &|metadata| {
            session.kit.settings.lock.refuses(
                PinKind::Runtime,
                Runtime::Go.name(),
                &metadata.origin,
            )
        },
    )? {
        Layer::Kept(layer, metadata) => {
            return Ok(Toolchain {
                root: layer.path(),
                version,
                origin: metadata.origin,
            });
        }
        Layer::Empty(layer) => layer,
    };
    match go::obtain(&session.kit, version).map_err(BuildpackError::from)? {
        // The layer stays empty and without metadata: the next build looks again.
        go::GoToolchain::Installed { root, provenance } => Ok(Toolchain {
            root,
            version,
            origin: provenance,
        }),
        go::GoToolchain::Archive(archive) => {
            unpack_into(&layer.path(), &archive, 1, &go::is_wanted)?;
            layer.write_metadata(LayerMetadata {
                key,
                runtime: LayerRuntime::new("go", version.go_name()),
                origin: archive.provenance.clone(),
            })?;
            Ok(Toolchain {
                root: layer.path(),
                version,
                origin: archive.provenance,
            })
        }
    }
}

/// Builds the programs of the app in `folder`, so that the same source gives the same bytes in any folder.
pub(crate) fn build(
    session: &Session<'_>,
    toolchain: &Toolchain,
    app: &GoApp,
    folder: &Path,
    warnings: &mut Vec<Warning>,
) -> libcnb::Result<(), BuildpackError> {
    let version = toolchain.version;
    let line = format!("{}.{}", version.major, version.minor);
    let machine = session.kit.target.machine.go_name();
    let key = LayerKey::new([("go", line.clone()), ("machine", machine.to_owned())]);
    let used_by = Use {
        build: false,
        launch: false,
    };
    let name = layer_name!("go-build");
    let caches = match keyed(
        session.context,
        session.reporter_of_layers(),
        &name,
        used_by,
        &key,
    )? {
        Layer::Kept(layer, _) => layer.path(),
        Layer::Empty(layer) => {
            // Empty caches are whole.
            layer.write_metadata(LayerMetadata {
                key,
                runtime: LayerRuntime::new("go-build", &line),
                origin: Provenance {
                    source: "builds".into(),
                    checksum: None,
                    verified_by: "go".into(),
                    location: None,
                },
            })?;
            layer.path()
        }
    };
    for program in &app.programs {
        check_output(folder, program, warnings)?;
        session.kit.reporter.report(Event::Note(&format!(
            "Building {} from {}",
            program.output,
            program.sources.join(" ")
        )));
        let is_vendored = app.is_module && folder.join("vendor/modules.txt").is_file();
        let mut arguments = vec!["build", "-trimpath", "-ldflags=-buildid= -s -w"];
        if version >= Version::new(1, 18, 0) {
            arguments.push("-buildvcs=false");
        }
        if is_vendored {
            arguments.push("-mod=vendor");
        }
        arguments.extend(["-o", program.output.as_str()]);
        let mut client = Client::new(
            toolchain.root.join("bin/go"),
            &session.kit.settings.environment,
        )
        .args(arguments)
        .args(&program.sources)
        .env("GOROOT", &toolchain.root)
        .env("GOPATH", caches.join("path"))
        .env("GOCACHE", caches.join("objects"))
        .env("GOMODCACHE", caches.join("modules"))
        .env("GOTOOLCHAIN", "local")
        // An empty GOFLAGS would let the one of the user's `go env -w` through.
        .env("GOFLAGS", "-modcacherw")
        .env("GOWORK", "off")
        .env("GOOS", "linux")
        .env("GOARCH", machine)
        .env("CGO_ENABLED", "0")
        .folder(folder);
        if !app.is_module {
            // A `go.mod` of a folder above, or an empty one, is not this app's.
            client = client.env("GO111MODULE", "off");
        }
        if session.kit.settings.offline {
            client = client.env("GOPROXY", "off");
        }
        client.output().map_err(|error| BuildpackError::GoBuild {
            program: program.name.clone(),
            error,
        })?;
    }
    Ok(())
}

/// Programs are written into the app: says so where something is in the way.
fn check_output(
    folder: &Path,
    program: &GoProgram,
    warnings: &mut Vec<Warning>,
) -> Result<(), BuildpackError> {
    match folder.join(&program.output).symlink_metadata() {
        Ok(there) if there.is_file() => {
            warnings.push(
                Warning::new(
                    "program-replaced",
                    format!(
                        "`{}` of the source is replaced by the program that is built",
                        program.output
                    ),
                )
                .hint("Leave built programs out of the source."),
            );
            fs_err::remove_file(folder.join(&program.output)).map_err(BuildpackError::Disk)
        }
        Ok(_) => Err(BuildpackError::InTheWay {
            output: program.output.clone(),
        }),
        Err(_) => Ok(()),
    }
}
