//! `audit` and `verify`: read-only checks of the whole table.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::message::MessageEnvelope;
use shared::operations::auditor::{Finding, RebuildDifference, Rebuilt};
use shared::table::store::Store;

use crate::Ended;
use crate::args::Look;
use crate::direct::{Surroundings, everything};
use crate::output::{Format, Out};
use crate::trouble::Trouble;

/// Note when findings of the first scan are gone in the second.
const MOVED: &str = "some findings of the first reading were gone in the second: they were under way";

/// Lists every broken invariant.
///
/// # Errors
/// Fails when the table can't be reached.
pub async fn audit(look: Look, at: &Surroundings<'_>, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let store = at.store()?;
    let Audited { items, findings, moved } = audited(&store, !look.once).await?;
    if moved {
        out.note(MOVED)?;
    }
    out.rows(&["invariant", "subject", "detail"], &rows(&findings)?)?;
    summary(out, &format!("{items} items, {} findings", findings.len()))?;
    Ok(if findings.is_empty() { Ended::Fine } else { Ended::Found })
}

/// Result of an audit of the table.
pub struct Audited {
    /// Number of items.
    pub items: usize,
    pub findings: Vec<Finding>,
    /// True if some findings were gone in the second reading.
    pub moved: bool,
}

/// Audits the table; with `twice`, keeps the findings that a second reading has too.
///
/// # Errors
/// Fails when the table can't be reached.
pub async fn audited(store: &Store, twice: bool) -> Result<Audited, Trouble> {
    let items = everything(store).await?;
    let mut findings = shared::operations::auditor::audit(&items);
    let mut moved = false;
    if twice && !findings.is_empty() {
        let before: BTreeSet<Finding> = findings.into_iter().collect();
        findings = shared::operations::auditor::audit(&everything(store).await?);
        findings.retain(|finding| before.contains(finding));
        moved = findings.len() < before.len();
    }
    Ok(Audited { items: items.len(), findings, moved })
}

/// Lists every stored number that differs from the one recomputed from journals and facts.
///
/// # Errors
/// Fails when the table can't be reached.
pub async fn verify(look: Look, at: &Surroundings<'_>, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let store = at.store()?;
    let Rebuilt { compared, mut differences } = shared::operations::auditor::rebuild(&everything(&store).await?);
    if !look.once && !differences.is_empty() {
        let before: BTreeSet<RebuildDifference> = differences.into_iter().collect();
        differences = shared::operations::auditor::rebuild(&everything(&store).await?).differences;
        differences.retain(|difference| before.contains(difference));
        if differences.len() < before.len() {
            out.note(MOVED)?;
        }
    }
    out.rows(&["subject", "value", "stored", "recomputed"], &rows(&differences)?)?;
    summary(out, &format!("{compared} numbers compared, {} differ", differences.len()))?;
    Ok(if differences.is_empty() { Ended::Fine } else { Ended::Found })
}

fn rows<T: serde::Serialize>(found: &[T]) -> Result<Vec<Value>, Trouble> {
    let row = |one: &T| serde_json::to_value(one).map_err(|error| Trouble::Failed(error.to_string()));
    found.iter().map(row).collect()
}

fn summary(out: &mut Out<'_>, text: &str) -> Result<(), Trouble> {
    if out.format() == Format::Table { out.note(text) } else { Ok(()) }
}

/// One row for a dead letter. It is safe to print: messages contain no e-mail address and no code.
pub(super) fn letter_row(queue: &str, letter: &shared::table::queue::DeadLetter) -> Value {
    let (what, id) = match MessageEnvelope::read(&letter.body) {
        Some(envelope) => (envelope.message.kind(), envelope.id),
        None => ("unreadable".to_owned(), String::new()),
    };
    json!({
        "queue": queue, "id": letter.id, "what": what, "message": id, "received": letter.received, "sent_at": letter.sent_at,
    })
}
