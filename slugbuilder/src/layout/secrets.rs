//! Secrets that a buildpack has made up and put into a layer, as heroku/ruby does with `SECRET_KEY_BASE` (pitfall 6 of
//! section 2.11 of the reference). In an image they are as exposed as in a slug; but slugs are kept, copied and promoted.

use crate::cnb::{Action, LaunchEnvironment};
use slugbuilder_report::Warning;
use std::collections::BTreeMap;

/// Parts of the names of variables that hold a secret.
const TELLING: [&str; 9] = [
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "TOKEN",
    "PRIVATE_KEY",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "CREDENTIAL",
];

/// Ends of the names of variables that only say where something is.
const PLACES: [&str; 5] = ["_FILE", "_PATH", "_DIR", "_URL", "_NAME"];

/// A warning for each variable of the launch environment that looks as if it held a secret. No value is ever shown.
pub(super) fn warnings(launch: &LaunchEnvironment) -> Vec<Warning> {
    let mut found = BTreeMap::new();
    for operation in &launch.operations {
        let modification = &operation.modification;
        let name = modification.variable.to_string_lossy().to_ascii_uppercase();
        if !modification.value.is_empty()
            && TELLING.iter().any(|part| name.contains(part))
            && !PLACES.iter().any(|end| name.ends_with(end))
        {
            found
                .entry((&modification.variable, &operation.buildpack))
                .or_insert(operation);
        }
    }
    let warning = |operation: &&crate::cnb::Operation| {
        let name = operation.modification.variable.display();
        let warning = Warning::new(
            "secret-in-slug",
            format!(
                "the layer `{}` of buildpack `{}` sets `{name}` when the app starts: whoever has the slug can read its value",
                operation.layer, operation.buildpack
            ),
        );
        if operation.modification.action == Action::Default {
            warning.hint(format!(
                "Set `{name}` as a config var, for example to 64 random bytes in hexadecimal; it wins over that value."
            ))
        } else {
            warning.hint("Ask the authors of the buildpack to make it a default, which a config var can replace.")
        }
    };
    found.values().map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cnb::{Modification, Operation};
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
        let text: String = warnings(&launch)
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
}
