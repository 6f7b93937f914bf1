//! Calendar days, for end-of-life dates.

use std::time::{SystemTime, UNIX_EPOCH};

/// A day as `YYYY-MM-DD`, which sorts as text does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(String);

impl Day {
    /// A day as written in a catalogue.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The day of `time` in UTC; times before 1970 are taken as 1970-01-01.
    #[must_use]
    pub fn of(time: SystemTime) -> Self {
        let seconds = time
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        // Days to civil date after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": eras of 400 years
        // that begin on 1 March, so that the leap day is the last of its year.
        let days = seconds / 86_400 + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        Self(format!("{year:04}-{month:02}-{day:02}"))
    }

    /// How many days `later` is after this day; nothing where it is before it, or where one of them is no date.
    #[must_use]
    pub fn days_until(&self, later: &Self) -> Option<u64> {
        later.number()?.checked_sub(self.number()?)
    }

    /// Days since 1 March of the year 0, the inverse of [`Day::of`].
    fn number(&self) -> Option<u64> {
        let mut parts = self.0.split('-').map(|part| part.parse::<u64>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        if parts.next().is_some() || year > 9999 || !(1..=12).contains(&month) || day > 31 {
            return None;
        }
        let year = if month > 2 {
            year
        } else {
            year.checked_sub(1)?
        };
        let shifted_month = (month + 9) % 12;
        let day_of_year = (153 * shifted_month + 2) / 5 + day.checked_sub(1)?;
        Some(year * 365 + year / 4 - year / 100 + year / 400 + day_of_year)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn days_are_counted() {
        for (day, later, days) in [
            ("2026-11-21", "2026-11-21", Some(0)),
            ("2024-02-28", "2024-03-01", Some(2)),
            ("2026-12-31", "2027-01-30", Some(30)),
            ("1970-01-01", "2026-11-21", Some(20_778)),
            ("2026-11-22", "2026-11-21", None),
            ("2026-13-01", "2026-11-21", None),
            ("soon", "2026-11-21", None),
            ("2026-11", "2026-11-21", None),
        ] {
            assert_eq!(Day::new(day).days_until(&Day::new(later)), days, "{day}");
        }
    }

    #[test]
    fn days_are_civil_dates() {
        // Each pair from `date -u -d @SECONDS +%F`.
        for (seconds, text) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_709_251_199, "2024-02-29"),
            (1_798_761_599, "2026-12-31"),
            (1_798_761_600, "2027-01-01"),
        ] {
            assert_eq!(
                Day::of(UNIX_EPOCH + Duration::from_secs(seconds)).as_str(),
                text
            );
        }
    }
}
