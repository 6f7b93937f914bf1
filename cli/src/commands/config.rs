//! `slugbuilder config`

use super::platform::{Connection, Purpose, app_here, text};
use crate::arguments::{ConfigArguments, Setting, VariableArguments};
use crate::environment;
use crate::failure::{Failure, UsageError};
use crate::printer::{Printer, one_line, print_data, print_json};
use slugbuilder::api::types::{ConfigVars, ConfigVarsUpdate};
use slugbuilder::api::{Api, Newest};
use slugbuilder::sandbox::Environment;
use slugbuilder_report::{Event, Reporter as _};
use std::process::ExitCode;

pub(super) fn run(arguments: &ConfigArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let app = app_here(&arguments.app)?;
    let asked = Asked::of(arguments)?;
    let purpose = match asked {
        Asked::Change(_) => Purpose::Change,
        _ => Purpose::Read,
    };
    let connection = Connection::new(&arguments.app.api, purpose)?;
    let api = &connection.api;
    match asked {
        Asked::All => all(api, &app, arguments.json, printer)?,
        Asked::Value(name) => value(api, app, name, arguments.json, printer)?,
        Asked::Change(update) => change(&connection, &app, &update, arguments.json, printer)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What the arguments ask for together.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    All,
    Value(String),
    Change(ConfigVarsUpdate),
}

impl Asked {
    fn of(arguments: &ConfigArguments) -> Result<Self, UsageError> {
        if let [Setting::Show(name)] = arguments.settings.as_slice()
            && arguments.unset.is_empty()
            && arguments.env_file.is_empty()
        {
            return Ok(Self::Value(name.clone()));
        }
        let mut update: ConfigVarsUpdate = of_files(arguments)?;
        for name in &arguments.unset {
            update.insert(name.clone(), None);
        }
        for setting in &arguments.settings {
            match setting {
                Setting::Set(name, _) if arguments.unset.contains(name) => {
                    return Err(UsageError::SetAndUnset { name: name.clone() });
                }
                Setting::Set(name, value) => {
                    update.insert(name.clone(), Some(value.clone()));
                }
                Setting::Show(name) => {
                    return Err(UsageError::ShowAndChange { name: name.clone() });
                }
            }
        }
        if update.is_empty() {
            return Ok(Self::All);
        }
        Ok(Self::Change(update))
    }
}

/// The config vars of `--env-file`.
fn of_files(arguments: &ConfigArguments) -> Result<ConfigVarsUpdate, UsageError> {
    let files = VariableArguments {
        env: Vec::new(),
        env_file: arguments.env_file.clone(),
    };
    // Values come from the file alone.
    environment::config_vars(&files, &Environment::new())?
        .into_iter()
        .map(|(name, value)| {
            let shown = name.to_string_lossy().into_owned();
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => Ok((name, Some(value))),
                _ => Err(UsageError::ConfigVarText(shown)),
            }
        })
        .collect()
}

fn all(api: &Api, app: &str, json: bool, printer: &Printer) -> Result<(), Failure> {
    let vars = api.config_vars(app, printer)?;
    if json {
        print_json(&vars)?;
    } else if vars.is_empty() {
        printer.say(&format!("{app} has no config vars"));
    } else {
        print_data(&text::config_vars(&vars).join("\n"))?;
    }
    Ok(())
}

/// As it is: a script wants to use it.
fn value(
    api: &Api,
    app: String,
    name: String,
    json: bool,
    printer: &Printer,
) -> Result<(), Failure> {
    let vars = api.config_vars(&app, printer)?;
    let Some(value) = vars.get(&name) else {
        return Err(UsageError::NoConfigVar { app, name }.into());
    };
    if json {
        print_json(value)?;
    } else {
        print_data(value)?;
    }
    Ok(())
}

/// Says what has changed, and waits for the release that comes of it.
fn change(
    connection: &Connection,
    app: &str,
    update: &ConfigVarsUpdate,
    json: bool,
    printer: &Printer,
) -> Result<(), Failure> {
    let api = &connection.api;
    let before = api.config_vars(app, printer)?;
    let vars = if let Some(changes) = changes(&before, update) {
        let vars = api.update_config_vars(app, update, printer)?;
        let newest = api.releases(app, Newest::Only(1), printer)?;
        let version = newest.first().map(|release| release.version);
        let version = version.map_or_else(String::new, |version| format!(" (v{version})"));
        printer.report(Event::Step(&format!("{app}: {changes}{version}")));
        if let Some(release) = newest.first() {
            connection.follow(release, printer)?;
        }
        vars
    } else {
        printer.report(Event::Step(&format!(
            "{app}: nothing to change, and no release"
        )));
        before
    };
    if json {
        print_json(&vars)?;
    }
    Ok(())
}

/// What `update` changes of the config vars that there are, by name; nothing if they are so already.
fn changes(before: &ConfigVars, update: &ConfigVarsUpdate) -> Option<String> {
    let names = |is_of: fn(&Option<String>) -> bool| {
        let changed = update
            .iter()
            .filter(|(name, value)| is_of(value) && before.get(*name) != value.as_ref());
        changed
            .map(|(name, _)| one_line(name))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let parts: Vec<String> = [
        ("set", names(Option::is_some)),
        ("removed", names(Option::is_none)),
    ]
    .into_iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(what, names)| format!("{what} {names}"))
    .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, Command};
    use clap::Parser as _;

    fn asked(words: &[&str]) -> Result<Asked, UsageError> {
        let words = [&["slugbuilder", "config", "--app", "my-app"], words].concat();
        match Arguments::try_parse_from(words).unwrap().command {
            Command::Config(arguments) => Asked::of(&arguments),
            _ => unreachable!(),
        }
    }

    #[test]
    fn what_is_asked_for_is_shown_or_changed_but_not_both() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vars");
        std::fs::write(&file, "A=file\nB='of file'\n").unwrap();
        let file = file.to_str().unwrap();
        assert_eq!(asked(&[]).unwrap(), Asked::All);
        assert_eq!(asked(&["A"]).unwrap(), Asked::Value("A".into()));
        let change = |pairs: &[(&str, Option<&str>)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)));
            Asked::Change(pairs.collect())
        };
        assert_eq!(
            asked(&["A=1", "--env-file", file, "--unset", "C"]).unwrap(),
            change(&[("A", Some("1")), ("B", Some("of file")), ("C", None)])
        );
        for mixed in [&["A", "B=1"][..], &["A", "B"], &["A", "--unset", "B"]] {
            let error = asked(mixed).unwrap_err();
            assert!(
                matches!(error, UsageError::ShowAndChange { .. }),
                "{mixed:?}"
            );
        }
        assert!(matches!(
            asked(&["A=1", "--unset", "A"]).unwrap_err(),
            UsageError::SetAndUnset { .. }
        ));
        std::fs::write(file, b"A=\xff\n").unwrap();
        assert!(matches!(
            asked(&["--env-file", file]).unwrap_err(),
            UsageError::ConfigVarText(_)
        ));
    }
    #[test]
    fn a_change_is_told_by_its_names() {
        let vars = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<ConfigVars>()
        };
        let before = vars(&[("A", "1"), ("B", "2"), ("C", "")]);
        let update = |pairs: &[(&str, Option<&str>)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)));
            changes(&before, &pairs.collect())
        };
        assert_eq!(
            update(&[("A", Some("2")), ("B", None), ("D", Some("")), ("X", None)]).as_deref(),
            Some("set A, D; removed B")
        );
        assert_eq!(update(&[("C", None)]).as_deref(), Some("removed C"));
        assert_eq!(update(&[("A", Some("1")), ("X", None)]), None);
    }
}
