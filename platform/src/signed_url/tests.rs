use super::*;
use proptest::prelude::*;

const BASE: &str = "https://localhost:5000/";

fn signer() -> Signer {
    Signer::new(&[7; KEY])
}

fn id() -> Uuid {
    Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn query(url: &str) -> &str {
    url.split_once('?').unwrap().1
}

fn url(method: BlobMethod) -> String {
    signer().url(BASE, method, id(), at(1_000), Duration::from_mins(1))
}

#[test]
fn an_address_has_blob_expiry_and_signature() {
    // The signature was computed with Python's `hmac`.
    assert_eq!(
        url(BlobMethod::Put),
        "https://localhost:5000/blobs/01234567-89ab-cdef-0123-456789abcdef?expires=1060&signature=59ca82ec85a8e3042f953100f3e8c97c188897e6dc655c2f9ce5a5cb74134085"
    );
}

#[test]
fn an_address_is_good_until_it_expires() {
    let url = url(BlobMethod::Put);
    let check = |now| signer().check(BlobMethod::Put, id(), Some(query(&url)), now);
    assert_eq!(check(at(1_000)), Ok(()));
    assert_eq!(check(at(1_059)), Ok(()));
    assert_eq!(check(at(1_060)), Err(UrlError::Expired(at(1_060))));
    assert_eq!(check(Timestamp::MAX), Err(UrlError::Expired(at(1_060))));
}

#[test]
fn an_address_is_for_its_method_only() {
    for (made, used) in [
        (BlobMethod::Put, BlobMethod::Get),
        (BlobMethod::Get, BlobMethod::Put),
    ] {
        let url = url(made);
        assert_eq!(
            signer().check(used, id(), Some(query(&url)), at(1_000)),
            Err(UrlError::WrongMethod { allowed: made })
        );
    }
}

#[test]
fn an_address_is_for_its_blob_and_server_only() {
    let url = url(BlobMethod::Get);
    let check = |signer: Signer, id| signer.check(BlobMethod::Get, id, Some(query(&url)), at(0));
    assert_eq!(
        check(signer(), Uuid::from_u128(id().as_u128() ^ 1)),
        Err(UrlError::WrongSignature)
    );
    assert_eq!(
        check(Signer::new(&[8; KEY]), id()),
        Err(UrlError::WrongSignature)
    );
    assert_eq!(check(signer(), id()), Ok(()));
}

#[test]
fn an_address_is_for_its_kind_of_blob_only() {
    let sources = signer().of(BlobKind::Source);
    let url = sources.url(BASE, BlobMethod::Get, id(), at(0), Duration::from_mins(1));
    assert!(
        url.starts_with("https://localhost:5000/sources/01234567-"),
        "{url}"
    );
    let check = |signer: Signer| signer.check(BlobMethod::Get, id(), Some(query(&url)), at(0));
    assert_eq!(check(sources), Ok(()));
    assert_eq!(check(signer()), Err(UrlError::WrongSignature));
}

#[test]
fn an_address_without_its_parameters_is_refused() {
    let check = |query: Option<&str>| {
        signer()
            .check(BlobMethod::Get, id(), query, at(0))
            .unwrap_err()
    };
    let signature = "0".repeat(64);
    let of = |expires: &str| format!("expires={expires}&signature={signature}");
    assert_eq!(check(None), UrlError::Unsigned);
    assert_eq!(check(Some("")), UrlError::Unsigned);
    assert_eq!(check(Some("expires")), UrlError::Unsigned);
    assert_eq!(check(Some("expires=1")), UrlError::Damaged("signature"));
    assert_eq!(
        check(Some(&format!("signature={signature}"))),
        UrlError::Damaged("expires")
    );
    for expires in [
        "",
        "-1",
        "+1",
        "1e9",
        "%31",
        " 1",
        "18446744073709551616",
        "٣",
    ] {
        assert_eq!(
            check(Some(&of(expires))),
            UrlError::Damaged("expires"),
            "{expires}"
        );
    }
    assert_eq!(
        check(Some(&of("18446744073709551615"))),
        UrlError::WrongSignature
    );
    assert_eq!(
        check(Some(&format!("{}&expires=1", of("1")))),
        UrlError::Damaged("expires")
    );
    for signature in ["", "0", &"0".repeat(63), &"0".repeat(66), &"x".repeat(64)] {
        assert_eq!(
            check(Some(&format!("expires=1&signature={signature}"))),
            UrlError::Damaged("signature")
        );
    }
}

#[test]
fn an_expiry_beyond_the_calendar_never_comes() {
    let url = signer().url(BASE, BlobMethod::Get, id(), Timestamp::MAX, Duration::MAX);
    assert!(url.contains("expires=18446744073709551615&"));
    let check = signer().check(BlobMethod::Get, id(), Some(query(&url)), Timestamp::MAX);
    assert_eq!(check, Ok(()));
    // Nor does a clock before 1970 make one that overflows.
    let url = signer().url(BASE, BlobMethod::Get, id(), Timestamp::MIN, Duration::ZERO);
    assert!(url.contains("expires=0&"));
}

#[test]
fn nothing_shows_the_key() {
    assert_eq!(format!("{:?}", signer()), "Signer");
}

#[test]
fn each_fault_says_what_to_do() {
    let faults = [
        UrlError::Unsigned,
        UrlError::Damaged("expires"),
        UrlError::WrongSignature,
        UrlError::WrongMethod {
            allowed: BlobMethod::Put,
        },
        UrlError::WrongMethod {
            allowed: BlobMethod::Get,
        },
        UrlError::Expired(at(0)),
    ];
    let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(texts.join("\n"), @r"
    The URL is not signed. Use it as the API answered it, with everything after the `?`.
    The URL's `expires` is damaged. Use it as the API answered it.
    The URL's signature is wrong: it was changed, or another server gave it out.
    The URL is for PUT only. Another one, which the API answers too, is to download.
    The URL is for GET only. What is uploaded has another one, which the answer to its creation has.
    The URL expired at 1970-01-01T00:00:00Z. Ask the API for a new one.
    ");
}

proptest! {
    /// Whichever bit of the query is flipped, it is no longer good.
    #[test]
    fn a_changed_bit_is_noticed(position in 0_usize..1_000, bit in 0_u32..7) {
        let url = url(BlobMethod::Put);
        let mut bytes = query(&url).as_bytes().to_vec();
        let position = position % bytes.len();
        bytes[position] ^= 1 << bit;
        let changed = String::from_utf8(bytes).unwrap();
        let checked = signer().check(BlobMethod::Put, id(), Some(&changed), at(1_000));
        // Hexadecimal digits may come in either case: bit 5 of a letter changes nothing.
        let same = changed.to_ascii_lowercase() == query(&url) && changed.starts_with("expires=");
        prop_assert_eq!(checked.is_ok(), same && changed.contains("&signature="), "{}", changed);
    }

    /// No query makes the check panic, or passes it.
    #[test]
    fn no_other_query_is_good(query in any::<String>()) {
        prop_assert!(signer().check(BlobMethod::Put, id(), Some(&query), at(1_000)).is_err());
    }

    /// Whatever time and lifetime, the address is good at once and no longer than it says.
    #[test]
    fn a_lifetime_is_kept(now in 0_i64..=253_402_207_200, lifetime in 1_u64..=1 << 40) {
        let url = signer().url(BASE, BlobMethod::Put, id(), at(now), Duration::from_secs(lifetime));
        let check = |second: i64| match Timestamp::from_second(second) {
            Ok(time) => Some(signer().check(BlobMethod::Put, id(), Some(query(&url)), time).is_ok()),
            Err(_) => None,
        };
        prop_assert_eq!(check(now), Some(true));
        let end = now.saturating_add_unsigned(lifetime);
        prop_assert_ne!(check(end - 1), Some(false));
        prop_assert_ne!(check(end), Some(true));
    }
}
