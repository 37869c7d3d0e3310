//! Yearly totals of affiliates (R6.12).

use std::collections::BTreeMap;

use emulator::stack::TABLE;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::second::three;
use super::{hundred, invited};
use crate::agency::{cash, id};
use crate::fixtures::refund;
use crate::world::World;

const YEARS: &str = "/v1/affiliate/years";
const WITHDRAWALS: &str = "/v1/affiliate/withdrawals";

/// Totals of a year: earned, taken back, paid out, payouts, moved to the balance.
type Totals = (Decimal, Decimal, Decimal, u64, Decimal);

fn decimal(of: &Value) -> Decimal {
    Decimal::from_str_exact(of["amount"].as_str().unwrap()).unwrap()
}

fn totals(of: &Value) -> Totals {
    let amount = |name: &str| decimal(&of[name]);
    let payouts = of["payouts"].as_u64().unwrap();
    (amount("earned"), amount("taken_back"), amount("paid_out"), payouts, amount("to_balance"))
}

fn numbers(texts: [&str; 3], payouts: u64, to_balance: &str) -> Totals {
    let [earned, back, paid] = texts.map(|text| Decimal::from_str_exact(text).unwrap());
    (earned, back, paid, payouts, Decimal::from_str_exact(to_balance).unwrap())
}

/// A user's years as the route answers them.
async fn years(world: &World, name: &str) -> BTreeMap<String, Totals> {
    world.settle().await;
    let listed = world.user(name).get(YEARS).await.is(200)["items"].as_array().unwrap().clone();
    let names: Vec<&str> = listed.iter().map(|of| of["year"].as_str().unwrap()).collect();
    assert!(names.is_sorted_by(|one, next| one > next), "newest first: {names:?}");
    listed.iter().map(|of| (of["year"].as_str().unwrap().to_owned(), totals(of))).collect()
}

/// The same sums from the lines of the user's statements, and from the list of their withdrawals.
async fn of_statements(world: &World, name: &str) -> BTreeMap<String, Totals> {
    let mut years: BTreeMap<String, Totals> = BTreeMap::new();
    let months = world.user(name).get("/v1/affiliate/statements").await.is(200)["items"].as_array().unwrap().clone();
    for month in months {
        let month = month["month"].as_str().unwrap();
        let of = world.user(name).get(&format!("/v1/affiliate/statements/{month}?limit=100")).await.is(200);
        assert_eq!(of["next_cursor"], Value::Null);
        let year = years.entry(month[..4].to_owned()).or_default();
        for line in of["items"].as_array().unwrap() {
            match line["type"].as_str().unwrap() {
                "commission" => year.0 += decimal(&line["amount"]),
                "refund" | "debt" => year.1 -= decimal(&line["amount"]),
                "withdrawal" => year.4 -= decimal(&line["amount"]),
                other => panic!("a line of {other}"),
            }
        }
    }
    let listed = world.user(name).get(&format!("{WITHDRAWALS}?limit=100")).await.is(200)["items"].clone();
    for paid in listed.as_array().unwrap().iter().filter(|one| one["state"] == "paid") {
        let year = years.get_mut(&paid["settled_at"].as_str().unwrap()[..4]).unwrap();
        let amount = decimal(&paid["amount"]);
        (year.2, year.3, year.4) = (year.2 + amount, year.3 + 1, year.4 - amount);
    }
    years
}

/// Moves on to a time; no message waits that long.
async fn at(world: &World, time: &str) {
    world.settle().await;
    world.stack.clock.set(time.parse().unwrap());
    for name in ["zoe", "ann", "bob", "admin"] {
        world.sign_in(name).await;
    }
}

async fn ask(world: &World, amount: &str, to: &str) -> String {
    let payout = if to == "cash" { cash::bank() } else { Value::Null };
    let body = match to {
        "cash" => json!({"amount": amount, "to": to, "payout": payout}),
        _ => json!({"amount": amount, "to": to}),
    };
    id(&world.user("ann").once().post(WITHDRAWALS, body).await.is(201))
}

async fn close(world: &World, id: &str, act: &str, body: Value) {
    world.admin().post(&format!("/v1/admin/withdrawals/{id}/{act}"), body).await.is(200);
}

async fn post(world: &World, amount: &str) -> String {
    let ann = id(&world.user("ann").get("/v1/me").await.is(200));
    let body = json!({"user_id": ann, "amount": amount, "reason": "a campaign"});
    id(&world.admin().once().post("/v1/admin/commissions", body).await.is(201))
}

/// Two years of Ann and Zoe: holds, refunds, debt, a reinstatement, and withdrawals of every end, one paid a year after its request.
async fn two_years(world: &World) {
    world.settle().await;
    world.stack.clock.set("2026-11-30T10:00:00Z".parse().unwrap());
    world.sign_in("admin").await;
    three(world, "0.05").await;
    world
        .settings("affiliate", |settings| {
            settings["hold_hours"] = json!(24);
            settings["min_cash_withdrawal"] = json!("0.1");
        })
        .await;
    let first = hundred(world).await;
    refund(world, &first, 3_000).await;
    at(world, "2026-12-10T10:00:00Z").await;
    world.settings("affiliate", |settings| settings["hold_hours"] = json!(0)).await;
    let second = hundred(world).await;
    let (paid, rejected) = (ask(world, "0.3", "cash").await, ask(world, "0.2", "cash").await);
    let cancelled = ask(world, "0.1", "cash").await;
    close(world, &paid, "approve", json!({"reference": "SEPA 1"})).await;
    close(world, &rejected, "reject", json!({"reason": "unknown account"})).await;
    world.user("ann").post(&format!("{WITHDRAWALS}/{cancelled}/cancel"), json!({})).await.is(200);
    let late = ask(world, "0.4", "cash").await;
    ask(world, "0.2", "balance").await;
    at(world, "2026-12-31T23:59:59Z").await;
    ask(world, "0.7", "balance").await;
    at(world, "2027-01-01T00:00:00Z").await;
    close(world, &late, "approve", json!({"reference": "SEPA 2"})).await;
    refund(world, &second, 10_000).await;
    let taken = post(world, "-2").await;
    let reverse = format!("/v1/admin/commissions/{taken}/reverse");
    world.admin().once().post(&reverse, json!({"reason": "a mistake"})).await.is(200);
    hundred(world).await;
}

/// R6.12: the totals of a year are the sums of its statements' lines, whatever ended how and in which year.
#[test]
fn the_totals_of_a_year_are_the_sums_of_its_statements_lines() {
    World::run(async |world| {
        two_years(world).await;
        for name in ["zoe", "ann", "bob"] {
            assert_eq!(years(world, name).await, of_statements(world, name).await, "{name}");
        }
        let of_ann = years(world, "ann").await;
        let then = numbers(["2.77777776", "0.41666667", "0.3"], 1, "0.9");
        let now = numbers(["1.38888888", "1.38888888", "0.4"], 1, "0");
        assert_eq!(of_ann, [("2026".to_owned(), then), ("2027".to_owned(), now)].into());
        assert_eq!(years(world, "bob").await, BTreeMap::new());
        let of_zoe = &years(world, "zoe").await["2026"];
        assert_eq!(*of_zoe, numbers(["1.38888888", "0.20833334", "0"], 0, "0"), "the second level");
    });
}

/// R6.12: the operator lists a year's affiliates page by page and as a sheet; an erased one stays, without an e-mail.
#[test]
fn the_operator_lists_a_years_affiliates_and_saves_them() {
    World::run(async |world| {
        two_years(world).await;
        world.settle().await;
        let me = async |name: &str| id(&world.user(name).get("/v1/me").await.is(200));
        let (zoe, ann) = (me("zoe").await, me("ann").await);
        let list = "/v1/admin/affiliate/years/2026";
        let whole = world.admin().get(list).await.is(200)["items"].as_array().unwrap().clone();
        let listed: Vec<&str> = whole.iter().map(|of| of["affiliate"]["id"].as_str().unwrap()).collect();
        let mut both = [zoe.as_str(), ann.as_str()];
        both.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(listed, both, "by id: who signed up last comes first");
        let of_ann = whole.iter().find(|of| of["affiliate"]["email"] == "ann@example.com").unwrap();
        assert_eq!(totals(&of_ann["totals"]), years(world, "ann").await["2026"]);
        assert_eq!((&of_ann["affiliate"]["id"], &of_ann["totals"]["year"]), (&json!(ann), &json!("2026")));
        let first = world.admin().get(&format!("{list}?limit=1")).await.is(200);
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = world.admin().get(&format!("{list}?limit=1&cursor={cursor}")).await.is(200);
        assert_eq!([&first["items"][0], &second["items"][0]], [&whole[0], &whole[1]]);
        let other = format!("/v1/admin/affiliate/years/2027?limit=1&cursor={cursor}");
        world.admin().get(&other).await.refused(400, "forged_cursor");
        assert_eq!(world.admin().get("/v1/admin/affiliate/years/2025").await.is(200)["items"], json!([]));
        for wrong in ["26", "20266", "now"] {
            world.admin().get(&format!("/v1/admin/affiliate/years/{wrong}")).await.refused(404, "not_found");
        }
        let reason = json!({"reason": "they asked for it", "acknowledge_balance": true});
        world.admin().post(&format!("/v1/admin/users/{ann}/erase"), reason).await.is(200);
        let sheet = world.admin().get(&format!("{list}/export.csv")).await;
        assert_eq!(sheet.headers["content-disposition"], "attachment; filename=\"affiliates-2026.csv\"");
        let rows: Vec<&str> = sheet.text.lines().collect();
        assert!(rows.contains(&&*format!("{ann},,2026,2.77777776,0.41666667,0.3,1,0.9,USD")), "{rows:?}");
        assert!(rows.contains(&&*format!("{zoe},zoe@example.com,2026,1.38888888,0.20833334,0,0,0,USD")), "{rows:?}");
        assert_eq!(rows.len(), 3);
    });
}

/// R6.12, R8.12: the cash of a shop is no affiliate's.
#[test]
fn a_shop_is_no_affiliate() {
    World::run(async |world| {
        let [_, _, shop] = cash::sold(world).await;
        let asked = cash::cash(world, "c", "10").await;
        close(world, &asked, "approve", json!({"reference": "SEPA 3"})).await;
        world.settle().await;
        assert_eq!(cash::parts(world, &shop).await[1], "20");
        assert_eq!(world.admin().get("/v1/admin/affiliate/years/2026").await.is(200)["items"], json!([]));
    });
}

/// R6.12, R9.2: years that are lost are counted anew from the journal entries, however many, with the next change of the account.
#[test]
fn lost_years_are_counted_anew_with_the_next_change() {
    World::run(async |world| {
        invited(world).await;
        hundred(world).await;
        for _ in 0..60 {
            ask(world, "0.01", "balance").await;
        }
        let before = years(world, "ann").await["2026"];
        assert_eq!(before, numbers(["1.38888888", "0", "0"], 0, "0.6"));
        let ann = id(&world.user("ann").get("/v1/me").await.is(200));
        let key = json!({"pk": {"S": format!("AFFILIATE#{ann}")}, "sk": {"S": "YEAR#2026"}});
        world.stack.dynamo.apply("DeleteItem", &json!({"TableName": TABLE, "Key": key})).unwrap();
        assert_eq!(years(world, "ann").await, BTreeMap::new());
        ask(world, "0.1", "balance").await;
        assert_eq!(years(world, "ann").await["2026"], numbers(["1.38888888", "0", "0"], 0, "0.7"));
    });
}

/// R6.12: clocks differ a little. A year that was begun goes on, as the statements' months do.
#[test]
fn a_clock_behind_the_others_counts_in_the_year_that_was_begun() {
    World::run(async |world| {
        world.settle().await;
        world.stack.clock.set("2026-12-30T10:00:00Z".parse().unwrap());
        world.sign_in("admin").await;
        invited(world).await;
        hundred(world).await;
        world.stack.clock.set("2026-12-31T23:59:58Z".parse().unwrap());
        world.sign_in("ann").await;
        for time in ["2027-01-01T00:00:01Z", "2026-12-31T23:59:59Z", "2027-01-01T00:00:02Z"] {
            world.stack.clock.set(time.parse().unwrap());
            ask(world, "0.1", "balance").await;
        }
        let found = years(world, "ann").await;
        assert_eq!(found["2026"], numbers(["1.38888888", "0", "0"], 0, "0"));
        assert_eq!(found["2027"], numbers(["0", "0", "0"], 0, "0.3"));
        assert_eq!(found, of_statements(world, "ann").await);
    });
}
