#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use ulid::Ulid;

use super::*;

fn batch(total_uses: u64) -> Batch {
    let benefit = Benefit::Balance { credit: Decimal::new(5, 0) };
    Batch {
        id: BatchId::new(Ulid::from_parts(1, 1)),
        label: "spring".to_owned(),
        count: 3,
        created: 3,
        state: BatchState::Ready,
        enabled: true,
        terms: Terms { benefit, total_uses, per_user_limit: 1, starts_at: None, expires_at: None },
        seed: Batch::seed([7; 32]),
        created_by: UserId::new(Ulid::from_parts(2, 2)),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// R7.1: a code is sixteen symbols in groups of four; case, spaces and hyphens do not matter.
#[test]
fn a_code_is_read_as_people_type_it() {
    let code = CodeText::parse("abcd-EFGH jkmn-pqr2").unwrap();
    assert_eq!((code.as_str(), code.to_string().as_str()), ("ABCDEFGHJKMNPQR2", "ABCD-EFGH-JKMN-PQR2"));
    assert_eq!(code.masked(), "ABCD-****-****-PQR2");
    for bad in [
        "",
        "ABCD",
        "ABCD-EFGH-JKMN-PQR",
        "ABCD-EFGH-JKMN-PQR22",
        "ABCD-EFGH-JKMN-PQR0",
        "ABCD_EFGH_JKMN_PQR2",
        "ÀBCDEFGHJKMNPQR2",
        "ABCDEFGHIKMNPQR2",
    ] {
        assert_eq!(CodeText::parse(bad), None, "{bad}");
    }
    assert_eq!(CodeText::start("ab cd-"), Some("ABCD".to_owned()));
    assert_eq!(CodeText::start(&"-".repeat(101)), None);
}

/// S2: the `Debug` output does not reveal a usable code.
#[test]
fn a_debugged_code_or_batch_cannot_be_used() {
    let (batch, code) = (batch(1), batch(1).code(0));
    let shown = format!("{batch:?} {code:?}");
    assert!(!shown.contains(code.text.as_str()) && !shown.contains(&batch.seed), "{shown}");
}

/// R7.1: a batch always has the same codes, all of them different.
#[test]
fn a_batch_always_has_the_same_codes() {
    let (one, again) = (batch(1), batch(1));
    let texts: BTreeSet<CodeText> = (0..BATCH_MAX).map(|ordinal| one.text(ordinal)).collect();
    assert_eq!(texts.len(), 10_000);
    assert_eq!(one.text(17), again.text(17));
    let other = Batch { seed: Batch::seed([8; 32]), ..batch(1) };
    assert!((0..100).all(|ordinal| !texts.contains(&other.text(ordinal))));
    assert!(texts.iter().all(|text| CodeText::parse(&text.to_string()).as_ref() == Some(text)));
}

/// R7.7: each reason has its refusal; a code that is deleted or not ready looks unknown.
#[test]
fn a_code_says_why_it_cannot_be_redeemed() {
    let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let (ready, code) = (batch(1), batch(1).code(0));
    let with = |change: fn(&mut Code)| {
        let mut code = code.clone();
        change(&mut code);
        code.must_be_redeemable(&ready, now)
    };
    assert_eq!(with(|_| {}), Ok(()));
    assert_eq!(with(|code| code.deleted = true), Err(Refusal::CodeNotFound));
    assert_eq!(with(|code| code.enabled = false), Err(Refusal::CodeDisabled));
    assert_eq!(
        with(|code| code.terms.expires_at = Some("2026-11-20T10:00:00Z".parse().unwrap())),
        Err(Refusal::CodeExpired)
    );
    assert_eq!(with(|code| code.terms.expires_at = Some("2026-11-20T10:00:01Z".parse().unwrap())), Ok(()));
    assert_eq!(
        with(|code| code.terms.starts_at = Some("2026-11-20T10:00:01Z".parse().unwrap())),
        Err(Refusal::CodeNotYetValid)
    );
    assert_eq!(with(|code| code.terms.starts_at = Some("2026-11-20T10:00:00Z".parse().unwrap())), Ok(()));
    let over = with(|code| {
        code.terms.starts_at = Some("2026-11-20T09:00:00Z".parse().unwrap());
        code.terms.expires_at = Some("2026-11-20T10:00:00Z".parse().unwrap());
    });
    assert_eq!(over, Err(Refusal::CodeExpired));
    let stopped = Batch { enabled: false, ..batch(1) };
    assert_eq!(code.must_be_redeemable(&stopped, now), Err(Refusal::CodeDisabled));
    let half = Batch { state: BatchState::Creating, ..batch(1) };
    assert_eq!(code.must_be_redeemable(&half, now), Err(Refusal::CodeNotFound));
}

/// R7.8: a total is never below the uses taken, and may grow into shards.
#[test]
fn a_total_moves_within_what_was_taken() {
    let code = Code { used: 30, ..batch(50).code(0) };
    assert_eq!(code.with_total(29), Some(Err(below_used(30))));
    assert_eq!(code.with_total(30).unwrap().unwrap().own_uses, 30);
    let grown = code.with_total(1_030).unwrap().unwrap();
    assert_eq!((grown.own_uses, grown.spread, grown.shards, grown.terms.total_uses), (30, 1_000, 125, 1_030));
    assert_eq!(batch(101).code(0).with_total(500), None);
    assert_eq!(batch(0).code(0).with_total(500), None);
}

proptest! {
    /// K1: the shares of item and shards sum to the total.
    #[test]
    fn shares_add_up_to_the_total(total in 1_u64..2_000_000) {
        let code = batch(total).code(0);
        let shares: Vec<u64> = (0..code.shards).map(|shard| code.fresh_shard(shard).own_uses).collect();
        prop_assert_eq!(shares.iter().sum::<u64>() + code.own_uses, total);
        prop_assert!(shares.iter().all(|share| *share > 0));
        prop_assert!(u64::from(code.shards) <= SHARDS_MAX);
    }
}
