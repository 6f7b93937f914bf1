//! `/schema`.

use crate::platform::Platform;
use serde_json::Value;
use slugbuilder_platform::api::ENDPOINTS;

#[tokio::test]
async fn the_schema_has_a_link_for_every_endpoint() {
    let platform = Platform::new().await;
    let answer = platform.ann().get("/schema").await;
    assert_eq!(answer.status, 200);
    let definitions = answer.body["definitions"].as_object().unwrap();
    let links: Vec<&Value> = definitions
        .values()
        .flat_map(|definition| definition["links"].as_array().unwrap())
        .collect();
    assert_eq!(links.len(), ENDPOINTS.len());
    for endpoint in ENDPOINTS {
        let first = endpoint.path.split('{').next().unwrap();
        assert!(
            links.iter().any(|link| {
                link["method"] == endpoint.method.as_str()
                    && link["rel"] == endpoint.rel.as_str()
                    && link["href"].as_str().unwrap().starts_with(first)
            }),
            "{} {}",
            endpoint.method,
            endpoint.path
        );
    }
}

#[test]
fn the_documentation_has_a_line_for_every_endpoint() {
    let documented: Vec<String> = include_str!("../../../docs/platform-api.md")
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').take(3).collect::<Vec<_>>().join("|"))
        .collect();
    let expected: Vec<String> = ENDPOINTS
        .iter()
        .map(|endpoint| format!("| `{}` | `{}` ", endpoint.method, endpoint.path))
        .collect();
    assert_eq!(documented, expected);
}
