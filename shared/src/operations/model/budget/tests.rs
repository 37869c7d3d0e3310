//! Properties of budgets: no room is lost or made (R10.4).
#![allow(clippy::unwrap_used)]

use kernel::money::Currency;
use proptest::prelude::*;

use super::*;

fn usd(units: i64) -> LedgerMoney {
    LedgerMoney::exact(Decimal::new(units, 8), Currency::parse("USD").unwrap()).unwrap()
}

fn budget(edition: u64, units: i64) -> Budget {
    let month = Date::constant(2026, 11, 1);
    Budget { programme: BudgetedProgramme::Referral, month, edition, amount: usd(units) }
}

fn sum(shares: &[BudgetShare], of: fn(&BudgetShare) -> LedgerMoney) -> LedgerMoney {
    shares.iter().fold(usd(0), |sum, share| sum.plus(of(share)).unwrap())
}

fn allowance(of: Budget, share: &BudgetShare) -> Allowance {
    Allowance { budget: Some(of), share: Some(share.clone()), exceeding: Vec::new() }
}

/// R10.4: without a budget any amount may be granted, and none is counted.
#[test]
fn without_a_budget_there_is_no_limit() {
    let mut allowance = Allowance::default();
    assert_eq!(allowance.take(usd(i64::MAX)), Ok(Budgeted::Unlimited));
    assert_eq!((allowance.share, allowance.exceeding), (None, Vec::new()));
}

/// R10.4: nothing is taken from a share that is frozen, or dealt under an older budget.
#[test]
fn only_a_current_share_grants() {
    let dealt = deal(&budget(1, 6_400), &[]).unwrap().remove(0);
    let newer = budget(2, 3_200);
    assert!(dealt.is_current(&budget(1, 6_400)) && dealt.is_current(&budget(2, 6_400)) && !dealt.is_current(&newer));
    assert_eq!(allowance(newer, &dealt).take(usd(1)), Ok(Budgeted::Exceeded));
    let frozen = dealt.freeze(&newer);
    assert_eq!((frozen.room, frozen.spent, frozen.dealt()), (usd(0), dealt.spent, newer));
    assert!(!frozen.is_current(&newer) && !frozen.is_current(&budget(1, 6_400)));
    let stale = deal(&newer, &[frozen]).unwrap().remove(0);
    assert!(stale.is_current(&budget(1, 6_400)), "whoever has older settings takes what the newer ones leave");
}

proptest! {
    /// R10.4: a budget that is dealt, taken from, gathered and dealt anew never grants more than the largest of them, and no room
    /// is lost or made on the way.
    #[test]
    fn room_and_grants_are_never_more_than_the_budget(
        first in 1_i64..1_000_000, second in 1_i64..1_000_000,
        steps in prop::collection::vec((0..SHARES, 1_i64..50_000), 0..60),
    ) {
        let mut of = budget(1, first);
        let mut shares = deal(&of, &[]).unwrap();
        for (step, (number, amount)) in steps.iter().enumerate() {
            if step == 30 {
                of = budget(2, second);
                let frozen: Vec<BudgetShare> = shares.iter().map(|share| share.freeze(&of)).collect();
                shares = deal(&of, &frozen).unwrap();
            }
            let spent = sum(&shares, |share| share.spent);
            let own = shares.iter().position(|share| share.share == *number).unwrap();
            let mut once = allowance(of, &shares[own]);
            let mut taken = once.take(usd(*amount)).unwrap();
            if taken == Budgeted::Exceeded {
                let missing = once.missing(&shares).unwrap();
                let fits = spent.plus(usd(*amount)).unwrap().compare(of.amount).unwrap().is_le();
                prop_assert_eq!(missing.is_some(), fits, "what fits in all of them fits");
                let Some(missing) = missing else { continue };
                let total = sum(&shares, |share| share.room);
                for after in gather(&shares, *number, missing).unwrap() {
                    let place = shares.iter().position(|share| share.share == after.share).unwrap();
                    shares[place] = after;
                }
                prop_assert_eq!(sum(&shares, |share| share.room), total);
                once = allowance(of, &shares[own]);
                taken = once.take(usd(*amount)).unwrap();
            }
            prop_assert_eq!(taken, Budgeted::Taken(of.month));
            shares[own] = once.share.unwrap();
            prop_assert!(shares.iter().all(|share| !share.room.is_negative()));
            let left = of.amount.minus(sum(&shares, |share| share.spent)).unwrap().most(usd(0)).unwrap();
            prop_assert_eq!(sum(&shares, |share| share.room), left);
        }
    }
}

/// R10.4: of several grants of one transaction, those that fit are taken; room is moved for the others if it is enough for one.
#[test]
fn room_is_moved_only_if_it_helps() {
    let of = budget(1, 64 * 100);
    let shares = deal(&of, &[]).unwrap();
    let own = shares.iter().find(|share| share.share == 7).unwrap();
    let mut once = allowance(of, own);
    assert_eq!(once.take(usd(90)), Ok(Budgeted::Taken(of.month)));
    assert_eq!(once.take(usd(200)), Ok(Budgeted::Exceeded));
    assert_eq!(once.take(usd(10)), Ok(Budgeted::Taken(of.month)));
    assert_eq!(once.take(usd(7_000)), Ok(Budgeted::Exceeded));
    assert_eq!(once.missing(&shares), Ok(Some(usd(63 * 100))));
    once.exceeding = vec![usd(7_000)];
    assert_eq!(once.missing(&shares), Ok(None));
}
