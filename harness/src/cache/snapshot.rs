//! The layers as a build left them, and what differs after the next one.

use super::{CacheOutcome, Miss};
use slugbuilder::cnb::{BuiltLayer, Restored, RestoredLayer, escape};
use slugbuilder::compile::BuiltApp;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Id of the buildpack, and name.
pub(super) type Key = (String, String);

pub(super) fn key(layer: &BuiltLayer) -> Key {
    (layer.buildpack.clone(), layer.name.clone())
}

/// What tells a file from one that was written again: nobody can set the time of change, and layers are kept by renaming
/// the folder above them, which leaves it alone. A file with other hard links has the time at which it was written instead:
/// each new link changes the other one, but not the file.
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
                    changed: if metadata.nlink() > 1 {
                        (metadata.mtime(), metadata.mtime_nsec())
                    } else {
                        (metadata.ctime(), metadata.ctime_nsec())
                    },
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

pub(super) fn outcome(
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
