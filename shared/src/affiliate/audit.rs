//! Affiliate invariants C1, C3–C8, W1–W5, and the ledger invariants L2–L4 of commission accounts.
//!
//! | invariant | rule |
//! | --- | --- |
//! | C1 | an order has at most one commission, for its inviter, and its journals sum to what remains of it |
//! | C3 | an account's earned total is the sum of its commissions, and its parts account for all of it |
//! | C4 | a commission follows from its order's snapshot, and its remainder follows the order's net; one posted by hand is whole or reversed |
//! | C5 | an invitee's commissions are numbered from 1, none above the limit of its order |
//! | C6 | what a month left of an account is what its entries up to the last one of the month say |
//! | C7 | both levels of an order earn at most its base |
//! | C8 | the years of an affiliate have what the account's entries say, each entry once |
//! | W1 | a withdrawal has one journal that requests and one that closes it, in line with its state |
//! | W2 | the held part, or a shop's held account, is the sum of open withdrawals; the withdrawn total is the sum of completed ones |
//! | W3 | a paid withdrawal with a first approval was paid by another admin, or in a payout batch that another admin made |
//! | W4 | a payout account names only users with a cash withdrawal whose payout details are kept |
//! | W5 | a withdrawal in a payout batch is a line of it, of the same amount, which ended as the withdrawal did; and each line that was not dropped is such a withdrawal |

pub mod payout_batch;
pub mod purchase;
pub mod years;

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::account::model::identity::Status;
use crate::affiliate::model::commission::{
    Commission, CommissionAccount, CommissionMonth, CommissionSource, Earnings, earned,
};
use crate::affiliate::model::payout_account::PayoutAccount;
use crate::affiliate::model::withdrawal::{Destination, Withdrawal, WithdrawalState};
use crate::agency::model::wallet::Wallet;
use crate::operations::auditor::{Finding, Snapshot};
use kernel::id::{OrderId, UserId};
use kernel::ledger::{AccountKind, AccountOwner, JournalEntry, Line, Part, RecordType};
use kernel::money::{LedgerMoney, MoneyError};
use kernel::month::Month;

/// Checks commissions, their accounts and withdrawals.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut postings: BTreeMap<UserId, Vec<&JournalEntry>> = BTreeMap::new();
    for posting in snapshot.postings.iter().filter(|posting| posting.is_of_commission()) {
        if let Some(user) = posting.user() {
            postings.entry(user).or_default().push(posting);
        }
    }
    let mut months: BTreeMap<UserId, Vec<&CommissionMonth>> = BTreeMap::new();
    snapshot.all::<CommissionMonth>().for_each(|ended| months.entry(ended.user).or_default().push(ended));
    for account in snapshot.affiliates.values() {
        let own = postings.remove(&account.user).unwrap_or_default();
        check_months(months.get(&account.user).into_iter().flatten(), &own, &mut findings);
        check_chain(account, own, &mut findings);
        check_sums(snapshot, account, &mut findings);
    }
    for user in postings.keys() {
        findings.push(Finding::new("L2", user, "has commission postings and no account"));
    }
    let sources = sources(snapshot);
    for commission in snapshot.commissions.values() {
        check_commission(snapshot, &sources, commission, &mut findings);
    }
    check_invitees(snapshot, &sources, &mut findings);
    for withdrawal in snapshot.withdrawals.values() {
        check_withdrawal(snapshot, withdrawal, &mut findings);
    }
    check_payout_accounts(snapshot, &mut findings);
    payout_batch::check(snapshot, &mut findings);
    years::check(snapshot, &mut findings);
    for wallet in snapshot.agency.wallets.values() {
        check_held(snapshot, wallet, &mut findings);
    }
    findings
}

/// Sources of commission: orders, and purchases that the backend reported.
type Sources = BTreeMap<OrderId, CommissionSource>;

fn sources(all: &Snapshot) -> Sources {
    let bought = all.purchases.values().filter_map(|purchase| CommissionSource::of_purchase(purchase).ok().flatten());
    let first: Vec<CommissionSource> = all.orders.values().map(CommissionSource::from).chain(bought).collect();
    // The second level is earned where the inviter earned a commission.
    let earned = first.iter().filter(|source| all.commissions.contains_key(&source.id));
    let second: Vec<CommissionSource> = earned.filter_map(CommissionSource::second).collect();
    first.into_iter().chain(second).map(|source| (source.id, source)).collect()
}

/// L2–L4: each part of the account equals its last line, and its lines chain without gaps.
fn check_chain(account: &CommissionAccount, mut postings: Vec<&JournalEntry>, findings: &mut Vec<Finding>) {
    postings.sort_by_key(|posting| posting.number);
    if !postings.iter().map(|posting| posting.number).eq(1..=account.postings) {
        findings.push(Finding::new("L3", account.user, format!("{} postings of commission", account.postings)));
    }
    let mut parts: BTreeMap<&'static str, Decimal> = BTreeMap::new();
    let (mut seq, mut debt) = (0_u64, 0_u64);
    for entry in postings.iter().flat_map(|posting| &posting.entries) {
        let number = if entry.account == AccountKind::CommissionReceivable { &mut debt } else { &mut seq };
        *number = number.saturating_add(1);
        let amount = parts.entry(name(entry)).or_default();
        let after = entry.before.checked_add(entry.amount.amount());
        if entry.seq != *number || entry.before != *amount || Some(entry.after) != after {
            let detail = format!("{} entry {}: {} to {}", name(entry), entry.seq, entry.before, entry.after);
            findings.push(Finding::new("L3", account.user, detail));
        }
        if entry.account == AccountKind::Commission && entry.after.is_sign_negative() && !entry.after.is_zero() {
            findings.push(Finding::new("L4", account.user, format!("{} falls to {}", name(entry), entry.after)));
        }
        *amount = entry.after;
    }
    let is = [account.pending, account.available, account.held, account.debt.amount].map(LedgerMoney::amount);
    let says = ["pending", "available", "held", "debt"].map(|part| parts.get(part).copied().unwrap_or_default());
    if is != says || (account.seq, account.debt.seq) != (seq, debt) {
        findings.push(Finding::new("L2", account.user, format!("has {is:?}, its entries say {says:?}")));
    }
}

/// C6: each month that ended has the parts of its last entry, and the next entry is of a later month.
fn check_months<'a>(
    months: impl Iterator<Item = &'a &'a CommissionMonth>,
    postings: &[&JournalEntry],
    findings: &mut Vec<Finding>,
) {
    for ended in months {
        let within = postings.iter().filter(|posting| posting.number <= ended.postings);
        let mut parts: BTreeMap<&'static str, Decimal> = BTreeMap::new();
        for entry in within.flat_map(|posting| &posting.entries) {
            let amount = parts.entry(name(entry)).or_default();
            *amount = amount.saturating_add(entry.amount.amount());
        }
        let is = [ended.pending, ended.available, ended.held, ended.debt.negated()].map(LedgerMoney::amount);
        let says = ["pending", "available", "held", "debt"].map(|part| parts.get(part).copied().unwrap_or_default());
        let next = postings.iter().find(|posting| posting.number == ended.postings.saturating_add(1));
        if is != says || next.is_none_or(|next| Month::of(next.header.at) <= ended.month) {
            findings.push(Finding::new(
                "C6",
                ended.user,
                format!("left {is:?} in {}, its entries say {says:?}", ended.month),
            ));
        }
    }
}

fn name(entry: &Line) -> &'static str {
    match entry.part {
        Some(Part::Pending) => "pending",
        Some(Part::Available) => "available",
        Some(Part::Held) => "held",
        None => "debt",
    }
}

/// C3, W2: the account's sums match its commissions and withdrawals.
fn check_sums(all: &Snapshot, account: &CommissionAccount, findings: &mut Vec<Finding>) {
    let own = || all.commissions.values().filter(|commission| commission.beneficiary == account.user);
    let sum = |of: &dyn Fn(&Commission) -> LedgerMoney| -> Decimal { own().map(|one| of(one).amount()).sum() };
    let (earned, left) = (sum(&Commission::credited), sum(&Commission::left));
    if account.earned().map(LedgerMoney::amount) != Ok(earned) {
        let detail = format!("earned {:?}, its commissions {earned}", account.earned());
        findings.push(Finding::new("C3", account.user, detail));
    }
    let gone = account.clawed_back.amount().checked_add(account.owed().amount());
    if gone != earned.checked_sub(left) {
        let detail = format!("gave or owes {gone:?} back, {left} is left of {earned}");
        findings.push(Finding::new("C3", account.user, detail));
    }
    let waiting: Decimal = own().filter(|one| one.pending).map(|one| one.left().amount()).sum();
    if account.pending.amount() != waiting {
        findings.push(Finding::new("C3", account.user, format!("{} is pending, {waiting} waits", account.pending)));
    }
    let withdrawn = |states: &[WithdrawalState]| -> Decimal {
        let own = all.withdrawals.values().filter(|one| one.shop.is_none() && one.user == account.user);
        let own = own.filter(|one| states.contains(&one.state));
        own.map(|one| one.amount.amount()).sum()
    };
    let is = (account.held.amount(), account.withdrawn.amount());
    let says = (withdrawn(&[WithdrawalState::Requested]), withdrawn(&[WithdrawalState::Done, WithdrawalState::Paid]));
    if is != says {
        let detail = format!("holds and gave {is:?}, its withdrawals say {says:?}");
        findings.push(Finding::new("W2", account.user, detail));
    }
}

/// C1, C4: checks a commission against its order and its journals.
fn check_commission(all: &Snapshot, sources: &Sources, commission: &Commission, findings: &mut Vec<Finding>) {
    match &commission.posted {
        Some(_) => check_posted(all, commission, findings),
        None => {
            check_earned(sources, commission, findings);
            check_levels(all, commission, findings);
        }
    }
    let mut wrong = |invariant, detail: String| findings.push(Finding::new(invariant, commission.id, detail));
    let cause = Commission::cause(commission.id);
    let own = || all.postings.iter().filter(|posting| posting.header.cause == cause);
    let posted: Decimal = own().flat_map(|posting| &posting.entries).map(|entry| entry.amount.amount()).sum();
    let last = own().max_by_key(|posting| posting.header.step).map(|posting| posting.header.as_last());
    if posted != commission.left().amount() || last != Some(commission.last) {
        wrong("C1", format!("{} is left, {posted} is posted, last {last:?}", commission.left()));
    }
    let waits = all.maturing.get(&(commission.beneficiary, commission.order)).map(|waiting| waiting.at);
    let timed = commission.pending && !commission.over_budget && !commission.under_review;
    if waits != timed.then_some(commission.available_at) {
        wrong("C1", format!("pending: {}, listed until {waits:?}", commission.pending));
    }
    let parked = all.maturing.get(&(commission.beneficiary, commission.order)).is_some_and(|waiting| waiting.parked);
    if parked != commission.withheld {
        wrong("C1", format!("held: {}, its hold is parked: {parked}", commission.withheld));
    }
}

/// C1, C4: a commission is that of its paid order, under the order's terms.
fn check_earned(sources: &Sources, commission: &Commission, findings: &mut Vec<Finding>) {
    let mut wrong = |invariant, detail: String| findings.push(Finding::new(invariant, commission.id, detail));
    let Some(order) = sources.get(&commission.order).filter(|order| order.paid_at.is_some()) else {
        return wrong("C1", "its order was not paid".to_owned());
    };
    let is = (commission.id, Some(commission.beneficiary), commission.invitee);
    if is != (Commission::id_of(order.id), order.inviter, order.user) {
        wrong("C1", format!("{is:?} is not what {} earned", order.id));
    }
    let terms = order.affiliate.as_ref();
    let same = terms.is_some_and(|terms| terms.rate == commission.rate) && order.base == commission.base;
    if !same || commission.target(order) != Ok(commission.left()) {
        wrong("C4", format!("{} of {} is left, not what its order demands", commission.left(), commission.amount));
    }
}

/// C7: both levels together are at most the base of the order (R6.11).
fn check_levels(all: &Snapshot, commission: &Commission, findings: &mut Vec<Finding>) {
    let Some(earned) = commission.second_of else { return };
    let first = all.commissions.get(&earned).filter(|first| first.second_of.is_none());
    let both = first.and_then(|first| first.amount.plus(commission.amount).ok());
    if both.is_none_or(|both| both.compare(commission.base).is_ok_and(std::cmp::Ordering::is_gt)) {
        let detail = format!("with that of {earned} it comes to {both:?} of {}", commission.base);
        findings.push(Finding::new("C7", commission.id, detail));
    }
}

/// C4: a commission posted by hand is whole until it is reversed, and what is below zero waits for nothing.
fn check_posted(all: &Snapshot, commission: &Commission, findings: &mut Vec<Finding>) {
    let (amount, left) = (commission.amount, commission.left());
    let whole = if commission.denied.is_some() { LedgerMoney::zero(amount.currency()) } else { amount };
    let is_someone = all.users.contains_key(&commission.beneficiary);
    if left != whole || amount.is_zero() || !is_someone || (amount.is_negative() && commission.pending) {
        let detail = format!("{left} is left of {amount}, which was posted; pending: {}", commission.pending);
        findings.push(Finding::new("C4", commission.id, detail));
    }
}

/// C4, C5: an invitee's commissions, replayed in order, follow from their orders' terms.
///
/// An order without a commission has a reason for it.
fn check_invitees(all: &Snapshot, sources: &Sources, findings: &mut Vec<Finding>) {
    let mut invitees: BTreeMap<UserId, Vec<(&Commission, &CommissionSource)>> = BTreeMap::new();
    for commission in all.commissions.values().filter(|commission| commission.counts()) {
        let of = invitees.entry(commission.invitee).or_default();
        of.extend(sources.get(&commission.order).map(|order| (commission, order)));
    }
    for (invitee, own) in &mut invitees {
        own.sort_by_key(|(commission, _)| commission.number);
        match replayed(own) {
            Ok(earnings) if all.earnings.get(invitee) == Some(&earnings) => {}
            Ok(earnings) => {
                let detail = format!("{:?} is counted, the commissions say {earnings:?}", all.earnings.get(invitee));
                findings.push(Finding::new("C5", invitee, detail));
            }
            Err((invariant, detail)) => findings.push(Finding::new(invariant, invitee, detail)),
        }
    }
    for (invitee, earnings) in &all.earnings {
        if !invitees.contains_key(invitee) {
            findings.push(Finding::new("C5", invitee, format!("counts {earnings:?} without any commission")));
        }
    }
    for order in sources.values().filter(|order| !all.commissions.contains_key(&order.id)) {
        let none = Earnings::none(order);
        let earnings = all.earnings.get(&order.user).filter(|_| order.second_of.is_none()).unwrap_or(&none);
        let inviter = order.inviter.and_then(|inviter| all.users.get(&inviter));
        // What was above the cap at its capture earned nothing, even if refunds have given back some of the cap since (R6.4).
        let own = invitees.get(&order.user).filter(|_| order.second_of.is_none()).map_or(&[][..], Vec::as_slice);
        let most = own.iter().try_fold(none.earned, |sum, (commission, _)| sum.plus(commission.amount));
        let at_most = |earned| Earnings { earned, ..earnings.clone() };
        if inviter.is_some_and(|inviter| inviter.status != Status::Erased)
            && !matches!(most.and_then(|most| earned(order, &at_most(most))), Ok(Err(_)))
        {
            findings.push(Finding::new("C1", order.id, "made no commission and should have"));
        }
    }
}

/// Replays an invitee's commissions in order.
fn replayed(own: &[(&Commission, &CommissionSource)]) -> Result<Earnings, (&'static str, String)> {
    let Some((_, first)) = own.first() else { return Err(("C5", "nothing is counted".to_owned())) };
    let mut earnings = Earnings::none(first);
    let (mut captured, mut highest, mut capped) = (earnings.earned, None::<LedgerMoney>, true);
    for (commission, order) in own {
        let number = earnings.orders.saturating_add(1);
        let limit = order.affiliate.as_ref().map_or(0, |terms| terms.trigger_limit);
        if commission.number != number || (limit > 0 && number > limit) {
            return Err(("C5", format!("{} is number {} of at most {limit}", commission.id, commission.number)));
        }
        let unlike = |error: MoneyError| ("C4", error.to_string());
        let cap = order.affiliate.and_then(|terms| terms.cap);
        let used = commission.cap_used.unwrap_or(LedgerMoney::zero(commission.amount.currency()));
        let counted = Earnings { earned: used, ..earnings.clone() };
        let fits = used.compare(captured).is_ok_and(std::cmp::Ordering::is_le) && !used.is_negative();
        if cap.is_some() != commission.cap_used.is_some() || !fits {
            return Err(("C4", format!("{} found {used} of the cap used", commission.id)));
        }
        if earned(order, &counted).map_err(unlike)? != Ok(commission.amount) {
            return Err(("C4", format!("{} earned {}, not what its order says", commission.id, commission.amount)));
        }
        captured = captured.plus(commission.amount).map_err(unlike)?;
        earnings.orders = number;
        earnings.earned = earnings.earned.plus(commission.left()).map_err(unlike)?;
        highest = cap
            .map_or(Ok(None), |cap| highest.map_or(Ok(cap), |highest| highest.most(cap)).map(Some))
            .map_err(unlike)?;
        capped &= cap.is_some();
    }
    if capped && highest.is_some_and(|cap| earnings.earned.compare(cap).is_ok_and(std::cmp::Ordering::is_gt)) {
        return Err(("C4", format!("{} is left of its commissions, above the cap", earnings.earned)));
    }
    Ok(earnings)
}

/// W1: a cash withdrawal has one journal that requests and one that closes it.
///
/// A withdrawal to the balance has one journal with lines on both accounts.
fn check_withdrawal(all: &Snapshot, withdrawal: &Withdrawal, findings: &mut Vec<Finding>) {
    let cause = Withdrawal::cause(withdrawal.id);
    let own: Vec<&JournalEntry> = all.postings.iter().filter(|posting| posting.header.cause == cause).collect();
    let amount = withdrawal.amount.amount();
    let (zero, gone) = (Decimal::ZERO, -amount);
    let (expected, steps) = match withdrawal.state {
        WithdrawalState::Done => ([gone, zero, amount], 0),
        WithdrawalState::Requested => ([gone, amount, zero], 0),
        WithdrawalState::Paid => ([gone, zero, zero], 1),
        WithdrawalState::Rejected | WithdrawalState::Cancelled => ([zero, zero, zero], 1),
    };
    let parts = moved(withdrawal, &own);
    let last = own.iter().max_by_key(|posting| posting.header.step).map(|posting| posting.header.as_last());
    let done = withdrawal.state == WithdrawalState::Done;
    let right = last == Some(withdrawal.last)
        && withdrawal.last.step == steps
        && done == (withdrawal.to == Destination::Balance)
        && withdrawal.settled_at.is_some() == (withdrawal.state != WithdrawalState::Requested);
    if parts != expected || !right {
        let detail = format!("is {}, its journals moved {parts:?}", withdrawal.state.as_str());
        findings.push(Finding::new("W1", withdrawal.id, detail));
    }
    let is_paid_alone = withdrawal.state == WithdrawalState::Paid && withdrawal.batch.is_none();
    if let Some(first) = withdrawal.first_approval.as_ref().filter(|_| is_paid_alone) {
        let actor = format!("admin:{}", first.admin);
        if own.iter().any(|entry| Some(entry.header.as_last()) == last && entry.header.actor == actor) {
            findings.push(Finding::new("W3", withdrawal.id, "one admin approved and paid it"));
        }
    }
}

/// Sums that a withdrawal's journals moved: on what is available, on what is held, and on the balance.
fn moved(withdrawal: &Withdrawal, own: &[&JournalEntry]) -> [Decimal; 3] {
    let of = |entry: &JournalEntry, line: &Line| match (withdrawal.shop, entry.holder) {
        (None, _) if line.part == Some(Part::Available) => Some(0),
        (None, _) if line.part == Some(Part::Held) => Some(1),
        (None, _) if line.account == AccountKind::Balance => Some(2),
        (Some(shop), Some(AccountOwner::Commission(owner))) if owner == shop => Some(0),
        (Some(shop), Some(AccountOwner::Held(owner))) if owner == shop => Some(1),
        _ => None,
    };
    let mut parts = [Decimal::ZERO; 3];
    for (entry, line) in own.iter().flat_map(|entry| entry.entries.iter().map(move |line| (entry, line))) {
        let part = of(entry, line).and_then(|part| parts.get_mut(part));
        if let (Some(part), RecordType::Withdrawal) = (part, line.kind) {
            *part = part.saturating_add(line.amount.amount());
        }
    }
    parts
}

/// W4: a payout account names nobody who was erased, or never asked for cash.
fn check_payout_accounts(all: &Snapshot, findings: &mut Vec<Finding>) {
    let paid_out = all.withdrawals.values().filter(|one| one.payout.is_some());
    let known: BTreeSet<UserId> = paid_out.map(|one| one.user).collect();
    for account in all.all::<PayoutAccount>() {
        for user in account.users.difference(&known) {
            findings.push(Finding::new("W4", &account.account_hash, format!("{user} asked for no cash")));
        }
        if account.users.is_empty() {
            findings.push(Finding::new("W4", &account.account_hash, "nobody has it"));
        }
    }
}

/// W2: a shop holds the sum of its open withdrawals.
fn check_held(all: &Snapshot, wallet: &Wallet, findings: &mut Vec<Finding>) {
    let own = all.withdrawals.values().filter(|one| one.shop == Some(wallet.shop));
    let open = own.filter(|one| one.state == WithdrawalState::Requested);
    let says: Decimal = open.map(|one| one.amount.amount()).sum();
    if wallet.held().amount() != says {
        findings.push(Finding::new("W2", wallet.shop, format!("holds {}, its withdrawals say {says}", wallet.held())));
    }
}
