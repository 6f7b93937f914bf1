//! Ruby from the user's apt, without root: into a private folder, with private lists where the machine's do not do.

use super::packages::{digest_of, unpack_packages};
use super::{RubyArchive, shims};
use crate::command::Client;
use crate::source::{Kit, Obtained, Provenance, SourceError, Wanted, repack};
use crate::version::{Requested, Version};
use slugbuilder_fetch::Format;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The name of this source.
pub(crate) const SOURCE: &str = "the user's apt";

/// Libraries of Ruby that every stack and every machine has (all three stacks list their sonames). Ubuntu's suffix
/// `t64` is cut off before the comparison. libyaml is on the stacks too, but not on every machine that builds.
const LIBRARIES_OF_EVERY_STACK: [&str; 15] = [
    "libc6",
    "libcrypt1",
    "libdb5.3",
    "libedit2",
    "libffi8",
    "libgcc-s1",
    "libgdbm-compat4",
    "libgdbm6",
    "libgmp10",
    "libncurses6",
    "libncursesw6",
    "libreadline8",
    "libssl3",
    "libtinfo6",
    "libzstd1",
];

/// Runs apt with private folders.
pub(crate) struct Apt<'a> {
    kit: &'a Kit<'a>,
    folder: &'a Path,
    private_lists: bool,
}

impl<'a> Apt<'a> {
    /// Prepares the private folders in `folder`, and brings lists if the machine's do not know `package`.
    pub(crate) fn open(
        kit: &'a Kit<'a>,
        folder: &'a Path,
        package: &str,
    ) -> Result<Self, SourceError> {
        for name in ["cache/archives/partial", "state/lists/partial", "download"] {
            fs_err::create_dir_all(folder.join(name)).map_err(SourceError::Disk)?;
        }
        fs_err::write(folder.join("status"), "").map_err(SourceError::Disk)?;
        let mut apt = Self {
            kit,
            folder,
            private_lists: false,
        };
        if apt.field(package, "Version").is_err() {
            apt.bring_lists()?;
        }
        Ok(apt)
    }

    fn bring_lists(&mut self) -> Result<(), SourceError> {
        if self.kit.settings.offline {
            return Err(SourceError::Offline);
        }
        self.private_lists = true;
        self.client("apt-get").args(["update", "-qq"]).output()?;
        Ok(())
    }

    fn client(&self, program: &str) -> Client {
        let setting =
            |name: &str, path: &str| format!("{name}={}", self.folder.join(path).display());
        let mut args = vec![
            "-o".to_owned(),
            setting("Dir::Cache", "cache"),
            // Container images switch these off, and apt then reads all its lists anew for each question.
            "-o".to_owned(),
            "Dir::Cache::pkgcache=pkgcache.bin".to_owned(),
            "-o".to_owned(),
            "Dir::Cache::srcpkgcache=srcpkgcache.bin".to_owned(),
            "-o".to_owned(),
            setting("Dir::State::status", "status"),
            "-o".to_owned(),
            format!("APT::Architecture={}", self.kit.target.machine.go_name()),
            // As root apt would become `_apt`, who cannot write to our folder.
            "-o".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
            "-o".to_owned(),
            "Debug::NoLocking=true".to_owned(),
        ];
        if self.private_lists {
            args.extend(["-o".to_owned(), setting("Dir::State", "state")]);
        }
        Client::new(program, &self.kit.settings.environment)
            .args(args)
            .env("LC_ALL", "C")
            .folder(&self.folder.join("download"))
    }

    /// One field of the candidate of a package.
    fn field(&self, package: &str, name: &str) -> Result<String, SourceError> {
        let output = self
            .client("apt-cache")
            .args(["show", "--no-all-versions", package])
            .output()?;
        let text = String::from_utf8_lossy(&output);
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .map(str::to_owned)
            .ok_or_else(|| SourceError::Absent(format!("the package `{package}` has no {name}")))
    }

    /// The names of the packages that `package` depends on; of alternatives the first.
    fn dependencies(&self, package: &str) -> Result<Vec<String>, SourceError> {
        let depends = match self.field(package, "Depends") {
            Ok(depends) => depends,
            Err(SourceError::Absent(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        Ok(depends
            .split(',')
            .filter_map(|one| one.split('|').next()?.split_whitespace().next())
            .map(|name| name.split(':').next().unwrap_or(name).to_owned())
            .collect())
    }

    /// What a lock calls `packages`: their names with exact versions.
    pub(crate) fn location(&self, packages: &[String]) -> Result<String, SourceError> {
        let named = packages.iter().map(|package| {
            let version = self.field(package, "Version")?;
            Ok(format!("{package}={version}"))
        });
        let named: Vec<String> = named.collect::<Result<_, SourceError>>()?;
        Ok(format!("apt:{}", named.join(" ")))
    }

    /// Downloads packages, which apt verifies against its signed lists. Returns their files, sorted by name.
    pub(crate) fn download(&mut self, packages: &[String]) -> Result<Vec<PathBuf>, SourceError> {
        if self.kit.settings.offline {
            return Err(SourceError::Offline);
        }
        let first = self
            .client("apt-get")
            .args(["download", "-qq"])
            .args(packages)
            .output();
        if let Err(error) = first {
            // The machine's lists may be older than what the mirror still has.
            if self.private_lists {
                return Err(error.into());
            }
            self.bring_lists()?;
            self.client("apt-get")
                .args(["download", "-qq"])
                .args(packages)
                .output()?;
        }
        let mut files = Vec::new();
        for entry in fs_err::read_dir(self.folder.join("download")).map_err(SourceError::Disk)? {
            let path = entry.map_err(SourceError::Disk)?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

/// Gets apt's Ruby if `requested` accepts it, or nobody asked for a version.
pub(super) fn obtain(kit: &Kit<'_>, requested: &Requested) -> Result<RubyArchive, SourceError> {
    let receipt = format!(
        "apt:ruby:{}:{}",
        requested_text(requested),
        kit.target.machine.go_name()
    );
    let wanted = Wanted {
        receipt: &receipt,
        location: &receipt,
        source: SOURCE,
        format: None,
        known: None,
    };
    if let Some(archive) = kit.at_hand(&wanted)?
        && let Some(version) = archive
            .provenance
            .source
            .rsplit_once(' ')
            .and_then(|(_, text)| Version::parse(text))
    {
        return Ok(RubyArchive {
            archive: named(archive),
            version,
        });
    }
    let folder = kit.temporary()?;
    let mut apt = Apt::open(kit, folder.path(), "ruby")?;
    let package = apt
        .dependencies("ruby")?
        .into_iter()
        .find(|name| {
            name.strip_prefix("ruby")
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
        .ok_or_else(|| SourceError::Absent("the package `ruby` names no version".into()))?;
    let version = upstream_version(&apt.field(&package, "Version")?)
        .ok_or_else(|| SourceError::Absent(format!("the package `{package}` has no version")))?;
    if !requested.is_default() && !requested.constraint.accepts(version) {
        return Err(SourceError::Absent(format!(
            "it has Ruby {version}, and `{}` is asked for",
            requested.text
        )));
    }
    let packages = closure(&apt, &package)?;
    let files = apt.download(&packages)?;

    let tree = folder.path().join("tree");
    unpack_packages(kit, &files, &tree, &|path| is_wanted(path))?;
    shims::write(&tree, version, kit.target.machine).map_err(SourceError::Disk)?;
    let packed = folder.path().join("ruby.tar.gz");
    repack::pack(&tree, &packed)?;
    let inserted = kit.cache.insert(&packed, None)?;
    let location = apt.location(&packages)?;
    let checksum = digest_of(&files)?;
    kit.check_locked(&location, &checksum.parse()?)?;
    let archive = Obtained {
        path: inserted.path,
        format: Format::TarGz,
        provenance: Provenance {
            // The receipt is where the version is kept.
            source: format!("{SOURCE} {version}"),
            checksum: Some(checksum),
            verified_by: "apt".into(),
            location: Some(location),
        },
    };
    kit.receipts().keep(&receipt, &inserted.sha256, &archive)?;
    Ok(RubyArchive {
        archive: named(archive),
        version,
    })
}

fn named(mut archive: Obtained) -> Obtained {
    SOURCE.clone_into(&mut archive.provenance.source);
    archive
}

fn requested_text(requested: &Requested) -> &str {
    if requested.is_default() {
        "any"
    } else {
        &requested.text
    }
}

/// `3.1.2` of `3.1.2-7+deb12u1`.
fn upstream_version(text: &str) -> Option<Version> {
    let text = text.split_once(':').map_or(text, |(_, rest)| rest);
    Version::parse(text.split(['-', '+', '~']).next()?)
}

/// The packages that running Ruby needs: Ruby's own, and libraries that are not on every stack.
fn closure(apt: &Apt<'_>, package: &str) -> Result<Vec<String>, SourceError> {
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut next = vec![package.to_owned(), "bundler".to_owned()];
    while let Some(name) = next.pop() {
        if !is_shipped(&name) || !wanted.insert(name.clone()) {
            continue;
        }
        next.extend(apt.dependencies(&name)?);
    }
    // These two hold nothing but dependencies; WEBrick has a layer of its own.
    wanted.retain(|name| !matches!(name.as_str(), "ruby" | "libruby" | "ruby-webrick"));
    Ok(wanted.into_iter().collect())
}

fn is_shipped(package: &str) -> bool {
    let name = package.strip_suffix("t64").unwrap_or(package);
    let of_ruby = name.starts_with("ruby")
        || name.starts_with("libruby")
        || matches!(name, "rake" | "bundler");
    let is_library = name.starts_with("lib") && !LIBRARIES_OF_EVERY_STACK.contains(&name);
    of_ruby || is_library
}

/// Whether a path of a package is needed at run time. Licences stay.
fn is_wanted(path: &Path) -> bool {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    if super::is_development_tool(path) {
        return false;
    }
    match parts.as_slice() {
        ["usr", "share", "doc", _, "copyright"] => true,
        [
            "usr",
            "share",
            "bash-completion" | "systemtap" | "doc" | "man" | "lintian" | "ri" | "locale" | "bug"
            | "doc-base",
            ..,
        ]
        | ["usr", "include", ..]
        | ["etc", ..]
        | ["usr", "lib", _, "pkgconfig", ..]
        | ["usr", "bin", "racc"] => false,
        ["usr", "bin", name] => !["ri", "rdoc", "rbs", "typeprof", "rdbg", "update_rubygems"]
            .iter()
            .any(|tool| name.starts_with(tool)),
        _ => path
            .extension()
            .is_none_or(|extension| extension != "a" && extension != "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_packages_are_read() {
        assert_eq!(
            upstream_version("3.1.2-7+deb12u1"),
            Some(Version::new(3, 1, 2))
        );
        assert_eq!(
            upstream_version("1:3.3.8+ds-2"),
            Some(Version::new(3, 3, 8))
        );
        assert_eq!(upstream_version("3.1"), None);
    }

    #[test]
    fn only_what_runs_is_kept() {
        for path in [
            "usr/lib/ruby/3.1.0/json.rb",
            "usr/share/doc/libruby3.1/copyright",
            "usr/bin/ruby3.1",
            "usr/lib/x86_64-linux-gnu/libruby-3.1.so.3.1",
        ] {
            assert!(is_wanted(Path::new(path)), "{path}");
        }
        for path in [
            "usr/share/doc/libruby3.1/NEWS.gz",
            "usr/share/man/man1/ruby.1.gz",
            "usr/include/ruby.h",
            "usr/lib/x86_64-linux-gnu/libruby-3.1-static.a",
            "usr/bin/ri3.1",
            "usr/lib/x86_64-linux-gnu/pkgconfig/ruby-3.1.pc",
        ] {
            assert!(!is_wanted(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn libraries_of_the_stack_are_not_shipped() {
        for package in [
            "libc6",
            "libssl3t64",
            "libreadline8",
            "zlib1g",
            "debconf",
            "ca-certificates",
        ] {
            assert!(!is_shipped(package), "{package}");
        }
        for package in [
            "libruby3.1",
            "ruby-rubygems",
            "libyaml-0-2",
            "libruby3.2t64",
        ] {
            assert!(is_shipped(package), "{package}");
        }
    }
}
