//! Exact budgets of the main operations: calls and capacity units, so that a costlier change fails.
//!
//! A table write inside a transaction counts double, an index entry once. The counts are split: before the commit (a raw event),
//! the commit itself, and after it (the delete of the outbox item). All tests but
//! [`the_first_journal_of_a_deployment_costs_two_units_more`] count in a deployment that has a journal.

use emulator::sqs::Retry;
use serde_json::json;

use crate::affiliate::commission::{batches, hundred, invited};
use crate::payment::orders::weight;
use crate::world::World;

/// Cost of an operation.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    /// Read calls by operation.
    reads: Vec<(String, u64)>,
    /// Write units of plain writes before the commit.
    before: u64,
    /// Number of transactions, and their write units including indexes.
    commit: (u64, u64),
    /// Write units after the commit.
    after: u64,
}

/// Cost since the previous call of this function.
fn used(world: &World) -> Cost {
    let mut cost = Cost { reads: Vec::new(), before: 0, commit: (0, 0), after: 0 };
    for (operation, usage) in world.stack.dynamo.used() {
        match operation.as_str() {
            "PutItem" => cost.before += usage.write_units,
            "TransactWriteItems" => cost.commit = (usage.calls, usage.write_units),
            "DeleteItem" => cost.after += usage.write_units,
            _ => cost.reads.push((operation, usage.calls)),
        }
    }
    world.stack.dynamo.reset();
    cost
}

fn reads(calls: &[(&str, u64)]) -> Vec<(String, u64)> {
    calls.iter().map(|(operation, calls)| ((*operation).to_owned(), *calls)).collect()
}

/// Promotion and referral on, Ann with a code, and a journal of Eve's in the deployment.
async fn begun(world: &World) -> String {
    world.open().await;
    world.register("ann", None).await;
    world.register("eve", None).await;
    paid(world, "eve").await;
    world.settle().await;
    let code = world.code("ann").await;
    world.stack.dynamo.reset();
    code
}

async fn paid(world: &World, name: &str) {
    let order = world.order(name, json!({"offer_id": "o100", "provider": "zpay"})).await;
    world.pay(&order, json!({"notify": "twice"})).await;
    world.stack.dynamo.reset();
}

/// Delivers the provider's due notifications and returns the cost of each.
async fn notified(world: &World) -> Vec<Cost> {
    let mut costs = Vec::new();
    for due in world.stack.simulators.due(world.stack.clock.now()) {
        assert_eq!(world.stack.http(due.request, "127.0.0.1").await.body(), "success");
        costs.push(used(world));
    }
    costs
}

/// R2.2: signing up with a code is one count of the network (R2.9), one read and a commit of at most 12 units.
/// The claim 2, the user 2 and three lists (invitees, users, promotions that end), the session 2, the outbox item 2.
#[test]
fn registering_with_a_code_is_one_read_and_one_commit() {
    World::run(async |world| {
        let code = begun(world).await;
        world.register("bob", Some(&code)).await;
        let reads = reads(&[("BatchGetItem", 1), ("UpdateItem", 1)]);
        assert_eq!(used(world), Cost { reads, before: 0, commit: (1, 11), after: 1 });
    });
}

/// R3.6: the invitee's own reward for registering costs 7 units more, where the budget says 2.
///
/// The sign-up grants it itself, so that the response shows it on the balance. It is a reward (2) in the beneficiary's and the
/// operator's list (1 + 1; R3.9, R3.10) and a journal entry (2) in the operator's list of statement lines (1; R1.6). Two units
/// would pay for one item outside all lists: a journal entry that also is its reward. Then rewards would have two places, and
/// every list of rewards, and the worker's duplicate check, would have to read both. Inviters' rewards and commissions, of which
/// there are many, are batched ten to a transaction instead (`reward.rs`).
#[test]
fn the_invitees_own_reward_costs_seven_units() {
    World::run(async |world| {
        let code = begun(world).await;
        world.settings("referral", |settings| settings["registration"]["invitee_reward"] = json!("1")).await;
        // Changed settings are read again once a minute; that read is not counted.
        world.nobody().get("/v1/settings/public").await.is(200);
        world.stack.dynamo.reset();
        world.register("bob", Some(&code)).await;
        let reads = reads(&[("BatchGetItem", 1), ("UpdateItem", 1)]);
        assert_eq!(used(world), Cost { reads, before: 0, commit: (1, 11 + 7), after: 1 });
    });
}

/// R4.3: an order is one read, one provider call and a commit of 7 units.
/// The order 2 and three lists, the count of this minute 2. The order, whose id follows from the key, is the guard (R1.8).
#[test]
fn an_order_is_one_read_and_one_commit() {
    World::run(async |world| {
        let code = begun(world).await;
        world.register("bob", Some(&code)).await;
        world.stack.dynamo.reset();
        world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        let reads = reads(&[("BatchGetItem", 1)]);
        assert_eq!(used(world), Cost { reads, before: 0, commit: (1, 7), after: 0 });
    });
}

/// R4.6: a webhook that credits an invitee's order with bonus is two reads, the raw event and a commit.
/// The commit has 12 units: the payment with its event 2, the order 2 and out of one of its lists, the user 2, the journal entry 2
/// and its list, the outbox item 2. The raw event is written beside the second read. A repeat is one read.
#[test]
fn a_webhook_that_credits_is_two_reads_and_one_commit() {
    World::run(async |world| {
        let code = begun(world).await;
        world.register("bob", Some(&code)).await;
        paid(world, "bob").await;
        let once = Cost {
            reads: reads(&[("BatchGetItem", 1), ("GetItem", 1)]),
            before: 1,
            commit: (1, 2 + 2 + 1 + 2 + 2 + 1 + 2),
            after: 1,
        };
        let again = Cost { reads: reads(&[("BatchGetItem", 1)]), before: 0, commit: (0, 0), after: 0 };
        assert_eq!(notified(world).await, [once, again]);
    });
}

/// R9.1: the first journal of a deployment also fixes the ledger currency, once.
#[test]
fn the_first_journal_of_a_deployment_costs_two_units_more() {
    World::run(async |world| {
        world.open().await;
        for (name, units) in [("ann", 12 + 2), ("eve", 12)] {
            world.register(name, None).await;
            paid(world, name).await;
            assert_eq!(notified(world).await[0].commit, (1, units), "{name}");
            world.settle().await;
        }
    });
}

/// No item of the payment path exceeds 1,024 bytes.
/// A larger item costs double, in each of its lists too, and these are written again and again.
#[test]
fn what_a_payment_writes_weighs_less_than_a_kilobyte_each() {
    World::run(async |world| {
        let code = begun(world).await;
        let before = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        world.register("bob", Some(&code)).await;
        paid(world, "bob").await;
        world.settle().await;
        let items = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        let new = |kind: &'static str| {
            let items = items.iter().filter(|item| item["type"]["S"] == kind && !before.contains(item));
            items.map(weight).max().unwrap_or_else(|| panic!("no {kind}"))
        };
        // The rest of the kilobyte is for longer addresses, a language and further accounts. An order's fingerprint is 90 bytes, which
        // save an item for the key (R1.8). A hash of the chain is 48 bytes on the
        // account and on the entry (R11.1): no item, no unit.
        let weights = ["user", "posting", "order", "payment"].map(new);
        assert!(weights.iter().zip([970, 870, 820, 480]).all(|(is, most)| *is <= most), "{weights:?}");
    });
}

/// R6.5: a withdrawal to the balance is one read and one commit.
/// The user 2, the commission account 2, both journal entries 3 each, the withdrawal 4 and the outbox item 2. The withdrawal, whose
/// id follows from the key, is the guard (R1.8).
#[test]
fn a_withdrawal_to_the_balance_is_one_read_and_one_commit() {
    World::run(async |world| {
        invited(world).await;
        hundred(world).await;
        world.stack.dynamo.reset();
        let body = json!({"amount": "1", "to": "balance"});
        world.user("ann").key("k").post("/v1/affiliate/withdrawals", body).await.is(201);
        let cost = used(world);
        assert_eq!(cost.commit, (1, 16));
        assert_eq!(cost.reads, reads(&[("BatchGetItem", 1), ("Query", 1)]), "both at once");
        world.settle().await;
    });
}

/// R6.3: ten commissions of one affiliate are one read and one transaction.
/// Each has the commission 4 (its item 2, two lists), its journal entry 3 and the invitee's earnings 2. The account 2 and the
/// outbox item with its ten messages 4 come once.
#[test]
fn ten_commissions_of_one_affiliate_are_one_read_and_one_transaction() {
    World::run(async |world| {
        invited(world).await;
        hundred(world).await;
        let cost = ten_friends_pay(world).await;
        assert_eq!((cost.commit, cost.reads), ((1, 96), reads(&[("BatchGetItem", 1)])));
        world.settle().await;
    });
}

/// Ten invitees of Ann pay; the cost of their messages, which come together.
async fn ten_friends_pay(world: &World) -> Cost {
    let code = world.code("ann").await;
    let mut orders = Vec::new();
    for number in 0..10 {
        let name = format!("invitee{number}");
        world.register(&name, Some(&code)).await;
        orders.push(world.order(&name, json!({"offer_id": "o100", "provider": "stripe"})).await);
    }
    world.settle().await;
    for order in &orders {
        world.pay(order, json!({})).await;
    }
    while world.stack.pump_webhooks().await {}
    world.stack.dynamo.reset();
    assert!(world.stack.pump("reward-worker", "RewardQueue.fifo", 10, Retry::AtOnce).await.unwrap());
    used(world)
}

/// R12.3: while granted credit expires, a friend's message writes two lots more, so ten are two transactions of what fits.
#[test]
fn ten_friends_whose_rewards_expire_are_two_transactions() {
    World::run(async |world| {
        world.settings("payment", |settings| settings["grant_expiry_days"] = json!(30)).await;
        world
            .settings("referral", |settings| {
                settings["enabled"] = json!(true);
                settings["qualified"]["inviter_reward"] = json!("3");
                settings["qualified"]["invitee_reward"] = json!("1");
            })
            .await;
        invited(world).await;
        hundred(world).await;
        assert_eq!(ten_friends_pay(world).await.commit.0, 2);
        world.settle().await;
        assert_eq!(world.balance("ann").await, "33");
    });
}

/// R6.9: gathering ten withdrawals is one transaction, and each line is closed with one.
/// A line costs 2 for its withdrawal, and the batch, its audit record and the saved answer 10 together. Closing a line costs 16.
#[test]
fn a_payout_batch_is_one_transaction_and_one_for_each_line() {
    World::run(async |world| {
        batches::rich(world).await;
        for _ in 0..10 {
            batches::cash(world, "1").await;
        }
        world.settle().await;
        world.stack.dynamo.reset();
        let batch = batches::gather(world).await;
        let gathered = used(world);
        world.settle().await;
        world.stack.dynamo.reset();
        let path = format!("{}/{}/close", batches::BATCHES, batches::id(&batch));
        world.admin().once().post(&path, json!({"reference": "TX 7"})).await.is(200);
        let closed = used(world);
        let list_and_lines = reads(&[("BatchGetItem", 2), ("GetItem", 1), ("Query", 1)]);
        assert_eq!((gathered.commit, gathered.reads), ((1, 30), list_and_lines));
        // The batch once; then each withdrawal, its account and the batch.
        assert_eq!((closed.commit, closed.reads), ((10, 160), reads(&[("BatchGetItem", 1), ("GetItem", 32)])));
        world.settle().await;
    });
}

/// A page of a list is one query; of an index, which has keys only, the query and one read of the items.
#[test]
fn a_page_of_a_list_is_a_query_and_at_most_one_read() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        for (path, batches) in [("/v1/payment/orders", 1), ("/v1/balance/records", 0), ("/v1/referral/rewards", 0)] {
            world.stack.dynamo.reset();
            world.user("bob").get(path).await.is(200);
            let mut reads = reads(&[("BatchGetItem", batches), ("Query", 1)]);
            reads.retain(|(_, calls)| *calls > 0);
            assert_eq!(used(world), Cost { reads, before: 0, commit: (0, 0), after: 0 }, "{path}");
        }
    });
}

/// Creates a chain of `depth` shops, all granted a series, and an asset of the deepest.
async fn agency(world: &World, depth: usize) -> (String, String) {
    crate::agency::open(world).await;
    let cards = crate::agency::series(world, crate::agency::fixed("100")).await;
    let mut deepest: Option<String> = None;
    for level in 0..depth {
        let body = json!({"name": level.to_string(), "parent_id": deepest});
        let shop = crate::agency::id(&world.admin().post("/v1/shops", body).await.is(201));
        let amount = (100 - 5 * level).to_string();
        crate::agency::grant(world, &shop, &cards, json!({"commission_amount": amount})).await;
        deepest = Some(shop);
    }
    let deepest = deepest.unwrap();
    crate::agency::fund(world, &deepest, "1000").await;
    let card = crate::agency::asset(world, &deepest, &cards, "CARD-1").await;
    (deepest, card)
}

/// R8.8–R8.10: a sale pays five levels, or ten, in two reads and one transaction.
/// Each level writes its sales 2, its wallet 2 and its journal entry 3. The order with its snapshot and the asset with its
/// journal entry come once.
#[test]
fn a_sale_pays_its_whole_chain_in_one_transaction() {
    for (depth, units) in [(5, 42), (10, 79)] {
        World::run(async |world| {
            let (_, card) = agency(world, depth).await;
            let body = json!({"asset_id": card, "kind": "recharge", "amount": "10", "payment": "wallet"});
            world.admin().once().post("/v1/agency/orders", body).await.is(201);
            world.stack.dynamo.reset();
            assert!(world.stack.pump("reward-worker", "RewardQueue.fifo", 10, Retry::AtOnce).await.unwrap());
            let cost = used(world);
            assert_eq!((cost.commit, cost.reads), ((1, units), reads(&[("BatchGetItem", 1), ("GetItem", 1)])));
            world.settle().await;
        });
    }
}

/// R6.6, R8.12: cash of a shop is one read after the caller, and one commit.
/// The wallet 2, both journal entries 3 each, the withdrawal 4, which is the guard (R1.8), and the outbox item 2; and 2 for the users
/// of the payout account, the first time (R6.9).
#[test]
fn cash_of_a_shop_is_one_read_and_one_commit() {
    World::run(async |world| {
        crate::agency::cash::sold(world).await;
        world.stack.dynamo.reset();
        let asked = crate::agency::cash::cash(world, "a", "10").await;
        let cost = used(world);
        assert_eq!((cost.commit, cost.reads), ((1, 16), reads(&[("BatchGetItem", 1), ("GetItem", 1)])));
        world.settle().await;
        world.stack.dynamo.reset();
        let cancel = format!("{}/{asked}/cancel", crate::agency::cash::CASH);
        world.user("a").post(&cancel, json!({})).await.is(200);
        let cost = used(world);
        assert_eq!((cost.commit.0, cost.reads), (1, reads(&[("BatchGetItem", 1), ("GetItem", 1)])));
        world.settle().await;
    });
}

/// R8.3: a grant with fifty packages is one transaction of at most six items.
/// R8.7: a pre-check reads twice after the caller.
#[test]
fn a_grant_with_fifty_packages_is_one_transaction_of_six_items() {
    World::run(async |world| {
        crate::agency::open(world).await;
        let shop = crate::agency::shop(world, "a", None).await;
        let cards = crate::agency::series(world, crate::agency::fixed("100")).await;
        let mut packages = Vec::new();
        for number in 0..50 {
            let id = crate::agency::package(world, &cards, &format!("P{number}"), "50", "10").await;
            packages.push(json!({"package_id": id, "cost_price": "20"}));
        }
        let before = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        world.stack.dynamo.reset();
        let body = json!({"shop_id": shop, "series_id": cards, "commission_amount": "80", "packages": packages});
        world.admin().once().post(crate::agency::GRANTS, body).await.is(201);
        let cost = used(world);
        let after = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        let written = after.iter().filter(|item| !before.contains(item)).count();
        assert_eq!((cost.commit.0, written), (1, 6), "{cost:?}");
        let card = crate::agency::asset(world, &shop, &cards, "CARD-1").await;
        world.stack.dynamo.reset();
        world.admin().post(&format!("/v1/assets/{card}/recharge-check"), json!({"amount": "5"})).await.is(200);
        // What it depends on, and the sales and names of its levels, side by side.
        assert_eq!(used(world).reads, reads(&[("BatchGetItem", 2), ("GetItem", 2)]));
    });
}

/// R4.12: a receipt is one read and a commit of 4 units, the receipt 2 and the counter of its year 2. A repeat is one read.
#[test]
fn a_receipt_is_one_read_and_one_commit() {
    World::run(async |world| {
        begun(world).await;
        world.register("bob", None).await;
        let mut paths = Vec::new();
        for _ in 0..2 {
            let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
            world.pay(&order, json!({})).await;
            world.settle().await;
            paths.push(format!("/v1/payment/orders/{}/receipt", order["id"].as_str().unwrap()));
        }
        // The first one also reads the operator's details, once a minute.
        world.user("bob").post(&paths[0], json!({})).await.is(200);
        world.stack.dynamo.reset();
        world.user("bob").post(&paths[1], json!({})).await.is(200);
        let once = Cost { reads: reads(&[("BatchGetItem", 1)]), before: 0, commit: (1, 4), after: 0 };
        assert_eq!(used(world), once);
        world.user("bob").post(&paths[1], json!({})).await.is(200);
        let again = Cost { reads: reads(&[("BatchGetItem", 1)]), before: 0, commit: (0, 0), after: 0 };
        assert_eq!(used(world), again);
    });
}
