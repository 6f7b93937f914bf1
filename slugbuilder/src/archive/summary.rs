//! What is told about an archive, while it is written and afterwards.

use super::ArchiveOptions;
use super::entries::Entry;
use super::folders::{Folder, bytes, largest};
use crate::tree::links::{Fault, Links};
use crate::tree::{Kind, enumerate};
use slugbuilder_report::{Event, Reporter, TransferId, Warning};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) fn largest_of(entries: &[Entry]) -> Vec<Folder> {
    let files = entries.iter().filter(|entry| entry.stat.kind == Kind::File);
    largest(files.map(|entry| (entry.path.as_path(), entry.stat.size)))
}

pub(super) fn warnings(links: &Links, size: u64, options: &ArchiveOptions) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (fault, code, what) in [
        (Fault::Leaves, "link-leaves-app", "lead out of `./app`"),
        (Fault::Loops, "link-loops", "lead back to themselves"),
    ] {
        let found: Vec<&Path> = links
            .with(fault)
            .into_iter()
            .map(|(link, _)| link)
            .filter(|link| !options.known_links.contains(*link))
            .collect();
        if !found.is_empty() {
            let named = enumerate(found.iter().copied(), found.len());
            warnings.push(
                Warning::new(code, format!("symbolic links {what}: {named}"))
                    .hint("They are kept as they are. Point them at what is in the app."),
            );
        }
    }
    if size > options.warn_size && size <= options.max_size {
        let message = format!(
            "the slug has {}, more than {}: dynos will boot slowly",
            bytes(size),
            bytes(options.warn_size)
        );
        warnings.push(
            Warning::new("slug-large", message)
                .hint("Leave out what running does not need with `.slugignore`."),
        );
    }
    warnings
}

/// Tells a reporter how far the archive is, about a hundred times.
pub(super) struct Progress<'a> {
    reporter: &'a dyn Reporter,
    id: TransferId,
    position: u64,
    told: u64,
    step: u64,
}

impl<'a> Progress<'a> {
    pub(super) fn begin(reporter: &'a dyn Reporter, total: u64) -> Self {
        /// Far from the numbers that transfers of other crates count up from zero.
        static NEXT: AtomicU64 = AtomicU64::new(1 << 48);
        let id = TransferId(NEXT.fetch_add(1, Ordering::Relaxed));
        reporter.report(Event::Started {
            id,
            name: "slug",
            total: Some(total),
        });
        Self {
            reporter,
            id,
            position: 0,
            told: 0,
            step: total / 100 + 1,
        }
    }

    pub(super) fn advance(&mut self, bytes: u64) {
        self.position += bytes;
        if self.position - self.told >= self.step {
            self.told = self.position;
            let position = self.position;
            self.reporter.report(Event::Progressed {
                id: self.id,
                position,
            });
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.reporter.report(Event::Finished { id: self.id });
    }
}
