//! `git push` to `slugbuilder serve`, with the real git and the real build. What git may and may not do is tested in the crate
//! `slugbuilder-platform`.

use crate::context::{Context, ordinary};
use crate::invocation::eventually;
use nix::sys::signal::Signal;
use serde_json::Value;

#[test]
#[ignore = "needs git"]
fn a_pushed_app_is_built_and_released() {
    let context = Context::new(ordinary());
    context.node_app("app");
    let mut server = context
        .slugbuilder(["serve", "--listen", "0", "--data", "../data", "--json"])
        .start();
    let url = eventually("the address", || {
        let output = server.output();
        let line = output.lines().find(|line| line.starts_with('{'))?;
        let ready: Value = serde_json::from_str(line).unwrap();
        assert_eq!(ready["git"], true);
        Some(ready["url"].as_str().unwrap().to_owned())
    });
    let users = std::fs::read_to_string(context.path("data/users")).unwrap();
    let token = users.trim().rsplit_once(':').unwrap().1;
    let rest = url.strip_prefix("http://").unwrap();
    let remote = format!("http://x:{token}@{rest}/my-app.git");

    let git = "git -c user.name=Ann -c user.email=ann@example.test";
    let api = "curl --silent --fail --noproxy 127.0.0.1 --header 'Accept: application/vnd.heroku+json; version=3'";
    let pushed = context
        .shell(&format!(
            "set -e; {api} -u :{token} {url}/apps -d '{{\"name\": \"my-app\"}}' >/dev/null
             cd ../app; git init --quiet --initial-branch=main; git remote add heroku {remote}
             {git} add --all; {git} commit --quiet --message first; git push heroku main
             \"$SLUGBUILDER\" releases --json"
        ))
        .env("HEROKU_HOST", &url)
        .env("HEROKU_API_KEY", token)
        .succeeds();
    for line in [
        "remote: -----> Checking out ",
        "remote:   Node.js 24.21.0",
        "remote: -----> Released v3",
        "* [new branch]      main -> main",
    ] {
        assert!(pushed.stderr.contains(line), "{line}: {}", pushed.stderr);
    }
    // The app is that of the remote `heroku`.
    assert_eq!(pushed.json()[0]["version"], 3, "{}", pushed.stdout);

    context.write("app/package.json", "{ no json");
    let refused = context.shell(&format!(
        "cd ../app; {git} add --all; {git} commit --quiet --message second; git push heroku main 2>&1"
    ));
    let refused = refused.run();
    assert_ne!(refused.status, 0);
    for line in [
        "remote: error[invalid-package-json]: `package.json` line 1: not JSON",
        "! [remote rejected] main -> main (pre-receive hook declined)",
    ] {
        assert!(refused.stdout.contains(line), "{line}: {}", refused.stdout);
    }
    server.signal(Signal::SIGTERM);
    assert_eq!(server.status(), 0);
}
