//! What became of the layers of the last build.

mod snapshot;

use slugbuilder::compile::BuiltApp;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

pub(crate) use snapshot::Snapshot;
use snapshot::{key, outcome};

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
