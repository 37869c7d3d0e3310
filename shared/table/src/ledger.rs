//! Keys of journal entries and the guard of the first journal.

use jiff::Timestamp;
use kernel::id::JournalId;
use kernel::ledger::{AccountOwner, JournalEntry};
use serde::{Deserialize, Serialize};

use crate::item::{Entity, Indexes};
use crate::key::Key;
use crate::spread::{MANY, MonthlyList};

/// Prefix of the sort keys of an account's journal entries.
pub const JOURNAL_ENTRIES: &str = "POSTING#";
/// List of all journal entries; those of one journal follow each other.
pub const POSTINGS: MonthlyList = MonthlyList::spread("POSTINGS", MANY);

/// Guard that exists once the first journal is written and the ledger currency fixed (R9.1).
///
/// The transaction of that journal inserts it. A change of the currency requires its absence, so the change comes before the
/// journal or is rejected. It is never removed; a process that has seen it neither reads nor writes it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerBegun {
    pub at: Timestamp,
}

impl LedgerBegun {
    /// The one key of the guard.
    pub fn key() -> Key<Self> {
        Key::holding("LEDGER", "LEDGER")
    }
}

impl Entity for LedgerBegun {
    const TYPE: &'static str = "ledger_begun";

    fn own_key(&self) -> Key<Self> {
        Self::key()
    }
}

/// Key of the `number`-th journal entry of an owner's account.
pub fn journal_entry_key(holder: AccountOwner, of_commission: bool, number: u64) -> Key<JournalEntry> {
    let partition = match holder {
        AccountOwner::User(user) if of_commission => format!("AFFILIATE#{user}"),
        AccountOwner::User(user) => format!("USER#{user}"),
        AccountOwner::Asset(asset) => format!("ASSET#{asset}"),
        shop => format!("WALLET#{shop}"),
    };
    Key::holding(partition, format!("{JOURNAL_ENTRIES}{number:012}"))
}

/// Key of a journal entry of platform accounts only.
pub fn platform_entry_key(journal: JournalId) -> Key<JournalEntry> {
    Key::holding(format!("JOURNAL#{journal}"), "POSTING")
}

impl Entity for JournalEntry {
    const TYPE: &'static str = "posting";

    fn own_key(&self) -> Key<Self> {
        match self.holder {
            Some(holder) => journal_entry_key(holder, self.is_of_commission(), self.number),
            None => platform_entry_key(self.header.journal),
        }
    }

    fn indexes(&self) -> Indexes {
        Indexes { platform: Some(POSTINGS.entry(self.header.at, self.header.journal)), ..Indexes::default() }
    }
}
