//! Sign-up without verification: R2.1–R2.3, R3.4, repeats, faults, budgets.

use emulator::faults::Fault;
use serde_json::{Value, json};
use shared::account::model::access::EmailClaim;
use shared::account::model::identity::{Email, Status};
use shared::account::model::user::User;
use shared::account::session;
use shared::operations::model::settings::Area;
use shared::referral::model::referral::{Invite, InviteCode, Reward, Side, Trigger};
use tokio::task::JoinSet;

use super::desk::{Desk, PASSWORD};
use shared::referral::model::counts::InviteeLimit;

fn with_code(email: &str, code: &str) -> Value {
    json!({"email": email, "password": PASSWORD, "referral_code": code})
}

/// R2.1: 24 simultaneous registrations of one address in different spellings create one account.
#[tokio::test(start_paused = true)]
async fn one_address_has_one_account_however_it_is_written_and_however_many_register_at_once() {
    let desk = Desk::open().await;
    let spellings = ["josé@example.com", "jose\u{301}@example.com", " JOSÉ@Example.COM "];
    let mut all = JoinSet::new();
    for number in 0..24 {
        let desk = desk.clone();
        let body = json!({"email": spellings[number % 3], "password": format!("password number {number}")});
        all.spawn(async move { desk.register(&body).await });
    }
    let answers = all.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    answers.iter().filter(|answer| answer.status != 201).for_each(|answer| answer.refused(409, "email_taken"));
    assert_eq!((desk.items("email"), desk.items("user"), desk.items("session")), (1, 1, 1));
}

/// R2.1: the table stores an Argon2id hash.
/// No other attribute holds the password, and no key holds the address.
#[tokio::test(start_paused = true)]
async fn the_table_holds_a_hash_and_no_password_and_no_address_in_a_key() {
    let desk = Desk::open().await;
    let answer = desk.registered("bob@example.com").await;
    let hash = session::email_hash(&desk.0.app, &Email::parse("bob@example.com").unwrap());
    let claim = desk.0.app.store.get::<EmailClaim>(&EmailClaim::key(&hash)).await.unwrap().unwrap();
    assert!(claim.password_hash.as_ref().unwrap().starts_with("$argon2id$v=19$"));
    for item in desk.scan() {
        assert!(!item.to_string().contains(PASSWORD), "{item}");
        assert!(!item.to_string().contains(&answer.text("/session/refresh_token")), "{item}");
        for (name, value) in item.as_object().unwrap() {
            let key = name == "pk" || name == "sk" || name.starts_with("gsi");
            assert!(!key || !value.to_string().contains("bob"), "{name}: {value}");
        }
    }
}

/// R2.1, mass assignment: password bounds, valid addresses, and no fields but the route's own.
#[tokio::test(start_paused = true)]
async fn wrong_fields_are_named_and_unknown_ones_are_malformed() {
    let desk = Desk::open().await;
    for (email, password, pointers) in [
        ("bob@example.com", "ninechars", vec!["/password"]),
        ("bob@example.com", &"x".repeat(129), vec!["/password"]),
        ("bob", PASSWORD, vec!["/email"]),
        ("bob", "short", vec!["/email", "/password"]),
    ] {
        let answer = desk.register(&json!({"email": email, "password": password})).await;
        answer.refused(422, "invalid");
        let found: Vec<&str> =
            answer.body["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(found, pointers);
    }
    for extra in ["role", "balance", "status", "id"] {
        let mut body = json!({"email": "bob@example.com", "password": PASSWORD});
        body[extra] = json!("admin");
        desk.register(&body).await.refused(422, "invalid");
    }
    assert_eq!(desk.items("user"), 0);
}

/// R2.2: sign-up writes all its effects, and the response shows them.
/// They are user, claim, referral, policy, promotion, the invitee's own reward, session and message.
#[tokio::test(start_paused = true)]
async fn everything_sign_up_means_is_there_and_the_answer_shows_it() {
    let rewards = json!({"registration": {"inviter_reward": "2", "invitee_reward": "1.5"}});
    let (desk, ann) = Desk::with_referral(rewards).await;
    desk.settings(Area::Promotion, json!({"enabled": true})).await;
    desk.settings(Area::Affiliate, json!({"default_rate": "0.2"})).await;
    let answer = desk.register(&with_code("bob@example.com", " annscode ")).await.is(201);
    let usd = |amount: &str| json!({"amount": amount, "currency": "USD"});
    assert_eq!(answer.body["referral"], json!({"applied": true, "reward": usd("1.5")}));
    assert_eq!(answer.body["user"]["balance"], usd("1.5"));
    assert_eq!((&answer.body["user"]["role"], &answer.body["user"]["status"]), (&json!("user"), &json!("active")));

    let bob = desk.user(&answer.text("/user/id")).await;
    let bond = bob.attribution.clone().unwrap();
    assert_eq!((bond.inviter, bond.code.as_str(), bond.bound_at), (ann.id, "ANNSCODE", bob.created_at));
    assert_eq!(bob.affiliate.rate.to_string(), "0.2");
    assert_eq!(bob.promotion.clone().unwrap().activated_at, bob.created_at);

    let token = answer.text("/session/access_token");
    let me = desk.get("/v1/me", Some(&token)).await.is(200).body;
    assert_eq!((&me["balance"], &me["debt"], &me["email"]), (&usd("1.5"), &usd("0"), &json!("bob@example.com")));
    let records = desk.get("/v1/balance/records", Some(&token)).await.is(200).body;
    let reward = Reward::id_of(bob.id, Trigger::Registration, Side::Invitee).to_string();
    let [record] = records["items"].as_array().unwrap().as_slice() else { panic!("{records}") };
    assert_eq!(
        (&record["type"], &record["seq"], &record["related_id"]),
        (&json!("referral"), &json!(1), &json!(reward))
    );
    assert_eq!((&record["balance_before"], &record["balance_after"]), (&usd("0"), &usd("1.5")));

    desk.0.settle().await.unwrap();
    let ann = desk.user(&ann.id.to_string()).await;
    assert_eq!(ann.accounts.balance().amount().to_string(), "2");
    assert_eq!(desk.user(&bob.id.to_string()).await.accounts.balance().amount().to_string(), "1.5");
    assert_eq!(desk.items("outbox"), 0);
}

/// R2.3, R3.4: a code that does not bind never blocks the sign-up, and the response gives the reason.
#[tokio::test(start_paused = true)]
async fn a_bad_code_never_blocks_and_the_answer_says_why() {
    let (desk, ann) = Desk::with_referral(json!({})).await;
    let code = |text: &str| Invite {
        primary: false,
        ..Invite::primary(InviteCode::parse(text).unwrap(), &ann, ann.created_at)
    };
    desk.write(&Invite { active: false, ..code("CLOSED") }).await;
    let eve = desk.registered("eve@example.com").await;
    let eve = desk.user(&eve.text("/user/id")).await.into_inner();
    let code = InviteCode::parse("BLOCKED").unwrap();
    let eve = User { status: Status::Blocked, invite_code: Some(code.clone()), ..eve };
    desk.write(&eve).await;
    desk.write(&Invite::primary(code, &eve, eve.created_at)).await;
    for (number, (code, reason)) in [
        ("UNKNOWN2", json!("unknown")),
        ("x", json!("unknown")),
        ("#'\"\u{0}💥", json!("unknown")),
        (&"A".repeat(5_000), json!("unknown")),
        ("CLOSED", json!("inactive")),
        ("BLOCKED", json!("inviter_blocked")),
        ("  ", json!("no_code")),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = desk.register(&with_code(&format!("bob{number}@example.com"), code)).await.is(201);
        assert_eq!((&answer.body["referral"]["applied"], &answer.body["referral"]["reason"]), (&json!(false), &reason));
        assert_eq!(desk.user(&answer.text("/user/id")).await.attribution, None);
        desk.get("/v1/me", Some(&answer.text("/session/access_token"))).await.is(200);
    }
}

/// R3.8: a code binds while the referral or the affiliate programme is on.
/// Without the referral programme it promises no reward.
#[tokio::test(start_paused = true)]
async fn a_code_binds_while_either_programme_is_on() {
    let desk = Desk::open().await;
    desk.ann().await;
    let off = desk.register(&with_code("bob@example.com", "ANNSCODE")).await.is(201);
    assert_eq!(off.body["referral"], json!({"applied": false, "reason": "programme_off"}));
    let off = desk.register(&with_code("bib@example.com", "?")).await.is(201);
    assert_eq!(off.body["referral"]["reason"], "programme_off");
    let rewards = json!({"enabled": false, "registration": {"invitee_reward": "1"}});
    desk.settings(Area::Referral, rewards).await;
    desk.settings(Area::Affiliate, json!({"enabled": true})).await;
    let on = desk.register(&with_code("cid@example.com", "ANNSCODE")).await.is(201);
    assert_eq!(on.body["referral"], json!({"applied": true}));
    assert_eq!(desk.items("reward"), 0);
}

/// R3.4: of 32 simultaneous registrations under a limit of 5, exactly 5 are bound; all get an account.
#[tokio::test(start_paused = true)]
async fn the_limit_of_invitees_is_exact_under_simultaneous_registrations() {
    let (desk, _) = Desk::with_referral(json!({"max_invitees_per_user": 5})).await;
    let mut all = JoinSet::new();
    for number in 0..32 {
        let desk = desk.clone();
        all.spawn(
            async move { desk.register(&with_code(&format!("bob{number}@example.com"), "ANNSCODE")).await.is(201) },
        );
    }
    let answers = all.join_all().await;
    let applied = answers.iter().filter(|answer| answer.body["referral"]["applied"] == true).count();
    let limited = answers.iter().filter(|answer| answer.body["referral"]["reason"] == "limit").count();
    assert_eq!((applied, limited, desk.items("user")), (5, 27, 33));
}

/// Double submit: repeating a registration finds its account and opens a new session.
/// Any other registration of the address is a conflict.
#[tokio::test(start_paused = true)]
async fn the_same_registration_again_finds_its_own_account() {
    let (desk, _) = Desk::with_referral(json!({"registration": {"invitee_reward": "1"}})).await;
    let body = with_code("bob@example.com", "ANNSCODE");
    let first = desk.register(&body).await.is(201);
    let again = desk.register(&body).await.is(201);
    assert_eq!((&again.body["user"], &again.body["referral"]), (&first.body["user"], &first.body["referral"]));
    assert_ne!(again.text("/session/refresh_token"), first.text("/session/refresh_token"));
    desk.refresh(&first.text("/session/refresh_token")).await.is(200);
    let mut other = body.clone();
    other["password"] = json!("another password");
    desk.register(&other).await.refused(409, "email_taken");
    desk.register(&with_code("bob@example.com", "OTHERCODE")).await.refused(409, "email_taken");
    assert_eq!((desk.items("user"), desk.items("posting")), (2, 1));
}

/// R2.8: repeating a registration bypasses neither the sign-in limit nor a block.
#[tokio::test(start_paused = true)]
async fn a_repeated_registration_guesses_no_password_and_opens_no_blocked_account() {
    let desk = Desk::open().await;
    let first = desk.registered("bob@example.com").await;
    for number in 0..10 {
        let guess = json!({"email": "bob@example.com", "password": format!("guess number {number}")});
        desk.register(&guess).await.refused(409, "email_taken");
    }
    let right = json!({"email": "bob@example.com", "password": PASSWORD});
    desk.register(&right).await.refused(409, "email_taken");
    desk.sign_in("bob@example.com", PASSWORD).await.refused(429, "rate_limited");
    desk.later(900);
    let bob = desk.user(&first.text("/user/id")).await.into_inner();
    desk.write(&User { status: Status::Blocked, ..bob }).await;
    desk.register(&right).await.refused(403, "account_blocked");
}

/// R1.8: a key replays the first response with a new session, if the password is right.
/// Another body is rejected. A refusal stores no idempotency record.
#[tokio::test(start_paused = true)]
async fn a_key_gets_the_first_answer_again_and_opens_nothing_to_a_stranger() {
    let desk = Desk::open().await;
    let path = "/v1/registrations";
    let body = json!({"email": "bob@example.com", "password": PASSWORD});
    desk.post_with_key(path, "k1", &json!({"email": "bob@example.com", "password": "short"}))
        .await
        .refused(422, "invalid");
    let first = desk.post_with_key(path, "k1", &body).await.is(201);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let again = desk.post_with_key(path, "k1", &body).await.is(201);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.body["user"], first.body["user"]);
    assert_ne!(again.text("/session/refresh_token"), first.text("/session/refresh_token"));
    desk.refresh(&again.text("/session/refresh_token")).await.is(200);

    let stranger = json!({"email": "bob@example.com", "password": "a stranger's guess"});
    desk.post_with_key(path, "k1", &stranger).await.refused(422, "idempotency_key_reused");
    let other = json!({"email": "bob@example.com", "password": PASSWORD, "locale": "zh"});
    desk.post_with_key(path, "k1", &other).await.refused(422, "idempotency_key_reused");
    desk.post_with_key(path, "k2", &body).await.refused(409, "email_taken");
    // Keys are scoped to the e-mail: the same key under another e-mail is a different one.
    desk.post_with_key(path, "k1", &json!({"email": "cid@example.com", "password": PASSWORD})).await.is(201);
    assert_eq!(desk.items("user"), 2);
}

/// Storage: under any fault at the commit there is one complete account. The response is the first one.
#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_with_the_commit_there_is_one_whole_account() {
    for &fault in Fault::SEEN {
        for key in [None, Some("k")] {
            let (desk, _) = Desk::with_referral(json!({"registration": {"invitee_reward": "1"}})).await;
            desk.0.faults.script("TransactWriteItems", 0, fault);
            let body = with_code("bob@example.com", "ANNSCODE");
            let headers: Vec<(&str, &str)> = key.iter().map(|key| ("idempotency-key", *key)).collect();
            let answer = desk.send("POST", "/v1/registrations", &headers, Some(&body)).await;
            assert_eq!(answer.status, 201, "{fault:?} {key:?}: {}", answer.body);
            assert_eq!(answer.body["referral"]["applied"], true);
            desk.refresh(&answer.text("/session/refresh_token")).await.is(200);
            let items = (desk.items("user"), desk.items("email"), desk.items("reward"), desk.items("posting"));
            assert_eq!(items, (2, 2, 1, 1), "{fault:?} {key:?}");
        }
    }
}

/// Storage: a commit is recognised though the SDK retried it and the retry was rejected.
#[tokio::test(start_paused = true)]
async fn a_commit_whose_repetition_is_turned_away_is_recognised() {
    for done in [Fault::ReplyLost, Fault::ErrorAfter, Fault::Hang, Fault::Truncated] {
        for away in [Fault::Throttled, Fault::Conflict] {
            let (desk, _) = Desk::with_referral(json!({"registration": {"invitee_reward": "1"}})).await;
            for fault in [done, away, away] {
                desk.0.faults.script("TransactWriteItems", 0, fault);
            }
            let answer = desk.register(&with_code("bob@example.com", "ANNSCODE")).await;
            assert_eq!(answer.status, 201, "{done:?} {away:?}: {}", answer.body);
            assert_eq!((desk.items("user"), desk.items("reward"), desk.items("posting")), (2, 1, 1));
        }
    }
}

/// Messages: with the queue down the account is still created, and the sweeper sends the message later.
#[tokio::test(start_paused = true)]
async fn a_queue_that_is_down_costs_no_registration_and_loses_no_message() {
    let (desk, ann) = Desk::with_referral(json!({"registration": {"inviter_reward": "2"}})).await;
    desk.0.settle().await.unwrap();
    for _ in 0..4 {
        desk.0.faults.script("SendMessageBatch", 0, Fault::ErrorBefore);
    }
    desk.register(&with_code("bob@example.com", "ANNSCODE")).await.is(201);
    assert_eq!(desk.items("outbox"), 1);
    desk.0.faults.clear();
    desk.later(120);
    desk.0.tick("sweep-outbox").await.unwrap();
    desk.0.settle().await.unwrap();
    assert_eq!(desk.user(&ann.id.to_string()).await.accounts.balance().amount().to_string(), "2");
    assert_eq!(desk.items("outbox"), 0);
}

/// Budget: one count of the network, one read and one commit of ten write units.
/// A promotion adds one unit, a limit two units and its read.
/// The invitee's own reward adds seven: a reward and a journal entry in three lists.
#[tokio::test(start_paused = true)]
async fn registering_with_a_code_is_one_read_and_one_commit() {
    let calls = |calls: &[(&str, u64)]| -> Vec<(String, u64)> {
        calls.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    };
    let (desk, _) = Desk::with_referral(json!({})).await;
    let (used, units, _) = desk.cost(desk.registered("cid@example.com")).await;
    assert_eq!((used, units), (calls(&[("BatchGetItem", 1), ("TransactWriteItems", 1), ("UpdateItem", 1)]), 9));
    let (used, units, answer) = desk.cost(desk.register(&with_code("bob@example.com", "ANNSCODE"))).await;
    assert_eq!((used, units), (calls(&[("BatchGetItem", 1), ("TransactWriteItems", 1), ("UpdateItem", 1)]), 10));
    assert_eq!(answer.body["referral"]["applied"], true);

    desk.settings(Area::Promotion, json!({"enabled": true})).await;
    desk.get("/v1/settings/public", None).await.is(200);
    let (_, units, _) = desk.cost(desk.register(&with_code("bib@example.com", "ANNSCODE"))).await;
    assert_eq!(units, 11);

    let limited = json!({"max_invitees_per_user": 5, "registration": {"invitee_reward": "1"}});
    let (desk, _) = Desk::with_referral(limited).await;
    // The first journal of a deployment also fixes its currency.
    desk.register(&with_code("cid@example.com", "ANNSCODE")).await.is(201);
    let (used, units, answer) = desk.cost(desk.register(&with_code("bob@example.com", "ANNSCODE"))).await;
    assert_eq!(used, calls(&[("BatchGetItem", 1), ("GetItem", 1), ("TransactWriteItems", 1), ("UpdateItem", 1)]));
    assert_eq!((units, &answer.body["user"]["balance"]["amount"]), (19, &json!("1")));
    let key = InviteeLimit::key(desk.user(&answer.text("/user/id")).await.attribution.clone().unwrap().inviter);
    assert!(desk.0.app.store.get_item(&key).await.unwrap().is_some());
}
