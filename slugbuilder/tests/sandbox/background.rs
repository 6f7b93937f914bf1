//! Programs that run beside us, and a way into their network.

use super::{Check, Fixture, succeeds};
use slugbuilder::sandbox::{
    Environment, Executor as _, HostView, Invocation, Namespaced, Outcome, Program, SandboxError,
    Stream,
};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

/// Name of this executable when it serves as the program that listens.
pub(super) const LISTENER: &str = "test-listener";

/// Ports of the listener: of IPv4 and of IPv6.
const PORTS: [u16; 2] = [4004, 4006];

/// Says `4` and `6` to whoever connects, until it is killed.
pub(super) fn listen() {
    let [four, six] = PORTS;
    let listeners = [
        (TcpListener::bind(("127.0.0.1", four)).unwrap(), b"4"),
        (TcpListener::bind(("::1", six)).unwrap(), b"6"),
    ];
    std::io::stdout().write_all(b"listening\n").unwrap();
    std::thread::scope(|scope| {
        for (listener, name) in &listeners {
            scope.spawn(move || {
                for stream in listener.incoming() {
                    stream.unwrap().write_all(*name).unwrap();
                }
            });
        }
    });
}

fn shell(script: &str) -> Invocation {
    Invocation::new(Program::File("/bin/bash".into()), "/app")
        .argument("-c")
        .argument(script)
        .environment(Environment::from([("PATH".into(), "/usr/bin:/bin".into())]))
}

pub(super) fn beside_us() -> Check {
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    let script = "trap 'echo ended; exit 4' TERM; echo two >&2; sleep 1000 & echo one; wait";
    let (mut program, mut output, mut error) = sandbox.start_in_background(&shell(script))?;
    let mut said = [0u8; 4];
    output.read_exact(&mut said)?;
    assert_eq!(&said, b"one\n");
    assert_eq!(program.wait(Some(Instant::now()))?, None);
    program.terminate();
    let give_up = Instant::now() + Duration::from_mins(1);
    assert_eq!(program.wait(Some(give_up))?, Some(Outcome::Exited(4)));
    assert_eq!(program.wait(None)?, None);
    let mut rest = String::new();
    output.read_to_string(&mut rest)?;
    error.read_to_string(&mut rest)?;
    assert_eq!(rest, "ended\ntwo\n");
    Ok(())
}

pub(super) fn ends_when_dropped() -> Check {
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    let script = "trap '' TERM HUP; (trap '' TERM HUP; sleep 1000) & echo started; wait";
    let (program, mut output, _error) = sandbox.start_in_background(&shell(script))?;
    let mut said = [0u8; 8];
    output.read_exact(&mut said)?;
    drop(program);
    // Both have the other end of the pipe: this returns when both have ended.
    output.read_to_end(&mut Vec::new())?;
    Ok(())
}

pub(super) fn apart() -> Check {
    let fixture = Fixture::new();
    let sandbox = fixture.start();
    let mut lines = Vec::new();
    let script = "echo one; echo two >&2; printf three; printf four >&2";
    let outcome = sandbox.run_apart(&shell(script), &mut |stream, line| {
        lines.push((stream, String::from_utf8_lossy(line).into_owned()));
    })?;
    assert_eq!(outcome, Outcome::Exited(0));
    let of = |wanted: Stream| -> Vec<&str> {
        let lines = lines.iter().filter(|(stream, _)| *stream == wanted);
        lines.map(|(_, line)| line.as_str()).collect()
    };
    assert_eq!(of(Stream::Output), ["one", "three"]);
    assert_eq!(of(Stream::Error), ["two", "four"]);
    Ok(())
}

pub(super) fn door() -> Check {
    let fixture = Fixture::new();
    let mut options = fixture.options();
    options.network = false;
    let sandbox = Namespaced::start(&options)?;
    let door = sandbox.door()?;
    let refused = door.connect(PORTS[0]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    // A listener of ours is not in there.
    let ours = TcpListener::bind("127.0.0.1:0")?;
    door.connect(ours.local_addr()?.port()).unwrap_err();
    let invocation = Invocation::new(
        Program::Itself {
            argv0: LISTENER.into(),
        },
        "/",
    );
    let (_program, mut output, _error) = sandbox.start_in_background(&invocation)?;
    let mut said = [0u8; 10];
    output.read_exact(&mut said)?;
    std::thread::scope(|scope| {
        for (port, expected) in PORTS.into_iter().zip(["4", "6"]).cycle().take(20) {
            let door = &door;
            scope.spawn(move || {
                let mut answer = String::new();
                let mut stream = door.connect(port).unwrap();
                stream.read_to_string(&mut answer).unwrap();
                assert_eq!(answer, expected);
            });
        }
    });
    Ok(())
}

pub(super) fn shown() -> Check {
    let fixture = Fixture::new();
    let shared = fixture.folder("shared");
    let mut options = fixture.options();
    options.view = HostView::for_running()
        .with_link(Path::new("/workspace"), Path::new("app"))
        .with_mount(&shared, Path::new("/data/shared"));
    let sandbox = Namespaced::start(&options)?;
    let output = succeeds(
        &sandbox,
        "echo one > /workspace/file; echo two > /data/shared/file; cat /app/file",
    );
    assert_eq!(output, "one\n");
    assert_eq!(std::fs::read_to_string(shared.join("file"))?, "two\n");
    Ok(())
}

pub(super) fn mounted_below_links() -> Check {
    let fixture = Fixture::new();
    let (shared, outside) = (fixture.folder("shared"), fixture.folder("outside"));
    std::fs::write(shared.join("file"), "shared\n")?;
    symlink(&outside, fixture.path("app/away"))?;
    symlink(outside.join("file"), fixture.path("app/dangling"))?;
    symlink("/app/real", fixture.path("app/data"))?;
    fixture.folder("app/real");
    let start = |from: &Path, to: &str| {
        let mut options = fixture.options();
        options.view = HostView::for_running()
            .with_link(Path::new("/workspace"), Path::new("app"))
            .with_mount(from, Path::new(to));
        Namespaced::start(&options)
    };
    for (from, to) in [
        (&shared, "/workspace/away/new"),
        (&shared, "/app/away"),
        (&shared.join("file"), "/app/away/file"),
        (&shared.join("file"), "/app/dangling"),
    ] {
        let error = start(from, to).unwrap_err();
        let said = format!("binding {} at {to}", from.display());
        assert!(
            matches!(&error, SandboxError::SetUp { step, .. } if *step == said),
            "{error:?}"
        );
    }
    assert_eq!(std::fs::read_dir(&outside)?.count(), 0);
    let sandbox = start(&shared, "/workspace/data/new")?;
    assert_eq!(succeeds(&sandbox, "cat /app/real/new/file"), "shared\n");
    Ok(())
}
