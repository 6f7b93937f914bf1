use super::super::Rel;
use super::*;
use std::collections::BTreeSet;

fn whole() -> Value {
    document("http://127.0.0.1:5000")
}

/// Every `$ref` of a document.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                found.push(reference);
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_nothing_is_described_in_vain() {
    let document = whole();
    let mut found = Vec::new();
    references(&document, &mut found);
    for reference in &found {
        assert!(
            document
                .pointer(reference.trim_start_matches('#'))
                .is_some(),
            "{reference}"
        );
    }
    for kind in ["schemas", "responses", "headers", "parameters"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            let unused = !found.contains(&reference.as_str());
            assert!(!unused || !is_used(&reference), "{reference}");
        }
    }
}

/// Whether something has to be used: statuses that no endpoint answers with, and resources that answer with nothing, do not.
fn is_used(reference: &str) -> bool {
    match reference.strip_prefix("#/components/responses/") {
        Some(status) => ENDPOINTS.iter().any(|endpoint| {
            endpoint
                .statuses()
                .iter()
                .any(|one| one.to_string() == status)
        }),
        None => ENDPOINTS
            .iter()
            .any(|endpoint| endpoint.rel != Rel::Empty && reference.ends_with(endpoint.resource)),
    }
}

#[test]
fn every_endpoint_is_an_operation_with_a_name_of_its_own() {
    let document = whole();
    let mut ids = BTreeSet::new();
    for endpoint in ENDPOINTS {
        let method = endpoint.method.as_str().to_ascii_lowercase();
        let operation = &document["paths"][endpoint.path][&method];
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "two operations are called {id}");
        let described: BTreeSet<u16> = operation["responses"]
            .as_object()
            .unwrap()
            .keys()
            .map(|status| status.parse().unwrap())
            .collect();
        assert_eq!(described, endpoint.statuses(), "{id}");
    }
}

#[test]
fn links_fill_every_name_in_the_path() {
    let document = whole();
    let release = &document["paths"]["/apps/{app}/releases"]["post"]["responses"]["201"]["links"];
    assert_eq!(
        release["release-info"]["parameters"],
        json!({ "app": "$request.path.app", "release": "$response.body#/id" })
    );
    let made = &document["paths"]["/apps"]["post"]["responses"]["201"]["links"];
    assert_eq!(
        made["app-delete"],
        json!({ "operationId": "app-delete", "parameters": { "app": "$response.body#/id" } })
    );
    assert_eq!(made["account-info"], Value::Null);
    assert_eq!(made["slug-info"], Value::Null);
}

#[test]
fn answers_are_strict_and_requests_loose() {
    let document = whole();
    let app = &document["components"]["schemas"]["app"];
    assert_eq!(app["additionalProperties"], json!(false));
    assert_eq!(
        app["required"].as_array().unwrap().len(),
        app["properties"].as_object().unwrap().len()
    );
    assert_eq!(
        app["properties"]["owner"]["required"],
        json!(["id", "email"])
    );
    let create = &document["paths"]["/apps"]["post"]["requestBody"];
    assert_eq!(create["required"], json!(false));
    let create = &create["content"]["application/json"]["schema"];
    assert_eq!(
        create["properties"]["name"]["type"],
        json!(["string", "null"])
    );
    assert!(create["properties"]["stack"]["anyOf"].is_array());
}
