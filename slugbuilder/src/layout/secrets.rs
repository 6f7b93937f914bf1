//! Secrets that a buildpack has made up and put into a layer, as heroku/ruby does with `SECRET_KEY_BASE` (pitfall 6 of
//! section 2.11 of the reference), or into the command of a process. In an image they are as exposed as in a slug; but
//! slugs are kept, copied and promoted.
//!
//! What is found are names that tell, and addresses with a password in them. Whatever else it is that looks random, an
//! app has a lot of that. No value is ever shown.

use crate::cnb::{Action, LaunchEnvironment, Operation, Process};
use crate::secrets::telling::{has_password, is_telling, may_be_secret};
use slugbuilder_report::Warning;
use std::collections::{BTreeMap, BTreeSet};

/// A warning for each variable of the launch environment that looks as if it held a secret.
pub(super) fn in_variables(launch: &LaunchEnvironment) -> Vec<Warning> {
    let mut found = BTreeMap::new();
    for operation in &launch.operations {
        let modification = &operation.modification;
        let value = modification.value.to_string_lossy();
        let by_name = is_telling(&modification.variable.to_string_lossy()) && may_be_secret(&value);
        if by_name || has_password(&value) {
            found
                .entry((&modification.variable, &operation.buildpack))
                .or_insert((operation, by_name));
        }
    }
    let warning = |(operation, by_name): &(&Operation, bool)| {
        let name = operation.modification.variable.display();
        let what = if *by_name {
            "its value"
        } else {
            "the password in it"
        };
        let warning = Warning::new(
            "secret-in-slug",
            format!(
                "the layer `{}` of buildpack `{}` sets `{name}` when the app starts: whoever has the slug can read {what}",
                operation.layer, operation.buildpack
            ),
        );
        match (&operation.modification.action, by_name) {
            (Action::Default, true) => warning.hint(format!(
                "Set `{name}` as a config var, for example to 64 random bytes in hexadecimal; it wins over that value."
            )),
            (Action::Default, false) => warning.hint(format!(
                "Set `{name}` as a config var, with another password; it wins over that value."
            )),
            _ => warning.hint(
                "Ask the authors of the buildpack to make it a default, which a config var can replace.",
            ),
        }
    };
    found.values().map(warning).collect()
}

/// A warning for each process and each option, assignment or address in its command that looks as if it held a secret.
pub(super) fn in_processes(processes: &[Process]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for process in processes {
        for place in places_in(process) {
            warnings.push(
                Warning::new(
                    "secret-in-slug",
                    format!(
                        "the command of the process `{}` of buildpack `{}` has a secret in it ({place}): whoever has the slug can read it",
                        process.r#type, process.buildpack
                    ),
                )
                .hint("Let the program take it from a config var, and change it: it is known by now."),
            );
        }
    }
    warnings
}

/// Where secrets are in a command, in words without their values.
fn places_in(process: &Process) -> BTreeSet<String> {
    // A word can be a script, with words of its own.
    let words: Vec<&str> = process
        .command
        .iter()
        .chain(&process.args)
        .flat_map(|word| word.split_whitespace())
        .map(|word| word.trim_matches(['"', '\'', ';']))
        .collect();
    let mut places = BTreeSet::new();
    for (index, word) in words.iter().enumerate() {
        if has_password(word) {
            places.insert("an address with a password".to_owned());
        }
        let (name, value, is_apart) = match word.split_once('=') {
            Some((name, value)) => (name, value, false),
            None if word.starts_with('-') => match words.get(index + 1) {
                Some(next) => (*word, *next, true),
                None => continue,
            },
            None => continue,
        };
        // What follows an option is its value only perhaps: a program, a file and another option are none.
        let is_value = !is_apart || !value.starts_with(['-', '/', '.']);
        if is_name(name) && is_telling(name) && is_value && may_be_secret(value) {
            places.insert(format!("`{name}`"));
        }
    }
    places
}

/// Whether `name` can be that of an option or a variable, so that it can be shown.
fn is_name(name: &str) -> bool {
    let bare = name.trim_start_matches('-');
    bare.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && bare
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cnb::Modification;
    use slugbuilder_report::Style;

    fn operation(variable: &str, action: Action, value: &str) -> Operation {
        Operation {
            buildpack: "acme/b".into(),
            layer: "env".into(),
            process: None,
            modification: Modification {
                variable: variable.into(),
                action,
                value: value.into(),
            },
        }
    }

    #[test]
    fn secrets_are_named_but_not_shown() {
        let launch = LaunchEnvironment {
            operations: vec![
                operation("SECRET_KEY_BASE", Action::Default, "hunter2"),
                operation("SECRET_KEY_BASE", Action::Default, "hunter3"),
                operation("db_password", Action::Override, "hunter2"),
                operation("TOKEN_FILE", Action::Override, "/x"),
                operation("API_TOKEN", Action::Default, ""),
                operation("RAILS_ENV", Action::Default, "production"),
            ],
            ..LaunchEnvironment::default()
        };
        let text: String = in_variables(&launch)
            .iter()
            .map(|warning| warning.render(Style::Plain))
            .collect();
        assert!(!text.contains("hunter"));
        insta::assert_snapshot!(text, @r"
        warning[secret-in-slug]: the layer `env` of buildpack `acme/b` sets `SECRET_KEY_BASE` when the app starts: whoever has the slug can read its value
          hint: Set `SECRET_KEY_BASE` as a config var, for example to 64 random bytes in hexadecimal; it wins over that value.
        warning[secret-in-slug]: the layer `env` of buildpack `acme/b` sets `db_password` when the app starts: whoever has the slug can read its value
          hint: Ask the authors of the buildpack to make it a default, which a config var can replace.
        ");
    }

    fn variables(variables: &[(&str, &str)]) -> String {
        let launch = LaunchEnvironment {
            operations: variables
                .iter()
                .map(|(name, value)| operation(name, Action::Default, value))
                .collect(),
            ..LaunchEnvironment::default()
        };
        let warnings = in_variables(&launch);
        warnings
            .iter()
            .map(|warning| warning.render(Style::Plain))
            .collect()
    }

    #[test]
    fn names_that_tell_and_names_that_do_not() {
        for name in [
            "DB_PASS",
            "pass",
            "MYSQL_PWD",
            "GITHUB_TOKEN",
            "ACCESSTOKEN",
            "api.token",
            "SECRETS",
            "GPG_PASSPHRASE",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            let text = variables(&[(name, "hunter2")]);
            assert!(text.contains(&format!("sets `{name}`")), "{name}: {text}");
            assert!(!text.contains("hunter"), "{text}");
        }
        for (name, value) in [
            ("COMPASS", "north"),
            ("BYPASS", "x"),
            ("PASS_THROUGH", "x"),
            ("PASSENGER_APP_ENV", "production"),
            ("PWD", "/app"),
            ("OLDPWD", "/app"),
            ("TOKENIZER", "gpt2"),
            ("TOKENIZERS_PARALLELISM", "x"),
            ("MAX_TOKENS", "4096"),
            ("TOKEN_LIMIT", "unlimited"),
            ("SECRET_SCAN", "False"),
            ("PASSWORD_FILE", "/run/password"),
            ("TOKEN_URL", "https://auth.example.com/token"),
            ("DB_PASS", "${OTHER}"),
            ("DB_PASS", ""),
        ] {
            assert_eq!(variables(&[(name, value)]), "", "{name}");
        }
    }

    #[test]
    fn addresses_with_a_password_are_told_but_not_shown() {
        insta::assert_snapshot!(variables(&[("DATABASE_URL", "postgres://app:hunter2@db.example.com:5432/app")]), @r"
        warning[secret-in-slug]: the layer `env` of buildpack `acme/b` sets `DATABASE_URL` when the app starts: whoever has the slug can read the password in it
          hint: Set `DATABASE_URL` as a config var, with another password; it wins over that value.
        ");
        for value in [
            "redis://:hunter2@localhost",
            "a https://x/y,mongodb+srv://u:hunter2@h/?x",
            "amqp://u:p@ss@h",
        ] {
            assert!(has_password(value), "{value}");
        }
        for value in [
            "https://example.com:8080/a@b",
            "http://[::1]:80/",
            "ssh://git@example.com/x",
            "https://user:@example.com",
            "https://user:$PASS@example.com",
            "https://user:pass@",
            "user:pass@example.com",
            "://user:pass@example.com",
            "https://example.com/?a=b:c@d",
            "https://a.example.com:1 b@c",
        ] {
            assert!(!has_password(value), "{value}");
        }
    }

    fn process(words: &[&str]) -> Vec<Warning> {
        let (command, args) = words.split_at(1);
        in_processes(&[Process {
            r#type: "web".into(),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            args: args.iter().map(|word| (*word).to_owned()).collect(),
            default: false,
            working_directory: None,
            buildpack: "acme/b".into(),
        }])
    }

    #[test]
    fn secrets_in_commands_are_told_but_not_shown() {
        let text = |words: &[&str]| -> String {
            let warnings = process(words);
            warnings
                .iter()
                .map(|warning| warning.render(Style::Plain))
                .collect()
        };
        insta::assert_snapshot!(text(&["x", "--token=hunter2", "--db", "postgres://u:hunter2@h/d"]), @r"
        warning[secret-in-slug]: the command of the process `web` of buildpack `acme/b` has a secret in it (`--token`): whoever has the slug can read it
          hint: Let the program take it from a config var, and change it: it is known by now.
        warning[secret-in-slug]: the command of the process `web` of buildpack `acme/b` has a secret in it (an address with a password): whoever has the slug can read it
          hint: Let the program take it from a config var, and change it: it is known by now.
        ");
        for words in [
            &["x", "--db-pass", "hunter2"][..],
            &["x", "-token=hunter2"],
            &["env", "API_KEY=hunter2", "x"],
            &["bash", "-c", "SECRET='hunter2' exec x"],
            &["bash", "-c", "x --token \"hunter2\"; true"],
        ] {
            let text = text(words);
            assert_eq!(text.matches("secret-in-slug").count(), 1, "{words:?}");
            assert!(!text.contains("hunter"), "{text}");
        }
    }

    #[test]
    fn commands_without_secrets_are_not_told() {
        for words in [
            &["node", "web.js"][..],
            &["bash", "-c", "x --token=$TOKEN --pass \"$PASS\""],
            &["bash", "-c", "TOKEN=${TOKEN:-} x"],
            &["x", "--token"],
            &["x", "--token", "--port=80"],
            &["x", "--token-file", "secret.txt"],
            &["x", "--token-file=secret.txt"],
            &["x", "--password", "./start"],
            &["x", "--max-tokens=4096", "--secret-scan=off"],
            &["x", "https://example.com/?token=abc"],
            &["token", "secret"],
        ] {
            assert_eq!(process(words), [], "{words:?}");
        }
    }
}
