//! After a start: what the last server left.

use super::{Build, Builds, BuildsError, Inner, Live, folders};
use crate::blobs::Unrecorded;
use crate::signed_url::DEFAULT_LIFETIME;
use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};
use slugbuilder_report::{Diagnosis, Event, Warning};
use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// How long a source is kept, and with it the addresses that lead to it, and some time for an upload that began late.
const SOURCE_LIFETIME: Duration = DEFAULT_LIFETIME.saturating_mul(2);
/// How often sources are looked through for old ones.
const SWEEP: Duration = Duration::from_mins(10);

impl Builds {
    /// Goes on where the last server ended: removes what is nobody's any longer, and begins the builds anew that were waiting or
    /// running. To be called once, before the first request.
    ///
    /// # Errors
    /// Those of the ledger, and [`BuildsError::Folder`].
    pub async fn resume(&self) -> Result<(), BuildsError> {
        let store = &self.inner.parameters.store;
        end_leftovers(&self.inner);
        self.inner.sources.remove_abandoned()?;
        let sources = store.uploaded_sources().await?.into_iter().collect();
        if let Unrecorded::Removed(removed @ 1..) =
            self.inner.sources.remove_unrecorded(&sources).await?
        {
            let note = format!("removed {removed} archives of sources that are no longer known");
            self.inner.parameters.reporter.report(Event::Note(&note));
        }
        self.remove_unknown().await?;
        let pending = store.pending_builds().await?;
        self.tidy(&pending)?;
        for build in pending {
            let output = self.prepare(build.id, None).map_err(BuildsError::Folder)?;
            self.state().live.insert(build.id, Live::new(output));
            self.enqueue(&build);
        }
        tokio::spawn(sweep(Arc::downgrade(&self.inner)));
        Ok(())
    }

    /// Removes the folders of builds and apps that are no longer in the ledger.
    async fn remove_unknown(&self) -> Result<(), BuildsError> {
        let Inner {
            parameters,
            folders,
            ..
        } = &*self.inner;
        let builds = folders.builds().map_err(BuildsError::Folder)?;
        for build in parameters.store.unknown_builds(builds).await? {
            folders::remove(&folders.of_build(build)).map_err(BuildsError::Folder)?;
        }
        let apps = folders.apps().map_err(BuildsError::Folder)?;
        for app in parameters.store.unknown_apps(apps).await? {
            self.forget_cache(app).await?;
            folders::remove(&folders.of_app(app)).map_err(BuildsError::Folder)?;
        }
        Ok(())
    }

    /// Removes what builds left that had ended, and no longer came to it: config vars, sources, slugs.
    fn tidy(&self, pending: &[Build]) -> Result<(), BuildsError> {
        let folders = &self.inner.folders;
        let builds: HashSet<Uuid> = pending.iter().map(|build| build.id).collect();
        let apps: HashSet<Uuid> = pending.iter().map(|build| build.app.id).collect();
        let tidied = || -> io::Result<()> {
            for build in folders.builds()? {
                if !builds.contains(&build) {
                    folders.tidy_build(build)?;
                }
            }
            for app in folders.apps()? {
                if !apps.contains(&app) {
                    folders.tidy_app(app)?;
                }
            }
            Ok(())
        };
        tidied().map_err(BuildsError::Folder)
    }

    /// Forgets sources that nobody can build any longer.
    async fn forget_sources(&self, before: Timestamp) {
        let forgotten = match self.inner.parameters.store.forget_sources(before).await {
            Ok(forgotten) => forgotten,
            Err(error) => {
                let message = format!("old sources stay: {}", Diagnosis::of(&error).one_line());
                let warning = Warning::new("sources-kept", message);
                self.inner
                    .parameters
                    .reporter
                    .report(Event::Warning(&warning));
                return;
            }
        };
        for source in forgotten {
            // An upload may be about to be recorded; what stays is removed at the next start.
            let _one_at_a_time = self.inner.sources.lock(source).await;
            drop(self.inner.sources.remove(source).await);
        }
    }
}

/// Forgets old sources again and again, for as long as there is a server.
async fn sweep(inner: Weak<Inner>) {
    loop {
        let Some(inner) = inner.upgrade() else {
            return;
        };
        let lifetime = SignedDuration::try_from(SOURCE_LIFETIME).unwrap_or(SignedDuration::MAX);
        let before = Timestamp::now()
            .checked_sub(lifetime)
            .unwrap_or(Timestamp::MIN);
        Builds { inner }.forget_sources(before).await;
        sleep(SWEEP).await;
    }
}

/// Kills what works where only builds do, without a terminal: programs that a build had started where no sandbox could be
/// had, and that outlived the last server. (A sandbox ends with it.)
fn end_leftovers(inner: &Inner) {
    let places = inner.folders.work();
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return;
    };
    let processes = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    for process in processes
        .map(Pid::from_raw)
        .filter(|process| *process != getpid())
    {
        let folder = std::fs::read_link(format!("/proc/{process}/cwd"));
        let works_there =
            folder.is_ok_and(|folder| places.iter().any(|place| folder.starts_with(place)));
        if works_there && has_no_terminal(process) {
            // It may be gone meanwhile.
            let _ = kill(process, Signal::SIGKILL);
        }
    }
}

/// Whether a process has no controlling terminal (`proc_pid_stat(5)`).
fn has_no_terminal(process: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| {
        let fields = stat.rsplit_once(") ").map(|(_, fields)| fields);
        fields.and_then(|fields| fields.split(' ').nth(4)) == Some("0")
    })
}
