//! Withdrawals of commission, of a user or a shop: to the user's balance or as cash (R6.5, R6.6).
//!
//! A withdrawal to the balance completes at once. A cash withdrawal reserves its amount at the request. Then exactly one of
//! three things happens: it is paid, it is rejected, or its user cancels it. Every step is a journal with the same
//! cause. Cash of a shop is the same noun with [`Withdrawal::shop`]: one state machine, one list and one pair of decisions for
//! whoever pays it out.

use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::affiliate::model::commission::CommissionMove;
use kernel::id::{PayoutBatchId, ShopId, UserId, WithdrawalId};
use kernel::ledger::JournalRef;
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use kernel::text_enum;

text_enum! {
    /// Destination of a withdrawal.
    pub enum Destination as WithdrawalDestination {
        /// The user's balance.
        Balance = "balance",
        /// A payout outside the platform.
        Cash = "cash",
    }
}

text_enum! {
    /// State of a withdrawal.
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

/// Payout account for cash. It is personal data: never in a key or a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// One of the withdrawal methods in the settings.
    pub method: String,
    /// Account id at that method.
    pub account: String,
    /// Name of the account's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Payout {
    /// Returns the masked account, for anyone but an admin.
    ///
    /// It reveals the last four characters, or none of a short account.
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

/// Terms of cash withdrawals, from the settings of the programme that earned the commission.
#[derive(Debug, Clone, Copy)]
pub struct CashTerms<'a> {
    /// Offered payout methods.
    pub methods: &'a [String],
    /// Least amount.
    pub minimum: Decimal,
}

impl CashTerms<'_> {
    /// Requires an offered method and the minimum amount.
    ///
    /// # Rejects
    /// 422 with the pointer, and what would be right.
    pub fn admit(&self, amount: Decimal, payout: &Payout) -> Result<(), Refusal> {
        if !self.methods.contains(&payout.method) {
            let detail = format!("One of {}.", self.methods.join(", "));
            return Err(Refusal::field("/payout/method", "not_offered", detail));
        }
        if amount < self.minimum {
            return Err(Refusal::field("/amount", "out_of_range", format!("At least {}.", self.minimum)));
        }
        Ok(())
    }
}

/// Step of a cash withdrawal on the account that it takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CashStep {
    /// Set aside what was asked for.
    Hold(LedgerMoney),
    /// Pay out what was set aside.
    PayOut(LedgerMoney),
    /// Give back what was set aside.
    Release(LedgerMoney),
}

impl From<CashStep> for CommissionMove {
    fn from(step: CashStep) -> Self {
        match step {
            CashStep::Hold(amount) => Self::Hold(amount),
            CashStep::PayOut(amount) => Self::PayOut(amount),
            CashStep::Release(amount) => Self::Release(amount),
        }
    }
}

/// First of two approvals of a cash withdrawal (R6.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstApproval {
    pub admin: UserId,
    pub at: Timestamp,
    /// Payment reference that the admin gave; that of the second approval becomes the withdrawal's.
    pub reference: String,
}

/// Withdrawal of commission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Withdrawal {
    pub id: WithdrawalId,
    /// User of the commission, or the agent who asked for the shop.
    pub user: UserId,
    /// Shop whose commission it is; absent for a user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
    /// Ledger currency; agency currency for a shop.
    pub amount: LedgerMoney,
    pub to: Destination,
    pub state: WithdrawalState,
    /// Payout account for cash; erased with the user's personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout: Option<Payout>,
    /// Approval of an amount that needs two; the state stays `requested` until a second admin approves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_approval: Option<FirstApproval>,
    /// Payout batch that it is in, or was paid or rejected in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<PayoutBatchId>,
    /// Payment reference, of an admin or the operator's backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Reason of a rejection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Time of the request.
    pub created_at: Timestamp,
    /// Time of completion or close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// Latest journal entry.
    pub last: JournalRef,
    /// Fingerprint of the request, by which a repetition of it is recognised (R1.8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// WithdrawalResolution of a cash withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WithdrawalResolution {
    /// Paid by an admin, with a payment reference.
    Paid(String),
    /// Rejected by an admin, with a reason.
    Rejected(String),
    /// Cancelled by its user.
    Cancelled,
}

impl Withdrawal {
    /// Records an approval that is not enough; `None` if this one pays (R6.9).
    ///
    /// Affiliates' cash above `limit`, which is in ledger currency, needs two admins; a limit of zero is none. A shop's is in another
    /// currency and needs one. The limit is that of the approval, so an open withdrawal follows a change of the settings.
    ///
    /// # Rejects
    /// [`Refusal::SecondAdminRequired`] when this admin gave the first approval; [`Refusal::WithdrawalClosed`] when it is not open.
    pub fn approved_once(&self, limit: Decimal, approval: FirstApproval) -> Result<Option<Self>, Refusal> {
        if self.state != WithdrawalState::Requested {
            return Err(Refusal::WithdrawalClosed);
        }
        if !self.needs_two(limit) {
            return Ok(None);
        }
        match &self.first_approval {
            Some(first) if first.admin == approval.admin => Err(Refusal::SecondAdminRequired),
            Some(_) => Ok(None),
            None => Ok(Some(Self { first_approval: Some(approval), ..self.clone() })),
        }
    }

    /// The withdrawal as it was requested, whatever became of it since.
    pub fn as_requested(&self) -> Self {
        let (state, settled_at) = match self.to {
            Destination::Balance => (WithdrawalState::Done, Some(self.created_at)),
            Destination::Cash => (WithdrawalState::Requested, None),
        };
        let (first_approval, batch, reference, reason) = (None, None, None, None);
        Self { state, settled_at, first_approval, batch, reference, reason, ..self.clone() }
    }

    /// Tests whether its payment needs two admins under this limit.
    pub fn needs_two(&self, limit: Decimal) -> bool {
        self.shop.is_none() && limit > Decimal::ZERO && self.amount.amount() > limit
    }

    /// True while it is open in a payout batch: only the batch pays or rejects it, and nobody cancels it (R6.9).
    pub fn is_in_batch(&self) -> bool {
        self.state == WithdrawalState::Requested && self.batch.is_some()
    }

    /// True between a first approval and the end.
    pub fn awaits_second(&self) -> bool {
        self.state == WithdrawalState::Requested && self.first_approval.is_some() && self.batch.is_none()
    }

    /// Returns the journal cause of a withdrawal.
    pub fn cause(id: WithdrawalId) -> String {
        format!("withdrawal:{id}")
    }

    /// Returns the commission move of a request.
    pub fn asked(to: Destination, amount: LedgerMoney) -> CommissionMove {
        match to {
            Destination::Balance => CommissionMove::ToBalance(amount),
            Destination::Cash => CommissionMove::Hold(amount),
        }
    }

    /// Closes the withdrawal and returns it with the step on its account; `last` is the closing journal entry.
    ///
    /// # Rejects
    /// [`Refusal::WithdrawalClosed`] when it is not open.
    pub fn settled(
        &self,
        verdict: &WithdrawalResolution,
        at: Timestamp,
        last: JournalRef,
    ) -> Result<(Self, CashStep), Refusal> {
        if self.state != WithdrawalState::Requested {
            return Err(Refusal::WithdrawalClosed);
        }
        let after = Self { settled_at: Some(at), last, ..self.clone() };
        Ok(match verdict.clone() {
            WithdrawalResolution::Paid(reference) => {
                let paid = Self { state: WithdrawalState::Paid, reference: Some(reference), ..after };
                (paid, CashStep::PayOut(self.amount))
            }
            WithdrawalResolution::Rejected(reason) => {
                let rejected = Self { state: WithdrawalState::Rejected, reason: Some(reason), ..after };
                (rejected, CashStep::Release(self.amount))
            }
            WithdrawalResolution::Cancelled => {
                (Self { state: WithdrawalState::Cancelled, ..after }, CashStep::Release(self.amount))
            }
        })
    }
}

#[cfg(test)]
pub mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::payment::model::order::tests::usd;
    use kernel::id::JournalId;
    use ulid::Ulid;

    /// A cash withdrawal of 12 USD that is requested.
    pub fn requested() -> Withdrawal {
        Withdrawal {
            id: WithdrawalId::new(Ulid::from_parts(1, 1)),
            user: UserId::new(Ulid::from_parts(1, 2)),
            shop: None,
            amount: usd("12"),
            to: Destination::Cash,
            state: WithdrawalState::Requested,
            payout: Some(Payout { method: "bank".into(), account: "DE02120300000000202051".into(), name: None }),
            first_approval: None,
            batch: None,
            reference: None,
            reason: None,
            created_at: Timestamp::UNIX_EPOCH,
            settled_at: None,
            last: journal(0),
            fingerprint: None,
        }
    }

    fn journal(step: u32) -> JournalRef {
        JournalRef { id: JournalId::new(Ulid::from_parts(1, 3)), step }
    }

    /// R6.6: the first resolution of a withdrawal is its only one.
    #[test]
    fn a_withdrawal_is_settled_once() {
        let verdicts = [
            WithdrawalResolution::Paid("TX 7".into()),
            WithdrawalResolution::Rejected("unknown account".into()),
            WithdrawalResolution::Cancelled,
        ];
        let states = [WithdrawalState::Paid, WithdrawalState::Rejected, WithdrawalState::Cancelled];
        let moves = [CashStep::PayOut(usd("12")), CashStep::Release(usd("12")), CashStep::Release(usd("12"))];
        for ((first, state), wanted) in verdicts.iter().zip(states).zip(moves) {
            let (after, moved) = requested().settled(first, Timestamp::UNIX_EPOCH, journal(1)).unwrap();
            assert_eq!((after.state, moved, after.last.step), (state, wanted, 1));
            for second in &verdicts {
                let again = after.settled(second, Timestamp::UNIX_EPOCH, journal(2));
                assert_eq!(again, Err(Refusal::WithdrawalClosed));
            }
        }
    }

    /// R6.9: above the limit two different admins approve; at the limit, without one, and for a shop, one is enough.
    #[test]
    fn two_admins_approve_an_amount_above_the_limit() {
        let by = |admin: u128| FirstApproval {
            admin: UserId::new(Ulid::from_parts(1, admin)),
            at: Timestamp::UNIX_EPOCH,
            reference: "TX 7".into(),
        };
        let limit = |text: &str| text.parse::<Decimal>().unwrap();
        for enough in ["0", "12", "12.00000001"] {
            assert_eq!(requested().approved_once(limit(enough), by(7)), Ok(None), "{enough}");
        }
        let shop = Withdrawal { shop: Some(ShopId::new(Ulid::from_parts(1, 4))), ..requested() };
        assert_eq!(shop.approved_once(limit("1"), by(7)), Ok(None));
        let once = requested().approved_once(limit("11.99999999"), by(7)).unwrap().unwrap();
        assert_eq!((once.state, once.first_approval.clone()), (WithdrawalState::Requested, Some(by(7))));
        assert_eq!(once.approved_once(limit("1"), by(7)), Err(Refusal::SecondAdminRequired));
        assert_eq!(once.approved_once(limit("1"), by(8)), Ok(None));
        let closed = Withdrawal { state: WithdrawalState::Rejected, ..once };
        assert_eq!(closed.approved_once(limit("1"), by(8)), Err(Refusal::WithdrawalClosed));
    }

    /// R6.6: payout data is never logged, and the mask reveals at most four characters.
    #[test]
    fn payout_details_are_not_shown() {
        let withdrawal = requested();
        assert!(!format!("{withdrawal:?}").contains("2051"));
        assert_eq!(withdrawal.payout.unwrap().masked(), "****2051");
        let short = Payout { method: "bank".into(), account: "1234567".into(), name: None };
        assert_eq!(short.masked(), "****");
    }
}
