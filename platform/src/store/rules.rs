//! What names, values and texts may be.

use super::StoreError;
use slugbuilder::api::types::{ConfigVars, SlugCreate};
use slugbuilder::slug::Checksum;
use slugbuilder_report::drives_output;
use std::ops::RangeInclusive;

/// Of a person's name, in characters.
pub(super) const MAXIMUM_NAME: usize = 200;
/// Of a release's description, in characters.
pub(super) const MAXIMUM_DESCRIPTION: usize = 1000;
/// Of the descriptions and the commit of a slug, in characters.
const MAXIMUM_SLUG_TEXT: usize = 10_000;
/// Of all config vars of an app together, names and values, in bytes: Heroku's limit.
const MAXIMUM_CONFIG: usize = 64 << 10;
/// Of one command, in bytes: what Linux takes as one argument (`MAX_ARG_STRLEN`).
const MAXIMUM_COMMAND: usize = 128 << 10;
/// How many process types a slug has.
const MAXIMUM_PROCESS_TYPES: usize = 500;
/// Of a token, in characters: a shorter one could be found from its hash. Heroku's have 36 and more.
pub(crate) const TOKEN_LENGTH: RangeInclusive<usize> = 16..=256;
/// Of an e-mail address, in bytes (RFC 5321, section 4.5.3.1.3, less the brackets).
const MAXIMUM_EMAIL: usize = 254;

/// Names of apps: `^[a-z][a-z0-9-]{1,28}[a-z0-9]$` (schema.json).
pub(super) fn app_name(name: &str) -> Result<(), StoreError> {
    let bytes = name.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let right = (3..=30).contains(&bytes.len())
        && bytes.iter().all(|byte| plain(byte) || *byte == b'-')
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(plain);
    if right {
        return Ok(());
    }
    Err(StoreError::Invalid(
        "Name must start with a letter, end with a letter or digit, have 3 to 30 characters and can only contain \
         lowercase letters, digits, and dashes."
            .into(),
    ))
}

/// Names of pipelines: `^[a-z][a-z0-9-]{2,29}$` (schema.json).
pub(super) fn pipeline_name(name: &str) -> Result<(), StoreError> {
    let right = (3..=30).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if right {
        return Ok(());
    }
    Err(StoreError::Invalid(
        "The name of a pipeline must start with a letter, have 3 to 30 characters and can only contain lowercase \
         letters, digits, and dashes."
            .into(),
    ))
}

/// A text for people: lines of what can be read. Others see it on their terminals.
pub(super) fn text(what: &str, text: &str, maximum: usize) -> Result<(), StoreError> {
    if text.chars().count() > maximum {
        return Err(StoreError::Invalid(format!(
            "The {what} is longer than {maximum} characters."
        )));
    }
    // Messages of commits have lines, which may end with CR LF.
    let text = text.replace("\r\n", "\n");
    let drives = |c: &char| drives_output(*c) && !matches!(c, '\n' | '\t');
    match text.chars().find(drives) {
        None => Ok(()),
        Some(found) => Err(StoreError::Invalid(format!(
            "The {what} has the control character U+{:04X}.",
            u32::from(found)
        ))),
    }
}

/// An e-mail address that the API can answer with.
pub(super) fn email(email: &str) -> Result<(), StoreError> {
    if is_email(email) {
        return Ok(());
    }
    Err(StoreError::Invalid(format!(
        "`{}` is no e-mail address.",
        email.escape_debug()
    )))
}

/// Whether it is `LOCAL@DOMAIN` in ASCII, without the characters that need quotes.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let label = |label: &str, others: &[u8]| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
        !label.is_empty() && label.bytes().all(fits)
    };
    text.len() <= MAXIMUM_EMAIL
        && local
            .split('.')
            .all(|part| label(part, b"!$%&'*+-/=?^_`{|}~"))
        && domain
            .split('.')
            .all(|part| label(part, b"-") && !part.starts_with('-') && !part.ends_with('-'))
}

/// Long enough that nobody finds it from its hash; nothing that could not be sent in a header.
pub(super) fn token(token: &str) -> Result<(), StoreError> {
    if !has_token_characters(token) {
        return Err(StoreError::Invalid(
            "A token has letters, digits and `-._~+/=` only.".into(),
        ));
    }
    if !TOKEN_LENGTH.contains(&token.len()) {
        return Err(StoreError::Invalid(format!(
            "A token has {} to {} characters, best made at random: `openssl rand -hex 32`.",
            TOKEN_LENGTH.start(),
            TOKEN_LENGTH.end()
        )));
    }
    Ok(())
}

/// Whether all of it may be in a token: `token68` of RFC 9110, section 11.2.
pub(crate) fn has_token_characters(token: &str) -> bool {
    token
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

/// Whether a config var may be called this: `^\w+$` (`config-var` of the schema).
pub(crate) fn is_config_var(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a process type may be called this: `^[-\w]{1,128}$` (`slug.process_types` of the schema).
pub(crate) fn is_process_type(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Config vars as a whole.
pub(super) fn config_vars(vars: &ConfigVars) -> Result<(), StoreError> {
    let mut size = 0;
    for (name, value) in vars {
        if !is_config_var(name) {
            return Err(StoreError::Invalid(format!(
                "The name of the config var `{}` has to have letters, digits and `_` only.",
                name.escape_debug()
            )));
        }
        if value.contains('\0') {
            return Err(StoreError::Invalid(format!(
                "The value of the config var `{name}` has a NUL character."
            )));
        }
        size += name.len() + value.len();
    }
    if size > MAXIMUM_CONFIG {
        return Err(StoreError::Invalid(format!(
            "The config vars would have {size} bytes together; an app has at most {MAXIMUM_CONFIG}."
        )));
    }
    Ok(())
}

/// What a slug is made with.
pub(super) fn slug(create: &SlugCreate) -> Result<(), StoreError> {
    for (what, value) in [
        ("commit", &create.commit),
        ("commit's description", &create.commit_description),
        (
            "buildpack's description",
            &create.buildpack_provided_description,
        ),
    ] {
        if let Some(value) = value {
            text(what, value, MAXIMUM_SLUG_TEXT)?;
        }
    }
    if let Some(checksum) = &create.checksum {
        let parsed: Result<Checksum, _> = checksum.parse();
        parsed.map_err(|error| StoreError::Invalid(format!("The checksum is wrong: {error}.")))?;
    }
    if create.process_types.len() > MAXIMUM_PROCESS_TYPES {
        return Err(StoreError::Invalid(format!(
            "The slug has more than {MAXIMUM_PROCESS_TYPES} process types."
        )));
    }
    for (name, command) in &create.process_types {
        if !is_process_type(name) {
            return Err(StoreError::Invalid(format!(
                "The process type `{}` has to have 1 to 128 letters, digits, `-` and `_`.",
                name.escape_debug()
            )));
        }
        if command.trim().is_empty() || command.contains('\0') || command.len() > MAXIMUM_COMMAND {
            return Err(StoreError::Invalid(format!(
                "The command of the process type `{name}` is empty, has a NUL character or is longer than \
                 {MAXIMUM_COMMAND} bytes."
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_lines_and_no_commands_to_terminals() {
        for good in [
            "",
            "Fix it",
            "Fix it\n\n\tas said\r\n",
            "naïve 日本語 👩\u{200d}💻 שלום",
        ] {
            assert!(text("description", good, 100).is_ok(), "{good:?}");
        }
        for (bad, named) in [
            ("\0", "U+0000"),
            ("\u{1b}[31mred", "U+001B"),
            ("over\rwritten", "U+000D"),
            ("\u{7f}", "U+007F"),
            ("\u{9b}2J", "U+009B"),
            ("exe.\u{202e}gpj", "U+202E"),
            ("\u{2066}isolated", "U+2066"),
        ] {
            let error = text("description", bad, 100).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("The description has the control character {named}.")
            );
        }
    }

    #[test]
    fn addresses() {
        for good in ["a@b", "ann.b+c@sub.example.com", "o'neil@example.com"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "", "a", "@b", "a@", "a@b@c", "a@b..c", ".a@b", "a@-b", "ä@b", "a b@c", "a@b:c",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
