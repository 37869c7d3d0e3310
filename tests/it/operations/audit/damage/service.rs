//! Damage to the operator's backend: its users, and their outside purchases.

use serde_json::json;

use super::{Row, Scan, amount, has};

fn is_bought(purchase: &serde_json::Value) -> bool {
    purchase["bought"]["M"].is_object()
}

/// Damage to purchases (B1), and to the backend's external ids (I1).
pub const SERVICE: &[Row] = &[
    ("a purchase at another exchange rate", &["B1"], |scan: &mut Scan| {
        scan.find("purchase", |of| is_bought(of) && !of["refunds"].is_null())["bought"]["M"]["exchange_rate"]["S"] =
            json!("7.1");
    }),
    ("a purchase of another amount", &["A4", "B1", "C4"], |scan| {
        *amount(&mut scan.find("purchase", |of| is_bought(of) && !of["refunds"].is_null())["bought"]["M"]["amount"]) =
            json!("40.00");
    }),
    ("a purchase of somebody else's", &["A4", "B1", "C1", "C5"], |scan| {
        let dave = scan.id_of("dave");
        scan.find("purchase", |of| is_bought(of) && !of["refunds"].is_null())["bought"]["M"]["user"]["S"] = json!(dave);
    }),
    ("a purchase of which more went back", &["A4", "C4"], |scan| {
        *amount(&mut scan.find("purchase", |of| is_bought(of) && !of["refunds"].is_null())["refunds"]["M"]["r-1"]) =
            json!("6.00");
    }),
    ("a purchase that is lost", &["A4", "C1", "C5"], |scan| scan.remove("purchase", is_bought)),
    ("a purchase of which nothing is known", &["B1"], |scan| {
        let unknown = scan.find("purchase", |purchase| !is_bought(purchase));
        unknown.as_object_mut().unwrap().remove("refunds");
    }),
    ("a user without the claim on the backend's id", &["I1"], |scan| {
        scan.remove("external", has("not_applied", "unknown"))
    }),
    ("a claim on a backend's id that is somebody else's", &["I1"], |scan| {
        let dave = scan.id_of("dave");
        scan.find("external", has("not_applied", "unknown"))["user"]["S"] = json!(dave);
    }),
];
