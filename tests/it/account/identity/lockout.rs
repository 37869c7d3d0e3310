//! Nobody can lock somebody else out, and nobody guesses a password (R2.9, G4).

use serde_json::{Value, json};

use crate::race::{Weight, race};
use crate::world::{Answer, PASSWORD, World};

const BOB: &str = "bob@example.com";
const HOME: &str = "192.0.2.7";
const WRONG: &str = "a stranger's guess";

fn stranger(number: usize) -> String {
    format!("10.{}.{}.9", number / 250, number % 250)
}

async fn sign_in(world: &World, address: &str, body: Value) -> Answer {
    world.nobody().from(address).post("/v1/sessions", body).await
}

async fn guess(world: &World, address: &str, password: &str) -> Answer {
    sign_in(world, address, json!({"email": BOB, "password": password})).await
}

/// Asks for a challenge's code at home, and reads it in the mail.
async fn mailed(world: &World) -> String {
    world.nobody().from(HOME).post("/v1/sessions/challenge", json!({"email": BOB})).await.is(202);
    symbols(world).await
}

/// Ten symbols in the last mail to Bob.
async fn symbols(world: &World) -> String {
    world.settle().await;
    let text = world.stack.mailbox.sent(Some(BOB)).last().unwrap().text.clone();
    let is_code = |word: &&str| word.len() == 11 && word.as_bytes()[5] == b'-';
    text.split_whitespace().find(is_code).unwrap().to_owned()
}

/// Eleven strangers fail, each in a network of their own.
async fn challenged(world: &World) {
    for number in 0..11 {
        guess(world, &stranger(number), WRONG).await.refused(401, "bad_credentials");
    }
}

/// R2.9: of a thousand tries from a thousand networks, the right password among them, eleven are judged. The owner still signs in
/// with the token of their device. A challenge tells nobody whether the password is right.
#[test]
fn a_thousand_strangers_lock_nobody_out_and_guess_nothing() {
    World::run(async |world| {
        world.register("bob", None).await;
        let device = guess(world, HOME, PASSWORD).await.is(200)["device_token"].clone();
        challenged(world).await;
        for number in 11..1_000 {
            let password = if number % 2 == 0 { PASSWORD } else { WRONG };
            guess(world, &stranger(number), password).await.refused(401, "challenge_required");
        }
        guess(world, HOME, PASSWORD).await.refused(401, "challenge_required");
        let wrong = json!({"email": BOB, "password": WRONG, "device_token": device});
        sign_in(world, HOME, wrong).await.refused(401, "bad_credentials");
        let right = json!({"email": BOB, "password": PASSWORD, "device_token": device});
        sign_in(world, HOME, right).await.is(200);
        // Success cleared the challenge.
        guess(world, &stranger(2_000), PASSWORD).await.is(200);
    });
}

/// R2.9: a mailed code answers a challenge for a quarter of an hour; it replaces no password, and a later one leaves it valid.
#[test]
fn a_mailed_code_answers_a_challenge() {
    World::run(async |world| {
        world.register("bob", None).await;
        challenged(world).await;
        let first = mailed(world).await;
        world.advance(60).await;
        let second = mailed(world).await;
        assert_ne!(first, second);
        let with = |password: &str, code: &str| json!({"email": BOB, "password": password, "challenge_code": code});
        sign_in(world, HOME, with(WRONG, &first)).await.refused(401, "bad_credentials");
        sign_in(world, HOME, with(PASSWORD, "00000-00000")).await.refused(401, "challenge_required");
        sign_in(world, HOME, with(PASSWORD, &first.to_lowercase().replace('-', " "))).await.is(200);
        challenged(world).await;
        sign_in(world, HOME, with(PASSWORD, &second)).await.is(200);
        challenged(world).await;
        world.advance(15 * 60 + 10).await;
        challenged(world).await;
        sign_in(world, HOME, with(PASSWORD, &second)).await.refused(401, "challenge_required");
    });
}

/// R2.9: a device token is its account's, good for 180 days, and no other text is one.
#[test]
fn a_device_token_is_bound_to_its_account_and_ends() {
    World::run(async |world| {
        world.register("bob", None).await;
        let eves = world.register("eve", None).await["session"]["device_token"].clone();
        let device = guess(world, HOME, PASSWORD).await.is(200)["device_token"].as_str().unwrap().to_owned();
        challenged(world).await;
        let with = |device: &Value| json!({"email": BOB, "password": PASSWORD, "device_token": device});
        let damaged = json!(format!("{}AAAA", &device[..device.len() - 4]));
        for other in [eves, damaged, json!(""), json!("x".repeat(5_000))] {
            sign_in(world, HOME, with(&other)).await.refused(401, "challenge_required");
        }
        sign_in(world, HOME, with(&json!(device))).await.is(200);
        world.settle().await;
        world.advance(180 * 86_400).await;
        challenged(world).await;
        sign_in(world, HOME, with(&json!(device))).await.refused(401, "challenge_required");
    });
}

/// R2.9: ten failures close an e-mail in the network that made them, for everybody in it and for nobody elsewhere.
#[test]
fn failures_close_an_address_in_their_own_network_only() {
    World::run(async |world| {
        world.register("bob", None).await;
        world.register("eve", None).await;
        for host in 0..10 {
            guess(world, &format!("198.51.100.{host}"), WRONG).await.refused(401, "bad_credentials");
        }
        guess(world, "198.51.100.250", PASSWORD).await.refused(429, "rate_limited");
        guess(world, "::ffff:198.51.100.251", PASSWORD).await.refused(429, "rate_limited");
        let eve = json!({"email": "eve@example.com", "password": PASSWORD});
        sign_in(world, "198.51.100.250", eve).await.is(200);
        guess(world, HOME, PASSWORD).await.is(200);
    });
}

/// R2.9: a network has a hundred failures, over all e-mails; successes don't count.
#[test]
fn a_network_has_a_hundred_failures() {
    World::run(async |world| {
        world.register("bob", None).await;
        for _ in 0..150 {
            guess(world, "198.51.100.1", PASSWORD).await.is(200);
        }
        for number in 0..100 {
            let body = json!({"email": format!("nobody{number}@example.com"), "password": WRONG});
            sign_in(world, "198.51.100.1", body).await.refused(401, "bad_credentials");
        }
        guess(world, "198.51.100.1", PASSWORD).await.refused(429, "rate_limited");
        guess(world, "198.51.101.1", PASSWORD).await.is(200);
    });
}

/// R2.9, G4: a reset clears the counts in every network: the owner is locked out nowhere.
#[test]
fn a_reset_clears_the_failures_in_every_network() {
    World::run(async |world| {
        world.register("bob", None).await;
        for address in [HOME, "198.51.100.1", "203.0.113.9"] {
            for _ in 0..10 {
                guess(world, address, WRONG).await;
            }
        }
        guess(world, HOME, PASSWORD).await.refused(429, "rate_limited");
        world.nobody().from(HOME).post("/v1/password-resets", json!({"email": BOB})).await.is(202);
        let body = json!({"email": BOB, "code": symbols(world).await, "password": "another horse battery"});
        world.nobody().from(HOME).post("/v1/password-resets/confirm", body).await.is(204);
        for address in ["198.51.100.1", "203.0.113.9", HOME] {
            guess(world, address, "another horse battery").await.is(200);
        }
    });
}

/// R2.9: of 120 guesses at once from one network ten are judged, and of 120 from as many networks eleven.
#[test]
fn parallel_guesses_are_counted_before_they_are_judged() {
    race("account::parallel_guesses_are_counted_before_they_are_judged", Weight::Light, async |round| {
        let world = round.world;
        world.register("bob", None).await;
        world.register("eve", None).await;
        for (email, spread) in [(BOB, false), ("eve@example.com", true)] {
            let ask = |client: usize| {
                let address = if spread { stranger(client) } else { format!("198.51.100.{client}") };
                let body = json!({"email": email, "password": format!("guess number {client}")});
                let caller = world.nobody().from(&address);
                async move { caller.post("/v1/sessions", body).await }
            };
            let told = round.at_once(120, ask).await;
            let count = |code: &str| told.refused.values().filter(|refused| *refused == code).count();
            let (judged, rest) = if spread { (11, "challenge_required") } else { (10, "rate_limited") };
            // A client that hung up repeats its guess, which counts again.
            assert!(count("bad_credentials") <= judged, "{:?}", told.refused);
            assert_eq!(count("bad_credentials") + count(rest), 120, "{:?}", told.refused);
        }
    });
}

/// R2.9: the owner's sign-in with a mailed code succeeds whatever strangers do at the same moment.
#[test]
fn a_challenge_and_strangers_at_once_leave_the_owner_in() {
    race("account::a_challenge_and_strangers_at_once_leave_the_owner_in", Weight::Light, async |round| {
        let world = round.world;
        world.register("bob", None).await;
        challenged(world).await;
        let code = mailed(world).await;
        let ask = |client: usize| {
            let (address, password) = if client == 7 { (HOME.to_owned(), PASSWORD) } else { (stranger(client), WRONG) };
            let body = match client {
                7 => json!({"email": BOB, "password": password, "challenge_code": code}),
                _ => json!({"email": BOB, "password": password}),
            };
            let caller = world.nobody().from(&address);
            async move { caller.post("/v1/sessions", body).await }
        };
        let told = round.at_once(64, ask).await;
        assert_eq!(told.made.keys().copied().collect::<Vec<_>>(), [7], "{:?}", told.refused);
    });
}
