//! `slugbuilder config`

use super::platform::{Connection, app_here, text};
use crate::arguments::{ConfigArguments, Setting, VariableArguments};
use crate::environment;
use crate::failure::{Failure, UsageError};
use crate::printer::{Printer, count, print_data, print_json};
use slugbuilder::api::Api;
use slugbuilder::api::types::ConfigVarsUpdate;
use slugbuilder::sandbox::Environment;
use slugbuilder_report::{Event, Reporter as _};
use std::process::ExitCode;

pub(super) fn run(arguments: &ConfigArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let app = app_here(&arguments.app)?;
    let asked = Asked::of(arguments)?;
    let Connection { api, .. } = Connection::new(&arguments.app.api)?;
    match asked {
        Asked::All => all(&api, &app, arguments.json, printer)?,
        Asked::Value(name) => value(&api, app, name, arguments.json, printer)?,
        Asked::Change(update) => change(&api, &app, &update, arguments.json, printer)?,
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

fn change(
    api: &Api,
    app: &str,
    update: &ConfigVarsUpdate,
    json: bool,
    printer: &Printer,
) -> Result<(), Failure> {
    let vars = api.update_config_vars(app, update, printer)?;
    let (set, unset) = update.values().fold((0, 0), |(set, unset), value| {
        if value.is_some() {
            (set + 1, unset)
        } else {
            (set, unset + 1)
        }
    });
    let parts: Vec<String> = [("Set", set), ("Removed", unset)]
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(what, number)| format!("{what} {}", count(number, "config var")))
        .collect();
    printer.report(Event::Step(&format!("{app}: {}", parts.join(", "))));
    if json {
        print_json(&vars)?;
    }
    Ok(())
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
}
