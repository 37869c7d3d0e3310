//! Storage of commissions and withdrawals.

use jiff::Timestamp;
use kernel::id::{CommissionId, OrderId, PayoutBatchId, UserId, WithdrawalId};
use kernel::month::Month;
use kernel::year::Year;
use table::item::Versioned;
use table::key::{IndexEntry, at_time, owned};
use table::records;
use table::spread::{DueList, FEW, MonthlyList, SOME, numbered, shard_of};
use table::tx::Tx;

use crate::affiliate::model::commission::{Commission, CommissionAccount, CommissionHold, CommissionMonth, Earnings};
use crate::affiliate::model::payout_account::PayoutAccount;
use crate::affiliate::model::payout_batch::PayoutBatch;
use crate::affiliate::model::purchase::Purchase;
use crate::affiliate::model::withdrawal::Withdrawal;
use crate::affiliate::model::year::AffiliateYear;

/// Commissions, of the whole platform.
pub const COMMISSIONS: MonthlyList = MonthlyList::spread("COMMISSIONS", FEW);
/// Withdrawals of users and shops, of the whole platform.
pub const WITHDRAWALS: MonthlyList = MonthlyList::new("WITHDRAWALS");
/// Payout batches.
pub const PAYOUT_BATCHES: MonthlyList = MonthlyList::new("PAYOUT_BATCHES");
/// Users with a hold that ends.
pub const COMMISSION: DueList = DueList::spread("commission", SOME);

/// Prefix of the sort keys of what months left of a commission account.
pub const MONTHS: &str = "MONTH#";
/// Prefix of the sort keys of an affiliate's years.
pub const YEARS: &str = "YEAR#";

records! {
    /// An affiliate's commission account with its parts (R6.4).
    CommissionAccount = "commission_account" {
        fn key(user: UserId) = "AFFILIATE#{user}", "ACCOUNT";
        at |it| CommissionAccount::key(it.user);
    }

    /// A commission account as a month left it (R6.12).
    CommissionMonth = "commission_month" {
        fn key(user: UserId, month: Month) = "AFFILIATE#{user}", "MONTH#{month}";
        at |it| CommissionMonth::key(it.user, it.month);
    }

    /// The totals of an affiliate's calendar year: list of the year (R6.12).
    AffiliateYear = "affiliate_year" {
        fn key(user: UserId, year: Year) = "AFFILIATE#{user}", "YEAR#{year}";
        at |it| AffiliateYear::key(it.user, it.year);
        platform |it| Some(in_year(it.user, it.year));
    }

    /// A commission: one per order, lists (R6.7).
    Commission = "commission" {
        fn key(id: CommissionId) = "COMMISSION#{id}", "COMMISSION";
        at |it| Commission::key(it.id);
        owner |it| Some(owned("COMMISSIONS", it.beneficiary, at_time(it.created_at, it.id)));
        platform |it| Some(COMMISSIONS.entry(it.created_at, at_time(it.created_at, it.id)));
    }

    /// A commission's hold, read consistently by a withdrawal (R6.4).
    CommissionHold = "maturing" {
        fn key(user: UserId, at: Timestamp, order: OrderId) = "MATURING#{user}", "{at}#{order}";
        at |it| CommissionHold::key(it.beneficiary, it.at, it.order);
        due |it| (!it.parked).then(|| COMMISSION.entry(it.beneficiary, it.at));
    }

    /// An invitee's earnings, for the trigger limit and the cap (R6.3).
    Earnings = "earnings" {
        fn key(invitee: UserId) = "USER#{invitee}", "EARNINGS";
        at |it| Earnings::key(it.invitee);
    }

    /// A withdrawal of a user or a shop: lists (R6.5, R6.6).
    Withdrawal = "withdrawal" {
        fn key(id: WithdrawalId) = "WITHDRAWAL#{id}", "WITHDRAWAL";
        at |it| Withdrawal::key(it.id);
        owner |it| Some(match it.shop {
            Some(shop) => owned("WITHDRAWALS", shop, at_time(it.created_at, it.id)),
            None => owned("WITHDRAWALS", it.user, at_time(it.created_at, it.id)),
        });
        platform |it| Some(WITHDRAWALS.entry(it.created_at, at_time(it.created_at, it.id)));
    }

    /// Users of a payout account, under a keyed hash of it (R6.9).
    PayoutAccount = "payout_account" {
        fn key(hash: &str) = "PAYOUT_ACCOUNT#{hash}", "PAYOUT_ACCOUNT";
        at |it| PayoutAccount::key(&it.account_hash);
    }

    /// A payout batch with its lines (R6.9).
    PayoutBatch = "payout_batch" {
        fn key(id: PayoutBatchId) = "PAYOUT_BATCH#{id}", "PAYOUT_BATCH";
        at |it| PayoutBatch::key(it.id);
        platform |it| Some(PAYOUT_BATCHES.entry(it.created_at, it.id));
    }

    /// A purchase reported by the operator's backend: one per service key and external id; lists per key (R2.6).
    Purchase = "purchase" {
        fn key(id: OrderId) = "PURCHASE#{id}", "PURCHASE";
        at |it| Purchase::key(it.id);
        owner |it| Some(owned("PURCHASES", it.key, at_time(it.created_at, it.id)));
    }
}

/// Returns the partition of a user's commission account.
pub fn affiliate(user: UserId) -> String {
    format!("AFFILIATE#{user}")
}

/// Returns the partitions of a year's affiliates.
pub fn affiliates_of(year: Year) -> impl Iterator<Item = String> {
    (0..FEW).map(move |shard| numbered(&format!("AFFILIATE_YEARS#{year}"), shard))
}

fn in_year(user: UserId, year: Year) -> IndexEntry {
    let user = user.to_string();
    (numbered(&format!("AFFILIATE_YEARS#{year}"), shard_of(&user, FEW)), user)
}

/// Adds the write of a commission account with new entries; what a month left is kept when they are of a later one (R6.12).
pub fn put_account(tx: &mut Tx, before: Option<&Versioned<CommissionAccount>>, after: &CommissionAccount) {
    if let Some(ended) = before.and_then(|before| before.ended_before(after)) {
        tx.insert(&ended);
    }
    tx.upsert(before, after);
}

/// Returns the partition of a user's holds, ordered by their end.
pub fn maturing(user: UserId) -> String {
    format!("MATURING#{user}")
}
