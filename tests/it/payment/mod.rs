//! Orders and payments (R4, R5).

pub mod amount_bonus;
pub mod by_hand;
pub mod coupons;
pub mod disputes;
pub mod facts;
pub mod lots;
pub mod missed_webhooks;
pub mod mutations;
pub mod offered;
pub mod orders;
pub mod receipts;
pub mod reconciliation;
pub mod refunds;
pub mod review;
pub mod summary;
pub mod told_elsewhere;
pub mod under_way;
pub mod webhooks;

use serde_json::{Value, json};

use crate::world::World;

async fn bob(world: &World) {
    world.open().await;
    world.register("bob", None).await;
}

fn o100() -> Value {
    json!({"offer_id": "o100", "provider": "zpay"})
}

fn path(order: &Value) -> String {
    format!("/v1/payment/orders/{}", order["id"].as_str().unwrap())
}

/// R1.8, R4.3: the same key and body replay the first response in any later state.
/// Another body is rejected.
#[test]
fn a_repeated_order_is_the_same_order() {
    World::run(async |world| {
        bob(world).await;
        let first = world.user("bob").key("k").post("/v1/payment/orders", o100()).await.is(201);
        world.pay(&first, json!({})).await;
        world.settle().await;
        let again = world.user("bob").key("k").post("/v1/payment/orders", o100()).await;
        assert_eq!(again.headers.get("idempotency-replayed").unwrap(), "true");
        assert_eq!(again.is(201), first);
        let other = json!({"offer_id": "o50", "provider": "zpay"});
        world.user("bob").key("k").post("/v1/payment/orders", other).await.refused(422, "idempotency_key_reused");
        world.user("bob").post("/v1/payment/orders", o100()).await.refused(400, "idempotency_key_required");
        let list = world.user("bob").get("/v1/payment/orders").await.is(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
    });
}

/// R1.8: a key is scoped to its caller: two callers with the same key each have their own order.
#[test]
fn the_key_of_another_user_finds_nothing_of_theirs() {
    World::run(async |world| {
        bob(world).await;
        world.register("eve", None).await;
        let his = world.user("bob").key("k").post("/v1/payment/orders", o100()).await.is(201);
        let hers = world.user("eve").key("k").post("/v1/payment/orders", o100()).await;
        assert!(hers.headers.get("idempotency-replayed").is_none());
        let hers = hers.is(201);
        assert_ne!(hers["id"], his["id"]);
        world.user("eve").get(&path(&his)).await.refused(404, "not_found");
        world.pay(&hers, json!({})).await;
        world.settle().await;
        assert_eq!((world.balance("bob").await.as_str(), world.balance("eve").await.as_str()), ("0", "18.05555554"));
    });
}

/// R4.2: three orders a minute; the fourth gets the seconds to wait, and succeeds after them.
#[test]
fn the_fourth_order_of_a_minute_waits() {
    World::run(async |world| {
        bob(world).await;
        for _ in 0..3 {
            world.order("bob", o100()).await;
        }
        let fourth = world.user("bob").once().post("/v1/payment/orders", o100()).await;
        let wait: u64 = fourth.headers.get("retry-after").unwrap().to_str().unwrap().parse().unwrap();
        fourth.refused(429, "rate_limited");
        assert!((1..=60).contains(&wait));
        world.advance(wait).await;
        world.order("bob", o100()).await;
    });
}

/// R1.2, R4.1: an amount that is no plain decimal within the limits is rejected with its pointer.
/// Nothing is written.
#[test]
fn an_amount_that_is_none_changes_nothing() {
    World::run(async |world| {
        bob(world).await;
        let forty = "9".repeat(40);
        for bad in ["0", "-1", "+1", "1e2", "NaN", "１０", "01", "1.001", "0.99", "10000.01", "", "5 0", &forty] {
            let body = json!({"amount": bad, "provider": "zpay"});
            let problem = world.user("bob").once().post("/v1/payment/orders", body).await.refused(422, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], "/amount", "{bad}");
        }
        for (body, pointer) in [
            (json!({"amount": 100, "provider": "zpay"}), "/amount"),
            (json!({"amount": "100", "provider": "zpay", "balance": "1"}), "/balance"),
        ] {
            let problem = world.user("bob").once().post("/v1/payment/orders", body).await.refused(422, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], pointer);
        }
        world.user("bob").once().raw("POST", "/v1/payment/orders", "{").await.refused(400, "malformed_request");
        let text = world.user("bob").once().header("content-type", "text/plain");
        text.raw("POST", "/v1/payment/orders", "{}").await.refused(415, "unsupported_media_type");
        let large = "x".repeat(65 * 1024);
        world.user("bob").once().raw("POST", "/v1/payment/orders", &large).await.refused(413, "body_too_large");
        assert_eq!(world.user("bob").get("/v1/payment/orders").await.is(200)["items"], json!([]));
    });
}

/// R4.12: another user's order is not found.
#[test]
fn somebody_elses_order_is_not_found() {
    World::run(async |world| {
        bob(world).await;
        world.register("eve", None).await;
        let order = world.order("bob", o100()).await;
        world.user("eve").get(&path(&order)).await.refused(404, "not_found");
        world.user("eve").post(&format!("{}/cancel", path(&order)), json!({})).await.refused(404, "not_found");
        world.user("eve").get("/v1/payment/orders/nonsense").await.refused(404, "not_found");
    });
}

/// R4.4, R4.5, R5.2: a late payment pays an expired order, in the tier of the payment's time.
#[test]
fn a_late_payment_is_credited_in_the_tier_of_its_time() {
    World::run(async |world| {
        bob(world).await;
        let order = world.order("bob", o100()).await;
        world.advance(30 * 3_600).await;
        let did = world.stack.tick("expire-orders").await.unwrap();
        assert_eq!(did["expired"], 1);
        world.sign_in("bob").await;
        assert_eq!(world.user("bob").get(&path(&order)).await.is(200)["status"], "expired");
        world.pay(&order, json!({})).await;
        world.settle().await;
        let paid = world.user("bob").get(&path(&order)).await.is(200);
        assert_eq!((&paid["status"], &paid["late"]), (&json!("paid"), &json!(true)));
        assert_eq!(paid["bonus"]["amount"], "2.77777777");
        assert_eq!(world.balance("bob").await, "16.66666665");
    });
}

/// R5.2, R5.3: the bonus by the hours from sign-up: 30, 20, 10, 5 percent, then none.
#[test]
fn the_bonus_falls_with_the_hours_since_sign_up() {
    for (hours, bonus) in [(24, "4.16666666"), (30, "2.77777777"), (40, "1.38888888"), (60, "0.69444444"), (80, "0")] {
        World::run(async |world| {
            bob(world).await;
            world.advance(hours * 3_600 - 60).await;
            world.sign_in("bob").await;
            let order = world.order("bob", o100()).await;
            assert_eq!(order["bonus"]["amount"], bonus, "{hours}");
            world.pay(&order, json!({})).await;
            world.settle().await;
            let paid = world.user("bob").get(&path(&order)).await.is(200);
            assert_eq!(paid["bonus"]["amount"], bonus, "{hours}");
        });
    }
}

/// R5.1: two orders paid together yield one bonus.
#[test]
fn two_orders_paid_together_yield_one_bonus() {
    World::run(async |world| {
        bob(world).await;
        let (one, two) = (world.order("bob", o100()).await, world.order("bob", o100()).await);
        world.pay(&one, json!({})).await;
        world.pay(&two, json!({})).await;
        world.settle().await;
        assert_eq!(world.balance("bob").await, "31.94444442");
        let promotion = world.user("bob").get("/v1/promotion").await.is(200);
        assert_eq!(promotion["status"], "used");
    });
}

/// R5.5, R5.6: an unpaid order leaves the promotion unused; the hourly job only makes its end visible.
#[test]
fn an_unpaid_order_leaves_the_promotion_unused() {
    World::run(async |world| {
        bob(world).await;
        world.order("bob", o100()).await;
        world.advance(3_600).await;
        world.stack.tick("expire-orders").await.unwrap();
        world.sign_in("bob").await;
        let promotion = world.user("bob").get("/v1/promotion").await.is(200);
        assert_eq!((&promotion["status"], &promotion["used"]), (&json!("active"), &Value::Null));
        assert_eq!(promotion["current_tier"]["percent"], "30");
        world.advance(72 * 3_600).await;
        world.sign_in("bob").await;
        assert_eq!(world.user("bob").get("/v1/promotion").await.is(200)["status"], "expired");
        assert_eq!(world.stack.tick("expire-promotions").await.unwrap()["expired"], 1);
        assert_eq!(world.stack.tick("expire-promotions").await.unwrap()["expired"], 0);
    });
}

/// R4.5: a wrong amount is never credited and never dropped.
/// It is in review, and its money in suspense.
#[test]
fn a_wrong_amount_goes_to_review() {
    for provider in ["zpay", "stripe"] {
        World::run(async |world| {
            bob(world).await;
            let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
            world.pay(&order, json!({"amount": "1.00"})).await;
            world.settle().await;
            assert_eq!(world.balance("bob").await, "0");
            assert_eq!(world.user("bob").get(&path(&order)).await.is(200)["status"], "pending");
            let reviews = world.admin().get("/v1/admin/payment/reviews").await.is(200);
            let review = &reviews["items"][0];
            assert_eq!((&review["reason"], &review["received"]["amount"]), (&json!("amount_mismatch"), &json!("1.00")));
        });
    }
}

/// R4.5: a second payment of one order is a surplus.
#[test]
fn a_second_payment_of_one_order_is_a_surplus() {
    for provider in ["zpay", "stripe"] {
        World::run(async |world| {
            bob(world).await;
            let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
            world.pay(&order, json!({"times": 2})).await;
            world.settle().await;
            assert_eq!(world.balance("bob").await, "18.05555554");
            let reviews = world.admin().get("/v1/admin/payment/reviews").await.is(200);
            assert_eq!(reviews["items"].as_array().unwrap().len(), 1);
            assert_eq!(reviews["items"][0]["reason"], "surplus");
        });
    }
}

/// R4.4, R4.7: a cancelled order is credited if it is paid after all.
#[test]
fn a_cancelled_order_that_is_paid_is_credited() {
    World::run(async |world| {
        bob(world).await;
        let order = world.order("bob", o100()).await;
        let cancel = format!("{}/cancel", path(&order));
        assert_eq!(world.user("bob").post(&cancel, json!({})).await.is(200)["status"], "cancelled");
        assert_eq!(world.user("bob").post(&cancel, json!({})).await.is(200)["status"], "cancelled");
        world.pay(&order, json!({})).await;
        world.settle().await;
        assert_eq!(world.balance("bob").await, "18.05555554");
        world.user("bob").post(&cancel, json!({})).await.refused(409, "order_not_pending");
    });
}

/// R4.12: an order completed by hand is credited once; the provider's event only adds the payment id.
/// A further payment is a surplus.
#[test]
fn an_order_completed_by_hand_is_credited_once() {
    World::run(async |world| {
        bob(world).await;
        let order = world.order("bob", o100()).await;
        let complete = format!("/v1/admin/payment/orders/{}/complete", order["id"].as_str().unwrap());
        world.admin().once().post(&complete, json!({"reason": "seen in the bank"})).await;
        assert_eq!(world.balance("bob").await, "18.05555554");
        world.pay(&order, json!({})).await;
        world.settle().await;
        assert_eq!(world.balance("bob").await, "18.05555554");
        let again = world.admin().once().post(&complete, json!({"reason": "again"})).await;
        again.refused(409, "order_already_paid");
    });
}

/// R3.6: ¥5 + ¥15 reaches the threshold of ¥20, and not before.
#[test]
fn five_and_fifteen_reach_twenty() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        for (amount, reward) in [("5", "0"), ("15", "3")] {
            let order = world.order("bob", json!({"amount": amount, "provider": "zpay"})).await;
            world.pay(&order, json!({})).await;
            world.settle().await;
            assert_eq!(world.balance("ann").await, reward);
        }
    });
}

/// R4.7, R4.8, S3: a forged notification is rejected and changes nothing.
#[test]
fn a_forged_notification_changes_nothing() {
    World::run(async |world| {
        bob(world).await;
        let order = world.order("bob", o100()).await;
        let before = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap().len();
        let id = order["id"].as_str().unwrap();
        let query = format!(
            "pid=1000&trade_no=1&out_trade_no={id}&type=alipay&money=100.00&trade_status=TRADE_SUCCESS&sign=0&sign_type=MD5"
        );
        let answer = world.nobody().get(&format!("/v1/webhooks/zpay?{query}")).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "fail"));
        let event = json!({"id": "evt_1", "type": "checkout.session.completed"}).to_string();
        let stripe = world.nobody().header("stripe-signature", "t=1,v1=00");
        stripe.raw("POST", "/v1/webhooks/stripe", &event).await.refused(400, "bad_signature");
        assert_eq!(world.stack.dynamo.scan(emulator::stack::TABLE).unwrap().len(), before);
        assert_eq!(world.balance("bob").await, "0");
    });
}

/// R4.10: a signed success that the gateway's query contradicts credits nothing and gets `fail`.
#[test]
fn a_signed_success_that_the_gateway_calls_unpaid_credits_nothing() {
    World::run(async |world| {
        bob(world).await;
        let order = world.order("bob", o100()).await;
        let id = order["id"].as_str().unwrap();
        // The payer opened the gateway's page and did not pay, so the gateway has an unpaid trade.
        let page = http::Request::get(order["pay_url"].as_str().unwrap()).body(bytes::Bytes::new()).unwrap();
        assert!(world.stack.sim(page).await.status().is_success());
        let begun = world.stack.simulators.book().trade_of(id).unwrap().trade_no.clone();
        for trade_no in ["2026112000000000000000009999", begun.as_str()] {
            let fields = [
                ("pid", "1000"),
                ("trade_no", trade_no),
                ("out_trade_no", id),
                ("type", "alipay"),
                ("name", "Top-up"),
                ("money", "100.00"),
                ("trade_status", "TRADE_SUCCESS"),
            ];
            let signature = shared::payment::gateway::zpay::sign(fields, "local-zpay-key-0123456789");
            let query: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let path = format!("/v1/webhooks/zpay?{}&sign={signature}&sign_type=MD5", query.join("&"));
            for _ in 0..2 {
                let answer = world.nobody().get(&path).await;
                assert_eq!((answer.status, answer.text.as_str()), (200, "fail"));
            }
        }
        assert_eq!(world.balance("bob").await, "0");
        assert_eq!(world.user("bob").get(&path_of_order(&order)).await.is(200)["status"], "pending");
    });
}

fn path_of_order(order: &Value) -> String {
    path(order)
}

/// R4.9: an event is stored as it came, with its result.
#[test]
fn an_event_is_kept_as_it_came_with_what_came_of_it() {
    World::run(async |world| {
        bob(world).await;
        let order = world.order("bob", o100()).await;
        world.pay(&order, json!({"notify": "twice"})).await;
        world.settle().await;
        let id = order["id"].as_str().unwrap();
        let file = world.admin().get(&format!("/v1/admin/payment/orders/{id}")).await.is(200);
        let events = file["events"].as_array().unwrap();
        assert_eq!(events.len(), 1, "one event, however often it was told: {events:?}");
        assert_eq!(events[0]["outcome"], "credited");
        assert!(events[0]["raw"].as_str().unwrap().contains("trade_status=TRADE_SUCCESS"));
    });
}

/// R3.5: later settings don't change the rewards promised when the invitee was bound.
#[test]
fn a_reward_is_what_was_promised_when_the_invitee_was_bound() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        world.settings("referral", |settings| settings["qualified"]["inviter_reward"] = json!("100")).await;
        let order = world.order("bob", o100()).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        assert_eq!(world.balance("ann").await, "3");
    });
}

/// R1.3, R1.4: the journal of a paid order sums to zero in each currency, to the last digit.
#[test]
fn the_journal_of_a_paid_order_sums_to_zero_in_each_currency() {
    World::run(async |world| {
        bob(world).await;
        let order = world.order("bob", o100()).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        let items = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        let postings: Vec<&Value> = items.iter().filter(|item| item["type"]["S"] == "posting").collect();
        assert_eq!(postings.len(), 1);
        let house = postings[0]["house"]["L"].as_array().unwrap();
        let mut lines: Vec<String> = house
            .iter()
            .map(|line| {
                let line = &line["M"];
                let (currency, amount) = line["amount"]["M"].as_object().unwrap().iter().next().unwrap();
                let of = |value: &Value| value.as_str().unwrap().to_owned();
                format!("{} {} {currency}", of(&line["account"]["S"]), of(&amount["N"]))
            })
            .collect();
        lines.sort();
        assert_eq!(
            lines,
            ["promotion -4.16666666 USD", "provider:zpay -100 CNY", "sales -13.88888888 USD", "sales 100 CNY"]
        );
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}
