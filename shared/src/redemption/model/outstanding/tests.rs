#![allow(clippy::unwrap_used)]

use super::*;
use crate::redemption::model::code::tests::batch;
use crate::redemption::model::code_text::CodeHash;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Three codes of 5, to be used `total_uses` times each.
fn three(total_uses: u64, expires_at: Option<&str>) -> Batch {
    let batch = batch(total_uses);
    Batch { terms: Terms { expires_at: expires_at.map(at), ..batch.terms }, ..batch }
}

fn code(of: &Batch, ordinal: u32, change: impl FnOnce(&mut Code)) -> Code {
    let mut code = of.code(ordinal, CodeHash::parse(&format!("{ordinal:032}")).unwrap());
    code.is_apart = true;
    change(&mut code);
    code
}

fn of(batch: &Batch, redeemed: u64, apart: &[(Code, u64)]) -> Vec<(String, u64, String)> {
    let mut all = Outstanding::default();
    all.add(batch, redeemed, apart, at("2026-11-20T10:00:00Z")).unwrap();
    let month = |month: Option<Month>| month.map_or("never".to_owned(), |month| month.to_string());
    let line = |(of, left): (Option<Month>, UsesLeft)| (month(of), left.uses, left.credit.to_string());
    all.by_month.into_iter().map(line).collect()
}

fn line(month: &str, uses: u64, credit: &str) -> (String, u64, String) {
    (month.to_owned(), uses, credit.to_owned())
}

/// R12.4: the codes of a batch have the uses that none redeemed, until they expire.
#[test]
fn a_batch_has_its_uses_less_its_redemptions() {
    assert_eq!(of(&three(10, None), 4, &[]), [line("never", 26, "130")]);
    assert_eq!(of(&three(10, None), 30, &[]), []);
    assert_eq!(of(&three(1, Some("2026-12-01T00:00:00Z")), 0, &[]), [line("2026-12", 3, "15")]);
    assert_eq!(of(&three(1, Some("2026-11-30T23:59:59Z")), 1, &[]), [line("2026-11", 2, "10")]);
    assert_eq!(of(&three(1, Some("2026-11-20T10:00:00Z")), 0, &[]), [], "it is over");
    let making = Batch { redeemable: 1, ..three(1, None) };
    assert_eq!(of(&making, 0, &[]), [line("never", 1, "5")], "the others can't be redeemed yet");
}

/// R12.4: a code with terms of its own counts with these, and its redemptions are none of the batch's others.
#[test]
fn an_edited_code_counts_apart() {
    let batch = three(10, Some("2026-12-01T00:00:00Z"));
    let extended = Batch { extended_to: Some(at("2027-02-01T00:00:00Z")), ..batch.clone() };
    let more = code(&batch, 0, |code| code.terms.total_uses = 12);
    let later = code(&batch, 1, |code| code.terms.expires_at = Some(at("2027-03-01T00:00:00Z")));
    let gone = code(&batch, 2, |code| code.deleted = true);
    assert_eq!(of(&batch, 7, &[(more.clone(), 3)]), [line("2026-12", 16 + 9, "125")]);
    let two = [(more.clone(), 3), (later.clone(), 2)];
    assert_eq!(of(&batch, 7, &two), [line("2026-12", 8 + 9, "85"), line("2027-03", 8, "40")]);
    let three = [(more, 3), (later, 2), (gone, 4)];
    assert_eq!(of(&extended, 9, &three), [line("2027-02", 9, "45"), line("2027-03", 8, "40")]);
}

/// R12.4: codes for plan time are not owed in money; unlimited ones are counted, for their credit has no limit.
#[test]
fn what_is_not_owed_in_money_has_no_line() {
    let unlimited = three(0, None);
    let mut all = Outstanding::default();
    let over = code(&unlimited, 1, |code| code.terms.expires_at = Some(at("2026-11-20T00:00:00Z")));
    all.add(&unlimited, 0, &[(over, 5)], at("2026-11-20T10:00:00Z")).unwrap();
    assert_eq!((all.unlimited, all.by_month.len()), (2, 0));
    let plan = Benefit::Plan {
        plan: kernel::id::PlanId::new(ulid::Ulid::from_parts(3, 3)),
        unit: crate::redemption::model::plan::Unit::Day,
        quantity: 7,
    };
    let time = three(10, None);
    let time = Batch { terms: Terms { benefit: plan, ..time.terms }, ..time };
    let money = code(&time, 0, |code| code.terms.benefit = Benefit::Balance { credit: Decimal::new(25, 1) });
    assert_eq!(of(&time, 9, &[(money, 2)]), [line("never", 8, "20.0")]);
}
