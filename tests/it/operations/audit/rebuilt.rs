//! Tests of the rebuild: change numbers of the scene, and compare the reported corrections.

use serde_json::{Value, json};
use shared::operations::auditor::rebuild;

use super::damage::Scan;
use crate::fixtures::{read, scene};

/// Description, the stored numbers that are reported, damage.
type Row = (&'static str, &'static [&'static str], fn(&mut Scan));

/// Adds one to a number, be it money, a count or a text.
fn up(number: &mut Value) {
    let money = number.get("M").is_some();
    let number = if money { number["M"].as_object_mut().unwrap().values_mut().next().unwrap() } else { number };
    let text = number["N"].as_str().unwrap();
    let (whole, rest) = text.split_once('.').map_or((text, String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    let up: i64 = whole.parse::<i64>().unwrap() + 1;
    number["N"] = json!(format!("{up}{rest}"));
}

const ROWS: &[Row] = &[
    ("a balance", &["balance", "liabilities.balance", "liabilities.balance"], |scan| {
        up(&mut scan.person("bob")["accounts"]["M"]["balance"]["M"]["amount"]);
    }),
    ("the number of a user's postings", &["postings"], |scan| up(&mut scan.person("bob")["accounts"]["M"]["postings"])),
    ("a wallet", &["balance", "liabilities.agency.commission.CNY", "liabilities.agency.commission.CNY"], |scan| {
        up(&mut scan.one("wallet")["commission"]["M"]["balance"]["M"]["amount"])
    }),
    ("what a shop holds", &["balance", "liabilities.agency.held.CNY", "liabilities.agency.held.CNY"], |scan| {
        let wallet = scan.find("wallet", |wallet| !wallet["held"].is_null());
        up(&mut wallet["held"]["M"]["balance"]["M"]["amount"]);
    }),
    (
        "a commission account",
        &["commission.held", "liabilities.commission.held", "liabilities.commission.held"],
        |scan| {
            up(&mut scan.one("commission_account")["held"]);
        },
    ),
    ("what left a commission account", &["commission.withdrawn"], |scan| {
        up(&mut scan.one("commission_account")["withdrawn"]);
    }),
    ("what an affiliate's year moved to the balance", &["2026.to_balance"], |scan| {
        up(&mut scan.one("affiliate_year")["to_balance"])
    }),
    ("an inviter's invitees", &["invitees"], |scan| up(&mut scan.one("referral_counts")["invitees"])),
    ("an inviter's rewards", &["earned"], |scan| up(&mut scan.one("referral_counts")["earned"])),
    ("an invitee's earnings", &["earnings.orders"], |scan| up(&mut scan.one("earnings")["orders"])),
    ("a code's uses", &["used"], |scan| up(&mut scan.one("code")["used"])),
    ("a shop's children", &["children"], |scan| up(&mut scan.one("shop")["children"])),
    ("a series' grants", &["grants"], |scan| up(&mut scan.one("series")["grants"])),
    ("a total", &["users"], |scan| {
        let is_total =
            |item: &Value| !item["users"].is_null() && item["sk"]["S"].as_str().is_some_and(|sk| sk.len() == 2);
        up(&mut scan.find("statistics", is_total)["users"]);
    }),
    ("a thing that was never counted", &["users"], |scan| {
        let user = scan.find("user", |_| true)["pk"]["S"].as_str().unwrap().to_owned();
        let held = scan.find("counted", |item| item["subject"]["S"] == user.as_str());
        held["tallies"]["M"].as_object_mut().unwrap().remove("users");
    }),
    ("a posting that is gone", &["balance", "balance.entries", "postings"], |scan| {
        scan.0.retain(|item| {
            item["type"]["S"] != "posting" || item["entries"]["L"][0]["M"]["amount"]["M"]["USD"]["N"] != "-0.5"
        });
    }),
    ("an item that can't be read", &["item"], |scan| scan.one("session")["type"]["S"] = json!("mystery")),
];

#[test]
fn a_rebuilt_scene_is_what_is_stored() {
    let rebuilt = rebuild(&read(&scene().items));
    assert_eq!(rebuilt.differences, []);
    assert!(rebuilt.compared > 300, "{}", rebuilt.compared);
}

#[test]
fn a_number_that_was_changed_is_named_with_what_it_should_be() {
    let mut wrong = Vec::new();
    for (what, expected, damage) in ROWS {
        let mut scan = Scan::of(&scene().items);
        damage(&mut scan);
        let found = rebuild(&read(&scan.0)).differences;
        let mut names: Vec<&str> = found.iter().map(|difference| difference.value.as_str()).collect();
        names.sort_unstable();
        if names != *expected {
            wrong.push(format!("{what}: expected {expected:?}, found {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
