//! What the command line says of the Platform API and of apps there.

use clap::Args;
use std::path::PathBuf;

/// How the API is reached.
#[derive(Debug, Clone, Args)]
pub(crate) struct ApiArguments {
    /// The Platform API [default: `https://api.heroku.com`]. `NAME` stands for `https://api.NAME`, as in Heroku's tools.
    #[arg(long, env = "HEROKU_HOST", value_name = "URL")]
    pub(crate) api_url: Option<String>,
    /// A file with the API token [default: `HEROKU_API_KEY`, else what `~/.netrc` has for the API's host].
    #[arg(long, value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,
}

/// Which app is meant.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppArguments {
    /// The app, by name or id [default: that of the git remote `heroku`].
    #[arg(long, short, env = "HEROKU_APP", value_name = "APP", value_parser = parse_app)]
    pub(crate) app: Option<String>,
    #[command(flatten)]
    pub(crate) api: ApiArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ReleasesArguments {
    #[command(flatten)]
    pub(crate) app: AppArguments,
    /// How many to list, the newest first.
    #[arg(
        long,
        short = 'n',
        default_value_t = 15,
        value_name = "NUMBER",
        value_parser = parse_limit
    )]
    pub(crate) limit: usize,
    /// Print them as the API's JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A rollback is a new release with the slug and the config vars of the earlier one. Add-ons stay as they are."
)]
pub(crate) struct RollbackArguments {
    /// The release to go back to: v12 [default: the one before the current one].
    #[arg(value_name = "RELEASE", value_parser = parse_version)]
    pub(crate) release: Option<u64>,
    #[command(flatten)]
    pub(crate) app: AppArguments,
    /// Print the new release as the API's JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The download is checked against the checksum that the slug was published with. A slug.json is written beside \
    it, so that `slugbuilder run` and `slugbuilder publish` know its process types."
)]
pub(crate) struct PullArguments {
    /// The release: v12 [default: the current one].
    #[arg(value_name = "RELEASE", value_parser = parse_version)]
    pub(crate) release: Option<u64>,
    #[command(flatten)]
    pub(crate) app: AppArguments,
    /// Where to write the slug; its slug.json goes beside it.
    #[arg(long, short, default_value = "slug.tgz", value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Replace another slug, or slug.json, that is there.
    #[arg(long, short)]
    pub(crate) force: bool,
    /// Print what was downloaded as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AppsArguments {
    #[command(flatten)]
    pub(crate) api: ApiArguments,
    /// Print them as the API's JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  slugbuilder config                       all config vars\n  \
    slugbuilder config DATABASE_URL          the value of one\n  \
    slugbuilder config LOG_LEVEL=debug       set one\n  \
    slugbuilder config --env-file vars.env   set those of a file, such as secrets\n  \
    slugbuilder config --unset LOG_LEVEL     take one away\n\n\
    Changes that are made together are one release."
)]
pub(crate) struct ConfigArguments {
    /// A config var to set, `NAME=value`, or the one whose value to print, `NAME`.
    #[arg(value_name = "NAME[=VALUE]", value_parser = parse_setting)]
    pub(crate) settings: Vec<Setting>,
    /// Take a config var away. May be repeated.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub(crate) unset: Vec<String>,
    /// A file of config vars to set, one `NAME=value` a line. May be repeated; arguments win.
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) app: AppArguments,
    /// Print the config vars as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What an argument of `config` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Setting {
    /// To show a value.
    Show(String),
    /// To set one.
    Set(String, String),
}

/// The name of an app, or its id. Neither holds anything that could lead elsewhere in a URL.
pub(crate) fn parse_app(text: &str) -> Result<String, String> {
    let fits = (2..=64).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err("an app's name has lower-case letters, digits and dashes".into())
    }
}

/// The number of a release.
pub(crate) fn parse_version(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix('v').unwrap_or(text);
    match digits.parse() {
        Ok(version @ 1..) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(version),
        _ => Err("a release is a number: v12".into()),
    }
}

fn parse_limit(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(limit @ 1..) => Ok(limit),
        _ => Err("a limit is a number from 1 on".into()),
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    match text {
        "" => Err("a config var has a name".into()),
        _ if text.contains(['=', '\0']) => Err("a config var's name has no `=`".into()),
        _ => Ok(text.to_owned()),
    }
}

fn parse_setting(text: &str) -> Result<Setting, String> {
    match text.split_once('=') {
        Some((name, value)) => Ok(Setting::Set(parse_name(name)?, value.to_owned())),
        None => Ok(Setting::Show(parse_name(text)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_are_names_or_ids() {
        for app in ["my-app", "a1", "01234567-89ab-cdef-0123-456789abcdef"] {
            assert_eq!(parse_app(app).as_deref(), Ok(app));
        }
        for bad in ["", "a", "-a", "My-App", "a/b", "..", "a?b", "a b", "é1"] {
            assert!(parse_app(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn releases_are_numbers() {
        assert_eq!(parse_version("v12"), Ok(12));
        assert_eq!(parse_version("12"), Ok(12));
        for bad in ["", "v", "v0", "0", "+1", "v-1", "vv1", "1.5", "latest"] {
            assert!(parse_version(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn settings_show_or_set() {
        let set = |name: &str, value: &str| Setting::Set(name.to_owned(), value.to_owned());
        assert_eq!(parse_setting("A=b=c"), Ok(set("A", "b=c")));
        assert_eq!(parse_setting("A="), Ok(set("A", "")));
        assert_eq!(parse_setting("A"), Ok(Setting::Show("A".into())));
        assert!(parse_setting("=a").is_err());
        assert!(parse_setting("").is_err());
        assert!(parse_name("A=").is_err());
    }
}
