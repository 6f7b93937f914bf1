//! The date of the app's own files.

use super::SlugError;
use crate::archive::FIXED_TIME;
use crate::stage::Commit;

/// Latest time that the octal digits of a tar header hold, in seconds since 1970: in the year 2242.
pub const LATEST_TIME: i64 = 0o77_777_777_777;

/// Modification time of the app's own files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppTime {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Where it comes from.
    pub source: TimeSource,
}

/// Where a time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeSource {
    /// `SOURCE_DATE_EPOCH`.
    SourceDateEpoch,
    /// The commit that is checked out.
    Commit,
    /// [`FIXED_TIME`].
    Fixed,
}

/// The time of the app's own files: the value of `SOURCE_DATE_EPOCH` where it is set, else that of the commit, else
/// [`FIXED_TIME`].
///
/// `SOURCE_DATE_EPOCH` is a number of seconds in decimal digits (<https://reproducible-builds.org/specs/source-date-epoch/>);
/// anything else is an error, as is a time after [`LATEST_TIME`].
pub fn app_time(
    source_date_epoch: Option<&str>,
    commit: Option<&Commit>,
) -> Result<AppTime, SlugError> {
    if let Some(value) = source_date_epoch {
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = value
            .parse()
            .ok()
            .filter(|seconds| digits && *seconds <= LATEST_TIME);
        return match seconds {
            Some(seconds) => Ok(AppTime {
                seconds,
                source: TimeSource::SourceDateEpoch,
            }),
            None => Err(SlugError::SourceDateEpoch {
                value: value.to_owned(),
            }),
        };
    }
    Ok(match commit {
        Some(commit) => AppTime {
            seconds: commit.time,
            source: TimeSource::Commit,
        },
        None => AppTime {
            seconds: FIXED_TIME,
            source: TimeSource::Fixed,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_known_counts() {
        let commit = Commit {
            id: "c0ffee".into(),
            time: 1_600_000_000,
            summary: "Fix".into(),
        };
        let time = |value, commit| {
            app_time(value, commit)
                .map(|time| (time.seconds, time.source))
                .unwrap()
        };
        assert_eq!(
            time(Some("0"), Some(&commit)),
            (0, TimeSource::SourceDateEpoch)
        );
        assert_eq!(
            time(Some("1700000000"), None),
            (1_700_000_000, TimeSource::SourceDateEpoch)
        );
        assert_eq!(
            time(None, Some(&commit)),
            (1_600_000_000, TimeSource::Commit)
        );
        assert_eq!(time(None, None), (FIXED_TIME, TimeSource::Fixed));
    }

    #[test]
    fn what_is_no_time_is_an_error() {
        for value in [
            "",
            " 1",
            "-1",
            "+1",
            "1.5",
            "now",
            "8589934592",
            "99999999999999999999",
        ] {
            app_time(Some(value), None).unwrap_err();
        }
    }
}
