//! The `Range` header of downloads (RFC 9110, section 14).

use axum::http::HeaderMap;
use axum::http::header::{IF_RANGE, RANGE};
use std::ops::Range;

/// Which bytes are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All: there is no `Range`, or one that a server may leave alone, such as one of several ranges or of another unit.
    Whole,
    /// These.
    Part(Range<u64>),
    /// None that there are.
    Nothing,
}

impl Asked {
    /// What `headers` ask for of `size` bytes whose strong tag is `etag`.
    pub(super) fn of(headers: &HeaderMap, size: u64, etag: &str) -> Self {
        // `If-Range` may have a date, too, which blobs have none of to compare with.
        if headers.get(IF_RANGE).is_some_and(|value| value != etag) {
            return Self::Whole;
        }
        headers
            .get(RANGE)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| parse(text, size))
            .unwrap_or(Self::Whole)
    }
}

fn parse(text: &str, size: u64) -> Option<Asked> {
    let (unit, set) = text.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    // No number has a comma in it: this leaves several ranges alone.
    let (first, last) = set.trim().split_once('-')?;
    let range = match (first, last) {
        ("", last) => size.saturating_sub(number(last)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..size.min(last.saturating_add(1))
        }
    };
    Some(if range.is_empty() {
        Asked::Nothing
    } else {
        Asked::Part(range)
    })
}

/// A number that may be larger than any blob.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(range: &str) -> Asked {
        let headers = HeaderMap::from_iter([(RANGE, range.parse().unwrap())]);
        Asked::of(&headers, 10, "\"tag\"")
    }

    #[test]
    fn one_range_is_taken() {
        assert_eq!(asked("bytes=0-0"), Asked::Part(0..1));
        assert_eq!(asked("bytes=2-5"), Asked::Part(2..6));
        assert_eq!(asked("Bytes= 2-5 "), Asked::Part(2..6));
        assert_eq!(asked("bytes=0-"), Asked::Part(0..10));
        assert_eq!(asked("bytes=9-"), Asked::Part(9..10));
        assert_eq!(asked("bytes=9-99999999999999999999999"), Asked::Part(9..10));
        assert_eq!(asked("bytes=-3"), Asked::Part(7..10));
        assert_eq!(asked("bytes=-99999999999999999999999"), Asked::Part(0..10));
    }

    #[test]
    fn a_range_without_bytes_is_refused() {
        for range in [
            "bytes=10-",
            "bytes=10-12",
            "bytes=-0",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(asked(range), Asked::Nothing, "{range}");
        }
    }

    #[test]
    fn other_ranges_are_left_alone() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=0-1,3-4",
            "bytes=1 - 2",
            "id ..; max=1000",
            "lines=0-1",
        ] {
            assert_eq!(asked(range), Asked::Whole, "{range}");
        }
        assert_eq!(Asked::of(&HeaderMap::new(), 10, "\"tag\""), Asked::Whole);
    }

    #[test]
    fn a_range_of_other_bytes_is_left_alone() {
        let with = |tag: &str| {
            let headers = [(RANGE, "bytes=1-2"), (IF_RANGE, tag)];
            let headers = headers.map(|(name, value)| (name, value.parse().unwrap()));
            Asked::of(&HeaderMap::from_iter(headers), 10, "\"tag\"")
        };
        assert_eq!(with("\"tag\""), Asked::Part(1..3));
        assert_eq!(with("\"other\""), Asked::Whole);
        assert_eq!(with("W/\"tag\""), Asked::Whole);
        assert_eq!(with("Sat, 29 Oct 1994 19:43:31 GMT"), Asked::Whole);
    }

    proptest! {
        #[test]
        fn a_part_is_within_the_blob(text in "(bytes=)?[-0-9, ]{0,24}", size in 1..u64::MAX) {
            if let Some(Asked::Part(range)) = parse(&text, size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
