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

/// R9.1, R3.8, R4.2, R5.1, R6.1, R10.3: the documented defaults, word by word.
#[test]
fn the_defaults_are_the_documented_ones() {
    let payment = json!({
        "enabled": false, "pay_currency": "CNY", "ledger_currency": "USD", "min_amount": "1", "max_amount": "10000",
        "exchange_rate": "7.2", "discount_rate": "1", "order_expire_minutes": 30, "max_orders_per_minute": 3,
        "return_url": null, "cancel_url": null, "foreign_payments": "ignore",
        "offers": [
            {"id": "o10", "amount": "10", "label": "¥10", "popular": false, "bonus": "0", "stackable": false},
            {"id": "o50", "amount": "50", "label": "¥50", "popular": false, "bonus": "0", "stackable": false},
            {"id": "o100", "amount": "100", "label": "¥100", "popular": true, "bonus": "0", "stackable": false},
            {"id": "o500", "amount": "500", "label": "¥500", "popular": false, "bonus": "0", "stackable": false}],
        "bonus_tiers": [], "coupons": [], "grant_expiry_days": 0,
        "providers": {
            "stripe": {"enabled": true, "methods": ["card"]},
            "zpay": {"enabled": true, "methods": ["alipay", "wxpay"], "create": "redirect", "channel_ids": {},
                "ip_allow_list": [], "confirm_by_query": true}}});
    let documents = [
        (Area::Identity, json!({"email_verification": false, "max_signups_per_network": 60, "admin_totp": "optional"})),
        (
            Area::Referral,
            json!({"enabled": false, "starts_at": null, "ends_at": null, "budget": "0",
                "link_base_url": null, "max_invitees_per_user": 0, "late_bind_days": 0,
                "registration": {"inviter_reward": "0", "invitee_reward": "0"},
                "qualified": {"threshold": "20.00", "inviter_reward": "0", "invitee_reward": "0"}}),
        ),
        (
            Area::Promotion,
            json!({"enabled": false, "starts_at": null, "ends_at": null, "budget": "0",
                "duration_hours": 72, "min_amount": "0", "enrol_existing": false, "tiers": [
                {"hours": 24, "percent": "30"}, {"hours": 36, "percent": "20"},
                {"hours": 48, "percent": "10"}, {"hours": 72, "percent": "5"}]}),
        ),
        (Area::Payment, payment),
        (
            Area::Affiliate,
            json!({"enabled": false, "starts_at": null, "ends_at": null, "budget": "0",
                "default_rate": "0.1", "base": "credited", "provider_fee": "0", "second_level_rate": "0", "default_trigger_limit": 3, "max_codes_per_user": 10,
                "hold_hours": 0, "valid_days": 0, "cap_per_invitee": "0", "min_cash_withdrawal": "10",
                "min_paying_invitees": 0, "second_approval_above": "0",
                "payout_debtor_name": "", "payout_debtor_iban": "", "payout_debtor_bic": "",
                "withdrawal_methods": ["bank", "paypal", "alipay"]}),
        ),
        (
            Area::Risk,
            json!({"email_alias": "flag", "network": "flag", "device": "flag", "payout_account": "flag",
                "payment_instrument": "flag", "disposable_email": "flag",
                "disposable_domains": [], "lasting_domains": [], "auto_release_days": 0}),
        ),
    ];
    for (area, document) in documents {
        assert_eq!(AnySettings::defaults(area).document(), document);
        let read = AnySettings::parse(area, document).unwrap();
        assert_eq!((&read, read.area()), (&AnySettings::defaults(area), area));
        assert_eq!(Area::parse(area.as_str()), Some(area));
    }
}

/// api.md: unknown fields, missing fields and wrong types are named.
#[test]
fn documents_of_another_shape_are_malformed() {
    let malformed = |area, document| assert!(matches!(AnySettings::parse(area, document), Err(Refusal::Invalid(_))));
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
    let offer = |id: &str, amount: &str| json!({"id": id, "amount": amount, "label": "x", "popular": false, "bonus": "0", "stackable": false});
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
        (Area::Payment, "/providers/zpay/methods", json!([]), "/providers/zpay/methods"),
        (Area::Payment, "/providers/stripe/methods", json!(["card", "card"]), "/providers/stripe/methods/1"),
        (Area::Payment, "/providers/zpay/methods", json!(["a cash"]), "/providers/zpay/methods/0"),
        (Area::Payment, "/providers/zpay/methods", json!(["usdt", "usdt"]), "/providers/zpay/methods/1"),
        (Area::Payment, "/foreign_payments", json!("forget"), "/foreign_payments"),
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
    let stored = AnySettings::stored(Area::Identity, r#"{"email_verification": true, "captcha": "on"}"#).unwrap();
    assert_eq!(
        stored,
        AnySettings::Identity(IdentitySettings { email_verification: true, ..IdentitySettings::default() })
    );
    assert_eq!(snapshot(|_| Ok(None)).identity.unwrap().version, 0);
}

/// New code beside old: a field that a stored document does not have yet holds its default, at any depth.
#[test]
fn a_stored_document_may_know_less_than_we_do() {
    for area in Area::ALL {
        assert_eq!(AnySettings::stored(area, "{}").unwrap(), AnySettings::defaults(area));
    }
    let text = r#"{"enabled": true, "qualified": {"inviter_reward": "3"}}"#;
    let AnySettings::Referral(settings) = AnySettings::stored(Area::Referral, text).unwrap() else { panic!() };
    assert!(settings.enabled);
    assert_eq!(settings.qualified.inviter_reward.to_string(), "3");
    assert_eq!(settings.qualified.threshold.to_string(), "20.00");
    let text = r#"{"offers": [{"id": "a", "amount": "1", "label": "x"}]}"#;
    let AnySettings::Payment(settings) = AnySettings::stored(Area::Payment, text).unwrap() else { panic!() };
    assert!(!settings.offers[0].popular);
}

/// A field that a stored document may lack is required in a written one.
#[test]
fn a_written_document_is_complete() {
    fn incomplete(document: &Value, into: &mut Vec<Value>, rebuild: &dyn Fn(Value) -> Value) {
        match document {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let with = |value: Option<Value>| {
                        let mut fields = fields.clone();
                        fields.remove(name);
                        fields.extend(value.map(|value| (name.clone(), value)));
                        rebuild(Value::Object(fields))
                    };
                    if !value.is_null() {
                        into.push(with(None));
                    }
                    incomplete(value, into, &|value| with(Some(value)));
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    incomplete(item, into, &|value| {
                        let mut items = items.clone();
                        items[index] = value;
                        rebuild(Value::Array(items))
                    });
                }
            }
            _ => {}
        }
    }
    let mut tried = 0;
    for area in Area::ALL {
        let mut documents = Vec::new();
        incomplete(&AnySettings::defaults(area).document(), &mut documents, &|value| value);
        tried += documents.len();
        for document in documents {
            assert!(matches!(AnySettings::parse(area, document.clone()), Err(Refusal::Invalid(_))), "{document}");
        }
    }
    assert!(tried > 60, "{tried}");
}

fn snapshot(stored: impl FnMut(Area) -> Result<Option<(u64, String)>, Fault>) -> SettingsSnapshot {
    SettingsSnapshot::parse(stored, |area, error| Fault::item(area.as_str(), error))
}

/// R9.1: an area that can't be used does not take the others with it.
#[test]
fn a_broken_area_breaks_alone() {
    let snapshot = snapshot(|area| match area {
        Area::Promotion => Ok(Some((4, r#"{"enabled": 1}"#.to_owned()))),
        Area::Payment => Err(Fault::bug("unreadable")),
        Area::Referral => Ok(Some((2, r#"{"enabled": true}"#.to_owned()))),
        _ => Ok(None),
    });
    let broken: Vec<_> = snapshot.faults().map(|(area, _)| area).collect();
    assert_eq!(broken, [Area::Promotion, Area::Payment]);
    assert!(matches!(PromotionSettings::held_in(&snapshot), Err(Fault::Item { key, .. }) if key == "promotion"));
    let referral = ReferralSettings::held_in(&snapshot).as_ref().unwrap();
    assert_eq!((referral.version, referral.settings.enabled), (2, true));
    let again = ReferralSettings::held_in(&snapshot).clone().unwrap();
    assert!(Arc::ptr_eq(&referral.settings, &again.settings), "a read shares what was parsed");
}

/// OpenAPI's schema has every field, with its description and its default, and what is required of a written document.
#[test]
fn every_field_is_in_the_schema_and_in_the_reference() {
    use kernel::settings::PartialSchema;
    let schema = serde_json::to_value(<AffiliateSettings as PartialSchema>::schema()).unwrap();
    let hold = &schema["properties"]["hold_hours"];
    assert_eq!((&hold["minimum"], &hold["maximum"], &hold["default"]), (&json!(0), &json!(720), &json!(0)));
    assert!(hold["description"].as_str().unwrap().contains("unit: hours"), "{hold}");
    let schema = serde_json::to_value(<PaymentSettings as PartialSchema>::schema()).unwrap();
    assert_eq!(schema["properties"]["return_url"]["type"], json!(["string", "null"]));
    assert_eq!(schema["properties"]["offers"]["items"]["properties"]["id"]["pattern"], "^[A-Za-z0-9_-]{1,32}$");
    assert_eq!(schema["properties"]["providers"]["properties"]["zpay"]["properties"]["create"]["enum"][1], "api");
    let required = schema["required"].as_array().unwrap();
    assert_eq!(required.len(), AnySettings::defaults(Area::Payment).document().as_object().unwrap().len());
    for area in Area::ALL {
        for row in area.fields() {
            let pointer = format!("/{}", row.name.replace('.', "/"));
            assert!(AnySettings::defaults(area).document().pointer(&pointer).is_some(), "{pointer}");
            assert!(!row.effect.is_empty() && !row.from_when.is_empty(), "{pointer}");
        }
    }
}
