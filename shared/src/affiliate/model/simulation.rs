//! Replay of an invitee's orders under other terms, by the functions that accrue commission (R12.5).

use jiff::Timestamp;

use crate::account::model::user::{AffiliatePolicy, User};
use crate::affiliate::model::commission::{Commission, CommissionSource, Earnings, earned};
use crate::affiliate::model::settings::AffiliateSettings;
use crate::payment::model::payment::target;
use kernel::id::UserId;
use kernel::money::{LedgerMoney, MoneyError};

/// An order with the commissions that it made, and the source that it would be under a draft.
#[derive(Debug, Clone)]
pub struct PastOrder {
    /// The order under the terms of the draft.
    pub source: CommissionSource,
    /// Commission of the inviter.
    pub first: Option<Commission>,
    /// Commission of the inviter's inviter.
    pub second: Option<Commission>,
}

/// Commission of one beneficiary on one order: as it was, and under the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayedCommission {
    pub beneficiary: UserId,
    pub real: LedgerMoney,
    pub simulated: LedgerMoney,
}

impl User {
    /// The user as an inviter whose policy a draft would have given.
    ///
    /// Rate and trigger limit follow the draft where they are those of the settings of now; what an admin gave stays.
    pub fn drafted(&self, current: &AffiliateSettings, draft: &AffiliateSettings) -> Self {
        let AffiliatePolicy { rate, trigger_limit, .. } = self.affiliate;
        let rate = if rate == current.default_rate { draft.default_rate } else { rate };
        let is_default = trigger_limit == current.default_trigger_limit;
        let trigger_limit = if is_default { draft.default_trigger_limit } else { trigger_limit };
        Self { affiliate: AffiliatePolicy { rate, trigger_limit, ..self.affiliate }, ..self.clone() }
    }
}

/// Earnings of an invitee under the settings that held, and under the draft.
struct Both {
    real: Earnings,
    simulated: Earnings,
}

/// Replays an invitee's orders in the order of their captures, after `before`, which earlier orders earned.
///
/// Amounts are those at the capture, before any refund. What refunds gave back of a cap is taken as recorded with each commission, and
/// as it stands now where none was. `is_erased` tells beneficiaries who accrue nothing.
///
/// # Rejects
/// Overflow.
pub fn replay(
    mut orders: Vec<PastOrder>,
    before: &Earnings,
    is_erased: impl Fn(UserId) -> bool,
) -> Result<Vec<ReplayedCommission>, MoneyError> {
    orders.sort_by_key(|past| (past.source.paid_at.unwrap_or(Timestamp::MAX), past.source.id));
    let mut so_far = Both { real: before.clone(), simulated: before.clone() };
    let accrues = |source: &CommissionSource| source.inviter.is_some_and(|inviter| !is_erased(inviter));
    let mut all = Vec::new();
    for PastOrder { source, first, second } in &orders {
        so_far.give_back(first.as_ref())?;
        let amount = if accrues(source) { earned(source, &so_far.simulated)?.ok() } else { None };
        so_far.add(source, first.as_ref(), amount)?;
        all.extend(side_by_side(source, first.as_ref(), amount));
        let above = source.second().filter(|above| amount.is_some() && accrues(above));
        let above_amount = above.map(|above| earned(&above, &Earnings::none(&above))).transpose()?.and_then(Result::ok);
        all.extend(side_by_side(&above.unwrap_or(*source), second.as_ref(), above_amount));
    }
    Ok(all)
}

impl Both {
    /// Takes over what refunds gave back of the cap before an order with this commission.
    fn give_back(&mut self, first: Option<&Commission>) -> Result<(), MoneyError> {
        let Some(used) = first.and_then(|first| first.cap_used) else { return Ok(()) };
        let given_back = used.minus(self.real.earned)?;
        self.simulated.earned = self.simulated.earned.plus(given_back)?.most(LedgerMoney::zero(used.currency()))?;
        self.real.earned = used;
        Ok(())
    }

    fn add(
        &mut self,
        source: &CommissionSource,
        first: Option<&Commission>,
        amount: Option<LedgerMoney>,
    ) -> Result<(), MoneyError> {
        if let Some(first) = first {
            self.real.orders = first.number;
            self.real.earned = self.real.earned.plus(first.left())?;
        }
        if let Some(amount) = amount {
            let left = target(amount, source.net, source.charge)?;
            self.simulated.orders = self.simulated.orders.saturating_add(1);
            self.simulated.earned = self.simulated.earned.plus(left)?;
        }
        Ok(())
    }
}

/// Real and simulated amounts side by side; `None` without either.
fn side_by_side(
    source: &CommissionSource,
    real: Option<&Commission>,
    simulated: Option<LedgerMoney>,
) -> Option<ReplayedCommission> {
    if real.is_none() && simulated.is_none() {
        return None;
    }
    let beneficiary = real.map(|real| real.beneficiary).or(source.inviter)?;
    let zero = LedgerMoney::zero(source.base.currency());
    let (real, simulated) = (real.map_or(zero, |real| real.amount), simulated.unwrap_or(zero));
    Some(ReplayedCommission { beneficiary, real, simulated })
}
