//! The build plan that detection arrived at.

use slugbuilder::cnb::PlanEntry;
use std::fmt::{self, Display, Formatter};

/// What the buildpacks provide and require of each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BuildPlan(pub Vec<PlanEntry>);

impl BuildPlan {
    /// The entry of this name. Panics where there is none.
    #[must_use]
    #[track_caller]
    pub fn entry(&self, name: &str) -> &PlanEntry {
        self.0
            .iter()
            .find(|entry| entry.name == name)
            .unwrap_or_else(|| panic!("the plan has no entry `{name}`:\n{self}"))
    }

    /// The names of its entries.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|entry| entry.name.as_str()).collect()
    }
}

impl Display for BuildPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for entry in &self.0 {
            writeln!(
                f,
                "{}: provided by {}",
                entry.name,
                entry.providers.join(", ")
            )?;
            for require in &entry.requires {
                if require.metadata.is_empty() {
                    writeln!(f, "  required")?;
                } else {
                    let metadata = toml::Value::Table(require.metadata.clone());
                    writeln!(f, "  required with {metadata}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder::cnb::Require;

    #[test]
    fn it_is_shown_entry_by_entry() {
        let plan = BuildPlan(vec![PlanEntry {
            name: "node".into(),
            providers: vec!["acme/node".into()],
            requires: vec![
                Require {
                    name: "node".into(),
                    metadata: toml::Table::new(),
                },
                Require {
                    name: "node".into(),
                    metadata: toml::from_str("version = '24'").unwrap(),
                },
            ],
        }]);
        insta::assert_snapshot!(plan, @r#"
        node: provided by acme/node
          required
          required with { version = "24" }
        "#);
        assert_eq!(plan.entry("node").requires.len(), 2);
        assert_eq!(plan.names(), ["node"]);
    }

    #[test]
    #[should_panic(expected = "the plan has no entry `ruby`")]
    fn an_entry_that_is_not_there_is_told() {
        let _ = BuildPlan::default().entry("ruby");
    }
}
