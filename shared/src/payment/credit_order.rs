//! The paid transaction (R4.6): all writes that credit a captured payment's order, from any source.
//!
//! The payment is the guard, unless the caller's request has a key of its own. This adds payment, order, the user with balance,
//! promotion and charge total, the journal, and the outbox message `order.paid`. All commit together or not at all.

use jiff::Timestamp;

use crate::account::credit_lots::SourceLot;
use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::operations::budget::spend;
use crate::operations::model::budget::{Budgeted, BudgetedProgramme};
use crate::payment::model::credited::Credited;
use crate::payment::model::order::Order;
use crate::payment::model::payment::Payment;
use crate::payment::model::review::{Review, ReviewState};
use crate::referral::model::settings::ReferralSettings;
use kernel::fault::{Error, Fault};
use kernel::id::{JournalId, OrderId, UserId};
use kernel::ledger::{Header, JournalOrigin, LotKind, Operator, PlatformAccount, PlatformLine};
use kernel::money::LedgerMoney;
use table::context::Ctx;
use table::item::Versioned;
use table::tx::Tx;

/// Input of a paid transaction.
pub struct CreditOrder<'a> {
    /// The order to credit.
    pub order: &'a Order,
    /// The order as read; `None` for an order created to credit money in review (R4.12).
    pub known: Option<&'a Versioned<Order>>,
    /// The order's user as read.
    pub user: &'a Versioned<User>,
    /// The payment as read, and as updated; `None` for a completion by hand without a payment id.
    pub payment: Option<(Option<&'a Versioned<Payment>>, Payment)>,
    /// The payment's open review item; its money leaves `suspense`.
    pub review: Option<&'a Versioned<Review>>,
    /// Amounts and state to credit.
    pub credited: &'a Credited,
    /// Operator role: `system` for a provider event, `admin` for a manual credit.
    pub operator: Operator,
    /// Actor within that role: the provider or the admin.
    pub actor: String,
    /// Time at which the event or command was received.
    pub now: Timestamp,
}

impl CreditOrder<'_> {
    /// Adds all writes of the paid transaction to `tx`.
    ///
    /// # Errors
    /// A fault if amounts do not add up, which validated input excludes.
    pub async fn write(self, app: &App, ctx: &Ctx, tx: &mut Tx) -> Result<(), Error> {
        let referral = app.settings::<ReferralSettings>().await?.settings;
        let order = self.order;
        let credited = &within_budget(app, order, self.credited, tx).await?;
        let payment_id = self.payment.as_ref().map(|(_, payment)| payment.id.clone());
        let paid = order.credited(credited, payment_id.as_deref())?;
        let lot = SourceLot::read(app, self.user, LotKind::Bonus, order.id.to_string(), self.now).await?;
        let (movements, house) = (credited.movements(order), self.house(credited)?);
        let posted = lot.post(app, self.user, self.header(app, ctx), (&movements, house), tx);
        let (accounts, posting) = posted.map_err(Fault::bug)?;
        let mut user =
            User { accounts, has_paid: self.user.has_paid || order.agency.is_none(), ..(**self.user).clone() };
        if let (Some(promotion), Some(used)) = (user.promotion.as_mut(), credited.used(order)) {
            promotion.used = Some(used);
        }
        if let Some(attribution) = user.attribution.as_mut().filter(|bond| bond.counts(order)) {
            attribution.charge_added(order.charge, credited.net, referral.enabled, self.now)?;
        }
        if let Some((before, payment)) = &self.payment {
            let last = Some(posting.header.as_last());
            let review = payment.review.filter(|_| self.known.is_none());
            let left = self.review.map(|review| review.id).filter(|_| self.known.is_some());
            let cleared = left.or(payment.cleared);
            let paying = Payment { order: Some(order.id), review, cleared, last, ..payment.clone() };
            tx.mark(|tx| tx.upsert(*before, &paying).or_retry());
        }
        // An admin's credit of a review writes its resolution on the item itself.
        if let (Some(review), Some(_)) = (self.review, self.known) {
            tx.replace(review, &Review { state: ReviewState::Credited, ..(**review).clone() });
        }
        let has_refunds = self.payment.as_ref().is_some_and(|(_, payment)| payment.has_refunds());
        let completed = self.payment.is_none().then_some(posting.header.journal);
        tx.upsert(self.known, &Order { completed, has_refunds, ..paid });
        tx.replace(self.user, &user);
        tx.insert(&posting);
        let inviter = tell_inviter(order, &user, tx);
        tx.send(Message::OrderPaid { order: order.id, user: order.user, inviter });
        tell_agency(order, tx);
        Ok(())
    }

    fn header(&self, app: &App, ctx: &Ctx) -> Header {
        let cause = match &self.payment {
            Some((_, payment)) => format!("payment:{}:{}", payment.provider.as_str(), payment.id),
            None => by_hand(self.order.id),
        };
        header(app, ctx, cause, self.operator.clone(), self.actor.clone(), self.now)
    }

    /// Platform lines; money held on `suspense` is moved from there.
    fn house(&self, credited: &Credited) -> Result<Vec<PlatformLine>, Error> {
        let mut lines = credited.house(self.order)?;
        if let Some(review) = self.review.filter(|review| review.reason.holds_money()) {
            let held = review.held().as_ledger();
            lines.push(PlatformLine::new(PlatformAccount::Provider(review.provider), held));
            lines.push(PlatformLine::new(PlatformAccount::Suspense, held.negated()));
        }
        Ok(lines)
    }
}

/// Takes the bonus from the budget of the promotion, or holds it.
async fn within_budget(app: &App, order: &Order, credited: &Credited, tx: &mut Tx) -> Result<Credited, Error> {
    if !credited.bonus.is_positive() {
        return Ok(*credited);
    }
    let budgeted = spend(app, BudgetedProgramme::Promotion, &order.user.to_string(), credited.bonus, tx).await?;
    let none = LedgerMoney::zero(credited.bonus.currency());
    let post_bonus = if budgeted == Budgeted::Exceeded { none } else { credited.post_bonus };
    Ok(Credited { budgeted, post_bonus, ..*credited })
}

/// Returns the inviter of an order, and adds a message for another one whose reward depends on it (R3.12).
pub(crate) fn tell_inviter(order: &Order, user: &User, tx: &mut Tx) -> Option<UserId> {
    let bond = user.attribution.as_ref()?;
    let inviter = bond.inviter_of(order)?;
    if let Some(inviter) = bond.also_concerns(inviter).filter(|_| bond.counts(order)) {
        tx.send(Message::ChargeCounted { user: user.id, inviter });
    }
    Some(inviter)
}

/// Adds a message for the tree's worker if the order pays an agency order (R8.8).
///
/// The worker settles the agency order after its payment or a change of its net.
pub fn tell_agency(order: &Order, tx: &mut Tx) {
    if let Some(of) = order.agency {
        tx.send(Message::AgencyOrderNetChanged { order: of.order, tree: of.tree });
    }
}

/// Cause of a journal made by an admin without a payment id (R4.12).
pub fn by_hand(order: OrderId) -> String {
    format!("order:{order}")
}

/// Header of a journal that corrects no earlier one.
pub fn header(app: &App, ctx: &Ctx, cause: String, operator: Operator, actor: String, now: Timestamp) -> Header {
    let origin = JournalOrigin { operator, actor, request_id: ctx.request_id.clone(), at: now };
    origin.header(JournalId::new(app.ulid()), cause)
}
