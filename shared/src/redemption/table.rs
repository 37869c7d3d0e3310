//! Storage of plans, codes and redemptions.

use kernel::id::{BatchId, PlanId, UserId};
use kernel::key_part::KeyPart;
use table::key::{Key, owned};
use table::records;
use table::spread::{MonthlyList, SOME};
use table::tx::Metered;

use crate::redemption::model::code::{Batch, BroughtTexts, Code, CodeShard};
use crate::redemption::model::code_text::{CodeHash, CodeRef};
use crate::redemption::model::plan::{Plan, Subscription};
use crate::redemption::model::redemption::Redemption;

/// Plans, of the whole platform.
pub const PLANS: MonthlyList = MonthlyList::new("PLANS");
/// Batches of codes, of the whole platform.
pub const BATCHES: MonthlyList = MonthlyList::new("BATCHES");
/// Redemptions, of the whole platform.
pub const REDEMPTIONS: MonthlyList = MonthlyList::spread("REDEMPTIONS", SOME);

/// Codes of a batch that count apart from it.
pub const CODES_APART: &str = "CODES_APART";

records! {
    /// A plan that grants time (R7.2).
    Plan = "plan" {
        fn key(id: PlanId) = "PLAN#{id}", "PLAN";
        at |it| Plan::key(it.id);
        platform |it| Some(PLANS.entry(it.created_at, it.id));
    }

    /// A user's time on a plan (R7.4).
    Subscription = "subscription" {
        fn key(user: UserId, plan: PlanId, number: u32) = "USER#{user}", "SUBSCRIPTION#{plan}#{number:06}";
        at |it| Subscription::key(it.user, it.plan, it.number);
    }

    /// A batch of redemption codes and the version of their secret (R7.1, R7.9).
    Batch = "batch" {
        fn key(id: BatchId) = "BATCH#{id}", "BATCH";
        at |it| Batch::key(it.id);
        platform |it| Some(BATCHES.entry(it.created_at, it.id));
    }

    /// Texts that were brought to a batch, encrypted under the deployment's secret (R7.10).
    BroughtTexts = "brought_texts" {
        fn key(batch: BatchId, page: u32) = "BATCH#{batch}", "TEXTS#{page:03}";
        at |it| BroughtTexts::key(it.batch, it.page);
    }

    /// A redemption code by the hash of its text: its terms and, up to 100 uses, their count (R7.2, R7.9).
    Code = "code" {
        fn key(code: CodeHash) = "CODE#{code}", "CODE";
        at |it| Code::key(it.hash);
        owner |it| it.is_apart.then(|| owned(CODES_APART, it.of.batch, format!("{:05}", it.of.ordinal)));
    }

    /// A share of the uses of a code with a larger total, and its count (R7.3).
    CodeShard = "code_shard" {
        fn key(code: CodeHash, shard: u8) = "CODE#{code}", "SHARD#{shard:03}";
        at |it| CodeShard::key(it.hash, it.shard);
    }

    /// A redemption: one use per user, code and number (R7.3).
    Redemption = "redemption" {
        fn key(user: UserId, code: CodeRef, number: u32) = "REDEMPTION#{user}#{code}#{number}", "REDEMPTION";
        at |it| Redemption::key(it.user, it.of, it.number);
        owner |it| Some(owned("REDEMPTIONS", it.user, it.id));
        platform |it| Some(REDEMPTIONS.entry(it.redeemed_at, it.id));
    }
}

/// Prefix of the sort keys of a code's shards.
pub const CODE_SHARDS: &str = "SHARD#";

/// Returns the prefix of the sort keys of a user's subscriptions of a plan.
pub fn subscriptions_of(plan: PlanId) -> String {
    format!("SUBSCRIPTION#{plan}#")
}

impl KeyPart for CodeHash {
    type Part = Self;

    fn part(self) -> Self {
        self
    }
}

impl KeyPart for CodeRef {
    type Part = Self;

    fn part(self) -> Self {
        self
    }
}

impl Metered for Code {
    fn edition(&self) -> u64 {
        self.edition
    }
}

impl Metered for CodeShard {
    fn edition(&self) -> u64 {
        self.edition
    }
}

/// Key of the number of uses of an unlimited code, or of all limited codes of a batch, in shards; written by the statistics.
#[derive(Debug, Clone, Copy)]
pub struct CodeUses;

impl CodeUses {
    /// The key `USES#{code}` / `{shard}`, of an unlimited code or of a batch.
    pub fn key(code: &str, shard: u8) -> Key {
        Key::of(format!("USES#{}", code.part()), format!("{shard:02}"))
    }

    /// Partition of the uses of a batch's limited codes.
    pub fn of_batch(batch: BatchId) -> String {
        format!("USES#{batch}")
    }
}
