//! Test bench for queue consumers: the application over the embedded database and queues, without HTTP.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use bytes::Bytes;
use emulator::clock::MovableClock;
use emulator::connector::{Backend, BoxFuture, ConnectFault, client};
use emulator::dynamo::{Dynamo, IndexSpec, TableSpec};
use emulator::sqs::{FunctionReply, QueueSpec, Queues, Retry, SqsBackend, event, url};
use http_body_util::BodyExt;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;
use shared::account::model::access::Bearer;
use shared::account::model::identity::Email;
use shared::account::model::user::User;
use shared::account::token::PublicKeys;
use shared::affiliate::model::settings::AffiliateSettings;
use shared::app::App;
use shared::boot::assemble;
use shared::kernel::id::{OrderId, SessionId, UserId};
use shared::kernel::ledger::Accounts;
use shared::kernel::money::{Currency, LedgerMoney, PayMoney};
use shared::kernel::provider::Provider;
use shared::message::Message;
use shared::operations::model::settings::Area;
use shared::operations::settings::SettingsRecord;
use shared::payment::gateway::http::https_client;
use shared::payment::model::order::{Order, OrderStatus};
use shared::referral::model::referral::{InviteCode, Referral, RewardAmounts, RewardTerms};
use shared::table::aws::secrets::Secrets;
use shared::table::aws::{Aws, Environment};
use shared::table::context::Ctx;
use shared::table::item::Versioned;
use shared::table::system::Clock;
use tower::ServiceExt;
use ulid::Ulid;

const TABLE: &str = "guerdon";
/// Number of receives after which a message is dead-lettered.
const RECEIVES: u32 = 3;

/// The application and its services.
pub struct Stand {
    pub app: Arc<App>,
    pub dynamo: Dynamo,
    pub queues: Queues,
    pub clock: MovableClock,
    users: AtomicU64,
    lost: Arc<AtomicU64>,
}

struct Here;

impl Environment for Here {
    fn get(&self, name: &str) -> Option<String> {
        let value = match name {
            "TABLE_NAME" => TABLE.to_owned(),
            "PUBLIC_BASE_URL" => "https://guerdon.test".to_owned(),
            "APP_SECRET" => "a secret of the stand, long enough".to_owned(),
            "CODE_SECRET" => "a-secret-of-the-codes-of-the-stand".to_owned(),
            "SIGNING_KEY" => "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned(),
            "REWARD_QUEUE_URL" => url("reward.fifo"),
            "REWARD_DEAD_QUEUE_URL" => url("reward-dead.fifo"),
            "MAIL_QUEUE_URL" => url("mail"),
            "STATISTICS_QUEUE_URL" => url("statistics"),
            "AWS_ENDPOINT_URL_DYNAMODB" => "http://dynamodb.test".to_owned(),
            "AWS_ENDPOINT_URL_SQS" => "http://sqs.test".to_owned(),
            _ => return None,
        };
        Some(value)
    }
}

/// Both services behind one client.
/// The third field counts the next transactions whose replies are lost.
#[derive(Debug)]
struct Services(Dynamo, SqsBackend, Arc<AtomicU64>);

impl Backend for Services {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
        if request.uri().host().is_some_and(|host| host.starts_with("sqs")) {
            return self.1.call(request);
        }
        let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
        let transaction = target.is_some_and(|target| target.ends_with("TransactWriteItems"));
        let fewer = |left: u64| left.checked_sub(1);
        let lost = transaction && self.2.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_ok();
        Box::pin(async move {
            let answer = self.0.call(request).await;
            if lost { Err(ConnectFault::Reset) } else { answer }
        })
    }
}

impl Stand {
    pub fn new() -> Self {
        let clock = MovableClock::standing("2026-11-20T10:00:00Z".parse().unwrap());
        let dynamo = Dynamo::memory().unwrap();
        dynamo.create(TABLE, &table()).unwrap();
        let queues = Queues::in_memory(Arc::new(clock.clone()));
        for name in ["reward-dead.fifo", "mail", "statistics"] {
            queues.create(QueueSpec::new(name)).unwrap();
        }
        queues.create(QueueSpec::new("reward.fifo").redrive("reward-dead.fifo", RECEIVES)).unwrap();
        let lost = Arc::new(AtomicU64::new(0));
        let http = client(Arc::new(Services(dynamo.clone(), SqsBackend(queues.clone()), Arc::clone(&lost))));
        let credentials = Credentials::new("id", "secret", None, None, "stand");
        let aws = Aws { http, region: "us-east-1".to_owned(), credentials };
        let secrets = Secrets::given(|name| Here.get(name));
        let mut app = assemble(&Here, &aws, &secrets, &https_client()).unwrap();
        let time = clock.clone();
        app.executor.clock = Clock::new(move || time.now());
        Self { app: Arc::new(app), dynamo, queues, clock, users: AtomicU64::new(1), lost }
    }

    /// A user without an inviter.
    pub fn user(&self, name: &str) -> User {
        let number = self.users.fetch_add(1, Ordering::Relaxed);
        let now = self.app.clock.now();
        let random = u128::from(number) << 40;
        let id = UserId::new(Ulid::from_parts(u64::try_from(now.as_millisecond()).unwrap() + number, random));
        User {
            email: Email::parse(&format!("{name}@example.com")),
            ..User::new(id, now, &AffiliateSettings::default(), Accounts::new(usd("0").currency()))
        }
    }

    /// An invitee of `inviter` with promised `registration` and `qualified` rewards (inviter's, invitee's).
    pub fn invitee(&self, name: &str, inviter: &User, registration: [i64; 2], qualified: [i64; 2]) -> User {
        let amounts = |[inviter, invitee]: [i64; 2]| RewardAmounts { inviter: inviter.into(), invitee: invitee.into() };
        let attribution = Referral {
            inviter: inviter.id,
            code: InviteCode::parse("INVITERS").unwrap(),
            bound_at: self.app.clock.now(),
            late: false,
            imported: false,
            reparented: None,
            terms: RewardTerms {
                currency: usd("0").currency(),
                registration: amounts(registration),
                qualified: amounts(qualified),
                threshold: cny(2000),
            },
            online_total: cny(0),
            given_back: None,
            qualified_at: None,
        };
        User { attribution: Some(attribution), ..self.user(name) }
    }

    /// Creates users and sends messages, like one transaction's outbox.
    pub async fn write(&self, users: &[&User], messages: &[Message]) {
        for group in users.chunks(50) {
            self.commit(group, &[]).await;
        }
        self.commit(&[&self.user("sender")], messages).await;
    }

    async fn commit(&self, users: &[&User], messages: &[Message]) {
        let plan = || async {
            let mut tx = self.app.tx();
            users.iter().for_each(|user| tx.insert(*user).or_retry());
            messages.iter().for_each(|message| tx.send(message.clone()));
            Ok(((), tx))
        };
        self.app.execute(&Ctx::system(), plan).await.unwrap();
    }

    /// Changes a user in a transaction of its own.
    pub async fn change(&self, user: UserId, change: impl Fn(&mut User)) {
        let plan = || async {
            let stored = self.load(user).await;
            let mut after = User::clone(&stored);
            change(&mut after);
            let mut tx = self.app.tx();
            tx.replace(&stored, &after);
            Ok(((), tx))
        };
        self.app.execute(&Ctx::system(), plan).await.unwrap();
    }

    /// Records an online payment of `fen` by an invitee and returns the message to send.
    pub async fn pay(&self, user: &User, fen: i64, programme_on: bool) -> Message {
        let now = self.app.clock.now();
        let add = |user: &mut User| {
            user.attribution.as_mut().unwrap().charge_added(cny(fen), cny(fen), programme_on, now).unwrap();
        };
        self.change(user.id, add).await;
        self.ordered(user).await;
        paid(user)
    }

    /// Creates the user's one order, to which [`paid`] refers. It has no terms and earns no commission.
    async fn ordered(&self, user: &User) {
        let (id, now, whole) = (OrderId::new(user.id.ulid()), self.app.clock.now(), cny(10_000));
        let order = Order {
            id,
            user: user.id,
            status: OrderStatus::Paid,
            provider: Provider::Zpay,
            method: "alipay".into(),
            amount: whole,
            charge: whole,
            credit: usd("10"),
            exchange_rate: Decimal::TEN,
            discount_rate: Decimal::ONE,
            promotion: None,
            offered_bonus: None,
            coupon: None,
            inviter: user.attribution.as_ref().map(|bond| bond.inviter),
            affiliate: None,
            pay_url: None,
            pay_signature: None,
            return_url: None,
            qr_content: None,
            failure: None,
            created_at: now,
            expires_at: now,
            looks: 0,
            under_way: None,
            paid_at: Some(now),
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
        };
        let plan = || async {
            let known = self.app.store.get::<Order>(&Order::key(id)).await?;
            let mut tx = self.app.tx();
            tx.upsert(known.as_ref(), &order);
            Ok(((), tx))
        };
        self.app.execute(&Ctx::system(), plan).await.unwrap();
    }

    /// Writes the first version of a settings document.
    pub async fn set(&self, area: Area, document: &Value) {
        let record = SettingsRecord { area, version: 1, document: document.to_string() };
        let plan = || async {
            let mut tx = self.app.tx();
            tx.insert(&record);
            Ok(((), tx))
        };
        self.app.execute(&Ctx::system(), plan).await.unwrap();
        self.app.settings.forget();
    }

    /// Requests a referral route as `user`, or anonymously.
    pub async fn get(&self, user: Option<&User>, uri: &str) -> (u16, http::HeaderMap, Value) {
        let mut request = http::Request::get(uri);
        if let (Some(user), Some(signer)) = (user, &self.app.signer) {
            self.app.keys.learn(&PublicKeys { keys: vec![signer.public().clone()], since: None }, self.now());
            let (session, generation) = (SessionId::new(user.id.ulid()), user.session_generation);
            let bearer = Bearer { user: user.id, session, password_number: user.password_number, generation };
            let token = signer.access(&bearer, user.role, None, self.now()).unwrap();
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let router = shared::edge::routes(referral::api(), Arc::clone(&self.app));
        let response = router.oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), parts.headers, serde_json::from_slice(&bytes).unwrap())
    }

    pub async fn load(&self, user: UserId) -> Versioned<User> {
        self.app.store.get(&User::key(user)).await.unwrap().unwrap()
    }

    pub async fn balance(&self, user: &User) -> LedgerMoney {
        self.load(user.id).await.accounts.balance()
    }

    /// Loses the replies of the next transactions, after they took effect.
    pub fn lose(&self, replies: u64) {
        self.lost.store(replies, Ordering::Relaxed);
    }

    /// Lets the worker drain the reward queue; returns the number of batches.
    pub async fn reward(&self) -> usize {
        let mut batches = 0;
        loop {
            let batch = self.queues.poll_once("reward.fifo", 10).await.unwrap();
            if batch.is_empty() {
                return batches;
            }
            batches += 1;
            let event = serde_json::from_value(event("reward.fifo", &batch)).unwrap();
            let answer = reward_worker::batch(Arc::clone(&self.app), event).await;
            let reply = FunctionReply::read(&batch, &serde_json::to_value(answer).unwrap());
            self.queues.settle("reward.fifo", &batch, &reply, Retry::AtOnce).await.unwrap();
        }
    }

    /// Lets the consumer drain the statistics queue.
    pub async fn count(&self) {
        loop {
            let batch = self.queues.poll_once("statistics", 10).await.unwrap();
            if batch.is_empty() {
                return;
            }
            let event = serde_json::from_value(event("statistics", &batch)).unwrap();
            let answer = statistics::batch(Arc::clone(&self.app), event).await;
            let reply = FunctionReply::read(&batch, &serde_json::to_value(answer).unwrap());
            assert_eq!(reply, FunctionReply::Failed(std::collections::HashSet::new()));
            self.queues.settle("statistics", &batch, &reply, Retry::AtOnce).await.unwrap();
        }
    }

    /// Counts the items of a type.
    pub fn items(&self, kind: &str) -> usize {
        let of_kind = |item: &&Value| item.pointer("/type/S").and_then(Value::as_str) == Some(kind);
        self.dynamo.scan(TABLE).unwrap().iter().filter(of_kind).count()
    }

    /// Damages one field of a user's item, so that it does not decode; returns the original item.
    pub fn damage(&self, user: UserId) -> Value {
        let key = User::key(user);
        let items = self.dynamo.scan(TABLE).unwrap();
        let is = |item: &&Value| item["pk"]["S"] == key.pk.as_str() && item["sk"]["S"] == key.sk.as_str();
        let before = items.iter().find(is).unwrap().clone();
        let mut damaged = before.clone();
        damaged.as_object_mut().unwrap().remove("accounts");
        self.put_back(&damaged);
        before
    }

    pub fn put_back(&self, item: &Value) {
        let request = serde_json::json!({"TableName": TABLE, "Item": item});
        self.dynamo.apply("PutItem", &request).unwrap();
    }

    /// SDK calls to the database since the last reset, and write units of its transactions.
    pub fn used(&self) -> (BTreeSet<(String, u64)>, u64) {
        let used = self.dynamo.used();
        let units = used.get("TransactWriteItems").map_or(0, |usage| usage.write_units);
        (used.into_iter().map(|(name, usage)| (name, usage.calls)).collect(), units)
    }

    pub fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub fn now(&self) -> Timestamp {
        self.app.clock.now()
    }
}

fn table() -> TableSpec {
    let index = |number: u8, whole_items| IndexSpec {
        name: format!("gsi{number}"),
        pk: format!("gsi{number}pk"),
        sk: format!("gsi{number}sk"),
        whole_items,
    };
    let indexes = vec![index(1, true), index(2, true), index(3, false)];
    TableSpec { pk: "pk".into(), sk: "sk".into(), ttl: "ttl".into(), indexes }
}

pub fn usd(text: &str) -> LedgerMoney {
    LedgerMoney::exact(Decimal::from_str_exact(text).unwrap(), Currency::parse("USD").unwrap()).unwrap()
}

pub fn cny(fen: i64) -> PayMoney {
    PayMoney::from_minor_units(fen, Currency::parse("CNY").unwrap()).unwrap()
}

pub fn registered(user: &User) -> Message {
    let inviter = user.attribution.as_ref().map(|bond| bond.inviter);
    Message::UserRegistered { user: user.id, inviter, signals: None }
}

/// A message about the order that [`Stand::pay`] creates.
pub fn paid(user: &User) -> Message {
    let order = OrderId::new(user.id.ulid());
    Message::OrderPaid { order, user: user.id, inviter: user.attribution.as_ref().map(|bond| bond.inviter) }
}
