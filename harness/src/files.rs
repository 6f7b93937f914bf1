//! What an app is made of, as a slug holds it.

use slugbuilder::compile::{AppEntry, AppEntryKind};
use std::fmt::{self, Display, Formatter};
use std::path::Path;

/// The files, folders and links of an app, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(pub Vec<AppEntry>);

impl Files {
    /// What is at `path`, relative to the app directory.
    #[must_use]
    pub fn get(&self, path: impl AsRef<Path>) -> Option<&AppEntry> {
        self.0.iter().find(|entry| entry.path == path.as_ref())
    }

    /// Whether there is a file, folder or link at `path`, relative to the app directory.
    #[must_use]
    pub fn contains(&self, path: impl AsRef<Path>) -> bool {
        self.get(path).is_some()
    }

    /// Asserts that there is a file, folder or link at `path`.
    #[track_caller]
    pub fn assert_there(&self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        assert!(
            self.contains(path),
            "the app has no `{}`; it has:\n{self}",
            path.display()
        );
    }

    /// Asserts that there is nothing at `path`.
    #[track_caller]
    pub fn assert_not_there(&self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        if let Some(entry) = self.get(path) {
            panic!("the app has what it should not have:\n{}", line(entry));
        }
    }
}

/// `-rwxr-xr-x 123 path`, a line each.
impl Display for Files {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|entry| writeln!(f, "{}", line(entry)))
    }
}

fn line(entry: &AppEntry) -> String {
    let (kind, size, target) = match &entry.kind {
        AppEntryKind::Folder => ('d', 0, None),
        AppEntryKind::File(size) => ('-', *size, None),
        AppEntryKind::Link(target) => ('l', 0, Some(target)),
    };
    let bits: String = "rwxrwxrwx"
        .chars()
        .zip((0..9).rev())
        .map(|(letter, bit)| {
            if entry.mode >> bit & 1 == 1 {
                letter
            } else {
                '-'
            }
        })
        .collect();
    let target = target.map_or_else(String::new, |target| format!(" -> {}", target.display()));
    format!("{kind}{bits} {size:>10} {}{target}", entry.path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let entry = |path: &str, kind, mode| AppEntry {
            path: path.into(),
            kind,
            mode,
        };
        Files(vec![
            entry("bin", AppEntryKind::Folder, 0o755),
            entry("bin/link", AppEntryKind::Link("web".into()), 0o777),
            entry("bin/web", AppEntryKind::File(12), 0o640),
        ])
    }

    #[test]
    fn they_are_shown_as_ls_does() {
        insta::assert_snapshot!(files(), @"
        drwxr-xr-x          0 bin
        lrwxrwxrwx          0 bin/link -> web
        -rw-r-----         12 bin/web
        ");
    }

    #[test]
    #[should_panic(expected = "the app has no `web.js`; it has:\ndrwxr-xr-x")]
    fn what_is_missing_is_told_with_what_is_there() {
        files().assert_there("bin/web");
        files().assert_not_there("web");
        files().assert_there("web.js");
    }

    #[test]
    #[should_panic(
        expected = "the app has what it should not have:\n-rw-r-----         12 bin/web"
    )]
    fn what_should_not_be_there_is_told() {
        files().assert_not_there("bin/web");
    }
}
