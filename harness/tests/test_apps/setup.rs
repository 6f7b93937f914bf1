//! Files of an app that are made for its test.

use crate::expect::Setup;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// Runs the commands in `app`. They are the caller's, as is npm's configuration; those of its settings that yarn and pnpm do
/// not read by themselves they get as variables.
pub(crate) fn run(setup: &Setup, app: &Path) {
    for line in &setup.run {
        let output = Command::new("sh")
            .args(["-euc", line])
            .current_dir(app)
            .env("npm_config_registry", REGISTRY.as_str())
            .env("YARN_NPM_REGISTRY_SERVER", REGISTRY.as_str())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "`{line}` of [setup] failed\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Writes what stands in for the files that the commands make.
pub(crate) fn stand_in(setup: &Setup, app: &Path) {
    for (path, content) in &setup.stand_in {
        let path = app.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

/// The registry of the caller's npm.
static REGISTRY: LazyLock<String> = LazyLock::new(|| {
    let output = Command::new("npm")
        .args(["config", "get", "registry"])
        .output();
    let output = output.unwrap_or_else(|error| panic!("[setup] needs npm: {error}"));
    assert!(
        output.status.success(),
        "`npm config get registry` failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
});
