//! Keys, authorizations, features of accounts, and what there is none of.

use crate::platform::{Answer, Platform};
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use slugbuilder_platform::api::{Access, ENDPOINTS, REFUSALS, Rel};
use slugbuilder_platform::password::PasswordHash;
use slugbuilder_platform::store::UserTokens;

/// A public key that `ssh-keygen` made.
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINPpCa3mV/qUagjG7pmbvU0Ljc/HdkxBPHrvx3BhBCYc ann@laptop of Ann";

const AUTHORIZATIONS: &str = "/oauth/authorizations";

/// A token of Ann's of this scope, and the path of its authorization.
async fn token(platform: &Platform, scope: Value) -> (String, String) {
    let made = platform
        .ann()
        .post(AUTHORIZATIONS, json!({"scope": scope}))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&made.body["access_token"]["token"]),
        format!("{AUTHORIZATIONS}/{}", text(&made.body["id"])),
    )
}

async fn get(platform: &Platform, token: &str, path: &str) -> Answer {
    platform
        .call(Some(token), &Method::GET, path, None, &[])
        .await
}

/// `POST /oauth/authorizations` as `heroku login -i` sends it.
async fn log_in(platform: &Platform, email: &str, password: &str) -> Answer {
    let pair = STANDARD.encode(format!("{email}:{password}"));
    let body = json!({"description": "Heroku CLI login from laptop", "expires_in": 2_592_000, "scope": ["global"]});
    let headers = [("authorization", &*format!("Basic {pair}"))];
    platform
        .call(None, &Method::POST, AUTHORIZATIONS, Some(body), &headers)
        .await
}

#[tokio::test]
async fn an_authorization_is_made_listed_replaced_and_revoked() {
    let platform = Platform::new().await;
    let body =
        json!({"description": "for CI", "expires_in": "3600", "scope": ["read", "identity"]});
    let made = platform.ann().post(AUTHORIZATIONS, body).await;
    assert_eq!(made.status, 201, "{made:?}");
    platform
        .assert_described("oauth-authorization", &made.body)
        .await;
    assert_eq!(made.body["description"], "for CI");
    assert_eq!(made.body["scope"], json!(["identity", "read"]));
    assert_eq!(made.body["user"]["email"], "ann@example.test");
    let left = made.body["access_token"]["expires_in"].as_u64().unwrap();
    assert!((3590..=3600).contains(&left), "{left}");
    let token = made.body["access_token"]["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("{AUTHORIZATIONS}/{}", made.body["id"].as_str().unwrap());

    let listed = platform.ann().get(AUTHORIZATIONS).await;
    platform
        .assert_described("oauth-authorization", &listed.items()[0])
        .await;
    let shown = listed.items()[0]["access_token"]["token"].as_str().unwrap();
    let (start, end) = shown.split_once("**********").unwrap();
    assert!(token.starts_with(start) && token.ends_with(end), "{shown}");
    let info = platform.ann().get(&path).await;
    assert_eq!(info.body["access_token"]["token"], shown);

    let described = platform
        .ann()
        .patch(&path, json!({"description": "for jobs"}))
        .await;
    assert_eq!(
        (described.status, &described.body["description"]),
        (200, &json!("for jobs"))
    );

    let regenerate = format!("{path}/actions/regenerate-tokens");
    let replaced = platform.ann().call(&Method::POST, &regenerate, None).await;
    assert_eq!(replaced.status, 200);
    let second = replaced.body["access_token"]["token"].as_str().unwrap();
    assert_ne!(second, token);
    assert_eq!(get(&platform, &token, "/account").await.status, 401);
    assert_eq!(get(&platform, second, "/account").await.status, 200);

    let revoked = platform.ann().delete(&path).await;
    assert_eq!(
        (revoked.status, &revoked.body["id"]),
        (200, &made.body["id"])
    );
    assert_eq!(get(&platform, second, "/account").await.status, 401);
    for answer in [
        platform.ann().get(&path).await,
        platform.ann().delete(&path).await,
        // What the CLI takes for no default one.
        platform.ann().get(&format!("{AUTHORIZATIONS}/~")).await,
    ] {
        answer.assert_error(404, "not_found", "Couldn't find that authorization.");
        assert_eq!(answer.body["resource"], "authorization");
    }
}

#[tokio::test]
async fn an_authorization_is_for_everything_and_for_ever_unless_it_is_told() {
    let platform = Platform::new().await;
    for body in [
        json!({}),
        json!({"description": null, "expires_in": null, "scope": null, "client": null}),
    ] {
        let made = platform.ann().post(AUTHORIZATIONS, body).await;
        assert_eq!(made.body["scope"], json!(["global"]));
        assert_eq!(made.body["access_token"]["expires_in"], Value::Null);
        assert_eq!(made.body["description"], "Long-lived user authorization");
        // Its own token is shown to whoever sends it.
        let token = made.body["access_token"]["token"].as_str().unwrap();
        let listed = get(&platform, token, AUTHORIZATIONS).await;
        let shown = listed
            .items()
            .iter()
            .filter(|one| one["access_token"]["token"] == token);
        assert_eq!(shown.count(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_authorized_is_told() {
    let platform = Platform::new().await;
    let (_, path) = token(&platform, json!(["global"])).await;
    for (body, text) in [
        (
            json!({"scope": ["all"]}),
            "`all` is no scope; there are `global`, `identity`, `read`, `read-protected`, `write`, `write-protected`",
        ),
        (
            json!({"scope": []}),
            "`scope` is empty; there are `global`, `identity`, `read`, `read-protected`, `write`, `write-protected`",
        ),
        (
            json!({"expires_in": 0}),
            "A token is good for 1 second to 100 years; leave `expires_in` out for one that is good for ever.",
        ),
        (
            json!({"expires_in": "soon"}),
            "`expires_in` must be a whole number of at least 0",
        ),
        (
            json!({"client": {"id": "8f2c9f57-5ab8-4b09-8b5e-3c6a2f0a4d11"}}),
            "There are no OAuth clients here: leave `client` out",
        ),
        (json!({"description": 1}), "`description` must be a string"),
    ] {
        let refused = platform.ann().post(AUTHORIZATIONS, body.clone()).await;
        refused.assert_error(422, "invalid_params", text);
        if body.get("client").is_some() {
            platform
                .ann()
                .patch(&path, body)
                .await
                .assert_error(422, "invalid_params", text);
        }
    }
}

/// Config vars come back with the release that had them.
#[tokio::test]
async fn a_rollback_needs_what_config_vars_need() {
    let platform = Platform::new().await;
    platform.released("example", json!({"web": "x"})).await;
    for (scope, expected) in [("write", 403), ("write-protected", 201)] {
        let (token, _) = token(&platform, json!([scope])).await;
        let path = "/apps/example/releases";
        let body = Some(json!({"release": "v3"}));
        let answer = platform
            .call(Some(&token), &Method::POST, path, body, &[])
            .await;
        assert_eq!(answer.status, expected, "{scope}: {answer:?}");
    }
}

/// What a request of each scope is answered with, whatever the app: 403 for what it is not good for, and nothing else.
#[tokio::test]
async fn no_endpoint_answers_a_token_that_is_not_good_for_it() {
    let platform = Platform::new().await;
    platform.released("example", json!({"web": "x"})).await;
    for scope in [
        "identity",
        "read",
        "read-protected",
        "write",
        "write-protected",
    ] {
        let (token, _) = token(&platform, json!([scope])).await;
        for endpoint in ENDPOINTS
            .iter()
            .filter(|endpoint| endpoint.access == Access::Token)
        {
            let reads = endpoint.method == "GET" || endpoint.rel == Rel::Filter;
            let is_protected = endpoint.path.contains("config")
                || endpoint.resource == "log-drain"
                || (!reads
                    && [
                        "build",
                        "buildpack-installation",
                        "collaborator",
                        "push-webhook",
                        "source",
                    ]
                    .contains(&endpoint.resource));
            let is_account = endpoint.path.starts_with("/account/keys")
                || endpoint.path.starts_with("/oauth/")
                || endpoint.path.ends_with("/sms-number")
                || (!reads && ["account", "account-feature"].contains(&endpoint.resource));
            let tells_who = ["account", "rate-limit"].contains(&endpoint.resource) && reads;
            let allowed = tells_who
                || (!is_account
                    && match scope {
                        "read" => reads && !is_protected,
                        "read-protected" => reads,
                        "write" => !is_protected,
                        "write-protected" => true,
                        _ => false,
                    });
            // Nothing is there by this name, so that nothing changes.
            let path = endpoint.path.replace("{account}", "~");
            let answer = platform
                .call(Some(&token), &endpoint.method, &path, Some(json!({})), &[])
                .await;
            let what = format!("{scope}: {} {}: {answer:?}", endpoint.method, endpoint.path);
            assert_eq!(answer.status == 403, !allowed, "{what}");
            if !allowed {
                assert_eq!(answer.body["id"], "forbidden", "{what}");
                let message = answer.body["message"].as_str().unwrap();
                assert!(
                    message.starts_with(&format!("This token is good for `{scope}` only")),
                    "{what}"
                );
            }
        }
        for refusal in REFUSALS {
            let allowed = match scope {
                "read" | "read-protected" => refusal.method == "GET",
                "write" | "write-protected" => true,
                _ => false,
            };
            // An app that is there, and one that is not: who may ask nothing learns nothing.
            for app in ["example", "no-such-app"] {
                let path = refusal.path.replace("{app}", app);
                let answer = platform
                    .call(Some(&token), &refusal.method, &path, Some(json!({})), &[])
                    .await;
                let what = format!("{scope}: {} {path}: {answer:?}", refusal.method);
                assert_eq!(answer.status == 403, !allowed, "{what}");
            }
        }
        let config = get(&platform, &token, "/apps/example/config-vars")
            .await
            .status;
        let expected = if scope.ends_with("protected") {
            200
        } else {
            403
        };
        assert_eq!(config, expected, "{scope}");
    }
    let (token, _) = token(&platform, json!("identity,read-protected")).await;
    assert_eq!(
        get(&platform, &token, "/apps/example/config-vars")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_password_is_good_for_a_token_and_for_nothing_else() {
    let platform = Platform::new().await;
    let user = |email: &str, token: Option<&str>, password: Option<&str>| UserTokens {
        email: email.to_owned(),
        tokens: token.map(str::to_owned).into_iter().collect(),
        password: password.map(|password| PasswordHash::of(password).unwrap()),
    };
    let users = vec![
        user(
            "ann@example.test",
            Some(Platform::ANN),
            Some("correct horse"),
        ),
        user("bob@example.test", Some(Platform::BOB), None),
    ];
    platform.store().put_users(users.clone()).await.unwrap();
    let before = platform.ann().get("/account").await;
    assert_eq!(before.body["last_login"], Value::Null);

    // A token is as good as the password, as it is for git.
    for (email, secret) in [
        ("ann@example.test", "correct horse"),
        ("Ann@Example.Test", "correct horse"),
        ("bob@example.test", Platform::BOB),
    ] {
        let made = log_in(&platform, email, secret).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert!(email.eq_ignore_ascii_case(made.body["user"]["email"].as_str().unwrap()));
        assert_eq!(made.body["access_token"]["expires_in"], 2_592_000);
        let token = made.body["access_token"]["token"].as_str().unwrap();
        let account = get(&platform, token, "/account").await;
        assert!(account.body["last_login"].is_string(), "{account:?}");
        // It outlives the settings being read again.
        platform.store().put_users(users.clone()).await.unwrap();
        assert_eq!(get(&platform, token, "/account").await.status, 200);
    }
    for (email, password) in [
        ("ann@example.test", "correct hors"),
        ("bob@example.test", "correct horse"),
        ("nobody@example.test", "correct horse"),
        ("", "correct horse"),
        ("ann@example.test", ""),
    ] {
        let refused = log_in(&platform, email, password).await;
        refused.assert_error(401, "unauthorized", "Invalid credentials provided.");
    }
    let pair = STANDARD.encode("ann@example.test:correct horse");
    let headers = [("authorization", &*format!("Basic {pair}"))];
    for path in ["/account", AUTHORIZATIONS] {
        let refused = platform
            .call(None, &Method::GET, path, None, &headers)
            .await;
        refused.assert_error(401, "unauthorized", "Invalid credentials provided.");
    }
}

#[tokio::test]
async fn guessing_ends_soon() {
    let platform = Platform::new().await;
    for _ in 0..20 {
        assert_eq!(
            log_in(&platform, "ann@example.test", "guess").await.status,
            401
        );
    }
    let refused = log_in(&platform, "ann@example.test", "guess").await;
    refused.assert_error(
        429,
        "rate_limit",
        "There were too many wrong passwords. Please wait before trying again; tokens still work.",
    );
    assert!(
        refused.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            > 60
    );
    assert_eq!(
        log_in(&platform, "ann@example.test", Platform::ANN)
            .await
            .status,
        201
    );
    assert_eq!(platform.ann().get("/account").await.status, 200);
}

#[tokio::test]
async fn keys_are_added_listed_and_removed() {
    let platform = Platform::new().await;
    let added = platform
        .ann()
        .post("/account/keys", json!({"public_key": format!("{KEY}\n")}))
        .await;
    assert_eq!(added.status, 201, "{added:?}");
    platform.assert_described("key", &added.body).await;
    assert_eq!(added.body["public_key"], KEY);
    assert_eq!(added.body["comment"], "ann@laptop of Ann");
    assert_eq!(added.body["email"], added.body["comment"]);
    let listed = platform.ann().get("/account/keys").await;
    assert_eq!(listed.items(), std::slice::from_ref(&added.body));
    let fingerprint = added.body["fingerprint"]
        .as_str()
        .unwrap()
        .replace('/', "%2F")
        .replace('+', "%2B");
    for identity in [added.body["id"].as_str().unwrap(), &fingerprint] {
        let path = format!("/account/keys/{identity}");
        assert_eq!(platform.ann().get(&path).await.body, added.body);
        for answer in [
            platform.bob().get(&path).await,
            platform.bob().delete(&path).await,
        ] {
            answer.assert_error(404, "not_found", "Couldn't find that key.");
        }
    }
    for caller in [platform.ann(), platform.bob()] {
        let taken = caller
            .post("/account/keys", json!({"public_key": KEY}))
            .await;
        taken.assert_error(422, "invalid_params", "Fingerprint has already been taken");
    }
    let missing = platform.ann().post("/account/keys", json!({})).await;
    missing.assert_error(422, "invalid_params", "`public_key` is required");
    let removed = platform
        .ann()
        .delete(&format!("/account/keys/{fingerprint}"))
        .await;
    assert_eq!((removed.status, removed.body), (200, added.body));
    assert!(platform.ann().get("/account/keys").await.items().is_empty());
}

#[tokio::test]
async fn features_of_accounts_are_kept() {
    let platform = Platform::new().await;
    let listed = platform.ann().get("/account/features").await;
    assert_eq!(listed.items().len(), 2);
    for feature in listed.items() {
        platform.assert_described("account-feature", feature).await;
        assert_eq!(feature["enabled"], false);
    }
    let path = "/account/features/dashboard-repositories-api";
    let on = platform.ann().patch(path, json!({"enabled": "true"})).await;
    assert_eq!((on.status, &on.body["enabled"]), (200, &json!(true)));
    let by_id = format!("/account/features/{}", on.body["id"].as_str().unwrap());
    assert_eq!(platform.ann().get(&by_id).await.body, on.body);
    assert_eq!(platform.bob().get(path).await.body["enabled"], false);
    let wrong = platform.ann().patch(path, json!({})).await;
    wrong.assert_error(422, "invalid_params", "`enabled` is required");
    let unknown = platform.ann().get("/account/features/preboot").await;
    unknown.assert_error(404, "not_found", "Couldn't find that account feature.");
}

#[tokio::test]
async fn what_there_is_none_of_is_empty_or_refused() {
    let platform = Platform::new().await;
    for path in [
        "/teams",
        "/enterprise-accounts",
        "/spaces",
        "/oauth/clients",
        "/oauth/sessions",
    ] {
        let none = platform.ann().get(path).await;
        assert_eq!((none.status, none.items().len()), (200, 0), "{path}");
    }
    for (path, text) in [
        ("/teams/example", "Couldn't find that team."),
        ("/spaces/example", "Couldn't find that space."),
        (
            "/enterprise-accounts/example",
            "Couldn't find that enterprise account.",
        ),
        ("/oauth/clients/example", "Couldn't find that client."),
    ] {
        platform
            .ann()
            .get(path)
            .await
            .assert_error(404, "not_found", text);
    }
    let session = platform.ann().delete("/oauth/sessions/~").await;
    session.assert_error(404, "not_found", "Couldn't find that session.");
    assert_eq!(session.body["resource"], "session");
    for path in ["/oauth/clients", "/oauth/tokens", "/teams"] {
        let refused = platform.ann().post(path, json!({})).await;
        assert_eq!(
            (refused.status, &refused.body["id"]),
            (422, &json!("invalid_params"))
        );
    }
    let number = platform.ann().get("/users/~/sms-number").await;
    assert_eq!(number.body, json!({"sms_number": null}));
    let other = platform
        .bob()
        .get("/users/ann@example.test/sms-number")
        .await;
    other.assert_error(404, "not_found", "Couldn't find that account.");
}
