//! R9.1: one declaration per setting.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

crate::settings! {
    /// A document with something of everything.
    struct Everything as "everything", check with Everything::rising {
        hold_hours: u32 = 12, in 1..=720, unit "hours", note "even", "Holds so long", from "the next order";
        address: Option<String> = None, in Text::Url, "Leads there", from "at once";
        steps: Vec<Step> = vec![Step { percent: rust_decimal::Decimal::ONE }], in List::of(1..=2, ()), "Goes up", from "at once";
        inner: Inner = Inner::default(), "Lies deeper";
    }
}

crate::settings! {
    /// An element.
    struct Step {
        percent: rust_decimal::Decimal = rust_decimal::Decimal::ZERO,
            in Decimals::positive(rust_decimal::Decimal::ONE_HUNDRED).digits(4), "Per cent";
    }
}

crate::settings! {
    /// A group.
    struct Inner {
        enabled: bool = true, "Is on", from "at once";
    }
}

impl Everything {
    fn rising(&self, checks: &mut Checks) {
        if !self.hold_hours.is_multiple_of(2) {
            checks.add("/hold_hours", "odd", "an even number");
        }
    }
}

fn refused(document: Value) -> Vec<(String, &'static str)> {
    match Everything::parse(document) {
        Err(Refusal::Invalid(errors)) => errors.into_iter().map(|error| (error.pointer, error.code)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_declaration_gives_the_default_and_the_check() {
    let good = json!({"hold_hours": 12, "address": null, "steps": [{"percent": "1"}], "inner": {"enabled": true}});
    assert_eq!(document(&Everything::default()), good);
    assert_eq!(Everything::parse(good.clone()), Ok(Everything::default()));
    let with = |pointer: &str, value: Value| {
        let mut document = good.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document
    };
    assert_eq!(
        refused(with("/hold_hours", json!(721))),
        [("/hold_hours".to_owned(), "out_of_range")],
        "only the first"
    );
    assert_eq!(refused(with("/hold_hours", json!(7))), [("/hold_hours".to_owned(), "odd")]);
    assert_eq!(refused(with("/address", json!("ftp://x"))), [("/address".to_owned(), "not_a_url")]);
    assert_eq!(refused(with("/steps/0/percent", json!("0"))), [("/steps/0/percent".to_owned(), "out_of_range")]);
    assert_eq!(refused(with("/steps/0/percent", json!("0.12345"))), [("/steps/0/percent".to_owned(), "not_a_decimal")]);
    assert_eq!(refused(with("/steps", json!([]))), [("/steps".to_owned(), "out_of_range")]);
}

/// A group or an element is an object; a list in its place is refused, however many elements fit.
#[test]
fn a_document_has_the_shape_of_its_declaration() {
    let good = document(&Everything::default());
    for (pointer, value) in [
        ("", json!([12, null, [{"percent": "1"}], {"enabled": true}])),
        ("/inner", json!([true])),
        ("/steps/0", json!(["1"])),
        ("/inner", json!({})),
        ("/inner", json!({"enabled": true, "more": 1})),
        ("/hold_hours", json!(null)),
    ] {
        let mut document = good.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        assert!(matches!(Everything::parse(document.clone()), Err(Refusal::Invalid(_))), "{document}");
    }
}

#[test]
fn what_is_stored_may_lack_fields_and_have_others() {
    let stored = Everything::stored(r#"{"hold_hours": 3, "later": {}, "inner": {"later": 1}, "steps": [{}]}"#).unwrap();
    let step = Step { percent: rust_decimal::Decimal::ZERO };
    assert_eq!(stored, Everything { hold_hours: 3, steps: vec![step], ..Everything::default() });
    assert!(Everything::stored(r#"{"hold_hours": "3"}"#).is_err());
}

#[test]
fn a_declaration_gives_its_rows_and_its_schema() {
    let names: Vec<&str> = Everything::fields().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["hold_hours", "address", "steps", "inner.enabled"]);
    let hold = FieldInfo {
        name: "hold_hours".to_owned(),
        unit: "hours",
        default: "`12`".to_owned(),
        range: "1 to 720; even".to_owned(),
        effect: "Holds so long",
        from_when: "the next order",
    };
    assert_eq!(Everything::fields().first(), Some(&hold));
    let schema = serde_json::to_value(<Everything as PartialSchema>::schema()).unwrap();
    let at = |pointer: &str| schema.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/required"), json!(["hold_hours", "address", "steps", "inner"]));
    assert_eq!(at("/properties/hold_hours/maximum"), json!(720));
    assert_eq!(at("/properties/hold_hours/default"), json!(12));
    assert_eq!(at("/properties/hold_hours/description"), "Holds so long; unit: hours; even; holds from the next order");
    assert_eq!(at("/properties/address/type"), json!(["string", "null"]));
    assert_eq!(at("/properties/steps/items/additionalProperties"), json!(false));
    assert_eq!(Everything::AREA, "everything");
}
