//! `app.toml`: what a work folder is for, and how much it holds.
//!
//! ```toml
//! version = 1
//! kind = "compile"            # or "archive"
//! source = "/home/me/app"     # as text: only for people
//! root = "packages/api"       # where the app is a folder of it
//! stack = "heroku-24"
//! buildpacks = ["slugbuilder"]
//! last_used = 1795246892      # seconds since 1970
//! layers_bytes = 193456123    # of layers/
//! slug_bytes = 51234567       # of slug/
//! source_bytes = 0            # of source/
//! kept_bytes = 81234567       # of kept/ without the layers in it
//! kept_state = "…"            # what kept/ looked like when it was measured
//! layers_measured = 1795246892
//! layers_state = "…"          # what the layers looked like when they were measured
//! ```
//!
//! It is written at the end of every build that succeeds, while the folder is locked. Whatever it holds, nothing but
//! what is shown, and the order in which folders are removed, depends on it.

use super::measure;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

const NAME: &str = "app.toml";

/// Of what [`AppRecord`] is written; fields may be added within one version.
const VERSION: u32 = 1;

/// More than a record ever has, in bytes.
const LARGEST: u64 = 1 << 16;

/// Layers that look unchanged are measured again after this many seconds: what looks the same may have grown within.
const MEASURED_AGAIN_AFTER: u64 = 24 * 60 * 60;

/// What a folder is used by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Builds.
    Compile,
    /// Slugs of folders that are ready to run.
    Archive,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Compile => "compile",
            Self::Archive => "archive",
        })
    }
}

/// What a folder is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// What uses it.
    pub kind: Kind,
    /// The app's source, in printable form.
    pub source: String,
    /// The app's folder in it, where that is not all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// The stack's name.
    pub stack: String,
    /// The buildpacks, in order: `slugbuilder` is the one that the command carries, others are folders.
    pub buildpacks: Vec<String>,
}

/// What is known of a folder without looking through it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRecord {
    version: u32,
    /// What it is for.
    #[serde(flatten)]
    pub app: App,
    /// The end of the last build, in seconds since 1970.
    pub last_used: u64,
    /// Bytes of the layers.
    pub layers_bytes: u64,
    /// Bytes of what the archive keeps of the last slug.
    pub slug_bytes: u64,
    /// Bytes of the copy of the source, where one is kept.
    #[serde(default)]
    pub source_bytes: u64,
    /// Bytes of the built app without its layers, where it is kept.
    #[serde(default)]
    pub kept_bytes: u64,
    #[serde(default)]
    kept_state: String,
    layers_measured: u64,
    layers_state: String,
}

/// What there is to measure.
pub(super) struct Held<'a> {
    /// The layers, wherever they are.
    pub(super) layers: &'a Path,
    /// What the archive keeps.
    pub(super) slug: &'a Path,
    /// Bytes of the copy of the source.
    pub(super) source_bytes: u64,
    /// The kept app, which may hold the layers.
    pub(super) kept: &'a Path,
}

impl AppRecord {
    /// All that the folder holds, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.layers_bytes
            .saturating_add(self.slug_bytes)
            .saturating_add(self.source_bytes)
            .saturating_add(self.kept_bytes)
    }

    /// The record in `folder`; nothing if there is none that can be made sense of.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let file = std::fs::OpenOptions::new()
            .read(true)
            // A pipe would be waited for.
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(folder.join(NAME))
            .ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text).ok()?;
        let record: Self = toml::from_str(&text).ok()?;
        (record.version == VERSION).then_some(record)
    }

    /// Measures what is in `folder`, which is locked, and writes that it was used now.
    pub(super) fn write(folder: &Path, app: App, held: &Held<'_>) -> io::Result<AppRecord> {
        let now = seconds_now();
        let state = measure::state_of_layers(held.layers);
        let kept_state = measure::state_of_folder(held.kept);
        let last = Self::read(folder);
        let same_kept = last.as_ref().filter(|last| last.kept_state == kept_state);
        let same_kept = same_kept.map(|last| last.kept_bytes);
        let known = last.filter(|last| {
            last.layers_state == state
                && now
                    .checked_sub(last.layers_measured)
                    .is_some_and(|age| age < MEASURED_AGAIN_AFTER)
        });
        let layers_bytes = known
            .as_ref()
            .map_or_else(|| measure::bytes(held.layers), |last| last.layers_bytes);
        let record = Self {
            version: VERSION,
            app,
            last_used: now,
            layers_bytes,
            slug_bytes: measure::bytes(held.slug),
            source_bytes: held.source_bytes,
            kept_bytes: same_kept
                .unwrap_or_else(|| measure::bytes(held.kept).saturating_sub(layers_bytes)),
            kept_state,
            layers_measured: known.map_or(now, |last| last.layers_measured),
            layers_state: state,
        };
        let text = toml::to_string(&record).map_err(io::Error::other)?;
        let new = folder.join("app.toml.new");
        super::remove_tree(&new)?;
        fs::write(&new, text)?;
        fs::rename(&new, folder.join(NAME))?;
        Ok(record)
    }
}

/// The time, in seconds since 1970.
pub(crate) fn seconds_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> App {
        App {
            kind: Kind::Compile,
            source: "/src/\u{1b}\"app\"".into(),
            root: None,
            stack: "heroku-24".into(),
            buildpacks: vec!["slugbuilder".into()],
        }
    }

    fn write(folder: &Path) -> AppRecord {
        let held = Held {
            layers: &folder.join("layers"),
            slug: &folder.join("slug"),
            source_bytes: 0,
            kept: &folder.join("kept/app"),
        };
        AppRecord::write(folder, app(), &held).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("layers/bp/node/bin")).unwrap();
        fs::write(folder.path().join("layers/bp/node/bin/node"), [0; 10]).unwrap();
        fs::create_dir(folder.path().join("slug")).unwrap();
        fs::write(folder.path().join("slug/index"), [0; 3]).unwrap();
        let written = write(folder.path());
        assert_eq!((written.layers_bytes, written.slug_bytes), (10, 3));
        assert!(seconds_now() - written.last_used < 60);
        assert_eq!(AppRecord::read(folder.path()), Some(written));
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            3,
            "no temporary file"
        );
    }

    #[test]
    fn layers_that_look_the_same_are_not_measured_again_for_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("layers/bp/node/lib/deep");
        fs::create_dir_all(&deep).unwrap();
        assert_eq!(write(folder.path()).layers_bytes, 0);
        fs::write(deep.join("file"), [0; 10]).unwrap();
        assert_eq!(write(folder.path()).layers_bytes, 0);
        let path = folder.path().join(NAME);
        let mut record = AppRecord::read(folder.path()).unwrap();
        record.layers_measured -= MEASURED_AGAIN_AFTER;
        fs::write(&path, toml::to_string(&record).unwrap()).unwrap();
        assert_eq!(write(folder.path()).layers_bytes, 10);
    }

    #[test]
    fn what_makes_no_sense_is_no_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        write(folder.path());
        let good = fs::read_to_string(&path).unwrap();
        for bad in [
            String::new(),
            "version = 1".into(),
            good.replace("version = 1", "version = 2"),
            good.replace("layers_bytes = 0", "layers_bytes = -1"),
            good.replace("kind = \"compile\"", "kind = 7"),
            format!("{good}\n#{}", "x".repeat(1 << 16)).replace("version = 1", ""),
            "\u{0}\u{1}[[[".into(),
        ] {
            fs::write(&path, &bad).unwrap();
            assert_eq!(AppRecord::read(folder.path()), None, "{bad}");
        }
        fs::write(&path, format!("added = \"later\"\n{good}")).unwrap();
        assert!(AppRecord::read(folder.path()).is_some());
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(AppRecord::read(folder.path()), None);
        // Whatever is there gives way to the next one.
        write(folder.path());
        assert!(AppRecord::read(folder.path()).is_some());
    }
}
