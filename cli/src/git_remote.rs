//! The app that a git work tree is deployed to: its remote `heroku`, as Heroku's own tools take it.
//!
//! Git is not run and no configuration but the repository's own is read: configuration can execute programs, and a
//! source may bring its own.

use std::path::{Path, PathBuf};

/// Heroku's name for the remote.
const REMOTE: &str = "heroku";

/// Largest file of a repository that is read here, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// The app that the remote `heroku` of the work tree around `folder` names. Nothing where there is no such remote, or no
/// repository that can be read.
pub(crate) fn app(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let dot_git = folder
        .ancestors()
        .map(|folder| folder.join(".git"))
        .find(|path| path.symlink_metadata().is_ok())?;
    let config = read(&common_folder(&dot_git)?.join("config"))?;
    app_of_address(&url_of_remote(&config, REMOTE)?)
}

/// Where a repository's configuration is: in linked work trees and submodules, `.git` is a file that leads there.
fn common_folder(dot_git: &Path) -> Option<PathBuf> {
    let folder = if dot_git.is_dir() {
        dot_git.to_owned()
    } else {
        let text = read(dot_git)?;
        dot_git.parent()?.join(text.strip_prefix("gitdir:")?.trim())
    };
    Some(match read(&folder.join("commondir")) {
        Some(common) => folder.join(common.trim()),
        None => folder,
    })
}

fn read(path: &Path) -> Option<String> {
    let metadata = path.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST_FILE {
        return None;
    }
    fs_err::read_to_string(path).ok()
}

/// The `url` of `remote` in a git configuration (git-config(1), "Syntax"); the last one, where there are several.
fn url_of_remote(config: &str, remote: &str) -> Option<String> {
    let mut inside = false;
    let mut url = None;
    for line in config.lines() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let name = header.split(']').next().unwrap_or_default();
            inside = name
                .split_once(char::is_whitespace)
                .is_some_and(|(section, sub)| {
                    section.eq_ignore_ascii_case("remote")
                        && sub
                            .trim()
                            .strip_prefix('"')
                            .and_then(|sub| sub.strip_suffix('"'))
                            == Some(remote)
                });
        } else if inside
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("url")
        {
            let value = value.trim();
            let quoted = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'));
            url = Some(quoted.unwrap_or(value).to_owned());
        }
    }
    url
}

/// `my-app` of `https://git.heroku.com/my-app.git` and of `git@heroku.com:my-app.git`.
fn app_of_address(address: &str) -> Option<String> {
    let address = address.trim_end_matches('/');
    let name = address.rsplit(['/', ':']).next()?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    crate::arguments::parse_app(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const CONFIG: &str = "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://git.example/x.git\n\
        [remote \"heroku\"]\n\turl = https://git.heroku.com/my-app.git\n\tfetch = +refs/heads/*:refs/remotes/heroku/*\n\
        [branch \"main\"]\n\tremote = origin\n";

    #[test]
    fn the_remote_heroku_names_the_app() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("repository");
        fs::create_dir_all(root.join(".git")).unwrap();
        fs::create_dir_all(root.join("packages/api")).unwrap();
        assert_eq!(app(&root), None);
        fs::write(root.join(".git/config"), CONFIG).unwrap();
        assert_eq!(app(&root).as_deref(), Some("my-app"));
        assert_eq!(app(&root.join("packages/api")).as_deref(), Some("my-app"));
        assert_eq!(app(&root.join("absent")), None);
        // A linked work tree, as `git worktree add` makes it.
        let linked = folder.path().join("linked");
        let its_own = root.join(".git/worktrees/linked");
        fs::create_dir_all(&linked).unwrap();
        fs::create_dir_all(&its_own).unwrap();
        fs::write(
            linked.join(".git"),
            format!("gitdir: {}\n", its_own.display()),
        )
        .unwrap();
        fs::write(its_own.join("commondir"), "../..\n").unwrap();
        assert_eq!(app(&linked).as_deref(), Some("my-app"));
    }

    #[test]
    fn configurations_are_read_as_git_reads_them() {
        let url = |config| url_of_remote(config, "heroku");
        assert_eq!(
            url("[Remote \"heroku\"]\nURL=\"https://a/b.git\"\n").as_deref(),
            Some("https://a/b.git")
        );
        assert_eq!(
            url("[remote \"heroku\"]\nurl = a\nurl = b\n").as_deref(),
            Some("b")
        );
        for none in [
            "",
            "[remote \"Heroku\"]\nurl = a",
            "[remote \"heroku\"]\npushurl = a",
            "[remote \"heroku\"]\n[core]\nurl = a",
            "[remote",
        ] {
            assert_eq!(url(none), None, "{none}");
        }
    }

    #[test]
    fn addresses_of_every_kind_name_an_app() {
        for address in [
            "https://git.heroku.com/my-app.git",
            "https://127.0.0.1:5000/my-app.git/",
            "git@heroku.com:my-app.git",
            "ssh://git@heroku.com/my-app",
        ] {
            assert_eq!(
                app_of_address(address).as_deref(),
                Some("my-app"),
                "{address}"
            );
        }
        for address in ["", "https://git.heroku.com/", "/", "x/My App.git"] {
            assert_eq!(app_of_address(address), None, "{address}");
        }
    }
}
