//! The bodies of requests as real clients send them: numbers as text, booleans as text or numbers, `null` for what is left
//! out, identity as text or as an object (`platform-api.md`, section 2.1).

use crate::http::ApiError;
use crate::store::{Quantity, is_config_var, is_process_type};
use serde::Deserialize;
use serde_json::value::RawValue;
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
///
/// Values are kept as they were sent, so that a number is never another one than the client wrote: `1.10` is not `1.1`, and
/// what no machine's number can hold (`1e400`) is the text that it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Fields(BTreeMap<String, Box<RawValue>>);

/// A value that was sent.
#[derive(Debug, Clone)]
enum Sent {
    Null,
    Boolean(bool),
    /// As it was written.
    Number(String),
    Text(String),
    List(Vec<Box<RawValue>>),
    Object(Fields),
    /// Text or a name with half of a surrogate pair, which is none.
    Unreadable,
}

impl Sent {
    /// Reads the outermost level of what is known to be JSON.
    fn of(raw: &RawValue) -> Self {
        let json = raw.get();
        match json.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::Boolean(true),
            Some(b'f') => Self::Boolean(false),
            Some(b'"') => serde_json::from_str(json).map_or(Self::Unreadable, Self::Text),
            Some(b'[') => serde_json::from_str(json).map_or(Self::Unreadable, Self::List),
            Some(b'{') => serde_json::from_str(json).map_or(Self::Unreadable, Self::Object),
            _ => Self::Number(json.to_owned()),
        }
    }
}

impl Fields {
    /// The value of a field that is there and not `null`.
    fn value(&self, name: &str) -> Option<Sent> {
        match Sent::of(self.0.get(name)?) {
            Sent::Null => None,
            value => Some(value),
        }
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
            Some(Sent::Text(text)) => Ok(Some(text)),
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
            Some(Sent::Boolean(value)) => Ok(Some(value)),
            Some(Sent::Text(text)) if text == "true" => Ok(Some(true)),
            Some(Sent::Text(text)) if text == "false" => Ok(Some(false)),
            Some(Sent::Text(text) | Sent::Number(text)) if text == "1" => Ok(Some(true)),
            Some(Sent::Text(text) | Sent::Number(text)) if text == "0" => Ok(Some(false)),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// A whole number of at least 0: `3600` or `"3600"`.
    pub fn whole_number(&self, name: &str) -> Result<Option<u64>, Refused> {
        match self.value(name) {
            None => return Ok(None),
            Some(Sent::Text(text) | Sent::Number(text)) => text.parse().ok(),
            Some(_) => None,
        }
        .map(Some)
        .ok_or_else(|| wrong(name, "a whole number of at least 0"))
    }

    /// What something is called by: its name or identifier, as text, as a number or inside an object.
    pub fn identity(&self, name: &str) -> Result<Option<String>, Refused> {
        let inner = match self.value(name) {
            None => return Ok(None),
            Some(Sent::Object(fields)) => fields.value("id").or_else(|| fields.value("name")),
            value => value,
        };
        match inner {
            Some(Sent::Text(text)) if !text.is_empty() => Ok(Some(text)),
            Some(Sent::Number(number)) => Ok(Some(number)),
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
        let is_number =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        match self.value(name) {
            None => return Ok(None),
            Some(Sent::Text(text)) if text.strip_prefix(['+', '-']).is_some_and(is_number) => {
                text.parse().map(Quantity::Relative).ok()
            }
            // A number below 0 is not a change.
            Some(Sent::Text(text) | Sent::Number(text)) if is_number(&text) => {
                text.parse().map(Quantity::Absolute).ok()
            }
            Some(_) => None,
        }
        .map(Some)
        .ok_or_else(expected)
    }

    /// An object.
    pub fn object(&self, name: &str) -> Result<Option<Fields>, Refused> {
        match self.value(name) {
            None => Ok(None),
            Some(Sent::Object(fields)) => Ok(Some(fields)),
            Some(_) => Err(wrong(name, "an object")),
        }
    }

    /// A list of texts.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refused> {
        let expected = || wrong(name, "a list of strings");
        let items = match self.value(name) {
            None => return Ok(None),
            Some(Sent::List(items)) => items,
            Some(_) => return Err(expected()),
        };
        items
            .iter()
            .map(|item| match Sent::of(item) {
                Sent::Text(text) => Ok(text),
                _ => Err(expected()),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A list of texts, or one text of them with commas between: `heroku create --features a,b` sends it as it was typed.
    pub fn words(&self, name: &str) -> Result<Option<Vec<String>>, Refused> {
        match self.value(name) {
            Some(Sent::Text(text)) => {
                let words = text.split(',').map(|one| one.trim().to_owned());
                Ok(Some(words.filter(|one| !one.is_empty()).collect()))
            }
            _ => self.texts(name),
        }
    }

    /// A list of objects.
    pub fn list(&self, name: &str) -> Result<Option<Vec<Fields>>, Refused> {
        let expected = || wrong(name, "a list of objects");
        let items = match self.value(name) {
            None => return Ok(None),
            Some(Sent::List(items)) => items,
            Some(_) => return Err(expected()),
        };
        items
            .iter()
            .map(|item| match Sent::of(item) {
                Sent::Object(fields) => Ok(fields),
                _ => Err(expected()),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Process types: names and commands.
    pub fn process_types(&self, name: &str) -> Result<Option<ProcessTypes>, Refused> {
        let fields = match self.value(name) {
            None => return Ok(None),
            Some(Sent::Object(Fields(fields))) => fields,
            Some(_) => {
                return Err(wrong(name, "an object of process types and their commands"));
            }
        };
        let mut process_types = ProcessTypes::new();
        for (process_type, command) in fields {
            if !is_process_type(&process_type) {
                return Err(Refused(format!(
                    "`{name}` has an invalid name, {process_type:?}: letters, digits, `-` and `_`, at most 128"
                )));
            }
            let Sent::Text(command) = Sent::of(&command) else {
                return Err(Refused(format!(
                    "`{name}` must have a string as the command of {process_type:?}"
                )));
            };
            process_types.insert(process_type, command);
        }
        Ok(Some(process_types))
    }

    /// The whole body as changes of config vars: `null` takes one away, and booleans are their text, as numbers are,
    /// to the digit.
    pub fn into_config_vars(self) -> Result<ConfigVarsUpdate, Refused> {
        let mut changes = BTreeMap::new();
        for (name, value) in self.0 {
            if !is_config_var(&name) {
                return Err(Refused(format!(
                    "Invalid config var {name:?}: names are letters, digits and `_`"
                )));
            }
            let value = match Sent::of(&value) {
                Sent::Null => None,
                Sent::Text(text) if text.contains('\0') => {
                    return Err(Refused(format!(
                        "The value of config var {name} contains a NUL character"
                    )));
                }
                Sent::Text(text) | Sent::Number(text) => Some(text),
                Sent::Boolean(value) => Some(value.to_string()),
                Sent::List(_) | Sent::Object(_) | Sent::Unreadable => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

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
    fn whole_numbers_come_as_numbers_and_as_text() {
        let of = |value: Value| fields(json!({"expires_in": value})).whole_number("expires_in");
        assert_eq!(of(json!(3600)), Ok(Some(3600)));
        assert_eq!(of(json!("3600")), Ok(Some(3600)));
        assert_eq!(of(json!(null)), Ok(None));
        for value in [
            json!(-1),
            json!(1.5),
            json!(""),
            json!("1h"),
            json!([1]),
            json!(true),
        ] {
            let expected = Err(wrong("expires_in", "a whole number of at least 0"));
            assert_eq!(of(value), expected);
        }
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
    fn objects_and_lists_have_what_they_are_asked_for() {
        let body = fields(json!({"in": {"id": ["a", "b"]}, "none": null, "mixed": ["a", 1]}));
        let inner = body.object("in").unwrap().unwrap();
        assert_eq!(inner.texts("id"), Ok(Some(vec!["a".into(), "b".into()])));
        assert_eq!(inner.texts("name"), Ok(None));
        assert!(body.object("none").unwrap().is_none());
        assert_eq!(
            body.object("mixed").unwrap_err().0,
            "`mixed` must be an object"
        );
        for name in ["mixed", "in"] {
            let refused = body.texts(name).unwrap_err().0;
            assert_eq!(refused, format!("`{name}` must be a list of strings"));
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
    fn numbers_stay_as_they_were_written() {
        let numbers = [
            "12345678901234567890123",
            "1.10",
            "1e400",
            "-0.0",
            "1E+2",
            "0.1000000000000000055511151231257827",
        ];
        for number in numbers {
            let body: Fields = serde_json::from_str(&format!(r#"{{"A": {number} }}"#)).unwrap();
            assert_eq!(body.identity("A"), Ok(Some(number.to_owned())));
            let changes = body.into_config_vars().unwrap();
            assert_eq!(changes["A"].as_deref(), Some(number));
        }
        // Where something else is asked for, the number is what is wrong and not the JSON.
        let body = r#"{"quantity": 1e400, "name": 1e400, "updates": [{"quantity": 1e400}], "other": 1e400}"#;
        let body: Fields = serde_json::from_str(body).unwrap();
        assert!(body.quantity("quantity").is_err());
        assert_eq!(body.text("name"), Err(wrong("name", "a string")));
        assert!(body.boolean("name").is_err());
        let updates = body.list("updates").unwrap().unwrap();
        assert!(updates[0].quantity("quantity").is_err());
        for no_json in [
            r#"{"A": 01}"#,
            r#"{"A": .5}"#,
            r#"{"A": NaN}"#,
            r#"{"A": 1.}"#,
        ] {
            assert!(
                serde_json::from_str::<Fields>(no_json).is_err(),
                "{no_json}"
            );
        }
        // Half of a pair of surrogates is no text.
        let body: Fields = serde_json::from_str(r#"{"name": "\ud800"}"#).unwrap();
        assert_eq!(body.text("name"), Err(wrong("name", "a string")));
    }

    #[test]
    fn words_come_as_a_list_and_with_commas() {
        let of = |value: Value| fields(json!({"flags": value})).words("flags");
        let two = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(of(json!(["a", "b"])), Ok(Some(two.clone())));
        assert_eq!(of(json!("a, b,")), Ok(Some(two)));
        assert_eq!(of(json!("")), Ok(Some(Vec::new())));
        assert_eq!(of(json!(null)), Ok(None));
        for value in [json!([1]), json!(["a", null]), json!({}), json!(true)] {
            assert_eq!(of(value), Err(wrong("flags", "a list of strings")));
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
