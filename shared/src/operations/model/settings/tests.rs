//! R9.1: what a settings document may say.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use serde_json::{Value, json};

use super::*;

fn changed(area: Area, pointer: &str, value: Value) -> Value {
    let mut document = AnySettings::defaults(area).document();
    *document.pointer_mut(pointer).unwrap() = value;
    document
}
fn pointers(area: Area, document: Value) -> Vec<String> {
    match AnySettings::parse(area, document) {
        Err(Refusal::Invalid(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
        other => panic!("{other:?}"),
    }
}

/// R9.1, R3.8, R4.2, R5.1, R6.1: the documented defaults, word by word.
#[test]
fn the_defaults_are_the_documented_ones() {
    let payment = json!({
        "enabled": false, "pay_currency": "CNY", "ledger_currency": "USD", "min_amount": "1", "max_amount": "10000",
        "exchange_rate": "7.2", "discount_rate": "1", "order_expire_minutes": 30, "max_orders_per_minute": 3,
        "return_url": null, "cancel_url": null,
        "offers": [
            {"id": "o10", "amount": "10", "label": "¥10", "popular": false},
            {"id": "o50", "amount": "50", "label": "¥50", "popular": false},
            {"id": "o100", "amount": "100", "label": "¥100", "popular": true},
            {"id": "o500", "amount": "500", "label": "¥500", "popular": false}],
        "providers": {
            "stripe": {"enabled": true, "methods": ["card"]},
            "zpay": {"enabled": true, "methods": ["alipay", "wxpay"], "create": "redirect", "channel_ids": {},
                "ip_allow_list": [], "confirm_by_query": true}}});
    let documents = [
        (Area::Identity, json!({"email_verification": false})),
        (
            Area::Referral,
            json!({"enabled": false, "link_base_url": null, "max_invitees_per_user": 0,
                "registration": {"inviter_reward": "0", "invitee_reward": "0"},
                "qualified": {"threshold": "20.00", "inviter_reward": "0", "invitee_reward": "0"}}),
        ),
        (
            Area::Promotion,
            json!({"enabled": false, "duration_hours": 72, "min_amount": "0", "tiers": [
                {"hours": 24, "percent": "30"}, {"hours": 36, "percent": "20"},
                {"hours": 48, "percent": "10"}, {"hours": 72, "percent": "5"}]}),
        ),
        (Area::Payment, payment),
        (
            Area::Affiliate,
            json!({"enabled": false, "default_rate": "0.1", "default_trigger_limit": 3, "max_codes_per_user": 10,
                "hold_hours": 0, "valid_days": 0, "cap_per_invitee": "0", "min_cash_withdrawal": "10",
                "withdrawal_methods": ["bank", "paypal", "alipay"]}),
        ),
    ];
    for (area, document) in documents {
        assert_eq!(AnySettings::defaults(area).document(), document);
        let read = AnySettings::parse(area, document).unwrap();
        assert_eq!((&read, read.area()), (&AnySettings::defaults(area), area));
        assert_eq!(Area::parse(area.as_str()), Some(area));
    }
}

/// api.md: unknown fields, missing fields and wrong types are malformed.
#[test]
fn documents_of_another_shape_are_malformed() {
    let malformed = |area, document| assert_eq!(AnySettings::parse(area, document), Err(Refusal::MalformedRequest));
    malformed(Area::Identity, json!([]));
    malformed(Area::Identity, json!({}));
    malformed(Area::Identity, json!({"email_verification": false, "more": 1}));
    malformed(Area::Promotion, changed(Area::Promotion, "/tiers/0", json!({"hours": 24, "percent": "30", "x": 1})));
    malformed(Area::Promotion, changed(Area::Promotion, "/tiers/0/percent", json!(30)));
    malformed(Area::Payment, changed(Area::Payment, "/exchange_rate", json!(7.2)));
    malformed(Area::Payment, changed(Area::Payment, "/order_expire_minutes", json!(30.5)));
    malformed(Area::Payment, changed(Area::Payment, "/providers/zpay/ip_allow_list", json!("10.0.0.1")));
}

/// R9.1, R1.2: what a rule refuses is named by its pointer.
#[test]
fn values_out_of_range_are_named_by_pointer() {
    let ladder = |hours: [u32; 2]| json!([{"hours": hours[0], "percent": "2"}, {"hours": hours[1], "percent": "1"}]);
    let offer = |id: &str, amount: &str| json!({"id": id, "amount": amount, "label": "x", "popular": false});
    for (area, pointer, value, at) in [
        (Area::Referral, "/qualified/inviter_reward", json!("-1"), "/qualified/inviter_reward"),
        (Area::Referral, "/qualified/threshold", json!("1e2"), "/qualified/threshold"),
        (Area::Referral, "/registration/invitee_reward", json!("0.123456789"), "/registration/invitee_reward"),
        (Area::Referral, "/max_invitees_per_user", json!(-1), "/max_invitees_per_user"),
        (Area::Referral, "/link_base_url", json!("http://evil.example"), "/link_base_url"),
        (Area::Referral, "/link_base_url", json!("https://a.example/?x=1"), "/link_base_url"),
        (Area::Promotion, "/duration_hours", json!(8761), "/duration_hours"),
        (Area::Promotion, "/tiers", ladder([24, 24]), "/tiers/1/hours"),
        (Area::Promotion, "/tiers", ladder([24, 73]), "/tiers/1/hours"),
        (Area::Promotion, "/tiers", json!([]), "/tiers"),
        (Area::Promotion, "/tiers/2/percent", json!("100.5"), "/tiers/2/percent"),
        (Area::Promotion, "/tiers/2/percent", json!("NaN"), "/tiers/2/percent"),
        (Area::Payment, "/pay_currency", json!("ABC"), "/pay_currency"),
        (Area::Payment, "/ledger_currency", json!("usd"), "/ledger_currency"),
        (Area::Payment, "/exchange_rate", json!("0"), "/exchange_rate"),
        (Area::Payment, "/discount_rate", json!("0"), "/discount_rate"),
        (Area::Payment, "/discount_rate", json!("1.01"), "/discount_rate"),
        (Area::Payment, "/min_amount", json!("10000.01"), "/max_amount"),
        (Area::Payment, "/min_amount", json!("1.001"), "/min_amount"),
        (Area::Payment, "/order_expire_minutes", json!(4), "/order_expire_minutes"),
        (Area::Payment, "/order_expire_minutes", json!(1441), "/order_expire_minutes"),
        (Area::Payment, "/order_expire_minutes", json!(4_294_967_296_u64), "/order_expire_minutes"),
        (Area::Payment, "/offers", json!([offer("a", "1"), offer("a", "2")]), "/offers/1/id"),
        (Area::Payment, "/offers", json!([offer("a", "0")]), "/offers/0/amount"),
        (Area::Payment, "/offers", json!([offer("a", "0.001")]), "/offers/0/amount"),
        (Area::Payment, "/offers", json!([offer("", "1")]), "/offers/0/id"),
        (Area::Payment, "/return_url", json!("javascript:alert(1)"), "/return_url"),
        (Area::Payment, "/providers/stripe/methods", json!([]), "/providers/stripe/methods"),
        (Area::Payment, "/providers/stripe/methods", json!(["card", "card"]), "/providers/stripe/methods/1"),
        (Area::Payment, "/providers/zpay/methods", json!(["cash"]), "/providers/zpay/methods/0"),
        (Area::Payment, "/providers/zpay/create", json!("magic"), "/providers/zpay/create"),
        (Area::Payment, "/providers/zpay/channel_ids", json!({"a/b": "1"}), "/providers/zpay/channel_ids/a~1b"),
        (Area::Payment, "/providers/zpay/ip_allow_list", json!(["10.0.0.0/33"]), "/providers/zpay/ip_allow_list/0"),
        (Area::Affiliate, "/default_rate", json!("1.1"), "/default_rate"),
        (Area::Affiliate, "/hold_hours", json!(721), "/hold_hours"),
        (Area::Affiliate, "/withdrawal_methods", json!(["bank", "bank"]), "/withdrawal_methods/1"),
    ] {
        assert_eq!(pointers(area, changed(area, pointer, value.clone())), [at], "{pointer} = {value}");
    }
    let offers: Vec<_> = (0..51).map(|index| offer(&format!("o{index}"), "1")).collect();
    assert_eq!(pointers(Area::Payment, changed(Area::Payment, "/offers", json!(offers))), ["/offers"]);
}

/// R1.1: a currency without minor units takes no fraction.
#[test]
fn amounts_have_the_digits_of_the_pay_currency() {
    let mut document = changed(Area::Payment, "/pay_currency", json!("JPY"));
    assert!(AnySettings::parse(Area::Payment, document.clone()).is_ok());
    document["offers"][1]["amount"] = json!("10.5");
    assert_eq!(pointers(Area::Payment, document), ["/offers/1/amount"]);
}

/// Old code beside new: a stored document with a field from the future is still read.
#[test]
fn a_stored_document_may_know_more_than_we_do() {
    let text = r#"{"version": 3, "settings": {"email_verification": true, "captcha": "on"}}"#;
    let stored: VersionedSettings<IdentitySettings> = serde_json::from_str(text).unwrap();
    assert_eq!(stored, VersionedSettings { version: 3, settings: IdentitySettings { email_verification: true } });
    assert_eq!(VersionedSettings::<IdentitySettings>::default().version, 0);
}
