//! What became of the layers of the last build.

use slugbuilder::cnb::{BuiltLayer, Restored, RestoredLayer, escape};
use slugbuilder::compile::BuiltApp;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How many names a message shows.
const SHOWN: usize = 3;

/// A layer of a build, and what the cache did for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Id of its buildpack.
    pub buildpack: String,
    /// Its name.
    pub name: String,
    /// Whether the app needs it.
    pub launch: bool,
    /// Whether later buildpacks need it.
    pub build: bool,
    /// Whether the next build gets it back.
    pub cache: bool,
    /// Its `[metadata]`.
    pub metadata: toml::Table,
    /// What the cache did for it.
    pub outcome: CacheOutcome,
}

/// What the cache did for a layer.
#[derive(Debug, Clone, PartialEq)]
pub enum CacheOutcome {
    /// The buildpack had the layer back and left every file and folder of it, and its `[metadata]`, as they were.
    Hit,
    /// It was made, or made anew.
    Miss(Miss),
}

/// Why a layer was no hit.
#[derive(Debug, Clone, PartialEq)]
pub enum Miss {
    /// Nothing could be had back: there was no build before, or it failed.
    NoBuildBefore,
    /// The build before had no such layer.
    New,
    /// The build before had it, without `cache = true`.
    NotCached,
    /// The build before had it with `cache = true`, and the buildpack did not get it back: a layer without a folder is not
    /// kept.
    NotRestored,
    /// The buildpack had it back and made all of it anew.
    MadeAnew {
        /// What changed in its `[metadata]`, key by key.
        metadata: Vec<String>,
    },
    /// The buildpack had it back and changed a part of it.
    Changed {
        /// Files that were not there before, relative to the layer. Where no file differs, these are folders; so are those
        /// of the next two.
        added: Vec<PathBuf>,
        /// Files that are not there any more.
        removed: Vec<PathBuf>,
        /// Files with other contents, or written again with the same.
        changed: Vec<PathBuf>,
        /// What changed in its `[metadata]`, key by key.
        metadata: Vec<String>,
    },
}

impl Display for CacheOutcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit => f.write_str("hit"),
            Self::Miss(why) => write!(f, "miss: {why}"),
        }
    }
}

impl Display for Miss {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBuildBefore => {
                f.write_str("nothing could be had back, for no build before succeeded")
            }
            Self::New => f.write_str("the build before had no such layer"),
            Self::NotCached => f.write_str("the build before did not have it with `cache = true`"),
            Self::NotRestored => {
                f.write_str("the build before had it with `cache = true`, and it was not had back")
            }
            Self::MadeAnew { metadata } => {
                f.write_str("it was had back, and all of it made anew")?;
                show_metadata(f, metadata)
            }
            Self::Changed {
                added,
                removed,
                changed,
                metadata,
            } => {
                if added.is_empty() && removed.is_empty() && changed.is_empty() {
                    f.write_str("it was had back, and its files stayed")?;
                    return show_metadata(f, metadata);
                }
                f.write_str("it was had back, and then")?;
                let parts = [("added", added), ("removed", removed), ("changed", changed)];
                let parts: Vec<String> = parts
                    .into_iter()
                    .filter(|(_, paths)| !paths.is_empty())
                    .map(|(what, paths)| format!(" {} {what}", enumerate(paths)))
                    .collect();
                f.write_str(&parts.join(","))?;
                show_metadata(f, metadata)
            }
        }
    }
}

fn show_metadata(f: &mut Formatter<'_>, metadata: &[String]) -> fmt::Result {
    if metadata.is_empty() {
        return Ok(());
    }
    write!(f, " (its metadata changed: {})", metadata.join("; "))
}

fn enumerate(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths
        .iter()
        .take(SHOWN)
        .map(|path| format!("`{}`", path.display()))
        .collect();
    match paths.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more were", shown.join(", ")),
    }
}

impl Display for Layer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let types: Vec<&str> = [
            ("launch", self.launch),
            ("build", self.build),
            ("cache", self.cache),
        ]
        .into_iter()
        .filter_map(|(name, set)| set.then_some(name))
        .collect();
        write!(
            f,
            "{}:{} ({}) {}",
            self.buildpack,
            self.name,
            types.join(", "),
            self.outcome
        )
    }
}

/// The layers of a build.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layers {
    /// In build order, those of a buildpack by name.
    pub layers: Vec<Layer>,
    /// Layers that buildpacks had back and did not declare again, as `buildpack:layer`: they are thrown away.
    pub dropped: Vec<String>,
}

impl Layers {
    /// The layer called `name`, or `buildpack:name` where several buildpacks have one of the name. Panics where there is none
    /// or more than one.
    #[must_use]
    #[track_caller]
    pub fn layer(&self, name: &str) -> &Layer {
        let found: Vec<&Layer> = self
            .layers
            .iter()
            .filter(|layer| {
                layer.name == name || format!("{}:{}", layer.buildpack, layer.name) == name
            })
            .collect();
        match found.as_slice() {
            [layer] => layer,
            [] => panic!("there is no layer `{name}`; the layers are:\n{self}"),
            _ => panic!("several buildpacks have a layer `{name}`: say `buildpack:{name}`\n{self}"),
        }
    }

    /// Asserts that the layer was had back and left as it was.
    #[track_caller]
    pub fn assert_hit(&self, name: &str) {
        let layer = self.layer(name);
        assert!(
            layer.outcome == CacheOutcome::Hit,
            "the layer `{name}` should be a hit\n{layer}"
        );
    }

    /// Asserts that the layer was made, or made anew or in part; gives why.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it asserts")]
    pub fn assert_miss(&self, name: &str) -> &Miss {
        match &self.layer(name).outcome {
            CacheOutcome::Miss(why) => why,
            CacheOutcome::Hit => panic!("the layer `{name}` should be a miss, and is a hit"),
        }
    }

    /// What `built` has, and what became of the layers of the build `before`.
    pub(crate) fn of(built: &BuiltApp, before: Option<&Snapshot>) -> Self {
        let states = Snapshot::of(built);
        let layers: Vec<Layer> = built
            .built()
            .layers
            .iter()
            .map(|layer| Layer {
                buildpack: layer.buildpack.clone(),
                name: layer.name.clone(),
                launch: layer.launch,
                build: layer.build,
                cache: layer.cache,
                metadata: layer.metadata.clone(),
                outcome: outcome(before, &states, built.restored(), &key(layer)),
            })
            .collect();
        let is_declared = |buildpack: &str, name: &str| {
            layers
                .iter()
                .any(|layer| layer.buildpack == buildpack && layer.name == name)
        };
        let dropped = built
            .restored()
            .layers
            .iter()
            .filter(|restored| !is_declared(&restored.buildpack, &restored.name))
            .map(|restored| format!("{}:{}", restored.buildpack, restored.name))
            .collect();
        Self { layers, dropped }
    }
}

impl Display for Layers {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for layer in &self.layers {
            writeln!(f, "{layer}")?;
        }
        for layer in &self.dropped {
            writeln!(
                f,
                "{layer} dropped: it was had back, and not declared again"
            )?;
        }
        Ok(())
    }
}

/// Id of the buildpack, and name.
type Key = (String, String);

fn key(layer: &BuiltLayer) -> Key {
    (layer.buildpack.clone(), layer.name.clone())
}

/// What tells a file from one that was written again: nobody can set the time of change, and layers are kept by renaming
/// the folder above them, which leaves it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileState {
    inode: u64,
    changed: (i64, i64),
    size: u64,
}

/// What tells a folder from one that was made anew: its time of change is that of what is in it, and inodes alone are used
/// again at once by some file systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FolderState {
    inode: u64,
    /// Nothing where the file system does not know.
    made: Option<SystemTime>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct LayerState {
    cache: bool,
    metadata: toml::Table,
    /// Everything but folders.
    files: BTreeMap<PathBuf, FileState>,
    /// The layer's own folder, with an empty path, and those below it.
    folders: BTreeMap<PathBuf, FolderState>,
}

/// The layers as a build left them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot(BTreeMap<Key, LayerState>);

impl Snapshot {
    pub(crate) fn of(built: &BuiltApp) -> Self {
        let Some(root) = built.layers_dir() else {
            return Self::default();
        };
        let states = built.built().layers.iter().map(|layer| {
            let folder = root.join(escape(&layer.buildpack)).join(&layer.name);
            let mut state = LayerState {
                cache: layer.cache,
                metadata: layer.metadata.clone(),
                ..LayerState::default()
            };
            state.look_into(&folder);
            (key(layer), state)
        });
        Self(states.collect())
    }
}

impl LayerState {
    fn look_into(&mut self, folder: &Path) {
        for entry in walkdir::WalkDir::new(folder) {
            // The build has ended: what cannot be listed now could not be before either.
            let Ok(entry) = entry else { continue };
            let (Ok(metadata), Ok(path)) = (entry.metadata(), entry.path().strip_prefix(folder))
            else {
                continue;
            };
            if metadata.is_dir() {
                let state = FolderState {
                    inode: metadata.ino(),
                    made: metadata.created().ok(),
                };
                self.folders.insert(path.to_owned(), state);
            } else {
                let state = FileState {
                    inode: metadata.ino(),
                    changed: (metadata.ctime(), metadata.ctime_nsec()),
                    size: metadata.len(),
                };
                self.files.insert(path.to_owned(), state);
            }
        }
    }

    /// The layer's own folder.
    fn folder(&self) -> Option<&FolderState> {
        self.folders.get(Path::new(""))
    }
}

fn outcome(
    before: Option<&Snapshot>,
    after: &Snapshot,
    restored: &Restored,
    key: &Key,
) -> CacheOutcome {
    let Some(before) = before else {
        return CacheOutcome::Miss(Miss::NoBuildBefore);
    };
    let Some(old) = before.0.get(key) else {
        return CacheOutcome::Miss(Miss::New);
    };
    if !old.cache {
        return CacheOutcome::Miss(Miss::NotCached);
    }
    let (buildpack, name) = key;
    let is_this = |layer: &RestoredLayer| layer.buildpack == *buildpack && layer.name == *name;
    if !restored.layers.iter().any(is_this) {
        return CacheOutcome::Miss(Miss::NotRestored);
    }
    let empty = LayerState::default();
    compare(old, after.0.get(key).unwrap_or(&empty))
}

fn compare(old: &LayerState, new: &LayerState) -> CacheOutcome {
    let metadata = changes(&old.metadata, &new.metadata);
    let files = Difference::between(&old.files, &new.files);
    let folders = Difference::between(&old.folders, &new.folders);
    if files.is_empty() && folders.is_empty() && metadata.is_empty() {
        return CacheOutcome::Hit;
    }
    // Whatever was there is not there any more as it was.
    let no_file_stayed = files.removed.len() + files.changed.len() == old.files.len();
    let is_anew = no_file_stayed && (!old.files.is_empty() || old.folder() != new.folder());
    CacheOutcome::Miss(if is_anew {
        Miss::MadeAnew { metadata }
    } else {
        let Difference {
            added,
            removed,
            changed,
        } = if files.is_empty() { folders } else { files };
        Miss::Changed {
            added,
            removed,
            changed,
            metadata,
        }
    })
}

/// Paths that differ between two builds.
struct Difference {
    added: Vec<PathBuf>,
    removed: Vec<PathBuf>,
    changed: Vec<PathBuf>,
}

impl Difference {
    fn between<State: PartialEq>(
        old: &BTreeMap<PathBuf, State>,
        new: &BTreeMap<PathBuf, State>,
    ) -> Self {
        let missing = |from: &BTreeMap<PathBuf, State>, of: &BTreeMap<PathBuf, State>| {
            let paths = of.keys().filter(|path| !from.contains_key(*path));
            paths.cloned().collect()
        };
        let changed = new
            .iter()
            .filter(|(path, state)| old.get(*path).is_some_and(|before| before != *state));
        Self {
            added: missing(old, new),
            removed: missing(new, old),
            changed: changed.map(|(path, _)| path.clone()).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// `key: old -> new` for every key that differs.
fn changes(old: &toml::Table, new: &toml::Table) -> Vec<String> {
    let show = |value: Option<&toml::Value>| value.map_or("none".to_owned(), ToString::to_string);
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| format!("{key}: {} -> {}", show(old.get(key)), show(new.get(key))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &str, inode: u64) -> (PathBuf, FolderState) {
        (path.into(), FolderState { inode, made: None })
    }

    fn state(version: &str, files: &[(&str, u64)]) -> LayerState {
        LayerState {
            cache: true,
            metadata: toml::from_str(&format!("version = '{version}'")).unwrap(),
            folders: BTreeMap::from([folder("", 1)]),
            files: files
                .iter()
                .map(|(path, inode)| {
                    let state = FileState {
                        inode: *inode,
                        changed: (0, 0),
                        size: 0,
                    };
                    (PathBuf::from(path), state)
                })
                .collect(),
        }
    }

    #[test]
    fn a_miss_says_why() {
        let old = state("1", &[("a", 1), ("b", 2), ("c", 3)]);
        assert_eq!(compare(&old, &old), CacheOutcome::Hit);
        let told = |new: &LayerState| compare(&old, new).to_string();
        insta::assert_snapshot!(told(&state("2", &[("a", 4), ("b", 5)])), @"miss: it was had back, and all of it made anew (its metadata changed: version: \"1\" -> \"2\")");
        insta::assert_snapshot!(told(&state("1", &[("a", 1), ("b", 5), ("d", 6)])), @"miss: it was had back, and then `d` added, `c` removed, `b` changed");
        let many: Vec<String> = (0..9).map(|n| n.to_string()).collect();
        let many: Vec<(&str, u64)> = many.iter().map(|name| (name.as_str(), 9)).collect();
        let mut more = state("1", &many);
        more.files.extend(old.files.clone());
        insta::assert_snapshot!(told(&more), @"miss: it was had back, and then `0`, `1`, `2` and 6 more were added");
    }

    #[test]
    fn a_layer_without_files_is_no_hit_for_that() {
        let old = state("1", &[]);
        assert_eq!(compare(&old, &old), CacheOutcome::Hit);
        let told = |new: &LayerState| compare(&old, new).to_string();
        insta::assert_snapshot!(told(&state("2", &[])), @r#"miss: it was had back, and its files stayed (its metadata changed: version: "1" -> "2")"#);
        let mut anew = old.clone();
        anew.folders.extend([folder("", 2)]);
        insta::assert_snapshot!(told(&anew), @"miss: it was had back, and all of it made anew");
        let mut more = old.clone();
        more.folders.extend([folder("bin", 2)]);
        insta::assert_snapshot!(told(&more), @"miss: it was had back, and then `bin` added");
        let with_a_file = state("1", &[("a", 1)]);
        insta::assert_snapshot!(compare(&with_a_file, &state("2", &[("a", 1)])), @r#"miss: it was had back, and its files stayed (its metadata changed: version: "1" -> "2")"#);
    }

    #[test]
    fn what_was_not_cached_could_not_be_had_back() {
        let key: Key = ("b".into(), "l".into());
        let with = |cache: bool| {
            let state = LayerState {
                cache,
                ..state("1", &[("a", 1)])
            };
            Snapshot([(key.clone(), state)].into())
        };
        let restored = Restored {
            layers: vec![RestoredLayer {
                buildpack: "b".into(),
                name: "l".into(),
            }],
            ..Restored::default()
        };
        let told = |before: Option<&Snapshot>| outcome(before, &with(true), &restored, &key);
        assert_eq!(told(None), CacheOutcome::Miss(Miss::NoBuildBefore));
        assert_eq!(
            told(Some(&Snapshot::default())),
            CacheOutcome::Miss(Miss::New)
        );
        assert_eq!(
            told(Some(&with(false))),
            CacheOutcome::Miss(Miss::NotCached)
        );
        assert_eq!(told(Some(&with(true))), CacheOutcome::Hit);
        assert_eq!(
            outcome(Some(&with(true)), &with(true), &Restored::default(), &key),
            CacheOutcome::Miss(Miss::NotRestored)
        );
    }
}
