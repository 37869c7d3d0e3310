//! Damage to cases of risk and to what rests on them.

use serde_json::{Value, json};

use super::{Row, Scan, has, remove};

fn is_held(reward: &Value) -> bool {
    reward["hold"]["S"] == "risk"
}

/// Damage to a case that is held, with its rewards and commission: R1, R2.
pub const RISK: &[Row] = &[
    ("a case without evidence", &["R1"], |scan: &mut Scan| {
        scan.one("risk_case")["evidence"]["L"] = json!([]);
    }),
    ("a case that holds on a signal that only flags", &["R1"], |scan| {
        scan.one("risk_case")["evidence"]["L"][0]["M"]["action"]["S"] = json!("flag");
    }),
    ("a case that was decided by nobody", &["D3", "R1", "R2"], |scan| {
        scan.one("risk_case")["state"]["S"] = json!("released");
    }),
    ("a held reward whose case is gone", &["R2"], |scan| {
        scan.remove("risk_case", |_| true);
    }),
    ("a reward that was rejected under a case that waits", &["O4", "R2"], |scan| {
        let reward = scan.find("reward", |reward| is_held(reward) && has("side", "invitee")(reward));
        reward["state"]["S"] = json!("rejected");
        remove(reward, "hold");
    }),
    ("a held commission that nothing lists", &["R2"], |scan| {
        scan.remove("held_commission", |_| true);
    }),
    ("a commission that forgot why it is held", &["C1", "R2"], |scan| {
        let held = |commission: &Value| commission["under_review"]["BOOL"] == true;
        remove(scan.find("commission", held), "under_review");
    }),
];
