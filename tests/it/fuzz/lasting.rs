//! Long-lived world for fuzzing: takes many inputs in turn, on a thread of its own.
//! It has an entity of each kind that a route names. After some hundred inputs it is drained and audited, and a new world
//! replaces it.
//!
//! An input names entities as `ord_0`, `usr_2`: the first order, the third user of this world. `code_0` is an invite code,
//! `redeem_0` a redemption code.

use std::collections::{BTreeMap, VecDeque};
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::affiliate::commission::{hundred, invited};
use crate::agency::{asset, fund, grant, package, recharge, series, shop};
use crate::page::client::Browser;
use crate::world::World;

/// Number of inputs of a world.
const LIVES: usize = 400;
/// Number of inputs between two drains of queues and webhooks, after which a minute passes.
const SETTLES: usize = 16;
const NAMES: [&str; 4] = ["admin", "ann", "bob", "ivy"];

/// Ids of the world's entities, and tokens of its callers.
pub struct Things {
    named: BTreeMap<String, Vec<String>>,
    tokens: BTreeMap<String, String>,
    jars: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
}

/// Sets up the world: Ann invited Bob, who paid.
/// Ivy has a shop that sold; a plan, codes and an endpoint.
async fn begin(world: &World) -> BTreeMap<String, Vec<String>> {
    world.open().await;
    invited(world).await;
    hundred(world).await;
    world.order("bob", json!({"amount": "20", "provider": "zpay"})).await;
    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.1")).await;
    let cash =
        json!({"amount": "0.2", "to": "cash", "payout": {"method": "bank", "account": "DE02120300000000202051"}});
    world.user("ann").once().post("/v1/affiliate/withdrawals", cash.clone()).await.is(201);
    world.admin().once().post("/v1/admin/payout-batches", json!({"method": "bank"})).await.is(201);
    world.user("ann").once().post("/v1/affiliate/withdrawals", cash).await.is(201);
    world.settings("agency", |agency| agency["enabled"] = json!(true)).await;
    let (ivys, cards) = (shop(world, "ivy", None).await, series(world, crate::agency::fixed("10")).await);
    let month = package(world, &cards, "MONTH", "9.9", "4").await;
    grant(
        world,
        &ivys,
        &cards,
        json!({"commission_amount": "5", "packages": [{"package_id": month, "cost_price": "4"}]}),
    )
    .await;
    let card = asset(world, &ivys, &cards, "CARD-1").await;
    fund(world, &ivys, "100").await;
    recharge(world, &card, "20").await;
    let endpoint = json!({"url": "https://product.test/_sim/webhook", "events": ["order.paid"]});
    world.admin().post("/v1/admin/webhook-endpoints", endpoint).await.is(201);
    world.settings("redemption", |settings| settings["enabled"] = json!(true)).await;
    let plan = world.plan(json!({"name": "Pro", "quota": 0, "on_sale": true, "traffic_bytes": 1_000})).await;
    let months =
        json!({"label": "months", "count": 2, "plan_id": plan, "unit": "month", "quantity": 1, "total_uses": 50});
    let credit = json!({"label": "credit", "count": 2, "credit": "1", "total_uses": 50});
    let mut codes = world.codes(months).await;
    codes.extend(world.codes(credit).await);
    world.redeem("bob", &codes[0]).await.is(201);
    let invites = vec![world.code("ann").await, world.code("bob").await];
    BTreeMap::from([("redeem_".to_owned(), codes), ("code_".to_owned(), invites)])
}

impl Things {
    async fn of(world: &World) -> Self {
        let mut things = Self { named: begin(world).await, tokens: BTreeMap::new(), jars: Mutex::default() };
        world.settle().await;
        for item in world.stack.dynamo.scan(emulator::stack::TABLE).unwrap() {
            for id in ids(&item.to_string()) {
                let all = things.named.entry(id[..4].to_owned()).or_default();
                if !all.contains(&id) && all.len() < 10 {
                    all.push(id);
                }
            }
        }
        things.named.values_mut().for_each(|all| all.sort());
        let key = world
            .service_key(
                "any",
                &[
                    "users:read",
                    "users:write",
                    "sessions:create",
                    "ledger:write",
                    "purchases:write",
                    "withdrawals:settle",
                ],
            )
            .await;
        things.tokens.insert("service".to_owned(), key);
        things.sign_in(world).await;
        things
    }

    async fn sign_in(&mut self, world: &World) {
        self.jars.lock().unwrap().clear();
        for name in NAMES {
            let body = json!({"email": email(name), "password": crate::world::PASSWORD});
            let answer = world.nobody().post("/v1/sessions", body).await;
            // An input may have blocked or erased the user.
            if let (200, Ok(read)) = (answer.status, serde_json::from_str::<Value>(&answer.text)) {
                self.tokens.insert(name.to_owned(), read["access_token"].as_str().unwrap().to_owned());
            }
        }
    }

    /// Browser of a caller of this world, who is signed in unless an input has blocked or erased the user.
    pub async fn browser<'a>(&self, world: &'a World, name: &str) -> Browser<'a> {
        let browser = Browser::new(world, "en");
        let known = self.jars.lock().unwrap().get(name).cloned();
        if let Some(jar) = known {
            *browser.cookies.lock().unwrap() = jar;
        } else if NAMES.contains(&name) {
            let page = browser.open("/sign-in").await;
            browser.press(&page, "Sign in", &[("email", &email(name)), ("password", crate::world::PASSWORD)]).await;
            let jar = browser.cookies.lock().unwrap().clone();
            self.jars.lock().unwrap().insert(name.to_owned(), jar);
        }
        browser
    }

    /// Token of a caller of this world.
    pub fn token(&self, name: &str) -> Option<&str> {
        self.tokens.get(name).map(String::as_str)
    }

    /// Replaces names (`ord_0`) in a text by real ids.
    pub fn put(&self, text: &str) -> String {
        let mut written = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (taken, put) = self.at(rest).unwrap_or((first.len_utf8(), ""));
            written.push_str(if put.is_empty() { &rest[..taken] } else { put });
            rest = &rest[taken..];
        }
        written
    }

    /// Length of a name at the start of `text`, and its id.
    fn at(&self, text: &str) -> Option<(usize, &str)> {
        let (prefix, all) = self.named.iter().find(|(prefix, _)| text.starts_with(prefix.as_str()))?;
        let rest = &text[prefix.len()..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let ends = !rest.as_bytes().get(digits).is_some_and(u8::is_ascii_alphanumeric);
        let nth: usize = rest[..digits].parse().ok().filter(|_| ends && digits < 3)?;
        Some((prefix.len() + digits, all.get(nth % all.len())?))
    }
}

fn email(name: &str) -> String {
    if name == "admin" { "admin@localhost".to_owned() } else { format!("{name}@example.com") }
}

/// Ids in a text.
pub fn ids(text: &str) -> Vec<String> {
    let symbol = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    let words = text.as_bytes().windows(30).enumerate().filter(|(at, word)| {
        let before = at.checked_sub(1).is_some_and(|before| symbol(&text.as_bytes()[before]));
        let after = text.as_bytes().get(at + 30).is_some_and(symbol);
        !before
            && !after
            && word[3] == b'_'
            && word[..3].iter().all(u8::is_ascii_lowercase)
            && word[4..].iter().all(symbol)
    });
    words.map(|(_, word)| String::from_utf8(word.to_vec()).unwrap()).collect()
}

/// Replaces every id in a text by the first name of its kind (`ord_0`).
pub fn nameless(text: &str) -> String {
    ids(text).iter().fold(text.to_owned(), |text, id| text.replace(id, &format!("{}0", &id[..4])))
}

type Start = Box<dyn Fn(Receiver<Vec<u8>>, Sender<()>) -> JoinHandle<()> + Send + Sync>;

/// Long-lived worlds for one target; see the module.
pub struct Lasting {
    start: Mutex<Start>,
    running: Mutex<Option<Open>>,
}

struct Open {
    inputs: Sender<Vec<u8>>,
    done: Receiver<()>,
    thread: JoinHandle<()>,
    last: VecDeque<Vec<u8>>,
    taken: usize,
}

impl Lasting {
    /// Worlds in which `each` runs with every input.
    pub fn new<F>(each: F) -> Self
    where
        F: AsyncFn(&World, &Things, &[u8]) + Clone + Send + Sync + 'static,
    {
        let start = move |inputs: Receiver<Vec<u8>>, done: Sender<()>| {
            let each = each.clone();
            std::thread::spawn(move || World::run(async |world| live(world, &inputs, &done, &each).await))
        };
        Self { start: Mutex::new(Box::new(start)), running: Mutex::new(None) }
    }

    /// Runs one input.
    pub fn take(&self, input: &[u8]) {
        let mut slot = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut open = slot.take().unwrap_or_else(|| self.open());
        open.last.push_back(input.to_vec());
        if open.last.len() > SETTLES {
            open.last.pop_front();
        }
        open.taken += 1;
        let done = open.inputs.send(input.to_vec()).is_ok() && open.done.recv().is_ok();
        if !done || open.taken >= LIVES {
            return open.end();
        }
        *slot = Some(open);
    }

    fn open(&self) -> Open {
        let (inputs, taken) = channel();
        let (did, done) = channel();
        let start = self.start.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Open { inputs, done, thread: start(taken, did), last: VecDeque::new(), taken: 0 }
    }
}

async fn live<F: AsyncFn(&World, &Things, &[u8])>(
    world: &World,
    inputs: &Receiver<Vec<u8>>,
    done: &Sender<()>,
    each: &F,
) {
    let mut things = Things::of(world).await;
    let mut taken = 0;
    while let Ok(input) = inputs.recv() {
        each(world, &things, &input).await;
        taken += 1;
        if taken % SETTLES == 0 {
            world.settle().await;
            world.advance(61).await;
            things.sign_in(world).await;
        }
        if done.send(()).is_err() {
            break;
        }
    }
}

impl Open {
    /// Drains and audits the world; a failure in it fails here.
    fn end(self) {
        drop(self.inputs);
        if let Err(panic) = self.thread.join() {
            for input in self.last {
                eprintln!("one of the last inputs: {}", String::from_utf8_lossy(&input));
            }
            resume_unwind(panic);
        }
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        let open = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(open) = open.filter(|_| !std::thread::panicking()) {
            open.end();
        }
    }
}
