//! The repositories of apps: bare ones in a folder of the data folder, by the identifier of the app, so that another name
//! changes nothing.

use super::error::GitError;
use super::program::{Tool, io_error};
use fs_err as fs;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// The folder of repositories in a data folder.
pub const REPOSITORIES: &str = "repositories";

const SUFFIX: &str = ".git";
/// What begins with this is being made or removed, and of nobody once no server runs.
const UNFINISHED: &str = ".unfinished-";

/// The branch that a new repository is on.
const FIRST_BRANCH: &str = "main";

/// The repositories of a data folder.
#[derive(Debug, Clone)]
pub(super) struct Repositories {
    folder: PathBuf,
}

impl Repositories {
    /// Those of the data folder `data`, without anything that a killed server or git left half done. No server may use them.
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join(REPOSITORIES);
        crate::private::folder(&folder)?;
        let repositories = Self { folder };
        for entry in fs::read_dir(&repositories.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                fs::remove_dir_all(entry.path())?;
            } else if app_of(&name).is_some() {
                remove_leftovers(&entry.path())?;
            }
        }
        Ok(repositories)
    }

    /// Where the repository of an app is, or would be.
    pub(super) fn path(&self, app: Uuid) -> PathBuf {
        self.folder.join(format!("{app}{SUFFIX}"))
    }

    /// The folder that they are in.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The apps that have one.
    pub(super) fn apps(&self) -> io::Result<Vec<Uuid>> {
        let mut apps = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            apps.extend(app_of(&entry?.file_name()));
        }
        Ok(apps)
    }

    /// The repository of an app, which is made if it is not there. It appears when it is whole.
    pub(super) async fn make(&self, tool: &Tool, app: Uuid) -> Result<PathBuf, GitError> {
        let path = self.path(app);
        if path.is_dir() {
            return Ok(path);
        }
        let new = self.unfinished();
        // Without templates: sample hooks and a description are of no use here.
        let branch = format!("--initial-branch={FIRST_BRANCH}");
        let arguments = ["init", "--quiet", "--bare", "--template=", &branch, "--"].map(OsStr::new);
        let arguments = arguments.into_iter().chain([new.as_os_str()]);
        let made = tool.run(None, arguments).await.map(drop);
        let made = made.and_then(|()| {
            match fs::rename(&new, &path) {
                // Someone else was faster.
                Err(_) if path.is_dir() => Err(None),
                Err(error) => Err(Some(io_error("make the repository of the app", error))),
                Ok(()) => crate::private::sync_folder(&self.folder)
                    .map_err(|error| Some(io_error("make the repository of the app", error))),
            }
            .or_else(|error| error.map_or(Ok(()), Err))
        });
        // Not there any more if all went well.
        drop(fs::remove_dir_all(&new));
        made.map(|()| path)
    }

    /// Removes the repository of an app that is no longer there, if it has one.
    pub(super) async fn remove(&self, app: Uuid) -> Result<(), GitError> {
        let (path, gone) = (self.path(app), self.unfinished());
        let removed = spawn_blocking(move || match fs::rename(&path, &gone) {
            Ok(()) => fs::remove_dir_all(&gone),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        });
        let removed = removed.await.map_err(io::Error::other).flatten();
        removed.map_err(|error| io_error("remove the repository of the app", error))
    }

    /// The bytes of all files of an app's repository.
    pub(super) async fn size(&self, app: Uuid) -> Result<u64, GitError> {
        let path = self.path(app);
        let size = spawn_blocking(move || size(&path)).await;
        let size = size.map_err(io::Error::other).flatten();
        size.map_err(|error| io_error("measure the repository of the app", error))
    }

    fn unfinished(&self) -> PathBuf {
        self.folder.join(format!("{UNFINISHED}{}", Uuid::new_v4()))
    }
}

/// The app whose repository has this name.
fn app_of(name: &OsStr) -> Option<Uuid> {
    let id = name.to_str()?.strip_suffix(SUFFIX)?;
    id.parse().ok().filter(|app: &Uuid| app.to_string() == id)
}

/// Removes what a git that was killed leaves in a repository, and would be in the way, or take room, for ever: objects of
/// pushes that were never accepted, files that lock references, packs that were never finished.
fn remove_leftovers(repository: &Path) -> io::Result<()> {
    remove_if(repository, is_lock)?;
    remove_locks_below(&repository.join("refs"))?;
    let objects = repository.join("objects");
    remove_if(&objects, is_quarantine)?;
    remove_if(&objects.join("pack"), |name| {
        name.starts_with("tmp_") || name.starts_with(".tmp-")
    })
}

fn is_lock(name: &str) -> bool {
    name.strip_suffix(".lock").is_some() || name == "gc.pid"
}

/// Whether an entry of the folder of objects is where git keeps those of a push until it is accepted: `tmp_objdir-…` since
/// 2.35, `incoming-…` before.
fn is_quarantine(name: &str) -> bool {
    name.starts_with("tmp_objdir-") || name.starts_with("incoming-")
}

/// The folder of a push's objects, if the hook names one of this repository.
pub(super) fn quarantine(repository: &Path, name: &str) -> Option<PathBuf> {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let path = repository.join("objects").join(name);
    (plain && is_quarantine(name) && path.is_dir()).then_some(path)
}

fn remove_locks_below(folder: &Path) -> io::Result<()> {
    remove_if(folder, is_lock)?;
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_locks_below(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes the entries of a folder, which may be missing, whose names are such.
fn remove_if(folder: &Path, is_such: impl Fn(&str) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&is_such) {
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

fn size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // What goes away meanwhile has no size.
        match entry.metadata() {
            Ok(found) if found.is_dir() => bytes += size(&entry.path())?,
            Ok(found) => bytes += found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_half_done_goes_and_nothing_else() {
        let data = tempfile::tempdir().unwrap();
        let app = Uuid::new_v4();
        let repository = data.path().join(format!("repositories/{app}.git"));
        let unfinished = data.path().join("repositories/.unfinished-1/objects");
        for folder in [
            "objects/tmp_objdir-incoming-x/pack",
            "objects/incoming-y",
            "objects/pack",
            "refs/heads/a",
        ] {
            fs::create_dir_all(repository.join(folder)).unwrap();
        }
        fs::create_dir_all(&unfinished).unwrap();
        let gone = [
            "HEAD.lock",
            "packed-refs.lock",
            "gc.pid",
            "refs/heads/main.lock",
            "refs/heads/a/b.lock",
            "objects/pack/tmp_pack_1",
        ];
        let kept = [
            "HEAD",
            "packed-refs",
            "refs/heads/main",
            "refs/heads/a/b",
            "objects/pack/pack-1.pack",
        ];
        for file in gone.iter().chain(&kept) {
            fs::write(repository.join(file), "x").unwrap();
        }
        let repositories = Repositories::open(data.path()).unwrap();
        for file in gone {
            assert!(!repository.join(file).exists(), "{file}");
        }
        for file in kept {
            assert!(repository.join(file).exists(), "{file}");
        }
        assert!(!repository.join("objects/incoming-y").exists());
        assert!(!repository.join("objects/tmp_objdir-incoming-x").exists());
        assert!(!unfinished.exists());
        assert_eq!(repositories.apps().unwrap(), [app]);
        assert_eq!(size(&repository).unwrap(), 5);
    }

    #[test]
    fn only_quarantines_of_the_repository_are_looked_into() {
        let folder = tempfile::tempdir().unwrap();
        let repository = folder.path().join("a.git");
        fs::create_dir_all(repository.join("objects/incoming-x")).unwrap();
        fs::create_dir_all(folder.path().join("incoming-x")).unwrap();
        assert_eq!(
            quarantine(&repository, "incoming-x"),
            Some(repository.join("objects/incoming-x"))
        );
        for name in [
            "",
            ".",
            "..",
            "pack",
            "incoming-y",
            "../../incoming-x",
            "incoming-x/..",
            "incoming-x\n",
        ] {
            assert_eq!(quarantine(&repository, name), None, "{name}");
        }
    }
}
