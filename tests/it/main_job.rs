//! The main job, end to end: sign up with a code, pay, be credited once, inviter rewarded.

use serde_json::json;

use crate::world::World;

/// R4.6, R5.3, R3.6: ¥100 at 7.2 within a day of sign-up is 18.05555554 USD.
/// The inviter has the reward once, however often the provider delivers the event.
#[test]
fn a_hundred_yuan_make_eighteen_dollars_and_one_reward_however_often_we_are_told() {
    for provider in ["zpay", "stripe"] {
        World::run(async |world| {
            world.open().await;
            world.register("ann", None).await;
            let code = world.code("ann").await;
            let told = world.register("bob", Some(&code)).await;
            assert_eq!(told["referral"], json!({"applied": true}));
            let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
            assert_eq!(order["credit"], json!({"amount": "13.88888888", "currency": "USD"}));
            assert_eq!(order["total"], json!({"amount": "18.05555554", "currency": "USD"}));
            world.pay(&order, json!({"notify": "twice"})).await;
            world.settle().await;
            assert_eq!(world.balance("bob").await, "18.05555554");
            assert_eq!(world.balance("ann").await, "3");
            let rewards = world.user("ann").get("/v1/referral/rewards").await.is(200);
            assert_eq!(rewards["items"].as_array().unwrap().len(), 1);
            assert_eq!(rewards["items"][0]["state"], "granted");
            let path = format!("/v1/payment/orders/{}", order["id"].as_str().unwrap());
            let paid = world.user("bob").get(&path).await.is(200);
            assert_eq!((paid["status"].as_str(), paid["late"].as_bool()), (Some("paid"), Some(false)));
        });
    }
}
