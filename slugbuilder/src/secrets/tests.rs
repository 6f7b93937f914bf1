use super::*;
use crate::sandbox::{Credentials, LONGEST_LINE};
use slugbuilder_report::{Event, Reporter};
use std::sync::Mutex;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// The secrets of a build with these config vars, of which those are secrets.
fn secrets(config_vars: &[(&str, &str)], named: &[&str]) -> Secrets {
    Secrets::of(&Sources {
        config_vars: &environment(config_vars),
        named: &named.iter().map(OsString::from).collect(),
        platform_variables: &Environment::new(),
        view: &HostView::of(&Environment::new(), Credentials::default()),
        of_source: &OfSource::default(),
    })
    .unwrap()
}

fn redacted(secrets: &Secrets, text: &str) -> String {
    secrets.redact_text(text).into_owned()
}

#[test]
fn values_are_replaced_and_everything_else_stays() {
    let secrets = secrets(
        &[
            ("TOKEN_OF_MINE", "t0ken-of-mine"),
            ("PLAIN", "hello"),
            ("SHORT_SECRET", "abc"),
            ("ODD", "odd value"),
        ],
        &["ODD", "SHORT_SECRET"],
    );
    assert_eq!(
        redacted(
            &secrets,
            "hello t0ken-of-minet0ken-of-mine, abc: odd value!"
        ),
        "hello ******, abc: ***!"
    );
    assert_eq!(redacted(&secrets, "t0ken-of-min"), "t0ken-of-min");
    let warnings = secrets.warnings();
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        warnings[0].message,
        "the secret `SHORT_SECRET` has fewer than 4 bytes: it is not replaced in the output"
    );
}

#[test]
fn the_longest_of_several_is_replaced() {
    let secrets = secrets(
        &[("A", "token"), ("B", "token-and-more"), ("C", "and-more-x")],
        &["A", "B", "C"],
    );
    assert_eq!(
        redacted(&secrets, "token-and-more-x token-x"),
        "***-x ***-x"
    );
}

#[test]
fn values_are_known_in_json_in_addresses_and_line_by_line() {
    let value = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n}\n-----END KEY-----";
    let secrets = secrets(
        &[("KEY", value), ("WORD", "pass \"word\"/1")],
        &["KEY", "WORD"],
    );
    assert_eq!(
        redacted(&secrets, "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\r"),
        "***\r"
    );
    assert_eq!(redacted(&secrets, "}"), "}");
    let quoted = serde_json::to_string(value).unwrap();
    assert_eq!(redacted(&secrets, &quoted), "\"***\"");
    assert_eq!(redacted(&secrets, "a=\"pass \\\"word\\\"/1\""), "a=\"***\"");
    assert_eq!(redacted(&secrets, "?a=pass%20%22word%22%2F1"), "?a=***");
}

#[test]
fn names_tell_and_public_ones_do_not() {
    let secrets = secrets(
        &[
            ("STRIPE_SECRET", "sk_live_1"),
            ("NEXT_PUBLIC_API_KEY", "public-key"),
            ("VITE_TOKEN", "vite-token"),
            ("SECRET_SCAN", "true"),
            ("npm_config__auth", "npm-auth"),
            ("HAS_AUTH", "true"),
            ("DATABASE_URL", "postgres://app:p%40ss-word@db.example/app"),
        ],
        &[],
    );
    assert_eq!(
        redacted(
            &secrets,
            "sk_live_1 public-key vite-token true p@ss-word p%40ss-word npm-auth"
        ),
        "*** public-key vite-token true *** *** ***"
    );
    assert_eq!(
        redacted(&secrets, "postgres://app:p%40ss-word@db.example/app"),
        "postgres://app:***@db.example/app"
    );
}

#[test]
fn credentials_that_are_shown_to_the_build_are_secrets() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        ".npmrc",
        "//r.example/:_authToken=npm-t0ken\n//s.example/:_auth=bWU6aHVudGVyMg==\n//t.example/:_authToken=${MY_VARIABLE}\n",
    );
    write(".netrc", "machine r.example login me password netrc-pass\n");
    write(".bundle/config", "BUNDLE_GEMS__EXAMPLE: \"me:gem-pass\"\n");
    let host = environment(&[
        ("HOME", home.path().to_str().unwrap()),
        ("https_proxy", "http://me:proxy-pass@proxy.example:3128"),
        ("npm_config_//u.example/:_authToken", "variable-t0ken"),
        ("AWS_SECRET_ACCESS_KEY", "never-passed"),
    ]);
    let all = "npm-t0ken bWU6aHVudGVyMg== hunter2 netrc-pass gem-pass proxy-pass variable-t0ken mirror-pass of-variable never-passed";
    let redacted = |credentials| {
        let secrets = Secrets::of(&Sources {
            config_vars: &environment(&[("MY_VARIABLE", "of-variable")]),
            named: &BTreeSet::new(),
            platform_variables: &environment(&[(
                "SLUGBUILDER_MIRROR_NODE",
                "https://me:mirror-pass@m.example/",
            )]),
            view: &HostView::of(&host, credentials),
            of_source: &OfSource::default(),
        });
        secrets.unwrap().redact_text(all).into_owned()
    };
    assert_eq!(
        redacted(Credentials {
            npm: true,
            netrc: true,
            bundle: true
        }),
        "*** *** *** *** *** *** *** *** *** never-passed"
    );
    // What programs cannot know they cannot tell; the addresses pass with their passwords.
    assert_eq!(
        redacted(Credentials::default()),
        "npm-t0ken bWU6aHVudGVyMg== hunter2 netrc-pass gem-pass *** variable-t0ken *** of-variable never-passed"
    );
}

#[test]
fn data_is_redacted_whatever_its_words_are() {
    // The second secret is also a word of the data itself.
    let secrets = secrets(
        &[("A_TOKEN", "s3cret-value"), ("B_TOKEN", "no-language")],
        &[],
    );
    let diagnosis = Diagnosis {
        code: "x".into(),
        headline: "it said s3cret-value".into(),
        causes: vec!["s3cret-value no-language".into()],
        explanation: Some("s3cret-value".into()),
        hints: vec!["s3cret-value".into()],
        fault: slugbuilder_report::Fault::App,
        retryable: false,
    };
    let mut data = diagnosis.clone();
    secrets.redact_data(&mut data);
    assert_eq!(data, secrets.redact_diagnosis(&diagnosis));
    assert_eq!(data.causes, ["*** ***"]);

    let secrets = self::secrets(
        &[("A_TOKEN", "s3cret-value"), ("FAULT_TOKEN", "try-later")],
        &[],
    );
    let mut data = Diagnosis {
        fault: slugbuilder_report::Fault::TryLater,
        ..diagnosis
    };
    secrets.redact_data(&mut data);
    assert_eq!(data.headline, "it said ***");
    assert_eq!(data.fault, slugbuilder_report::Fault::TryLater);
}

/// Hears all there is.
#[derive(Default)]
struct Ears(Mutex<Vec<String>>);

impl Reporter for Ears {
    fn report(&self, event: Event<'_>) {
        let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
        let heard = match event {
            Event::Output(line) => text(line),
            Event::ErrorOutput(line) => format!("! {}", text(line)),
            Event::Step(text) | Event::Note(text) => text.to_owned(),
            Event::Warning(warning) => format!("{} {:?}", warning.message, warning.hint),
            Event::Started { name, .. } => name.to_owned(),
            _ => return,
        };
        self.0.lock().unwrap().push(heard);
    }
}

#[test]
fn a_reporter_hears_no_secret_of_any_event() {
    let secrets = secrets(&[("A_TOKEN", "s3cret-value")], &[]);
    let ears = Ears::default();
    let reporter = Redacting::new(&secrets, &ears);
    reporter.report(Event::Output(b"\xff s3cret-value"));
    reporter.report(Event::ErrorOutput(b"s3cret-value"));
    reporter.report(Event::Step("s3cret-value"));
    reporter.report(Event::Note("s3cret-value"));
    reporter.report(Event::Warning(
        &Warning::new("x", "s3cret-value").hint("s3cret-value"),
    ));
    reporter.report(Event::Started {
        id: slugbuilder_report::TransferId(1),
        name: "s3cret-value",
        total: None,
    });
    drop(reporter);
    let heard = ears.0.into_inner().unwrap();
    assert_eq!(heard.len(), 6);
    assert!(!heard.concat().contains("s3cret"), "{heard:?}");
    assert_eq!(heard[4], "*** Some(\"***\")");
}

#[test]
fn a_secret_across_the_pieces_of_a_long_line_is_replaced_wherever_they_are_cut() {
    let secret = "s3cret-value-of-some-length";
    let secrets = secrets(&[("A_TOKEN", secret), ("B_TOKEN", "s3cret-value")], &[]);
    let filling = "x".repeat(LONGEST_LINE);
    for cut in 0..=secret.len() {
        let ears = Ears::default();
        let reporter = Redacting::new(&secrets, &ears);
        reporter.report(Event::Output(
            format!("{filling}{}", &secret[..cut]).as_bytes(),
        ));
        reporter.report(Event::ErrorOutput(b"between"));
        reporter.report(Event::Output(format!("{} end", &secret[cut..]).as_bytes()));
        drop(reporter);
        let heard = ears.0.into_inner().unwrap();
        let output: Vec<&str> = heard
            .iter()
            .filter(|line| !line.starts_with("! "))
            .map(String::as_str)
            .collect();
        assert_eq!(output.concat(), format!("{filling}*** end"), "cut at {cut}");
    }
}

#[test]
fn what_was_held_back_comes_when_no_line_follows() {
    let secrets = secrets(&[("A_TOKEN", "s3cret-value")], &[]);
    let ears = Ears::default();
    let reporter = Redacting::new(&secrets, &ears);
    let filling = "x".repeat(LONGEST_LINE);
    reporter.report(Event::Output(format!("{filling}s3cret").as_bytes()));
    assert_eq!(ears.0.lock().unwrap().concat(), filling);
    reporter.report(Event::Step("next"));
    reporter.report(Event::ErrorOutput(format!("{filling}s3").as_bytes()));
    drop(reporter);
    let heard = ears.0.into_inner().unwrap();
    assert_eq!(heard[1..3], ["s3cret", "next"]);
    assert_eq!(heard[4], "! s3");
}

#[test]
fn words_tell_nothing_in_a_file_unless_someone_called_them_secrets() {
    for (certainty, value, expected) in [
        (Certainty::Likely, "placeholder-of-some-length", false),
        (Certainty::Likely, "pl4ceholder", true),
        (Certainty::Known, "password", false),
        (Certainty::Known, "passw0rd", true),
        (Certainty::Known, "correct-horse-battery", true),
        (Certainty::Named, "password", true),
        (Certainty::Named, "passw0r", false),
    ] {
        let found = certainty.is_telltale(value.as_bytes());
        assert_eq!(found, expected, "{certainty:?} {value}");
    }
}
