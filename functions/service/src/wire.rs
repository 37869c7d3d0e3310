//! Requests and responses of the service routes.

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
use shared::affiliate::report_purchase::{CorrectRefund, Refunded, Report};
use shared::edge::view::Amount;
use shared::kernel::id::OrderId;
use shared::kernel::id::{ServiceKeyId, UserId};
use shared::kernel::money::MoneyError;
use shared::kernel::refusal::{FieldError, Refusal};
use shared::kernel::typed;
use shared::operations::view::Decision;
use shared::redemption::model::plan::{Plan, Subscription as Time};
use shared::redemption::view::SubscriptionView;
use shared::referral::model::referral::NotApplied;
use utoipa::ToSchema;

/// Maximum characters of a related id.
const RELATED_MAX: usize = 200;

/// Request to register a user of the operator's backend.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalUser {
    /// The backend's id of the user, 1 to 200 characters. There is one user per id.
    #[schema(example = "customer-17")]
    external_id: String,
    /// E-mail address of the user, if known.
    #[serde(default)]
    email: Option<String>,
    /// Invite code of the inviter. An invalid code does not prevent the registration.
    #[serde(default)]
    referral_code: Option<String>,
}

impl ExternalUser {
    /// Validate the request.
    ///
    /// # Rejects
    /// 422 with every invalid field.
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
    /// Id of the user.
    pub id: UserId,
    /// The backend's id of the user; null if the user registered without the backend.
    pub external_id: Option<String>,
    /// E-mail address of the user; null without one.
    pub email: Option<String>,
    /// Status of the user: `active` or `blocked`.
    pub status: Status,
    /// Registration time.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Spendable balance.
    pub balance: Amount,
    /// Part of the balance that never expires; absent in the response to a registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub paid: Option<Amount>,
    /// Part of the balance that was granted and expires, and is spent first; absent in the response to a registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub granted: Option<Amount>,
    /// Debt to the platform.
    pub debt: Amount,
    /// Subscriptions of the user, grouped by plan, latest first.
    pub subscriptions: Vec<SubscriptionView>,
    /// Effect of the referral code; only in the response to a registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub referral: Option<ServiceReferral>,
}

/// Effect of a referral code on a user of the backend.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceReferral {
    /// True if the code linked the user to its owner.
    pub applied: bool,
    /// Reason why no code applied; absent if one did.
    /// One of `unknown`, `inactive`, `own`, `limit`, `inviter_blocked`, `programme_off`, `no_code`, `already_bound`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<NotApplied>,
    /// Reward of the user; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reward: Option<Amount>,
}

impl From<AppliedReferral> for ServiceReferral {
    fn from(of: AppliedReferral) -> Self {
        let reason = of.reason();
        Self { applied: of.applied, reason, reward: of.reward.map(Amount::from) }
    }
}

impl ServiceUser {
    /// An existing user.
    pub fn of(user: &User, time: &[(Time, Plan)], now: Timestamp) -> Self {
        Self {
            id: user.id,
            external_id: user.external_id.as_ref().map(|id| id.as_str().to_owned()),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            status: user.status,
            created_at: user.created_at,
            balance: user.accounts.balance().into(),
            paid: Some(user.accounts.paid().into()),
            granted: Some(user.accounts.granted().into()),
            debt: user.accounts.owed().into(),
            subscriptions: time.iter().map(|(time, plan)| SubscriptionView::of(time, plan, now)).collect(),
            referral: None,
        }
    }

    /// A new user, without subscriptions or debt.
    pub fn new(ask: &RegisterExternal, of: Registered) -> Self {
        let none = shared::kernel::money::LedgerMoney::zero(of.balance.currency());
        Self {
            id: of.user,
            external_id: Some(ask.external_id.as_str().to_owned()),
            email: ask.email.as_ref().map(|email| email.as_str().to_owned()),
            status: of.status,
            created_at: of.created_at,
            balance: of.balance.into(),
            paid: None,
            granted: None,
            debt: none.into(),
            subscriptions: Vec::new(),
            referral: Some(of.referral.into()),
        }
    }

    /// The user with the effect of the referral code.
    pub fn referred(self, referral: AppliedReferral) -> Self {
        Self { referral: Some(referral.into()), ..self }
    }
}

/// Decisions about a reported purchase.
#[derive(Debug, Serialize, ToSchema)]
pub struct PurchaseExplanation {
    /// Id of the purchase.
    pub id: OrderId,
    /// The backend's id of the purchase.
    pub external_order_id: String,
    /// Decisions, in the order in which they are taken.
    pub decisions: Vec<Decision>,
}

/// Request to debit or credit a balance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Movement {
    /// Positive amount, in ledger currency.
    #[schema(example = "2.50")]
    amount: String,
    /// The backend's id of the related object, 1 to 200 characters.
    #[schema(example = "job-4711")]
    related_id: String,
    /// Remark shown to the user, 1 to 500 characters.
    remark: String,
}

impl Movement {
    /// Validate the request: a debit if `takes`, else a credit, by the key of this name.
    ///
    /// # Rejects
    /// 422 with every invalid field.
    pub fn read(&self, user: UserId, name: String, takes: bool) -> Result<Adjust, Refusal> {
        let mut errors = Vec::new();
        let amount = taken(unsigned_amount("/amount", &self.amount), &mut errors);
        let related_id = taken(related(&self.related_id), &mut errors);
        let remark = taken(said("/remark", &self.remark), &mut errors);
        let (Some(amount), Some(related_id), Some(remark)) = (amount, related_id, remark) else {
            return Err(Refusal::Invalid(errors));
        };
        let amount = if takes { -amount } else { amount };
        Ok(Adjust { user, amount, remark, allow_debt: false, by: AdjustedBy::Backend { name, related_id } })
    }
}

fn related(text: &str) -> Result<String, FieldError> {
    let related = said("/related_id", text)?;
    let detail = || FieldError::new("/related_id", "out_of_range", format!("1 to {RELATED_MAX} characters"));
    (related.chars().count() <= RELATED_MAX).then_some(related).ok_or_else(detail)
}

/// Report of a purchase outside the platform.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseReport {
    /// Id of the buyer.
    #[schema(value_type = UserId)]
    user_id: String,
    /// The backend's id of the purchase, unique per service key.
    /// It must not contain a slash, because the path of a refund contains it.
    #[schema(example = "order-4711")]
    external_order_id: String,
    /// Amount paid, in pay currency.
    #[schema(example = "100.00")]
    amount: String,
    /// Currency of the amount; must be the pay currency.
    #[schema(example = "CNY")]
    currency: String,
    /// Time of the payment, RFC 3339.
    #[schema(format = DateTime)]
    paid_at: String,
}

impl PurchaseReport {
    /// Validate the report of a service key.
    ///
    /// # Rejects
    /// 422 with every invalid field.
    pub fn read(self, key: ServiceKeyId) -> Result<Report, Refusal> {
        let mut errors = Vec::new();
        let unknown = || FieldError::new("/user_id", "unknown", "There is no such user.");
        let user = taken(UserId::parse(&self.user_id).ok_or_else(unknown), &mut errors);
        let external = ExternalId::at("/external_order_id", &self.external_order_id).and_then(refundable);
        let external = taken(external, &mut errors);
        let time = || FieldError::new("/paid_at", "not_a_time", "A time as RFC 3339 writes it.");
        let paid_at = taken(typed::time(&self.paid_at).ok_or_else(time), &mut errors);
        let (Some(user), Some(external_order_id), Some(paid_at)) = (user, external, paid_at) else {
            return Err(Refusal::Invalid(errors));
        };
        Ok(Report { key, external_order_id, user, amount: self.amount, currency: self.currency, paid_at })
    }
}

/// Accept only an order id that fits into the path of a refund.
fn refundable(id: ExternalId) -> Result<ExternalId, FieldError> {
    let is_lost = id.as_str().contains('/') || matches!(id.as_str(), "." | "..");
    let detail = "An id that a path can hold: without a slash, and not . or ..";
    if is_lost { Err(FieldError::new("/external_order_id", "out_of_range", detail)) } else { Ok(id) }
}

/// Report of a refund of a purchase.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseRefund {
    /// Amount refunded, in pay currency.
    #[schema(example = "30.00")]
    amount: String,
    /// The backend's id of the refund. A repeated id counts once.
    #[schema(example = "refund-1")]
    refund_id: String,
}

impl PurchaseRefund {
    /// Validate the refund that a service key reports.
    ///
    /// # Rejects
    /// 404 for an id that no purchase can have; 422 for an invalid refund id.
    pub fn read(self, key: ServiceKeyId, external_order_id: &str) -> Result<Refunded, Refusal> {
        let external_order_id = ExternalId::parse(external_order_id).ok_or(Refusal::NotFound)?;
        let refund_id = ExternalId::at("/refund_id", &self.refund_id).map_err(Refusal::from)?;
        Ok(Refunded { key, external_order_id, amount: self.amount, refund_id })
    }
}

/// Correction of a refund that was reported wrongly.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundCorrection {
    /// The backend's id of the refund.
    #[schema(example = "refund-1")]
    refund_id: String,
    /// Amount really refunded, in pay currency; 0 if nothing was.
    #[schema(example = "3.00")]
    amount: String,
    /// Reason, for people to read, 1 to 500 characters.
    #[schema(example = "a digit too many")]
    reason: String,
}

impl RefundCorrection {
    /// Validate the correction by the service key with this name.
    ///
    /// # Rejects
    /// 404 for ids that no purchase and no refund can have; 422 for an invalid reason.
    pub fn read(self, key: ServiceKeyId, by: String, external_order_id: &str) -> Result<CorrectRefund, Refusal> {
        let external_order_id = ExternalId::parse(external_order_id).ok_or(Refusal::NotFound)?;
        let refund_id = ExternalId::at("/refund_id", &self.refund_id).map_err(Refusal::from)?;
        let reason = said("/reason", &self.reason).map_err(Refusal::from)?;
        Ok(CorrectRefund { key, by, external_order_id, refund_id, amount: self.amount, reason })
    }
}

/// A reported purchase.
#[derive(Debug, Serialize, ToSchema)]
pub struct Purchase {
    /// Id of the purchase; commissions on it carry the same id as `order_id`.
    pub id: OrderId,
    /// The backend's id of the purchase.
    pub external_order_id: String,
    /// Id of the buyer; null, like the amounts, until the purchase itself is reported.
    pub user_id: Option<String>,
    /// Amount paid.
    pub amount: Option<Amount>,
    /// Credit that the amount would have bought here: the base of commissions.
    pub base: Option<Amount>,
    /// Amount paid less refunds.
    pub net: Option<Amount>,
    /// Refunds of the purchase.
    pub refunds: Vec<PurchaseRefundShown>,
    /// Time of the payment; null until the purchase itself is reported.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub paid_at: Option<Timestamp>,
    /// Time of the first report.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A refund of a purchase.
#[derive(Debug, Serialize, ToSchema)]
pub struct PurchaseRefundShown {
    /// The backend's id of the refund.
    pub refund_id: String,
    /// Amount refunded, as corrected.
    pub amount: Amount,
    /// Reason of its correction; null without one.
    pub corrected_because: Option<String>,
}

impl Purchase {
    /// The purchase in its present state.
    ///
    /// # Rejects
    /// Amounts that overflow.
    pub fn of(purchase: &purchase::Purchase) -> Result<Self, MoneyError> {
        let bought = purchase.bought.as_ref();
        let refund = |(id, amount): (&ExternalId, _)| PurchaseRefundShown {
            refund_id: id.as_str().to_owned(),
            amount: Amount::from(amount),
            corrected_because: purchase.corrections.get(id).map(|correction| correction.reason.clone()),
        };
        Ok(Self {
            id: purchase.id,
            external_order_id: purchase.external_order_id.as_str().to_owned(),
            user_id: bought.map(|bought| bought.user.to_string()),
            amount: bought.map(|bought| bought.amount.into()),
            base: bought.map(|bought| bought.base.into()),
            net: purchase.net()?.map(Amount::from),
            refunds: purchase.refunded().map(refund).collect(),
            paid_at: bought.map(|bought| bought.paid_at),
            created_at: purchase.created_at,
        })
    }
}

/// Return the value, or add the error to `errors`.
fn taken<T>(read: Result<T, FieldError>, errors: &mut Vec<FieldError>) -> Option<T> {
    read.map_err(|error| errors.push(error)).ok()
}
