//! Ruby: Heroku's S3 layout, and the user's apt.

mod apt;
mod packages;
mod shims;

pub(super) use apt::{Apt, SOURCE as APT_SOURCE};
pub(super) use packages::{digest_of, unpack_packages};
pub use shims::SHIM_TEMPLATE;

use super::{
    InstallError, Kit, MAX_ARCHIVE_BYTES, MIRROR, Obtained, Provenance, Source, SourceError,
    Wanted, first_of,
};
use crate::runtime::Runtime;
use crate::target::{Machine, Stack};
use crate::version::{Resolved, Version};
use slugbuilder_fetch::{Checksum, Download, Format};
use slugbuilder_report::PinKind;
use slugbuilder_report::lock::LOCK_FILE;
use std::collections::BTreeMap;
use std::path::Path;

/// Archives without a published checksum: name to the SHA-256 that it had when it was first used.
pub type Pins = BTreeMap<String, String>;

/// What was got of Ruby.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RubyArchive {
    /// The archive; nothing is to be stripped.
    pub archive: Obtained,
    /// The version, which is another than the one asked for where any would do.
    pub version: Version,
}

/// Gets Ruby. `pins` holds what earlier builds of the app have used, and learns what this one uses.
pub fn obtain(
    kit: &Kit<'_>,
    resolved: &Resolved,
    pins: &mut Pins,
) -> Result<RubyArchive, InstallError> {
    let version = resolved.version;
    let pins = std::cell::RefCell::new(pins);
    let pins = &pins;
    let bucket = move |base: &str, name: &str| {
        bucket(kit, version, base, name, &mut pins.borrow_mut())
            .map(|archive| RubyArchive { archive, version })
    };
    // Where there is nothing for the target, the source says so.
    let location = kit
        .target
        .stack
        .and_then(|stack| bucket_path(stack, kit.target.machine, version).ok())
        .map(|path| format!("{}/{path}", kit.sites.ruby))
        .unwrap_or_default();
    let sources = match kit.settings.mirror(Runtime::Ruby) {
        Some(mirror) => {
            vec![Source::new(MIRROR, move || bucket(mirror.address(), MIRROR)).at(location)]
        }
        None => vec![
            Source::new("Heroku", move || bucket(&kit.sites.ruby, "Heroku")).at(location),
            Source::new(APT_SOURCE, move || apt::obtain(kit, &resolved.requested)).at("apt:"),
        ],
    };
    let sources = kit.in_order_of_lock(PinKind::Runtime, Runtime::Ruby.name(), sources);
    let what = if resolved.requested.is_default() {
        "Ruby".to_owned()
    } else {
        format!("Ruby {version}")
    };
    first_of(&what, sources, kit.reporter)
}

/// Whether a path belongs to a gem that comes with Ruby and is a tool for developers: a debugger and type checkers.
#[must_use]
pub fn is_development_tool(path: &Path) -> bool {
    const GEMS: [&str; 3] = ["debug", "rbs", "typeprof"];
    path.iter().filter_map(|part| part.to_str()).any(|part| {
        GEMS.iter().any(|gem| {
            part.strip_prefix(gem)
                .and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        })
    })
}

/// Whether a Ruby comes from apt, and with it whether it is Debian's.
#[must_use]
pub fn is_from_apt(provenance: &Provenance) -> bool {
    provenance.source == APT_SOURCE
}

/// The path of an archive below the base: `<stack>/[<machine>/]ruby-<X>.tgz`; heroku-22 has one machine only.
fn bucket_path(stack: Stack, machine: Machine, version: Version) -> Result<String, SourceError> {
    let stack_name = stack.name();
    match (stack, machine) {
        (Stack::Heroku22, Machine::Amd64) => Ok(format!("{stack_name}/ruby-{version}.tgz")),
        (Stack::Heroku22, Machine::Arm64) => {
            Err(SourceError::Absent("heroku-22 has no arm64".into()))
        }
        _ => Ok(format!(
            "{stack_name}/{}/ruby-{version}.tgz",
            machine.go_name()
        )),
    }
}

fn bucket(
    kit: &Kit<'_>,
    version: Version,
    base: &str,
    name: &str,
    pins: &mut Pins,
) -> Result<Obtained, SourceError> {
    let Some(stack) = kit.target.stack else {
        return Err(SourceError::Absent(format!(
            "it has nothing for {}",
            kit.target.distribution
        )));
    };
    let path = bucket_path(stack, kit.target.machine, version)?;
    let url = format!("{base}/{path}");
    let location = format!("{}/{path}", kit.sites.ruby);
    let locked = kit.locked_hash(&location);
    // What a lock pins comes before what the first build of the app happened to get.
    let pinned = match (locked, pins.get(&path)) {
        (Some(locked), _) => Some(locked),
        (None, Some(text)) => Some(text.parse::<Checksum>()?),
        (None, None) => None,
    };
    let wanted = Wanted {
        receipt: &url,
        location: &location,
        source: name,
        format: Some(Format::TarGz),
        known: pinned,
    };
    let verified_by = if locked.is_some() {
        LOCK_FILE
    } else {
        "pinned on first use"
    };
    let obtained = |file, checksum: &Checksum| Obtained {
        path: file,
        format: Format::TarGz,
        provenance: Provenance {
            source: name.to_owned(),
            checksum: Some(checksum.to_string()),
            verified_by: verified_by.into(),
            location: Some(location.clone()),
        },
    };
    let (file, checksum) = if let Some(found) = kit.at_hand(&wanted)? {
        let text = found.provenance.checksum.unwrap_or_default();
        (found.path, text.parse::<Checksum>()?)
    } else {
        let request = Download {
            url: url.clone(),
            name: format!("Ruby {version}"),
            checksum: locked,
            max_bytes: MAX_ARCHIVE_BYTES,
        };
        let fetched = kit
            .cache
            .fetch(kit.client, &request, kit.reporter)
            .map_err(|error| kit.named_after_lock(error, &location))?;
        (fetched.path, fetched.sha256)
    };
    if let Some(pinned) = pinned.filter(|pinned| locked.is_none() && *pinned != checksum) {
        return Err(SourceError::Pin {
            name: path,
            pinned: pinned.to_string(),
            actual: checksum.to_string(),
        });
    }
    let obtained = obtained(file, &checksum);
    kit.receipts().keep(&url, &checksum, &obtained)?;
    pins.insert(path, checksum.to_string());
    Ok(obtained)
}
