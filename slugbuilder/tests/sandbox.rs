//! The sandbox from inside: what programs see, what they cannot reach, and that nothing of them stays.
//!
//! A harness of its own, because the test executable is also the sandbox's helper. As root everything runs a second
//! time as an ordinary user.

#![expect(
    clippy::unwrap_used,
    clippy::panic_in_result_fn,
    clippy::unnecessary_wraps,
    reason = "tests fail by panicking, and libtest-mimic wants a result"
)]

#[path = "sandbox/background.rs"]
mod background;
#[path = "sandbox/staging.rs"]
mod staging;

use libtest_mimic::{Arguments, Failed, Trial};
use slugbuilder::compile::{BuildpackSource, CompileOptions, Reuse, compile};
use slugbuilder::sandbox::{
    AppDirectory, Credentials, Direct, Environment, Executor, HostView, Interrupt, Invocation,
    Namespaced, Outcome, Program, SandboxOptions,
};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Whoever runs the tests a second time: nobody's uid, like [`slugbuilder::sandbox::BUILD_UID`].
const ORDINARY_UID: u32 = 65520;

fn main() -> ExitCode {
    let argv0 = std::env::args_os().next().unwrap_or_default();
    if let Some(code) = slugbuilder::sandbox::serve_helper(&argv0) {
        return ExitCode::from(code);
    }
    if argv0 == background::LISTENER {
        background::listen();
        return ExitCode::SUCCESS;
    }
    if let Some(name) = std::env::var_os(ALONE) {
        let check = if name == "killed" {
            killed_runner()
        } else {
            stopped_runner()
        };
        check.unwrap();
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let root = nix::unistd::geteuid().is_root();
    let mut trials = vec![
        Trial::test(
            "the_app_directory_is_writable_and_home_is_elsewhere",
            app_directory,
        ),
        Trial::test("a_source_path_may_hold_any_character", odd_source_path),
        Trial::test("secrets_of_the_user_are_out_of_reach", secrets),
        Trial::test("the_system_is_read_only", read_only_system),
        Trial::test("inherited_descriptors_do_not_reach_programs", descriptors),
        Trial::test("other_processes_are_out_of_reach", other_processes),
        Trial::test(
            "there_is_no_capability_and_no_way_back_to_root",
            no_capability,
        ),
        Trial::test("offline_there_is_only_loopback", offline),
        Trial::test("abstract_sockets_are_out_of_reach", abstract_sockets)
            .with_ignored_flag(is_missing("python3")),
        Trial::test("daemons_end_with_the_program", daemons),
        Trial::test(
            "daemons_end_with_the_program_without_namespaces",
            direct_daemons,
        ),
        Trial::test("a_fork_bomb_ends_at_the_time_limit", fork_bomb),
        Trial::test("a_hanging_program_ends_at_the_time_limit", time_limit),
        Trial::test(
            "a_killed_runner_leaves_nothing",
            in_a_process_of_its_own("killed"),
        ),
        Trial::test(
            "a_stopped_runner_is_ended",
            in_a_process_of_its_own("stopped"),
        ),
        Trial::test("an_interrupt_ends_everything", interrupt),
        Trial::test("exit_codes_and_signals_come_through", outcomes),
        Trial::test("a_program_that_is_not_there_is_named", missing_program),
        Trial::test("several_programs_run_side_by_side", side_by_side),
        Trial::test("the_environment_is_exactly_what_was_given", environment),
        Trial::test("a_program_may_run_beside_us", background::beside_us),
        Trial::test(
            "a_program_beside_us_ends_when_dropped",
            background::ends_when_dropped,
        ),
        Trial::test("streams_can_be_had_apart", background::apart),
        Trial::test("a_door_leads_into_the_network", background::door),
        Trial::test("mounts_and_links_are_shown", background::shown),
        Trial::test(
            "a_mount_below_a_link_of_the_app_stays_inside",
            background::mounted_below_links,
        ),
        Trial::test("the_probes_fail_from_inside_a_build_too", || {
            probes_in_a_build(false)
        }),
        Trial::test(
            "what_was_built_is_in_the_slug",
            staging::what_was_built_is_in_the_slug,
        ),
        Trial::test(
            "a_source_may_change_during_a_long_build",
            staging::a_source_that_changes_during_the_build,
        ),
    ];
    if root {
        trials.extend([
            Trial::test("the_probes_fail_where_the_source_is_copied", || {
                probes_in_a_build(true)
            }),
            Trial::test("a_source_of_someone_else_is_mapped", mapped_overlay),
            Trial::test("what_has_a_third_owner_is_not_mapped", mapped_third_owner),
            Trial::test("all_of_it_as_an_ordinary_user", as_ordinary_user),
        ]);
    } else {
        trials.push(Trial::test("an_overlay_leaves_the_source_alone", overlay));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Whether a test that needs `program` is reported as ignored. In CI, which sets `SLUGBUILDER_TEST_REQUIRE`, nothing may
/// be missing: the test then runs and fails.
fn is_missing(program: &str) -> bool {
    let required = std::env::var_os("SLUGBUILDER_TEST_REQUIRE").is_some_and(|value| value == "1");
    let path = std::env::var_os("PATH").unwrap_or_default();
    !required && !std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}

type Check = Result<(), Failed>;

/// Ending what a dead runner leaves ends every child of the process, so such a test must have one for itself.
fn in_a_process_of_its_own(name: &'static str) -> impl FnOnce() -> Check + Send {
    move || {
        let output = Command::new(std::env::current_exe()?)
            .env(ALONE, name)
            .output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            Ok(())
        } else {
            Err(text.into_owned().into())
        }
    }
}

/// The variable that names such a test.
const ALONE: &str = "SLUGBUILDER_TEST_ALONE";

/// A sandbox in a temporary folder.
struct Fixture {
    folder: tempfile::TempDir,
    interrupt: Interrupt,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("slugbuilder-test-")
            .tempdir()
            .unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let fixture = Self {
            folder,
            interrupt: Interrupt::new().unwrap(),
        };
        for name in ["app", "source", "upper", "overlay-work"] {
            fixture.folder(name);
        }
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(&path).unwrap();
        if let Some((uid, gid)) = SandboxOptions::owner() {
            chown(&path, Some(uid), Some(gid)).unwrap();
        }
        path
    }

    /// Makes a folder and everything in it belong to whoever runs the test.
    fn mine(&self, name: &str) {
        let me = (
            nix::unistd::geteuid().as_raw(),
            nix::unistd::getegid().as_raw(),
        );
        let mut pending = vec![self.path(name)];
        while let Some(path) = pending.pop() {
            std::os::unix::fs::lchown(&path, Some(me.0), Some(me.1)).unwrap();
            if path.symlink_metadata().unwrap().is_dir() {
                pending.extend(
                    std::fs::read_dir(&path)
                        .unwrap()
                        .map(|one| one.unwrap().path()),
                );
            }
        }
    }

    fn options(&self) -> SandboxOptions {
        let host: Environment = std::env::vars_os().collect();
        SandboxOptions {
            app: AppDirectory::Directory(self.path("app")),
            scratch: self.path("scratch"),
            home_is_app: false,
            cache: None,
            shared_cache: None,
            buildpacks: Vec::new(),
            view: HostView::of(&host, Credentials::default()),
            network: true,
            deadline: Some(Instant::now() + Duration::from_mins(1)),
            interrupt: self.interrupt.clone(),
        }
    }

    fn start(&self) -> Namespaced {
        Namespaced::start(&self.options()).unwrap()
    }
}

/// Runs a shell script and gives its outcome and output.
fn run(executor: &dyn Executor, script: &str) -> (Outcome, String) {
    let invocation = Invocation::new(Program::File("/bin/bash".into()), executor.app_dir())
        .argument("-c")
        .argument(script)
        .environment(executor.base_environment().clone());
    let mut output = String::new();
    let outcome = executor
        .run(&invocation, &mut |line| {
            output.push_str(&String::from_utf8_lossy(line));
            output.push('\n');
        })
        .unwrap();
    (outcome, output)
}

#[track_caller]
fn succeeds(executor: &dyn Executor, script: &str) -> String {
    let (outcome, output) = run(executor, script);
    assert!(outcome.success(), "`{script}` {outcome}: {output}");
    output
}

/// A probe: it has to fail, and for a reason of its own, not because a tool is missing.
#[track_caller]
fn fails(executor: &dyn Executor, script: &str) {
    let (outcome, output) = run(executor, script);
    match outcome {
        Outcome::Exited(status) if status != 0 && status != 127 => {}
        other => panic!("the probe `{script}` {other}: {output}"),
    }
}

fn app_directory() -> Check {
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    let output = succeeds(
        &sandbox,
        "pwd; echo $HOME; echo one > file; touch $HOME/x /tmp/x /var/tmp/y; id -u; whoami; cat <&0 | wc -c",
    );
    assert_eq!(output, "/app\n/home/app\n1000\napp\n0\n");
    assert_eq!(std::fs::read_to_string(fixture.path("app/file"))?, "one\n");
    assert_eq!(
        std::fs::read_to_string(sandbox.outside(Path::new("/app/file")))?,
        "one\n"
    );
    Ok(())
}

fn overlay() -> Check {
    let fixture = Fixture::new();
    std::fs::write(fixture.path("source/kept"), "source")?;
    std::fs::write(fixture.path("source/hidden"), "source")?;
    slugbuilder::sandbox::make_whiteout(&fixture.path("upper/hidden"))?;
    let mut options = fixture.options();
    options.app = AppDirectory::Overlay {
        lower: fixture.path("source"),
        upper: fixture.path("upper"),
        work: fixture.path("overlay-work"),
        mapped_owner: None,
    };
    let sandbox = Namespaced::start(&options)?;
    assert_eq!(succeeds(&sandbox, "ls"), "kept\n");
    succeeds(&sandbox, "echo built > kept; echo new > new; rm -f other");
    assert_eq!(
        std::fs::read_to_string(fixture.path("source/kept"))?,
        "source"
    );
    assert!(!fixture.path("source/new").exists());
    let merged = sandbox.outside(Path::new("/app"));
    assert_eq!(std::fs::read_to_string(merged.join("kept"))?, "built\n");
    assert_eq!(std::fs::read_dir(&merged)?.count(), 2);
    Ok(())
}

/// The fixture's options with its source mapped, which belongs to `owner`.
fn mapped(fixture: &Fixture, owner: u32) -> SandboxOptions {
    chown(fixture.path("source"), Some(owner), Some(owner)).unwrap();
    let mut options = fixture.options();
    options.app = AppDirectory::Overlay {
        lower: fixture.path("source"),
        upper: fixture.path("upper"),
        work: fixture.path("overlay-work"),
        mapped_owner: Some((owner, owner)),
    };
    options
}

fn mapped_overlay() -> Check {
    use std::os::unix::fs::MetadataExt as _;
    for owner in [0, 12_345] {
        let fixture = Fixture::new();
        let source = |name: &str| fixture.path("source").join(name);
        std::fs::create_dir(source("folder"))?;
        for name in ["private", "kept", "folder/file", "setuid"] {
            std::fs::write(source(name), name)?;
            chown(source(name), Some(owner), Some(owner))?;
        }
        chown(source("folder"), Some(owner), Some(owner))?;
        std::fs::set_permissions(source("private"), PermissionsExt::from_mode(0o600))?;
        std::fs::set_permissions(source("setuid"), PermissionsExt::from_mode(0o6755))?;
        let before = std::fs::metadata(source("private"))?;
        let options = mapped(&fixture, owner);
        let sandbox = Namespaced::start(&options)?;
        let script = "cat private; stat -c %u:%g . private folder/file | sort -u
            echo built > kept; chmod 4755 kept setuid; mkdir new; echo new > new/file
            rm -r folder; cp setuid copy; echo more >> private; chown 0 kept || echo refused";
        let output = succeeds(&sandbox, script);
        assert!(output.starts_with("private1000:1000\n"), "{output}");
        assert!(output.ends_with("refused\n"), "{output}");
        let read = |name: &str| std::fs::read_to_string(source(name)).unwrap();
        assert_eq!(
            (read("kept").as_str(), read("folder/file").as_str()),
            ("kept", "folder/file")
        );
        let after = std::fs::metadata(source("private"))?;
        assert_eq!(
            (
                after.uid(),
                after.mode(),
                after.len(),
                after.ctime(),
                after.ctime_nsec()
            ),
            (
                owner,
                before.mode(),
                before.len(),
                before.ctime(),
                before.ctime_nsec()
            )
        );
        assert!(!source("new").exists());
        drop(sandbox);
        // Whatever was written belongs to nobody's uid on disk.
        let whiteout = fixture.path("upper/folder").symlink_metadata()?;
        assert_eq!(
            (whiteout.mode() & libc::S_IFMT, whiteout.rdev()),
            (libc::S_IFCHR, 0)
        );
        for name in ["kept", "new", "new/file", "copy", "private", "setuid"] {
            let metadata = fixture.path("upper").join(name).symlink_metadata()?;
            let build = slugbuilder::sandbox::BUILD_UID;
            assert_eq!((metadata.uid(), metadata.gid()), (build, build), "{name}");
        }
        // What is mounted for a sandbox is mounted in it only.
        let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
        assert!(
            !mounts.contains(fixture.folder.path().to_str().unwrap()),
            "{mounts}"
        );
    }
    Ok(())
}

fn mapped_third_owner() -> Check {
    let fixture = Fixture::new();
    for (name, mode) in [("open", 0o644), ("secret", 0o600)] {
        let path = fixture.path("source").join(name);
        std::fs::write(&path, name)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode))?;
        chown(&path, Some(12_346), Some(12_346))?;
    }
    let sandbox = Namespaced::start(&mapped(&fixture, 12_345))?;
    assert_eq!(
        succeeds(&sandbox, "stat -c %u open; cat open"),
        "65534\nopen\n"
    );
    for refused in ["cat secret", "echo x >> open", "chmod 777 secret"] {
        let (outcome, output) = run(&sandbox, refused);
        assert!(!outcome.success(), "{refused}: {output}");
    }
    Ok(())
}

fn odd_source_path() -> Check {
    let fixture = Fixture::new();
    let odd = fixture.folder("a,b:c\\d\ne");
    let mut options = fixture.options();
    options.app = AppDirectory::Directory(odd.clone());
    let sandbox = Namespaced::start(&options)?;
    succeeds(&sandbox, "echo x > file");
    assert!(odd.join("file").exists());
    Ok(())
}

/// A stand-in for a user: a home with a key, an agent's socket, a process, a variable.
struct User {
    home: PathBuf,
    _agent: std::os::unix::net::UnixListener,
    process: std::process::Child,
}

const MARKER: &str = "s3cret-of-the-user";

impl User {
    fn new(fixture: &Fixture) -> Self {
        let home = fixture.path("home-of-the-user");
        std::fs::create_dir_all(home.join(".ssh")).unwrap();
        std::fs::write(home.join(".ssh/id"), MARKER).unwrap();
        let agent = std::os::unix::net::UnixListener::bind(home.join("agent.sock")).unwrap();
        let process = Command::new("sleep")
            .arg("60")
            .env("SECRET", MARKER)
            .spawn()
            .unwrap();
        Self {
            home,
            _agent: agent,
            process,
        }
    }

    /// Probes that all succeed outside of a sandbox.
    fn probes(&self, source: &Path) -> Vec<String> {
        let home = self.home.display();
        let source = source.display();
        let process = self.process.id();
        vec![
            format!("cat '{source}/secret'"),
            format!("ls '{source}'"),
            format!("cat '{home}/.ssh/id'"),
            format!("test -S '{home}/agent.sock'"),
            format!("kill -0 {process}"),
            format!("cat /proc/{process}/environ"),
            format!("grep -qaz {MARKER} /proc/[0-9]*/environ"),
            format!("env | grep -q {MARKER}"),
            "ls /sys/kernel".into(),
            "ls /boot/.".into(),
            "ls /srv/.".into(),
            "ls /mnt/.".into(),
            "ls /var/log".into(),
            "test $(ls -d /proc/[0-9]* | wc -l) -gt 10".into(),
        ]
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a probe without any sandbox.
fn outside(probe: &str) -> bool {
    let probe = Command::new("/bin/bash")
        .args(["-c", probe])
        .env("SECRET", MARKER)
        .output();
    probe.unwrap().status.success()
}

fn secrets() -> Check {
    let fixture = Fixture::new();
    std::fs::write(fixture.path("source/secret"), MARKER)?;
    let user = User::new(&fixture);
    let mut options = fixture.options();
    let mut host: Environment = std::env::vars_os().collect();
    host.insert("HOME".into(), user.home.clone().into());
    host.insert("SECRET".into(), MARKER.into());
    host.insert("SSH_AUTH_SOCK".into(), user.home.join("agent.sock").into());
    options.view = HostView::of(&host, Credentials::default());
    let sandbox = Namespaced::start(&options)?;
    for probe in user.probes(&fixture.path("source")) {
        assert!(
            outside(&probe),
            "the probe `{probe}` says nothing: it fails outside, too"
        );
        fails(&sandbox, &probe);
    }
    // What is there is a list; everything that is not on it is absent.
    assert_eq!(
        succeeds(&sandbox, "ls -A /home /run"),
        "/home:\napp\n\n/run:\nslugbuilder\n"
    );
    fails(&sandbox, "ls -d /root");
    fails(&sandbox, "ls -d /var/lib/docker");
    Ok(())
}

/// A descriptor of a folder that slugbuilder has inherited would be a way out of any root.
fn descriptors() -> Check {
    use std::os::fd::AsRawFd;
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    let direct = Direct::start(&fixture.path("app"), &fixture.options())?;
    let folder = std::fs::File::open("/")?;
    // As `9</` of a shell leaves it.
    nix::fcntl::fcntl(
        &folder,
        nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()),
    )?;
    let probe = format!("ls -l /proc/self/fd/{}/.", folder.as_raw_fd());
    fails(&sandbox, &probe);
    fails(&direct, &probe);
    Ok(())
}

fn killed_runner() -> Check {
    let fixture = Fixture::new();
    let direct = Direct::start(&fixture.path("app"), &fixture.options())?;
    let (outcome, _) = run(
        &direct,
        &format!("{DAEMON}; kill -9 $PPID || exit 5; sleep 60"),
    );
    // Root's runner is another user's.
    let expected = if nix::unistd::geteuid().is_root() {
        Outcome::Exited(5)
    } else {
        Outcome::Signalled(9)
    };
    assert_eq!(outcome, expected);
    no_heartbeat(&fixture)
}

fn stopped_runner() -> Check {
    let fixture = Fixture::new();
    let mut options = fixture.options();
    options.deadline = Some(Instant::now() + Duration::from_secs(1));
    let direct = Direct::start(&fixture.path("app"), &options)?;
    let (outcome, _) = run(&direct, &format!("{DAEMON}; kill -STOP $PPID; sleep 60"));
    assert_eq!(outcome, Outcome::TimedOut);
    no_heartbeat(&fixture)
}

fn read_only_system() -> Check {
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    for probe in [
        "echo x >> /etc/passwd",
        "touch /etc/new",
        "touch /new",
        "mkdir /etc/new",
        "touch /usr/new",
        "touch /usr/bin/new",
        "touch /lib/new",
        "touch /dev/new",
        "echo 1 > /proc/sys/kernel/core_pattern",
        "echo b > /proc/sysrq-trigger",
        "mount -o remount,rw /usr",
        "umount /proc",
        "umount -l /usr",
    ] {
        fails(&sandbox, probe);
    }
    // Not even in namespaces of the program's own.
    fails(&sandbox, "unshare -rm mount -o remount,rw,bind /usr");
    fails(&sandbox, "unshare -rm umount /proc");
    Ok(())
}

fn other_processes() -> Check {
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    let mut outsider = Command::new("sleep")
        .arg("60")
        .env("SECRET", "s3cret")
        .spawn()?;
    let pids = succeeds(&sandbox, "ls -d /proc/[0-9]* | wc -l");
    assert!(pids.trim().parse::<u32>()? < 10, "{pids}");
    for probe in [
        "cat /proc/1/environ",
        "cat /proc/1/mem",
        "ls -l /proc/1/root/.",
        "ls -l /proc/1/fd/",
        "ls -l /proc/1/cwd/.",
        "grep -az SECRET /proc/[0-9]*/environ",
        &format!("kill -0 {}", outsider.id()),
        &format!("cat /proc/{}/environ", outsider.id()),
    ] {
        fails(&sandbox, probe);
    }
    // The first process of the namespace takes no signal from below.
    succeeds(&sandbox, "kill -9 1; kill -TERM 1; sleep 0.1; true");
    assert!(outsider.try_wait()?.is_none());
    outsider.kill()?;
    outsider.wait()?;
    Ok(())
}

fn no_capability() -> Check {
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    let status = succeeds(
        &sandbox,
        "grep -E '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status",
    );
    for line in status.lines() {
        let (name, value) = line.split_once(':').unwrap();
        let expected = if name == "NoNewPrivs" {
            "1"
        } else {
            "0000000000000000"
        };
        assert_eq!(value.trim(), expected, "{name}");
    }
    for probe in [
        "chown 0:0 .",
        "mknod x c 1 3",
        "chroot / true",
        "hostname other",
    ] {
        fails(&sandbox, probe);
    }
    // A program that root owns and that has the setuid bit gives nothing.
    fails(
        &sandbox,
        "cp /bin/bash x && chmod u+s x && ./x -p -c 'test $(id -u) = 0'",
    );
    Ok(())
}

fn offline() -> Check {
    let fixture = Fixture::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let connect = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
    succeeds(&fixture.start(), &connect);
    let mut options = fixture.options();
    options.network = false;
    let sandbox = Namespaced::start(&options)?;
    fails(&sandbox, &connect);
    let interfaces = succeeds(
        &sandbox,
        "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '",
    );
    assert_eq!(interfaces, "lo\n");
    Ok(())
}

fn abstract_sockets() -> Check {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("slugbuilder-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name)?;
    let _listener = std::os::unix::net::UnixListener::bind_addr(&address)?;
    let script = format!(
        "python3 -c \"import socket; s = socket.socket(socket.AF_UNIX); s.connect('\\0{name}')\""
    );
    let fixture = Fixture::new();
    if landlock_abi() >= 6 {
        fails(&fixture.start(), &script);
        Ok(())
    } else {
        // The documented limit: before Linux 6.12 only a network namespace keeps programs away from them.
        let mut options = fixture.options();
        options.network = false;
        fails(&Namespaced::start(&options)?, &script);
        Ok(())
    }
}

/// The Landlock ABI of this kernel, as Python can ask for it.
fn landlock_abi() -> i64 {
    let script = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))";
    let output = Command::new("python3")
        .args(["-c", script])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .unwrap_or(-1)
}

const DAEMON: &str = "
    (setsid nohup bash -c 'while true; do date +%N > heartbeat; sleep 0.05; done' >/dev/null 2>&1 &)
    while [ ! -e heartbeat ]; do sleep 0.05; done";

fn no_heartbeat(fixture: &Fixture) -> Check {
    let file = fixture.path("app/heartbeat");
    let before = std::fs::read(&file)?;
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(before, std::fs::read(&file)?, "the daemon lives");
    Ok(())
}

fn daemons() -> Check {
    let fixture = Fixture::new();
    succeeds(&fixture.start(), DAEMON);
    no_heartbeat(&fixture)
}

fn direct_daemons() -> Check {
    let fixture = Fixture::new();
    let direct = Direct::start(&fixture.path("app"), &fixture.options())?;
    succeeds(&direct, DAEMON);
    no_heartbeat(&fixture)
}

fn fork_bomb() -> Check {
    let fixture = Fixture::new();
    let mut options = fixture.options();
    options.deadline = Some(Instant::now() + Duration::from_secs(2));
    let sandbox = Namespaced::start(&options)?;
    let started = Instant::now();
    // Bounded, so that a failing test does not take the machine down.
    let (outcome, _) = run(
        &sandbox,
        "ulimit -u 2000; spawn() { for i in 1 2 3; do sleep 100 & done; [ $1 -gt 0 ] && (spawn $(($1 - 1)) &) ; }; spawn 50; sleep 100",
    );
    assert_eq!(outcome, Outcome::TimedOut);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    Ok(())
}

fn time_limit() -> Check {
    for namespaces in [true, false] {
        let fixture = Fixture::new();
        let mut options = fixture.options();
        options.deadline = Some(Instant::now() + Duration::from_millis(700));
        let started = Instant::now();
        let script = "trap '' TERM INT HUP; echo waiting; while true; do sleep 1; done";
        let (outcome, output) = if namespaces {
            run(&Namespaced::start(&options)?, script)
        } else {
            run(&Direct::start(&fixture.path("app"), &options)?, script)
        };
        assert_eq!((outcome, output.as_str()), (Outcome::TimedOut, "waiting\n"));
        assert!(started.elapsed() < Duration::from_secs(10));
    }
    Ok(())
}

fn interrupt() -> Check {
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    let interrupt = fixture.interrupt.clone();
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        interrupt.raise();
    });
    let (outcome, _) = run(&sandbox, "trap '' TERM INT; sleep 100");
    later.join().unwrap();
    assert_eq!(outcome, Outcome::Interrupted);
    Ok(())
}

fn outcomes() -> Check {
    // As the CLI does: programs must get the signals that it takes over.
    let mut taken = nix::sys::signal::SigSet::empty();
    taken.add(nix::sys::signal::Signal::SIGTERM);
    taken.thread_block()?;
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    let direct = Direct::start(&fixture.path("app"), &fixture.options())?;
    for executor in [&sandbox as &dyn Executor, &direct] {
        assert_eq!(run(executor, "exit 0").0, Outcome::Exited(0));
        assert_eq!(run(executor, "exit 100").0, Outcome::Exited(100));
        assert_eq!(run(executor, "kill -TERM $$").0, Outcome::Signalled(15));
        assert_eq!(run(executor, "echo a; echo b >&2; printf c").1, "a\nb\nc\n");
    }
    Ok(())
}

fn missing_program() -> Check {
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    let error = sandbox
        .run(
            &Invocation::new(Program::File("/app/bin/detect".into()), "/app"),
            &mut |_| {},
        )
        .unwrap_err();
    assert_eq!(error.to_string(), "cannot start `/app/bin/detect`");
    Ok(())
}

fn side_by_side() -> Check {
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    let run_one = |number: usize| {
        let output = succeeds(
            &sandbox,
            &format!("sleep 0.2; echo {number}; ls -d /proc/[0-9]* | wc -l"),
        );
        let lines: Vec<&str> = output.lines().map(str::trim).collect();
        assert_eq!(lines[0], number.to_string());
        // Each sees its own processes only: init, the shell, ls and wc.
        assert!(lines[1].parse::<u32>().unwrap() <= 4, "{output}");
    };
    let run_one = &run_one;
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || run_one(number));
        }
    });
    Ok(())
}

fn environment() -> Check {
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    let mut invocation = Invocation::new(Program::File("/usr/bin/env".into()), "/app");
    invocation.environment.insert("ONE".into(), "a\nb".into());
    let mut lines = Vec::new();
    sandbox.run(&invocation, &mut |line| lines.push(line.to_vec()))?;
    assert_eq!(lines, [b"ONE=a".to_vec(), b"b".to_vec()]);
    Ok(())
}

/// The written list of docs/sandbox.md, run by a buildpack in a real build without network. Each line is a shell command
/// that has to fail.
const PROBES_IN_A_BUILD: &str = r"
cat '@SOURCE@/secret'
ls '@SOURCE@'
ls /root/.
ls /home/*/.ssh
cat /etc/shadow
ls /etc/ssh
ls /run/user
ls /var/run/docker.sock /run/docker.sock
cat /proc/1/environ
grep -az @MARKER@ /proc/[0-9]*/environ
env | grep @MARKER@
kill -0 @OUTSIDER@
cat /proc/@OUTSIDER@/environ
touch /etc/new
echo x >> /etc/passwd
touch /usr/bin/new
mount -o remount,rw /usr
unshare -rm mount -o remount,rw,bind /usr
chown 0:0 .
exec 3<>/dev/tcp/127.0.0.1/@PORT@
";

fn probes_in_a_build(copied: bool) -> Check {
    let marker = "s3cret-of-the-user";
    let fixture = Fixture::new();
    let source = fixture.path("source");
    std::fs::write(source.join("secret"), "x")?;
    fixture.mine("source");
    if copied {
        chown(source.join("secret"), Some(12_345), Some(12_345))?;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let mut outsider = Command::new("sleep")
        .arg("60")
        .env("SECRET", marker)
        .spawn()?;
    let probes = PROBES_IN_A_BUILD
        .replace("@SOURCE@", source.to_str().unwrap())
        .replace("@MARKER@", marker)
        .replace("@OUTSIDER@", &outsider.id().to_string())
        .replace("@PORT@", &listener.local_addr()?.port().to_string());
    let buildpack = probing_buildpack(&fixture, &probes);

    let mut host: Environment = std::env::vars_os().collect();
    host.insert("SECRET".into(), marker.into());
    let mut options = compile_options(&fixture, buildpack);
    options.host_environment = host;
    let compiled = compile(&options, &slugbuilder_report::Silent);
    outsider.kill()?;
    outsider.wait()?;
    compiled?;
    let app = fixture.path("unpacked");
    slugbuilder::slug::unpack(
        &fixture.path("slug.tgz"),
        &app,
        slugbuilder_fetch::Limits::default(),
        &slugbuilder::stop::Stop::default(),
    )?;
    let results = std::fs::read_to_string(app.join("results"))?;
    let count = probes.lines().filter(|line| !line.is_empty()).count();
    assert_eq!(results.lines().count(), count, "{results}");
    for result in results.lines() {
        let (status, probe) = result.split_once(' ').unwrap();
        assert!(
            status != "0" && status != "127",
            "the probe `{probe}` ended with {status}"
        );
    }
    assert_eq!(
        std::fs::read_dir(&source)?.count(),
        1,
        "the source was written"
    );
    Ok(())
}

fn compile_options(fixture: &Fixture, buildpack: PathBuf) -> CompileOptions {
    CompileOptions {
        source: fixture.path("source"),
        root: None,
        output: fixture.path("slug.tgz"),
        manifest: fixture.path("slug.json"),
        stack: slugbuilder::stack::Stack::named("heroku-24").unwrap(),
        buildpacks: vec![BuildpackSource::Directory(buildpack)],
        order: None,
        cache_dir: fixture.path("cache"),
        cache_max_size: slugbuilder::cache::MAX_SIZE,
        reuse: Reuse::default(),
        all_files: false,
        keep_package_files: false,
        untrusted: false,
        config_vars: Environment::new(),
        secrets: std::collections::BTreeSet::new(),
        platform_variables: Environment::new(),
        host_environment: std::env::vars_os().collect(),
        credentials: Credentials::default(),
        locking: slugbuilder::lock::Locking::default(),
        network: false,
        deadline: Instant::now() + Duration::from_mins(1),
        interrupt: fixture.interrupt.clone(),
        source_date_epoch: None,
        compression: slugbuilder::archive::Compression::default(),
        max_size: 1 << 20,
        warn_size: 1 << 20,
    }
}

/// A buildpack that runs each line of `probes` and writes their statuses into the app.
fn probing_buildpack(fixture: &Fixture, probes: &str) -> PathBuf {
    let build = "#!/bin/bash\n\
        while IFS= read -r probe; do\n  [ -n \"$probe\" ] || continue\n  \
        bash -c \"$probe\" </dev/null >/dev/null 2>&1\n  echo \"$? $probe\" >> results\n\
        done < \"$CNB_BUILDPACK_DIR/probes\"\n";
    let folder = buildpack(fixture, build);
    std::fs::write(folder.join("probes"), probes).unwrap();
    folder
}

/// A buildpack that fits every app and whose `bin/build` is `build`.
fn buildpack(fixture: &Fixture, build: &str) -> PathBuf {
    let folder = fixture.path("buildpack");
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    std::fs::write(
        folder.join("buildpack.toml"),
        "api = '0.10'\n[buildpack]\nid = 'test/probes'\nversion = '1.0.0'\n[[targets]]\nos = 'linux'\n",
    )
    .unwrap();
    for (name, script) in [("detect", "#!/bin/bash\n"), ("build", build)] {
        let path = folder.join("bin").join(name);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn as_ordinary_user() -> Check {
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    let copy = folder.path().join("sandbox-tests");
    // By another process: a child that another test starts meanwhile would hold the copy open for writing, and nobody may run it then.
    let copied = Command::new("cp")
        .arg(std::env::current_exe()?)
        .arg(&copy)
        .status()?;
    assert!(copied.success());
    let home = folder.path().join("home");
    std::fs::create_dir(&home)?;
    chown(&home, Some(ORDINARY_UID), Some(ORDINARY_UID))?;
    let output = Command::new(&copy)
        .uid(ORDINARY_UID)
        .gid(ORDINARY_UID)
        .env("HOME", &home)
        .env("TMPDIR", &home)
        .env_remove("RUST_BACKTRACE")
        .current_dir("/")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("test result: ok"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
