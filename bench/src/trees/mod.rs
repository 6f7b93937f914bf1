//! What is measured on: trees that are made once and kept.

mod generated;
mod registry;

use crate::benchmark::{Bench, progress};
use crate::error::BenchError;
use crate::reading::{Contents, contents};
use crate::work::remove;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A source file of the big tree's own, in which a line is changed.
pub(crate) const SOURCE: &str = "src/streams/index.ts";

/// A file of one of its dependencies.
pub(crate) const DEPENDENCY: &str = "node_modules/lodash/lodash.js";

/// A dependency that is taken out and added again.
pub(crate) const PACKAGE: &str = "node_modules/date-fns";

/// A source file of the app of Express and Next.js.
pub(crate) const PAGE: &str = "pages/index.js";

/// Files and bytes that the big tree must have at least (bars).
const LEAST: Contents = Contents {
    files: 25_000,
    bytes: 400_000_000,
};

/// One of the trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Node, its packages and an app of several hundred files.
    Big,
    /// Node and one file.
    Node,
    /// One Go binary.
    Go,
    /// An app of Express and Next.js before anything is installed, and the Node.js and npm that it asks for.
    Next,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Big => "big",
            Self::Node => "node",
            Self::Go => "go",
            Self::Next => "next",
        }
    }
}

/// Says that a tree is whole, and what is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Marker {
    about: String,
    #[serde(flatten)]
    contents: Contents,
}

/// A tree on disk. It is only read.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    pub(crate) path: PathBuf,
    /// What it is, in a sentence.
    pub(crate) about: String,
}

/// Makes trees when they are first wanted.
#[derive(Debug)]
pub(crate) struct Trees<'a> {
    bench: &'a Bench,
}

impl<'a> Trees<'a> {
    /// Trees in the folder of this benchmark.
    pub(crate) fn new(bench: &'a Bench) -> Self {
        Self { bench }
    }

    /// The tree, made now if it is not there whole and of the version of this code.
    pub(crate) fn get(&self, kind: Kind) -> Result<Tree, BenchError> {
        let folder = self.bench.work.lasting("trees")?;
        let origin = if self.bench.quick {
            format!("generated-{}", generated::VERSION)
        } else {
            format!("v{}", registry::VERSION)
        };
        let path = folder.join(format!("{}-{origin}", kind.name()));
        let marker_path = path.with_extension("json");
        let marker = match read(&marker_path) {
            Some(marker) if path.is_dir() => marker,
            _ => {
                progress(&format!("Making the tree `{}`, once", kind.name()));
                remove(&marker_path)?;
                remove(&path)?;
                let part = path.with_extension("part");
                remove(&part)?;
                fs::create_dir_all(&part)?;
                let about = self.make(kind, &part)?;
                let marker = Marker {
                    about,
                    contents: contents(&part)?,
                };
                fs::rename(&part, &path)?;
                let text = serde_json::to_string(&marker).map_err(|source| BenchError::Json {
                    what: "a tree's marker".into(),
                    source,
                })?;
                fs::write(&marker_path, text)?;
                marker
            }
        };
        let Contents { files, bytes } = marker.contents;
        let small = files < LEAST.files || bytes < LEAST.bytes;
        if kind == Kind::Big && !self.bench.quick && small {
            return Err(BenchError::SmallTree {
                tree: kind.name(),
                files,
                megabytes: bytes / 1_000_000,
            });
        }
        Ok(Tree {
            path,
            about: format!(
                "{}: {files} {}, {} MB.",
                marker.about,
                if files == 1 { "file" } else { "files" },
                (bytes + 500_000) / 1_000_000
            ),
        })
    }

    fn make(&self, kind: Kind, folder: &Path) -> Result<String, BenchError> {
        if self.bench.quick {
            return generated::make(kind, folder);
        }
        match kind {
            Kind::Big => {
                let node = self.get(Kind::Node)?;
                registry::big(&self.bench.runner, &node.path, folder)
            }
            Kind::Node => registry::node(&self.bench.runner, folder),
            Kind::Go => registry::go(&self.bench.runner, folder),
            Kind::Next => {
                let node = self.get(Kind::Node)?;
                registry::next(&self.bench.runner, &node.path, folder)
            }
        }
    }
}

fn read(marker: &Path) -> Option<Marker> {
    serde_json::from_slice(&fs::read(marker).ok()?).ok()
}
