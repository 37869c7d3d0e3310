//! The simulators' book in terms of the auditor: what of it we were told, and whether it is all there is (P4).

use std::collections::{BTreeMap, BTreeSet};

use emulator::sim::Book;
use serde_json::Value;
use shared::audit::{Finding, Snapshot, Told, told};
use shared::domain::money::{Currency, PayMoney};
use shared::domain::order::Provider;
use shared::store::item::{Item, text};

/// Compares the book with everything in the table. A provider in whose name a test made events of its own is left out: its
/// book is not all there is.
pub fn against(book: &Book, items: &[Item]) -> Vec<Finding> {
    let (snapshot, _) = Snapshot::read(items);
    let (rows, all) = rows(book, &snapshot, items);
    told(&rows, &all, &snapshot)
}

/// The rows of the book that we were told of, and the providers whose book is all there is.
pub fn rows(book: &Book, snapshot: &Snapshot, items: &[Item]) -> (Vec<Told>, Vec<Provider>) {
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    let of = |provider| snapshot.events.iter().filter(move |event| event.provider == provider);
    let stripes: BTreeSet<&str> = of(Provider::Stripe).map(|event| event.id.as_str()).collect();
    let made: BTreeSet<&str> = book.events.iter().filter_map(|event| event["id"].as_str()).collect();
    if stripes.is_subset(&made) {
        let heard: Vec<&Value> =
            book.events.iter().filter(|event| stripes.contains(event["id"].as_str().unwrap())).collect();
        rows.extend(stripe(book, &heard, snapshot));
        all.push(Provider::Stripe);
    }
    let raw: BTreeMap<&str, String> =
        items.iter().filter(|item| text(item, "type") == Some("raw_event")).filter_map(trade_of).collect();
    let trades: BTreeSet<&str> =
        of(Provider::Zpay).filter_map(|event| raw.get(event.id.as_str()).map(String::as_str)).collect();
    if trades.iter().all(|trade| book.trades.contains_key(*trade)) {
        rows.extend(zpay(book, &trades, snapshot));
        all.push(Provider::Zpay);
    }
    (rows, all)
}

fn captured(snapshot: &Snapshot, provider: Provider, id: &str) -> bool {
    let mut payments = snapshot.payments.iter();
    payments.any(|payment| payment.provider == provider && payment.id == id && payment.captured.is_some())
}

fn stripe(book: &Book, heard: &[&Value], snapshot: &Snapshot) -> Vec<Told> {
    let about = |kind: &str, intent: &str| -> Vec<&Value> {
        let objects = heard.iter().filter(|event| event["type"] == kind).map(|event| &event["data"]["object"]);
        objects.filter(|object| object["payment_intent"] == intent).collect()
    };
    let paid = book.payments.values().filter(|payment| {
        let heard = !about("checkout.session.completed", &payment.intent).is_empty();
        heard || captured(snapshot, Provider::Stripe, &payment.intent)
    });
    let row = |payment: &emulator::sim::StripePayment| {
        let currency = Currency::parse(&payment.currency.to_uppercase()).unwrap();
        let money = |units| PayMoney::from_minor_units(units, currency).unwrap();
        let sums =
            about("charge.refunded", &payment.intent).into_iter().map(|c| c["amount_refunded"].as_i64().unwrap());
        let single: i64 =
            about("refund.created", &payment.intent).iter().map(|refund| refund["amount"].as_i64().unwrap()).sum();
        Told {
            provider: Provider::Stripe,
            id: payment.intent.clone(),
            captured: money(payment.units),
            refunded: money(sums.max().unwrap_or(0).max(single)),
        }
    };
    paid.map(row).collect()
}

fn zpay(book: &Book, heard: &BTreeSet<&str>, snapshot: &Snapshot) -> Vec<Told> {
    let paid = book.trades.values().filter(|trade| trade.ended_at.is_some());
    let known = |trade: &str| heard.contains(trade) || captured(snapshot, Provider::Zpay, trade);
    let row = |trade: &emulator::sim::Trade| Told {
        provider: Provider::Zpay,
        id: trade.trade_no.clone(),
        captured: trade.money,
        refunded: PayMoney::zero(trade.money.currency()),
    };
    paid.filter(|trade| known(&trade.trade_no)).map(row).collect()
}

/// The event and the trade number of a gateway's notification.
fn trade_of(raw: &Item) -> Option<(&str, String)> {
    let fields: BTreeMap<&str, &str> = text(raw, "body")?.split('&').filter_map(|pair| pair.split_once('=')).collect();
    Some((text(raw, "id")?, (*fields.get("trade_no")?).to_owned()))
}
