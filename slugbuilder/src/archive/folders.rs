//! Which folders make a slug large.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Folders that are listed.
const LISTED: usize = 10;

/// A folder and how much is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Relative to `./app`.
    pub path: PathBuf,
    /// Bytes of the files in it and below it, before compression.
    pub bytes: u64,
}

/// The largest folders. One that owes nine tenths of its size to a single folder in it is left out for that one.
pub(super) fn largest<'a>(files: impl Iterator<Item = (&'a Path, u64)>) -> Vec<Folder> {
    let mut totals: HashMap<&Path, u64> = HashMap::new();
    for (path, size) in files {
        for folder in path.ancestors().skip(1) {
            *totals.entry(folder).or_default() += size;
        }
    }
    let mut largest_child: HashMap<&Path, u64> = HashMap::new();
    for (path, total) in &totals {
        if let Some(parent) = path.parent() {
            let child = largest_child.entry(parent).or_default();
            *child = (*child).max(*total);
        }
    }
    let telling = |(path, total): &(&Path, u64)| {
        let child = largest_child.get(path).copied().unwrap_or(0);
        *total > 0
            && !path.as_os_str().is_empty()
            && child.saturating_mul(10) < total.saturating_mul(9)
    };
    let mut folders: Vec<(&Path, u64)> = totals
        .iter()
        .map(|(path, total)| (*path, *total))
        .filter(telling)
        .collect();
    folders.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    folders.truncate(LISTED);
    let folder = |(path, bytes): (&Path, u64)| Folder {
        path: path.to_owned(),
        bytes,
    };
    folders.into_iter().map(folder).collect()
}

/// A size for people, in Heroku's binary units.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        None => format!("{bytes} bytes"),
        Some((unit, name)) => {
            // One decimal, rounded up: 500 MB and a byte must not read as 500 MB.
            let tenths = u128::from(bytes)
                .saturating_mul(10)
                .div_ceil(u128::from(*unit));
            match tenths % 10 {
                0 => format!("{} {name}", tenths / 10),
                decimal => format!("{}.{decimal} {name}", tenths / 10),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_that_tells_most_is_listed() {
        let files = [
            ("node_modules/next/dist/a.js", 800),
            ("node_modules/react/b.js", 150),
            ("node_modules/left-pad/c.js", 50),
            ("deep/er/still/x", 100),
            ("web.js", 5000),
        ];
        let listed: Vec<_> = largest(files.iter().map(|(path, size)| (Path::new(path), *size)))
            .into_iter()
            .map(|folder| (folder.path.display().to_string(), folder.bytes))
            .collect();
        let expected = [
            ("node_modules", 1000),
            ("node_modules/next/dist", 800),
            ("node_modules/react", 150),
            ("deep/er/still", 100),
            ("node_modules/left-pad", 50),
        ];
        assert_eq!(listed, expected.map(|(path, size)| (path.to_owned(), size)));
    }

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(bytes(1023), "1023 bytes");
        assert_eq!(bytes(1024), "1 KB");
        assert_eq!(bytes(500 << 20), "500 MB");
        assert_eq!(bytes((500 << 20) + 1), "500.1 MB");
        assert_eq!(bytes(3 << 29), "1.5 GB");
        assert_eq!(bytes(u64::MAX), "17179869184 GB");
    }
}
