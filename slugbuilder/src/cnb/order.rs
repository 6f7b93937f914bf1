//! Which groups of buildpacks to try, in which order.

use super::documents::{DOCUMENT_LIMIT, parse_toml, read_named};
use super::{Buildpack, BuildpackDescriptor, CnbError};
use serde::Deserialize;
use std::path::Path;

/// A buildpack in a group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrderElement {
    /// Its id.
    pub id: String,
    /// The version that is meant; any if there is none.
    pub version: Option<String>,
    /// Whether the group can do without it.
    #[serde(default)]
    pub optional: bool,
    /// The execution environments in which it takes part (API 0.12); all if there are none.
    #[serde(default, rename = "exec-env")]
    pub execution_environments: Vec<String>,
}

impl OrderElement {
    /// Whether it asks for this buildpack.
    #[must_use]
    pub fn means(&self, descriptor: &BuildpackDescriptor) -> bool {
        let version = self.version.as_ref();
        descriptor.id == self.id && version.is_none_or(|version| *version == descriptor.version)
    }
}

#[derive(Deserialize)]
pub(super) struct GroupDocument {
    #[serde(default)]
    pub(super) group: Vec<OrderElement>,
}

/// Groups of buildpacks; the first that fits the app builds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The groups, best first.
    pub groups: Vec<Vec<OrderElement>>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    order: Vec<GroupDocument>,
    #[serde(default, rename = "order-extensions")]
    order_extensions: Vec<toml::Value>,
}

impl Order {
    /// One group of these buildpacks, none optional, without those that others of them are composed of.
    #[must_use]
    pub fn of(buildpacks: &[Buildpack]) -> Self {
        let is_part = |buildpack: &&Buildpack| {
            let composites = buildpacks.iter().map(|other| &other.descriptor.order);
            let mut elements = composites.flatten().flatten();
            elements.any(|element| element.means(&buildpack.descriptor))
        };
        let element = |buildpack: &Buildpack| OrderElement {
            id: buildpack.descriptor.id.clone(),
            version: Some(buildpack.descriptor.version.clone()),
            optional: false,
            execution_environments: Vec::new(),
        };
        let outermost = buildpacks.iter().filter(|one| !is_part(one));
        Self {
            groups: vec![outermost.map(element).collect()],
        }
    }

    /// Reads an `order.toml` (or the `[[order]]` of a builder's configuration), which a user names: links are followed.
    pub fn read(path: &Path) -> Result<Self, CnbError> {
        let content = read_named(path, DOCUMENT_LIMIT)?;
        Self::parse(path, &content)
    }

    /// Reads the content of an `order.toml`; `path` is for errors.
    pub fn parse(path: &Path, content: &[u8]) -> Result<Self, CnbError> {
        let document: Document = parse_toml(path, content)?;
        if !document.order_extensions.is_empty() {
            return Err(CnbError::Extension {
                path: path.to_owned(),
            });
        }
        if document.order.iter().all(|group| group.group.is_empty()) {
            return Err(CnbError::InvalidDocument {
                path: path.to_owned(),
                line: None,
                reason: "there is no `[[order]]` with a group of buildpacks".into(),
            });
        }
        Ok(Self {
            groups: document
                .order
                .into_iter()
                .map(|group| group.group)
                .collect(),
        })
    }
}

/// Whether a list of execution environments (API 0.12) takes in `production`, the only one that slugs are built for.
pub(super) fn is_for_production(environments: &[String]) -> bool {
    environments.is_empty()
        || environments
            .iter()
            .any(|name| name == super::EXECUTION_ENVIRONMENT || name == "*")
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};

    #[test]
    fn extensions_and_empty_orders_are_refused() {
        let refuse = |text: &str| {
            let error = Order::parse(Path::new("order.toml"), text.as_bytes()).unwrap_err();
            Diagnosis::of(&error).render(Style::Plain)
        };
        insta::assert_snapshot!(refuse("[[order-extensions]]\n[[order-extensions.group]]\nid='x'\n"), @r"
        error[extension-unsupported]: `order.toml` asks for image extensions, which a slug cannot have

          Extensions install operating system packages into an image. The stack of a slug is Heroku's and cannot be changed.

          hint: Use an order without extensions.
        ");
        insta::assert_snapshot!(refuse("\n[[order]]\ngroup = 3\n"), @"error[invalid-buildpack-file]: order.toml:3: invalid type: integer `3`, expected a sequence");
        insta::assert_snapshot!(refuse(""), @"error[invalid-buildpack-file]: order.toml: there is no `[[order]]` with a group of buildpacks");
    }
}
