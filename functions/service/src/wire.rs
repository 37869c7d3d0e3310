//! What these routes take and show.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::{Adjust, AdjustedBy, said, unsigned_amount};
use shared::account::model::external::ExternalId;
use shared::account::model::identity::Email;
use shared::account::model::identity::Status;
use shared::account::model::user::User;
use shared::account::register::{AppliedReferral, Registered};
use shared::account::register_external::RegisterExternal;
use shared::affiliate::model::purchase;
use shared::affiliate::report_purchase::{Refunded, Report};
use shared::edge::view::Amount;
use shared::kernel::id::OrderId;
use shared::kernel::id::{ServiceKeyId, UserId};
use shared::kernel::money::MoneyError;
use shared::kernel::refusal::{FieldError, Refusal};
use shared::redemption::model::plan::{Plan, Subscription as Time};
use shared::redemption::view::SubscriptionView;
use shared::referral::model::referral::NotApplied;
use utoipa::ToSchema;

/// Most characters of what a debit or credit belongs to.
const RELATED_MAX: usize = 200;

/// A user of the backend's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalUser {
    /// What the backend calls them, 1 to 200 characters; there is one user per id.
    #[schema(example = "customer-17")]
    external_id: String,
    /// Their address, if it is known.
    #[serde(default)]
    email: Option<String>,
    /// The invite code they were given. A bad one refuses nothing.
    #[serde(default)]
    referral_code: Option<String>,
}

impl ExternalUser {
    /// The checked request.
    ///
    /// # Rejects
    /// 422 with every wrong field.
    pub fn checked(self) -> Result<RegisterExternal, Refusal> {
        let mut errors = Vec::new();
        let external_id = taken(ExternalId::at("/external_id", &self.external_id), &mut errors);
        let email = self.email.map(|email| Email::at("/email", &email)).transpose();
        let email = taken(email, &mut errors);
        let referral_code = self.referral_code.map(|code| code.chars().take(100).collect());
        match (external_id, email) {
            (Some(external_id), Some(email)) => Ok(RegisterExternal { external_id, email, referral_code }),
            _ => Err(Refusal::Invalid(errors)),
        }
    }
}

/// A user as the backend sees them.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceUser {
    /// Who.
    pub id: UserId,
    /// What the backend calls them; null for who registered by themselves.
    pub external_id: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// `active` or `blocked`.
    pub status: Status,
    /// When they registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// What they can spend.
    pub balance: Amount,
    /// What they owe.
    pub debt: Amount,
    /// Their time on plans: by plan, the latest first.
    pub subscriptions: Vec<SubscriptionView>,
    /// What the referral code did; only where a user is registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<ServiceReferral>,
}

/// What a referral code did for a user of the backend's.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceReferral {
    /// Whether it bound the user to its owner.
    pub applied: bool,
    /// If not: `unknown`, `inactive`, `own`, `limit`, `inviter_blocked`, `programme_off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<NotApplied>,
    /// What the user got for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reward: Option<Amount>,
}

impl From<AppliedReferral> for ServiceReferral {
    fn from(of: AppliedReferral) -> Self {
        let reason = of.reason;
        Self { applied: of.applied, reason, reward: of.reward.map(Amount::from) }
    }
}

impl ServiceUser {
    /// A user who was there.
    pub fn of(user: &User, time: &[(Time, Plan)], now: Timestamp) -> Self {
        Self {
            id: user.id,
            external_id: user.external_id.as_ref().map(|id| id.as_str().to_owned()),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            status: user.status,
            created_at: user.created_at,
            balance: user.accounts.balance().into(),
            debt: user.accounts.owed().into(),
            subscriptions: time.iter().map(|(time, plan)| SubscriptionView::of(time, plan, now)).collect(),
            referral: None,
        }
    }

    /// A user who is new: without any subscription or debt.
    pub fn new(ask: &RegisterExternal, of: Registered) -> Self {
        let none = shared::kernel::money::LedgerMoney::zero(of.balance.currency());
        Self {
            id: of.user,
            external_id: Some(ask.external_id.as_str().to_owned()),
            email: ask.email.as_ref().map(|email| email.as_str().to_owned()),
            status: of.status,
            created_at: of.created_at,
            balance: of.balance.into(),
            debt: none.into(),
            subscriptions: Vec::new(),
            referral: Some(of.referral.into()),
        }
    }

    /// With what the referral code did.
    pub fn referred(self, referral: AppliedReferral) -> Self {
        Self { referral: Some(referral.into()), ..self }
    }
}

/// A movement of a balance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Movement {
    /// How much, in ledger currency.
    #[schema(example = "2.50")]
    amount: String,
    /// What of the backend's it belongs to, 1 to 200 characters.
    #[schema(example = "job-4711")]
    related_id: String,
    /// What the user reads, 1 to 500 characters.
    remark: String,
}

impl Movement {
    /// A credit, or a debit where it `takes`, by the key of this name.
    ///
    /// # Rejects
    /// 422 with every wrong field.
    pub fn read(&self, user: UserId, name: String, takes: bool) -> Result<Adjust, Refusal> {
        let mut errors = Vec::new();
        let amount = taken(unsigned_amount("/amount", &self.amount), &mut errors);
        let related_id = taken(related(&self.related_id), &mut errors);
        let remark = taken(said("/remark", &self.remark), &mut errors);
        let (Some(amount), Some(related_id), Some(remark)) = (amount, related_id, remark) else {
            return Err(Refusal::Invalid(errors));
        };
        let amount = if takes { -amount } else { amount };
        Ok(Adjust { user, amount, remark, by: AdjustedBy::Backend { name, related_id } })
    }
}

fn related(text: &str) -> Result<String, FieldError> {
    let related = said("/related_id", text)?;
    let detail = || FieldError::new("/related_id", "out_of_range", format!("1 to {RELATED_MAX} characters"));
    (related.chars().count() <= RELATED_MAX).then_some(related).ok_or_else(detail)
}

/// What a user bought elsewhere.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseReport {
    /// Who bought.
    #[schema(value_type = UserId)]
    user_id: String,
    /// The backend's id of it, unique per key, without a slash: a refund has it in its path.
    #[schema(example = "order-4711")]
    external_order_id: String,
    /// What was paid, in pay currency.
    #[schema(example = "100.00")]
    amount: String,
    /// The pay currency.
    #[schema(example = "CNY")]
    currency: String,
    /// When it was paid.
    #[schema(format = DateTime)]
    paid_at: String,
}

impl PurchaseReport {
    /// What a key reports.
    ///
    /// # Rejects
    /// 422 with every wrong field.
    pub fn read(self, key: ServiceKeyId) -> Result<Report, Refusal> {
        let mut errors = Vec::new();
        let unknown = || FieldError::new("/user_id", "unknown", "There is no such user.");
        let user = taken(UserId::parse(&self.user_id).ok_or_else(unknown), &mut errors);
        let external = ExternalId::at("/external_order_id", &self.external_order_id).and_then(refundable);
        let external = taken(external, &mut errors);
        let time = |_| FieldError::new("/paid_at", "not_a_time", "A time as RFC 3339 writes it.");
        let paid_at = taken(self.paid_at.parse::<Timestamp>().map_err(time), &mut errors);
        let (Some(user), Some(external_order_id), Some(paid_at)) = (user, external, paid_at) else {
            return Err(Refusal::Invalid(errors));
        };
        Ok(Report { key, external_order_id, user, amount: self.amount, currency: self.currency, paid_at })
    }
}

/// An order's id that the path of a refund can hold.
fn refundable(id: ExternalId) -> Result<ExternalId, FieldError> {
    let is_lost = id.as_str().contains('/') || matches!(id.as_str(), "." | "..");
    let detail = "An id that a path can hold: without a slash, and not . or ..";
    if is_lost { Err(FieldError::new("/external_order_id", "out_of_range", detail)) } else { Ok(id) }
}

/// What went back of a purchase.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseRefund {
    /// How much, in pay currency.
    #[schema(example = "30.00")]
    amount: String,
    /// The backend's id of the refund; it counts once.
    #[schema(example = "refund-1")]
    refund_id: String,
}

impl PurchaseRefund {
    /// What a key reports of its purchase.
    ///
    /// # Rejects
    /// 404 for what can't be a purchase; 422 with every wrong field.
    pub fn read(self, key: ServiceKeyId, external_order_id: &str) -> Result<Refunded, Refusal> {
        let external_order_id = ExternalId::parse(external_order_id).ok_or(Refusal::NotFound)?;
        let refund_id = ExternalId::at("/refund_id", &self.refund_id).map_err(Refusal::from)?;
        Ok(Refunded { key, external_order_id, amount: self.amount, refund_id })
    }
}

/// A purchase as it is known.
#[derive(Debug, Serialize, ToSchema)]
pub struct Purchase {
    /// Which; commissions name it as their order.
    pub id: OrderId,
    /// The backend's id of it.
    pub external_order_id: String,
    /// Who bought; null while only refunds are known, as are the amounts.
    pub user_id: Option<String>,
    /// What was paid.
    pub amount: Option<Amount>,
    /// What that would have bought here: what a commission is a part of.
    pub base: Option<Amount>,
    /// What is left of the amount.
    pub net: Option<Amount>,
    /// What went back.
    pub refunds: Vec<PurchaseRefundShown>,
    /// When it was paid.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub paid_at: Option<Timestamp>,
    /// When it was first told of.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A refund of a purchase.
#[derive(Debug, Serialize, ToSchema)]
pub struct PurchaseRefundShown {
    /// The backend's id of it.
    pub refund_id: String,
    /// How much.
    pub amount: Amount,
}

impl Purchase {
    /// A purchase as it stands.
    ///
    /// # Rejects
    /// Overflow.
    pub fn of(purchase: &purchase::Purchase) -> Result<Self, MoneyError> {
        let bought = purchase.bought.as_ref();
        let refund = |(id, amount): (&ExternalId, &_)| PurchaseRefundShown {
            refund_id: id.as_str().to_owned(),
            amount: Amount::from(*amount),
        };
        Ok(Self {
            id: purchase.id,
            external_order_id: purchase.external_order_id.as_str().to_owned(),
            user_id: bought.map(|bought| bought.user.to_string()),
            amount: bought.map(|bought| bought.amount.into()),
            base: bought.map(|bought| bought.base.into()),
            net: purchase.net()?.map(Amount::from),
            refunds: purchase.refunds.iter().map(refund).collect(),
            paid_at: bought.map(|bought| bought.paid_at),
            created_at: purchase.created_at,
        })
    }
}

/// What was read, or a finding more.
fn taken<T>(read: Result<T, FieldError>, errors: &mut Vec<FieldError>) -> Option<T> {
    read.map_err(|error| errors.push(error)).ok()
}
