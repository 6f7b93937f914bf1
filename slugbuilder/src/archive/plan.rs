//! What is to be archived, known from names and metadata alone.

use super::cache::{Names, NewNames, Previous};
use super::chunks::{Chunk, cut};
use super::entries::Entry;
use super::recipe::{Recipe, Recipes};
use super::tar_stream::TarStream;
use super::walk::{Listed, Walk};
use super::{ArchiveError, ArchiveOptions, Layout};
use crate::stage::Tally;
use crate::tree::Tree;
use crate::tree::links::Links;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::SystemTime;

/// A tree that was listed and cut into chunks.
pub(super) struct Plan<'a> {
    tree: &'a Tree,
    pub(super) entries: Vec<Entry>,
    pub(super) links: Links,
    /// What the layout leaves out and wants to be counted.
    pub(super) left_out: BTreeMap<usize, Tally>,
    pub(super) chunks: Vec<Chunk>,
    /// Of all chunks, if they were asked for; else none.
    pub(super) recipes: Vec<Recipe>,
    /// What is in each folder, for the next archive; nothing where someone else has listed them.
    pub(super) names: Option<NewNames>,
    app_time: i64,
}

impl<'a> Plan<'a> {
    /// Of `tree`, which is called `root` in errors; `names` are those of the last archive. Recipes are made if there is to
    /// be a next one.
    pub(super) fn new(
        tree: &'a Tree,
        root: &Path,
        layout: &dyn Layout,
        options: &ArchiveOptions,
        threads: NonZeroUsize,
        names: Option<&Names>,
    ) -> Result<Self, ArchiveError> {
        let looked_at = tree.known_since();
        let of_folders = names.filter(|_| tree.lists_plainly());
        let Listed {
            entries,
            links,
            left_out,
            names: new_names,
        } = Walk::new(tree, root, layout, &options.stop)
            .with_names(of_folders, looked_at)
            .collect(threads)?;
        let mut plan = Self {
            tree,
            entries,
            links,
            left_out,
            chunks: Vec::new(),
            recipes: Vec::new(),
            names: of_folders.map(|_| new_names),
            app_time: options.app_time,
        };
        let tar = plan.tar();
        let chunks = cut(&tar);
        let recipes = if names.is_some() {
            recipes(&tar, &chunks, looked_at, threads)
        } else {
            Vec::new()
        };
        plan.chunks = chunks;
        plan.recipes = recipes;
        Ok(plan)
    }

    pub(super) fn tar(&self) -> TarStream<'_> {
        TarStream::new(self.tree, &self.links, &self.entries, self.app_time)
    }

    /// Bytes of the tar.
    pub(super) fn length(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.length).sum()
    }

    /// With how many of our chunks the last slug began, as far as that is known without reading them.
    pub(super) fn known(&self, previous: &Previous) -> usize {
        let chunks = self.chunks.iter().zip(&self.recipes).enumerate();
        chunks
            .take_while(|(position, (chunk, recipe))| {
                previous.has_at(*position, chunk.length)
                    && previous.recipe(*position) == Some(recipe.hash)
            })
            .count()
    }

    /// With how many of our chunks it may have begun: with no more than are as long as its own.
    pub(super) fn alike(&self, previous: &Previous) -> usize {
        let chunks = self.chunks.iter().enumerate();
        chunks
            .take_while(|(position, chunk)| previous.has_at(*position, chunk.length))
            .count()
    }
}

/// The recipes of all chunks.
fn recipes(
    tar: &TarStream<'_>,
    chunks: &[Chunk],
    looked_at: SystemTime,
    threads: NonZeroUsize,
) -> Vec<Recipe> {
    let share = chunks.len().div_ceil(threads.get()).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = chunks
            .chunks(share)
            .map(|part| {
                scope.spawn(move || {
                    let mut recipes = Recipes::new(tar, looked_at);
                    part.iter()
                        .map(|chunk| recipes.of(chunk))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        parts
            .into_iter()
            .flat_map(|part| match part.join() {
                Ok(recipes) => recipes,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}
