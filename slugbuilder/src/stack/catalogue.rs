//! The stacks that are known, from the data that is built in.

use super::StackError;
use crate::cnb::Target;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Name and data of each stack, oldest first.
const EMBEDDED: [(&str, &str); 3] = [
    (
        "heroku-22",
        include_str!("../../data/stacks/heroku-22.toml"),
    ),
    (
        "heroku-24",
        include_str!("../../data/stacks/heroku-24.toml"),
    ),
    (
        "heroku-26",
        include_str!("../../data/stacks/heroku-26.toml"),
    ),
];

/// What Heroku says of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Its end of life is near.
    Deprecated,
    /// It can be used.
    Supported,
    /// It is the best choice for a new app.
    Recommended,
}

/// A machine that stacks exist for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Machine {
    /// 64-bit x86.
    #[serde(rename = "x86_64")]
    X86_64,
    /// 64-bit Arm.
    Aarch64,
}

impl Machine {
    /// Go's name of it, which buildpacks use.
    #[must_use]
    pub fn arch(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// The only program that may be a program's interpreter.
    pub(super) fn interpreter(self) -> &'static str {
        match self {
            Self::X86_64 => "/lib64/ld-linux-x86-64.so.2",
            Self::Aarch64 => "/lib/ld-linux-aarch64.so.1",
        }
    }

    /// Its number in an ELF file's header.
    pub(super) fn elf_number(self) -> object::elf::Machine {
        match self {
            Self::X86_64 => object::elf::EM_X86_64,
            Self::Aarch64 => object::elf::EM_AARCH64,
        }
    }
}

/// One stack.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Stack {
    /// Its name: `heroku-24`.
    pub name: String,
    /// The version of Ubuntu that it is: `24.04`.
    pub ubuntu: String,
    /// Ubuntu's name for that: `noble`.
    pub codename: String,
    /// Version of the GNU C library.
    pub glibc: String,
    /// Version of OpenSSL.
    pub openssl: String,
    /// What Heroku says of it.
    pub status: Status,
    /// The day when it ends, as `2029-04-30`.
    pub end_of_life: String,
    /// The machines that it exists for.
    pub machines: Vec<Machine>,
    /// Symbol versions by soname, oldest first in each family, for the libraries where versions matter.
    pub(super) versions: BTreeMap<String, Vec<String>>,
    /// The package that provides each soname.
    sonames: BTreeMap<String, String>,
}

impl Stack {
    /// Every stack that is known, oldest first.
    pub fn all() -> Result<Vec<Self>, StackError> {
        EMBEDDED
            .iter()
            .map(|(name, text)| Self::parse(name, text))
            .collect()
    }

    /// The names of all stacks, oldest first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// The stack of this name.
    pub fn named(name: &str) -> Result<Self, StackError> {
        let (name, text) = EMBEDDED
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| StackError::Unknown {
                name: name.to_owned(),
            })?;
        Self::parse(name, text)
    }

    fn parse(name: &str, text: &str) -> Result<Self, StackError> {
        toml::from_str(text).map_err(|source| StackError::BrokenData {
            name: name.to_owned(),
            source: Box::new(source),
        })
    }

    /// What buildpacks are told to build for.
    #[must_use]
    pub fn target(&self, machine: Machine) -> Target {
        Target {
            os: "linux".into(),
            arch: machine.arch().into(),
            distro_name: "ubuntu".into(),
            distro_version: self.ubuntu.clone(),
        }
    }

    /// Whether the stack has a library of this soname.
    #[must_use]
    pub fn provides(&self, soname: &str) -> bool {
        self.sonames.contains_key(soname)
            || self.versions.contains_key(soname)
            // The data lists x86's loader only.
            || (soname == "ld-linux-aarch64.so.1" && self.machines.contains(&Machine::Aarch64))
    }

    /// Whether the stack's library of this soname defines a version. Where the data has no versions of a library, every
    /// one is taken to be there.
    #[must_use]
    pub fn defines(&self, soname: &str, version: &str) -> bool {
        self.versions
            .get(soname)
            .is_none_or(|versions| versions.iter().any(|known| known == version))
    }

    /// The newest version that the stack's library has of the family of `version`: of `OPENSSL_3.4.0`, that is the last
    /// that begins with `OPENSSL_`.
    pub(super) fn newest_like(&self, soname: &str, version: &str) -> Option<&str> {
        let (family, _) = version.rsplit_once('_')?;
        self.versions
            .get(soname)?
            .iter()
            .rfind(|known| {
                known
                    .rsplit_once('_')
                    .is_some_and(|(other, _)| other == family)
            })
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};

    #[test]
    fn every_stack_is_readable_and_carries_its_own_name() {
        let stacks = Stack::all().unwrap();
        let names: Vec<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
        assert_eq!(names, Stack::names().collect::<Vec<_>>());
        for stack in &stacks {
            assert!(
                stack.provides("libc.so.6") && stack.provides("libz.so.1"),
                "{}",
                stack.name
            );
            assert!(stack.machines.contains(&Machine::X86_64));
            assert!(
                stack.defines("libc.so.6", &format!("GLIBC_{}", stack.glibc)),
                "{}",
                stack.name
            );
        }
    }

    #[test]
    fn a_stack_says_what_it_is() {
        let stack = Stack::named("heroku-24").unwrap();
        assert_eq!(
            (stack.status, stack.end_of_life.as_str()),
            (Status::Supported, "2029-04-30")
        );
        let target = stack.target(Machine::X86_64);
        assert_eq!(target.to_string(), "linux/amd64 ubuntu 24.04");
        assert!(!stack.defines("libcrypto.so.3", "OPENSSL_3.4.0"));
        assert_eq!(
            stack.newest_like("libcrypto.so.3", "OPENSSL_3.4.0"),
            Some("OPENSSL_3.0.9")
        );
        assert_eq!(
            stack.newest_like("libc.so.6", "GLIBC_2.99"),
            Some("GLIBC_2.39")
        );
        assert_eq!(stack.newest_like("libc.so.6", "GLIBC_ABI_GNU2_TLS"), None);
        assert!(stack.defines("libz.so.1", "ZLIB_9"));
    }

    #[test]
    fn an_unknown_stack_is_an_error_that_lists_the_known_ones() {
        let error = Stack::named("heroku-20").unwrap_err();
        insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
        error[unknown-stack]: there is no stack `heroku-20`

          hint: The stacks are heroku-22, heroku-24, heroku-26.
        ");
    }
}
