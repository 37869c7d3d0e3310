//! Damage to the agency: shops, grants, assets and commissions of sales.

use serde_json::{Value, json};

use super::{Row, Scan, amount, remove};

fn is_below(grant: &Value) -> bool {
    grant["path"]["S"].as_str().unwrap().contains('/')
}

fn standing(grant: &Value) -> bool {
    grant["terms"]["M"]["status"]["S"] == "active"
}

fn triggering(order: &Value) -> bool {
    order["outcome"]["M"]["triggered"]["BOOL"] == true
}

fn outcome(scan: &mut Scan) -> &mut Value {
    &mut scan.find("agency_order", triggering)["outcome"]["M"]
}

/// C1, C2 and C4 of agency orders, G1–G4.
pub const AGENCY: &[Row] = &[
    ("a grant with more commission than the one above it", &["G1"], |scan: &mut Scan| {
        let own = &mut scan.find("grant", is_below)["terms"]["M"]["own"]["M"];
        own["tiers"]["L"][0]["M"]["amount"]["S"] = json!("2.6");
    }),
    ("a grant with a cost below the one above it", &["G1"], |scan| {
        scan.find("grant", is_below)["terms"]["M"]["packages"]["L"][0]["M"]["cost_price"]["S"] = json!("4.9");
    }),
    ("a retail price below the cost", &["G1"], |scan| {
        scan.find("grant", is_below)["terms"]["M"]["packages"]["L"][0]["M"]["retail_price"]["S"] = json!("5.9");
    }),
    ("a series below what it granted", &["G1"], |scan| {
        let series = scan.find("series", |series| series["grants"]["N"] == "1");
        series["terms"]["M"]["commission"]["M"]["tiers"]["L"][0]["M"]["amount"]["S"] = json!("2.4");
    }),
    ("a shop with a child too many", &["G2"], |scan| scan.one("shop")["children"]["N"] = json!("7")),
    ("a shop with a grant too many", &["G2"], |scan| scan.one("shop")["grants"]["N"] = json!("7")),
    ("a series with a grant too many", &["G2"], |scan| scan.one("series")["grants"]["N"] = json!("7")),
    ("a grant with a child too many", &["G2"], |scan| {
        scan.find("grant", standing)["children"]["N"] = json!("7");
    }),
    ("a grant without its place", &["G2"], |scan| {
        scan.remove("grant_place", |place| place["deleted"]["BOOL"] != true);
    }),
    ("an asset without its claim", &["G2"], |scan| scan.remove("asset_claim", |_| true)),
    ("an agent of no shop", &["G2"], |scan| {
        scan.find("user", |user| user["shop"]["S"].is_string()).as_object_mut().unwrap().remove("shop");
    }),
    ("a sale that was counted twice", &["G3"], |scan| {
        scan.one("shop_sales")["self_and_sub"]["M"]["count"]["N"] = json!("9");
    }),
    ("statistics that are lost", &["G3"], |scan| scan.remove("shop_sales", |_| true)),
    ("an asset that was paid more", &["G3"], |scan| {
        scan.one("asset")["progress"]["M"]["paid"]["S"] = json!("1000");
    }),
    ("a refund that a sale did not follow", &["G3", "O4"], |scan| {
        let order = scan.find("agency_order", |order| order["paid_by"]["S"] == "online");
        order["outcome"]["M"]["net"]["S"] = json!("30");
    }),
    ("an asset that nothing triggered", &["G4"], |scan| {
        scan.one("asset").as_object_mut().unwrap().remove("triggered_by");
    }),
    ("a second order that triggered", &["G4"], |scan| {
        let order = scan.find("agency_order", |order| !triggering(order));
        order["outcome"]["M"]["triggered"] = json!({"BOOL": true});
    }),
    ("a pool that nobody shared", &["C2", "O4"], |scan| outcome(scan)["pool"]["S"] = json!("4")),
    ("a level that has the platform's share", &["C4", "O4"], |scan| {
        let outcome = outcome(scan);
        outcome["platform"]["S"] = json!("0");
        outcome["shares"]["L"][1]["S"] = json!("2 0 at 5");
    }),
    ("a level without its share", &["C1", "C2", "C4", "O4"], |scan| {
        outcome(scan)["shares"]["L"].as_array_mut().unwrap().pop();
    }),
    ("cash of a shop of another amount", &["O4", "W1", "W2"], |scan| {
        *amount(&mut scan.find("withdrawal", of_a_shop("requested"))["amount"]) = json!("0.7");
    }),
    ("cash of a shop paid without a journal", &["O4", "W1", "W2"], |scan| {
        scan.find("withdrawal", of_a_shop("requested"))["state"]["S"] = json!("paid");
    }),
    ("cash of a shop that is lost", &["O2", "W2"], |scan| scan.remove("withdrawal", of_a_shop("requested"))),
    ("a wallet that holds more than was asked for", &["L2", "O4", "W2"], |scan| {
        let wallet = scan.find("wallet", |wallet| !wallet["held"].is_null());
        *amount(&mut wallet["held"]["M"]["balance"]["M"]["amount"]) = json!("7");
    }),
    ("a wallet that forgot what it holds", &["L2", "O4", "W2"], |scan| {
        remove(scan.find("wallet", |wallet| !wallet["held"].is_null()), "held");
    }),
];

/// Condition: a withdrawal of a shop in this state.
fn of_a_shop(state: &'static str) -> impl Fn(&Value) -> bool {
    move |withdrawal| {
        !withdrawal["shop"].is_null() && withdrawal["batch"].is_null() && withdrawal["state"]["S"] == state
    }
}
