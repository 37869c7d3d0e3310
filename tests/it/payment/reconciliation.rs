//! The daily report: the providers' books, our orders and our ledger agree, or a review opens (R4.10).

use emulator::faults::Fault;
use serde_json::{Value, json};

use crate::payment::refunds::act;
use crate::payment::webhooks::{completed, tell, with};
use crate::world::World;

const REPORTS: &str = "/v1/admin/payment/reconciliations";
const TODAY: &str = "2026-11-20";

/// Advances fifteen hours, to 01:00 of the next day, when this day's report is due.
/// All tokens have expired by then.
pub async fn next_day(world: &World) {
    world.advance(15 * 3_600).await;
    world.sign_in("admin").await;
    world.sign_in("bob").await;
}

pub async fn reconcile(world: &World) -> Value {
    let did = world.stack.tick("reconcile").await.unwrap();
    world.settle().await;
    did
}

/// Today's report about a provider.
async fn report(world: &World, provider: &str) -> Value {
    let listed = world.admin().get(&format!("{REPORTS}?from={TODAY}&to={TODAY}")).await.is(200);
    let mut found = listed["items"].as_array().unwrap().iter().filter(|report| report["provider"] == provider);
    found.next().unwrap().clone()
}

/// Lines of today's reports: verdict, order, and the amounts of the three sides.
async fn lines(world: &World) -> Vec<(String, String, [String; 3])> {
    let (mut found, mut path) = (Vec::new(), format!("{REPORTS}/{TODAY}?limit=20"));
    loop {
        let page = world.admin().get(&path).await.is(200);
        found.extend(page["items"].as_array().unwrap().iter().map(line));
        let Some(next) = page["next_cursor"].as_str() else { return found };
        path = format!("{REPORTS}/{TODAY}?limit=20&cursor={next}");
    }
}

fn line(of: &Value) -> (String, String, [String; 3]) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let sides = ["book", "orders", "ledger"].map(|side| text(&of[side]["amount"]));
    (text(&of["verdict"]), text(&of["order_id"]), sides)
}

fn is(verdict: &str, order: &Value, sides: [&str; 3]) -> (String, String, [String; 3]) {
    (verdict.to_owned(), order["id"].as_str().unwrap_or_default().to_owned(), sides.map(str::to_owned))
}

async fn reviews(world: &World) -> Vec<Value> {
    let listed = world.admin().get("/v1/admin/payment/reviews?limit=100").await.is(200);
    listed["items"].as_array().unwrap().clone()
}

async fn open(world: &World) {
    world.open().await;
    world.settings("payment", |payment| payment["max_orders_per_minute"] = json!(100)).await;
}

pub async fn bob(world: &World) {
    open(world).await;
    world.register("bob", None).await;
}

pub async fn ordered(world: &World, provider: &str, pay: Value) -> Value {
    let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
    world.pay(&order, pay).await;
    world.settle().await;
    order
}

/// R4.10: a day without a difference has a line of zeros for each provider, in JSON and as CSV.
/// It is made once.
#[test]
fn a_day_without_a_difference_has_a_line_of_zeros() {
    World::run(async |world| {
        bob(world).await;
        let stripes = ordered(world, "stripe", json!({})).await;
        ordered(world, "zpay", json!({})).await;
        act(world, &stripes, "refund", json!({"amount": "30"})).await;
        world.admin().get(&format!("{REPORTS}/{TODAY}")).await.refused(404, "not_found");
        reconcile(world).await;
        world.admin().get(&format!("{REPORTS}/{TODAY}")).await.refused(404, "not_found");
        next_day(world).await;
        let did = reconcile(world).await;
        assert_eq!((&did["finished"], &did["failed"]), (&json!(2), &json!(0)), "{did}");
        assert_eq!(reconcile(world).await["pages"], 0);
        for (provider, left) in [("stripe", "70.00"), ("zpay", "100.00")] {
            let report = report(world, provider).await;
            assert_eq!(
                (&report["state"], &report["agrees"], &report["checked"]),
                (&json!("done"), &json!(true), &json!(1))
            );
            let (sum, zero) = (&report["sums"][0], json!({"amount": "0.00", "currency": "CNY"}));
            assert_eq!((&sum["book"]["amount"], &sum["orders_off"], &sum["ledger_off"]), (&json!(left), &zero, &zero));
        }
        let totals = [is("total", &json!({}), ["70.00"; 3]), is("total", &json!({}), ["100.00"; 3])];
        assert_eq!(lines(world).await, totals);
        let sheet = world.admin().header("accept", "text/csv").get(&format!("{REPORTS}/{TODAY}")).await;
        assert_eq!(sheet.text.lines().nth(1), Some("stripe,total,,,70.00,70.00,70.00,0.00,0.00,CNY"));
        for none in ["2026-11-19", "tomorrow", "2026-13-01"] {
            assert_eq!(
                world.admin().get(&format!("{REPORTS}/{none}")).await.status,
                if none.starts_with("2026-11") { 200 } else { 404 }
            );
        }
        assert!(reviews(world).await.is_empty());
    });
}

/// R4.10: payments, refunds and disputes with lost webhooks are found in the book and applied.
#[test]
fn what_no_webhook_told_is_found_in_the_book_and_settled() {
    World::run(async |world| {
        bob(world).await;
        let mute = json!({"notify": "never"});
        let unheard = ordered(world, "stripe", mute.clone()).await;
        let gateways = ordered(world, "zpay", mute.clone()).await;
        let refunded = ordered(world, "stripe", json!({})).await;
        let disputed = ordered(world, "stripe", json!({})).await;
        act(world, &refunded, "refund", json!({"amount": "30", "notify": "never"})).await;
        act(world, &disputed, "dispute", mute).await;
        assert_eq!(world.balance("bob").await, "31.94444442");
        next_day(world).await;
        let did = reconcile(world).await;
        assert_eq!((&did["finished"], &did["failed"]), (&json!(14), &json!(0)), "seven days: {did}");
        // Two whole payments, one of 70 %, one refunded.
        assert_eq!(world.balance("bob").await, "40.41666663");
        for (order, status, net) in [
            (&unheard, "paid", "100.00"),
            (&gateways, "paid", "100.00"),
            (&refunded, "partially_refunded", "70.00"),
            (&disputed, "disputed", "0.00"),
        ] {
            let path = format!("/v1/payment/orders/{}", order["id"].as_str().unwrap());
            let seen = world.user("bob").get(&path).await.is(200);
            assert_eq!((&seen["status"], &seen["net"]["amount"]), (&json!(status), &json!(net)));
        }
        let totals = [is("total", &json!({}), ["170.00"; 3]), is("total", &json!({}), ["100.00"; 3])];
        assert_eq!(lines(world).await, totals);
        assert_eq!(reviews(world).await.len(), 0);
    });
}

/// R4.10, R4.5: a second payment of one order without a webhook is held for review.
/// Then the books agree.
#[test]
fn money_that_no_order_can_take_is_held_for_a_person() {
    World::run(async |world| {
        bob(world).await;
        ordered(world, "stripe", json!({})).await;
        let order = ordered(world, "stripe", json!({"times": 2, "notify": "never"})).await;
        next_day(world).await;
        reconcile(world).await;
        assert_eq!(world.balance("bob").await, "31.94444442");
        let reviews = reviews(world).await;
        assert_eq!(reviews.len(), 1, "{reviews:?}");
        assert_eq!((&reviews[0]["reason"], &reviews[0]["remaining"]["amount"]), (&json!("surplus"), &json!("100.00")));
        assert_eq!(reviews[0]["order_id"], order["id"]);
        assert_eq!(lines(world).await[0], is("total", &json!({}), ["300.00"; 3]));
    });
}

/// R4.10: credited money that the provider does not have is a difference and opens one review item.
/// Nothing is taken back automatically.
#[test]
fn credited_money_that_a_provider_does_not_know_is_put_to_review_once() {
    World::run(async |world| {
        bob(world).await;
        let stripes = ordered(world, "stripe", json!({})).await;
        let gateways = ordered(world, "zpay", json!({})).await;
        world.stack.simulators.clear();
        next_day(world).await;
        reconcile(world).await;
        reconcile(world).await;
        let zero = json!({});
        assert_eq!(
            lines(world).await,
            [
                is("total", &zero, ["0.00", "100.00", "100.00"]),
                is("total", &zero, ["0.00", "100.00", "100.00"]),
                is("missing_there", &gateways, ["0.00", "100.00", "100.00"]),
                is("missing_there", &stripes, ["0.00", "100.00", "100.00"]),
            ]
        );
        let report = report(world, "stripe").await;
        assert_eq!((&report["agrees"], &report["differences"]), (&json!(false), &json!(1)));
        assert_eq!(report["sums"][0]["orders_off"]["amount"], "100.00");
        let open = reviews(world).await;
        assert!(open.len() == 2 && open.iter().all(|item| item["reason"] == "difference"), "{open:?}");
        assert!(open.iter().all(|item| item["remaining"]["amount"] == "0.00"), "it holds no money: {open:?}");
        let resolve = format!("/v1/admin/payment/reviews/{}/resolve", open[0]["id"].as_str().unwrap());
        let body = json!({"action": "ignore", "reason": "a test account"});
        assert_eq!(world.admin().once().post(&resolve, body).await.is(200)["state"], "ignored");
        assert_eq!(world.balance("bob").await, "31.94444442");
    });
}

/// R4.10: a payment whose amount at the provider differs from the credited one is a difference.
#[test]
fn a_payment_of_another_amount_is_a_difference() {
    World::run(async |world| {
        bob(world).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        world.pay(&order, json!({"amount": "90", "notify": "never"})).await;
        let made = world.stack.simulators.book();
        let intent = made.payments.values().next().unwrap().intent.clone();
        let second = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        let event = completed(world, &second).await;
        let event = with(
            &event,
            &[
                ("/id", json!("evt_of_nobody")),
                ("/data/object/payment_intent", json!(intent)),
                ("/data/object/client_reference_id", order["id"].clone()),
                ("/data/object/metadata/order_id", order["id"].clone()),
            ],
        );
        tell(world, &event).await.is(200);
        world.settle().await;
        next_day(world).await;
        reconcile(world).await;
        let differing: Vec<_> = lines(world).await.into_iter().filter(|line| line.0 != "total").collect();
        assert_eq!(differing, [is("amount_differs", &order, ["90.00", "100.00", "100.00"])]);
    });
}

/// R4.10, R4.12, F18, F20: an order completed by hand is in every report until its provider confirms it or it is undone.
#[test]
fn an_order_completed_by_hand_is_reported_until_that_is_undone() {
    World::run(async |world| {
        bob(world).await;
        let order = completed_by_hand(world, "zpay").await;
        next_day(world).await;
        reconcile(world).await;
        assert_eq!(lines(world).await, [is("unconfirmed", &order, ["0.00", "100.00", "100.00"])]);
        let first = report(world, "zpay").await;
        assert_eq!((&first["unconfirmed"], &first["agrees"]), (&json!(1), &json!(true)));
        assert!(reviews(world).await.is_empty(), "it is known, and no difference");
        // Money that comes a day after the completion confirms nothing.
        world.pay(&order, json!({})).await;
        world.settle().await;
        assert_eq!(reviews(world).await[0]["reason"], "surplus");
        let undo = format!("/v1/admin/payment/orders/{}/complete/undo", order["id"].as_str().unwrap());
        world.admin().once().post(&undo, json!({"reason": "they paid by the gateway"})).await.is(200);
        world.settle().await;
        world.advance(24 * 3_600).await;
        reconcile(world).await;
        world.sign_in("admin").await;
        let next = world.admin().get(&format!("{REPORTS}/2026-11-21")).await.is(200);
        assert_eq!(next["items"], json!([]));
        world.sign_in("bob").await;
        assert_eq!(world.balance("bob").await, "0");
    });
}

async fn completed_by_hand(world: &World, provider: &str) -> Value {
    let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
    let complete = format!("/v1/admin/payment/orders/{}/complete", order["id"].as_str().unwrap());
    world.admin().once().post(&complete, json!({"reason": "seen at the bank"})).await.is(200);
    world.settle().await;
    order
}

/// R4.10, R4.12: the report confirms an order completed by hand that was paid without a webhook.
#[test]
fn the_report_confirms_what_a_person_completed() {
    for provider in ["stripe", "zpay"] {
        World::run(async |world| {
            bob(world).await;
            let order = ordered(world, provider, json!({"notify": "never"})).await;
            // The provider can't be reached, so that nobody knows of the payment when the order is completed.
            for _ in 0..4 {
                world.stack.faults.script("Provider", 0, Fault::Refused);
            }
            let complete = format!("/v1/admin/payment/orders/{}/complete", order["id"].as_str().unwrap());
            world.admin().once().post(&complete, json!({"reason": "seen there"})).await.is(200);
            world.stack.faults.clear();
            next_day(world).await;
            reconcile(world).await;
            assert_eq!(lines(world).await, [is("total", &json!({}), ["100.00"; 3])]);
            assert_eq!(report(world, provider).await["unconfirmed"], 0);
            assert_eq!(world.balance("bob").await, "18.05555554");
        });
    }
}

/// R4.10: a report made twice at once, or interrupted at any call, is completed without doubles.
#[test]
fn a_report_that_breaks_off_goes_on() {
    for (operation, fault) in [
        ("Provider", Fault::Refused),
        ("Provider", Fault::Truncated),
        ("TransactWriteItems", Fault::ReplyLost),
        ("TransactWriteItems", Fault::ErrorBefore),
        ("Query", Fault::Throttled),
    ] {
        for nth in 0..4 {
            World::run(async |world| {
                bob(world).await;
                ordered(world, "stripe", json!({})).await;
                ordered(world, "zpay", json!({"notify": "never"})).await;
                let unknown = ordered(world, "zpay", json!({})).await;
                world.stack.simulators.clear();
                next_day(world).await;
                world.stack.faults.script(operation, nth, fault);
                let (one, two) = tokio::join!(world.stack.tick("reconcile"), world.stack.tick("reconcile"));
                drop((one, two));
                world.stack.faults.clear();
                world.sign_in("admin").await;
                reconcile(world).await;
                let lines = lines(world).await;
                assert_eq!(lines.len(), 4, "{operation} {nth} {fault:?}: {lines:?}");
                assert!(lines.contains(&is("missing_there", &unknown, ["0.00", "100.00", "100.00"])));
                assert_eq!(reviews(world).await.len(), 2);
            });
        }
    }
}

/// R4.10: a day of many payments is compared page by page, each payment once.
#[test]
fn a_day_of_many_payments_is_compared_page_by_page() {
    World::run(async |world| {
        open(world).await;
        for buyer in 0..8 {
            let name = format!("bob{buyer}");
            world.register(&name, None).await;
            for (index, provider) in ["stripe", "zpay"].into_iter().cycle().take(14).enumerate() {
                let order = world.order(&name, json!({"offer_id": "o100", "provider": provider})).await;
                let notify = if index > 11 { "never" } else { "now" };
                world.pay(&order, json!({"notify": notify})).await;
            }
            world.settle().await;
        }
        world.advance(15 * 3_600).await;
        let did = reconcile(world).await;
        assert!(did["pages"].as_u64().unwrap() >= 8, "{did}");
        world.sign_in("admin").await;
        for provider in ["stripe", "zpay"] {
            let report = report(world, provider).await;
            assert_eq!((&report["checked"], &report["agrees"]), (&json!(56), &json!(true)), "{report}");
            assert_eq!(report["sums"][0]["ledger"]["amount"], "5600.00");
        }
    });
}

/// F14: a charge in a currency that nobody here knows is a line of its own, with a review; the rest of its day is compared.
#[test]
fn f14_a_charge_that_cannot_be_read_is_a_line_of_its_own() {
    World::run(async |world| {
        bob(world).await;
        ordered(world, "stripe", json!({})).await;
        let odd = ordered(world, "stripe", json!({"currency": "ZZZ", "notify": "never"})).await;
        let foreign = json!({"action": "subscribe", "amount": "5", "currency": "ZZZ", "notify": "never"});
        world.pay(&odd, foreign).await;
        next_day(world).await;
        for _ in 0..2 {
            assert_eq!(reconcile(world).await["failed"], 0);
        }
        let made = report(world, "stripe").await;
        assert_eq!((&made["state"], &made["checked"], &made["differences"]), (&json!("done"), &json!(2), &json!(1)));
        let found: Vec<_> = lines(world).await.into_iter().filter(|line| line.0 == "unreadable").collect();
        assert_eq!(found, [is("unreadable", &odd, ["0.00", "0.00", "0.00"])]);
        let opened = reviews(world).await;
        assert_eq!(opened.iter().map(|review| &review["reason"]).collect::<Vec<_>>(), ["unreadable"]);
        assert_eq!(opened[0]["order_id"], odd["id"]);
        assert_eq!(world.balance("bob").await, "18.05555554", "the other payment counts as ever");
    });
}
