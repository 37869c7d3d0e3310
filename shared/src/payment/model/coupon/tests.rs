#![allow(clippy::unwrap_used)]

use super::*;
use crate::payment::model::price::{TopUp, price};
use crate::payment::model::settings::PaymentSettings;

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn percent(of: i64) -> AmountOrPercent {
    AmountOrPercent::Percent(Decimal::new(of, 0))
}

fn settings(coupon: Coupon) -> PaymentSettings {
    PaymentSettings { enabled: true, coupons: vec![coupon], ..PaymentSettings::default() }
}

fn ten_percent() -> Coupon {
    Coupon { code: "Ten".to_owned(), discount: percent(10), ..Coupon::default() }
}

/// Code of the refusal at `/coupon`, or the charge.
fn quoted(coupon: Coupon, wanted: &TopUp) -> Result<String, &'static str> {
    let code = CouponCode::parse("ten");
    match price(&settings(coupon), wanted, code.as_ref(), None, now()) {
        Ok(quote) => Ok(quote.charge.amount().to_string()),
        Err(Refusal::Invalid(errors)) => Err(errors.iter().find(|error| error.pointer == "/coupon").unwrap().code),
        Err(other) => panic!("{other:?}"),
    }
}

/// R12.2
#[test]
fn a_code_is_read_without_regard_to_capitals_and_dashes() {
    for typed in ["black-friday_10", " BLACK–FRIDAY_10 ", "Black-Friday_10", "ＢＬＡＣＫ-FRIDAY_10"] {
        assert_eq!(
            CouponCode::parse(typed).map(|code| code.to_string()).as_deref(),
            Some("BLACK-FRIDAY_10"),
            "{typed}"
        );
    }
    for wrong in ["", " ", "a#b", "ünter", &"A".repeat(33)] {
        assert_eq!(CouponCode::parse(wrong), None, "{wrong}");
    }
}

/// R12.2: a discount is rounded down, so that the charge is rounded up as R4.1 has it.
#[test]
fn a_discount_comes_off_the_charge_and_a_bonus_onto_the_credit() {
    let amount = |text: &str| TopUp::Amount(text.to_owned());
    assert_eq!(quoted(ten_percent(), &amount("100")), Ok("90.00".to_owned()));
    assert_eq!(quoted(ten_percent(), &amount("10.05")), Ok("9.05".to_owned()), "1.005 is rounded down");
    let five = AmountOrPercent::Amount(Decimal::new(5, 0));
    assert_eq!(quoted(Coupon { discount: five, ..ten_percent() }, &amount("100")), Ok("95.00".to_owned()));
    assert_eq!(quoted(Coupon { discount: five, ..ten_percent() }, &amount("5")), Err("nothing_to_pay"));
    let bonus = Coupon { discount: AmountOrPercent::None, bonus: percent(20), ..ten_percent() };
    let quote = price(&settings(bonus), &amount("100"), CouponCode::parse("TEN").as_ref(), None, now()).unwrap();
    assert_eq!(quote.charge.amount().to_string(), "100.00");
    assert_eq!(quote.coupon_bonus().amount().to_string(), "2.77777777");
    assert_eq!(quote.total().unwrap().amount().to_string(), "16.66666665");
}

/// R12.2
#[test]
fn a_coupon_is_refused_where_its_terms_do_not_fit() {
    let hundred = TopUp::Offer("o100".to_owned());
    let at = |seconds: i64| now().checked_add(jiff::SignedDuration::from_secs(seconds)).ok();
    let refused = |coupon: Coupon| quoted(coupon, &hundred).err();
    assert_eq!(refused(ten_percent()), None);
    assert_eq!(refused(Coupon { paused: true, ..ten_percent() }), Some("not_valid_now"));
    assert_eq!(refused(Coupon { starts_at: at(1), ..ten_percent() }), Some("not_valid_now"));
    assert_eq!(refused(Coupon { starts_at: at(0), ends_at: at(1), ..ten_percent() }), None);
    assert_eq!(refused(Coupon { ends_at: at(0), ..ten_percent() }), Some("expired"));
    assert_eq!(refused(Coupon { offers: "o10, o500".to_owned(), ..ten_percent() }), Some("other_offer"));
    assert_eq!(refused(Coupon { offers: "o10, o100".to_owned(), ..ten_percent() }), None);
    assert_eq!(refused(Coupon { min_amount: Decimal::new(101, 0), ..ten_percent() }), Some("below_minimum"));
    assert_eq!(refused(Coupon { code: "OTHER".to_owned(), ..ten_percent() }), Some("unknown"));
    let custom = TopUp::Amount("100".to_owned());
    assert_eq!(quoted(Coupon { offers: "o100".to_owned(), ..ten_percent() }, &custom), Err("other_offer"));
}

/// R12.2: what was given back is not given again: the charge buys what it buys without the coupon.
#[test]
fn a_coupon_that_was_given_back_lapses_with_a_payment() {
    let code = CouponCode::parse("TEN");
    let coupon = Coupon { bonus: percent(20), ..ten_percent() };
    let quote = price(&settings(coupon), &TopUp::Offer("o100".to_owned()), code.as_ref(), None, now()).unwrap();
    let hundred = crate::payment::model::order::tests::hundred();
    let order = Order { charge: quote.charge, credit: quote.credit, coupon: quote.coupon, ..hundred };
    let used = order.coupon_settled().unwrap();
    assert_eq!(used.credit, order.credit);
    assert_eq!(used.coupon_bonus().amount().to_string(), "2.77777777");
    let released = order.clone().with_coupon_state(CouponState::Released);
    let lapsed = released.coupon_settled().unwrap();
    assert_eq!(lapsed.credit.amount().to_string(), "12.49999999", "90 of 100, rounded down");
    assert!(lapsed.coupon_bonus().is_zero());
    assert_eq!(lapsed.coupon_as_made(), order, "a repeated request shows the order as it was made");
}

/// R12.2
#[test]
fn a_user_has_as_many_uses_as_the_coupon_says() {
    let code = CouponCode::parse("TEN").unwrap();
    let user = kernel::id::UserId::new(ulid::Ulid::from_parts(1, 8));
    let none = OrderWindow { user, started_at: now(), orders: 1, coupons: Vec::new() };
    let allowed =
        |window: &OrderWindow, coupon: &Coupon| window.must_allow(coupon, &code, std::slice::from_ref(coupon)).is_ok();
    let twice = Coupon { per_user: 2, ..ten_percent() };
    let once = none.clone().with_use(&code);
    let two = once.clone().with_use(&code);
    assert!(allowed(&none, &twice) && allowed(&once, &twice) && !allowed(&two, &twice));
    assert!(allowed(&two, &Coupon { per_user: 0, ..ten_percent() }), "0 is no limit");
    assert!(!allowed(&two, &Coupon { per_user: 0, first_order: true, ..ten_percent() }));
    assert_eq!(two.without_use(&code), once);
    assert_eq!(once.without_use(&code), none);
}
