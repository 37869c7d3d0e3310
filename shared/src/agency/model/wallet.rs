//! A shop's wallet: money to spend on orders, and commission earned from sales (R8.12).
//!
//! Stored as an item of its own beside the shop: a sale writes the wallets of all its levels and no shop.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use kernel::id::ShopId;
use kernel::ledger::{
    AccountOwner, Accounts, Header, JournalEntry, LedgerError, NewLine, PlatformAccount, PlatformLine, RecordType,
};
use kernel::money::{Currency, LedgerMoney};
use kernel::text_enum;

/// Marks the first movement of agency money, which fixes `agency.currency` (R9.1).
///
/// Written by the first order or the first adjustment of a shop's wallet: no other movement comes before those.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgencyBegun {
    pub at: Timestamp,
}

text_enum! {
    /// One of a wallet's accounts.
    pub enum WalletPart {
        /// Money to spend.
        Main = "main",
        /// Commission earned.
        Commission = "commission",
    }
}

/// A shop's accounts, in agency currency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Wallet {
    pub shop: ShopId,
    /// Money to spend.
    pub main: Accounts,
    /// Commission earned; a take-back above its balance becomes debt, which later commission pays (R1.7).
    pub commission: Accounts,
}

impl Wallet {
    /// An empty wallet.
    pub fn new(shop: ShopId, currency: Currency) -> Self {
        Self { shop, main: Accounts::new(currency), commission: Accounts::new(currency) }
    }

    /// Posts to the main account; `house` holds the balancing platform lines.
    ///
    /// # Rejects
    /// As [`Accounts::post`].
    pub fn spend(
        &self,
        header: Header,
        movement: NewLine,
        house: Vec<PlatformLine>,
    ) -> Result<(Self, JournalEntry), LedgerError> {
        let (main, posting) = self.main.post(AccountOwner::Main(self.shop), header, &[movement], house)?;
        Ok((Self { main, ..*self }, posting))
    }

    /// Posts earned commission, or its take-back if negative; the platform account `commission` pays.
    ///
    /// # Rejects
    /// As [`Accounts::post`].
    pub fn earn(&self, header: Header, movements: &[NewLine]) -> Result<(Self, JournalEntry), LedgerError> {
        let mut house = Vec::with_capacity(movements.len());
        for movement in movements {
            house.push(PlatformLine::new(PlatformAccount::Commission, movement.amount.negated()));
        }
        let (commission, posting) =
            self.commission.post(AccountOwner::Commission(self.shop), header, movements, house)?;
        Ok((Self { commission, ..*self }, posting))
    }

    /// Moves commission to the main account: one journal with an entry on each account.
    ///
    /// # Rejects
    /// An amount above the commission's balance.
    pub fn transfer(
        &self,
        header: &Header,
        amount: LedgerMoney,
        related: &str,
    ) -> Result<(Self, [JournalEntry; 2]), LedgerError> {
        let line = |amount| vec![PlatformLine::new(PlatformAccount::Commission, amount)];
        let out = NewLine::new(RecordType::Withdrawal, amount.negated(), related);
        let (from, to) = (AccountOwner::Commission(self.shop), AccountOwner::Main(self.shop));
        let (commission, taken) = self.commission.post(from, header.clone(), &[out], line(amount))?;
        let income = NewLine::new(RecordType::Withdrawal, amount, related);
        let (main, given) = self.main.post(to, header.clone(), &[income], line(amount.negated()))?;
        Ok((Self { main, commission, ..*self }, [taken, given]))
    }
}
