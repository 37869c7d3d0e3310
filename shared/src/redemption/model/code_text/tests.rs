#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use ulid::Ulid;

use super::*;

const ONE: &str = "1:a-code-secret-of-thirty-two-bytes-or-more";
const TWO: &str = "2:another-code-secret-of-thirty-two-bytes";

fn secrets(text: &str) -> CodeSecrets {
    CodeSecrets::parse(text).unwrap()
}

fn of(batch: u64, ordinal: u32) -> CodeRef {
    CodeRef { batch: BatchId::new(Ulid::from_parts(batch, 1)), ordinal }
}

/// R7.1: a code is sixteen symbols in groups of four; case, spaces and hyphens do not matter.
#[test]
fn a_code_is_read_as_people_type_it() {
    let code = CodeText::parse("abcd-EFGH jkmn-pqr2").unwrap();
    assert_eq!((code.as_str(), code.to_string().as_str()), ("ABCDEFGHJKMNPQR2", "ABCD-EFGH-JKMN-PQR2"));
    assert_eq!(code.masked(), "ABCD-****-****-PQR2");
    for bad in ["", "ABCD5", "ABCD_EFGH_JKMN_PQR2", "ÀBCDEFGHJKMNPQR2", &"A".repeat(33)] {
        assert_eq!(CodeText::parse(bad), None, "{bad}");
    }
    assert_eq!(CodeText::start("ab cd-"), Some("ABCD".to_owned()));
    assert_eq!(CodeText::start(&"-".repeat(101)), None);
}

/// R7.10: a code has a prefix before its groups; one that was brought has neither groups nor our form, and shows less of its ends.
#[test]
fn a_code_has_a_prefix_or_was_brought() {
    let shown = |text: &str| {
        let code = CodeText::parse(text).unwrap();
        (code.to_string(), code.masked(), code.has_our_form())
    };
    let expected = |text: &str, masked: &str, is_ours| (text.to_owned(), masked.to_owned(), is_ours);
    assert_eq!(shown("vip0-abcdefghjkmnpqr2"), expected("VIP0-ABCD-EFGH-JKMN-PQR2", "VIP0-****-****-PQR2", true));
    assert_eq!(shown("ABCDEFGHJKMNPQR0"), expected("ABCDEFGHJKMNPQR0", "ABCD-****-****-PQR0", false));
    assert_eq!(shown("A-ABCDEFGHJKMNPQR2"), expected("AABCDEFGHJKMNPQR2", "AABC-****-****-PQR2", false));
    assert!(!shown("1234567-ABCDEFGHJKMNPQR2").2);
    assert_eq!(shown("launch 2026-1"), expected("LAUNCH20261", "L-****-****-1", false));
    assert_eq!(shown("launch-2026-12"), expected("LAUNCH202612", "LA-****-****-12", false));
    let secrets = secrets(ONE);
    let (plain, vip) = (secrets.text(1, "", of(1, 0)).unwrap(), secrets.text(1, "VIP0", of(1, 0)).unwrap());
    assert_eq!(vip.as_str().get(4..18), plain.as_str().get(..14));
    assert_eq!(secrets.look_up(&vip).unwrap(), [secrets.hash(1, &vip).unwrap()]);
    assert_eq!(secrets.look_up(&CodeText::parse(&vip.as_str().replace("VIP0", "VIP1")).unwrap()).unwrap(), []);
    assert_eq!(
        (CodeText::prefix("vip-0"), CodeText::prefix("v"), CodeText::prefix("abcdefg")),
        (Some("VIP0".to_owned()), None, None)
    );
}

/// R7.10: a brought text is looked for under each version; one that looks like ours only if its check is right.
#[test]
fn a_brought_code_is_found_unless_it_looks_like_ours_and_is_not() {
    let (old, both) = (secrets(ONE), secrets(&format!("{TWO} {ONE}")));
    let brought = CodeText::parse("LAUNCH-2026").unwrap();
    assert_eq!(both.look_up(&brought).unwrap(), [1, 2].map(|version| both.hash(version, &brought).unwrap()));
    let ours = old.text(1, "", of(1, 0)).unwrap();
    assert_eq!(both.hash(2, &ours), old.hash(1, &ours), "under the version that checks it");
    assert_eq!(both.hash(2, &CodeText::parse("AAAA-AAAA-AAAA-AAAA").unwrap()), None);
}

/// A code has two names: its text, and its reference, which tells nothing.
#[test]
fn a_code_is_named_by_its_text_or_its_reference() {
    let named = of(7, 17);
    assert_eq!(CodeName::parse(&named.to_string()), Some(CodeName::Ref(named)));
    assert_eq!(CodeName::parse("abcd-efgh-jkmn-pqr2"), CodeText::parse("ABCDEFGHJKMNPQR2").map(CodeName::Text));
    for bad in ["bat_1.17", &format!("{}.x", named.batch), &format!("{}.-1", named.batch), "17", "bat_1"] {
        assert_eq!(CodeName::parse(bad), None, "{bad}");
    }
}

/// S2: the `Debug` output does not reveal a usable code.
#[test]
fn a_debugged_code_or_secret_cannot_be_used() {
    let (secrets, text) = (secrets(ONE), secrets(ONE).text(1, "", of(1, 0)).unwrap());
    let shown = format!("{secrets:?} {text:?} {:?}", secrets.hash(1, &text));
    assert!(!shown.contains(text.as_str()) && !shown.contains("a-code-secret"), "{shown}");
}

/// R7.1, R7.9: a batch always has the same codes, all of them different, and each is found under one hash.
#[test]
fn a_batch_always_has_the_same_codes() {
    let one = secrets(ONE);
    let texts: BTreeSet<CodeText> = (0..10_000).map(|ordinal| one.text(1, "", of(1, ordinal)).unwrap()).collect();
    assert_eq!(texts.len(), 10_000);
    assert_eq!(one.text(1, "", of(1, 17)), secrets(ONE).text(1, "", of(1, 17)));
    assert!((0..100).all(|ordinal| !texts.contains(&one.text(1, "", of(2, ordinal)).unwrap())));
    for text in &texts {
        assert_eq!(CodeText::parse(&text.to_string()).as_ref(), Some(text));
        assert_eq!(one.look_up(text).unwrap(), [one.hash(1, text).unwrap()]);
    }
    let hashes: BTreeSet<CodeHash> = texts.iter().map(|text| one.hash(1, text).unwrap()).collect();
    assert_eq!(hashes.len(), 10_000);
}

/// R7.9: versions live side by side; a retired one makes and finds nothing.
#[test]
fn a_secret_is_rotated_by_versions() {
    let (old, both, new) = (secrets(ONE), secrets(&format!("{TWO} {ONE}")), secrets(TWO));
    assert_eq!((old.newest().unwrap(), both.newest().unwrap()), (1, 2));
    let (first, second) = (both.text(1, "", of(1, 0)).unwrap(), both.text(2, "", of(1, 0)).unwrap());
    assert_eq!(Some(&first), old.text(1, "", of(1, 0)).as_ref());
    assert_ne!(first, second);
    assert_eq!(both.look_up(&first).unwrap(), [old.hash(1, &first).unwrap()]);
    assert_eq!(both.look_up(&second).unwrap(), [new.hash(2, &second).unwrap()]);
    assert_eq!((new.text(1, "", of(1, 0)), new.hash(1, &first)), (None, None));
    assert_eq!(new.look_up(&first).unwrap(), []);
    assert!(matches!(CodeSecrets::default().look_up(&first), Err(Fault::Unset { variable: "CODE_SECRET" })));
    for bad in ["short", "x:a-code-secret-of-thirty-two-bytes-or-more", "1:", &format!("{ONE} {ONE}")] {
        assert!(CodeSecrets::parse(bad).is_err(), "{bad}");
    }
    assert!(CodeSecrets::parse(" ").unwrap().newest().is_err());
}

proptest! {
    /// R7.9: of all ways to mistype one symbol, or to exchange two, at most one in a few hundred has the right check.
    #[test]
    fn a_mistyped_code_has_no_hash(ordinal in 0_u32..10_000) {
        let one = secrets(ONE);
        let right = one.text(1, "", of(1, ordinal)).unwrap();
        let mut wrong = BTreeSet::new();
        for place in 0..SYMBOLS {
            for symbol in ALPHABET {
                let mut typed = right.as_str().as_bytes().to_vec();
                typed[place] = *symbol;
                wrong.insert(typed);
            }
            let mut typed = right.as_str().as_bytes().to_vec();
            typed.swap(place, (place + 1) % SYMBOLS);
            wrong.insert(typed);
        }
        wrong.remove(right.as_str().as_bytes());
        let texts = wrong.iter().map(|typed| CodeText::parse(std::str::from_utf8(typed).unwrap()).unwrap());
        let passed = texts.filter(|text| !one.look_up(text).unwrap().is_empty()).count();
        prop_assert!(passed <= 8, "{passed} of {}", wrong.len());
    }
}
