//! The users' view of the referral programme: R3.1–R3.3, R3.9.

mod late;
mod reparent;
pub mod reward;

use serde_json::json;
use shared::account::model::identity::Status;
use shared::account::model::user::User;
use shared::operations::model::settings::Area;

use crate::harness::{Stand, registered};

async fn on(stand: &Stand) {
    stand.set(Area::Referral, &serde_json::to_value(enabled()).unwrap()).await;
}

fn enabled() -> shared::referral::model::settings::ReferralSettings {
    shared::referral::model::settings::ReferralSettings { enabled: true, ..Default::default() }
}

/// R3.1, R3.2, R3.3: simultaneous first reads get the same code of eight symbols, in a link.
#[tokio::test(start_paused = true)]
async fn simultaneous_first_needs_get_the_same_code() {
    let stand = std::sync::Arc::new(Stand::new());
    on(&stand).await;
    let ann = stand.user("ann");
    stand.write(&[&ann], &[]).await;
    let mut needs = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (stand, ann) = (std::sync::Arc::clone(&stand), ann.clone());
        needs.spawn(async move { stand.get(Some(&ann), "/v1/referral").await.2 });
    }
    let first = needs.join_next().await.unwrap().unwrap();
    while let Some(other) = needs.join_next().await {
        assert_eq!(other.unwrap(), first);
    }
    let code = first["code"].as_str().unwrap();
    assert!(code.len() == 8 && code.bytes().all(|byte| b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789".contains(&byte)), "{code}");
    assert_eq!(first["link"], format!("https://guerdon.test/register?ref={code}"));
    assert_eq!(stand.items("invite"), 1);
}

/// R3.1, R3.4: a code is normalised as people type it; all codes that bind nothing look alike.
#[tokio::test(start_paused = true)]
async fn a_code_is_read_as_people_type_it_and_bad_ones_look_alike() {
    let stand = Stand::new();
    let ann = stand.user("ann");
    stand.write(&[&ann], &[]).await;
    let code = stand.get(Some(&ann), "/v1/referral").await.2["code"].as_str().unwrap().to_owned();
    let valid = async |code: &str| {
        let (status, _, body) = stand.get(None, &format!("/v1/referral-codes/{code}")).await;
        assert_eq!((status, body.as_object().unwrap().len()), (200, 2));
        body["valid"].as_bool().unwrap()
    };
    assert!(!valid(&code).await, "the programmes are off");
    on(&stand).await;
    let typed = format!("%20{}%20", code.to_lowercase());
    assert!(valid(&code).await && valid(&typed).await);
    assert!(!valid("UNKNOWN2").await && !valid("x").await && !valid("%23%2F").await);
    stand.change(ann.id, |ann| ann.status = Status::Blocked).await;
    assert!(!valid(&code).await);
}

/// A client may check thirty codes a minute; then it gets 429 with the seconds until the next check.
#[tokio::test(start_paused = true)]
async fn looks_at_codes_are_limited_per_client() {
    let stand = Stand::new();
    for _ in 0..30 {
        assert_eq!(stand.get(None, "/v1/referral-codes/ABCDEFGH").await.0, 200);
    }
    let (status, headers, body) = stand.get(None, "/v1/referral-codes/ABCDEFGH").await;
    assert_eq!((status, &body["code"]), (429, &json!("rate_limited")));
    assert_eq!(headers["retry-after"], "60");
    stand.later(60);
    assert_eq!(stand.get(None, "/v1/referral-codes/ABCDEFGH").await.0, 200);
}

/// R3.9: an inviter sees counts, sums, masked e-mails, and each reward with its state.
#[tokio::test(start_paused = true)]
async fn an_inviter_sees_counts_invitees_and_rewards() {
    let stand = Stand::new();
    let ann = stand.user("ann");
    let bob = stand.invitee("bob", &ann, [2, 1], [5, 3]);
    let cid = stand.invitee("cid", &ann, [2, 1], [5, 3]);
    stand.write(&[&ann, &bob, &cid], &[]).await;
    let message = stand.pay(&bob, 2000, true).await;
    stand.write(&[], &[registered(&bob), message]).await;
    stand.reward().await;

    let (_, _, overview) = stand.get(Some(&ann), "/v1/referral").await;
    let usd = |amount: &str| json!({"amount": amount, "currency": "USD"});
    let stats = json!({"invitees": 1, "qualified": 1, "rewarded": 1, "earned": usd("7"), "pending": usd("0")});
    assert_eq!((&overview["stats"], &overview["invited_by"]), (&stats, &json!(null)));
    let nothing = json!({"inviter": usd("0"), "invitee": usd("0")});
    let terms = json!({"registration": nothing, "qualified": nothing,
        "threshold": {"amount": "20.00", "currency": "CNY"}, "max_invitees": null});
    assert_eq!(overview["terms"], terms, "while the programme is off, nothing is promised");
    let (_, _, own) = stand.get(Some(&bob), "/v1/referral").await;
    assert_eq!(own["invited_by"], json!({"email_masked": "a***@e***.com"}));

    let (_, _, list) = stand.get(Some(&ann), "/v1/referral/invitees").await;
    let now = stand.now().to_string();
    let reward = |trigger: &str, amount: &str| json!({"trigger": trigger, "amount": usd(amount), "state": "granted", "granted_at": now});
    let pending = json!({"trigger": "registration", "amount": usd("2"), "state": "pending", "granted_at": null});
    let cny = |amount: &str| json!({"amount": amount, "currency": "CNY"});
    let expected = json!({"next_cursor": null, "items": [
        {"email_masked": "c***@e***.com", "registered_at": now, "paid_total": cny("0.00"), "qualified": false,
            "qualified_at": null, "rewards": [pending]},
        {"email_masked": "b***@e***.com", "registered_at": now, "paid_total": cny("20.00"), "qualified": true,
            "qualified_at": now, "rewards": [reward("registration", "2"), reward("qualified", "5")]},
    ]});
    assert_eq!(list, expected);
    let (_, _, rewards) = stand.get(Some(&bob), "/v1/referral/rewards").await;
    assert_eq!((&rewards["items"][0]["side"], &rewards["items"][0]["amount"]), (&json!("invitee"), &usd("3")));
    assert_eq!(rewards["items"].as_array().unwrap().len(), 1);
}

/// Lists are paged; a foreign cursor is rejected, and an anonymous caller gets nothing.
#[tokio::test(start_paused = true)]
async fn lists_go_by_pages_and_cursors_are_their_callers() {
    let stand = Stand::new();
    let ann = stand.user("ann");
    let invitees: Vec<User> = (0..5).map(|n| stand.invitee(&format!("bob{n}"), &ann, [2, 0], [5, 3])).collect();
    let all: Vec<&User> = invitees.iter().chain([&ann]).collect();
    stand.write(&all, &[]).await;
    let mut uri = "/v1/referral/invitees?limit=2".to_owned();
    let mut sizes = Vec::new();
    loop {
        let (_, _, page) = stand.get(Some(&ann), &uri).await;
        sizes.push(page["items"].as_array().unwrap().len());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        uri = format!("/v1/referral/invitees?limit=2&cursor={cursor}");
        let elsewhere = format!("/v1/referral/rewards?cursor={cursor}");
        assert_eq!(stand.get(Some(&ann), &elsewhere).await.2["code"], "forged_cursor");
        assert_eq!(stand.get(Some(&invitees[0]), &uri).await.2["code"], "forged_cursor");
    }
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(stand.get(None, &uri).await.0, 401);
    assert_eq!(stand.get(Some(&invitees[0]), "/v1/referral/invitees").await.2["items"], json!([]));
}

/// Budget: a page is a query and a read, which of invitees brings their rewards, too.
#[tokio::test(start_paused = true)]
async fn a_page_of_invitees_is_a_query_and_one_read() {
    let stand = Stand::new();
    let ann = stand.user("ann");
    let invitees: Vec<User> = (0..60).map(|n| stand.invitee(&format!("bob{n}"), &ann, [2, 0], [5, 3])).collect();
    let all: Vec<&User> = invitees.iter().chain([&ann]).collect();
    stand.write(&all, &[]).await;
    for (uri, expected) in [
        ("/v1/referral/invitees?limit=100", vec![("BatchGetItem", 1), ("Query", 1)]),
        ("/v1/referral/rewards?limit=100", vec![("Query", 1)]),
    ] {
        stand.dynamo.reset();
        stand.get(Some(&ann), uri).await;
        let expected = expected.into_iter().map(|(name, calls)| (name.to_owned(), calls)).collect();
        assert_eq!(stand.used().0, expected, "{uri}");
    }
}
