//! Enumeration: no answer and no cost shows whether an e-mail has an account (R2.10).

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use crate::world::{PASSWORD, World};

/// Traces of a request: its answer without tokens, the database's calls and units, and the messages that wait.
#[derive(Debug, PartialEq)]
struct Shown {
    status: u16,
    body: Value,
    calls: BTreeMap<String, (u64, u64)>,
    messages: u64,
}

async fn shown(world: &World, path: &str, body: Value, email: &str) -> Shown {
    world.settle().await;
    world.stack.dynamo.reset();
    let answer = world.nobody().from("192.0.2.7").post(path, body).await;
    let calls = world.stack.dynamo.used().into_iter();
    let calls = calls.map(|(call, usage)| (call, (usage.calls, usage.write_units))).collect();
    let depth = world.stack.queues.depth("MailQueue").unwrap();
    let mut body: Value = serde_json::from_str(&answer.text.replace(email, "")).unwrap_or_default();
    for field in ["instance", "signup_token"] {
        if let Some(field) = body.get_mut(field) {
            *field = json!("…");
        }
    }
    Shown { status: answer.status, body, calls, messages: (depth.visible + depth.delayed).try_into().unwrap() }
}

/// R2.10: resets, challenges, registrations with verification, sign-ins and confirmations answer the same, make the same calls of
/// the same weight, and enqueue the same, whether the e-mail has an account or not. The notifier looks up who gets the mail.
#[test]
fn known_and_unknown_addresses_make_the_same_calls() {
    World::run(async |world| {
        world.register("bob", None).await;
        world.settings("identity", |settings| settings["email_verification"] = json!(true)).await;
        world.nobody().get("/v1/settings/public").await.is(200);
        let requests: [(&str, fn(&str) -> Value); 5] = [
            ("/v1/password-resets", |email| json!({"email": email})),
            ("/v1/sessions/challenge", |email| json!({"email": email})),
            ("/v1/registrations", |email| json!({"email": email, "password": PASSWORD})),
            ("/v1/sessions", |email| json!({"email": email, "password": "not the password"})),
            (
                "/v1/password-resets/confirm",
                |email| json!({"email": email, "code": "00000-00000", "password": "another horse battery"}),
            ),
        ];
        for (path, body) in requests {
            let [known, unknown] = ["bob@example.com", "eve@example.com"];
            let known = shown(world, path, body(known), known).await;
            let unknown = shown(world, path, body(unknown), unknown).await;
            assert_eq!(known, unknown, "{path}");
            assert_eq!(known.messages, u64::from(known.status < 300), "{path}: one mail is promised");
        }
        // Also once the address is challenged.
        for number in 0..12 {
            for email in ["bob@example.com", "eve@example.com"] {
                let guess = json!({"email": email, "password": "not the password"});
                world.nobody().from(&format!("10.7.{number}.1")).post("/v1/sessions", guess).await;
            }
        }
        let guess = |email: &str| json!({"email": email, "password": PASSWORD, "challenge_code": "00000-00000"});
        let known = shown(world, "/v1/sessions", guess("bob@example.com"), "bob@example.com").await;
        let unknown = shown(world, "/v1/sessions", guess("eve@example.com"), "eve@example.com").await;
        assert_eq!((known.status, &known.body["code"]), (401, &json!("challenge_required")));
        assert_eq!(known, unknown);
        world.settle().await;
        let to = |email: &str| world.stack.mailbox.sent(Some(email)).len();
        assert_eq!((to("bob@example.com"), to("eve@example.com")), (3, 1), "only the registration reaches a stranger");
    });
}

const SIGN_IN: &str = "/v1/sessions";
/// Tries of each kind of address.
const TRIES: usize = 1_000;

/// True if Wilcoxon's rank-sum test puts two samples more than five standard deviations apart.
fn are_apart(one: &[u128], other: &[u128]) -> bool {
    let mut all: Vec<(u128, bool)> = one.iter().map(|time| (*time, true)).collect();
    all.extend(other.iter().map(|time| (*time, false)));
    all.sort_unstable();
    let ranks: usize = all.iter().enumerate().filter(|(_, (_, first))| *first).map(|(rank, _)| rank + 1).sum();
    let (n, m) = (one.len(), other.len());
    // The sum has the mean n(n+m+1)/2 and the variance nm(n+m+1)/12; both sides are squared, and times twelve.
    let off = (2 * ranks).abs_diff(n * (n + m + 1));
    3 * off * off > 25 * n * m * (n + m + 1)
}

/// Times of wrong sign-ins, or of requests of a reset, for known and for unknown addresses, in nanoseconds.
async fn times(world: &World, round: usize, path: &str) -> [Vec<u128>; 2] {
    let network = |number: usize| format!("10.{}.{}.{}", number / 250, number % 250, round + 1);
    let address = |kind: &str, number: usize| format!("{kind}{round}x{}@example.com", number % (TRIES / 10));
    let kinds = [format!("known{}", path.len()), format!("other{}", path.len())];
    for number in 0..TRIES / 10 {
        let body = json!({"email": address(&kinds[0], number), "password": PASSWORD});
        world.nobody().from(&network(number)).post("/v1/registrations", body).await.is(201);
    }
    world.settle().await;
    let mut times = [Vec::with_capacity(TRIES), Vec::with_capacity(TRIES)];
    for number in 0..TRIES {
        // By turns, so that whatever else the machine does meets both alike.
        for kind in [number % 2, 1 - number % 2] {
            let mut body = json!({"email": address(&kinds[kind], number)});
            if path == SIGN_IN {
                body["password"] = json!("not the password");
            }
            let caller = world.nobody().from(&network(number));
            let started = Instant::now();
            let answer = caller.post(path, body).await;
            times[kind].push(started.elapsed().as_nanos());
            assert!(answer.status == 401 || answer.status == 202, "{path}: {}", answer.text);
        }
    }
    times
}

/// R2.10: a thousand wrong sign-ins and a thousand requests of a reset for known addresses, each from a network of its own, take the
/// time that they take for unknown ones.
///
/// A request of a reset reads nothing, so no rank test tells one from the other. A sign-in reads the address, and an item that is
/// there is parsed: some ten microseconds beside a hash of tens of milliseconds, which no network shows. The hash is what counts.
/// What only the machine's other work made differ does not differ three times.
#[test]
fn known_and_unknown_addresses_take_the_same_time() {
    // A hash of half a millisecond: enough to see that one is missing.
    World::hashing((1_024, 1), async |world| {
        for path in [SIGN_IN, "/v1/password-resets"] {
            let mut apart = Vec::new();
            for round in 0..3 {
                let times = times(world, round, path).await;
                let [known, other] = times.clone().map(median);
                let is_apart = path != SIGN_IN && are_apart(&times[0], &times[1]);
                if 10 * known.abs_diff(other) < known && !is_apart {
                    break;
                }
                apart.push((known, other));
            }
            assert!(apart.len() < 3, "{path}: medians of known and unknown addresses in ns: {apart:?}");
        }
    });
}

fn median(mut times: Vec<u128>) -> u128 {
    times.sort_unstable();
    times[times.len() / 2]
}
