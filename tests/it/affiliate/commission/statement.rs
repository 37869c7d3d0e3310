//! Statements of a commission account by month (R6.12).

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use shared::operations::auditor::audit;
use shared::table::item::text;

use super::{hundred, invited};
use crate::fixtures::refund;
use crate::world::World;

const STATEMENTS: &str = "/v1/affiliate/statements";
const PARTS: [&str; 4] = ["pending", "available", "held", "debt"];

/// Amounts of a statement at its `opening` or `closing`, in the order of [`PARTS`].
fn parts(of: &Value) -> [&str; 4] {
    PARTS.map(|part| of[part]["amount"].as_str().unwrap())
}

/// Three months of Ann's commission, the third one without lines: an order, a refund of half of it after a withdrawal, another order.
async fn three_months(world: &World) {
    let at = async |time: &str| {
        world.stack.clock.set(time.parse().unwrap());
        for name in ["ann", "bob", "admin"] {
            world.sign_in(name).await;
        }
    };
    world.stack.clock.set("2026-11-30T10:00:00Z".parse().unwrap());
    world.sign_in("admin").await;
    invited(world).await;
    let order = hundred(world).await;
    at("2026-12-01T00:30:00Z").await;
    let body = json!({"amount": "1.38888888", "to": "balance"});
    world.user("ann").once().post("/v1/affiliate/withdrawals", body).await.is(201);
    refund(world, &order, 5_000).await;
    at("2027-02-03T10:00:00Z").await;
    hundred(world).await;
}

async fn of(world: &World, month: &str) -> Value {
    world.user("ann").get(&format!("{STATEMENTS}/{month}?limit=100")).await.is(200)
}

/// R6.12: a month opens with what the one before closed with, and its lines lead from there to what it closes with.
#[test]
fn a_month_opens_with_what_the_one_before_closed_with() {
    World::run(async |world| {
        three_months(world).await;
        let listed = world.user("ann").get(STATEMENTS).await.is(200)["items"].as_array().unwrap().clone();
        let months: Vec<(&str, bool)> =
            listed.iter().map(|of| (of["month"].as_str().unwrap(), of["open"] == true)).collect();
        assert_eq!(months, [("2027-02", true), ("2026-12", false), ("2026-11", false)]);
        let [november, december, january, february] = [
            of(world, "2026-11").await,
            of(world, "2026-12").await,
            of(world, "2027-01").await,
            of(world, "2027-02").await,
        ];
        assert_eq!(parts(&november["opening"]), ["0", "0", "0", "0"]);
        assert_eq!(parts(&november["closing"]), ["0", "1.38888888", "0", "0"]);
        assert_eq!(parts(&december["closing"]), ["0", "0", "0", "0.69444444"]);
        assert_eq!((&january["items"], &january["opening"]), (&json!([]), &december["closing"]));
        assert_eq!(parts(&february["closing"]), ["0", "0.69444444", "0", "0"], "the debt is paid first");
        let all = [&november, &december, &january, &february];
        for (one, next) in all.iter().zip(&all[1..]) {
            assert_eq!(one["closing"], next["opening"]);
        }
        let mut ids = Vec::new();
        for month in all {
            let lines = month["items"].as_array().unwrap();
            ids.extend(lines.iter().map(|line| line["id"].to_string()));
            let begins = month["month"].as_str().unwrap();
            assert!(lines.iter().all(|line| line["created_at"].as_str().unwrap().starts_with(begins)), "{lines:?}");
            for part in ["pending", "available", "held"] {
                let last = lines.iter().rfind(|line| line["part"] == part);
                let left = last.map_or(&month["opening"][part], |line| &line["balance_after"]);
                assert_eq!(left, &month["closing"][part], "{part} of {begins}");
            }
        }
        let whole = world.user("ann").get("/v1/balance/records?account=commission&limit=100").await.is(200);
        let of_parts = ids.iter().filter(|id| !id.contains("debt")).count();
        assert_eq!(of_parts, whole["items"].as_array().unwrap().len(), "every line once");
        assert!(ids.iter().any(|id| id.contains("commission_debt")), "{ids:?}");
    });
}

/// R6.12: pages of any size show every line once, oldest first; a sheet has them between the parts before and after.
#[test]
fn a_statement_is_read_in_pages_or_as_a_sheet() {
    World::run(async |world| {
        three_months(world).await;
        // February has an entry of several lines: a commission that pays debt.
        for month in ["2026-12", "2027-02"] {
            let whole = of(world, month).await["items"].as_array().unwrap().clone();
            assert!(whole.len() >= 2, "{whole:?}");
            for limit in 1..=whole.len() {
                let (mut items, mut cursor) = (Vec::new(), String::new());
                loop {
                    let path = format!("{STATEMENTS}/{month}?limit={limit}{cursor}");
                    let page = world.user("ann").get(&path).await.is(200);
                    assert!(page["items"].as_array().unwrap().len() <= limit);
                    items.extend(page["items"].as_array().unwrap().clone());
                    assert!(items.len() <= whole.len(), "a line twice, {limit} a page of {month}");
                    match page["next_cursor"].as_str() {
                        Some(next) => cursor = format!("&cursor={next}"),
                        None => break,
                    }
                }
                assert_eq!(items, whole, "{limit} a page of {month}");
            }
        }
        let whole = of(world, "2026-12").await["items"].as_array().unwrap().clone();
        let sheet = world.user("ann").header("accept", "text/csv").get(&format!("{STATEMENTS}/2026-12")).await;
        assert_eq!(sheet.headers["content-type"], "text/csv; charset=utf-8");
        let rows: Vec<&str> = sheet.text.lines().collect();
        assert_eq!(rows.len(), 1 + PARTS.len() + whole.len() + PARTS.len());
        assert_eq!(rows[2], ",,opening,available,,USD,,1.38888888,,,,");
        assert_eq!(rows[rows.len() - 1], ",,closing,debt,,USD,,0.69444444,,,,");
    });
}

/// R6.12: a month that has not begun has no statement; before the first line, and without an account, there is nothing.
#[test]
fn a_month_without_lines_has_an_empty_statement() {
    World::run(async |world| {
        three_months(world).await;
        for wrong in ["2027-03", "2027-13", "202702", "february"] {
            world.user("ann").get(&format!("{STATEMENTS}/{wrong}")).await.refused(404, "not_found");
        }
        for (name, month) in [("ann", "2026-10"), ("bob", "2026-12"), ("bob", "2027-02")] {
            let empty = world.user(name).get(&format!("{STATEMENTS}/{month}")).await.is(200);
            assert_eq!((parts(&empty["opening"]), parts(&empty["closing"])), (["0"; 4], ["0"; 4]), "{name} {month}");
            assert_eq!((&empty["items"], &empty["open"]), (&json!([]), &json!(month == "2027-02")), "{name} {month}");
        }
        assert_eq!(world.user("bob").get(STATEMENTS).await.is(200)["items"], json!([]));
    });
}

/// R6.12: clocks differ a little. A month that was begun goes on, and no line is in two statements or in none.
#[test]
fn a_clock_behind_the_others_opens_no_month_again() {
    World::run(async |world| {
        world.stack.clock.set("2026-11-30T10:00:00Z".parse().unwrap());
        world.sign_in("admin").await;
        invited(world).await;
        hundred(world).await;
        world.stack.clock.set("2026-11-30T23:59:58Z".parse().unwrap());
        world.sign_in("ann").await;
        for time in ["2026-12-01T00:00:01Z", "2026-11-30T23:59:59Z", "2026-12-01T00:00:02Z"] {
            world.stack.clock.set(time.parse().unwrap());
            let body = json!({"amount": "0.1", "to": "balance"});
            world.user("ann").once().post("/v1/affiliate/withdrawals", body).await.is(201);
        }
        let [november, december] = [of(world, "2026-11").await, of(world, "2026-12").await];
        assert_eq!((parts(&november["closing"])[1], november["items"].as_array().unwrap().len()), ("1.38888888", 1));
        assert_eq!((parts(&december["closing"])[1], december["items"].as_array().unwrap().len()), ("1.08888888", 3));
    });
}

/// R6.12, C6: what a month left can't be changed unnoticed.
#[test]
fn the_auditor_finds_a_month_that_left_something_else() {
    let items = World::left_by(async |world| three_months(world).await);
    assert_eq!(audit(&items), []);
    let is_month = |item: &shared::table::item::Item| text(item, "type") == Some("commission_month");
    assert_eq!(items.iter().filter(|item| is_month(item)).count(), 2, "one for each month that ended");
    let index = items.iter().position(is_month).unwrap();
    for (name, other) in [("available", "9"), ("pending", "1"), ("postings", "1000")] {
        let mut damaged = items.clone();
        let number = AttributeValue::N(other.to_owned());
        let value = match name {
            "postings" => number,
            _ => AttributeValue::M([("USD".to_owned(), number)].into()),
        };
        damaged[index].insert(name.to_owned(), value);
        let found: Vec<_> = audit(&damaged).into_iter().map(|finding| finding.invariant).collect();
        assert_eq!(found, ["C6"], "{name}");
    }
}
