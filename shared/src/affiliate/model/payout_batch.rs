//! Payout batches: cash withdrawals that are paid together, with one file (R6.9).
//!
//! A batch is made of requested withdrawals of one method and one currency, in one transaction with them. Each of its lines names a
//! withdrawal and its amount; number and total are computed from the lines and stored nowhere. While its line is open a withdrawal
//! stays `requested` and has the batch's id: its user can't cancel it, and no admin can pay or reject it but through the batch. A line
//! ends once: paid, failed, or dropped, which gives the withdrawal back to the queue. Accounts and names stand on the withdrawals
//! only, so erasing a user erases them from the batch's files, too.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::affiliate::model::iban::Iban;
use crate::affiliate::model::withdrawal::{Destination, Withdrawal, WithdrawalState};
use kernel::id::{PayoutBatchId, UserId, WithdrawalId};
use kernel::money::{Currency, LedgerMoney, MoneyError};
use kernel::refusal::Refusal;
use kernel::text_enum;

/// Most lines of a batch: with the batch, its audit record and the saved answer they fit one transaction.
pub const LINES_MAX: usize = 90;

text_enum! {
    /// File that a batch is made for; each has a CSV.
    pub enum PayoutFormat {
        /// A CSV only.
        Csv = "csv",
        /// An ISO 20022 credit transfer, pain.001.001.09, too: each account is an IBAN with its owner's name.
        Pain001 = "pain001",
    }
}

text_enum! {
    /// State of a batch, from its lines.
    pub enum PayoutBatchState {
        /// A line is open.
        Open = "open",
        /// Every line has ended, and one was paid or failed.
        Closed = "closed",
        /// Every line was dropped.
        Dropped = "dropped",
    }
}

text_enum! {
    /// End of a line.
    pub enum PayoutEnd {
        /// Paid out.
        Paid = "paid",
        /// Could not be paid; the withdrawal is rejected and its amount available again.
        Failed = "failed",
        /// Taken out of the batch; the withdrawal is requested as before.
        Dropped = "dropped",
    }
}

text_enum! {
    /// Reason why a requested withdrawal stays out of a batch.
    pub enum LeftOutReason {
        /// Above the limit for one admin, and nobody approved it yet.
        NeedsFirstApproval = "needs_first_approval",
        /// Above the limit for one admin, and who makes the batch gave the first approval.
        NeedsAnotherAdmin = "needs_another_admin",
        /// More decimals than its currency can be transferred with.
        NotTransferable = "not_transferable",
        /// The account is no IBAN.
        NoIban = "no_iban",
        /// The account has no owner's name.
        NoName = "no_name",
    }
}

/// Line of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutLine {
    pub withdrawal: WithdrawalId,
    pub amount: LedgerMoney,
    /// End of the line; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<PayoutEnd>,
}

impl PayoutLine {
    /// Id of the payment from end to end, which the bank statement repeats: only symbols that banks take, at most 35.
    pub fn end_to_end_id(&self) -> String {
        self.withdrawal.to_string().replace('_', "-")
    }
}

/// Batch of cash withdrawals that are paid together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutBatch {
    pub id: PayoutBatchId,
    /// Payout method of every line.
    pub method: String,
    pub format: PayoutFormat,
    /// Currency of every line.
    pub currency: Currency,
    /// Oldest withdrawal first; never empty.
    pub lines: Vec<PayoutLine>,
    /// Admin who made it: the second approval of each line that needs two.
    pub made_by: UserId,
    pub created_at: Timestamp,
}

impl PayoutBatch {
    /// Lines that are in the batch: all that were not dropped.
    pub fn kept(&self) -> impl Iterator<Item = &PayoutLine> {
        self.lines.iter().filter(|line| line.end != Some(PayoutEnd::Dropped))
    }

    /// Number of lines that ended so, or are open.
    pub fn count(&self, end: Option<PayoutEnd>) -> usize {
        self.lines.iter().filter(|line| line.end == end).count()
    }

    /// Sum of the lines that are in the batch.
    ///
    /// # Rejects
    /// Overflow.
    pub fn total(&self) -> Result<LedgerMoney, MoneyError> {
        self.kept().try_fold(LedgerMoney::zero(self.currency), |sum, line| sum.plus(line.amount))
    }

    /// State, from the lines.
    pub fn state(&self) -> PayoutBatchState {
        match (self.count(None), self.kept().next()) {
            (0, None) => PayoutBatchState::Dropped,
            (0, Some(_)) => PayoutBatchState::Closed,
            _ => PayoutBatchState::Open,
        }
    }

    /// Line of a withdrawal.
    pub fn line(&self, withdrawal: WithdrawalId) -> Option<&PayoutLine> {
        self.lines.iter().find(|line| line.withdrawal == withdrawal)
    }

    /// Ends an open line.
    ///
    /// # Rejects
    /// [`Refusal::WithdrawalNotInBatch`] for a withdrawal without an open line.
    pub fn ended(&self, withdrawal: WithdrawalId, end: PayoutEnd) -> Result<Self, Refusal> {
        let mut after = self.clone();
        let open = after.lines.iter_mut().find(|line| line.withdrawal == withdrawal && line.end.is_none());
        open.ok_or(Refusal::WithdrawalNotInBatch)?.end = Some(end);
        Ok(after)
    }
}

/// Condition on which a new batch takes a withdrawal.
#[derive(Debug, Clone, Copy)]
pub struct GatherTerms<'a> {
    pub method: &'a str,
    pub format: PayoutFormat,
    pub currency: Currency,
    /// Limit above which two admins approve; 0 is none.
    pub second_approval_above: Decimal,
    /// Admin who makes the batch.
    pub maker: UserId,
}

impl GatherTerms<'_> {
    /// Judges a withdrawal: `None` if it is not meant, else whether it is taken, and as what.
    ///
    /// Making the batch is an approval. Above the limit it is the second, so another admin gave the first. An approval that the
    /// maker gave before the limit was lifted is the only one, and is not kept beside it.
    ///
    /// # Rejects
    /// The first reason why it stays out.
    pub fn judge(&self, of: &Withdrawal, batch: PayoutBatchId) -> Option<Result<Withdrawal, LeftOutReason>> {
        let payout = of.payout.as_ref().filter(|payout| payout.method == self.method)?;
        let is_meant = of.to == Destination::Cash
            && of.state == WithdrawalState::Requested
            && of.batch.is_none()
            && of.amount.currency() == self.currency;
        if !is_meant {
            return None;
        }
        let first = of.first_approval.as_ref();
        let is_for_bank = self.format == PayoutFormat::Pain001;
        let reasons = [
            (of.needs_two(self.second_approval_above) && first.is_none(), LeftOutReason::NeedsFirstApproval),
            (
                of.needs_two(self.second_approval_above) && first.is_some_and(|first| first.admin == self.maker),
                LeftOutReason::NeedsAnotherAdmin,
            ),
            (of.amount.amount().normalize().scale() > self.currency.digits(), LeftOutReason::NotTransferable),
            (is_for_bank && Iban::parse(&payout.account).is_none(), LeftOutReason::NoIban),
            (is_for_bank && payout.name.as_ref().is_none_or(|name| name.trim().is_empty()), LeftOutReason::NoName),
        ];
        if let Some((_, reason)) = reasons.into_iter().find(|(applies, _)| *applies) {
            return Some(Err(reason));
        }
        let first_approval = of.first_approval.clone().filter(|first| first.admin != self.maker);
        Some(Ok(Withdrawal { batch: Some(batch), first_approval, ..of.clone() }))
    }
}

#[cfg(test)]
pub mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::affiliate::model::withdrawal::{FirstApproval, Payout, tests::requested};
    use crate::payment::model::order::tests::usd;
    use kernel::id::ShopId;
    use ulid::Ulid;

    /// A batch of lines with these amounts, numbered from 0.
    pub fn batch(amounts: &[&str]) -> PayoutBatch {
        let line = |(number, amount): (u128, &&str)| PayoutLine {
            withdrawal: WithdrawalId::new(Ulid::from_parts(1, number)),
            amount: usd(amount),
            end: None,
        };
        PayoutBatch {
            id: PayoutBatchId::new(Ulid::from_parts(1_790_000_000_000, 9)),
            method: "bank".into(),
            format: PayoutFormat::Pain001,
            currency: Currency::USD,
            lines: (0..).zip(amounts).map(line).collect(),
            made_by: admin(7),
            created_at: "2026-11-30T05:06:07.5Z".parse().unwrap(),
        }
    }

    fn admin(number: u128) -> UserId {
        UserId::new(Ulid::from_parts(2, number))
    }

    fn id(number: u128) -> WithdrawalId {
        WithdrawalId::new(Ulid::from_parts(1, number))
    }

    fn terms(limit: &str, format: PayoutFormat) -> GatherTerms<'static> {
        let second_approval_above = limit.parse().unwrap();
        GatherTerms { method: "bank", format, currency: Currency::USD, second_approval_above, maker: admin(7) }
    }

    fn judged(of: &Withdrawal, limit: &str, format: PayoutFormat) -> Option<Result<(), LeftOutReason>> {
        let found = terms(limit, format).judge(of, batch(&["1"]).id);
        found.map(|result| result.map(|taken| assert_eq!(taken.batch, Some(batch(&["1"]).id))))
    }

    /// R6.9: the total is the sum of the lines that are in the batch, and the state follows from them.
    #[test]
    fn total_and_state_follow_from_the_lines() {
        let made = batch(&["1.5", "2.25", "0.25"]);
        assert_eq!((made.total().unwrap(), made.kept().count(), made.state()), (usd("4"), 3, PayoutBatchState::Open));
        let paid = made.ended(id(0), PayoutEnd::Paid).unwrap().ended(id(1), PayoutEnd::Failed).unwrap();
        assert_eq!((paid.total().unwrap(), paid.state()), (usd("4"), PayoutBatchState::Open), "a file stays as it was");
        let closed = paid.ended(id(2), PayoutEnd::Dropped).unwrap();
        assert_eq!((closed.total().unwrap(), closed.state()), (usd("3.75"), PayoutBatchState::Closed));
        let dropped = batch(&["1"]).ended(id(0), PayoutEnd::Dropped).unwrap();
        assert_eq!((dropped.total().unwrap(), dropped.state()), (usd("0"), PayoutBatchState::Dropped));
    }

    /// R6.9: a line ends once.
    #[test]
    fn a_line_ends_once() {
        for end in PayoutEnd::ALL {
            let after = batch(&["1", "2"]).ended(id(1), end).unwrap();
            assert_eq!((after.line(id(1)).unwrap().end, after.line(id(0)).unwrap().end), (Some(end), None));
            for again in PayoutEnd::ALL {
                assert_eq!(after.ended(id(1), again), Err(Refusal::WithdrawalNotInBatch));
            }
        }
        assert_eq!(batch(&["1"]).ended(id(5), PayoutEnd::Paid), Err(Refusal::WithdrawalNotInBatch));
    }

    /// R6.9: a batch takes open cash of its method and currency that is in no batch.
    #[test]
    fn a_batch_takes_what_is_open_and_in_no_batch() {
        let csv = PayoutFormat::Csv;
        assert_eq!(judged(&requested(), "0", csv), Some(Ok(())));
        let payout = |method: &str| Payout { method: method.into(), account: "a".into(), name: None };
        let others = [
            Withdrawal { payout: Some(payout("paypal")), ..requested() },
            Withdrawal { payout: None, ..requested() },
            Withdrawal { state: WithdrawalState::Cancelled, ..requested() },
            Withdrawal { batch: Some(batch(&["1"]).id), ..requested() },
            Withdrawal { amount: LedgerMoney::zero(Currency::CNY), ..requested() },
        ];
        for other in &others {
            assert_eq!(judged(other, "0", csv), None, "{other:?}");
        }
        let shop = Withdrawal { shop: Some(ShopId::new(Ulid::from_parts(1, 4))), ..requested() };
        assert_eq!(judged(&shop, "1", csv), Some(Ok(())), "a shop's needs one approval");
    }

    /// R6.9: above the limit the maker of the batch is the second admin, and another one gave the first approval.
    #[test]
    fn above_the_limit_the_maker_is_another_admin() {
        let csv = PayoutFormat::Csv;
        let by = |admin| FirstApproval { admin, at: Timestamp::UNIX_EPOCH, reference: "TX 7".into() };
        let once = |number| Withdrawal { first_approval: Some(by(admin(number))), ..requested() };
        assert_eq!(judged(&requested(), "12", csv), Some(Ok(())));
        assert_eq!(judged(&requested(), "11.99", csv), Some(Err(LeftOutReason::NeedsFirstApproval)));
        assert_eq!(judged(&once(7), "11.99", csv), Some(Err(LeftOutReason::NeedsAnotherAdmin)));
        let taken = terms("11.99", csv).judge(&once(8), batch(&["1"]).id).unwrap().unwrap();
        assert_eq!(taken.first_approval, Some(by(admin(8))));
        let alone = terms("0", csv).judge(&once(7), batch(&["1"]).id).unwrap().unwrap();
        assert_eq!(alone.first_approval, None, "the limit was lifted: theirs is the only approval");
    }

    /// R6.9: whatever can't be transferred stays out, with the reason.
    #[test]
    fn what_cannot_be_transferred_stays_out() {
        let (csv, bank) = (PayoutFormat::Csv, PayoutFormat::Pain001);
        let fine = Withdrawal { amount: usd("1.38888888"), ..requested() };
        for format in [csv, bank] {
            assert_eq!(judged(&fine, "0", format), Some(Err(LeftOutReason::NotTransferable)));
        }
        let to = |account: &str, name: Option<&str>| {
            let payout = Payout { method: "bank".into(), account: account.into(), name: name.map(str::to_owned) };
            Withdrawal { payout: Some(payout), ..requested() }
        };
        assert_eq!(judged(&to("a-1", Some("Ann")), "0", csv), Some(Ok(())));
        assert_eq!(judged(&to("a-1", Some("Ann")), "0", bank), Some(Err(LeftOutReason::NoIban)));
        assert_eq!(judged(&to("DE02120300000000202051", None), "0", bank), Some(Err(LeftOutReason::NoName)));
        assert_eq!(judged(&to("DE02 1203 0000 0000 2020 51", Some("Ann")), "0", bank), Some(Ok(())));
    }
}
