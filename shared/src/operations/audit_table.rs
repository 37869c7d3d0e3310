//! The auditor over a table of any size: a slice per run, partition by partition, in bounded memory.
//!
//! The table is read once a day in [`SLICES`] slices. A partition holds an account with all of its journal entries, so that
//! shapes and keys (D1–D3), the ledger (L1–L4, L6) its hash chains (L7) and the tree of a day's heads (L8) are checked without anything else in memory; only a shop's
//! wallet is elsewhere than its entries. The invariants that compare partitions need the whole scan: [`super::auditor::audit`].

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::time::Instant;

use crate::app::App;
use crate::operations::auditor::{Finding, Snapshot, ledger, lots};
use crate::operations::heads_audit;
use kernel::fault::Fault;
use table::item::{Item, text};
use table::store::{Cursor, Index, Query, Slice};
use table::telemetry as metrics;

/// Slices of the table, one each five minutes of a day.
pub const SLICES: i32 = 288;
/// Items that are read at once.
const PAGE: i32 = 250;
/// Most items of one partition in memory; of a larger one, only the items themselves are checked.
const MOST: usize = 10_000;
/// Readings of a partition that have to show the same finding. A partition is read while it changes.
const READINGS: usize = 3;
/// Most findings that the log names in one run.
const NAMED: usize = 20;

/// Report of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Slice that was read.
    pub slice: i32,
    /// Items read.
    pub items: u64,
    /// Violations found.
    pub findings: u64,
    /// False if the time budget ended before the slice.
    pub finished: bool,
}

/// Audits the slice of the present five minutes.
///
/// A slice that was not finished counts as a finding, since nobody has seen its rest.
///
/// # Errors
/// The table can't be read.
pub async fn audit_table(app: &App) -> Result<AuditReport, Fault> {
    let now = app.clock.now().to_zoned(TimeZone::UTC);
    let slice = (i32::from(now.hour()) * 60 + i32::from(now.minute())) / 5 % SLICES;
    let mut run = Run { report: AuditReport { slice, ..AuditReport::default() }, ..Run::default() };
    run.report.finished = run.read(app, Slice { number: slice, of: SLICES }).await?;
    for finding in run.found.iter().take(NAMED) {
        let Finding { invariant, subject, detail } = finding;
        tracing::error!(invariant, subject, detail, "the auditor found a violation");
    }
    run.report.findings = u64::try_from(run.found.len()).unwrap_or(u64::MAX);
    let unseen = if run.report.finished { 0 } else { 1 };
    let counted = run.report.findings.saturating_add(unseen);
    metrics::value("AuditFindings", i64::try_from(counted).unwrap_or(i64::MAX), "Count");
    Ok(run.report)
}

/// A run so far: the partition that is being read, and findings of those before.
#[derive(Debug, Default)]
struct Run {
    report: AuditReport,
    found: BTreeSet<Finding>,
    partition: String,
    items: Vec<Item>,
}

impl Run {
    /// Reads the slice; false if the time budget ended before it.
    async fn read(&mut self, app: &App, slice: Slice) -> Result<bool, Fault> {
        let began = Instant::now();
        let mut after: Option<Cursor> = None;
        loop {
            let page = app.store.scan_slice(slice, after, PAGE).await?;
            for item in page.items {
                self.take(app, item).await?;
            }
            match page.next {
                Some(_) if began.elapsed() > crate::payment::expire::TICK => return Ok(false),
                Some(next) => after = Some(next),
                None => {
                    self.finish_partition(app).await?;
                    return Ok(true);
                }
            }
        }
    }

    /// Takes the next item: those of a partition follow each other.
    async fn take(&mut self, app: &App, item: Item) -> Result<(), Fault> {
        self.report.items = self.report.items.saturating_add(1);
        let partition = text(&item, "pk").unwrap_or_default().to_owned();
        if partition != self.partition {
            self.finish_partition(app).await?;
            self.partition = partition;
        }
        if self.items.len() > MOST {
            self.found.extend(check_shape(std::slice::from_ref(&item)));
            return Ok(());
        }
        self.items.push(item);
        Ok(())
    }

    /// Checks the partition that was read. A finding counts if it is still there when the partition is read again.
    async fn finish_partition(&mut self, app: &App) -> Result<(), Fault> {
        let mut found = check(&std::mem::take(&mut self.items));
        for _ in 1..READINGS {
            if found.is_empty() {
                return Ok(());
            }
            let again = check(&whole(app, &self.partition).await?);
            let same =
                |one: &Finding, other: &Finding| (one.invariant, &one.subject) == (other.invariant, &other.subject);
            found.retain(|finding| again.iter().any(|other| same(finding, other)));
        }
        self.found.extend(found);
        Ok(())
    }
}

/// Checks items by themselves.
fn check_shape(items: &[Item]) -> Vec<Finding> {
    Snapshot::read(items).1
}

/// Checks the items of one partition.
fn check(items: &[Item]) -> Vec<Finding> {
    let (snapshot, mut findings) = Snapshot::read(items);
    if items.len() <= MOST {
        findings.extend(ledger::check_partition(&snapshot));
        findings.extend(lots::check(&snapshot));
        findings.extend(heads_audit::check_days(&snapshot));
    }
    findings
}

/// Reads a partition again, up to one item above [`MOST`].
async fn whole(app: &App, partition: &str) -> Result<Vec<Item>, Fault> {
    let mut query = Query { descending: false, ..Query::newest(Index::Table, partition, PAGE) };
    let mut items = Vec::new();
    loop {
        let page = app.store.list_items(&query).await?;
        items.extend(page.items);
        match page.next {
            Some(next) if items.len() <= MOST => query.after = Some(next),
            _ => return Ok(items),
        }
    }
}
