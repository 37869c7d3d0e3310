//! Workload of agents: a chain of three shops sells by wallet, online and by hand, transfers money and takes cash.

use rand_chacha::rand_core::Rng;
use serde_json::json;

use super::Play;
use crate::agency;
use crate::world::World;

/// A chain of shops with a series granted down to the last one.
pub struct Shops {
    /// Ids from the top down; the users `a`, `b`, `c` run them.
    pub chain: [String; 3],
    series: String,
    package: String,
    assets: Vec<String>,
}

impl Shops {
    pub async fn open(world: &World) -> Self {
        world
            .settings("agency", |agency| {
                agency["enabled"] = json!(true);
                agency["min_cash_withdrawal"] = json!("1");
            })
            .await;
        let chain = agency::chain(world).await;
        let series = agency::series(world, agency::fixed("100")).await;
        let package = agency::package(world, &series, "MONTH", "50", "10").await;
        for (shop, amount, cost) in [(&chain[0], "80", "12"), (&chain[1], "50", "15"), (&chain[2], "30", "20")] {
            let terms = json!({"commission_amount": amount, "packages": [{"package_id": package, "cost_price": cost}]});
            agency::grant(world, shop, &series, terms).await;
        }
        agency::fund(world, &chain[2], "300").await;
        Self { chain, series, package, assets: Vec::new() }
    }
}

impl Play<'_> {
    /// Sells, pays, transfers between wallets, or takes cash.
    pub async fn sell(&mut self) {
        if self.shops.assets.len() < 3 {
            let identifier = format!("CARD-{}", self.rng.next_u32());
            let shop = &self.shops.chain[self.rng.next_u32() as usize % 3];
            let body =
                json!({"kind": "card", "shop_id": shop, "series_id": self.shops.series, "identifier": identifier});
            let made = self.world.admin().post("/v1/assets", body).await;
            if made.status == 201 {
                self.shops.assets.push(agency::id(&made.is(201)));
            }
        }
        let Some(asset) = self.one(&self.shops.assets.clone()) else { return };
        let payment = ["wallet", "wallet", "online", "offline", "asset"][self.below(5)];
        let mut body = json!({"asset_id": asset, "payment": payment});
        if self.below(2) == 0 || payment == "asset" {
            body["kind"] = json!("purchase");
            body["package_ids"] = json!([self.shops.package]);
        } else {
            body["kind"] = json!("recharge");
            body["amount"] = json!((1 + self.below(60)).to_string());
        }
        if payment == "online" {
            body["provider"] = json!(["stripe", "zpay"][self.below(2)]);
        }
        let key = format!("sale{}", self.rng.next_u32());
        for _ in 0..=self.below(2) {
            let answer = self.world.admin().key(&key).post("/v1/agency/orders", body.clone()).await;
            if answer.status == 201 {
                let order = answer.is(201);
                if order["payment_order_id"].is_string() {
                    let paid = json!({"id": order["payment_order_id"], "provider": body["provider"]});
                    let notify = ["now", "twice"][self.below(2)];
                    self.world.try_to_pay(&paid, json!({"notify": notify})).await;
                }
            }
        }
        if self.below(3) == 0 {
            let seller = ["a", "b", "c"][self.below(3)];
            let key = format!("move{}", self.rng.next_u32());
            let body = json!({"amount": (self.below(40) + 1).to_string()});
            for _ in 0..=self.below(2) {
                self.world.user(seller).key(&key).post("/v1/agency/wallet/transfers", body.clone()).await;
            }
        }
        if self.below(3) == 0 {
            self.take_cash().await;
        }
    }

    /// Asks for too much or a part of a shop's commission, once or twice under one key.
    async fn take_cash(&mut self) {
        let seller = ["a", "b", "c"][self.below(3)];
        let key = format!("cash{}", self.rng.next_u32());
        let body = json!({"amount": (self.below(30) + 1).to_string(), "payout": agency::cash::bank()});
        for _ in 0..=self.below(2) {
            self.world.user(seller).key(&key).post(agency::cash::CASH, body.clone()).await;
        }
    }
}
