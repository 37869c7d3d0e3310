//! Invariants W5 and W3 of payout batches (R6.9).

use std::collections::BTreeMap;

use crate::affiliate::model::payout_batch::{PayoutBatch, PayoutEnd};
use crate::affiliate::model::withdrawal::WithdrawalState;
use crate::operations::auditor::{Finding, Snapshot};
use kernel::id::PayoutBatchId;

/// W5: withdrawals and the lines of their batches name each other, with the same amount and the same end.
///
/// W3: whoever gave the first approval of a line did not make its batch.
pub fn check(all: &Snapshot, findings: &mut Vec<Finding>) {
    let batches: BTreeMap<PayoutBatchId, &PayoutBatch> =
        all.all::<PayoutBatch>().map(|batch| (batch.id, batch)).collect();
    for withdrawal in all.withdrawals.values() {
        let Some(id) = withdrawal.batch else { continue };
        let end = match withdrawal.state {
            WithdrawalState::Requested => Some(None),
            WithdrawalState::Paid => Some(Some(PayoutEnd::Paid)),
            WithdrawalState::Rejected => Some(Some(PayoutEnd::Failed)),
            WithdrawalState::Done | WithdrawalState::Cancelled => None,
        };
        let batch = batches.get(&id);
        let line = batch.and_then(|batch| batch.line(withdrawal.id));
        if !line.is_some_and(|line| line.amount == withdrawal.amount && Some(line.end) == end) {
            let detail = format!("is {} in {id}, whose line of it is {line:?}", withdrawal.state.as_str());
            findings.push(Finding::new("W5", withdrawal.id, detail));
        }
        let first = withdrawal.first_approval.as_ref();
        if first.is_some_and(|first| batch.is_some_and(|batch| batch.made_by == first.admin)) {
            findings.push(Finding::new("W3", withdrawal.id, "one admin approved it and made its payout batch"));
        }
    }
    for batch in batches.values() {
        for line in batch.kept() {
            let own = all.withdrawals.get(&line.withdrawal).and_then(|withdrawal| withdrawal.batch);
            if own != Some(batch.id) {
                let detail = format!("has a line of {}, which is in {own:?}", line.withdrawal);
                findings.push(Finding::new("W5", batch.id, detail));
            }
        }
        if batch.total().is_err() || batch.lines.is_empty() {
            findings.push(Finding::new("W5", batch.id, "has no total"));
        }
    }
}
