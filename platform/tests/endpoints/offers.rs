//! Stacks, regions and sizes of dynos.

use crate::platform::Platform;
use serde_json::json;

#[tokio::test]
async fn everything_that_is_offered_is_found_by_id_and_name() {
    let platform = Platform::new().await;
    for (path, resource, count) in [
        ("/stacks", "stack", 3),
        ("/regions", "region", 2),
        ("/dyno-sizes", "dyno-size", 9),
    ] {
        let list = platform.ann().get(path).await;
        assert_eq!((list.status, list.items().len()), (200, count), "{path}");
        for one in list.items() {
            platform.assert_described(resource, one).await;
            for identity in ["id", "name"] {
                let info = platform
                    .ann()
                    .get(&format!("{path}/{}", one[identity].as_str().unwrap()))
                    .await;
                assert_eq!((info.status, &info.body), (200, one));
            }
        }
        let page = platform.ann().list(path, "id ..; max=1").await;
        assert_eq!((page.status, page.items().len()), (206, 1));
        let unknown = platform.ann().get(&format!("{path}/nothing")).await;
        assert_eq!(
            (unknown.status, &unknown.body["id"]),
            (404, &json!("not_found"))
        );
    }
}

#[tokio::test]
async fn what_old_clients_ask_for_is_found_as_it_is_taken() {
    let platform = Platform::new().await;
    for identity in ["cedar", "Cedar"] {
        let stack = platform.ann().get(&format!("/stacks/{identity}")).await;
        assert_eq!(
            (stack.status, &stack.body["name"]),
            (200, &json!("heroku-24"))
        );
        let app = platform
            .ann()
            .post("/apps", json!({"stack": identity}))
            .await;
        assert_eq!(app.body["stack"]["id"], stack.body["id"]);
    }
    assert_eq!(platform.ann().get("/regions/cedar").await.status, 404);
}
