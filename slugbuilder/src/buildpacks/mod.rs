//! Which buildpacks build an app: from what a user names to folders and an order.
//!
//! A reference is a folder, an archive of one, or the id of the buildpack that slugbuilder carries. A folder holds a
//! buildpack, or several: composites come with the buildpacks that they stand for, beside them (as `cargo libcnb package`
//! and release archives have it) or where their `package.toml` says. Nothing is ever looked up on a network.
//!
//! Without an order, what is named forms one group, in that order. Buildpacks that a composite among them asks for are
//! its components and take part through it only, so that a composite with its components is just the composite.

mod archive;
mod collect;
mod error;
mod package;

pub use archive::InUse;
pub(crate) use archive::forget_all as forget_archives;
pub use error::SelectionError;
pub use package::Elsewhere;

use crate::cnb::{Buildpack, Order, OrderElement};
use crate::compile::BuildpackSource;
use crate::stop::Stop;
use collect::{Collector, Found};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What the user asks for.
#[derive(Debug, Clone, Default)]
pub struct BuildpackRequest {
    /// Folders, archives and the carried buildpack's id, in order; the carried buildpack alone if there is none.
    pub references: Vec<OsString>,
    /// An `order.toml`.
    pub order: Option<PathBuf>,
    /// The buildpack.toml of the buildpack that the running program carries, if it does.
    pub carried: Option<&'static str>,
}

/// What builds the app.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The buildpacks, each once.
    pub sources: Vec<BuildpackSource>,
    /// Which of them to try together.
    pub order: Order,
}

/// Finds what `request` names. Archives are unpacked below `cache_dir`; `stop` ends that early.
pub fn select(
    request: &BuildpackRequest,
    cache_dir: &Path,
    stop: &Stop,
) -> Result<Selection, SelectionError> {
    let mut collector = Collector::new(request.carried, cache_dir, stop)?;
    if request.references.is_empty() {
        collector.add_carried();
    }
    for reference in &request.references {
        collector.add(reference)?;
    }
    let found = collector.found;
    let buildpacks: Vec<Buildpack> = found.iter().map(|one| one.buildpack.clone()).collect();
    let order = match &request.order {
        Some(path) if !path.exists() => {
            return Err(SelectionError::NoOrder { path: path.clone() });
        }
        Some(path) => Order::read(path)?,
        None => one_group(&found)?,
    };
    order.check(&buildpacks)?;
    Ok(Selection {
        sources: found.into_iter().map(|one| one.source).collect(),
        order,
    })
}

/// One group of all that are no components, in the order in which they were named.
fn one_group(found: &[Found]) -> Result<Order, SelectionError> {
    let elements: Vec<&OrderElement> = found
        .iter()
        .flat_map(|one| one.buildpack.descriptor.order.iter().flatten())
        .collect();
    let wanted = |one: &Found| {
        let descriptor = &one.buildpack.descriptor;
        elements.iter().any(|element| element.means(descriptor))
    };
    let mut roots: Vec<&Found> = found.iter().filter(|one| !wanted(one)).collect();
    if roots.is_empty() {
        // A circle of composites, which the order's own check explains wherever it begins.
        roots = found.iter().take(1).collect();
    }
    let mut ids = BTreeSet::new();
    for root in &roots {
        if !ids.insert(&root.buildpack.descriptor.id) {
            return Err(SelectionError::SameId {
                id: root.buildpack.descriptor.id.clone(),
            });
        }
        let beside: Vec<String> = roots
            .iter()
            .filter(|other| other.reference == root.reference)
            .map(|other| other.buildpack.descriptor.reference())
            .collect();
        if beside.len() > 1 {
            return Err(SelectionError::Ambiguous {
                reference: PathBuf::from(&root.reference),
                found: beside,
            });
        }
    }
    let group: Vec<Buildpack> = roots.iter().map(|one| one.buildpack.clone()).collect();
    Ok(Order::of(&group))
}

#[cfg(test)]
mod tests;
