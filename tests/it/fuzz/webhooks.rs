//! Fuzzed provider events and forgeries.
//! A Stripe input is the signature on the first line, then the body; a gateway input is the raw query.

use std::collections::BTreeSet;

use bytes::Bytes;
use emulator::sim::SimConfig;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use jiff::Timestamp;
use serde_json::Value;
use shared::payment::gateway::stripe::event::parse;
use shared::payment::gateway::stripe::signature::{sign, verify};
use shared::payment::gateway::zpay::{notify, sign as zpay_sign};

use super::lasting::{Things, nameless};
use super::{any, worlds};
use crate::world::World;

const SECRET: &str = "whsec_any_0123456789";
const KEY: &str = "a gateway's key";
const PID: &str = "20220726190052";

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn fixtures(folder: &str) -> Vec<Vec<u8>> {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// A fixture on one line.
fn compact(event: &[u8]) -> Vec<u8> {
    serde_json::from_slice::<Value>(event).unwrap().to_string().into_bytes()
}

fn signed(body: &[u8]) -> Vec<u8> {
    [sign(SECRET, body, now()).unwrap().as_bytes(), b"\n", body].concat()
}

fn split(input: &[u8]) -> Option<(&str, &[u8])> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&input[..end]).ok()?, &input[end + 1..]))
}

/// HMAC of a body at a time, computed independently of the code under test.
fn digest(time: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes())
}

/// R4.7; faults.md, webhooks: an accepted body has its own recent signature.
/// Inputs include missing, truncated, repeated, stale and foreign signatures.
#[test]
fn any_body_that_is_believed_carries_its_own_signature_of_the_last_minutes() {
    any!("signatures", fixtures("stripe").iter().map(|event| signed(&compact(event))).collect(), |input| {
        let Some((header, body)) = split(input) else { return };
        let mut parts = header.split(',').filter_map(|part| part.trim().split_once('='));
        let time = parts.find(|(name, _)| *name == "t").map_or("", |(_, time)| time);
        let right = header.contains(&format!("v1={}", digest(time, body)));
        let near = time.parse::<i64>().is_ok_and(|time| time.abs_diff(now().as_second()) <= 300);
        assert!(verify(header, body, &[SECRET], now()).is_err() || (right && near), "{header}");
        for blank in ["", " "] {
            assert!(verify(header, body, &[blank], now()).is_err(), "a blank secret believes {header}");
        }
        let own = sign(SECRET, body, now()).unwrap();
        assert!(verify(&own, body, &[SECRET], now()).is_ok(), "{own}");
        let other = [body, b" "].concat();
        assert!(verify(&own, &other, &[SECRET], now()).is_err(), "{own} of another body");
    });
}

/// R4.7: an event is decoded, or refused with a reason.
#[test]
fn any_event_is_read_as_it_says_or_refused_with_a_reason() {
    any!(
        "events",
        fixtures("stripe").iter().map(|event| compact(event)).collect(),
        |input| match parse(input, false) {
            Ok(event) => {
                let said: Value = serde_json::from_slice(input).unwrap();
                assert_eq!((said["id"].as_str(), said["type"].as_str()), (Some(&*event.id), Some(&*event.kind)));
            }
            Err(unreadable) => assert!(!unreadable.reason.is_empty()),
        }
    );
}

/// faults.md, webhooks: any authentic event is stored, and nothing is credited wrongly.
#[test]
fn any_authentic_event_is_taken_and_the_books_are_right() {
    async fn told(world: &World, things: &Things, input: &[u8]) {
        let body = things.put(&String::from_utf8_lossy(input));
        let signature =
            sign(&SimConfig::new("").stripe_webhook_secret, body.as_bytes(), world.stack.app.clock.now()).unwrap();
        let request =
            Request::post("/v1/webhooks/stripe").header("stripe-signature", signature).body(Bytes::from(body.clone()));
        let answer = world.stack.http(request.unwrap(), "203.0.113.7").await;
        assert_eq!(answer.status().as_u16(), 200, "{body} is answered {}", String::from_utf8_lossy(answer.body()));
    }
    let seeds = fixtures("stripe")
        .iter()
        .map(|event| nameless(std::str::from_utf8(&compact(event)).unwrap()).into_bytes())
        .collect();
    worlds!("authentic", seeds, told);
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let text = |text: &str| {
        text.bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") },
            )
            .collect::<String>()
    };
    fields.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect::<Vec<_>>().join("&")
}

/// R4.8; faults.md, webhooks: an accepted query is what the gateway signed.
/// Inputs include duplicate parameters, `&` or `=` inside fields, a wrong pid, other amounts and another sign type.
#[test]
fn any_query_that_is_believed_says_what_the_gateway_signed() {
    let notice = |money, status, name| {
        let mut fields = vec![
            ("pid", PID),
            ("name", name),
            ("money", money),
            ("out_trade_no", "ord_01k9zq4r7x8m2v5b3n6c1d0fgh"),
            ("trade_no", "2026112022001412341234123412"),
            ("param", "a=b"),
            ("trade_status", status),
            ("type", "alipay"),
        ];
        let sign = zpay_sign(fields.iter().copied(), KEY);
        fields.extend([("sign", sign.as_str()), ("sign_type", "MD5")]);
        encoded(&fields).into_bytes()
    };
    let seeds = vec![
        notice("100.00", "TRADE_SUCCESS", "Top-up ¥100"),
        notice("0.01", "TRADE_CLOSED", ""),
        notice("1", "WAIT", "a b"),
    ];
    let genuine: BTreeSet<String> = seeds.iter().map(|seed| notify::verify(seed, PID, KEY).unwrap().event_id).collect();
    any!("notices", seeds, |input| {
        if let Ok(notice) = notify::verify(input, PID, KEY) {
            assert!(genuine.contains(&notice.event_id), "forged: {}", String::from_utf8_lossy(input));
            assert!(notice.read.is_ok_and(|money| money.amount().scale() <= 2 && !money.is_negative()));
        }
        assert!(notify::verify(input, PID, "").is_err() && notify::verify(input, "", KEY).is_err());
        // Any query that the gateway signs decodes to what was signed.
        let text = String::from_utf8_lossy(input);
        let name: String = text.chars().filter(|symbol| !symbol.is_control() && *symbol != '&').take(100).collect();
        let mut fields = vec![
            ("pid", PID),
            ("name", &*name),
            ("money", "5.5"),
            ("out_trade_no", "x"),
            ("trade_no", "1"),
            ("trade_status", "TRADE_SUCCESS"),
        ];
        let sign = zpay_sign(fields.iter().copied(), KEY);
        fields.extend([("sign", sign.as_str()), ("sign_type", "MD5")]);
        let read = notify::verify(encoded(&fields).as_bytes(), PID, KEY);
        assert!(read.is_ok_and(|read| read.read.unwrap().to_string() == "5.50 CNY" && read.is_success()), "{name:?}");
    });
}
