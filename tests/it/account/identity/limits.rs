//! Limits on registrations and mails, per network of the trusted client address (R2.9).

use serde_json::{Value, json};

use crate::race::{Weight, race};
use crate::world::{Answer, CDN, PASSWORD, World};

fn body(number: usize) -> Value {
    json!({"email": format!("user{number}@example.com"), "password": PASSWORD})
}

async fn register(world: &World, address: &str, number: usize) -> Answer {
    world.nobody().from(address).post("/v1/registrations", body(number)).await
}

/// R2.9: of 200 registrations of one network in an hour 60 pass; the setting changes it, and 0 switches it off.
#[test]
fn a_network_registers_sixty_times_an_hour() {
    World::run(async |world| {
        for number in 0..200 {
            let answer = register(world, &format!("198.51.100.{}", number % 250), number).await;
            match number {
                0..60 => drop(answer.is(201)),
                _ => drop(answer.refused(429, "rate_limited")),
            }
        }
        register(world, "198.51.101.1", 200).await.is(201);
        world.advance(3_600).await;
        register(world, "198.51.100.1", 201).await.is(201);
        world.settle().await;
        world.sign_in("admin").await;
        world.settings("identity", |settings| settings["max_signups_per_network"] = json!(1)).await;
        world.advance(61).await;
        register(world, "198.51.100.1", 202).await.refused(429, "rate_limited");
        world.settings("identity", |settings| settings["max_signups_per_network"] = json!(0)).await;
        world.advance(61).await;
        register(world, "198.51.100.1", 202).await.is(201);
        world.settle().await;
    });
}

/// R2.9: the limit is exact for 64 registrations at once, and a repeat with its key costs nothing.
#[test]
fn the_limit_of_registrations_is_exact_at_once() {
    race("account::the_limit_of_registrations_is_exact_at_once", Weight::Light, async |round| {
        let world = round.world;
        for _ in 0..5 {
            let caller = world.nobody().from("198.51.100.9").key("once");
            caller.post("/v1/registrations", body(1_000)).await.is(201);
        }
        let ask = |client: usize| {
            let caller = world.nobody().from("198.51.100.9");
            async move { caller.post("/v1/registrations", body(client)).await }
        };
        let told = round.at_once(64, ask).await;
        // A client that hung up repeats its request, which counts again.
        assert!(told.made.len() <= 59, "{}", told.made.len());
        assert!(round.seed.is_multiple_of(2) || told.made.len() == 59, "{}", told.made.len());
        assert!(told.refused.values().all(|code| code == "rate_limited"), "{:?}", told.refused);
        world.settle().await;
    });
}

/// R2.9, R2.13: aliases of one mailbox are one address under the limit on mails. Above it the answer is the same and nothing is
/// sent, and another network's mails still are.
#[test]
fn a_mailbox_gets_five_mails_an_hour_from_a_network() {
    World::run(async |world| {
        world.settings("identity", |settings| settings["email_verification"] = json!(true)).await;
        let aliases = ["a.n.n@gmail.com", "ann+1@gmail.com", "ann@googlemail.com", "an.n+x@googlemail.com"];
        let mails = || world.stack.mailbox.sent(None).len();
        let mut answers = Vec::new();
        for alias in aliases.iter().cycle().take(9) {
            let ask = json!({"email": alias, "password": PASSWORD});
            answers.push(world.nobody().from("198.51.100.9").post("/v1/registrations", ask).await.is(201));
        }
        assert!(answers.iter().all(|answer| answer["status"] == "pending" && answer["signup_token"].is_string()));
        world.settle().await;
        assert_eq!(mails(), 5);
        let ask = json!({"email": "ann@gmail.com", "password": PASSWORD});
        world.nobody().from("198.51.101.9").post("/v1/registrations", ask).await.is(201);
        world.settle().await;
        assert_eq!(mails(), 6);
        for number in 0..30 {
            register(world, "198.51.102.9", number).await.is(201);
        }
        world.settle().await;
        assert_eq!(mails(), 26, "a network has twenty mails an hour");
    });
}

/// R2.4, R2.9: a code that was not mailed is not good, so the limit on mails limits the guesses.
#[test]
fn a_code_that_was_not_mailed_cannot_be_guessed() {
    World::run(async |world| {
        world.settings("identity", |settings| settings["email_verification"] = json!(true)).await;
        let mut last = Value::Null;
        for _ in 0..6 {
            last = register(world, "198.51.100.9", 1).await.is(201)["signup_token"].clone();
        }
        world.settle().await;
        let text = world.stack.mailbox.sent(None).last().unwrap().text.clone();
        let code =
            text.split_whitespace().find(|word| word.len() == 6 && word.parse::<u32>().is_ok()).unwrap().to_owned();
        let guess = json!({"signup_token": last, "code": code});
        world.nobody().post("/v1/registrations/verify", guess).await.refused(422, "invalid");
    });
}

/// R2.9: the client's address is the gateway's; whatever headers a client sends, it has one network.
#[test]
fn a_client_cannot_choose_its_network() {
    World::run(async |world| {
        for number in 0..61 {
            let viewer = format!("10.9.{number}.1:1234");
            let caller = world.nobody().from("198.51.100.9").header("cloudfront-viewer-address", &viewer);
            let caller = caller.header("x-forwarded-for", &viewer).header("x-origin-secret", "a guess");
            let answer = caller.post("/v1/registrations", body(number)).await;
            assert_eq!(answer.status, if number < 60 { 201 } else { 429 }, "{number}");
        }
        world.settle().await;
    });
}

/// R2.9: behind the operator's CDN, which proves itself, each viewer has a network of their own; the gateway sees one address.
#[test]
fn viewers_of_the_operators_cdn_have_networks_of_their_own() {
    World::run(async |world| {
        let through = async |viewer: &str, number: usize| {
            let caller = world.nobody().from("198.51.100.9").header("x-origin-secret", CDN);
            caller.header("cloudfront-viewer-address", viewer).post("/v1/registrations", body(number)).await
        };
        for number in 0..61 {
            through(&format!("10.9.{number}.1:1234"), number).await.is(201);
        }
        for number in 61..120 {
            through(&format!("10.9.7.{number}:1234"), number).await.is(201);
        }
        through("10.9.7.200:1234", 120).await.refused(429, "rate_limited");
        through("2001:db8:0:100::7:47256", 121).await.is(201);
        world.settle().await;
    });
}
