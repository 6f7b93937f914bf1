//! The bodies of requests as real clients send them: numbers as text, booleans as text or numbers, `null` for what is left
//! out, identity as text or as an object (`platform-api.md`, section 2.1).

use crate::http::ApiError;
use crate::store::Quantity;
use serde::Deserialize;
use serde_json::{Map, Value};
use slugbuilder::api::types::{ConfigVarsUpdate, ProcessTypes};
use std::collections::BTreeMap;

/// A request that is understood and cannot be done: an answer of 422 `invalid_params` with this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub String);

impl From<Refused> for ApiError {
    fn from(Refused(message): Refused) -> Self {
        Self::invalid_params(message)
    }
}

/// The fields of a request's body. Those that nobody asks for are ignored; `null` is as good as absent but where it means
/// something.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// The value of a field that is there and not `null`.
    fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether the field is there, `null` included.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Text.
    pub fn text(&self, name: &str) -> Result<Option<String>, Refused> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(wrong(name, "a string")),
        }
    }

    /// Text that `null` takes away: nothing where the field is absent, `Some(None)` where it is `null`.
    pub fn nullable_text(&self, name: &str) -> Result<Option<Option<String>>, Refused> {
        Ok(match self.text(name)? {
            Some(text) => Some(Some(text)),
            None => self.has(name).then_some(None),
        })
    }

    /// Yes or no: `true`, `"true"` or `1`.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Refused> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(Value::String(text)) if text == "true" || text == "1" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" || text == "0" => Ok(Some(false)),
            Some(Value::Number(number)) if number.as_u64() == Some(1) => Ok(Some(true)),
            Some(Value::Number(number)) if number.as_u64() == Some(0) => Ok(Some(false)),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// What something is called by: its name or identifier, as text, as a number or inside an object.
    pub fn identity(&self, name: &str) -> Result<Option<String>, Refused> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let inner = match value {
            Value::Object(fields) => fields
                .get("id")
                .filter(|id| !id.is_null())
                .or_else(|| fields.get("name")),
            value => Some(value),
        };
        match inner {
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            _ => Err(wrong(name, "a name or an identifier")),
        }
    }

    /// A number of dynos: `2`, `"2"`, `"+1"` or `"-1"`.
    pub fn quantity(&self, name: &str) -> Result<Option<Quantity>, Refused> {
        let expected = || {
            wrong(
                name,
                "a whole number of at least 0, or a change as in \"+1\"",
            )
        };
        let text = match self.value(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(expected()),
        };
        let is_number =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let relative = match self.value(name) {
            // A number below 0 is not a change.
            Some(Value::String(text)) => text.strip_prefix(['+', '-']),
            _ => None,
        };
        match relative {
            Some(digits) if is_number(digits) => text.parse().map(Quantity::Relative).ok(),
            None if is_number(&text) => text.parse().map(Quantity::Absolute).ok(),
            _ => None,
        }
        .map(Some)
        .ok_or_else(expected)
    }

    /// A list of objects.
    pub fn list(&self, name: &str) -> Result<Option<Vec<Fields>>, Refused> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let expected = || wrong(name, "a list of objects");
        let items = value.as_array().ok_or_else(expected)?;
        items
            .iter()
            .map(|item| item.as_object().cloned().map(Fields).ok_or_else(expected))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Process types: names and commands.
    pub fn process_types(&self, name: &str) -> Result<Option<ProcessTypes>, Refused> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let fields = value
            .as_object()
            .ok_or_else(|| wrong(name, "an object of process types and their commands"))?;
        let mut process_types = ProcessTypes::new();
        for (process_type, command) in fields {
            if !is_process_type(process_type) {
                return Err(Refused(format!(
                    "`{name}` has an invalid name, {process_type:?}: letters, digits, `-` and `_`, at most 128"
                )));
            }
            let command = command.as_str().ok_or_else(|| {
                Refused(format!(
                    "`{name}` must have a string as the command of {process_type:?}"
                ))
            })?;
            process_types.insert(process_type.clone(), command.to_owned());
        }
        Ok(Some(process_types))
    }

    /// The whole body as changes of config vars: `null` takes one away, and numbers and booleans are their text.
    pub fn into_config_vars(self) -> Result<ConfigVarsUpdate, Refused> {
        let mut changes = BTreeMap::new();
        for (name, value) in self.0 {
            if !is_config_var(&name) {
                return Err(Refused(format!(
                    "Invalid config var {name:?}: names are letters, digits and `_`"
                )));
            }
            let value = match value {
                Value::Null => None,
                Value::String(text) if text.contains('\0') => {
                    return Err(Refused(format!(
                        "The value of config var {name} contains a NUL character"
                    )));
                }
                Value::String(text) => Some(text),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(value) => Some(value.to_string()),
                Value::Array(_) | Value::Object(_) => {
                    return Err(Refused(format!(
                        "The value of config var {name} must be a string or null"
                    )));
                }
            };
            changes.insert(name, value);
        }
        Ok(changes)
    }
}

/// A field of another type than it must be.
fn wrong(name: &str, expected: &str) -> Refused {
    Refused(format!("`{name}` must be {expected}"))
}

/// Whether a process type may be called this: `^[-\w]{1,128}$` (`slug.process_types` of the schema).
#[must_use]
pub fn is_process_type(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Whether a config var may be called this: `^\w+$` (`config-var` of the schema).
fn is_config_var(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: Value) -> Fields {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn null_is_as_good_as_absent() {
        let body = fields(
            json!({"name": null, "stack": null, "maintenance": null, "quantity": null, "updates": null}),
        );
        assert_eq!(body.text("name"), Ok(None));
        assert_eq!(body.identity("stack"), Ok(None));
        assert_eq!(body.boolean("maintenance"), Ok(None));
        assert_eq!(body.quantity("quantity"), Ok(None));
        assert!(body.list("updates").unwrap().is_none());
        assert_eq!(body.nullable_text("name"), Ok(Some(None)));
        assert_eq!(body.nullable_text("other"), Ok(None));
    }

    #[test]
    fn quantities_come_as_numbers_as_text_and_as_changes() {
        let of = |value: Value| fields(json!({"quantity": value})).quantity("quantity");
        assert_eq!(of(json!(2)), Ok(Some(Quantity::Absolute(2))));
        assert_eq!(of(json!("2")), Ok(Some(Quantity::Absolute(2))));
        assert_eq!(of(json!("+1")), Ok(Some(Quantity::Relative(1))));
        assert_eq!(of(json!("-1")), Ok(Some(Quantity::Relative(-1))));
        for value in [
            json!(-1),
            json!(1.5),
            json!("many"),
            json!(""),
            json!("+"),
            json!("1e3"),
            json!("99999999999999999999"),
            json!(true),
        ] {
            let refused = of(value).unwrap_err();
            assert_eq!(
                refused.0,
                "`quantity` must be a whole number of at least 0, or a change as in \"+1\""
            );
        }
    }

    #[test]
    fn booleans_come_as_text_and_numbers() {
        for (value, expected) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(1), true),
            (json!(0), false),
            (json!("false"), false),
        ] {
            assert_eq!(
                fields(json!({"on": value})).boolean("on"),
                Ok(Some(expected))
            );
        }
        assert_eq!(
            fields(json!({"on": "maybe"})).boolean("on"),
            Err(Refused("`on` must be true or false".to_owned()))
        );
    }

    #[test]
    fn something_else_is_called_by_text_by_number_or_by_an_object() {
        let of = |value: Value| fields(json!({"release": value})).identity("release");
        assert_eq!(of(json!("v3")), Ok(Some("v3".to_owned())));
        assert_eq!(of(json!(3)), Ok(Some("3".to_owned())));
        assert_eq!(of(json!({"name": "us"})), Ok(Some("us".to_owned())));
        assert_eq!(
            of(json!({"id": "1", "name": "us"})),
            Ok(Some("1".to_owned()))
        );
        assert_eq!(
            of(json!({"id": null, "name": "us"})),
            Ok(Some("us".to_owned()))
        );
        for value in [json!([]), json!({}), json!(""), json!(true)] {
            assert_eq!(
                of(value),
                Err(Refused(
                    "`release` must be a name or an identifier".to_owned()
                ))
            );
        }
    }

    #[test]
    fn config_vars_are_text_or_taken_away() {
        let changes = fields(json!({"A": "1", "B": null, "C": 3, "D": true, "E": ""}))
            .into_config_vars()
            .unwrap();
        let expected = [
            ("A", Some("1")),
            ("B", None),
            ("C", Some("3")),
            ("D", Some("true")),
            ("E", Some("")),
        ];
        assert_eq!(
            changes,
            expected
                .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
                .into()
        );
        for (body, text) in [
            (
                json!({"A B": "1"}),
                "Invalid config var \"A B\": names are letters, digits and `_`",
            ),
            (
                json!({"": "1"}),
                "Invalid config var \"\": names are letters, digits and `_`",
            ),
            (
                json!({"A": "1\u{0}2"}),
                "The value of config var A contains a NUL character",
            ),
            (
                json!({"A": ["secret"]}),
                "The value of config var A must be a string or null",
            ),
        ] {
            assert_eq!(
                fields(body).into_config_vars(),
                Err(Refused(text.to_owned()))
            );
        }
    }

    #[test]
    fn process_types_have_names_and_commands() {
        let of =
            |value: Value| fields(json!({"process_types": value})).process_types("process_types");
        assert_eq!(
            of(json!({"web": "node web.js", "my-worker_2": ""}))
                .unwrap()
                .unwrap()
                .len(),
            2
        );
        for (value, text) in [
            (
                json!("web"),
                "`process_types` must be an object of process types and their commands",
            ),
            (
                json!({"we b": "x"}),
                "`process_types` has an invalid name, \"we b\": letters, digits, `-` and `_`, at most 128",
            ),
            (
                json!({"web": 1}),
                "`process_types` must have a string as the command of \"web\"",
            ),
        ] {
            assert_eq!(of(value), Err(Refused(text.to_owned())));
        }
        assert!(of(json!({"w".repeat(129): "x"})).is_err());
    }
}
