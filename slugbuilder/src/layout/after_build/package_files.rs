//! Files of installed Node.js packages that no program can load when the app runs.
//!
//! [`CLASSES`] is all there is to it: what is matched, the reason of each class, and the table of docs/slug.md, which is
//! compared with it. A package's folder is what follows the last `node_modules/` of a path, its scope included; so nested
//! packages and those in pnpm's `.pnpm` count, while `.bin`, `.cache` and generated folders such as `.prisma` do not. A
//! workspace's own packages lie elsewhere and are only linked: they stay as they are.
//!
//! What is *not* here was looked at, too:
//!
//! - `*.map`: `node --enable-source-maps` and error reporters read them.
//! - `*.d.ts`: the TypeScript compiler reads them when a program compiles or checks types as it runs (`ts-node`), and packages
//!   carry the compiler under other names (`ts-morph`), so that its absence cannot be told; `prisma generate` in a start script
//!   copies some.
//! - `*.ts`, `src/`, `test/`, `docs/`, `*.md`: names that packages also give to what they load.
//! - `.eslintrc.js`, `.prettierrc.json` and all else that `require` loads: shared configurations have them as `main`.
//! - Licences: nothing that may be given to others should lack them.

use crate::archive::Siblings;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::LazyLock;

/// What Node.js calls the machines that slugs run on, in the names of prebuilt addons.
const TARGET: (&[u8], &[u8]) = (b"linux", b"x64");

/// `process.platform`s that packages have addons prebuilt for.
const PLATFORMS: [&[u8]; 8] = [
    b"aix", b"android", b"darwin", b"freebsd", b"linux", b"openbsd", b"sunos", b"win32",
];

/// Files of packages that are left out for one reason.
#[derive(Debug, PartialEq, Eq)]
pub struct PackageFiles {
    /// A stable name for slug.json.
    pub code: &'static str,
    /// What they are, for people, in the plural.
    pub what: &'static str,
    /// Which they are.
    pub files: &'static [PackageFile],
    /// Why no program misses them.
    pub why: &'static str,
}

/// Some of the files of a package.
#[derive(Debug, PartialEq, Eq)]
pub struct PackageFile {
    /// A path below the package's folder: `*` stands for anything but a slash, `**/` for any folders; a slash at the end
    /// means a folder with all that is in it. [`OTHER_PLATFORM`] stands for the name of one.
    pub pattern: &'static str,
    /// When it is left out.
    pub when: When,
}

/// What has to be so for a file to be left out.
#[derive(Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing.
    Always,
    /// A file of this name is beside it.
    Beside(&'static str),
    /// A folder of addons for the slug's platform is beside it.
    BesideTarget,
    /// The same addon for glibc, which stacks have, is beside it.
    BesideGlibc,
    /// The package's name does not have this in it.
    NotNamed(&'static str),
}

/// In a pattern: a folder as `prebuildify` names them (`<platform>-<architecture>`, several of the latter joined with
/// `+`), of which none is the slug's.
pub const OTHER_PLATFORM: &str = "<other platform>";

const fn always(pattern: &'static str) -> PackageFile {
    PackageFile {
        pattern,
        when: When::Always,
    }
}

const fn beside(pattern: &'static str, name: &'static str) -> PackageFile {
    PackageFile {
        pattern,
        when: When::Beside(name),
    }
}

const fn not_named(pattern: &'static str, name: &'static str) -> PackageFile {
    PackageFile {
        pattern,
        when: When::NotNamed(name),
    }
}

/// All classes.
pub static CLASSES: [PackageFiles; 3] = [
    PackageFiles {
        code: "node-gyp-intermediates",
        what: "node-gyp's intermediates",
        files: &[
            always("build/Release/obj.target/"),
            always("build/Release/.deps/"),
            always("build/Release/**/*.o"),
            always("build/Release/**/*.a"),
            beside("build/Makefile", "config.gypi"),
            beside("build/*.target.mk", "config.gypi"),
            beside("build/binding.Makefile", "config.gypi"),
            beside("build/gyp-mac-tool", "config.gypi"),
            beside("build/config.gypi", "Makefile"),
        ],
        why: "a program loads the linked addon, `build/Release/*.node`; objects and static libraries cannot be loaded, \
              and makefiles are for building again, which needs a compiler that stacks do not have",
    },
    PackageFiles {
        code: "prebuilds-of-other-platforms",
        what: "addons prebuilt for other platforms",
        files: &[
            PackageFile {
                pattern: "prebuilds/<other platform>/",
                when: When::BesideTarget,
            },
            PackageFile {
                pattern: "prebuilds/linux-x64/*.musl.node",
                when: When::BesideGlibc,
            },
        ],
        why: "`node-gyp-build` loads from the folder of the running platform only, and there the addon for the C library of \
              the system; what is for the slug's platform has to be there, else all stays",
    },
    PackageFiles {
        code: "development-settings",
        what: "settings of development tools",
        files: &[
            always(".github/"),
            always(".circleci/"),
            always(".travis.yml"),
            always(".editorconfig"),
            always(".npmignore"),
            always(".nycrc"),
            always("tsconfig.tsbuildinfo"),
            not_named(".eslintrc", "eslint"),
            not_named(".eslintrc.yml", "eslint"),
            not_named(".eslintrc.yaml", "eslint"),
            not_named(".eslintignore", "eslint"),
            not_named(".prettierrc", "prettier"),
            not_named(".prettierrc.yml", "prettier"),
            not_named(".prettierrc.yaml", "prettier"),
            not_named(".prettierrc.toml", "prettier"),
            not_named(".prettierignore", "prettier"),
        ],
        why: "they are for those who work on the package, at its root only; to `require` none of them is a module, and packages \
              that are about the tool itself keep theirs",
    },
];

/// The number in [`CLASSES`] of the class that an entry of the app belongs to, if it is to one.
pub(super) fn class_of(path: &Path, directory: bool, siblings: Siblings<'_>) -> Option<usize> {
    let (package, rest) = in_package(path.as_os_str().as_bytes())?;
    let first = rest.split(|byte| *byte == b'/').next()?;
    let pattern = PATTERNS.get(first)?.iter().find(|pattern| {
        pattern.matches(rest, directory) && pattern.when(package, rest, siblings)
    })?;
    Some(pattern.class)
}

/// The name of the package that a path lies in, and the path in its folder.
fn in_package(path: &[u8]) -> Option<(&[u8], &[u8])> {
    const FOLDER: &[u8] = b"node_modules";
    let mut after = None;
    let mut start = 0;
    for (end, byte) in path.iter().enumerate() {
        if *byte == b'/' {
            if &path[start..end] == FOLDER {
                after = Some(end + 1);
            }
            start = end + 1;
        }
    }
    let below = &path[after?..];
    if below.starts_with(b".") {
        return None;
    }
    let slashes = if below.starts_with(b"@") { 2 } else { 1 };
    let mut ends = below.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let (end, _) = ends.nth(slashes - 1)?;
    Some((&below[..end], &below[end + 1..]))
}

/// A [`PackageFile`], ready to be compared.
struct Pattern {
    class: usize,
    parts: Vec<Part>,
    is_folder: bool,
    when: &'static When,
}

/// What one name of a path has to be.
enum Part {
    Is(&'static [u8]),
    StartsAndEnds(&'static [u8], &'static [u8]),
    AnyFolders,
    OtherPlatform,
}

/// All patterns by the first name in them: most files are told apart by theirs.
static PATTERNS: LazyLock<HashMap<&'static [u8], Vec<Pattern>>> = LazyLock::new(|| {
    let mut patterns: HashMap<_, Vec<_>> = HashMap::new();
    for (class, files) in CLASSES.iter().enumerate() {
        for file in files.files {
            let first = file.pattern.split('/').next().unwrap_or_default();
            let alike = patterns.entry(first.as_bytes()).or_default();
            alike.push(Pattern::of(class, file));
        }
    }
    patterns
});

impl Pattern {
    fn of(class: usize, file: &'static PackageFile) -> Self {
        let is_folder = file.pattern.ends_with('/');
        let part = |part: &'static str| match part {
            "**" => Part::AnyFolders,
            OTHER_PLATFORM => Part::OtherPlatform,
            _ => match part.split_once('*') {
                Some((start, end)) => Part::StartsAndEnds(start.as_bytes(), end.as_bytes()),
                None => Part::Is(part.as_bytes()),
            },
        };
        let parts = file.pattern.trim_end_matches('/').split('/').map(part);
        Self {
            class,
            parts: parts.collect(),
            is_folder,
            when: &file.when,
        }
    }

    fn matches(&self, path: &[u8], directory: bool) -> bool {
        directory == self.is_folder && matches(&self.parts, path)
    }

    fn when(&self, package: &[u8], path: &[u8], siblings: Siblings<'_>) -> bool {
        let contain = |name: &[u8]| siblings.contain(OsStr::from_bytes(name));
        match self.when {
            When::Always => true,
            When::Beside(name) => contain(name.as_bytes()),
            When::BesideTarget => siblings
                .iter()
                .any(|name| Platforms::of(name.as_bytes()).is_some_and(|it| it.is_target())),
            When::BesideGlibc => {
                let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
                name.strip_suffix(b".musl.node")
                    .is_some_and(|start| contain(&[start, b".glibc.node"].concat()))
            }
            When::NotNamed(tool) => !package
                .windows(tool.len())
                .any(|part| part == tool.as_bytes()),
        }
    }
}

fn matches(parts: &[Part], path: &[u8]) -> bool {
    let Some((part, parts)) = parts.split_first() else {
        return false;
    };
    let slash = path.iter().position(|byte| *byte == b'/');
    let (name, below) = match slash {
        Some(slash) => (&path[..slash], Some(&path[slash + 1..])),
        None => (path, None),
    };
    let fits = match part {
        Part::Is(it) => name == *it,
        Part::StartsAndEnds(start, end) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        Part::OtherPlatform => Platforms::of(name).is_some_and(|it| !it.is_target()),
        // No folder at all, or all folders that there are: what follows is one name.
        Part::AnyFolders => {
            let last = path.rsplit(|byte| *byte == b'/').next();
            return matches(parts, last.unwrap_or_default());
        }
    };
    fits && match below {
        Some(below) => matches(parts, below),
        None => parts.is_empty(),
    }
}

/// What the name of a folder of prebuilt addons says: `<platform>-<architecture>[+<architecture>…]`.
struct Platforms<'a> {
    platform: &'a [u8],
    architectures: &'a [u8],
}

impl<'a> Platforms<'a> {
    fn of(name: &'a [u8]) -> Option<Self> {
        let mut halves = name.split(|byte| *byte == b'-');
        let (Some(platform), Some(architectures), None) =
            (halves.next(), halves.next(), halves.next())
        else {
            return None;
        };
        let is_known = PLATFORMS.contains(&platform) && !architectures.is_empty();
        is_known.then_some(Self {
            platform,
            architectures,
        })
    }

    fn is_target(&self) -> bool {
        let mut architectures = self.architectures.split(|byte| *byte == b'+');
        self.platform == TARGET.0 && architectures.any(|one| one == TARGET.1)
    }
}

#[cfg(test)]
mod tests;
