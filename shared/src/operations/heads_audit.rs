//! L8: each day's heads are a signed tree after the day before, and name entries as they are (R11.2).

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use crate::operations::auditor::{Finding, Snapshot};
use crate::operations::model::heads::{Head, HeadsPage, LatestHeads, LedgerHeads, PageRoot, page_root, root_after};
use crate::operations::model::proof::is_signed;
use kernel::content_hash::ContentHash;

/// Checks the heads of all days against each other and against the journal entries.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = check_days(snapshot);
    let days: BTreeMap<Date, &LedgerHeads> = snapshot.all::<LedgerHeads>().map(|day| (day.date, day)).collect();
    for day in days.values() {
        let earlier = day.date.checked_sub(1.day()).ok().and_then(|date| days.get(&date));
        if earlier.map_or(ContentHash::GENESIS, |earlier| earlier.root) != day.before {
            findings.push(Finding::new("L8", day.date, "do not follow those of the day before"));
        }
    }
    let latest = snapshot.all::<LatestHeads>().next().map(|latest| (latest.date, latest.root));
    if latest != days.values().next_back().map(|day| (day.date, day.root)) {
        findings.push(Finding::new("L8", "HEADS", format!("{latest:?} are not the latest ones")));
    }
    let entries: BTreeMap<(String, u64), Option<ContentHash>> =
        snapshot.postings.iter().filter_map(|entry| Some(((entry.chain()?, entry.number), entry.hash))).collect();
    let is_signed = |page: &&HeadsPage| days.get(&page.date).is_some_and(|day| day.root == page.root);
    for page in snapshot.all::<HeadsPage>().filter(is_signed) {
        for Head { chain, number, hash } in &page.heads {
            if entries.get(&(chain.clone(), *number)).copied().flatten() != Some(*hash) {
                let detail = format!("entry {number} is not the one that the heads of {} name", page.date);
                findings.push(Finding::new("L8", chain, detail));
            }
        }
    }
    findings
}

/// Checks each day's heads by themselves: pages, root and signature. A day is one partition.
pub fn check_days(snapshot: &Snapshot) -> Vec<Finding> {
    let mut pages: BTreeMap<(Date, ContentHash), Vec<&HeadsPage>> = BTreeMap::new();
    snapshot.all::<HeadsPage>().for_each(|page| pages.entry((page.date, page.root)).or_default().push(page));
    let mut findings = Vec::new();
    for day in snapshot.all::<LedgerHeads>() {
        let mut own = pages.remove(&(day.date, day.root)).unwrap_or_default();
        own.sort_by_key(|page| page.number);
        let roots: Vec<PageRoot> = own.iter().filter_map(|page| page_root(&page.heads)).collect();
        let accounts: usize = own.iter().map(|page| page.heads.len()).sum();
        if roots != day.pages || u64::try_from(accounts) != Ok(day.accounts) {
            findings.push(Finding::new("L8", day.date, "have other pages than they say"));
        }
        if root_after(day.before, &day.pages) != day.root {
            findings.push(Finding::new("L8", day.date, "have another root than their pages"));
        }
        if let Err(flaw) = is_signed(&day.key, day.date, day.root, &day.signature) {
            findings.push(Finding::new("L8", day.date, flaw.to_string()));
        }
    }
    findings
}
