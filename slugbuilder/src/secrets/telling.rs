//! Names that tell of a secret, and addresses with a password in them.

/// Parts of names that hold a secret.
const TELLING: [&str; 9] = [
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PRIVATE_KEY",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "CREDENTIAL",
];

/// Ends of names that only say where something is, or how long, how many, of which kind.
const HARMLESS: [&str; 14] = [
    "_FILE",
    "_PATH",
    "_DIR",
    "_URL",
    "_URI",
    "_NAME",
    "_LENGTH",
    "_SIZE",
    "_LIMIT",
    "_TTL",
    "_TYPE",
    "_HEADER",
    "_HOST",
    "_ALGORITHM",
];

/// What settings are that can be on or off.
const SWITCHES: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "none", "null"];

/// The longest number that is no secret but an amount.
const AMOUNT_DIGITS: usize = 5;

/// Whether a variable or an option of this name would hold a secret.
pub(crate) fn is_telling(name: &str) -> bool {
    let name = name
        .trim_start_matches('-')
        .to_ascii_uppercase()
        .replace(['-', '.'], "_");
    let last = name.rsplit('_').next().unwrap_or_default();
    // `DB_PASS`, but no `COMPASS` and no `PASS_THROUGH`; `DB_PWD`, but not the shell's `PWD` and `OLDPWD`; `API_TOKEN`
    // and `ACCESSTOKEN`, but no `TOKENIZER`.
    let is_pass = last == "PASS" || (last == "PWD" && name != last);
    let is_token = name
        .split('_')
        .any(|word| word.ends_with("TOKEN") || word.ends_with("TOKENS"));
    // `npm_config__auth`, `NEXUS_AUTH`.
    let is_auth = last == "AUTH" && name != last;
    (is_pass || is_token || is_auth || TELLING.iter().any(|part| name.contains(part)))
        && !HARMLESS.iter().any(|end| name.ends_with(end))
}

/// Whether a value is more than a switch, an amount or the name of a variable.
pub(crate) fn may_be_secret(value: &str) -> bool {
    let value = value.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    let is_amount = value.len() <= AMOUNT_DIGITS && value.bytes().all(|byte| byte.is_ascii_digit());
    !is_amount
        && !value.starts_with('$')
        && !SWITCHES.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Whether there is an address `scheme://user:password@host` in `text`.
pub(crate) fn has_password(text: &str) -> bool {
    users_of_addresses(text).next().is_some()
}

/// The `user:password` of each address `scheme://user:password@host` in `text`, as it is written there.
pub(crate) fn users_of_addresses(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices("://").filter_map(|(index, separator)| {
        let has_scheme = text[..index].ends_with(|last: char| last.is_ascii_alphanumeric());
        let rest = &text[index + separator.len()..];
        let ends = |c: char| c.is_whitespace() || "/?#\"'`,;<>|".contains(c);
        let authority = rest.split(ends).next().unwrap_or_default();
        let (user, host) = authority.rsplit_once('@')?;
        let (user, password) = user.split_once(':').filter(|_| !host.is_empty())?;
        let is_one = has_scheme && !password.is_empty() && !password.starts_with('$');
        is_one.then_some((user, password))
    })
}
