//! Tests of R4.1–R4.4.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use ulid::Ulid;

use super::*;
use crate::payment::model::price::{TopUp, price};
use crate::payment::model::promotion::Promotion;
use crate::payment::model::settings::{PaymentSettings, PromotionSettings};
use kernel::money::Currency;
use kernel::refusal::Refusal;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}
pub(crate) fn cny(text: &str) -> PayMoney {
    PayMoney::exact(Decimal::from_str_exact(text).unwrap(), Currency::CNY).unwrap()
}
pub(crate) fn usd(text: &str) -> LedgerMoney {
    LedgerMoney::exact(Decimal::from_str_exact(text).unwrap(), Currency::USD).unwrap()
}
pub(crate) fn enrolled() -> Promotion {
    let settings = PromotionSettings { enabled: true, ..PromotionSettings::default() };
    Promotion::enrol(&settings, Currency::CNY, now()).unwrap().unwrap()
}
fn settings() -> PaymentSettings {
    PaymentSettings { enabled: true, ..PaymentSettings::default() }
}
/// An order of ¥100 at 7.2 on tier 0.
pub(crate) fn hundred() -> Order {
    let quote = price(&settings(), &TopUp::Offer("o100".into()), None, Some(&enrolled()), now()).unwrap();
    Order {
        id: OrderId::new(Ulid::from_parts(1, 7)),
        user: UserId::new(Ulid::from_parts(1, 8)),
        status: OrderStatus::Pending,
        provider: Provider::Stripe,
        method: "card".into(),
        amount: quote.amount,
        charge: quote.charge,
        credit: quote.credit,
        exchange_rate: quote.exchange_rate,
        discount_rate: quote.discount_rate,
        promotion: quote.promotion,
        offered_bonus: quote.offered_bonus,
        coupon: quote.coupon.clone(),
        inviter: None,
        affiliate: None,
        pay_url: None,
        pay_signature: None,
        return_url: None,
        qr_content: None,
        failure: None,
        created_at: now(),
        expires_at: quote.expires_at,
        looks: 0,
        under_way: None,
        paid_at: None,
        late: false,
        provider_ref: None,
        payment_id: None,
        bonus: None,
        amount_bonus: None,
        bonus_held: false,
        bonus_budget_month: None,
        left: None,
        has_refunds: false,
        completed: None,
        claimed: None,
        agency: None,
        client_ip: None,
        user_agent: None,
        request: None,
    }
}

/// R4.1, R4.6
#[test]
fn a_hundred_yuan_buy_their_credit_rounded_down() {
    let order = hundred();
    assert_eq!((order.charge, order.credit), (cny("100"), usd("13.88888888")));
    assert_eq!((order.bonuses().unwrap().0, order.total().unwrap()), (usd("4.16666666"), usd("18.05555554")));
    assert_eq!(order.expires_at.duration_since(now()).as_secs(), 30 * 60);
}

/// R4.1
#[test]
fn a_discounted_charge_is_rounded_up_and_the_credit_is_that_of_the_amount() {
    let settings = PaymentSettings { discount_rate: Decimal::new(95, 2), ..settings() };
    let quote = price(&settings, &TopUp::Amount("10.01".into()), None, None, now()).unwrap();
    assert_eq!((quote.charge, quote.credit), (cny("9.51"), usd("1.39027777")));
    assert_eq!(quote.promotion, None);
}

/// R4.2, R1.2
#[test]
fn an_amount_outside_the_rules_is_refused_at_its_field() {
    let refused = |ask| match price(&settings(), &ask, None, None, now()) {
        Err(Refusal::Invalid(errors)) => (errors[0].pointer.clone(), errors[0].code),
        other => (format!("{other:?}"), ""),
    };
    for (text, code) in [
        ("0", "out_of_range"),
        ("0.99", "out_of_range"),
        ("10000.01", "out_of_range"),
        ("9999999999999999999999", "out_of_range"),
        ("10.001", "not_a_decimal"),
        ("-1", "not_a_decimal"),
        ("1e2", "not_a_decimal"),
        ("１００", "not_a_decimal"),
        ("", "not_a_decimal"),
        ("NaN", "not_a_decimal"),
        ("007", "not_a_decimal"),
    ] {
        assert_eq!(refused(TopUp::Amount(text.into())), ("/amount".to_owned(), code), "{text}");
    }
    assert_eq!(refused(TopUp::Offer("o11".into())), ("/offer_id".to_owned(), "unknown_offer"));
    for text in ["1", "10000", "10000.00"] {
        assert!(price(&settings(), &TopUp::Amount(text.into()), None, None, now()).is_ok());
    }
    let off = PaymentSettings::default();
    assert_eq!(price(&off, &TopUp::Amount("10".into()), None, None, now()), Err(Refusal::ProgrammeOff));
}

/// R1.1
#[test]
fn a_currency_without_minor_units_has_none() {
    let settings = PaymentSettings { pay_currency: Currency::parse("JPY").unwrap(), ..settings() };
    assert!(price(&settings, &TopUp::Amount("100.5".into()), None, None, now()).is_err());
    let quote = price(&settings, &TopUp::Amount("100".into()), None, None, now()).unwrap();
    assert_eq!(quote.charge.to_string(), "100 JPY");
}

/// R4.4
#[test]
fn only_legal_moves_are_legal() {
    use OrderStatus::*;
    let captured = [Paid, Disputed, PartiallyRefunded, Refunded];
    for from in OrderStatus::ALL {
        let legal: Vec<_> = OrderStatus::ALL.into_iter().filter(|next| from.may_become(*next)).collect();
        let mut expect = match from {
            Pending => vec![Paid, Failed, Expired, Cancelled, Disputed, PartiallyRefunded, Refunded],
            Failed | Expired | Cancelled => captured.to_vec(),
            _ => captured.into_iter().filter(|next| *next != from).collect(),
        };
        expect.sort();
        assert_eq!(legal, expect, "{from:?}");
        assert_eq!(OrderStatus::parse(from.as_str()), Some(from));
        assert_eq!(serde_json::to_value(from).unwrap(), from.as_str());
    }
}

/// R4.4
#[test]
fn a_captured_order_stands_by_its_net() {
    let state = |net, open| OrderStatus::by_net(cny(net), cny("100"), open).unwrap();
    assert_eq!(state("100", false), OrderStatus::Paid);
    assert_eq!(state("0.01", false), OrderStatus::PartiallyRefunded);
    assert_eq!(state("0", false), OrderStatus::Refunded);
    assert_eq!(state("0", true), OrderStatus::Disputed);
}

/// R4.12: zero before payment; after it the charge, or the remaining net.
#[test]
fn the_net_follows_the_state() {
    assert_eq!(hundred().net(), cny("0"));
    assert_eq!(Order { status: OrderStatus::Paid, ..hundred() }.net(), cny("100"));
    let part = Order { status: OrderStatus::PartiallyRefunded, left: Some(cny("70")), ..hundred() };
    assert_eq!(part.net(), cny("70"));
}

/// R4.12: the QR code is the pay URL unless the gateway returned another.
#[test]
fn the_qr_content_is_the_pay_url_unless_it_differs() {
    let order = Order { pay_url: Some("https://a".into()), ..hundred() };
    assert_eq!(order.qr_content(), Some("https://a"));
    assert_eq!(Order { qr_content: Some("weixin://b".into()), ..order }.qr_content(), Some("weixin://b"));
}

/// Item size in bytes, as DynamoDB counts it.
fn stored_size(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Object(fields) => {
            3 + fields.iter().map(|(name, value)| name.len() + stored_size(value) + 1).sum::<usize>()
        }
        serde_json::Value::Array(items) => 3 + items.iter().map(|item| stored_size(item) + 1).sum::<usize>(),
        _ => 8,
    }
}

/// Performance: an order with its URL and whole snapshot fits a write unit of 1 KB, keys included.
#[test]
fn an_order_fits_a_kilobyte_and_survives_storage() {
    let order = Order {
        inviter: Some(hundred().user),
        affiliate: Some(AffiliateTerms {
            rate: Decimal::new(1, 1),
            base: None,
            trigger_limit: 3,
            hold_hours: 0,
            cap: None,
            valid_until: None,
            second: None,
        }),
        pay_url: Some("u".repeat(280)),
        client_ip: Some("203.0.113.200".into()),
        user_agent: Some("m".repeat(80)),
        ..hundred()
    };
    let value = serde_json::to_value(&order).unwrap();
    assert!(stored_size(&value) <= 1024 - 100, "{}", stored_size(&value));
    assert_eq!(serde_json::from_value::<Order>(value.clone()).unwrap(), order);
    for field in ["id", "user", "status", "charge", "credit", "exchange_rate", "expires_at"] {
        let mut less = value.clone();
        less.as_object_mut().unwrap().remove(field);
        assert!(serde_json::from_value::<Order>(less).is_err(), "{field}");
    }
}
