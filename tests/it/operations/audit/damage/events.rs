//! Damage to outbound events.

use serde_json::json;

use super::{Row, Scan, remove};

/// Damage to webhook deliveries: E1.
pub const EVENTS: &[Row] = &[
    ("a delivery to nobody", &["E1"], |scan: &mut Scan| {
        let to = scan.text("delivery", |_| true, "endpoint");
        scan.remove("endpoint", |endpoint| endpoint["id"]["S"] == to.as_str());
    }),
    ("a delivery of what did not happen", &["E1"], |scan| {
        scan.one("delivery")["about"]["M"]["user"]["S"] = json!("usr_01arz3ndektsv4rrffq69g5fav");
    }),
    ("a delivery of another kind than its thing", &["E1"], |scan| {
        scan.one("delivery")["event"]["S"] = json!("order.paid");
    }),
    ("a delivery that was taken at no time", &["E1"], |scan| remove(scan.one("delivery"), "delivered_at")),
    ("a delivery that is pending and never due", &["E1"], |scan| {
        let delivery = scan.one("delivery");
        delivery["state"]["S"] = json!("pending");
        remove(delivery, "delivered_at");
    }),
    ("a delivery that failed without a reason", &["E1"], |scan| {
        let delivery = scan.one("delivery");
        delivery["state"]["S"] = json!("failed");
        remove(delivery, "delivered_at");
    }),
    ("a delivery that was tried more often than it was attempted", &["E1"], |scan| {
        scan.one("delivery")["tried"]["N"] = json!("2");
    }),
    ("an endpoint that wants nothing", &["E1"], |scan| scan.one("endpoint")["events"]["L"] = json!([])),
    ("a chat whose secret was rotated", &["E1"], |scan| {
        let endpoint = scan.one("endpoint");
        endpoint["format"] = json!({"S": "slack"});
        endpoint["secret"]["N"] = json!("2");
    }),
    ("an endpoint with a secret of before the first", &["E1"], |scan| scan.one("endpoint")["secret"]["N"] = json!("0")),
];
