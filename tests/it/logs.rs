//! S2: logs hold no secrets and no personal data, under any fault.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use emulator::faults::Fault;
use serde_json::json;
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;

use crate::world::World;

thread_local! {
    /// Log output of this thread while it is recorded.
    static LOGGED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writer of the process's subscriber: appends to the current thread's record, if there is one.
struct Logged;

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.iter_mut().for_each(|logged| logged.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs `test` and returns its log output, down to DEBUG.
///
/// There is one subscriber for the whole process. With one per test, a call site that another thread hits first could be cached
/// as disabled.
fn logged(test: impl AsyncFnOnce(&World)) -> String {
    static SUBSCRIBED: Once = Once::new();
    SUBSCRIBED.call_once(|| {
        let heard = dynamic_filter_fn(|of, _| *of.level() <= Level::DEBUG && LOGGED.with_borrow(Option::is_some));
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Logged).with_filter(heard);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).unwrap();
    });
    LOGGED.set(Some(Vec::new()));
    World::run(test);
    String::from_utf8(LOGGED.take().unwrap()).unwrap()
}

/// Registers, pays, redeems and resets under faults; returns every text that must not be logged.
async fn live(world: &World) -> Vec<String> {
    let mut secrets: Vec<String> =
        ["correct horse battery", "example.com", "203.0.113.7", "a world's secret", "TOPSECRET"]
            .map(str::to_owned)
            .into();
    let sims = world.stack.simulators.config();
    let theirs = [&sims.stripe_secret_key, &sims.stripe_webhook_secret, &sims.zpay_key];
    secrets.extend(theirs.into_iter().cloned());
    world.open().await;
    secrets.extend(product(world).await);
    for fault in Fault::ALL {
        world.stack.faults.script("TransactWriteItems", 0, fault);
        let body = json!({"email": format!("{fault:?}@example.com"), "password": "correct horse battery TOPSECRET"});
        world.nobody().key("k").post("/v1/registrations", body).await;
        world.stack.faults.clear();
    }
    let bob = world.register("bob", None).await;
    secrets.extend(["access_token", "refresh_token"].map(|token| bob["session"][token].as_str().unwrap().to_owned()));
    for provider in ["stripe", "zpay"] {
        let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
        world.stack.faults.script("BatchGetItem", 0, Fault::ALL[0]);
        world.pay(&order, json!({"notify": "twice"})).await;
        world.settle().await;
        world.stack.faults.clear();
    }
    let code = world.codes(json!({"label": "x", "count": 1, "credit": "1", "total_uses": 1})).await.remove(0);
    secrets.extend([code.clone(), code.replace('-', "")]);
    for fault in Fault::ALL {
        world.stack.faults.script("TransactWriteItems", 0, fault);
        world.redeem("bob", &code).await;
        world.stack.faults.clear();
    }
    withdraw(world).await;
    world.nobody().post("/v1/password-resets", json!({"email": "bob@example.com"})).await.is(202);
    world.nobody().post("/v1/sessions", json!({"email": "bob@example.com", "password": "TOPSECRET"})).await;
    let damaged = format!("{}TOPSECRET", bob["session"]["refresh_token"].as_str().unwrap());
    for token in [damaged.as_str(), "TOPSECRET"] {
        world.nobody().post("/v1/sessions/refresh", json!({"refresh_token": token})).await.is_problem();
        world.nobody().header("authorization", &format!("Bearer {token}")).get("/v1/me").await.is_problem();
    }
    world.nobody().raw("POST", "/v1/webhooks/stripe", "{\"secret\": \"TOPSECRET\"}").await;
    world.nobody().get("/v1/webhooks/zpay?name=TOPSECRET&sign=0").await;
    world.user("bob").get("/v1/payment/orders?cursor=TOPSECRET").await;
    world.settle().await;
    secrets
}

/// Sends events to an endpoint whose URL holds a password and that fails at times; returns its secret.
async fn product(world: &World) -> Vec<String> {
    let url = "https://product.test/_sim/webhook/TOPSECRET?token=TOPSECRET";
    let body =
        json!({"url": url, "events": ["user.registered", "order.paid", "redemption.completed", "withdrawal.paid"]});
    let made = world.admin().post("/v1/admin/webhook-endpoints", body).await.is(201);
    world.stack.simulators.answer_events(500, 2);
    let moved = json!({"url": "https://10.0.0.1/?token=TOPSECRET", "events": ["order.paid"]});
    world.admin().post("/v1/admin/webhook-endpoints", moved).await.is(422);
    // The URL of a chat is its secret.
    let chat = json!({"url": "https://chat.test/_sim/webhook/TOPSECRET", "events": ["user.*"], "format": "slack"});
    world.admin().post("/v1/admin/webhook-endpoints", chat).await.is(201);
    let secret = made["secret"].as_str().unwrap();
    vec![secret.to_owned(), secret.trim_start_matches("whsec_").to_owned()]
}

/// Ann earns commission and requests a cash withdrawal under every kind of fault; an admin pays it.
async fn withdraw(world: &World) {
    world
        .settings("affiliate", |settings| {
            settings["enabled"] = json!(true);
            settings["min_cash_withdrawal"] = json!("0.1");
        })
        .await;
    world.register("ann", None).await;
    world.register("carol", Some(&world.code("ann").await)).await;
    let order = world.order("carol", json!({"offer_id": "o100", "provider": "zpay"})).await;
    world.pay(&order, json!({})).await;
    world.settle().await;
    let payout = json!({"method": "bank", "account": "DE02 TOPSECRET", "name": "Ann TOPSECRET"});
    let body = json!({"amount": "0.1", "to": "cash", "payout": payout});
    for fault in Fault::ALL {
        world.stack.faults.script("TransactWriteItems", 0, fault);
        world.user("ann").key("cash").post("/v1/affiliate/withdrawals", body.clone()).await;
        world.stack.faults.clear();
    }
    let asked = world.user("ann").get("/v1/affiliate/withdrawals").await.is(200);
    let approve = format!("/v1/admin/withdrawals/{}/approve", asked["items"][0]["id"].as_str().unwrap());
    world.sign_in("admin").await;
    world.admin().post(&approve, json!({"reference": "TOPSECRET"})).await.is(200);
}

/// A fault is logged once, with the error that caused it and that error's own source.
#[test]
fn a_fault_is_logged_once_with_its_sources() {
    let log = logged(async |world| {
        world.register("bob", None).await;
        for _ in 0..5 {
            world.stack.faults.script("Query", 0, Fault::Refused);
        }
        world.user("bob").get("/v1/payment/orders").await.refused(503, "unavailable");
        world.stack.faults.clear();
    });
    let faults: Vec<&str> = log.lines().filter(|line| line.contains(" fault=")).collect();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("fault=Query: dispatch failure: "), "{faults:?}");
}

/// S2: logs hold no secrets and no personal data.
#[test]
fn logs_hold_no_secrets_and_no_personal_data() {
    let mut secrets = Vec::new();
    let text = logged(async |world| secrets = live(world).await);
    // Below INFO, where no deployment logs, other libraries may log anything.
    let ours = |line: &&str| !line.contains("DEBUG") || line.contains("shared::") || line.contains("webhook");
    let of_house = |line: &&str| ["shared::", "table::", "edge::"].iter().any(|module| line.contains(module));
    assert!(text.lines().filter(of_house).count() > 50);
    for secret in secrets {
        let shown: Vec<&str> = text.lines().filter(ours).filter(|line| line.contains(&secret)).collect();
        assert!(shown.is_empty(), "{secret} is logged: {shown:#?}");
    }
}

/// R9.4: callback results, granted rewards and cancellations are metrics, each counted once.
#[test]
fn callbacks_rewards_and_cancellations_are_metrics() {
    let text = logged(async |world| {
        world.open().await;
        world.register("ann", None).await;
        world.register("bob", Some(&world.code("ann").await)).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        world.pay(&order, json!({"notify": "twice"})).await;
        world.nobody().get("/v1/webhooks/zpay?sign=0").await;
        world.settle().await;
        let given_up = world.order("bob", json!({"offer_id": "o10", "provider": "zpay"})).await;
        let cancel = format!("/v1/payment/orders/{}/cancel", given_up["id"].as_str().unwrap());
        for _ in 0..2 {
            world.user("bob").post(&cancel, json!({})).await.is(200);
        }
    });
    let count = |name: &str, dimension: &str| {
        let metric = format!("metric=\"{name}\"");
        text.lines().filter(|line| line.contains(&metric) && line.contains(dimension)).count()
    };
    assert_eq!((count("Callbacks", "\"credited\""), count("Callbacks", "\"forged\"")), (2, 1));
    assert_eq!((count("RewardsGranted", "value=1"), count("Orders", "\"cancelled\"")), (1, 1));
}

/// F16: one mismatch is one alarm, however often its transaction is tried and its notification repeated.
#[test]
fn f16_one_review_is_one_alarm_however_often_it_was_tried() {
    let text = logged(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "stripe"})).await;
        let event = crate::payment::webhooks::completed(world, &order).await;
        let wrong = [("/id", json!("evt_wrong")), ("/data/object/amount_total", json!(1))];
        let wrong = crate::payment::webhooks::with(&event, &wrong);
        for nth in 0..3 {
            world.stack.faults.script("TransactWriteItems", nth, Fault::Conflict);
        }
        let told = (0..8).map(|_| crate::payment::webhooks::tell(world, &wrong)).collect();
        for answer in crate::race::together(told).await {
            answer.is(200);
        }
        world.stack.faults.clear();
        crate::payment::webhooks::tell(world, &event).await.is(200);
    });
    let count = |words: &str| text.lines().filter(|line| line.contains(words)).count();
    assert_eq!((count("metric=\"ReviewsOpened\""), count("needs a person")), (1, 1));
}
