//! Referrals: an invite code, the one lasting bond between an inviter and an invitee, and its rewards (R3).
//!
//! [`attribute`] decides whether a code binds; an [`Attribution`] then carries the promised amounts (R3.5) and the sum of
//! the invitee's online charges (R3.6). It is stored on the invitee's item, written in the sign-up transaction and never
//! moved to another inviter. A [`Reward`] is an item of its own whose id follows from invitee, trigger and side, so that
//! writing it twice is impossible and finding it needs no index.

use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use ulid::Ulid;

use super::id::{RewardId, UserId};
use super::identity::Status;
use super::money::{Currency, LedgerMoney, MoneyError, PayMoney, Rounding};
use super::settings::ReferralSettings;

/// The symbols of codes: no `I`, `O`, `0` and `1`, which people mistake for one another (R3.1, R7.1).
pub const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// What an inviter shares (R3.1): eight symbols without `I`, `O`, `0` and `1`, or a vanity code of 4–32 of A–Z 0–9.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InviteCode(String);

impl InviteCode {
    /// A code from bytes of a cryptographic source: each byte chooses one of 32 symbols, all equally likely.
    pub fn from_entropy(bytes: [u8; 8]) -> Self {
        let symbol = |byte: u8| ALPHABET.get(usize::from(byte % 32)).copied().map_or('A', char::from);
        Self(bytes.into_iter().map(symbol).collect())
    }

    /// Reads a code as people type it: trimmed and upper-cased.
    ///
    /// # Refuses
    /// `None` for what cannot be a code.
    pub fn parse(text: &str) -> Option<Self> {
        let code = text.trim().to_ascii_uppercase();
        let symbols = code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        ((4..=32).contains(&code.len()) && symbols).then_some(Self(code))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link to share (R3.3).
    pub fn link(&self, base: &str) -> String {
        format!("{base}?ref={}", self.0)
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

/// What makes rewards (R3.6), each at most once per invitee and side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The invitee signed up.
    Registration,
    /// The invitee's online charges reached the threshold.
    Qualified,
}

impl Trigger {
    /// The trigger as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Qualified => "qualified",
        }
    }
}

/// Who is rewarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The one who invited.
    Inviter,
    /// The one who was invited.
    Invitee,
}

impl Side {
    /// The side as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inviter => "inviter",
            Self::Invitee => "invitee",
        }
    }
}

/// An invite code as somebody's: the item that makes it unique over all users (R3.1, R6.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// The code.
    pub code: InviteCode,
    /// Whose it is.
    pub owner: UserId,
    /// Whether it is the owner's primary one.
    pub primary: bool,
    /// Whether it binds.
    pub active: bool,
    /// Whether its owner is blocked (R2.8): kept here, so that a sign-up need not read the owner, whose item is busy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    /// What its owner calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Invite {
    /// The primary code of `owner` (R3.2).
    pub fn primary(code: InviteCode, owner: UserId, now: Timestamp) -> Self {
        Self { code, owner, primary: true, active: true, blocked: false, label: None, created_at: now }
    }
}

/// The amounts of one trigger, in ledger currency; written as `2/1.5`, the inviter's first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amounts {
    /// For the inviter.
    pub inviter: Decimal,
    /// For the invitee.
    pub invitee: Decimal,
}

impl fmt::Display for Amounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.inviter, self.invitee)
    }
}

impl Amounts {
    fn parse(text: &str) -> Option<Self> {
        let (inviter, invitee) = text.split_once('/')?;
        let decimal = |text| Decimal::from_str_exact(text).ok();
        Some(Self { inviter: decimal(inviter)?, invitee: decimal(invitee)? })
    }
}

/// What was promised when the referral was bound; later settings don't change it (R3.5). Stored as `2/1.5 5/0 USD from 20 CNY`:
/// for signing up and for reaching the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RewardTerms {
    /// Ledger currency of the amounts.
    pub currency: Currency,
    /// For signing up.
    pub registration: Amounts,
    /// For reaching the threshold.
    pub qualified: Amounts,
    /// The sum of online charges that qualifies, in the currency that counts.
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
            let (registration, qualified) = (Amounts::parse(registration)?, Amounts::parse(qualified)?);
            Some(Self { currency: Currency::parse(currency)?, registration, qualified, threshold })
        };
        parse().ok_or("not reward terms")
    }
}

impl RewardTerms {
    /// The terms a referral bound now gets. While the referral programme is off (a code may bind for the affiliate
    /// programme's sake, R3.8) they promise nothing.
    ///
    /// # Refuses
    /// A threshold that does not fit.
    pub fn of(settings: &ReferralSettings, ledger: Currency, pay: Currency) -> Result<Self, MoneyError> {
        let amounts = |inviter, invitee| match settings.enabled {
            true => Amounts { inviter, invitee },
            false => Amounts { inviter: Decimal::ZERO, invitee: Decimal::ZERO },
        };
        let (registration, qualified) = (&settings.registration, &settings.qualified);
        Ok(Self {
            currency: ledger,
            registration: amounts(registration.inviter_reward, registration.invitee_reward),
            qualified: amounts(qualified.inviter_reward, qualified.invitee_reward),
            threshold: PayMoney::proportional(qualified.threshold, Decimal::ONE, Decimal::ONE, pay, Rounding::Up)?,
        })
    }

    /// The reward of a trigger for a side; zero makes none.
    ///
    /// # Refuses
    /// An amount of more digits than the ledger carries.
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

/// The bond of an invitee to its inviter: at most one, ever (R3.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// Who invited.
    pub inviter: UserId,
    /// With which code.
    pub code: InviteCode,
    /// When it was bound: at sign-up.
    pub bound_at: Timestamp,
    /// What was promised.
    pub terms: RewardTerms,
    /// The invitee's charges really taken online, after discount, less refunds, in the threshold's currency.
    pub online_total: PayMoney,
    /// When they reached the threshold first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualified_at: Option<Timestamp>,
}

/// Why a code bound nothing; registration goes on (R2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotApplied {
    /// No such code.
    Unknown,
    /// The code was deactivated, or its owner may not invite.
    Inactive,
    /// The invitee's own.
    Own,
    /// The inviter has all invitees it may have.
    Limit,
    /// The inviter is not active.
    InviterBlocked,
    /// Neither the referral nor the affiliate programme is on.
    ProgrammeOff,
}

impl NotApplied {
    /// The reason as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Inactive => "inactive",
            Self::Own => "own",
            Self::Limit => "limit",
            Self::InviterBlocked => "inviter_blocked",
            Self::ProgrammeOff => "programme_off",
        }
    }
}

/// A code as it was found, with what its owner's state says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeOwner {
    /// Whose it is.
    pub inviter: UserId,
    /// The owner's account.
    pub status: Status,
    /// Whether the owner may invite (R6.1).
    pub can_invite: bool,
    /// Whether the code binds.
    pub active: bool,
    /// The owner's invitees, looked at only with a limit.
    pub invitees: u64,
}

/// Decides whether a code binds an invitee (R3.4, R3.8). `terms` are those of now. The limit is made exact by the
/// counter's condition when this is written.
///
/// # Refuses
/// The reason why it does not bind.
pub fn attribute(
    code: &InviteCode,
    owner: Option<&CodeOwner>,
    invitee: UserId,
    settings: &ReferralSettings,
    affiliate_on: bool,
    terms: RewardTerms,
    now: Timestamp,
) -> Result<Attribution, NotApplied> {
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
        Ok(Attribution { inviter, code, bound_at: now, terms, online_total, qualified_at: None })
    }
}

impl Attribution {
    /// Counts what an online payment brought, after discount and less refunds, and tells whether the invitee qualifies by
    /// it (R3.6). Charges in another currency than the threshold's don't count. While the programme is off the total
    /// goes on but nothing qualifies; the next payment looks again (R3.8).
    ///
    /// # Refuses
    /// Overflow.
    pub fn charge_added(&mut self, net: PayMoney, programme_on: bool, at: Timestamp) -> Result<bool, MoneyError> {
        if net.currency() != self.online_total.currency() {
            return Ok(false);
        }
        self.online_total = self.online_total.plus(net)?;
        let reached = self.online_total.compare(self.terms.threshold)?.is_ge();
        let now = reached && programme_on && self.qualified_at.is_none();
        if now {
            self.qualified_at = Some(at);
        }
        Ok(now)
    }

    /// The rewards a trigger makes: one per side with an amount, still to be granted.
    ///
    /// # Refuses
    /// An amount of more digits than the ledger carries.
    pub fn rewards_due(&self, invitee: UserId, trigger: Trigger, at: Timestamp) -> Result<Vec<Reward>, MoneyError> {
        let mut due = Vec::with_capacity(2);
        for (side, beneficiary) in [(Side::Inviter, self.inviter), (Side::Invitee, invitee)] {
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
                    created_at: at,
                    granted_at: None,
                });
            }
        }
        Ok(due)
    }
}

/// Where a reward stands (R3.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardState {
    /// On its way.
    Pending,
    /// Waiting until the beneficiary is active.
    Held,
    /// On the balance.
    Granted,
    /// Its message was dead-lettered; a retry makes it pending.
    Failed,
    /// Taken back; may be granted again.
    Reversed,
}

impl RewardState {
    /// The state as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Granted => "granted",
            Self::Failed => "failed",
            Self::Reversed => "reversed",
        }
    }

    /// Whether a reward may go from here to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use RewardState::{Failed, Granted, Held, Pending, Reversed};
        matches!(
            (self, next),
            (Pending, Held | Granted | Failed | Reversed)
                | (Held, Pending | Granted | Failed | Reversed)
                | (Failed, Pending | Granted | Reversed)
                | (Granted, Reversed)
                | (Reversed, Granted | Held | Failed)
        )
    }
}

fn mix(trigger: Trigger, side: Side) -> u128 {
    match (trigger, side) {
        (Trigger::Registration, Side::Inviter) => 0x5b1d_0c46_93a7_2ef8_61d9,
        (Trigger::Registration, Side::Invitee) => 0xa9e2_7f35_0d48_b6c1_3e74,
        (Trigger::Qualified, Side::Inviter) => 0x3c87_e95a_f216_40db_8b2d,
        (Trigger::Qualified, Side::Invitee) => 0xd674_12b8_6ce9_f503_a78e,
    }
}

/// Money granted for a referral.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reward {
    /// Follows from invitee, trigger and side; see [`Reward::id_of`].
    pub id: RewardId,
    /// What made it.
    pub trigger: Trigger,
    /// Which end of the referral is rewarded.
    pub side: Side,
    /// Whose referral it is.
    pub invitee: UserId,
    /// Who gets it.
    pub beneficiary: UserId,
    /// How much.
    pub amount: LedgerMoney,
    /// Where it stands.
    pub state: RewardState,
    /// When its trigger fired.
    pub created_at: Timestamp,
    /// When it was granted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_at: Option<Timestamp>,
}

impl Reward {
    /// The id of an invitee's reward: the invitee's time, and its random part XOR a constant of trigger and side. Each
    /// constant is different, so one invitee's ids are (XOR with a constant undoes itself); they are wide, so that ids
    /// of neighbours made by counting up do not meet either.
    pub fn id_of(invitee: UserId, trigger: Trigger, side: Side) -> RewardId {
        let of = invitee.ulid();
        RewardId::new(Ulid::from_parts(of.timestamp_ms(), of.random() ^ mix(trigger, side)))
    }

    /// The id of the inviter's other reward for the same invitee, given the id of one; of an invitee's reward it is the id
    /// of nothing. Needs neither invitee nor trigger, so both are found in one read.
    pub fn sibling(id: RewardId) -> RewardId {
        let both = mix(Trigger::Registration, Side::Inviter) ^ mix(Trigger::Qualified, Side::Inviter);
        let of = id.ulid();
        RewardId::new(Ulid::from_parts(of.timestamp_ms(), of.random() ^ both))
    }

    /// The reward on the balance.
    pub fn granted(self, at: Timestamp) -> Self {
        Self { state: RewardState::Granted, granted_at: Some(at), ..self }
    }

    /// What is still to be done for a beneficiary in this state: grant it, or hold it while they are not active (R3.7).
    pub fn next_state(&self, beneficiary: Status) -> RewardState {
        match (self.state, beneficiary) {
            (RewardState::Granted, _) => RewardState::Granted,
            (_, Status::Active) => RewardState::Granted,
            _ => RewardState::Held,
        }
    }
}

#[cfg(test)]
mod tests;
