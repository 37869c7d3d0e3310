//! The simulators' book as the auditor's input: the payments and refunds we know of (P4).

use std::collections::{BTreeMap, BTreeSet};

use emulator::sim::{Book, PaymentStatus, StripePayment, Trade};
use serde_json::Value;
use shared::kernel::money::{Currency, PayMoney};
use shared::kernel::provider::Provider;
use shared::operations::auditor::{BookedPayment, Finding, Snapshot, told};
use shared::table::item::{Item, text};

/// Compares the book with the whole table.
/// A provider with events made by the test itself is left out, because its book is incomplete.
pub fn against(book: &Book, items: &[Item]) -> Vec<Finding> {
    let (snapshot, _) = Snapshot::read(items);
    let (rows, all) = rows(book, &snapshot, items);
    told(&rows, &all, &snapshot)
}

/// Rows of the book that we know of, and the providers whose book is complete.
pub fn rows(book: &Book, snapshot: &Snapshot, items: &[Item]) -> (Vec<BookedPayment>, Vec<Provider>) {
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    let of = |provider| snapshot.events.iter().filter(move |event| event.provider == provider);
    let own = |id: &str| id.starts_with("asked:") || id.starts_with("refund:");
    let stripes: BTreeSet<&str> = of(Provider::Stripe).map(|event| event.id.as_str()).filter(|id| !own(id)).collect();
    let made: BTreeSet<&str> = book.events.iter().filter_map(|event| event["id"].as_str()).collect();
    if stripes.is_subset(&made) {
        let heard = |event: &&Value| stripes.contains(event["id"].as_str().unwrap()) || asked_about(snapshot, event);
        let heard: Vec<&Value> = book.events.iter().filter(heard).collect();
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

/// True if we polled Stripe about the event's refund or dispute, after the event.
fn asked_about(snapshot: &Snapshot, event: &Value) -> bool {
    let object = &event["data"]["object"];
    let kind = event["type"].as_str().unwrap();
    let about = if kind.starts_with("charge.dispute.") { object["id"].as_str().unwrap() } else { "refunds" };
    if !(kind.starts_with("charge.dispute.") || kind.starts_with("charge.refund") || kind.starts_with("refund.")) {
        return false;
    }
    let asked = format!("asked:{}:{about}:", object["payment_intent"].as_str().unwrap());
    let mut answers = snapshot.events.iter().filter_map(|event| event.id.strip_prefix(&asked)?.parse::<i64>().ok());
    answers.any(|at| at / 1_000 >= event["created"].as_i64().unwrap())
}

/// True if a payment has a capture, or a journal of its own.
fn captured(snapshot: &Snapshot, provider: Provider, id: &str) -> bool {
    let mut payments = snapshot.payments.iter();
    let journal = format!("payment:{}:{id}", provider.as_str());
    payments.any(|payment| payment.provider == provider && payment.id == id && payment.captured.is_some())
        || snapshot.postings.iter().any(|posting| posting.header.cause == journal)
}

fn stripe(book: &Book, heard: &[&Value], snapshot: &Snapshot) -> Vec<BookedPayment> {
    let took = |intent: &str| {
        let session = |event: &&&Value| event["type"].as_str().unwrap().starts_with("checkout.session.");
        let mut objects = heard.iter().filter(session).map(|event| &event["data"]["object"]);
        objects.any(|object| object["payment_intent"] == intent && object["payment_status"] == "paid")
    };
    let paid = book.payments.values().filter(|payment| {
        let heard = took(&payment.intent) || captured(snapshot, Provider::Stripe, &payment.intent);
        payment.status == PaymentStatus::Succeeded && heard
    });
    let row = |payment: &StripePayment| {
        let currency = Currency::parse(&payment.currency.to_uppercase()).unwrap();
        let money = |units| PayMoney::from_minor_units(units, currency).unwrap();
        let back = given_back(book, heard, snapshot, payment) + withheld(heard, payment);
        BookedPayment {
            provider: Provider::Stripe,
            id: payment.intent.clone(),
            captured: money(payment.units),
            refunded: money(back.min(payment.units)),
        }
    };
    paid.map(row).collect()
}

/// Refunds of a payment that we know of, from single refunds or from the charge's sum.
fn given_back(book: &Book, heard: &[&Value], snapshot: &Snapshot, payment: &StripePayment) -> i64 {
    let units = |object: &Value, name: &str| object[name].as_i64().unwrap();
    let (mut known, mut failed) = (0, 0);
    for refund in book.refunds.values().filter(|refund| refund.intent == payment.intent) {
        let objects = heard.iter().map(|event| &event["data"]["object"]);
        let told: Vec<&Value> = objects.filter(|object| object["id"] == refund.id.as_str()).collect();
        let asked = refund.metadata.get("refund_id").map(|id| format!("refund:{id}"));
        let answered = asked.is_some_and(|asked| snapshot.events.iter().any(|event| event.id.starts_with(&asked)));
        if told.iter().any(|object| object["status"] == "failed") {
            failed += refund.units;
        } else if answered || !told.is_empty() {
            known += refund.units;
        }
    }
    let sums = heard.iter().filter(|event| event["type"] == "charge.refunded").map(|event| &event["data"]["object"]);
    let sums = sums.filter(|charge| charge["payment_intent"] == payment.intent.as_str());
    known.max(sums.map(|charge| units(charge, "amount_refunded")).max().unwrap_or(0) - failed)
}

/// Money withheld by disputes, each by its last delivered event.
fn withheld(heard: &[&Value], payment: &StripePayment) -> i64 {
    let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
    // The book lists events in the order in which they happened.
    for event in heard.iter().filter(|event| event["type"].as_str().unwrap().starts_with("charge.dispute.")) {
        let dispute = &event["data"]["object"];
        if dispute["payment_intent"] == payment.intent.as_str() {
            last.insert(dispute["id"].as_str().unwrap(), dispute);
        }
    }
    let away =
        |dispute: &&Value| ["needs_response", "under_review", "lost"].contains(&dispute["status"].as_str().unwrap());
    last.into_values().filter(away).map(|dispute| dispute["amount"].as_i64().unwrap()).sum()
}

fn zpay(book: &Book, heard: &BTreeSet<&str>, snapshot: &Snapshot) -> Vec<BookedPayment> {
    let paid = book.trades.values().filter(|trade| trade.ended_at.is_some());
    let known = |trade: &str| heard.contains(trade) || captured(snapshot, Provider::Zpay, trade);
    // A gateway sends no event of a refund. Without a request of ours, or with an unknown result, a person has to confirm it.
    let refunded = |trade: &Trade| {
        let mut payments = snapshot.payments.iter();
        let payment = payments.find(|payment| payment.provider == Provider::Zpay && payment.id == trade.trade_no);
        let said: Vec<PayMoney> = payment.map(|p| p.refunds.values().map(|r| r.amount).collect()).unwrap_or_default();
        let parts = if said.len() == trade.refunds.len() { &trade.refunds } else { &said };
        parts.iter().fold(PayMoney::zero(trade.money.currency()), |sum, part| sum.plus(*part).unwrap())
    };
    let row = |trade: &Trade| BookedPayment {
        provider: Provider::Zpay,
        id: trade.trade_no.clone(),
        captured: trade.money,
        refunded: refunded(trade),
    };
    paid.filter(|trade| known(&trade.trade_no)).map(row).collect()
}

/// Event and trade number of a gateway's notification.
fn trade_of(raw: &Item) -> Option<(&str, String)> {
    let fields: BTreeMap<&str, &str> = text(raw, "body")?.split('&').filter_map(|pair| pair.split_once('=')).collect();
    Some((text(raw, "id")?, (*fields.get("trade_no")?).to_owned()))
}
