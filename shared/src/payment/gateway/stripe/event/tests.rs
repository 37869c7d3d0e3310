//! Events as Stripe sends them, and their parsed facts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
use super::*;
use serde_json::json;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../../tests/fixtures/stripe/", $name, ".json")).as_slice()
    };
}

const ORDER: &str = "ord_01k9zq4r7x8m2v5b3n6c1d0fgh";
const INTENT: &str = "pi_3SVbQ2LkdIwHu7ix0a1B2c3D";

fn fact_of(body: &[u8]) -> StripeFact {
    parse(body, false).unwrap().fact
}
fn changed(body: &[u8], change: impl FnOnce(&mut Value)) -> Result<StripeEvent, Unreadable> {
    let mut event: Value = serde_json::from_slice(body).unwrap();
    change(&mut event);
    parse(event.to_string().as_bytes(), false)
}

/// R4.7
#[test]
fn a_completed_session_tells_its_payment_order_amount_and_status() {
    let event = parse(fixture!("checkout.session.completed"), false).unwrap();
    assert_eq!(event.id, "evt_1SVbRkLkdIwHu7ixCompletd");
    assert_eq!(event.created.as_second(), 1_795_204_801);
    assert!(!event.livemode);
    let StripeFact::SessionCompleted(session) = event.fact else { panic!("{:?}", event.fact) };
    assert_eq!(session.payment_intent.as_deref(), Some(INTENT));
    assert_eq!(session.names.order().unwrap().to_string(), ORDER);
    assert_eq!(session.amount.unwrap().to_string(), "100.00 CNY");
    assert_eq!(session.payment_status, PaymentStatus::Paid);
}

/// R4.7: a delayed method completes unpaid, and is paid or fails later.
#[test]
fn a_delayed_method_is_unpaid_first_and_then_succeeds_or_fails() {
    let unpaid = changed(fixture!("checkout.session.completed"), |event| {
        event["data"]["object"]["payment_status"] = json!("unpaid");
    });
    let StripeFact::SessionCompleted(session) = unpaid.unwrap().fact else { panic!() };
    assert_eq!(session.payment_status, PaymentStatus::Unpaid);
    let StripeFact::SessionPaidLater(paid) = fact_of(fixture!("checkout.session.async_payment_succeeded")) else {
        panic!()
    };
    assert_eq!(paid.payment_status, PaymentStatus::Paid);
    let StripeFact::SessionFailed(failed) = fact_of(fixture!("checkout.session.async_payment_failed")) else {
        panic!()
    };
    assert_eq!(failed.payment_status, PaymentStatus::Unpaid);
    assert_eq!(failed.names.order().unwrap().to_string(), ORDER);
}

/// R4.7
#[test]
fn an_expired_session_has_no_payment() {
    let StripeFact::SessionExpired(session) = fact_of(fixture!("checkout.session.expired")) else { panic!() };
    assert_eq!(session.payment_intent, None);
    assert_eq!(session.payment_status, PaymentStatus::Unpaid);
}

/// R4.5: a payment that names two orders belongs to neither.
#[test]
fn a_session_that_names_two_orders_belongs_to_neither() {
    let event = changed(fixture!("checkout.session.completed"), |event| {
        event["data"]["object"]["metadata"]["order_id"] = json!("ord_01k9zq4r7x8m2v5b3n6c1d0fgj");
    });
    let StripeFact::SessionCompleted(session) = event.unwrap().fact else { panic!() };
    assert_eq!(session.names.raw.len(), 2);
    assert_eq!(session.names.order(), None);
}

/// R4.5: another system's payment on the same Stripe account names no order of ours.
#[test]
fn a_session_without_an_order_of_ours_is_read_all_the_same() {
    for name in [json!(null), json!(""), json!("cart-17")] {
        let event = changed(fixture!("checkout.session.completed"), |event| {
            event["data"]["object"]["client_reference_id"] = name;
            event["data"]["object"]["metadata"] = json!({});
        });
        let StripeFact::SessionCompleted(session) = event.unwrap().fact else { panic!() };
        assert_eq!(session.names.order(), None);
    }
}

/// R4.11: `amount_refunded` is cumulative.
#[test]
fn a_refunded_charge_tells_what_was_captured_and_refunded_so_far() {
    let StripeFact::ChargeRefunded(charge) = fact_of(fixture!("charge.refunded")) else { panic!() };
    assert_eq!(charge.payment_intent.as_deref(), Some(INTENT));
    assert_eq!(charge.captured.to_string(), "100.00 CNY");
    assert_eq!(charge.refunded.to_string(), "30.00 CNY");
    assert_eq!(charge.names.order().unwrap().to_string(), ORDER);
    assert_eq!(charge.refunds, []);
}

/// R4.11: a failed refund is reported under its own id.
#[test]
fn a_refund_tells_its_id_amount_and_state() {
    for (body, status) in [
        (fixture!("refund.created"), RefundStatus::Pending),
        (fixture!("refund.updated"), RefundStatus::Succeeded),
        (fixture!("refund.failed"), RefundStatus::Failed),
    ] {
        let StripeFact::Refund(refund) = fact_of(body) else { panic!() };
        assert_eq!(refund.id, "re_3SVbQ2LkdIwHu7ix0RefundA1");
        assert_eq!(refund.payment_intent.as_deref(), Some(INTENT));
        assert_eq!(refund.amount.to_string(), "30.00 CNY");
        assert_eq!(refund.status, status);
    }
}

/// R4.11: a dispute is found by its payment; inquiries take nothing.
#[test]
fn a_dispute_tells_its_payment_amount_and_state() {
    for (body, status, closed) in [
        (fixture!("charge.dispute.created"), DisputeStatus::Open, false),
        (fixture!("charge.dispute.updated"), DisputeStatus::Open, false),
        (fixture!("charge.dispute.funds_withdrawn"), DisputeStatus::Open, false),
        (fixture!("charge.dispute.funds_reinstated"), DisputeStatus::Won, false),
        (fixture!("charge.dispute.closed"), DisputeStatus::Lost, true),
    ] {
        let StripeFact::Dispute(dispute) = fact_of(body) else { panic!() };
        assert_eq!(dispute.id, "du_1SVcA0LkdIwHu7ixDispute1");
        assert_eq!(dispute.payment_intent.as_deref(), Some(INTENT));
        assert_eq!(dispute.amount.to_string(), "100.00 CNY");
        assert_eq!((dispute.status, dispute.closed), (status, closed));
    }
    let inquiry = changed(fixture!("charge.dispute.created"), |event| {
        event["data"]["object"]["status"] = json!("warning_needs_response");
    });
    let StripeFact::Dispute(dispute) = inquiry.unwrap().fact else { panic!() };
    assert_eq!(dispute.status, DisputeStatus::Inquiry);
}

/// R4.7: other events are acknowledged and stored, regardless of their object.
#[test]
fn other_events_are_read_as_other() {
    assert!(matches!(fact_of(fixture!("payment_intent.succeeded")), StripeFact::Other(_)));
    let unknown = changed(fixture!("charge.succeeded"), |event| {
        event["type"] = json!("new.thing");
        event["data"]["object"] = json!({});
    });
    assert!(matches!(unknown.unwrap().fact, StripeFact::Other(_)));
}

/// R10.1: a charge tells the instrument that paid by the fingerprint under its method's name; a method without one tells none.
#[test]
fn a_charge_tells_the_instrument_that_paid() {
    let fingerprint = |change: fn(&mut Value)| {
        let StripeFact::Charged(fact) = changed(fixture!("charge.succeeded"), change).unwrap().fact else { panic!() };
        fact.fingerprint
    };
    assert_eq!(fingerprint(|_| {}).as_deref(), Some("Xt5EWLLDS7FJjR1c"));
    let debit = |event: &mut Value| {
        let details =
            json!({"type": "sepa_debit", "sepa_debit": {"fingerprint": "fp_iban"}, "card": {"fingerprint": "no"}});
        event["data"]["object"]["payment_method_details"] = details;
    };
    assert_eq!(fingerprint(debit).as_deref(), Some("fp_iban"));
    let wallet = |event: &mut Value| {
        event["data"]["object"]["payment_method_details"] = json!({"type": "alipay", "alipay": {}});
    };
    assert_eq!(fingerprint(wallet), None);
    assert_eq!(fingerprint(|event| event["data"]["object"]["payment_method_details"] = Value::Null), None);
}

/// R4.7: an expanded payment intent is the same payment.
#[test]
fn an_expanded_reference_is_its_id() {
    let event = changed(fixture!("checkout.session.completed"), |event| {
        event["data"]["object"]["payment_intent"] = json!({"id": INTENT, "object": "payment_intent"});
    });
    let StripeFact::SessionCompleted(session) = event.unwrap().fact else { panic!() };
    assert_eq!(session.payment_intent.as_deref(), Some(INTENT));
}

/// R4.5: a verified event with an unexpected shape is never guessed at.
#[test]
fn a_malformed_authentic_event_is_a_typed_error_with_its_id() {
    for body in [&b""[..], b"[]", b"null", b"{", &[0xff], b"{\"id\":\"evt_1\"}", b"<xml/>"] {
        assert!(parse(body, false).is_err());
    }
    let changes: [fn(&mut Value); 6] = [
        |object| object["amount_total"] = json!(100.5),
        |object| object["amount_total"] = json!(-1),
        |object| object["amount_total"] = json!("10000"),
        |object| object["currency"] = json!("zzz"),
        |object| object["id"] = json!(null),
        |object| object["payment_status"] = json!(7),
    ];
    for change in changes {
        let failure = changed(fixture!("checkout.session.completed"), |event| change(&mut event["data"]["object"]));
        assert_eq!(failure.unwrap_err().id.as_deref(), Some("evt_1SVbRkLkdIwHu7ixCompletd"));
    }
}

/// Each event that an endpoint is made for has an effect: none of them is read as another product's.
#[test]
fn what_an_endpoint_is_made_for_is_handled() {
    for kind in HANDLED {
        assert!(!matches!(fact(kind, json!({})), Ok(StripeFact::Other(_))), "{kind}");
    }
}
