//! What these routes take and show.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::{said, unsigned_amount};
use shared::affiliate::model::commission;
use shared::affiliate::model::commission::CommissionState;
use shared::affiliate::model::withdrawal;
use shared::affiliate::overview::AffiliateOverview;
use shared::affiliate::withdraw::Withdraw;
use shared::edge::view::Amount;
use shared::kernel::id::CommissionId;
use shared::kernel::id::OrderId;
use shared::kernel::id::UserId;
use shared::kernel::refusal::{FieldError, Refusal};
use shared::referral::invite_code::Shown;
use utoipa::ToSchema;

/// Most characters of a payout account or its owner's name.
const PAYOUT_MAX: usize = 200;

/// The caller's affiliate programme.
#[derive(Debug, Serialize, ToSchema)]
pub struct Affiliate {
    /// On which terms the caller invites.
    pub policy: Policy,
    /// What came of it.
    pub totals: Totals,
    /// How many people the caller's codes brought.
    pub invitees: u64,
    /// The codes that bind.
    pub codes: Vec<InviteCode>,
}

/// A code to share.
#[derive(Debug, Serialize, ToSchema)]
pub struct InviteCode {
    /// The code.
    pub code: String,
    /// The link that brings somebody with it.
    pub link: String,
    /// What the caller calls it.
    pub label: Option<String>,
    /// Whether it is the primary one.
    pub primary: bool,
    /// Whether it binds.
    pub active: bool,
    /// How many people it brought.
    pub invitees: u64,
    /// When it was made.
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
            created_at: of.invite.created_at,
        }
    }
}

/// A code to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCode {
    /// What the caller calls it, 1 to 100 characters.
    #[schema(example = "newsletter")]
    label: Option<String>,
}

/// Most characters of a label.
const LABEL_MAX: usize = 100;

impl NewCode {
    /// The label.
    ///
    /// # Refuses
    /// One that says nothing or too much.
    pub fn read(&self) -> Result<Option<String>, Refusal> {
        let Some(label) = &self.label else { return Ok(None) };
        let label = said("/label", label).map_err(Refusal::from)?;
        if label.chars().count() > LABEL_MAX {
            return Err(Refusal::field("/label", "out_of_range", format!("at most {LABEL_MAX} characters")));
        }
        Ok(Some(label))
    }
}

/// The terms on which somebody invites.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AffiliatePolicy)]
pub struct Policy {
    /// The part of an order's credit that is commission.
    #[schema(example = "0.1")]
    pub rate: String,
    /// How many orders of one invitee earn; 0 is no limit.
    pub trigger_limit: u32,
    /// Whether the codes bind.
    pub can_invite: bool,
}

/// The commission account: what was earned is the sum of everything but the debt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AffiliateTotals)]
pub struct Totals {
    /// Everything that was ever earned.
    pub earned: Amount,
    /// The hold time is not over.
    pub pending: Amount,
    /// Can be withdrawn.
    pub available: Amount,
    /// Set aside for open cash withdrawals.
    pub held: Amount,
    /// Left the account.
    pub withdrawn: Amount,
    /// Taken back so far, less what came again.
    pub clawed_back: Amount,
    /// Still to be taken back from later commissions.
    pub debt: Amount,
}

impl From<AffiliateOverview> for Affiliate {
    fn from(of: AffiliateOverview) -> Self {
        let account = of.account;
        Self {
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
        }
    }
}

/// Money earned on an invitee's order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Commission {
    /// Which.
    pub id: CommissionId,
    /// The order that earned it.
    pub order_id: OrderId,
    /// Whose order it is: a masked e-mail.
    pub invitee: String,
    /// The order's credit without bonus.
    pub base: Amount,
    /// Which part of it.
    pub rate: String,
    /// What the order earned, before anything was taken back.
    pub amount: Amount,
    /// What is left of it.
    pub remaining: Amount,
    /// `pending`, `available`, `partially_reversed` or `reversed`.
    pub state: CommissionState,
    /// From when on it can be withdrawn.
    #[schema(value_type = String, format = DateTime)]
    pub available_at: Timestamp,
    /// When it was earned.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl Commission {
    /// A commission as it stands `now`.
    pub fn of(of: &commission::Commission, invitee: String, now: Timestamp) -> Self {
        Self {
            id: of.id,
            order_id: of.order,
            invitee,
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

/// A withdrawal that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WithdrawalAsk)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// How much, in ledger currency.
    #[schema(example = "12.5")]
    amount: String,
    /// Where to.
    to: To,
    /// Where cash goes; only for cash.
    payout: Option<Payout>,
}

/// Where commission goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum To {
    /// The caller's balance.
    Balance,
    /// The outside.
    Cash,
}

/// Where cash goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Payout {
    /// One of the methods that the operator offers.
    #[schema(example = "bank")]
    method: String,
    /// The payout account there.
    account: String,
    /// Its owner's name.
    name: Option<String>,
}

impl std::fmt::Debug for Payout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payout").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Ask {
    /// What is asked for.
    ///
    /// # Refuses
    /// Every field that is not right.
    pub fn read(self, user: UserId) -> Result<Withdraw, Refusal> {
        let mut errors = Vec::new();
        let amount = unsigned_amount("/amount", &self.amount).map_err(|error| errors.push(error)).ok();
        let payout = match (self.to, self.payout) {
            (To::Balance, Some(_)) => Err(FieldError::new("/payout", "not_expected", "only for cash")),
            (To::Cash, None) => Err(FieldError::new("/payout", "required", "where cash goes")),
            (To::Balance, None) => Ok(None),
            (To::Cash, Some(payout)) => payout.read().map(Some),
        };
        let payout = payout.map_err(|error| errors.push(error)).ok();
        Refusal::unless_empty(errors)?;
        let (Some(amount), Some(payout)) = (amount, payout) else { return Err(Refusal::MalformedRequest) };
        Ok(Withdraw { user, amount, payout })
    }
}

impl Payout {
    fn read(self) -> Result<withdrawal::Payout, FieldError> {
        let account = said("/payout/account", &self.account)?;
        let name = self.name.map(|name| said("/payout/name", &name)).transpose()?;
        for (pointer, text) in [("/payout/account", Some(&account)), ("/payout/name", name.as_ref())] {
            if text.is_some_and(|text| text.chars().count() > PAYOUT_MAX) {
                let detail = format!("at most {PAYOUT_MAX} characters");
                return Err(FieldError::new(pointer, "out_of_range", detail));
            }
        }
        Ok(withdrawal::Payout { method: self.method, account, name })
    }
}
