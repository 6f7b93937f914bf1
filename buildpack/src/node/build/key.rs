//! What decides whether installed packages of the last build can be used again.

use crate::buildpack::Session;
use crate::layers::LayerKey;
use crate::node::failure::NodeBuildError;
use crate::node::installed::has_copied_folders;
use crate::node::job::Job;
use crate::node::plan::DevDependencies;
use crate::node::survey::Survey;
use crate::node::toolchain::Toolchain;
use libcnb::Platform as _;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// Goes up whenever what is kept of an installation changes.
const TREES_FORMAT: &str = "1";

/// Variables of the user that change from build to build and say nothing to an installation.
const IDLE_VARIABLES: [&str; 4] = ["SOURCE_VERSION", "REQUEST_ID", "STACK", "BUILD_INFO"];

/// Everything that decides what an installation makes. Scripts of packages may read any config var, so that all of them
/// count, as one hash.
pub(super) fn of(
    session: &Session<'_>,
    toolchain: &Toolchain,
    job: &Job<'_>,
    survey: &Survey,
) -> Result<LayerKey, NodeBuildError> {
    let [lockfile, manifests, configuration] = survey.inputs(job.folder)?;
    let mut key = LayerKey::new([
        lockfile,
        manifests,
        configuration,
        ("trees", TREES_FORMAT.to_owned()),
        (
            "manager",
            format!("{} {}", job.manager().program(), job.version),
        ),
        ("node", toolchain.node.runtime.version.clone()),
        ("stack", session.kit.target.platform_name()),
        ("machine", session.kit.target.machine.go_name().to_owned()),
        ("package", job.app.package.clone()),
        ("config-vars", config_vars(session)),
        (
            "development-dependencies",
            match job.app.dev_dependencies {
                DevDependencies::Removed => "removed",
                DevDependencies::Kept(_) => "kept",
            }
            .to_owned(),
        ),
    ]);
    if has_copied_folders(job)? {
        key = key.with("source", survey.whole(job.folder)?);
    }
    Ok(key)
}

/// One hash of the user's variables, and of npm's and Yarn's in the process.
fn config_vars(session: &Session<'_>) -> String {
    let mut variables: BTreeMap<&OsStr, &OsStr> = BTreeMap::new();
    for (name, value) in session.context.platform.env() {
        variables.insert(name.as_os_str(), value.as_os_str());
    }
    for (name, value) in session.kit.settings.environment.iter() {
        let text = name.to_string_lossy().to_lowercase();
        if ["npm_config_", "yarn_", "pnpm_"]
            .iter()
            .any(|start| text.starts_with(start))
        {
            variables.insert(name, value);
        }
    }
    let mut hash = Sha256::new();
    let mut any = false;
    for (name, value) in variables {
        let text = name.to_string_lossy();
        if IDLE_VARIABLES.contains(&text.as_ref()) || text.starts_with("SLUGBUILDER_") {
            continue;
        }
        any = true;
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(value.as_bytes());
        hash.update([0]);
    }
    if any {
        hex::encode(&hash.finalize()[..8])
    } else {
        String::new()
    }
}
