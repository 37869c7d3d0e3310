//! Redemption invariants K1–K3.
//!
//! K1: uses are counted exactly and within their limits. K2: each redemption has its effect, and each effect its redemption.
//! K3: a redemption is within the terms of its code.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::operations::auditor::{Finding, Snapshot};
use crate::redemption::model::code::{BROUGHT_TOGETHER, Batch, BatchState, Benefit, BroughtTexts, Code, CodeShard};
use crate::redemption::model::code_text::CodeHash;
use crate::redemption::model::plan::Subscription;
use crate::redemption::model::redemption::{CountedOn, Extension, Redemption, cause};
use kernel::id::{SubscriptionId, UserId};

/// Checks batches, codes and redemptions.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    for batch in snapshot.batches.values() {
        check_batch(snapshot, batch, &mut findings);
    }
    for code in snapshot.codes.values() {
        check_uses(snapshot, code, &mut findings);
    }
    check_claims(snapshot, &mut findings);
    check_effects(snapshot, &mut findings);
    for redemption in snapshot.redemptions.values() {
        check_window(snapshot, redemption, &mut findings);
    }
    findings
}

/// K1: a batch has the codes that it counts, and all of them once it is ready; those that can be redeemed are among them.
fn check_batch(snapshot: &Snapshot, batch: &Batch, findings: &mut Vec<Finding>) {
    let of_it = || snapshot.codes.values().filter(|code| code.of.batch == batch.id);
    let numbers: BTreeSet<u32> = of_it().map(|code| code.of.ordinal).collect();
    let there = numbers.range(..batch.created).count();
    let all = of_it().count();
    let created = usize::try_from(batch.created).unwrap_or(usize::MAX);
    let ready = batch.state == BatchState::Ready;
    let redeemable = if ready { batch.redeemable == batch.count } else { batch.redeemable <= batch.created };
    if there != created || all != created || ready != (batch.created == batch.count) || !redeemable {
        let detail = format!("says {created} of {} codes, there are {all}", batch.count);
        findings.push(Finding::new("K1", batch.id, detail));
    }
    let pages = snapshot.all::<BroughtTexts>().filter(|page| page.batch == batch.id).count();
    let wanted = if batch.brought { batch.count.div_ceil(BROUGHT_TOGETHER) } else { 0 };
    if u32::try_from(pages) != Ok(wanted) {
        findings.push(Finding::new("K1", batch.id, format!("has {pages} pages of brought texts, not {wanted}")));
    }
}

/// K1: each count equals its redemptions and stays within its share; the shares sum to the total. A code that differs from its batch
/// counts apart from it.
fn check_uses(snapshot: &Snapshot, code: &Code, findings: &mut Vec<Finding>) {
    let shards: BTreeMap<u8, &CodeShard> =
        snapshot.shards.iter().filter(|shard| shard.hash == code.hash).map(|shard| (shard.shard, shard)).collect();
    let mut granted = code.own_uses;
    let mut places = vec![(CountedOn::Code, code.used, code.own_uses)];
    for shard in 0..code.shards {
        let fresh = code.fresh_shard(shard);
        let there = shards.get(&shard).copied().unwrap_or(&fresh);
        granted = granted.saturating_add(there.own_uses);
        places.push((CountedOn::Shard(shard), there.used, there.own_uses));
    }
    if granted != code.terms.total_uses {
        let detail = format!("grants {granted} uses, its total is {}", code.terms.total_uses);
        findings.push(Finding::new("K1", code.of, detail));
    }
    for (place, used, own_uses) in places {
        let redeemed = uses(snapshot, code.hash).filter(|redemption| redemption.counted == place).count();
        if u64::try_from(redeemed) != Ok(used) || used > own_uses {
            let detail = format!("{place:?} counts {used} of {own_uses} uses, there are {redeemed}");
            findings.push(Finding::new("K1", code.of, detail));
        }
    }
    let own_terms = snapshot.batches.get(&code.of.batch).is_some_and(|batch| batch.terms != code.terms);
    if !code.is_apart && (own_terms || code.deleted) {
        findings.push(Finding::new("K1", code.of, "counts with its batch and differs from it"));
    }
    let nowhere = uses(snapshot, code.hash).any(|redemption| redemption.counted == CountedOn::Nowhere);
    if nowhere != (code.terms.unlimited() && uses(snapshot, code.hash).next().is_some()) {
        findings.push(Finding::new("K1", code.of, "has uses that are counted nowhere"));
    }
}

fn uses(snapshot: &Snapshot, code: CodeHash) -> impl Iterator<Item = &Redemption> {
    snapshot.redemptions.values().filter(move |redemption| redemption.code == code && redemption.undone.is_none())
}

/// K1: a user's redemptions of a code are numbered from 1 without gaps, each within its limit.
fn check_claims(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let mut claims: BTreeMap<(UserId, CodeHash), Vec<&Redemption>> = BTreeMap::new();
    for redemption in snapshot.redemptions.values() {
        claims.entry((redemption.user, redemption.code)).or_default().push(redemption);
        let named = snapshot.codes.get(&redemption.code).is_some_and(|code| code.of == redemption.of);
        if !named {
            findings.push(Finding::new(
                "K1",
                redemption.id,
                format!("is a use of {}, which is not there", redemption.of),
            ));
        }
    }
    for ((user, _), mut claims) in claims {
        claims.sort_by_key(|redemption| redemption.number);
        let mut undone = 0_u32;
        for redemption in &claims {
            if redemption.number > redemption.per_user_limit.saturating_add(undone) {
                let detail = format!("is use {} where {} were allowed", redemption.number, redemption.per_user_limit);
                findings.push(Finding::new("K1", redemption.id, detail));
            }
            undone = undone.saturating_add(u32::from(redemption.undone.is_some()));
        }
        if claims.iter().zip(1_u32..).any(|(redemption, number)| redemption.number != number) {
            findings.push(Finding::new("K1", user, "has a use of a code before the one before it"));
        }
    }
}

/// K2: each redemption has a subscription step or a journal, and each step or journal a redemption.
fn check_effects(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let mut steps: BTreeMap<SubscriptionId, Vec<(&Redemption, &Extension)>> = BTreeMap::new();
    for redemption in snapshot.redemptions.values() {
        let taken_off = redemption.undone.as_ref().and_then(|undone| undone.extension.as_ref());
        if redemption.undone.is_some() && redemption.extension.is_some() != taken_off.is_some() {
            findings.push(Finding::new("K2", redemption.id, "was taken back, but not its time"));
        }
        match (&redemption.benefit, &redemption.extension) {
            (Benefit::Plan { .. }, Some(extension)) => {
                let both = [Some(extension), taken_off].into_iter().flatten();
                steps.entry(extension.id).or_default().extend(both.map(|step| (redemption, step)));
            }
            (Benefit::Balance { credit }, None) => check_credit(snapshot, redemption, *credit, findings),
            _ => findings.push(Finding::new("K2", redemption.id, "did not do what the code granted")),
        }
    }
    for subscription in &snapshot.subscriptions {
        check_steps(subscription, steps.remove(&subscription.id).unwrap_or_default(), findings);
    }
    for lost in steps.keys() {
        findings.push(Finding::new("K2", lost, "was extended and is not there"));
    }
    let credited = snapshot.postings.iter().filter(|posting| posting.header.cause.starts_with("redemption:"));
    for posting in credited {
        if !snapshot.redemptions.values().any(|redemption| cause(redemption.id) == posting.header.cause) {
            findings.push(Finding::new("K2", &posting.header.cause, "was credited without a redemption"));
        }
    }
}

fn check_credit(snapshot: &Snapshot, redemption: &Redemption, credit: Decimal, findings: &mut Vec<Finding>) {
    let cause = cause(redemption.id);
    let postings = snapshot.postings.iter().filter(|posting| posting.header.cause == cause);
    let theirs = postings.filter(|posting| posting.user() == Some(redemption.user));
    let paid: Decimal = theirs.flat_map(|posting| &posting.house).map(|line| line.amount.amount()).sum();
    let due = if redemption.undone.is_some() { Decimal::ZERO } else { -credit };
    if paid != due || redemption.credit.map(|credit| credit.amount()) != Some(credit) {
        findings.push(Finding::new("K2", redemption.id, format!("granted {credit}, the journals say {paid}")));
    }
}

/// K2: a subscription is the last step in the chain of its redemptions.
fn check_steps(subscription: &Subscription, mut steps: Vec<(&Redemption, &Extension)>, findings: &mut Vec<Finding>) {
    steps.sort_by_key(|(_, extension)| extension.step);
    let mut before: Option<Timestamp> = None;
    for ((redemption, extension), step) in steps.iter().zip(1_u64..) {
        let until = match (&redemption.undone, &redemption.extension, before) {
            (Some(undone), Some(given), Some(before)) if undone.extension.as_ref() == Some(*extension) => {
                Some(given.taken_off(before, redemption.redeemed_at, undone.at))
            }
            _ => {
                let from = before.map_or(redemption.redeemed_at, |before| before.max(redemption.redeemed_at));
                redemption.benefit.plan_time().and_then(|(_, time)| time.after(from))
            }
        };
        let chained = extension.step == step && extension.previous_expires_at == before;
        let theirs = redemption.user == subscription.user && extension.starts_at == subscription.starts_at;
        if !chained || !theirs || until != Some(extension.expires_at) {
            findings.push(Finding::new(
                "K2",
                redemption.id,
                format!("is step {} of {}", extension.step, subscription.id),
            ));
        }
        before = Some(extension.expires_at);
    }
    let count = u64::try_from(steps.len()).unwrap_or(u64::MAX);
    if before != Some(subscription.expires_at) || count != subscription.extensions {
        let detail = format!("ends at {}, its redemptions say {before:?}", subscription.expires_at);
        findings.push(Finding::new("K2", subscription.id, detail));
    }
}

/// K3: a redemption of the code's current edition is within the code's window and has its benefit.
fn check_window(snapshot: &Snapshot, redemption: &Redemption, findings: &mut Vec<Finding>) {
    let Some(code) = snapshot.codes.get(&redemption.code) else { return };
    let as_granted = redemption.benefit == code.terms.benefit;
    let terms = snapshot.batches.get(&code.of.batch).map_or(code.terms, |batch| code.terms_in(batch));
    let inside = terms.must_be_valid(redemption.redeemed_at).is_ok();
    let open = code.enabled && !code.deleted;
    if redemption.edition > code.edition || (redemption.edition == code.edition && !(as_granted && inside && open)) {
        findings.push(Finding::new("K3", redemption.id, "is outside the terms that the code had then"));
    }
}
