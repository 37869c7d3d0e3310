//! Budget invariants M1–M2.
//!
//! M1: a month's count is the sum of the grants that were taken from it. M2: what is left of its budget is in its shares.

use std::collections::BTreeMap;

use jiff::civil::Date;
use kernel::money::{LedgerMoney, MoneyError};

use crate::operations::auditor::{Finding, Snapshot};
use crate::operations::model::budget::{BudgetShare, BudgetedProgramme};

type Month = (&'static str, Date);

/// Checks the shares of budgets against the grants of their months.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut granted: BTreeMap<Month, Vec<LedgerMoney>> = BTreeMap::new();
    let mut add = |programme: BudgetedProgramme, month: Option<Date>, amount: LedgerMoney| {
        if let Some(month) = month {
            granted.entry((programme.as_str(), month)).or_default().push(amount);
        }
    };
    for reward in snapshot.rewards.values() {
        add(BudgetedProgramme::Referral, reward.budget_month, reward.amount);
    }
    for commission in snapshot.commissions.values() {
        add(BudgetedProgramme::Affiliate, commission.budget_month, commission.amount);
    }
    for (order, bonus) in snapshot.orders.values().filter_map(|order| Some((order, order.bonus?))) {
        add(BudgetedProgramme::Promotion, order.bonus_budget_month, bonus);
    }
    let mut shares: BTreeMap<Month, Vec<&BudgetShare>> = BTreeMap::new();
    for share in snapshot.all::<BudgetShare>() {
        shares.entry((share.programme.as_str(), share.month)).or_default().push(share);
    }
    let mut findings = Vec::new();
    for month in granted.keys().filter(|month| !shares.contains_key(*month)) {
        findings.push(Finding::new("M1", name(*month), "grants were taken from it, and it has no shares"));
    }
    for (month, shares) in &shares {
        let granted = granted.get(month).map(Vec::as_slice).unwrap_or_default();
        if let Err(wrong) = check_month(shares, granted) {
            let (invariant, detail) = wrong.unwrap_or_else(|error| ("M2", error.to_string()));
            findings.push(Finding::new(invariant, name(*month), detail));
        }
    }
    findings
}

fn name((programme, month): Month) -> String {
    format!("BUDGET#{programme}#{month}")
}

type Wrong = Result<(&'static str, String), MoneyError>;

fn check_month(shares: &[&BudgetShare], granted: &[LedgerMoney]) -> Result<(), Wrong> {
    let Some(newest) = shares.iter().max_by_key(|share| share.edition) else { return Ok(()) };
    let zero = LedgerMoney::zero(newest.budget.currency());
    let overflow = |error| -> Wrong { Err(error) };
    let sum = |of: fn(&BudgetShare) -> LedgerMoney| {
        shares.iter().try_fold(zero, |sum, share| sum.plus(of(share))).map_err(overflow)
    };
    let spent = sum(|share| share.spent)?;
    let counted = granted.iter().try_fold(zero, |sum, amount| sum.plus(*amount)).map_err(overflow)?;
    if spent != counted {
        return Err(Ok(("M1", format!("counts {spent}, the grants come to {counted}"))));
    }
    let room = sum(|share| share.room)?;
    let left = newest.budget.minus(spent).and_then(|left| left.most(zero)).map_err(overflow)?;
    let is_dealt = shares.iter().all(|share| !share.frozen);
    let is_below = shares.iter().any(|share| share.room.is_negative() || (share.frozen && !share.room.is_zero()));
    if is_below || (is_dealt && room != left) {
        return Err(Ok(("M2", format!("has {room} to grant of {left} that {} leaves", newest.budget))));
    }
    Ok(())
}
