//! Invariant P11: a coupon is counted for each order that is open or paid with it, and for no other (R12.2).

use std::collections::BTreeMap;

use kernel::id::UserId;

use crate::operations::auditor::{Finding, Snapshot};
use crate::payment::model::coupon::{CouponCode, CouponCount, CouponState, CouponUses};
use crate::payment::model::order::OrderWindow;
use crate::payment::model::payment::target;

/// Checks the counts of coupons against the orders.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let (mut by_coupon, mut by_user) = <(BTreeMap<&CouponCode, u64>, BTreeMap<(UserId, &CouponCode), u32>)>::default();
    let mut findings = Vec::new();
    for order in snapshot.orders.values() {
        let Some(coupon) = &order.coupon else { continue };
        if (coupon.state == CouponState::Used || coupon.state == CouponState::Lapsed) != order.status.is_captured() {
            findings.push(Finding::new("P11", order.id, format!("{} with a {} coupon", order.status, coupon.state)));
        }
        if order.leaves_coupon().is_some() {
            findings.push(Finding::new("P11", order.id, format!("{} and still holds a coupon", order.status)));
        }
        if let (CouponState::Lapsed, Some(promised)) = (coupon.state, coupon.promised) {
            let whole = order.charge.plus(coupon.discount);
            if whole.and_then(|whole| target(promised.credit, order.charge, whole)) != Ok(order.credit) {
                findings.push(Finding::new(
                    "P11",
                    order.id,
                    format!("lapsed, and credits {} of {}", order.credit, promised.credit),
                ));
            }
        }
        if coupon.holds_use() {
            let uses = by_user.entry((order.user, &coupon.code)).or_default();
            *uses = uses.saturating_add(1);
        }
        if coupon.holds_use() && coupon.is_counted {
            let uses = by_coupon.entry(&coupon.code).or_default();
            *uses = uses.saturating_add(1);
        }
    }
    for uses in snapshot.all::<CouponUses>() {
        let orders = by_coupon.remove(&uses.code).unwrap_or_default();
        if orders != uses.used {
            findings.push(Finding::new(
                "P11",
                &uses.code,
                format!("counts {} uses, and {orders} orders hold it", uses.used),
            ));
        }
    }
    findings.extend(by_coupon.keys().map(|code| Finding::new("P11", code, "is held by orders, and not counted")));
    for window in snapshot.all::<OrderWindow>() {
        for CouponCount { code, uses } in &window.coupons {
            let orders = by_user.remove(&(window.user, code)).unwrap_or_default();
            if orders != *uses {
                let detail = format!("counts {uses} uses of {code}, and {orders} orders hold it");
                findings.push(Finding::new("P11", window.user, detail));
            }
        }
    }
    let missing = |(user, code): &(UserId, &CouponCode)| Finding::new("P11", user, format!("holds {code}, uncounted"));
    findings.extend(by_user.keys().map(missing));
    findings
}
