//! A shop's wallet: money to spend on orders, and commission earned from sales, some of it held for cash (R8.12, R6.6).
//!
//! Stored as an item of its own beside the shop: a sale writes the wallets of all its levels and no shop.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::affiliate::model::withdrawal::CashStep;
use kernel::id::ShopId;
use kernel::ledger::{
    AccountOwner, Accounts, Header, JournalEntry, LedgerError, NewLine, Part, PlatformAccount, PlatformLine, RecordType,
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
        /// Commission set aside for open cash withdrawals.
        Held = "held",
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
    /// Commission set aside for open cash withdrawals; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Accounts>,
}

impl Wallet {
    /// An empty wallet.
    pub fn new(shop: ShopId, currency: Currency) -> Self {
        Self { shop, main: Accounts::new(currency), commission: Accounts::new(currency), held: None }
    }

    /// Commission set aside for open cash withdrawals.
    pub fn held(&self) -> LedgerMoney {
        self.held.map_or(LedgerMoney::zero(self.commission.balance().currency()), |held| held.balance())
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
        let (from, to) = (AccountOwner::Commission(self.shop), AccountOwner::Main(self.shop));
        let (commission, main, entries) = shift((self.commission, from), (self.main, to), header, amount, related)?;
        Ok((Self { main, commission, ..*self }, entries))
    }

    /// Takes a step of a cash withdrawal: one journal with an entry on each account that it changes.
    ///
    /// The commission account alone pays: the main account may hold money that the platform lent for orders.
    ///
    /// # Rejects
    /// `insufficient_available` for a request above the commission's balance; less held than the step takes, which
    /// only a torn read shows.
    pub fn withdraw(
        &self,
        header: &Header,
        step: CashStep,
        related: &str,
    ) -> Result<(Self, Vec<JournalEntry>), LedgerError> {
        let (from, to) = (AccountOwner::Commission(self.shop), AccountOwner::Held(self.shop));
        let held = self.held.unwrap_or_else(|| Accounts::new(self.commission.balance().currency()));
        let short = |error: LedgerError, instead| match error {
            LedgerError::InsufficientBalance => instead,
            other => other,
        };
        match step {
            CashStep::Hold(amount) => {
                let shifted = shift((self.commission, from), (held, to), header, amount, related);
                let available = self.commission.balance();
                let (commission, held, entries) =
                    shifted.map_err(|error| short(error, LedgerError::InsufficientAvailable { available }))?;
                Ok((Self { commission, held: Some(held), ..*self }, entries.into()))
            }
            CashStep::Release(amount) => {
                let shifted = shift((held, to), (self.commission, from), header, amount, related);
                let (held, commission, entries) =
                    shifted.map_err(|error| short(error, LedgerError::PartBelowZero(Part::Held)))?;
                Ok((Self { commission, held: Some(held), ..*self }, entries.into()))
            }
            CashStep::PayOut(amount) => {
                let out = NewLine::new(RecordType::Withdrawal, amount.negated(), related);
                let house = vec![PlatformLine::new(PlatformAccount::Payout, amount)];
                let posted = held.post(to, header.clone(), &[out], house);
                let (held, entry) = posted.map_err(|error| short(error, LedgerError::PartBelowZero(Part::Held)))?;
                Ok((Self { held: Some(held), ..*self }, vec![entry]))
            }
        }
    }
}

/// Moves an amount between two of a shop's accounts: the accounts after it, and one journal with an entry on each.
fn shift(
    (from, giver): (Accounts, AccountOwner),
    (to, taker): (Accounts, AccountOwner),
    header: &Header,
    amount: LedgerMoney,
    related: &str,
) -> Result<(Accounts, Accounts, [JournalEntry; 2]), LedgerError> {
    let line = |amount| vec![PlatformLine::new(PlatformAccount::Commission, amount)];
    let out = NewLine::new(RecordType::Withdrawal, amount.negated(), related);
    let (from, taken) = from.post(giver, header.clone(), &[out], line(amount))?;
    let income = NewLine::new(RecordType::Withdrawal, amount, related);
    let (to, given) = to.post(taker, header.clone(), &[income], line(amount.negated()))?;
    Ok((from, to, [taken, given]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::payment::model::order::tests::usd;
    use jiff::Timestamp;
    use kernel::id::JournalId;
    use kernel::ledger::{AccountKind, Operator};
    use ulid::Ulid;

    fn header(step: u32) -> Header {
        Header {
            journal: JournalId::new(Ulid::from_parts(1, step.into())),
            cause: "withdrawal:wdr_1".into(),
            step,
            corrects: None,
            operator: Operator::User,
            actor: "usr_1".into(),
            request_id: "r".into(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    /// A wallet with 100 to spend and 30 of commission.
    fn wallet() -> Wallet {
        let shop = ShopId::new(Ulid::from_parts(1, 9));
        let paid_in = NewLine::new(RecordType::Admin, usd("100"), "x");
        let house = vec![PlatformLine::new(PlatformAccount::Adjustment, usd("-100"))];
        let (wallet, _) = Wallet::new(shop, Currency::USD).spend(header(0), paid_in, house).unwrap();
        wallet.earn(header(0), &[NewLine::new(RecordType::Commission, usd("30"), "aor_1")]).unwrap().0
    }

    fn parts(wallet: &Wallet) -> [LedgerMoney; 3] {
        [wallet.main.balance(), wallet.commission.balance(), wallet.held()]
    }

    /// R6.6: cash comes from the commission alone, whatever the main account has.
    #[test]
    fn cash_is_taken_from_the_commission_and_from_nothing_else() {
        let all = wallet();
        let more = all.withdraw(&header(0), CashStep::Hold(usd("30.00000001")), "wdr_1");
        assert_eq!(more.unwrap_err(), LedgerError::InsufficientAvailable { available: usd("30") });
        let (held, entries) = all.withdraw(&header(0), CashStep::Hold(usd("30")), "wdr_1").unwrap();
        assert_eq!(parts(&held), [usd("100"), usd("0"), usd("30")]);
        let owners: Vec<_> = entries.iter().filter_map(|entry| entry.holder).collect();
        assert_eq!(owners, [AccountOwner::Commission(all.shop), AccountOwner::Held(all.shop)]);
        assert!(entries.iter().all(|entry| entry.check().is_ok() && entry.header.journal == header(0).journal));
    }

    /// R6.6: what is held is paid out or given back once; more than is held is a contradiction, not a refusal.
    #[test]
    fn what_is_held_is_paid_out_or_given_back() {
        let (held, _) = wallet().withdraw(&header(0), CashStep::Hold(usd("20")), "wdr_1").unwrap();
        let (paid, entries) = held.withdraw(&header(1), CashStep::PayOut(usd("20")), "wdr_1").unwrap();
        assert_eq!(parts(&paid), [usd("100"), usd("10"), usd("0")]);
        assert_eq!(entries[0].house, [PlatformLine::new(PlatformAccount::Payout, usd("20"))]);
        let (back, _) = held.withdraw(&header(1), CashStep::Release(usd("20")), "wdr_1").unwrap();
        assert_eq!(parts(&back), [usd("100"), usd("30"), usd("0")]);
        for twice in [CashStep::PayOut(usd("20")), CashStep::Release(usd("20"))] {
            let error = paid.withdraw(&header(2), twice, "wdr_1").unwrap_err();
            assert_eq!((error.refusal(), error), (None, LedgerError::PartBelowZero(Part::Held)));
        }
    }

    /// R1.7: commission that is given back pays debt first.
    #[test]
    fn a_rejected_withdrawal_pays_the_debt_of_the_commission() {
        let (held, _) = wallet().withdraw(&header(0), CashStep::Hold(usd("20")), "wdr_1").unwrap();
        let (owing, _) = held.earn(header(0), &[NewLine::new(RecordType::Refund, usd("-15"), "aor_1")]).unwrap();
        assert_eq!((owing.commission.owed(), owing.held()), (usd("5"), usd("20")));
        let (back, entries) = owing.withdraw(&header(1), CashStep::Release(usd("20")), "wdr_1").unwrap();
        assert_eq!((parts(&back), back.commission.owed()), ([usd("100"), usd("15"), usd("0")], usd("0")));
        let of = |kind| entries[1].entries.iter().filter(|line| line.account == kind).count();
        assert_eq!((of(AccountKind::Balance), of(AccountKind::Receivable)), (2, 1));
    }
}
