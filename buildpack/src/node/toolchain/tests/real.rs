//! With the real packages, through the npm of the machine.

use super::*;
use std::ffi::OsStr;

/// A fixture that asks nodejs.org and the user's npm, with the user's settings of it.
fn online() -> Fixture {
    let mut fixture = Fixture::new();
    let variables = std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy().to_lowercase();
        ["path", "home"].contains(&name.as_str())
            || name.starts_with("npm_config_")
            || name.ends_with("_proxy")
            || name.contains("_cert")
    });
    fixture.settings = Settings {
        environment: Environment::new(variables),
        ..Settings::default()
    };
    // One that the registry has for both machines.
    fixture.version = Version::new(24, 21, 0);
    fixture
}

impl Fixture {
    fn write(&self, path: &str, text: &str) {
        let path = self.path("app").join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    /// Runs the manager where no registry, no site and no cache of headers can be reached.
    fn run_offline(&self, toolchain: &Toolchain, arguments: &[&str]) -> String {
        let output = self
            .with(|session| {
                toolchain
                    .install_command(session, arguments)
                    .unwrap()
                    .env("HOME", self.path("home"))
                    .env("npm_config_registry", "http://127.0.0.1:9")
                    .env("YARN_NPM_REGISTRY_SERVER", "http://127.0.0.1:9")
                    .env("YARN_UNSAFE_HTTP_WHITELIST", "127.0.0.1")
                    .env("http_proxy", "http://127.0.0.1:9")
                    .env("https_proxy", "http://127.0.0.1:9")
                    .folder(&self.path("app"))
                    .output()
            })
            .unwrap_or_else(|error| panic!("{error}\n{}", self.said()));
        String::from_utf8(output).unwrap()
    }
}

fn real(manager: Manager, package: &'static str, version: Version) -> NodeApp {
    let bundle = Bundle {
        package,
        integrity: None,
        corepack_hash: None,
    };
    app(manager, version, ManagerSource::Package(bundle))
}

fn managers() -> [NodeApp; 8] {
    let pnpm = |major, minor, patch| real(Manager::Pnpm, "pnpm", Version::new(major, minor, patch));
    let berry = "@yarnpkg/cli-dist";
    [
        bundled(),
        real(Manager::Npm, "npm", Version::new(10, 9, 4)),
        real(Manager::YarnClassic, "yarn", Version::new(1, 22, 22)),
        real(Manager::YarnBerry, berry, Version::new(3, 8, 7)),
        real(Manager::YarnBerry, berry, Version::new(4, 10, 3)),
        pnpm(9, 15, 9),
        pnpm(10, 20, 0),
        pnpm(11, 28, 11),
    ]
}

#[test]
#[ignore = "needs nodejs.org or the user's npm"]
fn no_manager_is_replaced_by_the_one_that_the_app_names() {
    let fixture = online();
    // Each of these would make a manager get and run another version of itself.
    fixture.write(".yarnrc.yml", "yarnPath: .yarn/releases/other.cjs\n");
    fixture.write(".yarnrc", "yarn-path \".yarn/releases/other.cjs\"\n");
    fixture.write(".yarn/releases/other.cjs", "console.log('another Yarn')\n");
    for app in managers() {
        let planned = &app.manager;
        let (name, version) = (planned.manager.program(), planned.version);
        let package = format!(
            r#"{{"name": "a", "packageManager": "{name}@{}.0.1", "scripts": {{"hello": "node -p process.env.NODE_ENV"}}}}"#,
            version.major
        );
        fixture.write("package.json", &package);
        fixture.write("yarn.lock", "__metadata:\n  version: 8\n");
        let toolchain = fixture.prepare(&app);
        let said = fixture.run_offline(&toolchain, &["--version"]);
        assert_eq!(said.trim(), toolchain.manager.version.to_string());
        if planned.manager != Manager::YarnBerry {
            let said = fixture.run_offline(&toolchain, &["run", "hello"]);
            assert!(said.contains("production"), "{name} {version}: {said}");
        }
    }
}

/// An addon of a few lines.
const ADDON: &str = r#"
#include <node_api.h>
static napi_value init(napi_env env, napi_value exports) {
  napi_value text;
  napi_create_string_utf8(env, "compiled", NAPI_AUTO_LENGTH, &text);
  return text;
}
NAPI_MODULE(NODE_GYP_MODULE_NAME, init)
"#;

#[test]
#[ignore = "needs nodejs.org or the user's npm, and a C++ compiler"]
fn native_addons_compile_against_the_layers_headers_without_a_download() {
    let fixture = online();
    for app in managers() {
        if app.manager.manager == Manager::YarnBerry {
            // It gets node-gyp as a package of its own, from the registry.
            continue;
        }
        fs_err::remove_dir_all(fixture.path("app")).unwrap();
        fixture.write(
            "package.json",
            r#"{"name": "a", "version": "1.0.0", "private": true, "dependencies": {"addon": "file:./addon"}}"#,
        );
        // Which packages may run scripts: before version 10 all may.
        if app.manager.manager == Manager::Pnpm && app.manager.version.major >= 10 {
            let allowed = match app.manager.version.major {
                10 => "onlyBuiltDependencies: [addon]\n",
                _ => "allowBuilds:\n  addon@file:addon: true\n  addon: true\n",
            };
            fixture.write("pnpm-workspace.yaml", &format!("packages: []\n{allowed}"));
        }
        fixture.write(
            "addon/package.json",
            r#"{"name": "addon", "version": "1.0.0", "gypfile": true, "scripts": {"install": "node-gyp rebuild"}}"#,
        );
        fixture.write(
            "addon/binding.gyp",
            r#"{"targets": [{"target_name": "addon", "sources": ["addon.c"]}]}"#,
        );
        fixture.write("addon/addon.c", ADDON);
        let toolchain = fixture.prepare(&app);
        let arguments: &[&str] = match app.manager.manager {
            Manager::Npm => &["install", "--install-links", "--offline"],
            Manager::YarnClassic => &["install", "--offline"],
            _ => &["install", "--offline", "--no-frozen-lockfile"],
        };
        let said = fixture.run_offline(&toolchain, arguments);
        let output = std::process::Command::new(&toolchain.node_bin)
            .args([
                OsStr::new("-p"),
                OsStr::new("require('addon/build/Release/addon.node')"),
            ])
            .current_dir(fixture.path("app"))
            .env_clear()
            .output()
            .unwrap();
        let version = toolchain.manager.version;
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            "compiled",
            "{:?} {version}: {said}\n{output:?}",
            app.manager.manager
        );
    }
}

#[test]
#[ignore = "needs nodejs.org and the registry, or the user's npm"]
fn for_another_machine_the_packages_of_that_one_are_installed() {
    let mut fixture = online();
    // The machine stays what it is; the slug is for another one.
    fixture.target.machine = crate::target::Machine::Arm64;
    fixture.host = Host::detect(Path::new("/"));
    assert!(
        !fixture.host.runs(fixture.target.machine),
        "a test for amd64"
    );
    for app in managers() {
        fs_err::remove_dir_all(fixture.path("app")).unwrap();
        fixture.write(
            "package.json",
            r#"{"name": "a", "version": "1.0.0", "private": true, "dependencies": {"esbuild": "0.25.0", "@parcel/watcher": "2.5.1"}}"#,
        );
        fixture.write(
            ".yarnrc.yml",
            "nodeLinker: node-modules\nenableScripts: false\n",
        );
        let toolchain = fixture.prepare(&app);
        let arguments: &[&str] = match app.manager.manager {
            Manager::Npm => &["install", "--ignore-scripts"],
            Manager::YarnBerry => &["install", "--no-immutable"],
            _ => &["install", "--ignore-scripts", "--no-frozen-lockfile"],
        };
        let outcome = fixture.with(|session| {
            toolchain
                .install_command(session, arguments)
                .map(|client| client.folder(&fixture.path("app")).output())
        });
        let client = match outcome {
            Ok(client) => client,
            Err(error) => {
                let is_old = app.manager.manager == Manager::Pnpm && app.manager.version.major < 10;
                assert!(
                    is_old || app.manager.manager == Manager::YarnClassic,
                    "{error}"
                );
                continue;
            }
        };
        client.unwrap();
        let find = std::process::Command::new("find")
            .args([
                fixture.path("app"),
                "-path".into(),
                "*esbuild/linux-*/bin/esbuild".into(),
            ])
            .output()
            .unwrap();
        let found = String::from_utf8(find.stdout).unwrap();
        let version = toolchain.manager.version;
        assert!(
            found.contains("linux-arm64") && !found.contains("linux-x64"),
            "{:?} {version}: {found}",
            app.manager.manager
        );
        let check = fixture.with(|session| toolchain.check_addons(session, &fixture.path("app")));
        assert!(
            check.is_ok(),
            "{:?} {version}: {check:?}",
            app.manager.manager
        );
    }
}
