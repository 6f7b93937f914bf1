//! `plan`: the decisions, without building.

use crate::context::{Context, for_each_user, ordinary};
use crate::slug::{entries, fingerprint};
use std::path::{Path, PathBuf};

/// The apps that come with the project.
pub(crate) const APPS: [&str; 6] = [
    "node-bare",
    "node-bare-procfile",
    "ruby-bare",
    "ruby-bare-procfile",
    "go-bare",
    "go-bare-procfile",
];

pub(crate) fn test_app(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../test-apps")
        .join(name)
}

/// A copy of the test app that the user can reach.
pub(crate) fn copy_of(context: &Context, name: &str) -> PathBuf {
    for entry in std::fs::read_dir(test_app(name)).unwrap() {
        let file = entry.unwrap();
        // What the app should do, which is no part of it.
        if file.file_name() == "expect.toml" {
            continue;
        }
        let bytes = std::fs::read(file.path()).unwrap();
        context.write(Path::new(name).join(file.file_name()), bytes);
    }
    context.path(name)
}

/// `text` without the versions that a later catalogue may have others of.
fn without_versions(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        result.push_str(before);
        let end = number
            .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-' && c != 'x')
            .unwrap_or(number.len());
        let (number, after) = number.split_at(end);
        result.push_str(if number.contains(['.', '-']) {
            "[VERSION]"
        } else {
            number
        });
        rest = after;
    }
    result + rest
}

#[test]
#[expect(clippy::too_many_lines, reason = "six plans")]
fn every_test_app_has_a_plan() {
    let context = Context::new(ordinary());
    let plans: Vec<String> = APPS
        .iter()
        .map(|name| {
            let app = copy_of(&context, name);
            let ran = context.slugbuilder(["plan"]).argument(&app).succeeds();
            format!(
                "== {name}\n{}{}",
                without_versions(&ran.stderr),
                without_versions(&ran.stdout)
            )
        })
        .collect();
    insta::assert_snapshot!(plans.join("\n"), @r"
    == node-bare
    staged: 1 file

    language node: web.js
      * web.js  web.js  has a name that is looked for
      rule: The first evidence that counts makes a language of the app.

    process web: node web.js
      * node web.js  web.js  has a name that is looked for
      rule: Without a Procfile the first candidate in the order of precedence counts.

    node version: [VERSION]
      * [VERSION]  default of [VERSION]  is the default
      rule: The first request in the order of precedence counts.

    == node-bare-procfile
    staged: 4 files

    language node: node
      * node       Procfile:1  is started by the Procfile
      - node       Procfile:2  is started by the Procfile
      - node       Procfile:3  is started by the Procfile
      - server.js  server.js   does not count, because the Procfile names the languages
      rule: The first evidence that counts makes a language of the app.

    process web: node server.js
      * node server.js  Procfile:1  is the Procfile's
      rule: A Procfile alone says which processes there are.

    process worker: node worker.js
      * node worker.js  Procfile:2  is the Procfile's
      rule: A Procfile alone says which processes there are.

    process release: node release.js
      * node release.js  Procfile:3  is the Procfile's
      rule: A Procfile alone says which processes there are.

    node version: [VERSION]
      * [VERSION]  default of [VERSION]  is the default
      rule: The first request in the order of precedence counts.

    == ruby-bare
    staged: 1 file

    language ruby: server.rb
      * server.rb  server.rb  has a name that is looked for
      rule: The first evidence that counts makes a language of the app.

    process web: ruby server.rb
      * ruby server.rb  server.rb  has a name that is looked for
      rule: Without a Procfile the first candidate in the order of precedence counts.

    ruby version: [VERSION]
      * [VERSION]  default of [VERSION]  is the default
      rule: The first request in the order of precedence counts.

    == ruby-bare-procfile
    staged: 4 files

    language ruby: ruby
      * ruby    Procfile:1  is started by the Procfile
      - ruby    Procfile:2  is started by the Procfile
      - ruby    Procfile:3  is started by the Procfile
      - web.rb  web.rb      does not count, because the Procfile names the languages
      rule: The first evidence that counts makes a language of the app.

    process web: ruby web.rb
      * ruby web.rb  Procfile:1  is the Procfile's
      rule: A Procfile alone says which processes there are.

    process worker: ruby worker.rb
      * ruby worker.rb  Procfile:2  is the Procfile's
      rule: A Procfile alone says which processes there are.

    process release: ruby release.rb
      * ruby release.rb  Procfile:3  is the Procfile's
      rule: A Procfile alone says which processes there are.

    ruby version: [VERSION]
      * [VERSION]  default of [VERSION]  is the default
      rule: The first request in the order of precedence counts.

    == go-bare
    staged: 1 file

    language go: web.go
      * web.go  web.go  has a name that is looked for
      rule: The first evidence that counts makes a language of the app.

    process web: bin/web
      * bin/web  web.go  is the only program
      rule: Without a Procfile the first candidate in the order of precedence counts.

    go version: [VERSION]
      * [VERSION]  default of [VERSION]  is the default
      rule: The first request in the order of precedence counts.

    == go-bare-procfile
    staged: 5 files

    language go: bin/web
      * bin/web      Procfile:1   is started by the Procfile
      - bin/worker   Procfile:2   is started by the Procfile
      - bin/release  Procfile:3   is started by the Procfile
      - release.go   release.go   does not count, because the Procfile names the languages
      - web.go       web.go       does not count, because the Procfile names the languages
      - worker.go    worker.go    does not count, because the Procfile names the languages
      - greeting.go  greeting.go  does not count, because the Procfile names the languages
      rule: The first evidence that counts makes a language of the app.

    process web: bin/web
      * bin/web  Procfile:1  is the Procfile's
      rule: A Procfile alone says which processes there are.

    process worker: bin/worker
      * bin/worker  Procfile:2  is the Procfile's
      rule: A Procfile alone says which processes there are.

    process release: bin/release
      * bin/release  Procfile:3  is the Procfile's
      rule: A Procfile alone says which processes there are.

    go version: [VERSION]
      * [VERSION]  default of [VERSION]  is the default
      rule: The first request in the order of precedence counts.
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a whole document")]
fn the_plan_is_data_too() {
    let context = Context::new(ordinary());
    copy_of(&context, "node-bare-procfile");
    let ran = context
        .slugbuilder([
            "plan",
            "../node-bare-procfile",
            "--json",
            "--stack",
            "heroku-22",
        ])
        .succeeds();
    ran.json();
    insta::assert_snapshot!(without_versions(&ran.stdout), @r#"
    {
      "version": 1,
      "stack": "heroku-22",
      "staged": {
        "files": 4,
        "not_walked": []
      },
      "left_out": [],
      "languages": [
        {
          "name": "node",
          "requested": "[VERSION]",
          "requested_by": {
            "default": "default of [VERSION]"
          },
          "version": "[VERSION]"
        }
      ],
      "decisions": [
        {
          "subject": "language node",
          "rule": "The first evidence that counts makes a language of the app.",
          "candidates": [
            {
              "value": "node",
              "origin": {
                "file": {
                  "path": "Procfile",
                  "line": 1
                }
              },
              "verdict": "is started by the Procfile"
            },
            {
              "value": "node",
              "origin": {
                "file": {
                  "path": "Procfile",
                  "line": 2
                }
              },
              "verdict": "is started by the Procfile"
            },
            {
              "value": "node",
              "origin": {
                "file": {
                  "path": "Procfile",
                  "line": 3
                }
              },
              "verdict": "is started by the Procfile"
            },
            {
              "value": "server.js",
              "origin": {
                "file": {
                  "path": "server.js"
                }
              },
              "verdict": "does not count, because the Procfile names the languages"
            }
          ],
          "winner": 0
        },
        {
          "subject": "process web",
          "rule": "A Procfile alone says which processes there are.",
          "candidates": [
            {
              "value": "node server.js",
              "source": "Procfile",
              "origin": {
                "file": {
                  "path": "Procfile",
                  "line": 1
                }
              },
              "verdict": "is the Procfile's"
            }
          ],
          "winner": 0
        },
        {
          "subject": "process worker",
          "rule": "A Procfile alone says which processes there are.",
          "candidates": [
            {
              "value": "node worker.js",
              "source": "Procfile",
              "origin": {
                "file": {
                  "path": "Procfile",
                  "line": 2
                }
              },
              "verdict": "is the Procfile's"
            }
          ],
          "winner": 0
        },
        {
          "subject": "process release",
          "rule": "A Procfile alone says which processes there are.",
          "candidates": [
            {
              "value": "node release.js",
              "source": "Procfile",
              "origin": {
                "file": {
                  "path": "Procfile",
                  "line": 3
                }
              },
              "verdict": "is the Procfile's"
            }
          ],
          "winner": 0
        },
        {
          "subject": "node version",
          "outcome": "[VERSION]",
          "rule": "The first request in the order of precedence counts.",
          "candidates": [
            {
              "value": "[VERSION]",
              "source": "the default",
              "origin": {
                "default": "default of [VERSION]"
              },
              "verdict": "is the default"
            }
          ],
          "winner": 0
        }
      ],
      "warnings": []
    }
    "#);
    for name in APPS {
        copy_of(&context, name);
        let ran = context
            .slugbuilder(["plan", "--json"])
            .argument(context.path(name))
            .succeeds();
        let subjects: Vec<String> = ran.json()["decisions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|decision| decision["subject"].as_str().unwrap().to_owned())
            .collect();
        assert!(
            subjects.contains(&"process web".to_owned()),
            "{name}: {subjects:?}"
        );
        let language = name.split('-').next().unwrap();
        assert!(
            subjects.contains(&format!("language {language}")),
            "{name}: {subjects:?}"
        );
        assert!(
            subjects.contains(&format!("{language} version")),
            "{name}: {subjects:?}"
        );
    }
}

#[test]
fn planning_writes_nowhere() {
    for_each_user(|context| {
        let app = copy_of(context, "node-bare");
        let temporary = context.folder("tmp");
        let before = fingerprint(&app);
        context
            .slugbuilder(["plan"])
            .directory("node-bare")
            .env("TMPDIR", &temporary)
            .succeeds();
        assert_eq!(fingerprint(&app), before);
        for folder in ["home", "work", "tmp"] {
            assert_eq!(
                entries(&context.path(folder)),
                Vec::<String>::new(),
                "{folder}"
            );
        }
    });
}

#[test]
fn a_plan_needs_no_home_and_shows_what_is_left_out() {
    let context = Context::new(ordinary());
    context.node_app("app");
    context.write("app/.slugignore", "doc\n");
    context.write("app/doc/text", "12345");
    let ran = context
        .slugbuilder(["plan", "../app"])
        .without_env("HOME")
        .succeeds();
    insta::assert_snapshot!(ran.stdout, @r"
    staged: 3 files
    left out: doc, matching .slugignore

    language node: web.js
      * web.js  web.js  has a name that is looked for
      rule: The first evidence that counts makes a language of the app.

    process web: node web.js
      * node web.js  web.js  has a name that is looked for
      rule: Without a Procfile the first candidate in the order of precedence counts.

    node version: 24.21.0
      * 24.21.0  .node-version:1        is the first in the order of precedence
      - 24.x     default of 2026-11-21  is preceded by .node-version:1
      rule: The first request in the order of precedence counts.
    ");
}

#[test]
fn what_a_build_refuses_has_no_plan() {
    let context = Context::new(ordinary());
    let app = context.node_app("app");
    context.write("app/patterns", "*.ts\nsrc/{a,b\n");
    let plan = || context.slugbuilder(["plan", "-q"]).argument(&app);
    plan().succeeds();
    std::os::unix::fs::symlink("patterns", app.join(".slugignore-after-build")).unwrap();
    insta::assert_snapshot!(plan().fails(1), @"
    error[slugignore-line]: `.slugignore-after-build` line 2: `src/{a,b` cannot be followed: one of its braces has no other one

      hint: Write `{a,b}`; a backslash before a brace makes it an ordinary character.
    ");
    context.write("app/patterns", "*.ts\n");
    plan().succeeds();
}
