//! Header fields of an answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use ureq::http::HeaderMap;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED, RETRY_AFTER};

/// The part of a body that an answer with status 206 brings (RFC 9110, section 14.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    /// Offset of the first byte.
    pub(super) first: u64,
    /// Offset behind the last byte.
    pub(super) end: u64,
    /// The size of the whole, where it is said.
    pub(super) total: Option<u64>,
}

/// The `Content-Range`, if it makes sense.
pub(super) fn content_range(headers: &HeaderMap) -> Option<ContentRange> {
    let (range, total) = headers
        .get(CONTENT_RANGE)?
        .to_str()
        .ok()?
        .trim()
        .strip_prefix("bytes ")?
        .split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let first = first.parse().ok()?;
    let end = last.parse::<u64>().ok()?.checked_add(1)?;
    let total = if total == "*" {
        None
    } else {
        Some(total.parse().ok()?)
    };
    (first < end && total.is_none_or(|total| end <= total)).then_some(ContentRange {
        first,
        end,
        total,
    })
}

/// The `Content-Length`.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// What can stand in `If-Range`: a strong `ETag`, or else `Last-Modified` (RFC 9110, section 13.1.5).
pub(super) fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    match text(ETAG) {
        Some(tag) if tag.starts_with('"') => Some(tag.to_owned()),
        // A weak tag says that the bytes may differ.
        Some(_) => None,
        None => text(LAST_MODIFIED).map(str::to_owned),
    }
}

/// How long the server asks to wait: seconds or a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(http_date(text)?.duration_since(now).unwrap_or_default()),
    }
}

/// Reads `Wed, 21 Oct 2015 07:28:00 GMT`, the one form of date that servers may send (RFC 9110, section 5.6.7).
fn http_date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, date) = text.split_once(", ")?;
    let words: Vec<&str> = date.split(' ').collect();
    let [day, month, year, time, "GMT"] = words[..] else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? as u64;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let mut clock = time
        .split(':')
        .map(|part| part.parse::<u64>().ok().filter(|&part| part < 61));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1970..10_000).contains(&year) || !(1..=31).contains(&day) || hour > 23 {
        return None;
    }
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let days_in = |month: u64| match month {
        1 => 28 + u64::from(leap(year)),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    let days = (1970..year)
        .map(|year| 365 + u64::from(leap(year)))
        .sum::<u64>()
        + (0..month).map(days_in).sum::<u64>()
        + day
        - 1;
    UNIX_EPOCH.checked_add(Duration::from_secs(
        days * 86_400 + hour * 3600 + minute * 60 + second,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: ureq::http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn content_ranges() {
        let range = |value| content_range(&headers(CONTENT_RANGE, value));
        assert_eq!(
            range("bytes 5-9/10"),
            Some(ContentRange {
                first: 5,
                end: 10,
                total: Some(10)
            })
        );
        assert_eq!(
            range("bytes 5-9/*"),
            Some(ContentRange {
                first: 5,
                end: 10,
                total: None
            })
        );
        for value in [
            "bytes */10",
            "bytes 9-5/10",
            "bytes 5-10/10",
            "lines 1-2/3",
            "bytes 0-18446744073709551615/*",
            "",
        ] {
            assert_eq!(range(value), None, "{value}");
        }
    }

    #[test]
    fn only_what_names_the_bytes_is_a_validator() {
        assert_eq!(validator(&headers(ETAG, "\"a\"")), Some("\"a\"".to_owned()));
        assert_eq!(validator(&headers(ETAG, "W/\"a\"")), None);
        assert_eq!(
            validator(&headers(LAST_MODIFIED, "x")),
            Some("x".to_owned())
        );
        assert_eq!(validator(&HeaderMap::new()), None);
    }

    #[test]
    fn waits_are_seconds_or_dates() {
        let date = "Wed, 21 Oct 2015 07:28:00 GMT";
        let at = UNIX_EPOCH + Duration::from_mins(24_090_208);
        assert_eq!(http_date(date), Some(at));
        assert_eq!(
            http_date("Thu, 29 Feb 2024 00:00:00 GMT"),
            Some(UNIX_EPOCH + Duration::from_hours(474_768))
        );
        let wait = |value, now| retry_after(&headers(RETRY_AFTER, value), now);
        assert_eq!(wait("7", at), Some(Duration::from_secs(7)));
        assert_eq!(
            wait(date, at - Duration::from_secs(3)),
            Some(Duration::from_secs(3))
        );
        assert_eq!(
            wait(date, at + Duration::from_secs(3)),
            Some(Duration::ZERO)
        );
        for value in [
            "soon",
            "-1",
            "Wed, 21 Okt 2015 07:28:00 GMT",
            "Wed, 21 Oct 2015 07:28 GMT",
            "x, 0 Jan 0 0:0:0 GMT",
        ] {
            assert_eq!(wait(value, at), None, "{value}");
        }
    }
}
