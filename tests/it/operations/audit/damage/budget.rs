//! Damage to budgets of programmes.

use serde_json::{Value, json};

use super::{Row, Scan, remove};

fn is_counted(reward: &Value) -> bool {
    !reward["budget_month"].is_null()
}

fn has_room(share: &Value) -> bool {
    share["room"]["M"]["USD"]["N"] != "0"
}

/// Damage to the shares of a month: M1, M2.
pub const BUDGETS: &[Row] = &[
    ("a reward that its month does not count", &["M1"], |scan: &mut Scan| {
        remove(scan.find("reward", is_counted), "budget_month");
    }),
    ("a reward that another month has paid", &["M1"], |scan| {
        scan.find("reward", is_counted)["budget_month"]["S"] = json!("2026-10-01");
    }),
    ("a share that forgot a grant", &["M1"], |scan| {
        let spent = |share: &Value| share["spent"]["M"]["USD"]["N"] != "0";
        scan.find("budget_share", spent)["spent"]["M"]["USD"]["N"] = json!("0");
    }),
    ("room that the budget does not leave", &["M2"], |scan| {
        scan.find("budget_share", has_room)["room"]["M"]["USD"]["N"] = json!("1000");
    }),
    ("room below zero", &["M2"], |scan| {
        scan.find("budget_share", has_room)["room"]["M"]["USD"]["N"] = json!("-1");
    }),
    ("a share that is lost", &["M2"], |scan| {
        scan.remove("budget_share", |share| has_room(share) && share["spent"]["M"]["USD"]["N"] == "0")
    }),
    ("a frozen share with room", &["M2"], |scan| {
        scan.find("budget_share", has_room)["frozen"] = json!({"BOOL": true});
    }),
];
