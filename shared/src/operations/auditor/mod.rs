//! The auditor: the invariants of the whole, as a pure function over a full scan of the table.
//!
//! It runs at the end of every test world and under the local stack's `/_local/audit`. Groups, one file each: [`snapshot`]
//! D1–D3 (what does not decode, stands elsewhere, or in other lists), [`ledger`] L1–L4 and L6, [`payments`] P1–P3 and P5–P7,
//! [`refunds`] P8, [`referral`] A1–A4, [`commission`] C1, C3–C5, W1, W2 and L2–L4 of its account, [`codes`] K1–K3,
//! [`purchase`] B1, [`messages`] O1, O2 and O4, [`delivery`] E1, [`identity`] I1–I4, [`agency`] G1–G4 and C1, C2 and C4 of its orders.
//!
//! Two more need something beside the scan: [`unchanged`] an earlier one (L5, and the moves of A1 and P6), [`told`] the
//! providers' books (P4).
//!
//! [`rebuild()`] works every number out again and says what it should be.
//!
//! Each is tested by damage (`tests/it/audit`): one item is changed, and the auditor names that invariant.

pub mod history;
pub mod ledger;
pub mod messages;
pub mod rebuild;
pub mod snapshot;

use serde::Serialize;

pub use self::history::unchanged;
pub use self::snapshot::Snapshot;
pub use crate::operations::auditor::rebuild::{RebuildDifference, Rebuilt, rebuild};
pub use crate::payment::audit::book::{BookedPayment, told};
use table::item::Item;

/// Something that does not add up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Which invariant is broken.
    pub invariant: &'static str,
    /// Where: an id or a key.
    pub subject: String,
    /// What is there and what should be.
    pub detail: String,
}

impl Finding {
    /// A finding.
    pub fn new(invariant: &'static str, subject: impl ToString, detail: impl Into<String>) -> Self {
        Self { invariant, subject: subject.to_string(), detail: detail.into() }
    }
}

/// Names everything in a full scan that does not add up. At rest: no message is under way.
pub fn audit(items: &[Item]) -> Vec<Finding> {
    let (snapshot, mut findings) = Snapshot::read(items);
    findings.extend(ledger::check(&snapshot));
    findings.extend(crate::payment::audit::check(&snapshot));
    findings.extend(crate::payment::audit::refunds::check(&snapshot));
    findings.extend(crate::referral::audit::check(&snapshot));
    findings.extend(crate::affiliate::audit::check(&snapshot));
    findings.extend(crate::redemption::audit::check(&snapshot));
    findings.extend(crate::affiliate::audit::purchase::check(&snapshot));
    findings.extend(messages::check(&snapshot));
    findings.extend(crate::webhooks::audit::check(&snapshot));
    findings.extend(crate::account::audit::check(&snapshot));
    findings.extend(crate::agency::audit::check(&snapshot));
    findings.sort();
    findings
}
