use super::*;
use slugbuilder_report::{Diagnosis, Style};

const GO_MAIN: &str = "package main\nfunc main() {}\n";

fn plan_of(files: &[(&str, &str)]) -> Result<AppPlan, DetectError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    let app = App::open(folder.path()).unwrap();
    plan(
        &app,
        &Catalogues::embedded().unwrap(),
        Machine::Amd64,
        &Day::new("2026-11-21"),
        &NodeSettings::default(),
    )
}

fn languages_of(plan: &AppPlan) -> Vec<&str> {
    plan.languages
        .iter()
        .map(|language| language.runtime.name())
        .collect()
}

fn processes_of(plan: &AppPlan) -> Vec<String> {
    plan.processes
        .iter()
        .map(|process| format!("{}: {}", process.name, process.command))
        .collect()
}

fn warnings_of(plan: &AppPlan) -> String {
    plan.warnings
        .iter()
        .map(|warning| warning.render(Style::Plain))
        .collect()
}

fn error_of(files: &[(&str, &str)]) -> String {
    Diagnosis::of(&plan_of(files).unwrap_err()).render(Style::Plain)
}

#[test]
fn every_bare_file_is_found() {
    let mut count = 0;
    for (runtime, stems, suffixes) in BARE_FILES {
        for stem in stems {
            for suffix in suffixes {
                let file = format!("{stem}.{suffix}");
                let plan = plan_of(&[(&file, "")]).unwrap();
                assert_eq!(languages_of(&plan), [runtime.name()], "{file}");
                assert_eq!(
                    processes_of(&plan),
                    [format!("web: {} {file}", runtime.name())]
                );
                count += 1;
            }
        }
    }
    assert_eq!(count, 19);
}

/// What it is about, the app's files, its languages and its processes.
type Case<'a> = (
    &'a str,
    &'a [(&'a str, &'a str)],
    &'a [&'a str],
    &'a [&'a str],
);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn apps_have_the_languages_and_processes_of_the_table() {
    let cases: [Case; 19] = [
        (
            "one Go file",
            &[("hello.go", GO_MAIN)],
            &["go"],
            &["web: bin/hello"],
        ),
        (
            "two Go programs",
            &[("web.go", GO_MAIN), ("worker.go", GO_MAIN)],
            &["go"],
            &["web: bin/web", "worker: bin/worker"],
        ),
        (
            "web before server",
            &[("server.js", ""), ("web.mjs", "")],
            &["node"],
            &["web: node web.mjs"],
        ),
        (
            "js before mjs",
            &[("web.js", ""), ("web.mjs", "")],
            &["node"],
            &["web: node web.js"],
        ),
        (
            "a plain start script",
            &[
                ("package.json", r#"{"scripts": {"start": "node x.js"}}"#),
                ("web.js", ""),
            ],
            &["node"],
            &["web: node x.js"],
        ),
        (
            "a start script for npm",
            &[(
                "package.json",
                r#"{"scripts": {"start": "node x.js | cat"}}"#,
            )],
            &["node"],
            &["web: npm start"],
        ),
        (
            "main",
            &[
                ("package.json", r#"{"main": "src/x.js"}"#),
                ("src/x.js", ""),
            ],
            &["node"],
            &["web: node src/x.js"],
        ),
        (
            "main that is not there",
            &[("package.json", r#"{"main": "index.js"}"#), ("web.js", "")],
            &["node"],
            &["web: node web.js"],
        ),
        (
            "an empty package.json",
            &[("package.json", ""), ("web.js", "")],
            &["node"],
            &["web: node web.js"],
        ),
        (
            "an empty package.json beside Ruby",
            &[("package.json", "{}"), ("web.rb", "")],
            &["ruby"],
            &["web: ruby web.rb"],
        ),
        (
            "an empty Gemfile",
            &[("Gemfile", "source 'x'\n"), ("server.rb", "")],
            &["ruby"],
            &["web: ruby server.rb"],
        ),
        (
            "an empty go.mod",
            &[("go.mod", ""), ("web.go", GO_MAIN)],
            &["go"],
            &["web: bin/web"],
        ),
        (
            "a module without a slash",
            &[("go.mod", "module app\n"), ("main.go", GO_MAIN)],
            &["go"],
            &["web: bin/app"],
        ),
        (
            "a Procfile decides between languages",
            &[
                ("web.js", ""),
                ("server.rb", ""),
                ("Procfile", "web: ruby server.rb\n"),
            ],
            &["ruby"],
            &["web: ruby server.rb"],
        ),
        (
            "a Procfile with two languages",
            &[
                ("web.js", ""),
                (
                    "Procfile",
                    "web: node web.js\nworker: bundle exec rake jobs\n",
                ),
            ],
            &["node", "ruby"],
            &["web: node web.js", "worker: bundle exec rake jobs"],
        ),
        (
            "a Procfile that names no language",
            &[("web.js", ""), ("Procfile", "web: ./start.sh\n")],
            &["node"],
            &["web: ./start.sh"],
        ),
        (
            "a Procfile with Go programs and a stray script",
            &[
                ("web.go", GO_MAIN),
                ("app.js", ""),
                ("Procfile", "web: ./web\n"),
            ],
            &["go"],
            &["web: ./web"],
        ),
        (
            "names of a Procfile are kept",
            &[
                ("web.js", ""),
                (
                    "Procfile",
                    "web: node web.js\nmy_Worker-2: node worker.js\n",
                ),
            ],
            &["node"],
            &["web: node web.js", "my_Worker-2: node worker.js"],
        ),
        (
            "a Go program beside a manifest of Node.js without a process",
            &[
                ("web.go", GO_MAIN),
                ("package.json", r#"{"engines": {"node": "24.x"}}"#),
            ],
            &["node", "go"],
            &["web: bin/web"],
        ),
    ];
    for (what, files, languages, processes) in cases {
        let plan = plan_of(files).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(languages_of(&plan), languages, "{what}");
        assert_eq!(processes_of(&plan), processes, "{what}");
    }
}

#[test]
fn npm_is_kept_only_where_a_process_starts_it() {
    let start = |script: &str| {
        plan_of(&[(
            "package.json",
            &format!(r#"{{"scripts": {{"start": "{script}"}}}}"#),
        )])
        .unwrap()
    };
    assert!(!start("node web.js").needs_npm);
    assert!(start("next start").needs_npm);
    assert!(
        plan_of(&[("Procfile", "web: NODE_ENV=production npx serve\n")])
            .unwrap()
            .needs_npm
    );
}

#[test]
fn webrick_is_seen_where_no_gemfile_can_bring_it() {
    let webrick = |files: &[(&str, &str)]| {
        plan_of(files)
            .unwrap()
            .webrick
            .map(|origin| origin.to_string())
    };
    assert_eq!(
        webrick(&[("server.rb", "# x\nrequire 'webrick'\n")]),
        Some("server.rb:2".into())
    );
    assert_eq!(
        webrick(&[
            ("server.rb", "require './lib'"),
            ("lib.rb", "require(\"webrick/https\")")
        ]),
        Some("lib.rb:1".into())
    );
    assert_eq!(
        webrick(&[("server.rb", "# require 'webrick'\nrequire 'webrickish'\n")]),
        None
    );
    assert_eq!(
        webrick(&[("server.rb", "require 'webrick'"), ("Gemfile", "")]),
        None
    );
}

#[test]
fn losers_are_recorded_and_several_candidates_warned_of() {
    let plan = plan_of(&[("server.js", ""), ("web.js", ""), ("index.js", "")]).unwrap();
    let decision = plan
        .decisions
        .iter()
        .find(|decision| decision.subject == "process web")
        .unwrap();
    let text: Vec<String> = decision
        .candidates
        .iter()
        .map(|candidate| {
            format!(
                "{} ({}) {}",
                candidate.value, candidate.origin, candidate.verdict
            )
        })
        .collect();
    assert_eq!(
        text,
        [
            "node web.js (web.js) has a name that is looked for",
            "node server.js (server.js) is preceded by web.js",
            "node index.js (index.js) is preceded by web.js",
        ]
    );
    insta::assert_snapshot!(warnings_of(&plan), @r"
    warning[several-web-candidates]: the web process is `node web.js`; `node server.js`, `node index.js` could be it too
      hint: Write a Procfile with the line `web: node web.js`, or another one.
    ");
}

#[test]
fn apps_without_a_web_process_are_warned_of() {
    insta::assert_snapshot!(warnings_of(&plan_of(&[("Procfile", "worker: node worker.js\n")]).unwrap()), @r"
    warning[no-web-process]: the Procfile has no process type `web`, so nothing will answer HTTP requests
      hint: Add a line such as `web: node web.js`.
    ");
    let two = [("a.go", GO_MAIN), ("b.go", GO_MAIN)];
    insta::assert_snapshot!(warnings_of(&plan_of(&two).unwrap()), @r"
    warning[no-web-process]: none of `a`, `b` is called `web`, so nothing will answer HTTP requests
      hint: Write a Procfile with a line such as `web: bin/NAME`.
    ");
    let manifest = [("package.json", r#"{"engines": {"node": "24.x"}}"#)];
    insta::assert_snapshot!(warnings_of(&plan_of(&manifest).unwrap()), @r#"
    warning[no-web-process]: found no web process, so nothing will answer HTTP requests
      hint: Add a start script to package.json, such as `"start": "node server.js"`, or write a Procfile with a line such as `web: node server.js`.
    "#);
}

#[test]
fn go_at_launch_is_warned_of() {
    let plan = plan_of(&[
        ("web.go", GO_MAIN),
        ("Procfile", "web: bin/web\nseed: go run seed.go\n"),
    ])
    .unwrap();
    insta::assert_snapshot!(warnings_of(&plan), @r"
    warning[go-at-launch]: Procfile:2: `go` is needed to build only and will not be there
      hint: Start the program that was built: `bin/NAME`.
    ");
}

#[test]
fn no_language_says_what_was_looked_for_and_what_is_there() {
    insta::assert_snapshot!(error_of(&[("README.md", ""), ("src/x.py", "")]), @r"
    error[no-language]: found no Node.js, Ruby or Go app

      Looked at the root of the app for:
      - Node.js: {web,server,app,main,index}.{js,mjs,cjs} or package.json
      - Ruby: {web,server,app,main}.rb or Gemfile
      - Go: *.go of `package main` or go.mod
      - Procfile: a command that starts node, npm, ruby, bundle or rake
      Found there: README.md, src/.

      hint: Name the file that answers HTTP requests `web.js`, `web.rb` or `web.go`, or write a Procfile such as `web: node src/server.js`.
    ");
    assert!(error_of(&[]).contains("Found there: nothing."));
    let many: Vec<String> = (0..30).map(|index| format!("{index:02}.txt")).collect();
    let files: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    assert!(error_of(&files).contains("19.txt and 10 more."));
}

#[test]
fn two_languages_without_a_procfile_are_an_error() {
    insta::assert_snapshot!(error_of(&[("web.js", ""), ("server.rb", "")]), @r"
    error[ambiguous-web-process]: both `web.js` and `server.rb` could be the web process

      They are written in different languages, and there is no Procfile that chooses.

      hint: Write a file `Procfile` with one of these lines:
            web: node web.js
            web: ruby server.rb
    ");
}

#[test]
fn other_apps_that_cannot_be_built_have_an_error_each() {
    insta::assert_snapshot!(error_of(&[("Gemfile", "\ngem 'rack'\n")]), @r"
    error[ruby-dependencies-not-supported-yet]: `Gemfile` line 2 needs the gem `rack`, and there is no `vendor/bundle`

      This version of slugbuilder does not install packages yet.

      hint: Run `bundle install` with `BUNDLE_PATH=vendor/bundle` and let `vendor/bundle` be part of the source.
    ");
    insta::assert_snapshot!(error_of(&[("shared.go", "package main\n")]), @r"
    error[no-go-program]: no Go file has a `func main` in `package main`

      Looked at shared.go.

      hint: Add a `func main` to a file of `package main` at the root, or below `cmd/NAME` in a module.
    ");
    let twice = [
        ("go.mod", "module web\n"),
        ("main.go", GO_MAIN),
        ("cmd/web/main.go", GO_MAIN),
    ];
    insta::assert_snapshot!(error_of(&twice), @r"
    error[go-program-twice]: `.` and `./cmd/web` would both be built to `bin/web`

      hint: Rename `.`.
    ");
    assert!(plan_of(&[("Gemfile", "gem 'rack'"), ("vendor/bundle/x", "")]).is_ok());
}

/// The build plan's metadata is TOML, which has no null.
#[test]
fn the_plan_survives_toml() {
    let plan = plan_of(&[
        ("server.rb", ""),
        (".ruby-version", "3.3.9\n"),
        (".tool-versions", "ruby 3.2\n"),
    ])
    .unwrap();
    let text = toml::to_string(&plan.report()).unwrap();
    assert_eq!(
        toml::from_str::<slugbuilder_report::PhaseReport>(&text).unwrap(),
        plan.report()
    );
}

#[test]
fn names_that_are_not_utf8_are_no_candidates() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(
        folder
            .path()
            .join(std::ffi::OsStr::from_bytes(b"web\xff.js")),
        "",
    )
    .unwrap();
    let app = App::open(folder.path()).unwrap();
    let error = plan(
        &app,
        &Catalogues::embedded().unwrap(),
        Machine::Amd64,
        &Day::new("2026-11-21"),
        &NodeSettings::default(),
    )
    .unwrap_err();
    assert!(error.is_no_match());
}

#[test]
fn what_the_procfile_parser_says_becomes_warnings() {
    let procfile =
        "web: node web.js\nweb:node dropped.js\nmy-worker: node worker.js\nweb: node again.js\n";
    let plan = plan_of(&[("web.js", ""), ("Procfile", procfile)]).unwrap();
    assert_eq!(
        processes_of(&plan),
        ["web: node again.js", "my-worker: node worker.js"]
    );
    insta::assert_snapshot!(warnings_of(&plan), @r"
    warning[procfile-no-blank-after-colon]: Procfile:2: `web:node dropped.js` is dropped: there is no blank after the colon
      hint: Write `web: node dropped.js`.
    warning[procfile-duplicate]: Procfile:4: `web` is declared on line 1 already; this line replaces that one
      hint: Remove line 1 or line 4, or give one of them another name.
    ");
    assert!(plan_of(&[("Procfile", "\u{feff}web: node web.js\r\n")]).is_ok());
}

#[test]
fn the_table_of_bare_files_is_what_the_readme_says() {
    let readme = include_str!("../../README.md");
    for (runtime, stems, suffixes) in BARE_FILES {
        let row = format!(
            "| {runtime} | `{}` | `.{}` |",
            stems.join("`, `"),
            suffixes.join("`, `.")
        );
        assert!(readme.contains(&row), "{row}");
    }
}
