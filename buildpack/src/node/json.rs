//! JSON with the line of every value.
//!
//! `serde_json` reads the text strictly, as `JSON.parse` does and npm with it. A [`RawValue`] is a slice of that text, so
//! its place in it is known; nesting of any depth is skipped without recursion.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::marker::PhantomData;

/// A value with the line (from 1) that it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Its line, from 1.
    pub line: usize,
}

/// A text that is being read, with its lines.
pub(super) struct Text<'a> {
    text: &'a str,
    /// Offsets of the line ends, in rising order.
    line_ends: Vec<usize>,
}

/// What a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// `[…]`.
    Array,
    /// `{…}`.
    Object,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

/// The members of an object in the order of the text. Of a name that is there twice the last one counts, as in
/// JavaScript.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

/// The elements of an array.
pub(super) struct Elements<'a>(pub(super) Vec<&'a RawValue>);

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let line_ends = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(offset, _)| offset)
            .collect();
        Self { text, line_ends }
    }

    /// The outermost value.
    pub(super) fn root(&self) -> Result<&'a RawValue, serde_json::Error> {
        serde_json::from_str(self.text)
    }

    /// The line that `value` begins on, which is a part of this text.
    pub(super) fn line(&self, value: &RawValue) -> usize {
        let offset = value
            .get()
            .as_ptr()
            .addr()
            .saturating_sub(self.text.as_ptr().addr());
        1 + self.line_ends.partition_point(|end| *end < offset)
    }
}

/// What `value` is, by its first byte.
pub(super) fn kind(value: &RawValue) -> Kind {
    match value.get().as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::String,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'n') | None => Kind::Null,
        Some(_) => Kind::Number,
    }
}

impl<'a> Members<'a> {
    /// The last value called `name`, unless it is `null`, which says as much as nothing.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| *value)
            .filter(|value| kind(value) != Kind::Null)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<'de>(PhantomData<&'de ()>);
        impl<'de> Visitor<'de> for Object<'de> {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array<'de>(PhantomData<&'de ()>);
        impl<'de> Visitor<'de> for Array<'de> {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut elements: A,
            ) -> Result<Self::Value, A::Error> {
                let mut found = Vec::new();
                while let Some(element) = elements.next_element()? {
                    found.push(element);
                }
                Ok(Elements(found))
            }
        }
        deserializer.deserialize_seq(Array(PhantomData))
    }
}
