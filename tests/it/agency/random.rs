//! Random trees, grants, tiers, edits, sales and refunds, with faults.
//! Ceilings hold at every level, no sale pays more than its pool, and the amounts add up (G1–G4, C1, C2, C4, and the ledger). The
//! auditor checks the end of each run.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::{GRANTS, asset, fund, id, open, package, series};
use crate::env::wished;
use crate::fault::is_met;
use crate::world::World;

struct Play<'a> {
    world: &'a World,
    rng: ChaCha8Rng,
    series: String,
    packages: Vec<String>,
    tiered: bool,
    shops: Vec<String>,
    grants: Vec<String>,
    assets: Vec<String>,
    payments: Vec<Value>,
}

impl Play<'_> {
    fn below(&mut self, bound: usize) -> usize {
        self.rng.next_u32() as usize % bound.max(1)
    }

    fn one<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let index = self.below(from.len());
        from.get(index).cloned()
    }

    /// Draws an amount from 0 to 120.
    fn amount(&mut self) -> String {
        self.below(121).to_string()
    }

    fn own(&mut self) -> Value {
        if self.tiered {
            let tiers = [("20", self.amount()), ("60", self.amount())];
            json!({"commission_tiers": tiers.map(|(at, amount)| json!({"threshold": at, "amount": amount}))})
        } else {
            json!({"commission_amount": self.amount()})
        }
    }

    async fn step(&mut self) {
        match self.below(16) {
            0..=2 => self.shop().await,
            3..=5 => self.grant().await,
            6 | 7 => self.edit().await,
            8 => self.packages().await,
            9 => self.asset().await,
            10..=12 => self.order().await,
            13 => self.pay().await,
            14 => self.refund().await,
            _ => self.rest().await,
        }
    }

    async fn shop(&mut self) {
        let parent = if self.below(3) == 0 { None } else { self.one(&self.shops.clone()) };
        let body = json!({"name": "shop", "parent_id": parent});
        let key = format!("s{}", self.rng.next_u32());
        let mut made = Vec::new();
        for _ in 0..=self.below(2) {
            let answer = self.world.admin().key(&key).post("/v1/shops", body.clone()).await;
            if answer.status == 201 {
                made.push(id(&answer.is(201)));
            }
        }
        made.dedup();
        assert!(made.len() < 2, "one key made {made:?}");
        self.shops.extend(made);
    }

    async fn grant(&mut self) {
        let Some(shop) = self.one(&self.shops.clone()) else { return };
        let mut body = json!({"shop_id": shop, "series_id": self.series});
        body.as_object_mut().unwrap().extend(self.own().as_object().unwrap().clone());
        let mut packages = Vec::new();
        for id in self.packages.clone() {
            if self.below(2) == 0 {
                packages.push(json!({"package_id": id, "cost_price": (10 + self.below(20)).to_string()}));
            }
        }
        body["packages"] = json!(packages);
        let answer = self.world.admin().post(GRANTS, body).await;
        if answer.status == 201 {
            self.grants.push(id(&answer.is(201)));
            let funded = json!({"amount": "1000", "remark": "paid in"});
            self.world.admin().once().post(&format!("/v1/admin/shops/{shop}/adjustments"), funded).await;
            self.asset_of(&shop).await;
        }
    }

    /// Changes, disables or deletes a grant, or tightens the series.
    async fn edit(&mut self) {
        let Some(grant) = self.one(&self.grants.clone()) else { return };
        let path = format!("{GRANTS}/{grant}");
        let seen = self.world.admin().get(&path).await;
        if seen.status != 200 {
            return;
        }
        let tag = seen.headers["etag"].to_str().unwrap().to_owned();
        let mut body = self.own();
        body["adjust_children"] = json!(self.below(2) == 0);
        match self.below(6) {
            0 => {
                self.world.admin().raw("DELETE", &path, "").await;
            }
            1 => {
                let status = ["active", "disabled"][self.below(2)];
                self.world.admin().header("if-match", &tag).put(&path, json!({"status": status})).await;
            }
            _ => {
                self.world.admin().header("if-match", &tag).put(&path, body).await;
            }
        }
    }

    async fn packages(&mut self) {
        let Some(grant) = self.one(&self.grants.clone()) else { return };
        let path = format!("{GRANTS}/{grant}");
        let seen = self.world.admin().get(&path).await;
        if seen.status != 200 {
            return;
        }
        let tag = seen.headers["etag"].to_str().unwrap().to_owned();
        let package = self.one(&self.packages.clone()).unwrap();
        let change = match self.below(3) {
            0 => json!({"package_id": package, "remove": true}),
            _ => json!({"package_id": package, "cost_price": (10 + self.below(40)).to_string()}),
        };
        let body = json!({"packages": [change], "adjust_children": self.below(2) == 0});
        self.world.admin().header("if-match", &tag).put(&format!("{path}/packages"), body).await;
    }

    async fn asset(&mut self) {
        if let Some(shop) = self.one(&self.shops.clone()) {
            self.asset_of(&shop).await;
        }
    }

    async fn asset_of(&mut self, shop: &str) {
        let identifier = format!("CARD-{}", self.rng.next_u32());
        let body = json!({"kind": "card", "shop_id": shop, "series_id": self.series, "identifier": identifier});
        let answer = self.world.admin().post("/v1/assets", body).await;
        if answer.status == 201 {
            self.assets.push(id(&answer.is(201)));
        }
    }

    async fn order(&mut self) {
        let Some(asset) = self.one(&self.assets.clone()) else { return };
        let payment = ["wallet", "wallet", "online", "online", "offline", "asset"][self.below(6)];
        let mut body = json!({"asset_id": asset, "payment": payment});
        if self.below(2) == 0 || payment == "asset" {
            body["kind"] = json!("purchase");
            body["package_ids"] = json!([self.one(&self.packages.clone()).unwrap()]);
        } else {
            body["kind"] = json!("recharge");
            body["amount"] = json!((1 + self.below(90)).to_string());
        }
        if payment == "online" {
            body["provider"] = json!(["stripe", "zpay"][self.below(2)]);
        }
        let key = format!("o{}", self.rng.next_u32());
        let mut made = Vec::new();
        for _ in 0..=self.below(2) {
            let answer = self.world.admin().key(&key).post("/v1/agency/orders", body.clone()).await;
            if answer.status == 201 {
                let order = answer.is(201);
                made.push(id(&order));
                if order["payment_order_id"].is_string() {
                    self.payments.push(json!({"id": order["payment_order_id"], "provider": body["provider"]}));
                }
            }
        }
        made.dedup();
        assert!(made.len() < 2, "one key made {made:?}");
        self.payments.dedup();
    }

    async fn pay(&mut self) {
        let Some(payment) = self.one(&self.payments.clone()) else { return };
        let notify = ["now", "twice"][self.below(2)];
        self.world.try_to_pay(&payment, json!({"notify": notify, "delay_seconds": self.below(90)})).await;
    }

    async fn refund(&mut self) {
        let Some(payment) = self.one(&self.payments.clone()) else { return };
        self.world.advance(1).await;
        if payment["provider"] == "stripe" {
            let amount = (1 + self.below(40)).to_string();
            let action = ["refund", "dispute", "dispute_won", "dispute_lost"][self.below(4)];
            self.world.try_to_pay(&payment, json!({"action": action, "amount": amount})).await;
        } else {
            let path = format!("/v1/admin/payment/orders/{}/refunds", payment["id"].as_str().unwrap());
            let body = json!({"amount": (1 + self.below(20)).to_string(), "reason": "sorry"});
            let key = format!("r{}", self.rng.next_u32());
            for _ in 0..2 {
                self.world.admin().key(&key).post(&path, body.clone()).await;
            }
        }
    }

    /// Advances the clock and draws a new fault rate.
    async fn rest(&mut self) {
        self.world.settle().await;
        self.world.advance(200).await;
        self.world.stack.tick("sweep-outbox").await.ok();
        self.world.stack.faults.clear();
        self.world.sign_in("admin").await;
        let rate = if self.below(2) == 0 { 0 } else { self.rng.next_u32() % 60 };
        self.world.stack.faults.randomly(rate, self.rng.next_u64());
    }
}

async fn begin(world: &World, seed: u64) -> Play<'_> {
    open(world).await;
    world.settings("payment", |settings| settings["max_orders_per_minute"] = json!(1_000)).await;
    let tiered = seed % 2 == 1;
    let tier = |at: &str, amount: &str| {
        let scope = ["self", "self_and_sub"][(seed / 2) as usize % 2];
        let operator = [">=", ">", "<", "<="][(seed / 4) as usize % 4];
        json!({"dimension": "sales_amount", "scope": scope, "operator": operator, "threshold": at, "amount": amount})
    };
    let commission = match tiered {
        true => json!({"type": "tiered", "tiers": [tier("20", "100"), tier("60", "90")]}),
        false => json!({"type": "fixed", "amount": "100"}),
    };
    let series = series(world, commission).await;
    let mut packages = Vec::new();
    for code in ["A", "B", "C"] {
        packages.push(package(world, &series, code, "40", "10").await);
    }
    let rng = ChaCha8Rng::seed_from_u64(seed);
    let (shops, grants, assets, payments) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    Play { world, rng, series, packages, tiered, shops, grants, assets, payments }
}

/// R8.4, R8.5, R8.9, R8.11: ceilings hold at every level after any edits and sales with faults.
/// No sale pays more than its pool, and all amounts follow from the snapshots.
#[test]
fn ceilings_hold_and_sales_add_up_after_any_sequence() {
    let seeds = wished::<u64>("GUERDON_SEEDS").unwrap_or(200);
    let seeds = seeds.div_ceil(5);
    let first: u64 = wished("GUERDON_FIRST_SEED").unwrap_or(0);
    let [done, triggered, partly] = [(); 3].map(|()| std::sync::atomic::AtomicU64::new(0));
    let seen = |counter: &std::sync::atomic::AtomicU64, more: usize| {
        counter.fetch_add(more as u64, std::sync::atomic::Ordering::Relaxed);
    };
    for seed in first..first + seeds {
        let played = std::panic::catch_unwind(|| {
            World::seeded(seed, async |world| {
                let mut play = begin(world, seed).await;
                // Start with a tree, so that sales have chains.
                for _ in 0..6 {
                    play.shop().await;
                    play.grant().await;
                }
                for _ in 0..70 {
                    play.step().await;
                }
                world.stack.faults.clear();
                for _ in 0..3 {
                    world.advance(400).await;
                    world.settle().await;
                }
                world.swept().await;
                world.sign_in("admin").await;
                let orders = world.admin().get("/v1/agency/orders?limit=100").await.is(200);
                let orders = orders["items"].as_array().unwrap();
                let like = |wanted: fn(&Value) -> bool| orders.iter().filter(|order| wanted(order)).count();
                seen(&done, like(|order| order["commission"]["state"] == "done"));
                seen(&triggered, like(|order| order["commission"]["triggered"] == true));
                seen(&partly, like(|order| order["net"]["amount"] != "0" && order["net"] != order["amount"]));
                for order in orders {
                    let pending = order["status"] == "pending" || order["paid_at"].is_null();
                    assert_eq!(order["commission"]["state"], if pending { "pending" } else { "done" }, "{order}");
                }
            });
        });
        assert!(played.is_ok(), "played again by GUERDON_FIRST_SEED={seed} GUERDON_SEEDS=1");
    }
    let [done, triggered, partly] = [done, triggered, partly].map(std::sync::atomic::AtomicU64::into_inner);
    // A single seed may refuse too much, so the sum over all seeds is checked.
    assert!(
        seeds < 4 || done >= seeds * 2 && triggered >= seeds / 2 && partly >= seeds / 8,
        "{done}, {triggered}, {partly}: hardly anything was sold"
    );
}

/// R8.8, R8.12, R1.8: any single fault in a wallet order or its settlement has no effect on the end.
/// The end is one order, one debit and one commission per level.
#[test]
fn any_single_fault_in_a_sale_has_no_effect_on_its_end() {
    use emulator::faults::Fault;
    for fault in Fault::ALL {
        for (operation, calls) in
            [("TransactWriteItems", 3), ("BatchGetItem", 3), ("GetItem", 3), ("SendMessageBatch", 1)]
        {
            for nth in (0..calls).filter(|nth| is_met(operation, *nth, fault)) {
                World::run(async |world| {
                    open(world).await;
                    let [a, b, c] = super::chain(world).await;
                    let cards = series(world, super::fixed("100")).await;
                    for (shop, amount) in [(&a, "80"), (&b, "50"), (&c, "30")] {
                        super::grant(world, shop, &cards, json!({"commission_amount": amount})).await;
                    }
                    fund(world, &c, "100").await;
                    let card = asset(world, &c, &cards, "CARD-1").await;
                    world.stack.faults.script(operation, nth, fault);
                    let body = json!({"asset_id": card, "kind": "recharge", "amount": "10", "payment": "wallet"});
                    let ask = async || world.user("c").key("k").post("/v1/agency/orders", body.clone()).await;
                    world.insist(ask).await.is(201);
                    for _ in 0..3 {
                        world.settle().await;
                        world.advance(400).await;
                        world.stack.tick("sweep-outbox").await.ok();
                    }
                    world.stack.faults.clear();
                    world.settle().await;
                    world.sign_in("admin").await;
                    let at = format!("{fault:?} at {operation} {nth}");
                    assert_eq!(super::wallet(world, &c).await, ["90", "30", "0"], "{at}");
                    assert_eq!(super::wallet(world, &b).await, ["0", "20", "0"], "{at}");
                    assert_eq!(super::wallet(world, &a).await, ["0", "30", "0"], "{at}");
                    let seen = world.admin().get(&format!("/v1/assets/{card}")).await.is(200);
                    assert_eq!(seen["balance"]["amount"], "10", "{at}");
                });
            }
        }
    }
}
