//! `/openapi.json`: an `OpenAPI` 3.1 description of what this server has, made from what `/schema` is made from: the table of endpoints and
//! `data/resources/`. Answers are described strictly (every attribute is there and no other), requests as loosely as they are read
//! ([`super::loose`]).

mod answers;
mod requests;

use super::schema::resources;
use super::{Access, ENDPOINTS, Endpoint, State};
use crate::http::answer::ok;
use axum::extract::State as Of;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What holds for all of it.
const ABOUT: &str = "What this server has of version 3 of Heroku's Platform API.\n\n\
Every request but those for descriptions has to bring `Accept: application/vnd.heroku+json; version=3`, or is answered with 406; OpenAPI \
has no place for that header. HEAD is answered where GET is, with the same status and headers. Paths that are not here, and other methods of \
those that are, OPTIONS included, are answered with 404 to whoever has a token. 500 is nowhere among the statuses: it is always a fault of \
the server. Requests with a body of more than 1 MiB where none is asked for are answered with 413, those whose body does not come with 408.";

/// The description, less the address of the server.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let resources = resources();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for endpoint in ENDPOINTS {
        let method = endpoint.method.as_str().to_ascii_lowercase();
        // A test makes sure that every resource is there.
        let resource = resources.get(endpoint.resource).unwrap_or(&Value::Null);
        let operation = operation(endpoint, resource);
        let path = paths.entry(endpoint.path).or_default();
        path.insert(method, operation);
    }
    let tags: Vec<Value> = resources
        .iter()
        .map(|(name, resource)| json!({ "name": name, "description": resource["description"] }))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "slugbuilder Platform API",
            "version": "3",
            "summary": "A Heroku-compatible platform on one machine.",
            "description": ABOUT,
        },
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": answers::schemas(&resources),
            "responses": answers::errors(),
            "headers": answers::headers(),
            "parameters": parameters(&resources),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token.",
                },
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The token as password, with any user name or none.",
                },
            },
        },
    })
});

/// `GET /openapi.json`
pub(super) async fn info(Of(state): Of<State>) -> Response {
    ok(&document(&state.external_url))
}

/// The description of the server at `external_url`.
fn document(external_url: &str) -> Value {
    let mut document = DOCUMENT.clone();
    document["servers"] = json!([{ "url": external_url }]);
    document
}

/// What one endpoint asks for and answers.
fn operation(endpoint: &Endpoint, resource: &Value) -> Value {
    let mut operation = json!({
        "operationId": operation_id(endpoint),
        "summary": format!("{}: {}", resource["title"].as_str().unwrap_or(endpoint.resource), endpoint.title),
        "tags": [endpoint.resource],
        "responses": answers::responses(endpoint),
        "security": match endpoint.access {
            Access::Token => json!([{ "bearer": [] }, { "basic": [] }]),
            Access::Open => json!([]),
        },
    });
    let mut names: Vec<String> = names(endpoint.path)
        .map(|name| format!("path-{name}"))
        .collect();
    if endpoint.rel.has_pages() {
        names.push("range".to_owned());
    }
    if endpoint.has_conditions() {
        names.extend(["if-match".to_owned(), "if-none-match".to_owned()]);
    }
    let mut parameters: Vec<Value> = names
        .iter()
        .map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }))
        .collect();
    parameters.extend(requests::query(endpoint, resource));
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if let Some(body) = requests::body(endpoint, resource) {
        operation["requestBody"] = body;
    }
    operation
}

/// `app-list-by-user`: what generators make the names of functions from.
fn operation_id(endpoint: &Endpoint) -> String {
    let title = endpoint.title.to_ascii_lowercase().replace(' ', "-");
    format!("{}-{title}", endpoint.resource)
}

/// The names in a path, in their order.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// Operations that continue with what this one made: names in their paths are the `id` of its answer, or stand in its own path.
fn links(endpoint: &Endpoint) -> Map<String, Value> {
    let answered = endpoint.resource.replace('-', "_");
    ENDPOINTS
        .iter()
        .filter_map(|target| {
            let mut parameters = Map::new();
            for name in names(target.path) {
                let expression = if name == answered {
                    "$response.body#/id".to_owned()
                } else if names(endpoint.path).any(|own| own == name) {
                    format!("$request.path.{name}")
                } else {
                    return None;
                };
                parameters.insert(name.to_owned(), json!(expression));
            }
            if !parameters.contains_key(&answered) {
                return None;
            }
            let id = operation_id(target);
            let link = json!({ "operationId": id, "parameters": parameters });
            Some((id, link))
        })
        .collect()
}

/// What requests say besides their bodies: names in paths, and headers.
fn parameters(resources: &Map<String, Value>) -> Map<String, Value> {
    let mut parameters = Map::new();
    for name in ENDPOINTS.iter().flat_map(|endpoint| names(endpoint.path)) {
        let identity = &resources
            .get(&name.replace('_', "-"))
            .map_or(&Value::Null, |resource| &resource["identity"][1]);
        let parameter = json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": identity,
            "schema": { "type": "string", "minLength": 1 },
        });
        parameters.insert(format!("path-{name}"), parameter);
    }
    let header = |name: &str, description: &str, example: &str| {
        json!({
            "name": name,
            "in": "header",
            "description": description,
            "schema": { "type": "string" },
            "example": example,
        })
    };
    for (key, parameter) in [
        (
            "range",
            header(
                "Range",
                "The page of the list: `ATTRIBUTE [start]..[end]; max=N, order=asc|desc`, with the attributes of `Accept-Ranges`; or the \
                 `Next-Range` of the page before.",
                "id ..; max=10",
            ),
        ),
        (
            "if-match",
            header(
                "If-Match",
                "Only if what a GET of this path answers has one of these tags, else 412.",
                "*",
            ),
        ),
        (
            "if-none-match",
            header(
                "If-None-Match",
                "Only if what a GET of this path answers has none of these tags: else 304 to a GET and 412 to a change.",
                "\"0123456789abcdef0123456789abcdef\"",
            ),
        ),
    ] {
        parameters.insert(key.to_owned(), parameter);
    }
    parameters
}

/// Whether the method only reads.
fn is_read(endpoint: &Endpoint) -> bool {
    endpoint.method == Method::GET
}

#[cfg(test)]
mod tests;
