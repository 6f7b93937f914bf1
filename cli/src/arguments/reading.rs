//! How the command line is read: what clap cannot be told of by attributes.

use super::{Arguments, Command};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use std::ffi::OsString;

/// What `deploy --slug` takes: everything else is for a build, which there is none of.
const WITH_SLUG: [&str; 11] = [
    "slug",
    "app",
    "api_url",
    "api_key_file",
    "description",
    "force_upload",
    "json",
    "cache_dir",
    "stack",
    "quiet",
    "color",
];

impl Arguments {
    /// The arguments of this process, the first word being its own name.
    pub(crate) fn read<W>(words: impl IntoIterator<Item = W>) -> Result<Self, clap::Error>
    where
        W: Into<OsString> + Clone,
    {
        let mut command = without_empty_variables(Self::command());
        let matches = command.try_get_matches_from_mut(words)?;
        let mut arguments = Self::from_arg_matches(&matches)?;
        if let (Command::Deploy(deploy), Some((_, matches))) =
            (&mut arguments.command, matches.subcommand())
        {
            deploy.stack_is_named = is_written(matches, "stack");
            if deploy.slug.is_some() {
                check_slug_only(&mut command, matches)?;
            }
        }
        Ok(arguments)
    }
}

/// An empty variable is how CI says that there is none.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| {
            let value = argument.get_env().and_then(std::env::var_os);
            if value.is_some_and(|value| value.is_empty()) {
                argument.env(None)
            } else {
                argument
            }
        })
        .mut_subcommands(without_empty_variables)
}

/// Whether an argument stands on the command line, rather than in a variable.
fn is_written(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// Nothing that was asked for may be passed over.
fn check_slug_only(command: &mut clap::Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some(deploy) = command.find_subcommand_mut("deploy") else {
        return Ok(());
    };
    let unused = deploy.get_arguments().find(|argument| {
        let id = argument.get_id().as_str();
        !WITH_SLUG.contains(&id) && is_written(matches, id)
    });
    let Some(unused) = unused.map(ToString::to_string) else {
        return Ok(());
    };
    Err(deploy.error(
        ErrorKind::ArgumentConflict,
        format!("the argument '--slug <FILE>' cannot be used with '{unused}': nothing is compiled"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deploy(words: &[&str]) -> Result<Box<super::super::DeployArguments>, clap::Error> {
        let words = [&["slugbuilder", "deploy", "--app", "my-app"], words].concat();
        match Arguments::read(words)?.command {
            Command::Deploy(arguments) => Ok(arguments),
            _ => unreachable!(),
        }
    }

    #[test]
    fn what_is_for_a_build_is_refused_where_there_is_none() {
        for words in [
            &["--cache-dir", "x", "--quiet"][..],
            &["--stack", "heroku-22", "-d", "text", "--json"],
            &["--force-upload", "--color", "never"],
            &["--api-url", "heroku.com", "--api-key-file", "key"],
        ] {
            let words = [&["--slug", "slug.tgz"], words].concat();
            assert!(deploy(&words).is_ok(), "{words:?}");
        }
        for words in [
            &["src"][..],
            &["-o", "x.tgz"],
            &["--lock"],
            &["--locked"],
            &["--secret", "A=b"],
            &["--secret-file", "x"],
            &["--env", "A=b"],
            &["--env-file", "x"],
            &["--mirror", "x"],
            &["--offline"],
            &["--timeout", "15m"],
            &["--max-size", "10"],
            &["--compression", "best"],
            &["--cache-max-size", "1GB"],
            &["--rebuild"],
            &["--clear-cache"],
            &["--root", "x"],
            &["--all-files"],
            &["--with-credentials", "npm"],
            &["--buildpack", "x"],
        ] {
            let error = deploy(&[&["--slug", "slug.tgz"], words].concat()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ArgumentConflict, "{words:?}");
            assert!(deploy(words).is_ok(), "{words:?}");
        }
        insta::assert_snapshot!(deploy(&["--slug", "slug.tgz", "--offline"]).unwrap_err().to_string().lines().next().unwrap(),
            @"error: the argument '--slug <FILE>' cannot be used with '--offline': nothing is compiled");
    }

    #[test]
    fn a_stack_is_named_on_the_command_line() {
        assert!(deploy(&["--stack", "heroku-24"]).unwrap().stack_is_named);
        assert!(!deploy(&[]).unwrap().stack_is_named);
    }
}
