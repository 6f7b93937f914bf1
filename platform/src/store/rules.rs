//! What names, values and texts may be.

use super::StoreError;
use slugbuilder::api::types::{ConfigVars, SlugCreate};
use slugbuilder::slug::Checksum;

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
/// Of a token, in characters. A shorter one could be found from its hash.
const MINIMUM_TOKEN: usize = 16;

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

/// A text for people.
pub(super) fn text(what: &str, text: &str, maximum: usize) -> Result<(), StoreError> {
    if text.chars().count() > maximum {
        return Err(StoreError::Invalid(format!(
            "The {what} is longer than {maximum} characters."
        )));
    }
    if text.contains('\0') {
        return Err(StoreError::Invalid(format!(
            "The {what} has a NUL character."
        )));
    }
    Ok(())
}

/// Enough to tell an address from something else.
pub(super) fn email(email: &str) -> Result<(), StoreError> {
    let right = email.len() <= 254
        && email.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty() && !host.is_empty() && !host.contains('@')
        })
        && !email.contains(|c: char| c.is_whitespace() || c.is_control());
    if right {
        return Ok(());
    }
    Err(StoreError::Invalid(format!(
        "`{}` is no e-mail address.",
        email.escape_debug()
    )))
}

/// Long enough that nobody finds it from its hash; nothing that could not be sent in a header.
pub(super) fn token(token: &str) -> Result<(), StoreError> {
    if token.len() < MINIMUM_TOKEN {
        return Err(StoreError::Invalid(format!(
            "A token has at least {MINIMUM_TOKEN} characters, best made at random: `openssl rand -hex 32`."
        )));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(StoreError::Invalid(
            "A token has no spaces, and no characters but those of ASCII.".into(),
        ));
    }
    Ok(())
}

/// Config vars as a whole.
pub(super) fn config_vars(vars: &ConfigVars) -> Result<(), StoreError> {
    let mut size = 0;
    for (name, value) in vars {
        if name.is_empty() {
            return Err(StoreError::Invalid("A config var has no name.".into()));
        }
        if name.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control()) {
            return Err(StoreError::Invalid(format!(
                "The name of the config var `{}` has a `=`, white space or a control character.",
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
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !(1..=128).contains(&name.len()) || !name.bytes().all(fits) {
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
