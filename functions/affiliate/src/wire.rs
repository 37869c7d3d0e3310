//! Requests and responses of the affiliate routes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::{said, unsigned_amount};
use shared::account::model::access::Bearer;
use shared::affiliate::model::commission;
use shared::affiliate::model::commission::CommissionState;
use shared::affiliate::model::settings::AffiliateSettings;
use shared::affiliate::overview::AffiliateOverview;
use shared::affiliate::view::PayoutAsk;
use shared::affiliate::withdraw::Withdraw;
use shared::edge::view::Amount;
use shared::kernel::id::CommissionId;
use shared::kernel::id::OrderId;
use shared::kernel::money::{Currency, LedgerMoney, MoneyError};
use shared::kernel::refusal::{FieldError, Refusal};
use shared::referral::invite_code::Shown;
use utoipa::ToSchema;

/// The caller's affiliate programme.
#[derive(Debug, Serialize, ToSchema)]
pub struct Affiliate {
    /// Terms of the caller's programme.
    pub policy: Policy,
    /// Totals of the caller's commission account.
    pub totals: Totals,
    /// Number of users who registered with one of the caller's codes.
    pub invitees: u64,
    /// The caller's active invite codes.
    pub codes: Vec<InviteCode>,
    /// The programme that orders and withdrawals made now follow.
    pub terms: Terms,
}

/// Terms of the affiliate programme, the same for all users.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AffiliateTerms)]
pub struct Terms {
    /// True if orders earn commission.
    pub enabled: bool,
    /// Hours from a payment until its commission can be withdrawn.
    pub hold_hours: u32,
    /// Days after an invitee's registration in which its orders earn commission; 0 means no limit.
    pub valid_days: u32,
    /// Highest commission that one invitee earns; null means no cap.
    pub cap_per_invitee: Option<Amount>,
    /// Lowest amount of a cash withdrawal.
    pub min_cash_withdrawal: Amount,
    /// Invitees who must have paid before the first cash withdrawal; 0 means none.
    pub min_paying_invitees: u32,
    /// Ways in which cash can be paid out.
    pub withdrawal_methods: Vec<String>,
    /// Number of active codes that a user may have beside the primary one.
    pub max_codes: u32,
}

impl Terms {
    fn of(programme: &AffiliateSettings, currency: Currency) -> Result<Self, MoneyError> {
        let cap = LedgerMoney::exact(programme.cap_per_invitee, currency)?;
        Ok(Self {
            enabled: programme.enabled,
            hold_hours: programme.hold_hours,
            valid_days: programme.valid_days,
            cap_per_invitee: cap.is_positive().then(|| cap.into()),
            min_cash_withdrawal: LedgerMoney::exact(programme.min_cash_withdrawal, currency)?.into(),
            min_paying_invitees: programme.min_paying_invitees,
            withdrawal_methods: programme.withdrawal_methods.clone(),
            max_codes: programme.max_codes_per_user,
        })
    }
}

/// An invite code.
#[derive(Debug, Serialize, ToSchema)]
pub struct InviteCode {
    /// The code as users enter it.
    pub code: String,
    /// Registration link that carries the code.
    pub link: String,
    /// The caller's label for the code; null if it has none.
    pub label: Option<String>,
    /// True for the caller's primary code.
    pub primary: bool,
    /// True if new registrations may use the code.
    pub active: bool,
    /// Number of users who registered with the code.
    pub invitees: u64,
    /// Commission on these users' orders, less what was taken back; updated within moments.
    pub earned: Amount,
    /// Creation time.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<Shown> for InviteCode {
    fn from(of: Shown) -> Self {
        Self {
            code: of.invite.code.to_string(),
            link: of.link,
            label: of.invite.label,
            primary: of.invite.primary,
            active: of.invite.active,
            invitees: of.invitees,
            earned: of.earned.into(),
            created_at: of.invite.created_at,
        }
    }
}

/// Request for a new invite code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCode {
    /// The caller's label for the code, 1 to 100 characters.
    #[schema(example = "newsletter")]
    label: Option<String>,
}

/// Maximum characters of a label.
const LABEL_MAX: usize = 100;

impl NewCode {
    /// Validate the label.
    ///
    /// # Rejects
    /// An empty label, or one that is too long.
    pub fn read(&self) -> Result<Option<String>, Refusal> {
        let Some(label) = &self.label else { return Ok(None) };
        let label = said("/label", label).map_err(Refusal::from)?;
        if label.chars().count() > LABEL_MAX {
            return Err(Refusal::field("/label", "out_of_range", format!("at most {LABEL_MAX} characters")));
        }
        Ok(Some(label))
    }
}

/// Terms of a user's affiliate programme.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AffiliatePolicy)]
pub struct Policy {
    /// Share of an order's credit that is paid as commission, from 0 to 1.
    #[schema(example = "0.1")]
    pub rate: String,
    /// Number of orders per invitee that earn commission; 0 means no limit.
    pub trigger_limit: u32,
    /// True if new registrations may use the user's codes.
    pub can_invite: bool,
}

/// Totals of a commission account: `earned` is the sum of all other amounts except `debt`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AffiliateTotals)]
pub struct Totals {
    /// All commission ever earned.
    pub earned: Amount,
    /// Commission whose hold has not ended.
    pub pending: Amount,
    /// Commission that can be withdrawn.
    pub available: Amount,
    /// Commission held for open cash withdrawals.
    pub held: Amount,
    /// Commission withdrawn to the balance or paid out as cash.
    pub withdrawn: Amount,
    /// Commission clawed back so far, less the part that was restored.
    pub clawed_back: Amount,
    /// Debt that later commission pays off first.
    pub debt: Amount,
}

impl Affiliate {
    /// Shows the caller's totals with the programme's terms.
    ///
    /// # Rejects
    /// An amount with more digits than the ledger has, which settings do not accept.
    pub fn of(of: AffiliateOverview) -> Result<Self, MoneyError> {
        let account = of.account;
        Ok(Self {
            terms: Terms::of(&of.programme, account.available.currency())?,
            policy: Policy {
                rate: of.policy.rate.normalize().to_string(),
                trigger_limit: of.policy.trigger_limit,
                can_invite: of.policy.can_invite,
            },
            totals: Totals {
                earned: of.earned.into(),
                pending: account.pending.into(),
                available: account.available.into(),
                held: account.held.into(),
                withdrawn: account.withdrawn.into(),
                clawed_back: account.clawed_back.into(),
                debt: account.owed().into(),
            },
            invitees: of.invitees,
            codes: of.codes.into_iter().map(InviteCode::from).collect(),
        })
    }
}

/// Commission on an invitee's order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Commission {
    /// Id of the commission.
    pub id: CommissionId,
    /// Order that earned the commission; null for one posted by the operator without an order.
    pub order_id: Option<OrderId>,
    /// Masked e-mail address of the invitee who placed the order; null without an order.
    pub invitee: Option<String>,
    /// True for the second level: the order's user was invited by an invitee of the beneficiary.
    pub second_level: bool,
    /// Reason why the operator posted it; null for one that an order earned.
    pub posted_for: Option<String>,
    /// The order's credit without bonus: the base of the commission.
    pub base: Amount,
    /// Share of the base that is commission, from 0 to 1.
    pub rate: String,
    /// Commission accrued on the order, before reversals; below zero if the operator took something back.
    pub amount: Amount,
    /// Commission that remains after reversals.
    pub remaining: Amount,
    /// State of the commission: `pending`, `available`, `partially_reversed`, `reversed` or `held`.
    pub state: CommissionState,
    /// Time from which the commission can be withdrawn.
    #[schema(value_type = String, format = DateTime)]
    pub available_at: Timestamp,
    /// Time of the accrual.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl Commission {
    /// The commission in its state at `now`.
    pub fn of(of: &commission::Commission, invitee: String, now: Timestamp) -> Self {
        Self {
            id: of.id,
            order_id: of.about(),
            invitee: of.about().map(|_| invitee),
            second_level: of.second_of.is_some(),
            posted_for: of.posted.as_ref().map(|posted| posted.reason.clone()),
            base: of.base.into(),
            rate: of.rate.normalize().to_string(),
            amount: of.amount.into(),
            remaining: of.left().into(),
            state: of.state(now),
            available_at: of.available_at,
            created_at: of.created_at,
        }
    }
}

/// Request for a withdrawal.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WithdrawalAsk)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Amount to withdraw, in ledger currency.
    #[schema(example = "12.5")]
    amount: String,
    /// Destination of the withdrawal.
    to: To,
    /// Payout account; required for cash, not accepted otherwise.
    payout: Option<PayoutAsk>,
}

/// Destination of a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = WithdrawalTo)]
#[serde(rename_all = "snake_case")]
pub enum To {
    /// The caller's balance.
    Balance,
    /// A payout account outside the platform.
    Cash,
}

impl Ask {
    /// Validate the request.
    ///
    /// # Rejects
    /// 422 with every invalid field.
    pub fn read(self, by: Bearer) -> Result<Withdraw, Refusal> {
        let mut errors = Vec::new();
        let amount = unsigned_amount("/amount", &self.amount).map_err(|error| errors.push(error)).ok();
        let payout = match (self.to, self.payout) {
            (To::Balance, Some(_)) => Err(FieldError::new("/payout", "not_expected", "only for cash")),
            (To::Cash, None) => Err(FieldError::new(
                "/payout",
                "required",
                "the account that cash goes to: method, account, and name if it has one",
            )),
            (To::Balance, None) => Ok(None),
            (To::Cash, Some(payout)) => payout.read().map(Some),
        };
        let payout = payout.map_err(|error| errors.push(error)).ok();
        Refusal::unless_empty(errors)?;
        let (Some(amount), Some(payout)) = (amount, payout) else { return Err(Refusal::MalformedRequest) };
        Ok(Withdraw { by, amount, payout })
    }
}
