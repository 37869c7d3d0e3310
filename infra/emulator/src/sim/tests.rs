//! The simulators, called and verified by the functions' own provider code.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::ToSpan;
use shared::kernel::id::OrderId;
use shared::payment::gateway::http::GatewayFault;
use shared::payment::gateway::stripe::event::StripeFact;
use shared::payment::gateway::stripe::{AskFailure, PaymentStatus, SessionStatus as Status, Stripe};
use shared::payment::gateway::zpay::Zpay;
use shared::payment::gateway::zpay::notify::ZpayNotice;
use shared::payment::gateway::{CreateFailure, Created, NewPayment, Provider, ProviderConfig, Providers, ZpayCreate};

use super::*;
use crate::clock::MovableClock;

mod returns;

const BASE: &str = "http://127.0.0.1:3000";

struct Shop {
    simulators: Arc<Simulators>,
    clock: MovableClock,
    providers: Providers,
}

fn start() -> Timestamp {
    "2026-11-20T20:00:00Z".parse().unwrap()
}

fn order(number: u8) -> OrderId {
    OrderId::parse(&format!("ord_01k9zq4r7x8m2v5b3n6c1d0fg{number}")).unwrap()
}

impl Shop {
    fn open() -> Self {
        Self::with(|_| ())
    }

    /// A shop whose own secrets `change` may alter.
    fn with(change: impl FnOnce(&mut ProviderConfig)) -> Self {
        let config = SimConfig::new(BASE);
        let mut own = ProviderConfig {
            payment_providers: None,
            public_base_url: BASE.to_owned(),
            zpay_api_url: config.zpay_api_url(),
            zpay_pid: config.zpay_pid.clone(),
            zpay_key: config.zpay_key.clone(),
            zpay_key_previous: String::new(),
            stripe_api_url: config.stripe_api_url(),
            stripe_secret_key: config.stripe_secret_key.clone(),
            stripe_webhook_secret: config.stripe_webhook_secret.clone(),
            stripe_webhook_secret_previous: String::new(),
        };
        change(&mut own);
        let simulators = Arc::new(Simulators::new(config, Book::default()));
        let clock = MovableClock::standing(start());
        let backend = AtTime { simulators: Arc::clone(&simulators), clock: clock.clone() };
        Self { providers: Providers::new(&own, &https(Arc::new(backend))), simulators, clock }
    }

    fn stripe(&self) -> &Stripe {
        self.providers.stripe.as_ref().unwrap()
    }

    fn zpay(&self) -> &Zpay {
        self.providers.zpay.as_ref().unwrap()
    }

    async fn create(&self, provider: Provider, order: OrderId, how: ZpayCreate) -> Result<Created, CreateFailure> {
        let charge: shared::kernel::money::PayMoney =
            serde_json::from_value(json!({"amount": "100", "currency": "CNY"})).unwrap();
        let ask = NewPayment {
            order,
            charge,
            name: "Top-up ¥100",
            methods: vec![if provider == Provider::Stripe { "card" } else { "alipay" }],
            return_url: "http://127.0.0.1:3000/payment/result?from=pay",
            cancel_url: "http://127.0.0.1:3000/payment/result",
            expires_at: start() + 30.minutes(),
            now: self.clock.now(),
            client_ip: Some("203.0.113.9"),
            zpay_create: how,
            channel_ids: &BTreeMap::new(),
        };
        self.providers.create(provider, &ask).await
    }

    async fn send(&self, request: Request<Bytes>) -> (StatusCode, String) {
        let response = self.simulators.handle(request, self.clock.now()).await;
        (response.status(), String::from_utf8(response.into_body().to_vec()).unwrap())
    }

    async fn open_page(&self, url: &str) -> (StatusCode, String) {
        self.send(Request::get(url).body(Bytes::new()).unwrap()).await
    }

    async fn pay(&self, ask: Value) -> (StatusCode, Value) {
        let request = Request::post(format!("{BASE}/_sim/pay")).header("content-type", "application/json");
        let (status, body) = self.send(request.body(Bytes::from(ask.to_string())).unwrap()).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    /// The due events that tell of money, verified and parsed by the functions' code.
    fn stripe_events(&self) -> Vec<shared::payment::gateway::stripe::event::StripeEvent> {
        let due = self.simulators.due(self.clock.now());
        let read = |delivery: &Delivery| {
            let signature = delivery.request.headers()["stripe-signature"].to_str().unwrap();
            let body = delivery.request.body();
            self.stripe().verify(signature, body, self.clock.now()).unwrap();
            self.stripe().parse(body).unwrap()
        };
        due.iter()
            .map(read)
            .filter(|event| !matches!(event.fact, StripeFact::Charged(_) | StripeFact::Other(_)))
            .collect()
    }

    fn zpay_notices(&self) -> Vec<ZpayNotice> {
        let due = self.simulators.due(self.clock.now());
        let read = |delivery: &Delivery| {
            let uri = delivery.request.uri();
            assert_eq!((uri.path(), delivery.request.method()), ("/v1/webhooks/zpay", &Method::GET));
            self.zpay().verify(uri.query().unwrap()).unwrap()
        };
        due.iter().map(read).collect()
    }
}

/// R4.7
#[tokio::test]
async fn a_paid_session_is_told_by_signed_events_that_name_its_order() {
    let shop = Shop::open();
    let created = shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await.unwrap();
    let session = created.provider_ref.unwrap();
    assert_eq!(shop.stripe().retrieve(&session).await.unwrap().status, Status::Open);
    let (status, done) =
        shop.pay(json!({"provider": "stripe", "order_id": order(1), "action": "pay", "notify": "now"})).await;
    assert_eq!(status, 200, "{done}");
    let events = shop.stripe_events();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    let StripeFact::SessionCompleted(fact) = &event.fact else { panic!("{event:?}") };
    assert_eq!(fact.names.order(), Some(order(1)));
    assert_eq!(fact.amount.unwrap().to_string(), "100.00 CNY");
    assert_eq!(fact.payment_status, PaymentStatus::Paid);
    assert_eq!(event.created, start());
    let intent = shop.stripe().payment_intent(fact.payment_intent.as_deref().unwrap()).await.unwrap();
    assert!(intent.succeeded && !intent.livemode);
    assert_eq!((intent.names.order(), intent.taken_at), (Some(order(1)), start()));
    let told = shop.stripe().retrieve(&session).await.unwrap();
    assert_eq!((told.status, told.payment_status), (Status::Complete, PaymentStatus::Paid));
}

/// R4.7: the idempotency key is the order, so two requests create one session. A request at another time is another request.
#[tokio::test]
async fn asking_stripe_twice_for_an_order_makes_one_session() {
    let shop = Shop::open();
    let first = shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await.unwrap();
    assert_eq!(shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await.unwrap(), first);
    assert_eq!(shop.simulators.book().sessions.len(), 1);
    shop.clock.advance(std::time::Duration::from_secs(120));
    let other = shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await;
    assert_ne!(other.unwrap(), first);
    assert_eq!(shop.simulators.book().sessions.len(), 2);
}

/// R4.3
#[tokio::test]
async fn wrong_keys_are_refused() {
    let shop = Shop::with(|own| {
        own.stripe_secret_key = "sk_test_another".to_owned();
        own.zpay_key = "another".to_owned();
    });
    let stripe = shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await;
    assert!(matches!(stripe, Err(CreateFailure::Refused(detail)) if detail.contains("Invalid API Key")));
    let zpay = shop.create(Provider::Zpay, order(1), ZpayCreate::Api).await;
    assert_eq!(zpay, Err(CreateFailure::Refused("签名错误".to_owned())));
    let redirect = shop.create(Provider::Zpay, order(1), ZpayCreate::Redirect).await.unwrap();
    assert_eq!(shop.open_page(&redirect.pay_url).await.0, 400);
    assert_eq!(shop.zpay().query(order(1)).await, Err(GatewayFault::BadAnswer));
    let book = shop.simulators.book();
    assert!(book.sessions.is_empty() && book.trades.is_empty());
}

/// R4.7
#[tokio::test]
async fn an_expired_session_can_no_longer_be_paid() {
    let shop = Shop::open();
    let mut expired = Vec::new();
    for number in [1, 2] {
        let created = shop.create(Provider::Stripe, order(number), ZpayCreate::Redirect).await.unwrap();
        expired.push(created.provider_ref.unwrap());
    }
    assert_eq!(shop.stripe().expire(&expired[0]).await.unwrap().status, Status::Expired);
    let again = shop.stripe().expire(&expired[0]).await;
    assert!(matches!(again, Err(AskFailure::Refused(detail)) if detail.contains("expired")));
    shop.clock.advance(std::time::Duration::from_secs(31 * 60));
    assert_eq!(shop.stripe().retrieve(&expired[1]).await.unwrap().status, Status::Expired);
    for number in [1, 2] {
        let (status, _) = shop.pay(json!({"provider": "stripe", "order_id": order(number), "action": "pay"})).await;
        assert_eq!(status, 409);
    }
    let events = shop.stripe_events();
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| matches!(event.fact, StripeFact::SessionExpired(_))));
}

/// R4.5: a second payment of an order has its own payment intent.
#[tokio::test]
async fn paying_twice_makes_two_payments_of_one_order() {
    let shop = Shop::open();
    shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await.unwrap();
    shop.pay(json!({"provider": "stripe", "order_id": order(1), "action": "pay", "times": 2})).await;
    let events = shop.stripe_events();
    let facts: Vec<_> = events
        .iter()
        .map(|event| match &event.fact {
            StripeFact::SessionCompleted(fact) => (fact.names.order(), fact.payment_intent.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    let [first, second] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!((first.0, second.0), (Some(order(1)), Some(order(1))));
    assert_ne!(first.1, second.1);
}

/// R4.5
#[tokio::test]
async fn a_wrong_amount_and_currency_are_told_as_paid() {
    let shop = Shop::open();
    shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await.unwrap();
    let ask = json!({"provider": "stripe", "order_id": order(1), "action": "pay", "amount": "5", "currency": "JPY"});
    shop.pay(ask).await;
    let events = shop.stripe_events();
    let StripeFact::SessionCompleted(fact) = &events[0].fact else { panic!() };
    assert_eq!(fact.amount.unwrap().to_string(), "5 JPY");
}

/// R4.9: lost webhooks stay readable as events; others are sent as often as requested.
#[tokio::test]
async fn webhooks_can_be_lost_doubled_and_delayed() {
    let shop = Shop::open();
    for (number, how, extra) in [(1, "never", 0), (2, "twice", 0), (3, "now", 3600)] {
        shop.create(Provider::Stripe, order(number), ZpayCreate::Redirect).await.unwrap();
        let order = order(number);
        shop.pay(json!({
            "provider": "stripe", "order_id": order, "action": "pay", "notify": how, "delay_seconds": extra
        }))
        .await;
    }
    let events = shop.stripe_events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].id, events[1].id);
    assert_eq!(shop.simulators.book().events.len(), 9);
    for delivery in shop.simulators.book().parcels.keys() {
        shop.simulators.delivered(*delivery, 200, b"");
    }
    assert_eq!(shop.simulators.next_due(), None);
}

/// R4.10: an unacknowledged webhook is sent again with a new signature; an acknowledged one is not.
#[tokio::test]
async fn a_webhook_is_repeated_until_it_is_acknowledged() {
    let shop = Shop::open();
    shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await.unwrap();
    shop.pay(json!({"provider": "stripe", "order_id": order(1), "action": "pay"})).await;
    assert_eq!(shop.stripe_events().len(), 1);
    assert_eq!(shop.stripe_events().len(), 0);
    shop.clock.advance(std::time::Duration::from_secs(3600));
    assert_eq!(shop.stripe_events().len(), 1);
    let ids: Vec<u64> = shop.simulators.book().parcels.keys().copied().collect();
    for id in &ids {
        shop.simulators.delivered(*id, 500, b"");
    }
    assert_eq!(shop.simulators.book().parcels.len(), 3);
    for id in ids {
        shop.simulators.delivered(id, 200, b"");
    }
    assert!(shop.simulators.book().parcels.is_empty());
}

/// R4.8
#[tokio::test]
async fn a_zpay_order_is_opened_paid_and_told_with_a_signature_that_verifies() {
    let shop = Shop::open();
    let created = shop.create(Provider::Zpay, order(1), ZpayCreate::Redirect).await.unwrap();
    assert_eq!(shop.zpay().query(order(1)).await.unwrap(), None);
    let (status, page) = shop.open_page(&created.pay_url).await;
    assert_eq!(status, 200);
    assert!(page.contains("100.00 CNY") && page.contains(&order(1).to_string()) && !page.contains("src="));
    assert!(!shop.zpay().query(order(1)).await.unwrap().unwrap().paid);
    let (status, _) = shop.pay(json!({"provider": "zpay", "order_id": order(1), "action": "pay"})).await;
    assert_eq!(status, 200);
    let notices = shop.zpay_notices();
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    assert!(notice.is_success());
    assert_eq!((notice.order(), notice.read.unwrap().to_string().as_str()), (Some(order(1)), "100.00 CNY"));
    let told = shop.zpay().query(order(1)).await.unwrap().unwrap();
    assert!(told.paid);
    assert_eq!((told.ended_at, &told.trade_no), (Some(start()), &notice.trade_no));
    assert_eq!(shop.zpay().query_trade(&notice.trade_no).await.unwrap().unwrap(), told);
}

/// R4.8: `mapi.php` returns the number at once; a second request returns the same payment.
#[tokio::test]
async fn a_zpay_payment_through_the_api_has_its_number_at_once() {
    let shop = Shop::open();
    let created = shop.create(Provider::Zpay, order(1), ZpayCreate::Api).await.unwrap();
    assert_eq!(shop.create(Provider::Zpay, order(1), ZpayCreate::Api).await.unwrap(), created);
    assert_eq!(shop.open_page(&created.pay_url).await.0, 200);
    shop.pay(json!({"provider": "zpay", "order_id": order(1), "action": "pay", "times": 2})).await;
    let notices = shop.zpay_notices();
    assert_eq!(notices.len(), 2);
    assert_eq!(Some(&notices[0].trade_no), created.provider_ref.as_ref());
    assert_ne!(notices[0].trade_no, notices[1].trade_no);
    assert!(shop.zpay().query_trade(&notices[1].trade_no).await.unwrap().unwrap().paid);
}

/// R4.8: only the literal `success` ends the notifications.
#[tokio::test]
async fn a_zpay_notification_is_repeated_until_it_is_answered_success() {
    let shop = Shop::open();
    shop.pay(json!({"provider": "zpay", "order_id": order(1), "action": "pay", "amount": "0.01"})).await;
    let [Delivery { id, .. }] = shop.simulators.due(shop.clock.now())[..] else { panic!() };
    for (status, body) in [(200, "fail"), (200, ""), (500, "success")] {
        shop.simulators.delivered(id, status, body.as_bytes());
        assert!(shop.simulators.next_due().is_some());
    }
    shop.simulators.delivered(id, 200, b"success");
    assert_eq!(shop.simulators.next_due(), None);
}

#[tokio::test]
async fn an_unknown_order_can_be_paid_only_with_an_amount() {
    let shop = Shop::open();
    for provider in ["stripe", "zpay"] {
        let pay = |extra: Value| {
            let mut ask = json!({"provider": provider, "order_id": "ord_unknown", "action": "pay"});
            ask.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            shop.pay(ask)
        };
        assert_eq!(pay(json!({})).await.0, 404);
        assert_eq!(pay(json!({"amount": "1e2"})).await.0, 400);
        assert_eq!(pay(json!({"amount": "12.34"})).await.0, 200);
        assert_eq!(pay(json!({"unknown": true})).await.0, 400);
    }
}

/// Every button of the page is a form that pays and leads back to the shop.
#[tokio::test]
async fn a_button_of_the_page_pays_and_leads_back() {
    let shop = Shop::open();
    let created = shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await.unwrap();
    let (_, page) = shop.open_page(&created.pay_url).await;
    assert_eq!(page.matches("action=\"/_sim/pay\"").count(), 7);
    let form = format!("provider=stripe&order_id={}&action=pay&times=2&notify=never", order(1));
    let request = Request::post(format!("{BASE}/_sim/pay"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form))
        .unwrap();
    let response = shop.simulators.handle(request, start()).await;
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()["location"], "http://127.0.0.1:3000/payment/result?from=pay");
    assert_eq!(shop.simulators.book().payments.len(), 2);
    assert!(shop.open_page(&created.pay_url).await.1.contains("Paid."));
}

#[tokio::test]
async fn a_saved_book_is_read_back_as_it_was() {
    let shop = Shop::open();
    let before = shop.simulators.revision();
    shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await.unwrap();
    shop.pay(json!({"provider": "stripe", "order_id": order(1), "action": "pay"})).await;
    shop.pay(json!({"provider": "zpay", "order_id": order(2), "action": "pay", "amount": "5"})).await;
    assert!(shop.simulators.revision() > before);
    let book = shop.simulators.book();
    let place = std::env::temp_dir().join(format!("guerdon-sim-book-{}.json", std::process::id()));
    book.save(&place).unwrap();
    assert_eq!(Book::load(&place).unwrap(), book);
    std::fs::remove_file(&place).unwrap();
    assert_eq!(Book::load(&place).unwrap(), Book::default());
}

/// G18: several writers at once never disturb each other, and leave no temporary file.
#[test]
fn a_book_is_saved_by_several_at_once() {
    let folder = std::env::temp_dir().join(format!("guerdon-sim-books-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let place = folder.join("providers.json");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..25).for_each(|_| Book::default().save(&place).unwrap()));
        }
    });
    assert_eq!(Book::load(&place).unwrap(), Book::default());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn the_same_requests_give_the_same_ids() {
    let mut books = Vec::new();
    for _ in 0..2 {
        let shop = Shop::open();
        shop.create(Provider::Stripe, order(1), ZpayCreate::Redirect).await.unwrap();
        shop.pay(json!({"provider": "stripe", "order_id": order(1), "action": "pay", "times": 2})).await;
        books.push(shop.simulators.book());
    }
    assert_eq!(books[0], books[1]);
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let shop = Shop::open();
    for path in ["/_sim", "/_sim/other", "/_sim/stripe/v1/nothing", "/_sim/stripe/pay/cs_1"] {
        assert!(shop.open_page(&format!("{BASE}{path}")).await.0.is_client_error(), "{path}");
    }
}
