//! Tests of R4.5, R4.6 and R4.11, by table and by property.
#![allow(clippy::unwrap_used, clippy::panic)]

use jiff::SignedDuration;
use proptest::prelude::*;
use ulid::Ulid;

use super::*;
use crate::payment::model::order::OrderStatus;
use crate::payment::model::order::tests::{cny, enrolled, hundred, now, usd};
use kernel::id::JournalId;
use kernel::ledger::{Accounts, Header, Operator};

fn after(minutes: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_mins(minutes)).unwrap()
}
fn captured(amount: PayMoney, at: Option<Timestamp>) -> Payment {
    let mut payment = Payment::new(Provider::Stripe, "pi_1");
    payment.record_capture(amount, at);
    payment
}
fn refund(amount: PayMoney, failed: bool) -> Refund {
    Refund { amount, failed, pending: false, at: None, request: None }
}
fn settle(order: &Order, payment: &Payment, received_at: Timestamp) -> CaptureOutcome {
    decide(Some(order), payment, Some(&enrolled()), received_at).unwrap()
}
fn credit(settlement: CaptureOutcome) -> Credited {
    match settlement {
        CaptureOutcome::Credit(credited) => credited,
        other => panic!("{other:?}"),
    }
}

/// R4.6
#[test]
fn a_payment_of_the_charge_credits_the_snapshot_and_the_bonus() {
    let by = credit(settle(&hundred(), &captured(cny("100"), Some(after(5))), after(6)));
    assert_eq!((by.post_credit, by.post_bonus), (usd("13.88888888"), usd("4.16666666")));
    assert_eq!((by.status, by.late, by.paid_at), (OrderStatus::Paid, false, after(5)));
    let paid = hundred().credited(&by, Some("pi_1")).unwrap();
    assert_eq!((paid.total().unwrap(), paid.net()), (usd("18.05555554"), cny("100")));
    assert_eq!(settle(&paid, &captured(cny("100"), Some(after(5))), after(600)), CaptureOutcome::NetMayHaveChanged);
}

/// R4.5, R4.4
#[test]
fn a_late_payment_is_credited_and_says_so() {
    for status in [OrderStatus::Failed, OrderStatus::Expired, OrderStatus::Cancelled] {
        let order = Order { status, ..hundred() };
        let by = credit(settle(&order, &captured(cny("100"), Some(after(29))), after(3000)));
        assert_eq!((by.late, by.post_bonus), (true, usd("4.16666666")), "taken before expiry: the order's tier holds");
    }
    let by = credit(settle(&hundred(), &captured(cny("100"), Some(after(30 * 60))), after(3000)));
    assert_eq!((by.late, by.post_bonus), (true, usd("2.77777777")), "taken at 30 h: the tier of then");
}

/// R4.5
#[test]
fn money_that_does_not_match_is_reviewed() {
    let review = |order: Option<&Order>, payment: &Payment| match decide(order, payment, None, after(1)).unwrap() {
        CaptureOutcome::Review(reason) => Some(reason),
        _ => None,
    };
    let good = captured(cny("100"), None);
    let dollars = PayMoney::from_minor_units(10_000, Currency::USD).unwrap();
    let order = hundred();
    assert_eq!(review(None, &good), Some(ReviewReason::UnknownOrder));
    assert_eq!(review(Some(&order), &captured(cny("99.99"), None)), Some(ReviewReason::AmountMismatch));
    assert_eq!(review(Some(&order), &captured(cny("100.01"), None)), Some(ReviewReason::AmountMismatch));
    assert_eq!(review(Some(&order), &captured(dollars, None)), Some(ReviewReason::CurrencyMismatch));
    let zpay = Payment { provider: Provider::Zpay, ..good.clone() };
    assert_eq!(review(Some(&order), &zpay), Some(ReviewReason::OtherProvider));
    let other = Payment { order: Some(OrderId::new(Ulid::from_parts(9, 9))), ..good.clone() };
    assert_eq!(review(Some(&order), &other), Some(ReviewReason::OtherOrder));
    let paid = Order { status: OrderStatus::Paid, payment_id: Some("pi_0".into()), ..order.clone() };
    assert_eq!(review(Some(&paid), &good), Some(ReviewReason::Surplus));
    assert_eq!(review(Some(&order), &good), None);
    assert_eq!(
        decide(Some(&order), &Payment::new(Provider::Stripe, "pi_1"), None, now()),
        Ok(CaptureOutcome::NotCaptured)
    );
}

/// R4.5: a review does not claim the payment; a later matching event credits and fixes the amount.
#[test]
fn a_later_event_that_matches_is_credited() {
    let mut payment = captured(cny("150"), None);
    assert_eq!(settle(&hundred(), &payment, after(1)), CaptureOutcome::Review(ReviewReason::AmountMismatch));
    payment.record_capture(cny("100"), None);
    let by = credit(settle(&hundred(), &payment, after(1)));
    payment.order = Some(hundred().id);
    payment.record_capture(cny("150"), None);
    assert_eq!(payment.captured.map(|known| known.amount), Some(cny("100")));
    let paid = hundred().credited(&by, Some("pi_1")).unwrap();
    assert_eq!(settle(&paid, &payment, after(1)), CaptureOutcome::NetMayHaveChanged);
}

/// R1.4, R4.6: the paid journal sums to zero and is never empty, also after early refunds.
#[test]
fn the_paid_journal_balances_at_every_net() {
    let header = Header {
        journal: JournalId::new(Ulid::from_parts(1, 1)),
        cause: "payment:stripe:pi_1".into(),
        step: 0,
        corrects: None,
        operator: Operator::System,
        actor: "provider:stripe".into(),
        request_id: "req".into(),
        at: after(2),
    };
    for (refunded, lines, balance) in [("0", 4, "18.05555554"), ("30", 6, "12.63888887"), ("100", 4, "0")] {
        let mut payment = captured(cny("100"), Some(after(1)));
        payment.record_cumulative(cny(refunded)).unwrap();
        let order = hundred();
        let by = credit(settle(&order, &payment, after(2)));
        let (movements, house) = (by.movements(&order), by.house(&order).unwrap());
        assert_eq!(house.len(), lines);
        let accounts = Accounts::new(Currency::USD);
        let (accounts, _) = accounts.post(order.user, header.clone(), &movements, house).unwrap();
        assert_eq!(accounts.balance(), usd(balance));
        assert_eq!(by.used(&order).map(|used| (used.tier, used.bonus)), Some((0, usd("4.16666666"))));
    }
}

/// R4.12
#[test]
fn the_providers_event_only_confirms_an_order_completed_by_hand() {
    let completed = Some(JournalId::new(Ulid::from_parts(1, 1)));
    let by_hand = Order { status: OrderStatus::Paid, payment_id: None, completed, ..hundred() };
    assert_eq!(settle(&by_hand, &captured(cny("100"), None), after(1)), CaptureOutcome::Confirms);
    let less = settle(&by_hand, &captured(cny("1"), None), after(1));
    assert_eq!(less, CaptureOutcome::Review(ReviewReason::AmountMismatch));
}

/// R4.11
#[test]
fn thirty_of_a_hundred_refunded_leave_the_documented_targets() {
    assert_eq!(target(usd("13.88888888"), cny("70"), cny("100")).unwrap(), usd("9.72222221"));
    assert_eq!(target(usd("4.16666666"), cny("70"), cny("100")).unwrap(), usd("2.91666666"));
    assert_eq!(target(usd("13.88888888"), cny("100"), cny("100")).unwrap(), usd("13.88888888"));
    assert_eq!(target(usd("13.88888888"), cny("0"), cny("100")).unwrap(), usd("0"));
}

/// R4.5, R4.4
#[test]
fn a_refund_before_its_payment_leaves_only_the_rest_to_credit() {
    let mut payment = Payment::new(Provider::Stripe, "pi_1");
    payment.record_refund("re_1", refund(cny("30"), false)).unwrap();
    assert_eq!(payment.net(), Ok(None));
    payment.record_capture(cny("100"), Some(after(1)));
    let by = credit(settle(&hundred(), &payment, after(2)));
    assert_eq!((by.post_credit, by.post_bonus), (usd("9.72222221"), usd("2.91666666")));
    assert_eq!((by.bonus, by.status), (usd("4.16666666"), OrderStatus::PartiallyRefunded));
    assert_eq!(hundred().credited(&by, Some("pi_1")).unwrap().net(), cny("70"));
    payment.record_cumulative(cny("100")).unwrap();
    let by = credit(settle(&hundred(), &payment, after(2)));
    assert_eq!((by.post_credit, by.status, by.tier.is_some()), (usd("0"), OrderStatus::Refunded, true));
}

/// R4.11
#[test]
fn refunded_is_the_larger_of_what_is_known_by_id_and_the_running_total_less_what_failed() {
    let mut payment = captured(cny("100"), None);
    payment.record_refund("re_1", refund(cny("30"), false)).unwrap();
    payment.record_cumulative(cny("50")).unwrap();
    assert_eq!(payment.net(), Ok(Some(cny("50"))));
    payment.record_refund("re_2", refund(cny("20"), true)).unwrap();
    assert_eq!(payment.net(), Ok(Some(cny("70"))));
    payment.record_refund("re_2", refund(cny("20"), false)).unwrap();
    assert_eq!(payment.net(), Ok(Some(cny("70"))), "failed is for good");
    payment.record_refund("re_3", refund(cny("500"), false)).unwrap();
    assert_eq!(payment.net(), Ok(Some(cny("0"))), "never below nothing");
}

/// R4.11
#[test]
fn disputes_take_while_open_or_lost() {
    let at = |state, minutes| Dispute { amount: cny("40"), state, at: after(minutes) };
    let mut payment = captured(cny("100"), None);
    for (dispute, net, open) in [
        (at(DisputeState::Inquiry, 1), "100", false),
        (at(DisputeState::Open, 2), "60", true),
        (at(DisputeState::Won, 2), "100", false),
        (at(DisputeState::Open, 2), "100", false),
        (at(DisputeState::Open, 3), "60", true),
        (at(DisputeState::Lost, 4), "60", false),
        (at(DisputeState::Won, 1), "60", false),
    ] {
        payment.record_dispute("dp_1", dispute);
        assert_eq!((payment.net(), payment.open_dispute()), (Ok(Some(cny(net))), open), "{dispute:?}");
    }
}

/// R4.5: the net state survives storage.
#[test]
fn a_payment_survives_storage() {
    let mut payment = captured(cny("100"), Some(after(1)));
    payment.record_refund("re_1", refund(cny("30"), true)).unwrap();
    payment.record_dispute("dp_1", Dispute { amount: cny("1"), state: DisputeState::Won, at: after(2) });
    for payment in [payment, Payment::new(Provider::Zpay, "z1")] {
        let value = serde_json::to_value(&payment).unwrap();
        assert_eq!(serde_json::from_value::<Payment>(value).unwrap(), payment);
    }
}

#[derive(Debug, Clone)]
enum Fact {
    Capture(i64),
    Refund(u8, bool),
    Cumulative(i64),
    Dispute(u8, DisputeState, i64, i64),
}

fn record(payment: &mut Payment, fact: &Fact) {
    let money = |units| PayMoney::from_minor_units(units, Currency::CNY).unwrap();
    match *fact {
        Fact::Capture(minute) => payment.record_capture(money(10_000), Some(after(minute))),
        Fact::Refund(id, failed) => {
            payment.record_refund(&format!("re_{id}"), refund(money(1000 + i64::from(id)), failed)).unwrap();
        }
        Fact::Cumulative(units) => payment.record_cumulative(money(units)).unwrap(),
        Fact::Dispute(id, state, minute, units) => {
            payment.record_dispute(&format!("dp_{id}"), Dispute { amount: money(units), state, at: after(minute) });
        }
    }
}

fn fact() -> impl Strategy<Value = Fact> {
    let state =
        prop::sample::select(vec![DisputeState::Inquiry, DisputeState::Open, DisputeState::Won, DisputeState::Lost]);
    prop_oneof![
        (0_i64..5).prop_map(Fact::Capture),
        (0_u8..4, any::<bool>()).prop_map(|(id, failed)| Fact::Refund(id, failed)),
        (0_i64..12_000).prop_map(Fact::Cumulative),
        (0_u8..3, state, 0_i64..4, 1_i64..9_000).prop_map(|(id, state, at, units)| Fact::Dispute(id, state, at, units)),
    ]
}

proptest! {
    /// R4.11: every order of delivery, with duplicates, ends in the same payment.
    #[test]
    fn the_order_of_events_does_not_matter(
        (facts, shuffled) in prop::collection::vec(fact(), 1..12).prop_flat_map(|facts| {
            let doubled: Vec<_> = facts.iter().chain(&facts).cloned().collect();
            (Just(facts), Just(doubled).prop_shuffle())
        })
    ) {
        let (mut one, mut other) = (Payment::new(Provider::Stripe, "pi_1"), Payment::new(Provider::Stripe, "pi_1"));
        facts.iter().for_each(|fact| record(&mut one, fact));
        shuffled.iter().for_each(|fact| record(&mut other, fact));
        prop_assert_eq!(one.net(), other.net());
        prop_assert_eq!(one, other);
    }

    /// R4.11, R1.3: targets lie between zero and the original, and grow with the net.
    #[test]
    fn targets_stay_within_the_original(units in 0_i64..10_000, more in 0_i64..10_000) {
        let of = |units| target(usd("13.88888888"), PayMoney::from_minor_units(units, Currency::CNY).unwrap(), cny("100"));
        let (less, more) = (of(units).unwrap(), of(units + more).unwrap());
        prop_assert!(!less.is_negative());
        prop_assert!(less.compare(more).unwrap().is_le());
        prop_assert!(more.compare(usd("13.88888888")).unwrap().is_le());
    }
}
