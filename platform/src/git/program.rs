//! The `git` of the machine, run with nothing but what is said here: no configuration of system or user, no credentials, no
//! hooks but ours, limits on what a hostile pack can take.

use super::error::GitError;
use slugbuilder_report::printable;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;

/// The oldest git that takes configuration from its environment (`GIT_CONFIG_COUNT`), on which every rule here rests.
const OLDEST: Version = Version(2, 31);

/// The most address space that a git process may have, in KiB: a few bytes of a pack can ask for any amount of memory
/// (objects other than files are inflated as a whole).
const ADDRESS_SPACE: u64 = 4 << 20;

/// Starts a program with limits: no core dumps, so much address space (KiB), files of so many blocks of 512 bytes. A limit
/// that is lower already stays.
const LIMITED: &str =
    "ulimit -c 0; ulimit -v \"$1\" 2>/dev/null; ulimit -f \"$2\" 2>/dev/null; shift 2; exec \"$@\"";

/// As long as a short command may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// The most that is kept of what a command says, in bytes.
const OUTPUT: usize = 1 << 20;

/// The git program of a machine, as whoever owns the process found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitProgram {
    /// The program.
    pub program: PathBuf,
    /// `PATH` of git and of the hook, a shell script: the folders of `sh` and `cat`.
    pub search_path: OsString,
}

/// A version of git: its first two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u32, pub(super) u32);

impl Version {
    /// That of what `git version` prints: `git version 2.39.5 (Apple Git-154)`.
    fn parse(printed: &str) -> Option<Self> {
        let mut numbers = printed
            .strip_prefix("git version ")?
            .split(['.', ' ', '\n']);
        Some(Self(
            numbers.next()?.parse().ok()?,
            numbers.next()?.parse().ok()?,
        ))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.0, self.1)
    }
}

/// Runs git.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    program: GitProgram,
    version: Version,
    /// An empty folder.
    home: PathBuf,
    /// The folder of the hooks.
    hooks: PathBuf,
    /// The most bytes that a push may have.
    max_push_size: u64,
}

impl Tool {
    /// The program, if it can be used.
    pub(super) async fn open(
        program: GitProgram,
        home: PathBuf,
        hooks: PathBuf,
        max_push_size: u64,
    ) -> Result<Self, GitError> {
        let mut tool = Self {
            program,
            version: OLDEST,
            home,
            hooks,
            max_push_size,
        };
        let printed = tool.run(None, [OsStr::new("version")]).await?;
        let printed = String::from_utf8_lossy(&printed);
        match Version::parse(&printed) {
            Some(version) if version >= OLDEST => tool.version = version,
            Some(found) => {
                return Err(GitError::TooOld {
                    program: tool.program.program,
                    found: found.to_string(),
                    needed: OLDEST.to_string(),
                });
            }
            None => {
                return Err(GitError::Failed {
                    what: "version".into(),
                    message: format!("it says `{}`", printable(printed.trim())),
                });
            }
        }
        Ok(tool)
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// `git ARGUMENTS` on a bare repository. Its stdin is empty and its output goes nowhere, unless the caller says so.
    pub(super) fn command<I, A>(&self, repository: Option<&Path>, arguments: I) -> Command
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let mut command = Command::new("/bin/sh");
        // Of 512 bytes each; a pack that arrives thin is completed on the disk.
        let blocks = self.max_push_size.saturating_mul(2) / 512 + (64 << 11);
        command
            .args(["-c", LIMITED, "sh"])
            .arg(ADDRESS_SPACE.to_string())
            .arg(blocks.to_string())
            .arg(&self.program.program)
            .args(arguments)
            .env_clear()
            .env("PATH", &self.program.search_path)
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", &self.home)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        if let Some(repository) = repository {
            command.env("GIT_DIR", repository);
        }
        let rules = self.rules();
        command.env("GIT_CONFIG_COUNT", rules.len().to_string());
        for (number, (key, value)) in rules.into_iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        command
    }

    /// A program that is not git, in the environment of the hook.
    pub(super) fn plain(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", &self.program.search_path)
            .env("LC_ALL", "C")
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// The configuration of every git process (git-config(1)). It is in no repository, so that all of them follow it, and none
    /// can be changed to follow another.
    fn rules(&self) -> Vec<(&'static str, OsString)> {
        let text = |key, value: &str| (key, OsString::from(value));
        vec![
            ("core.hooksPath", self.hooks.clone().into()),
            // A data folder that was restored or mounted may be someone else's in the eyes of git.
            text("safe.directory", "*"),
            text("core.logAllRefUpdates", "false"),
            // What was answered survives a power cut.
            text("core.fsync", "committed,reference"),
            // Every object is looked at before it counts.
            text("transfer.fsckObjects", "true"),
            // Packs stay packs: unpacked, large files would go through memory.
            text("transfer.unpackLimit", "1"),
            (
                "receive.maxInputSize",
                self.max_push_size.to_string().into(),
            ),
            text("receive.denyNonFastForwards", "false"),
            text("receive.denyDeleteCurrent", "ignore"),
            text("receive.denyCurrentBranch", "ignore"),
            text("receive.advertisePushOptions", "false"),
            // What is released cannot be taken back because of another reference of the push.
            text("receive.advertiseAtomic", "false"),
            // The server does, when the push is over.
            text("receive.autogc", "false"),
            text("gc.autoDetach", "false"),
            text("gc.autoPackLimit", "20"),
            text("http.getanyfile", "false"),
            text("http.receivepack", "true"),
            text("http.uploadpack", "true"),
            // Memory: one thread, and large files in pieces.
            text("pack.threads", "1"),
            text("pack.windowMemory", "64m"),
            text("pack.deltaCacheSize", "64m"),
            text("core.bigFileThreshold", "16m"),
            text("core.packedGitWindowSize", "32m"),
            text("core.packedGitLimit", "512m"),
            // Of a work tree: as the commit has it.
            text("core.autocrlf", "false"),
            text("core.symlinks", "true"),
            text("core.protectHFS", "true"),
            text("core.protectNTFS", "true"),
            text("advice.detachedHead", "false"),
            text("submodule.recurse", "false"),
            text("credential.helper", ""),
            text("protocol.allow", "never"),
        ]
    }

    /// Runs a short command; what it wrote to its stdout.
    pub(super) async fn run<I, A>(
        &self,
        repository: Option<&Path>,
        arguments: I,
    ) -> Result<Vec<u8>, GitError>
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let arguments: Vec<A> = arguments.into_iter().collect();
        let what = described(&arguments);
        finish(&what, self.command(repository, &arguments), PATIENCE).await
    }
}

/// The command that arguments are of, for messages: the first one.
fn described(arguments: &[impl AsRef<OsStr>]) -> String {
    arguments.first().map_or_else(String::new, |argument| {
        argument.as_ref().to_string_lossy().into_owned()
    })
}

/// Runs a command to its end; what it wrote to its stdout, of which there has to be little.
pub(super) async fn finish(
    what: &str,
    mut command: Command,
    patience: Duration,
) -> Result<Vec<u8>, GitError> {
    let failed = |message: String| GitError::Failed {
        what: what.into(),
        message,
    };
    let start = |source| GitError::Start {
        what: what.into(),
        source,
    };
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // Dropped on every way out of here, it is killed.
    let mut child = command.spawn().map_err(start)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let run = async {
        let (stdout, stderr) = tokio::join!(beginning(stdout), beginning(stderr));
        if stdout.len() > OUTPUT || stderr.len() > OUTPUT {
            return Err(failed("it says too much".into()));
        }
        let status = child.wait().await.map_err(start)?;
        if !status.success() {
            return Err(failed(said(&stderr, status)));
        }
        Ok(stdout)
    };
    timeout(patience, run).await.unwrap_or_else(|_| {
        let seconds = patience.as_secs();
        Err(failed(format!("it did not end within {seconds} seconds")))
    })
}

/// What comes, up to one byte more than there may be.
async fn beginning(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut read = Vec::new();
    if let Some(from) = from {
        // What was read before a failure is what there is.
        drop(from.take(OUTPUT as u64 + 1).read_to_end(&mut read).await);
    }
    read
}

/// What a program said when it failed, on one line; its status, where it said nothing.
pub(super) fn said(stderr: &[u8], status: std::process::ExitStatus) -> String {
    let text = String::from_utf8_lossy(stderr.get(..2000).unwrap_or(stderr));
    let mut line = String::new();
    for part in text.lines().map(str::trim).filter(|part| !part.is_empty()) {
        let separator = if line.is_empty() { "" } else { "; " };
        // Writing to a string does not fail.
        let _ = write!(line, "{separator}{}", printable(part));
    }
    if line.is_empty() {
        line = status.to_string();
    }
    line
}

/// Finds a program by a search path, as shells do. Relative folders count for nothing.
#[must_use]
pub fn find_program(name: &str, search_path: &OsStr) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    std::env::split_paths(search_path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|path| {
            path.metadata()
                .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
}

/// A failure to read or write in words.
pub(super) fn io_error(what: &str, source: io::Error) -> GitError {
    GitError::Io {
        what: what.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_git_prints_them() {
        for (printed, version) in [
            ("git version 2.39.5\n", Some(Version(2, 39))),
            ("git version 2.39.5 (Apple Git-154)\n", Some(Version(2, 39))),
            ("git version 2.50.GIT\n", Some(Version(2, 50))),
            ("git version 3\n", None),
            ("hub version 2.39", None),
            ("", None),
        ] {
            assert_eq!(Version::parse(printed), version, "{printed}");
        }
        assert!(Version(2, 9) < OLDEST && Version(3, 0) > OLDEST);
    }

    #[test]
    fn programs_are_found_in_absolute_folders_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("git");
        std::fs::write(&program, "").unwrap();
        let path = std::env::join_paths([Path::new("relative"), folder.path()]).unwrap();
        assert_eq!(find_program("git", &path), None);
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find_program("git", &path), Some(program));
        assert_eq!(find_program("git", OsStr::new("")), None);
    }
}
