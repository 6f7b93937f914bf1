//! What is built for, and whether a buildpack can.

use crate::sandbox::Environment;
use serde::Deserialize;

/// The place where the app will run, as `CNB_TARGET_*` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `linux`.
    pub os: String,
    /// Go's name of the architecture: `amd64`, `arm64`.
    pub arch: String,
    /// `ID` of os-release: `ubuntu`.
    pub distro_name: String,
    /// `VERSION_ID` of os-release: `24.04`.
    pub distro_version: String,
}

impl Target {
    /// Sets the variables that say so (Buildpack API 0.10; libcnb insists on all four).
    pub(super) fn export(&self, environment: &mut Environment) {
        for (name, value) in [
            ("CNB_TARGET_OS", &self.os),
            ("CNB_TARGET_ARCH", &self.arch),
            ("CNB_TARGET_DISTRO_NAME", &self.distro_name),
            ("CNB_TARGET_DISTRO_VERSION", &self.distro_version),
        ] {
            environment.insert(name.into(), value.into());
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}/{} {} {}",
            self.os, self.arch, self.distro_name, self.distro_version
        )
    }
}

/// One `[[targets]]` of a buildpack; empty fields match anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct TargetPattern {
    /// Operating system.
    #[serde(default)]
    pub os: String,
    /// Architecture.
    #[serde(default)]
    pub arch: String,
    /// Variant of the architecture. A stack has none, so that a buildpack that wants one is refused.
    #[serde(default)]
    pub variant: String,
    /// Distributions, any if there are none.
    #[serde(default)]
    pub distros: Vec<DistroPattern>,
}

/// One `[[targets.distros]]`; empty fields match anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct DistroPattern {
    /// `ID` of os-release.
    #[serde(default)]
    pub name: String,
    /// `VERSION_ID` of os-release.
    #[serde(default)]
    pub version: String,
}

impl TargetPattern {
    /// Whether `target` is meant.
    #[must_use]
    pub fn matches(&self, target: &Target) -> bool {
        let fits = |pattern: &str, value: &str| pattern.is_empty() || pattern == value;
        fits(&self.os, &target.os)
            && fits(&self.arch, &target.arch)
            && self.variant.is_empty()
            && (self.distros.is_empty()
                || self.distros.iter().any(|distro| {
                    fits(&distro.name, &target.distro_name)
                        && fits(&distro.version, &target.distro_version)
                }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noble() -> Target {
        Target {
            os: "linux".into(),
            arch: "amd64".into(),
            distro_name: "ubuntu".into(),
            distro_version: "24.04".into(),
        }
    }

    fn pattern(text: &str) -> TargetPattern {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn empty_fields_match_anything() {
        assert!(TargetPattern::default().matches(&noble()));
        assert!(pattern("os = 'linux'").matches(&noble()));
        assert!(!pattern("os = 'windows'").matches(&noble()));
        assert!(!pattern("arch = 'arm64'").matches(&noble()));
        assert!(!pattern("variant = 'v8'").matches(&noble()));
    }

    #[test]
    fn one_distro_of_the_list_is_enough_but_needed() {
        assert!(
            pattern("distros = [{name='debian'}, {name='ubuntu', version='24.04'}]")
                .matches(&noble())
        );
        assert!(!pattern("distros = [{name='ubuntu', version='22.04'}]").matches(&noble()));
    }
}
