//! The groups of plain buildpacks that an order with composite buildpacks stands for.
//!
//! A few small files can ask for more groups, longer groups or a deeper nesting than anyone can wait for: each composite
//! that names the next one twice doubles them. So what has been looked at is not looked at again, every step is counted,
//! the search keeps its place on the heap, and it ends when the build has to.

use super::order::is_for_production;
use super::{Buildpack, CnbError, Order, OrderElement, Phase};
use crate::sandbox::Outcome;
use crate::stop::{Stop, Stopped};
use std::collections::BTreeMap;

/// The most groups that are tried. Each optional composite doubles their number, so that a small file can ask for any.
const GROUP_LIMIT: usize = 10_000;
/// The most entries that are looked at on the way to all groups together.
const STEP_LIMIT: usize = 100_000;
/// The most entries that an order and the composites in it may have.
const ENTRY_LIMIT: usize = 100_000;
/// The most composites, one inside the other. The largest builders have three.
const LEVEL_LIMIT: usize = 32;

/// A plain buildpack in a group that is tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    pub(super) buildpack: &'a Buildpack,
    pub(super) optional: bool,
}

/// Tries one group; what it returns ends the search.
pub(super) type Attempt<'f, 'a, T> =
    &'f mut dyn FnMut(&[Member<'a>]) -> Result<Option<T>, CnbError>;

impl Order {
    /// Makes sure that every buildpack that it names, itself or through composites, is there, and that no composite
    /// leads back to itself or is nested too deep.
    pub fn check(&self, buildpacks: &[Buildpack]) -> Result<(), CnbError> {
        let mut check = Check {
            store: Store(buildpacks),
            above: Vec::new(),
            heights: BTreeMap::new(),
            entries: 0,
        };
        check.height(&self.groups).map(|_| ())
    }

    /// Calls `attempt` with each group of plain buildpacks that the order stands for until it returns something.
    ///
    /// A composite buildpack is replaced in place by each of its groups in turn, depth first and left to right; if it is
    /// optional and none of them will do, the rest of the group is tried without it. A second occurrence of an id in a
    /// group is ignored (rule 1 of section 2.3 of the reference).
    pub(super) fn first<'a, T>(
        &'a self,
        buildpacks: &'a [Buildpack],
        stop: &'a Stop,
        attempt: Attempt<'_, 'a, T>,
    ) -> Result<Option<T>, CnbError> {
        self.check(buildpacks)?;
        let mut search = Search {
            store: Store(buildpacks),
            stop,
            done: Vec::new(),
            steps: 0,
            groups: 0,
        };
        search.run(&self.groups, attempt)
    }
}

#[derive(Clone, Copy)]
struct Store<'a>(&'a [Buildpack]);

impl<'a> Store<'a> {
    fn find(self, element: &OrderElement) -> Result<&'a Buildpack, CnbError> {
        self.0
            .iter()
            .find(|buildpack| element.means(&buildpack.descriptor))
            .ok_or_else(|| CnbError::UnknownBuildpack {
                wanted: match &element.version {
                    Some(version) => format!("{}@{version}", element.id),
                    None => element.id.clone(),
                },
                known: self
                    .0
                    .iter()
                    .map(|buildpack| buildpack.descriptor.reference())
                    .collect(),
            })
    }
}

/// Counts one more, up to a limit.
fn count(counter: &mut usize, limit: usize, what: &'static str) -> Result<(), CnbError> {
    *counter += 1;
    if *counter > limit {
        return Err(CnbError::TooMany { what, limit });
    }
    Ok(())
}

/// Goes through each composite once.
struct Check<'a> {
    store: Store<'a>,
    /// The composites around what is looked at.
    above: Vec<String>,
    /// The composites that were looked at, with how many levels of composites each is.
    heights: BTreeMap<String, usize>,
    entries: usize,
}

impl Check<'_> {
    /// How many levels of composites there are in `groups`. Calls itself [`LEVEL_LIMIT`] times at most.
    fn height(&mut self, groups: &[Vec<OrderElement>]) -> Result<usize, CnbError> {
        let mut highest = 0;
        for element in groups.iter().flatten() {
            count(&mut self.entries, ENTRY_LIMIT, "entries of orders")?;
            let descriptor = &self.store.find(element)?.descriptor;
            if descriptor.order.is_empty() {
                continue;
            }
            let reference = descriptor.reference();
            let height = match self.heights.get(&reference) {
                Some(height) => *height,
                None => 1 + self.inside(&reference, &descriptor.order)?,
            };
            if self.above.len() + height > LEVEL_LIMIT {
                return Err(too_deep());
            }
            self.heights.insert(reference, height);
            highest = highest.max(height);
        }
        Ok(highest)
    }

    /// The reference implementation runs for ever on a circle.
    fn inside(&mut self, reference: &str, groups: &[Vec<OrderElement>]) -> Result<usize, CnbError> {
        if let Some(start) = self.above.iter().position(|other| other == reference) {
            let mut path = self.above.split_off(start);
            path.push(reference.to_owned());
            return Err(CnbError::CyclicOrder { path });
        }
        if self.above.len() == LEVEL_LIMIT {
            return Err(too_deep());
        }
        self.above.push(reference.to_owned());
        let height = self.height(groups)?;
        self.above.pop();
        Ok(height)
    }
}

fn too_deep() -> CnbError {
    CnbError::TooMany {
        what: "levels of composite buildpacks",
        limit: LEVEL_LIMIT,
    }
}

/// What is left of a group: the innermost composite's rest is last. No longer than composites are nested.
type Rest<'a> = Vec<&'a [OrderElement]>;

/// A composite whose groups are tried in turn.
struct Choice<'a> {
    groups: std::slice::Iter<'a, Vec<OrderElement>>,
    /// Whether the rest is tried without it in the end.
    optional: bool,
    rest: Rest<'a>,
    /// How many members there were before it.
    done: usize,
}

/// Goes through all groups, depth first.
struct Search<'a> {
    store: Store<'a>,
    stop: &'a Stop,
    /// The members of the group that is put together.
    done: Vec<Member<'a>>,
    steps: usize,
    groups: usize,
}

impl<'a> Search<'a> {
    fn run<T>(
        &mut self,
        groups: &'a [Vec<OrderElement>],
        attempt: Attempt<'_, 'a, T>,
    ) -> Result<Option<T>, CnbError> {
        let mut choices = vec![Choice {
            groups: groups.iter(),
            optional: false,
            rest: Rest::new(),
            done: 0,
        }];
        while let Some(mut choice) = choices.pop() {
            self.done.truncate(choice.done);
            let rest = if let Some(group) = choice.groups.next() {
                let mut rest = choice.rest.clone();
                rest.push(group);
                choices.push(choice);
                rest
            } else if choice.optional {
                choice.rest
            } else {
                continue;
            };
            if let Some(choice) = self.follow(rest)? {
                choices.push(choice);
                continue;
            }
            count(&mut self.groups, GROUP_LIMIT, "groups of buildpacks")?;
            self.check_stop()?;
            if let Some(found) = attempt(&self.done)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Adds members up to the next composite; nothing if there is none, and the group is whole.
    fn follow(&mut self, mut rest: Rest<'a>) -> Result<Option<Choice<'a>>, CnbError> {
        while let Some(elements) = rest.pop() {
            let Some((element, others)) = elements.split_first() else {
                continue;
            };
            if !others.is_empty() {
                rest.push(others);
            }
            count(&mut self.steps, STEP_LIMIT, "entries of groups")?;
            self.check_stop()?;
            let buildpack = self.store.find(element)?;
            let descriptor = &buildpack.descriptor;
            let is_there = |member: &Member<'_>| member.buildpack.descriptor.id == element.id;
            if self.done.iter().any(is_there)
                || !is_for_production(&element.execution_environments)
                || !is_for_production(&descriptor.execution_environments)
            {
                continue;
            }
            if !descriptor.order.is_empty() {
                return Ok(Some(Choice {
                    groups: descriptor.order.iter(),
                    optional: element.optional,
                    rest,
                    done: self.done.len(),
                }));
            }
            self.done.push(Member {
                buildpack,
                optional: element.optional,
            });
        }
        Ok(None)
    }

    fn check_stop(&self) -> Result<(), CnbError> {
        self.stop.check().map_err(|stopped| CnbError::Stopped {
            phase: Phase::Detect,
            buildpack: "slugbuilder".into(),
            outcome: match stopped {
                Stopped::TimedOut => Outcome::TimedOut,
                Stopped::Interrupted => Outcome::Interrupted,
            },
        })
    }
}

#[cfg(test)]
mod tests;
