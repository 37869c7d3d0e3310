//! Redemption codes: what they grant, how often, when, and where their uses are counted (R7.1–R7.3).
//!
//! A [`Batch`] makes up to 10 000 codes of the same [`Terms`]. Their texts follow from its secret seed, so the same batch always
//! has the same codes: making it can stop anywhere and go on, and a list needs no index. A [`Code`] then has its own terms, which
//! may be edited.
//!
//! Uses of a limited code are counted where its uses are granted from: on the code itself up to 100, above that on up to 128
//! [`CodeShard`]s, each with a share of its own, so that a crowd does not queue at one item. The shares add up to the total at
//! every moment. A shard comes to be with its first use. A count is only taken under the code's current edition: every edit
//! raises it, on the code first and then shard by shard. Unlimited codes count nothing: their redemptions are the count.

use std::fmt;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Sha256;
use utoipa::PartialSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::redemption::model::plan::{PlanTime, Unit};
use crate::referral::model::referral::ALPHABET;
use kernel::id::{BatchId, Identifier, PlanId, UserId};
use kernel::refusal::Refusal;
use kernel::text_enum;

/// Most codes of a batch (R7.1).
pub const BATCH_MAX: u32 = 10_000;
/// Most uses that are counted on the code itself.
pub const ON_ITEM_MAX: u64 = 100;
/// Most shards of a code.
pub const SHARDS_MAX: u64 = 128;
/// Uses for which one more shard is worth while.
const USES_PER_SHARD: u64 = 8;
const SYMBOLS: usize = 16;

/// A code as it is typed: 16 symbols, 80 bits (R7.1). Whoever knows it can use it, so `Debug` and logs show only its ends.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeText(String);

impl CodeText {
    /// Reads a code without regard to case, spaces and hyphens.
    ///
    /// # Refuses
    /// `None` for what cannot be a code.
    pub fn parse(text: &str) -> Option<Self> {
        let code = Self::start(text)?;
        (code.len() == SYMBOLS).then_some(Self(code))
    }

    /// Reads how codes may start, in the form in which they are stored.
    ///
    /// # Refuses
    /// `None` for what no code starts with.
    pub fn start(text: &str) -> Option<String> {
        if text.len() > 64 {
            return None;
        }
        let kept = text.chars().filter(|symbol| !matches!(symbol, ' ' | '-'));
        let code: String = kept.map(|symbol| symbol.to_ascii_uppercase()).collect();
        let known = code.bytes().all(|byte| ALPHABET.contains(&byte));
        (known && code.len() <= SYMBOLS).then_some(code)
    }

    /// The code as it is stored, without groups.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its ends: enough to recognise it, too little to use it.
    pub fn masked(&self) -> String {
        let first = self.0.get(..4).unwrap_or_default();
        let last = self.0.get(12..).unwrap_or_default();
        format!("{first}-****-****-{last}")
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        let symbol = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().map_or('A', char::from);
        Self(bytes.iter().take(SYMBOLS).map(symbol).collect())
    }
}

/// In groups of four.
impl Identifier for CodeText {
    const UNKNOWN: Option<Refusal> = Some(Refusal::CodeNotFound);

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn schema() -> RefOr<Schema> {
        <String as PartialSchema>::schema()
    }
}

impl fmt::Display for CodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, symbol) in self.0.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{symbol}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Serialize for CodeText {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CodeText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).filter(|code| code.0 == text).ok_or_else(|| de::Error::custom("not a redemption code"))
    }
}

/// Which code, without its text: for messages, journals and keys that are no secret. Written `bat_….17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CodeRef {
    /// Its batch.
    pub batch: BatchId,
    /// Which code of the batch, from 0.
    pub ordinal: u32,
}

impl fmt::Display for CodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.batch, self.ordinal)
    }
}

/// What a redemption gives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Benefit {
    /// Time on a plan.
    Plan {
        /// Which.
        plan: PlanId,
        /// Of what.
        unit: Unit,
        /// How many, 1 to 1000.
        quantity: u32,
    },
    /// Balance, in ledger currency.
    Balance {
        /// How much.
        #[serde(with = "kernel::decimal")]
        credit: Decimal,
    },
}

impl Benefit {
    /// The plan and the time on it.
    pub fn plan_time(&self) -> Option<(PlanId, PlanTime)> {
        match *self {
            Self::Plan { plan, unit, quantity } => Some((plan, PlanTime { unit, quantity })),
            Self::Balance { .. } => None,
        }
    }
}

/// What a code grants, how often and when (R7.2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// What each redemption gives.
    pub benefit: Benefit,
    /// How often in all; 0 is unlimited.
    pub total_uses: u64,
    /// How often by one user, at least 1.
    pub per_user_limit: u32,
    /// From when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// Until when, exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Terms {
    /// Whether uses are not counted.
    pub fn unlimited(&self) -> bool {
        self.total_uses == 0
    }

    /// That `now` is inside the window.
    ///
    /// # Refuses
    /// `code_not_yet_valid`, `code_expired`.
    pub fn must_be_valid(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.starts_at.is_some_and(|starts_at| now < starts_at) {
            return Err(Refusal::CodeNotYetValid);
        }
        match self.expires_at {
            Some(expires_at) if now >= expires_at => Err(Refusal::CodeExpired),
            _ => Ok(()),
        }
    }
}

text_enum! {
    /// How far a batch is.
    pub enum BatchState {
        /// Codes are still being made; none can be redeemed.
        Creating = "creating",
        /// All are there.
        Ready = "ready",
    }
}

/// Codes that were made together.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Which.
    pub id: BatchId,
    /// What its maker calls it.
    pub label: String,
    /// How many codes, 1 to 10 000.
    pub count: u32,
    /// How many of them there are.
    pub created: u32,
    /// Whether they can be redeemed.
    pub state: BatchState,
    /// Whether any of them can be redeemed now: stops them all in one write.
    pub enabled: bool,
    /// The terms that its codes were made with.
    pub terms: Terms,
    /// From which the codes follow, as hexadecimal.
    pub seed: String,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// Without the seed, from which the codes follow.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Batch");
        shown.field("id", &self.id).field("count", &self.count).field("created", &self.created);
        shown.field("state", &self.state).field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

impl Batch {
    /// The text of its code number `ordinal`: HMAC-SHA-256 of the number under the seed.
    pub fn text(&self, ordinal: u32) -> CodeText {
        let mut mac = match Hmac::<Sha256>::new_from_slice(self.seed.as_bytes()) {
            Ok(mac) => mac,
            Err(never) => unreachable!("HMAC takes keys of any length: {never}"),
        };
        mac.update(&ordinal.to_be_bytes());
        CodeText::of_bytes(&mac.finalize().into_bytes())
    }

    /// A seed of random bytes.
    pub fn seed(bytes: [u8; 32]) -> String {
        HEXLOWER.encode(&bytes)
    }

    /// Its code number `ordinal` as it is made.
    pub fn code(&self, ordinal: u32) -> Code {
        let counting = Counting::of(self.terms.total_uses);
        Code {
            text: self.text(ordinal),
            of: CodeRef { batch: self.id, ordinal },
            terms: self.terms,
            enabled: true,
            deleted: false,
            edition: 1,
            own_uses: counting.own_uses,
            used: 0,
            shards: counting.shards,
            spread: counting.spread,
        }
    }
}

/// Where a total is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counting {
    own_uses: u64,
    shards: u8,
    spread: u64,
}

impl Counting {
    fn of(total: u64) -> Self {
        if total <= ON_ITEM_MAX {
            return Self { own_uses: total, shards: 0, spread: 0 };
        }
        Self { own_uses: 0, shards: shards_for(total), spread: total }
    }
}

fn shards_for(uses: u64) -> u8 {
    u8::try_from(uses.div_ceil(USES_PER_SHARD).clamp(1, SHARDS_MAX)).unwrap_or(u8::MAX)
}

/// A redemption code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// What is typed.
    pub text: CodeText,
    /// Which of which batch.
    pub of: CodeRef,
    /// What it grants.
    pub terms: Terms,
    /// Whether it can be redeemed.
    pub enabled: bool,
    /// Whether it is gone for good; its redemptions stay.
    pub deleted: bool,
    /// Counts its edits: uses are only counted under the current one.
    pub edition: u64,
    /// How many uses are granted from this item.
    pub own_uses: u64,
    /// How many of those were taken.
    pub used: u64,
    /// How many shards there are.
    pub shards: u8,
    /// How many uses were spread over the shards when they were made.
    pub spread: u64,
}

/// A part of a code's uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeShard {
    /// Of which code.
    pub text: CodeText,
    /// Which part, from 0.
    pub shard: u8,
    /// How many uses are granted from it.
    pub own_uses: u64,
    /// How many of those were taken.
    pub used: u64,
    /// The edition of the code that it is up to.
    pub edition: u64,
}

impl Code {
    /// That it can be redeemed now, as far as the code and its batch say; whether uses are left is another question.
    ///
    /// # Refuses
    /// `code_not_found` for a deleted one and for one of a batch that is not ready; `code_disabled`, `code_not_yet_valid`,
    /// `code_expired` (R7.7).
    pub fn must_be_redeemable(&self, batch: &Batch, now: Timestamp) -> Result<(), Refusal> {
        if self.deleted || batch.state != BatchState::Ready {
            return Err(Refusal::CodeNotFound);
        }
        if !self.enabled || !batch.enabled {
            return Err(Refusal::CodeDisabled);
        }
        self.terms.must_be_valid(now)
    }

    /// The shard as it comes to be, before any use.
    pub fn fresh_shard(&self, shard: u8) -> CodeShard {
        let shards = u64::from(self.shards.max(1));
        let share = self.spread.checked_div(shards).unwrap_or(0);
        let one_more = self.spread.checked_rem(shards).is_some_and(|rest| u64::from(shard) < rest);
        let own_uses = share.saturating_add(u64::from(one_more));
        CodeShard { text: self.text.clone(), shard, own_uses, used: 0, edition: self.edition }
    }

    /// The code with another total, as long as that needs no shard to change: fewer or more uses granted from the item itself, or
    /// everything above what was taken spread over new shards.
    ///
    /// # Refuses
    /// `None` where shards grant uses already; fewer uses than were taken.
    pub fn with_total(&self, total: u64) -> Option<Result<Self, Refusal>> {
        if self.shards > 0 || self.terms.unlimited() {
            return None;
        }
        if total < self.used {
            return Some(Err(below_used(self.used)));
        }
        let terms = Terms { total_uses: total, ..self.terms };
        if total <= ON_ITEM_MAX.max(self.used) {
            return Some(Ok(Self { terms, own_uses: total, ..self.clone() }));
        }
        let spread = total.saturating_sub(self.used);
        Some(Ok(Self { terms, own_uses: self.used, shards: shards_for(spread), spread, ..self.clone() }))
    }
}

/// That a total is below what was taken (R7.8).
pub fn below_used(used: u64) -> Refusal {
    Refusal::field("/total_uses", "out_of_range", format!("{used} uses were taken already"))
}

#[cfg(test)]
mod tests;
