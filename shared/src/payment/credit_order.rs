//! The paid transaction (R4.6): what every captured payment of an order writes, whoever told us of it.
//!
//! The caller has written its marker first. Here follow payment, order, the user with balance, promotion and charge total,
//! the journal, and the promise of `order.paid`. One commit, or nothing.

use jiff::Timestamp;

use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::payment::model::order::Order;
use crate::payment::model::payment::{Credited, Payment};
use crate::payment::model::review::{Review, ReviewState};
use crate::referral::model::settings::ReferralSettings;
use kernel::fault::{Error, Fault};
use kernel::id::{JournalId, OrderId};
use kernel::ledger::{Header, Operator, PlatformAccount, PlatformLine};
use table::item::Versioned;
use table::tx::{OnConflict, Tx};

/// What a paid transaction is about.
pub struct CreditOrder<'a> {
    /// The order.
    pub order: &'a Order,
    /// The same as it was read; none for one that is made to credit money in review (R4.12).
    pub known: Option<&'a Versioned<Order>>,
    /// Its user as it was read.
    pub user: &'a Versioned<User>,
    /// The provider's payment as it was read, and as it is now; none while a completion by hand has no payment id.
    pub payment: Option<(Option<&'a Versioned<Payment>>, Payment)>,
    /// The open review item of this payment, whose money leaves `suspense` now.
    pub review: Option<&'a Versioned<Review>>,
    /// What the rules say it credits.
    pub credited: &'a Credited,
    /// In which role: `system` for a provider's word, `admin` by hand.
    pub operator: Operator,
    /// Who exactly.
    pub actor: String,
    /// When we learned of it.
    pub now: Timestamp,
}

impl CreditOrder<'_> {
    /// Adds all writes of the paid transaction.
    ///
    /// # Errors
    /// When amounts do not add up, which nothing that was validated does.
    pub async fn write(self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let referral = app.settings::<ReferralSettings>().await?.settings;
        let (order, credited) = (self.order, self.credited);
        let payment_id = self.payment.as_ref().map(|(_, payment)| payment.id.clone());
        let paid = order.credited(credited, payment_id.as_deref());
        let (accounts, posting) = self
            .user
            .accounts
            .post(order.user, self.header(app), &credited.movements(order), self.house()?)
            .map_err(|error| Fault::bug(error.to_string()))?;
        let mut user = User { accounts, ..(**self.user).clone() };
        if let (Some(promotion), Some(used)) = (user.promotion.as_mut(), credited.used(order)) {
            promotion.used = Some(used);
        }
        if let Some(attribution) = user.attribution.as_mut().filter(|_| order.agency.is_none()) {
            attribution.charge_added(order.charge, credited.net, referral.enabled, self.now)?;
        }
        if let Some((before, payment)) = &self.payment {
            let last = Some(posting.header.as_last());
            let review = payment.review.filter(|_| self.known.is_none());
            let paying = Payment { order: Some(order.id), review, last, ..payment.clone() };
            tx.upsert(*before, &paying, OnConflict::Retry);
        }
        // Who makes an order for a review's money writes the decision on the item.
        if let (Some(review), Some(_)) = (self.review, self.known) {
            tx.replace(review, &Review { state: ReviewState::Credited, ..(**review).clone() }, OnConflict::Retry);
        }
        let has_refunds = self.payment.as_ref().is_some_and(|(_, payment)| payment.has_refunds());
        let completed = self.payment.is_none().then_some(posting.header.journal);
        tx.upsert(self.known, &Order { completed, has_refunds, ..paid }, OnConflict::Retry);
        tx.replace(self.user, &user, OnConflict::Retry);
        tx.insert(&posting, OnConflict::Retry);
        let inviter = user.attribution.as_ref().map(|attribution| attribution.inviter);
        tx.send(Message::OrderPaid { order: order.id, user: order.user, inviter });
        tell_agency(order, tx);
        Ok(())
    }

    fn header(&self, app: &App) -> Header {
        let cause = match &self.payment {
            Some((_, payment)) => format!("payment:{}:{}", payment.provider.as_str(), payment.id),
            None => by_hand(self.order.id),
        };
        header(app, cause, self.operator.clone(), self.actor.clone(), self.now)
    }

    /// The house's lines; money that stood on `suspense` comes from there.
    fn house(&self) -> Result<Vec<PlatformLine>, Error> {
        let mut lines = self.credited.house(self.order)?;
        if let Some(review) = self.review.filter(|review| review.reason.holds_money()) {
            let held = review.held().as_ledger();
            lines.push(PlatformLine::new(PlatformAccount::Provider(review.provider), held));
            lines.push(PlatformLine::new(PlatformAccount::Suspense, held.negated()));
        }
        Ok(lines)
    }
}

/// An agency order that was paid by this one, or whose payment moved, is settled by its tree's worker (R8.8).
pub fn tell_agency(order: &Order, tx: &mut Tx) {
    if let Some(of) = order.agency {
        tx.send(Message::AgencyOrderNetChanged { order: of.order, tree: of.tree });
    }
}

/// The cause of a journal that an admin made without a payment id (R4.12).
pub fn by_hand(order: OrderId) -> String {
    format!("order:{order}")
}

/// The header of a journal that corrects nothing.
pub fn header(app: &App, cause: String, operator: Operator, actor: String, now: Timestamp) -> Header {
    let request_id = table::request::request_id().unwrap_or_default();
    Header { journal: JournalId::new(app.ulid()), cause, step: 0, corrects: None, operator, actor, request_id, at: now }
}
