#![allow(clippy::unwrap_used)]

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
        secret_version: 1,
        created_by: UserId::new(Ulid::from_parts(2, 2)),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn code(total_uses: u64) -> Code {
    let secrets = CodeSecrets::parse("a-code-secret-of-thirty-two-bytes-or-more").unwrap();
    batch(total_uses).code(0, &secrets).unwrap()
}

/// R7.7: each reason has its refusal; a code that is deleted or not ready looks unknown.
#[test]
fn a_code_says_why_it_cannot_be_redeemed() {
    let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let (ready, code) = (batch(1), code(1));
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
    let used = Code { used: 30, ..code(50) };
    assert_eq!(used.with_total(29), Some(Err(below_used(30))));
    assert_eq!(used.with_total(30).unwrap().unwrap().own_uses, 30);
    let grown = used.with_total(1_030).unwrap().unwrap();
    assert_eq!((grown.own_uses, grown.spread, grown.shards, grown.terms.total_uses), (30, 1_000, 125, 1_030));
    assert_eq!(code(101).with_total(500), None);
    assert_eq!(code(0).with_total(500), None);
}

proptest! {
    /// K1: the shares of item and shards sum to the total.
    #[test]
    fn shares_add_up_to_the_total(total in 1_u64..2_000_000) {
        let code = code(total);
        let shares: Vec<u64> = (0..code.shards).map(|shard| code.fresh_shard(shard).own_uses).collect();
        prop_assert_eq!(shares.iter().sum::<u64>() + code.own_uses, total);
        prop_assert!(shares.iter().all(|share| *share > 0));
        prop_assert!(u64::from(code.shards) <= SHARDS_MAX);
    }
}
