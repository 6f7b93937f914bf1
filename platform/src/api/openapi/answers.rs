//! What is answered: resources, strictly, errors, and the headers of both.

use super::super::schema::attribute;
use super::super::{Access, Endpoint, Rel};
use super::{is_read, links};
use serde_json::{Map, Value, json};

/// The errors that endpoints may answer with: status, `id` of the body, when.
const ERRORS: &[(u16, &str, &str)] = &[
    (
        400,
        "bad_request",
        "The request does not have the form that it must have: a body that is no JSON object, a path that is no text, a `Range` that cannot be read.",
    ),
    (401, "unauthorized", "No token, or one that nobody has."),
    (403, "forbidden", "The user may see it, but not do this."),
    (
        404,
        "not_found",
        "There is no such thing that the user may see.",
    ),
    (
        406,
        "not_acceptable",
        "No `version=3` in the `Accept` header.",
    ),
    (408, "timeout", "The body did not arrive in time."),
    (
        409,
        "conflict",
        "It cannot be done in the state that things are in.",
    ),
    (
        412,
        "precondition_failed",
        "It is not, or no longer, what the conditions of the request are about.",
    ),
    (413, "too_large", "The body is larger than 1 MiB."),
    (
        416,
        "requested_range_not_satisfiable",
        "The `Range` has an end and no start.",
    ),
    (
        422,
        "invalid_params",
        "A value in the request is not allowed.",
    ),
    (
        429,
        "rate_limit",
        "The user has made too many requests in this hour.",
    ),
    (
        503,
        "service_unavailable",
        "The server cannot do it now: its disk is full, or it is about to end. Nothing was done.",
    ),
];

/// The answers of an endpoint, by status.
pub(super) fn responses(endpoint: &Endpoint) -> Map<String, Value> {
    endpoint
        .statuses()
        .into_iter()
        .map(|status| {
            let response = match status {
                200..=299 => success(endpoint, status),
                304 => json!({ "$ref": "#/components/responses/304" }),
                _ => json!({ "$ref": format!("#/components/responses/{status}") }),
            };
            (status.to_string(), response)
        })
        .collect()
}

fn success(endpoint: &Endpoint, status: u16) -> Value {
    let resource = json!({ "$ref": format!("#/components/schemas/{}", endpoint.resource) });
    let (description, schema) = match endpoint.rel {
        Rel::Empty => (
            "It will be done.",
            json!({ "type": "object", "maxProperties": 0 }),
        ),
        rel if rel.is_list() => (
            "A list of them.",
            json!({ "type": "array", "items": resource }),
        ),
        Rel::Create => ("The new one.", resource),
        Rel::Destroy => ("What it was.", resource),
        _ => ("It.", resource),
    };
    let description = match status {
        206 => "A page of the list; there are more.",
        _ => description,
    };
    let mut names = vec!["Request-Id", "Cache-Control", "ETag"];
    if endpoint.access == Access::Token {
        names.push("RateLimit-Remaining");
    }
    if endpoint.rel.has_pages() {
        names.extend(["Accept-Ranges", "Content-Range"]);
    }
    if status == 206 {
        names.push("Next-Range");
    }
    if !is_read(endpoint) {
        names.push("X-Heroku-Warning");
    }
    let mut response = json!({
        "description": description,
        "headers": header_references(&names),
        "content": { "application/json": { "schema": schema } },
    });
    if endpoint.rel == Rel::Create {
        response["links"] = Value::Object(links(endpoint));
    }
    response
}

/// `components.responses`: everything that is no success, the same for all endpoints.
pub(super) fn errors() -> Map<String, Value> {
    let unchanged = json!({
        "description": "It is what the client has: the conditions of the request name its tag. There is no body.",
        "headers": header_references(&["Request-Id", "ETag"]),
    });
    let errors = ERRORS.iter().map(|(status, id, description)| {
        let mut names = vec!["Request-Id", "Cache-Control"];
        match status {
            401 => names.push("WWW-Authenticate"),
            429 | 503 => names.push("Retry-After"),
            _ => {}
        }
        let response = json!({
            "description": description,
            "headers": header_references(&names),
            "content": { "application/json": { "schema": {
                "allOf": [
                    { "$ref": "#/components/schemas/error" },
                    { "properties": { "id": { "const": id } } },
                ],
            } } },
        });
        (status.to_string(), response)
    });
    std::iter::once(("304".to_owned(), unchanged))
        .chain(errors)
        .collect()
}

/// `components.schemas`: what answers consist of.
pub(super) fn schemas(resources: &Map<String, Value>) -> Map<String, Value> {
    let mut schemas: Map<String, Value> = resources
        .iter()
        .map(|(name, resource)| (name.clone(), schema(resource)))
        .collect();
    let error = json!({
        "type": "object",
        "description": "Why a request was not carried out.",
        "properties": {
            "id": { "type": "string", "description": "for programs" },
            "message": { "type": "string", "minLength": 1, "description": "for people" },
            "resource": { "type": "string", "description": "what was not found" },
            "url": { "type": "string", "format": "uri", "description": "where to read more" },
        },
        "required": ["id", "message"],
        "additionalProperties": false,
    });
    schemas.insert("error".to_owned(), error);
    schemas
}

/// A resource: all of its attributes are there, and no others.
fn schema(resource: &Value) -> Value {
    let mut schema = json!({
        "type": "object",
        "title": resource["title"],
        "description": resource["description"],
    });
    let properties: Map<String, Value> = resource["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), strict(attribute(&value[0], &value[1]))))
        .collect();
    if let Some(kind) = resource.get("map") {
        schema["patternProperties"] =
            json!({ "^[A-Za-z0-9_]+$": attribute(kind, &resource["description"]) });
        schema["additionalProperties"] = json!(false);
    } else if !properties.is_empty() {
        schema["required"] = properties.keys().cloned().collect();
        schema["properties"] = Value::Object(properties);
        schema["additionalProperties"] = json!(false);
    }
    schema
}

/// The same schema, in which every object that says what it has needs all of it and has nothing else, unless it says so itself; and
/// references are to where schemas are here.
fn strict(schema: Value) -> Value {
    match schema {
        Value::Object(mut fields) => {
            if let Some(properties) = fields.get("properties").and_then(Value::as_object) {
                let names: Value = properties.keys().cloned().collect();
                fields.entry("required").or_insert(names);
                fields.entry("additionalProperties").or_insert(json!(false));
            }
            Value::Object(
                fields
                    .into_iter()
                    .map(|(key, value)| {
                        let value = match (key.as_str(), value.as_str()) {
                            ("$ref", Some(reference)) => {
                                json!(reference.replace("#/definitions/", "#/components/schemas/"))
                            }
                            // Names of attributes, not words of a schema.
                            ("properties", _) => named(value),
                            _ => strict(value),
                        };
                        (key, value)
                    })
                    .collect(),
            )
        }
        Value::Array(items) => items.into_iter().map(strict).collect(),
        other => other,
    }
}

/// [`strict`] of each of several attributes.
fn named(properties: Value) -> Value {
    match properties {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, schema)| (name, strict(schema)))
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

fn header_references(names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .map(|name| {
            let reference = json!({ "$ref": format!("#/components/headers/{name}") });
            ((*name).to_owned(), reference)
        })
        .collect()
}

/// `components.headers`
pub(super) fn headers() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer", "minimum": 0 });
    [
        (
            "Accept-Ranges",
            true,
            text.clone(),
            "Attributes that `Range` may name.",
        ),
        (
            "Cache-Control",
            true,
            text.clone(),
            "Nobody may keep answers for others.",
        ),
        (
            "Content-Range",
            true,
            text.clone(),
            "The part of the list that this is.",
        ),
        (
            "ETag",
            true,
            text.clone(),
            "For `If-Match` and `If-None-Match`.",
        ),
        (
            "Next-Range",
            true,
            text.clone(),
            "The `Range` of the next page.",
        ),
        (
            "RateLimit-Remaining",
            true,
            number.clone(),
            "How many requests the user may make now.",
        ),
        (
            "Request-Id",
            true,
            text.clone(),
            "Stands in the server's output, too.",
        ),
        (
            "Retry-After",
            true,
            number,
            "Seconds to wait before another try.",
        ),
        (
            "WWW-Authenticate",
            true,
            text.clone(),
            "How to say who one is.",
        ),
        (
            "X-Heroku-Warning",
            false,
            text,
            "What the user should know of.",
        ),
    ]
    .into_iter()
    .map(|(name, required, schema, description)| {
        let header = json!({ "description": description, "required": required, "schema": schema });
        (name.to_owned(), header)
    })
    .collect()
}
