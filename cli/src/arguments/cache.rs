//! What the command line says of the cache.

use clap::{Args, Subcommand};
use slugbuilder::compile::Reuse;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct CacheArguments {
    /// The folder for caches and builds [default: ~/.cache/slugbuilder].
    #[arg(long, env = "SLUGBUILDER_CACHE_DIR", value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BoundArguments {
    /// How much may be kept for next builds, of all apps together; the least recently used goes.
    #[arg(
        long,
        env = "SLUGBUILDER_CACHE_MAX_SIZE",
        default_value = "10GB",
        value_name = "SIZE",
        value_parser = parse_size
    )]
    pub(crate) cache_max_size: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ReuseArguments {
    /// Run the build although nothing has changed since the last one.
    #[arg(long, env = "SLUGBUILDER_REBUILD", value_parser = clap::builder::FalseyValueParser::new())]
    rebuild: bool,
    /// Build without what the last build of this app left.
    #[arg(long)]
    clear_cache: bool,
}

impl ReuseArguments {
    /// What of the last build may serve this one.
    pub(crate) fn reuse(&self) -> Reuse {
        match self {
            Self {
                clear_cache: true, ..
            } => Reuse::Nothing,
            Self { rebuild: true, .. } => Reuse::Layers,
            _ => Reuse::App,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CacheCommandArguments {
    #[command(subcommand)]
    pub(crate) action: CacheAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheAction {
    /// Show what is kept, of which app, and how much it is.
    Info(InfoArguments),
    /// Make room: what killed builds left, what is too old, and the least recently used above the bound.
    Prune(PruneArguments),
    /// Print the path of the folder.
    Dir(CacheArguments),
}

#[derive(Debug, Args)]
pub(crate) struct InfoArguments {
    #[command(flatten)]
    pub(crate) cache: CacheArguments,
    #[command(flatten)]
    pub(crate) bound: BoundArguments,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Whatever goes costs only time: the next build of an app makes it again. Apps that are being\n\
    built stay. Every `compile` and `archive` keeps to --cache-max-size by itself."
)]
pub(crate) struct PruneArguments {
    #[command(flatten)]
    pub(crate) cache: CacheArguments,
    /// How much may stay, for example 2GB or 500MB.
    #[arg(
        long,
        env = "SLUGBUILDER_CACHE_MAX_SIZE",
        default_value = "10GB",
        value_name = "SIZE",
        value_parser = parse_size
    )]
    pub(crate) max_size: u64,
    /// Remove what was last used longer ago than this, for example 12h, 30d or 8w.
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    pub(crate) older_than: Option<Duration>,
    /// Remove everything that is not in use.
    #[arg(long, conflicts_with = "older_than")]
    pub(crate) all: bool,
    /// Say what would go, and leave it.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `text` cut after the digits that it begins with.
pub(super) fn number_and_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

fn parse_size(text: &str) -> Result<u64, String> {
    const HOW: &str = "use a whole number with a unit: 500MB, 10GB, 2GiB";
    let (number, unit) = number_and_unit(text);
    let number: u64 = number.parse().map_err(|_| HOW)?;
    let factor = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" if number == 0 => 1,
        "b" => 1,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(HOW.into()),
    };
    number
        .checked_mul(factor)
        .ok_or_else(|| "that is more than there is".into())
}

fn parse_age(text: &str) -> Result<Duration, String> {
    let (number, unit) = number_and_unit(text);
    let seconds = match unit {
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        "w" => 7 * 24 * 3600,
        _ => return Err("use minutes, hours, days or weeks: 30m, 12h, 30d, 8w".into()),
    };
    let number: u64 = number.parse().map_err(|_| "an age starts with a number")?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(|| "that is before there were computers".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("0"), Ok(0));
        assert_eq!(parse_size("5B"), Ok(5));
        assert_eq!(parse_size("500 MB"), Ok(500_000_000));
        assert_eq!(parse_size("10GB"), Ok(slugbuilder::cache::MAX_SIZE));
        assert_eq!(parse_size("2gib"), Ok(2 << 30));
        for bad in [
            "",
            "GB",
            "10",
            "1.5GB",
            "-1GB",
            "10XB",
            "99999999999TB",
            "99999999999999999999B",
        ] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ages_have_units() {
        let hours = |text| parse_age(text).map(|age| age.as_secs() / 3600);
        assert_eq!(hours("60m"), Ok(1));
        assert_eq!(hours("12h"), Ok(12));
        assert_eq!(hours("30d"), Ok(720));
        assert_eq!(hours("2w"), Ok(336));
        for bad in [
            "",
            "30",
            "d",
            "1.5d",
            "1y",
            "99999999999999999999d",
            "9999999999999999999w",
        ] {
            assert!(parse_age(bad).is_err(), "{bad}");
        }
    }
}
