//! Grants rewards; used by the reward worker (R3.6–R3.8).
//!
//! Commissions of the same orders are in the same transactions ([`crate::affiliate::accrual`]).
//!
//! A batch is split by message group, and each group's messages are one transaction: ten rewards of a popular inviter cost one
//! read and one commit. After a fault the group's records run one by one. From the first failure on they are reported as
//! failed, so that a group keeps its order and does not delay others.

use std::collections::BTreeMap;

use crate::account::credit_lots::put;
use crate::account::model::credit_lot::CreditLot;
use crate::account::model::user::User;
use crate::affiliate::accrual::{AccrualState, Orders, by_worker};
use crate::app::App;
use crate::message::Message;
use crate::message::ReceivedMessage;
use crate::operations::budget::{BudgetState, make_room};
use crate::operations::model::budget::{Allowance, BudgetedProgramme};
use crate::payment::model::settings::PaymentSettings;
use crate::referral::model::counts::{Milestone, ReferralCounts};
use crate::referral::model::reconcile::{Changed, RewardCause, RewardContext, RewardLedger, SettlementError, Target};
use crate::referral::model::referral::{Reward, RewardState, Side, Trigger};
use crate::risk::compare::{ComparedSignups, SignupComparison};
use crate::risk::model::case::{CaseState, RiskCase};
use kernel::fault::{Chain, Error, Fault};
use kernel::id::{JournalId, RewardId, UserId};
use table::context::Ctx;
use table::item::{Versioned, values};
use table::key::Key;
use table::telemetry::{self as metrics, OrLog};
use table::tx::Tx;

/// Maximum messages of one transaction.
///
/// A message writes at most two rewards, two journal entries and the invitee's account, and four more items for its commission or three
/// for the signals of a sign-up. What a case holds has no journal entries, and one more item for its commission and for the case each.
/// The inviter's account, the counts, the outbox item and two shares of budgets are written once. So ten messages stay below the
/// limit of 100 writes.
const TOGETHER: usize = 10;

/// Maximum messages of one transaction while granted credit expires (R12.3).
///
/// Each may write two lots and two corrections of expiries more, thirteen items in all.
const TOGETHER_WITH_LOTS: usize = 7;

impl From<SettlementError> for Error {
    fn from(error: SettlementError) -> Self {
        Self::Fault(Fault::bug(error))
    }
}

/// Grants the rewards that a batch of messages makes due.
///
/// Returns the ids of the records to redeliver.
pub async fn grant_rewards(app: &App, ctx: &Ctx, records: &[ReceivedMessage]) -> Vec<String> {
    let mut groups: BTreeMap<String, Vec<&ReceivedMessage>> = BTreeMap::new();
    for record in records {
        let group = record.group.clone().unwrap_or_else(|| record.envelope.message.group());
        groups.entry(group).or_default().push(record);
    }
    let mut failed = Vec::new();
    for group in groups.values() {
        failed.extend(settle_group(app, ctx, group).await);
    }
    failed
}

/// Processes one group's records in order.
///
/// Returns the ids of the first failed record and of all after it.
async fn settle_group(app: &App, ctx: &Ctx, group: &[&ReceivedMessage]) -> Vec<String> {
    let payment = app.settings::<PaymentSettings>().await.or_log("the transaction reads them again");
    let expires = payment.is_some_and(|payment| payment.settings.grant_expiry_days > 0);
    let mut settled = 0_usize;
    for together in group.chunks(if expires { TOGETHER_WITH_LOTS } else { TOGETHER }) {
        let messages: Vec<Cause<'_>> = together.iter().copied().map(Cause::by).collect();
        let done = match settle(app, ctx, &messages, Target::Grant).await {
            Ok(()) => together.len(),
            Err(fault) => {
                tracing::warn!(fault = %Chain(&fault), messages = together.len(), "settling one by one");
                settle_singly(app, ctx, &messages).await
            }
        };
        settled = settled.saturating_add(done);
        if done < together.len() {
            break;
        }
    }
    group.iter().skip(settled).map(|record| record.id.clone()).collect()
}

/// Processes messages one by one until one fails; returns the number processed.
async fn settle_singly(app: &App, ctx: &Ctx, messages: &[Cause<'_>]) -> usize {
    for (index, message) in messages.iter().enumerate() {
        if let Err(fault) = settle(app, ctx, std::slice::from_ref(message), Target::Grant).await {
            tracing::error!(fault = %Chain(&fault), message_id = message.id, "not settled");
            return index;
        }
    }
    messages.len()
}

/// Message with the id of its envelope.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a> {
    /// Envelope id, stored in the journal as the request id.
    pub id: &'a str,
    pub message: &'a Message,
}

impl<'a> Cause<'a> {
    fn by(record: &'a ReceivedMessage) -> Self {
        Self { id: &record.envelope.id, message: &record.envelope.message }
    }
}

/// Processes messages of one beneficiary in one transaction.
///
/// Skips what was processed before. A refusal is logged and counts as processed.
///
/// # Errors
/// A fault; nothing is written then.
pub async fn settle(app: &App, ctx: &Ctx, messages: &[Cause<'_>], aim: Target) -> Result<(), Fault> {
    match app.execute(&ctx.unkeyed(), || plan(app, messages, aim)).await {
        Ok(done) => {
            let (rewards, commissions) = done.answer;
            for (name, count) in [("RewardsGranted", rewards), ("CommissionsGranted", commissions)] {
                if count > 0 {
                    metrics::value(name, count, "Count");
                }
            }
            Ok(())
        }
        Err(Error::Refused(refusal)) => {
            tracing::warn!(code = refusal.code(), "a reward was refused");
            Ok(())
        }
        Err(Error::Fault(fault)) => Err(fault),
    }
}

/// Plans the writes; the answer is the number of granted rewards and commissions.
///
/// Plans again while room in a budget can be made for what it would hold.
async fn plan(app: &App, messages: &[Cause<'_>], aim: Target) -> Result<((i64, i64), Tx), Error> {
    loop {
        let (answer, tx, exceeded) = attempt(app, messages, aim).await?;
        let mut more = false;
        for allowance in &exceeded {
            more |= make_room(app, allowance).await?;
        }
        if !more {
            return Ok((answer, tx));
        }
    }
}

async fn attempt(app: &App, messages: &[Cause<'_>], aim: Target) -> Result<((i64, i64), Tx, [Allowance; 2]), Error> {
    let orders = if aim == Target::Grant { Orders::of(messages) } else { Orders::default() };
    let (read, mut settlement, earned) = read(app, messages, aim, &orders).await?;
    let granted_until = app.settings::<PaymentSettings>().await?.settings.granted_until(app.clock.now());
    for told in messages {
        let Some(fact) = fact_of(told.message).filter(|fact| is_told_of(&settlement, told.message, *fact)) else {
            continue;
        };
        let how = RewardContext { aim, origin: by_worker(app, told.id), granted_until };
        settlement.settle(fact, &how, &mut || JournalId::new(app.ulid()))?;
    }
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut tx = write(app, &read, &settlement);
    let relied = !tx.is_empty();
    earned.write(&mut tx);
    read.compared.write(&mut tx);
    // Conflict with a concurrent activation of a blocked inviter, which releases the commission it finds.
    let Changed { users, relied_on, .. } = &settlement.changed;
    let guarded = |id: &&UserId| relied && (users.contains(id) || relied_on.contains(id));
    let blocked = earned.now.blocked.iter().filter(|id| !guarded(id)).filter_map(|id| read.users.get(id));
    blocked.for_each(|user| tx.unchanged(user).or_retry());
    if !tx.is_empty() {
        // Conflict with a concurrent decision, whose messages release what it finds held.
        read.cases.values().filter(|case| case.state == CaseState::Held).for_each(|case| tx.unchanged(case).or_retry());
    }
    let answer = (number(settlement.postings.len()), number(earned.now.granted));
    Ok((answer, tx, [settlement.allowance, earned.now.allowance]))
}

/// Maps a message to its reward cause, if it may make rewards due.
fn fact_of(message: &Message) -> Option<RewardCause> {
    match *message {
        Message::UserRegistered { user, inviter: Some(_), .. }
        | Message::ReferralImported { user, .. }
        | Message::InviterNamed { user, .. } => Some(RewardCause::Registered { invitee: user }),
        Message::OrderPaid { user, inviter: Some(_), .. } | Message::OrderNetChanged { user, inviter: Some(_), .. } => {
            Some(RewardCause::ChargeChanged { invitee: user })
        }
        Message::PurchaseNetChanged { user, .. } | Message::ChargeCounted { user, .. } => {
            Some(RewardCause::ChargeChanged { invitee: user })
        }
        Message::RewardRetried { reward, .. } => Some(RewardCause::Retried { reward }),
        _ => None,
    }
}

/// Tests whether the inviter of a message is the one whom its cause concerns.
///
/// Another one, after an admin changed the inviter, hears of it by a message of their own (R3.12).
fn is_told_of(ledger: &RewardLedger, message: &Message, cause: RewardCause) -> bool {
    let (invitee, trigger) = match cause {
        RewardCause::Registered { invitee } => (invitee, Trigger::Registration),
        RewardCause::ChargeChanged { invitee } => (invitee, Trigger::Qualified),
        RewardCause::Retried { .. } => return true,
    };
    let bond = ledger.users.get(&invitee).and_then(|user| user.attribution.as_ref());
    bond.is_none_or(|bond| message.inviter() == Some(bond.inviter_for(trigger)))
}

/// Entities as read, for conditional writes.
#[derive(Default)]
struct Read {
    users: BTreeMap<UserId, Versioned<User>>,
    counts: BTreeMap<UserId, Versioned<ReferralCounts>>,
    rewards: BTreeMap<RewardId, Versioned<Reward>>,
    milestones: BTreeMap<(UserId, Trigger), Versioned<Milestone>>,
    lots: BTreeMap<RewardId, Versioned<CreditLot>>,
    cases: BTreeMap<UserId, Versioned<RiskCase>>,
    compared: ComparedSignups,
    budget: BudgetState,
}

/// Keys that a batch has to read.
#[derive(Default)]
struct RewardReads {
    users: Vec<UserId>,
    counts: Vec<UserId>,
    rewards: Vec<RewardId>,
    milestones: Vec<(UserId, Trigger)>,
    /// Invitees, for their cases.
    invitees: Vec<UserId>,
}

type RewardKeys = (
    BTreeMap<UserId, Key<User>>,
    BTreeMap<UserId, Key<ReferralCounts>>,
    BTreeMap<RewardId, Key<Reward>>,
    BTreeMap<(UserId, Trigger), Key<Milestone>>,
    BTreeMap<UserId, Key<RiskCase>>,
);

impl RewardReads {
    /// Collects all keys for one read; all ids follow from the messages.
    ///
    /// To mark failures the beneficiary's account is not needed, and it may be what the worker failed on.
    fn by(messages: &[Cause<'_>], aim: Target) -> Self {
        let mut wanted = Self::default();
        for told in messages {
            match *told.message {
                Message::UserRegistered { user, inviter: Some(inviter), .. }
                | Message::ReferralImported { user, inviter }
                | Message::InviterNamed { user, inviter, .. } => {
                    wanted.milestone(user, inviter, Trigger::Registration, aim);
                    wanted.rewards.push(Reward::id_of(user, Trigger::Registration, Side::Invitee));
                    wanted.users.extend(told.message.signals().and_then(|signals| signals.device_of));
                }
                Message::OrderPaid { user, inviter: Some(inviter), .. }
                | Message::OrderNetChanged { user, inviter: Some(inviter), .. }
                | Message::PurchaseNetChanged { user, inviter, .. }
                | Message::ChargeCounted { user, inviter } => {
                    wanted.milestone(user, inviter, Trigger::Qualified, aim);
                    wanted.rewards.push(Reward::id_of(user, Trigger::Qualified, Side::Invitee));
                }
                Message::RewardRetried { reward, beneficiary } => {
                    wanted.rewards.extend([reward, Reward::sibling(reward)]);
                    wanted.beneficiary(beneficiary, aim);
                }
                // Its commission alone concerns the inviter's inviter.
                Message::SecondLevelDue { user, inviter, .. } if aim == Target::Grant => {
                    wanted.users.push(inviter);
                    wanted.invitees.push(user);
                }
                _ => {}
            }
        }
        wanted
    }

    fn milestone(&mut self, invitee: UserId, inviter: UserId, trigger: Trigger, aim: Target) {
        let reward = Reward::id_of(invitee, trigger, Side::Inviter);
        self.users.push(invitee);
        self.invitees.push(invitee);
        self.rewards.extend([reward, Reward::sibling(reward)]);
        self.milestones.push((invitee, trigger));
        self.beneficiary(inviter, aim);
    }

    fn beneficiary(&mut self, user: UserId, aim: Target) {
        self.counts.push(user);
        if aim == Target::Grant {
            self.users.push(user);
        }
    }

    fn keys(&self) -> RewardKeys {
        let milestone = |of @ (invitee, trigger): &(UserId, Trigger)| (*of, Milestone::key(*invitee, *trigger));
        (
            self.users.iter().map(|id| (*id, User::key(*id))).collect(),
            self.counts.iter().map(|id| (*id, ReferralCounts::key(*id))).collect(),
            self.rewards.iter().map(|id| (*id, Reward::key(*id))).collect(),
            self.milestones.iter().map(milestone).collect(),
            self.invitees.iter().map(|id| (*id, RiskCase::key(*id))).collect(),
        )
    }
}

async fn read(
    app: &App,
    messages: &[Cause<'_>],
    aim: Target,
    orders: &Orders,
) -> Result<(Read, RewardLedger, AccrualState), Fault> {
    let wanted = RewardReads::by(messages, aim);
    let by = messages.first().map(|told| told.message.group()).unwrap_or_default();
    let comparison = SignupComparison::of(app, messages.iter().map(|told| told.message)).await?;
    let ((users, counts, rewards, milestones, mut cases), found, seen) =
        app.store.read((wanted.keys(), orders.keys(), comparison.keys())).await?;
    let is_new = |invitee: UserId| {
        let reward = Reward::id_of(invitee, Trigger::Registration, Side::Inviter);
        !rewards.contains_key(&reward)
            && !milestones.contains_key(&(invitee, Trigger::Registration))
            && !cases.contains_key(&invitee)
    };
    let compared = comparison.compare(app, seen, &users, is_new);
    // A retried reward says only now whose it is.
    let others = rewards.values().map(|reward| reward.invitee).filter(|invitee| !wanted.invitees.contains(invitee));
    let others: BTreeMap<_, _> = others.map(|id| (id, RiskCase::key(id))).collect();
    let (others, lots) = app.store.read((others, lots_of(&users, &rewards))).await?;
    cases.extend(others);
    let (budget, allowance) = BudgetState::read(app, BudgetedProgramme::Referral, &by).await?;
    let read = Read { users, counts, rewards, milestones, lots, cases, compared, budget };
    let known = read.cases.values().map(|case| &**case);
    let states: BTreeMap<UserId, CaseState> =
        known.chain(&read.compared.opened).map(|case| (case.invitee, case.state)).collect();
    let settlement = RewardLedger {
        users: values(&read.users),
        counts: values(&read.counts),
        rewards: values(&read.rewards),
        milestones: values(&read.milestones),
        lots: values(&read.lots),
        allowance,
        cases: states.clone(),
        ..RewardLedger::default()
    };
    let statuses = read.users.iter().map(|(id, user)| (*id, user.status)).collect();
    let earned = orders.settle(app, found, (statuses, states), &by).await?;
    Ok((read, settlement, earned))
}

/// Returns the keys of the credit lots of rewards whose beneficiaries have had lots.
fn lots_of(
    users: &BTreeMap<UserId, Versioned<User>>,
    rewards: &BTreeMap<RewardId, Versioned<Reward>>,
) -> BTreeMap<RewardId, Key<CreditLot>> {
    let has_lots = |user: &UserId| users.get(user).is_some_and(|user| user.accounts.lots.is_some());
    let granted = rewards.values().filter(|reward| has_lots(&reward.beneficiary));
    granted.map(|reward| (reward.id, CreditLot::key(reward.beneficiary, &reward.id.to_string()))).collect()
}

/// Builds the transaction; the write of a reward or milestone is its guard.
fn write(app: &App, read: &Read, settlement: &RewardLedger) -> Tx {
    let mut tx = app.tx();
    let Changed { users, relied_on, counts, rewards, lots, milestones } = &settlement.changed;
    for (id, reward) in pick(rewards, &settlement.rewards) {
        let before = read.rewards.get(id);
        let became = |state| reward.state == state && before.is_none_or(|before| before.state != state);
        let (granted, failed) = (became(RewardState::Granted), became(RewardState::Failed));
        tx.upsert(before, reward);
        tx.send(Message::RewardSettled { reward: *id, beneficiary: reward.beneficiary, granted, failed });
    }
    for id in milestones {
        match (read.milestones.get(id), settlement.milestones.get(id)) {
            (None, Some(milestone)) => tx.insert(milestone).or_retry(),
            (Some(before), None) => tx.remove(before).or_retry(),
            _ => {}
        }
    }
    for id in lots {
        put(read.lots.get(id), settlement.lots.get(id), &mut tx);
    }
    for posting in &settlement.postings {
        tx.insert(posting);
    }
    read.budget.write(&settlement.allowance, &mut tx);
    for (id, user) in pick(users, &settlement.users) {
        if let Some(before) = read.users.get(id) {
            tx.replace(before, user);
        }
    }
    for (id, counts) in pick(counts, &settlement.counts) {
        tx.upsert(read.counts.get(id), counts);
    }
    if !tx.is_empty() {
        let moved_not = relied_on.difference(users).filter_map(|id| read.users.get(id));
        moved_not.for_each(|user| tx.unchanged(user).or_retry());
    }
    tx
}

fn pick<'a, I: Ord, T>(
    ids: &'a std::collections::BTreeSet<I>,
    of: &'a BTreeMap<I, T>,
) -> impl Iterator<Item = (&'a I, &'a T)> {
    ids.iter().filter_map(|id| of.get_key_value(id))
}
