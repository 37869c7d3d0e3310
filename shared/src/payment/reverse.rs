//! The reversing transaction (R4.11): all writes for a changed net of a credited order.
//!
//! The payment is the guard, unless the caller's request has a key of its own. This adds payment, order, the user with balance,
//! debt and charge total, the journal of the difference, and the outbox message `order.changed`. Rewards, commissions and
//! statistics follow that message.

use jiff::Timestamp;

use crate::account::credit_lots::SourceLot;
use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::payment::credit_order::{by_hand, header, tell_agency, tell_inviter};
use crate::payment::model::order::Order;
use crate::payment::model::payment::Payment;
use crate::payment::model::reversal::Reversal;
use kernel::fault::{Error, Fault};
use kernel::ledger::{Header, JournalRef, LotKind, Operator};
use table::context::Ctx;
use table::item::Versioned;
use table::tx::Tx;

/// Input of a reversing transaction.
pub struct Reverse<'a> {
    /// The credited order as read.
    pub order: &'a Versioned<Order>,
    /// The order with its payment id filled in, if the payment confirms a completion by hand.
    pub told: Option<Order>,
    /// The order's user as read.
    pub user: &'a Versioned<User>,
    /// The payment as read, and with its new facts.
    pub payment: (Option<&'a Versioned<Payment>>, Payment),
    /// Operator role: `system` for a provider event, `admin` for a manual confirmation.
    pub operator: Operator,
    /// Actor within that role: the provider or the admin.
    pub actor: String,
    /// Time at which the event or command was received.
    pub now: Timestamp,
}

impl Reverse<'_> {
    /// Adds all writes to `tx`; returns true if the order's net or state changed.
    ///
    /// If the order already matches its payment, only the payment is written, and only where it differs.
    ///
    /// # Errors
    /// A fault if the lot of its bonuses can't be read, or amounts do not add up, which validated input excludes.
    pub async fn write(self, app: &App, ctx: &Ctx, tx: &mut Tx) -> Result<bool, Error> {
        let (known, mut payment) = self.payment;
        let order = self.told.as_ref().unwrap_or(self.order);
        let has_refunds = payment.has_refunds();
        let Some(reversal) = Reversal::of(order, &payment)? else {
            if self.told.is_some() || order.has_refunds != has_refunds {
                tx.replace(self.order, &Order { has_refunds, ..order.clone() });
            }
            if known.is_none_or(|known| **known != payment) {
                tx.upsert(known, &payment);
            }
            return Ok(false);
        };
        if reversal.moves_money() {
            let header = next(header(app, ctx, cause(&payment), self.operator, self.actor, self.now), payment.last);
            payment.last = Some(header.as_last());
            take_back(app, (order, self.user), &reversal, header, tx).await?;
        }
        tx.mark(|tx| tx.upsert(known, &payment).or_retry());
        tx.replace(self.order, &Order { has_refunds, ..order.reversed(&reversal) });
        tell(order, self.user, &reversal, tx);
        Ok(true)
    }
}

/// Adds the journal of a reversal, the lot of its bonuses, and the user with its balance, debt and charge total.
///
/// # Errors
/// A fault if the lot can't be read, or amounts do not add up, which validated input excludes.
pub(crate) async fn take_back(
    app: &App,
    (order, user): (&Order, &Versioned<User>),
    reversal: &Reversal,
    header: Header,
    tx: &mut Tx,
) -> Result<(), Error> {
    let (movements, house) = (reversal.movements(order), reversal.house(order)?);
    let lot = SourceLot::read(app, user, LotKind::Bonus, order.id.to_string(), header.at).await?;
    let posted = lot.post(app, user, header, (&movements, house), tx);
    let (accounts, posting) = posted.map_err(|error| Fault::bug(error.to_string()))?;
    let mut after = User { accounts, ..(**user).clone() };
    if let Some(attribution) = after.attribution.as_mut().filter(|bond| bond.counts(order)) {
        attribution.net_moved(reversal.before, reversal.net)?;
    }
    tx.replace(user, &after);
    tx.insert(&posting);
    Ok(())
}

/// Adds the messages about an order's new net.
pub(crate) fn tell(order: &Order, user: &User, reversal: &Reversal, tx: &mut Tx) {
    let inviter = tell_inviter(order, user, tx);
    let refunded = reversal.net.amount() < reversal.before.amount();
    let reinstated = reversal.net.amount() > reversal.before.amount();
    tx.send(Message::OrderNetChanged { order: order.id, user: order.user, inviter, refunded, reinstated });
    tell_agency(order, tx);
}

/// Cause of the journals of a payment's order.
pub fn cause(payment: &Payment) -> String {
    match payment.order.filter(|_| payment.by_hand) {
        Some(order) => by_hand(order),
        None => format!("payment:{}:{}", payment.provider.as_str(), payment.id),
    }
}

/// Header of a cause's next journal, following its last one.
///
/// Without a recorded last journal the next step is 1, since the first journal of a cause has step 0.
pub fn next(header: Header, last: Option<JournalRef>) -> Header {
    match last {
        Some(last) => header.correcting(last),
        None => Header { step: 1, ..header },
    }
}
