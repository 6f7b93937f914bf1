//! With the real packages, through the npm of the machine.

use super::*;
use crate::catalogue::Hashes;

/// A fixture that asks nodejs.org and the user's npm, with the user's settings of it.
fn online() -> Fixture {
    let mut fixture = Fixture::new();
    let variables = std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy().to_lowercase();
        ["path", "home"].contains(&name.as_str()) || name.starts_with("npm_config_registry")
    });
    fixture.settings = Settings {
        environment: Environment::new(variables),
        ..Settings::default()
    };
    fixture
}
