//! What is asked for: bodies, as loosely as [`super::super::loose`] reads them, and queries.

use super::super::Endpoint;
use super::super::schema::{attribute, attributes_of, is_required};
use serde_json::{Map, Value, json};

/// The body of a request, if it has one.
pub(super) fn body(endpoint: &Endpoint, resource: &Value) -> Option<Value> {
    let attributes = &resource["requests"][endpoint.rel.request()?];
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut schema = json!({ "type": "object" });
    for (name, value) in attributes_of(attributes) {
        let described = loose(&value[0], &value[1]);
        if name == "*" {
            // The names that config vars may have.
            schema["patternProperties"] = json!({ "^[A-Za-z0-9_]+$": described });
            schema["additionalProperties"] = json!(false);
            continue;
        }
        if is_required(value) {
            required.push(name.clone());
        }
        properties.insert(name.clone(), described);
    }
    if !properties.is_empty() {
        schema["properties"] = Value::Object(properties);
    }
    let is_required = !required.is_empty();
    if is_required {
        schema["required"] = json!(required);
    }
    Some(json!({
        "required": is_required,
        "content": { "application/json": { "schema": schema } },
    }))
}

/// What may stand behind the `?` of an address: `queries` of the resource, by the path.
pub(super) fn query(endpoint: &Endpoint, resource: &Value) -> Vec<Value> {
    if !super::is_read(endpoint) {
        return Vec::new();
    }
    attributes_of(&resource["queries"][endpoint.path])
        .map(|(name, value)| {
            let mut schema = attribute(&value[0], &value[1]);
            let description = schema
                .as_object_mut()
                .and_then(|fields| fields.remove("description"));
            json!({
                "name": name,
                "in": "query",
                "required": is_required(value),
                "description": description,
                "schema": schema,
            })
        })
        .collect()
}

/// What is taken for an attribute: `null` is as good as absent, unless it has to be there; and clients write numbers and booleans as
/// text, and the other way round.
fn loose(kind: &Value, description: &Value) -> Value {
    let text = kind.as_str().unwrap_or_default();
    let needed = text.ends_with('!') && !text.contains('?');
    let name = text.trim_end_matches(['!', '?']);
    let mut kinds = match name {
        "boolean" => vec![
            json!({ "type": "boolean" }),
            json!({ "enum": ["true", "false", "1", "0", 1, 0] }),
        ],
        "quantity" => vec![
            json!({ "type": "integer", "minimum": 0 }),
            json!({ "type": "string", "pattern": "^[+-]?[0-9]+$" }),
        ],
        "identity" => {
            let one = json!({ "type": ["string", "number"], "minLength": 1 });
            let object = |name: &str| json!({ "type": "object", "properties": { name: one }, "required": [name] });
            vec![one.clone(), object("id"), object("name")]
        }
        "text" => vec![json!({ "type": ["string", "number", "boolean"] })],
        // Whatever else text stands for is checked where it is needed.
        "uuid" | "email" | "date-time" | "uri" => vec![json!({ "type": "string" })],
        _ => {
            let mut schema = attribute(kind, description);
            if let (false, Some(types)) = (needed, schema["type"].as_array_mut())
                && !types.contains(&json!("null"))
            {
                types.push(json!("null"));
            }
            return schema;
        }
    };
    if !needed {
        kinds.push(json!({ "type": "null" }));
    }
    json!({ "anyOf": kinds, "description": description })
}
