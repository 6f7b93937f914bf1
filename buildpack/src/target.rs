//! What the app is built for: machine and stack.

use slugbuilder_report::{Explain, Fault};

/// A machine that runtimes are published for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// x86-64.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

impl Machine {
    /// Go's, Debian's and CNB's name (`CNB_TARGET_ARCH`).
    #[must_use]
    pub fn go_name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The name in Node.js's archive and package names.
    #[must_use]
    pub fn node_name(self) -> &'static str {
        match self {
            Self::Amd64 => "x64",
            Self::Arm64 => "arm64",
        }
    }
}

/// A Heroku stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    /// Ubuntu 22.04.
    Heroku22,
    /// Ubuntu 24.04.
    Heroku24,
    /// Ubuntu 26.04.
    Heroku26,
}

impl Stack {
    /// The stack of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "heroku-22" => Some(Self::Heroku22),
            "heroku-24" => Some(Self::Heroku24),
            "heroku-26" => Some(Self::Heroku26),
            _ => None,
        }
    }

    /// The stack made from this distribution, as in `CNB_TARGET_DISTRO_NAME` and `_VERSION`.
    #[must_use]
    pub fn of_distribution(name: &str, version: &str) -> Option<Self> {
        match (name, version) {
            ("ubuntu", "22.04") => Some(Self::Heroku22),
            ("ubuntu", "24.04") => Some(Self::Heroku24),
            ("ubuntu", "26.04") => Some(Self::Heroku26),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Heroku22 => "heroku-22",
            Self::Heroku24 => "heroku-24",
            Self::Heroku26 => "heroku-26",
        }
    }
}

/// What the app is built for. Never taken from the machine that builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The machine.
    pub machine: Machine,
    /// The stack, where the target is one: under `pack` it may be any distribution.
    pub stack: Option<Stack>,
    /// The distribution, for messages and layer keys: `ubuntu 24.04`.
    pub distribution: String,
}

impl Target {
    /// Reads CNB's target, with `stack` (from `SLUGBUILDER_STACK`) before what the distribution says.
    pub fn of_cnb(target: &libcnb::Target, stack: Option<&str>) -> Result<Self, TargetError> {
        if target.os != "linux" {
            return Err(TargetError::System(target.os.clone()));
        }
        let machine = match target.arch.as_str() {
            "amd64" => Machine::Amd64,
            "arm64" => Machine::Arm64,
            other => return Err(TargetError::Machine(other.to_owned())),
        };
        let stack = match stack {
            Some(name) => {
                Some(Stack::named(name).ok_or_else(|| TargetError::Stack(name.to_owned()))?)
            }
            None => Stack::of_distribution(&target.distro_name, &target.distro_version),
        };
        Ok(Self {
            machine,
            stack,
            distribution: format!("{} {}", target.distro_name, target.distro_version)
                .trim()
                .to_owned(),
        })
    }

    /// The stack's name, else the distribution: what binaries of one build may not be shared across.
    #[must_use]
    pub fn platform_name(&self) -> String {
        self.stack.map_or_else(
            || self.distribution.clone(),
            |stack| stack.name().to_owned(),
        )
    }
}

/// A target that nothing is published for.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Not Linux.
    #[error("cannot build for the operating system `{0}`")]
    System(String),
    /// Neither amd64 nor arm64.
    #[error("cannot build for the machine `{0}`")]
    Machine(String),
    /// `SLUGBUILDER_STACK` names no stack.
    #[error("`{0}` in SLUGBUILDER_STACK is not a stack")]
    Stack(String),
}

impl Explain for TargetError {
    fn code(&self) -> &'static str {
        "unsupported-target"
    }

    fn fault(&self) -> Fault {
        Fault::Usage
    }

    fn hints(&self) -> Vec<String> {
        vec![match self {
            Self::System(_) => "Build for `linux` (CNB_TARGET_OS).".into(),
            Self::Machine(_) => "Build for `amd64` or `arm64` (CNB_TARGET_ARCH).".into(),
            Self::Stack(_) => "Use `heroku-22`, `heroku-24` or `heroku-26`.".into(),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};

    fn cnb(os: &str, arch: &str, distribution: &str, version: &str) -> libcnb::Target {
        libcnb::Target {
            os: os.into(),
            arch: arch.into(),
            arch_variant: None,
            distro_name: distribution.into(),
            distro_version: version.into(),
        }
    }

    #[test]
    fn the_stack_comes_from_the_setting_then_from_the_distribution() {
        let ubuntu = cnb("linux", "amd64", "ubuntu", "24.04");
        assert_eq!(
            Target::of_cnb(&ubuntu, None).unwrap().stack,
            Some(Stack::Heroku24)
        );
        assert_eq!(
            Target::of_cnb(&ubuntu, Some("heroku-26")).unwrap().stack,
            Some(Stack::Heroku26)
        );
        let debian = Target::of_cnb(&cnb("linux", "arm64", "debian", "12"), None).unwrap();
        assert_eq!((debian.stack, debian.machine), (None, Machine::Arm64));
        assert_eq!(debian.platform_name(), "debian 12");
    }

    #[test]
    fn impossible_targets_are_refused() {
        let text = |target: &libcnb::Target, stack| {
            Diagnosis::of(&Target::of_cnb(target, stack).unwrap_err()).render(Style::Plain)
        };
        insta::assert_snapshot!(text(&cnb("windows", "amd64", "", ""), None), @r"
        error[unsupported-target]: cannot build for the operating system `windows`

          hint: Build for `linux` (CNB_TARGET_OS).
        ");
        insta::assert_snapshot!(text(&cnb("linux", "s390x", "ubuntu", "24.04"), None), @r"
        error[unsupported-target]: cannot build for the machine `s390x`

          hint: Build for `amd64` or `arm64` (CNB_TARGET_ARCH).
        ");
        insta::assert_snapshot!(text(&cnb("linux", "amd64", "ubuntu", "24.04"), Some("cedar-14")), @r"
        error[unsupported-target]: `cedar-14` in SLUGBUILDER_STACK is not a stack

          hint: Use `heroku-22`, `heroku-24` or `heroku-26`.
        ");
    }
}
