//! Contributions: what one user, order or reward adds to the platform's totals (R9.2, R3.10).
//!
//! Names are dotted. `day.{YYYY-MM-DD}.` leads what counts for a day (UTC); amounts in pay currency end with their currency,
//! as that may change; all other amounts are in ledger currency. What a thing does not contribute to is left out.
//!
//! | name | of | what |
//! | --- | --- | --- |
//! | `users`, `day.*.users` | user | one |
//! | `referrals.relations`, `day.*.referrals.relations` | user | one for an invitee |
//! | `invite.{code}.invitees` | user | one for an invitee, of the code that brought them |
//! | `referrals.qualified`, `day.*.referrals.qualified` | user | one for an invitee at the threshold, on the day it was reached |
//! | `promotions.{active\|used\|expired}` | user | one |
//! | `promotions.tier.{n}.{count\|bonus}` | user | a promotion that was used in the tier |
//! | `liabilities.{balance\|debt}` | user | what is owed to them, and by them |
//! | `orders.{status}.count` | order | one |
//! | `orders.{charge.{CUR}\|credit\|bonus}` | order | of one whose money was taken, whatever went back since |
//! | `orders.returned.{CUR}` | order | what of its charge went back or is disputed, by its net (R4.11) |
//! | `orders.reversed` | order | what of credit and bonus was taken back for it |
//! | `day.*.{provider}.{orders\|charge.{CUR}\|credit\|bonus\|returned.{CUR}\|reversed}` | order | the same on the day it was taken |
//! | `commissions.{count\|earned\|reversed}`, also `day.*` | commission | one, what it earned, what of that was taken back |
//! | `liabilities.commission.{pending\|available\|held\|debt}` | commission account | its parts, and what it owes |
//! | `withdrawals.{state}.{count\|amount}` | withdrawal | one |
//! | `day.*.withdrawals.{balance\|cash}` | withdrawal | of one that left the account, on the day it did |
//! | `redemptions.{plan\|balance}`, also `day.*` | redemption | one, unless it was taken back |
//! | `redemptions.undone` | redemption | one that was taken back |
//! | `redemptions.credit`, also `day.*` | redemption | what it credited |
//! | `code.{bat}.{ordinal}.uses` | redemption | one, of an unlimited code |
//! | `codes.issued` | batch | its codes, once all are there |
//! | `codes.outstanding` | batch, code, redemption | uses that limited codes have left: those of the batch's terms, what edits and deletion make of them, less one |
//! | `agency.{sales.count\|sales.{CUR}\|returned.{CUR}}`, also `day.*` | agency order | one that was settled, its price, what of that went back |
//! | `agency.{commission\|platform}.{CUR}`, also `day.*` | agency order | what its levels earn, and what the platform keeps of the pool |
//! | `liabilities.agency.{main\|commission\|debt}.{CUR}` | wallet | what a shop can spend, what it earned, what it owes |
//! | `rewards.{state}.count` | reward | one |
//! | `rewards.granted_to_{inviters\|invitees}`, also `day.*` | reward | its amount, once granted |
//! | `rewards.pending` | reward | its amount while it is promised but not there |

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::account::model::user::User;
use crate::affiliate::model::commission::{Commission, CommissionAccount};
use crate::affiliate::model::withdrawal::{Withdrawal, WithdrawalState};
use crate::agency::model::order::AgencyOrder;
use crate::agency::model::wallet::Wallet;
use crate::operations::model::metrics::Tallies;
use crate::payment::model::order::Order;
use crate::payment::model::payment::target;
use crate::payment::model::promotion::{Promotion, PromotionStatus};
use crate::redemption::model::code::{Batch, BatchState, Benefit, Code};
use crate::redemption::model::redemption::{CountedOn, Redemption};
use crate::referral::model::reconcile::waits;
use crate::referral::model::referral::{Reward, RewardState, Side};
use kernel::money::LedgerMoney;

/// What a user contributes at `now`, which decides whether a promotion is over (R5.5).
pub fn of_user(user: &User, now: Timestamp) -> Tallies {
    let mut tallies = Tallies::new();
    let registered = user.created_at;
    both(&mut tallies, registered, "users", Decimal::ONE);
    if let Some(attribution) = &user.attribution {
        both(&mut tallies, registered, "referrals.relations", Decimal::ONE);
        put(&mut tallies, format!("invite.{}.invitees", attribution.code), Decimal::ONE);
        if let Some(at) = attribution.qualified() {
            both(&mut tallies, at, "referrals.qualified", Decimal::ONE);
        }
    }
    if let Some(promotion) = &user.promotion {
        of_promotion(&mut tallies, promotion, now);
    }
    put(&mut tallies, "liabilities.balance", user.accounts.balance().amount());
    put(&mut tallies, "liabilities.debt", user.accounts.owed().amount());
    tallies
}

fn of_promotion(tallies: &mut Tallies, promotion: &Promotion, now: Timestamp) {
    let status = match promotion.status(now) {
        PromotionStatus::None => return,
        PromotionStatus::Active => "active",
        PromotionStatus::Used => "used",
        PromotionStatus::Expired => "expired",
    };
    put(tallies, format!("promotions.{status}"), Decimal::ONE);
    if let Some(used) = &promotion.used {
        put(tallies, format!("promotions.tier.{}.count", used.tier), Decimal::ONE);
        put(tallies, format!("promotions.tier.{}.bonus", used.tier), used.bonus.amount());
    }
}

/// What an order contributes. Its day is that on which the provider took the money.
pub fn of_order(order: &Order) -> Tallies {
    let mut tallies = Tallies::new();
    put(&mut tallies, format!("orders.{}.count", order.status.as_str()), Decimal::ONE);
    if order.status.is_captured() {
        let charge = format!("charge.{}", order.charge.currency());
        let (returned, back) = (format!("returned.{}", order.charge.currency()), gone(order));
        let sums = [
            (returned.as_str(), back.map_or(Decimal::ZERO, |(money, _)| money)),
            ("reversed", back.map_or(Decimal::ZERO, |(_, ledger)| ledger)),
            (charge.as_str(), order.charge.amount()),
            ("credit", order.credit.amount()),
            ("bonus", order.bonus.map_or(Decimal::ZERO, |bonus| bonus.amount())),
        ];
        let provider = format!("{}.{}", day(order.paid_at.unwrap_or(order.created_at)), order.provider.as_str());
        put(&mut tallies, format!("{provider}.orders"), Decimal::ONE);
        for (name, amount) in sums {
            put(&mut tallies, format!("orders.{name}"), amount);
            put(&mut tallies, format!("{provider}.{name}"), amount);
        }
    }
    tallies
}

/// What went back of an order's charge, and what was taken back of its credit and bonus for it. Nothing of an order that was
/// paid can overflow here; if it did, its totals would be off by what the auditor names (P1).
fn gone(order: &Order) -> Option<(Decimal, Decimal)> {
    let net = order.net();
    let lost = |whole: LedgerMoney| whole.minus(target(whole, net, order.charge).ok()?).ok();
    let bonus = order.bonus.unwrap_or(LedgerMoney::zero(order.credit.currency()));
    let reversed = lost(order.credit)?.plus(lost(bonus)?).ok()?;
    Some((order.charge.minus(net).ok()?.amount(), reversed.amount()))
}

/// What a reward contributes.
pub fn of_reward(reward: &Reward) -> Tallies {
    let mut tallies = Tallies::new();
    put(&mut tallies, format!("rewards.{}.count", reward.state.as_str()), Decimal::ONE);
    let amount = reward.amount.amount();
    if waits(reward.state) {
        put(&mut tallies, "rewards.pending", amount);
    }
    if reward.state == RewardState::Granted {
        let side = match reward.side {
            Side::Inviter => "rewards.granted_to_inviters",
            Side::Invitee => "rewards.granted_to_invitees",
        };
        both(&mut tallies, reward.granted_at.unwrap_or(reward.created_at), side, amount);
    }
    tallies
}

/// What a commission contributes.
pub fn of_commission(commission: &Commission) -> Tallies {
    let mut tallies = Tallies::new();
    let (at, earned) = (commission.created_at, commission.amount);
    both(&mut tallies, at, "commissions.count", Decimal::ONE);
    both(&mut tallies, at, "commissions.earned", earned.amount());
    let back = earned.minus(commission.left()).map_or(Decimal::ZERO, LedgerMoney::amount);
    both(&mut tallies, at, "commissions.reversed", back);
    tallies
}

/// What a commission account contributes. What has matured by time alone counts as available once its journal is written.
pub fn of_account(account: &CommissionAccount) -> Tallies {
    let mut tallies = Tallies::new();
    let parts = [
        ("pending", account.pending),
        ("available", account.available),
        ("held", account.held),
        ("debt", account.owed()),
    ];
    for (part, amount) in parts {
        put(&mut tallies, format!("liabilities.commission.{part}"), amount.amount());
    }
    tallies
}

/// What a withdrawal contributes.
pub fn of_withdrawal(withdrawal: &Withdrawal) -> Tallies {
    let mut tallies = Tallies::new();
    let state = withdrawal.state.as_str();
    put(&mut tallies, format!("withdrawals.{state}.count"), Decimal::ONE);
    put(&mut tallies, format!("withdrawals.{state}.amount"), withdrawal.amount.amount());
    if let (WithdrawalState::Done | WithdrawalState::Paid, Some(at)) = (withdrawal.state, withdrawal.settled_at) {
        put(&mut tallies, format!("{}.withdrawals.{}", day(at), withdrawal.to.as_str()), withdrawal.amount.amount());
    }
    tallies
}

/// What a batch of redemption codes contributes.
pub fn of_batch(batch: &Batch) -> Tallies {
    let mut tallies = Tallies::new();
    if batch.state == BatchState::Ready {
        let codes = Decimal::from(batch.created);
        put(&mut tallies, "codes.issued", codes);
        // Ten thousand codes of any total there can be are far from overflowing.
        let uses = codes.checked_mul(Decimal::from(batch.terms.total_uses)).unwrap_or_default();
        put(&mut tallies, "codes.outstanding", uses);
    }
    tallies
}

/// What a code contributes beside its batch: what an edit added to its total or took off, and once it is deleted nothing but its `taken`
/// uses is left of that.
pub fn of_code(code: &Code, batch: &Batch, taken: u64) -> Tallies {
    let mut tallies = Tallies::new();
    let total = if code.deleted && !code.terms.unlimited() { taken } else { code.terms.total_uses };
    let more = Decimal::from(total).checked_sub(Decimal::from(batch.terms.total_uses)).unwrap_or_default();
    put(&mut tallies, "codes.outstanding", more);
    tallies
}

/// What a redemption contributes. It is no purchase: nothing of it touches orders or referrals (R7.6).
pub fn of_redemption(redemption: &Redemption) -> Tallies {
    let mut tallies = Tallies::new();
    if redemption.undone.is_some() {
        put(&mut tallies, "redemptions.undone", Decimal::ONE);
        return tallies;
    }
    let at = redemption.redeemed_at;
    let kind = match redemption.benefit {
        Benefit::Plan { .. } => "redemptions.plan",
        Benefit::Balance { .. } => "redemptions.balance",
    };
    both(&mut tallies, at, kind, Decimal::ONE);
    if let Some(credit) = redemption.credit {
        both(&mut tallies, at, "redemptions.credit", credit.amount());
    }
    match redemption.counted {
        CountedOn::Nowhere => put(&mut tallies, format!("code.{}.uses", redemption.of), Decimal::ONE),
        CountedOn::Code | CountedOn::Shard(_) => put(&mut tallies, "codes.outstanding", Decimal::NEGATIVE_ONE),
    }
    tallies
}

/// What an agency order contributes once it is settled. Its day is that on which it was paid.
pub fn of_agency_order(order: &AgencyOrder) -> Tallies {
    let mut tallies = Tallies::new();
    let Some(outcome) = &order.outcome else { return tallies };
    let (at, currency) = (order.paid_at.unwrap_or(order.created_at), order.amount.currency());
    // Nothing of an order that was settled can overflow here; if it did, its totals would be off by what the auditor names (C4).
    let part = |whole: Decimal| order.part(whole, outcome.net).unwrap_or_default();
    let shares = outcome.shares.iter().flat_map(|share| [share.one_time, share.difference]);
    let returned = order.amount.amount().checked_sub(outcome.net).unwrap_or_default();
    both(&mut tallies, at, "agency.sales.count", Decimal::ONE);
    both(&mut tallies, at, &format!("agency.sales.{currency}"), order.amount.amount());
    both(&mut tallies, at, &format!("agency.returned.{currency}"), returned);
    both(&mut tallies, at, &format!("agency.commission.{currency}"), shares.map(part).sum());
    both(&mut tallies, at, &format!("agency.platform.{currency}"), part(outcome.platform));
    tallies
}

/// What a shop's wallet contributes.
pub fn of_wallet(wallet: &Wallet) -> Tallies {
    let mut tallies = Tallies::new();
    let parts = [
        ("main", wallet.main.balance()),
        ("commission", wallet.commission.balance()),
        ("debt", wallet.commission.owed()),
    ];
    for (part, amount) in parts {
        put(&mut tallies, format!("liabilities.agency.{part}.{}", amount.currency()), amount.amount());
    }
    tallies
}

/// Adds to a total and to that of a day.
fn both(tallies: &mut Tallies, at: Timestamp, name: &str, amount: Decimal) {
    put(tallies, name, amount);
    put(tallies, format!("{}.{name}", day(at)), amount);
}

fn put(tallies: &mut Tallies, name: impl Into<String>, amount: Decimal) {
    if !amount.is_zero() {
        tallies.insert(name.into(), amount);
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("day.%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests;
