//! Pages of lists as SQL: by the value that the last page ended with, never by a number of rows to skip.

use super::StoreError;
use super::values::Time;
use crate::range::{Attribute, Bound, Listed, Order, Page};
use rusqlite::types::Value;
use uuid::Uuid;

/// The conditions of a page.
///
/// Parameter 1 is that of the list itself, its user or app; those of the bounds follow, the last one is the limit.
#[derive(Debug)]
pub(super) struct Keyset {
    /// ` AND column > ?2 …`, or nothing.
    pub(super) conditions: String,
    /// `ORDER BY key … LIMIT ?n`, where `key` is the column or its alias.
    pub(super) order_and_limit: String,
    /// `ASC` or `DESC`.
    pub(super) direction: &'static str,
    /// The values of all parameters.
    pub(super) values: Vec<Value>,
    max: usize,
}

impl Keyset {
    /// The conditions of `page` of the list of `subject`, whose rows have the page's attribute in `column`.
    pub(super) fn new(
        page: &Page,
        subject: i64,
        column: &str,
        key: &str,
    ) -> Result<Self, StoreError> {
        let (after, before, direction) = match page.order {
            Order::Ascending => (">", "<", "ASC"),
            Order::Descending => ("<", ">", "DESC"),
        };
        let mut values = vec![Value::Integer(subject)];
        let mut conditions = Vec::new();
        for (bound, operator) in [(&page.start, after), (&page.end, before)] {
            if let Some(bound) = bound {
                values.push(value(page.attribute, bound)?);
                let equal = if bound.inclusive { "=" } else { "" };
                let number = values.len();
                conditions.push(format!(" AND {column} {operator}{equal} ?{number}"));
            }
        }
        // One more than asked for tells whether there is more.
        let limit = i64::try_from(page.max)
            .unwrap_or(i64::MAX)
            .saturating_add(1);
        values.push(Value::Integer(limit));
        Ok(Self {
            conditions: conditions.concat(),
            order_and_limit: format!("ORDER BY {key} {direction} LIMIT ?{}", values.len()),
            direction,
            values,
            max: page.max,
        })
    }

    /// The page that these rows are.
    pub(super) fn listed<T>(&self, mut items: Vec<T>) -> Listed<T> {
        let more = items.len() > self.max;
        items.truncate(self.max);
        Listed { items, more }
    }
}

/// The error of a list that is not sorted by this. Those who parse headers know what each list offers.
pub(super) fn not_offered(list: &str, attribute: Attribute) -> StoreError {
    StoreError::Invalid(format!("The {list} are not listed by {attribute}."))
}

/// A bound as the column has it.
fn value(attribute: Attribute, bound: &Bound) -> Result<Value, StoreError> {
    let text = bound.value.as_str();
    let wrong = || {
        StoreError::Invalid(format!(
            "`{text}` is no value of {attribute} that a list could start or end with."
        ))
    };
    Ok(match attribute {
        Attribute::Id => {
            let id = Uuid::try_parse(text).map_err(|_| wrong())?;
            Value::Blob(id.as_bytes().to_vec())
        }
        Attribute::Name | Attribute::Hostname => Value::Text(text.to_owned()),
        // No release has a number beyond SQLite's.
        Attribute::Version => Value::Integer(
            text.parse::<u64>()
                .map(|version| i64::try_from(version).unwrap_or(i64::MAX))
                .map_err(|_| wrong())?,
        ),
        Attribute::CreatedAt | Attribute::StartedAt | Attribute::UpdatedAt => {
            let time = text.parse::<jiff::Timestamp>().map_err(|_| wrong())?;
            Value::Integer(Time(time).0.as_microsecond())
        }
    })
}
