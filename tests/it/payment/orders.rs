//! Creation and end of unpaid orders (R4.1–R4.4, R4.12, R5.4).
//! Price, provider, limits, lists, budgets.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use emulator::connector::{Backend, BoxFuture, ConnectFault};
use emulator::faults::Fault;
use emulator::sim::{AtTime, https};
use emulator::stack::TABLE;
use serde_json::{Value, json};
use shared::account::model::access::Bearer;
use shared::app::App;
use shared::kernel::fault::Error;
use shared::kernel::id::{OrderId, SessionId, UserId};
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::payment::create_order::{CreateOrder, create_order};
use shared::payment::gateway::{ProviderConfig, Providers};
use shared::payment::model::order::{FailureCode, Order, OrderStatus};
use shared::payment::model::price::TopUp;
use shared::table::context::Ctx;
use shared::table::idempotency::{Idempotency, IdempotencyKey};

use crate::world::{Answer, World};

const ORDERS: &str = "/v1/payment/orders";
const AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

async fn bob(world: &World) -> UserId {
    world.open().await;
    let told = world.register("bob", None).await;
    UserId::parse(told["user"]["id"].as_str().unwrap()).unwrap()
}

fn o100(provider: &str) -> Value {
    json!({"offer_id": "o100", "provider": provider})
}

fn path(order: &Value) -> String {
    format!("{ORDERS}/{}", order["id"].as_str().unwrap())
}

async fn ask(world: &World, key: &str, body: Value) -> Answer {
    world.user("bob").key(key).post(ORDERS, body).await
}

async fn stored(world: &World, order: &Value) -> Order {
    let id = OrderId::parse(order["id"].as_str().unwrap()).unwrap();
    world.stack.app.store.get::<Order>(&Order::key(id)).await.unwrap().unwrap().into_inner()
}

async fn statuses(world: &World, query: &str) -> Vec<String> {
    let list = world.user("bob").get(&format!("{ORDERS}{query}")).await.is(200);
    list["items"].as_array().unwrap().iter().map(|order| order["status"].as_str().unwrap().to_owned()).collect()
}

/// Provider that returns scripted responses, then behaves like the simulators; counts its calls.
#[derive(Debug)]
struct Scripted<B> {
    behind: B,
    answers: Mutex<VecDeque<Result<(u16, String), ConnectFault>>>,
    asked: Mutex<Vec<String>>,
}

impl<B: Backend> Backend for Scripted<B> {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
        self.asked.lock().unwrap().push(request.uri().path().to_owned());
        let next = self.answers.lock().unwrap().pop_front();
        Box::pin(async move {
            match next {
                None => self.behind.call(request).await,
                Some(Err(fault)) => Err(fault),
                Some(Ok((status, body))) => {
                    Ok(http::Response::builder().status(status).body(Bytes::from(body)).unwrap())
                }
            }
        })
    }
}

type Sims = Scripted<AtTime<emulator::clock::MovableClock>>;

/// The world's application with providers whose first responses are scripted.
fn scripted(world: &World, answers: &[Result<(u16, &str), ConnectFault>]) -> (App, Arc<Sims>) {
    let (stack, sim) = (&world.stack, world.stack.simulators.config());
    let behind = AtTime { simulators: Arc::clone(&stack.simulators), clock: stack.clock.clone() };
    let answers = answers.iter().map(|answer| answer.map(|(status, body)| (status, body.to_owned()))).collect();
    let sims = Arc::new(Scripted { behind, answers: Mutex::new(answers), asked: Mutex::default() });
    let config = ProviderConfig {
        payment_providers: None,
        public_base_url: sim.base_url.clone(),
        zpay_api_url: sim.zpay_api_url(),
        zpay_pid: sim.zpay_pid.clone(),
        zpay_key: sim.zpay_key.clone(),
        zpay_key_previous: String::new(),
        stripe_api_url: sim.stripe_api_url(),
        stripe_secret_key: sim.stripe_secret_key.clone(),
        stripe_webhook_secret: sim.stripe_webhook_secret.clone(),
        stripe_webhook_secret_previous: String::new(),
    };
    let backend: Arc<dyn Backend> = Arc::clone(&sims) as Arc<dyn Backend>;
    (App { providers: Providers::new(&config, &https(backend)), ..App::clone(&stack.app) }, sims)
}

fn once(app: &App, key: &str) -> Ctx {
    let idempotency = Idempotency::Key(IdempotencyKey::new(&app.config.secret, "bob", ORDERS, key, &json!({})));
    Ctx { idempotency, ..Ctx::system() }
}

/// A first session of this user.
fn by(user: UserId) -> Bearer {
    Bearer { user, session: SessionId::new(user.ulid()), password_number: 0, generation: 0 }
}

fn hundred(user: UserId) -> CreateOrder {
    CreateOrder {
        user,
        wanted: TopUp::Offer("o100".to_owned()),
        coupon: None,
        provider: Provider::Stripe,
        method: None,
        client_ip: Some("203.0.113.7".to_owned()),
        user_agent: Some("test".to_owned()),
    }
}

/// R4.3: an error of the provider, or no connection, makes the order `failed`.
/// Its key replays that, and the order counts towards the limit.
#[test]
fn an_order_whose_provider_fails_is_failed_and_stays_so() {
    let refused = Ok((400, r#"{"error": {"message": "Invalid currency: xyz sk_test_local"}}"#));
    let cases = [
        (vec![refused], FailureCode::ProviderRefused),
        (vec![Ok((402, r#"{"error": {"code": "card_declined"}}"#))], FailureCode::ProviderRefused),
        (vec![Ok((500, "oops"))], FailureCode::ProviderUnavailable),
        (vec![Ok((429, "{}"))], FailureCode::ProviderUnavailable),
        (vec![Ok((200, "<html>"))], FailureCode::ProviderUnavailable),
        (vec![Err(ConnectFault::Timeout)], FailureCode::ProviderUnavailable),
        (vec![Err(ConnectFault::Refused), Err(ConnectFault::Refused)], FailureCode::ProviderUnavailable),
    ];
    for (answers, code) in cases {
        World::run(async |world| {
            let bob = bob(world).await;
            let (app, sims) = scripted(world, &answers);
            let first = create_order(&app, &once(&app, "k"), &by(bob), &hundred(bob)).await.unwrap();
            let failure = first.answer.failure.clone().unwrap();
            assert_eq!((first.answer.status, failure.code), (OrderStatus::Failed, code), "{answers:?}");
            assert!(!failure.detail.contains("sk_test_local"), "{}", failure.detail);
            assert_eq!(first.answer.pay_url, None);
            let asked = sims.asked.lock().unwrap().len();
            let again = create_order(&app, &once(&app, "k"), &by(bob), &hundred(bob)).await.unwrap();
            assert!(again.replayed && again.answer == first.answer, "{again:?}");
            assert_eq!(sims.asked.lock().unwrap().len(), asked, "a repeated request asks nobody");
            world.advance(1).await;
            let new = create_order(&app, &once(&app, "a new key"), &by(bob), &hundred(bob)).await.unwrap();
            assert_eq!(new.answer.status, OrderStatus::Pending);
            assert_eq!(statuses(world, "").await, ["pending", "failed"]);
            assert_eq!(statuses(world, "?status=failed").await, ["failed"]);
        });
    }
}

/// R1.8, R4.3: the key of an order that failed at creation repeats that, also after a payment that the provider had made came.
#[test]
fn a_failed_order_that_was_paid_later_keeps_its_first_answer() {
    World::run(async |world| {
        bob(world).await;
        world.stack.faults.script("Provider", 0, Fault::ErrorAfter);
        let first = ask(world, "k", o100("stripe")).await.is(201);
        assert_eq!((&first["status"], &first["failure"]["code"]), (&json!("failed"), &json!("provider_unavailable")));
        world.pay(&first, json!({})).await;
        world.settle().await;
        assert_eq!(world.user("bob").get(&path(&first)).await.is(200)["status"], "paid");
        assert_eq!(ask(world, "k", o100("stripe")).await.is(201), first);
        assert_eq!(world.balance("bob").await, "18.05555554");
    });
}

/// R1.8, R4.3: a request whose order was not committed is tried again with its key, under the same order id. Stripe, which knows
/// that id with another expiry, makes a session that can be paid.
#[test]
fn an_order_that_was_lost_is_made_by_its_key_later_and_can_be_paid() {
    World::run(async |world| {
        bob(world).await;
        for provider in ["stripe", "zpay"] {
            for _ in 0..500 {
                world.stack.faults.script("TransactWriteItems", 0, Fault::Throttled);
            }
            ask(world, provider, o100(provider)).await.is(503);
            world.stack.faults.clear();
            world.advance(2).await;
            let order = ask(world, provider, o100(provider)).await.is(201);
            assert_eq!(order["status"], "pending", "{provider}: {order}");
            world.pay(&order, json!({})).await;
            world.settle().await;
            assert_eq!(world.user("bob").get(&path(&order)).await.is(200)["status"], "paid", "{provider}");
            assert_eq!(ask(world, provider, o100(provider)).await.is(201), order);
        }
        assert_eq!(world.balance("bob").await, "31.94444442");
    });
}

/// R4.2: a failed order counts towards the limit of its minute.
#[test]
fn failed_orders_count_in_their_minute() {
    World::run(async |world| {
        let bob = bob(world).await;
        let (app, sims) = scripted(world, &[Ok((500, "")), Ok((500, "")), Ok((500, ""))]);
        for key in ["a", "b", "c"] {
            let made = create_order(&app, &once(&app, key), &by(bob), &hundred(bob)).await.unwrap();
            assert_eq!(made.answer.status, OrderStatus::Failed);
        }
        let fourth = create_order(&app, &once(&app, "d"), &by(bob), &hundred(bob)).await.unwrap_err();
        assert!(matches!(fourth, Error::Refused(Refusal::RateLimited { retry_after: 1..=60, .. })), "{fourth:?}");
        assert_eq!(sims.asked.lock().unwrap().len(), 3, "the provider is not asked for what is refused");
        let replayed = create_order(&app, &once(&app, "a"), &by(bob), &hundred(bob)).await.unwrap();
        assert!(replayed.replayed, "the limit does not hide a first answer");
    });
}

/// R4.3: conflicts, lost replies and busy services re-plan the commit, but the provider is called once.
#[test]
fn however_often_it_is_committed_the_provider_is_asked_once() {
    for &fault in Fault::SEEN {
        World::run(async |world| {
            let bob = bob(world).await;
            let (app, sims) = scripted(world, &[]);
            for _ in 0..3 {
                world.stack.faults.script("TransactWriteItems", 0, fault);
            }
            let made = create_order(&app, &once(&app, "k"), &by(bob), &hundred(bob)).await;
            world.stack.faults.clear();
            assert_eq!(sims.asked.lock().unwrap().len(), 1, "{fault:?}");
            let again = create_order(&app, &once(&app, "k"), &by(bob), &hundred(bob)).await.unwrap();
            if let Ok(made) = made {
                assert_eq!(again.answer, made.answer, "{fault:?}");
            }
            assert_eq!(statuses(world, "").await.len(), 1, "{fault:?}");
        });
    }
}

/// R4.2, R1.8: simultaneous orders never exceed the limit, and one key makes one order.
#[test]
fn parallel_orders_keep_to_the_limit() {
    World::run(async |world| {
        bob(world).await;
        let same = || ask(world, "same", o100("stripe"));
        let (a, b, c, d, e, f) = tokio::join!(
            same(),
            same(),
            ask(world, "1", o100("zpay")),
            ask(world, "2", o100("zpay")),
            ask(world, "3", o100("zpay")),
            ask(world, "4", o100("zpay")),
        );
        let answers = [a, b, c, d, e, f];
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        let one_key: Vec<&str> =
            answers[..2].iter().filter(|answer| answer.status == 201).map(|a| a.text.as_str()).collect();
        assert!(one_key.windows(2).all(|two| two[0] == two[1]), "{one_key:?}");
        assert_eq!(statuses(world, "").await.len(), 3);
        assert_eq!(made, 3 + one_key.len().saturating_sub(1));
    });
}

/// R4.1, R4.12: the order shows its pricing basis, for an offer and for a custom amount.
#[test]
fn an_order_is_priced_from_the_settings_and_keeps_them() {
    World::run(async |world| {
        bob(world).await;
        world.settings("payment", |settings| settings["discount_rate"] = json!("0.333")).await;
        let body = json!({"amount": "10.01", "provider": "zpay", "method": "wxpay"});
        let agent = "Mozilla/5.0 ".repeat(40);
        let order = world.user("bob").once().header("user-agent", &agent).post(ORDERS, body).await.is(201);
        let money = |amount: &str, currency: &str| json!({"amount": amount, "currency": currency});
        assert_eq!(order["amount"], money("10.01", "CNY"));
        assert_eq!(order["charge"], money("3.34", "CNY"), "3.33333 is rounded up");
        assert_eq!(order["credit"], money("1.39027777", "USD"), "1.390277777 is rounded down");
        assert_eq!(order["bonus"], money("0.41708333", "USD"));
        assert_eq!(order["total"], money("1.8073611", "USD"));
        assert_eq!((&order["exchange_rate"], &order["discount_rate"]), (&json!("7.2"), &json!("0.333")));
        assert_eq!(order["promotion_tier"], json!({"index": 0, "percent": "30"}));
        assert_eq!(order["net"], money("0.00", "CNY"));
        assert_eq!((&order["method"], &order["refunds"], &order["late"]), (&json!("wxpay"), &json!([]), &json!(false)));
        assert_eq!((&order["paid_at"], &order["failure"]), (&Value::Null, &Value::Null));
        assert!(order["pay_url"].as_str().unwrap().contains("/submit.php?"), "{order}");
        assert_eq!(order["qr_content"], order["pay_url"]);
        let kept = stored(world, &order).await;
        assert_eq!(kept.client_ip.as_deref(), Some("203.0.113.7"));
        assert_eq!(kept.user_agent.unwrap().chars().count(), 200);
        world.settings("payment", |settings| settings["exchange_rate"] = json!("1")).await;
        assert_eq!(world.user("bob").get(&path(&order)).await.is(200), order);
    });
}

/// R4.1: an order stores the inviter, and the inviter's terms while the affiliate programme is on.
#[test]
fn an_order_snapshots_the_inviters_terms() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        let bob = world.register("bob", Some(&code)).await;
        assert_eq!(bob["referral"]["applied"], true);
        let off = stored(world, &world.order("bob", o100("zpay")).await).await;
        assert!(off.inviter.is_some() && off.affiliate.is_none(), "{off:?}");
        world
            .settings("affiliate", |settings| {
                settings["enabled"] = json!(true);
                settings["default_rate"] = json!("0.5");
                settings["hold_hours"] = json!(24);
            })
            .await;
        let terms = stored(world, &world.order("bob", o100("zpay")).await).await.affiliate.unwrap();
        assert_eq!(
            (terms.rate.to_string(), terms.trigger_limit),
            ("0.1".to_owned(), 3),
            "those of ann's sign-up (R6.1)"
        );
        assert_eq!((terms.hold_hours, terms.cap, terms.valid_until), (24, None, None));
    });
}

/// R4.8: a Zpay order's payment URL never changes, whatever the settings become.
#[test]
fn the_pay_url_of_an_order_never_changes() {
    let changes: [fn(&mut Value); 4] = [
        |_| (),
        |settings| settings["return_url"] = json!("https://shop.example.com/paid?from=guerdon"),
        |settings| settings["providers"]["zpay"]["channel_ids"] = json!({"alipay": "17"}),
        |settings| settings["providers"]["zpay"]["create"] = json!("api"),
    ];
    for before in changes {
        for after in changes {
            World::run(async |world| {
                bob(world).await;
                world.settings("payment", before).await;
                let order = ask(world, "k", o100("zpay")).await.is(201);
                world.settings("payment", after).await;
                assert_eq!(world.user("bob").get(&path(&order)).await.is(200), order);
                assert_eq!(world.user("bob").get(ORDERS).await.is(200)["items"][0], order);
                assert_eq!(ask(world, "k", o100("zpay")).await.is(201), order);
                let admins = format!("/v1/admin/payment/orders/{}", order["id"].as_str().unwrap());
                assert_eq!(world.admin().get(&admins).await.is(200)["pay_url"], order["pay_url"]);
                world.pay(&order, json!({})).await;
                world.settle().await;
                let paid = world.user("bob").get(&path(&order)).await.is(200);
                assert_eq!((&paid["status"], &paid["pay_url"]), (&json!("paid"), &Value::Null));
            });
        }
    }
}

/// R4.1: unknown offers, providers and methods are rejected at their field, and nothing is written.
#[test]
fn what_is_not_offered_is_refused() {
    World::run(async |world| {
        bob(world).await;
        let cases = [
            (json!({"offer_id": "o7", "provider": "zpay"}), "/offer_id", "unknown_offer"),
            (json!({"offer_id": "o10", "amount": "10", "provider": "zpay"}), "/amount", "one_of"),
            (json!({"provider": "zpay"}), "/amount", "one_of"),
            (json!({"amount": "10", "provider": "paypal"}), "/provider", "unknown"),
            (json!({"amount": "10", "provider": "zpay", "method": "card"}), "/method", "not_offered"),
        ];
        for (body, pointer, code) in cases {
            let problem = world.user("bob").once().post(ORDERS, body).await.refused(422, "invalid");
            assert_eq!(
                (&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]),
                (&json!(pointer), &json!(code))
            );
        }
        world.settings("payment", |settings| settings["providers"]["zpay"]["enabled"] = json!(false)).await;
        let config = world.user("bob").get("/v1/payment/config").await.is(200);
        assert_eq!(config["providers"], json!([{"id": "stripe", "methods": ["card"]}]));
        let problem = world.user("bob").once().post(ORDERS, o100("zpay")).await.refused(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/provider", "a provider that is switched off takes no order");
        world.settings("payment", |settings| settings["enabled"] = json!(false)).await;
        world.user("bob").once().post(ORDERS, o100("stripe")).await.refused(409, "programme_off");
        let config = world.user("bob").get("/v1/payment/config").await.is(200);
        assert_eq!(config["providers"], json!([]));
        assert!(statuses(world, "").await.is_empty());
    });
}

/// R4.1, R4.2: the defaults of the payment page.
#[test]
fn the_payment_page_shows_offers_with_their_price() {
    World::run(async |world| {
        bob(world).await;
        let config = world.user("bob").get("/v1/payment/config").await.is(200);
        assert_eq!(config["currency"], "CNY");
        assert_eq!((&config["min_amount"], &config["max_amount"]), (&json!("1"), &json!("10000")));
        let offers = config["offers"].as_array().unwrap();
        let ids: Vec<&str> = offers.iter().map(|offer| offer["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["o10", "o50", "o100", "o500"]);
        let hundred = json!({
            "id": "o100", "amount": {"amount": "100.00", "currency": "CNY"}, "charge": {"amount": "100.00", "currency": "CNY"},
            "credit": {"amount": "13.88888888", "currency": "USD"}, "bonus": {"amount": "0", "currency": "USD"},
            "stackable": false, "label": "¥100", "popular": true,
        });
        assert_eq!(offers[2], hundred);
        world.nobody().get("/v1/payment/config").await.refused(401, "unauthenticated");
    });
}

/// R2.8: a blocked user creates and cancels no order, but a key still replays its first response.
#[test]
fn a_blocked_user_makes_and_cancels_no_order() {
    World::run(async |world| {
        let bob = bob(world).await;
        let order = ask(world, "k", o100("zpay")).await.is(201);
        let block = json!({"status": "blocked", "reason": "test"});
        world.admin().put(&format!("/v1/admin/users/{bob}/status"), block).await.is(200);
        world.user("bob").once().post(ORDERS, o100("zpay")).await.refused(403, "account_blocked");
        world.user("bob").post(&format!("{}/cancel", path(&order)), json!({})).await.refused(403, "account_blocked");
        assert_eq!(ask(world, "k", o100("zpay")).await.is(201), order);
        assert_eq!(stored(world, &order).await.status, OrderStatus::Pending);
    });
}

/// R4.4, R4.7: cancelling closes the payment session; cancelling again returns the same.
#[test]
fn cancelling_closes_the_session_first() {
    World::run(async |world| {
        bob(world).await;
        let order = world.order("bob", o100("stripe")).await;
        let cancel = format!("{}/cancel", path(&order));
        let cancelled = world.user("bob").post(&cancel, json!({})).await.is(200);
        assert_eq!((&cancelled["status"], &cancelled["pay_url"]), (&json!("cancelled"), &Value::Null));
        assert_eq!(world.user("bob").post(&cancel, json!({})).await.is(200), cancelled);
        let book = world.stack.simulators.book();
        assert_eq!(book.session_of(order["id"].as_str().unwrap()).unwrap().status.as_str(), "expired");
        world.settle().await;
        assert_eq!(statuses(world, "").await, ["cancelled"], "the session's own end changes nothing");
    });
}

/// R4.4: an already paid order can't be cancelled, even before its webhook came.
#[test]
fn an_order_that_is_paid_meanwhile_is_not_cancelled() {
    World::run(async |world| {
        bob(world).await;
        let order = world.order("bob", o100("stripe")).await;
        world.pay(&order, json!({"delay_seconds": 30})).await;
        let cancel = format!("{}/cancel", path(&order));
        world.user("bob").post(&cancel, json!({})).await.refused(409, "order_not_pending");
        world.advance(31).await;
        world.settle().await;
        assert_eq!(statuses(world, "").await, ["paid"]);
        world.user("bob").post(&cancel, json!({})).await.refused(409, "order_not_pending");
    });
}

/// R4.4: a cancellation whose reply is lost is recognised; an unreachable provider does not block it.
#[test]
fn a_cancellation_survives_any_single_fault() {
    for &fault in Fault::SEEN {
        World::run(async |world| {
            bob(world).await;
            let order = world.order("bob", o100("stripe")).await;
            let cancel = format!("{}/cancel", path(&order));
            world.stack.faults.script("TransactWriteItems", 0, fault);
            let answer = world.user("bob").post(&cancel, json!({})).await;
            assert!(answer.status == 200 || answer.status == 503, "{fault:?}: {}", answer.text);
            assert_eq!(world.user("bob").post(&cancel, json!({})).await.is(200)["status"], "cancelled", "{fault:?}");
        });
    }
}

/// R4.12: the list is newest first, paged, filtered by state; a cursor works only for its caller.
#[test]
fn the_users_orders_are_paged_and_filtered() {
    World::run(async |world| {
        bob(world).await;
        world.register("eve", None).await;
        let mut made = Vec::new();
        for amount in ["1", "2", "3", "4", "5"] {
            made.push(world.order("bob", json!({"amount": amount, "provider": "zpay"})).await["id"].clone());
            world.advance(61).await;
        }
        let cancel = format!("{ORDERS}/{}/cancel", made[1].as_str().unwrap());
        world.user("bob").post(&cancel, json!({})).await.is(200);
        made.reverse();
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.user("bob").get(&format!("{ORDERS}?limit=2{cursor}")).await.is(200);
            seen.extend(page["items"].as_array().unwrap().iter().map(|order| order["id"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, made);
        assert_eq!(statuses(world, "?status=cancelled").await, ["cancelled"]);
        assert_eq!(statuses(world, "?status=pending").await.len(), 4);
        let bad = |query: &str| format!("{ORDERS}?{query}");
        world.user("bob").get(&bad("status=lost")).await.refused(422, "invalid");
        world.user("bob").get(&bad("status=paid&status=failed")).await.refused(400, "malformed_request");
        world.user("bob").get(&bad("limit=0")).await.refused(422, "invalid");
        world.user("eve").get(&bad(&format!("limit=2{cursor}"))).await.refused(400, "forged_cursor");
        assert_eq!(world.user("eve").get(ORDERS).await.is(200)["items"], json!([]));
    });
}

/// R5.4: the promotion as its user sees it, from sign-up to its end, with its use.
#[test]
fn the_promotion_tells_its_tier_and_what_is_left() {
    World::run(async |world| {
        bob(world).await;
        let fresh = world.user("bob").get("/v1/promotion").await.is(200);
        assert_eq!((&fresh["enabled"], &fresh["status"]), (&json!(true), &json!("active")));
        assert_eq!((&fresh["current_tier"]["index"], &fresh["current_tier"]["percent"]), (&json!(0), &json!("30")));
        assert_eq!(fresh["tiers"].as_array().unwrap().len(), 4);
        assert_eq!(fresh["used"], Value::Null);
        assert!((86_390..=86_400).contains(&fresh["tier_seconds_left"].as_u64().unwrap()), "{fresh}");
        assert!((259_190..=259_200).contains(&fresh["window_seconds_left"].as_u64().unwrap()), "{fresh}");
        world.advance(30 * 3_600).await;
        world.sign_in("bob").await;
        assert_eq!(world.user("bob").get("/v1/promotion").await.is(200)["current_tier"]["percent"], "20");
        let order = world.order("bob", o100("stripe")).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        let used = world.user("bob").get("/v1/promotion").await.is(200);
        assert_eq!((&used["status"], &used["current_tier"]), (&json!("used"), &Value::Null));
        assert_eq!((&used["used"]["order_id"], &used["used"]["tier"]), (&order["id"], &json!(1)));
        assert_eq!(used["used"]["bonus"], json!({"amount": "2.77777777", "currency": "USD"}));
        world.sign_in("admin").await;
        world.register("eve", None).await;
        world.settings("promotion", |settings| settings["enabled"] = json!(false)).await;
        world.register("joe", None).await;
        let none = world.user("joe").get("/v1/promotion").await.is(200);
        assert_eq!((&none["enabled"], &none["status"]), (&json!(false), &json!("none")));
        world.advance(73 * 3_600).await;
        world.sign_in("eve").await;
        assert_eq!(world.user("eve").get("/v1/promotion").await.is(200)["status"], "expired");
    });
}

/// R5.2: an order below the promotion's minimum has no tier.
#[test]
fn an_order_below_the_minimum_earns_no_bonus() {
    World::run(async |world| {
        world.open().await;
        world.settings("promotion", |settings| settings["min_amount"] = json!("50")).await;
        world.register("bob", None).await;
        let below = world.order("bob", json!({"amount": "49.99", "provider": "zpay"})).await;
        assert_eq!((&below["promotion_tier"], &below["bonus"]["amount"]), (&Value::Null, &json!("0")));
        let enough = world.order("bob", json!({"amount": "50", "provider": "zpay"})).await;
        assert_eq!(enough["promotion_tier"]["index"], 0);
    });
}

/// Weight of an item as DynamoDB counts it: names and values, in bytes.
pub fn weight(item: &Value) -> usize {
    let of = |(name, value): (&String, &Value)| name.len() + value_weight(value);
    item.as_object().unwrap().iter().map(of).sum()
}

fn value_weight(value: &Value) -> usize {
    let (kind, inner) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "S" => inner.as_str().unwrap().len(),
        "N" => inner.as_str().unwrap().len().div_ceil(2) + 1,
        "M" => 3 + inner.as_object().unwrap().len() + weight(inner),
        "L" => 3 + inner.as_array().unwrap().iter().map(|value| 1 + value_weight(value)).sum::<usize>(),
        _ => 1,
    }
}

/// Budget: with the affiliate programme on, the inviter's terms are one more read.
/// The order still fits its unit.
#[test]
fn an_order_with_an_inviters_terms_costs_one_read_more() {
    World::run(async |world| {
        world.open().await;
        let all = json!({"enabled": true, "cap_per_invitee": "100", "valid_days": 365, "hold_hours": 720});
        world
            .settings("affiliate", |settings| {
                settings.as_object_mut().unwrap().extend(all.as_object().unwrap().clone())
            })
            .await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        world.order("bob", o100("zpay")).await;
        world.stack.dynamo.reset();
        world.stack.faults.calls();
        let order = world.user("bob").once().header("user-agent", AGENT).post(ORDERS, o100("zpay")).await.is(201);
        assert_eq!(world.stack.faults.calls(), ["BatchGetItem", "GetItem", "TransactWriteItems"]);
        assert_eq!(world.stack.dynamo.used()["TransactWriteItems"].write_units, 7);
        assert!(stored(world, &order).await.affiliate.unwrap().cap.is_some());
    });
}

/// Budget: two round trips and seven write units beside the provider; a replay is one read.
#[test]
fn an_order_costs_what_its_budget_says() {
    for provider in ["zpay", "stripe"] {
        World::run(async |world| {
            world.open().await;
            world.register("ann", None).await;
            let code = world.code("ann").await;
            world.register("bob", Some(&code)).await;
            let page = "https://shop.example.com/account/payments/done";
            world.settings("payment", |settings| settings["return_url"] = json!(page)).await;
            world.order("bob", o100(provider)).await;
            world.stack.dynamo.reset();
            world.stack.faults.calls();
            let order =
                world.user("bob").key("k").header("user-agent", AGENT).post(ORDERS, o100(provider)).await.is(201);
            let mut calls = world.stack.faults.calls();
            calls.retain(|call| call != "Provider");
            assert_eq!(calls, ["BatchGetItem", "TransactWriteItems"], "{provider}");
            let kept = world.stack.dynamo.scan(TABLE).unwrap();
            let item = kept.iter().find(|item| item["id"]["S"] == order["id"] && item["type"]["S"] == "order").unwrap();
            assert!(weight(item) <= 1_024, "{provider}: an order weighs {}", weight(item));
            let used = world.stack.dynamo.used();
            assert_eq!(used["TransactWriteItems"].write_units, 7, "{provider}: {used:?}");
            ask(world, "k", o100(provider)).await.is(201);
            assert_eq!(world.stack.faults.calls(), ["BatchGetItem"], "{provider}: once more");
            world.stack.faults.calls();
            world.user("bob").get(ORDERS).await.is(200);
            assert_eq!(world.stack.faults.calls(), ["Query", "BatchGetItem"], "a page is keys, then items");
        });
    }
}
