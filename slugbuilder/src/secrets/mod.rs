//! Secrets of a build: what they are, how they are kept out of what is told, and how the slug is searched for them.
//!
//! Programs of a build need secrets, to fetch private packages for example, and print what they like. So everything that a
//! build tells passes a [`Redacting`] reporter, errors and slug.json included, and files in which secrets usually end up
//! are searched before the slug is written ([`search`]).
//!
//! A secret is known for certain where someone called it one: an option of the user, a client's configuration, a password in an
//! address of a proxy. A config var whose *name* tells is taken for one; what is done about those must not harm an app that
//! means it otherwise, so they are replaced in the output, and a warning in the slug.

mod credentials;
mod of_source;
mod redacting;
mod search;
pub(crate) mod telling;

pub use search::SecretsInSlug;

pub(crate) use of_source::OfSource;
pub(crate) use redacting::Redacting;
pub(crate) use search::{Passage, Search};

use crate::sandbox::{Environment, HostView, SandboxError};
use aho_corasick::{AhoCorasick, MatchKind};
use credentials::Found;
use serde::Serialize;
use serde::de::DeserializeOwned;
use slugbuilder_report::{Diagnosis, Warning};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use telling::{is_telling, may_be_secret};

/// Bytes of the shortest value that is replaced: shorter ones are in every other word.
pub(crate) const SHORTEST: usize = 4;

/// Bytes of the shortest line of a value of several lines that is replaced by itself, and of the shortest value that is looked for
/// in the slug.
const SHORTEST_ALONE: usize = 8;

/// Bytes of a value that is no word, whatever it is made of.
const LONG: usize = 16;

/// What stands for a secret.
const STARS: &str = "***";

/// Starts of names of config vars that frameworks put into what browsers get: whatever they tell, they are no secrets.
const PUBLIC: [&str; 8] = [
    "EXPO_PUBLIC_",
    "GATSBY_",
    "NEXT_PUBLIC_",
    "NUXT_PUBLIC_",
    "PUBLIC_",
    "REACT_APP_",
    "VITE_",
    "VUE_APP_",
];

/// Where secrets of a build come from.
pub(crate) struct Sources<'a> {
    /// All config vars.
    pub(crate) config_vars: &'a Environment,
    /// Names of those that are secrets.
    pub(crate) named: &'a BTreeSet<OsString>,
    /// `SLUGBUILDER_*` variables.
    pub(crate) platform_variables: &'a Environment,
    /// What programs get from the machine.
    pub(crate) view: &'a HostView,
    /// What the app's own files tell.
    pub(crate) of_source: &'a OfSource,
}

/// One secret.
struct Secret {
    /// What it is called in messages.
    name: String,
    certainty: Certainty,
    /// Whether it is so long, and so unlike a word, that finding it in a file says something.
    is_telltale: bool,
}

/// How it is known that something is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Certainty {
    /// It is a credential, and the source has it: its author was warned, and that the slug has it is no news.
    InSource,
    /// By the name of a config var.
    Likely,
    /// It is a credential of a client, or a password of a proxy.
    Known,
    /// The user said so.
    Named,
}

impl Certainty {
    /// Whether finding the value in a file says that it came there from the build. A password may be a word of every language,
    /// and what is a secret by its name only may be anything.
    fn is_telltale(self, value: &[u8]) -> bool {
        let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
        let is_mixed = has(u8::is_ascii_alphabetic) && has(u8::is_ascii_digit);
        value.len() >= SHORTEST_ALONE
            && match self {
                Self::InSource => false,
                Self::Likely => is_mixed,
                Self::Known => is_mixed || value.len() >= LONG,
                Self::Named => true,
            }
    }
}

/// How a secret may be written.
struct Form {
    bytes: Vec<u8>,
    secret: usize,
    /// Whether it is all of the value, and no line of it.
    is_whole: bool,
}

impl Form {
    /// Whether it is one word of at least so many bytes.
    fn is_long_line(&self, length: usize) -> bool {
        self.bytes.len() >= length && !self.bytes.contains(&b' ')
    }
}

/// The secrets of a build.
#[derive(Default)]
pub(crate) struct Secrets {
    all: Vec<Secret>,
    /// What is looked for, in the order of the patterns of `finder`.
    forms: Vec<Form>,
    finder: Option<AhoCorasick>,
    /// Names of config vars that are called secrets and are too short to be replaced.
    too_short: Vec<String>,
    /// Of secrets that are in the source.
    in_source: Vec<Warning>,
}

impl Secrets {
    /// Has [`Secrets::warnings`] tell of these, too.
    pub(crate) fn warn(&mut self, warnings: Vec<Warning>) {
        self.in_source.extend(warnings);
    }

    /// All secrets that a build may be given.
    pub(crate) fn of(sources: &Sources<'_>) -> Result<Self, SandboxError> {
        let mut gathered = Gathered::default();
        let variables = sources.view.variables().iter();
        for (name, value) in variables.chain(sources.platform_variables) {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            gathered.known(of_variable(&name, &value));
        }
        for (file, read) in [
            (".npmrc", credentials::of_npmrc as fn(&[u8]) -> Vec<Found>),
            (".netrc", credentials::of_netrc),
            (".bundle/config", credentials::of_bundle_config),
        ] {
            if let Some(text) = sources.view.home_file(file) {
                gathered.known(read(text));
            }
        }
        let mut referred: BTreeSet<OsString> = gathered.variables().collect();
        referred.extend(sources.of_source.variables.iter().cloned());
        for literal in &sources.of_source.literal {
            gathered.add(literal.name.clone(), &literal.value, Certainty::InSource);
        }
        let mut too_short = Vec::new();
        for (name, value) in sources.config_vars {
            let shown = name.to_string_lossy();
            let certainty = if sources.named.contains(name) {
                Certainty::Named
            } else if referred.contains(name) {
                Certainty::Known
            } else {
                Certainty::Likely
            };
            let text = value.to_string_lossy();
            let called = format!("config var `{shown}`");
            let is_public = PUBLIC.iter().any(|start| shown.starts_with(start));
            let tells = || !is_public && is_telling(&shown) && may_be_secret(&text);
            if certainty > Certainty::Likely || tells() {
                gathered.add(called, value.as_bytes(), certainty);
            }
            if certainty == Certainty::Named && !value.is_empty() && value.len() < SHORTEST {
                too_short.push(shown.to_string());
            }
            for (_, password) in credentials::of_addresses(&text, &shown) {
                let called = format!("the password in config var `{shown}`");
                gathered.add(called, &password, certainty);
            }
        }
        gathered.into_secrets(too_short)
    }

    /// Warnings of secrets that cannot be kept out of the output, and of those in the source.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let warning = |name: &String| {
            Warning::new(
                "secret-too-short",
                format!("the secret `{name}` has fewer than {SHORTEST} bytes: it is not replaced in the output"),
            )
            .hint("Make it longer; so short a value is no secret for long.")
        };
        let too_short = self.too_short.iter().map(warning);
        too_short.chain(self.in_source.iter().cloned()).collect()
    }

    /// Whether there are none.
    pub(crate) fn are_none(&self) -> bool {
        self.finder.is_none()
    }

    /// `bytes` with [`STARS`] for each secret.
    pub(crate) fn redact<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let Some(finder) = self.finder.as_ref().filter(|finder| finder.is_match(bytes)) else {
            return Cow::Borrowed(bytes);
        };
        let stars = vec![STARS; self.forms.len()];
        Cow::Owned(finder.replace_all_bytes(bytes, &stars))
    }

    /// The same for text.
    pub(crate) fn redact_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.redact(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// The same for a warning.
    pub(crate) fn redact_warning(&self, warning: &Warning) -> Warning {
        Warning {
            code: warning.code.clone(),
            message: self.redact_text(&warning.message).into_owned(),
            hint: (warning.hint.as_deref()).map(|hint| self.redact_text(hint).into_owned()),
        }
    }

    /// The same for an explained error.
    pub(crate) fn redact_diagnosis(&self, diagnosis: &Diagnosis) -> Diagnosis {
        let text = |text: &String| self.redact_text(text).into_owned();
        Diagnosis {
            code: diagnosis.code.clone(),
            headline: text(&diagnosis.headline),
            causes: diagnosis.causes.iter().map(text).collect(),
            explanation: diagnosis.explanation.as_ref().map(text),
            hints: diagnosis.hints.iter().map(text).collect(),
            fault: diagnosis.fault,
            retryable: diagnosis.retryable,
        }
    }

    /// The same for every text in `data`; keys stay as they are.
    pub(crate) fn redact_data<T: Serialize + DeserializeOwned>(&self, data: &mut T) {
        let Some(value) = serde_json::to_value(&*data)
            .ok()
            .filter(|_| !self.are_none())
        else {
            return;
        };
        // A secret may be the same as a word that the data has for one of several cases. Those are no secrets.
        for spare_words in [false, true] {
            let mut value = value.clone();
            self.redact_value(&mut value, spare_words);
            if let Ok(redacted) = serde_json::from_value(value) {
                *data = redacted;
                return;
            }
        }
    }

    fn redact_value(&self, value: &mut serde_json::Value, spare_words: bool) {
        use serde_json::Value;
        let is_word = |text: &str| {
            text.bytes()
                .all(|byte| byte == b'-' || byte.is_ascii_lowercase())
        };
        match value {
            Value::String(text) if spare_words && is_word(text) => {}
            Value::String(text) => {
                if let Cow::Owned(redacted) = self.redact_text(text) {
                    *text = redacted;
                }
            }
            Value::Array(values) => values
                .iter_mut()
                .for_each(|value| self.redact_value(value, spare_words)),
            Value::Object(values) => values
                .values_mut()
                .for_each(|value| self.redact_value(value, spare_words)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Where the end of `text` begins that may be the start of a secret.
    fn unfinished(&self, text: &[u8]) -> usize {
        let longest = self.forms.iter().map(|form| form.bytes.len()).max();
        let from = text.len() - text.len().min(longest.unwrap_or(0).saturating_sub(1));
        let may_begin = |start: &usize| {
            let end = &text[*start..];
            let mut forms = self.forms.iter();
            forms.any(|form| form.bytes.len() > end.len() && form.bytes.starts_with(end))
        };
        let mut cut = (from..text.len()).find(may_begin).unwrap_or(text.len());
        for found in self.finder.iter().flat_map(|finder| finder.find_iter(text)) {
            if found.range().contains(&cut) {
                cut = found.start();
            }
        }
        cut
    }
}

/// The secrets in a variable that programs get from the machine.
fn of_variable(name: &str, value: &str) -> Vec<Found> {
    let lower = name.to_ascii_lowercase();
    if let Some(key) = lower.strip_prefix("npm_config_") {
        credentials::of_npm_setting(key, value, name)
    } else if name.starts_with("BUNDLE_") {
        credentials::of_bundle_setting(name, value)
    } else {
        credentials::of_addresses(value, name)
    }
}

/// Secrets before they are looked for: names by value, so that each value is known by one.
#[derive(Default)]
struct Gathered {
    found: BTreeMap<Vec<u8>, (String, Certainty)>,
}

impl Gathered {
    fn known(&mut self, found: Vec<Found>) {
        for (name, value) in found {
            self.add(name, &value, Certainty::Known);
        }
    }

    fn add(&mut self, name: String, value: &[u8], certainty: Certainty) {
        let known = self.found.entry(value.trim_ascii().to_vec());
        let known = known.or_insert_with(|| (name.clone(), certainty));
        if certainty > known.1 {
            *known = (name, certainty);
        }
    }

    /// The variables that stand where a value is expected.
    fn variables(&self) -> impl Iterator<Item = OsString> {
        self.found
            .keys()
            .filter_map(|value| credentials::variable(value))
    }

    fn into_secrets(self, too_short: Vec<String>) -> Result<Secrets, SandboxError> {
        let mut secrets = Vec::new();
        let mut forms: BTreeMap<Vec<u8>, (usize, bool)> = BTreeMap::new();
        for (value, (name, certainty)) in self.found {
            if value.len() < SHORTEST || credentials::variable(&value).is_some() {
                continue;
            }
            for (form, is_whole) in forms_of(&value) {
                let known = forms.entry(form).or_insert((secrets.len(), is_whole));
                if is_whole && !known.1 {
                    *known = (secrets.len(), is_whole);
                }
            }
            secrets.push(Secret {
                name,
                certainty,
                is_telltale: certainty.is_telltale(&value),
            });
        }
        let form = |(bytes, (secret, is_whole))| Form {
            bytes,
            secret,
            is_whole,
        };
        let forms: Vec<Form> = forms.into_iter().map(form).collect();
        let finder = (!forms.is_empty()).then(|| finder_of(forms.iter().map(|form| &form.bytes)));
        Ok(Secrets {
            finder: finder.transpose()?,
            all: secrets,
            forms,
            too_short,
            in_source: Vec::new(),
        })
    }
}

/// Finds the longest of several forms in one pass.
fn finder_of<'f>(forms: impl Iterator<Item = &'f Vec<u8>>) -> Result<AhoCorasick, SandboxError> {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(forms)
        .map_err(|error| SandboxError::SetUp {
            // Only for more than any environment can hold.
            step: "looking for so many and so long secrets".into(),
            source: std::io::Error::other(error),
        })
}

/// How programs show a value: as it is, as text in JSON, as a part of an address, and line by line. With each, whether it
/// is the whole.
fn forms_of(value: &[u8]) -> Vec<(Vec<u8>, bool)> {
    let mut forms = vec![(value.to_vec(), true)];
    if let Ok(text) = std::str::from_utf8(value) {
        let quoted = serde_json::to_string(text).unwrap_or_default();
        if quoted.len() > 2 {
            forms.push((quoted.as_bytes()[1..quoted.len() - 1].to_vec(), true));
        }
        forms.push((percent_encoded(text).into_bytes(), true));
    }
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines = lines.filter(|line| line.len() >= SHORTEST_ALONE);
    forms.extend(lines.map(|line| (line.to_vec(), false)));
    forms
}

/// As JavaScript's `encodeURIComponent`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
