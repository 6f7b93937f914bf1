//! The outermost mapping of a YAML file, with lines: all that is read of `.yarnrc.yml` and `pnpm-workspace.yaml`.
//!
//! Events are read and nothing is expanded, so that neither deep nesting nor aliases of aliases cost anything.

use super::Located;
use crate::app::{App, AppError};
use saphyr_parser::{Event, Parser};
use slugbuilder_report::{Explain, Fault};

/// The values of the outermost mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Yaml {
    fields: Vec<(String, Located<Value>)>,
}

/// A value as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// Text, also of numbers and booleans.
    Text(String),
    /// The texts of a list.
    List(Vec<Located<String>>),
    /// Anything else.
    Other,
}

impl Yaml {
    /// Reads the file `path`; nothing where there is none. A file without a mapping has no fields.
    pub(crate) fn read(app: &App, path: &str) -> Result<Option<Self>, YamlError> {
        match app.text(path)? {
            Some(text) => Self::parse(&app.shown(path), &text).map(Some),
            None => Ok(None),
        }
    }

    fn parse(path: &str, text: &str) -> Result<Self, YamlError> {
        let mut fields = Vec::new();
        let mut depth = 0_usize;
        let mut key: Option<Located<String>> = None;
        let mut list: Option<Vec<Located<String>>> = None;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| YamlError::Syntax {
                path: path.to_owned(),
                line: error.marker().line(),
                problem: error.info().to_owned(),
            })?;
            let line = span.start.line();
            let value = match event {
                Event::Scalar(text, ..) => match (depth, &mut list) {
                    (1, _) if key.is_none() => {
                        key = Some(Located {
                            value: text.into_owned(),
                            line,
                        });
                        continue;
                    }
                    (1, _) => Value::Text(text.into_owned()),
                    (2, Some(list)) => {
                        list.push(Located {
                            value: text.into_owned(),
                            line,
                        });
                        continue;
                    }
                    _ => continue,
                },
                Event::Alias(_) if depth == 1 && key.is_some() => Value::Other,
                // A list that is the whole document has no fields.
                Event::SequenceStart(..) if depth == 0 => break,
                Event::SequenceStart(..) | Event::MappingStart(..) => {
                    depth += 1;
                    list = match event {
                        Event::SequenceStart(..) if depth == 2 => Some(Vec::new()),
                        _ if depth > 2 => list,
                        _ => None,
                    };
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    depth = depth.saturating_sub(1);
                    if depth != 1 {
                        continue;
                    }
                    list.take().map_or(Value::Other, Value::List)
                }
                // What follows another document's start is no part of the first one.
                Event::DocumentEnd => break,
                _ => continue,
            };
            if let Some(key) = key.take() {
                let line = key.line;
                fields.push((key.value, Located { value, line }));
            }
        }
        Ok(Self { fields })
    }

    /// The last field of that name, as far as it is a text.
    pub(crate) fn text(&self, name: &str) -> Option<Located<&str>> {
        self.field(name).and_then(|field| match &field.value {
            Value::Text(text) => Some(Located {
                value: text.as_str(),
                line: field.line,
            }),
            _ => None,
        })
    }

    /// The last field of that name, as far as it is a list.
    pub(crate) fn list(&self, name: &str) -> Option<&[Located<String>]> {
        self.field(name).and_then(|field| match &field.value {
            Value::List(list) => Some(list.as_slice()),
            _ => None,
        })
    }

    fn field(&self, name: &str) -> Option<&Located<Value>> {
        self.fields
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }
}

/// A YAML file that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// The file itself cannot be read.
    #[error(transparent)]
    App(#[from] AppError),
    /// Not YAML.
    #[error("`{path}` line {line}: not YAML: {problem}")]
    Syntax {
        /// Which file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        problem: String,
    },
}

impl Explain for YamlError {
    fn code(&self) -> &'static str {
        match self {
            Self::App(error) => error.code(),
            Self::Syntax { .. } => "invalid-yaml",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::App(error) => error.fault(),
            Self::Syntax { .. } => Fault::App,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::App(error) => error.hints(),
            Self::Syntax { path, .. } => vec![format!("Correct `{path}`.")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outermost_mapping_is_read() {
        let yaml = Yaml::parse(
            ".yarnrc.yml",
            "# comment\nnodeLinker: node-modules\nnpmScopes:\n  a:\n    x: [1, [2]]\npackages:\n  - 'packages/*'\n  - \"!**/test\"\n  - {a: b}\nyarnPath: .yarn/releases/yarn-4.5.0.cjs\n---\nnodeLinker: no\n",
        )
        .unwrap();
        assert_eq!(yaml.text("nodeLinker").unwrap().value, "node-modules");
        let path = yaml.text("yarnPath").unwrap();
        assert_eq!(
            (path.value, path.line),
            (".yarn/releases/yarn-4.5.0.cjs", 10)
        );
        let packages: Vec<_> = yaml
            .list("packages")
            .unwrap()
            .iter()
            .map(|one| (one.value.as_str(), one.line))
            .collect();
        assert_eq!(packages, [("packages/*", 7), ("!**/test", 8)]);
        assert_eq!(yaml.text("npmScopes"), None);
        assert_eq!(yaml.text("x"), None);
    }

    #[test]
    fn hostile_texts_cost_nothing() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..30 {
            let last = format!("*a{}", level - 1);
            let nested = vec![last; 10].join(", ");
            bomb = format!("{bomb}a{level}: &a{level} [{nested}]\n");
        }
        assert!(Yaml::parse("x", &bomb).is_ok());
        assert_eq!(Yaml::parse("x", "").unwrap(), Yaml::default());
        assert_eq!(Yaml::parse("x", "- a\n- b\n").unwrap(), Yaml::default());
        assert!(Yaml::parse("x", &"[".repeat(100_000)).is_err());
    }
}
