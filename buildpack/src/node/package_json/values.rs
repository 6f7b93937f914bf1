//! Values of a known type, or the error that names them.

use super::PackageJsonError;
use crate::node::json::{Elements, Kind, Located, Members, Text, kind};
use serde_json::value::RawValue;
use std::collections::HashMap;

pub(super) type Found<T> = Result<T, PackageJsonError>;

/// Reads values and says what is wrong with them.
pub(super) struct Reader<'a> {
    path: &'a str,
    text: Text<'a>,
    /// Names that were there twice, so far.
    pub(super) duplicates: Vec<Located<String>>,
}

impl<'a> Reader<'a> {
    /// A reader of `text`, which stands in the file `path`, and the fields of the object that it is.
    pub(super) fn of(path: &'a str, text: &'a str) -> Found<(Self, Members<'a>)> {
        let mut reader = Self {
            path,
            text: Text::new(text),
            duplicates: Vec::new(),
        };
        let root = reader
            .text
            .root()
            .map_err(|error| PackageJsonError::Syntax {
                path: path.to_owned(),
                line: error.line(),
                error,
            })?;
        if kind(root) != Kind::Object {
            return Err(PackageJsonError::NotAnObject {
                path: path.to_owned(),
                line: reader.text.line(root),
                found: kind(root),
            });
        }
        let fields = reader.members(root, "")?;
        Ok((reader, fields))
    }

    /// The line of a value.
    pub(super) fn line(&self, value: &RawValue) -> usize {
        self.text.line(value)
    }

    pub(super) fn wrong_type(
        &self,
        value: &RawValue,
        field: &str,
        expected: &'static str,
    ) -> PackageJsonError {
        PackageJsonError::WrongType {
            path: self.path.to_owned(),
            line: self.text.line(value),
            field: field.to_owned(),
            found: kind(value),
            expected,
        }
    }

    pub(super) fn unreadable(
        &self,
        value: &RawValue,
        field: &str,
        problem: impl Into<String>,
        expected: &'static str,
    ) -> PackageJsonError {
        PackageJsonError::Unreadable {
            path: self.path.to_owned(),
            line: self.text.line(value),
            field: field.to_owned(),
            problem: problem.into(),
            expected,
        }
    }

    /// The members of an object, noting names that are there twice. `prefix` is its dotted path with a dot at the end.
    pub(super) fn members(&mut self, object: &'a RawValue, prefix: &str) -> Found<Members<'a>> {
        let members: Members = serde_json::from_str(object.get()).map_err(|_| {
            let field = if prefix.is_empty() { "{}" } else { prefix };
            // The text has been read as JSON before; only names were not looked into.
            let problem = "has a name with half a surrogate pair";
            self.unreadable(
                object,
                field.trim_end_matches('.'),
                problem,
                "text of Unicode",
            )
        })?;
        let mut last: HashMap<&str, (usize, &RawValue)> = HashMap::new();
        for (name, value) in &members.0 {
            let (times, at) = last.entry(name).or_insert((0, value));
            *times += 1;
            *at = value;
        }
        let mut twice: Vec<Located<String>> = last
            .into_iter()
            .filter(|(_, (times, _))| *times > 1)
            .map(|(name, (_, value))| Located {
                value: format!("{prefix}{name}"),
                line: self.text.line(value),
            })
            .collect();
        twice.sort_by(|a, b| (a.line, &a.value).cmp(&(b.line, &b.value)));
        self.duplicates.extend(twice);
        Ok(members)
    }

    /// The members of the field `name`, which is an object if it is there.
    pub(super) fn object(
        &mut self,
        fields: &Members<'a>,
        name: &str,
        expected: &'static str,
    ) -> Found<Members<'a>> {
        match fields.get(name) {
            None => Ok(Members(Vec::new())),
            Some(value) if kind(value) == Kind::Object => self.members(value, &format!("{name}.")),
            Some(value) => Err(self.wrong_type(value, name, expected)),
        }
    }

    pub(super) fn string(
        &self,
        value: &RawValue,
        field: &str,
        expected: &'static str,
    ) -> Found<Located<String>> {
        if kind(value) != Kind::String {
            return Err(self.wrong_type(value, field, expected));
        }
        match serde_json::from_str(value.get()) {
            Ok(text) => Ok(Located {
                value: text,
                line: self.text.line(value),
            }),
            Err(_) => Err(self.unreadable(value, field, "has half a surrogate pair", expected)),
        }
    }

    /// The string `name` of `fields`, which are called `prefix`.
    pub(super) fn text_of(
        &self,
        fields: &Members,
        prefix: &str,
        name: &str,
        expected: &'static str,
    ) -> Found<Option<Located<String>>> {
        fields
            .get(name)
            .map(|value| self.string(value, &format!("{prefix}{name}"), expected))
            .transpose()
    }

    /// A string, or nothing where it is anything else.
    pub(super) fn text_if(&self, value: Option<&RawValue>) -> Option<Located<String>> {
        self.string(value?, "", "").ok()
    }

    pub(super) fn elements(
        &self,
        array: &'a RawValue,
        field: &str,
        expected: &'static str,
    ) -> Found<Vec<&'a RawValue>> {
        if kind(array) != Kind::Array {
            return Err(self.wrong_type(array, field, expected));
        }
        serde_json::from_str(array.get())
            .map(|Elements(elements)| elements)
            .map_err(|error| self.unreadable(array, field, error.to_string(), expected))
    }

    /// A list of strings; one alone stands for a list of it, as npm takes `os` and `cpu`.
    pub(super) fn texts(
        &self,
        value: Option<&'a RawValue>,
        field: &str,
        expected: &'static str,
    ) -> Found<Vec<Located<String>>> {
        match value {
            None => Ok(Vec::new()),
            Some(value) if kind(value) == Kind::String => {
                Ok(vec![self.string(value, field, expected)?])
            }
            Some(value) => self
                .elements(value, field, expected)?
                .into_iter()
                .enumerate()
                .map(|(index, element)| {
                    self.string(element, &format!("{field}[{index}]"), expected)
                })
                .collect(),
        }
    }
}
