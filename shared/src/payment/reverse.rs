//! The reversing transaction (R4.11): what every move of a credited order's net writes, whoever told us of it.
//!
//! The caller has written its marker first. Here follow payment, order, the user with balance, debt and charge total, the
//! journal of the difference, and the promise of `order.changed`, by which rewards, commissions and statistics follow.

use jiff::Timestamp;

use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::payment::credit_order::{by_hand, header, tell_agency};
use crate::payment::model::order::Order;
use crate::payment::model::payment::Payment;
use crate::payment::model::reversal::Reversal;
use kernel::fault::{Error, Fault};
use kernel::ledger::{Header, JournalRef, Operator};
use table::context::Ctx;
use table::item::Versioned;
use table::tx::Tx;

/// What a reversing transaction is about.
pub struct Reverse<'a> {
    /// The credited order as it was read.
    pub order: &'a Versioned<Order>,
    /// What else is known of it now: its payment, after a completion by hand.
    pub told: Option<Order>,
    /// Its user as it was read.
    pub user: &'a Versioned<User>,
    /// Its payment as it was read, and with the new facts.
    pub payment: (Option<&'a Versioned<Payment>>, Payment),
    /// In which role: `system` for a provider's word, `admin` by hand.
    pub operator: Operator,
    /// Who exactly.
    pub actor: String,
    /// When we learned of it.
    pub now: Timestamp,
}

impl Reverse<'_> {
    /// Adds all writes; answers whether the order moved. When it stands as its payment says, only the payment is written, and
    /// that only where it differs.
    ///
    /// # Errors
    /// When amounts do not add up, which nothing that was validated does.
    pub fn write(self, app: &App, ctx: &Ctx, tx: &mut Tx) -> Result<bool, Error> {
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
            let (movements, house) = (reversal.movements(order), reversal.house(order)?);
            let posted = self.user.accounts.post(order.user, header, &movements, house);
            let (accounts, posting) = posted.map_err(|error| Fault::bug(error.to_string()))?;
            let mut user = User { accounts, ..(**self.user).clone() };
            if let Some(attribution) = user.attribution.as_mut().filter(|_| order.agency.is_none()) {
                attribution.net_moved(reversal.before, reversal.net)?;
            }
            tx.replace(self.user, &user);
            tx.insert(&posting);
        }
        tx.upsert(known, &payment);
        tx.replace(self.order, &Order { has_refunds, ..order.reversed(&reversal) });
        let inviter = self.user.attribution.as_ref().map(|attribution| attribution.inviter);
        let refunded = reversal.net.amount() < reversal.before.amount();
        tx.send(Message::OrderNetChanged { order: order.id, user: order.user, inviter, refunded });
        tell_agency(order, tx);
        Ok(true)
    }
}

/// The cause of the journals of a payment's order.
pub fn cause(payment: &Payment) -> String {
    match payment.order.filter(|_| payment.by_hand) {
        Some(order) => by_hand(order),
        None => format!("payment:{}:{}", payment.provider.as_str(), payment.id),
    }
}

/// The next journal of a cause that has one. What was posted before its last journal was kept began with step 0.
pub fn next(header: Header, last: Option<JournalRef>) -> Header {
    match last {
        Some(last) => header.correcting(last),
        None => Header { step: 1, ..header },
    }
}
