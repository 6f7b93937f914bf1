//! Toolchains of packages that a folder holds, with a program in place of Node.js that says what it is called with.

mod cross;
mod managers;
mod real;

use super::*;
use crate::buildpack::SlugbuilderBuildpack;
use crate::catalogue::Catalogues;
use crate::node::host::{Host, Libc};
use crate::node::{
    BuildScripts, Bundle, DevDependencies, Linker, Lockfile, Manager, NodeSettings, PlannedManager,
};
use crate::output::Lines;
use crate::runtime::Runtime;
use crate::settings::{Mirror, Settings};
use crate::source::{Kit, Sites};
use crate::target::Target;
use crate::version::{Constraint, Requested, Version};
use lzma_rust2::{XzOptions, XzWriter};
use sha2::{Digest as _, Sha256};
use slugbuilder_fetch::{Algorithm, Cache, Checksum};
use slugbuilder_report::{Diagnosis, Origin, Style};
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

/// `node FILE …` in the archives: writes its arguments and some of its variables.
const PROGRAM: &str = "#!/bin/sh
[ \"$2\" = pack ] && exec \"${1%/*}/pack\" \"$@\"
printf '%s\\n' \"$@\"
env | grep -E '^(PATH|NODE_ENV|[a-z_]*nodedir|npm_config_(os|cpu|libc)|YARN_IGNORE_PATH|HOME)=' | sort
";

type Files<'a> = &'a [(&'a str, &'a str)];

fn tar(top: &str, files: Files<'_>) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(if content.starts_with("#!") {
            0o755
        } else {
            0o644
        });
        header.set_size(content.len() as u64);
        archive
            .append_data(&mut header, format!("{top}/{path}"), content.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

fn gz(tar: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

fn xz(tar: &[u8]) -> Vec<u8> {
    let mut encoder = XzWriter::new(Vec::new(), XzOptions::with_preset(0)).unwrap();
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

const NODE_FILES: [(&str, &str); 8] = [
    ("bin/node", PROGRAM),
    ("LICENSE", "a licence"),
    ("include/node/node.h", "a header"),
    ("lib/node_modules/npm/package.json", NPM),
    (
        "lib/node_modules/npm/bin/npm-cli.js",
        "#!/usr/bin/env node\n",
    ),
    (
        "lib/node_modules/npm/bin/npx-cli.js",
        "#!/usr/bin/env node\n",
    ),
    ("lib/node_modules/npm/docs/x.md", "a document"),
    ("lib/node_modules/corepack/package.json", "{}"),
];

const NPM: &str =
    r#"{"version": "11.6.2", "bin": {"npm": "bin/npm-cli.js", "npx": "bin/npx-cli.js"}}"#;

/// The packages of the managers, in small.
const PACKAGES: [(&str, &str, Files<'_>); 3] = [
    (
        "pnpm-9.1.0",
        "pnpm",
        &[
            (
                "package.json",
                r#"{"version": "9.1.0", "bin": {"pnpm": "bin/pnpm.cjs"}}"#,
            ),
            ("bin/pnpm.cjs", "pnpm"),
        ],
    ),
    (
        "yarnpkg-cli-dist-4.5.0",
        "@yarnpkg/cli-dist",
        &[
            (
                "package.json",
                r#"{"version": "4.5.0", "bin": {"yarn": "./bin/yarn.js"}}"#,
            ),
            ("bin/yarn.js", "berry"),
        ],
    ),
    (
        "yarn-1.22.22",
        "yarn",
        &[
            (
                "package.json",
                r#"{"version": "1.22.22", "bin": "bin/yarn.js"}"#,
            ),
            ("bin/yarn.js", "classic"),
        ],
    ),
];

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Fixture {
    folder: tempfile::TempDir,
    settings: Settings,
    target: Target,
    host: Host,
    version: Version,
    output: Shared,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["app", "layers", "node/v24.1.0", "npm", "home"] {
            fs_err::create_dir_all(folder.path().join(name)).unwrap();
        }
        let mirror = |name: &str| {
            let address = format!("file://{}", folder.path().join(name).display());
            Mirror::parse("X", &address).unwrap()
        };
        let settings = Settings {
            offline: true,
            environment: Environment::new([
                ("PATH", "/usr/bin:/bin".into()),
                ("HOME", folder.path().join("home")),
            ]),
            npm_mirror: Some(mirror("npm")),
            ..Settings::default()
        }
        .with_mirror(Runtime::Node, mirror("node"));
        let fixture = Self {
            settings,
            target: Target::of_cnb(&cnb_target(), None).unwrap(),
            host: Host {
                os: "linux".into(),
                cpu: "x64".into(),
                libc: Libc::Glibc,
            },
            version: Version::new(24, 1, 0),
            output: Shared::default(),
            folder,
        };
        fixture.serve_node("linux-x64", &NODE_FILES);
        for (name, _, files) in PACKAGES {
            fixture.serve_package(name, files);
        }
        fixture
    }

    /// The same on 64-bit Arm.
    fn on_arm() -> Self {
        let mut fixture = Self::new();
        fixture.host.cpu = "arm64".into();
        fixture.serve_node("linux-arm64", &NODE_FILES);
        fixture
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    fn serve_node(&self, platform: &str, files: Files<'_>) {
        let name = format!("node-v24.1.0-{platform}");
        let archive = xz(&tar(&name, files));
        let sums = self.path("node/v24.1.0/SHASUMS256.txt");
        let others = fs_err::read_to_string(&sums).unwrap_or_default();
        let sum = hex::encode(Sha256::digest(&archive));
        fs_err::write(sums, format!("{others}{sum}  {name}.tar.xz\n")).unwrap();
        fs_err::write(self.path(&format!("node/v24.1.0/{name}.tar.xz")), archive).unwrap();
    }

    fn serve_package(&self, name: &str, files: Files<'_>) {
        let archive = gz(&tar("package", files));
        let sum = hex::encode(Sha256::digest(&archive));
        fs_err::write(self.path(&format!("npm/{name}.tgz")), archive).unwrap();
        fs_err::write(self.path(&format!("npm/{name}.tgz.sha256")), sum).unwrap();
    }

    fn with<T>(&self, act: impl FnOnce(&Session<'_>) -> T) -> T {
        let client = slugbuilder_fetch::Client::new(slugbuilder_fetch::Settings {
            offline: self.settings.offline,
            ..slugbuilder_fetch::Settings::default()
        })
        .unwrap();
        let root = self.path("cache");
        let context = libcnb::build::BuildContext::<SlugbuilderBuildpack> {
            layers_dir: self.path("layers"),
            app_dir: self.path("app"),
            buildpack_dir: self.folder.path().to_owned(),
            target: cnb_target(),
            platform: libcnb::generic::GenericPlatform::new(libcnb::Env::new()),
            buildpack_plan: libcnb::data::buildpack_plan::BuildpackPlan {
                entries: Vec::new(),
            },
            buildpack_descriptor: toml::from_str(crate::BUILDPACK_TOML).unwrap(),
            store: None,
        };
        let scratch = tempfile::tempdir_in(self.path("layers")).unwrap();
        act(&Session {
            context: &context,
            kit: Kit {
                client: &client,
                cache: &Cache::open(&root).unwrap(),
                cache_root: &root,
                settings: &self.settings,
                sites: &Sites::default(),
                target: &self.target,
                scratch: scratch.path(),
                reporter: &Lines::new(self.output.clone(), self.output.clone()),
            },
            catalogues: &Catalogues::embedded().unwrap(),
            host: &self.host,
        })
    }

    fn resolved(&self) -> Resolved {
        let version = self.version;
        Resolved {
            requested: Requested {
                runtime: Runtime::Node,
                constraint: Constraint::Exact(version),
                text: "24.1.0".into(),
                origin: Origin::line(".nvmrc", 1),
            },
            version,
            in_catalogue: true,
        }
    }

    fn prepare(&self, app: &NodeApp) -> Toolchain {
        self.with(|session| prepare(session, &self.resolved(), app, false))
            .unwrap()
    }

    fn error(&self, app: &NodeApp) -> String {
        match self.with(|session| prepare(session, &self.resolved(), app, false)) {
            Err(libcnb::Error::BuildpackError(error)) => Diagnosis::of(&error)
                .render(Style::Plain)
                .replace(self.folder.path().to_str().unwrap(), "[ROOT]"),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it is there"),
        }
    }

    /// What the manager is called with, `install` being the argument.
    fn called(&self, toolchain: &Toolchain) -> String {
        let output = self
            .with(|session| {
                toolchain
                    .install_command(session, &["install"])
                    .unwrap()
                    .folder(&self.path("app"))
                    .output()
            })
            .unwrap();
        let text = String::from_utf8(output).unwrap();
        let text = text.replace(self.folder.path().to_str().unwrap(), "[ROOT]");
        // The folder of temporary files.
        text.lines()
            .map(|line| match line.split_once("/layers/.tmp") {
                Some((start, rest)) => {
                    let rest = rest.split_once('/').map_or("", |(_, rest)| rest);
                    format!("{start}/layers/[SCRATCH]/{rest}\n")
                }
                None => format!("{line}\n"),
            })
            .collect()
    }

    /// What was said since the last time.
    fn said(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.output.0.lock().unwrap())).unwrap()
    }

    /// Which layers are for launch.
    fn launched(&self) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs_err::read_dir(self.path("layers")).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                let table: toml::Table =
                    toml::from_str(&fs_err::read_to_string(&path).unwrap()).unwrap();
                if table["types"]["launch"].as_bool() == Some(true) {
                    names.push(path.file_stem().unwrap().to_string_lossy().into_owned());
                }
            }
        }
        names.sort();
        names
    }
}

fn cnb_target() -> libcnb::Target {
    libcnb::Target {
        os: "linux".into(),
        arch: "amd64".into(),
        arch_variant: None,
        distro_name: "ubuntu".into(),
        distro_version: "24.04".into(),
    }
}

fn app(manager: Manager, version: Version, source: ManagerSource) -> NodeApp {
    NodeApp {
        root: String::new(),
        package: String::new(),
        name: None,
        manager: PlannedManager {
            manager,
            version,
            requested: format!("{}@{version}", manager.program()),
            origin: Origin::line("package.json", 7),
            source,
        },
        lockfile: None::<Lockfile>,
        linker: Linker::NodeModules,
        modules: Modules::Installed,
        is_workspace: false,
        scripts: BuildScripts::default(),
        dev_dependencies: DevDependencies::Removed,
        launches_manager: false,
        built_entry: None,
        settings: NodeSettings::default(),
    }
}

fn package(name: &str, corepack_hash: Option<Checksum>) -> NodeApp {
    let (manager, version) = match name {
        "pnpm" => (Manager::Pnpm, Version::new(9, 1, 0)),
        "yarn" => (Manager::YarnClassic, Version::new(1, 22, 22)),
        _ => (Manager::YarnBerry, Version::new(4, 5, 0)),
    };
    let package = PACKAGES
        .iter()
        .map(|(_, package, _)| *package)
        .find(|package| *package == name)
        .unwrap();
    let bundle = Bundle {
        package,
        integrity: None,
        corepack_hash,
    };
    app(manager, version, ManagerSource::Package(bundle))
}

/// An app with a Yarn of its own.
pub(crate) fn vendored_app() -> NodeApp {
    let source = ManagerSource::Vendored(".yarn/releases/yarn.cjs".into());
    app(Manager::YarnBerry, Version::new(4, 5, 0), source)
}

fn bundled() -> NodeApp {
    let version = Version::new(11, 0, 0);
    app(Manager::Npm, version, ManagerSource::Bundled)
}
