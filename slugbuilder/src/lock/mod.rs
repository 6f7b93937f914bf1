//! `slugbuilder.lock` on the platform's side: reading it from a source, comparing it with what is about to build, making it
//! anew ([`crate::compile::resolve`] finds out what there is to pin), and writing it. `docs/lock.md` describes all of it.

mod digest;
mod error;
mod file;

pub(crate) use digest::of_folder;
pub use error::LockError;
pub(crate) use file::is_left_behind;
pub use file::{LockChange, ReadLock, read, write};

use crate::cnb::{BuildpackPrograms, Detection};
use slugbuilder_report::lock::{LOCK_FILE, Located, LockFile, LockedBuildpack};
use slugbuilder_report::{Pin, PinKind, Warning};

/// How a build treats the lock of its source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locking {
    /// Whether there has to be a lock, and nothing but what it pins may be used.
    pub locked: bool,
    /// Which pins are passed over, so that newer versions can take their place.
    pub update: Update,
}

/// Which pins may move.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Update {
    /// None that fits the app.
    #[default]
    Nothing,
    /// Those of these names.
    Named(Vec<String>),
    /// All.
    Everything,
}

impl Update {
    fn drops(&self, pin: &Pin) -> bool {
        match self {
            Self::Nothing => false,
            Self::Named(names) => names.contains(&pin.name),
            Self::Everything => true,
        }
    }

    /// `lock` without the pins that may move. A name that nothing has is an error.
    pub(crate) fn apply(&self, mut lock: LockFile) -> Result<LockFile, LockError> {
        if let Self::Named(names) = self {
            let has = |name: &String| lock.pins.iter().any(|pin| pin.value.name == *name);
            if let Some(unknown) = names.iter().find(|name| !has(name)) {
                return Err(LockError::UnknownName {
                    name: unknown.clone(),
                    known: lock.pins.into_iter().map(|pin| pin.value.name).collect(),
                });
            }
        }
        lock.pins.retain(|pin| !self.drops(&pin.value));
        Ok(lock)
    }
}

/// The buildpacks of a build as a lock pins them.
pub(crate) fn buildpacks(
    detection: &Detection,
    digest: impl Fn(&str) -> Result<String, LockError>,
) -> Result<Vec<LockedBuildpack>, LockError> {
    let locked = detection.group.iter().map(|participant| {
        let descriptor = &participant.buildpack.descriptor;
        let digest = match participant.buildpack.programs {
            BuildpackPrograms::Itself => None,
            BuildpackPrograms::Files => Some(digest(&descriptor.reference())?),
        };
        Ok(LockedBuildpack {
            id: descriptor.id.clone(),
            version: descriptor.version.clone(),
            digest,
        })
    });
    locked.collect()
}

/// What of the platform's own is not as `lock` has it; an error with `--locked`.
pub(crate) fn check(
    lock: &LockFile,
    locking: &Locking,
    stack: &str,
    buildpacks: &[LockedBuildpack],
) -> Result<Vec<Warning>, LockError> {
    let mut drifts = Vec::new();
    if lock.stack.value != stack {
        drifts.push(format!(
            "{} is for {}, and this is a build for {stack}",
            lock.stack.place(),
            lock.stack.value
        ));
    }
    drifts.extend(drift_of_buildpacks(&lock.buildpacks, buildpacks));
    let mut drifts = drifts.into_iter();
    if locking.locked {
        return match drifts.next() {
            Some(what) => Err(LockError::Outdated { what }),
            None => Ok(Vec::new()),
        };
    }
    let warning = |what: String| Warning::new("lock-outdated", what).hint(error::LOCK_AGAIN);
    Ok(drifts.map(warning).collect())
}

fn drift_of_buildpacks(
    locked: &[Located<LockedBuildpack>],
    used: &[LockedBuildpack],
) -> Option<String> {
    for (pin, one) in locked.iter().zip(used) {
        let (place, pin) = (pin.place(), &pin.value);
        if (&pin.id, &pin.version) != (&one.id, &one.version) {
            return Some(format!(
                "{place} pins buildpack {}@{}, and {}@{} builds",
                pin.id, pin.version, one.id, one.version
            ));
        }
        if pin.digest != one.digest {
            return Some(format!(
                "{place} pins buildpack {}@{} with other files than it has",
                pin.id, pin.version
            ));
        }
    }
    match (locked.get(used.len()), used.get(locked.len())) {
        (Some(pin), _) => Some(format!(
            "{} pins buildpack {}, which does not build",
            pin.place(),
            pin.value.id
        )),
        (None, Some(one)) => Some(format!("{LOCK_FILE} does not pin buildpack {}", one.id)),
        (None, None) => None,
    }
}

/// The lock of what was resolved. Of `earlier`, whose pins that may move are gone, archives of the same versions stay:
/// another machine found them.
pub(crate) fn merge(
    earlier: Option<&LockFile>,
    stack: &str,
    buildpacks: Vec<LockedBuildpack>,
    pins: Vec<Pin>,
) -> LockFile {
    let merged = |mut pin: Pin| {
        let known = earlier.and_then(|lock| lock.pin(pin.kind, &pin.name));
        if let Some(known) = known.filter(|known| known.value.version == pin.version) {
            for archive in &known.value.archives {
                if pin
                    .archives
                    .iter()
                    .all(|one| one.location != archive.location)
                {
                    pin.archives.push(archive.clone());
                }
            }
        }
        Located::new(pin)
    };
    let mut pins: Vec<Located<Pin>> = pins.into_iter().map(merged).collect();
    let key = |pin: &Located<Pin>| (pin.value.kind, pin.value.name.clone());
    pins.sort_by_key(key);
    LockFile {
        stack: Located::new(stack.to_owned()),
        buildpacks: buildpacks.into_iter().map(Located::new).collect(),
        pins,
    }
}

/// What `new` has that `earlier` has otherwise, one line each.
#[must_use]
pub fn differences(earlier: Option<&LockFile>, new: &LockFile) -> Vec<String> {
    let version = |lock: Option<&LockFile>, kind: PinKind, name: &str| {
        lock.and_then(|lock| lock.pin(kind, name))
            .map(|pin| pin.value.version.clone())
    };
    let mut lines = Vec::new();
    for pin in new.pins.iter().map(|pin| &pin.value) {
        match version(earlier, pin.kind, &pin.name) {
            None => lines.push(format!("{} {}", pin.name, pin.version)),
            Some(before) if before != pin.version => {
                lines.push(format!("{} {before} → {}", pin.name, pin.version));
            }
            Some(_) => {}
        }
    }
    for pin in earlier.iter().flat_map(|lock| &lock.pins) {
        if version(Some(new), pin.value.kind, &pin.value.name).is_none() {
            lines.push(format!("{} {} is gone", pin.value.name, pin.value.version));
        }
    }
    lines
}

#[cfg(test)]
mod tests;
