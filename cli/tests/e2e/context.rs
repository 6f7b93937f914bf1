//! A machine of the test's own: a home, a cache, a source, an output folder, and a mirror to get runtimes from.

use crate::invocation::Invocation;
use crate::mirror;
use nix::unistd::{Uid, chown};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who the ordinary user is when the tests run as root: nobody's uid.
pub(crate) const ORDINARY: u32 = 65520;

/// Who runs slugbuilder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// Whoever runs the tests.
    Me,
    /// [`ORDINARY`]; for tests that run as root.
    Ordinary,
}

/// Everybody who can be had: an ordinary user always, and root if the tests run as root.
pub(crate) fn users() -> Vec<User> {
    if Uid::effective().is_root() {
        vec![User::Me, User::Ordinary]
    } else {
        vec![User::Me]
    }
}

/// An ordinary user, whoever runs the tests.
pub(crate) fn ordinary() -> User {
    if Uid::effective().is_root() {
        User::Ordinary
    } else {
        User::Me
    }
}

/// Runs `test` once for each user, on a machine each.
pub(crate) fn for_each_user(test: impl Fn(&Context)) {
    for user in users() {
        test(&Context::new(user));
    }
}

/// The machine of one test.
pub(crate) struct Context {
    folder: tempfile::TempDir,
    pub(crate) user: User,
    pub(crate) binary: PathBuf,
}

impl Context {
    pub(crate) fn new(user: User) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("slugbuilder-e2e-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .unwrap();
        let binary = reachable_binary(folder.path(), user);
        let context = Self {
            folder,
            user,
            binary,
        };
        context.give(context.root());
        for name in ["home", "work"] {
            context.folder(name);
        }
        mirror::write(&context.path("mirror"));
        context
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root().join(name)
    }

    /// Makes a folder that belongs to the user.
    pub(crate) fn folder(&self, name: impl AsRef<Path>) -> PathBuf {
        let path = self.path(name.as_ref());
        let mut missing = path.as_path();
        let mut made = Vec::new();
        while !missing.exists() {
            made.push(missing.to_owned());
            missing = missing.parent().unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        for folder in made {
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
            self.give(&folder);
        }
        path
    }

    /// Writes a file that belongs to the user.
    pub(crate) fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name.as_ref());
        self.folder(path.parent().unwrap());
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        self.give(&path);
        path
    }

    /// Writes a program that belongs to the user.
    pub(crate) fn program(&self, name: impl AsRef<Path>, content: &str) -> PathBuf {
        let path = self.write(name, content);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The usual app: Node.js, one file.
    pub(crate) fn node_app(&self, name: &str) -> PathBuf {
        self.write(
            format!("{name}/.node-version"),
            format!("{}\n", mirror::NODE),
        );
        self.write(format!("{name}/web.js"), "hello from web.js\n");
        self.path(name)
    }

    /// A folder with a Procfile, for `archive`: `web` says its name, `status` ends with the status that it is told.
    pub(crate) fn ready_app(&self, name: &str) -> PathBuf {
        self.program(
            format!("{name}/bin/web"),
            "#!/bin/bash\necho I am $DYNO on $PORT\n",
        );
        self.write(
            format!("{name}/Procfile"),
            "web: bin/web\nworker: echo working; exit 3\n",
        );
        self.path(name)
    }

    /// Archives [`Context::ready_app`] into `work/slug.tgz`.
    pub(crate) fn ready_slug(&self) {
        self.ready_app("ready");
        self.slugbuilder(["archive", "../ready"]).succeeds();
    }

    fn give(&self, path: &Path) {
        if self.user == User::Ordinary {
            chown(path, Some(ORDINARY.into()), Some(ORDINARY.into())).unwrap();
        }
    }

    /// The tested program as this user, in the folder `work`, with nothing of the test's own environment.
    pub(crate) fn slugbuilder<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Invocation<'_> {
        let mut command = self.command(&self.binary);
        command.args(arguments);
        Invocation::new(self, command)
    }

    /// A shell script in which `$SLUGBUILDER` is the tested program.
    pub(crate) fn shell(&self, script: &str) -> Invocation<'_> {
        let mut command = self.command("/bin/bash");
        command.args(["-c", script]);
        Invocation::new(self, command)
    }

    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", self.path("home"))
            .env("SLUGBUILDER", &self.binary)
            .env(
                "SLUGBUILDER_MIRROR_NODE",
                format!("file://{}/mirror", self.root().display()),
            );
        if self.user == User::Ordinary {
            command.uid(ORDINARY).gid(ORDINARY);
        }
        command
    }

    /// `text` without what differs from one run to the next.
    pub(crate) fn normalized(&self, text: &str) -> String {
        let text = text.replace(self.root().to_str().unwrap(), "[ROOT]");
        text.lines().map(without_measures).collect()
    }
}

/// A line without the time that something took, sizes of slugs and checksums.
fn without_measures(line: &str) -> String {
    let mut line = line.to_owned();
    if line.starts_with("Wrote ") && line.contains(" in ") {
        let size = line.find('(').unwrap()..line.find(')').unwrap();
        line.replace_range(size, "([SIZE]");
        let time = line.rfind(" in ").unwrap();
        line.replace_range(time.., " in [TIME]");
    }
    line = line.replace(concat!("Go ", env!("CARGO_PKG_VERSION")), "Go [VERSION]");
    for (before, after) in [(".slug.tgz.", ".tmp"), (" run.", " "), ("/apps-v1/", "/")] {
        let random = line
            .find(before)
            .map(|start| start + before.len())
            .and_then(|start| {
                let length = line[start..].find(after)?;
                Some(start..start + length)
            });
        if let Some(random) = random.filter(|random| {
            line[random.clone()]
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric())
        }) {
            line.replace_range(random, "[RANDOM]");
        }
    }
    for label in ["SHA256:", "sha256:"] {
        if let Some(start) = line.find(label).map(|start| start + label.len()) {
            let digits = line[start..]
                .bytes()
                .take_while(u8::is_ascii_hexdigit)
                .count();
            line.replace_range(start..start + digits, "[DIGITS]");
        }
    }
    line + "\n"
}

/// The tested program where `user` can execute it: folders above the target folder may be closed to others.
fn reachable_binary(folder: &Path, user: User) -> PathBuf {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_slugbuilder"));
    let open = |path: &Path| {
        path.metadata()
            .is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0)
    };
    if user == User::Me || binary.ancestors().all(open) {
        return binary;
    }
    let copy = folder.join("slugbuilder");
    if fs::hard_link(&binary, &copy).is_err() {
        fs::copy(&binary, &copy).unwrap();
    }
    copy
}
