//! Concurrent grants, first sales, wallet debits and cash withdrawals.

use serde_json::{Value, json};

use super::{CLIENTS, Weight, race};
use crate::agency::{
    GRANTS, asset, cash, chain, coded_series, fixed, fund, grant, id, open, series, shop, try_grant, wallet,
};

const ORDERS: &str = "/v1/agency/orders";

/// R8.3: simultaneous grants of one series to one shop create one.
#[test]
fn a_grant_is_created_once() {
    race("agency::a_grant_is_created_once", Weight::Light, async |round| {
        let world = round.world;
        open(world).await;
        let a = shop(world, "a", None).await;
        let cards = series(world, fixed("100")).await;
        let ask = |client: usize| {
            let body = json!({"shop_id": a, "series_id": cards, "commission_amount": (client + 1).to_string()});
            world.admin().key(&format!("grant-{client}")).post(GRANTS, body)
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.refused.len(), CLIENTS - 1, "{:?}", told.refused);
        let listed = world.admin().get(GRANTS).await.is(200);
        let listed = listed["items"].as_array().unwrap();
        assert_eq!((listed.len(), &listed[0]["id"]), (1, &told.one("/id")));
        try_grant(world, &a, &cards, json!({"commission_amount": "1"})).await.is(409);
    });
}

/// R8.4, R8.5: a child is raised, or its parent is tightened below that, never both.
#[test]
fn a_child_is_raised_or_its_parent_lowered() {
    race("agency::a_child_is_raised_or_its_parent_lowered", Weight::Light, async |round| {
        let world = round.world;
        open(world).await;
        let [a, b, _] = chain(world).await;
        // Few clients on many pairs: the conflict takes two that overlap, and the first to finish may prevent it.
        let mut pairs = Vec::new();
        for number in 0..CLIENTS / 4 {
            let cards = coded_series(world, &format!("CARDS{number}"), fixed("100")).await;
            let top = id(&grant(world, &a, &cards, json!({"commission_amount": "80"})).await);
            pairs.push([top, id(&grant(world, &b, &cards, json!({"commission_amount": "20"})).await)]);
        }
        let lowers = |client: usize| client.is_multiple_of(2);
        let ask = |client: usize| {
            let [top, low] = &pairs[client / 4];
            let (grant, amount) = if lowers(client) { (top, "40") } else { (low, "70") };
            let body = json!({"commission_amount": amount});
            world.admin().header("if-match", "\"1\"").put(&format!("{GRANTS}/{grant}"), body)
        };
        let told = round.at_once(CLIENTS, ask).await;
        for (number, [top, low]) in pairs.iter().enumerate() {
            let made: Vec<bool> =
                (4 * number..4 * number + 4).filter(|client| told.made.contains_key(client)).map(lowers).collect();
            assert!(!made.is_empty() && made.iter().all(|lowered| *lowered == made[0]), "pair {number}: {made:?}");
            let expected = if made[0] { ["40", "20"] } else { ["80", "70"] };
            let held = async |grant: &str| {
                let shown = world.admin().get(&format!("{GRANTS}/{grant}")).await.is(200);
                shown["commission_amount"]["amount"].as_str().unwrap().to_owned()
            };
            assert_eq!([held(top).await, held(low).await], expected, "pair {number}");
        }
    });
}

/// R8.8: simultaneous first recharges of one asset pay its one-time commission once.
#[test]
fn an_asset_pays_its_one_time_commission_once() {
    race("agency::an_asset_pays_its_one_time_commission_once", Weight::Heavy, async |round| {
        let world = round.world;
        open(world).await;
        let a = shop(world, "a", None).await;
        let cards = series(world, fixed("100")).await;
        grant(world, &a, &cards, json!({"commission_amount": "60"})).await;
        fund(world, &a, "100000").await;
        let card = asset(world, &a, &cards, "CARD-1").await;
        let body = json!({"asset_id": card, "kind": "recharge", "amount": "300", "payment": "wallet"});
        let ask = |client: usize| world.admin().key(&format!("sale-{client}")).post(ORDERS, body.clone());
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("none is refused"), CLIENTS);
        round.again(&told, ask).await;
        // The worker settles while more is sold.
        round.contend();
        world.settle().await;
        round.calm();
        world.swept().await;
        let paid = world.admin().get("/v1/agency/commissions?limit=100").await.is(200);
        assert_eq!(paid["items"].as_array().unwrap().len(), 1);
        assert_eq!(wallet(world, &a).await, ["80800", "60", "0"]);
    });
}

/// R8.12: of simultaneous orders a wallet pays as many as it has money for.
#[test]
fn a_wallet_pays_what_it_has() {
    race("agency::a_wallet_pays_what_it_has", Weight::Heavy, async |round| {
        let world = round.world;
        open(world).await;
        let [a, b, _] = chain(world).await;
        let cards = series(world, Value::Null).await;
        for shop in [&a, &b] {
            grant(world, shop, &cards, json!({})).await;
        }
        let card = asset(world, &b, &cards, "CARD-1").await;
        fund(world, &b, "65").await;
        let (amount, fit, left) = [("10", 6, "5"), ("33", 1, "32"), ("1.1", 59, "0.1")][round.seed as usize % 3];
        let body = json!({"asset_id": card, "kind": "recharge", "amount": amount, "payment": "wallet"});
        let ask = |client: usize| world.user("b").key(&format!("sale-{client}")).post(ORDERS, body.clone());
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("insufficient_balance"), fit);
        round.again(&told, ask).await;
        world.swept().await;
        assert_eq!(wallet(world, &b).await, [left, "0", "0"]);
    });
}

/// R6.5, R8.12: of simultaneous requests for cash as many succeed as the commission has room for.
/// From six small ones to two that each want the last money.
#[test]
fn cash_of_a_shop_never_exceeds_its_commission() {
    race("agency::cash_of_a_shop_never_exceeds_its_commission", Weight::Light, async |round| {
        let world = round.world;
        let [a, ..] = cash::sold(world).await;
        let (amount, fit, left, held) =
            [("5", 6, "0", "30"), ("16", 1, "14", "16"), ("30", 1, "0", "30")][round.seed as usize % 3];
        let body = json!({"amount": amount, "payout": cash::bank()});
        let ask = |client: usize| world.user("a").key(&format!("tab-{client}")).post(cash::CASH, body.clone());
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("insufficient_available"), fit);
        round.again(&told, ask).await;
        assert_eq!(cash::parts(world, &a).await, ["0", left, held, "0"]);
        let listed = world.user("a").get(&format!("{}?limit=100", cash::CASH)).await.is(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), fit);
    });
}

/// R6.6: simultaneous approve, reject and cancel of a shop's withdrawal make one transition, and every response is true.
#[test]
fn cash_of_a_shop_is_decided_once() {
    race("agency::cash_of_a_shop_is_decided_once", Weight::Light, async |round| {
        let world = round.world;
        let [a, ..] = cash::sold(world).await;
        let id = cash::cash(world, "a", "10").await;
        let path = |verb: &str| format!("/v1/admin/withdrawals/{id}/{verb}");
        let turn = round.below(3) as usize;
        let kind = |client: usize| (client + turn) % 3;
        let ask = |client: usize| match kind(client) {
            0 => world.admin().post(&path("approve"), json!({"reference": "SEPA 17"})),
            1 => world.admin().post(&path("reject"), json!({"reason": "no"})),
            _ => world.user("a").post(&format!("{}/{id}/cancel", cash::CASH), json!({})),
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert!(told.made_or("withdrawal_closed") >= 1);
        let state = told.one("/state");
        let won = ["paid", "rejected", "cancelled"].iter().position(|name| state == *name).unwrap();
        assert!(told.made.keys().all(|client| kind(*client) == won), "{state}: {:?}", told.made);
        let commission = if won == 0 { "20" } else { "30" };
        assert_eq!(cash::parts(world, &a).await, ["0", commission, "0", "0"]);
    });
}
