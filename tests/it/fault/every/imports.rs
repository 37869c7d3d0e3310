//! Imports: several lines of one request, of which some take effect and some can't (R13.1).

use serde_json::{Value, json};

use super::asks::{Act, ask};
use crate::operations::import::BCRYPT;
use crate::world::World;

/// Sets up an import and returns a request for it.
pub async fn of_imports(world: &World, path: &str) -> Act {
    world.open().await;
    world.register("ann", None).await;
    let body = |lines: Value| json!({"source": "old-site", "dry_run": false, "lines": lines});
    let users = json!([
        {"email": "bob@example.com", "external_id": "2", "password_hash": BCRYPT}, {"external_id": "3"}, {"external_id": "4"},
        {"email": "ann@example.com"}, {"email": "no address"},
    ]);
    if path.ends_with("/users") {
        return ask("admin", path, body(users));
    }
    world.admin().once().post("/v1/admin/import/users", body(users)).await.is(200);
    world.settle().await;
    let lines = match path.rsplit('/').next().unwrap() {
        "codes" => json!([
            {"external_id": "2", "code": "BOBS2024"}, {"external_id": "2", "code": "BOBS2025"},
            {"external_id": "3", "code": "CIDS2024"}, {"external_id": "9", "code": "NOBODY"},
        ]),
        "balances" => json!([
            {"external_id": "2", "amount": "1.5"}, {"external_id": "3", "amount": "0.00000001"}, {"external_id": "4", "amount": "-1"},
        ]),
        "referrals" => json!([
            {"external_id": "2", "inviter_external_id": "3"}, {"external_id": "3", "inviter_external_id": "4"},
            {"external_id": "4", "inviter_external_id": "2"},
        ]),
        other => panic!("{other}"),
    };
    ask("admin", path, body(lines))
}
