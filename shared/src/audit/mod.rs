//! The auditor: the invariants of the whole, as a pure function over a full scan of the table.
//!
//! It runs at the end of every test world and under the local stack's `/_local/audit`. Groups: [`ledger`] L1–L6, [`payments`]
//! P1–P7, [`referral`] A1–A4, [`messages`] O1 and O4, [`identity`] I1 and I2. What does not decode is D1. Each is tested by
//! damage: one item is changed, and the auditor names that invariant.

pub mod identity;
pub mod json;
pub mod ledger;
pub mod messages;
pub mod payments;
pub mod referral;
pub mod snapshot;

use serde::Serialize;

pub use self::snapshot::Snapshot;
use crate::store::item::Item;

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
    findings.extend(payments::check(&snapshot));
    findings.extend(referral::check(&snapshot));
    findings.extend(messages::check(&snapshot));
    findings.extend(identity::check(&snapshot));
    findings.sort();
    findings
}
