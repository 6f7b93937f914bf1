//! `plan --json` against docs/plan.schema.json.

use crate::context::{Context, ordinary};
use crate::plan::test_app;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// docs/plan.schema.json.
fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plan.schema.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Everything in `value` that the document does not allow, by place.
pub(crate) fn problems(value: &Value) -> Vec<String> {
    let schema = schema();
    let mut found = Vec::new();
    check(&schema, &schema, value, "$", &mut found);
    found
}

/// Checks the keywords of JSON Schema that the document uses; any other one is a mistake in the document.
fn check(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let empty = serde_json::Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    for (keyword, rule) in schema.as_object().unwrap() {
        let mut complain = |text: String| found.push(format!("{place}: {text}"));
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" => {}
            "$ref" => {
                let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                check(root, root.pointer(pointer).unwrap(), value, place, found);
            }
            "type" => {
                let is_it = match rule.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64() || value.is_i64(),
                    other => panic!("type {other}"),
                };
                if !is_it {
                    complain(format!("{value} is no {rule}"));
                }
            }
            "const" => {
                if value != rule {
                    complain(format!("{value} is not {rule}"));
                }
            }
            "enum" => {
                if !rule.as_array().unwrap().contains(value) {
                    complain(format!("{value} is none of {rule}"));
                }
            }
            "minimum" => {
                if value
                    .as_i64()
                    .is_some_and(|value| value < rule.as_i64().unwrap())
                {
                    complain(format!("{value} is less than {rule}"));
                }
            }
            "required" => {
                for name in rule.as_array().unwrap() {
                    if value.get(name.as_str().unwrap()).is_none() {
                        complain(format!("{name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, rule) in properties {
                    if let Some(value) = value.get(name) {
                        check(root, rule, value, &format!("{place}.{name}"), found);
                    }
                }
            }
            "additionalProperties" => {
                for (name, value) in value.as_object().unwrap_or(&empty) {
                    let place = format!("{place}.{name}");
                    if properties.contains_key(name) {
                        continue;
                    }
                    if *rule == Value::Bool(false) {
                        found.push(format!("{place} is unknown"));
                    } else {
                        check(root, rule, value, &place, found);
                    }
                }
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, value, &format!("{place}[{index}]"), found);
                }
            }
            "oneOf" => {
                let fits = rule.as_array().unwrap().iter().filter(|rule| {
                    let mut problems = Vec::new();
                    check(root, rule, value, place, &mut problems);
                    problems.is_empty()
                });
                let fits = fits.count();
                if fits != 1 {
                    complain(format!("{value} fits {fits} of the alternatives"));
                }
            }
            other => panic!("the keyword `{other}`"),
        }
    }
}

/// Names that a plan has and the document does not know: they would be fields that nobody has described.
fn undescribed(root: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let schema = match schema["$ref"].as_str() {
        Some(pointer) => root.pointer(&pointer[1..]).unwrap(),
        None => schema,
    };
    let mut found = Vec::new();
    match (value, &schema["properties"], &schema["items"]) {
        (Value::Object(members), Value::Object(properties), _) => {
            for (name, value) in members {
                let place = format!("{place}.{name}");
                match properties.get(name) {
                    Some(schema) => found.extend(undescribed(root, schema, value, &place)),
                    None => found.push(place),
                }
            }
        }
        (Value::Array(items), _, schema @ Value::Object(_)) => {
            for value in items {
                found.extend(undescribed(root, schema, value, &format!("{place}[]")));
            }
        }
        _ => {}
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_plan_of_every_test_app_is_as_documented() {
    let context = Context::new(ordinary());
    let mut planned = 0;
    for entry in fs::read_dir(test_app("")).unwrap() {
        let entry = entry.unwrap();
        if !entry.path().join("expect.toml").is_file() {
            continue;
        }
        let name = entry.file_name().into_string().unwrap();
        let app = context.path(&name);
        copy(&entry.path(), &app);
        let ran = context.slugbuilder(["plan", "--json"]).argument(&app).run();
        if ran.status != 0 {
            assert_eq!(ran.stdout, "", "{name}");
            continue;
        }
        let value = ran.json();
        assert_eq!(problems(&value), [""; 0], "{name}");
        assert_eq!(
            undescribed(&schema(), &schema(), &value, "$"),
            [""; 0],
            "{name}"
        );
        planned += 1;
    }
    assert!(planned >= 6, "{planned}");
}

#[test]
fn what_is_not_as_documented_is_found() {
    let text = r#"{
        "version": 2, "stack": "heroku-24", "staged": {"files": -1}, "left_out": [{"path": "a", "reason": "none"}], "languages": [],
        "decisions": [{"subject": "x", "rule": "y", "winner": "0", "candidates": [
            {"value": "v", "verdict": "w", "origin": {"file": {"path": "p", "line": 0}}}
        ]}],
        "more": 1
    }"#;
    let value: Value = serde_json::from_str(text).unwrap();
    let mut found = problems(&value);
    found.sort();
    insta::assert_snapshot!(found.join("\n"), @r#"
    $.decisions[0].candidates[0].origin: {"file":{"path":"p","line":0}} fits 0 of the alternatives
    $.decisions[0].winner: "0" is no "integer"
    $.left_out[0].reason: "none" is none of ["git","output","finder_metadata","slugignore","git_ignored"]
    $.staged.files: -1 is less than 0
    $.staged: "not_walked" is missing
    $.version: 2 is not 1
    $: "warnings" is missing
    "#);
    assert_eq!(undescribed(&schema(), &schema(), &value, "$"), ["$.more"]);
}
