//! Orders of precedence as data: what decides walks along it, and the tables of the documents are made from it.
//!
//! A question with an order has one constant slice of [`Source`]s, of which the first one that says something wins. The
//! same slice is a [`Table`] here. In a document a table stands between two marks, and all between them is generated:
//!
//! ```text
//! <!-- generated: node-version -->
//! <!-- end of node-version -->
//! ```
//!
//! `cargo run -p slugbuilder-buildpack -- docs` writes [`DOCUMENTS`] anew, and a test fails where one is not as this
//! would write it.

use crate::runtime::Runtime;
use crate::{detect, node, version};
use std::fmt::Write as _;
use std::path::Path;

/// One place where an answer can stand. The order of a slice of them is the order of precedence.
#[derive(Debug, Clone, Copy)]
pub struct Source<Read> {
    /// Its name in plans and documents, in Markdown: `` `engines.node` of package.json ``.
    pub name: &'static str,
    /// What is read there and how, as the documents say it.
    pub meaning: &'static str,
    /// Reads it.
    pub read: Read,
}

impl<Read> Source<Read> {
    /// [`Source::name`] as plain text, for plans.
    #[must_use]
    pub fn plain_name(&self) -> String {
        self.name.replace('`', "")
    }
}

/// A table of the documents.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// What it is called in the marks.
    pub key: &'static str,
    /// The table in Markdown, with a line end after each line.
    pub markdown: fn() -> String,
}

/// Every table. A new order of precedence needs a line here, and marks in a document.
pub const TABLES: &[Table] = &[
    Table {
        key: "node-version",
        markdown: || order(version::NODE_SOURCES),
    },
    Table {
        key: "ruby-version",
        markdown: || order(version::RUBY_SOURCES),
    },
    Table {
        key: "go-version",
        markdown: || order(version::GO_SOURCES),
    },
    Table {
        key: "bare-files",
        markdown: bare_files,
    },
    Table {
        key: "node-web",
        markdown: || web(Runtime::Node),
    },
    Table {
        key: "package-manager",
        markdown: || order(node::manager::SOURCES),
    },
    Table {
        key: "ruby-web",
        markdown: || web(Runtime::Ruby),
    },
    Table {
        key: "go-web",
        markdown: || web(Runtime::Go),
    },
];

/// The documents with tables, relative to the folder of the workspace.
pub const DOCUMENTS: &[&str] = &["buildpack/README.md", "docs/plan.md"];

/// `sources` as a table: number, name and meaning of each.
#[must_use]
pub fn order<Read>(sources: &[Source<Read>]) -> String {
    let mut text = "| | the first one wins | |\n|---|---|---|\n".to_owned();
    for (index, source) in sources.iter().enumerate() {
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            index + 1,
            source.name,
            source.meaning
        );
    }
    text
}

fn web(runtime: Runtime) -> String {
    detect::WEB_SOURCES
        .iter()
        .filter(|(of, _)| *of == runtime)
        .map(|(_, sources)| order(sources))
        .collect()
}

fn bare_files() -> String {
    let quoted = |words: &[&str], before: &str| {
        let words: Vec<String> = words
            .iter()
            .map(|word| format!("`{before}{word}`"))
            .collect();
        words.join(", ")
    };
    let mut text =
        "| language | names, the first one wins | endings, the first one wins |\n|---|---|---|\n"
            .to_owned();
    for (runtime, stems, suffixes) in detect::BARE_FILES {
        let _ = writeln!(
            text,
            "| {runtime} | {} | {} |",
            quoted(stems, ""),
            quoted(suffixes, ".")
        );
    }
    text
}

/// A document that cannot be written anew.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Reading or writing failed; the text names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A mark names a table that there is not.
    #[error("line {line}: there is no table `{key}`")]
    UnknownTable {
        /// The line of the mark.
        line: usize,
        /// The name.
        key: String,
    },
    /// A table does not end.
    #[error("line {line}: no line `<!-- end of {key} -->` follows")]
    Unended {
        /// The line of the mark.
        line: usize,
        /// The name.
        key: String,
    },
}

/// `document` with every table as the code has it now.
pub fn rewrite(document: &str) -> Result<String, DocumentError> {
    let mut result = String::new();
    let mut lines = document.split_inclusive('\n').enumerate();
    while let Some((index, line)) = lines.next() {
        result.push_str(line);
        let Some(key) = line
            .trim()
            .strip_prefix("<!-- generated: ")
            .and_then(|rest| rest.strip_suffix(" -->"))
        else {
            continue;
        };
        let Some(table) = TABLES.iter().find(|table| table.key == key) else {
            return Err(DocumentError::UnknownTable {
                line: index + 1,
                key: key.to_owned(),
            });
        };
        let end = format!("<!-- end of {key} -->");
        let Some((_, end)) = lines.find(|(_, line)| line.trim() == end) else {
            return Err(DocumentError::Unended {
                line: index + 1,
                key: key.to_owned(),
            });
        };
        result.push('\n');
        result.push_str(&(table.markdown)());
        result.push('\n');
        result.push_str(end);
    }
    Ok(result)
}

/// Writes every document below `folder`, that of the workspace, anew; returns those that changed.
pub fn rewrite_documents(folder: &Path) -> Result<Vec<&'static str>, DocumentError> {
    let mut changed = Vec::new();
    for document in DOCUMENTS {
        let path = folder.join(document);
        let before = fs_err::read_to_string(&path)?;
        let after = rewrite(&before)?;
        if after != before {
            fs_err::write(&path, after)?;
            changed.push(*document);
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_say_what_the_code_does() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut all = String::new();
        for document in DOCUMENTS {
            let text = fs_err::read_to_string(workspace.join(document)).unwrap();
            assert!(
                rewrite(&text).unwrap() == text,
                "{document} has a table that is not as the code decides; `cargo run -p slugbuilder-buildpack -- docs` writes it anew"
            );
            all.push_str(&text);
        }
        for table in TABLES {
            assert!(
                all.contains(&format!("<!-- generated: {} -->", table.key)),
                "{} is in no document",
                table.key
            );
        }
    }

    #[test]
    fn all_between_the_marks_is_generated() {
        let table = "<!-- generated: go-version -->\nby hand\n<!-- end of go-version -->\nafter";
        let written = rewrite(&format!("before\n{table}")).unwrap();
        assert!(written.starts_with("before\n<!-- generated: go-version -->\n\n| |"));
        assert!(written.ends_with("\n\n<!-- end of go-version -->\nafter"));
        assert!(!written.contains("by hand"));
        assert_eq!(rewrite(&written).unwrap(), written);
    }

    #[test]
    fn marks_that_cannot_be_followed_are_errors() {
        let message = |text| rewrite(text).unwrap_err().to_string();
        assert_eq!(
            message("\n<!-- generated: nothing -->\n"),
            "line 2: there is no table `nothing`"
        );
        assert_eq!(
            message("<!-- generated: go-version -->\n"),
            "line 1: no line `<!-- end of go-version -->` follows"
        );
    }
}
