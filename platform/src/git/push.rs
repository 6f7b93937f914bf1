//! What becomes of a push: the hook says what is pushed, and is told whether it counts.
//!
//! The branches `main` and `master` are built, and count when their build has made a release; whatever else is pushed counts
//! at once. A pusher who goes away changes nothing: the build goes on, and its outcome decides.

use super::Inner;
use super::hook::{Conversation, PushCommand};
use super::places::Place;
use super::pushes::Turn;
use super::repositories::quarantine;
use super::tree::{ExportError, Source};
use crate::builds::{Build, BuildSource, BuildStatus, NewBuild};
use crate::store::{App, User};
use futures_util::StreamExt as _;
use slugbuilder_report::{Diagnosis, Event, Explain, Warning, printable};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The branches that are built, in the order in which the branch of new clones is chosen.
pub(super) const BUILT: [&str; 2] = ["main", "master"];

/// A push on its way.
#[derive(Debug)]
pub(super) struct Push {
    pub(super) git: Arc<Inner>,
    pub(super) actor: User,
    pub(super) app: App,
    pub(super) repository: PathBuf,
    /// Held while it arrives, and until its build is asked for: builds have a queue of their own.
    place: Mutex<Option<Place>>,
    /// Held from its decision until git has done what was decided.
    turn: Mutex<Option<Turn>>,
    /// The branch that it built, once that is released.
    built: Mutex<Option<&'static str>>,
}

/// Why a push does not count, for the pusher.
#[derive(Debug)]
enum Refusal {
    /// It is at fault.
    Pushed(String),
    /// The server is; its operator hears why.
    Server(String),
}

impl From<ExportError> for Refusal {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Refused(text) => Self::Pushed(text),
            ExportError::Git(error) => Self::Server(Diagnosis::of(&error).one_line()),
        }
    }
}

impl Push {
    pub(super) fn new(
        git: Arc<Inner>,
        actor: User,
        app: App,
        repository: PathBuf,
        place: Place,
    ) -> Self {
        Self {
            git,
            actor,
            app,
            repository,
            place: Mutex::new(Some(place)),
            turn: Mutex::default(),
            built: Mutex::default(),
        }
    }

    /// The branch that it built, once that is released.
    pub(super) fn built(&self) -> Option<&'static str> {
        *self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets others have its place.
    fn leave(&self) {
        self.place
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// Lets the next push of the app have its turn.
    pub(super) fn end(&self) {
        self.leave();
        self.turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// Hears what is pushed, and decides.
    pub(super) async fn decide(&self, mut hook: Conversation) {
        let decided = self.decide_with(&mut hook).await;
        let refused = match decided {
            // A failure to say so is the failure of the push, which git tells.
            Ok(()) => hook.accept().map_err(|error| {
                Refusal::Server(format!("cannot tell git that a push counts: {error}"))
            }),
            Err(refusal) => {
                let text = match &refusal {
                    Refusal::Pushed(text) => text.clone(),
                    Refusal::Server(_) => {
                        "The server failed. Its operator can read why in its output. Please try again.".into()
                    }
                };
                let shown = format!(
                    " !     {}\n !     Push refused.\n",
                    text.replace('\n', "\n !     ")
                );
                // Who does not read it is refused, too.
                drop(hook.show(shown.as_bytes()).await);
                Err(refusal)
            }
        };
        if let Err(Refusal::Server(cause)) = refused {
            let text = format!("a push to the app {} failed: {cause}", self.app.name);
            let warning = Warning::new("push-failed", printable(&text));
            self.git.reporter.report(Event::Warning(&warning));
        }
    }

    async fn decide_with(&self, hook: &mut Conversation) -> Result<(), Refusal> {
        let pushed = hook.pushed().await;
        let pushed = pushed.map_err(|problem| {
            Refusal::Pushed(format!("The push cannot be understood: {problem}."))
        })?;
        let chosen = chosen(&pushed.commands)?;
        let turn = self.git.pushes.turn(self.app.id).ok_or_else(|| {
            Refusal::Pushed(
                "Another push to the app is being built. Please push again when it is done.".into(),
            )
        })?;
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
        let Some((branch, command)) = chosen else {
            self.say(hook, &taken_as_it_is(&pushed.commands)).await;
            return Ok(());
        };
        let objects = match &*pushed.quarantine {
            "" => None,
            name => Some(quarantine(&self.repository, name).ok_or_else(|| {
                Refusal::Server(format!("`{}` has no objects of the push", printable(name)))
            })?),
        };
        let source = Source {
            tool: self
                .git
                .tool()
                .map_err(|error| Refusal::Server(error.to_string()))?,
            repository: &self.repository,
            quarantine: objects,
            commit: &command.new,
        };
        self.check_reference(branch, command, &source).await?;
        self.build(hook, branch, source).await?;
        *self.built.lock().unwrap_or_else(PoisonError::into_inner) = Some(branch);
        Ok(())
    }

    /// Refuses what git would refuse, too, but only once it is built: git looks at references after the hook. While this push
    /// has its turn, nothing changes what is seen here.
    async fn check_reference(
        &self,
        branch: &str,
        command: &PushCommand,
        source: &Source<'_>,
    ) -> Result<(), Refusal> {
        let kind = source.kind().await.map_err(|error| server(&error))?;
        if kind != "commit" {
            return Err(Refusal::Pushed(format!(
                "A branch names a commit, and a {kind} is pushed to `{branch}`. Of a tag, for example `v1`, push the commit: \
                 `git push REMOTE v1^{{}}:{branch}`."
            )));
        }
        // The branch itself, or those below it, which keep it from being made.
        let name = format!("refs/heads/{branch}");
        let format = "--format=%(objectname) %(refname)";
        let arguments = ["for-each-ref", "--count=1", format, &name];
        let printed = source.tool.run(Some(&self.repository), arguments).await;
        let printed = printed.map_err(|error| server(&error))?;
        let printed = String::from_utf8_lossy(&printed);
        let found = printed.trim_end().split_once(' ');
        match found {
            Some((_, other)) if other != name => {
                let other = printable(other.strip_prefix("refs/heads/").unwrap_or(other));
                return Err(Refusal::Pushed(format!(
                    "The repository has a branch `{other}`, beside which there can be no `{branch}`. Delete it first: \
                     `git push REMOTE :{other}`."
                )));
            }
            _ => {}
        }
        let is_as_seen = match found {
            Some((object, _)) => object == command.old,
            None => command.makes(),
        };
        if !is_as_seen {
            return Err(Refusal::Pushed(format!(
                "Somebody else has pushed to `{branch}` meanwhile. Please fetch, and push again."
            )));
        }
        Ok(())
    }

    /// Builds a commit that is pushed to `branch`.
    async fn build(
        &self,
        hook: &mut Conversation,
        branch: &str,
        source: Source<'_>,
    ) -> Result<(), Refusal> {
        let commit = source.commit;
        let mut stopping = self.git.pushes.stopping();
        if *stopping.borrow() {
            return Err(stops());
        }
        let short = commit.get(..8).unwrap_or(commit);
        self.say(hook, &format!("-----> Checking out {short} of {branch}"))
            .await;
        let build = self.begin(hook, source).await?;
        self.leave();
        let mut output = std::pin::pin!(self.git.builds.output(build.id, 0));
        let ended = async {
            while let Some(piece) = output.next().await {
                match piece {
                    // Who has gone away does not keep the build from its end.
                    Ok(piece) => drop(hook.show(&piece).await),
                    Err(error) => return Err(Refusal::Server(error.to_string())),
                }
            }
            self.git
                .builds
                .ended(build.id)
                .await
                .map_err(|error| server(&error))
        };
        let stop = async { drop(stopping.wait_for(|stopping| *stopping).await) };
        let ended = tokio::select! {
            ended = ended => Some(ended?),
            () = stop => None,
        };
        // A server that stops ends builds, too, to begin them anew when it starts again.
        match ended.map(|build| build.status) {
            Some(BuildStatus::Succeeded) => {}
            Some(BuildStatus::Failed) => {
                return Err(Refusal::Pushed(format!(
                    "The app, and `{branch}` of its repository, stay as they were."
                )));
            }
            Some(BuildStatus::Pending) | None => {
                // What is refused now must not be released then. What has ended meanwhile stays.
                let app = self.app.id.to_string();
                drop(self.git.builds.cancel(&self.actor, &app, build.id).await);
                return Err(stops());
            }
        }
        let web_url = self.git.web_url(&self.app.name);
        self.say(hook, &format!("       {web_url}")).await;
        Ok(())
    }

    /// Brings the files of a commit to where builds are made, and asks for one.
    async fn begin(&self, hook: &mut Conversation, source: Source<'_>) -> Result<Build, Refusal> {
        let folder = self.git.builds.new_folder();
        let folder = folder.map_err(|error| Refusal::Server(error.to_string()))?;
        let exported = source.export(folder.path(), &self.git.scratch()).await?;
        for warning in &exported.warnings {
            self.say(hook, &format!(" !     Warning: {warning}")).await;
        }
        let new = NewBuild {
            source: BuildSource::Folder(folder.path().to_owned()),
            version: Some(source.commit.to_owned()),
            version_description: Some(exported.subject),
            buildpacks: None,
            source_date_epoch: Some(exported.time),
        };
        let begun = self
            .git
            .builds
            .begin(&self.actor, &self.app.id.to_string(), new)
            .await;
        begun.map_err(|error| match error.fault() {
            slugbuilder_report::Fault::App => Refusal::Pushed(error.to_string()),
            _ => server(&error),
        })
    }

    /// Shows a line. Whether somebody sees it is their concern.
    async fn say(&self, hook: &mut Conversation, line: &str) {
        drop(hook.show(format!("{line}\n").as_bytes()).await);
    }
}

fn server(error: &impl Explain) -> Refusal {
    Refusal::Server(Diagnosis::of(error).one_line())
}

fn stops() -> Refusal {
    Refusal::Pushed("The server is stopping. Please push again when it is back.".into())
}

/// The branch to build, if one is pushed; a refusal for what cannot be.
fn chosen(commands: &[PushCommand]) -> Result<Option<(&'static str, &PushCommand)>, Refusal> {
    let other = commands.iter().find(|command| {
        let name = &command.reference;
        !name.starts_with(b"refs/heads/") && !name.starts_with(b"refs/tags/")
    });
    if let Some(other) = other {
        let name = printable(&String::from_utf8_lossy(&other.reference));
        return Err(Refusal::Pushed(format!(
            "Only branches and tags can be pushed, and `{name}` is neither."
        )));
    }
    // git keeps a branch in a file, or in a folder, of its name.
    let below = commands.iter().find_map(|command| {
        let branch = command.reference.strip_prefix(b"refs/heads/")?;
        let of = BUILT.into_iter().find(|built| {
            let rest = branch.strip_prefix(built.as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        })?;
        (!command.deletes()).then_some((branch, of))
    });
    if let Some((branch, of)) = below {
        let branch = printable(&String::from_utf8_lossy(branch));
        return Err(Refusal::Pushed(format!(
            "A branch `{branch}` would keep `{of}` from being pushed, which is built. Please choose another name."
        )));
    }
    let built = |command: &&PushCommand| {
        let branch = command.reference.strip_prefix(b"refs/heads/")?;
        BUILT.into_iter().find(|built| built.as_bytes() == branch)
    };
    let mut all = commands
        .iter()
        .filter_map(|command| Some((built(&command)?, command)));
    let Some((branch, command)) = all.next() else {
        return Ok(None);
    };
    if all.next().is_some() {
        return Err(Refusal::Pushed(
            "Both `main` and `master` are pushed, and only one of them can be built: push one."
                .into(),
        ));
    }
    if command.deletes() {
        return Err(Refusal::Pushed(format!(
            "`{branch}` is the branch that is built, and stays."
        )));
    }
    Ok(Some((branch, command)))
}

/// What is said of a push of which nothing is built.
fn taken_as_it_is(commands: &[PushCommand]) -> String {
    let branch = commands.iter().find_map(|command| {
        let branch = command.reference.strip_prefix(b"refs/heads/")?;
        (!command.deletes()).then(|| printable(&String::from_utf8_lossy(branch)))
    });
    match branch {
        Some(branch) => format!(
            "-----> Taken, and not built: `main` and `master` are. `git push REMOTE {branch}:main` builds this branch."
        ),
        None => "-----> Done; nothing is built.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(reference: &str, new: &str) -> PushCommand {
        PushCommand {
            old: "0".repeat(40),
            new: new.repeat(40),
            reference: reference.as_bytes().to_vec(),
        }
    }

    fn text(commands: &[PushCommand]) -> String {
        match chosen(commands) {
            Ok(Some((branch, _))) => branch.into(),
            Ok(None) => taken_as_it_is(commands),
            Err(Refusal::Pushed(text) | Refusal::Server(text)) => text,
        }
    }

    #[test]
    fn what_is_built_and_what_is_refused() {
        let main = command("refs/heads/main", "1");
        let master = command("refs/heads/master", "1");
        let other = command("refs/heads/mainly/x", "1");
        let tag = command("refs/tags/main", "1");
        let gone = command("refs/heads/topic", "0");
        assert_eq!(text(&[other.clone(), main.clone(), tag.clone()]), "main");
        assert_eq!(text(std::slice::from_ref(&master)), "master");
        assert!(text(&[main.clone(), master]).contains("only one of them"));
        assert!(text(&[other]).contains("`git push REMOTE mainly/x:main`"));
        assert!(text(&[tag]).contains("nothing is built"));
        assert!(text(&[gone]).contains("nothing is built"));
        let below = command("refs/heads/master/x", "1");
        assert!(text(&[main.clone(), below]).contains("would keep `master`"));
        assert!(text(&[command("refs/heads/main/x", "0")]).contains("nothing is built"));
        assert!(text(&[command("refs/heads/main", "0")]).contains("stays"));
        assert!(
            text(&[main, command("refs/notes/x\u{1b}", "1")])
                .contains("`refs/notes/x\\u{1b}` is neither")
        );
    }
}
