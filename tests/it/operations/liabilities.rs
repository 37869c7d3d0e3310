//! Liabilities by month of expiry and kind (R12.4).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use shared::kernel::ledger::{AccountKind, AccountOwner};
use shared::operations::auditor::Snapshot;

use crate::affiliate::commission::{hundred, invited};
use crate::agency::cash;
use crate::fixtures::read;
use crate::redemption::{pro, time_on};
use crate::world::World;

const DAY: u64 = 86_400;

/// Lines of the report: month, kind and amount.
async fn lines(world: &World) -> Vec<(String, String, String)> {
    let report = report(world).await;
    let text = |of: &Value| of.as_str().unwrap_or("never").to_owned();
    let line = |of: &Value| (text(&of["expires_in"]), text(&of["kind"]), text(&of["amount"]["amount"]));
    report["lines"].as_array().unwrap().iter().map(line).collect()
}

async fn report(world: &World) -> Value {
    world.settle().await;
    world.admin().get("/v1/admin/liabilities").await.is(200)
}

fn line(month: &str, kind: &str, amount: &str) -> (String, String, String) {
    (month.to_owned(), kind.to_owned(), amount.to_owned())
}

/// Sums of the lines by the account of the ledger that they are in; outstanding codes are in none.
fn by_account(lines: &[(String, String, String)]) -> BTreeMap<&'static str, Decimal> {
    let mut sums = BTreeMap::new();
    for (_, kind, amount) in lines {
        let account = match kind.as_str() {
            "balance" | "bonus" | "reward" | "code" => "user",
            "commission_pending" | "commission_available" | "commission_held" => "affiliate",
            "shop_main" => "main",
            "shop_commission" => "commission",
            "shop_held" => "held",
            "shop_assets" => "asset",
            _ => continue,
        };
        *sums.entry(account).or_default() += Decimal::from_str_exact(amount).unwrap();
    }
    sums
}

/// The same sums from the journal entries themselves.
fn of_journals(world: &World) -> BTreeMap<&'static str, Decimal> {
    let items = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
    let (snapshot, findings) = Snapshot::read(&read(&items));
    assert_eq!(findings, []);
    let mut sums: BTreeMap<&'static str, Decimal> = BTreeMap::new();
    for posting in &snapshot.postings {
        // Money that is credited to nobody is owed to nobody.
        let Some(holder) = posting.holder else { continue };
        let account = match holder {
            AccountOwner::User(_) if posting.is_of_commission() => "affiliate",
            AccountOwner::User(_) => "user",
            AccountOwner::Main(_) => "main",
            AccountOwner::Commission(_) => "commission",
            AccountOwner::Held(_) => "held",
            AccountOwner::Asset(_) => "asset",
        };
        let owed = |kind| !matches!(kind, AccountKind::Receivable | AccountKind::CommissionReceivable);
        let sum: Decimal =
            posting.entries.iter().filter(|line| owed(line.account)).map(|line| line.amount.amount()).sum();
        *sums.entry(account).or_default() += sum;
    }
    sums.retain(|_, sum| !sum.is_zero());
    sums
}

async fn expiring(world: &World, days: u32) {
    world.settings("payment", |settings| settings["grant_expiry_days"] = json!(days)).await;
}

async fn adjust(world: &World, name: &str, amount: &str) {
    let id = world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
    let body = json!({"amount": amount, "remark": "of a test", "allow_debt": true});
    world.admin().once().post(&format!("/v1/admin/users/{id}/adjustments"), body).await.is(200);
}

async fn redeemed(world: &World, name: &str, credit: &str) {
    let batch = json!({"label": "credit", "count": 1, "credit": credit, "total_uses": 1});
    let code = world.codes(batch).await.remove(0);
    world.redeem(name, &code).await.is(201);
}

/// R12.4: what is owed stands by kind and month, and its sums are those of the journals, also while much happens.
#[test]
fn liabilities_are_the_sums_of_the_journals() {
    World::run(async |world| {
        expiring(world, 30).await;
        invited(world).await;
        hundred(world).await;
        redeemed(world, "bob", "5").await;
        expiring(world, 0).await;
        redeemed(world, "bob", "2").await;
        let first = lines(world).await;
        assert_eq!(by_account(&first), of_journals(world));
        let months: Vec<&str> = first.iter().map(|(month, ..)| month.as_str()).collect();
        assert!(months.is_sorted_by_key(|month| *month != "never") && months.contains(&"2026-12"), "{first:?}");
        assert!(first.contains(&line("2026-12", "code", "5")), "{first:?}");
        assert!(first.contains(&line("never", "commission_available", "1.38888888")), "{first:?}");

        adjust(world, "bob", "-3").await;
        let cash = json!({"amount": "0.5", "to": "cash", "payout": cash::bank()});
        world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.5")).await;
        world.user("ann").once().post("/v1/affiliate/withdrawals", cash).await.is(201);
        adjust(world, "ann", "-100").await;
        let then = lines(world).await;
        assert_eq!(by_account(&then), of_journals(world), "a debt is owed to us, and no line of it is here");
        assert!(then.contains(&line("never", "commission_held", "0.5")), "{then:?}");

        world.advance(31 * DAY).await;
        let did = world.stack.tick("expire-credit").await.unwrap();
        assert_ne!(did["expired"], json!(0));
        world.sign_in("admin").await;
        let after = lines(world).await;
        assert_eq!(by_account(&after), of_journals(world));
        assert!(after.iter().all(|(month, ..)| month == "never"), "{after:?}");
    });
}

/// R12.4, R8.12: wallets of shops and balances of assets stand in their currency, beside the ledger's.
#[test]
fn shops_are_owed_in_their_currency() {
    World::run(async |world| {
        cash::sold(world).await;
        cash::cash(world, "a", "12.5").await;
        let report = report(world).await;
        let shops = lines(world).await;
        assert_eq!(by_account(&shops), of_journals(world));
        for line in [
            line("never", "shop_main", "490"),
            line("never", "shop_commission", "67.5"),
            line("never", "shop_held", "12.5"),
            line("never", "shop_assets", "10"),
        ] {
            assert!(shops.contains(&line), "{line:?} in {shops:?}");
        }
        assert_eq!(report["totals"], json!([{"amount": "580", "currency": "CNY"}]));
    });
}

/// R12.4, R12.3: a spend is taken off the month that expires next, whatever kind it is of.
#[test]
fn a_spend_leaves_what_expires_last() {
    World::run(async |world| {
        world.register("bob", None).await;
        for (days, credit) in [(80, "7"), (20, "5"), (50, "3"), (0, "1")] {
            expiring(world, days).await;
            redeemed(world, "bob", credit).await;
        }
        let all = [("2026-12", "5"), ("2027-01", "3"), ("2027-02", "7")];
        let expected = |from: usize, first: &str| {
            let mut lines = vec![line("never", "balance", "1")];
            lines.extend(all[from..].iter().map(|(month, amount)| line(month, "code", amount)));
            lines[1].2 = first.to_owned();
            lines
        };
        assert_eq!(lines(world).await, expected(0, "5"));
        adjust(world, "bob", "-2").await;
        assert_eq!(lines(world).await, expected(0, "3"));
        adjust(world, "bob", "-5").await;
        assert_eq!(lines(world).await, expected(1, "1").to_vec());
        adjust(world, "bob", "-8.5").await;
        assert_eq!(lines(world).await, [line("never", "balance", "0.5")]);
        assert_eq!(report(world).await["totals"], json!([{"amount": "0.5", "currency": "USD"}]));
    });
}

/// R12.4, R12.3: credit that expired is no liability any more, and the totals tell how much it was.
#[test]
fn what_expired_is_told_in_the_totals() {
    World::run(async |world| {
        world.register("bob", None).await;
        expiring(world, 10).await;
        redeemed(world, "bob", "5").await;
        adjust(world, "bob", "-2").await;
        let expired = async || {
            world.settle().await;
            world.admin().get("/v1/admin/stats").await.is(200)["liabilities"]["expired"]["amount"].clone()
        };
        assert_eq!(expired().await, "0");
        world.advance(10 * DAY).await;
        world.stack.tick("expire-credit").await.unwrap();
        world.sign_in("admin").await;
        assert_eq!(expired().await, "3");
        assert_eq!(lines(world).await, []);
    });
}

/// R12.4: of two lots that are due at once, either may expire first, and the lines are right in between.
#[test]
fn lots_that_are_due_together_expire_in_any_order() {
    World::run(async |world| {
        world.register("bob", None).await;
        for days in [10, 9, 8, 7, 6, 5] {
            expiring(world, days).await;
            redeemed(world, "bob", "5").await;
        }
        adjust(world, "bob", "-12").await;
        assert_eq!(lines(world).await, [line("2026-11", "code", "18")]);
        world.advance(11 * DAY).await;
        world.stack.tick("expire-credit").await.unwrap();
        world.sign_in("admin").await;
        assert_eq!(lines(world).await, []);
    });
}

/// R12.4, R7.8, R7.10: outstanding codes stand by their own end: redeemed, edited, extended, deleted, unlimited and for plans.
#[test]
fn outstanding_codes_follow_redemptions_and_edits() {
    World::run(async |world| {
        world.register("bob", None).await;
        let batch = json!({"label": "autumn", "count": 4, "credit": "2.5", "total_uses": 1, "expires_at": "2026-12-15T00:00:00Z"});
        let codes = world.codes(batch).await;
        world.codes(json!({"label": "open", "count": 2, "credit": "1", "total_uses": 0})).await;
        let plan = pro(world, 0).await;
        world.codes(time_on(&plan, "day", 1, 2)).await;
        let big = world.codes(json!({"label": "big", "count": 1, "credit": "1", "total_uses": 300})).await.remove(0);
        let never = line("never", "outstanding_codes", "300");
        let of = async || {
            let lines = lines(world).await;
            lines.into_iter().filter(|line| line.1 == "outstanding_codes").collect::<Vec<_>>()
        };
        assert_eq!(of().await, [never.clone(), line("2026-12", "outstanding_codes", "10")]);
        let whole = report(world).await;
        assert_eq!((&whole["unlimited_codes"], &whole["codes_complete"]), (&json!(2), &json!(true)));
        assert_eq!(whole["lines"][1]["uses"], 4);

        world.redeem("bob", &codes[0]).await.is(201);
        world.redeem("bob", &big).await.is(201);
        let never = line("never", "outstanding_codes", "299");
        assert_eq!(of().await, [never.clone(), line("2026-12", "outstanding_codes", "7.5")]);

        let path = |code: &str| format!("/v1/admin/redemption/codes/{code}");
        let edit = json!({"total_uses": 3, "credit": "2", "expires_at": "2027-03-01T00:00:00Z"});
        world.admin().put(&path(&codes[1]), edit).await.is(200);
        world.admin().put(&path(&codes[0]), json!({"total_uses": 2})).await.is(200);
        let march = line("2027-03", "outstanding_codes", "6");
        assert_eq!(of().await, [never.clone(), line("2026-12", "outstanding_codes", "7.5"), march.clone()]);
        world.redeem("bob", &codes[1]).await.is(201);
        let march = line("2027-03", "outstanding_codes", "4");
        assert_eq!(of().await, [never.clone(), line("2026-12", "outstanding_codes", "7.5"), march.clone()]);

        world.admin().raw("DELETE", &path(&codes[2]), "").await.is(204);
        world.admin().put(&path(&big), json!({"total_uses": 310})).await.is(200);
        let never = line("never", "outstanding_codes", "309");
        assert_eq!(of().await, [never.clone(), line("2026-12", "outstanding_codes", "5"), march.clone()]);

        let batches = world.admin().get("/v1/admin/redemption/batches").await.is(200);
        let autumn = batches["items"].as_array().unwrap().iter().find(|batch| batch["label"] == "autumn").unwrap();
        let path = format!("/v1/admin/redemption/batches/{}/expiry", autumn["id"].as_str().unwrap());
        world.admin().put(&path, json!({"expires_at": "2027-01-31T00:00:00Z"})).await.is(200);
        let january = line("2027-01", "outstanding_codes", "5");
        assert_eq!(of().await, [never.clone(), january, march]);
        world.advance(80 * DAY).await;
        world.sign_in("admin").await;
        assert_eq!(of().await, [never, line("2027-03", "outstanding_codes", "4")]);
    });
}

/// R12.4, R4.12: the report is a sheet, too.
#[test]
fn liabilities_are_a_sheet() {
    World::run(async |world| {
        world.register("bob", None).await;
        redeemed(world, "bob", "2").await;
        world.codes(json!({"label": "credit", "count": 2, "credit": "2.5", "total_uses": 1})).await;
        world.settle().await;
        let sheet = world.admin().header("accept", "text/csv").get("/v1/admin/liabilities").await;
        assert_eq!(sheet.headers["content-type"], "text/csv; charset=utf-8");
        assert_eq!(
            sheet.text,
            "expires_in,kind,amount.amount,amount.currency,uses\r\n,balance,2,USD,\r\n,outstanding_codes,5,USD,2\r\n"
        );
    });
}
