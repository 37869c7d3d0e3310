//! Tests of the auditor: damage one item of a sound scene, and compare the invariants it reports.
//!
//! A row lists the damaged thing, all invariants that the auditor must report, and the damage. An invariant without a row fails
//! the last test; a new group of the auditor brings its own rows.

pub mod book;
mod damage;
mod rebuilt;

use std::collections::BTreeSet;

use serde_json::Value;
use shared::operations::auditor::{Finding, Snapshot, audit, told, unchanged};

use crate::fixtures::{read, scene};
use crate::operations::risk::{held_case, pay};
use crate::tidy::rust_files;
use crate::world::World;
use damage::Scan;

/// Description, reported invariants, damage.
type Row = (&'static str, &'static [&'static str], fn(&mut Scan));

fn names(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings.iter().map(|finding| finding.invariant).collect()
}

/// Damages a fresh copy of the scene for each row and compares the findings with the expected ones.
#[track_caller]
fn check(rows: &[Row], look: impl Fn(&[Value]) -> Vec<Finding>) {
    check_on(&scene().items, rows, look);
}

/// Damages a fresh copy of some items for each row.
#[track_caller]
fn check_on(items: &[Value], rows: &[Row], look: impl Fn(&[Value]) -> Vec<Finding>) {
    let mut wrong = Vec::new();
    for (what, expected, damage) in rows {
        let mut scan = Scan::of(items);
        damage(&mut scan);
        let findings = look(&scan.0);
        if names(&findings) != expected.iter().copied().collect() {
            wrong.push(format!("{what}: expected {expected:?}, found {findings:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[track_caller]
fn check_scan(rows: &[Row]) {
    check(rows, |items| audit(&read(items)));
}

#[test]
fn a_scene_of_everything_adds_up() {
    let items = read(&scene().items);
    assert_eq!(audit(&items), []);
    assert_eq!(unchanged(&items, &items), []);
    assert_eq!(book::against(&scene().book, &items), []);
}

#[test]
fn what_does_not_decode_or_stands_elsewhere_is_named() {
    check_scan(damage::SHAPE);
}

#[test]
fn damage_to_the_ledger_is_named() {
    check_scan(damage::LEDGER);
}

#[test]
fn damage_to_payments_and_orders_is_named() {
    check_scan(damage::PAYMENTS);
}

#[test]
fn damage_to_referrals_is_named() {
    check_scan(damage::REFERRAL);
}

#[test]
fn damage_to_commissions_and_withdrawals_is_named() {
    check_scan(damage::COMMISSION);
}

#[test]
fn damage_to_redemption_codes_is_named() {
    check_scan(damage::CODES);
}

#[test]
fn damage_to_purchases_and_users_of_the_backend_is_named() {
    check_scan(damage::service::SERVICE);
}

#[test]
fn damage_to_what_the_product_is_told_is_named() {
    check_scan(damage::events::EVENTS);
}

#[test]
fn damage_to_the_agency_is_named() {
    check_scan(damage::agency::AGENCY);
}

#[test]
fn damage_to_signed_heads_is_named() {
    check_scan(damage::heads::HEADS);
}

#[test]
fn damage_to_budgets_is_named() {
    check_scan(damage::budget::BUDGETS);
}

/// R10.2: the auditor knows what is held, and on which case.
#[test]
fn damage_to_cases_of_risk_is_named() {
    World::run(async |world| {
        held_case(world).await;
        pay(world, "bob+1").await;
        world.swept().await;
        let items = world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
        assert_eq!(audit(&read(&items)), []);
        check_on(&items, damage::risk::RISK, |items| audit(&read(items)));
    });
}

#[test]
fn damage_to_messages_and_totals_is_named() {
    check_scan(damage::MESSAGES);
}

#[test]
fn damage_to_claims_and_codes_is_named() {
    check_scan(damage::identity::IDENTITY);
}

/// L5, A1, P6: a change between two scans that may not happen is reported.
#[test]
fn what_changes_between_two_scans_and_may_not_is_named() {
    check(damage::HISTORY, |items| unchanged(&read(&scene().items), &read(items)));
}

/// P4: the journals match the money at each provider.
#[test]
fn a_difference_to_the_providers_books_is_named() {
    check(damage::BOOK, |items| book::against(&scene().book, &read(items)));
}

/// P4: a refund in the provider's book that no journal has is reported.
#[test]
fn a_refund_that_no_journal_knows_is_named() {
    let items = read(&scene().items);
    let (snapshot, _) = Snapshot::read(&items);
    let (rows, all) = book::rows(&scene().book, &snapshot, &items);
    assert_eq!(rows.len(), 6, "four payments at Stripe, two at the gateway: {rows:?}");
    assert_eq!(all.len(), 2, "nobody but the simulators made events");
    let mut zpay = rows.into_iter().filter(|row| row.provider.as_str() == "zpay").collect::<Vec<_>>();
    zpay[0].refunded = zpay[0].captured;
    assert_eq!(names(&told(&zpay, &[], &snapshot)), ["P4"].into());
    zpay[0].id = "2026000000000000000000000000".to_owned();
    assert_eq!(names(&told(&zpay, &[], &snapshot)), ["P4"].into());
    assert_eq!(names(&told(&[], &all, &snapshot)), ["P4"].into());
}

/// Every invariant of the auditor has a damage that makes it report.
#[test]
fn every_invariant_has_its_damage() {
    let groups = [
        damage::SHAPE,
        damage::LEDGER,
        damage::PAYMENTS,
        damage::REFERRAL,
        damage::COMMISSION,
        damage::CODES,
        damage::service::SERVICE,
        damage::agency::AGENCY,
        damage::events::EVENTS,
        damage::heads::HEADS,
        damage::MESSAGES,
        damage::identity::IDENTITY,
        damage::risk::RISK,
        damage::HISTORY,
        damage::BOOK,
    ];
    let damaged: BTreeSet<&str> = groups.iter().copied().flatten().flat_map(|row| row.1).copied().collect();
    let mut named = BTreeSet::new();
    let auditing = |name: &str| name.contains("/auditor/") || name.contains("/audit/") || name.ends_with("/audit.rs");
    for (_, text) in rust_files("shared/src").into_iter().filter(|(name, _)| auditing(name)) {
        for quoted in text.split('"').skip(1).step_by(2) {
            let mut letters = quoted.chars();
            let letter = letters.next().is_some_and(|first| first.is_ascii_uppercase());
            if letter && quoted.len() == 2 && letters.all(|digit| digit.is_ascii_digit()) {
                named.insert(quoted.to_owned());
            }
        }
    }
    let without: Vec<&String> = named.iter().filter(|name| !damaged.contains(name.as_str())).collect();
    assert!(named.len() >= 25 && without.is_empty(), "no damage for {without:?} of {named:?}");
}
