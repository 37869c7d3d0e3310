//! The smallest recharge required before an asset can buy anything else (R8.7).
//!
//! The pre-check, the creation of an order and the view of a grant share this function.

use rust_decimal::Decimal;

use crate::agency::model::series::{CommissionTrigger, ForcedRecharge, TriggerKind};

/// The effective forced recharge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effective {
    /// True if the platform decides it and the shop's own setting is ignored.
    pub locked: bool,
    /// Smallest recharge, in agency currency; `None` if none is required.
    pub amount: Option<Decimal>,
}

/// Effective forced recharge of a sale (R8.7).
///
/// `platform` and `shop` are the settings of the series and of the selling shop. It applies until the asset's one-time
/// commission is triggered.
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
