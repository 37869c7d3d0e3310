//! Damage to the signed heads of a day.

use serde_json::json;

use super::{Row, up};

/// Damage to heads: L8.
pub const HEADS: &[Row] = &[
    ("a root that nobody signed", &["L8"], |scan| scan.one("ledger_heads")["root"]["S"] = json!("A".repeat(43))),
    ("a signature of something else", &["L8"], |scan| {
        scan.one("ledger_heads")["signature"]["S"] = json!("A".repeat(86));
    }),
    ("another key", &["L8"], |scan| {
        scan.one("ledger_heads")["key"]["S"] = json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    }),
    ("the number of accounts", &["L8"], |scan| up(&mut scan.one("ledger_heads")["accounts"])),
    ("a day before that was not there", &["L8"], |scan| {
        scan.one("ledger_heads")["before"]["S"] = json!("B".repeat(42) + "A");
    }),
    ("a head of another entry", &["L8"], |scan| {
        let head = &mut scan.one("heads_page")["heads"]["L"][0]["S"];
        let words: Vec<&str> = head.as_str().unwrap().split(' ').collect();
        *head = json!(format!("{} 99 {}", words[0], words[2]));
    }),
    ("a page that is gone", &["L8"], |scan| scan.remove("heads_page", |_| true)),
    ("a latest day that is not the latest", &["L8"], |scan| {
        scan.one("latest_heads")["date"]["S"] = json!("2026-11-19");
    }),
    ("heads that are gone", &["L8"], |scan| scan.remove("ledger_heads", |_| true)),
];
