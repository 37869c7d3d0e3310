//! Risk (R10.1–R10.3): warnings of settings, signals of sign-ups, cases and what they hold.

use std::collections::BTreeSet;

use emulator::sqs::{Outgoing, Receive};
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

const CASES: &str = "/v1/admin/risk/cases";
const HOME: &str = "192.0.2.7";

/// Sets what signals do.
pub async fn risk(world: &World, settings: &[(&str, Value)]) {
    world
        .settings("risk", |risk| {
            for (name, value) in settings {
                risk[*name] = value.clone();
            }
        })
        .await;
}

/// Both programmes on: 2 USD for an inviter, 1 USD for an invitee, for a sign-up, and a tenth of what invitees pay. Ann's code.
pub async fn programmes(world: &World) -> String {
    world.open().await;
    world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
    world.settings("promotion", |settings| settings["enabled"] = json!(false)).await;
    world
        .settings("referral", |settings| {
            settings["registration"] = json!({"inviter_reward": "2", "invitee_reward": "1"});
            settings["qualified"]["inviter_reward"] = json!("0");
        })
        .await;
    world.register("ann", None).await;
    world.code("ann").await
}

/// Signs up from an address, and in again.
async fn join(world: &World, name: &str, code: &str, from: &str) {
    let body =
        json!({"email": format!("{name}@example.com"), "password": crate::world::PASSWORD, "referral_code": code});
    world.nobody().from(from).post("/v1/registrations", body).await.is(201);
    world.sign_in(name).await;
    world.settle().await;
}

/// Bob and Bob's other address, whose case is held.
pub async fn held_case(world: &World) -> String {
    let code = programmes(world).await;
    risk(world, &[("email_alias", json!("hold"))]).await;
    world.register("bob", Some(&code)).await;
    world.settle().await;
    world.register("bob+1", Some(&code)).await;
    world.settle().await;
    world.user("bob+1").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned()
}

pub async fn cases(world: &World, filter: &str) -> Vec<Value> {
    world.admin().get(&format!("{CASES}?{filter}")).await.is(200)["items"].as_array().unwrap().clone()
}

pub async fn pay(world: &World, name: &str) -> Value {
    let order = world.order(name, json!({"offer_id": "o100", "provider": "stripe"})).await;
    world.pay(&order, json!({"times": 2})).await;
    world.settle().await;
    order
}

/// Ann's commission: pending and available.
pub async fn commission(world: &World) -> [Value; 2] {
    let totals = world.user("ann").get("/v1/affiliate").await.is(200)["totals"].clone();
    ["pending", "available"].map(|name| totals[name]["amount"].clone())
}

pub async fn decide(world: &World, id: &str, verb: &str) -> Value {
    let done = world.admin().post(&format!("{CASES}/{id}/{verb}"), json!({"reason": "looked into"})).await.is(200);
    world.settle().await;
    done
}

pub fn found(case: &Value) -> Vec<[Value; 3]> {
    let evidence = case["evidence"].as_array().unwrap();
    evidence.iter().map(|of| ["rule", "class", "effect"].map(|name| of[name].clone())).collect()
}

/// R10.1, R10.3: by default an alias of an invitee's mailbox is flagged, with the class of evidence and the other account, for admins
/// only; nothing is delayed.
#[test]
fn an_alias_in_the_inviters_tree_is_flagged_and_delays_nothing() {
    World::run(async |world| {
        let code = programmes(world).await;
        for name in ["bob", "bob+1", "eve"] {
            world.register(name, Some(&code)).await;
            world.settle().await;
            assert_eq!(world.balance(name).await, "1");
        }
        assert_eq!(world.balance("ann").await, "6");
        let listed = cases(world, "").await;
        assert_eq!(listed.len(), 1, "{listed:?}");
        let case = &listed[0];
        assert_eq!(found(case), [[json!("email_alias"), json!("same_mailbox"), json!("flag")]]);
        let bob = world.user("bob").get("/v1/me").await.is(200)["id"].clone();
        assert_eq!((&case["evidence"][0]["other"], &case["state"]), (&bob, &json!("flagged")));
        let id = case["invitee"]["id"].as_str().unwrap();
        let decided = world.admin().post(&format!("{CASES}/{id}/reject"), json!({"reason": "x"})).await;
        decided.refused(409, "not_held");
        // Another tree has nothing to do with it.
        world.register("dan", None).await;
        let other = world.code("dan").await;
        world.register("bob+2", Some(&other)).await;
        world.settle().await;
        assert_eq!(cases(world, "").await.len(), 1);
        assert_eq!(cases(world, "state=held").await, Vec::<Value>::new());
        world.user("bob").get(CASES).await.refused(403, "forbidden");
    });
}

/// R10.1: a message that comes again, late, flags nobody for those who came after.
#[test]
fn a_repeated_message_compares_nothing() {
    World::run(async |world| {
        let code = programmes(world).await;
        world.settle().await;
        world.register("bob", Some(&code)).await;
        let queues = &world.stack.queues;
        let letter = queues.receive("RewardQueue.fifo", &Receive::default()).await.unwrap().remove(0);
        queues.delete("RewardQueue.fifo", &letter.receipt_handle).unwrap();
        let deliver = async |number: &str| {
            queues.send("RewardQueue.fifo", Outgoing::fifo(letter.body.clone(), "ann", number)).unwrap();
            world.settle().await;
        };
        deliver("first").await;
        world.register("bob+1", Some(&code)).await;
        world.settle().await;
        deliver("second").await;
        let emails: Vec<Value> = cases(world, "").await.iter().map(|case| case["invitee"]["email"].clone()).collect();
        assert_eq!(emails, ["bob+1@example.com"]);
    });
}

/// R10.1: the inviter's own account is compared, too: by the network of its first code, and by its mailbox.
#[test]
fn an_inviter_who_invites_themselves_is_found() {
    World::run(async |world| {
        programmes(world).await;
        let body = json!({"email": "fay@example.com", "password": crate::world::PASSWORD});
        world.nobody().from(HOME).post("/v1/registrations", body).await.is(201);
        world.sign_in("fay").await;
        let own = world.user("fay").from(HOME).get("/v1/referral").await.is(200);
        let code = own["code"].as_str().unwrap();
        join(world, "fay+x", code, "192.0.2.200").await;
        join(world, "gus", code, "198.51.100.1").await;
        let listed = cases(world, "").await;
        assert_eq!(listed.len(), 1, "the same /24, the same mailbox");
        let classes: Vec<Value> = found(&listed[0]).into_iter().map(|[_, class, _]| class).collect();
        assert_eq!(classes, ["same_mailbox", "same_network"]);
        assert_eq!(listed[0]["evidence"][0]["other"], listed[0]["inviter"]["id"]);
    });
}

/// R10.1: sign-ups are compared within ninety days.
#[test]
fn what_was_ninety_days_ago_is_not_compared() {
    World::run(async |world| {
        let code = programmes(world).await;
        join(world, "bob", &code, HOME).await;
        world.advance(89 * 86_400).await;
        join(world, "cid", &code, HOME).await;
        world.advance(90 * 86_400).await;
        join(world, "dan", &code, HOME).await;
        world.sign_in("admin").await;
        let day = |days: i64| world.stack.clock.now().checked_sub(jiff::SignedDuration::from_hours(24 * days)).unwrap();
        let all = cases(world, &format!("from={}", day(200))).await;
        assert_eq!(all.len(), 1, "{all:?}");
    });
}

/// R10.1: signals are kept as keyed hashes, of a context each, and nothing is kept of one that is off.
#[test]
fn signals_are_hashes_and_nothing_while_they_are_off() {
    World::run(async |world| {
        let code = programmes(world).await;
        join(world, "bob", &code, HOME).await;
        let off = ["email_alias", "network", "disposable_email"].map(|name| (name, json!("off")));
        risk(world, &off).await;
        join(world, "bob+1", &code, HOME).await;
        world.register("dan", None).await;
        world.code("dan").await;
        let scan: Vec<Value> = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        let seen: Vec<&Value> = scan.iter().filter(|item| item["type"]["S"] == "sightings").collect();
        let rules: BTreeSet<&str> = seen.iter().map(|item| item["rule"]["S"].as_str().unwrap()).collect();
        let hashes: BTreeSet<&str> = seen.iter().map(|item| item["signal_hash"]["S"].as_str().unwrap()).collect();
        assert_eq!(
            (seen.len(), rules),
            (3, BTreeSet::from(["email_alias", "network"])),
            "Ann's network, and Bob's two"
        );
        assert!(hashes.len() == 3 && hashes.iter().all(|hash| hash.len() == 32), "{hashes:?}");
        assert!(seen.iter().all(|item| !item.to_string().contains("192.0.2")), "{seen:?}");
        assert_eq!(cases(world, "").await, Vec::<Value>::new());
    });
}

/// R10.1, R3.12: who names an inviter after the sign-up is compared by the mailbox.
#[test]
fn whoever_names_an_inviter_later_is_compared() {
    World::run(async |world| {
        let code = programmes(world).await;
        world.settings("referral", |settings| settings["late_bind_days"] = json!(7)).await;
        world.register("bob", Some(&code)).await;
        world.register("bob+1", None).await;
        world.settle().await;
        world.user("bob+1").post("/v1/referral/inviter", json!({"referral_code": code})).await.is(200);
        world.settle().await;
        assert_eq!(found(&cases(world, "").await[0])[0][1], "same_mailbox");
    });
}

/// R10.1, R2.4: with verified e-mails the network is that of the registration, whoever confirms it from where.
#[test]
fn a_verified_sign_up_has_the_signals_of_its_registration() {
    World::run(async |world| {
        let code = programmes(world).await;
        risk(world, &[("email_alias", json!("off"))]).await;
        join(world, "bob", &code, HOME).await;
        world.settings("identity", |settings| settings["email_verification"] = json!(true)).await;
        let body = json!({"email": "cid@example.com", "password": crate::world::PASSWORD, "referral_code": code});
        let pending = world.nobody().from(HOME).post("/v1/registrations", body).await.is(201);
        world.settle().await;
        let mail = world.stack.mailbox.sent(Some("cid@example.com")).last().unwrap().text.clone();
        let code = mail.split_whitespace().find(|word| word.len() == 6 && word.parse::<u32>().is_ok()).unwrap();
        let confirm = json!({"signup_token": pending["signup_token"], "code": code});
        world.nobody().from("198.51.100.1").post("/v1/registrations/verify", confirm).await.is(201);
        world.settle().await;
        assert_eq!(found(&cases(world, "").await[0])[0][1], "same_network");
    });
}

/// R10.1: a mailbox to throw away is found by the built-in list and by the operator's, whose other list has the last word.
#[test]
fn a_mailbox_to_throw_away_is_flagged() {
    World::run(async |world| {
        let code = programmes(world).await;
        risk(world, &[("disposable_domains", json!(["throw.example"])), ("lasting_domains", json!(["yopmail.com"]))])
            .await;
        for email in ["a@mailinator.com", "b@sub.throw.example", "c@yopmail.com", "d@example.com"] {
            let body = json!({"email": email, "password": crate::world::PASSWORD, "referral_code": code});
            world.nobody().post("/v1/registrations", body).await.is(201);
        }
        world.settle().await;
        let listed = cases(world, "").await;
        let mut emails: Vec<&str> = listed.iter().map(|case| case["invitee"]["email"].as_str().unwrap()).collect();
        emails.sort_unstable();
        assert_eq!(emails, ["a@mailinator.com", "b@sub.throw.example"]);
        assert_eq!(found(&listed[0]), [[json!("disposable_email"), json!("disposable_mailbox"), json!("flag")]]);
        assert_eq!(listed[0]["evidence"][0]["other"], Value::Null);
    });
}

/// R10.2: on `hold` rewards of both sides and commissions are held, their users are told that they are under review, and a release
/// grants them all.
#[test]
fn what_rests_on_a_held_signal_is_held_until_it_is_released() {
    World::run(async |world| {
        let id = held_case(world).await;
        assert_eq!((&*world.balance("bob").await, &*world.balance("bob+1").await), ("1", "0"));
        assert_eq!(world.balance("ann").await, "2", "Bob's alone");
        let order = pay(world, "bob+1").await;
        assert_eq!(commission(world).await, ["1.38888888", "0"], "the payment itself is credited");
        let rewards = world.admin().get("/v1/admin/rewards?state=held").await.is(200)["items"].clone();
        let holds: Vec<&Value> = rewards.as_array().unwrap().iter().map(|reward| &reward["hold"]).collect();
        assert_eq!(holds, ["risk", "risk"]);
        let own = world.user("ann").get("/v1/affiliate/commissions").await.is(200)["items"][0].clone();
        assert_eq!(own["state"], "held");
        let told = world.user("bob+1").get("/v1/referral/rewards?limit=10").await.is(200);
        assert_eq!(told["items"][0]["state"], "held");
        for text in [told.to_string(), own.to_string()] {
            assert!(!text.contains("risk") && !text.contains("mailbox"), "its user is not told why: {text}");
        }
        let path = format!("/v1/admin/payment/orders/{}/explain", order["id"].as_str().unwrap());
        let explained = world.admin().get(&path).await.is(200).to_string();
        assert!(explained.contains("under_review"), "{explained}");
        // A retry grants nothing that is under review.
        let retry = format!("/v1/admin/rewards/{}/retry", rewards[0]["id"].as_str().unwrap());
        world.admin().post(&retry, Value::Null).await.is(200);
        world.settle().await;
        assert_eq!(
            world.admin().get("/v1/admin/rewards?state=held").await.is(200)["items"].as_array().unwrap().len(),
            2
        );
        assert_eq!(decide(world, &id, "release").await["state"], "released");
        assert_eq!((&*world.balance("ann").await, commission(world).await), ("4", [json!("0"), json!("1.38888888")]));
        pay(world, "bob+1").await;
        assert_eq!(commission(world).await, ["0", "2.77777776"], "later ones are not held");
        let audit = world.admin().get("/v1/admin/audit").await.is(200)["items"].clone();
        assert!(
            audit.as_array().unwrap().iter().any(|of| of["action"] == "risk.released" && of["reason"] == "looked into")
        );
        let again = world.admin().post(&format!("{CASES}/{id}/reject"), json!({"reason": "x"})).await;
        again.refused(409, "not_held");
    });
}

/// R10.2: a rejection is final: rewards are never granted, commissions are taken back from what is pending, later ones earn nothing, and
/// what was paid stays. Counts and statistics say the same.
#[test]
fn a_rejection_is_final_and_takes_back_nothing_that_was_paid() {
    World::run(async |world| {
        let id = held_case(world).await;
        pay(world, "bob").await;
        pay(world, "bob+1").await;
        assert_eq!(commission(world).await, ["1.38888888", "1.38888888"]);
        assert_eq!(decide(world, &id, "reject").await["state"], "rejected");
        assert_eq!(commission(world).await, ["0", "1.38888888"]);
        assert_eq!((&*world.balance("ann").await, &*world.balance("bob+1").await), ("2", "13.88888888"));
        let rejected = world.admin().get("/v1/admin/rewards?state=rejected").await.is(200)["items"].clone();
        assert_eq!(rejected.as_array().unwrap().len(), 2);
        let retry = format!("/v1/admin/rewards/{}/retry", rejected[0]["id"].as_str().unwrap());
        world.admin().post(&retry, Value::Null).await.refused(409, "reward_not_failed");
        pay(world, "bob+1").await;
        assert_eq!(commission(world).await, ["0", "1.38888888"]);
        let list = world.admin().get("/v1/admin/commissions").await.is(200)["items"].clone();
        let mut states: Vec<&str> = list.as_array().unwrap().iter().map(|of| of["state"].as_str().unwrap()).collect();
        states.sort_unstable();
        assert_eq!(states, ["available", "reversed", "reversed"]);
        let own = world.user("ann").get("/v1/referral").await.is(200);
        assert_eq!((&own["stats"]["invitees"], &own["stats"]["rewarded"]), (&json!(2), &json!(1)), "{own}");
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        assert_eq!(stats["referrals"]["pending"]["amount"], "0", "{stats}");
    });
}

/// R10.2, R4.11: a commission that is held follows its order's refund; after its release nothing more than that is available.
#[test]
fn a_held_commission_follows_a_refund() {
    World::run(async |world| {
        let id = held_case(world).await;
        let order = pay(world, "bob+1").await;
        crate::fixtures::refund(world, &order, 5_000).await;
        world.settle().await;
        assert_eq!(commission(world).await, ["0.69444444", "0"]);
        decide(world, &id, "release").await;
        assert_eq!(commission(world).await, ["0", "0.69444444"]);
    });
}

/// R10.2, R10.4: a release takes from the budget; what does not fit is held for it instead.
#[test]
fn a_release_takes_from_the_budget() {
    World::run(async |world| {
        let id = held_case(world).await;
        pay(world, "bob+1").await;
        super::budget::budget(world, "affiliate", "1").await;
        super::budget::budget(world, "referral", "2").await;
        decide(world, &id, "release").await;
        let held = world.admin().get("/v1/admin/commissions?state=held").await.is(200)["items"][0].clone();
        assert_eq!(held["hold"], "budget");
        let rewards = world.admin().get("/v1/admin/rewards?state=held").await.is(200)["items"].clone();
        assert_eq!(rewards.as_array().unwrap().iter().map(|of| of["hold"].clone()).collect::<Vec<_>>(), ["budget"]);
    });
}

/// R10.2: one commission of a held case can be released or reversed by itself.
#[test]
fn a_commission_of_a_held_case_is_released_by_itself() {
    World::run(async |world| {
        held_case(world).await;
        pay(world, "bob+1").await;
        pay(world, "bob+1").await;
        let list = world.admin().get("/v1/admin/commissions?state=held").await.is(200)["items"].clone();
        let path = |at: usize, verb: &str| format!("/v1/admin/commissions/{}/{verb}", list[at]["id"].as_str().unwrap());
        assert_eq!(list[0]["hold"], "risk");
        world.admin().post(&path(0, "release"), json!({"reason": "known"})).await.is(200);
        world.admin().post(&path(1, "reverse"), json!({"reason": "not this"})).await.is(200);
        world.settle().await;
        assert_eq!(commission(world).await, ["0", "1.38888888"]);
    });
}

/// R10.2: several cases are decided at once, each with an outcome.
#[test]
fn several_cases_are_decided_at_once() {
    World::run(async |world| {
        let first = held_case(world).await;
        let code = world.code("ann").await;
        world.register("bob+2", Some(&code)).await;
        world.settle().await;
        let second = world.user("bob+2").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let bob = world.user("bob").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let body = json!({"ids": [first, bob, second], "reason": "one office"});
        let done = world.admin().once().post(&format!("{CASES}/release"), body).await.is(200);
        let outcomes: Vec<[Value; 2]> = done["outcomes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|of| ["done", "refusal"].map(|name| of[name].clone()))
            .collect();
        assert_eq!(
            outcomes,
            [[json!(true), Value::Null], [json!(false), json!("not_found")], [json!(true), Value::Null]]
        );
        world.settle().await;
        assert_eq!(world.balance("ann").await, "6");
        assert_eq!(cases(world, "state=released").await.len(), 2);
        let body = json!({"ids": [first], "reason": "one person"});
        let again = world.admin().once().post(&format!("{CASES}/reject"), body).await.is(200);
        assert_eq!(again["outcomes"][0]["refusal"], "not_held");
    });
}

/// R10.2: `risk.auto_release_days` releases what nobody looked at, and nothing while it is 0.
#[test]
fn time_releases_what_nobody_looked_at() {
    World::run(async |world| {
        held_case(world).await;
        let tick = async || {
            world.stack.tick("mature-commissions").await.unwrap();
            world.settle().await;
            for name in ["admin", "ann"] {
                world.sign_in(name).await;
            }
            world.balance("ann").await
        };
        world.advance(8 * 86_400).await;
        assert_eq!(tick().await, "2", "never");
        risk(world, &[("auto_release_days", json!(9))]).await;
        assert_eq!(tick().await, "2", "not yet");
        world.advance(86_400 + 60).await;
        assert_eq!(tick().await, "4");
        let case = cases(world, "state=released").await[0].clone();
        assert_eq!((&case["decided_by"], &case["reason"]), (&Value::Null, &json!("risk.auto_release_days")));
    });
}

/// R10.2: a blocked inviter's rewards are held for the case first, and wait for the inviter after its release.
#[test]
fn a_release_for_a_blocked_inviter_waits_for_them() {
    World::run(async |world| {
        let id = held_case(world).await;
        let status = format!("/v1/admin/users/{}/status", super::admin::id_of(world, "ann").await);
        world.admin().put(&status, json!({"status": "blocked", "reason": "looked into"})).await.is(200);
        decide(world, &id, "release").await;
        let held = world.admin().get("/v1/admin/rewards?state=held").await.is(200)["items"].clone();
        assert_eq!(held.as_array().unwrap().iter().map(|of| of["hold"].clone()).collect::<Vec<_>>(), ["blocked"]);
        world.admin().put(&status, json!({"status": "active", "reason": "cleared"})).await.is(200);
        world.settle().await;
        world.sign_in("ann").await;
        assert_eq!(world.balance("ann").await, "4");
    });
}
