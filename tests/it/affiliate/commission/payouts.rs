//! Conditions of a payout: invitees who have paid, a second admin, and accounts of several users (R6.9).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{hundred, invited, totals};
use crate::fixtures::refund;
use crate::world::{Answer, World};

const WITHDRAWALS: &str = "/v1/affiliate/withdrawals";

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

async fn cash(world: &World, amount: &str) -> Answer {
    let payout = json!({"method": "bank", "account": "DE02120300000000202051"});
    world.user("ann").once().post(WITHDRAWALS, json!({"amount": amount, "to": "cash", "payout": payout})).await
}

async fn approve(world: &World, withdrawal: &str) {
    let path = format!("/v1/admin/withdrawals/{withdrawal}/approve");
    world.admin().post(&path, json!({"reference": "SEPA 17"})).await.is(200);
}

/// Ann has 1.38888888 of Bob's order; the settings ask for so many invitees who have paid.
async fn earned(world: &World, needed: u32) -> Value {
    invited(world).await;
    world
        .settings("affiliate", |settings| {
            settings["min_cash_withdrawal"] = json!("0.1");
            settings["min_paying_invitees"] = json!(needed);
        })
        .await;
    world.register("cid", Some(&world.code("ann").await)).await;
    hundred(world).await
}

/// R6.9: the first cash withdrawal waits for enough invitees who have paid; the refusal says how many, and the terms do.
#[test]
fn the_first_cash_withdrawal_needs_invitees_who_have_paid() {
    World::run(async |world| {
        earned(world, 2).await;
        let refused = cash(world, "0.5").await.refused(409, "too_few_paying_invitees");
        assert_eq!(refused["detail"], "1 of the 2 invitees that it needs have paid.");
        assert_eq!(world.user("ann").get("/v1/affiliate").await.is(200)["terms"]["min_paying_invitees"], 2);
        let balance = json!({"amount": "0.1", "to": "balance"});
        world.user("ann").once().post(WITHDRAWALS, balance).await.is(201);
        cash(world, "0.5").await.refused(409, "too_few_paying_invitees");
        let order = world.order("cid", json!({"offer_id": "o100", "provider": "zpay"})).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        cash(world, "0.5").await.is(201);
        world.settle().await;
    });
}

/// R6.9: an invitee whose payments were given back does not count.
#[test]
fn an_invitee_who_was_given_everything_back_has_not_paid() {
    World::run(async |world| {
        let order = earned(world, 1).await;
        let ann = world.user("ann").get("/v1/me").await.is(200)["id"].clone();
        let posted = json!({"user_id": ann, "amount": "5", "reason": "a campaign"});
        world.admin().once().post("/v1/admin/commissions", posted).await.is(201);
        let first = id(&cash(world, "0.5").await.is(201));
        refund(world, &order, 10_000).await;
        cash(world, "0.5").await.refused(409, "too_few_paying_invitees");
        approve(world, &first).await;
        world.settle().await;
    });
}

/// R6.9: once a cash withdrawal was paid, later ones ask for no invitees.
#[test]
fn later_cash_withdrawals_need_no_invitees() {
    World::run(async |world| {
        earned(world, 1).await;
        let first = id(&cash(world, "0.2").await.is(201));
        world.settings("affiliate", |settings| settings["min_paying_invitees"] = json!(1_000)).await;
        world.advance(61).await;
        cash(world, "0.2").await.refused(409, "too_few_paying_invitees");
        approve(world, &first).await;
        cash(world, "0.2").await.is(201);
        world.settle().await;
    });
}

/// Makes Eve an admin who may approve withdrawals.
pub async fn second_admin(world: &World) {
    let eve = world.register("eve", None).await["user"]["id"].as_str().unwrap().to_owned();
    let role = json!({"role": "admin", "scopes": ["withdrawals:approve"]});
    world.admin().put(&format!("/v1/admin/users/{eve}/role"), role).await.is(200);
    world.sign_in("eve").await;
}

/// Ann asked for 1, and what is above 0.5 needs two admins.
pub async fn above_the_limit(world: &World) -> String {
    earned(world, 0).await;
    world.settings("affiliate", |settings| settings["second_approval_above"] = json!("0.5")).await;
    second_admin(world).await;
    world.advance(61).await;
    id(&cash(world, "1").await.is(201))
}

async fn try_to_approve(world: &World, by: &str, withdrawal: &str, reference: &str) -> Answer {
    let path = format!("/v1/admin/withdrawals/{withdrawal}/approve");
    world.user(by).post(&path, json!({"reference": reference})).await
}

/// R6.9: above the limit the first admin's approval is recorded, and the second, different one pays.
#[test]
fn an_amount_above_the_limit_is_paid_by_a_second_admin() {
    World::run(async |world| {
        let asked = above_the_limit(world).await;
        let first = try_to_approve(world, "admin", &asked, "SEPA 17").await.is(200);
        assert_eq!((&first["state"], &first["awaits_second_approval"]), (&json!("requested"), &json!(true)));
        assert_eq!((&first["reference"], &first["settled_at"]), (&Value::Null, &Value::Null));
        for reference in ["SEPA 17", "SEPA 18"] {
            try_to_approve(world, "admin", &asked, reference).await.refused(409, "second_admin_required");
        }
        assert_eq!(totals(world).await, ["0", "0.38888888", "1", "0", "0", "0"]);
        let list = world.admin().get("/v1/admin/withdrawals?state=requested").await.is(200);
        let admin = world.admin().get("/v1/me").await.is(200)["id"].clone();
        let shown = &list["items"][0]["first_approval"];
        assert_eq!((&shown["admin"], &shown["reference"]), (&admin, &json!("SEPA 17")));
        world.settle().await;
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        assert_eq!(stats["withdrawals"]["paid"]["count"], 0, "not paid before the second approval");
        let paid = try_to_approve(world, "eve", &asked, "SEPA 19").await.is(200);
        assert_eq!((&paid["state"], &paid["reference"]), (&json!("paid"), &json!("SEPA 19")));
        assert_eq!(paid["awaits_second_approval"], false);
        assert_eq!(totals(world).await, ["0", "0.38888888", "0", "1", "0", "0"]);
        let audit = world.admin().get(&format!("/v1/admin/audit?subject={asked}")).await.is(200);
        let actions: BTreeSet<&str> =
            audit["items"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
        assert_eq!(actions, BTreeSet::from(["withdrawal.approved", "withdrawal.paid"]));
        world.settle().await;
    });
}

/// R6.9: at the limit one admin is enough, and between the approvals it is rejected by one admin or cancelled by its user.
#[test]
fn one_admin_is_enough_up_to_the_limit_and_to_reject() {
    World::run(async |world| {
        let asked = above_the_limit(world).await;
        try_to_approve(world, "admin", &asked, "SEPA 17").await.is(200);
        world.user("ann").post(&format!("{WITHDRAWALS}/{asked}/cancel"), json!({})).await.is(200);
        try_to_approve(world, "eve", &asked, "SEPA 18").await.refused(409, "withdrawal_closed");
        let rejected = id(&cash(world, "0.6").await.is(201));
        try_to_approve(world, "eve", &rejected, "SEPA 19").await.is(200);
        let reject = format!("/v1/admin/withdrawals/{rejected}/reject");
        world.user("eve").post(&reject, json!({"reason": "unknown account"})).await.is(200);
        let small = id(&cash(world, "0.5").await.is(201));
        assert_eq!(try_to_approve(world, "eve", &small, "SEPA 20").await.is(200)["state"], "paid");
        assert_eq!(totals(world).await, ["0", "0.88888888", "0", "0.5", "0", "0"]);
        world.settle().await;
    });
}

/// R6.8, R6.9: of several, each line says whether it is paid or waits for a second admin.
#[test]
fn several_approvals_say_which_of_them_need_a_second_admin() {
    World::run(async |world| {
        let large = above_the_limit(world).await;
        let small = id(&cash(world, "0.3").await.is(201));
        let body = json!({"ids": [large, small], "reference": "SEPA 17"});
        let told = async |by: &str, key: &str| {
            let answer = world.user(by).key(key).post("/v1/admin/withdrawals/approve", body.clone()).await.is(200);
            let of = |one: &Value| one["refusal"].as_str().unwrap_or("done").to_owned();
            answer["outcomes"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
        };
        for key in ["a", "a", "b"] {
            assert_eq!(told("admin", key).await, ["second_admin_required", "done"], "{key}");
        }
        assert_eq!(totals(world).await[3], "0.3");
        assert_eq!(told("eve", "c").await, ["done", "done"]);
        assert_eq!(totals(world).await[3], "1.3");
        world.settle().await;
    });
}

/// Flag for an admin on the account of a user's newest withdrawal.
async fn flagged(world: &World, name: &str) -> bool {
    let user = world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
    let list = world.admin().get(&format!("/v1/admin/withdrawals?user={user}")).await.is(200);
    list["items"][0]["shared_account"].as_bool().unwrap()
}

/// R6.9: an account that another user has is flagged for admins on the withdrawals of both, however it is spelt, and for nobody else.
#[test]
fn an_account_that_another_user_has_is_flagged() {
    World::run(async |world| {
        earned(world, 0).await;
        let ask = async |name: &str, method: &str, account: &str| {
            let me = world.user(name).get("/v1/me").await.is(200)["id"].clone();
            let posted = json!({"user_id": me, "amount": "2", "reason": "a campaign"});
            world.admin().once().post("/v1/admin/commissions", posted).await.is(201);
            let body = json!({"amount": "1", "to": "cash", "payout": {"method": method, "account": account}});
            world.user(name).once().post(WITHDRAWALS, body).await.is(201)
        };
        ask("ann", "bank", "DE02120300000000202051").await;
        ask("ann", "bank", "DE02 1203 0000 0000 2020 51").await;
        assert!(!flagged(world, "ann").await, "her own account, twice");
        ask("cid", "paypal", "DE02120300000000202051").await;
        assert!(!flagged(world, "cid").await, "another method is another account");
        let told = ask("bob", "bank", "de02 1203-0000-0000-2020-51").await;
        assert_eq!((told["payout"]["account"].as_str(), told.get("shared_account")), (Some("****0-51"), None));
        let flags = [flagged(world, "ann").await, flagged(world, "bob").await, flagged(world, "cid").await];
        assert_eq!(flags, [true, true, false]);
        let csv = world.admin().header("accept", "text/csv").get("/v1/admin/withdrawals").await.text;
        assert_eq!(csv.lines().filter(|line| line.contains(",true,")).count(), 3);
        let kept = world.stack.items().unwrap();
        let kept: Vec<String> = kept.iter().map(|item| format!("{item:?}")).collect();
        let kept: Vec<&String> = kept.iter().filter(|item| item.contains("PAYOUT_ACCOUNT#")).collect();
        assert_eq!(kept.len(), 2);
        assert!(kept.iter().all(|item| !item.contains("202051")), "only a hash of the account is kept");
        world.settle().await;
    });
}

/// R2.7, R6.9: erasing a user takes them out of the accounts they had, and the flag of the other one goes.
#[test]
fn an_erased_user_has_no_account_any_more() {
    World::run(async |world| {
        earned(world, 0).await;
        let bob = world.user("bob").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let posted = json!({"user_id": bob, "amount": "2", "reason": "a campaign"});
        world.admin().once().post("/v1/admin/commissions", posted).await.is(201);
        let body =
            json!({"amount": "1", "to": "cash", "payout": {"method": "bank", "account": "DE02120300000000202051"}});
        let bobs = id(&world.user("bob").once().post(WITHDRAWALS, body).await.is(201));
        cash(world, "1").await.is(201);
        assert!(flagged(world, "ann").await);
        approve(world, &bobs).await;
        let erase = json!({"reason": "they asked for it", "acknowledge_balance": true});
        world.admin().post(&format!("/v1/admin/users/{bob}/erase"), erase).await.is(200);
        world.settle().await;
        assert!(!flagged(world, "ann").await);
        let accounts = world.stack.items().unwrap();
        let accounts = accounts.iter().map(|item| format!("{item:?}")).filter(|item| item.contains("PAYOUT_ACCOUNT#"));
        assert!(accounts.clone().count() == 1 && accounts.clone().all(|item| !item.contains(&bob)));
    });
}
