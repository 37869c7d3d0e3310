//! Authentic events of any content: every stored fixture, changed in ten thousand ways and validly signed (F2, faults.md).
//! They meet orders in every state, before and after the capture. None answers 5xx, and the auditor of every world finds nothing.
//!
//! An ordinary run plays a part, which `GUERDON_TURN` shifts; `GUERDON_FAULTS=all` plays all.

use bytes::Bytes;
use http::Request;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};
use shared::payment::gateway::zpay::{signature, signed_text};

use crate::env::wished;
use crate::fuzz::mutate::{Draw, change};
use crate::payment::webhooks::tell;
use crate::world::World;

const ALL: u64 = 10_000;
/// Events told to one world.
const OF_WORLD: u64 = 50;
/// Worlds of an ordinary run.
const PART: u64 = 6;
const KEY: &str = "local-zpay-key-0123456789";

fn fixtures() -> Vec<Value> {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/stripe");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()).collect()
}

/// Orders in every state, each with its payment at its provider, if there is one.
async fn orders(world: &World) -> Vec<(Value, String)> {
    world.open().await;
    world.settings("payment", |payment| payment["max_orders_per_minute"] = json!(100)).await;
    world.register("bob", None).await;
    let mut orders = Vec::new();
    for provider in ["stripe", "zpay"] {
        for state in ["pending", "unheard", "paid", "refunded", "disputed", "cancelled", "by hand", "short"] {
            let order = world.order("bob", json!({"offer_id": "o100", "provider": provider})).await;
            let id = order["id"].as_str().unwrap();
            let admins = |rest: &str| format!("/v1/admin/payment/orders/{id}{rest}");
            match state {
                "unheard" => world.pay(&order, json!({"notify": "never"})).await,
                "short" => world.pay(&order, json!({"amount": "60"})).await,
                "paid" | "refunded" | "disputed" => world.pay(&order, json!({})).await,
                "cancelled" => {
                    world.user("bob").post(&format!("/v1/payment/orders/{id}/cancel"), json!({})).await.is(200);
                }
                "by hand" => {
                    world.admin().once().post(&admins("/complete"), json!({"reason": "seen"})).await;
                }
                _ => {}
            }
            world.settle().await;
            if provider == "stripe" && (state == "refunded" || state == "disputed") {
                world.advance(1).await;
                let action = if state == "refunded" { "refund" } else { "dispute" };
                world.pay(&order, json!({"action": action, "amount": "30"})).await;
                world.settle().await;
            }
            let book = world.stack.simulators.book();
            let payment = match provider {
                "stripe" => book.payments_of(id).first().map(|payment| payment.intent.clone()),
                _ => book.trade_of(id).map(|trade| trade.trade_no.clone()),
            };
            orders.push((order.clone(), payment.unwrap_or_else(|| format!("pi_{}", &id[4..]))));
        }
    }
    orders
}

/// Puts ids into a fixture.
fn named(event: &Value, order: &str, payment: &str, number: u64) -> Value {
    let text = event.to_string();
    let fixture = ["ord_01k9zq4r7x8m2v5b3n6c1d0fgh", "pi_3SVbQ2LkdIwHu7ix0a1B2c3D"];
    let mut event: Value = serde_json::from_str(&text.replace(fixture[0], order).replace(fixture[1], payment)).unwrap();
    event["id"] = json!(format!("evt_{number}"));
    event
}

async fn tell_stripe(world: &World, number: u64, draw: &mut Draw<'_>, orders: &[(Value, String)], all: &[Value]) {
    let (order, payment) = draw.of(orders);
    let mut event = named(draw.of(all), order["id"].as_str().unwrap(), payment, number);
    if draw.below(4) == 0 {
        event["data"]["object"]["currency"] = json!(*draw.of(&["usd", "jpy", "kwd", "zzz"]));
    }
    for _ in 0..draw.below(3) {
        change(&mut event, draw);
    }
    let answer = tell(world, &event).await;
    assert_eq!(answer.status, 200, "event {number} is answered {}: {event}", answer.text);
}

async fn tell_zpay(world: &World, number: u64, draw: &mut Draw<'_>, orders: &[(Value, String)]) {
    let (order, payment) = draw.of(orders);
    let texts = ["", "1", "0", "100.0000", "0.01", "1e2", "999999999999999999999", "a&b=c", "两\n行", "TRADE_FINISHED"];
    let mut fields: Vec<(&str, String)> = [
        ("pid", "1000"),
        ("trade_no", payment.as_str()),
        ("out_trade_no", order["id"].as_str().unwrap()),
        ("type", "alipay"),
        ("name", "Top-up"),
        ("money", *draw.of(&["100.00", "100", "60.00", "0.01"])),
        ("trade_status", *draw.of(&["TRADE_SUCCESS", "TRADE_FINISHED", "TRADE_CLOSED"])),
        ("status", *draw.of(&["", "1", "0"])),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec();
    for _ in 0..draw.below(3) {
        let (at, text) = (1 + draw.below(fields.len() - 1), (*draw.of(&texts)).to_owned());
        fields[at].1 = text;
    }
    let sign = signature(&signed_text(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))), KEY);
    let escaped = |value: &str| value.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let path = format!("/v1/webhooks/zpay?{}&sign={sign}&sign_type=MD5", pairs.join("&"));
    let request = Request::get(path).body(Bytes::new()).unwrap();
    let answer = world.stack.http(request, "203.0.113.7").await;
    assert_eq!(answer.status().as_u16(), 200, "notification {number}: {fields:?}");
}

/// F2: no authentic event is answered 5xx for what it says, and the books are right after all of them.
#[test]
fn f2_no_authentic_event_is_answered_5xx_for_what_it_says() {
    let worlds = ALL / OF_WORLD;
    let turn = wished::<u64>("GUERDON_TURN").unwrap_or(0);
    let everything = std::env::var("GUERDON_FAULTS").is_ok_and(|faults| faults == "all");
    let part: Vec<u64> = match everything {
        true => (0..worlds).collect(),
        false => (0..PART).map(|index| (turn * PART + index) % worlds).collect(),
    };
    for of in part {
        World::run(async |world| {
            let (orders, all) = (orders(world).await, fixtures());
            for number in of * OF_WORLD..(of + 1) * OF_WORLD {
                let mut bytes = [0; 64];
                ChaCha8Rng::seed_from_u64(number).fill_bytes(&mut bytes);
                let mut draw = Draw::new(&bytes);
                match number % 4 {
                    0 => tell_zpay(world, number, &mut draw, &orders).await,
                    _ => tell_stripe(world, number, &mut draw, &orders, &all).await,
                }
            }
        });
    }
}
