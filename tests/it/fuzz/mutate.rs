//! Mutations of meaningful inputs, drawn deterministically from bytes.
//! A JSON value has parts replaced, dropped, doubled or moved; a text has some of its bytes changed.

use serde_json::{Map, Value, json};

/// Decisions drawn from bytes; once these are used up, always the first choice.
pub struct Draw<'a> {
    bytes: &'a [u8],
}

impl<'a> Draw<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub fn byte(&mut self) -> u8 {
        let (first, rest) = self.bytes.split_first().unwrap_or((&0, &[]));
        self.bytes = rest;
        *first
    }

    /// Draws a number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        let drawn = if count > 256 {
            usize::from(self.byte()) << 16 | usize::from(self.byte()) << 8 | usize::from(self.byte())
        } else {
            usize::from(self.byte())
        };
        drawn % count.max(1)
    }

    pub fn of<'b, T>(&mut self, all: &'b [T]) -> &'b T {
        &all[self.below(all.len())]
    }
}

/// Texts that often break programs.
const TEXTS: &[&str] = &[
    "",
    " ",
    "0",
    "-1",
    "1",
    "0.00000001",
    "1e2",
    "NaN",
    "Infinity",
    "00",
    "+1",
    "1.",
    ".5",
    "0.1",
    "٣",
    "１",
    "100",
    "99999999999999999999",
    "9999999999999999999999999999",
    "79228162514264337593543950335",
    "0.0000000000000000000000000001",
    "null",
    "true",
    "a",
    "A",
    "ß",
    "\u{0}",
    "\u{202e}",
    "é",
    "e\u{301}",
    "\u{1f600}",
    "=1+1",
    "a,b\n\"c",
    "a@b.c",
    "ANN@EXAMPLE.COM",
    "usr_0",
    "ord_0",
    "ord_9",
    "usr_01jd4k8e0000000000000000zz",
    "ORD_0",
    "#",
    "ORDER#1",
    "../..",
    "%00",
    "2026-11-20",
    "2026-11-20T10:00:00Z",
    "9999-12-31T23:59:59Z",
    "-009999-01-02T00:00:00Z",
    "USD",
    "CNY",
    "JPY",
    "XXX",
    "stripe",
    "zpay",
    "http://127.0.0.1/",
    "https://[::1]/x",
    "https://product.test/",
    "cash",
    "balance",
    "paid",
    "admin",
    "*",
];

fn long() -> String {
    "x".repeat(5_000)
}

fn scalar(draw: &mut Draw<'_>) -> Value {
    match draw.below(8) {
        0 => json!(draw.below(256)),
        1 => draw
            .of(&[
                json!(0),
                json!(-1),
                json!(1.5),
                json!(1e300),
                json!(i64::MIN),
                json!(i64::MAX),
                json!(u64::MAX),
                json!(2_147_483_648_u64),
            ])
            .clone(),
        2 => draw
            .of(&[Value::Null, json!(true), json!(false), json!([]), json!({}), json!([[]]), json!({"": null})])
            .clone(),
        3 => json!(long()),
        _ => json!(*draw.of(TEXTS)),
    }
}

/// The `nth` place of a value, counted depth first.
fn place<'v>(value: &'v mut Value, nth: &mut usize) -> Option<&'v mut Value> {
    if *nth == 0 {
        return Some(value);
    }
    *nth -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| place(item, nth)),
        Value::Object(fields) => fields.values_mut().find_map(|item| place(item, nth)),
        _ => None,
    }
}

fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(fields) => fields.values().map(places).sum::<usize>(),
        _ => 0,
    }
}

/// Changes one place of a value.
pub fn change(value: &mut Value, draw: &mut Draw<'_>) {
    let mut nth = draw.below(places(value));
    let donor = value.clone();
    let Some(spot) = place(value, &mut nth) else { return };
    match spot {
        Value::Object(fields) if !fields.is_empty() && draw.below(4) != 0 => of_object(fields, draw),
        Value::Array(items) if !items.is_empty() && draw.below(4) != 0 => {
            let at = draw.below(items.len());
            match draw.below(3) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                _ => items.reverse(),
            }
        }
        Value::String(text) if draw.below(3) == 0 => {
            let mut bytes = std::mem::take(text).into_bytes();
            of_bytes(&mut bytes, draw);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        spot => {
            let (mut other, mut donor) = (draw.below(places(&donor)), donor);
            let moved = if draw.below(4) == 0 { place(&mut donor, &mut other).cloned() } else { None };
            *spot = moved.unwrap_or_else(|| scalar(draw));
        }
    }
}

fn of_object(fields: &mut Map<String, Value>, draw: &mut Draw<'_>) {
    let name = fields.keys().nth(draw.below(fields.len())).unwrap().clone();
    match draw.below(4) {
        0 => drop(fields.remove(&name)),
        1 => {
            let value = fields.remove(&name).unwrap();
            fields.insert((*draw.of(TEXTS)).to_owned(), value);
        }
        2 => drop(
            fields
                .insert((*draw.of(&["role", "balance", "id", "user_id", "version", "extra"])).to_owned(), scalar(draw)),
        ),
        _ => drop(fields.insert(name, scalar(draw))),
    }
}

/// Changes one part of a text.
fn of_bytes(bytes: &mut Vec<u8>, draw: &mut Draw<'_>) {
    let at = draw.below(bytes.len().saturating_add(1));
    match draw.below(7) {
        0 => bytes.truncate(at),
        1 if at < bytes.len() => bytes[at] ^= 1 << draw.below(8),
        2 if at < bytes.len() => drop(bytes.remove(at)),
        3 => drop(bytes.splice(at..at, draw.of(TEXTS).bytes())),
        4 => {
            let end = at.saturating_add(draw.below(32)).min(bytes.len());
            let part = bytes[at..end].to_vec();
            let to = draw.below(bytes.len().saturating_add(1));
            bytes.splice(to..to, part);
        }
        5 => {
            let end = at.saturating_add(draw.below(16)).min(bytes.len());
            bytes.drain(at..end);
        }
        _ => bytes.insert(at, draw.byte()),
    }
}

/// Offset and value of a text's JSON: all of it, or its last lines.
fn document(input: &[u8]) -> Option<(usize, Value)> {
    let starts =
        std::iter::once(0).chain(input.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1));
    let mut starts = starts.filter(|at| matches!(input.get(*at), Some(b'{' | b'[')));
    starts.find_map(|at| Some((at, serde_json::from_slice(&input[at..]).ok()?)))
}

/// Applies one to four changes to one of the seeds.
pub fn mutated(seeds: &[Vec<u8>], bytes: &[u8]) -> Vec<u8> {
    let draw = &mut Draw::new(bytes);
    let mut input = if seeds.is_empty() { Vec::new() } else { seeds[draw.below(seeds.len())].clone() };
    for _ in 0..=draw.below(4) {
        match document(&input).filter(|_| draw.below(4) != 0) {
            Some((at, mut value)) => {
                change(&mut value, draw);
                input.truncate(at);
                input.extend_from_slice(value.to_string().as_bytes());
            }
            None => of_bytes(&mut input, draw),
        }
    }
    input
}
