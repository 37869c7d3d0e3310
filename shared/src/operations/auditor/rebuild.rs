//! Rebuild: recomputes every account, counter and total and compares them with the stored values.
//!
//! The auditor names the violated invariant; the rebuild names the wrong number and its expected value. It is a pure function
//! over a full scan and changes nothing. Short-lived counters (attempts, orders per minute, sign-ups under a limit) have no
//! stored source and are left out.
//!
//! | recomputed | from |
//! | --- | --- |
//! | accounts of users, assets and shops' wallets: amounts, lines, journal entries | the lines of their journal entries |
//! | commission accounts: their parts | the lines; `withdrawn` and `clawed_back` from withdrawals and commissions |
//! | affiliates' years | the lines, by the sources of their journal entries |
//! | inviters' counts, invitees' totals and earnings | users, orders, purchases, rewards, commissions |
//! | net of orders | their payments |
//! | uses of codes, codes of batches | redemptions, codes |
//! | children and grants of shops, sales, progress of assets | shops, grants, agency orders |
//! | statistics, by entity and in total | the entities |

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Serialize;

use crate::affiliate::audit::years::{self, YearSums};
use crate::affiliate::model::commission::{Commission, CommissionAccount};
use crate::affiliate::model::withdrawal::WithdrawalState;
use crate::affiliate::model::year::AffiliateYear;
use crate::agency::audit as agency;
use crate::operations::auditor::{Snapshot, ledger, messages};
use crate::operations::model::metrics::Tallies;
use crate::payment::model::payment::Payment;
use crate::redemption::model::code_text::CodeHash;
use crate::redemption::model::redemption::CountedOn as UsedAt;
use crate::referral::audit as referral;
use crate::referral::model::reconcile::waits;
use crate::referral::model::referral::{RewardState, Side, Trigger};
use kernel::id::{BatchId, OrderId, UserId};
use kernel::ledger::{AccountKind, AccountOwner, JournalEntry, Line, Part};
use table::item::Item;

/// Stored number that differs from its recomputed value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RebuildDifference {
    /// Id or key of the entity.
    pub subject: String,
    /// Name of the number.
    pub value: String,
    pub stored: String,
    pub recomputed: String,
}

/// Result of a rebuild.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// Count of compared numbers.
    pub compared: u64,
    /// Differing numbers, by subject.
    pub differences: Vec<RebuildDifference>,
}

/// Recomputes everything from a full scan of a quiescent table.
///
/// A change that a message has not projected yet shows as a difference.
pub fn rebuild(items: &[Item]) -> Rebuilt {
    let (snapshot, findings) = Snapshot::read(items);
    let mut rebuilt = Rebuilt::default();
    // An undecodable item makes the numbers unreliable, so report it. Wrong keys and index entries are left to the auditor.
    for unread in findings.into_iter().filter(|finding| finding.invariant == "D1") {
        rebuilt.is(&unread.subject, "item", &format!("can't be read: {}", unread.detail), &"");
    }
    rebuilt.accounts(&snapshot);
    rebuilt.commission_accounts(&snapshot);
    rebuilt.affiliate_years(&snapshot);
    rebuilt.invitees(&snapshot);
    rebuilt.inviters(&snapshot);
    rebuilt.orders(&snapshot);
    rebuilt.codes(&snapshot);
    rebuilt.agency(&snapshot);
    rebuilt.statistics(&snapshot);
    rebuilt.differences.sort();
    rebuilt
}

impl Rebuilt {
    /// Compares one number.
    fn is<T: ToString + ?Sized, U: ToString + ?Sized>(
        &mut self,
        subject: &impl ToString,
        value: &str,
        stored: &T,
        recomputed: &U,
    ) {
        self.compared = self.compared.saturating_add(1);
        let (stored, recomputed) = (stored.to_string(), recomputed.to_string());
        if stored != recomputed {
            self.differences.push(RebuildDifference {
                subject: subject.to_string(),
                value: value.to_owned(),
                stored,
                recomputed,
            });
        }
    }

    fn amount(&mut self, subject: &impl ToString, value: &str, stored: Decimal, recomputed: Decimal) {
        self.is(subject, value, &stored.normalize(), &recomputed.normalize());
    }

    fn accounts(&mut self, all: &Snapshot) {
        let mut postings: BTreeMap<AccountOwner, Vec<&JournalEntry>> = BTreeMap::new();
        for posting in all.postings.iter().filter(|posting| !posting.is_of_commission()) {
            if let Some(holder) = posting.holder {
                postings.entry(holder).or_default().push(posting);
            }
        }
        for (holder, accounts) in ledger::held(all) {
            let own = postings.remove(&holder).unwrap_or_default();
            self.is(&holder, "postings", &accounts.postings, &own.len());
            let kinds =
                [("balance", AccountKind::Balance, accounts.balance), ("debt", AccountKind::Receivable, accounts.debt)];
            for (name, kind, account) in kinds {
                let (entries, sum) = summed(&own, |entry| entry.account == kind);
                self.amount(&holder, name, account.amount.amount(), sum);
                self.is(&holder, &format!("{name}.entries"), &account.seq, &entries);
            }
        }
        for (holder, own) in postings {
            self.is(&holder, "postings", "no account", &own.len());
        }
    }

    fn commission_accounts(&mut self, all: &Snapshot) {
        let mut postings: BTreeMap<UserId, Vec<&JournalEntry>> = BTreeMap::new();
        for posting in all.postings.iter().filter(|posting| posting.is_of_commission()) {
            if let Some(user) = posting.user() {
                postings.entry(user).or_default().push(posting);
            }
        }
        for account in all.affiliates.values() {
            let own = postings.remove(&account.user).unwrap_or_default();
            self.commission_account(all, account, &own);
        }
        for (user, own) in postings {
            self.is(&user, "commission.postings", "no account", &own.len());
        }
    }

    fn commission_account(&mut self, all: &Snapshot, account: &CommissionAccount, own: &[&JournalEntry]) {
        let user = account.user;
        self.is(&user, "commission.postings", &account.postings, &own.len());
        let of = |part: Option<Part>| summed(own, |entry| entry.part == part);
        let (_, debt) = of(None);
        for (name, stored, part) in [
            ("commission.pending", account.pending, Some(Part::Pending)),
            ("commission.available", account.available, Some(Part::Available)),
            ("commission.held", account.held, Some(Part::Held)),
            ("commission.debt", account.debt.amount, None),
        ] {
            self.amount(&user, name, stored.amount(), of(part).1);
        }
        let own = || all.commissions.values().filter(|commission| commission.beneficiary == user);
        let back = |one: &Commission| one.credited().amount().saturating_sub(one.left().amount());
        // A clawback due is either taken or owed; `debt` is zero or negative.
        let clawed_back = own().map(back).fold(debt, Decimal::saturating_add);
        self.amount(&user, "commission.clawed_back", account.clawed_back.amount(), clawed_back);
        let gone = |state| matches!(state, WithdrawalState::Done | WithdrawalState::Paid);
        let left = all.withdrawals.values().filter(|one| one.shop.is_none() && one.user == user && gone(one.state));
        let withdrawn = left.map(|one| one.amount.amount()).fold(Decimal::ZERO, Decimal::saturating_add);
        self.amount(&user, "commission.withdrawn", account.withdrawn.amount(), withdrawn);
    }

    fn affiliate_years(&mut self, all: &Snapshot) {
        let kept = all.all::<AffiliateYear>().map(|of| ((of.user, of.year), YearSums::from(of)));
        let mut kept: BTreeMap<_, _> = kept.collect();
        let says = years::by_entries(all);
        let at: BTreeSet<_> = kept.keys().chain(says.keys()).copied().collect();
        for (user, year) in at {
            let of = |sums: Option<YearSums>| sums.unwrap_or_default();
            let (is, says) = (of(kept.remove(&(user, year))), of(says.get(&(user, year)).copied()));
            self.is(&user, &format!("{year}.postings"), &is.postings, &says.postings);
            self.is(&user, &format!("{year}.payouts"), &is.payouts, &says.payouts);
            let names = ["earned", "taken_back", "paid_out", "to_balance"];
            for (name, (is, says)) in names.iter().zip(is.amounts.into_iter().zip(says.amounts)) {
                self.amount(&user, &format!("{year}.{name}"), is, says);
            }
        }
    }

    fn invitees(&mut self, all: &Snapshot) {
        let charges = referral::charges(all);
        for (user, bond) in all.users.values().filter_map(|user| Some((user, user.attribution.as_ref()?))) {
            let online = charges.get(&user.id).into_iter().flatten();
            let counted = online.filter(|(charge, _)| charge.currency() == bond.online_total.currency());
            let net = counted.map(|(_, net)| net.amount()).fold(Decimal::ZERO, Decimal::saturating_add);
            self.amount(&user.id, "online_total", bond.online_total.amount(), net);
        }
        let mut earned: BTreeMap<UserId, (u32, Decimal)> =
            all.earnings.keys().map(|invitee| (*invitee, (0, Decimal::ZERO))).collect();
        for commission in all.commissions.values().filter(|commission| commission.counts()) {
            let (orders, sum) = earned.entry(commission.invitee).or_default();
            (*orders, *sum) = (orders.saturating_add(1), sum.saturating_add(commission.left().amount()));
        }
        for (invitee, (orders, sum)) in earned {
            let stored = all.earnings.get(&invitee);
            self.is(&invitee, "earnings.orders", &stored.map_or(0, |stored| stored.orders), &orders);
            let stored = stored.map_or(Decimal::ZERO, |stored| stored.earned.amount());
            self.amount(&invitee, "earnings.earned", stored, sum);
        }
    }

    fn inviters(&mut self, all: &Snapshot) {
        let mut invited: BTreeMap<UserId, (u64, u64)> = all.counts.keys().map(|user| (*user, (0, 0))).collect();
        for bond in all.users.values().filter_map(|user| user.attribution.as_ref()) {
            let (invitees, _) = invited.entry(bond.inviter_for(Trigger::Registration)).or_default();
            *invitees = invitees.saturating_add(1);
            let (_, qualified) = invited.entry(bond.inviter_for(Trigger::Qualified)).or_default();
            *qualified = qualified.saturating_add(u64::from(bond.qualifies()));
        }
        for (inviter, (invitees, qualified)) in invited {
            let stored = all.counts.get(&inviter);
            self.is(&inviter, "invitees", &stored.map_or(0, |stored| stored.invitees), &invitees);
            self.is(&inviter, "qualified", &stored.map_or(0, |stored| stored.qualified), &qualified);
            let own = || all.rewards.values().filter(|one| one.side == Side::Inviter && one.beneficiary == inviter);
            let sum = |wanted: fn(RewardState) -> bool| -> Decimal {
                own().filter(|one| wanted(one.state)).map(|one| one.amount.amount()).sum()
            };
            let granted = own().filter(|one| one.state == RewardState::Granted);
            let rewarded: BTreeSet<UserId> = granted.map(|one| one.invitee).collect();
            self.is(&inviter, "rewarded", &stored.map_or(0, |stored| stored.rewarded), &rewarded.len());
            let is = stored.map_or(Decimal::ZERO, |stored| stored.earned.amount());
            self.amount(&inviter, "earned", is, sum(|state| state == RewardState::Granted));
            let is = stored.map_or(Decimal::ZERO, |stored| stored.pending.amount());
            self.amount(&inviter, "pending", is, sum(waits));
        }
    }

    fn orders(&mut self, all: &Snapshot) {
        let paying: BTreeMap<OrderId, &Payment> =
            all.payments.iter().filter_map(|payment| Some((payment.order?, payment))).collect();
        for order in all.orders.values().filter(|order| order.status.is_captured()) {
            let payment = paying.get(&order.id).copied();
            if let Ok(Some(left)) = payment.map(Payment::net).transpose().map(Option::flatten) {
                self.amount(&order.id, "net", order.net().amount(), left.amount());
            }
        }
    }

    fn codes(&mut self, all: &Snapshot) {
        let mut made: BTreeMap<BatchId, u64> = BTreeMap::new();
        for code in all.codes.values() {
            let there = made.entry(code.of.batch).or_default();
            *there = there.saturating_add(1);
        }
        for batch in all.batches.values() {
            let there = made.get(&batch.id).copied().unwrap_or_default();
            self.is(&batch.id, "created", &batch.created, &there);
        }
        let mut used: BTreeMap<(CodeHash, UsedAtKey), u64> = BTreeMap::new();
        for redemption in all.redemptions.values().filter(|redemption| redemption.undone.is_none()) {
            let uses = used.entry((redemption.code, place(redemption.counted))).or_default();
            *uses = uses.saturating_add(1);
        }
        for code in all.codes.values() {
            let uses = used.get(&(code.hash, place(UsedAt::Code))).copied().unwrap_or_default();
            self.is(&code.of, "used", &code.used, &uses);
        }
        for shard in &all.shards {
            let at = place(UsedAt::Shard(shard.shard));
            let uses = used.get(&(shard.hash, at)).copied().unwrap_or_default();
            let of = all.codes.get(&shard.hash).map_or_else(|| "a code".to_owned(), |code| code.of.to_string());
            self.is(&of, &format!("used.{}", shard.shard), &shard.used, &uses);
        }
    }

    fn agency(&mut self, all: &Snapshot) {
        let standing = || agency::standing(all);
        for shop in all.agency.shops.values() {
            let children = all.agency.shops.values().filter(|other| other.path.is_child_of(&shop.path)).count();
            self.is(&shop.id, "children", &shop.children, &children);
            let grants = standing().filter(|grant| grant.path == shop.path).count();
            self.is(&shop.id, "grants", &shop.grants, &grants);
        }
        for grant in standing() {
            let below = standing().filter(|other| other.series == grant.series && other.path.is_child_of(&grant.path));
            self.is(&grant.id, "children", &grant.children, &below.count());
        }
        for series in all.agency.series.values() {
            let grants = standing().filter(|grant| grant.series == series.id && grant.path.level() == 1).count();
            self.is(&series.id, "grants", &series.grants, &grants);
        }
        let sold = agency::Sold::of(all);
        let sellers: BTreeSet<_> = sold.sales.keys().chain(all.agency.sales.keys()).collect();
        for of in sellers {
            let stored = all.agency.sales.get(of).copied().unwrap_or_default();
            let sum = sold.sales.get(of).copied().unwrap_or_default();
            for (name, stored, sum) in
                [("own", stored.own, sum.own), ("self_and_sub", stored.self_and_sub, sum.self_and_sub)]
            {
                self.is(&of.0, &format!("sales.{}.{name}.count", of.1), &stored.count, &sum.count);
                self.amount(&of.0, &format!("sales.{}.{name}.amount", of.1), stored.amount, sum.amount);
            }
        }
        for asset in all.agency.assets.values() {
            let paid = sold.paid.get(&asset.id).copied().unwrap_or_default();
            self.amount(&asset.id, "progress.paid", asset.progress.paid, paid);
        }
    }

    /// Recomputes each entity's counted contribution, and the totals as their sum.
    fn statistics(&mut self, all: &Snapshot) {
        let counted: BTreeMap<&str, _> = all.counted.iter().map(|of| (of.subject.as_str(), &of.tallies)).collect();
        let mut sum = Tallies::new();
        let mut subjects: BTreeSet<String> = messages::told(all).collect();
        subjects.extend(counted.keys().map(|subject| (*subject).to_owned()));
        for subject in subjects {
            let held: Tallies = counted
                .get(subject.as_str())
                .into_iter()
                .flat_map(|tallies| tallies.iter())
                .map(|(name, text)| (name.clone(), Decimal::from_str_exact(text).unwrap_or_default()))
                .collect();
            let possible = messages::contributions(&subject, all).unwrap_or_default();
            // A promotion ends by time and a scan has no time, so accept both contributions.
            let right =
                if possible.contains(&held) { held.clone() } else { possible.into_iter().next().unwrap_or_default() };
            self.tallies(&subject, &held, &right);
            for (name, amount) in right {
                let total = sum.entry(name).or_default();
                *total = total.saturating_add(amount);
            }
        }
        self.tallies(&"totals", &all.totals, &sum);
    }

    fn tallies(&mut self, subject: &impl ToString, stored: &Tallies, recomputed: &Tallies) {
        let names: BTreeSet<&String> = stored.keys().chain(recomputed.keys()).collect();
        for name in names {
            let of = |tallies: &Tallies| tallies.get(name).copied().unwrap_or_default();
            self.amount(subject, name, of(stored), of(recomputed));
        }
    }
}

/// Sortable form of the place a use is counted.
type UsedAtKey = (u8, u8);

fn place(of: UsedAt) -> UsedAtKey {
    match of {
        UsedAt::Code => (0, 0),
        UsedAt::Shard(shard) => (1, shard),
        UsedAt::Nowhere => (2, 0),
    }
}

/// Number and sum of the matching lines.
fn summed(postings: &[&JournalEntry], fits: impl Fn(&Line) -> bool) -> (usize, Decimal) {
    let fitting = postings.iter().flat_map(|posting| &posting.entries).filter(|entry| fits(entry));
    fitting.fold((0, Decimal::ZERO), |(count, sum), entry| {
        (count.saturating_add(1), sum.saturating_add(entry.amount.amount()))
    })
}
