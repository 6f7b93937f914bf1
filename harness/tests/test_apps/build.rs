//! What comes of a build of an app: with the buildpack of this workspace, and with the languages' real runtimes.

use crate::check::{check_languages, check_warnings};
use crate::expect::{Build, Change, Command, Expect, File, Phase, Request};
use crate::pattern::{check_all, check_none};
use crate::setup;
use slugbuilder_test::{
    AppEntryKind, BuildConfig, BuildpackReference, ContainerConfig, PackResult, TestContext,
    TestRunner,
};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::rc::Rc;

/// The port that web processes listen on, each in a network of its own.
const PORT: u16 = 8080;

/// Builds the app and asks it; then builds it again, changed and unchanged.
pub(crate) fn check(app: &Path, expect: &Expect) {
    let changes = Rc::new(RefCell::new(Vec::new()));
    let config = config(app, expect, &changes);
    TestRunner::default().build(&config, |context| {
        check_secrets(&context, expect);
        if let Some(failure) = &expect.error {
            assert_eq!(failure.during, Phase::Build);
            let error = context.error().unwrap();
            assert_eq!(error.code, failure.code, "{}", context.pack_stderr);
            check_all("the error", &context.pack_stderr, &failure.text);
            return;
        }
        if let Some(build) = &expect.build {
            check_build(&context, build);
        }
        check_files(&context, &expect.files);
        check_commands(&context, &expect.commands);
        check_requests(&context, &expect.requests, expect);
        if let Some(cache) = &expect.cache {
            let unchanged = Change {
                hit: cache.hit.clone(),
                miss: cache.miss.clone(),
                output: cache.output.clone(),
                no_output: cache.no_output.clone(),
                files: expect.files.clone(),
                requests: expect.requests.clone(),
                ..Change::default()
            };
            let rebuilds = std::iter::once(unchanged).chain(cache.after.clone());
            rebuild(context, rebuilds.collect(), expect, &changes);
        }
    });
}

/// Changes that were made to the app so far.
type Changes = Rc<RefCell<Vec<Change>>>;

fn config(app: &Path, expect: &Expect, changes: &Changes) -> BuildConfig {
    let changes = Rc::clone(changes);
    let setup = expect.setup.clone();
    let mut config = BuildConfig::new(&expect.stack, app);
    config
        .buildpacks([BuildpackReference::WorkspaceBuildpack(
            "slugbuilder/slugbuilder".parse().unwrap(),
        )])
        .envs(
            expect
                .config_vars()
                .map(|(name, value)| (name.clone(), value.clone())),
        )
        .network(expect.needs_network())
        .downloads(Path::new(env!("CARGO_TARGET_TMPDIR")).join("test-apps-downloads"))
        .app_dir_preprocessor(move |copy| {
            std::fs::remove_file(copy.join("expect.toml")).unwrap();
            if let Some(setup) = &setup {
                setup::run(setup, &copy);
            }
            for change in changes.borrow().iter() {
                apply(change, &copy);
            }
        });
    if let Some(root) = &expect.root {
        config.root(root);
    }
    if expect.error.is_some() {
        config.expected_pack_result(PackResult::Failure);
    }
    config
}

fn apply(change: &Change, app: &Path) {
    for (path, content) in &change.write {
        let path = app.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    for path in &change.remove {
        let path = app.join(path);
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
}

fn check_build(context: &TestContext<'_>, build: &Build) {
    check_languages(&build.languages, &context.languages());
    assert_eq!(context.process_types(), build.processes, "the processes");
    check_all("the build", &context.pack_stdout, &build.output);
    check_none("the build", &context.pack_stdout, &build.no_output);
    let environment = context.launch_environment(None);
    for (name, pattern) in &build.launch_env {
        let value = environment.get(name).map_or("", String::as_str);
        check_all(name, value, std::slice::from_ref(pattern));
    }
    check_warnings(&build.warnings, &build.may_warn, context.warnings());
}

/// Asserts that the values of secrets are in nothing that the build said, and in no file that it made.
fn check_secrets(context: &TestContext<'_>, expect: &Expect) {
    for (name, value) in &expect.secrets {
        for said in [&context.pack_stdout, &context.pack_stderr] {
            assert!(!said.contains(value), "the build says what `{name}` is");
        }
        if context.error().is_none() {
            // grep's exit code is 1 where nothing was found, and 2 where it could not read everything.
            let search = format!("grep -rlF -e {} . && exit 1 || test $? = 1", quoted(value));
            let _ = context.run_shell_command(search);
        }
    }
}

/// A word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn check_files(context: &TestContext<'_>, expected: &[File]) {
    let files = context.files();
    for file in expected {
        let path = &file.path.0;
        if file.path.is_pattern() {
            let found = files.0.iter().find(|entry| file.path.matches(&entry.path));
            match found {
                Some(entry) => assert!(
                    file.there,
                    "the app has what it should not have: {}",
                    entry.path.display()
                ),
                None => assert!(!file.there, "the app has no `{path}`; it has:\n{files}"),
            }
            continue;
        }
        if !file.there {
            files.assert_not_there(path);
            continue;
        }
        files.assert_there(path);
        let entry = files.get(path).unwrap();
        if let Some(mode) = file.mode {
            assert_eq!(
                format!("{:o}", entry.mode),
                format!("{:o}", mode.0),
                "the mode of {path}"
            );
        }
        if !file.content.is_empty() {
            assert!(
                matches!(entry.kind, AppEntryKind::File(_)),
                "{path} is no file"
            );
            let output = context.run_shell_command(format!("cat -- {}", quoted(path)));
            check_all(path, &output.stdout, &file.content);
        }
    }
}

fn check_commands(context: &TestContext<'_>, commands: &[Command]) {
    for command in commands {
        let output = context.run_shell_command(&command.run);
        check_all(&command.run, &output.stdout, &command.stdout);
        check_all(&command.run, &output.stderr, &command.stderr);
    }
}

fn check_requests(context: &TestContext<'_>, requests: &[Request], expect: &Expect) {
    if requests.is_empty() {
        return;
    }
    let mut config = ContainerConfig::new();
    config
        .entrypoint("web")
        .env("PORT", PORT.to_string())
        .envs(expect.web_env.clone())
        .expose_port(PORT);
    context.start_container(config, |container| {
        for request in requests {
            let answer = ask(container.address_for_port(PORT), request);
            check_answer(request, &answer, &container.logs_now().to_string());
        }
    });
}

fn ask(address: SocketAddr, request: &Request) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let Request {
        method, path, send, ..
    } = request;
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\nContent-Length: {}\r\n",
        send.len()
    );
    for (name, value) in &request.headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    stream
        .write_all(format!("{text}\r\n{send}").as_bytes())
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn check_answer(request: &Request, answer: &str, logs: &str) {
    let Request { method, path, .. } = request;
    let what = format!("{method} {path}");
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        panic!("{what} was not answered: {answer:?}\n{logs}")
    };
    let status = head.split(' ').nth(1).unwrap_or_default();
    assert_eq!(
        status,
        request.status.to_string(),
        "{what}: {answer}\n{logs}"
    );
    for (name, pattern) in &request.answer_headers {
        let value = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value.trim());
        check_all(
            &format!("{what}: {name}"),
            value,
            std::slice::from_ref(pattern),
        );
    }
    check_all(&what, body, &request.body);
}

fn rebuild(
    context: TestContext<'_>,
    mut rebuilds: VecDeque<Change>,
    expect: &Expect,
    changes: &Changes,
) {
    let Some(change) = rebuilds.pop_front() else {
        return;
    };
    let mut config = context.config.clone();
    config.envs(change.env.clone());
    changes.borrow_mut().push(change.clone());
    context.rebuild(config, |context| {
        check_secrets(&context, expect);
        for layer in &change.hit {
            context.layers().assert_hit(layer);
        }
        for layer in &change.miss {
            context.layers().assert_miss(layer);
        }
        check_all("the build", &context.pack_stdout, &change.output);
        check_none("the build", &context.pack_stdout, &change.no_output);
        check_files(&context, &change.files);
        check_requests(&context, &change.requests, expect);
        rebuild(context, rebuilds, expect, changes);
    });
}
