//! The pages of lists: Heroku's `Range`, `Content-Range`, `Next-Range` and `Accept-Ranges` headers
//! (platform-api.md, section 2.3).
//!
//! A request asks for `ATTRIBUTE [start]..[end][; max=N][, order=asc|desc]`. Bounds stand in the order of the list: with
//! `order=desc`, `start` is the greatest value. A `]` before the start or a `[` after the end leaves that value itself out.

use std::cmp::Ordering;
use std::fmt;

/// As many items as a page has that asks for no number.
pub const DEFAULT_MAX: usize = 200;
/// As many items as a page ever has; those who ask for more get this many, and read so in `Content-Range`.
pub const CEILING: usize = 1000;

/// Which part of a list to answer, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What the list is sorted by, and what the bounds are values of.
    pub attribute: Attribute,
    /// Where the page starts, in the list's order; at the first item otherwise.
    pub start: Option<Bound>,
    /// Where it ends at the latest, in the list's order. Never without a start.
    pub end: Option<Bound>,
    /// As many items as it has at most: 1 to [`CEILING`].
    pub max: usize,
    /// The list's order.
    pub order: Order,
}

/// An attribute that lists are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// `id`: a UUID.
    Id,
    /// `name`.
    Name,
    /// `created_at`: a time of RFC 3339.
    CreatedAt,
    /// `started_at`: a time of RFC 3339.
    StartedAt,
    /// `updated_at`: a time of RFC 3339.
    UpdatedAt,
    /// `version`: a release's number.
    Version,
    /// `hostname` of a domain.
    Hostname,
}

/// One end of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// A value of the page's attribute, checked to be one: a hyphenated UUID in lower case, digits without leading
    /// zeros, a time of RFC 3339, a name, or a hostname in lower case.
    pub value: String,
    /// Whether an item of this very value is on the page.
    pub inclusive: bool,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// The least value first.
    Ascending,
    /// The greatest value first.
    Descending,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// At most [`Page::max`] items, in the page's order.
    pub items: Vec<T>,
    /// Whether further items follow within the page's bounds.
    pub more: bool,
}

/// The attributes that a list can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offered {
    /// All of them, as `Accept-Ranges` tells them.
    pub list: &'static [Attribute],
    /// That of a request that names none.
    pub default: Attribute,
}

/// A `Range` header that cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It has another form, or a value that is none of its attribute: answered with 400.
    #[error("Invalid `Range` header. Please use format like `id ..; max=10, order=desc`.")]
    Invalid,
    /// `..end`: answered with 416, as Heroku does.
    #[error(
        "End range bounds without a start bound are currently not supported. Please specify a start bound."
    )]
    EndWithoutStart,
}

impl Attribute {
    /// Its name in headers and bodies.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::CreatedAt => "created_at",
            Self::StartedAt => "started_at",
            Self::UpdatedAt => "updated_at",
            Self::Version => "version",
            Self::Hostname => "hostname",
        }
    }

    /// `value` as lists compare it, if it can be one of this attribute.
    fn normal(self, value: &str) -> Option<String> {
        match self {
            Self::Id => uuid::Uuid::try_parse(value)
                .ok()
                .map(|id| id.hyphenated().to_string()),
            Self::Version => {
                // `v4` is how people and heroku3 write the version 4.
                let digits = value.strip_prefix('v').unwrap_or(value);
                let only_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
                let number: Option<u64> = digits.parse().ok().filter(|_| only_digits);
                number.map(|number| number.to_string())
            }
            Self::CreatedAt | Self::StartedAt | Self::UpdatedAt => value
                .parse::<jiff::Timestamp>()
                .ok()
                .map(|time| time.to_string()),
            Self::Name => {
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                (value.len() <= 128 && value.bytes().all(fits)).then(|| value.to_owned())
            }
            Self::Hostname => {
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-.*".contains(&byte);
                (value.len() <= 253 && value.bytes().all(fits)).then(|| value.to_ascii_lowercase())
            }
        }
    }

    /// How two values of it compare: versions as numbers, times as times, the rest as text.
    #[must_use]
    pub fn compare(self, one: &str, other: &str) -> Ordering {
        match self {
            Self::Version => match (one.parse::<u64>(), other.parse::<u64>()) {
                (Ok(one), Ok(other)) => one.cmp(&other),
                _ => one.cmp(other),
            },
            Self::CreatedAt | Self::StartedAt | Self::UpdatedAt => {
                match (
                    one.parse::<jiff::Timestamp>(),
                    other.parse::<jiff::Timestamp>(),
                ) {
                    (Ok(one), Ok(other)) => one.cmp(&other),
                    _ => one.cmp(other),
                }
            }
            Self::Id | Self::Name | Self::Hostname => one.cmp(other),
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Offered {
    /// Apps: `id`, `name` and `updated_at`.
    pub const APPS: Self = Self {
        list: &[Attribute::Id, Attribute::Name, Attribute::UpdatedAt],
        default: Attribute::Id,
    };
    /// Releases: `id` and `version`.
    pub const RELEASES: Self = Self {
        list: &[Attribute::Id, Attribute::Version],
        default: Attribute::Id,
    };
    /// Domains: `id` and `hostname`.
    pub const DOMAINS: Self = Self {
        list: &[Attribute::Id, Attribute::Hostname],
        default: Attribute::Id,
    };
    /// Builds: `id`, `created_at` and `started_at`, which is the same here.
    pub const BUILDS: Self = Self {
        list: &[Attribute::Id, Attribute::CreatedAt, Attribute::StartedAt],
        default: Attribute::Id,
    };
    /// Every other list: `id`.
    pub const ID: Self = Self {
        list: &[Attribute::Id],
        default: Attribute::Id,
    };

    /// The value of `Accept-Ranges`.
    #[must_use]
    pub fn accept_ranges(self) -> String {
        let names: Vec<_> = self.list.iter().map(|one| one.as_str()).collect();
        names.join(", ")
    }

    /// The attribute of that name, if the list offers it.
    fn attribute(self, name: &str) -> Option<Attribute> {
        self.list.iter().copied().find(|one| one.as_str() == name)
    }
}

impl Page {
    /// The page of a request without a `Range` header.
    #[must_use]
    pub fn first(offered: Offered) -> Self {
        Self {
            attribute: offered.default,
            start: None,
            end: None,
            max: DEFAULT_MAX,
            order: Order::Ascending,
        }
    }

    /// Reads a `Range` header.
    ///
    /// Read as clients send it: an empty header is none; keys may be divided by `,` or `;`, also several of them or one at
    /// the end; a `max` above [`CEILING`] is that. An attribute that the list does not offer is the default one if no bound
    /// is given (heroku3 asks for `domain ..; ;`): all items are answered either way, and `Content-Range` tells the order.
    pub fn parse(header: &str, offered: Offered) -> Result<Self, RangeError> {
        let header = header.trim();
        let mut page = Self::first(offered);
        if header.is_empty() {
            return Ok(page);
        }
        let (range, keys) = header.split_once(';').unwrap_or((header, ""));
        let end_of_name = range
            .find(|character: char| !(character.is_ascii_lowercase() || character == '_'))
            .filter(|end| *end > 0)
            .ok_or(RangeError::Invalid)?;
        let (name, bounds) = range.split_at(end_of_name);
        let (start, end) = bounds.split_once("..").ok_or(RangeError::Invalid)?;
        let (start, end) = (start.trim(), end.trim());
        let (start, start_inclusive) = match start.strip_prefix(']') {
            Some(start) => (start.trim_start(), false),
            None => (start.strip_prefix('[').unwrap_or(start).trim_start(), true),
        };
        let (end, end_inclusive) = match end.strip_suffix('[') {
            Some(end) => (end.trim_end(), false),
            None => (end.strip_suffix(']').unwrap_or(end).trim_end(), true),
        };
        match offered.attribute(name) {
            Some(attribute) => page.attribute = attribute,
            None if start.is_empty() && end.is_empty() => {}
            None => return Err(RangeError::Invalid),
        }
        page.start = page.bound(start, start_inclusive)?;
        page.end = page.bound(end, end_inclusive)?;
        for key in keys.split([',', ';']).map(str::trim) {
            if !key.is_empty() {
                page.read_key(key)?;
            }
        }
        if page.start.is_none() && page.end.is_some() {
            return Err(RangeError::EndWithoutStart);
        }
        Ok(page)
    }

    fn bound(&self, value: &str, inclusive: bool) -> Result<Option<Bound>, RangeError> {
        if value.is_empty() {
            return Ok(None);
        }
        let value = self.attribute.normal(value).ok_or(RangeError::Invalid)?;
        Ok(Some(Bound { value, inclusive }))
    }

    fn read_key(&mut self, key: &str) -> Result<(), RangeError> {
        let (name, value) = key.split_once('=').ok_or(RangeError::Invalid)?;
        match (name.trim(), value.trim()) {
            ("max", value)
                if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                // A number of more digits than fit is above the ceiling, too.
                let max = value.parse().unwrap_or(usize::MAX).min(CEILING);
                if max == 0 {
                    return Err(RangeError::Invalid);
                }
                self.max = max;
            }
            ("order", "asc") => self.order = Order::Ascending,
            ("order", "desc") => self.order = Order::Descending,
            _ => return Err(RangeError::Invalid),
        }
        Ok(())
    }

    /// The value of `Content-Range`, for a page whose first and last items have these values: `version 5..1; max=200`.
    #[must_use]
    pub fn content_range(&self, ends: Option<(&str, &str)>) -> String {
        let (first, last) = ends.unwrap_or_default();
        format!("{} {first}..{last}; max={}", self.attribute, self.max)
    }

    /// The value of `Next-Range`, after a page whose last item has the value `last`. [`Page::parse`] of it is the next page.
    #[must_use]
    pub fn next_range(&self, last: &str) -> String {
        let end = match &self.end {
            Some(Bound { value, inclusive }) => {
                format!("{value}{}", if *inclusive { "" } else { "[" })
            }
            None => String::new(),
        };
        let order = match self.order {
            Order::Ascending => "",
            Order::Descending => ", order=desc",
        };
        format!("{} ]{last}..{end}; max={}{order}", self.attribute, self.max)
    }

    /// This page of a list that is in memory, whole and in any order. `value` gives an item's value of an attribute.
    #[must_use]
    pub fn of<T>(&self, items: Vec<T>, value: impl Fn(&T, Attribute) -> String) -> Listed<T> {
        let compare = |one: &str, other: &str| {
            let ordering = self.attribute.compare(one, other);
            match self.order {
                Order::Ascending => ordering,
                Order::Descending => ordering.reverse(),
            }
        };
        let within = |bound: &Option<Bound>, outside: Ordering, of_item: &str| match bound {
            Some(bound) => match compare(of_item, &bound.value) {
                Ordering::Equal => bound.inclusive,
                ordering => ordering != outside,
            },
            None => true,
        };
        let mut keyed: Vec<(String, T)> = items
            .into_iter()
            .map(|item| (value(&item, self.attribute), item))
            .filter(|(key, _)| {
                within(&self.start, Ordering::Less, key)
                    && within(&self.end, Ordering::Greater, key)
            })
            .collect();
        keyed.sort_by(|(one, _), (other, _)| compare(one, other));
        let more = keyed.len() > self.max;
        let items = keyed
            .into_iter()
            .take(self.max)
            .map(|(_, item)| item)
            .collect();
        Listed { items, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";

    fn offered() -> Offered {
        Offered {
            list: &[
                Attribute::Id,
                Attribute::Name,
                Attribute::UpdatedAt,
                Attribute::Version,
            ],
            default: Attribute::Id,
        }
    }

    fn page(attribute: Attribute, max: usize, order: Order) -> Page {
        Page {
            attribute,
            start: None,
            end: None,
            max,
            order,
        }
    }

    fn inclusive(value: &str) -> Bound {
        Bound {
            value: value.into(),
            inclusive: true,
        }
    }

    fn exclusive(value: &str) -> Bound {
        Bound {
            inclusive: false,
            ..inclusive(value)
        }
    }

    /// The forms that platform-api.md, section 2.3, found in the traffic of real clients.
    #[test]
    fn forms_that_clients_send() {
        use Attribute::{Id, Name, UpdatedAt, Version};
        use Order::{Ascending, Descending};
        for (header, expected) in [
            (
                "version ..; max=15, order=desc",
                page(Version, 15, Descending),
            ),
            ("version ..; order=desc,max=1", page(Version, 1, Descending)),
            ("version ..; order=desc", page(Version, 200, Descending)),
            ("version ..; max=2,order=desc", page(Version, 2, Descending)),
            ("id ..; max=1000", page(Id, 1000, Ascending)),
            ("id ..; max=1000;", page(Id, 1000, Ascending)),
            ("version ..; ;", page(Version, 200, Ascending)),
            ("id ..; ;", page(Id, 200, Ascending)),
            (
                "version ..; order=desc,max=2;",
                page(Version, 2, Descending),
            ),
            (
                "updated_at ..; max=10, order=desc",
                page(UpdatedAt, 10, Descending),
            ),
            ("domain ..; ;", page(Id, 200, Ascending)),
            ("", page(Id, 200, Ascending)),
            ("id ]..; max=1000", page(Id, 1000, Ascending)),
            ("name ..; max=1", page(Name, 1, Ascending)),
        ] {
            assert_eq!(Page::parse(header, offered()), Ok(expected), "{header}");
        }
    }

    #[test]
    fn bounds() {
        let read = |header: &str| {
            let page = Page::parse(header, offered()).unwrap();
            (page.start, page.end)
        };
        assert_eq!(
            read("version 3..7"),
            (Some(inclusive("3")), Some(inclusive("7")))
        );
        assert_eq!(
            read("version ]3..7["),
            (Some(exclusive("3")), Some(exclusive("7")))
        );
        assert_eq!(
            read("version [3..7]"),
            (Some(inclusive("3")), Some(inclusive("7")))
        );
        assert_eq!(
            read("version ]4..; max=2, order=desc"),
            (Some(exclusive("4")), None)
        );
        assert_eq!(read("version v04.."), (Some(inclusive("4")), None));
        assert_eq!(
            read("name ]my-app..; max=3"),
            (Some(exclusive("my-app")), None)
        );
        assert_eq!(
            read(&format!("id {}..", ID.to_uppercase())),
            (Some(inclusive(ID)), None)
        );
        assert_eq!(
            read("updated_at ]2012-01-01T13:00:00.5+01:00.."),
            (Some(exclusive("2012-01-01T12:00:00.5Z")), None)
        );
    }

    #[test]
    fn what_is_refused() {
        for header in [
            "id",
            "..",
            " ; max=1",
            "bytes=0-10",
            "id ..; max",
            "id ..; max=",
            "id ..; max=0",
            "id ..; max=-1",
            "id ..; max=+1",
            "id ..; max=ten",
            "id ..; order=up",
            "id ..; page=2",
            "id 7..",
            "version x..",
            "version +4..",
            "version 99999999999999999999..",
            "updated_at yesterday..",
            "name a\"b..",
            "domain a..",
        ] {
            let read = Page::parse(header, offered());
            assert_eq!(read, Err(RangeError::Invalid), "{header}");
        }
        for header in ["version ..7", "version ]..7; max=2"] {
            let read = Page::parse(header, offered());
            assert_eq!(read, Err(RangeError::EndWithoutStart), "{header}");
        }
    }

    #[test]
    fn the_ceiling_holds() {
        for max in ["1001", "5000", "99999999999999999999999"] {
            let page = Page::parse(&format!("id ..; max={max}"), offered()).unwrap();
            assert_eq!(page.max, CEILING, "{max}");
        }
    }

    #[test]
    fn headers_of_answers() {
        let page = Page::parse("version 5..1[; max=2, order=desc", offered()).unwrap();
        assert_eq!(page.content_range(Some(("5", "4"))), "version 5..4; max=2");
        assert_eq!(page.content_range(None), "version ..; max=2");
        assert_eq!(page.next_range("4"), "version ]4..1[; max=2, order=desc");
        assert_eq!(
            Page::first(Offered::ID).next_range(ID),
            format!("id ]{ID}..; max=200")
        );
        assert_eq!(Offered::APPS.accept_ranges(), "id, name, updated_at");
        assert_eq!(Offered::RELEASES.accept_ranges(), "id, version");
    }

    #[test]
    fn pages_of_a_list_in_memory_follow_each_other() {
        for (order, all) in [
            ("asc", vec![1, 2, 9, 10, 11]),
            ("desc", vec![11, 10, 9, 2, 1]),
        ] {
            let mut seen: Vec<u64> = Vec::new();
            let mut header = format!("version ..; max=2, order={order}");
            loop {
                let page = Page::parse(&header, offered()).unwrap();
                let listed = page.of(vec![10_u64, 2, 11, 1, 9], |item, _| item.to_string());
                assert!(listed.items.len() <= 2);
                seen.extend(&listed.items);
                if !listed.more {
                    break;
                }
                header = page.next_range(&listed.items.last().unwrap().to_string());
            }
            assert_eq!(seen, all);
        }
        let page = Page::parse("version 9..2; order=desc", offered()).unwrap();
        let listed = page.of(vec![10_u64, 2, 11, 1, 9], |item, _| item.to_string());
        assert_eq!((listed.items, listed.more), (vec![9, 2], false));
    }

    proptest::proptest! {
        #[test]
        fn no_header_breaks_it(header in "[ -~]{0,60}") {
            if let Ok(page) = Page::parse(&header, offered()) {
                proptest::prop_assert!((1..=CEILING).contains(&page.max));
                // What the next page is asked with is always understood.
                if let Some(start) = &page.start {
                    proptest::prop_assert!(Page::parse(&page.next_range(&start.value), offered()).is_ok());
                }
            }
        }
    }
}
