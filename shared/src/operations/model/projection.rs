//! Projection: contributions of each entity to the platform's totals (R9.2, R3.10).
//!
//! Names are dotted. `day.{YYYY-MM-DD}.` is the prefix of a day's totals (UTC). Amounts in pay currency end with their currency,
//! since that may change; all other amounts are in ledger currency. A zero contribution is left out.
//!
//! | name | of | contribution |
//! | --- | --- | --- |
//! | `users`, `day.*.users` | user | 1; of no day if the account moved in from another system (R13.1) |
//! | `referrals.relations`, `day.*.referrals.relations` | user | 1 for an invitee; of no day if the referral moved in |
//! | `invite.{code}.invitees` | user | 1 for an invitee, for the invite code used |
//! | `referrals.qualified`, `day.*.referrals.qualified` | user | 1 for a qualified invitee, on the day the threshold was reached |
//! | `promotions.{active\|used\|expired}` | user | 1 |
//! | `promotions.tier.{n}.{count\|bonus}` | user | 1 and the bonus, for a promotion used in the tier |
//! | `liabilities.{balance\|debt}` | user | balance; debt |
//! | `expiring.{month}.{bonus\|reward\|code}` | user | unspent part of the credit lots that expire in the month |
//! | `credit.expired` | user | granted credit that expired, less what was taken back of it since |
//! | `orders.{status}.count` | order | 1 |
//! | `orders.{charge.{CUR}\|credit\|bonus}` | order | original amounts of a captured order, before refunds |
//! | `orders.returned.{CUR}` | order | refunded and disputed part of the charge, by its net (R4.11) |
//! | `orders.reversed` | order | reversed part of credit and bonus |
//! | `day.*.{provider}.{orders\|charge.{CUR}\|credit\|bonus\|returned.{CUR}\|reversed}` | order | the same, on the day of the capture |
//! | `commissions.{count\|earned\|reversed}`, also `day.*` | commission | 1; accrued amount; reversed amount, and what was posted below zero |
//! | `invite.{code}.earned` | commission | what remains of it, for the code that its invitee used |
//! | `liabilities.commission.{pending\|available\|held\|debt}` | commission account | its parts and its debt |
//! | `withdrawals.{state}.{count\|amount}` | withdrawal of a user | 1; amount |
//! | `day.*.withdrawals.{balance\|cash}` | withdrawal of a user | amount of a completed one, on the day of its completion |
//! | `agency.withdrawals.{state}.{count\|amount.{CUR}}` | withdrawal of a shop | 1; amount |
//! | `day.*.agency.withdrawn.{CUR}` | withdrawal of a shop | amount of a paid one, on the day of its payment |
//! | `redemptions.{plan\|balance}`, also `day.*` | redemption | 1, unless it was undone |
//! | `redemptions.undone` | redemption | 1 if it was undone |
//! | `redemptions.credit`, also `day.*` | redemption | credited amount |
//! | `code.{bat}.{ordinal}.uses` | redemption | 1, for an unlimited code |
//! | `code.{bat}.uses` | redemption | 1, for a limited code of the batch |
//! | `codes.issued` | batch | its codes, once all exist |
//! | `codes.outstanding` | batch, code, redemption | remaining uses of limited codes: + uses by the batch's terms, ± edits and deletion of a code, − 1 per redemption |
//! | `agency.{sales.count\|sales.{CUR}\|returned.{CUR}}`, also `day.*` | agency order | 1 for a settled order; its price; refunded part of it |
//! | `agency.{commission\|platform}.{CUR}`, also `day.*` | agency order | commission of its levels; the platform's part of the pool |
//! | `liabilities.agency.assets.{CUR}` | agency order | what it added to its asset's balance, less what it took |
//! | `liabilities.agency.{main\|commission\|held\|debt}.{CUR}` | wallet | main balance; commission balance; held for cash; debt of the commission account |
//! | `rewards.{state}.count` | reward | 1 |
//! | `rewards.granted_to_{inviters\|invitees}`, also `day.*` | reward | amount of a granted reward |
//! | `rewards.pending` | reward | amount of a reward that waits to be granted |

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::account::model::credit_lot::CreditLot;
use crate::account::model::user::User;
use crate::affiliate::model::commission::{Commission, CommissionAccount};
use crate::affiliate::model::withdrawal::{Withdrawal, WithdrawalState};
use crate::agency::model::order::AgencyOrder;
use crate::agency::model::wallet::Wallet;
use crate::operations::model::metrics::Tallies;
use crate::payment::model::order::Order;
use crate::payment::model::payment::target;
use crate::payment::model::promotion::{Promotion, PromotionStatus};
use crate::redemption::model::code::{Batch, Benefit, Code};
use crate::redemption::model::redemption::{CountedOn, Redemption};
use crate::referral::model::reconcile::waits;
use crate::referral::model::referral::{Referral, Reward, RewardState, Side, Trigger};
use kernel::money::LedgerMoney;
use kernel::month::Month;

/// Contribution of a user with all their credit lots; `now` decides if a promotion is over (R5.5).
pub fn of_user(user: &User, lots: &[CreditLot], now: Timestamp) -> Tallies {
    let mut tallies = Tallies::new();
    match &user.imported {
        // Whoever moved in signed up nowhere here.
        Some(_) => put(&mut tallies, "users", Decimal::ONE),
        None => both(&mut tallies, user.created_at, "users", Decimal::ONE),
    }
    if let Some(attribution) = &user.attribution {
        match attribution.imported {
            true => put(&mut tallies, "referrals.relations", Decimal::ONE),
            false => both(&mut tallies, attribution.bound_at, "referrals.relations", Decimal::ONE),
        }
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
    of_lots(&mut tallies, user, lots);
    tallies
}

/// Unspent part of credit lots by the month in which they expire, and what expired of them (R12.4).
fn of_lots(tallies: &mut Tallies, user: &User, lots: &[CreditLot]) {
    let spent =
        user.accounts.lots.map_or_else(|| LedgerMoney::zero(user.accounts.balance().currency()), |lots| lots.spent);
    // Sums within the account's, which fit; the auditor would report the difference (L9).
    let add = |tallies: &mut Tallies, name: String, amount: LedgerMoney| {
        let before = tallies.get(&name).copied().unwrap_or_default();
        put(tallies, name, before.saturating_add(amount.amount()));
    };
    for (lot, left) in CreditLot::unspent(lots.to_vec(), spent).unwrap_or_default() {
        add(tallies, format!("expiring.{}.{}", Month::of(lot.expires_at), lot.kind), left);
    }
    for lot in lots {
        add(tallies, "credit.expired".to_owned(), lot.expired);
    }
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

/// Contribution of an order. Its day is that of the capture.
pub fn of_order(order: &Order) -> Tallies {
    let mut tallies = Tallies::new();
    put(&mut tallies, format!("orders.{}.count", order.status.as_str()), Decimal::ONE);
    if order.status.is_captured() {
        let charge = format!("charge.{}", order.charge.currency());
        let (returned, back) = (format!("returned.{}", order.charge.currency()), gone(order));
        let [credit, bonuses @ ..] = order.parts().map(LedgerMoney::amount);
        let sums = [
            (returned.as_str(), back.map_or(Decimal::ZERO, |(money, _)| money)),
            ("reversed", back.map_or(Decimal::ZERO, |(_, ledger)| ledger)),
            (charge.as_str(), order.charge.amount()),
            ("credit", credit),
            // Within AMOUNT_MAX by the checks of every posting.
            ("bonus", bonuses.into_iter().fold(Decimal::ZERO, |sum, bonus| sum.saturating_add(bonus))),
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

/// Refunded or disputed part of an order's charge, and reversed part of its credit and bonuses.
///
/// `None` on overflow, which no paid order can cause; the auditor would report the difference (P1).
fn gone(order: &Order) -> Option<(Decimal, Decimal)> {
    let net = order.net();
    let lost = |whole: LedgerMoney| whole.minus(target(whole, net, order.charge).ok()?).ok();
    let nothing = LedgerMoney::zero(order.credit.currency());
    let reversed = order.parts().map(lost).into_iter().try_fold(nothing, |sum, part| sum.plus(part?).ok())?;
    Some((order.charge.minus(net).ok()?.amount(), reversed.amount()))
}

/// Contribution of a reward.
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

/// Contribution of a commission; `bond` is the referral of its invitee, whose code is its first inviter's.
pub fn of_commission(commission: &Commission, bond: Option<&Referral>) -> Tallies {
    let mut tallies = Tallies::new();
    let (at, earned) = (commission.created_at, commission.credited());
    both(&mut tallies, at, "commissions.count", Decimal::ONE);
    both(&mut tallies, at, "commissions.earned", earned.amount());
    let back = earned.minus(commission.left()).map_or(Decimal::ZERO, LedgerMoney::amount);
    both(&mut tallies, at, "commissions.reversed", back);
    let first = |bond: &&Referral| bond.inviter_for(Trigger::Registration) == commission.beneficiary;
    if let Some(code) = bond.filter(|_| commission.counts()).filter(first).map(|bond| &bond.code) {
        put(&mut tallies, format!("invite.{code}.earned"), commission.left().amount());
    }
    tallies
}

/// Contribution of a commission account.
///
/// Commission whose hold is over counts as available once its release is journaled.
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

/// Contribution of a withdrawal.
pub fn of_withdrawal(withdrawal: &Withdrawal) -> Tallies {
    let mut tallies = Tallies::new();
    let state = withdrawal.state.as_str();
    if withdrawal.shop.is_some() {
        let (amount, currency) = (withdrawal.amount.amount(), withdrawal.amount.currency());
        put(&mut tallies, format!("agency.withdrawals.{state}.count"), Decimal::ONE);
        put(&mut tallies, format!("agency.withdrawals.{state}.amount.{currency}"), amount);
        if let (WithdrawalState::Paid, Some(at)) = (withdrawal.state, withdrawal.settled_at) {
            put(&mut tallies, format!("{}.agency.withdrawn.{currency}", day(at)), amount);
        }
        return tallies;
    }
    put(&mut tallies, format!("withdrawals.{state}.count"), Decimal::ONE);
    put(&mut tallies, format!("withdrawals.{state}.amount"), withdrawal.amount.amount());
    if let (WithdrawalState::Done | WithdrawalState::Paid, Some(at)) = (withdrawal.state, withdrawal.settled_at) {
        put(&mut tallies, format!("{}.withdrawals.{}", day(at), withdrawal.to.as_str()), withdrawal.amount.amount());
    }
    tallies
}

/// Contribution of a batch of redemption codes.
pub fn of_batch(batch: &Batch) -> Tallies {
    let mut tallies = Tallies::new();
    if batch.redeemable > 0 {
        let codes = Decimal::from(batch.redeemable);
        put(&mut tallies, "codes.issued", codes);
        // Cannot overflow: at most 10 000 codes, and `total_uses` is bounded.
        let uses = codes.checked_mul(Decimal::from(batch.terms.total_uses)).unwrap_or_default();
        put(&mut tallies, "codes.outstanding", uses);
    }
    tallies
}

/// Contribution of a code: the difference between its uses and those of its batch's terms.
///
/// An edit changes its total; a deleted code counts only its `taken` uses.
pub fn of_code(code: &Code, batch: &Batch, taken: u64) -> Tallies {
    let mut tallies = Tallies::new();
    let total = if code.deleted && !code.terms.unlimited() { taken } else { code.terms.total_uses };
    let more = Decimal::from(total).checked_sub(Decimal::from(batch.terms.total_uses)).unwrap_or_default();
    put(&mut tallies, "codes.outstanding", more);
    tallies
}

/// Contribution of a redemption.
///
/// It is not a purchase, so it adds nothing to orders or referrals (R7.6).
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
        CountedOn::Code | CountedOn::Shard(_) => {
            put(&mut tallies, "codes.outstanding", Decimal::NEGATIVE_ONE);
            put(&mut tallies, format!("code.{}.uses", redemption.of.batch), Decimal::ONE);
        }
    }
    tallies
}

/// Contribution of an agency order, once it is settled. Its day is that of the payment.
pub fn of_agency_order(order: &AgencyOrder) -> Tallies {
    let mut tallies = Tallies::new();
    let Some(outcome) = &order.outcome else { return tallies };
    let (at, currency) = (order.paid_at.unwrap_or(order.created_at), order.amount.currency());
    // A settled order cannot overflow here; the auditor would report the difference (C4).
    let part = |whole: Decimal| order.part(whole, outcome.net).unwrap_or_default();
    let shares = outcome.shares.iter().flat_map(|share| [share.one_time, share.difference]);
    let returned = order.amount.amount().checked_sub(outcome.net).unwrap_or_default();
    both(&mut tallies, at, "agency.sales.count", Decimal::ONE);
    both(&mut tallies, at, &format!("agency.sales.{currency}"), order.amount.amount());
    both(&mut tallies, at, &format!("agency.returned.{currency}"), returned);
    both(&mut tallies, at, &format!("agency.commission.{currency}"), shares.map(part).sum());
    both(&mut tallies, at, &format!("agency.platform.{currency}"), order.platform_part(outcome).unwrap_or_default());
    let on_asset = order.asset_part(outcome).unwrap_or_default();
    put(&mut tallies, format!("liabilities.agency.assets.{currency}"), on_asset);
    tallies
}

/// Contribution of a shop's wallet.
pub fn of_wallet(wallet: &Wallet) -> Tallies {
    let mut tallies = Tallies::new();
    let parts = [
        ("main", wallet.main.balance()),
        ("commission", wallet.commission.balance()),
        ("held", wallet.held()),
        ("debt", wallet.commission.owed()),
    ];
    for (part, amount) in parts {
        put(&mut tallies, format!("liabilities.agency.{part}.{}", amount.currency()), amount.amount());
    }
    tallies
}

/// Adds to a total and to the total of the day.
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
