//! Refunds, disputes and delayed methods, as the functions' own code reads them.

use super::*;

/// R4.11
#[tokio::test]
async fn a_refund_is_told_by_its_own_event_and_by_its_charge() {
    let shop = Shop::open();
    shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await.unwrap();
    let pay = json!({"provider": "stripe", "order_id": order(1), "action": "pay", "notify": "never"});
    let (_, done) = shop.pay(pay).await;
    let intent = done["payments"][0]["id"].as_str().unwrap();
    let refund = Request::post(format!("{BASE}/_sim/stripe/v1/refunds"))
        .header("authorization", "Bearer sk_test_local")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(format!("payment_intent={intent}&amount=3000")))
        .unwrap();
    assert_eq!(shop.send(refund).await.0, 200);
    let events = shop.stripe_events();
    let [StripeFact::Refund(refund), StripeFact::ChargeRefunded(charge)] = [&events[0].fact, &events[1].fact] else {
        panic!("{events:?}")
    };
    assert_eq!(refund.amount.to_string(), "30.00 CNY");
    assert_eq!(charge.refunded.to_string(), "30.00 CNY");
    assert_eq!(shop.stripe().payment_intent(intent).await.unwrap().refunded.unwrap().to_string(), "30.00 CNY");
}

/// R4.7, R4.11: each action on a Stripe payment sends Stripe's events for it, in Stripe's order.
#[tokio::test]
async fn refunds_and_disputes_are_told_as_stripe_tells_them() {
    let shop = Shop::open();
    shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await.unwrap();
    let act = async |action: &str, more: Value| {
        shop.clock.advance(std::time::Duration::from_secs(1));
        let mut ask = json!({"provider": "stripe", "order_id": order(1), "action": action});
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let status = shop.pay(ask).await.0.as_u16();
        let due = shop.simulators.due(shop.clock.now());
        let kinds = due.iter().map(|delivery| {
            shop.simulators.delivered(delivery.id, 200, b"");
            let event = shop.stripe().parse(delivery.request.body()).unwrap();
            let state = match &event.fact {
                StripeFact::Refund(refund) => format!("{:?} {}", refund.status, refund.amount),
                StripeFact::Dispute(dispute) => format!("{:?} {}", dispute.status, dispute.amount),
                StripeFact::ChargeRefunded(charge) => charge.refunded.to_string(),
                _ => String::new(),
            };
            format!("{} {state}", event.kind)
        });
        (status, kinds.collect::<Vec<_>>())
    };
    assert_eq!(act("refund", json!({})).await.0, 404);
    act("pay", json!({})).await;
    let half = json!({"amount": "50"});
    let rows: [(&str, Value, &[&str]); 13] = [
        ("refund", json!({"amount": "30"}), &["refund.created Succeeded 30.00 CNY", "charge.refunded 30.00 CNY"]),
        ("refund_fails", json!({}), &["refund.updated Failed 30.00 CNY", "refund.failed Failed 30.00 CNY"]),
        ("refund_pending", half.clone(), &["refund.created Pending 50.00 CNY", "charge.refunded 50.00 CNY"]),
        ("refund_succeeds", json!({}), &["refund.updated Succeeded 50.00 CNY"]),
        ("inquire", half, &["charge.dispute.created Inquiry 50.00 CNY"]),
        (
            "dispute",
            json!({}),
            &["charge.dispute.updated Open 50.00 CNY", "charge.dispute.funds_withdrawn Open 50.00 CNY"],
        ),
        ("dispute_updated", json!({}), &["charge.dispute.updated Open 50.00 CNY"]),
        (
            "dispute_won",
            json!({}),
            &["charge.dispute.closed Won 50.00 CNY", "charge.dispute.funds_reinstated Won 50.00 CNY"],
        ),
        (
            "dispute_reopened",
            json!({}),
            &["charge.dispute.updated Open 50.00 CNY", "charge.dispute.funds_withdrawn Open 50.00 CNY"],
        ),
        ("dispute_lost", json!({}), &["charge.dispute.closed Lost 50.00 CNY"]),
        ("dispute_reinstated", json!({}), &["charge.dispute.funds_reinstated Won 50.00 CNY"]),
        ("refund", json!({}), &["refund.created Succeeded 50.00 CNY", "charge.refunded 100.00 CNY"]),
        (
            "dispute",
            json!({}),
            &["charge.dispute.created Open 100.00 CNY", "charge.dispute.funds_withdrawn Open 100.00 CNY"],
        ),
    ];
    for (action, more, told) in rows {
        let (status, kinds) = act(action, more).await;
        assert_eq!((status, kinds.iter().map(String::as_str).collect::<Vec<_>>().as_slice()), (200, told), "{action}");
    }
    for (action, more) in
        [("refund", json!({})), ("dispute", json!({"amount": "100.01"})), ("dispute_reopened", json!({}))]
    {
        assert_eq!(act(action, more).await, (409, Vec::new()), "{action}");
    }
}

/// R4.7: a delayed method's session is complete and unpaid until the money arrives or the payment fails.
#[tokio::test]
async fn a_delayed_method_is_told_when_it_ends() {
    for (action, paid) in [("pay_succeeds", true), ("pay_fails", false)] {
        let shop = Shop::open();
        let created = shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await.unwrap();
        let act = async |action: &str| {
            let (status, done) = shop.pay(json!({"provider": "stripe", "order_id": order(1), "action": action})).await;
            assert_eq!(status, 200, "{done}");
            let told = shop.stripe_events().remove(0);
            shop.simulators.change(|book| book.parcels.clear());
            (told.fact, done["payments"][0]["id"].as_str().unwrap().to_owned())
        };
        let (StripeFact::SessionCompleted(begun), intent) = act("pay_later").await else { panic!() };
        assert_eq!(begun.payment_status, PaymentStatus::Unpaid);
        assert!(!shop.stripe().payment_intent(&intent).await.unwrap().succeeded);
        assert!(shop.open_page(&created.pay_url).await.1.contains("The money arrives"));
        let ended = match act(action).await.0 {
            StripeFact::SessionPaidLater(session) => session.payment_status == PaymentStatus::Paid,
            StripeFact::SessionFailed(_) => false,
            other => panic!("{other:?}"),
        };
        assert_eq!((ended, shop.stripe().payment_intent(&intent).await.unwrap().succeeded), (paid, paid));
    }
}
