//! Referrals: invite codes, the permanent referral of an invitee, and its rewards (R3).
//!
//! [`attribute`] decides whether a code applies. A [`Referral`] has the promised amounts (R3.5) and the sum of the invitee's
//! online charges (R3.6). It is stored on the invitee's item, written in the sign-up transaction or once later (R3.12), and never
//! moves to another inviter. The id of a [`Reward`] follows from invitee, trigger and side, so it cannot be written twice and needs no index.

mod reward;

use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use crate::referral::model::referral::reward::{Reward, RewardState};
pub use crate::referral::model::reparent::Reparented;
use utoipa::PartialSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::referral::model::settings::ReferralSettings;
use kernel::id::{Identifier, UserId};
use kernel::money::{Currency, LedgerMoney, MoneyError, PayMoney, Rounding};
use kernel::text_enum;
use kernel::typed;

/// Alphabet of generated codes: without `I`, `O`, `0` and `1`, which people confuse (R3.1, R7.1).
pub const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Invite code (R3.1): eight symbols of [`ALPHABET`], or a vanity code of 4–32 of A–Z 0–9.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InviteCode(String);

impl InviteCode {
    /// Builds a code from bytes of a cryptographic source.
    ///
    /// Each byte selects one of 32 equally likely symbols.
    pub fn from_entropy(bytes: [u8; 8]) -> Self {
        let symbol = |byte: u8| ALPHABET.get(usize::from(byte % 32)).copied().map_or('A', char::from);
        Self(bytes.into_iter().map(symbol).collect())
    }

    /// Parses a code as typed or pasted, without regard to case, white space and dashes (G5).
    ///
    /// # Rejects
    /// `None` for text that cannot be a code.
    pub fn parse(text: &str) -> Option<Self> {
        let code = typed::code(text)?;
        let symbols = code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        ((4..=32).contains(&code.len()) && symbols).then_some(Self(code))
    }

    /// Returns the code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the link to share (R3.3).
    pub fn link(&self, base: &str) -> String {
        format!("{base}?ref={}", self.0)
    }
}

impl Identifier for InviteCode {
    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn schema() -> RefOr<Schema> {
        <String as PartialSchema>::schema()
    }
}

impl fmt::Display for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for InviteCode {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for InviteCode {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not an invite code"))
    }
}

text_enum! {
    /// Trigger of a reward (R3.6); each fires at most once per invitee and side.
    pub enum Trigger as RewardTrigger {
        /// The invitee signed up.
        Registration = "registration",
        /// The invitee's online charges reached the threshold.
        Qualified = "qualified",
    }
}

text_enum! {
    /// Side of a referral that is rewarded.
    pub enum Side as RewardSide {
        /// The one who invited.
        Inviter = "inviter",
        /// The one who was invited.
        Invitee = "invitee",
    }
}

/// Ownership of an invite code; its item makes the code unique over all users (R3.1, R6.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    pub code: InviteCode,
    pub owner: UserId,
    /// True for the owner's primary code.
    pub primary: bool,
    /// False after deactivation; the code then does not apply.
    pub active: bool,
    /// True while the owner is not active (R2.8).
    ///
    /// Copied here so that sign-up need not read the owner, whose item is busy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    /// True while the owner may not invite (R6.1); copied here for the same reason.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub barred: bool,
    /// Label given by the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    pub created_at: Timestamp,
}

impl Invite {
    /// Builds the primary code of `owner` (R3.2).
    pub fn primary(code: InviteCode, owner: &User, now: Timestamp) -> Self {
        let (blocked, barred) = (false, false);
        let invite =
            Self { code, owner: owner.id, primary: true, active: true, blocked, barred, label: None, created_at: now };
        invite.told(owner)
    }

    /// Builds a code beside the primary one (R6.2).
    pub fn beside(code: InviteCode, owner: &User, label: Option<String>, now: Timestamp) -> Self {
        Self { primary: false, label, ..Self::primary(code, owner, now) }
    }

    /// Returns the code with its owner's current state.
    pub fn told(self, owner: &User) -> Self {
        Self { blocked: owner.status != Status::Active, barred: !owner.affiliate.can_invite, ..self }
    }
}

/// Active codes of a user beside the primary one (R6.2).
///
/// Every change writes this item, so the limit is exact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveCodes {
    pub user: UserId,
    /// Oldest first.
    pub codes: Vec<InviteCode>,
    /// Earlier primary codes, oldest first; they go on binding and count to no limit (R3.11).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<InviteCode>,
}

impl ActiveCodes {
    /// Returns the empty list of a user.
    pub fn none(user: UserId) -> Self {
        Self { user, codes: Vec::new(), kept: Vec::new() }
    }

    /// Returns all codes of the list.
    pub fn all(&self) -> impl Iterator<Item = &InviteCode> {
        self.kept.iter().chain(&self.codes)
    }
}

/// Reward amounts of one trigger, in ledger currency.
///
/// Stored as `2/1.5`, the inviter's first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RewardAmounts {
    pub inviter: Decimal,
    pub invitee: Decimal,
}

impl fmt::Display for RewardAmounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.inviter, self.invitee)
    }
}

impl RewardAmounts {
    fn parse(text: &str) -> Option<Self> {
        let (inviter, invitee) = text.split_once('/')?;
        let decimal = |text| Decimal::from_str_exact(text).ok();
        Some(Self { inviter: decimal(inviter)?, invitee: decimal(invitee)? })
    }
}

/// Rewards promised at sign-up; later settings do not change them (R3.5).
///
/// Stored as `2/1.5 5/0 USD from 20 CNY`: registration, qualification, ledger currency, threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RewardTerms {
    /// Ledger currency of the amounts.
    pub currency: Currency,
    /// Amounts for signing up.
    pub registration: RewardAmounts,
    /// Amounts for reaching the threshold.
    pub qualified: RewardAmounts,
    /// Sum of online charges that qualifies, in pay currency.
    pub threshold: PayMoney,
}

impl From<RewardTerms> for String {
    fn from(terms: RewardTerms) -> Self {
        format!("{} {} {} from {}", terms.registration, terms.qualified, terms.currency, terms.threshold)
    }
}

impl TryFrom<String> for RewardTerms {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let words: Vec<&str> = text.split(' ').collect();
        let [registration, qualified, currency, "from", threshold, of] = words[..] else {
            return Err("not reward terms");
        };
        let parse = || {
            let threshold = PayMoney::exact(Decimal::from_str_exact(threshold).ok()?, Currency::parse(of)?).ok()?;
            let (registration, qualified) = (RewardAmounts::parse(registration)?, RewardAmounts::parse(qualified)?);
            Some(Self { currency: Currency::parse(currency)?, registration, qualified, threshold })
        };
        parse().ok_or("not reward terms")
    }
}

impl RewardTerms {
    /// Returns the terms of a referral made now.
    ///
    /// All amounts are 0 while the referral programme is off; a code may then apply only for the affiliate programme (R3.8).
    ///
    /// # Rejects
    /// A threshold out of range.
    pub fn of(settings: &ReferralSettings, ledger: Currency, pay: Currency) -> Result<Self, MoneyError> {
        let amounts = |inviter, invitee| match settings.enabled {
            true => RewardAmounts { inviter, invitee },
            false => RewardAmounts { inviter: Decimal::ZERO, invitee: Decimal::ZERO },
        };
        let (registration, qualified) = (&settings.registration, &settings.qualified);
        Ok(Self {
            currency: ledger,
            registration: amounts(registration.inviter_reward, registration.invitee_reward),
            qualified: amounts(qualified.inviter_reward, qualified.invitee_reward),
            threshold: PayMoney::proportional(qualified.threshold, Decimal::ONE, Decimal::ONE, pay, Rounding::Up)?,
        })
    }

    /// Returns the reward amount of a trigger for a side; 0 makes no reward.
    ///
    /// # Rejects
    /// An amount with more digits than the ledger has.
    pub fn amount(&self, trigger: Trigger, side: Side) -> Result<LedgerMoney, MoneyError> {
        let amounts = match trigger {
            Trigger::Registration => &self.registration,
            Trigger::Qualified => &self.qualified,
        };
        let amount = match side {
            Side::Inviter => amounts.inviter,
            Side::Invitee => amounts.invitee,
        };
        LedgerMoney::exact(amount, self.currency)
    }
}

/// Referral of an invitee by its inviter: at most one, permanent unless an admin gives another inviter (R3.4, R3.12).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Referral {
    pub inviter: UserId,
    pub code: InviteCode,
    /// Time of the sign-up, or of the naming.
    pub bound_at: Timestamp,
    /// True if the invitee named the inviter after the sign-up (R3.12).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// True if it moved in from another system (R13.1).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
    /// Rewards promised.
    pub terms: RewardTerms,
    /// Sum of the invitee's online charges after discounts and less refunds, in the threshold's currency.
    pub online_total: PayMoney,
    /// Sum of charges taken back by refunds and disputes, if any.
    ///
    /// `online_total` plus this is the captured sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_back: Option<PayMoney>,
    /// Earlier inviters, after an admin gave the invitee another one (R3.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reparented: Option<Reparented>,
    /// Time when a payment brought the captured sum, refunds included, to the threshold.
    ///
    /// It depends on captures alone, so every order of delivery yields the same rewards. Whether they are granted depends on
    /// [`Referral::qualifies`] (R4.11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualified_at: Option<Timestamp>,
}

text_enum! {
    /// Why a code bound nothing; registration goes on (R2.3).
    pub enum NotApplied {
        /// No such code.
        Unknown = "unknown",
        /// The code was deactivated, or its owner may not invite.
        Inactive = "inactive",
        /// The invitee's own.
        Own = "own",
        /// The inviter has all invitees it may have.
        Limit = "limit",
        /// The inviter is not active.
        InviterBlocked = "inviter_blocked",
        /// Neither the referral nor the affiliate programme is on.
        ProgrammeOff = "programme_off",
        /// No code was given.
        NoCode = "no_code",
        /// The account existed before; a code binds at sign-up only (R3.4).
        AlreadyBound = "already_bound",
    }
}

/// Invite code as read, with its owner's state.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeOwner {
    /// Owner of the code.
    pub inviter: UserId,
    /// Account status of the owner.
    pub status: Status,
    /// True when the owner may invite (R6.1).
    pub can_invite: bool,
    /// False after deactivation.
    pub active: bool,
    /// Number of the owner's invitees; used only under a limit.
    pub invitees: u64,
}

/// Decides whether a code applies to an invitee (R3.4, R3.8).
///
/// `terms` are the current ones. The conditional write of the counter makes the limit exact.
///
/// # Rejects
/// The reason why the code does not apply.
pub fn attribute(
    code: &InviteCode,
    owner: Option<&CodeOwner>,
    invitee: UserId,
    settings: &ReferralSettings,
    affiliate_on: bool,
    terms: RewardTerms,
    now: Timestamp,
) -> Result<Referral, NotApplied> {
    if !settings.enabled && !affiliate_on {
        return Err(NotApplied::ProgrammeOff);
    }
    let owner = owner.ok_or(NotApplied::Unknown)?;
    let limit = settings.max_invitees_per_user;
    if owner.inviter == invitee {
        Err(NotApplied::Own)
    } else if owner.status != Status::Active {
        Err(NotApplied::InviterBlocked)
    } else if !owner.active || !owner.can_invite {
        Err(NotApplied::Inactive)
    } else if limit > 0 && owner.invitees >= limit {
        Err(NotApplied::Limit)
    } else {
        let online_total = PayMoney::zero(terms.threshold.currency());
        let (inviter, code) = (owner.inviter, code.clone());
        Ok(Referral {
            inviter,
            code,
            bound_at: now,
            late: false,
            imported: false,
            terms,
            online_total,
            given_back: None,
            reparented: None,
            qualified_at: None,
        })
    }
}

impl Referral {
    /// Counts an online payment and returns whether its capture reaches the threshold (R3.6).
    ///
    /// `charge` is the amount after discount, `net` the part left of it. Charges in another currency than the threshold's do
    /// not count. While the programme is off the total grows but nothing qualifies; the next payment checks again (R3.8).
    ///
    /// # Rejects
    /// Overflow.
    pub fn charge_added(
        &mut self,
        charge: PayMoney,
        net: PayMoney,
        programme_on: bool,
        at: Timestamp,
    ) -> Result<bool, MoneyError> {
        if charge.currency() != self.online_total.currency() {
            return Ok(false);
        }
        self.online_total = self.online_total.plus(charge)?;
        self.net_moved(charge, net)?;
        let reached = self.captured()?.compare(self.terms.threshold)?.is_ge();
        let now = reached && programme_on && self.qualified_at.is_none();
        if now {
            self.qualified_at = Some(at);
        }
        Ok(now)
    }

    /// Applies a change of a counted charge's net, up or down (R4.11).
    ///
    /// # Rejects
    /// Overflow.
    pub fn net_moved(&mut self, before: PayMoney, after: PayMoney) -> Result<(), MoneyError> {
        if before.currency() != self.online_total.currency() {
            return Ok(());
        }
        let taken = self.captured()?;
        self.online_total = self.online_total.plus(after)?.minus(before)?;
        self.given_back = Some(taken.minus(self.online_total)?).filter(|back| !back.is_zero());
        Ok(())
    }

    /// Returns the captured sum, refunds included.
    ///
    /// # Rejects
    /// Overflow.
    pub fn captured(&self) -> Result<PayMoney, MoneyError> {
        self.given_back.map_or(Ok(self.online_total), |back| self.online_total.plus(back))
    }

    /// Tests whether the invitee is at the threshold now.
    ///
    /// True when a payment reached it and no refund or dispute took the total below it again.
    pub fn qualifies(&self) -> bool {
        self.qualified_at.is_some()
            && self.online_total.compare(self.terms.threshold).is_ok_and(std::cmp::Ordering::is_ge)
    }

    /// Returns the time when the invitee qualified, while that holds.
    pub fn qualified(&self) -> Option<Timestamp> {
        self.qualified_at.filter(|_| self.qualifies())
    }

    /// Returns the pending rewards of a trigger, one per side with a positive amount.
    ///
    /// # Rejects
    /// An amount with more digits than the ledger has.
    pub fn rewards_due(&self, invitee: UserId, trigger: Trigger, at: Timestamp) -> Result<Vec<Reward>, MoneyError> {
        let mut due = Vec::with_capacity(2);
        for (side, beneficiary) in [(Side::Inviter, self.inviter_for(trigger)), (Side::Invitee, invitee)] {
            let amount = self.terms.amount(trigger, side)?;
            if amount.is_positive() {
                let id = Reward::id_of(invitee, trigger, side);
                let state = RewardState::Pending;
                due.push(Reward {
                    id,
                    trigger,
                    side,
                    invitee,
                    beneficiary,
                    amount,
                    state,
                    hold: None,
                    budget_month: None,
                    created_at: at,
                    granted_at: None,
                    last: None,
                });
            }
        }
        Ok(due)
    }
}

#[cfg(test)]
mod tests;
