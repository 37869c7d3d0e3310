//! Fuzzed requests.
//! An input has caller, method and path on the first line, headers, an empty line, the body.
//! The caller is `nobody`, `service` with a key, or a user of the world. `if-match: current` and `cursor=next` stand for the
//! world's real values.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use super::lasting::{Things, nameless};
use super::worlds;
use crate::contract::document::{check, merged};
use crate::world::World;

/// Entity names by the path segment before them.
const PARTS: &[(&str, &str)] = &[
    ("users", "usr_0"),
    ("withdrawals", "wdr_0"),
    ("payout-batches", "pbt_0"),
    ("rewards", "rwd_0"),
    ("commissions", "cms_0"),
    ("reviews", "rvw_0"),
    ("refunds", "rfd_0"),
    ("shops", "shp_0"),
    ("series", "ser_0"),
    ("packages", "pkg_0"),
    ("shop-series-grants", "grt_0"),
    ("assets", "ast_0"),
    ("plans", "pln_0"),
    ("batches", "bat_0"),
    ("records", "rdm_0"),
    ("service-keys", "svk_0"),
    ("webhook-endpoints", "whe_0"),
    ("deliveries", "evt_0"),
    ("settings", "referral"),
    ("reconciliations", "2026-11-20"),
    ("referral-codes", "code_0"),
    ("invite-codes", "code_0"),
    ("codes", "redeem_0"),
    ("orders", "ord_0"),
    ("purchases", "p-1"),
    ("external", "ext-1"),
];

fn filled(path: &str) -> String {
    let mut before = "";
    let mut parts = Vec::new();
    for part in path.split('/') {
        let known = PARTS.iter().find(|(segment, _)| *segment == before).map_or("usr_0", |(_, thing)| *thing);
        let agency = path.starts_with("/v1/agency") && before == "orders";
        parts.push(if !part.starts_with('{') {
            part
        } else if agency {
            "ago_0"
        } else {
            known
        });
        before = part;
    }
    parts.join("/")
}

fn asks(path: &str) -> &'static str {
    if path.starts_with("/v1/service/") {
        "service"
    } else if ["/v1/admin", "/v1/shop", "/v1/series", "/v1/assets", "/v1/agency"]
        .iter()
        .any(|admins| path.starts_with(admins))
    {
        "admin"
    } else {
        "bob"
    }
}

/// Every operation with its example, and each list with its parameters.
fn seeds(wanted: fn(&str) -> bool) -> Vec<Vec<u8>> {
    let document = merged();
    let mut seeds = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap().iter().filter(|(method, _)| wanted(method)) {
            let mut query = Vec::new();
            for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|of| of["in"] == "query") {
                let name = parameter["name"].as_str().unwrap();
                let value = match name {
                    "limit" => "2",
                    "cursor" => "next",
                    name if name.ends_with("user_id") || name == "user" => "usr_0",
                    name if name.ends_with("series_id") => "ser_0",
                    name if name.ends_with("shop_id") => "shp_0",
                    "from" | "to" | "date" => "2026-11-20",
                    "status" => "paid",
                    _ => "ann",
                };
                query.push(format!("{name}={value}"));
            }
            let mark = if query.is_empty() { "" } else { "?" };
            let line = format!("{} {} {}{mark}{}", asks(path), method.to_uppercase(), filled(path), query.join("&"));
            let body = operation.pointer("/requestBody/content/application~1json/example");
            // An example that is a text is the raw body.
            let body = body.map(|body| body.as_str().map_or_else(|| body.to_string(), str::to_owned));
            let body = nameless(&body.unwrap_or_default());
            let body = body.replace("a secret of its own", crate::world::PASSWORD);
            seeds.push(format!("{line}\nidempotency-key: fresh\nif-match: current\n\n{body}").into_bytes());
        }
    }
    seeds
}

async fn answered(world: &World, request: Request<Bytes>) -> Response<Bytes> {
    world.stack.http(request, "203.0.113.7").await
}

/// Looks up the next page of a list, or the version of an entity.
async fn looked_up(world: &World, token: Option<&str>, path: &str) -> Option<Response<Bytes>> {
    let mut request = Request::get(path).header("host", "127.0.0.1:3000");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    Some(answered(world, request.body(Bytes::new()).ok()?).await)
}

async fn request(world: &World, things: &Things, input: &str) -> Option<Request<Bytes>> {
    let (head, body) = input.split_once("\n\n").unwrap_or((input, ""));
    let mut lines = head.lines();
    let (who, rest) = lines.next()?.split_once(' ')?;
    let (method, path) = rest.split_once(' ')?;
    let token = things.token(who);
    let mut path = things.put(path);
    if let Some((before, after)) = path.split_once("cursor=next") {
        let page =
            looked_up(world, token, &format!("{before}limit=1{after}").replace("limit=2&limit=1", "limit=1")).await?;
        let page: Value = serde_json::from_slice(page.body()).unwrap_or_default();
        path = format!("{before}cursor={}{after}", page["next_cursor"].as_str().unwrap_or("next"));
    }
    let mut request = Request::builder().method(method).uri(&path).header("host", "127.0.0.1:3000");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut typed = false;
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        typed |= name.eq_ignore_ascii_case("content-type");
        let value = match (name, value) {
            ("idempotency-key", "fresh") => format!("{:016x}", crc(input)),
            ("if-match", "current") => {
                let bare = path.split('?').next().unwrap_or_default();
                let found = looked_up(world, token, bare).await?;
                found.headers().get("etag").map_or("\"0\"", |etag| etag.to_str().unwrap()).to_owned()
            }
            _ => value.to_owned(),
        };
        request = request.header(name, value);
    }
    if !typed && !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    request.body(Bytes::from(things.put(body))).ok()
}

/// Number derived from a text.
fn crc(text: &str) -> u64 {
    text.bytes().fold(14_695_981_039_346_656_037, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(1_099_511_628_211))
}

/// Sends one request and asserts no 5xx, a reason in every refusal, and a response as documented.
async fn sent(world: &World, things: &Things, input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Some(request) = request(world, things, &text).await else { return };
    let (method, path) = (request.method().to_string(), request.uri().to_string());
    if world.stack.template.route(&method, request.uri().path()).is_none() {
        return;
    }
    let asked = String::from_utf8_lossy(request.body()).into_owned();
    let response = answered(world, request).await;
    let (status, answer) = (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap());
    assert!(status < 500, "{method} {path} {asked} answers {status} {answer}");
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| kind.starts_with("text/html")) {
        // A path that a mutation led to a page: a person reads the reason.
        assert!(!path.starts_with("/v1/"), "{method} {path} answers a program with a page");
        crate::page::markup::checked(&answer, &path);
    } else if status >= 400 {
        assert_eq!(kind, Some("application/problem+json"), "{method} {path} {asked} answers {status} {answer}");
        let problem: Value = serde_json::from_str(&answer).unwrap();
        assert!(problem["code"].is_string() && problem["status"] == status, "{method} {path} {asked} answers {answer}");
    }
    check(&method, &path, &asked, status, &answer);
}

/// faults.md, amounts and people: any write is done or refused with a reason.
/// At the end the auditor finds nothing.
#[test]
fn any_request_that_changes_something_is_done_or_refused_with_a_reason_and_the_books_are_right() {
    worlds!("bodies", seeds(|method| method != "get"), sent);
}

/// R1.2; faults.md, people: any read is answered or refused with a reason.
/// Inputs include forged cursors and all kinds of filters.
#[test]
fn any_question_is_answered_or_refused_with_a_reason() {
    worlds!("queries", seeds(|method| method == "get"), sent);
}

#[test]
fn every_operation_is_among_the_seeds() {
    let all = seeds(|_| true);
    assert!(all.len() > 100, "{}", all.len());
    for seed in &all {
        let text = std::str::from_utf8(seed).unwrap();
        assert!(!text.contains('{') || text.contains("\n\n{"), "a path with a hole: {text}");
    }
}
