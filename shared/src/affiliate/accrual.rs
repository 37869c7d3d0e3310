//! Commission accrual of the reward worker: commissions follow their orders (R6.3, R6.4, R4.11).
//!
//! The one read of the batch ([`crate::referral::grant_rewards`]) fetches by key all that its messages refer to. The one
//! transaction of an inviter's group writes all commission changes of that inviter's orders. [`earn`] does the same for a
//! single message, when only its commission is still to be processed.

use std::collections::BTreeMap;

use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::affiliate::model::commission::{Accrual, Commission, CommissionAccount, CommissionSource, Earnings};
use crate::affiliate::model::purchase::Purchase;
use crate::affiliate::table::put_account;
use crate::app::App;
use crate::message::Message;
use crate::operations::budget::{BudgetState, make_room};
use crate::operations::model::budget::{Allowance, BudgetedProgramme};
use crate::payment::model::order::Order;
use crate::referral::grant_rewards::Cause;
use crate::risk::model::case::{CaseState, HeldCommission, RiskCase};
use kernel::fault::{Error, Fault};
use kernel::id::{JournalId, OrderId, UserId};
use kernel::ledger::{JournalOrigin, Operator};
use table::context::Ctx;
use table::item::{Versioned, values};
use table::key::Key;
use table::read::Keys;
use table::tx::Tx;

/// Order or purchase of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Due {
    purchase: bool,
    invitee: UserId,
    inviter: UserId,
    message: String,
    /// The order or purchase, if its second level is due (R6.11).
    second_of: Option<OrderId>,
}

/// Keys of orders, purchases, commissions, earnings and accounts.
pub type AccrualKeys = (
    BTreeMap<OrderId, Key<Order>>,
    BTreeMap<OrderId, Key<Purchase>>,
    BTreeMap<OrderId, Key<Commission>>,
    BTreeMap<UserId, Key<Earnings>>,
    BTreeMap<UserId, Key<CommissionAccount>>,
);

/// Orders and purchases of a batch that may accrue or reverse commission.
#[derive(Debug, Clone, Default)]
pub struct Orders(BTreeMap<OrderId, Due>);

impl Orders {
    /// Collects the orders of messages, each once.
    pub fn of(messages: &[Cause<'_>]) -> Self {
        Self(messages.iter().filter_map(due).collect())
    }

    /// Returns all keys to read for them.
    pub fn keys(&self) -> AccrualKeys {
        let of = |purchase: bool| {
            self.0
                .iter()
                .filter(move |(_, due)| due.purchase == purchase)
                .map(|(order, due)| (*order, due.second_of.unwrap_or(*order)))
        };
        (
            of(false).map(|(order, at)| (order, Order::key(at))).collect(),
            of(true).map(|(order, at)| (order, Purchase::key(at))).collect(),
            self.0.keys().map(|order| (*order, Commission::key(Commission::id_of(*order)))).collect(),
            self.0
                .values()
                .filter(|due| due.second_of.is_none())
                .map(|due| (due.invitee, Earnings::key(due.invitee)))
                .collect(),
            self.0.values().map(|due| (due.inviter, CommissionAccount::key(due.inviter))).collect(),
        )
    }

    /// Reconciles the commission of each order with the order as read; the status of each inviter and the case of each invitee decide
    /// whether one is held, and `by` picks the share of the programme's budget.
    ///
    /// # Errors
    /// A fault when an item does not decode or amounts overflow; write nothing then.
    pub async fn settle(
        &self,
        app: &App,
        found: <AccrualKeys as Keys>::Found,
        (inviters, cases): (BTreeMap<UserId, Status>, BTreeMap<UserId, CaseState>),
        by: &str,
    ) -> Result<AccrualState, Fault> {
        let (orders, purchases, commissions, earnings, accounts) = found;
        let (budget, allowance) = match self.0.is_empty() {
            true => <(BudgetState, Allowance)>::default(),
            false => BudgetState::read(app, BudgetedProgramme::Affiliate, by).await?,
        };
        let now = Accrual { inviters, cases, allowance, ..Accrual::default() };
        let mut read =
            AccrualState { commissions, earnings, accounts, budget, now, above: Vec::new(), cases: BTreeMap::new() };
        for (order, due) in &self.0 {
            let found = source_of(orders.get(order).map(|found| &**found), purchases.get(order).map(|found| &**found))?;
            let missing = || Fault::bug(format!("a message names {order}, but it is not there"));
            let source = found.ok_or_else(missing)?;
            let source = if due.second_of.is_some() { source.second().ok_or_else(missing)? } else { source };
            read.now.orders.insert(*order, source);
        }
        read.now.commissions = values(&read.commissions);
        read.now.earnings = values(&read.earnings);
        read.now.accounts = values(&read.accounts);
        for (order, due) in &self.0 {
            let by = by_worker(app, &due.message);
            let settled = read.now.settle(*order, &by, &mut || JournalId::new(app.ulid()));
            settled.map_err(Fault::bug)?;
            read.above.extend(read.now.second_level(*order, due.purchase));
        }
        Ok(read)
    }
}

/// Returns the source of a commission: its order, else its purchase.
///
/// # Errors
/// A fault when amounts overflow.
pub(crate) fn source_of(order: Option<&Order>, purchase: Option<&Purchase>) -> Result<Option<CommissionSource>, Fault> {
    if let Some(order) = order {
        return Ok(Some(CommissionSource::from(order)));
    }
    let Some(purchase) = purchase else { return Ok(None) };
    CommissionSource::of_purchase(purchase).map_err(Fault::bug)
}

fn due(told: &Cause<'_>) -> Option<(OrderId, Due)> {
    match *told.message {
        Message::OrderPaid { order, user, inviter: Some(inviter) }
        | Message::OrderNetChanged { order, user, inviter: Some(inviter), .. } => {
            Some((order, Due { purchase: false, invitee: user, inviter, message: told.id.to_owned(), second_of: None }))
        }
        Message::PurchaseNetChanged { purchase, user, inviter } => Some((
            purchase,
            Due { purchase: true, invitee: user, inviter, message: told.id.to_owned(), second_of: None },
        )),
        Message::SecondLevelDue { order, user, inviter, purchase } => {
            let due = Due { purchase, invitee: user, inviter, message: told.id.to_owned(), second_of: Some(order) };
            Some((Commission::second_level(order), due))
        }
        _ => None,
    }
}

/// Returns the worker as the actor, with the message id as the request id.
pub(crate) fn by_worker(app: &App, message: &str) -> JournalOrigin {
    let (actor, request_id) = ("reward-worker".to_owned(), message.to_owned());
    JournalOrigin { operator: Operator::System, actor, request_id, at: app.clock.now() }
}

/// Accrual with the entities as read, for conditional writes.
#[derive(Debug, Default)]
pub struct AccrualState {
    /// The entities as they are to be written.
    pub now: Accrual,
    pub(crate) commissions: BTreeMap<OrderId, Versioned<Commission>>,
    pub(crate) earnings: BTreeMap<UserId, Versioned<Earnings>>,
    pub(crate) accounts: BTreeMap<UserId, Versioned<CommissionAccount>>,
    pub(crate) budget: BudgetState,
    /// Messages for the inviters' inviters, whose commissions follow.
    pub(crate) above: Vec<Message>,
    /// Cases of the invitees, where ended holds are released.
    pub(crate) cases: BTreeMap<UserId, Versioned<RiskCase>>,
}

impl AccrualState {
    /// State of the case that a commission rests on, while anything is left of it and no admin released it by itself.
    pub(crate) fn case_of(&self, order: OrderId) -> Option<CaseState> {
        let rests = |of: &&Commission| !of.left().is_zero() && !of.reviewed && of.posted.is_none();
        let commission = self.now.commissions.get(&order).filter(rests)?;
        self.cases.get(&commission.invitee).map(|case| case.state)
    }

    /// Commission of an order, with the reason why its case was rejected.
    pub(crate) fn rejection(&self, order: OrderId) -> Option<(HeldCommission, String)> {
        let invitee = self.now.commissions.get(&order)?.invitee;
        let decision = self.cases.get(&invitee)?.decision.as_ref();
        let reason = decision.map(|decision| decision.reason.clone()).unwrap_or_default();
        Some((HeldCommission { invitee, order }, reason))
    }

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
        for held in &now.under_review {
            tx.insert(held);
        }
        let moved =
            now.accounts.iter().filter(|(id, account)| self.accounts.get(id).is_none_or(|at| **at != **account));
        for (id, account) in moved {
            put_account(tx, self.accounts.get(id), account);
        }
        let grown = now.earnings.iter().filter(|(id, of)| self.earnings.get(id).is_none_or(|at| **at != **of));
        for (id, earnings) in grown {
            tx.upsert(self.earnings.get(id), earnings);
        }
        self.budget.write(&now.allowance, tx);
        for message in &self.above {
            tx.send(message.clone());
        }
    }
}

impl Accrual {
    /// Message for the second level of an order that earned the inviter a commission; it follows the order's net, too (R6.11).
    fn second_level(&self, order: OrderId, purchase: bool) -> Option<Message> {
        let source = self.orders.get(&order).filter(|_| self.commissions.contains_key(&order))?;
        let inviter = source.affiliate?.second?.inviter;
        Some(Message::SecondLevelDue { order, user: source.user, inviter, purchase })
    }
}

/// Reconciles the commission of one message's order, independent of its rewards.
///
/// # Errors
/// A fault; nothing is written then.
pub async fn earn(app: &App, told: &Cause<'_>) -> Result<(), Error> {
    app.execute(&Ctx::system(), || plan(app, told)).await.map(|_| ())
}

async fn plan(app: &App, told: &Cause<'_>) -> Result<((), Tx), Error> {
    loop {
        let (tx, exceeded) = attempt(app, told).await?;
        if !make_room(app, &exceeded).await? {
            return Ok(((), tx));
        }
    }
}

async fn attempt(app: &App, told: &Cause<'_>) -> Result<(Tx, Allowance), Error> {
    let mut tx = app.tx();
    let orders = Orders::of(std::slice::from_ref(told));
    let inviters: BTreeMap<UserId, Key<User>> =
        orders.0.values().map(|due| (due.inviter, User::key(due.inviter))).collect();
    let invitees: BTreeMap<UserId, Key<RiskCase>> =
        orders.0.values().map(|due| (due.invitee, RiskCase::key(due.invitee))).collect();
    let (found, users, cases) = app.store.read((orders.keys(), inviters, invitees)).await?;
    let states = cases.iter().map(|(id, case)| (*id, case.state)).collect();
    let statuses = users.iter().map(|(id, user)| (*id, user.status)).collect();
    let settled = orders.settle(app, found, (statuses, states), &told.message.group()).await?;
    settled.write(&mut tx);
    if !tx.is_empty() {
        cases.values().filter(|case| case.state == CaseState::Held).for_each(|case| tx.unchanged(case).or_retry());
    }
    settled.now.blocked.iter().filter_map(|id| users.get(id)).for_each(|user| tx.unchanged(user).or_retry());
    Ok((tx, settled.now.allowance))
}
