//! Storage of settings, audit records and statistics.

use jiff::civil::Date;
use kernel::id::AuditId;
use kernel::key_part::KeyPart;
use table::item::Entity;
use table::key::Key;
use table::records;
use table::records::RecordSchema;
use table::spread::{COUNTERS, MonthlyList, numbered};

use crate::operations::model::alarm::Alarm;
use crate::operations::model::audit_record::AuditRecord;
use crate::operations::model::budget::{BudgetShare, BudgetedProgramme};
use crate::operations::model::heads::{HeadsPage, LatestHeads, LedgerHeads};
use crate::operations::model::metrics::ProjectedMetrics;
use crate::operations::settings::SettingsRecord;

/// Records of admin actions, of the whole platform.
pub const AUDITS: MonthlyList = MonthlyList::new("AUDITS");
/// Partition of the alarms.
pub const ALARMS: &str = "ALARMS";

records! {
    /// The settings document of an area: every function, cached (R9.1).
    SettingsRecord = "settings" {
        fn key(area: &str) = "SETTINGS#{area}", "SETTINGS";
        at |it| SettingsRecord::key(it.area.as_str());
    }

    /// An audit record: actor, action and subject (R9.3).
    AuditRecord = "audit" {
        fn key(id: AuditId) = "AUDIT#{id}", "AUDIT";
        at |it| AuditRecord::key(it.id);
        platform |it| Some(AUDITS.entry(it.at, it.id));
    }

    /// A share of a month's budget of a programme, in a partition of its own (R10.4).
    BudgetShare = "budget_share" {
        fn key(programme: BudgetedProgramme, month: Date, share: u8) = "BUDGET#{programme}#{month}#{share:03}", "SHARE";
        at |it| BudgetShare::key(it.programme, it.month, it.share);
    }

    /// The signed root of a day's heads, with the pages of its tree (R11.2).
    LedgerHeads = "ledger_heads" {
        fn key(date: Date) = "HEADS#{date}", "HEADS";
        at |it| LedgerHeads::key(it.date);
    }

    /// A page of a day's heads: the last entry of up to 1,024 accounts, under the root of their tree (R11.2).
    HeadsPage = "heads_page" {
        fn key(date: Date, root: &str, number: u32) = "HEADS#{date}", "PAGE#{root}#{number:06}";
        at |it| HeadsPage::key(it.date, &it.root.to_string(), it.number);
    }

    /// The latest day with signed heads, which the next one follows (R11.2).
    LatestHeads = "latest_heads" {
        fn key() = "HEADS", "LATEST";
        at |_it| LatestHeads::key();
    }

    /// An alarm of the deployment with its last state.
    Alarm = "alarm" {
        fn key(name: &str) = "ALARMS", "{name}";
        at |it| Alarm::key(&it.name);
    }
}

impl ProjectedMetrics {
    /// Key of the contribution of the entity at `subject`.
    pub fn key(subject: &Key) -> Key<Self> {
        Key::holding(subject.pk.clone(), "COUNTED")
    }
}

impl Entity for ProjectedMetrics {
    const TYPE: &'static str = "counted";

    fn own_key(&self) -> Key<Self> {
        Key::holding(self.subject.clone(), "COUNTED")
    }
}

/// Storage of projected contributions; each has its key from its subject.
pub const COUNTED: &[RecordSchema] = &[RecordSchema::of::<ProjectedMetrics>(
    "What statistics hold of one thing (R9.2).",
    &[("{subject}", "COUNTED")],
    &[],
    false,
)];

/// Totals of the platform and of its days, in shards (R9.2). The statistics projection adds to them.
#[derive(Debug, Clone, Copy)]
pub struct Statistics;

/// Prefix of the partitions of credit that expires.
pub const EXPIRING: &str = "STATISTICS#EXPIRING";

impl Statistics {
    /// The key `STATISTICS#{shard}` / `{shard}`.
    pub fn totals_key(shard: u8) -> Key {
        Key::of(numbered("STATISTICS", shard), format!("{shard:02}"))
    }

    /// The key `STATISTICS#{month}#{shard}` / `{day}#{shard}`; `day` is `YYYY-MM-DD`.
    pub fn day_key(day: &str, shard: u8) -> Key {
        let month = day.get(..7).unwrap_or(day);
        Key::of(numbered(&format!("STATISTICS#{}", month.part()), shard), format!("{}#{shard:02}", day.part()))
    }

    /// The key `STATISTICS#EXPIRING#{shard}` / `{month}#{shard}`; `month` is `YYYY-MM`.
    pub fn expiring_key(month: &str, shard: u8) -> Key {
        Key::of(numbered(EXPIRING, shard), format!("{}#{shard:02}", month.part()))
    }

    /// Partitions of the credit that expires.
    pub fn expiring() -> impl Iterator<Item = String> {
        (0..COUNTERS).map(|shard| numbered(EXPIRING, shard))
    }

    /// Partitions of the totals.
    pub fn totals() -> impl Iterator<Item = String> {
        (0..COUNTERS).map(|shard| numbered("STATISTICS", shard))
    }

    /// Partitions of the totals of a month's days.
    pub fn month(month: Date) -> impl Iterator<Item = String> {
        (0..COUNTERS).map(move |shard| numbered(&format!("STATISTICS#{}", month.strftime("%Y-%m")), shard))
    }
}
