//! The check of the runtimes that a build installed.

use super::check::Tree;
use super::{Machine, Stack, StackError};
use crate::cnb::{Build, BuiltLayer};
use crate::sandbox::Executor;

/// Refuses a build with a runtime that cannot run on `stack`.
///
/// Runtimes are the launch layers whose metadata has a `runtime` table, with `name` and `version` for the message.
pub fn check_runtimes(
    build: &Build,
    executor: &dyn Executor,
    stack: &Stack,
    machine: Machine,
) -> Result<(), StackError> {
    for layer in build.layers.iter().filter(|layer| layer.launch) {
        let Some(runtime) = layer
            .metadata
            .get("runtime")
            .and_then(toml::Value::as_table)
        else {
            continue;
        };
        let tree = Tree::read(&executor.outside(&layer.directory), machine)?;
        let findings = tree.check(stack, machine);
        if findings.problems.is_empty() {
            continue;
        }
        let fitting = Stack::all()?
            .into_iter()
            .filter(|other| {
                other.machines.contains(&machine) && tree.check(other, machine).problems.is_empty()
            })
            .map(|other| other.name)
            .collect();
        return Err(StackError::RuntimeUnfit {
            runtime: runtime_name(layer, runtime),
            stack: stack.name.clone(),
            findings: Box::new(findings),
            fitting,
        });
    }
    Ok(())
}

fn runtime_name(layer: &BuiltLayer, runtime: &toml::Table) -> String {
    let text = |key: &str| runtime.get(key).and_then(toml::Value::as_str);
    match (text("name"), text("version")) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        (Some(name), None) => name.to_owned(),
        (None, _) => layer.name.clone(),
    }
}
