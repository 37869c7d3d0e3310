//! O1, O4: at rest nothing waits to be sent, and statistics hold what the things say.

use super::{Finding, Snapshot};
use crate::domain::tally::Tallies;

/// Checks the outbox and the totals.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        snapshot.outbox.iter().map(|outbox| Finding::new("O1", outbox.id, "was not sent")).collect();
    let mut sum = Tallies::new();
    for (name, amount) in snapshot.counted.iter().flat_map(|counted| &counted.tallies) {
        let Ok(amount) = rust_decimal::Decimal::from_str_exact(amount) else {
            findings.push(Finding::new("O4", name, format!("{amount} is no number")));
            continue;
        };
        let total = sum.entry(name.clone()).or_default();
        *total = total.checked_add(amount).unwrap_or_default();
    }
    for name in sum.keys().chain(snapshot.totals.keys()) {
        let of = |tallies: &Tallies| tallies.get(name).copied().unwrap_or_default();
        let (counted, total) = (of(&sum), of(&snapshot.totals));
        if counted != total {
            findings.push(Finding::new("O4", name, format!("the totals say {total}, the things {counted}")));
        }
    }
    findings.dedup();
    findings
}
