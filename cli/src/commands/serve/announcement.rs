//! What a server says when it is ready: its address to stdout, and to people how clients find it.

use super::UsersSource;
use crate::arguments::ServeArguments;
use crate::failure::Failure;
use crate::printer::{Printer, print_data};
use serde_json::json;
use slugbuilder_platform::{Running, Settings};
use std::path::Path;

/// Version of the JSON that `serve --json` prints (docs/serve.md); fields are only added within one version.
const SCHEMA_VERSION: u32 = 1;

pub(super) fn announce(
    arguments: &ServeArguments,
    server: &Running,
    source: &UsersSource,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let url = server.url();
    printer.say(&format!(
        "Everything is kept in `{}`",
        settings.data.display()
    ));
    for line in clients(url, source.file(), server.authority()) {
        printer.say(&line);
    }
    if !server.has_git() && settings.builder.is_some() {
        printer.say(
            "`git push` is refused: it needs git on the server, and there is none that can be used",
        );
    }
    // Last: who waits for it can read all of the rest.
    if arguments.json {
        let ready = json!({
            "schema_version": SCHEMA_VERSION,
            "url": url,
            "address": server.address(),
            "data": settings.data,
            "users": source.file(),
            "certificate_authority": server.authority(),
            "git": server.has_git(),
        });
        print_data(&ready.to_string())?;
    } else {
        print_data(&format!("Listening on {url}"))?;
    }
    Ok(())
}

/// How clients find the server.
fn clients(url: &str, users: Option<&Path>, authority: Option<&Path>) -> Vec<String> {
    let for_heroku_cli = is_for_heroku_cli(url);
    let mut lines = Vec::new();
    if for_heroku_cli {
        lines.push("slugbuilder and the heroku CLI use this server after".to_owned());
    } else {
        lines.push(
            "The heroku CLI cannot use this server: for any host but localhost and 127.0.0.1 it sends requests and \
             token to Heroku"
                .to_owned(),
        );
        lines.push("slugbuilder uses it after".to_owned());
    }
    lines.push(format!("  export HEROKU_HOST={url}"));
    lines.push(match users {
        Some(file) => format!(
            "  export HEROKU_API_KEY=\"$(sed -n '/^[^#:]*:[^$]/{{s/^[^:]*:\\([^ ,#]*\\).*/\\1/p;q}}' {})\"",
            quoted(file)
        ),
        None => "  export HEROKU_API_KEY=TOKEN".to_owned(),
    });
    if for_heroku_cli {
        // Else every command that reads the account sends the token to a host of Heroku, too.
        lines.push(format!("  export HEROKU_PARTICLEBOARD_URL={url}"));
    }
    if let Some(authority) = authority {
        lines.push(format!(
            "  export NODE_EXTRA_CA_CERTS={}",
            quoted(authority)
        ));
    }
    lines
}

/// Whether the heroku CLI sends its token to this address, and not to Heroku (platform-api.md, section 3.1).
fn is_for_heroku_cli(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1")
}

/// A path as a word for a shell.
fn quoted(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_clients_find_a_server() {
        let users = Path::new("/it's/users");
        let lines = clients(
            "https://127.0.0.1:5100",
            Some(users),
            Some(Path::new("/ca.pem")),
        );
        insta::assert_snapshot!(lines.join("\n"), @r#"
        slugbuilder and the heroku CLI use this server after
          export HEROKU_HOST=https://127.0.0.1:5100
          export HEROKU_API_KEY="$(sed -n '/^[^#:]*:[^$]/{s/^[^:]*:\([^ ,#]*\).*/\1/p;q}' '/it'\''s/users')"
          export HEROKU_PARTICLEBOARD_URL=https://127.0.0.1:5100
          export NODE_EXTRA_CA_CERTS='/ca.pem'
        "#);
        let lines = clients("https://slugs.example.com", None, None);
        insta::assert_snapshot!(lines.join("\n"), @r"
        The heroku CLI cannot use this server: for any host but localhost and 127.0.0.1 it sends requests and token to Heroku
        slugbuilder uses it after
          export HEROKU_HOST=https://slugs.example.com
          export HEROKU_API_KEY=TOKEN
        ");
    }

    #[test]
    fn hosts_that_the_heroku_cli_takes() {
        for url in [
            "http://localhost:5100",
            "https://127.0.0.1:1",
            "http://localhost",
        ] {
            assert!(is_for_heroku_cli(url), "{url}");
        }
        for url in [
            "http://[::1]:5100",
            "https://my.localhost:1",
            "https://example.com",
        ] {
            assert!(!is_for_heroku_cli(url), "{url}");
        }
    }
}
