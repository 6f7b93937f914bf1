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
