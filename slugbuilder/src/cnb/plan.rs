//! The build plan: what buildpacks provide and require.

use super::CnbError;
use super::documents::parse_toml;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Something that a buildpack requires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Require {
    /// Its name in the plan.
    pub name: String,
    /// What the buildpack that provides it should know.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub metadata: toml::Table,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Sections {
    #[serde(default)]
    provides: Vec<Provide>,
    #[serde(default)]
    requires: Vec<RequireDocument>,
}

#[derive(Debug, Clone, Deserialize)]
struct Provide {
    name: String,
}

#[derive(Debug, Clone, Deserialize)]
struct RequireDocument {
    name: String,
    version: Option<toml::Value>,
    #[serde(default)]
    metadata: toml::Table,
}

#[derive(Deserialize)]
struct Document {
    #[serde(flatten)]
    first: Sections,
    #[serde(default)]
    or: Vec<Sections>,
}

/// One alternative of a buildpack's plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PlanOption {
    pub(super) provides: Vec<String>,
    pub(super) requires: Vec<Require>,
}

/// The build plan that `bin/detect` of one buildpack wrote: its alternatives, best first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DetectPlan(pub(super) Vec<PlanOption>);

impl DetectPlan {
    /// Reads the plan file; `path` is for errors.
    pub(super) fn parse(path: &Path, content: &[u8]) -> Result<Self, CnbError> {
        let document: Document = parse_toml(path, content)?;
        let mut options = Vec::new();
        for sections in std::iter::once(document.first).chain(document.or) {
            let mut option = PlanOption {
                provides: sections
                    .provides
                    .into_iter()
                    .map(|provide| provide.name)
                    .collect(),
                requires: Vec::new(),
            };
            for require in sections.requires {
                if require.version.is_some() {
                    return Err(CnbError::InvalidDocument {
                        path: path.to_owned(),
                        line: None,
                        reason: format!(
                            "`version` of the require `{}` must be in its `metadata`",
                            require.name
                        ),
                    });
                }
                option.requires.push(Require {
                    name: require.name,
                    metadata: require.metadata,
                });
            }
            options.push(option);
        }
        Ok(Self(options))
    }
}

/// An entry of the resolved plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanEntry {
    /// What it is about.
    pub name: String,
    /// Ids of the buildpacks that provide it.
    pub providers: Vec<String>,
    /// What is required, in the order of the group.
    pub requires: Vec<Require>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_arrives_and_version_is_refused() {
        let parsed = DetectPlan::parse(
            Path::new("plan.toml"),
            b"[[requires]]\nname='x'\n[requires.metadata]\nversion='1'\n",
        )
        .unwrap();
        assert_eq!(
            parsed.0[0].requires[0].metadata["version"].as_str(),
            Some("1")
        );
        let error = DetectPlan::parse(
            Path::new("plan.toml"),
            b"[[requires]]\nname='x'\nversion='1'\n",
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "plan.toml: `version` of the require `x` must be in its `metadata`"
        );
    }
}
