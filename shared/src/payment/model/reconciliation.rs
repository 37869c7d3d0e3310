//! The daily three-way report: compares provider, orders and ledger for a day's payments (R4.10).
//!
//! One [`Reconciliation`] per day and provider. It is made page by page, so it may stop anywhere and continue there. Payments
//! that differ are kept as [`Differences`], a bounded item per page, and each becomes a review item. Without differences its
//! sums are the zero-difference line. The report itself credits nothing: a payment whose webhook was lost is ingested first,
//! like a webhook.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use kernel::id::OrderId;
use kernel::money::{Currency, MoneyError, PayMoney};
use kernel::provider::Provider;
use kernel::text_enum;

/// Net amounts on the three sides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sides {
    /// By the provider's book.
    pub provider: PayMoney,
    /// By our orders, and money in review.
    pub orders: PayMoney,
    /// By the journal lines of the provider's platform account.
    pub ledger: PayMoney,
}

impl Sides {
    /// Zero on every side.
    pub fn none(currency: Currency) -> Self {
        let zero = PayMoney::zero(currency);
        Self { provider: zero, orders: zero, ledger: zero }
    }

    /// True if all three sides are equal.
    pub fn agree(&self) -> bool {
        self.provider == self.orders && self.orders == self.ledger
    }

    /// Sum of both, side by side.
    ///
    /// # Rejects
    /// A different currency; overflow.
    pub fn plus(&self, other: &Self) -> Result<Self, MoneyError> {
        Ok(Self {
            provider: self.provider.plus(other.provider)?,
            orders: self.orders.plus(other.orders)?,
            ledger: self.ledger.plus(other.ledger)?,
        })
    }

    /// Kind of the difference, if the sides differ.
    pub fn verdict(&self) -> Option<DifferenceKind> {
        if self.agree() {
            None
        } else if self.orders.is_zero() && self.ledger.is_zero() {
            Some(DifferenceKind::MissingHere)
        } else if self.provider.is_zero() {
            Some(DifferenceKind::MissingThere)
        } else {
            Some(DifferenceKind::AmountDiffers)
        }
    }
}

text_enum! {
    /// How a payment differs.
    pub enum DifferenceKind {
        /// The provider holds money that we know nothing of.
        MissingHere = "missing_here",
        /// We credited money that the provider does not hold.
        MissingThere = "missing_there",
        /// All know it, and not as the same.
        AmountDiffers = "amount_differs",
        /// A person completed the order, and the provider has not confirmed it yet (R4.12).
        Unconfirmed = "unconfirmed",
        /// The provider's word about it holds a value that is unknown here, such as a currency; its sides are zero (F14).
        Unreadable = "unreadable",
    }
}

/// A payment on which the sides differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentDifference {
    /// The provider's payment id, if there is a payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// Our order, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    pub verdict: DifferenceKind,
    pub sides: Sides,
}

/// Differences on one page of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Differences {
    /// Day of the report, in UTC.
    pub date: Date,
    pub provider: Provider,
    /// Page number within the report, from 0.
    pub page: u32,
    pub lines: Vec<PaymentDifference>,
}

/// Next step of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Compare the provider's own list of the day.
    Book,
    /// Compare the payments of earlier days of which the provider gave something back on the day.
    Refunds,
    /// Compare the payments of earlier days that were disputed on the day.
    Disputes,
    /// Compare our orders of the day.
    Orders,
    /// List orders completed by hand and not confirmed, of any day.
    Unconfirmed,
    Done,
}

/// Report about one provider's day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// The day, in UTC.
    pub date: Date,
    pub provider: Provider,
    pub stage: Stage,
    /// Start of the next page within the stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Pages done so far.
    pub pages: u32,
    /// Payments and orders compared.
    pub checked: u64,
    /// Compared payments and orders that differ.
    pub differences: u64,
    /// Orders that wait for the provider's confirmation.
    pub unconfirmed: u64,
    /// Sums of everything compared, one per currency.
    pub sums: Vec<Sides>,
    pub started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Start of its latest repetition, if a later day changed its lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_at: Option<Timestamp>,
    /// First page of its latest repetition; the pages before are out of date.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub first_page: u32,
}

fn is_zero(page: &u32) -> bool {
    *page == 0
}

/// Comparison of one page of a report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Looked {
    /// Sides of each compared payment, by payment id and order.
    pub compared: Vec<(Option<String>, Option<OrderId>, Sides)>,
    /// Payments of earlier days, which count in no sum of this day.
    pub returned: Vec<(Option<String>, Option<OrderId>, Sides)>,
    /// Earlier days whose lines changed.
    pub changed: BTreeSet<Date>,
    /// Orders that wait for the provider's confirmation.
    pub unconfirmed: Vec<(OrderId, Sides)>,
    /// Payments of which the provider's word can't be read, with nothing on each side.
    pub unreadable: Vec<(String, Option<OrderId>, Sides)>,
    /// Start of the next page of the same stage.
    pub next: Option<String>,
}

impl Reconciliation {
    /// Start of the day, in UTC.
    pub fn day(&self) -> Timestamp {
        self.date.to_zoned(TimeZone::UTC).map_or(self.started_at, |day| day.timestamp())
    }

    /// A report that starts now.
    ///
    /// Only Stripe lists a day's payments; for a gateway the report queries each order.
    pub fn begin(date: Date, provider: Provider, now: Timestamp) -> Self {
        let stage = if provider == Provider::Stripe { Stage::Book } else { Stage::Orders };
        Self {
            date,
            provider,
            stage,
            cursor: None,
            pages: 0,
            checked: 0,
            differences: 0,
            unconfirmed: 0,
            sums: Vec::new(),
            started_at: now,
            finished_at: None,
            reopened_at: None,
            first_page: 0,
        }
    }

    /// The finished report to be made again, since a refund or dispute of a later day changed a line of it.
    ///
    /// `None` unless it was finished before `now`.
    pub fn reopened(&self, now: Timestamp) -> Option<Self> {
        self.finished_at.filter(|at| *at < now)?;
        let begun = Self { started_at: self.started_at, ..Self::begin(self.date, self.provider, now) };
        Some(Self { pages: self.pages, first_page: self.pages, reopened_at: Some(now), ..begun })
    }

    /// True while it is made again.
    pub fn is_reopened(&self) -> bool {
        self.reopened_at.is_some() && self.stage != Stage::Done
    }

    /// The report after one more page, with the differences on that page.
    ///
    /// # Rejects
    /// Sums out of range.
    pub fn after(&self, looked: Looked, now: Timestamp) -> Result<(Self, Differences), MoneyError> {
        let mut after = self.clone();
        let mut lines = Vec::new();
        for (payment_id, order_id, sides) in looked.compared {
            after.checked = after.checked.saturating_add(1);
            after.add(&sides)?;
            if let Some(verdict) = sides.verdict() {
                after.differences = after.differences.saturating_add(1);
                lines.push(PaymentDifference { payment_id, order_id, verdict, sides });
            }
        }
        for (payment_id, order_id, sides) in looked.returned {
            after.checked = after.checked.saturating_add(1);
            if let Some(verdict) = sides.verdict() {
                after.differences = after.differences.saturating_add(1);
                lines.push(PaymentDifference { payment_id, order_id, verdict, sides });
            }
        }
        for (payment_id, order_id, sides) in looked.unreadable {
            after.checked = after.checked.saturating_add(1);
            after.differences = after.differences.saturating_add(1);
            let verdict = DifferenceKind::Unreadable;
            lines.push(PaymentDifference { payment_id: Some(payment_id), order_id, verdict, sides });
        }
        for (order, sides) in looked.unconfirmed {
            after.unconfirmed = after.unconfirmed.saturating_add(1);
            lines.push(PaymentDifference {
                payment_id: None,
                order_id: Some(order),
                verdict: DifferenceKind::Unconfirmed,
                sides,
            });
        }
        after.cursor = looked.next;
        if after.cursor.is_none() {
            after.stage = match self.stage {
                Stage::Book => Stage::Refunds,
                Stage::Refunds => Stage::Disputes,
                Stage::Disputes => Stage::Orders,
                Stage::Orders => Stage::Unconfirmed,
                Stage::Unconfirmed | Stage::Done => Stage::Done,
            };
        }
        after.finished_at = (after.stage == Stage::Done).then_some(now);
        let page = self.pages;
        after.pages = page.saturating_add(1);
        Ok((after, Differences { date: self.date, provider: self.provider, page, lines }))
    }

    fn add(&mut self, sides: &Sides) -> Result<(), MoneyError> {
        let currency = sides.provider.currency();
        match self.sums.iter_mut().find(|sum| sum.provider.currency() == currency) {
            Some(sum) => *sum = sum.plus(sides)?,
            None => self.sums.push(*sides),
        }
        Ok(())
    }

    /// True if the report is complete and nothing differs.
    pub fn is_clean(&self) -> bool {
        self.stage == Stage::Done && self.differences == 0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::payment::model::order::tests::{cny, now};

    fn sides(provider: &str, orders: &str, ledger: &str) -> Sides {
        Sides { provider: cny(provider), orders: cny(orders), ledger: cny(ledger) }
    }

    /// R4.10
    #[test]
    fn three_sides_agree_or_say_how_they_differ() {
        let cases = [
            (sides("100", "100", "100"), None),
            (sides("0", "0", "0"), None),
            (sides("100", "0", "0"), Some(DifferenceKind::MissingHere)),
            (sides("0", "100", "100"), Some(DifferenceKind::MissingThere)),
            (sides("100", "70", "70"), Some(DifferenceKind::AmountDiffers)),
            (sides("100", "100", "70"), Some(DifferenceKind::AmountDiffers)),
        ];
        for (sides, verdict) in cases {
            assert_eq!(sides.verdict(), verdict, "{sides:?}");
        }
    }

    /// R4.10: a report advances by stage and page, and its sums cover everything compared.
    #[test]
    fn a_report_is_made_page_by_page() {
        let report = Reconciliation::begin("2026-11-20".parse().unwrap(), Provider::Stripe, now());
        let row = |sides| (Some("pi_1".to_owned()), None, sides);
        let first = Looked {
            compared: vec![row(sides("100", "100", "100")), row(sides("50", "0", "0"))],
            next: Some("ch_2".into()),
            ..Looked::default()
        };
        let (report, found) = report.after(first, now()).unwrap();
        assert_eq!((report.stage, report.cursor.as_deref(), report.differences), (Stage::Book, Some("ch_2"), 1));
        assert_eq!((found.page, found.lines.len(), found.lines[0].verdict), (0, 1, DifferenceKind::MissingHere));
        let last = Looked { compared: vec![row(sides("1", "1", "1"))], ..Looked::default() };
        let (report, found) = report.after(last, now()).unwrap();
        assert_eq!((report.stage, found.lines.len(), report.sums[0]), (Stage::Refunds, 0, sides("151", "101", "101")));
        let earlier = Looked { returned: vec![row(sides("70", "100", "100"))], ..Looked::default() };
        let (report, found) = report.after(earlier, now()).unwrap();
        assert_eq!((report.stage, found.lines.len(), report.sums[0]), (Stage::Disputes, 1, sides("151", "101", "101")));
        let (report, _) = report.after(Looked::default(), now()).unwrap();
        let (report, _) = report.after(Looked::default(), now()).unwrap();
        let waiting = OrderId::new(ulid::Ulid::from_parts(1, 1));
        let waits = Looked { unconfirmed: vec![(waiting, sides("0", "9", "9"))], ..Looked::default() };
        let (report, found) = report.after(waits, now()).unwrap();
        assert_eq!((report.stage, report.unconfirmed, report.pages), (Stage::Done, 1, 6));
        assert_eq!(found.lines[0].verdict, DifferenceKind::Unconfirmed);
        assert!(report.finished_at.is_some() && !report.is_clean());
        assert_eq!(report.reopened(now()), None, "nothing later has happened");
        let again = report.reopened(now().checked_add(jiff::SignedDuration::from_secs(1)).unwrap()).unwrap();
        assert_eq!((again.stage, again.pages, again.first_page, again.differences), (Stage::Book, 6, 6, 0));
        assert!(again.is_reopened() && again.sums.is_empty());
    }
}
