//! Withdrawals: commission that leaves its account, to the user's balance or to the outside (R6.5, R6.6).
//!
//! To the balance it is done at once. A cash withdrawal sets its amount aside when it is requested; then exactly one thing
//! happens to it: an admin pays or rejects it, or its user cancels it. Each step is a journal of one cause.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::affiliate::model::commission::CommissionMove;
use kernel::id::{UserId, WithdrawalId};
use kernel::ledger::JournalRef;
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use kernel::text_enum;

text_enum! {
    /// Where commission goes.
    pub enum Destination as WithdrawalDestination {
        /// The user's balance.
        Balance = "balance",
        /// The outside.
        Cash = "cash",
    }
}

text_enum! {
    /// Where a withdrawal stands.
    pub enum WithdrawalState {
        /// On the balance.
        Done = "done",
        /// Its amount is held until somebody decides.
        Requested = "requested",
        /// Paid out.
        Paid = "paid",
        /// An admin said no; the amount is available again.
        Rejected = "rejected",
        /// Its user took it back; the amount is available again.
        Cancelled = "cancelled",
    }
}

/// Where cash goes: personal, never in a key or a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// One of the settings' withdrawal methods.
    pub method: String,
    /// The payout account there.
    pub account: String,
    /// Its owner's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Payout {
    /// The account as anybody but an admin sees it: its last four characters, and of a short one none.
    pub fn masked(&self) -> String {
        let all: Vec<char> = self.account.chars().collect();
        let shown = if all.len() >= 8 { all.len().saturating_sub(4) } else { all.len() };
        all.into_iter().skip(shown).fold("****".to_owned(), |mut masked, symbol| {
            masked.push(symbol);
            masked
        })
    }
}

impl fmt::Debug for Payout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payout").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Commission that leaves its account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Its id.
    pub id: WithdrawalId,
    /// Whose.
    pub user: UserId,
    /// How much, in ledger currency.
    pub amount: LedgerMoney,
    /// Where to.
    pub to: Destination,
    /// Where it stands.
    pub state: WithdrawalState,
    /// Where cash goes; gone once its user was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout: Option<Payout>,
    /// The admin's reference of the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Why an admin rejected it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// Its last journal.
    pub last: JournalRef,
}

/// What becomes of a cash withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// An admin paid it, with a reference.
    Paid(String),
    /// An admin rejected it, with a reason.
    Rejected(String),
    /// Its user cancelled it.
    Cancelled,
}

impl Withdrawal {
    /// The cause of its journals.
    pub fn cause(id: WithdrawalId) -> String {
        format!("withdrawal:{id}")
    }

    /// What asking for it does to the commission account.
    pub fn asked(to: Destination, amount: LedgerMoney) -> CommissionMove {
        match to {
            Destination::Balance => CommissionMove::ToBalance(amount),
            Destination::Cash => CommissionMove::Hold(amount),
        }
    }

    /// The withdrawal after a verdict, and what that does to the commission account; `last` is the journal of it.
    ///
    /// # Refuses
    /// [`Refusal::WithdrawalClosed`] for one that is not open any more.
    pub fn settled(
        &self,
        verdict: &Resolution,
        at: Timestamp,
        last: JournalRef,
    ) -> Result<(Self, CommissionMove), Refusal> {
        if self.state != WithdrawalState::Requested {
            return Err(Refusal::WithdrawalClosed);
        }
        let after = Self { settled_at: Some(at), last, ..self.clone() };
        Ok(match verdict.clone() {
            Resolution::Paid(reference) => {
                let paid = Self { state: WithdrawalState::Paid, reference: Some(reference), ..after };
                (paid, CommissionMove::PayOut(self.amount))
            }
            Resolution::Rejected(reason) => {
                let rejected = Self { state: WithdrawalState::Rejected, reason: Some(reason), ..after };
                (rejected, CommissionMove::Release(self.amount))
            }
            Resolution::Cancelled => {
                (Self { state: WithdrawalState::Cancelled, ..after }, CommissionMove::Release(self.amount))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::payment::model::order::tests::usd;
    use kernel::id::JournalId;
    use ulid::Ulid;

    fn requested() -> Withdrawal {
        Withdrawal {
            id: WithdrawalId::new(Ulid::from_parts(1, 1)),
            user: UserId::new(Ulid::from_parts(1, 2)),
            amount: usd("12"),
            to: Destination::Cash,
            state: WithdrawalState::Requested,
            payout: Some(Payout { method: "bank".into(), account: "DE02120300000000202051".into(), name: None }),
            reference: None,
            reason: None,
            created_at: Timestamp::UNIX_EPOCH,
            settled_at: None,
            last: journal(0),
        }
    }

    fn journal(step: u32) -> JournalRef {
        JournalRef { id: JournalId::new(Ulid::from_parts(1, 3)), step }
    }

    /// R6.6: one transition per withdrawal, whichever verdict comes first.
    #[test]
    fn a_withdrawal_is_settled_once() {
        let verdicts =
            [Resolution::Paid("TX 7".into()), Resolution::Rejected("unknown account".into()), Resolution::Cancelled];
        let states = [WithdrawalState::Paid, WithdrawalState::Rejected, WithdrawalState::Cancelled];
        let moves =
            [CommissionMove::PayOut(usd("12")), CommissionMove::Release(usd("12")), CommissionMove::Release(usd("12"))];
        for ((first, state), wanted) in verdicts.iter().zip(states).zip(moves) {
            let (after, moved) = requested().settled(first, Timestamp::UNIX_EPOCH, journal(1)).unwrap();
            assert_eq!((after.state, moved, after.last.step), (state, wanted, 1));
            for second in &verdicts {
                let again = after.settled(second, Timestamp::UNIX_EPOCH, journal(2));
                assert_eq!(again, Err(Refusal::WithdrawalClosed));
            }
        }
    }

    /// R6.6: payout details are in no log, and a masked one tells four symbols at most.
    #[test]
    fn payout_details_are_not_shown() {
        let withdrawal = requested();
        assert!(!format!("{withdrawal:?}").contains("2051"));
        assert_eq!(withdrawal.payout.unwrap().masked(), "****2051");
        let short = Payout { method: "bank".into(), account: "1234567".into(), name: None };
        assert_eq!(short.masked(), "****");
    }
}
