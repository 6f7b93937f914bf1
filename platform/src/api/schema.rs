//! `/schema`: a JSON hyper-schema (Draft 4) of what this server has, in the form of Heroku's, which generators of clients
//! read. The text is our own; what resources have is in `data/resources/`, what can be asked is the table of endpoints.

use super::{ENDPOINTS, Endpoint, State};
use crate::http::answer::ok;
use axum::extract::State as Of;
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// The resources: title, description, identity, properties and the bodies of requests, each property as a type and a text.
const RESOURCES: &[&str] = &[
    include_str!("../../data/resources/accounts.json"),
    include_str!("../../data/resources/apps.json"),
    include_str!("../../data/resources/attached.json"),
    include_str!("../../data/resources/builds.json"),
    include_str!("../../data/resources/git.json"),
    include_str!("../../data/resources/offers.json"),
    include_str!("../../data/resources/pipelines.json"),
    include_str!("../../data/resources/releases.json"),
];

/// Address of the meta-schema, which adds `encType` and `rel` values to Draft 4. The same that Heroku's names.
const META: &str = "http://interagent.github.io/interagent-hyper-schema";

/// The schema, less the address of the server.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let resources = resources();
    let definitions: Map<String, Value> = resources
        .iter()
        .map(|(name, resource)| (name.clone(), definition(name, resource)))
        .collect();
    let properties: Map<String, Value> = resources
        .keys()
        .map(|name| (name.clone(), reference(name)))
        .collect();
    json!({
        "$schema": META,
        "type": "object",
        "definitions": definitions,
        "properties": properties,
        "title": "slugbuilder Platform API",
        "description": "What this server has of version 3 of Heroku's Platform API.",
    })
});

/// All resources.
pub(super) fn resources() -> Map<String, Value> {
    RESOURCES
        .iter()
        // A test makes sure that all can be read.
        .flat_map(|file| serde_json::from_str::<Map<String, Value>>(file).unwrap_or_default())
        .collect()
}

/// `GET /schema`
pub(super) async fn info(Of(state): Of<State>) -> Response {
    ok(&document(&state.external_url))
}

/// The schema of the server at `external_url`.
fn document(external_url: &str) -> Value {
    let mut document = DOCUMENT.clone();
    document["links"] = json!([{ "href": external_url, "rel": "self" }]);
    document
}

/// What a resource is, and what can be done with it.
fn definition(name: &str, resource: &Value) -> Value {
    let mut definition = json!({
        "$schema": "http://json-schema.org/draft-04/hyper-schema",
        "title": resource["title"],
        "description": resource["description"],
        "type": "object",
        "stability": "production",
        "definitions": {},
        "links": ENDPOINTS
            .iter()
            .filter(|endpoint| endpoint.resource == name)
            .map(|endpoint| link(endpoint, resource))
            .collect::<Vec<_>>(),
    });
    if let Some([kind, description]) = resource["identity"].as_array().map(Vec::as_slice) {
        definition["definitions"]["identity"] = attribute(kind, description);
    }
    if let Some(kind) = resource.get("map") {
        definition["patternProperties"] =
            json!({ r"^\w+$": attribute(kind, &resource["description"]) });
    } else {
        let (properties, _) = attributes(&resource["properties"]);
        // Nothing is said of those that there are none of yet.
        definition["strictProperties"] = json!(!properties.is_empty());
        definition["properties"] = Value::Object(properties);
    }
    definition
}

/// What one endpoint asks for and answers.
fn link(endpoint: &Endpoint, resource: &Value) -> Value {
    let mut link = json!({
        "title": endpoint.title,
        "description": endpoint.title,
        "href": href(endpoint.path),
        "method": endpoint.method.as_str(),
        "rel": endpoint.rel.as_str(),
        "targetSchema": match endpoint.rel {
            rel if rel.is_list() => json!({ "type": "array", "items": reference(endpoint.resource) }),
            _ => reference(endpoint.resource),
        },
    });
    let body = endpoint.rel.request();
    if let Some(body) = body.and_then(|name| resource["requests"].get(name)) {
        let (mut properties, required) = attributes(body);
        link["schema"] = match properties.remove("*") {
            Some(any) => json!({ "type": "object", "patternProperties": { r"^\w+$": any } }),
            None => json!({ "type": "object", "properties": properties }),
        };
        if !required.is_empty() {
            link["schema"]["required"] = json!(required);
        }
    }
    link
}

/// The path as the hyper-schema writes it: `/apps/{(%23%2Fdefinitions%2Fapp%2Fdefinitions%2Fidentity)}`.
fn href(path: &str) -> String {
    let segments: Vec<_> = path
        .split('/')
        .map(|segment| {
            match segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
            {
                Some(name) => format!(
                    "{{(%23%2Fdefinitions%2F{}%2Fdefinitions%2Fidentity)}}",
                    name.replace('_', "-")
                ),
                None => segment.to_owned(),
            }
        })
        .collect();
    segments.join("/")
}

/// Where the definition of a resource is.
fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

/// Several attributes, and the names of those that must be there.
fn attributes(of: &Value) -> (Map<String, Value>, Vec<String>) {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, value) in attributes_of(of) {
        properties.insert(name.clone(), attribute(&value[0], &value[1]));
        if is_required(value) {
            required.push(name.clone());
        }
    }
    (properties, required)
}

/// The names of several attributes, and what is said of them.
pub(super) fn attributes_of(attributes: &Value) -> impl Iterator<Item = (&String, &Value)> {
    attributes.as_object().into_iter().flatten()
}

/// Whether an attribute must be there: `!` behind its type, or `"required"` behind its text where it has a schema of its own.
pub(super) fn is_required(attribute: &Value) -> bool {
    attribute[2] == "required"
        || attribute[0]
            .as_str()
            .is_some_and(|kind| kind.ends_with('!'))
}

/// One attribute: `kind` is a type or a format, with `?` where it can be `null` and `!` where it must be there; or a schema of
/// its own, for what these do not say.
pub(super) fn attribute(kind: &Value, description: &Value) -> Value {
    if kind.is_object() {
        let mut schema = kind.clone();
        schema["description"] = description.clone();
        return schema;
    }
    let kind = kind.as_str().unwrap_or_default().trim_end_matches('!');
    let (kind, nullable) = match kind.strip_suffix('?') {
        Some(kind) => (kind, true),
        None => (kind, false),
    };
    let text = |format: &str| json!({ "type": ["string"], "format": format });
    let mut schema = match kind {
        "uuid" | "email" | "date-time" | "uri" => text(kind),
        "named" => json!({
            "type": ["object"],
            "properties": { "id": text("uuid"), "name": { "type": ["string"] } },
        }),
        "user" => json!({
            "type": ["object"],
            "properties": { "id": text("uuid"), "email": text("email") },
        }),
        "quantity" => json!({ "type": ["integer", "string"] }),
        // What else they may be, `/openapi.json` says: generators would make types of it.
        "identity" | "text" => json!({ "type": ["string"] }),
        kind => json!({ "type": [kind] }),
    };
    if let (true, Some(types)) = (nullable, schema["type"].as_array_mut()) {
        types.push(json!("null"));
    }
    schema["description"] = description.clone();
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_endpoint_is_of_a_resource_that_is_described_and_the_other_way_round() {
        let resources = resources();
        for file in RESOURCES {
            serde_json::from_str::<Map<String, Value>>(file).unwrap();
        }
        let described: BTreeSet<_> = resources.keys().map(String::as_str).collect();
        let used: BTreeSet<_> = ENDPOINTS.iter().map(|endpoint| endpoint.resource).collect();
        assert_eq!(described, used);
        for endpoint in ENDPOINTS {
            if let Some(request) = endpoint.rel.request() {
                assert!(
                    resources[endpoint.resource]["requests"][request].is_object(),
                    "{} {}",
                    endpoint.method,
                    endpoint.path
                );
            }
        }
    }

    #[test]
    fn every_attribute_has_a_type_of_json() {
        fn check(value: &Value) {
            match value {
                Value::Object(fields) => {
                    if let (Some(Value::Array(types)), true) =
                        (fields.get("type"), fields.contains_key("description"))
                    {
                        for one in types {
                            assert!(
                                [
                                    "string", "boolean", "integer", "number", "array", "object",
                                    "null"
                                ]
                                .contains(&one.as_str().unwrap()),
                                "{value}"
                            );
                        }
                    }
                    fields.values().for_each(check);
                }
                Value::Array(items) => items.iter().for_each(check),
                _ => {}
            }
        }
        check(&document("http://127.0.0.1:5000"));
    }

    #[test]
    fn every_name_in_a_path_is_the_identity_of_a_resource() {
        let document = document("http://127.0.0.1:5000");
        for definition in document["definitions"].as_object().unwrap().values() {
            for link in definition["links"].as_array().unwrap() {
                let href = link["href"].as_str().unwrap();
                for part in href.split("{(%23").skip(1) {
                    let pointer = part.split(')').next().unwrap().replace("%2F", "/");
                    assert!(document.pointer(&pointer).is_some(), "{href}: {pointer}");
                }
            }
        }
    }
}
