//! Signals and the time limit while no program runs: while the source is read and the slug is written or unpacked.

use crate::context::{Context, ordinary};
use crate::invocation::eventually;
use crate::slug::entries;
use nix::sys::signal::Signal;
use std::fs;
use std::time::Duration;

/// Makes a file that takes minutes to read and no room on the disk.
fn endless(context: &Context, name: &str) {
    let file = fs::File::create(context.path(name)).unwrap();
    file.set_len(60 << 30).unwrap();
}

#[test]
fn a_signal_ends_the_writing_of_a_slug() {
    let context = Context::new(ordinary());
    context.ready_app("ready");
    endless(&context, "ready/endless");
    let mut archive = context.slugbuilder(["archive", "../ready"]).start();
    eventually("the slug's beginning", || {
        (!entries(&context.path("work")).is_empty()).then_some(())
    });
    archive.signal(Signal::SIGTERM);
    assert_eq!(archive.status(), 75);
    insta::assert_snapshot!(archive.output(), @"
    error[interrupted]: writing the slug was interrupted

      hint: Run the same command again; it starts afresh.
    ");
    assert_eq!(entries(&context.path("work")), Vec::<String>::new());
}

#[test]
fn the_time_limit_holds_for_what_is_no_program_too() {
    let context = Context::new(ordinary());
    context.node_app("app");
    endless(&context, "app/endless");
    let error = context
        .slugbuilder(["compile", "../app", "--timeout", "3s", "--quiet"])
        .fails(1);
    assert!(error.starts_with("error[timed-out]: "), "{error}");
    assert_eq!(entries(&context.path("work")), Vec::<String>::new());
}

#[test]
fn a_second_signal_ends_what_hangs() {
    let context = Context::new(ordinary());
    context.node_app("app");
    // A pipe that is full and that nobody reads: the plan can never be written.
    let script = "mkfifo pipe && exec 3<>pipe && timeout 1 cat /dev/zero >&3; \
        exec $SLUGBUILDER plan ../app >pipe";
    let mut plan = context.shell(script).start();
    eventually("the program", || {
        let name = fs::read_to_string(format!("/proc/{}/comm", plan.id())).unwrap();
        (name.trim() == "slugbuilder").then_some(())
    });
    std::thread::sleep(Duration::from_secs(3));
    plan.signal(Signal::SIGTERM);
    std::thread::sleep(Duration::from_millis(500));
    plan.signal(Signal::SIGTERM);
    eventually("its end", || {
        let state = fs::read_to_string(format!("/proc/{}/stat", plan.id())).unwrap();
        state.contains(") Z ").then_some(())
    });
    assert_eq!(plan.status(), 75);
}
