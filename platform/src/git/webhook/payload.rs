//! What a webhook tells: the part of GitHub's `push` event that matters here
//! (docs.github.com, "Webhook events and payloads", `push`). Gitea and Forgejo send the same.

use crate::git::hook::is_object;
use serde::Deserialize;
use std::borrow::Cow;

/// A push to a branch, whose newest commit is to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pushed {
    pub(super) commit: String,
    /// Where the repository is to be had.
    pub(super) clone_url: String,
}

/// What is to be done about a `push` event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Build(Pushed),
    /// Nothing, and why.
    Nothing(String),
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "ref")]
    reference: String,
    after: String,
    #[serde(default)]
    deleted: bool,
    repository: Repository,
}

#[derive(Deserialize)]
struct Repository {
    clone_url: String,
}

/// Reads the body of a `push` event, in either of the two forms that GitHub sends: JSON, or a form with it as `payload`.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub(super) fn read(body: &[u8], is_form: bool, branch: &str) -> Result<Told, String> {
    let json = if is_form {
        Cow::Owned(form_field(body, b"payload").ok_or("The form has no `payload`.")?)
    } else {
        Cow::Borrowed(body)
    };
    let event: Event = serde_json::from_slice(&json)
        .map_err(|error| format!("The event is not as expected: {error}."))?;
    let expected = format!("refs/heads/{branch}");
    if event.reference != expected {
        return Ok(Told::Nothing(format!(
            "Nothing is built: only `{branch}` is."
        )));
    }
    if event.deleted || event.after.bytes().all(|byte| byte == b'0') {
        return Ok(Told::Nothing(format!(
            "Nothing is built: `{branch}` was deleted."
        )));
    }
    if !is_object(&event.after) {
        return Err("`after` is not the name of a commit.".into());
    }
    Ok(Told::Build(Pushed {
        commit: event.after,
        clone_url: event.repository.clone_url,
    }))
}

/// The value of a field of a form (`application/x-www-form-urlencoded`).
fn form_field(form: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let field = form.split(|byte| *byte == b'&').find_map(|field| {
        let field = field.strip_prefix(name)?;
        field.strip_prefix(b"=")
    })?;
    let mut value = Vec::with_capacity(field.len());
    let mut bytes = field.iter();
    while let Some(byte) = bytes.next() {
        value.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [*bytes.next()?, *bytes.next()?];
                let digits = str::from_utf8(&digits).ok()?;
                u8::from_str_radix(digits, 16).ok()?
            }
            other => *other,
        });
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn event(reference: &str, after: &str, more: &str) -> String {
        format!(
            r#"{{"ref": "{reference}", "before": "x", "after": "{after}", "commits": [],{more}
                "repository": {{"id": 1, "clone_url": "https://git.example/a.git"}}}}"#
        )
    }

    fn told(body: &str) -> String {
        match read(body.as_bytes(), false, "main") {
            Ok(Told::Build(pushed)) => format!("{} of {}", pushed.commit, pushed.clone_url),
            Ok(Told::Nothing(why)) | Err(why) => why,
        }
    }

    #[test]
    fn pushes_of_the_branch_are_built() {
        let built = format!("{COMMIT} of https://git.example/a.git");
        assert_eq!(told(&event("refs/heads/main", COMMIT, "")), built);
        assert_eq!(
            told(&event("refs/heads/main", COMMIT, r#""deleted": false,"#)),
            built
        );
        assert!(
            told(&event("refs/heads/main", COMMIT, r#""deleted": true,"#)).contains("was deleted")
        );
        assert!(told(&event("refs/heads/main", &"0".repeat(40), "")).contains("was deleted"));
        for other in ["refs/heads/main2", "refs/tags/main", "main"] {
            assert!(told(&event(other, COMMIT, "")).contains("only `main` is"));
        }
        assert!(
            told(&event("refs/heads/main", "--upload-pack=x", ""))
                .contains("not the name of a commit")
        );
        for junk in ["", "[]", "{}", r#"{"ref": 1}"#] {
            assert!(
                told(junk).starts_with("The event is not as expected: "),
                "{junk}"
            );
        }
    }

    #[test]
    fn forms_have_it_as_a_field() {
        let escaped: String = event("refs/heads/main", COMMIT, "")
            .bytes()
            .map(|byte| match byte {
                b' ' => "+".to_owned(),
                b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect();
        for form in [
            format!("payload={escaped}"),
            format!("a=b&payload={escaped}&c"),
        ] {
            assert!(matches!(
                read(form.as_bytes(), true, "main"),
                Ok(Told::Build(_))
            ));
        }
        for form in ["", "payload", "payload=%", "payload=%g0", "xpayload=1"] {
            assert!(read(form.as_bytes(), true, "main").is_err(), "{form}");
        }
    }
}
