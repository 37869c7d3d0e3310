//! Redemption codes: their benefit, limits, validity, and the counts of their uses (R7.1–R7.3).
//!
//! A [`Batch`] creates up to 10 000 codes with the same [`Terms`]. Their texts follow from the code secret, so a batch always
//! has the same codes: creation can stop anywhere and resume, and a list needs no index. Each [`Code`] then has its own terms,
//! which an admin may edit.
//!
//! Uses of a limited code are counted on the code's item up to 100, and above that on up to 128 [`CodeShard`]s, each with its
//! own share, so that a crowd does not contend for one item. The shares always sum to the total. The first use of a shard
//! creates it. A use is counted only under the code's current edition: every edit increments it, on the code first and then
//! shard by shard. Uses of an unlimited code are not limited, so no transaction counts them.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::redemption::model::code_text::{CodeHash, CodeRef, CodeSecrets, CodeText};
use crate::redemption::model::plan::{PlanTime, Unit};
use kernel::id::{BatchId, PlanId, UserId};
use kernel::refusal::Refusal;
use kernel::text_enum;

/// Maximum codes of a batch (R7.1).
pub const BATCH_MAX: u32 = 10_000;
/// Maximum uses that are counted on the code's item.
pub const ON_ITEM_MAX: u64 = 100;
/// Maximum shards of a code.
pub const SHARDS_MAX: u64 = 128;
/// Uses per shard, at least.
const USES_PER_SHARD: u64 = 8;

/// Benefit of a redemption.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Benefit {
    /// Time on a plan.
    Plan {
        plan: PlanId,
        /// Unit of the plan time.
        unit: Unit,
        /// Number of units, 1 to 1000.
        quantity: u32,
    },
    Balance {
        /// Positive amount in ledger currency.
        #[serde(with = "kernel::decimal")]
        credit: Decimal,
    },
}

impl Benefit {
    /// Returns the plan and the plan time, if the benefit is one.
    pub fn plan_time(&self) -> Option<(PlanId, PlanTime)> {
        match *self {
            Self::Plan { plan, unit, quantity } => Some((plan, PlanTime { unit, quantity })),
            Self::Balance { .. } => None,
        }
    }
}

/// Terms of a code: its benefit, limits and validity (R7.2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Benefit of each redemption.
    pub benefit: Benefit,
    /// Maximum uses in all; 0 is unlimited.
    pub total_uses: u64,
    /// Maximum uses by one user, at least 1.
    pub per_user_limit: u32,
    /// Start of the validity, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// End of the validity, exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Terms {
    /// Tests whether the number of uses is unlimited.
    pub fn unlimited(&self) -> bool {
        self.total_uses == 0
    }

    /// Requires that `now` is within the validity.
    ///
    /// # Rejects
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
        /// Another batch had taken one of the texts that were brought: it has no codes, and gets none.
        Failed = "failed",
    }
}

/// Batch of codes created together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    pub id: BatchId,
    /// Label given by the admin.
    pub label: String,
    /// Number of codes, 1 to 10 000.
    pub count: u32,
    /// Number of codes created so far.
    pub created: u32,
    /// Number of codes that can be redeemed: all that there were when it was ready last.
    pub redeemable: u32,
    pub state: BatchState,
    /// False while all codes of the batch are disabled.
    pub enabled: bool,
    /// Terms of the codes at creation.
    pub terms: Terms,
    /// End of the validity of codes that still have the one of `terms`, after an extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_to: Option<Timestamp>,
    /// Symbols before its codes, 2 to 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// True if its texts were brought; they are in [`BroughtTexts`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub brought: bool,
    /// Version of the code secret from which its codes follow.
    pub secret_version: u32,
    /// Admin who created it.
    pub created_by: UserId,
    pub created_at: Timestamp,
}

impl Batch {
    /// Returns the reference to a code.
    pub fn code_ref(&self, ordinal: u32) -> CodeRef {
        CodeRef { batch: self.id, ordinal }
    }

    /// Returns the text of a code that was not brought; `None` if the version of the code secret was retired.
    pub fn text(&self, ordinal: u32, secrets: &CodeSecrets) -> Option<CodeText> {
        secrets.text(self.secret_version, self.prefix.as_deref().unwrap_or_default(), self.code_ref(ordinal))
    }

    /// Returns the batch with all its codes.
    pub fn complete(&self) -> Self {
        Self { created: self.count, redeemable: self.count, state: BatchState::Ready, ..self.clone() }
    }

    /// Builds a code in its initial state.
    pub fn code(&self, ordinal: u32, hash: CodeHash) -> Code {
        let counting = Counting::of(self.terms.total_uses);
        Code {
            hash,
            of: self.code_ref(ordinal),
            terms: self.terms,
            enabled: true,
            deleted: false,
            edition: 1,
            own_uses: counting.own_uses,
            used: 0,
            shards: counting.shards,
            spread: counting.spread,
            is_apart: false,
        }
    }

    /// Returns the end of the validity of its codes, unless they have one of their own.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.extended_to.or(self.terms.expires_at)
    }

    /// Returns the batch with a later end of its validity.
    ///
    /// # Rejects
    /// 422 for a batch without an end, and for an end that is not later than the one before and than `now`.
    pub fn extended(&self, to: Timestamp, now: Timestamp) -> Result<Self, Refusal> {
        let refused = |detail: &str| Refusal::field("/expires_at", "out_of_range", detail.to_owned());
        let before = self.expires_at().ok_or_else(|| refused("its codes do not expire"))?;
        if to == before {
            return Ok(self.clone());
        }
        if to < before || to <= now {
            return Err(refused("after its end, and in the future"));
        }
        Ok(Self { extended_to: Some(to), ..self.clone() })
    }

    /// Returns the batch with more codes to make.
    ///
    /// # Rejects
    /// `change_under_way` while codes are being made; 422 for one with texts that were brought, and above [`BATCH_MAX`].
    pub fn topped_up(&self, more: u32) -> Result<Self, Refusal> {
        if self.state == BatchState::Creating {
            return Err(Refusal::ChangeUnderWay);
        }
        let count = self.count.saturating_add(more);
        if self.brought || count > BATCH_MAX {
            let left = if self.brought { 0 } else { BATCH_MAX.saturating_sub(self.count) };
            return Err(Refusal::field("/count", "out_of_range", format!("at most {left} more")));
        }
        Ok(Self { count, state: BatchState::Creating, ..self.clone() })
    }
}

/// Brought texts of one batch, encrypted under the deployment's secret (R7.10).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BroughtTexts {
    pub batch: BatchId,
    /// Number of this page, from 0.
    pub page: u32,
    /// The texts of up to [`BROUGHT_TOGETHER`] codes, sealed.
    pub sealed: String,
}

/// Brought texts of one page.
pub const BROUGHT_TOGETHER: u32 = 180;

/// Placement of the counts of a total.
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

/// Redemption code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// Hash of its text, which is not stored.
    pub hash: CodeHash,
    /// Reference to the code: batch and ordinal.
    pub of: CodeRef,
    pub terms: Terms,
    /// False while the code is disabled.
    pub enabled: bool,
    /// True once deleted; permanent. Its redemptions stay.
    pub deleted: bool,
    /// Version of the code, from 1, incremented by every edit; uses are counted only under the current one.
    pub edition: u64,
    /// Share of the total that this item grants.
    pub own_uses: u64,
    /// Uses taken of that share.
    pub used: u64,
    /// Number of shards; 0 for a code counted on its item.
    pub shards: u8,
    /// Uses spread over the shards at their creation.
    pub spread: u64,
    /// True once an edit changed its terms or it was deleted: it then counts apart from the codes of its batch (R12.4).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_apart: bool,
}

/// Share of a code's uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeShard {
    /// Hash of the code's text.
    pub hash: CodeHash,
    /// Number of the shard, from 0.
    pub shard: u8,
    /// Share of the total that this shard grants.
    pub own_uses: u64,
    /// Uses taken of that share.
    pub used: u64,
    /// Edition of the code that this shard is updated to.
    pub edition: u64,
}

impl Code {
    /// Requires that the code and its batch allow a redemption now; does not check for uses left.
    ///
    /// # Rejects
    /// `code_not_found` for a deleted code and for one whose batch was not ready since; `code_disabled`, `code_not_yet_valid`,
    /// `code_expired` (R7.7).
    pub fn must_be_redeemable(&self, batch: &Batch, now: Timestamp) -> Result<(), Refusal> {
        if self.deleted || self.of.ordinal >= batch.redeemable {
            return Err(Refusal::CodeNotFound);
        }
        if !self.enabled || !batch.enabled {
            return Err(Refusal::CodeDisabled);
        }
        self.terms_in(batch).must_be_valid(now)
    }

    /// Returns its terms with the end of its batch, if it has none of its own.
    pub fn terms_in(&self, batch: &Batch) -> Terms {
        match batch.extended_to.filter(|_| self.terms.expires_at == batch.terms.expires_at) {
            Some(to) => Terms { expires_at: Some(to), ..self.terms },
            None => self.terms,
        }
    }

    /// Builds a shard in its initial state.
    pub fn fresh_shard(&self, shard: u8) -> CodeShard {
        let shards = u64::from(self.shards.max(1));
        let share = self.spread.checked_div(shards).unwrap_or(0);
        let one_more = self.spread.checked_rem(shards).is_some_and(|rest| u64::from(shard) < rest);
        let own_uses = share.saturating_add(u64::from(one_more));
        CodeShard { hash: self.hash, shard, own_uses, used: 0, edition: self.edition }
    }

    /// Returns the code with another total, if no existing shard has to change.
    ///
    /// Either the item's own share changes, or all uses above those taken are spread over new shards.
    ///
    /// # Rejects
    /// `None` when shards grant uses already, or for an unlimited code; an error for a total below the uses taken.
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

/// Refusal of a total below the uses taken (R7.8).
pub fn below_used(used: u64) -> Refusal {
    Refusal::field("/total_uses", "out_of_range", format!("{used} uses were taken already"))
}

#[cfg(test)]
pub(crate) mod tests;
