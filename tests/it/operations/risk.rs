//! Warnings of settings that are allowed and can be abused (R10.3).

use serde_json::{Value, json};

use crate::world::World;

/// The settings that end the warnings of an area.
async fn warned(world: &World, area: &str) -> Vec<Value> {
    let answer = world.admin().get(&format!("/v1/admin/settings/{area}")).await.is(200);
    let of = |warning: &Value| {
        assert_eq!(warning["code"], "farmable_registration_reward");
        warning["settings"].as_array().unwrap().clone()
    };
    answer["warnings"].as_array().unwrap().iter().flat_map(of).collect()
}

/// R10.3: a reward at registration that can be farmed is allowed, and the answers of both areas say so until both settings end it.
#[test]
fn a_farmable_reward_is_allowed_and_warned_of() {
    World::run(async |world| {
        world.open().await;
        assert_eq!(warned(world, "referral").await, Vec::<Value>::new(), "a reward for paying is none");
        let version = world.admin().get("/v1/admin/settings/referral").await.is(200);
        let mut settings = version["settings"].clone();
        settings["registration"]["inviter_reward"] = json!("1");
        let if_match = format!("\"{}\"", version["version"]);
        let changed = world.admin().header("if-match", &if_match).put("/v1/admin/settings/referral", settings).await;
        let both = json!(["identity.email_verification", "referral.max_invitees_per_user"]);
        assert_eq!(changed.is(200)["warnings"][0]["settings"], both, "the answer to the change says it");
        for area in ["referral", "identity"] {
            assert_eq!(json!(warned(world, area).await), both, "{area}");
        }
        assert_eq!(warned(world, "payment").await, Vec::<Value>::new());
        world.settings("referral", |settings| settings["max_invitees_per_user"] = json!(5)).await;
        assert_eq!(warned(world, "identity").await, ["identity.email_verification"]);
        world.settings("identity", |settings| settings["email_verification"] = json!(true)).await;
        assert_eq!(warned(world, "referral").await, Vec::<Value>::new());
    });
}
