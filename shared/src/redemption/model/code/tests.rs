#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use ulid::Ulid;

use super::*;

pub fn batch(total_uses: u64) -> Batch {
    let benefit = Benefit::Balance { credit: Decimal::new(5, 0) };
    Batch {
        id: BatchId::new(Ulid::from_parts(1, 1)),
        label: "spring".to_owned(),
        count: 3,
        created: 3,
        redeemable: 3,
        state: BatchState::Ready,
        enabled: true,
        terms: Terms { benefit, total_uses, per_user_limit: 1, starts_at: None, expires_at: None },
        extended_to: None,
        prefix: None,
        brought: false,
        secret_version: 1,
        created_by: UserId::new(Ulid::from_parts(2, 2)),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn code(total_uses: u64) -> Code {
    batch(total_uses).code(0, CodeHash::parse(&"0".repeat(32)).unwrap())
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
    let half = Batch { redeemable: 0, state: BatchState::Creating, ..batch(1) };
    assert_eq!(code.must_be_redeemable(&half, now), Err(Refusal::CodeNotFound));
}

/// R7.10: an extension moves the end of codes that have their batch's, and of no others; it is never an earlier one.
#[test]
fn an_extension_moves_the_end_of_codes_without_their_own() {
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    let (end, later, now) = (at("2026-11-20T00:00:00Z"), at("2026-12-20T00:00:00Z"), at("2026-11-25T00:00:00Z"));
    let lapsed = Batch { terms: Terms { expires_at: Some(end), ..batch(1).terms }, ..batch(1) };
    let theirs = Code { terms: lapsed.terms, ..code(1) };
    let own = Code { terms: Terms { expires_at: Some(at("2026-11-21T00:00:00Z")), ..lapsed.terms }, ..code(1) };
    assert_eq!(theirs.must_be_redeemable(&lapsed, now), Err(Refusal::CodeExpired));
    let longer = lapsed.extended(later, now).unwrap();
    assert_eq!((longer.expires_at(), theirs.terms_in(&longer).expires_at), (Some(later), Some(later)));
    assert_eq!(theirs.must_be_redeemable(&longer, now), Ok(()));
    assert_eq!(own.must_be_redeemable(&longer, now), Err(Refusal::CodeExpired));
    assert_eq!(longer.extended(later, now).unwrap(), longer);
    for bad in [end, at("2026-11-24T00:00:00Z"), now] {
        assert!(longer.extended(bad, now).is_err(), "{bad}");
        assert!(lapsed.extended(bad, now).is_err() || bad == end, "{bad}");
    }
    assert!(batch(1).extended(later, now).is_err(), "no end");
}

/// R7.10: a batch is topped up to its maximum, one change at a time; its earlier codes go on working meanwhile.
#[test]
fn a_batch_is_topped_up_to_its_maximum() {
    let more = batch(1).topped_up(9_997).unwrap();
    assert_eq!((more.count, more.created, more.redeemable, more.state), (10_000, 3, 3, BatchState::Creating));
    assert_eq!(code(1).must_be_redeemable(&more, Timestamp::UNIX_EPOCH), Ok(()));
    assert_eq!(more.topped_up(1), Err(Refusal::ChangeUnderWay));
    assert!(batch(1).topped_up(9_998).is_err());
    assert!(Batch { brought: true, ..batch(1) }.topped_up(1).is_err());
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
