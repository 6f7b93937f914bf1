//! Which programs a process command starts, as far as that can be seen without running a shell.

use crate::runtime::Runtime;

/// The first word of every simple command of `command`: after the start, `&&`, `||`, `;`, `|` and `&`, with
/// assignments and the words `exec` and `env` passed over.
#[must_use]
pub fn programs(command: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at_start = true;
    for word in command.split_whitespace() {
        if matches!(word, "&&" | "||" | ";" | "|" | "&") {
            at_start = true;
            continue;
        }
        let is_prefix = matches!(word, "exec" | "env" | "time") || is_assignment(word);
        if at_start && !is_prefix {
            found.push(word.trim_end_matches(';'));
            at_start = false;
        }
        if word.ends_with(';') {
            at_start = true;
        }
    }
    found
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// The runtime whose program this is. Programs that the app brings itself (`bin/web`) are not known here.
#[must_use]
pub fn runtime_of(program: &str) -> Option<Runtime> {
    match program {
        "node" | "npm" | "npx" | "yarn" | "yarnpkg" | "pnpm" | "pnpx" => Some(Runtime::Node),
        "ruby" | "bundle" | "bundler" | "rake" | "gem" | "irb" | "erb" | "rackup" | "puma"
        | "rails" | "bin/rails" | "bin/rake" | "bin/bundle" => Some(Runtime::Ruby),
        _ => None,
    }
}

/// The stem that a command such as `bin/web` or `./web` names.
#[must_use]
pub fn own_program(program: &str) -> Option<&str> {
    let path = program.strip_prefix("./").unwrap_or(program);
    let stem = path.strip_prefix("bin/").unwrap_or(path);
    (!stem.is_empty() && !stem.contains('/') && stem != program).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_the_first_words() {
        for (command, expected) in [
            ("node web.js", vec!["node"]),
            ("PORT=1 NODE_ENV=production exec node web.js", vec!["node"]),
            ("env A=b ruby server.rb", vec!["ruby"]),
            (
                "rake db:migrate && bundle exec puma",
                vec!["rake", "bundle"],
            ),
            (
                "echo a; ./web --listen=1 | tee log",
                vec!["echo", "./web", "tee"],
            ),
            ("", vec![]),
        ] {
            assert_eq!(programs(command), expected, "{command}");
        }
    }

    #[test]
    fn the_apps_own_programs_have_a_stem() {
        for (program, stem) in [
            ("bin/web", Some("web")),
            ("./bin/web", Some("web")),
            ("./web", Some("web")),
            ("web", None),
            ("./script/run", None),
            ("bin/", None),
            ("/usr/bin/env", None),
        ] {
            assert_eq!(own_program(program), stem, "{program}");
        }
    }
}
