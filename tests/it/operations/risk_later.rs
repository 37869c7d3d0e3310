//! Signals of devices, payout accounts and payment instruments (R10.1), and what they hold (R10.2).

use serde_json::{Value, json};

use super::budget::{budget, left};
use super::risk::{cases, commission, decide, found, pay, programmes, risk};
use crate::page::client::Browser;
use crate::world::{PASSWORD, World};

/// Signs up on a device that had got this token, and in again; returns the device's next token.
async fn join_on(world: &World, name: &str, code: &str, token: Option<&Value>) -> Value {
    let mut body = json!({"email": format!("{name}@example.com"), "password": PASSWORD, "referral_code": code});
    if let Some(token) = token {
        body["device_token"] = token.clone();
    }
    world.nobody().once().post("/v1/registrations", body).await.is(201);
    world.sign_in(name).await;
    world.settle().await;
    let session = json!({"email": format!("{name}@example.com"), "password": PASSWORD});
    world.nobody().post("/v1/sessions", session).await.is(200)["device_token"].clone()
}

async fn token_of(world: &World, name: &str) -> Value {
    let session = json!({"email": format!("{name}@example.com"), "password": PASSWORD});
    world.nobody().post("/v1/sessions", session).await.is(200)["device_token"].clone()
}

async fn id_of(world: &World, name: &str) -> String {
    world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned()
}

/// Invitee, rule and class of the evidence, and the other account, of each case.
type Row = (String, Vec<[Value; 3]>, String);

async fn listed(world: &World) -> Vec<Row> {
    let all = cases(world, "").await;
    let text = |of: &Value| of.as_str().unwrap().to_owned();
    let row = |case: &Value| (text(&case["invitee"]["id"]), found(case), text(&case["evidence"][0]["other"]));
    sorted(all.iter().map(row).collect())
}

/// In the order of the invitees: cases of one moment stand in any.
fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    rows
}

fn evidence(rule: &str, class: &str) -> Vec<[Value; 3]> {
    vec![[json!(rule), json!(class), json!("flag")]]
}

/// R10.1: a device that had signed in to the inviter's account, or to another invitee's, is found; a stranger's is not, nor a token that
/// nobody issued.
#[test]
fn a_device_of_the_inviters_tree_is_found() {
    World::run(async |world| {
        let code = programmes(world).await;
        risk(world, &[("network", json!("off"))]).await;
        world.register("dan", None).await;
        let (ann, dan) = (token_of(world, "ann").await, token_of(world, "dan").await);
        let bob = join_on(world, "bob", &code, Some(&dan)).await;
        assert_eq!(listed(world).await, [], "Dan is in another tree");
        join_on(world, "eve", &code, Some(&json!("forged"))).await;
        join_on(world, "cid", &code, Some(&ann)).await;
        let same = |name: String, other: String| (name, evidence("device", "same_device"), other);
        let (ann, bobs) = (id_of(world, "ann").await, id_of(world, "bob").await);
        let cid = id_of(world, "cid").await;
        assert_eq!(listed(world).await, sorted(vec![same(cid.clone(), ann.clone())]));
        join_on(world, "fay", &code, Some(&bob)).await;
        join_on(world, "gus", &code, Some(&dan)).await;
        let (fay, gus) = (id_of(world, "fay").await, id_of(world, "gus").await);
        assert_eq!(listed(world).await, sorted(vec![same(gus, bobs.clone()), same(fay, bobs), same(cid, ann)]));
    });
}

/// R10.1, R2.9: a browser brings the device of its last sign-in to the sign-up page, whoever signed in.
#[test]
fn a_browser_brings_its_device() {
    World::run(async |world| {
        let code = programmes(world).await;
        risk(world, &[("network", json!("off"))]).await;
        let browser = Browser::new(world, "en");
        for (name, found) in [("bob", 0), ("cid", 1)] {
            let page = browser.open(&format!("/register?ref={code}")).await;
            let entries = [("email", format!("{name}@example.com")), ("password", PASSWORD.to_owned())];
            let entries: Vec<(&str, &str)> = entries.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let home = browser.press(&page, "Create account", &entries).await;
            assert_eq!(home.status, 200, "{}", home.says());
            world.settle().await;
            assert_eq!(cases(world, "").await.len(), found);
            let mut cookies = browser.cookies.lock().unwrap();
            cookies.retain(|cookie, _| cookie.contains("device"));
            assert_eq!(cookies.len(), 1, "signed out, the device stays");
        }
        let all = cases(world, "").await;
        assert_eq!(found(&all[0]), evidence("device", "same_device"));
    });
}

fn bank(account: &str) -> Value {
    json!({"method": "bank", "account": account, "name": "A Person"})
}

async fn cash(world: &World, name: &str, account: &str) {
    let ask = json!({"amount": "0.5", "to": "cash", "payout": bank(account)});
    world.user(name).once().post("/v1/affiliate/withdrawals", ask).await.is(201);
    world.settle().await;
}

/// Ann invited Bob, and Bob invited Cid; both have commission.
async fn affiliates(world: &World) {
    let code = programmes(world).await;
    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.5")).await;
    world.register("bob", Some(&code)).await;
    let code = world.code("bob").await;
    world.register("cid", Some(&code)).await;
    world.settle().await;
    pay(world, "bob").await;
    pay(world, "cid").await;
}

/// R10.1, R6.9: an invitee whose payout account is the inviter's has a case, in whichever order they ask; strangers have none.
#[test]
fn a_payout_account_of_the_tree_is_found() {
    World::run(async |world| {
        affiliates(world).await;
        cash(world, "ann", "DE02 1203 0000 0000 2020 51").await;
        assert_eq!(listed(world).await, []);
        cash(world, "bob", "de02120300000000202051").await;
        let (ann, bob) = (id_of(world, "ann").await, id_of(world, "bob").await);
        let expected = vec![(bob, evidence("payout_account", "same_payout_account"), ann)];
        assert_eq!(listed(world).await, expected);
        cash(world, "bob", "de02120300000000202051").await;
        assert_eq!(listed(world).await, expected, "once");
        let scan: Vec<Value> = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        let case = scan.iter().find(|item| item["type"]["S"] == "risk_case").unwrap();
        assert!(!case.to_string().contains("2020"), "{case}");
    });
}

/// R10.1: of two invitees with one payout account the later one has a case; an inviter who comes last finds the invitee.
#[test]
fn payout_accounts_are_compared_whoever_asks_last() {
    World::run(async |world| {
        affiliates(world).await;
        let code = world.code("ann").await;
        world.register("eve", Some(&code)).await;
        let code = world.code("eve").await;
        world.register("fay", Some(&code)).await;
        world.settle().await;
        pay(world, "fay").await;
        cash(world, "bob", "GB 1").await;
        cash(world, "eve", "GB1").await;
        let (ann, bob, eve) = (id_of(world, "ann").await, id_of(world, "bob").await, id_of(world, "eve").await);
        let same = || evidence("payout_account", "same_payout_account");
        assert_eq!(listed(world).await, sorted(vec![(eve.clone(), same(), bob.clone())]));
        cash(world, "ann", "GB-1").await;
        assert_eq!(listed(world).await, sorted(vec![(bob, same(), ann), (eve, same(), id_of(world, "bob").await)]));
    });
}

async fn pay_by(world: &World, name: &str, card: &str) {
    let order = world.order(name, json!({"offer_id": "o100", "provider": "stripe"})).await;
    world.pay(&order, json!({"card": card})).await;
    world.settle().await;
}

/// R10.1: an invitee who pays by the card of the inviter or of another invitee has a case; the fingerprint is kept as a hash only, and
/// nothing while the signal is off.
#[test]
fn a_card_of_the_tree_is_found() {
    World::run(async |world| {
        let code = programmes(world).await;
        risk(world, &[("payment_instrument", json!("off")), ("network", json!("off"))]).await;
        for name in ["bob", "cid", "dan"] {
            world.register(name, Some(&code)).await;
        }
        let instruments = || {
            let scan: Vec<Value> = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
            scan.into_iter().filter(|item| item["type"]["S"] == "payment_instrument").collect::<Vec<_>>()
        };
        pay_by(world, "ann", "fp_of_ann").await;
        assert_eq!(instruments(), Vec::<Value>::new());
        risk(world, &[("payment_instrument", json!("flag"))]).await;
        world.advance(61).await;
        for (name, card) in [("ann", "fp_of_ann"), ("bob", "fp_of_bob"), ("bob", "fp_of_bob"), ("dan", "fp_of_dan")] {
            pay_by(world, name, card).await;
        }
        assert_eq!(listed(world).await, []);
        pay_by(world, "cid", "fp_of_bob").await;
        pay_by(world, "dan", "fp_of_ann").await;
        let ids = [
            id_of(world, "ann").await,
            id_of(world, "bob").await,
            id_of(world, "cid").await,
            id_of(world, "dan").await,
        ];
        let [ann, bob, cid, dan] = ids;
        let same = || evidence("payment_instrument", "same_payment_instrument");
        assert_eq!(listed(world).await, sorted(vec![(dan, same(), ann), (cid, same(), bob)]));
        let kept = instruments();
        assert_eq!(kept.len(), 3);
        assert!(kept.iter().all(|item| !item.to_string().contains("fp_of")), "{kept:?}");
    });
}

/// R10.1: payers of one card are compared within ninety days.
#[test]
fn a_card_of_ninety_days_ago_is_not_compared() {
    World::run(async |world| {
        let code = programmes(world).await;
        for name in ["bob", "cid"] {
            world.register(name, Some(&code)).await;
        }
        pay_by(world, "bob", "fp").await;
        world.advance(90 * 86_400).await;
        for name in ["admin", "cid"] {
            world.sign_in(name).await;
        }
        pay_by(world, "cid", "fp").await;
        let day = world.stack.clock.now().checked_sub(jiff::SignedDuration::from_hours(24 * 200)).unwrap();
        assert_eq!(cases(world, &format!("from={day}")).await, Vec::<Value>::new());
    });
}

/// Bob and Cid, whose commissions wait for a week, paid by one card, which holds.
async fn late_case(world: &World) -> String {
    let code = programmes(world).await;
    world.settings("affiliate", |settings| settings["hold_hours"] = json!(168)).await;
    risk(world, &[("payment_instrument", json!("hold")), ("network", json!("off"))]).await;
    for name in ["bob", "cid"] {
        world.register(name, Some(&code)).await;
    }
    world.settle().await;
    pay(world, "cid").await;
    pay_by(world, "bob", "fp").await;
    pay_by(world, "cid", "fp").await;
    id_of(world, "cid").await
}

async fn a_week_later(world: &World) {
    world.advance(8 * 86_400).await;
    world.stack.tick("mature-commissions").await.unwrap();
    world.settle().await;
    for name in ["admin", "ann"] {
        world.sign_in(name).await;
    }
}

/// R10.2: what was found after the sign-up holds what comes later and what has not matured; a release lets it mature.
#[test]
fn a_late_signal_holds_what_has_not_matured() {
    World::run(async |world| {
        let id = late_case(world).await;
        assert_eq!(world.balance("cid").await, "28.77777776", "what was paid stays");
        a_week_later(world).await;
        assert_eq!(commission(world).await, ["2.77777776", "1.38888888"], "Bob's alone");
        let held = world.admin().get("/v1/admin/commissions?state=held").await.is(200)["items"].clone();
        assert_eq!(held.as_array().unwrap().len(), 2, "{held}");
        assert_eq!(decide(world, &id, "release").await["state"], "released");
        assert_eq!(commission(world).await, ["0", "4.16666664"]);
    });
}

/// R10.2: what was rejected before it matured is taken back when its time is over, for good.
#[test]
fn a_late_rejection_takes_back_what_has_not_matured() {
    World::run(async |world| {
        let id = late_case(world).await;
        assert_eq!(decide(world, &id, "reject").await["state"], "rejected");
        a_week_later(world).await;
        assert_eq!(commission(world).await, ["0", "1.38888888"]);
        let list = world.admin().get("/v1/admin/commissions?state=reversed").await.is(200)["items"].clone();
        assert_eq!(list.as_array().unwrap().len(), 2, "{list}");
        assert_eq!(list[0]["reason"], "looked into");
    });
}

/// R6.8, R10.2: what an admin posted about an order rests on no case.
#[test]
fn a_posted_commission_rests_on_no_case() {
    World::run(async |world| {
        late_case(world).await;
        let order = pay(world, "cid").await;
        let ann = id_of(world, "ann").await;
        let post = json!({"user_id": ann, "amount": "5", "reason": "a campaign", "order_id": order["id"]});
        world.admin().once().post("/v1/admin/commissions", post).await.is(201);
        a_week_later(world).await;
        assert_eq!(commission(world).await, ["4.16666664", "6.38888888"], "Bob's, and what was posted");
    });
}

/// R10.2, R10.4: a commission that was taken from a month's budget is not taken from another when it is released.
#[test]
fn a_release_takes_no_budget_twice() {
    World::run(async |world| {
        budget(world, "affiliate", "5").await;
        let id = late_case(world).await;
        a_week_later(world).await;
        decide(world, &id, "release").await;
        assert_eq!(commission(world).await, ["0", "4.16666664"]);
        assert_eq!(left(world, "affiliate").await, [json!("5"), json!("4.16666664"), json!("0.83333336")]);
    });
}

/// R10.2: a case that was decided stays so, whatever is found later; one that was flagged is held by a signal that holds.
#[test]
fn later_evidence_holds_what_was_flagged_and_changes_no_decision() {
    World::run(async |world| {
        let code = programmes(world).await;
        risk(world, &[("payment_instrument", json!("hold"))]).await;
        for name in ["bob", "bob+1"] {
            world.register(name, Some(&code)).await;
            world.settle().await;
        }
        let case = cases(world, "").await.remove(0);
        assert_eq!(case["state"], "flagged");
        pay_by(world, "bob", "fp").await;
        pay_by(world, "bob+1", "fp").await;
        let case = cases(world, "").await.remove(0);
        assert_eq!((case["state"].as_str().unwrap(), found(&case).len()), ("held", 2), "{case}");
        let id = case["invitee"]["id"].as_str().unwrap().to_owned();
        assert_eq!(decide(world, &id, "release").await["state"], "released");
        risk(world, &[("payout_account", json!("hold"))]).await;
        world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.5")).await;
        let code = world.code("bob+1").await;
        world.register("gus", Some(&code)).await;
        world.settle().await;
        pay(world, "gus").await;
        cash(world, "ann", "GB1").await;
        cash(world, "bob+1", "GB1").await;
        let case = cases(world, "").await.remove(0);
        assert_eq!((case["state"].as_str().unwrap(), found(&case).len()), ("released", 2), "{case}");
    });
}
