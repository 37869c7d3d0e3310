//! A shop's wallet: what it can spend on orders, and what it earned of sales (R8.12).
//!
//! Stored beside the shop, as an item of its own: a sale writes the wallets of all its levels and no shop.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use kernel::id::ShopId;
use kernel::ledger::{
    AccountOwner, Accounts, Header, JournalEntry, LedgerError, NewLine, PlatformAccount, PlatformLine, RecordType,
};
use kernel::money::{Currency, LedgerMoney};

/// That money of the agency moved first, and with it `agency.currency` is fixed (R9.1). Written by the first order and the first
/// adjustment of a shop's wallet: no other movement comes before those.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgencyBegun {
    /// When.
    pub at: Timestamp,
}

/// A shop's accounts, in agency currency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Wallet {
    /// Whose.
    pub shop: ShopId,
    /// What it can spend.
    pub main: Accounts,
    /// What it earned; a take-back above it is owed and paid by later commission (R1.7).
    pub commission: Accounts,
}

impl Wallet {
    /// A wallet without any entry.
    pub fn new(shop: ShopId, currency: Currency) -> Self {
        Self { shop, main: Accounts::new(currency), commission: Accounts::new(currency) }
    }

    /// Moves the main account; the house lines balance it.
    ///
    /// # Refuses
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

    /// Moves the commission account by what a sale earned, or what is taken back of it; the house account `commission` pays.
    ///
    /// # Refuses
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

    /// Moves commission to the main account: one journal, a share of it on each.
    ///
    /// # Refuses
    /// More than there is.
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
