//! A user's balance at a past time, from the journal entries.
//!
//! An entry says what the account had before and after it, so the one before a time is looked for by halves: a read for each doubling of
//! the number of entries, however long ago it is.

pub mod view;

use jiff::Timestamp;

use crate::account::model::user::User;
use crate::app::App;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::ledger::{AccountKind, AccountOwner, JournalEntry, Line};
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::ledger::journal_entry_key;

/// Entries that are read together while none of them moves the balance.
const TOGETHER: u64 = 20;

/// Balance that a user had at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BalanceAt {
    pub at: Timestamp,
    pub balance: LedgerMoney,
    /// Number of the last journal entry of the balance and its debt by then; 0 before the first.
    pub entries: u64,
}

/// Returns the balance that a user had at the end of a moment; a time to come has the balance of now.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn balance_at(app: &App, user: UserId, at: Timestamp) -> Result<BalanceAt, Error> {
    let user = app.store.get::<User>(&User::key(user)).await?.ok_or(Refusal::NotFound)?;
    let owner = AccountOwner::User(user.id);
    let (mut low, mut high) = (0, user.accounts.postings);
    while low < high {
        let middle = low.saturating_add(high.saturating_sub(low).div_ceil(2));
        let entry = app.store.get::<JournalEntry>(&journal_entry_key(owner, false, middle)).await?;
        let entry = entry.ok_or_else(|| Fault::bug("a journal entry is missing"))?;
        (low, high) = if entry.header.at <= at { (middle, high) } else { (low, middle.saturating_sub(1)) };
    }
    let balance = balance_after(app, &user, low).await?;
    Ok(BalanceAt { at, balance, entries: low })
}

/// Balance after the entry of a number: what that one left, else what the next one that moves the balance found.
async fn balance_after(app: &App, user: &User, number: u64) -> Result<LedgerMoney, Fault> {
    let (owner, currency) = (AccountOwner::User(user.id), user.accounts.balance().currency());
    let is_balance = |line: &&Line| line.account == AccountKind::Balance;
    let mut from = number.max(1);
    while from <= user.accounts.postings {
        let last = from.saturating_add(TOGETHER.saturating_sub(1)).min(user.accounts.postings);
        let keys: Vec<_> = (from..=last).map(|number| journal_entry_key(owner, false, number)).collect();
        for entry in app.store.read(keys).await?.into_iter().flatten() {
            let mut lines = entry.entries.iter().filter(is_balance);
            let found = if entry.number == number {
                lines.next_back().map(|line| line.after)
            } else {
                lines.next().map(|line| line.before)
            };
            if let Some(found) = found {
                return LedgerMoney::exact(found, currency).map_err(Fault::bug);
            }
        }
        from = last.saturating_add(1);
    }
    Ok(user.accounts.balance())
}
