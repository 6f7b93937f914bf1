//! Ranges of npm, as `semver` 7 reads them (github.com/npm/node-semver, "Ranges"), of released versions.
//!
//! Only releases are ever chosen here, so that every range is a list of spans of releases: a pre-release in a bound only
//! says whether the release of the same numbers is in (`>=24.0.0-rc.1` has 24.0.0). A test compares millions of pairs with
//! npm's own `semver`. As before its version 7.8, numbers after an `x` say nothing: `20.x.1` is `20.x`.

use super::Version;

/// JavaScript's largest exact integer, which is the largest number that npm takes.
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// The longest text that npm takes for a version, in bytes; here for a whole range.
const MAX_LENGTH: usize = 4096;

/// A set of released versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    spans: Vec<Span>,
    names_pre_release: bool,
}

/// The releases from `from` up to `to` without it; without `to`, all from `from` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: Version,
    to: Option<Version>,
}

/// A text that is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// A part is no version, with or without an operator.
    #[error(
        "`{0}` is neither a version (`24`, `24.x`, `24.1.0`) nor one with an operator (`^`, `~`, `>=`, `>`, `<=`, `<`, `=`)"
    )]
    NotAVersion(String),
    /// An operator with nothing to work on.
    #[error("no version follows `{0}`")]
    LoneOperator(String),
    /// Two comparators that stick together: `>=20<22`.
    #[error("a blank is missing in `{0}`")]
    MissingBlank(String),
    /// `,`, `&&`, `|`, …
    #[error(
        "`{0}` does not join versions; a blank does where both have to be met, `||` where one is enough"
    )]
    Joiner(String),
    /// A number with a zero before it.
    #[error("`{0}` has a number that begins with a zero")]
    LeadingZero(String),
    /// A number or a text too large for npm.
    #[error("it is larger than npm takes")]
    TooLarge,
}

/// The numbers of a version of which the last ones may be missing.
#[derive(Debug, Clone, Copy)]
struct Partial {
    major: Option<u64>,
    minor: Option<u64>,
    patch: Option<u64>,
    is_pre_release: bool,
    /// Whether there is more before it than a `v`, which npm takes before an incomplete version only.
    is_decorated: bool,
}

impl Range {
    /// Reads a range.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        if text.len() > MAX_LENGTH {
            return Err(RangeError::TooLarge);
        }
        let mut range = Self {
            spans: Vec::new(),
            names_pre_release: false,
        };
        for alternative in text.split("||") {
            let span = range.alternative(alternative)?;
            if !span.is_empty() {
                range.spans.push(span);
            }
        }
        Ok(range)
    }

    /// Every release.
    #[must_use]
    pub fn any() -> Self {
        Self {
            spans: vec![Span::ALL],
            names_pre_release: false,
        }
    }

    /// Whether `version` is in it.
    #[must_use]
    pub fn accepts(&self, version: Version) -> bool {
        self.spans
            .iter()
            .any(|span| version >= span.from && span.to.is_none_or(|to| version < to))
    }

    /// Whether no release can ever be in it: `>=20 <18`.
    #[must_use]
    pub fn is_impossible(&self) -> bool {
        self.spans.is_empty()
    }

    /// Whether every later version will be in it: `*`, `>=18`.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.spans.iter().any(|span| span.to.is_none())
    }

    /// Whether a pre-release stands in it.
    #[must_use]
    pub fn names_pre_release(&self) -> bool {
        self.names_pre_release
    }

    /// One of the alternatives between `||`.
    fn alternative(&mut self, text: &str) -> Result<Span, RangeError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if let [first, "-", last] = words.as_slice() {
            let (from, to) = (self.partial(first)?, self.partial(last)?);
            from.refuse_decoration(first)?;
            if !to.is_pre_release {
                to.refuse_decoration(last)?;
            }
            return Ok(Span::from(from).and(Span::through(to)?));
        }
        let mut span = Span::ALL;
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (operator, mut rest) = split_operator(word);
            if rest.is_empty() && !operator.is_empty() {
                rest = words
                    .next()
                    .ok_or_else(|| RangeError::LoneOperator(operator.to_owned()))?;
            }
            let partial = self.partial(rest).map_err(|error| match error {
                RangeError::NotAVersion(_) => refusal(word, rest),
                error => error,
            })?;
            if !operator.starts_with(['~', '^']) {
                partial.refuse_decoration(word)?;
            }
            span = span.and(Span::of(operator, partial)?);
        }
        Ok(span)
    }

    fn partial(&mut self, text: &str) -> Result<Partial, RangeError> {
        let partial = Partial::parse(text)?;
        self.names_pre_release |= partial.is_pre_release;
        Ok(partial)
    }
}

/// `word` as an operator and the rest.
fn split_operator(word: &str) -> (&str, &str) {
    // npm reads `~>` as `~`.
    for operator in ["~>", "~", "^", ">=", "<=", ">", "<", "="] {
        if let Some(rest) = word.strip_prefix(operator) {
            return (operator, rest);
        }
    }
    ("", word)
}

/// Why `rest`, the part of `word` after its operator, is no version.
fn refusal(word: &str, rest: &str) -> RangeError {
    let is_joiner = |text: &str| matches!(text, "," | "&" | "&&" | "|" | "and" | "or" | "-");
    if is_joiner(rest) {
        return RangeError::Joiner(rest.to_owned());
    }
    if let Some(joiner) = rest.find([',', '|', '&']) {
        return RangeError::Joiner(rest[joiner..=joiner].to_owned());
    }
    if rest.contains(['<', '>', '=', '~', '^']) && rest.starts_with(|c: char| c.is_ascii_digit()) {
        return RangeError::MissingBlank(word.to_owned());
    }
    RangeError::NotAVersion(word.to_owned())
}

impl Span {
    const ALL: Self = Self {
        from: Version {
            major: 0,
            minor: 0,
            patch: 0,
        },
        to: None,
    };

    const NONE: Self = Self {
        from: Self::ALL.from,
        to: Some(Self::ALL.from),
    };

    fn is_empty(self) -> bool {
        self.to.is_some_and(|to| to <= self.from)
    }

    /// What is in both.
    fn and(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            to: match (self.to, other.to) {
                (Some(one), Some(two)) => Some(one.min(two)),
                (one, two) => one.or(two),
            },
        }
    }

    /// All from `partial` on: also the first half of a hyphen range.
    fn from(partial: Partial) -> Self {
        Self {
            from: partial.floor(),
            to: None,
        }
    }

    /// All up to `partial` with it: also the second half of a hyphen range. `22` has all of 22.
    fn through(partial: Partial) -> Result<Self, RangeError> {
        Ok(Self {
            from: Self::ALL.from,
            to: if partial.is_pre_release {
                Some(partial.floor())
            } else {
                partial.ceiling()?
            },
        })
    }

    /// What `operator` makes of `partial`.
    fn of(operator: &str, partial: Partial) -> Result<Self, RangeError> {
        let Some(major) = partial.major else {
            return Ok(match operator {
                // Nothing is larger or smaller than any version.
                ">" | "<" => Self::NONE,
                _ => Self::ALL,
            });
        };
        let floor = partial.floor();
        let line = |to| Self {
            from: floor,
            to: Some(to),
        };
        Ok(match operator {
            ">=" => Self::from(partial),
            "<" => Self {
                from: Self::ALL.from,
                to: Some(floor),
            },
            "<=" => Self::through(partial)?,
            // The release comes after its pre-releases.
            ">" if partial.is_pre_release => Self::from(partial),
            ">" => match partial.ceiling()? {
                Some(from) => Self { from, to: None },
                None => Self::NONE,
            },
            "~" | "~>" => match partial.minor {
                Some(minor) => line(Version::new(major, next(minor)?, 0)),
                None => line(Version::new(next(major)?, 0, 0)),
            },
            // The first number that is not zero stays as it is.
            "^" => match (partial.minor, partial.patch) {
                _ if major > 0 => line(Version::new(next(major)?, 0, 0)),
                (None, _) => line(Version::new(1, 0, 0)),
                (Some(0), Some(patch)) => line(Version::new(0, 0, next(patch)?)),
                (Some(minor), _) => line(Version::new(0, next(minor)?, 0)),
            },
            // A pre-release alone is no release.
            _ if partial.is_pre_release => Self::NONE,
            _ => Self {
                from: floor,
                to: partial.ceiling()?,
            },
        })
    }
}

impl Partial {
    fn parse(text: &str) -> Result<Self, RangeError> {
        let not_a_version = || RangeError::NotAVersion(text.to_owned());
        let bare = text.trim_start_matches(['v', '=']);
        let is_decorated = !matches!(text.len() - bare.len(), 0 | 1) || text.starts_with('=');
        // What is after `+` says nothing of the order.
        let (bare, build) = match bare.split_once('+') {
            Some((bare, build)) => (bare, Some(build)),
            None => (bare, None),
        };
        let (numbers, pre_release) = match bare.split_once('-') {
            Some((numbers, pre_release)) => (numbers, Some(pre_release)),
            None => (bare, None),
        };
        let parts: Vec<Option<u64>> = numbers
            .split('.')
            .map(|part| number(part, text))
            .collect::<Result<_, _>>()?;
        if parts.len() > 3 {
            return Err(not_a_version());
        }
        let is_well_formed = (pre_release.is_none() && build.is_none() || parts.len() == 3)
            && pre_release.is_none_or(|text| text.split('.').all(is_pre_release_part))
            && build.is_none_or(|text| text.split('.').all(is_word));
        if !is_well_formed {
            return Err(not_a_version());
        }
        // After an `x` only `x` counts.
        let major = parts.first().copied().flatten();
        let minor = major.and_then(|_| parts.get(1).copied().flatten());
        let patch = minor.and_then(|_| parts.get(2).copied().flatten());
        Ok(Self {
            major,
            minor,
            patch,
            is_pre_release: pre_release.is_some() && patch.is_some(),
            is_decorated,
        })
    }

    /// Refuses `==20.1.0`; `word` is where it stands.
    fn refuse_decoration(self, word: &str) -> Result<(), RangeError> {
        if self.is_decorated && self.patch.is_some() {
            return Err(RangeError::NotAVersion(word.to_owned()));
        }
        Ok(())
    }

    /// The first release of it.
    fn floor(self) -> Version {
        Version::new(
            self.major.unwrap_or(0),
            self.minor.unwrap_or(0),
            self.patch.unwrap_or(0),
        )
    }

    /// The first release after it; nothing where it is any version.
    fn ceiling(self) -> Result<Option<Version>, RangeError> {
        Ok(match (self.major, self.minor, self.patch) {
            (None, ..) => None,
            (Some(major), None, _) => Some(Version::new(next(major)?, 0, 0)),
            (Some(major), Some(minor), None) => Some(Version::new(major, next(minor)?, 0)),
            (Some(major), Some(minor), Some(patch)) => Some(Version::new(major, minor, patch + 1)),
        })
    }
}

/// A number, or nothing for `x`, `X` and `*`; `text` is what it is a part of.
fn number(part: &str, text: &str) -> Result<Option<u64>, RangeError> {
    if matches!(part, "x" | "X" | "*") {
        return Ok(None);
    }
    if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RangeError::NotAVersion(text.to_owned()));
    }
    if part.len() > 1 && part.starts_with('0') {
        return Err(RangeError::LeadingZero(text.to_owned()));
    }
    part.parse()
        .ok()
        .filter(|number| *number <= MAX_NUMBER)
        .map(Some)
        .ok_or(RangeError::TooLarge)
}

/// The number after `number`, where npm takes it as a number of a version.
fn next(number: u64) -> Result<u64, RangeError> {
    (number < MAX_NUMBER)
        .then_some(number + 1)
        .ok_or(RangeError::TooLarge)
}

fn is_word(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A number without a zero before it, or a word.
fn is_pre_release_part(part: &str) -> bool {
    is_word(part)
        && (part.len() == 1
            || !part.starts_with('0')
            || !part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
