//! O1, O2, O4: no messages wait at rest, each has its cause, and statistics match the entities.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::affiliate::model::commission::{Commission, CommissionAccount};
use crate::affiliate::model::withdrawal::Withdrawal;
use crate::agency::model::order::AgencyOrder;
use crate::agency::model::wallet::Wallet;
use crate::message::{MailKind, Message};
use crate::operations::auditor::{Finding, Snapshot};
use crate::operations::model::alarm::Alarm;
use crate::operations::model::metrics::{ProjectedMetrics, Tallies};
use crate::operations::model::projection::{
    of_account, of_agency_order, of_batch, of_code, of_commission, of_order, of_redemption, of_reward, of_user,
    of_wallet, of_withdrawal,
};
use crate::payment::model::order::{Order, OrderStatus};
use crate::redemption::model::code::{Batch, Code};
use crate::redemption::model::code_text::CodeHash;
use crate::redemption::model::redemption::Redemption;
use crate::referral::model::referral::{Referral, Reward, Trigger};
use crate::risk::model::case::RiskCase;
use kernel::fault::Chain;
use kernel::id::{AgencyOrderId, BatchId, CommissionId, OrderId, RewardId, ShopId, SignupId, UserId, WithdrawalId};

/// Checks the outbox and the statistics projection.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    for outbox in &snapshot.outbox {
        findings.push(Finding::new("O1", outbox.id, "was not sent"));
        for message in &outbox.messages {
            match serde_json::from_value::<Message>(message.clone()) {
                Ok(message) if has_cause(&message, snapshot) => {}
                Ok(message) => {
                    let detail = format!("promises what was not committed: {message:?}");
                    findings.push(Finding::new("O2", outbox.id, detail));
                }
                Err(error) => findings.push(Finding::new("D1", outbox.id, Chain(&error).to_string())),
            }
        }
    }
    for counted in &snapshot.counted {
        check_counted(counted, snapshot, &mut findings);
    }
    check_complete(snapshot, &mut findings);
    check_totals(snapshot, &mut findings);
    findings.dedup();
    findings
}

/// True if the change that the message reports was committed.
fn has_cause(message: &Message, all: &Snapshot) -> bool {
    let is_order = |id: &OrderId, fits: fn(OrderStatus) -> bool| all.orders.get(id).is_some_and(|o| fits(o.status));
    match message {
        // An inviter may have been named since.
        Message::UserRegistered { user, inviter: None, .. } => {
            all.users.get(user).is_some_and(|user| !is_bound_early(user))
        }
        Message::UserImported { user } => all.users.get(user).is_some_and(|user| user.imported.is_some()),
        Message::UserRegistered { user, inviter: Some(inviter), .. }
        | Message::ReferralImported { user, inviter }
        | Message::InviterNamed { user, inviter, .. } => {
            bond_of(all, user).is_some_and(|bond| bond.inviter_for(Trigger::Registration) == *inviter)
        }
        Message::InviterChanged { user, .. } | Message::ChargeCounted { user, .. } => bond_of(all, user).is_some(),
        Message::OrderPaid { order, user, inviter } | Message::OrderNetChanged { order, user, inviter, .. } => {
            let Some(found) = all.orders.get(order).filter(|order| order.user == *user) else { return false };
            let bound = bond_of(all, user).and_then(|bond| bond.inviter_of(found));
            is_order(order, OrderStatus::is_captured) && bound == *inviter
        }
        Message::PurchaseNetChanged { purchase, user, inviter } => {
            let bought = all.purchases.get(purchase).and_then(|purchase| purchase.bought.as_ref());
            bought.is_some_and(|bought| bought.user == *user && bought.inviter == Some(*inviter))
        }
        Message::SecondLevelDue { order, user, .. } => {
            all.commissions.get(order).is_some_and(|commission| commission.counts() && commission.invitee == *user)
        }
        Message::OrderClosed { order } => is_order(order, |status| status != OrderStatus::Pending),
        Message::PromotionExpired { user }
        | Message::PromotionEnrolled { user }
        | Message::PromotionEnding { user } => all.users.get(user).is_some_and(|user| user.promotion.is_some()),
        Message::BalanceChanged { user } => all.postings.iter().any(|posting| posting.user() == Some(*user)),
        Message::RewardSettled { reward, beneficiary, .. } | Message::RewardRetried { reward, beneficiary } => {
            all.rewards.get(reward).is_some_and(|reward| reward.beneficiary == *beneficiary)
        }
        Message::ReviewOpened { review } => all.reviews.iter().any(|of| of.id == *review),
        Message::AlarmChanged { alarm, .. } => all.all::<Alarm>().any(|of| of.name == *alarm),
        Message::RiskCaseOpened { invitee } => all.all::<RiskCase>().any(|case| case.invitee == *invitee),
        Message::RiskCaseDecided { invitee, inviter } => all
            .all::<RiskCase>()
            .any(|case| (case.invitee, case.inviter) == (*invitee, *inviter) && case.decision.is_some()),
        Message::CommissionSettled { order, beneficiary, .. } => {
            all.commissions.get(order).is_some_and(|commission| commission.beneficiary == *beneficiary)
        }
        Message::WithdrawalStateChanged { withdrawal, user, shop, .. } => {
            all.withdrawals.get(withdrawal).is_some_and(|of| (&of.user, &of.shop) == (user, shop))
        }
        Message::AgencyOrderNetChanged { order, tree } => {
            all.agency.orders.get(order).is_some_and(|order| order.tree() == *tree)
        }
        Message::AgencyOrderSettled { order, .. } => all.agency.orders.contains_key(order),
        Message::WalletChanged { shop } => all.agency.wallets.contains_key(shop),
        Message::GrantTermsTightened { series, .. } => all.agency.series.contains_key(series),
        Message::BatchStarted { batch } => all.batches.contains_key(batch),
        Message::BatchReady { batch } => all.batches.get(batch).is_some_and(|batch| batch.redeemable > 0),
        Message::RedemptionCompleted { user, code, number } => {
            all.redemptions.contains_key(&Redemption::key(*user, *code, *number).pk)
        }
        Message::SignalLeft { user, others, .. } => {
            all.users.contains_key(user) && others.iter().all(|other| all.users.contains_key(other))
        }
        Message::UserErased { user } => all.users.get(user).is_some_and(|user| user.status == Status::Erased),
        Message::CodeChanged { code, hash } => all.codes.get(hash).is_some_and(|changed| changed.of == *code),
        Message::RedemptionUndone { user, code, number } => {
            let redemption = all.redemptions.get(&Redemption::key(*user, *code, *number).pk);
            redemption.is_some_and(|redemption| redemption.undone.is_some())
        }
        Message::Mail { mail, subject, .. } => mail_has_a_cause(all, *mail, subject.as_deref()),
    }
}

/// A mail is about a sign-up or a user; anybody may ask for the others, for any address.
fn mail_has_a_cause(all: &Snapshot, mail: MailKind, subject: Option<&str>) -> bool {
    match mail {
        MailKind::Verification => subject.and_then(SignupId::parse).is_some_and(|id| all.signups.contains(&id)),
        MailKind::EmailChange
        | MailKind::EmailChangeNotice
        | MailKind::SecondFactorSet
        | MailKind::SecondFactorRemoved
        | MailKind::RecoveryCodeUsed => subject.and_then(UserId::parse).is_some_and(|id| all.users.contains_key(&id)),
        MailKind::PasswordReset | MailKind::Challenge => subject.is_none(),
    }
}

/// Tests whether a user signed up with an inviter.
fn is_bound_early(user: &User) -> bool {
    user.attribution.as_ref().is_some_and(|bond| !bond.late)
}

/// Referral of a user, if any.
fn bond_of<'a>(all: &'a Snapshot, user: &UserId) -> Option<&'a Referral> {
    all.users.get(user)?.attribution.as_ref()
}

/// Checks that an entity's counted contribution matches its state.
///
/// A scan has no time, so a promotion may count as active or as expired.
fn check_counted(counted: &ProjectedMetrics, all: &Snapshot, findings: &mut Vec<Finding>) {
    let Some(possible) = contributions(&counted.subject, all) else {
        findings.push(Finding::new("O2", &counted.subject, "is counted and does not exist"));
        return;
    };
    let held: Option<Tallies> = counted
        .tallies
        .iter()
        .map(|(name, amount)| Some((name.clone(), Decimal::from_str_exact(amount).ok()?)))
        .collect();
    if held.is_none_or(|held| !possible.contains(&held)) {
        let detail = format!("is counted as {:?}, and contributes {possible:?}", counted.tallies);
        findings.push(Finding::new("O4", &counted.subject, detail));
    }
}

/// Possible contributions of an entity; `None` if it does not exist.
pub(super) fn contributions(subject: &str, all: &Snapshot) -> Option<Vec<Tallies>> {
    match subject.split_once('#')? {
        ("USER", id) => {
            let user = all.users.get(&UserId::parse(id)?)?;
            let lots = all.lots.get(&user.id).map(Vec::as_slice).unwrap_or_default();
            Some([Timestamp::MIN, Timestamp::MAX].map(|now| of_user(user, lots, now)).into())
        }
        ("ORDER", id) => all.orders.get(&OrderId::parse(id)?).map(|order| vec![of_order(order)]),
        ("AFFILIATE", id) => all.affiliates.get(&UserId::parse(id)?).map(|account| vec![of_account(account)]),
        ("COMMISSION", id) => {
            let order = Commission::order_of(CommissionId::parse(id)?);
            let commission = all.commissions.get(&order)?;
            Some(vec![of_commission(commission, bond_of(all, &commission.invitee))])
        }
        ("WITHDRAWAL", id) => {
            all.withdrawals.get(&WithdrawalId::parse(id)?).map(|withdrawal| vec![of_withdrawal(withdrawal)])
        }
        ("BATCH", id) => all.batches.get(&BatchId::parse(id)?).map(|batch| vec![of_batch(batch)]),
        ("CODE", hash) => {
            let code = all.codes.get(&CodeHash::parse(hash)?)?;
            let shards = all.shards.iter().filter(|shard| shard.hash == code.hash).map(|shard| shard.used);
            let taken = shards.fold(code.used, u64::saturating_add);
            Some(vec![of_code(code, all.batches.get(&code.of.batch)?, taken)])
        }
        ("AGENCYORDER", id) => {
            all.agency.orders.get(&AgencyOrderId::parse(id)?).map(|order| vec![of_agency_order(order)])
        }
        ("SHOP", id) => all.agency.wallets.get(&ShopId::parse(id)?).map(|wallet| vec![of_wallet(wallet)]),
        ("REDEMPTION", _) => all.redemptions.get(subject).map(|redemption| vec![of_redemption(redemption)]),
        ("REWARD", id) => all.rewards.get(&RewardId::parse(id)?).map(|reward| vec![of_reward(reward)]),
        _ => None,
    }
}

/// Partitions of all entities that messages name for statistics.
///
/// A pending order has sent no message yet; pending orders are counted in the due-time list.
pub(super) fn told(all: &Snapshot) -> impl Iterator<Item = String> {
    let closed = all.orders.values().filter(|order| order.status != OrderStatus::Pending);
    let subjects = (all.users.keys().map(|user| User::key(*user).pk))
        .chain(closed.map(|order| Order::key(order.id).pk))
        .chain(all.rewards.keys().map(|reward| Reward::key(*reward).pk))
        .chain(all.commissions.keys().map(|order| Commission::key(Commission::id_of(*order)).pk))
        .chain(all.affiliates.keys().map(|user| CommissionAccount::key(*user).pk))
        .chain(all.withdrawals.keys().map(|withdrawal| Withdrawal::key(*withdrawal).pk))
        .chain(all.batches.keys().map(|batch| Batch::key(*batch).pk))
        .chain(changed(all).map(|code| Code::key(code.hash).pk))
        .chain(all.agency.orders.keys().map(|order| AgencyOrder::key(*order).pk))
        .chain(all.agency.wallets.keys().map(|shop| Wallet::key(*shop).pk));
    subjects.chain(all.redemptions.keys().cloned())
}

/// Codes that differ from their batch's terms; the others contribute nothing of their own.
fn changed(all: &Snapshot) -> impl Iterator<Item = &Code> {
    all.codes.values().filter(|code| {
        let made = all.batches.get(&code.of.batch).map(|batch| batch.terms.total_uses);
        code.deleted || made != Some(code.terms.total_uses)
    })
}

/// Checks that every contribution is counted, since no messages are in flight.
fn check_complete(all: &Snapshot, findings: &mut Vec<Finding>) {
    let counted: BTreeSet<&str> = all.counted.iter().map(|counted| counted.subject.as_str()).collect();
    for subject in told(all).filter(|subject| !counted.contains(subject.as_str())) {
        if contributions(&subject, all).is_some_and(|possible| possible.iter().all(|tallies| !tallies.is_empty())) {
            findings.push(Finding::new("O4", &subject, "contributes to the totals and is not counted"));
        }
    }
}

fn check_totals(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let mut sum = Tallies::new();
    for (name, amount) in snapshot.counted.iter().flat_map(|counted| &counted.tallies) {
        let Ok(amount) = Decimal::from_str_exact(amount) else {
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
}
