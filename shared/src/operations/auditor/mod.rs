//! The auditor: all invariants, as a pure function over a full scan of the table.
//!
//! It runs at the end of every test world and under the local stack's `/_local/audit`. Groups: [`snapshot`] D1–D4 (items that do
//! not decode, have the wrong key or index entries, or stand in a list before the deployment began), [`ledger`] L1–L4, L6 and L7, [`lots`] L9,
//! [`payment`](crate::payment::audit) P1–P3 and
//! P5–P7 and, in [`refunds`](crate::payment::audit::refunds), P8–P10, and in [`coupons`](crate::payment::audit::coupons) P11, in [`receipts`](crate::payment::audit::receipts) P12, [`referral`](crate::referral::audit) A1–A4,
//! [`affiliate`](crate::affiliate::audit) C1, C3–C8, W1–W4 and L2–L4 of the commission account and, in
//! [`purchase`](crate::affiliate::audit::purchase), B1, in [`payout_batch`](crate::affiliate::audit::payout_batch), W5, [`redemption`](crate::redemption::audit) K1–K3, [`messages`] O1, O2 and
//! O4, [`webhooks`](crate::webhooks::audit) E1, [`account`](crate::account::audit) I1–I6, [`agency`](crate::agency::audit) G1–G4 and
//! C1, C2 and C4 of its orders, and [`budget_audit`](crate::operations::budget_audit) M1 and M2,
//! [`heads_audit`](crate::operations::heads_audit) L8, [`risk`](crate::risk::audit) R1 and R2, and [`notices`](crate::notices::audit) N1.
//!
//! Two checks need more input than the scan: [`unchanged`] takes an earlier scan (L5, and the transitions of A1 and P6), [`told`]
//! the providers' books (P4).
//!
//! [`rebuild()`] recomputes every number and reports the expected value.
//!
//! A damage test covers each invariant (`tests/it/audit`): it changes one item, and the auditor must name that invariant.

pub mod history;
pub mod ledger;
pub mod lots;
pub mod messages;
pub mod rebuild;
pub mod snapshot;

use serde::Serialize;

pub use self::history::unchanged;
pub use self::snapshot::Snapshot;
pub use crate::operations::auditor::rebuild::{RebuildDifference, Rebuilt, rebuild};
pub use crate::payment::audit::book::{BookedPayment, told};
use table::item::Item;

/// Violation of an invariant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Name of the violated invariant.
    pub invariant: &'static str,
    /// Id or key of the entity.
    pub subject: String,
    /// Actual and expected state.
    pub detail: String,
}

impl Finding {
    /// A violation of `invariant` at `subject`.
    pub fn new(invariant: &'static str, subject: impl ToString, detail: impl Into<String>) -> Self {
        Self { invariant, subject: subject.to_string(), detail: detail.into() }
    }
}

/// Reports every violation in a full scan of a quiescent table, with no messages in flight.
pub fn audit(items: &[Item]) -> Vec<Finding> {
    let (snapshot, mut findings) = Snapshot::read(items);
    findings.extend(ledger::check(&snapshot));
    findings.extend(lots::check(&snapshot));
    findings.extend(crate::payment::audit::check(&snapshot));
    findings.extend(crate::payment::audit::refunds::check(&snapshot));
    findings.extend(crate::referral::audit::check(&snapshot));
    findings.extend(crate::affiliate::audit::check(&snapshot));
    findings.extend(crate::redemption::audit::check(&snapshot));
    findings.extend(crate::affiliate::audit::purchase::check(&snapshot));
    findings.extend(crate::operations::budget_audit::check(&snapshot));
    findings.extend(crate::operations::heads_audit::check(&snapshot));
    findings.extend(crate::notices::audit::check(&snapshot));
    findings.extend(crate::risk::audit::check(&snapshot));
    findings.extend(messages::check(&snapshot));
    findings.extend(crate::webhooks::audit::check(&snapshot));
    findings.extend(crate::account::audit::check(&snapshot));
    findings.extend(crate::agency::audit::check(&snapshot));
    findings.sort();
    findings
}
