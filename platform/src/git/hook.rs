//! What passes between the hook of a push, a shell script that git runs, and the server: two named pipes and a file in a
//! folder of the push's own. See the script for why neither waits for the other in vain.

use super::error::GitError;
use super::program::{Tool, io_error};
use fs_err as fs;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::pipe;

/// The variable of the environment that names the folder of a push.
pub(super) const VARIABLE: &str = "SLUGBUILDER_PUSH";

const NAME: &str = "pre-receive";
const SCRIPT: &str = include_str!("pre-receive");
/// How the hook is asked whether it runs.
const CHECK: &str = "check";

const COMMANDS: &str = "commands";
const OUTPUT: &str = "output";
const ACCEPTED: &str = "accepted";
/// What becomes [`ACCEPTED`].
const ACCEPTING: &str = "accepting";
const END: &[u8] = b"end\n";

/// References that one push may change.
const MAXIMUM_COMMANDS: usize = 10_000;
/// Bytes of one line of them.
const MAXIMUM_LINE: u64 = 4096;

/// Writes the hook to the folder `hooks`.
pub(super) fn write(hooks: &Path) -> io::Result<()> {
    crate::private::folder(hooks)?;
    let path = hooks.join(NAME);
    let new = hooks.join(".pre-receive");
    fs::write(&new, SCRIPT)?;
    fs::set_permissions(&new, std::fs::Permissions::from_mode(0o700))?;
    fs::rename(&new, &path)
}

/// Sees that the hook runs: git passes one by that it cannot run, and would take pushes without asking anybody.
pub(super) async fn check(hooks: &Path, tool: &Tool) -> Result<(), GitError> {
    let path = hooks.join(NAME);
    let mut command = tool.plain(&path);
    let output = command
        .arg(CHECK)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output();
    let message = match tokio::time::timeout(Duration::from_secs(30), output).await {
        Ok(Ok(output)) if output.status.success() && output.stdout == b"ready\n" => return Ok(()),
        Ok(Ok(output)) => super::program::said(&output.stderr, output.status),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it does not end".into(),
    };
    Err(GitError::Hook { path, message })
}

/// The folder of a push, which goes with this.
#[derive(Debug)]
pub(super) struct PushFolder {
    folder: TempDir,
}

/// The server's ends of the pipes. Dropped, they tell the hook that there is no more.
#[derive(Debug)]
pub(super) struct Conversation {
    commands: BufReader<pipe::Receiver>,
    output: pipe::Sender,
    accepting: PathBuf,
    accepted: PathBuf,
}

/// What is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pushed {
    /// The name of the folder of its objects, in the folder of the repository's objects; empty where it has none.
    pub(super) quarantine: String,
    /// The references that it changes.
    pub(super) commands: Vec<PushCommand>,
}

/// What is to become of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PushCommand {
    /// The object that it named; only zeroes for none.
    pub(super) old: String,
    /// The object that it is to name; only zeroes for none.
    pub(super) new: String,
    /// Its name, in whatever encoding.
    pub(super) reference: Vec<u8>,
}

impl PushCommand {
    /// Whether the reference is to go.
    pub(super) fn deletes(&self) -> bool {
        self.new.bytes().all(|byte| byte == b'0')
    }

    /// Whether the pusher saw no such reference.
    pub(super) fn makes(&self) -> bool {
        self.old.bytes().all(|byte| byte == b'0')
    }
}

impl PushFolder {
    /// A new one, in `parent`.
    pub(super) fn new(parent: &Path) -> Result<Self, GitError> {
        let make = || {
            let folder = tempfile::Builder::new()
                .prefix("push-")
                .tempdir_in(parent)?;
            for name in [COMMANDS, OUTPUT] {
                mkfifo(&folder.path().join(name), Mode::S_IRUSR | Mode::S_IWUSR)?;
            }
            Ok(Self { folder })
        };
        make().map_err(|error| io_error("make the folder of a push", error))
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The server's ends of its pipes, once. Before the hook is started.
    pub(super) fn open(&self) -> Result<Conversation, GitError> {
        // Opened for both, they have another end for as long as this one is there: none of them ends, or cannot be
        // opened, since the hook is not there yet.
        let open = || {
            let mut options = pipe::OpenOptions::new();
            options.read_write(true);
            let accepting = self.path().join(ACCEPTING);
            fs::write(&accepting, "")?;
            Ok(Conversation {
                accepting,
                commands: BufReader::new(options.open_receiver(self.path().join(COMMANDS))?),
                output: options.open_sender(self.path().join(OUTPUT))?,
                accepted: self.path().join(ACCEPTED),
            })
        };
        open().map_err(|error: io::Error| io_error("open the pipes of a push", error))
    }
}

impl Conversation {
    /// What is pushed. Waits for the hook, which never comes if there is nothing to decide.
    pub(super) async fn pushed(&mut self) -> Result<Pushed, String> {
        let quarantine = self.line().await?;
        let quarantine = String::from_utf8(quarantine).map_err(|_| "the quarantine has no name")?;
        let mut commands = Vec::new();
        loop {
            let line = self.line().await?;
            if line == END.trim_ascii_end() {
                return Ok(Pushed {
                    quarantine,
                    commands,
                });
            }
            if commands.len() == MAXIMUM_COMMANDS {
                return Err(format!("more than {MAXIMUM_COMMANDS} references at once"));
            }
            let command = PushCommand::parse(&line);
            commands
                .push(command.ok_or_else(|| format!("`{}` is no change", line.escape_ascii()))?);
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>, String> {
        let mut line = Vec::new();
        let mut limited = (&mut self.commands).take(MAXIMUM_LINE);
        let read = limited.read_until(b'\n', &mut line).await;
        read.map_err(|error| error.to_string())?;
        match line.pop() {
            Some(b'\n') => Ok(line),
            _ => Err("the name of a reference is too long".into()),
        }
    }

    /// Shows something to the pusher.
    pub(super) async fn show(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes).await
    }

    /// Lets the push count. Without this it does not.
    pub(super) fn accept(self) -> io::Result<()> {
        // Before the pipe ends, which the hook waits for. The file is there already: a disk that is full by now does not
        // refuse what is released.
        fs::rename(&self.accepting, &self.accepted)
    }
}

impl PushCommand {
    /// `OLD NEW REFERENCE`, as git hands it to the hook (githooks(5)).
    fn parse(line: &[u8]) -> Option<Self> {
        let mut parts = line.splitn(3, |byte| *byte == b' ');
        let mut object = || {
            let name = str::from_utf8(parts.next()?).ok()?;
            is_object(name).then(|| name.to_owned())
        };
        let (old, new) = (object()?, object()?);
        let reference = parts.next()?.to_owned();
        reference.starts_with(b"refs/").then_some(Self {
            old,
            new,
            reference,
        })
    }
}

/// Whether this is the name of an object: SHA-1 or SHA-256 in hexadecimal digits.
pub(super) fn is_object(name: &str) -> bool {
    matches!(name.len(), 40 | 64)
        && name
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0000000000000000000000000000000000000000";
    const NEW: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    /// Runs the script as git would, with these lines.
    fn hook(folder: &PushFolder, quarantine: &str, lines: &str) -> tokio::process::Child {
        let script = folder.path().join("script");
        fs::write(&script, SCRIPT).unwrap();
        let input = folder.path().join("input");
        fs::write(&input, lines).unwrap();
        tokio::process::Command::new("/bin/sh")
            .arg(&script)
            .env(VARIABLE, folder.path())
            .env("GIT_QUARANTINE_PATH", format!("/x/objects/{quarantine}"))
            .stdin(fs::File::open(&input).unwrap().into_parts().0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    #[tokio::test]
    async fn the_hook_shows_what_comes_and_ends_as_is_decided() {
        for accept in [true, false] {
            let parent = tempfile::tempdir().unwrap();
            let folder = PushFolder::new(parent.path()).unwrap();
            let mut conversation = folder.open().unwrap();
            let lines = format!("{OLD} {NEW} refs/heads/main\n{NEW} {OLD} refs/heads/a b\n");
            let mut hook = hook(&folder, "incoming-1", &lines);
            let pushed = conversation.pushed().await.unwrap();
            assert_eq!(pushed.quarantine, "incoming-1");
            assert_eq!(pushed.commands.len(), 2);
            assert_eq!(pushed.commands[1].reference, b"refs/heads/a b");
            assert!(pushed.commands[1].deletes() && !pushed.commands[0].deletes());
            // What is shown arrives before the end.
            let mut stdout = hook.stdout.take().unwrap();
            let mut shown = [0; 6];
            conversation.show(b"first\n").await.unwrap();
            stdout.read_exact(&mut shown).await.unwrap();
            assert_eq!(&shown, b"first\n");
            let say = async {
                // More than the pipes hold.
                conversation.show(&vec![b'x'; 300_000]).await.unwrap();
                if accept {
                    conversation.accept().unwrap();
                } else {
                    drop(conversation);
                }
            };
            let mut rest = Vec::new();
            let (read, ()) = tokio::join!(stdout.read_to_end(&mut rest), say);
            assert_eq!(read.unwrap(), 300_000);
            assert_eq!(hook.wait().await.unwrap().success(), accept);
        }
    }

    /// At no instant does it wait for a server that is no longer there.
    #[tokio::test]
    async fn the_hook_ends_with_the_server() {
        for opened in [false, true] {
            let parent = tempfile::tempdir().unwrap();
            let folder = PushFolder::new(parent.path()).unwrap();
            let conversation = opened.then(|| folder.open().unwrap());
            let mut hook = hook(
                &folder,
                "incoming-1",
                &format!("{OLD} {NEW} refs/heads/main\n"),
            );
            if let Some(mut conversation) = conversation {
                conversation.pushed().await.unwrap();
            }
            let ended = tokio::time::timeout(Duration::from_secs(20), hook.wait());
            assert!(!ended.await.unwrap().unwrap().success());
        }
    }

    #[tokio::test]
    async fn hostile_lines_are_refused() {
        let long = format!("{OLD} {NEW} refs/heads/{}\n", "a".repeat(5000));
        for lines in [
            &*long,
            "x\n",
            "0 1 refs/heads/main\n",
            &format!("{OLD} {NEW} HEAD\n"),
        ] {
            let parent = tempfile::tempdir().unwrap();
            let folder = PushFolder::new(parent.path()).unwrap();
            let mut conversation = folder.open().unwrap();
            let mut hook = hook(&folder, "incoming-1", lines);
            assert!(conversation.pushed().await.is_err(), "{lines}");
            drop(conversation);
            assert!(!hook.wait().await.unwrap().success());
        }
    }
}
