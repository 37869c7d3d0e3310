//! Projection of changes into statistics (R9.2).
//!
//! A message names entities. Each is read in its current state, and its contribution is compared with the counted one
//! ([`ProjectedMetrics`]). The difference goes to one random shard of the totals, in the transaction that stores the new
//! [`ProjectedMetrics`] items. So a message may arrive twice, late or out of order, and the totals still equal the sum over all
//! entities.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::account::credit_lots::with_lots;
use crate::account::model::user::User;
use crate::affiliate::model::commission::{Commission, CommissionAccount};
use crate::affiliate::model::withdrawal::Withdrawal;
use crate::affiliate::years;
use crate::agency::model::order::AgencyOrder;
use crate::agency::model::wallet::Wallet;
use crate::app::App;
use crate::message::Message;
use crate::message::ReceivedMessage;
use crate::operations::model::metrics::{ProjectedMetrics, Tallies, difference};
use crate::operations::model::projection::{
    of_account, of_agency_order, of_batch, of_code, of_commission, of_order, of_redemption, of_reward, of_user,
    of_wallet, of_withdrawal,
};
use crate::operations::table::Statistics;
use crate::payment::model::order::Order;
use crate::redemption::edit_code::taken;
use crate::redemption::model::code::{Batch, Code};
use crate::redemption::model::code_text::{CodeHash, CodeRef};
use crate::redemption::model::redemption::Redemption;
use crate::redemption::table::CodeUses;
use crate::referral::model::referral::Reward;
use crate::referral::table::CodeInvitees;
use kernel::fault::{Chain, Error, Fault};
use kernel::id::{AgencyOrderId, BatchId, OrderId, RewardId, ShopId, UserId, WithdrawalId};
use table::context::Ctx;
use table::item::{Entity, Item, Versioned};
use table::key::Key;
use table::spread::COUNTERS;
use table::tx::Tx;

/// Entity limit of one transaction; each is read with its counted contribution in one call.
const TOGETHER: usize = 48;

/// Entity that a message names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    User(UserId),
    Order(OrderId),
    Reward(RewardId),
    Commission(OrderId),
    Affiliate(UserId),
    Withdrawal(WithdrawalId),
    Batch(BatchId),
    Redemption(UserId, CodeRef, u32),
    AgencyOrder(AgencyOrderId),
    Wallet(ShopId),
    Code(CodeRef, CodeHash),
}

/// Projects a batch of messages and returns the ids of the records to deliver again.
///
/// As many as fit go into one transaction; on a fault, its messages are projected one by one.
pub async fn count(app: &App, records: &[ReceivedMessage]) -> Vec<String> {
    let (mut failed, mut rest) = (Vec::new(), records);
    while !rest.is_empty() {
        let (some, later) = rest.split_at(fitting(rest));
        failed.extend(count_some(app, some).await);
        rest = later;
    }
    failed
}

/// Number of leading records that fit into one transaction.
///
/// At least one, since no message names more entities than fit.
fn fitting(records: &[ReceivedMessage]) -> usize {
    let mut things = 0_usize;
    let fits = records.iter().take_while(|record| {
        things = things.saturating_add(subjects(&record.envelope.message).len());
        things <= TOGETHER
    });
    fits.count().max(1)
}

async fn count_some(app: &App, records: &[ReceivedMessage]) -> Vec<String> {
    let all: Vec<&Message> = records.iter().map(|record| &record.envelope.message).collect();
    let Err(fault) = count_together(app, &all).await else { return Vec::new() };
    tracing::warn!(fault = %Chain(&fault), messages = records.len(), "counting one by one");
    let mut failed = Vec::new();
    for record in records {
        if let Err(fault) = count_together(app, &[&record.envelope.message]).await {
            tracing::error!(fault = %Chain(&fault), message_id = record.envelope.id, "not counted");
            failed.push(record.id.clone());
        }
    }
    failed
}

async fn count_together(app: &App, messages: &[&Message]) -> Result<(), Error> {
    let subjects: BTreeSet<Subject> = messages.iter().flat_map(|message| subjects(message)).collect();
    if subjects.is_empty() {
        return Ok(());
    }
    app.execute(&Ctx::system(), || plan(app, &subjects)).await?;
    // An affiliate's years follow from the account's journal entries, whichever message names it.
    for subject in subjects {
        if let Subject::Affiliate(user) = subject {
            years::count(app, user).await?;
        }
    }
    Ok(())
}

async fn plan(app: &App, subjects: &BTreeSet<Subject>) -> Result<((), Tx), Error> {
    let batches = batches(app, subjects).await?;
    let keys: BTreeMap<Subject, Key> = subjects.iter().map(|subject| (*subject, subject.key())).collect();
    // Read the counted contributions before the entities. Otherwise a concurrent projection could have counted a newer state than
    // ours.
    let counted: BTreeMap<_, _> = keys.iter().map(|(subject, key)| (*subject, ProjectedMetrics::key(key))).collect();
    let mut counted = app.store.read(counted).await?;
    let mut things = app.store.read(keys.clone()).await?;
    let mut tx = app.tx();
    let mut change = Tallies::new();
    for (subject, key) in keys {
        let before = counted.remove(&subject);
        let after = subject.contribution(app, &key, &batches, things.remove(&subject)).await?;
        let held = match &before {
            Some(counted) => numbers(&counted.tallies, &key)?,
            None => Tallies::new(),
        };
        let difference = difference(&held, &after);
        if difference.is_empty() {
            continue;
        }
        add(&mut change, difference)?;
        let counted = ProjectedMetrics { subject: key.pk, tallies: texts(&after) };
        tx.upsert(before.as_ref(), &counted);
    }
    let shard = u8::from_be_bytes(app.entropy.bytes()) % COUNTERS;
    for (key, counts) in by_item(change, shard) {
        tx.count(key, "statistics", counts);
    }
    Ok(((), tx))
}

/// Reads the batches of changed codes, from whose terms they differ.
async fn batches(app: &App, subjects: &BTreeSet<Subject>) -> Result<BTreeMap<BatchId, Batch>, Fault> {
    let named: BTreeSet<BatchId> = subjects.iter().filter_map(|subject| subject.batch_of_code()).collect();
    app.store.named(named.into_iter().map(|id| (id, Batch::key(id))).collect()).await
}

fn read<T: Entity>(item: Item) -> Result<Versioned<T>, Fault> {
    Versioned::read(item)
}

fn missing(key: &Key) -> Fault {
    Fault::item(key.pk.clone(), "a message names it, but it is not there")
}

/// Entities that a message names.
fn subjects(message: &Message) -> Vec<Subject> {
    match message {
        Message::UserRegistered { user, .. }
        | Message::UserImported { user }
        | Message::ReferralImported { user, .. }
        | Message::InviterNamed { user, .. }
        | Message::InviterChanged { user, .. }
        | Message::PromotionExpired { user }
        | Message::PromotionEnrolled { user }
        | Message::BalanceChanged { user }
        | Message::PurchaseNetChanged { user, .. } => vec![Subject::User(*user)],
        Message::OrderPaid { order, user, .. } | Message::OrderNetChanged { order, user, .. } => {
            vec![Subject::Order(*order), Subject::User(*user)]
        }
        Message::OrderClosed { order } => vec![Subject::Order(*order)],
        Message::RewardSettled { reward, beneficiary, .. } => {
            vec![Subject::Reward(*reward), Subject::User(*beneficiary)]
        }
        Message::CommissionSettled { order, beneficiary, .. } => {
            vec![Subject::Commission(*order), Subject::Affiliate(*beneficiary)]
        }
        Message::WithdrawalStateChanged { withdrawal, shop: Some(shop), .. } => {
            vec![Subject::Withdrawal(*withdrawal), Subject::Wallet(*shop)]
        }
        Message::WithdrawalStateChanged { withdrawal, user, .. } => {
            vec![Subject::Withdrawal(*withdrawal), Subject::Affiliate(*user), Subject::User(*user)]
        }
        Message::BatchReady { batch } => vec![Subject::Batch(*batch)],
        Message::RedemptionCompleted { user, code, number } | Message::RedemptionUndone { user, code, number } => {
            vec![Subject::Redemption(*user, *code, *number), Subject::User(*user)]
        }
        Message::AgencyOrderSettled { order, shops } => {
            let wallets = shops.iter().map(|shop| Subject::Wallet(*shop));
            [Subject::AgencyOrder(*order)].into_iter().chain(wallets).collect()
        }
        Message::WalletChanged { shop } => vec![Subject::Wallet(*shop)],
        Message::CodeChanged { code, hash } => vec![Subject::Code(*code, *hash)],
        Message::RewardRetried { .. }
        | Message::SignalLeft { .. }
        | Message::ReviewOpened { .. }
        | Message::RiskCaseOpened { .. }
        | Message::AlarmChanged { .. }
        | Message::RiskCaseDecided { .. }
        | Message::BatchStarted { .. }
        | Message::AgencyOrderNetChanged { .. }
        | Message::GrantTermsTightened { .. }
        | Message::UserErased { .. }
        | Message::ChargeCounted { .. }
        | Message::SecondLevelDue { .. }
        | Message::PromotionEnding { .. }
        | Message::Mail { .. } => Vec::new(),
    }
}

impl Subject {
    fn batch_of_code(self) -> Option<BatchId> {
        match self {
            Self::Code(code, _) => Some(code.batch),
            _ => None,
        }
    }

    /// Key of the entity.
    fn key(self) -> Key {
        match self {
            Self::User(user) => User::key(user).into(),
            Self::Order(order) => Order::key(order).into(),
            Self::Reward(reward) => Reward::key(reward).into(),
            Self::Commission(order) => Commission::key(Commission::id_of(order)).into(),
            Self::Affiliate(user) => CommissionAccount::key(user).into(),
            Self::Withdrawal(withdrawal) => Withdrawal::key(withdrawal).into(),
            Self::Batch(batch) => Batch::key(batch).into(),
            Self::Redemption(user, code, number) => Redemption::key(user, code, number).into(),
            Self::AgencyOrder(order) => AgencyOrder::key(order).into(),
            Self::Wallet(shop) => Wallet::key(shop).into(),
            Self::Code(_, hash) => Code::key(hash).into(),
        }
    }

    /// Contribution of the entity in its current state.
    ///
    /// A missing entity is a fault, since messages are only sent about committed changes.
    async fn contribution(
        self,
        app: &App,
        key: &Key,
        batches: &BTreeMap<BatchId, Batch>,
        item: Option<Item>,
    ) -> Result<Tallies, Fault> {
        // A shop gets its wallet with its first money.
        let item = match (self, item) {
            (Self::Wallet(_), None) => return Ok(Tallies::new()),
            (_, item) => item.ok_or_else(|| missing(key))?,
        };
        Ok(match self {
            Self::User(_) => {
                let (user, lots) = with_lots(app, read::<User>(item)?.into_inner()).await?;
                of_user(&user, &lots, app.clock.now())
            }
            Self::Order(_) => of_order(&*read(item)?),
            Self::Reward(_) => of_reward(&*read(item)?),
            Self::Commission(_) => {
                let commission = read::<Commission>(item)?;
                let invitee = app.store.get::<User>(&User::key(commission.invitee)).await?;
                let bond = invitee.as_ref().and_then(|invitee| invitee.attribution.as_ref());
                of_commission(&commission, bond)
            }
            Self::Affiliate(_) => of_account(&*read(item)?),
            Self::Withdrawal(_) => of_withdrawal(&*read(item)?),
            Self::Batch(_) => of_batch(&*read(item)?),
            Self::Redemption(..) => of_redemption(&*read(item)?),
            Self::Code(of, _) => {
                let code = read::<Code>(item)?;
                let made = batches.get(&of.batch).ok_or_else(|| missing(key))?;
                // A deleted code counts all its uses, those on its shards included.
                let taken = if code.deleted { taken(app, &code).await? } else { 0 };
                of_code(&code, made, taken)
            }
            Self::AgencyOrder(_) => of_agency_order(&*read(item)?),
            Self::Wallet(_) => of_wallet(&*read(item)?),
        })
    }
}

/// Splits a change by the item that stores it.
///
/// The totals, each day, each month in which credit expires, each batch, unlimited code and invite code have one item in each shard.
fn by_item(change: Tallies, shard: u8) -> BTreeMap<Key, Vec<(String, Decimal)>> {
    let mut items: BTreeMap<Key, Vec<(String, Decimal)>> = BTreeMap::new();
    for (name, amount) in change {
        let day = name.strip_prefix("day.").and_then(|rest| rest.split_once('.'));
        let code = name.strip_prefix("code.").and_then(|rest| rest.rsplit_once('.'));
        let invite = name.strip_prefix("invite.").and_then(|rest| rest.rsplit_once('.'));
        let month = name.strip_prefix("expiring.").and_then(|rest| rest.split_once('.'));
        let (key, name) = match (day, code, invite, month) {
            (Some((day, rest)), ..) => (Statistics::day_key(day, shard), rest.to_owned()),
            (_, Some((code, rest)), ..) => (CodeUses::key(code, shard), rest.to_owned()),
            (_, _, Some((code, rest)), _) => (CodeInvitees::key(code, shard), rest.to_owned()),
            (.., Some((month, rest))) => (Statistics::expiring_key(month, shard), rest.to_owned()),
            _ => (Statistics::totals_key(shard), name),
        };
        items.entry(key).or_default().push((name, amount));
    }
    items
}

fn add(sum: &mut Tallies, change: Tallies) -> Result<(), Fault> {
    for (name, amount) in change {
        let before = sum.get(&name).copied().unwrap_or_default();
        let after = before.checked_add(amount).ok_or_else(|| Fault::bug(format!("{name} overflows")))?;
        sum.insert(name, after);
    }
    sum.retain(|_, amount| !amount.is_zero());
    Ok(())
}

fn texts(tallies: &Tallies) -> BTreeMap<String, String> {
    tallies.iter().map(|(name, amount)| (name.clone(), amount.normalize().to_string())).collect()
}

fn numbers(tallies: &BTreeMap<String, String>, key: &Key) -> Result<Tallies, Fault> {
    let bad = |name: &str| Fault::item(key.pk.clone(), format!("{name} counts no number"));
    let number = |text: &str, name: &str| Decimal::from_str_exact(text).map_err(|_| bad(name));
    tallies.iter().map(|(name, text)| Ok((name.clone(), number(text, name)?))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tallies(pairs: &[(&str, i64)]) -> Tallies {
        pairs.iter().map(|(name, amount)| ((*name).to_owned(), Decimal::from(*amount))).collect()
    }

    /// R9.2: totals and days are separate items, so that no item grows over the years.
    #[test]
    fn what_counts_for_a_day_goes_to_the_items_of_its_month() {
        let change = tallies(&[("users", 1), ("day.2026-11-20.users", 1), ("day.2026-11-20.stripe.charge.CNY", 100)]);
        let items = by_item(change, 3);
        let of = |key: &Key| items.get(key).unwrap().clone();
        assert_eq!(of(&Statistics::totals_key(3)), vec![("users".to_owned(), Decimal::ONE)]);
        let day = of(&Statistics::day_key("2026-11-20", 3));
        assert_eq!(day, vec![("stripe.charge.CNY".to_owned(), Decimal::from(100)), ("users".to_owned(), Decimal::ONE)]);
    }

    /// R9.2: changes that cancel out leave the totals unchanged.
    #[test]
    fn changes_that_cancel_out_are_not_written() {
        let mut sum = tallies(&[("orders.pending.count", -1), ("users", 1)]);
        add(&mut sum, tallies(&[("orders.pending.count", 1)])).unwrap();
        assert_eq!(sum, tallies(&[("users", 1)]));
    }

    #[test]
    fn a_contribution_survives_storage_to_the_digit() {
        let amount = Decimal::from_str_exact("18.05555554").unwrap();
        let before = Tallies::from([("liabilities.balance".to_owned(), amount)]);
        let key = Statistics::totals_key(0);
        assert_eq!(numbers(&texts(&before), &key).unwrap(), before);
        let broken = BTreeMap::from([("users".to_owned(), "1e2x".to_owned())]);
        assert!(matches!(numbers(&broken, &key), Err(Fault::Item { .. })));
    }
}
