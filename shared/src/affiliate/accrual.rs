//! Commission accrual of the reward worker: commissions follow their orders (R6.3, R6.4, R4.11).
//!
//! The one read of the batch ([`crate::referral::grant_rewards`]) fetches by key all that its messages refer to. The one
//! transaction of an inviter's group writes all commission changes of that inviter's orders. [`earn`] does the same for a
//! single message, when only its commission is still to be processed.

use std::collections::BTreeMap;

use crate::affiliate::model::commission::{
    Accrual, AccruedBy, Commission, CommissionAccount, CommissionSource, Earnings,
};
use crate::affiliate::model::purchase::Purchase;
use crate::app::App;
use crate::message::Message;
use crate::payment::model::order::Order;
use crate::referral::grant_rewards::Cause;
use kernel::fault::{Error, Fault};
use kernel::id::{JournalId, OrderId, UserId};
use kernel::ledger::Operator;
use table::context::Ctx;
use table::item::Versioned;
use table::key::Key;
use table::store::ReadSet;
use table::tx::Tx;

/// Order or purchase of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Due {
    purchase: bool,
    invitee: UserId,
    inviter: UserId,
    message: String,
}

/// Orders and purchases of a batch that may accrue or reverse commission.
#[derive(Debug, Clone, Default)]
pub struct Orders(BTreeMap<OrderId, Due>);

impl Orders {
    /// Collects the orders of messages, each once.
    pub fn of(messages: &[Cause<'_>]) -> Self {
        Self(messages.iter().filter_map(due).collect())
    }

    /// Returns all keys to read for them, each once.
    pub fn keys(&self) -> Vec<Key> {
        let of = |(order, due): (&OrderId, &Due)| {
            [
                due.key(*order),
                Commission::key(Commission::id_of(*order)),
                Earnings::key(due.invitee),
                CommissionAccount::key(due.inviter),
            ]
        };
        let mut keys: Vec<Key> = self.0.iter().flat_map(of).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// Reconciles the commission of each order with the order as read.
    ///
    /// # Errors
    /// A fault when an item does not decode or amounts overflow; write nothing then.
    pub fn settle(&self, app: &App, batch: &ReadSet) -> Result<AccrualState, Fault> {
        let mut read = AccrualState::default();
        for (order, due) in &self.0 {
            let key = due.key(*order);
            let found = source(batch, &key, due.purchase)?;
            let missing =
                || Fault::Item { key: key.pk.clone(), why: "a message names it, but it is not there".to_owned() };
            read.now.orders.insert(*order, found.ok_or_else(missing)?);
            let commission = |id| Commission::key(Commission::id_of(id));
            keep(&mut read.commissions, &mut read.now.commissions, *order, batch, commission)?;
            keep(&mut read.earnings, &mut read.now.earnings, due.invitee, batch, Earnings::key)?;
            keep(&mut read.accounts, &mut read.now.accounts, due.inviter, batch, CommissionAccount::key)?;
        }
        for (order, due) in &self.0 {
            let by = by_worker(app, &due.message);
            let settled = read.now.settle(*order, &by, &mut || JournalId::new(app.ulid()));
            settled.map_err(|error| Fault::bug(error.to_string()))?;
        }
        Ok(read)
    }
}

impl Due {
    fn key(&self, order: OrderId) -> Key {
        if self.purchase { Purchase::key(order) } else { Order::key(order) }
    }
}

/// Reads the order or purchase of a commission.
///
/// # Errors
/// A fault when an item does not decode or amounts overflow.
fn source(batch: &ReadSet, key: &Key, purchase: bool) -> Result<Option<CommissionSource>, Fault> {
    if !purchase {
        return Ok(batch.peek::<Order>(key)?.map(|order| CommissionSource::from(&*order)));
    }
    let Some(purchase) = batch.peek::<Purchase>(key)? else { return Ok(None) };
    CommissionSource::of_purchase(&purchase).map_err(|error| Fault::bug(error.to_string()))
}

/// Reads the source of a commission, of either kind; the batch must hold [`source_keys`].
///
/// # Errors
/// A fault when an item does not decode or amounts overflow.
pub(crate) fn source_of(batch: &ReadSet, order: OrderId) -> Result<Option<CommissionSource>, Fault> {
    match source(batch, &Order::key(order), false)? {
        Some(found) => Ok(Some(found)),
        None => source(batch, &Purchase::key(order), true),
    }
}

/// Returns the keys at which the source of a commission may be.
pub(crate) fn source_keys(order: OrderId) -> [Key; 2] {
    [Order::key(order), Purchase::key(order)]
}

fn due(told: &Cause<'_>) -> Option<(OrderId, Due)> {
    match *told.message {
        Message::OrderPaid { order, user, inviter: Some(inviter) }
        | Message::OrderNetChanged { order, user, inviter: Some(inviter), .. } => {
            Some((order, Due { purchase: false, invitee: user, inviter, message: told.id.to_owned() }))
        }
        Message::PurchaseNetChanged { purchase, user, inviter } => {
            Some((purchase, Due { purchase: true, invitee: user, inviter, message: told.id.to_owned() }))
        }
        _ => None,
    }
}

/// Returns the worker as the actor, with the message id as the request id.
pub(crate) fn by_worker(app: &App, message: &str) -> AccruedBy {
    let (actor, request_id) = ("reward-worker".to_owned(), message.to_owned());
    AccruedBy { operator: Operator::System, actor, request_id, at: app.clock.now() }
}

/// Accrual with the entities as read, for conditional writes.
#[derive(Debug, Default)]
pub struct AccrualState {
    /// The entities as they are to be written.
    pub now: Accrual,
    pub(crate) commissions: BTreeMap<OrderId, Versioned<Commission>>,
    pub(crate) earnings: BTreeMap<UserId, Versioned<Earnings>>,
    pub(crate) accounts: BTreeMap<UserId, Versioned<CommissionAccount>>,
}

impl AccrualState {
    /// Adds the writes of changed entities.
    pub fn write(&self, tx: &mut Tx) {
        let now = &self.now;
        for (order, commission) in now.commissions.iter().filter(|(order, _)| now.changed.contains(order)) {
            let before = self.commissions.get(order);
            let steps = commission.steps_since(before.map(|before| &**before));
            tx.upsert(before, commission);
            tx.send(Message::CommissionSettled { order: *order, beneficiary: commission.beneficiary, steps });
        }
        for posting in &now.postings {
            tx.insert(posting);
        }
        for waiting in &now.waiting {
            tx.insert(waiting);
        }
        let moved =
            now.accounts.iter().filter(|(id, account)| self.accounts.get(id).is_none_or(|at| **at != **account));
        for (id, account) in moved {
            tx.upsert(self.accounts.get(id), account);
        }
        let grown = now.earnings.iter().filter(|(id, of)| self.earnings.get(id).is_none_or(|at| **at != **of));
        for (id, earnings) in grown {
            tx.upsert(self.earnings.get(id), earnings);
        }
    }
}

/// Stores an entity both as read and as the value to change.
fn keep<I: Ord + Copy, T: table::item::Entity + Clone>(
    read: &mut BTreeMap<I, Versioned<T>>,
    now: &mut BTreeMap<I, T>,
    id: I,
    batch: &ReadSet,
    key: impl FnOnce(I) -> Key,
) -> Result<(), Fault> {
    if let Some(found) = batch.peek::<T>(&key(id))? {
        now.insert(id, T::clone(&found));
        read.insert(id, found);
    }
    Ok(())
}

/// Reconciles the commission of one message's order, independent of its rewards.
///
/// # Errors
/// A fault; nothing is written then.
pub async fn earn(app: &App, told: &Cause<'_>) -> Result<(), Error> {
    app.execute(&Ctx::system(), || plan(app, told)).await.map(|_| ())
}

async fn plan(app: &App, told: &Cause<'_>) -> Result<((), Tx), Error> {
    let mut tx = app.tx();
    let orders = Orders::of(std::slice::from_ref(told));
    let keys = orders.keys();
    if !keys.is_empty() {
        let batch = app.store.get_many(&keys).await?;
        orders.settle(app, &batch)?.write(&mut tx);
    }
    Ok(((), tx))
}
