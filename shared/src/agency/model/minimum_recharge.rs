//! What a recharge must be at least before anything else is sold to an asset (R8.7): one function, for the pre-check, the creation
//! of an order and what a grant shows alike.

use rust_decimal::Decimal;

use crate::agency::model::series::{CommissionTrigger, ForcedRecharge, TriggerKind};

/// The forced recharge that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effective {
    /// Whether the platform decides it: a shop's own is ignored.
    pub locked: bool,
    /// What is needed; none is nothing.
    pub amount: Option<Decimal>,
}

/// The forced recharge of a series with this trigger and `platform`'s setting, sold by a shop whose own setting is `shop` (R8.7).
/// It applies until the asset's one-time commission is paid.
pub fn effective(
    trigger: &CommissionTrigger,
    platform: &ForcedRecharge,
    shop: &ForcedRecharge,
    triggered: bool,
) -> Effective {
    let of_platform = if platform.amount.is_zero() { trigger.threshold } else { platform.amount };
    let locked = trigger.kind == TriggerKind::FirstRecharge || platform.enabled;
    let amount = match locked {
        true => Some(of_platform),
        false => shop.enabled.then_some(shop.amount),
    };
    Effective { locked, amount: amount.filter(|_| !triggered) }
}
