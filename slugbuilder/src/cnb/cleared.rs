//! Buildpacks that empty the app directory once they have compiled it, and with it the layers that are inside (pitfall 3
//! of section 2.11 of the reference): Paketo's go-build and dotnet-publish, Google's clear-source.
//!
//! Nothing in Linux lets a folder be used but not be found by whoever empties the one that it is in, and a removal that
//! fails would fail the buildpack. So, before a buildpack of someone else runs, the layers of all others are copied (by
//! reference where the file system can): what those before it made, and what those after it had from the last build. They
//! are put back where they were removed. What a buildpack removes of its own
//! layers while it runs is lost: Paketo's buildpacks are told by their own variable to keep ours, and any other ends the
//! build with words about it, unless it had made nothing yet.

use super::files::Kind;
use super::{Buildpack, BuildpackPrograms, CnbError, OWN_FOLDER, Participant, Phase, Platform};
use crate::sandbox::{Environment, Invocation, Outcome, Program};
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use slugbuilder_report::Warning;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The variable that says what Paketo's buildpacks do not remove: globs, separated by `:`.
const KEEP_FILES: &str = "BP_KEEP_FILES";

/// Has Paketo's buildpacks keep our folder. Whatever else the user wants to keep, they keep too.
pub(super) fn keep_our_folder(buildpack: &Buildpack, environment: &mut Environment) {
    let id = &buildpack.descriptor.id;
    if !["paketo-buildpacks/", "paketo-community/"]
        .iter()
        .any(|vendor| id.starts_with(vendor))
    {
        return;
    }
    let glob = format!("{OWN_FOLDER}/*");
    let value = match environment.get(OsStr::new(KEEP_FILES)) {
        Some(value) if !value.is_empty() => {
            let mut value = value.clone();
            value.push(":");
            value.push(glob);
            value
        }
        _ => OsString::from(glob),
    };
    environment.insert(KEEP_FILES.into(), value);
}

/// The folder of a buildpack's layers while its `bin/build` runs: whether anything was ever made in it.
pub(super) struct OwnFolder {
    path: PathBuf,
    /// Nothing where the system has no more of them.
    watch: Option<Inotify>,
    was_empty: bool,
}

impl OwnFolder {
    /// Whether something was lost with the folder.
    fn held_something(&self) -> bool {
        let nothing_was_made = self.watch.as_ref().is_some_and(|watch| {
            let is_making = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
            match watch.read_events() {
                // The end of the watched folder is an event, too.
                Ok(events) => !events.iter().any(|event| event.mask.intersects(is_making)),
                Err(error) => error == Errno::EAGAIN,
            }
        });
        !(self.was_empty && nothing_was_made)
    }
}

/// The folder of a buildpack that does not run, and its copy.
pub(super) struct Kept {
    folder: PathBuf,
    copy: PathBuf,
}

/// Whether a buildpack is someone else's.
fn is_foreign(participant: &Participant) -> bool {
    participant.buildpack.programs == BuildpackPrograms::Files
}

impl Platform<'_> {
    /// Starts to look after the folder of the buildpack that is about to run.
    pub(super) fn watch(&self, folder: &Path) -> Result<OwnFolder, CnbError> {
        let outside = self.executor.outside(folder);
        let watch = || {
            let flags = InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK;
            let inotify = Inotify::init(flags).ok()?;
            let made = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
            inotify.add_watch(&outside, made).ok()?;
            Some(inotify)
        };
        Ok(OwnFolder {
            path: folder.to_owned(),
            watch: watch(),
            was_empty: self.files().list(folder)?.is_empty(),
        })
    }

    /// Copies what was restored for buildpacks, if one of those before them could remove it.
    pub(super) fn keep_restored(&self, group: &[Participant]) -> Result<Vec<Kept>, CnbError> {
        let mut kept = Vec::new();
        let first = group.iter().position(is_foreign).unwrap_or(group.len());
        for participant in group.iter().skip(first + 1) {
            self.keep(&self.layers_of(&participant.buildpack), &mut kept)?;
        }
        Ok(kept)
    }

    /// Copies the layers of the buildpack that has just ended, if one of those after it could remove them.
    pub(super) fn keep_finished(
        &self,
        folder: &Path,
        later: &[Participant],
        kept: &mut Vec<Kept>,
    ) -> Result<(), CnbError> {
        // What it had from the last build is past.
        kept.retain(|one| one.folder != folder);
        if later.iter().any(is_foreign) {
            self.keep(folder, kept)?;
        }
        Ok(())
    }

    fn keep(&self, folder: &Path, all: &mut Vec<Kept>) -> Result<(), CnbError> {
        if self.files().list(folder)?.is_empty() {
            return Ok(());
        }
        let kept = self.executor.work_dir().join("kept");
        self.files().make_directory(&kept)?;
        let copy = kept.join(folder.file_name().unwrap_or(OsStr::new("layers")));
        self.files().remove(&copy)?;
        self.copy(folder, &copy)?;
        all.push(Kept {
            folder: folder.to_owned(),
            copy,
        });
        Ok(())
    }

    /// Puts back what `buildpack` has removed, or says what it has lost.
    pub(super) fn bring_back(
        &self,
        buildpack: &Buildpack,
        own: &OwnFolder,
        kept: &[Kept],
        warnings: &mut Vec<Warning>,
    ) -> Result<(), CnbError> {
        let files = self.files();
        let is_folder = |path: &Path| Ok::<_, CnbError>(files.kind(path)? == Some(Kind::Directory));
        if !is_folder(&own.path)? {
            if own.held_something() {
                return Err(CnbError::LayersRemoved {
                    buildpack: buildpack.descriptor.id.clone(),
                });
            }
            self.make_layers_dir()?;
            files.make_directory(&own.path)?;
        }
        let mut count = 0;
        for one in kept.iter().filter(|one| one.folder != own.path) {
            let mut is_whole = true;
            for (name, kind) in files.list(&one.copy)? {
                is_whole &= files.kind(&one.folder.join(name))? == Some(kind);
            }
            if !is_whole {
                files.remove(&one.folder)?;
                self.copy(&one.copy, &one.folder)?;
                count += 1;
            }
        }
        if count > 0 {
            warnings.push(
                Warning::new(
                    "layers-put-back",
                    format!(
                        "buildpack `{}` removed layers of other buildpacks, which slugs have in the app directory; they were put back",
                        buildpack.descriptor.id
                    ),
                )
                .hint("If it empties the app directory on purpose, this is as it should be."),
            );
        }
        Ok(())
    }

    /// Copies a folder with all that is in it. What its owner may not read is opened for that moment.
    fn copy(&self, from: &Path, to: &Path) -> Result<(), CnbError> {
        let Err(error) = self.copy_once(from, to) else {
            return Ok(());
        };
        let opened = match error {
            CnbError::File { .. } => self.files().open_to_owner(from)?,
            _ => return Err(error),
        };
        if opened.is_empty() {
            return Err(error);
        }
        self.files().remove(to)?;
        self.copy_once(from, to)?;
        self.files().set_modes(from, &opened)?;
        self.files().set_modes(to, &opened)
    }

    /// Copies inside, as the user whose files these are.
    fn copy_once(&self, from: &Path, to: &Path) -> Result<(), CnbError> {
        let invocation = Invocation::new(Program::File("/bin/cp".into()), "/")
            .argument("-a")
            .argument("--reflink=auto")
            .argument(from)
            .argument(to)
            .environment(self.executor.base_environment().clone());
        let mut said = Vec::new();
        let outcome = self
            .executor
            .run(&invocation, &mut |line| said = line.to_vec())?;
        match outcome {
            Outcome::Exited(0) => Ok(()),
            Outcome::TimedOut | Outcome::Interrupted => Err(CnbError::Stopped {
                phase: Phase::Build,
                buildpack: "slugbuilder".into(),
                outcome,
            }),
            _ => Err(CnbError::File {
                action: "copy",
                path: from.to_owned(),
                source: std::io::Error::other(String::from_utf8_lossy(&said).into_owned()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(id: &str, value: Option<&str>) -> Option<String> {
        let text = format!("api='0.10'\nbuildpack={{id='{id}',version='1'}}\n");
        let mut environment = Environment::new();
        if let Some(value) = value {
            environment.insert(KEEP_FILES.into(), value.into());
        }
        keep_our_folder(&Buildpack::embedded(&text, "/").unwrap(), &mut environment);
        let value = environment.remove(OsStr::new(KEEP_FILES));
        value.map(|value| value.into_string().unwrap())
    }

    #[test]
    fn paketos_buildpacks_keep_our_folder_and_what_the_user_wants() {
        let paketo = "paketo-buildpacks/go-build";
        assert_eq!(kept(paketo, None).as_deref(), Some(".slugbuilder/*"));
        assert_eq!(kept(paketo, Some("")).as_deref(), Some(".slugbuilder/*"));
        assert_eq!(
            kept(paketo, Some("public/*")).as_deref(),
            Some("public/*:.slugbuilder/*")
        );
        assert_eq!(kept("acme/go", None), None);
        assert_eq!(kept("acme/go", Some("x")).as_deref(), Some("x"));
    }
}
