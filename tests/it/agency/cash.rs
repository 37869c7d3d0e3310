//! Cash for a shop's commission (R6.6, R8.12), as affiliates have it.

use serde_json::{Value, json};

use super::{asset, chain, fixed, fund, grant, id, open, package, recharge, series};
use crate::world::{Answer, World};

pub const CASH: &str = "/v1/agency/wallet/withdrawals";

pub fn bank() -> Value {
    json!({"method": "bank", "account": "DE02 1203 0000 0000 2020 51", "name": "Bo Example"})
}

/// Sells once by C: A has 30 of commission, B 20, C 30; the least cash is 5.
pub async fn sold(world: &World) -> [String; 3] {
    open(world).await;
    world.settings("agency", |agency| agency["min_cash_withdrawal"] = json!("5")).await;
    let shops = chain(world).await;
    let cards = series(world, fixed("100")).await;
    for (shop, amount) in shops.iter().zip(["80", "50", "30"]) {
        grant(world, shop, &cards, json!({"commission_amount": amount})).await;
    }
    let card = asset(world, &shops[2], &cards, "CARD-1").await;
    fund(world, &shops[2], "500").await;
    recharge(world, &card, "10").await;
    shops
}

/// Asks as the agent `name` for cash.
pub async fn try_cash(world: &World, name: &str, amount: &str) -> Answer {
    world.user(name).once().post(CASH, json!({"amount": amount, "payout": bank()})).await
}

pub async fn cash(world: &World, name: &str, amount: &str) -> String {
    id(&try_cash(world, name, amount).await.is(201))
}

/// Amounts of a shop: main, commission, held and debt.
pub async fn parts(world: &World, shop: &str) -> [String; 4] {
    let wallet = world.admin().get(&format!("/v1/agency/wallet?shop_id={shop}")).await.is(200);
    ["main", "commission", "held", "debt"].map(|part| wallet[part]["amount"].as_str().unwrap().to_owned())
}

/// Amounts and balances of the statement lines of one account, newest first.
async fn lines(world: &World, name: &str, account: &str) -> Vec<(String, String, String)> {
    let listed = world.user(name).get(&format!("/v1/agency/wallet/records?account={account}")).await.is(200);
    let text = |of: &Value| of.as_str().unwrap().to_owned();
    let line = |of: &Value| (text(&of["type"]), text(&of["amount"]["amount"]), text(&of["balance_after"]["amount"]));
    listed["items"].as_array().unwrap().iter().map(line).collect()
}

fn line(kind: &str, amount: &str, after: &str) -> (String, String, String) {
    (kind.to_owned(), amount.to_owned(), after.to_owned())
}

/// R6.6: a request holds the amount in one transaction; approval pays it out with the payout reference, once.
#[test]
fn an_approved_withdrawal_of_a_shop_leaves_its_wallet() {
    World::run(async |world| {
        let [a, ..] = sold(world).await;
        let ask = json!({"amount": "12.5", "payout": bank()});
        let made = world.user("a").key("k").post(CASH, ask.clone()).await.is(201);
        assert_eq!((&made["state"], &made["to"], &made["shop_id"]), (&json!("requested"), &json!("cash"), &json!(a)));
        assert_eq!(made["amount"], json!({"amount": "12.5", "currency": "CNY"}));
        let again = world.user("a").key("k").post(CASH, ask).await;
        assert_eq!(again.headers.get("idempotency-replayed").unwrap(), "true");
        assert_eq!(again.is(201), made);
        assert_eq!(parts(world, &a).await, ["0", "17.5", "12.5", "0"]);
        let path = format!("/v1/admin/withdrawals/{}/approve", id(&made));
        for _ in 0..2 {
            let paid = world.admin().post(&path, json!({"reference": "SEPA 17"})).await.is(200);
            assert_eq!((&paid["state"], &paid["reference"]), (&json!("paid"), &json!("SEPA 17")));
        }
        world.admin().post(&path, json!({"reference": "SEPA 18"})).await.refused(409, "withdrawal_closed");
        assert_eq!(parts(world, &a).await, ["0", "17.5", "0", "0"]);
        let own = world.user("a").get(CASH).await.is(200)["items"][0].clone();
        assert_eq!((&own["id"], &own["payout"]["account"]), (&made["id"], &json!("****0 51")), "masked");
        let list = format!("/v1/admin/withdrawals?state=paid&shop={a}");
        let all = world.admin().get(&list).await.is(200)["items"][0].clone();
        assert_eq!((&all["payout"], &all["shop_id"]), (&bank(), &json!(a)), "an admin has to pay it");
        let audit = world.admin().get(&format!("/v1/admin/audit?subject={}", id(&made))).await.is(200);
        assert_eq!(audit["items"][0]["action"], "withdrawal.paid");
        assert_eq!(
            lines(world, "a", "commission").await,
            [line("withdrawal", "-12.5", "17.5"), line("commission", "30", "30")]
        );
        assert_eq!(
            lines(world, "a", "held").await,
            [line("withdrawal", "-12.5", "0"), line("withdrawal", "12.5", "12.5")]
        );
        assert_eq!(lines(world, "a", "main").await, []);
        world.settle().await;
    });
}

/// R6.6: a rejected or cancelled amount is commission again; only the shop's own agent cancels.
#[test]
fn a_rejected_or_cancelled_withdrawal_of_a_shop_gives_its_amount_back() {
    World::run(async |world| {
        let [a, b, _] = sold(world).await;
        let (rejected, cancelled) = (cash(world, "b", "7").await, cash(world, "b", "8").await);
        assert_eq!(parts(world, &b).await, ["0", "5", "15", "0"]);
        let reject = format!("/v1/admin/withdrawals/{rejected}/reject");
        let answer = world.admin().post(&reject, json!({"reason": "unknown account"})).await.is(200);
        assert_eq!((&answer["state"], &answer["reason"]), (&json!("rejected"), &json!("unknown account")));
        let cancel = format!("{CASH}/{cancelled}/cancel");
        for other in ["a", "c"] {
            world.user(other).post(&cancel, json!({})).await.refused(404, "not_found");
        }
        world.admin().post(&cancel, json!({})).await.refused(403, "forbidden");
        let as_user = format!("/v1/affiliate/withdrawals/{cancelled}/cancel");
        world.user("b").post(&as_user, json!({})).await.refused(404, "not_found");
        for _ in 0..2 {
            assert_eq!(world.user("b").post(&cancel, json!({})).await.is(200)["state"], "cancelled");
        }
        let approve = format!("/v1/admin/withdrawals/{cancelled}/approve");
        world.admin().post(&approve, json!({"reference": "x"})).await.refused(409, "withdrawal_closed");
        assert_eq!(parts(world, &b).await, ["0", "20", "0", "0"]);
        let states = async |name: &str, query: &str| -> Vec<Value> {
            let listed = world.user(name).get(&format!("{CASH}?{query}")).await.is(200);
            let mut states: Vec<Value> =
                listed["items"].as_array().unwrap().iter().map(|of| of["state"].clone()).collect();
            states.sort_by_key(ToString::to_string);
            states
        };
        assert_eq!(states("b", "").await, ["cancelled", "rejected"]);
        assert_eq!(states("b", "state=rejected").await, ["rejected"]);
        assert_eq!(states("a", &format!("shop_id={b}")).await, ["cancelled", "rejected"], "a shop below");
        assert!(states("a", "").await.is_empty());
        world.user("b").get(&format!("{CASH}?shop_id={a}")).await.refused(404, "not_found");
        let none = world.admin().get(CASH).await.refused(422, "invalid");
        assert_eq!(none["errors"][0]["pointer"], "/shop_id");
        assert_eq!(world.user("b").get("/v1/affiliate/withdrawals").await.is(200)["items"], json!([]));
        let csv = world.user("b").header("accept", "text/csv").get(CASH).await;
        assert!(csv.text.contains(&b) && csv.text.lines().count() == 3, "{}", csv.text);
        world.settle().await;
    });
}

/// R6.5, R8.12: cash is the shop's commission to the last digit, and never money of the main account.
#[test]
fn a_shop_withdraws_its_commission_to_the_last_digit_and_nothing_of_the_main_account() {
    World::run(async |world| {
        let [.., c] = sold(world).await;
        assert_eq!(parts(world, &c).await, ["490", "30", "0", "0"]);
        try_cash(world, "c", "30.00000001").await.refused(409, "insufficient_available");
        cash(world, "c", "30").await;
        try_cash(world, "c", "5").await.refused(409, "insufficient_available");
        assert_eq!(parts(world, &c).await, ["490", "0", "30", "0"]);
        let transfer = json!({"amount": "1"});
        let moved = world.user("c").once().post("/v1/agency/wallet/transfers", transfer).await;
        moved.refused(409, "insufficient_balance");
        world.settle().await;
    });
}

/// R1.2, R6.6: a bad amount, a bad method or too little is rejected with its pointer and what would be right.
#[test]
fn a_withdrawal_of_a_shop_that_is_not_right_is_refused_with_pointers() {
    World::run(async |world| {
        let [a, ..] = sold(world).await;
        let with = |amount: &str, payout: Value| json!({"amount": amount, "payout": payout});
        let cases = [
            (with("0", bank()), "/amount", "not 0"),
            (with("-1", bank()), "/amount", "digits"),
            (with("1e2", bank()), "/amount", "digits"),
            (with("５", bank()), "/amount", "digits"),
            (with("4.99", bank()), "/amount", "At least 5."),
            (json!({"amount": "5"}), "/payout", "required"),
            (with("5", json!({"method": "barrow", "account": "1"})), "/payout/method", "bank, paypal, alipay"),
            (with("5", json!({"method": "bank", "account": ""})), "/payout/account", ""),
            (with("5", json!({"method": "bank", "account": "x".repeat(201)})), "/payout/account", "at most 200"),
            (json!({"amount": "5", "payout": bank(), "to": "cash"}), "/to", "`amount` or `payout`"),
        ];
        for (body, pointer, says) in cases {
            let problem = world.user("a").once().post(CASH, body.clone()).await.refused(422, "invalid");
            let error = &problem["errors"][0];
            assert_eq!(error["pointer"], pointer, "{body}");
            assert!(error["detail"].as_str().unwrap().contains(says), "{body}: {problem}");
        }
        let ask = with("5", bank());
        world.user("a").post(CASH, ask.clone()).await.refused(400, "idempotency_key_required");
        world.admin().once().post(CASH, ask.clone()).await.refused(403, "forbidden");
        world.register("bob", None).await;
        world.user("bob").once().post(CASH, ask.clone()).await.refused(403, "forbidden");
        // A shop that never had money has no wallet yet.
        super::shop(world, "d", Some(&a)).await;
        world.user("d").once().post(CASH, ask.clone()).await.refused(409, "insufficient_available");
        let terms = world.user("a").get("/v1/agency/wallet").await.is(200)["cash"].clone();
        assert_eq!(terms["min_cash_withdrawal"], json!({"amount": "5", "currency": "CNY"}));
        assert_eq!(terms["withdrawal_methods"], json!(["bank", "paypal", "alipay"]));
        assert_eq!(parts(world, &a).await, ["0", "30", "0", "0"], "nothing is held");
        world.settle().await;
    });
}

/// R2.8, R6.6: a blocked agent asks for nothing; what was asked for before can still be decided.
#[test]
fn a_blocked_agent_withdraws_nothing() {
    World::run(async |world| {
        let [a, ..] = sold(world).await;
        let open = cash(world, "a", "10").await;
        let agent = id(&world.user("a").get("/v1/me").await.is(200));
        let blocked = json!({"status": "blocked", "reason": "looks odd"});
        world.admin().put(&format!("/v1/admin/users/{agent}/status"), blocked).await.is(200);
        try_cash(world, "a", "5").await.refused(403, "account_blocked");
        let cancel = format!("{CASH}/{open}/cancel");
        world.user("a").post(&cancel, json!({})).await.refused(403, "account_blocked");
        let reject = format!("/v1/admin/withdrawals/{open}/reject");
        world.admin().post(&reject, json!({"reason": "looks odd"})).await.is(200);
        assert_eq!(parts(world, &a).await, ["0", "30", "0", "0"]);
    });
}

/// R1.7, R4.11: a take-back never touches what is held; it becomes debt, which a returned amount pays first.
#[test]
fn what_is_held_pays_a_debt_only_when_it_comes_back() {
    World::run(async |world| {
        open(world).await;
        world.settings("agency", |agency| agency["min_cash_withdrawal"] = json!("1")).await;
        let [a, ..] = chain(world).await;
        let cards = series(world, Value::Null).await;
        let month = package(world, &cards, "MONTH", "50", "10").await;
        grant(world, &a, &cards, json!({"packages": [{"package_id": month, "cost_price": "20"}]})).await;
        let card = asset(world, &a, &cards, "CARD-1").await;
        let body = json!({"asset_id": card, "kind": "purchase", "package_ids": [month], "payment": "online", "provider": "stripe"});
        let sale = world.user("a").once().post("/v1/agency/orders", body).await.is(201);
        let payment = json!({"id": sale["payment_order_id"], "provider": "stripe"});
        world.pay(&payment, json!({})).await;
        world.settle().await;
        assert_eq!(parts(world, &a).await, ["0", "30", "0", "0"]);
        let open = cash(world, "a", "25").await;
        crate::payment::refunds::act(world, &payment, "refund", json!({"amount": "25"})).await;
        assert_eq!(parts(world, &a).await, ["0", "0", "25", "10"], "15 are due, 5 were there");
        world.user("a").post(&format!("{CASH}/{open}/cancel"), json!({})).await.is(200);
        assert_eq!(parts(world, &a).await, ["0", "15", "0", "0"]);
        world.settle().await;
    });
}

/// R9.2: statistics tell shops' cash apart from users', in agency currency.
#[test]
fn totals_tell_of_the_cash_of_shops() {
    World::run(async |world| {
        sold(world).await;
        let paid = cash(world, "a", "12.5").await;
        cash(world, "b", "6").await;
        let approve = format!("/v1/admin/withdrawals/{paid}/approve");
        world.admin().post(&approve, json!({"reference": "SEPA 17"})).await.is(200);
        world.settle().await;
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        let amount = |pointer: &str| stats.pointer(pointer).unwrap()["amount"].as_str().unwrap().to_owned();
        let of = ["paid", "requested"].map(|state| amount(&format!("/agency/withdrawals/{state}/amount")));
        assert_eq!(of, ["12.5", "6"]);
        assert_eq!(stats["agency"]["withdrawals"]["paid"]["count"], 1);
        assert_eq!(stats["withdrawals"]["paid"]["count"], 0, "no user withdrew");
        let owed = ["commission", "held"].map(|part| amount(&format!("/liabilities/agency/{part}")));
        assert_eq!(owed, ["61.5", "6"]);
        let days = world.admin().get("/v1/admin/stats/daily").await.is(200);
        let cash: Vec<&Value> =
            days["items"].as_array().unwrap().iter().map(|day| &day["shops_withdrawn"]["amount"]).collect();
        assert!(cash.contains(&&json!("12.5")), "{days}");
    });
}

/// R2.7, R6.6: an agent with cash on its way can't be erased; afterwards the payout accounts go, of former shops, too.
#[test]
fn erasing_an_agent_takes_the_payout_accounts_of_their_shops() {
    World::run(async |world| {
        let [a, ..] = sold(world).await;
        let open = cash(world, "a", "10").await;
        let agent = id(&world.user("a").get("/v1/me").await.is(200));
        let erase = async || {
            let body = json!({"reason": "they asked for it", "acknowledge_balance": true});
            world.admin().post(&format!("/v1/admin/users/{agent}/erase"), body).await
        };
        let dismiss = json!({"name": "a"});
        let version = world.admin().get(&format!("/v1/shops/{a}")).await.is(200)["version"].to_string();
        world.admin().header("if-match", &version).put(&format!("/v1/shops/{a}"), dismiss).await.is(200);
        erase().await.refused(409, "withdrawal_open");
        let approve = format!("/v1/admin/withdrawals/{open}/approve");
        world.admin().post(&approve, json!({"reference": "SEPA 17"})).await.is(200);
        let payouts = async || {
            let listed = world.admin().get(&format!("/v1/admin/withdrawals?shop={a}")).await.is(200);
            listed["items"].as_array().unwrap().iter().map(|of| of["payout"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(payouts().await, [bank()]);
        erase().await.is(200);
        world.settle().await;
        assert_eq!(payouts().await, [Value::Null]);
    });
}
